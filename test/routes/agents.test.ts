// Sales agents over HTTP, on real Postgres.
import t from 'tap';
import { type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const store = () => testStore(app, database);

const agent = async ({ call }: TestStore, name = 'Eva Berg') =>
  (await call('POST', '/v1/agents', { name })).data;
const customer = async ({ call }: TestStore, body: object) =>
  (await call('POST', '/v1/customers', { lastName: 'L', ...body })).data.id;

t.test('Sales agents: name, email, active; added, read, changed, listed', async (t) => {
  const s = await store();
  const created = await s.call('POST', '/v1/agents', { name: '  Eva   Berg ', email: 'Eva@Example.com' });
  t.equal(created.statusCode, 201);
  t.equal(created.headers.location, `/v1/agents/${created.data.id}`);
  t.match(created.data, {
    name: 'Eva Berg',
    email: 'Eva@Example.com',
    active: true,
    hasCalendar: false,
    version: 1,
  });
  const url = `/v1/agents/${created.data.id}`;
  t.same((await s.call('GET', url)).data, created.data);
  const changed = await s.call('PATCH', url, { active: false, email: null }, { 'if-match': '"1"' });
  t.match(changed.data, { active: false, email: null, version: 2 });
  t.equal((await s.call('PATCH', url, { name: 'X' }, { 'if-match': '"1"' })).data.code, 'VERSION_MISMATCH');
  t.equal((await s.call('PATCH', url, { active: false })).data.version, 2, 'nothing changed');
  const second = await agent(s, 'Tom');
  const names = async (query: string) =>
    (await s.call('GET', `/v1/agents${query}`)).data.data.map(({ name }: { name: string }) => name);
  t.same(await names(''), ['Eva Berg', 'Tom']);
  t.same(await names('?active=true'), ['Tom']);
  const page = await s.call('GET', '/v1/agents?limit=1');
  t.same(
    (await s.call('GET', `/v1/agents?limit=1&cursor=${page.data.page.nextCursor}`)).data.data[0].id,
    second.id,
  );
  const { rows } = await database.owner.query(
    "select kind from events where store_id = $1 and kind like 'agent.%' order by id",
    [s.storeId],
  );
  t.same(
    rows.map(({ kind }) => kind),
    ['agent.created', 'agent.changed', 'agent.created'],
  );
});

t.test('Sales agents: a name that nobody can read and an address that is none are refused', async (t) => {
  const s = await store();
  const refused = await s.call('POST', '/v1/agents', { name: '​', email: 'nobody' });
  t.equal(refused.statusCode, 422);
  t.match(refused.data, { code: 'AGENT_INVALID', errors: [{ pointer: '/name' }, { pointer: '/email' }] });
});

t.test('Sales agents: "my customers" page by page, without merged ones', async (t) => {
  const s = await store();
  const [eva, tom] = [await agent(s), await agent(s, 'Tom')];
  const mine = [];
  for (let n = 0; n < 3; n++) mine.push(await customer(s, { salesAgentId: eva.id }));
  await customer(s, { salesAgentId: tom.id });
  await customer(s, {});
  const url = `/v1/agents/${eva.id}/customers`;
  const first = await s.call('GET', `${url}?limit=2`);
  t.same(
    first.data.data.map(({ id }: { id: string }) => id),
    mine.slice(0, 2),
  );
  const second = await s.call('GET', `${url}?limit=2&cursor=${first.data.page.nextCursor}`);
  t.same(
    second.data.data.map(({ id }: { id: string }) => id),
    mine.slice(2),
  );
  t.equal(second.data.page.hasMore, false);
  await s.call('POST', `/v1/customers/${mine[0]}/merge`, { from: mine[1] });
  t.equal((await s.call('GET', url)).data.data.length, 2);
});

t.test('Sales agents: one with customers or tasks cannot be deleted (AGENT_IN_USE)', async (t) => {
  const s = await store();
  const eva = await agent(s);
  const url = `/v1/agents/${eva.id}`;
  const [one, other] = [
    await customer(s, { salesAgentId: eva.id }),
    await customer(s, { salesAgentId: eva.id }),
  ];
  const task = await s.call('POST', '/v1/tasks', {
    title: 'x',
    dueAt: '2026-03-01T10:00:00Z',
    assigneeId: eva.id,
  });
  t.match((await s.call('DELETE', url)).data, { code: 'AGENT_IN_USE', usedBy: { customers: 2, tasks: 1 } });
  await s.call('POST', `/v1/customers/${one}/merge`, { from: other });
  await s.call('PATCH', `/v1/customers/${one}`, { salesAgentId: null });
  t.match((await s.call('DELETE', url)).data, { code: 'AGENT_IN_USE', usedBy: { customers: 0, tasks: 1 } });
  await s.call('DELETE', `/v1/tasks/${task.data.id}`);
  t.equal((await s.call('DELETE', url)).statusCode, 204, 'a merged customer does not count');
  t.equal((await s.call('GET', url)).statusCode, 404);
});

t.test(
  'Sales agents: a customer given to one who is being deleted: either one wins, nothing dangles',
  async (t) => {
    const s = await store();
    for (let round = 0; round < 5; round++) {
      const eva = await agent(s);
      const [made, deleted] = await Promise.all([
        s.call('POST', '/v1/customers', { lastName: 'L', salesAgentId: eva.id }),
        s.call('DELETE', `/v1/agents/${eva.id}`),
      ]);
      const outcome = [made.data.code ?? made.statusCode, deleted.data?.code ?? deleted.statusCode];
      t.ok(
        [
          [201, 'AGENT_IN_USE'],
          ['REFERENCE_UNKNOWN', 204],
        ].some((pair) => `${pair}` === `${outcome}`),
        `${outcome}`,
      );
    }
  },
);

t.test("Sales agents: another store's agent answers 404", async (t) => {
  const [s, other] = [await store(), await store()];
  const { id } = await agent(s);
  for (const [method, path, body] of [
    ['GET', '', undefined],
    ['PATCH', '', { name: 'X' }],
    ['DELETE', '', undefined],
    ['GET', '/customers', undefined],
    ['POST', '/calendar', undefined],
    ['DELETE', '/calendar', undefined],
  ] as const) {
    t.equal((await other.call(method, `/v1/agents/${id}${path}`, body)).statusCode, 404, `${method} ${path}`);
  }
});
