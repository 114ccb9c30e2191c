// Bulk actions and jobs over HTTP; the slices run here, without a queue.
import { randomUUID } from 'node:crypto';
import t from 'tap';
import { bulkSlice } from '../../src/actions/bulk-slices.ts';
import { noteFailure, runJob, type Slice } from '../../src/actions/jobs.ts';
import { findJob } from '../../src/db/jobs.ts';
import { Problem } from '../../src/errors.ts';
import {
  fillStore,
  makeCustomers,
  outcomesOf,
  runBulk,
  runUndo,
  STEP,
  startBulk,
  work,
  workOnce,
} from '../support/bulk-jobs.ts';
import { type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const store = () => testStore(app, database);

const UNKNOWN = '01900000-0000-7000-8000-000000000000';

async function addOrder({ storeId }: TestStore, customerId: string, status = 'cancelled'): Promise<void> {
  await database.owner.query(
    `insert into orders (store_id, id, external_id, customer_id, status, refund_status, currency, placed_at,
       platform_updated_at, shipping, tax, taxes_included, discount, total, refunded_total, refunds, coupon_codes, is_test,
       snapshot, version, created_at, updated_at)
     values ($1, $2::uuid, $2::text, $3, $4, 'none', 'EUR', now(), now(), 0, 0, false, 0, 9000000000000000, 0, '[]', '{}', false,
       '{}', 1, now(), now())`,
    [storeId, randomUUID(), customerId, status],
  );
}

async function groupOf(store: TestStore, name: string): Promise<string> {
  const { rows } = await database.owner.query('select id from groups where store_id = $1 and name = $2', [
    store.storeId,
    name,
  ]);
  return rows[0].id;
}

const addAgent = async (store: TestStore): Promise<string> =>
  (await store.call('POST', '/v1/agents', { name: 'Ann', email: 'ann@example.com' })).data.id;

const tagsOf = async (store: TestStore, id: string): Promise<string[]> =>
  (await store.call('GET', `/v1/customers/${id}`)).data.tags;
const read = async (store: TestStore, id: string) => (await store.call('GET', `/v1/customers/${id}`)).data;

async function eventsOf(store: TestStore, customerId: string) {
  const { rows } = await database.owner.query(
    'select kind, subject_id, actor, data from events where store_id = $1 and customer_id = $2 order by occurred_at, id',
    [store.storeId, customerId],
  );
  return rows;
}

t.test('bulk: tags are added to the selected, one event, one version and one outcome each', async (t) => {
  const it = await store();
  const [a = '', b = '', c = ''] = await makeCustomers(it, { tags: ['vip'] }, {}, {});
  const started = await startBulk(it, { action: 'addTags', tags: [' New   tag ', 'VIP'], ids: [a, b] });
  t.equal(started.statusCode, 202);
  t.equal(started.headers.location, `/v1/jobs/${started.data.id}`);
  t.match(started.data, {
    kind: 'bulk',
    status: 'queued',
    action: 'addTags',
    tags: ['New tag', 'VIP'],
    total: 2,
    done: 0,
  });
  await work(it, started.data.id);
  const job = await it.call('GET', `/v1/jobs/${started.data.id}`);
  t.match(job.data, {
    status: 'completed',
    total: 2,
    done: 2,
    outcomes: { done: 2 },
    createdBy: 'staff:tester',
  });
  t.equal(job.data.requestId, started.headers['x-request-id']);
  t.same(await outcomesOf(it, started.data.id), { [a]: 'done', [b]: 'done' });
  t.same(await tagsOf(it, a), ['New tag', 'VIP'], 'T2 the first spelling wins store-wide');
  t.same(await tagsOf(it, c), []);
  t.equal((await read(it, a)).version, 2);
  t.match((await eventsOf(it, a)).at(-1), {
    kind: 'tag.added',
    actor: `job:${started.data.id}`,
    data: { tags: ['New tag'], source: `bulk:${started.data.id}` },
  });
  t.equal((await eventsOf(it, a)).length, 2, 'C9 one event');
});

t.test('T5 the source of a bulk tag names the job', async (t) => {
  const it = await store();
  const [a] = await makeCustomers(it, {});
  const job = await runBulk(it, { action: 'addTags', tags: ['x'], ids: [a] });
  const { rows } = await database.owner.query('select source from customer_tags where store_id = $1', [
    it.storeId,
  ]);
  t.same(rows, [{ source: `bulk:${job.data.id}` }]);
});

t.test('T3 doing it again changes nothing twice', async (t) => {
  const it = await store();
  const ids = await makeCustomers(it, {}, {});
  const request = { action: 'addTags', tags: ['x'], ids };
  await runBulk(it, request);
  const before = await Promise.all(ids.map((id) => read(it, id)));
  const again = await runBulk(it, request);
  t.same(again.data.outcomes, { unchanged: 2 });
  t.same(await Promise.all(ids.map((id) => read(it, id))), before);
  await work(it, again.data.id);
  t.same(
    (await it.call('GET', `/v1/bulk-jobs/${again.data.id}`)).data,
    again.data,
    'a finished job that is delivered again does nothing',
  );
});

t.test('T3 tags are removed without regard to case, unknown ones are no error', async (t) => {
  const it = await store();
  const [a = '', b = ''] = await makeCustomers(it, { tags: ['Summer', 'VIP'] }, {});
  const job = await runBulk(it, { action: 'removeTags', tags: ['SUMMER', 'never seen'], all: true });
  t.same(await outcomesOf(it, job.data.id), { [a]: 'done', [b]: 'unchanged' });
  t.same(await tagsOf(it, a), ['VIP']);
  const { rows } = await database.owner.query(
    `select from tags where store_id = $1 and name_key = 'never seen'`,
    [it.storeId],
  );
  t.equal(rows.length, 0, 'removing makes no tag');
});

t.test('T2 a customer at the limit is refused by name, the rest go', async (t) => {
  const it = await store();
  const many = Array.from({ length: 250 }, (_, index) => `t${index}`);
  const [full = '', free = ''] = await makeCustomers(it, { tags: many }, {});
  const job = await runBulk(it, { action: 'addTags', tags: ['one more'], all: true });
  t.same(await outcomesOf(it, job.data.id), { [full]: 'refused:TOO_MANY_TAGS', [free]: 'done' });
  t.same(job.data.outcomes, { done: 1, 'refused:TOO_MANY_TAGS': 1 });
  const refused = await it.call('GET', `/v1/jobs/${job.data.id}/items?outcome=refused`);
  t.same(refused.data.data, [{ customerId: full, outcome: 'refused:TOO_MANY_TAGS' }]);
  const exact = await it.call('GET', `/v1/jobs/${job.data.id}/items?outcome=refused:TOO_MANY_TAGS`);
  t.same(exact.data.data, refused.data.data);
});

t.test('bulk: ids that are no customers of the store, and merged ones, are refused items', async (t) => {
  const it = await store();
  const other = await store();
  const [mine = '', gone = ''] = await makeCustomers(it, {}, {});
  const [foreign = ''] = await makeCustomers(other, {});
  await database.owner.query(
    `update customers set account_status = 'merged' where store_id = $1 and id = $2`,
    [it.storeId, gone],
  );
  const ids = [mine, mine.toUpperCase(), gone, foreign, UNKNOWN];
  const job = await runBulk(it, { action: 'addTags', tags: ['x'], ids });
  t.same(await outcomesOf(it, job.data.id), {
    [mine]: 'done',
    [gone]: 'refused:CUSTOMER_GONE',
    [foreign]: 'refused:NOT_FOUND',
    [UNKNOWN]: 'refused:NOT_FOUND',
  });
  t.same(await tagsOf(other, foreign), []);
});

t.test('bulk: a filter selects what the list shows, as of the start', async (t) => {
  const it = await store();
  const [vip = '', both = ''] = await makeCustomers(
    it,
    { tags: ['vip'] },
    { tags: ['vip'], company: 'Acme' },
    { company: 'Acme' },
  );
  const started = await startBulk(it, { action: 'addTags', tags: ['x'], filter: { tag: ['VIP'] } });
  t.equal(started.data.total, 2);
  await makeCustomers(it, { tags: ['vip'] });
  await work(it, started.data.id);
  t.same(await outcomesOf(it, started.data.id), { [vip]: 'done', [both]: 'done' });
});

t.test('bulk: a large selection is written down and worked off slice by slice', async (t) => {
  const it = await store();
  await fillStore(database.owner, it.storeId, 12_000);
  const started = await startBulk(it, { action: 'addTags', tags: ['x'], all: true });
  t.equal(started.data.total, null, 'not known yet');
  let slices = 0;
  const counted: Slice = (...slice) => {
    slices++;
    return bulkSlice(...slice);
  };
  await runJob(it.ctx(), started.data.id, counted, new AbortController().signal);
  const { data } = await it.call('GET', `/v1/jobs/${started.data.id}`);
  t.match(data, { status: 'completed', total: 12000, done: 12000, outcomes: { done: 12000 } });
  t.equal(slices, 8, 'one to select, seven to work');
  const { rows } = await database.owner.query(
    `select count(*)::int as tagged, count(distinct customer_id)::int as customers from customer_tags where store_id = $1`,
    [it.storeId],
  );
  t.same(rows, [{ tagged: 12000, customers: 12000 }]);
  const undo = await runUndo(it, started.data.id);
  t.match(undo.data, { status: 'completed', total: 12000, outcomes: { done: 12000 }, action: 'removeTags' });
});

t.test('bulk: a slice is a constant number of statements', async (t) => {
  const it = await store();
  const count = async (customers: number) => {
    const ids = await makeCustomers(it, ...Array.from({ length: customers }, () => ({})));
    const { data } = await startBulk(it, { action: 'addTags', tags: [`n${customers}`], ids });
    let statements = 0;
    const counting: Slice = (ctx, tx, job) => {
      const use: typeof tx.use = (inner) => {
        statements++;
        return tx.use(inner);
      };
      const counted = { ...tx, use };
      return bulkSlice(ctx, counted, job);
    };
    await runJob(it.ctx(), data.id, counting, new AbortController().signal);
    return statements;
  };
  t.equal(await count(2), await count(40));
});

t.test('bulk: groups are joined and left, with the primary group, and both can be undone', async (t) => {
  const it = await store();
  const groupId = await groupOf(it, 'Business');
  const [inside = '', outside = ''] = await makeCustomers(
    it,
    { groupIds: [groupId], primaryGroupId: groupId },
    {},
  );
  const joined = await runBulk(it, { action: 'addToGroup', groupId, all: true });
  t.same(await outcomesOf(it, joined.data.id), { [inside]: 'unchanged', [outside]: 'done' });
  t.match((await eventsOf(it, outside)).at(-1), {
    kind: 'group.joined',
    subject_id: groupId,
    data: { name: 'Business' },
  });
  await runUndo(it, joined.data.id);
  t.same((await read(it, outside)).groups, []);
  t.equal((await read(it, inside)).groups.length, 1);
  const left = await runBulk(it, { action: 'removeFromGroup', groupId, all: true });
  t.match(await read(it, inside), { groups: [], primaryGroupId: null });
  t.match((await eventsOf(it, inside)).slice(-2), [
    { kind: 'group.left' },
    { kind: 'customer.updated', data: { changes: { primaryGroupId: [groupId, null] } } },
  ]);
  await runUndo(it, left.data.id);
  t.match(await read(it, inside), { groups: [{ id: groupId }], primaryGroupId: groupId });
});

t.test('bulk: sales agents are set and cleared, and must exist', async (t) => {
  const it = await store();
  const salesAgentId = await addAgent(it);
  const [a = ''] = await makeCustomers(it, {});
  const set = await runBulk(it, { action: 'setSalesAgent', salesAgentId, all: true });
  t.match(set.data, { outcomes: { done: 1 }, salesAgentId });
  t.equal((await read(it, a)).salesAgentId, salesAgentId);
  t.match((await eventsOf(it, a)).at(-1), {
    kind: 'customer.updated',
    data: { changes: { salesAgentId: [null, salesAgentId] } },
  });
  t.same((await runBulk(it, { action: 'setSalesAgent', salesAgentId, all: true })).data.outcomes, {
    unchanged: 1,
  });
  const cleared = await runBulk(it, { action: 'setSalesAgent', salesAgentId: null, all: true });
  t.match(cleared.data, { outcomes: { done: 1 }, salesAgentId: null });
  const unknown = await startBulk(it, { action: 'setSalesAgent', salesAgentId: UNKNOWN, all: true });
  t.match(
    [unknown.statusCode, unknown.data],
    [422, { code: 'REFERENCE_UNKNOWN', reference: '/salesAgentId' }],
  );
  t.match((await startBulk(it, { action: 'addToGroup', groupId: UNKNOWN, all: true })).data, {
    code: 'REFERENCE_UNKNOWN',
    reference: '/groupId',
  });
});

t.test('C4 bulk: only active accounts are disabled, only disabled ones enabled', async (t) => {
  const it = await store();
  const [guest = '', active = ''] = await makeCustomers(
    it,
    {},
    { email: 'a@example.com', accountStatus: 'active' },
  );
  const disabled = await runBulk(it, { action: 'disable', all: true });
  t.same(await outcomesOf(it, disabled.data.id), { [guest]: 'refused:ACCOUNT_NOT_ACTIVE', [active]: 'done' });
  t.match(await read(it, active), { accountStatus: 'disabled', version: 2 });
  t.match((await eventsOf(it, active)).at(-1), {
    kind: 'customer.updated',
    data: { changes: { accountStatus: ['active', 'disabled'] } },
  });
  const enabled = await runBulk(it, { action: 'enable', ids: [active] });
  t.same(enabled.data.outcomes, { done: 1 });
  t.equal((await read(it, active)).accountStatus, 'active');
});

t.test('C6 bulk: customers with any order are refused by name in a delete, and the rest go', async (t) => {
  const it = await store();
  const [buyer = '', nobody = ''] = await makeCustomers(it, {}, { tags: ['VIP'] });
  await addOrder(it, buyer);
  const dry = await runBulk(it, { action: 'delete', all: true, dryRun: true });
  t.same(dry.data.outcomes, { done: 1, 'refused:CUSTOMER_HAS_ORDERS': 1 });
  t.equal((await it.call('GET', `/v1/customers/${nobody}`)).statusCode, 200, 'a dry run deletes nobody');
  const job = await runBulk(it, { action: 'delete', all: true });
  t.same(await outcomesOf(it, job.data.id), { [buyer]: 'refused:CUSTOMER_HAS_ORDERS', [nobody]: 'done' });
  t.equal((await it.call('GET', `/v1/customers/${nobody}`)).statusCode, 404);
  t.equal((await it.call('GET', `/v1/customers/${buyer}`)).statusCode, 200);
  t.match((await eventsOf(it, nobody)).at(-1), { kind: 'customer.deleted' });
});

t.test('bulk: a dry run tells the outcomes and changes nothing', async (t) => {
  const it = await store();
  const ids = await makeCustomers(it, { tags: ['old'] }, {});
  const before = await Promise.all(ids.map((id) => read(it, id)));
  const dry = await runBulk(it, { action: 'addTags', tags: ['old'], all: true, dryRun: true });
  t.match(dry.data, { dryRun: true, outcomes: { done: 1, unchanged: 1 } });
  const unheard = await runBulk(it, { action: 'addTags', tags: ['unheard of'], all: true, dryRun: true });
  t.same(unheard.data.outcomes, { done: 2 });
  t.same(await Promise.all(ids.map((id) => read(it, id))), before);
  const { rows } = await database.owner.query(
    `select from tags where store_id = $1 and name_key = 'unheard of'`,
    [it.storeId],
  );
  t.equal(rows.length, 0);
  const undo = await it.call('POST', `/v1/bulk-jobs/${dry.data.id}/undo`, undefined, {
    'idempotency-key': randomUUID(),
  });
  t.match([undo.statusCode, undo.data], [409, { code: 'JOB_NOT_UNDOABLE', reason: 'dry_run' }]);
});

t.test('undo takes back exactly what the job changed, once', async (t) => {
  const it = await store();
  const [had = '', got = '', again = ''] = await makeCustomers(it, { tags: ['x'] }, {}, {});
  const job = await runBulk(it, { action: 'addTags', tags: ['x', 'y'], all: true });
  await runBulk(it, { action: 'removeTags', tags: ['y'], ids: [again] });
  await runBulk(it, { action: 'addTags', tags: ['y'], ids: [again] });
  const undo = await runUndo(it, job.data.id);
  t.match(undo.data, { status: 'completed', undoOf: job.data.id, action: 'removeTags' });
  t.same(await tagsOf(it, had), ['x'], 'what was there before stays');
  t.same(await tagsOf(it, got), []);
  t.same(await tagsOf(it, again), ['y'], 'what was given anew since then stays');
  const second = await it.call('POST', `/v1/bulk-jobs/${job.data.id}/undo`, undefined, {
    'idempotency-key': randomUUID(),
  });
  t.match(
    [second.statusCode, second.data],
    [409, { code: 'JOB_NOT_UNDOABLE', reason: 'undone', undoneById: undo.data.id }],
  );
  await runUndo(it, undo.data.id);
  t.same(await tagsOf(it, got), ['x', 'y'], 'an undo can be undone');
});

t.test('undo of removed tags gives back what is still possible', async (t) => {
  const it = await store();
  const [a = '', full = '', gone = ''] = await makeCustomers(
    it,
    { tags: ['x', 'z'] },
    { tags: ['x'] },
    { tags: ['x'] },
  );
  const job = await runBulk(it, { action: 'removeTags', tags: ['x', 'z'], all: true });
  const many = Array.from({ length: 250 }, (_, index) => `t${index}`);
  await runBulk(it, { action: 'addTags', tags: many, ids: [full] });
  await runBulk(it, { action: 'delete', ids: [gone] });
  await database.owner.query(`delete from tags where store_id = $1 and name_key = 'z'`, [it.storeId]);
  const undo = await runUndo(it, job.data.id);
  t.same(await outcomesOf(it, undo.data.id), {
    [a]: 'done',
    [full]: 'refused:TOO_MANY_TAGS',
    [gone]: 'refused:NOT_FOUND',
  });
  t.same(await tagsOf(it, a), ['x'], 'the tag z is gone from the store');
});

t.test('two undos of one job at once: one 202, one 409', async (t) => {
  const it = await store();
  await makeCustomers(it, {});
  const job = await runBulk(it, { action: 'addTags', tags: ['x'], all: true });
  const undo = () =>
    it.call('POST', `/v1/bulk-jobs/${job.data.id}/undo`, undefined, { 'idempotency-key': randomUUID() });
  const answers = await Promise.all([undo(), undo(), undo()]);
  t.same(answers.map((answer) => answer.statusCode).sort(), [202, 409, 409]);
});

t.test('only finished tag and group jobs of this store can be undone', async (t) => {
  const it = await store();
  const other = await store();
  await makeCustomers(it, {});
  const undo = (on: TestStore, id: string) =>
    on.call('POST', `/v1/bulk-jobs/${id}/undo`, undefined, { 'idempotency-key': randomUUID() });
  const disabling = await runBulk(it, { action: 'disable', all: true });
  t.match((await undo(it, disabling.data.id)).data, { code: 'JOB_NOT_UNDOABLE', reason: 'action' });
  const open = await startBulk(it, { action: 'addTags', tags: ['x'], all: true });
  t.match((await undo(it, open.data.id)).data, { code: 'JOB_NOT_UNDOABLE', reason: 'not_finished' });
  t.equal((await undo(other, disabling.data.id)).statusCode, 404);
  t.equal((await undo(it, UNKNOWN)).statusCode, 404);
});

t.test('a request that makes no sense is refused with pointers', async (t) => {
  const it = await store();
  const cases: [body: object, status: number, code: string, pointers: string[]][] = [
    [{ action: 'enable' }, 422, 'SELECTION_INVALID', ['']],
    [{ action: 'enable', all: true, ids: [UNKNOWN] }, 422, 'SELECTION_INVALID', ['/ids', '/all']],
    [{ action: 'delete', filter: {} }, 422, 'SELECTION_INVALID', ['/filter']],
    [{ action: 'addTags', all: true }, 422, 'BULK_ACTION_INVALID', ['/tags']],
    [{ action: 'addTags', tags: [' , '], all: true }, 422, 'BULK_ACTION_INVALID', ['/tags']],
    [{ action: 'enable', tags: ['x'], all: true }, 422, 'BULK_ACTION_INVALID', ['/tags']],
    [{ action: 'addTags', tags: ['x'.repeat(256)], all: true }, 422, 'TAG_INVALID', []],
    [{ action: 'explode', all: true }, 400, 'VALIDATION_FAILED', ['/action']],
    [{ action: 'enable', ids: [] }, 400, 'VALIDATION_FAILED', ['/ids']],
    [
      { action: 'enable', ids: Array.from({ length: 1001 }, () => UNKNOWN) },
      400,
      'VALIDATION_FAILED',
      ['/ids'],
    ],
    [{ action: 'enable', segmentId: UNKNOWN, all: true }, 422, 'SELECTION_INVALID', ['/segmentId', '/all']],
    [{ action: 'enable', segmentId: 'vip' }, 400, 'VALIDATION_FAILED', ['/segmentId']],
    [{ action: 'enable', segmentId: UNKNOWN }, 422, 'REFERENCE_UNKNOWN', []],
  ];
  for (const [body, status, code, pointers] of cases) {
    const answer = await startBulk(it, body);
    t.match([answer.statusCode, answer.data.code], [status, code], JSON.stringify(body).slice(0, 60));
    t.same(
      (answer.data.errors ?? []).map((error: { pointer: string }) => error.pointer),
      pointers,
    );
  }
  const { data } = await it.call('GET', '/v1/jobs');
  t.same(data.data, [], 'no job was started');
});

t.test('a bulk request needs an Idempotency-Key, and a repeat starts no second job', async (t) => {
  const it = await store();
  await makeCustomers(it, {});
  const body = { action: 'addTags', tags: ['x'], all: true };
  const without = await it.call('POST', '/v1/customers/bulk', body);
  t.match([without.statusCode, without.data.code], [400, 'IDEMPOTENCY_KEY_REQUIRED']);
  const key = { 'idempotency-key': randomUUID() };
  const first = await it.call('POST', '/v1/customers/bulk', body, key);
  const second = await it.call('POST', '/v1/customers/bulk', body, key);
  t.same(second.data, first.data);
  t.match(
    [second.statusCode, second.headers],
    [202, { location: first.headers.location, 'idempotency-replayed': 'true' }],
  );
  t.equal((await it.call('GET', '/v1/jobs')).data.data.length, 1);
});

t.test('two workers with one job do each customer once', async (t) => {
  const it = await store();
  const ids = await makeCustomers(it, ...Array.from({ length: 30 }, () => ({})));
  const { data } = await startBulk(it, { action: 'addTags', tags: ['x'], all: true });
  await Promise.all([work(it, data.id), work(it, data.id), work(it, data.id)]);
  const { rows } = await database.owner.query(
    `select customer_id from events where store_id = $1 and kind = 'tag.added'`,
    [it.storeId],
  );
  t.same(rows.map((row) => row.customer_id).sort(), [...ids].sort());
  t.match((await it.call('GET', `/v1/jobs/${data.id}`)).data, { done: 30, outcomes: { done: 30 } });
});

t.test('a job stops between slices when it is cancelled, and stays cancelled', async (t) => {
  const it = await store();
  await makeCustomers(it, {});
  const { data } = await startBulk(it, { action: 'addTags', tags: ['x'], all: true });
  const cancelled = await it.call('POST', `/v1/jobs/${data.id}/cancel`);
  t.match([cancelled.statusCode, cancelled.data], [200, { status: 'cancelled', done: 0 }]);
  await work(it, data.id);
  t.match((await it.call('GET', `/v1/jobs/${data.id}`)).data, { status: 'cancelled', done: 0 });
  t.same((await it.call('GET', `/v1/jobs/${data.id}/items?outcome=pending`)).data.data.length, 1);
  const again = await it.call('POST', `/v1/jobs/${data.id}/cancel`);
  t.match(
    [again.statusCode, again.data],
    [409, { code: 'JOB_FINISHED', status: 409, jobStatus: 'cancelled' }],
  );
});

t.test('a raised signal pauses the job at the end of a slice; the next delivery goes on', async (t) => {
  const it = await store();
  await makeCustomers(it, {}, {});
  const { data } = await startBulk(it, { action: 'addTags', tags: ['x'], all: true });
  t.equal(await workOnce(it, data.id, STEP), 'paused');
  t.match((await it.call('GET', `/v1/jobs/${data.id}`)).data, { status: 'running', done: 1 });
  t.equal(await work(it, data.id), 'ended');
  t.match((await it.call('GET', `/v1/jobs/${data.id}`)).data, { status: 'completed', done: 3 });
});

t.test('a group that is deleted meanwhile ends the job with the reason', async (t) => {
  const it = await store();
  await makeCustomers(it, {});
  const groupId = await groupOf(it, 'Business');
  const { data } = await startBulk(it, { action: 'addToGroup', groupId, all: true });
  await database.owner.query('delete from groups where store_id = $1 and id = $2', [it.storeId, groupId]);
  await work(it, data.id);
  t.match((await it.call('GET', `/v1/jobs/${data.id}`)).data, {
    status: 'failed',
    error: { code: 'REFERENCE_UNKNOWN' },
  });
});

t.test('a slice that throws leaves nothing behind, and a job fails after its last attempt', async (t) => {
  const it = await store();
  const [a = ''] = await makeCustomers(it, {});
  const { data } = await startBulk(it, { action: 'addTags', tags: ['x'], all: true });
  const broken: Slice = async (...slice) => {
    await bulkSlice(...slice);
    throw new Error('killed');
  };
  await t.rejects(runJob(it.ctx(), data.id, broken, new AbortController().signal), { message: 'killed' });
  t.same(await tagsOf(it, a), []);
  t.equal(await noteFailure(it.ctx(), data.id, 2), 'open');
  t.equal(await noteFailure(it.ctx(), data.id, 2), 'ended');
  t.match((await it.call('GET', `/v1/jobs/${data.id}`)).data, {
    status: 'failed',
    error: { code: 'INTERNAL' },
  });
  t.equal(await noteFailure(it.ctx(), data.id, 2), 'ended', 'a finished job stays as it is');
});

t.test('a slice that succeeds forgets the failures before it', async (t) => {
  const it = await store();
  await makeCustomers(it, {});
  const { data } = await startBulk(it, { action: 'addTags', tags: ['x'], all: true });
  await noteFailure(it.ctx(), data.id, 8);
  await workOnce(it, data.id, STEP);
  t.equal((await findJob(it.ctx().db, data.id))?.attempts, 0);
});

t.test('a refusal inside a slice ends the job, a fault of ours is thrown for the queue', async (t) => {
  const it = await store();
  await makeCustomers(it, {});
  const { data } = await startBulk(it, { action: 'addTags', tags: ['x'], all: true });
  const fault: Slice = async () => {
    throw new Problem('UNAVAILABLE');
  };
  await t.rejects(runJob(it.ctx(), data.id, fault, new AbortController().signal), { code: 'UNAVAILABLE' });
  t.equal((await it.call('GET', `/v1/jobs/${data.id}`)).data.status, 'queued');
});

t.test('jobs are listed newest first, in pages, by state and kind', async (t) => {
  const it = await store();
  const other = await store();
  await makeCustomers(it, {});
  const ids: string[] = [];
  for (let n = 0; n < 5; n++)
    ids.unshift((await startBulk(it, { action: 'addTags', tags: [`t${n}`], all: true })).data.id);
  await work(it, ids[1] ?? '');
  const first = await it.call('GET', '/v1/jobs?limit=3');
  t.same(
    first.data.data.map((job: { id: string }) => job.id),
    ids.slice(0, 3),
  );
  t.match(first.headers.link, /rel="next"/);
  const second = await it.call('GET', `/v1/jobs?limit=3&cursor=${first.data.page.nextCursor}`);
  t.same(
    second.data.data.map((job: { id: string }) => job.id),
    ids.slice(3),
  );
  const completed = await it.call('GET', '/v1/jobs?status=completed&kind=bulk');
  t.same(
    completed.data.data.map((job: { id: string }) => job.id),
    [ids[1]],
  );
  t.same((await it.call('GET', '/v1/jobs?kind=import')).data.data, []);
  t.same((await other.call('GET', '/v1/jobs')).data.data, []);
  t.equal((await it.call('GET', '/v1/jobs?state=completed')).statusCode, 400);
});

t.test('the items of a job come in pages and as CSV', async (t) => {
  const it = await store();
  const ids = (await makeCustomers(it, {}, { tags: ['x'] }, {})).sort();
  const job = await runBulk(it, { action: 'addTags', tags: ['x'], all: true });
  const first = await it.call('GET', `/v1/jobs/${job.data.id}/items?limit=2`);
  const second = await it.call(
    'GET',
    `/v1/jobs/${job.data.id}/items?limit=2&cursor=${first.data.page.nextCursor}`,
  );
  const items = [...first.data.data, ...second.data.data];
  t.same(
    items.map((item) => item.customerId),
    ids,
  );
  const csv = await it.call('GET', `/v1/jobs/${job.data.id}/items.csv`);
  t.equal(csv.headers['content-type'], 'text/csv; charset=utf-8');
  t.same(csv.body.split('\r\n'), [
    'customerId,outcome',
    ...items.map((item) => `${item.customerId},${item.outcome}`),
    '',
  ]);
  const unchanged = await it.call('GET', `/v1/jobs/${job.data.id}/items.csv?outcome=unchanged`);
  t.equal(unchanged.body.split('\r\n').length, 3);
  t.equal((await it.call('GET', `/v1/jobs/${job.data.id}/items?outcome=maybe`)).statusCode, 400);
});

t.test("another store's job is not found, nor is one of another kind as a bulk job", async (t) => {
  const it = await store();
  const other = await store();
  await makeCustomers(it, {});
  const { data } = await startBulk(it, { action: 'addTags', tags: ['x'], all: true });
  const paths = ['', '/events', '/items', '/items.csv'].map((end) => `/v1/jobs/${data.id}${end}`);
  for (const path of [...paths, `/v1/bulk-jobs/${data.id}`, `/v1/bulk-jobs/${data.id}/events`]) {
    t.equal((await other.call('GET', path)).statusCode, 404, path);
  }
  t.equal((await other.call('POST', `/v1/jobs/${data.id}/cancel`)).statusCode, 404);
  await database.owner.query(`update jobs set kind = 'import' where store_id = $1 and id = $2`, [
    it.storeId,
    data.id,
  ]);
  t.equal((await it.call('GET', `/v1/bulk-jobs/${data.id}`)).statusCode, 404);
  t.equal((await it.call('GET', `/v1/jobs/${data.id}`)).statusCode, 200);
});

t.test('a bulk action needs customers:write, jobs need jobs:read', async (t) => {
  const reader = await testStore(app, database, { scopes: ['customers:read', 'jobs:read'] });
  t.equal((await startBulk(reader, { action: 'enable', all: true })).statusCode, 403);
  t.equal((await reader.call('GET', '/v1/jobs')).statusCode, 200);
  t.equal((await reader.call('POST', `/v1/jobs/${UNKNOWN}/cancel`)).statusCode, 403);
});

t.test('an unfinished job says when it will probably end', async (t) => {
  const it = await store();
  await makeCustomers(it, {});
  const { data } = await startBulk(it, { action: 'addTags', tags: ['x'], all: true });
  t.equal(data.estimatedEndAt, null);
  await database.owner.query(
    `update jobs set status = 'running', total = 400, done = 100, started_at = now() - interval '10 s'
     where store_id = $1 and id = $2`,
    [it.storeId, data.id],
  );
  const { estimatedEndAt } = (await it.call('GET', `/v1/jobs/${data.id}`)).data;
  const leftMs = Date.parse(estimatedEndAt) - Date.now();
  t.ok(leftMs > 25_000 && leftMs < 35_000, `${leftMs} ms left`);
});
