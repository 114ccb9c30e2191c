// Store credit over HTTP (K1–K9).
import { randomUUID } from 'node:crypto';
import t from 'tap';
import { testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);

async function shop() {
  const store = await testStore(app, database);
  const made = await store.call('POST', '/v1/customers', {
    email: `${randomUUID()}@example.com`,
    accountStatus: 'active',
  });
  const id = made.data.id as string;
  const credit = (path: string, body: object, key = randomUUID()) =>
    store.call('POST', `/v1/customers/${id}/credit${path}`, body, { 'idempotency-key': key });
  return { ...store, id, credit };
}

t.test('K1: a grant is there at once, with transfer, balance and hash', async (t) => {
  const { credit, call, id } = await shop();
  const granted = await credit('', { amount: 2500, currency: 'EUR', reason: 'Late parcel' });
  t.equal(granted.statusCode, 201, granted.body);
  t.match(granted.data, {
    transfer: {
      seq: 1,
      kind: 'grant',
      from: 'issued:grant',
      to: 'credit:EUR',
      amount: 2500,
      balanceAfter: 2500,
    },
    account: { balance: 2500, available: 2500, held: 0 },
    dryRun: false,
  });
  const spent = await credit('/redeem', { amount: 1000, currency: 'EUR' });
  t.equal(spent.statusCode, 201, spent.body);
  t.match(spent.data, { transfer: { seq: 2, to: 'redeemed' }, account: { available: 1500 } });
  const held = await credit('/holds', { amount: 1200, currency: 'EUR' });
  t.equal(held.statusCode, 201, held.body);
  t.match(held.data, { hold: { status: 'open', amount: 1200 }, account: { available: 300, held: 1200 } });
  const short = await credit('/redeem', { amount: 301, currency: 'EUR' });
  t.equal(short.statusCode, 409, short.body);
  t.match(short.data, { code: 'INSUFFICIENT_CREDIT', available: 300 });
  const captured = await credit(`/holds/${held.data.hold.id}/capture`, { amount: 1000 });
  t.equal(captured.statusCode, 200, captured.body);
  t.match(captured.data, {
    hold: { status: 'captured', captured: 1000 },
    account: { available: 500, held: 0 },
  });
  const again = await credit(`/holds/${held.data.hold.id}/capture`, {});
  t.match(again.data, { transfer: { id: captured.data.transfer.id } }, again.body);
  const refund = await credit('/refunds', { transferId: captured.data.transfer.id, amount: 400 });
  t.match(refund.data, { account: { available: 900 } }, refund.body);
  const tooMuch = await credit('/refunds', { transferId: captured.data.transfer.id, amount: 601 });
  t.match(tooMuch.data, { code: 'REFUND_EXCEEDS_CAPTURE', refundable: 600 });
  t.match((await call('GET', `/v1/customers/${id}/credit`)).data, {
    data: [{ unit: 'EUR', balance: 900, available: 900 }],
  });
});
