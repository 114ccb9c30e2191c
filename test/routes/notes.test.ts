// Notes over HTTP, on real Postgres.
import t from 'tap';
import { type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const store = () => testStore(app, database);
const STRANGER = '0199a3c4-7e1f-7a60-9d39-6f1f3f1f9a11';

async function customer({ call }: TestStore): Promise<string> {
  return (await call('POST', '/v1/customers', { lastName: 'Lovelace' })).data.id;
}

t.test('Notes: many per customer, with author and time, newest first, page by page', async (t) => {
  const s = await store();
  const id = await customer(s);
  const url = `/v1/customers/${id}/notes`;
  for (const body of ['one', 'two', 'three']) {
    const created = await s.call('POST', url, { body });
    t.equal(created.statusCode, 201);
    t.equal(created.headers.location, `${url}/${created.data.id}`);
    t.match(created.data, {
      body,
      customerId: id,
      author: 'staff:tester',
      editedBy: null,
      version: 1,
      createdAt: /Z$/,
    });
    t.same((await s.call('GET', `${url}/${created.data.id}`)).data, created.data);
  }
  const first = await s.call('GET', `${url}?limit=2`);
  t.same(
    first.data.data.map(({ body }: { body: string }) => body),
    ['three', 'two'],
  );
  t.match(String(first.headers.link), /rel="next"/);
  const second = await s.call('GET', `${url}?limit=2&cursor=${first.data.page.nextCursor}`);
  t.same(
    second.data.data.map(({ body }: { body: string }) => body),
    ['one'],
  );
  t.same(second.data.page, { nextCursor: null, hasMore: false });
});

t.test('Notes: an edit keeps the earlier text, which nothing can change', async (t) => {
  const s = await store();
  const url = `/v1/customers/${await customer(s)}/notes`;
  const { data: note } = await s.call('POST', url, { body: 'one' });
  for (const body of ['two', 'three', 'three']) await s.call('PATCH', `${url}/${note.id}`, { body });
  t.match((await s.call('GET', `${url}/${note.id}`)).data, {
    body: 'three',
    author: 'staff:tester',
    editedBy: 'staff:tester',
    version: 3,
  });
  const { data } = await s.call('GET', `${url}/${note.id}/revisions`);
  t.same(
    data.data.map(({ revision, body }: { revision: number; body: string }) => [revision, body]),
    [
      [2, 'two'],
      [1, 'one'],
    ],
  );
  t.equal(data.data[1].createdAt, note.createdAt);
  const page = await s.call('GET', `${url}/${note.id}/revisions?limit=1`);
  const next = await s.call('GET', `${url}/${note.id}/revisions?limit=1&cursor=${page.data.page.nextCursor}`);
  t.equal(next.data.data[0].body, 'one');
  const change = (text: string) =>
    s.ctx().db.use(({ client }) =>
      client.query(text, [s.storeId]).then(
        () => 'done',
        (error) => error.code,
      ),
    );
  t.equal(await change("update note_revisions set body = 'x' where store_id = $1"), '42501');
  t.equal(await change('delete from note_revisions where store_id = $1'), '42501');
});

t.test('Notes: two edits at once keep both texts', async (t) => {
  const s = await store();
  const url = `/v1/customers/${await customer(s)}/notes`;
  const { data: note } = await s.call('POST', url, { body: 'first' });
  const bodies = ['a', 'b', 'c', 'd'];
  await Promise.all(bodies.map((body) => s.call('PATCH', `${url}/${note.id}`, { body })));
  const { data } = await s.call('GET', `${url}/${note.id}/revisions`);
  const present = (await s.call('GET', `${url}/${note.id}`)).data.body;
  const all = [...data.data.map(({ body }: { body: string }) => body), present];
  t.same(all.sort(), [...bodies, 'first'].sort());
});

t.test('Notes: If-Match holds an edit and a removal to one version (C8)', async (t) => {
  const s = await store();
  const url = `/v1/customers/${await customer(s)}/notes`;
  const { data: note, headers } = await s.call('POST', url, { body: 'one' });
  const match = { 'if-match': String(headers.etag) };
  t.equal((await s.call('PATCH', `${url}/${note.id}`, { body: 'two' }, match)).headers.etag, '"2"');
  t.equal(
    (await s.call('PATCH', `${url}/${note.id}`, { body: 'three' }, match)).data.code,
    'VERSION_MISMATCH',
  );
  t.equal((await s.call('DELETE', `${url}/${note.id}`, undefined, match)).statusCode, 412);
});

t.test('Notes: a removed note leaves an event and no text', async (t) => {
  const s = await store();
  const id = await customer(s);
  const url = `/v1/customers/${id}/notes`;
  const { data: note } = await s.call('POST', url, { body: 'secret words' });
  await s.call('PATCH', `${url}/${note.id}`, { body: 'other secret words' });
  t.equal((await s.call('DELETE', `${url}/${note.id}`)).statusCode, 204);
  t.equal((await s.call('GET', `${url}/${note.id}`)).statusCode, 404);
  t.equal((await s.call('DELETE', `${url}/${note.id}`)).statusCode, 404);
  const left = await database.owner.query(
    'select count(*)::int as n from note_revisions where store_id = $1',
    [s.storeId],
  );
  t.equal(left.rows[0].n, 0);
  const { rows } = await database.owner.query(
    "select kind, subject_id, data from events where store_id = $1 and customer_id = $2 and kind like 'note.%' order by id",
    [s.storeId, id],
  );
  t.same(
    rows.map((row) => row.kind),
    ['note.added', 'note.edited', 'note.removed'],
  );
  t.ok(rows.every((row) => row.subject_id === note.id && !JSON.stringify(row.data).includes('secret')));
});

t.test("Notes: a foreign store's, another customer's and a blank note", async (t) => {
  const [s, other] = [await store(), await store()];
  const [id, second] = [await customer(s), await customer(s)];
  const { data: note } = await s.call('POST', `/v1/customers/${id}/notes`, { body: 'one' });
  for (const [caller, owner] of [
    [other, id],
    [s, second],
    [s, STRANGER],
  ] as const) {
    const url = `/v1/customers/${owner}/notes/${note.id}`;
    t.equal((await caller.call('GET', url)).statusCode, 404);
    t.equal((await caller.call('PATCH', url, { body: 'x' })).statusCode, 404);
    t.equal((await caller.call('DELETE', url)).statusCode, 404);
    t.equal((await caller.call('GET', `${url}/revisions`)).statusCode, 404);
  }
  t.equal((await other.call('POST', `/v1/customers/${id}/notes`, { body: 'x' })).statusCode, 404);
  t.equal(
    (await s.call('POST', `/v1/customers/${id}/notes`, { body: ' \n ' })).data.code,
    'VALIDATION_FAILED',
  );
  const reader = await testStore(app, database, { scopes: ['customers:read', 'customers:write'] });
  t.equal((await reader.call('GET', `/v1/customers/${STRANGER}/notes`)).data.code, 'SCOPE_MISSING');
});
