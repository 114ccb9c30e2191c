// Merging and un-merging customers, and deletability, on real Postgres.
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import { runJob, startJob } from '../../src/actions/jobs.ts';
import { ledgerExpirySlice } from '../../src/actions/ledger-expiry.ts';
import { checkLedger } from '../../src/actions/ledger-reports.ts';
import { mergeCustomers, unmergeCustomer } from '../../src/actions/merges.ts';
import { transaction } from '../../src/db/connection.ts';
import { findLedgerAccount } from '../../src/db/ledger/accounts.ts';
import { Problem } from '../../src/errors.ts';
import { factsOf, wrongKeys } from '../support/derived-keys.ts';
import { type Answer, type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';
import { storeOrders } from '../support/orders.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const store = () => testStore(app, database);

const DAY_MS = 24 * 3600_000;
const STRANGER = '0199a3c4-7e1f-7a60-9d39-6f1f3f1f9a11';

async function create({ call }: TestStore, body: object): Promise<string> {
  const answer = await call('POST', '/v1/customers', body);
  if (answer.statusCode !== 201) throw new Error(answer.body);
  return answer.data.id;
}

const get = async ({ call }: TestStore, id: string) => (await call('GET', `/v1/customers/${id}`)).data;
const merge = ({ call }: TestStore, into: string, from: string, more: object = {}): Promise<Answer> =>
  call('POST', `/v1/customers/${into}/merge`, { from, ...more });
const unmerge = ({ call }: TestStore, id: string): Promise<Answer> =>
  call('POST', `/v1/customers/${id}/unmerge`);

const addAddress = async (
  { call }: TestStore,
  id: string,
  line1: string,
  more: object = {},
): Promise<string> =>
  (await call('POST', `/v1/customers/${id}/addresses`, { line1, city: 'Berlin', countryCode: 'DE', ...more }))
    .data.id;
const addressesOf = async ({ call }: TestStore, id: string): Promise<Record<string, unknown>[]> =>
  (await call('GET', `/v1/customers/${id}/addresses?limit=100`)).data.data;
const orderIdsOf = async ({ storeId }: TestStore, id: string): Promise<string[]> =>
  (
    await database.owner.query('select id from orders where store_id = $1 and customer_id = $2 order by id', [
      storeId,
      id,
    ])
  ).rows.map((row) => row.id);
const kindsOf = async ({ storeId }: TestStore, id: string): Promise<string[]> =>
  (
    await database.owner.query(
      'select kind from events where store_id = $1 and customer_id = $2 order by id',
      [storeId, id],
    )
  ).rows.map((row) => row.kind);
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'done',
    (error) => (error instanceof Problem ? error.code : String(error)),
  );

t.test(
  'C10 orders, notes, addresses, tasks, tags and groups move, gaps are filled, counters add up',
  async (t) => {
    const s = await store();
    const [standard, business] = (await s.call('GET', '/v1/groups')).data.data.map(
      (group: { id: string }) => group.id,
    );
    const into = await create(s, {
      email: 'ada@example.com',
      lastName: 'Lovelace',
      tags: ['VIP'],
      groupIds: [standard],
    });
    const from = await create(s, {
      phone: '+4930901820',
      firstName: 'Ada',
      lastName: 'Byron',
      tags: ['vip', 'new'],
      groupIds: [business],
      note: 'Tall.',
    });
    await addAddress(s, into, 'Weg 1');
    await addAddress(s, from, 'Weg 1');
    const moved = await addAddress(s, from, 'Allee 2');
    await s.call('POST', '/v1/tasks', { title: 'Call', dueAt: '2026-03-01T10:00:00Z', customerId: from });
    await storeOrders(s, into, [{ total: 3_000_000_000, placedAt: new Date('2026-01-02T00:00:00Z') }]);
    await storeOrders(s, from, [
      { total: 2_000_000_000, refundedTotal: 5, placedAt: new Date('2026-01-03T00:00:00Z') },
      { status: 'cancelled' },
      { isTest: true },
      { currency: 'USD', placedAt: new Date('2026-01-01T00:00:00Z') },
    ]);
    const orders = [...(await orderIdsOf(s, into)), ...(await orderIdsOf(s, from))].sort();

    const answer = await merge(s, into, from);
    t.equal(answer.statusCode, 200);
    t.same(answer.data.moves, {
      orders: 4,
      notes: 1,
      tasks: 1,
      addresses: 1,
      duplicateAddresses: 1,
      tags: 1,
      groups: 1,
    });
    t.match(answer.data, {
      dryRun: false,
      intoId: into,
      fromId: from,
      blockers: [],
      differing: ['lastName'],
    });
    const survivor = await get(s, into);
    t.match(survivor, {
      email: 'ada@example.com',
      phone: '+4930901820',
      firstName: 'Ada',
      lastName: 'Lovelace',
      tags: ['new', 'VIP'],
      ordersCount: 3,
      totalSpent: { amount: 4_999_999_995, currency: 'EUR' },
      refundedTotal: { amount: 5, currency: 'EUR' },
      firstOrderAt: '2026-01-01T00:00:00.000Z',
      lastOrderAt: '2026-01-03T00:00:00.000Z',
      version: survivor.version,
    });
    t.same(survivor.groups.map((group: { id: string }) => group.id).sort(), [standard, business].sort());
    t.same(await orderIdsOf(s, into), orders);
    const addresses = await addressesOf(s, into);
    t.same(
      addresses.map(({ line1, isDefault }) => [line1, isDefault]),
      [
        ['Weg 1', true],
        ['Allee 2', false],
      ],
    );
    t.equal(addresses[1]?.id, moved);
    t.equal((await s.call('GET', `/v1/customers/${into}/notes`)).data.data[0].body, 'Tall.');
    t.equal((await s.call('GET', `/v1/tasks?customerId=${into}`)).data.data.length, 1);
    t.ok((await kindsOf(s, into)).includes('customer.merged'));
    t.ok((await kindsOf(s, from)).includes('customer.merged'));
  },
);

t.test('C10 the preview says what the merge then does, and changes nothing', async (t) => {
  const s = await store();
  const into = await create(s, { email: 'a@example.com', tags: ['one'], birthday: { month: 2, day: 29 } });
  const from = await create(s, { email: 'b@example.com', company: 'X', tags: ['two'] });
  await addAddress(s, from, 'Weg 1');
  await storeOrders(s, from, [{ total: 5_000_000_000 }]);
  const before = [await get(s, into), await get(s, from)];
  const preview = await merge(s, into, from, { dryRun: true, choose: { email: 'from' } });
  t.equal(preview.statusCode, 200);
  t.same([await get(s, into), await get(s, from)], before);
  t.equal(preview.data.mergeId, undefined);
  const done = (await merge(s, into, from, { choose: { email: 'from' } })).data;
  const { dryRun: _preview, ...said } = preview.data;
  const { dryRun: _done, mergeId, undoableUntil, ...did } = done;
  t.same(did, said);
  t.ok(mergeId && undoableUntil);
  const survivor = await get(s, into);
  const { addresses, ...fields } = said.survivor;
  t.match(survivor, fields);
  t.same(addresses, await addressesOf(s, into));
  t.same(survivor.defaultAddress, addresses[0], 'A1: the first address of the survivor is its default');
});

t.test('C10 C1 the survivor can take the email and the externalId of the other', async (t) => {
  const s = await store();
  const into = await create(s, { email: 'a@example.com', externalId: 'A' });
  const from = await create(s, { email: 'b@example.com', externalId: 'B' });
  t.equal((await merge(s, into, from, { choose: { email: 'from', externalId: 'from' } })).statusCode, 200);
  t.match(await get(s, into), { email: 'b@example.com', externalId: 'B' });
  t.equal((await s.call('POST', '/v1/customers', { email: 'B@example.com' })).data.code, 'EMAIL_TAKEN');
  t.equal(
    (await s.call('POST', '/v1/customers', { email: 'a@example.com' })).statusCode,
    201,
    'the other address is free',
  );
});

t.test('C10 choose decides per field, custom fields too', async (t) => {
  const s = await store();
  const customFields = [
    { key: 'size', type: 'number', label: 'Size' },
    { key: 'note', type: 'string', label: 'Note' },
  ];
  const declared = await s.call('PATCH', '/v1/store', { customFields });
  t.equal(declared.statusCode, 200);
  const into = await create(s, { lastName: 'A', company: 'X', custom: { size: 1 } });
  const from = await create(s, { lastName: 'B', company: 'Y', custom: { size: 2, note: 'n' } });
  await merge(s, into, from, { choose: { lastName: 'from', custom: { size: 'from' } } });
  t.match(await get(s, into), { lastName: 'B', company: 'X', custom: { size: 2, note: 'n' } });
  const wrong = await merge(s, into, from, { choose: { lastName: 'both' } });
  t.equal(wrong.data.code, 'VALIDATION_FAILED');
});

t.test('C10 the merged id answers 301 with a pointer for good, also through a chain', async (t) => {
  const s = await store();
  const [a, b, c] = [
    await create(s, { lastName: 'A' }),
    await create(s, { lastName: 'B' }),
    await create(s, { lastName: 'C' }),
  ];
  await merge(s, b, a);
  await merge(s, c, b);
  for (const id of [a, b]) {
    const answer = await s.call('GET', `/v1/customers/${id}`);
    t.equal(answer.statusCode, 301);
    t.equal(answer.headers.location, `/v1/customers/${c}`);
    t.same(answer.data, { id, mergedIntoId: c });
    for (const [method, path, body] of [
      ['PATCH', '', { lastName: 'Z' }],
      ['DELETE', '', undefined],
      ['POST', '/notes', { body: 'x' }],
      ['GET', '/notes', undefined],
      ['GET', '/duplicates', undefined],
      ['GET', '/deletability', undefined],
    ] as const) {
      const refused = await s.call(method, `/v1/customers/${id}${path}`, body);
      t.match(
        refused.data,
        { code: 'CUSTOMER_GONE', accountStatus: 'merged', mergedIntoId: c },
        `${method} ${path}`,
      );
    }
  }
  t.equal(
    (await s.call('POST', '/v1/tasks', { title: 'x', dueAt: '2026-03-01T10:00:00Z', customerId: a })).data
      .code,
    'CUSTOMER_GONE',
  );
});

t.test('C10 a survivor that is deleted takes those merged into it along', async (t) => {
  const s = await store();
  const [a, b] = [await create(s, { lastName: 'A' }), await create(s, { lastName: 'B' })];
  await merge(s, b, a);
  t.equal((await s.call('DELETE', `/v1/customers/${b}`)).statusCode, 204);
  t.equal((await s.call('GET', `/v1/customers/${a}`)).statusCode, 404);
});

t.test('C10 what stands in the way is listed in the preview and refuses the merge', async (t) => {
  const s = await store();
  const into = await create(s, { lastName: 'A', tags: Array.from({ length: 200 }, (_, n) => `into ${n}`) });
  const from = await create(s, { lastName: 'B', tags: Array.from({ length: 51 }, (_, n) => `from ${n}`) });
  const preview = await merge(s, into, from, { dryRun: true });
  t.equal(preview.statusCode, 200);
  t.match(preview.data.blockers, [{ code: 'TOO_MANY_TAGS', limit: 250, would: 251 }]);
  const refused = await merge(s, into, from);
  t.equal(refused.statusCode, 409);
  t.match(refused.data, { code: 'MERGE_BLOCKED', blockers: [{ code: 'TOO_MANY_TAGS' }] });
  t.match((await merge(s, into, into)).data, {
    code: 'MERGE_BLOCKED',
    blockers: [{ code: 'SAME_CUSTOMER' }],
  });
  t.match((await merge(s, into, STRANGER)).data, { code: 'REFERENCE_UNKNOWN', reference: '/from' });
  t.equal((await merge(s, STRANGER, from)).statusCode, 404);
  const active = await create(s, { email: 'c@example.com', accountStatus: 'active' });
  await s.call('PATCH', `/v1/customers/${active}`, { accountStatus: 'disabled' });
  t.match((await merge(s, active, from)).data.blockers, [
    { code: 'DISABLED_ACCOUNT_NEEDS_CHOICE', side: 'into' },
  ]);
});

t.test("C10 another store's customers cannot be merged, seen or brought back", async (t) => {
  const [mine, other] = [await store(), await store()];
  const [a, b] = [await create(mine, { lastName: 'A' }), await create(mine, { lastName: 'B' })];
  const theirs = await create(other, { lastName: 'C' });
  t.equal((await merge(other, a, b)).statusCode, 404);
  t.equal((await merge(mine, a, theirs)).data.code, 'REFERENCE_UNKNOWN');
  await merge(mine, a, b);
  t.equal((await unmerge(other, b)).statusCode, 404);
  t.equal((await other.call('GET', `/v1/customers/${b}`)).statusCode, 404);
  t.equal((await other.call('GET', `/v1/customers/${a}/deletability`)).statusCode, 404);
});

t.test('C10 consent goes with the email, and comes back as it is now', async (t) => {
  const s = await store();
  const into = await create(s, { email: 'a@example.com' });
  const from = await create(s, { email: 'b@example.com' });
  const consent = (id: string, accepts: boolean) =>
    s.call('POST', `/v1/customers/${id}/consents`, {
      channel: 'email',
      topics: ['newsletter'],
      action: accepts ? 'grant' : 'withdraw',
    });
  await consent(from, true);
  await merge(s, into, from, { choose: { email: 'from' } });
  t.equal((await get(s, into)).acceptsMarketing, true);
  await consent(into, false);
  await unmerge(s, from);
  t.match(
    [await get(s, into), await get(s, from)],
    [{ acceptsMarketing: false }, { acceptsMarketing: false }],
  );
});

t.test(
  'C10 un-merge brings the customer back with what was its own, edits and new orders stay',
  async (t) => {
    const s = await store();
    const into = await create(s, { lastName: 'A', tags: ['one'] });
    const from = await create(s, {
      email: 'b@example.com',
      company: 'X',
      phone: '+4930901820',
      tags: ['two'],
      note: 'Tall.',
    });
    await addAddress(s, from, 'Weg 1');
    const [order] = await storeOrders(s, from, [{ total: 7_000_000_000 }]);
    const was = await get(s, from);
    await merge(s, into, from);
    await s.call('PATCH', `/v1/customers/${into}`, { company: 'Edited' });
    const [later] = await storeOrders(s, into, [{ total: 1 }]);

    const answer = await unmerge(s, from);
    t.equal(answer.statusCode, 200);
    t.same(answer.data.keptEdits, ['company']);
    const volatile = { version: 0, updatedAt: '' };
    t.same({ ...(await get(s, from)), ...volatile }, { ...was, ...volatile });
    t.match(await get(s, into), {
      company: 'Edited',
      email: null,
      phone: null,
      tags: ['one'],
      ordersCount: 1,
      totalSpent: { amount: 1 },
    });
    t.same(await orderIdsOf(s, from), [order]);
    t.same(await orderIdsOf(s, into), [later]);
    t.equal((await s.call('GET', `/v1/customers/${from}/notes`)).data.data.length, 1);
    t.same(await addressesOf(s, into), []);
    t.ok((await kindsOf(s, from)).includes('customer.unmerged'));
    t.ok((await kindsOf(s, into)).includes('customer.unmerged'));
    t.match((await unmerge(s, from)).data, { code: 'NOT_MERGED', accountStatus: 'guest' });
    t.equal((await merge(s, into, from)).statusCode, 200, 'and can be merged again');
  },
);

t.test(
  'C10 un-merge is refused after 30 days, when the survivor is merged itself, when the email is taken',
  async (t) => {
    const s = await store();
    const [a, b, c] = [
      await create(s, { email: 'a@example.com' }),
      await create(s, { email: 'b@example.com' }),
      await create(s, { lastName: 'C' }),
    ];
    const now = Date.now();
    await mergeCustomers(s.ctx(new Date(now - 30 * DAY_MS - 1000)), b, { from: a });
    const late = await unmerge(s, a);
    t.equal(late.statusCode, 410);
    t.equal(late.data.code, 'UNMERGE_TOO_LATE');
    t.ok(late.data.until < new Date(now).toISOString());
    await merge(s, c, b);
    t.match((await unmerge(s, a)).data, { code: 'CUSTOMER_GONE', mergedIntoId: c });
    t.equal((await unmerge(s, c)).data.code, 'NOT_MERGED');
    t.equal((await unmerge(s, STRANGER)).statusCode, 404);

    const [d, e] = [
      await create(s, { lastName: 'D', email: 'd@example.com' }),
      await create(s, { email: 'e@example.com' }),
    ];
    await merge(s, d, e);
    const thief = await create(s, { email: 'E@example.com' });
    t.match((await unmerge(s, e)).data, { code: 'EMAIL_TAKEN', customerId: thief });
  },
);

t.test('C10 un-merge leaves out what was deleted since: agent, group, tag', async (t) => {
  const s = await store();
  const agent = async (name: string) => (await s.call('POST', '/v1/agents', { name })).data.id;
  const [first, second] = [await agent('First'), await agent('Second')];
  const group = (await s.call('POST', '/v1/groups', { name: 'Gone' })).data.id;
  const into = await create(s, {
    lastName: 'A',
    salesAgentId: first,
    groupIds: [group],
    primaryGroupId: group,
  });
  const from = await create(s, { lastName: 'B', salesAgentId: second, tags: ['gone'] });
  await merge(s, into, from, { choose: { salesAgentId: 'from', primaryGroupId: 'from' } });
  t.equal((await s.call('DELETE', `/v1/agents/${first}`)).statusCode, 204);
  await database.owner.query('delete from groups where store_id = $1 and id = $2', [s.storeId, group]);
  await database.owner.query("delete from tags where store_id = $1 and name = 'gone'", [s.storeId]);
  const answer = await unmerge(s, from);
  t.equal(answer.statusCode, 200);
  t.match(answer.data, {
    survivor: { salesAgentId: null, primaryGroupId: null, groups: [] },
    customer: { salesAgentId: second, tags: [] },
  });
});

t.test('C10 A into B and B into A at once: one is merged, the other refused', async (t) => {
  const s = await store();
  for (let round = 0; round < 5; round++) {
    const [a, b] = [await create(s, { lastName: 'A' }), await create(s, { lastName: 'B' })];
    await storeOrders(s, a, [{}]);
    await storeOrders(s, b, [{}]);
    const answers = await Promise.all([merge(s, a, b), merge(s, b, a)]);
    t.same(answers.map((answer) => answer.statusCode).sort(), [200, 409]);
    const refused = answers.find((answer) => answer.statusCode === 409);
    t.match(refused?.data, { code: 'MERGE_BLOCKED', blockers: [{ code: 'ALREADY_MERGED' }] });
    const survivor = answers[0]?.statusCode === 200 ? a : b;
    t.equal((await get(s, survivor)).ordersCount, 2);
  }
});

t.test(
  'C10 a merge among patches, notes, tasks and orders: nothing is lost, nobody meets a deadlock',
  async (t) => {
    const s = await store();
    const [into, from] = [await create(s, { lastName: 'A' }), await create(s, { lastName: 'B' })];
    const order = (n: number) => ({
      externalId: `o${n}`,
      status: 'confirmed',
      currency: 'EUR',
      placedAt: '2026-01-01T10:00:00Z',
      updatedAt: '2026-01-01T10:00:00Z',
      customer: { id: n % 2 === 0 ? into : from },
      items: [{ title: 'Lantern', quantity: 1, unitPrice: 1000 }],
      total: 1000,
    });
    const work = Array.from({ length: 8 }, (_, n) => [
      s.call('PATCH', `/v1/customers/${n % 2 ? into : from}`, { company: `Company ${n}` }),
      s.call('POST', `/v1/customers/${from}/notes`, { body: `Note ${n}` }),
      s.call('POST', '/v1/tasks', { title: `Task ${n}`, dueAt: '2026-03-01T10:00:00Z', customerId: from }),
      s.call('POST', '/v1/orders/batch', { orders: [order(3 * n), order(3 * n + 1), order(3 * n + 2)] }),
    ]).flat();
    const answers = await Promise.all([...work.slice(0, 16), merge(s, into, from), ...work.slice(16)]);
    const statuses = new Set(answers.map((answer) => answer.statusCode));
    t.same(
      [...statuses].filter((status) => ![200, 201, 409].includes(status)),
      [],
      [...answers].find((a) => a.statusCode > 409)?.body ?? '',
    );
    const gone = answers.filter((answer) => answer.statusCode === 409);
    t.same(
      [...new Set(gone.map((answer) => answer.data.code))].filter((code) => code !== 'CUSTOMER_GONE'),
      [],
    );
    const made = (path: RegExp) =>
      answers.filter((answer) => answer.statusCode === 201 && path.test(String(answer.headers.location)))
        .length;
    t.equal(
      (await s.call('GET', `/v1/customers/${into}/notes?limit=100`)).data.data.length,
      made(/\/notes\//),
    );
    t.equal(
      (await s.call('GET', `/v1/tasks?customerId=${into}&limit=100`)).data.data.length,
      made(/\/tasks\//),
    );
    t.equal((await orderIdsOf(s, into)).length, 24);
    t.equal((await get(s, into)).ordersCount, 24);
  },
);

t.test('C10 a merge with an Idempotency-Key happens once and answers the same again', async (t) => {
  const s = await store();
  const [a, b] = [await create(s, { lastName: 'A' }), await create(s, { lastName: 'B' })];
  const send = () =>
    s.call('POST', `/v1/customers/${a}/merge`, { from: b }, { 'idempotency-key': 'merge-1' });
  const [first, again] = [await send(), await send()];
  t.same([first.statusCode, again.statusCode], [200, 200]);
  t.same(again.data, first.data);
});

t.test('C10 10,000 orders move in one statement', async (t) => {
  const s = await store();
  const [into, from] = [await create(s, { lastName: 'A' }), await create(s, { lastName: 'B' })];
  await storeOrders(
    s,
    from,
    Array.from({ length: 10_000 }, () => ({ total: 1_000_000 })),
  );
  const started = performance.now();
  t.equal((await merge(s, into, from)).statusCode, 200);
  const mergedMs = performance.now() - started;
  t.match(await get(s, into), { ordersCount: 10_000, totalSpent: { amount: 10_000_000_000 } });
  t.equal((await unmerge(s, from)).statusCode, 200);
  t.match(await get(s, from), { ordersCount: 10_000 });
  t.comment(
    `merge ${Math.round(mergedMs)} ms, un-merge ${Math.round(performance.now() - started - mergedMs)} ms`,
  );
});

t.test('C10 merge and un-merge at once restores both customers, whatever they have', async () => {
  const s = await store();
  const groups: string[] = (await s.call('GET', '/v1/groups')).data.data.map(
    (group: { id: string }) => group.id,
  );
  const text = fc.constantFrom(null, 'A', 'B');
  const person = fc.record({
    firstName: text,
    company: text,
    language: fc.constantFrom(null, 'de', 'en'),
    birthday: fc.constantFrom(null, { month: 2, day: 29 }, { month: 1, day: 1, year: 1990 }),
    tags: fc.uniqueArray(fc.constantFrom('VIP', 'two', 'Three')),
    groupIds: fc.uniqueArray(fc.constantFrom(...groups)),
    account: fc.constantFrom('none', 'guest', 'active'),
    hasPrimary: fc.boolean(),
  });
  const belongings = fc.record({
    streets: fc.array(fc.constantFrom('Weg 1', 'Allee 2', 'Platz 3'), { maxLength: 3 }),
    billing: fc.nat(3),
    orders: fc.array(
      fc.record({
        total: fc.integer({ min: 0, max: 3_000_000_000 }),
        status: fc.constantFrom('confirmed', 'cancelled'),
        placedAt: fc.date({ min: new Date('2020-01-01'), max: new Date('2026-01-01'), noInvalidDate: true }),
      }),
      { maxLength: 3 },
    ),
    notes: fc.nat(2),
  });
  const everything = fc.tuple(person, belongings);
  type Everything = typeof everything extends fc.Arbitrary<infer Value> ? Value : never;
  let serial = 0;
  const build = async ([{ account, hasPrimary, ...fields }, own]: Everything) => {
    const email = account === 'none' ? {} : { email: `p${++serial}@example.com`, accountStatus: account };
    const primaryGroupId = hasPrimary ? (fields.groupIds[0] ?? null) : null;
    const id = await create(s, { lastName: 'Z', ...fields, ...email, primaryGroupId });
    for (const [index, street] of own.streets.entries()) {
      await addAddress(s, id, street, { isDefaultBilling: index === own.billing });
    }
    if (own.orders.length > 0) await storeOrders(s, id, own.orders);
    for (let note = 0; note < own.notes; note++)
      await s.call('POST', `/v1/customers/${id}/notes`, { body: `n${note}` });
    return id;
  };
  const look = async (id: string) => {
    const { version: _, updatedAt: __, ...fields } = await get(s, id);
    const { rows } = await database.owner.query(
      `select default_country, default_city, default_postcode, sort_name, search_text, email_key, name_key
       from customers where store_id = $1 and id = $2`,
      [s.storeId, id],
    );
    const notes = (await s.call('GET', `/v1/customers/${id}/notes`)).data.data;
    return JSON.stringify({
      fields,
      addresses: await addressesOf(s, id),
      orders: await orderIdsOf(s, id),
      notes,
      hidden: rows[0],
    });
  };
  await fc.assert(
    fc.asyncProperty(everything, everything, async (left, right) => {
      const [into, from] = [await build(left), await build(right)];
      const before = [await look(into), await look(from)];
      await mergeCustomers(s.ctx(), into, { from });
      await unmergeCustomer(s.ctx(), from);
      const after = [await look(into), await look(from)];
      if (before.join('\n') !== after.join('\n'))
        throw new Error(`${before.join('\n')}\n${after.join('\n')}`);
    }),
    { numRuns: 40 },
  );
});

t.test('C10 un-merge and merge of one pair at once end in one of the two states', async (t) => {
  const s = await store();
  const [a, b] = [await create(s, { lastName: 'A' }), await create(s, { lastName: 'B' })];
  await mergeCustomers(s.ctx(), a, { from: b });
  const codes = await Promise.all([
    codeOf(unmergeCustomer(s.ctx(), b)),
    codeOf(unmergeCustomer(s.ctx(), b)),
    codeOf(mergeCustomers(s.ctx(), b, { from: a })),
  ]);
  t.equal(codes.filter((code) => code === 'done').length >= 1, true);
  t.same(
    codes.filter(
      (code) => !['done', 'NOT_MERGED', 'MERGE_BLOCKED', 'CUSTOMER_GONE', 'CONFLICT'].includes(code),
    ),
    [],
  );
});

t.test('C6 deletability lists every blocker with the way out', async (t) => {
  const s = await store();
  const id = await create(s, { lastName: 'A' });
  t.same((await s.call('GET', `/v1/customers/${id}/deletability`)).data, { deletable: true, blockers: [] });
  await storeOrders(s, id, [{ status: 'cancelled' }, { isTest: true }]);
  const answer = await s.call('GET', `/v1/customers/${id}/deletability`);
  t.match(answer.data, {
    deletable: false,
    blockers: [{ code: 'CUSTOMER_HAS_ORDERS', count: 2, wayOut: /Erase/ }],
  });
  t.equal((await s.call('DELETE', `/v1/customers/${id}`)).data.code, answer.data.blockers[0].code);
});

t.test('C10 the country of the phone and the keys of addresses go with a merge and come back', async (t) => {
  const s = await store();
  const into = await create(s, { email: 'ada@example.com' });
  const from = await create(s, { phone: '+43 1 58858', lastName: 'Byron' });
  await addAddress(s, from, 'Ring 1', { city: 'Łódź' });
  const countries = async () =>
    (await factsOf(database.owner, s.storeId)).phones.map(({ keys }) => keys.phoneCountry);
  t.same(await countries(), [null, 'AT']);
  t.equal((await merge(s, into, from)).statusCode, 200);
  t.same(await countries(), ['AT', 'AT']);
  t.same(await wrongKeys(database.owner, s.storeId), []);
  t.equal((await unmerge(s, from)).statusCode, 200);
  t.same(await countries(), [null, 'AT']);
  t.same(await wrongKeys(database.owner, s.storeId), []);
});

// Balances (C10)

async function withAccount(s: TestStore): Promise<string> {
  return create(s, { email: `${randomUUID()}@example.com`, accountStatus: 'active' });
}

async function credit(s: TestStore, id: string, path: string, body: object): Promise<Answer> {
  return s.call('POST', `/v1/customers/${id}/credit${path}`, body, { 'idempotency-key': randomUUID() });
}

/** Grants, corrects below zero, redeems or holds; a refusal is a mistake of the test. */
async function book(s: TestStore, id: string, path: string, body: object) {
  const answer = await credit(s, id, path, { currency: 'EUR', ...body });
  if (answer.statusCode >= 400) throw new Error(answer.body);
  return answer.data;
}
const grant = (s: TestStore, id: string, amount: number, more: object = {}) =>
  book(s, id, '', { amount, reason: 'test', ...more });

interface LotRow {
  remaining: string;
  active_from: Date;
  expires_at: Date | null;
  source: string | null;
  rule: object | null;
}
const lotsOf = async ({ storeId }: TestStore, id: string): Promise<LotRow[]> =>
  (
    await database.owner.query(
      `select l.remaining, l.active_from, l.expires_at, l.source, l.rule from lots l
       join ledger_accounts a on a.store_id = l.store_id and a.id = l.account_id
       where a.store_id = $1 and a.customer_id = $2 and l.is_open order by l.remaining`,
      [storeId, id],
    )
  ).rows;
const balancesOf = async ({ storeId }: TestStore, id: string): Promise<Record<string, number>> =>
  Object.fromEntries(
    (
      await database.owner.query(
        'select unit, balance from ledger_accounts where store_id = $1 and customer_id = $2 order by unit',
        [storeId, id],
      )
    ).rows.map(({ unit, balance }) => [unit, Number(balance)]),
  );
const isSound = async (s: TestStore): Promise<boolean> => (await checkLedger(s.ctx())).ok;
const inDays = (days: number) => new Date(Date.now() + days * DAY_MS);

t.test('C10 L1 balances move by transfers; lots keep amount, dates, source and rule', async (t) => {
  const s = await store();
  const [into, from] = [await withAccount(s), await withAccount(s)];
  await grant(s, into, 500);
  const expiresAt = inDays(90);
  await grant(s, from, 3_000_000_000, { expiresAt });
  await grant(s, from, 40);
  await grant(s, from, 70, { currency: 'USD' });
  await book(s, from, '/redeem', { amount: 1000 });
  const rule = { programmeVersion: 3, ruleId: 'r', formula: '1 per EUR' };
  await database.owner.query('update lots set rule = $2 where store_id = $1', [s.storeId, rule]);
  const before = await lotsOf(s, from);
  const eur = {
    unit: 'EUR',
    lots: 2,
    amount: 2_999_999_040,
    overdraft: 0,
    balance: 2_999_999_040,
    survivorBalance: 2_999_999_540,
  };
  const usd = { unit: 'USD', lots: 1, amount: 70, overdraft: 0, balance: 70, survivorBalance: 70 };
  const preview = await merge(s, into, from, { dryRun: true });
  t.same(preview.data.balances, [eur, usd], preview.body);
  t.same(await balancesOf(s, into), { EUR: 500 }, 'a preview moves nothing');
  const merged = await merge(s, into, from);
  t.same(merged.data.balances, [eur, usd]);
  t.same(await balancesOf(s, from), { EUR: 0, USD: 0 }, 'the old accounts stay, for their history');
  t.same(await balancesOf(s, into), { EUR: 2_999_999_540, USD: 70 });
  const after = await lotsOf(s, into);
  t.same(
    after.filter((lot) => lot.remaining !== '500'),
    before,
  );
  t.match(before, [
    { remaining: '40', rule },
    { remaining: '70' },
    { expires_at: expiresAt, source: 'grant' },
  ]);
  const { rows } = await database.owner.query(
    `select kind, counter_account, reference from transfers where store_id = $1 and counter_account = 'merge' order by id`,
    [s.storeId],
  );
  t.same(rows.map(({ kind }) => kind).sort(), ['merge_in', 'merge_in', 'merge_out', 'merge_out']);
  for (const id of [into, from])
    t.equal((await kindsOf(s, id)).filter((kind) => kind === 'credit.moved').length, 2);
  t.ok(await isSound(s));
  t.equal((await credit(s, from, '', { amount: 1, currency: 'EUR', reason: 'late' })).statusCode, 409);
});

t.test('C10 un-merge gives credit back to the very lots that it came from', async (t) => {
  const s = await store();
  const [into, from] = [await withAccount(s), await withAccount(s)];
  await grant(s, into, 500);
  await grant(s, from, 100, { expiresAt: inDays(20) });
  await grant(s, from, 200);
  const before = await lotsOf(s, from);
  for (let round = 0; round < 2; round++) {
    t.equal((await merge(s, into, from)).statusCode, 200);
    await grant(s, into, 7);
    t.equal((await unmerge(s, from)).statusCode, 200);
    t.same(await lotsOf(s, from), before);
    t.same(await balancesOf(s, into), { EUR: 507 + round * 7 }, 'what came since stays');
  }
  t.ok(await isSound(s));
});

t.test('C10 un-merge is refused once a moved lot was spent or is held', async (t) => {
  const s = await store();
  const [into, from] = [await withAccount(s), await withAccount(s)];
  await grant(s, into, 500);
  await grant(s, from, 100, { expiresAt: inDays(20) });
  await merge(s, into, from);
  const { hold } = await book(s, into, '/holds', { amount: 30 });
  t.match((await unmerge(s, from)).data, { code: 'UNMERGE_LOTS_SPENT', spentLotsCount: 1 }, 'held');
  await book(s, into, `/holds/${hold.id}/void`, { currency: undefined });
  const { transfer } = await book(s, into, '/redeem', { amount: 30 });
  t.match((await unmerge(s, from)).data, { code: 'UNMERGE_LOTS_SPENT', spentLotsCount: 1 }, 'spent');
  await book(s, into, '/refunds', { currency: undefined, transferId: transfer.id });
  t.equal((await unmerge(s, from)).statusCode, 200, 'all of it was given back');
  t.same([await balancesOf(s, into), await balancesOf(s, from)], [{ EUR: 500 }, { EUR: 100 }]);
  t.ok(await isSound(s));
});

t.test(
  'C10 L5 a moved lot that expired meanwhile is gone, and no reason to keep the two together',
  async (t) => {
    const s = await store();
    const [into, from] = [await withAccount(s), await withAccount(s)];
    await grant(s, from, 100, { expiresAt: new Date(Date.now() + 300) });
    await grant(s, from, 20);
    await merge(s, into, from);
    await new Promise((resolve) => setTimeout(resolve, 320));
    const { id } = await transaction(s.ctx().db, (tx) =>
      startJob(s.ctx(), tx, { kind: 'ledger-expiry', params: {} }),
    );
    await runJob(s.ctx(), id, ledgerExpirySlice, new AbortController().signal);
    t.same(await balancesOf(s, into), { EUR: 20 });
    t.equal((await unmerge(s, from)).statusCode, 200);
    t.same([await balancesOf(s, into), await balancesOf(s, from)], [{ EUR: 0 }, { EUR: 20 }]);
    t.ok(await isSound(s));
  },
);

t.test('C10 K6 live holds of the customer that goes away are a blocker', async (t) => {
  const s = await store();
  const [into, from] = [await withAccount(s), await withAccount(s)];
  await grant(s, from, 100);
  const { hold } = await book(s, from, '/holds', { amount: 30 });
  const blocker = { code: 'OPEN_HOLDS', side: 'from', count: 1, wayOut: /Capture or void/ };
  t.match((await merge(s, into, from, { dryRun: true })).data.blockers, [blocker]);
  t.match((await merge(s, into, from)).data, { code: 'MERGE_BLOCKED', blockers: [blocker] });
  await book(s, from, `/holds/${hold.id}/void`, { currency: undefined });
  t.equal((await merge(s, into, from)).statusCode, 200);
  t.same(await balancesOf(s, into), { EUR: 100 });
});

t.test('C10 a debt goes along: paid from what the survivor has, the rest stays owed; and back', async (t) => {
  const s = await store();
  await s.call('PATCH', '/v1/store', { creditAllowNegative: true });
  for (const [own, debt] of [
    [500, 80],
    [50, 80],
    [0, 80],
  ] as const) {
    const [into, from] = [await withAccount(s), await withAccount(s)];
    if (own > 0) await grant(s, into, own);
    await grant(s, from, -debt);
    const before = await lotsOf(s, into);
    const preview = await merge(s, into, from, { dryRun: true });
    t.match(preview.data.balances, [{ overdraft: debt, balance: -debt, survivorBalance: own - debt }]);
    t.equal((await merge(s, into, from)).statusCode, 200);
    t.same([await balancesOf(s, into), await balancesOf(s, from)], [{ EUR: own - debt }, { EUR: 0 }]);
    t.ok(await isSound(s));
    t.equal((await unmerge(s, from)).statusCode, 200);
    t.same([await balancesOf(s, into), await balancesOf(s, from)], [{ EUR: own }, { EUR: -debt }]);
    t.same(await lotsOf(s, into), before, 'the lots that paid are whole again');
    t.ok(await isSound(s), `${own} and −${debt}`);
  }
  const [into, from] = [await withAccount(s), await withAccount(s)];
  await grant(s, into, -60);
  await grant(s, from, 100);
  await merge(s, into, from);
  t.same(await balancesOf(s, into), { EUR: 40 }, 'what comes in covers what the survivor owes');
  t.equal((await unmerge(s, from)).data.code, 'UNMERGE_LOTS_SPENT', 'and is spent by that');
  t.ok(await isSound(s));
});

t.test('C10 A into B into C, and back in turn: every lot is where it was', async (t) => {
  const s = await store();
  const [a, b, c] = [await withAccount(s), await withAccount(s), await withAccount(s)];
  await grant(s, a, 10, { expiresAt: inDays(9) });
  await grant(s, b, 200);
  const before = [await lotsOf(s, a), await lotsOf(s, b), await lotsOf(s, c)];
  for (const [into, from] of [
    [b, a],
    [c, b],
  ] as const)
    t.equal((await merge(s, into, from)).statusCode, 200);
  t.same(await balancesOf(s, c), { EUR: 210 });
  t.equal((await unmerge(s, b)).statusCode, 200);
  t.equal((await unmerge(s, a)).statusCode, 200);
  t.same([await lotsOf(s, a), await lotsOf(s, b), await lotsOf(s, c)], before);
  t.ok(await isSound(s));
});

t.test('C10 L6 merge racing with spends and grants on both accounts loses and doubles nothing', async (t) => {
  for (let round = 0; round < 6; round++) {
    const s = await store();
    const [into, from] = [await withAccount(s), await withAccount(s)];
    await Promise.all([grant(s, into, 100), grant(s, from, 100)]);
    const spend = (id: string) => credit(s, id, '/redeem', { amount: 9, currency: 'EUR' });
    const give = (id: string, currency: string) => credit(s, id, '', { amount: 5, currency, reason: 'race' });
    const [merged, ...answers] = await Promise.all([
      merge(s, into, from),
      ...Array.from({ length: 6 }, () => [
        spend(into),
        spend(from),
        give(from, 'EUR'),
        give(from, 'CHF'),
      ]).flat(),
    ]);
    t.equal(merged.statusCode, 200, merged.body);
    const moved = { EUR: 200, CHF: 0 };
    for (const answer of answers) {
      const { transfer } = answer.data;
      if (answer.statusCode === 201)
        moved[transfer.unit as 'EUR' | 'CHF'] +=
          transfer.kind === 'grant' ? transfer.amount : -transfer.amount;
      else t.match(answer.data.code, /^(CUSTOMER_GONE|INSUFFICIENT_CREDIT)$/, answer.body);
    }
    const [left, right] = [await balancesOf(s, into), await balancesOf(s, from)];
    t.equal((left.EUR ?? 0) + (right.EUR ?? 0), moved.EUR);
    t.equal((left.CHF ?? 0) + (right.CHF ?? 0), moved.CHF);
    t.ok(
      Object.values(right).every((balance) => balance === 0),
      'nothing is left behind',
    );
    t.ok(await isSound(s));
  }
});

t.test('C10 L6 un-merge racing with a spend: the lot is spent or goes back, never both', async (t) => {
  for (let round = 0; round < 6; round++) {
    const s = await store();
    const [into, from] = [await withAccount(s), await withAccount(s)];
    await grant(s, from, 100);
    await merge(s, into, from);
    const [back, spent] = await Promise.all([
      unmerge(s, from),
      credit(s, into, '/redeem', { amount: 60, currency: 'EUR' }),
    ]);
    t.same([back.statusCode === 200, spent.statusCode === 201].sort(), [false, true], spent.body);
    const total = spent.statusCode === 201 ? { into: 40, from: 0 } : { into: 0, from: 100 };
    t.same(
      [await balancesOf(s, into), await balancesOf(s, from)],
      [{ EUR: total.into }, { EUR: total.from }],
    );
    t.ok(await isSound(s));
  }
});

t.test('C10 an empty account moves nothing and is no obstacle', async (t) => {
  const s = await store();
  const [into, from] = [await withAccount(s), await withAccount(s)];
  await grant(s, from, 30);
  await book(s, from, '/redeem', { amount: 30 });
  const versionOf = async () =>
    (await findLedgerAccount(s.ctx().db, { customerId: from, unit: 'EUR' }))?.state?.version ?? 0;
  const before = await versionOf();
  const merged = await merge(s, into, from);
  t.same(merged.data.balances, []);
  t.equal(await versionOf(), before + 1, 'who read it before the merge cannot write after it');
  t.same(await balancesOf(s, into), {});
  t.equal((await unmerge(s, from)).statusCode, 200);
});

t.test('C6 credit, holds and history stand in the way of deleting, each with its code', async (t) => {
  const s = await store();
  const id = await withAccount(s);
  const codes = async () =>
    (await s.call('GET', `/v1/customers/${id}/deletability`)).data.blockers.map(
      ({ code }: { code: string }) => code,
    );
  const refused = async () => (await s.call('DELETE', `/v1/customers/${id}`)).data.code;
  await grant(s, id, 30);
  const { hold } = await book(s, id, '/holds', { amount: 30 });
  t.same(await codes(), ['CUSTOMER_HAS_CREDIT', 'CUSTOMER_HAS_OPEN_HOLDS', 'CUSTOMER_HAS_LEDGER_ENTRIES']);
  t.equal(await refused(), 'CUSTOMER_HAS_CREDIT');
  await book(s, id, `/holds/${hold.id}/capture`, { currency: undefined });
  t.same(await codes(), ['CUSTOMER_HAS_LEDGER_ENTRIES']);
  t.equal(await refused(), 'CUSTOMER_HAS_LEDGER_ENTRIES');
  await database.owner.query(
    `update ledger_accounts set balance = 5, unit = 'points' where store_id = $1 and customer_id = $2`,
    [s.storeId, id],
  );
  t.same(await codes(), ['CUSTOMER_HAS_POINTS', 'CUSTOMER_HAS_LEDGER_ENTRIES']);
  const survivor = await withAccount(s);
  await merge(s, survivor, id);
  t.equal((await s.call('DELETE', `/v1/customers/${survivor}`)).data.code, 'CUSTOMER_HAS_POINTS');
});

t.test('C6 a survivor whose merged customer had entries is kept for their sake', async (t) => {
  const s = await store();
  const [into, from] = [await withAccount(s), await withAccount(s)];
  await grant(s, from, 30);
  await book(s, from, '/redeem', { amount: 30 });
  await merge(s, into, from);
  const blockers = (await s.call('GET', `/v1/customers/${into}/deletability`)).data.blockers;
  t.match(blockers, [{ code: 'CUSTOMER_HAS_LEDGER_ENTRIES', count: 2 }]);
  t.equal((await s.call('DELETE', `/v1/customers/${into}`)).data.code, 'CUSTOMER_HAS_LEDGER_ENTRIES');
});

t.test('C6 delete racing with the first grant: one of the two is refused', async (t) => {
  for (let round = 0; round < 5; round++) {
    const s = await store();
    const id = await withAccount(s);
    const [removed, granted] = await Promise.all([
      s.call('DELETE', `/v1/customers/${id}`),
      credit(s, id, '', { amount: 5, currency: 'EUR', reason: 'race' }),
    ]);
    if (removed.statusCode === 204) t.equal(granted.statusCode, 404, granted.body);
    else {
      t.match(removed.data.code, /^CUSTOMER_HAS_(CREDIT|LEDGER_ENTRIES)$/);
      t.equal(granted.statusCode, 201, granted.body);
    }
  }
});
