// The two evaluators agree: SQL over the whole store, at once and one by one, and the pure function over facts, on
// generated customers × queries × instants × zones × currencies. SEGMENT_SEED repeats a run.
import fc from 'fast-check';
import t from 'tap';
import { updateStore } from '../../src/actions/stores.ts';
import { type BindEnv, bind } from '../../src/domain/segments/bind.ts';
import type { Facts } from '../../src/domain/segments/facts.ts';
import { catalogueOf } from '../../src/domain/segments/fields.ts';
import { parseQuery } from '../../src/domain/segments/parse.ts';
import { printQuery } from '../../src/domain/segments/print.ts';
import { isRefusal } from '../../src/domain/segments/problems.ts';
import { testApp, testDatabase, testStore } from '../support/harness.ts';
import { bindEnv } from '../support/segment-binding.ts';
import { guesses } from '../support/segment-guesses.ts';
import { CUSTOM_FIELDS, GROUPS, MOMENTS } from '../support/segment-pools.ts';
import { populate } from '../support/segment-population.ts';
import { queries } from '../support/segment-queries.ts';
import { factsOf, membersAmong, membersOf } from '../support/segments.ts';

t.setTimeout(280_000);

const PLACES = [
  ['Europe/Berlin', 'EUR'],
  ['America/Santiago', 'JPY'],
  ['Pacific/Kiritimati', 'KWD'],
] as const;
const CUSTOMERS = 80;
const QUERIES = Number(process.env.SEGMENT_QUERIES ?? 250);
const seed = Number(process.env.SEGMENT_SEED ?? Date.now() % 2 ** 31);

const database = await testDatabase(t);
const app = await testApp(t, database);
const catalogue = catalogueOf(CUSTOM_FIELDS);
const segments = new Map(
  Object.entries({
    buyers: "number_of_orders > 0 AND customer_tags CONTAINS ANY ('VIP', 'friend')",
    outer: "NOT in_segment('buyers') OR company IS NULL",
  }).map(([slug, text]) => {
    const parsed = parseQuery(text);
    if (isRefusal(parsed)) throw new Error(text);
    return [slug, parsed.query] as const;
  }),
);

for (const [place, [timezone, currency]] of PLACES.entries()) {
  t.test(`both evaluators agree in ${timezone} with ${currency}`, async (t) => {
    const store = await testStore(app, database, { timezone, currency });
    await updateStore(store.ctx(), { customFields: CUSTOM_FIELDS });
    const ids = await populate(store, { seed: seed + place, count: CUSTOMERS, timezone, currency });
    const { db } = store.ctx();
    const envs = MOMENTS.map((at) =>
      bindEnv({ at, timezone, currency, catalogue, segments, groups: [...GROUPS] }),
    );
    // What counts of lots depends on the instant of asking.
    const factsAt: Facts[][] = [];
    for (const env of envs) factsAt.push(await factsOf(db, ids, env));
    t.ok(factsAt.every((facts) => facts.length === CUSTOMERS));
    // In euros also texts that have broken other languages: SQL must see them as values.
    const nasty = currency === 'EUR' ? queries({ catalogue }) : guesses(catalogue, currency);
    const asked = fc.oneof(
      { weight: 4, arbitrary: guesses(catalogue, currency) },
      { weight: 1, arbitrary: nasty },
    );
    const sampled = fc.sample(asked, { seed: seed + place, numRuns: QUERIES });
    const disagreements: string[] = [];
    let comparisons = 0;
    let mixed = 0;
    for (const [index, query] of sampled.entries()) {
      const moment = index % MOMENTS.length;
      const [env, facts = []] = [envs[moment] as BindEnv, factsAt[moment]];
      const text = printQuery(query);
      const one = bind(query, env);
      if (isRefusal(one)) {
        disagreements.push(`${text}: ${one.problems[0]?.message}`);
        continue;
      }
      const alone = membersAmong(one, facts);
      for (const form of ['set', 'probe'] as const) {
        const members = await membersOf(db, one, form);
        comparisons += ids.length;
        const differ = ids.filter((id) => members.includes(id) !== alone.includes(id));
        if (differ.length > 0)
          disagreements.push(`${form} at ${MOMENTS[moment]} ${differ.length} of ${ids.length}: ${text}`);
      }
      if (alone.length > 0 && alone.length < facts.filter(({ isListed }) => isListed).length) mixed++;
    }
    t.same(disagreements.slice(0, 5), [], `seed ${seed}`);
    t.ok(mixed > QUERIES / 3, `${mixed} of ${QUERIES} queries tell customers apart`);
    t.comment(
      `seed ${seed}: ${comparisons} comparisons, ${mixed} of ${QUERIES} queries tell customers apart`,
    );
    t.ok(comparisons >= 20_000 / PLACES.length || QUERIES < 100);
  });
}
