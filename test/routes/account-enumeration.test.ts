// Nothing tells whether an address has an account: not the answer, and not the time that it takes.
import { randomUUID } from 'node:crypto';
import t from 'tap';
import { OTHER_PASSWORD, type Shop, shopOf, shopper } from '../support/accounts.ts';
import { type Answer, testApp, testDatabase, testStore } from '../support/harness.ts';

t.setTimeout(120_000);
const database = await testDatabase(t);
const app = await testApp(t, database);

/** Pairs of one known and one unknown address. */
const PAIRS = 40;
/** Of the Mann-Whitney statistic: with equal times one run in 15,000 comes out of it by chance. */
const MOST_Z = 4;
/** A difference in the medians below this share is noise of the machine, whatever the statistic says. */
const NOISE = 0.15;

const median = (times: readonly number[]): number =>
  [...times].sort((a, b) => a - b)[times.length >> 1] as number;

/** How far the ranks of `one` among both are from what chance gives, in standard deviations. */
function mannWhitney(one: readonly number[], other: readonly number[]): number {
  const wins = one.reduce((sum, a) => sum + other.filter((b) => a > b).length, 0);
  const [n, m] = [one.length, other.length];
  return (wins - (n * m) / 2) / Math.sqrt((n * m * (n + m + 1)) / 12);
}

type Ask = (shop: Shop, email: string, round: number) => Promise<Answer>;

const QUESTIONS: Readonly<Record<string, Ask>> = {
  'log-in': (shop, email, round) => shop.logIn(email, OTHER_PASSWORD, `10.0.0.${round}`),
  'password reset': (shop, email) => shop.page('POST', '/password-reset', { email }),
  registration: (shop, email) => shop.page('POST', '/register', { email, password: OTHER_PASSWORD }),
};

const someone = () => `${randomUUID()}@example.com`;

/** Known ones share one password, made once. */
async function addresses(shop: Shop): Promise<{ known: string[]; unknown: string[] }> {
  const { id, email } = await shopper(shop);
  const known = [email, ...Array.from({ length: PAIRS - 1 }, someone)];
  for (const other of known.slice(1))
    await shop.call('POST', '/v1/customers', { email: other, accountStatus: 'active' });
  await database.owner.query(
    `insert into credentials (store_id, customer_id, password_hash, changed_at)
     select c.store_id, c.id, k.password_hash, k.changed_at from customers c, credentials k
     where c.store_id = $1 and k.store_id = $1 and k.customer_id = $2 and c.id <> $2`,
    [shop.storeId, id],
  );
  return { known, unknown: known.map(someone) };
}

/** The parts of an answer that do not name the request. */
function faceOf({ statusCode, headers, data }: Answer): string {
  const { instance: _, ...body } = data;
  const { date: __, 'request-id': ___, 'x-request-id': ____, ratelimit: _____, ...rest } = headers;
  return JSON.stringify({ statusCode, headers: { ...rest, 'content-length': undefined }, body });
}

for (const [what, ask] of Object.entries(QUESTIONS)) {
  t.test(
    `no account enumeration by ${what}: known and unknown addresses get one answer in one time`,
    async (t) => {
      const shop = shopOf(app, await testStore(app, database));
      const { known, unknown } = await addresses(shop);
      for (let round = 0; round < 5; round++) await ask(shop, someone(), 200 + round);
      const times = { known: [] as number[], unknown: [] as number[] };
      const faces = new Set<string>();
      for (let pair = 0; pair < PAIRS; pair++) {
        const order = pair % 2 === 0 ? (['known', 'unknown'] as const) : (['unknown', 'known'] as const);
        for (const side of order) {
          const email = { known, unknown }[side][pair] as string;
          const started = performance.now();
          const answer = await ask(shop, email, pair);
          times[side].push(performance.now() - started);
          faces.add(faceOf(answer));
        }
      }
      t.equal(faces.size, 1, [...faces].join('\n'));
      const [one, other] = [median(times.known), median(times.unknown)];
      const z = mannWhitney(times.known, times.unknown);
      const apart = Math.abs(one - other) / Math.max(one, other);
      t.comment(`known ${one.toFixed(2)} ms, unknown ${other.toFixed(2)} ms, z ${z.toFixed(1)}`);
      t.ok(
        Math.abs(z) < MOST_Z || apart < NOISE,
        `z ${z.toFixed(1)}, medians ${(apart * 100).toFixed(0)} % apart`,
      );
    },
  );
}
