// Mails of the loyalty programme: who is told of a tier and of points that end, and how often.
import { randomUUID } from 'node:crypto';
import t from 'tap';
import { runJob, startJobOnce } from '../../src/actions/jobs.ts';
import { LOYALTY_MAILS, pointsRemindersSlice } from '../../src/actions/loyalty-mails.ts';
import { ingestOrders } from '../../src/actions/orders.ts';
import { transaction } from '../../src/db/connection.ts';
import type { ProgrammeSettings } from '../../src/domain/loyalty/programme.ts';
import { localTimeAt } from '../../src/domain/zoned-time.ts';
import { type TestStore, testApp, testDatabase } from '../support/harness.ts';
import { type LoyaltyStore, loyaltyStore } from '../support/loyalty.ts';
import { delivery } from '../support/loyalty-orders.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);

const DAY_MS = 86_400_000;
const inDays = (days: number): Date => new Date(Date.now() + days * DAY_MS);

const level = (key: string, threshold: number) => ({
  key,
  name: key,
  threshold,
  multiplier: 1,
  earlyAccessHours: 0,
  freeShipping: false,
  label: null,
});
const TIERS: ProgrammeSettings['tiers'] = {
  basis: 'spend',
  window: 'lifetime',
  downgrade: 'none',
  graceDays: 0,
  levels: [level('bronze', 0), level('silver', 15_000), level('gold', 40_000)],
};
const MAILS = { tierReached: true, pointsExpiring: true };

const shop = (settings: Partial<ProgrammeSettings> = {}): Promise<LoyaltyStore> =>
  loyaltyStore(app, database, { expiry: { kind: 'none' }, tiers: TIERS, mails: MAILS, ...settings });

interface Mail {
  id: string;
  customerId: string;
  data: Record<string, unknown>;
  sendAfter: Date;
}

async function mailsOf(store: TestStore, kind: string): Promise<Mail[]> {
  const { rows } = await database.owner.query<Mail>(
    `select id, customer_id as "customerId", data, send_after as "sendAfter" from messages
     where store_id = $1 and kind = $2 order by id`,
    [store.storeId, kind],
  );
  return rows;
}

const tiersTold = async (store: TestStore): Promise<unknown[]> =>
  (await mailsOf(store, 'tier_reached')).map(({ data }) => data.tier);

const take = (store: TestStore, ...orders: ReturnType<typeof delivery>[]) =>
  ingestOrders(store.ctx(), orders);

/** One night. */
async function remind(store: TestStore): Promise<Record<string, number>> {
  const ctx = store.ctx();
  const id = randomUUID();
  await startJobOnce(ctx, { kind: 'points-reminders', id, params: {} });
  await runJob(ctx, id, pointsRemindersSlice, new AbortController().signal);
  return (await store.call('GET', `/v1/jobs/${id}`)).data.outcomes;
}

/** Those of the mails that are still to be sent. */
async function made(store: TestStore, kind: keyof typeof LOYALTY_MAILS): Promise<string[]> {
  const { db } = store.ctx();
  const mails = await mailsOf(store, kind);
  return transaction(db, async (tx) => [...(await LOYALTY_MAILS[kind](store.ctx(), tx, mails)).keys()]);
}

t.test('P7 a member who rises is told, once, of the tier in which it ends', async (t) => {
  const store = await shop();
  await take(store, delivery('o1'));
  t.same(await tiersTold(store), [], 'the tier that everybody has is no news');
  await take(store, delivery('o2'));
  t.same(await tiersTold(store), ['silver']);
  await take(store, delivery('o3'), delivery('o4'), delivery('o5'));
  t.same(await tiersTold(store), ['silver', 'gold']);
  const whole = await shop();
  await take(whole, ...[1, 2, 3, 4, 5].map((number) => delivery(`o${number}`)));
  t.same(await tiersTold(whole), ['gold'], 'who rises twice at once is told of the last');
  const [mail] = await mailsOf(whole, 'tier_reached');
  const { data } = await whole.call('GET', `/v1/messages/${mail?.id}`);
  t.match(data, { kind: 'tier_reached', class: 'transactional', status: 'pending', toEmail: null });
});

t.test('P7 a tier by hand is told too; down, and up again on one day, nobody is told', async (t) => {
  const store = await shop();
  const id = await store.member({ tier: 'bronze' });
  const url = `/v1/customers/${id}/loyalty/tier`;
  const body = { tier: 'gold', until: inDays(30).toISOString(), reason: 'A good friend' };
  t.equal((await store.call('PUT', url, body)).statusCode, 200);
  t.same(await tiersTold(store), ['gold']);
  t.ok((await store.call('DELETE', url)).statusCode < 300);
  t.same(await made(store, 'tier_reached'), [], 'who is gold no more is not welcomed to it');
  await store.call('PUT', url, body);
  t.same(await tiersTold(store), ['gold']);
  t.equal((await made(store, 'tier_reached')).length, 1);
});

t.test('a programme that says nothing of mails sends none', async (t) => {
  const { mails: _, ...silent } = { mails: undefined };
  const store = await loyaltyStore(app, database, { ...silent, expiry: { kind: 'none' }, tiers: TIERS });
  await take(store, delivery('o1'), delivery('o2'));
  t.same(await tiersTold(store), []);
  await store.member({ points: 100, expiresAt: inDays(5) });
  t.same(await remind(store), {});
  t.same(await mailsOf(store, 'points_expiring'), []);
  const off = await shop({ mails: { tierReached: false, pointsExpiring: false } });
  await take(off, delivery('o1'), delivery('o2'));
  t.same(await tiersTold(off), []);
});

t.test('points that end within 14 days are told of once, in the morning', async (t) => {
  const store = await shop();
  const soon = await store.member({ points: 100, expiresAt: inDays(13.9) });
  await store.member({ points: 100, expiresAt: inDays(14.1) });
  await store.member({ points: 100 });
  const over = await store.member({ points: 100, expiresAt: inDays(1) });
  await database.owner.query(
    `update lots set active_from = active_from - interval '9 days', expires_at = now() - interval '1 hour'
     where account_id in (select id from ledger_accounts where customer_id = $1)`,
    [over],
  );
  t.same(await remind(store), { reminded: 1 });
  const [mail] = await mailsOf(store, 'points_expiring');
  t.equal(mail?.customerId, soon);
  const { hour } = localTimeAt(mail?.sendAfter ?? new Date(), 'Europe/Berlin');
  t.ok(hour >= 9 && hour < 20, `${hour} h`);
  t.same(await remind(store), { reminded: 0 });
});

t.test(
  'nobody hears of each small lot: the first to end counts, and the next one a week later',
  async (t) => {
    const store = await shop();
    const id = await store.member({ points: 10, expiresAt: inDays(12) });
    for (const days of [10, 11, 13]) await store.grant(id, 10, inDays(days));
    t.same(await remind(store), { reminded: 1 });
    t.same(await remind(store), { reminded: 0 });
    await database.owner.query(
      `update messages set created_at = created_at - interval '8 days' where store_id = $1`,
      [store.storeId],
    );
    await database.owner.query(
      `update lots set is_open = false, remaining = 0 where store_id = $1 and expires_at < now() + interval '11 days'`,
      [store.storeId],
    );
    t.same(await remind(store), { reminded: 1 });
    const lots = (await mailsOf(store, 'points_expiring')).map(({ data }) => data.lotId);
    t.equal(new Set(lots).size, 2);
  },
);

t.test('who left, is disabled or has no address hears nothing; spent points are not spoken of', async (t) => {
  const store = await shop();
  const gone = await store.member({ points: 10, expiresAt: inDays(5) });
  await store.post(`/v1/customers/${gone}/loyalty/leave`);
  const disabled = await store.member({ points: 10, expiresAt: inDays(5) });
  await database.owner.query(`update customers set account_status = 'disabled' where id = $1`, [disabled]);
  const spender = await store.member({ points: 10, expiresAt: inDays(5) });
  t.same(await remind(store), { reminded: 1 });
  t.equal((await made(store, 'points_expiring')).length, 1);
  await database.owner.query(
    `update lots set is_open = false, remaining = 0
     where account_id in (select id from ledger_accounts where customer_id = $1)`,
    [spender],
  );
  t.same(await made(store, 'points_expiring'), []);
});
