// The ledger as it is read over HTTP: accounts, as-of (L9), lots, transfers, holds, statements (K9).
import { randomUUID } from 'node:crypto';
import t from 'tap';
import {
  captureHold,
  changeCredit,
  extendHold,
  holdCredit,
  redeemCredit,
  refundCredit,
  voidHold,
} from '../../src/actions/credit.ts';
import { accountView } from '../../src/actions/ledger-answers.ts';
import { findLedgerAccount } from '../../src/db/ledger/accounts.ts';
import { momentOf } from '../../src/domain/ledger/accounts.ts';
import { type Answer, testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);

const DAY_MS = 24 * 3600_000;
const iso = (at: Date) => at.toISOString();

/** A store with customers whose credit moves at any instant that a test wants. */
async function shop(options: Parameters<typeof testStore>[2] = {}) {
  const store = await testStore(app, database, options);
  const customer = async (): Promise<string> => {
    const email = `${randomUUID()}@example.com`;
    return (await store.call('POST', '/v1/customers', { email, accountStatus: 'active' })).data.id;
  };
  const grant = (
    at: Date,
    id: string,
    amount: number,
    more: { expiresAt?: Date; currency?: string; reference?: string } = {},
  ) => changeCredit(store.ctx(at), id, { amount, currency: 'EUR', reason: '=Goodwill', ...more });
  const redeem = (at: Date, id: string, amount: number) =>
    redeemCredit(store.ctx(at), id, { amount, currency: 'EUR' });
  const read = async (path: string): Promise<Answer['data']> => {
    const answer = await store.call('GET', `/v1${path}`);
    if (answer.statusCode !== 200) throw new Error(`${path}: ${answer.body}`);
    return answer.data;
  };
  return { ...store, customer, grant, redeem, read };
}

/** All items of a list, page by page of two. */
async function allOf(
  read: (path: string) => Promise<Answer['data']>,
  path: string,
): Promise<Answer['data'][]> {
  const items = [];
  for (let cursor = ''; ; ) {
    const { data, page } = await read(`${path}${path.includes('?') ? '&' : '?'}limit=2${cursor}`);
    items.push(...data);
    if (!page.hasMore) return items;
    cursor = `&cursor=${page.nextCursor}`;
  }
}

const AT = new Date('2026-03-10T12:00:00Z');
const later = (days: number, ms = 0) => new Date(AT.getTime() + days * DAY_MS + ms);

t.test('accounts are listed page by page, by customer and by unit, with what they are worth', async (t) => {
  const { customer, grant, read } = await shop();
  const [ada, ben] = [await customer(), await customer()];
  await grant(AT, ada, 3_000_000_000_000);
  await grant(AT, ada, 200, { currency: 'USD' });
  await grant(AT, ben, 300);
  const all = await allOf(read, '/ledger/accounts');
  t.same(
    all.map(({ customerId, unit, balance, available }) => [customerId, unit, balance, available]),
    [
      [ada, 'EUR', 3_000_000_000_000, 3_000_000_000_000],
      [ada, 'USD', 200, 200],
      [ben, 'EUR', 300, 300],
    ],
  );
  t.equal((await read(`/ledger/accounts?customerId=${ada}`)).data.length, 2);
  t.same(
    (await read('/ledger/accounts?unit=USD')).data.map(({ balance }: Answer['data']) => balance),
    [200],
  );
  t.match(await read(`/ledger/accounts/${all[0].id}`), { id: all[0].id, seq: 1, hash: /^[\da-f]{64}$/ });
  const other = await shop();
  t.same((await other.read('/ledger/accounts')).data, []);
  t.equal((await other.call('GET', `/v1/ledger/accounts/${all[0].id}`)).statusCode, 404);
  t.equal((await other.call('GET', `/v1/ledger/accounts/${all[0].id}/lots`)).statusCode, 404);
  t.equal((await other.call('GET', `/v1/ledger/verify?accountId=${all[0].id}`)).statusCode, 404);
  t.same((await other.read(`/ledger/transfers?accountId=${all[0].id}`)).data, []);
  t.same((await other.read(`/ledger/holds?accountId=${all[0].id}`)).data, []);
});

/** A pseudo-random number below `below`, the same in every run. */
function dice(seed: number) {
  let state = seed;
  return (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

t.test('L9 an account as of an instant is what it was answered to be at that instant', async (t) => {
  const store = await shop();
  await store.call('PATCH', '/v1/store', { creditAllowNegative: true });
  for (const seed of [1, 2, 3]) {
    const id = await store.customer();
    const roll = dice(seed);
    const key = { customerId: id, unit: 'EUR' };
    const paid: string[] = [];
    const held: string[] = [];
    const seen: { at: Date; view: Record<string, unknown> }[] = [];
    let at = AT;
    for (let step = 0; step < 60; step++) {
      at = new Date(at.getTime() + 1 + roll(30) * 3600_000);
      const ctx = store.ctx(at);
      const amount = 1 + roll(900);
      const holdId = held[roll(Math.max(1, held.length))] ?? '';
      const moves = [
        () =>
          store.grant(
            at,
            id,
            amount * 2,
            roll(2) ? { expiresAt: new Date(at.getTime() + 1 + roll(120) * 3600_000) } : {},
          ),
        async () => void paid.push((await store.redeem(at, id, amount)).transfer?.id ?? ''),
        () => changeCredit(ctx, id, { amount: -amount, currency: 'EUR', reason: 'Correction' }),
        async () =>
          void held.push(
            (await holdCredit(ctx, id, { amount, currency: 'EUR', ttlMinutes: 1 + roll(4000) })).hold?.id ??
              '',
          ),
        async () => void paid.push((await captureHold(ctx, id, { holdId })).transfer?.id ?? ''),
        () => voidHold(ctx, id, { holdId }),
        () =>
          refundCredit(ctx, id, {
            transferId: paid[roll(Math.max(1, paid.length))] ?? '',
            amount: 1 + roll(50),
          }),
      ];
      // What is refused changes nothing, which is as good a step as any.
      await moves[roll(moves.length)]?.().catch(() => undefined);
      const state = (await findLedgerAccount(ctx.db, key))?.state;
      if (state)
        seen.push({
          at,
          view: { ...accountView(id, state, momentOf(state, at)), seq: state.seq, hash: state.hash },
        });
    }
    t.ok(seen.length > 40, `${seen.length} instants`);
    const accountId = seen[0]?.view.id;
    for (const { at, view } of seen) {
      const then = await store.read(
        `/ledger/accounts/${accountId}?effectiveAt=${iso(at)}&recordedAt=${iso(at)}`,
      );
      t.match(then, view, `seed ${seed}, ${iso(at)}`);
    }
    const end = await store.read(`/ledger/accounts/${accountId}`);
    t.match(
      await store.read(
        `/ledger/accounts/${accountId}?recordedAt=${end.recordedAt}&effectiveAt=${end.effectiveAt}`,
      ),
      end,
    );
    for (let day = -1; day < 90; day += 7) {
      const { balance, available, held, pending, expired } = await store.read(
        `/ledger/accounts/${accountId}?effectiveAt=${iso(later(day))}`,
      );
      t.equal(balance, available + held + pending + expired, `L2 as of day ${day}`);
    }
  }
});

t.test('L9 both axes: what counts is not what was known', async (t) => {
  const { customer, grant, redeem, read, ctx } = await shop();
  const id = await customer();
  await grant(AT, id, 500, { expiresAt: later(10) });
  const { account } = await redeem(later(5), id, 200);
  const as = (query: string) => read(`/ledger/accounts/${account.id}?${query}`);
  t.match(await as(`recordedAt=${iso(later(0, -1))}`), { balance: 0, seq: 0, hash: '' }, 'before the first');
  t.match(
    await as(`recordedAt=${iso(AT)}&effectiveAt=${iso(AT)}`),
    { balance: 500, available: 500, seq: 1 },
    'to the millisecond',
  );
  t.match(await as(`recordedAt=${iso(later(4))}&effectiveAt=${iso(later(20))}`), {
    balance: 500,
    available: 0,
    expired: 500,
  });
  t.match(await as(`effectiveAt=${iso(later(10, -1))}`), { balance: 300, available: 300 });
  t.match(await as(`effectiveAt=${iso(later(10))}`), { balance: 300, available: 0, expired: 300 });
  const { hold } = await holdCredit(ctx(later(6)), id, { amount: 100, currency: 'EUR', ttlMinutes: 60 });
  await extendHold(ctx(later(6, 1000)), id, { holdId: hold?.id ?? '', ttlMinutes: 120 });
  await voidHold(ctx(later(6, 5000)), id, { holdId: hold?.id ?? '' });
  t.match(await as(`effectiveAt=${iso(later(6, 4999))}&recordedAt=${iso(later(6, 4999))}`), {
    available: 200,
    held: 100,
  });
  t.match(await as(`effectiveAt=${iso(later(6, 5000))}&recordedAt=${iso(later(6, 5000))}`), {
    available: 300,
    held: 0,
  });
});

t.test('lots: all of them, newest first, with what time made of each', async (t) => {
  const { customer, grant, redeem, read } = await shop();
  const id = await customer();
  const now = Date.now();
  const soon = new Date(now + 1000_000);
  await grant(new Date(now - 4000), id, 100, { expiresAt: soon });
  await grant(new Date(now - 3000), id, 200);
  const { account } = await redeem(new Date(now - 2000), id, 150);
  await grant(new Date(now - 1000), id, 70, { expiresAt: new Date(now - 500) });
  const lots = await allOf(read, `/ledger/accounts/${account.id}/lots`);
  t.match(lots, [
    { amount: 70, remaining: 70, isOpen: true, status: 'expired', source: 'grant' },
    { amount: 200, remaining: 150, isOpen: true, status: 'active' },
    { amount: 100, remaining: 0, isOpen: false, status: 'used', expiresAt: iso(soon) },
  ]);
  t.notOk('expiresAt' in lots[1] || 'rule' in lots[1]);
});

t.test('transfers: filters, pages and the same as CSV', async (t) => {
  const { customer, grant, redeem, read, call } = await shop();
  const [ada, ben] = [await customer(), await customer()];
  await grant(AT, ada, 1250, { reference: 'a|b' });
  await redeem(later(1), ada, 250);
  await grant(later(2), ben, 300, { currency: 'USD' });
  const amounts = async (query: string) =>
    (await allOf(read, `/ledger/transfers?${query}`)).map(({ amount }) => amount);
  t.same(await amounts(''), [300, 250, 1250]);
  t.same(await amounts(`customerId=${ada}`), [250, 1250]);
  t.same(await amounts('unit=USD'), [300]);
  t.same(await amounts('kind=redemption'), [250]);
  t.same(await amounts(`from=${iso(later(1))}&until=${iso(later(2))}`), [250]);
  t.same(await amounts(`orderId=${randomUUID()}`), []);
  const [, spent, granted] = (await read('/ledger/transfers')).data;
  t.same(await amounts(`accountId=${spent.accountId}&kind=grant`), [1250]);
  const detail = await read(`/ledger/transfers/${spent.id}`);
  const [lot] = (await read(`/ledger/accounts/${spent.accountId}/lots`)).data;
  t.match(detail, { amount: 250, lots: [{ lotId: lot.id, amount: -250 }] });
  t.match((await read(`/ledger/transfers/${granted.id}`)).lots, [{ lotId: lot.id, amount: 1250 }]);
  const file = await call('GET', `/v1/ledger/transfers.csv?customerId=${ada}`);
  t.match(file.headers['content-type'], 'text/csv');
  const [head, ...lines] = file.body.trim().split('\r\n');
  t.match(head, /^recordedAt,effectiveAt,kind,from,to,unit,amount,balanceAfter,reference,reason/);
  t.equal(lines.length, 2);
  t.match(lines[0], ',redemption,credit:EUR,redeemed,EUR,2.50,10.00,');
  t.match(lines[1], ",grant,issued:grant,credit:EUR,EUR,12.50,12.50,a|b,'=Goodwill,", 'formulas are guarded');
});

t.test('an overdraft has no lot until a later one covers it', async (t) => {
  const { customer, grant, read, call, ctx } = await shop();
  await call('PATCH', '/v1/store', { creditAllowNegative: true });
  const id = await customer();
  await grant(AT, id, 100);
  const debit = await changeCredit(ctx(later(1)), id, { amount: -160, currency: 'EUR', reason: 'Error' });
  const lotsOf = async () => (await read(`/ledger/transfers/${debit.transfer?.id}`)).lots;
  t.match(await lotsOf(), [{ amount: -100 }, { amount: -60 }]);
  await grant(later(2), id, 500);
  const covered = await lotsOf();
  t.same(covered.map(({ amount }: Answer['data']) => amount).sort(), [-100, -60]);
  t.ok(
    covered.every(({ lotId }: Answer['data']) => lotId),
    'now a lot has paid for all of it',
  );
});

t.test('K6 holds by status: time makes an open one expired', async (t) => {
  const { customer, grant, read, ctx } = await shop();
  const id = await customer();
  const now = new Date();
  const before = new Date(now.getTime() - 2 * 3600_000);
  await grant(before, id, 1000);
  const hold = async (at: Date, amount: number) =>
    (await holdCredit(ctx(at), id, { amount, currency: 'EUR', ttlMinutes: 60 })).hold?.id ?? '';
  const gone = await hold(before, 10);
  const [open, captured, voided] = [await hold(now, 20), await hold(now, 30), await hold(now, 40)];
  await captureHold(ctx(now), id, { holdId: captured });
  await voidHold(ctx(now), id, { holdId: voided });
  const ids = async (query: string) => (await allOf(read, `/ledger/holds?${query}`)).map((one) => one.id);
  t.same(await ids(''), [voided, captured, open, gone]);
  t.same(await ids('status=expired'), [gone]);
  t.same(await ids('status=open'), [open]);
  t.same(await ids(`status=captured&customerId=${id}`), [captured]);
  t.same(await ids(`status=voided&customerId=${randomUUID()}`), []);
});

t.test('K9 a statement in a currency that does not exist is refused, as a file too', async (t) => {
  const store = await testStore(app, database);
  const { data } = await store.call('POST', '/v1/customers', { email: 'ada@example.com' });
  for (const file of ['statement', 'statement.csv']) {
    const url = `/v1/customers/${data.id}/credit/${file}?currency=AAA&from=2026-01-01&until=2026-01-31`;
    t.match(await store.call('GET', url), { statusCode: 422, data: { code: 'CURRENCY_UNKNOWN' } }, file);
  }
});

t.test('K9 a statement adds up, as a whole and for every lot, in JSON and in CSV', async (t) => {
  const store = await shop();
  const { customer, grant, redeem, read, call, ctx } = store;
  await call('PATCH', '/v1/store', { creditAllowNegative: true });
  const id = await customer();
  await grant(later(-30), id, 3_000_000_000_000, { expiresAt: later(60) });
  await grant(later(-29), id, 5000);
  const { transfer } = await redeem(later(0), id, 2_999_999_999_000);
  await redeem(later(1), id, 4000);
  await changeCredit(ctx(later(2)), id, { amount: -2500, currency: 'EUR', reason: 'Error' });
  await refundCredit(ctx(later(3)), id, { transferId: transfer?.id ?? '', amount: 900 });
  await grant(later(40), id, 100);
  const path = `/customers/${id}/credit/statement`;
  const march = 'currency=EUR&from=2026-03-01&until=2026-03-31';
  const statement = await read(`${path}?${march}`);
  t.match(statement, {
    unit: 'EUR',
    timezone: 'Europe/Berlin',
    opening: 3_000_000_005_000,
    credited: 900,
    debited: 2_999_999_999_000 + 4000 + 2500,
    closing: 400,
  });
  t.equal(statement.opening + statement.credited - statement.debited, statement.closing);
  const sum = (items: Answer['data'][], name: string) => items.reduce((total, item) => total + item[name], 0);
  t.equal(sum(statement.lots, 'opening'), statement.opening);
  t.equal(sum(statement.lots, 'closing'), statement.closing);
  for (const lot of statement.lots) t.equal(lot.opening + lot.added - lot.taken, lot.closing);
  for (const { lots, amount, to } of statement.movements)
    t.equal(sum(lots, 'amount'), to === 'credit:EUR' ? amount : -amount);
  t.same(
    statement.movements.map(({ seq }: Answer['data']) => seq),
    [3, 4, 5, 6],
  );
  const file = await call('GET', `/v1${path}.csv?${march}`);
  const [head, ...lines] = file.body
    .trim()
    .split('\r\n')
    .map((line) => line.split(','));
  const [entry, amount, lotId] = ['entry', 'amount', 'lotId'].map((name) => head?.indexOf(name) ?? -1) as [
    number,
    number,
    number,
  ];
  const cents = (cell = '') => Math.round(Number(cell) * 100);
  const byLot = new Map<string, number>();
  for (const line of lines) {
    const signed = line[entry] === 'closing' ? -cents(line[amount]) : cents(line[amount]);
    byLot.set(line[lotId] ?? '', (byLot.get(line[lotId] ?? '') ?? 0) + signed);
  }
  t.same(
    [...byLot.values()].map((left) => left + 0),
    [...byLot].map(() => 0),
    'opening + movements = closing of each lot',
  );
  t.ok(
    lines.some((line) => line[amount] === '-29999999990.00'),
    'an amount below zero stays a number',
  );
  const april = await read(`${path}?currency=EUR&from=2026-04-01&until=2026-04-30`);
  t.match(april, { opening: statement.closing, closing: 500 }, 'one period goes on where the other ended');
});

t.test('K9 days are those of the store, summer time included', async (t) => {
  const { customer, grant, read, call } = await shop();
  const id = await customer();
  await grant(new Date('2026-03-28T22:59:59.999Z'), id, 1);
  await grant(new Date('2026-03-28T23:00:00.000Z'), id, 10);
  await grant(new Date('2026-03-29T21:59:59.999Z'), id, 100);
  await grant(new Date('2026-03-29T22:00:00.000Z'), id, 1000);
  const path = `/customers/${id}/credit/statement`;
  const day = await read(`${path}?currency=EUR&from=2026-03-29&until=2026-03-29`);
  t.match(day, { opening: 1, credited: 110, closing: 111 }, 'a day of 23 hours');
  t.match(await read(`${path}?currency=USD&from=2026-03-29&until=2026-03-29`), {
    opening: 0,
    movements: [],
    lots: [],
  });
  t.match(await read(`/customers/${id}/points/statement?from=2026-03-29&until=2026-03-29`), {
    unit: 'points',
    closing: 0,
  });
  for (const period of ['from=2026-03-29&until=2026-03-28', 'from=0001-01-01&until=2026-03-28']) {
    t.match((await call('GET', `/v1${path}?currency=EUR&${period}`)).data, {
      code: 'PERIOD_INVALID',
      status: 422,
    });
  }
  const other = await shop();
  const foreign = await other.call('GET', `/v1${path}?currency=EUR&from=2026-03-29&until=2026-03-29`);
  t.equal(foreign.statusCode, 404);
});
