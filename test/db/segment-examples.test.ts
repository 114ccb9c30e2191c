// Every documented query on a store with life in it: both evaluators find the same customers.

import { sql } from 'drizzle-orm';
import t from 'tap';
import { seedStore } from '../../src/actions/seed.ts';
import { updateStore } from '../../src/actions/stores.ts';
import { execute } from '../../src/db/connection.ts';
import { isListed } from '../../src/db/customer-selection.ts';
import {
  DOCUMENTED_CATALOGUE,
  DOCUMENTED_FIELDS,
  DOCUMENTED_PRESETS,
  DOCUMENTED_QUERIES,
} from '../support/documented-segments.ts';
import { testApp, testDatabase, testStore } from '../support/harness.ts';
import { bindEnv, bound, savedSegments } from '../support/segment-binding.ts';
import { factsOf, membersAmong, membersOf } from '../support/segments.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);

const AT = new Date('2026-03-02T09:30:00Z');
const SIZES = { customers: 300, orders: 1_500 };

const store = await testStore(app, database, { currency: 'GBP', timezone: 'Europe/London' });
const ctx = store.ctx(AT);
await updateStore(ctx, { customFields: [...DOCUMENTED_FIELDS] });
await seedStore(ctx, { sizes: SIZES });
const customers = await execute<{ id: string }>(
  ctx.db,
  sql`select customers.id from customers where ${isListed(store.storeId)}`,
);
const env = bindEnv({
  at: AT,
  timezone: 'Europe/London',
  currency: 'GBP',
  catalogue: DOCUMENTED_CATALOGUE,
  segments: savedSegments(Object.fromEntries(DOCUMENTED_PRESETS.map(({ slug, query }) => [slug, query]))),
});
const facts = await factsOf(
  ctx.db,
  customers.map(({ id }) => id),
  env,
);

t.test('every documented query finds the same customers by SQL and one by one', async (t) => {
  t.ok(facts.length >= SIZES.customers, 'the store has customers');
  let found = 0;
  for (const text of DOCUMENTED_QUERIES) {
    const query = bound(text, env);
    const alone = membersAmong(query, facts);
    t.same(await membersOf(ctx.db, query, 'set'), alone, text);
    t.same(await membersOf(ctx.db, query, 'probe'), alone, `${text}, one by one`);
    if (alone.length > 0) found++;
  }
  t.ok(found > DOCUMENTED_QUERIES.length / 2, `${found} of ${DOCUMENTED_QUERIES.length} find somebody`);
});
