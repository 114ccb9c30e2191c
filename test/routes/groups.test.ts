// Groups over HTTP, on real Postgres.
import t from 'tap';
import { groupChangeSlice } from '../../src/actions/groups.ts';
import { runJob } from '../../src/actions/jobs.ts';
import { newId } from '../../src/context.ts';
import { type Answer, type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const store = () => testStore(app, database);

async function customerOf({ call }: TestStore, groupIds: string[] = []) {
  const { data } = await call('POST', '/v1/customers', { lastName: 'Lovelace', groupIds });
  const customer = `/v1/customers/${data.id}`;
  return { id: data.id as string, customer, groups: `${customer}/groups` };
}

const customersOf = (s: TestStore, count: number, groupIds: string[] = []) =>
  Promise.all(Array.from({ length: count }, () => customerOf(s, groupIds)));

async function groupOf(
  { call }: TestStore,
  name: string,
): Promise<{ id: string; url: string; members: string }> {
  const { data } = await call('POST', '/v1/groups', { name });
  return { id: data.id, url: `/v1/groups/${data.id}`, members: `/v1/groups/${data.id}/members` };
}

/** Runs the job of kind `group-change` that was started last. */
async function finish({ ctx, call }: TestStore) {
  const { data } = await call('GET', '/v1/jobs?kind=group-change&limit=1');
  await runJob(ctx(), data.data[0].id, groupChangeSlice, new AbortController().signal);
  return (await call('GET', `/v1/jobs/${data.data[0].id}`)).data;
}

async function eventsOf(customerId: string, ...kinds: string[]) {
  const { rows } = await database.owner.query(
    'select kind, subject_id, data from events where customer_id = $1 and kind = any($2) order by id',
    [customerId, kinds],
  );
  return rows;
}

const codes = (answers: Answer[]) => answers.map((answer) => answer.statusCode).sort();

t.test(
  'Groups: a new store has Standard and Business; a group is created, read, changed and listed',
  async (t) => {
    const { call } = await store();
    const created = await call('POST', '/v1/groups', {
      name: ' Key  accounts ',
      description: 'The largest ones',
    });
    t.equal(created.statusCode, 201);
    t.equal(created.headers.location, `/v1/groups/${created.data.id}`);
    t.match(created.data, { name: 'Key accounts', description: 'The largest ones', customersCount: 0 });
    const changed = await call('PATCH', `/v1/groups/${created.data.id}`, { description: null });
    t.match(changed.data, { name: 'Key accounts', description: null });
    t.same((await call('GET', `/v1/groups/${created.data.id}`)).data, changed.data);
    const first = await call('GET', '/v1/groups?limit=2');
    const next = await call(
      'GET',
      `/v1/groups?limit=2&cursor=${encodeURIComponent(first.data.page.nextCursor)}`,
    );
    const names = [...first.data.data, ...next.data.data].map((group) => group.name);
    t.same(names, ['Business', 'Key accounts', 'Standard']);
  },
);

t.test('Groups: names are unique without case, also for two at once', async (t) => {
  const s = await store();
  const { call } = s;
  const taken = await call('POST', '/v1/groups', { name: 'BUSINESS' });
  t.equal(taken.statusCode, 409);
  t.equal(taken.data.code, 'GROUP_NAME_TAKEN');
  t.ok(taken.data.groupId);
  const answers = await Promise.all(
    ['Once', 'ONCE', 'once'].map((name) => call('POST', '/v1/groups', { name })),
  );
  t.same(codes(answers), [201, 409, 409]);
  const group = await groupOf(s, 'Other');
  t.equal((await call('PATCH', group.url, { name: 'standard' })).data.code, 'GROUP_NAME_TAKEN');
  t.equal((await call('PATCH', group.url, { name: 'OTHER' })).data.name, 'OTHER');
  t.equal((await call('POST', '/v1/groups', { name: '\u200b' })).data.code, 'GROUP_NAME_INVALID');
});

t.test('Groups: members are added and removed in bulk, idempotently and with counts', async (t) => {
  const s = await store();
  const group = await groupOf(s, 'Club');
  const people = await customersOf(s, 4);
  const [one, two, merged, late] = people.map(({ id }) => id);
  await database.owner.query("update customers set account_status = 'merged' where id = $1", [merged]);
  const unknown = newId();
  const add = (ids: (string | undefined)[]) => s.call('POST', group.members, { customerIds: ids });
  t.same((await add([one, two, one, merged, unknown])).data, {
    added: 2,
    removed: 0,
    unchanged: 0,
    unknown: 2,
    unknownIds: [merged, unknown],
  });
  t.match((await add([one, two, late])).data, { added: 1, unchanged: 2, unknown: 0, unknownIds: [] });
  t.equal((await s.call('GET', group.url)).data.customersCount, 3);
  t.equal(
    (await s.call('GET', people[0]?.customer ?? '')).data.version,
    2,
    'only real changes make a version',
  );
  const remove = await s.call('POST', `${group.members}/remove`, { customerIds: [one, late, unknown] });
  t.match(remove.data, { added: 0, removed: 2, unchanged: 0, unknown: 1 });
  const again = await s.call('POST', `${group.members}/remove`, { customerIds: [one, late] });
  t.match(again.data, { removed: 0, unchanged: 2 });
  t.same(
    (await eventsOf(one ?? '', 'group.joined', 'group.left')).map((event) => [
      event.kind,
      event.subject_id,
      event.data,
    ]),
    [
      ['group.joined', group.id, { name: 'Club' }],
      ['group.left', group.id, { name: 'Club' }],
    ],
  );
  t.equal((await add(Array.from({ length: 1001 }, newId))).statusCode, 400);
  t.equal((await add(Array.from({ length: 1000 }, newId))).data.unknown, 1000);
});

t.test('Groups: the same customers added in two orders at once are added once', async (t) => {
  const s = await store();
  const group = await groupOf(s, 'Club');
  const ids = (await customersOf(s, 20)).map(({ id }) => id);
  const answers = await Promise.all(
    Array.from({ length: 6 }, (_, n) =>
      s.call('POST', group.members, { customerIds: n % 2 ? ids : [...ids].reverse() }),
    ),
  );
  t.same(codes(answers), Array(6).fill(200));
  t.equal(
    answers.reduce((sum, answer) => sum + answer.data.added, 0),
    20,
  );
});

t.test('Groups: members come in pages with who they are and what put them there', async (t) => {
  const s = await store();
  const group = await groupOf(s, 'Club');
  const ids = (await customersOf(s, 5, [group.id])).map(({ id }) => id).sort();
  await database.owner.query("update customers set account_status = 'erased' where id = $1", [ids[2]]);
  const first = await s.call('GET', `${group.members}?limit=3`);
  t.match(first.data.data[0], { customerId: ids[0], lastName: 'Lovelace', email: null, source: 'manual' });
  const next = await s.call(
    'GET',
    `${group.members}?limit=3&cursor=${encodeURIComponent(first.data.page.nextCursor)}`,
  );
  t.same(
    [...first.data.data, ...next.data.data].map((member) => member.customerId),
    [ids[0], ids[1], ids[3], ids[4]],
  );
  t.equal((await s.call('GET', group.url)).data.customersCount, 4);
});

t.test('Groups: the groups of a customer are set as a whole, with the primary one among them', async (t) => {
  const s = await store();
  const [club, press] = [await groupOf(s, 'Club'), await groupOf(s, 'Press')];
  const { id, customer, groups } = await customerOf(s);
  const set = (body: object) => s.call('PUT', groups, body);
  const both = await set({ groupIds: [club.id, press.id], primaryGroupId: press.id });
  t.equal(both.statusCode, 200);
  t.match(both.data, { groups: [{ name: 'Club' }, { name: 'Press' }], primaryGroupId: press.id, version: 2 });
  t.same((await s.call('GET', groups)).data, both.data);
  t.match((await s.call('GET', customer)).data, { primaryGroupId: press.id, version: 2 });
  t.equal((await set({ groupIds: [press.id, club.id] })).data.version, 2, 'the same again changes nothing');
  const outside = await set({ groupIds: [club.id], primaryGroupId: press.id });
  t.equal(outside.statusCode, 422);
  t.equal(outside.data.code, 'PRIMARY_GROUP_NOT_MEMBER');
  t.match((await set({ groupIds: [club.id, newId()] })).data, {
    code: 'REFERENCE_UNKNOWN',
    reference: '/groupIds/1',
  });
  t.match(
    (await set({ groupIds: [club.id] })).data,
    { primaryGroupId: null, version: 3 },
    'leaving the primary group clears it',
  );
  t.match((await set({ groupIds: [] })).data, { groups: [], primaryGroupId: null, version: 4 });
  t.same(
    (await eventsOf(id, 'group.joined', 'group.left', 'customer.updated')).map((event) => event.kind),
    ['group.joined', 'group.joined', 'customer.updated', 'group.left', 'customer.updated', 'group.left'],
  );
  t.equal((await s.call('PUT', groups, { groupIds: [] }, { 'if-match': '"1"' })).statusCode, 412);
});

t.test('Groups: leaving the primary group in bulk clears it, and tells so', async (t) => {
  const s = await store();
  const group = await groupOf(s, 'Club');
  const { id, customer, groups } = await customerOf(s);
  await s.call('PUT', groups, { groupIds: [group.id], primaryGroupId: group.id });
  await s.call('POST', `${group.members}/remove`, { customerIds: [id] });
  t.match((await s.call('GET', customer)).data, { groups: [], primaryGroupId: null, version: 3 });
  t.same((await eventsOf(id, 'customer.updated')).at(-1)?.data, {
    changes: { primaryGroupId: [group.id, null] },
  });
});

t.test('Groups: a new name is there at once; its job gives the members their next version', async (t) => {
  const s = await store();
  const group = await groupOf(s, 'Club');
  const { id, customer } = await customerOf(s, [group.id]);
  await s.call('PATCH', group.url, { name: 'Circle' });
  t.match((await s.call('GET', customer)).data, { groups: [{ name: 'Circle' }], version: 1 });
  t.match(await finish(s), { kind: 'group-change', status: 'completed', done: 1 });
  t.equal((await s.call('GET', customer)).data.version, 2);
  t.same((await eventsOf(id, 'group.updated'))[0]?.data, { changes: { name: ['Club', 'Circle'] } });
});

t.test(
  'Groups: deleting a group unassigns its members in slices and clears it as primary group',
  async (t) => {
    const s = await store();
    const group = await groupOf(s, 'Club');
    const { id, customer, groups } = await customerOf(s);
    await s.call('PUT', groups, { groupIds: [group.id], primaryGroupId: group.id });
    await database.owner.query(
      `with more as (
       insert into customers (store_id, id, last_name, account_status, source, accepts_marketing, wholesale, custom,
         orders_count, total_spent, refunded_total, sort_name, search_text, version, created_at, updated_at,
         primary_group_id)
       select $1, gen_random_uuid(), 'Many', 'guest', 'import', false, false, '{}', 0, 0, 0, 'many', 'many', 1, now(),
         now(), $2 from generate_series(1, 6000) returning id)
     insert into group_members (store_id, customer_id, group_id, source, created_at)
     select $1, id, $2, 'import', now() from more`,
      [s.storeId, group.id],
    );
    const answer = await s.call('DELETE', group.url);
    t.equal(answer.statusCode, 202);
    t.equal(answer.headers.location, `/v1/jobs/${answer.data.id}`);
    t.match(await finish(s), { status: 'completed', done: 6001, total: 6001 });
    t.equal((await s.call('GET', group.url)).statusCode, 404);
    t.match((await s.call('GET', customer)).data, { groups: [], primaryGroupId: null, version: 3 });
    t.equal((await eventsOf(id, 'group.left')).length, 1);
    const { rows } = await database.owner.query(
      'select count(*)::int as count, min(version) as version from customers where store_id = $1 and primary_group_id is null',
      [s.storeId],
    );
    t.same(rows, [{ count: 6001, version: 2 }]);
  },
);

t.test('Groups: who joins while the group is deleted is refused or taken out again', async (t) => {
  const s = await store();
  for (let round = 0; round < 5; round++) {
    const group = await groupOf(s, `Fleeting ${round}`);
    const people = await customersOf(s, 4);
    const deletion = await s.call('DELETE', group.url);
    t.equal(deletion.statusCode, 202);
    const [job, ...answers] = await Promise.all([
      finish(s),
      ...people.map(({ id }) => s.call('POST', group.members, { customerIds: [id] })),
    ]);
    t.equal(job.status, 'completed');
    t.ok(answers.every((answer) => answer.statusCode === 200 || answer.statusCode === 404));
    for (const { customer } of people) t.same((await s.call('GET', customer)).data.groups, []);
  }
});

t.test('Groups of another store are not found, and its customers are unknown', async (t) => {
  const [one, other] = [await store(), await store()];
  const group = await groupOf(one, 'Club');
  const stranger = await customerOf(other);
  t.equal((await other.call('GET', group.url)).statusCode, 404);
  t.equal((await other.call('PATCH', group.url, { name: 'x' })).statusCode, 404);
  t.equal((await other.call('DELETE', group.url)).statusCode, 404);
  t.equal((await other.call('GET', group.members)).statusCode, 404);
  t.equal((await other.call('POST', group.members, { customerIds: [stranger.id] })).statusCode, 404);
  t.match((await one.call('POST', group.members, { customerIds: [stranger.id] })).data, {
    added: 0,
    unknown: 1,
  });
  t.equal(
    (await other.call('PUT', stranger.groups, { groupIds: [group.id] })).data.code,
    'REFERENCE_UNKNOWN',
  );
});

t.test('an erased customer joins no group', async (t) => {
  const s = await store();
  const { id, groups } = await customerOf(s);
  await database.owner.query("update customers set account_status = 'erased' where id = $1", [id]);
  t.equal((await s.call('PUT', groups, { groupIds: [] })).data.code, 'CUSTOMER_GONE');
  t.equal((await s.call('GET', groups)).data.code, 'CUSTOMER_GONE');
});
