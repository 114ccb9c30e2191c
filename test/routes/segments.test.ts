// Saved segments and their language over HTTP, on real Postgres (segments.md, Endpoints).
import t from 'tap';
import { groupChangeSlice } from '../../src/actions/groups.ts';
import { runJob } from '../../src/actions/jobs.ts';
import { newId } from '../../src/context.ts';
import { ROLES } from '../../src/domain/scopes.ts';
import { parseQuery } from '../../src/domain/segments/parse.ts';
import { printQuery } from '../../src/domain/segments/print.ts';
import { isRefusal } from '../../src/domain/segments/problems.ts';
import { presetSegments } from '../../src/domain/segments/segments.ts';
import { makeCustomers } from '../support/bulk-jobs.ts';
import { type Answer, type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const store = (options = {}) => testStore(app, database, options);

async function segmentOf(
  { call }: TestStore,
  name: string,
  query = 'number_of_orders > 5',
  more: object = {},
) {
  const answer = await call('POST', '/v1/segments', { name, query, ...more });
  if (answer.statusCode !== 201) throw new Error(answer.body);
  return { ...answer.data, url: `/v1/segments/${answer.data.id}` };
}

const codes = (answers: Answer[]) => answers.map((answer) => answer.statusCode).sort();
const slugs = async ({ call }: TestStore) =>
  (await call('GET', '/v1/segments?limit=100')).data.data.map((one: { slug: string }) => one.slug);

async function eventsOf(id: string) {
  const { rows } = await database.owner.query(
    'select kind, actor, data from events where subject_id = $1 order by occurred_at, id',
    [id],
  );
  return rows;
}

t.test('a segment is created, read, changed, listed and deleted, and each change is told', async (t) => {
  const s = await store();
  const created = await s.call('POST', '/v1/segments', {
    name: '  Loyal   friends ',
    query: "customer_tags contains 'friend' and number_of_orders>5",
  });
  t.equal(created.statusCode, 201);
  const { id } = created.data;
  const url = `/v1/segments/${id}`;
  t.equal(created.headers.location, url);
  t.match(created.data, {
    slug: 'loyal-friends',
    name: 'Loyal friends',
    description: null,
    query: "customer_tags CONTAINS 'friend' AND number_of_orders > 5",
    attributes: ['customer_tags', 'number_of_orders'],
    revision: 1,
    version: 1,
  });
  t.same(created.data.json, {
    op: 'and',
    of: [
      { op: 'contains', attribute: 'customer_tags', values: ['friend'] },
      { op: '>', attribute: 'number_of_orders', values: [5] },
    ],
  });
  const read = await s.call('GET', url);
  t.same(read.data, created.data);
  t.equal(read.headers.etag, '"1"');
  t.equal((await s.call('GET', url, undefined, { 'if-none-match': '"1"' })).statusCode, 304);
  const changed = await s.call('PATCH', url, { slug: 'friends', description: 'The best' });
  t.match(changed.data, { slug: 'friends', description: 'The best', revision: 1, version: 2 });
  const same = await s.call('PATCH', url, { slug: 'friends' });
  t.equal(same.data.version, 2, 'no change is no version');
  t.ok((await slugs(s)).includes('friends'));
  t.equal((await s.call('DELETE', url)).statusCode, 204);
  t.equal((await s.call('GET', url)).statusCode, 404);
  t.same(
    (await eventsOf(id)).map(({ kind, data }) => [kind, data]),
    [
      ['segment.created', { slug: 'loyal-friends', name: 'Loyal friends' }],
      [
        'segment.updated',
        { changes: { slug: ['loyal-friends', 'friends'], description: [null, 'The best'] } },
      ],
      ['segment.deleted', { slug: 'friends', name: 'Loyal friends' }],
    ],
  );
});

t.test('the JSON form saves the same segment as the text form', async (t) => {
  const s = await store();
  const one = await segmentOf(s, 'One', 'orders_placed MATCHES (date >= -1m, sum_amount > 1000.00)');
  const other = await s.call('POST', '/v1/segments', { name: 'Other', json: one.json });
  t.equal(other.data.query, one.query);
  t.same(other.data.json, one.json);
  t.same(one.json, {
    op: 'matches',
    attribute: 'orders_placed',
    where: [
      { op: '>=', attribute: 'date', values: ['-1m'] },
      { op: '>', attribute: 'sum_amount', values: ['1000.00'] },
    ],
  });
});

t.test('exactly one of query and json is taken', async (t) => {
  const { call } = await store();
  const json = { op: '=', attribute: 'number_of_orders', values: [1] };
  for (const url of ['/v1/segments', '/v1/segments/parse', '/v1/segments/preview']) {
    const named = url === '/v1/segments' ? { name: 'x' } : {};
    const both = await call('POST', url, { ...named, query: 'number_of_orders = 1', json });
    t.match(both.data, {
      status: 400,
      code: 'VALIDATION_FAILED',
      errors: [{ in: 'body', pointer: '/json' }],
    });
    t.match((await call('POST', url, named)).data, { status: 400, code: 'VALIDATION_FAILED' });
  }
});

t.test('a slug is made of the name, unique, or taken as it is given', async (t) => {
  const s = await store();
  t.equal((await segmentOf(s, 'Größte Käufer!')).slug, 'grosste-kaufer');
  t.equal((await segmentOf(s, 'Grosste  kaufer')).slug, 'grosste-kaufer-2');
  t.equal((await segmentOf(s, '顧客')).slug, 'segment');
  t.equal((await segmentOf(s, 'ж'.repeat(255))).slug, 'segment-2');
  const long = await segmentOf(s, `${'a'.repeat(62)} bc`);
  t.equal(long.slug, 'a'.repeat(62));
  t.equal((await segmentOf(s, 'Other', undefined, { slug: '0_a-b' })).slug, '0_a-b');
  const taken = await s.call('POST', '/v1/segments', {
    name: 'x',
    slug: '0_a-b',
    query: 'has_account = true',
  });
  t.match(taken.data, { status: 409, code: 'SEGMENT_SLUG_TAKEN' });
  t.match((await s.call('PATCH', long.url, { slug: 'vip' })).data, { code: 'SEGMENT_SLUG_TAKEN' });
  for (const slug of ['-a', 'A', 'a b', '', 'a'.repeat(64), "a'"]) {
    const refused = await s.call('POST', '/v1/segments', { name: 'x', slug, query: 'has_account = true' });
    t.equal(refused.statusCode, 400, slug);
  }
  t.match((await s.call('POST', '/v1/segments', { name: '\u200b', query: 'has_account = true' })).data, {
    status: 422,
    code: 'SEGMENT_INVALID',
    errors: [{ pointer: '/name' }],
  });
});

t.test('of creates of one slug at once one wins; from one name all get slugs of their own', async (t) => {
  const s = await store();
  const create = (body: object) => s.call('POST', '/v1/segments', { query: 'has_account = true', ...body });
  t.same(codes(await Promise.all([1, 2, 3].map(() => create({ name: 'x', slug: 'once' })))), [201, 409, 409]);
  const many = await Promise.all([1, 2, 3].map(() => create({ name: 'Many' })));
  t.same(many.map(({ data }) => data.slug).sort(), ['many', 'many-2', 'many-3']);
});

t.test('If-Match holds changes and deletes to one version', async (t) => {
  const s = await store();
  const { url } = await segmentOf(s, 'Held');
  const stale = { 'if-match': '"7"' };
  t.match((await s.call('PATCH', url, { name: 'x' }, stale)).data, { code: 'VERSION_MISMATCH', version: 1 });
  t.equal((await s.call('DELETE', url, undefined, stale)).statusCode, 412);
  const answers = await Promise.all(
    ['a', 'b', 'c'].map((name) => s.call('PATCH', url, { name }, { 'if-match': '"1"' })),
  );
  t.same(codes(answers), [200, 412, 412]);
});

t.test('a repeated create with one Idempotency-Key makes one segment', async (t) => {
  const s = await store();
  const key = { 'idempotency-key': newId() };
  const body = { name: 'Once', query: 'has_account = true' };
  const first = await s.call('POST', '/v1/segments', body, key);
  const again = await s.call('POST', '/v1/segments', body, key);
  t.same(again.data, first.data);
  t.equal(again.headers['idempotency-replayed'], 'true');
});

t.test('each other query is a revision, and old ones stay readable', async (t) => {
  const s = await store();
  const { url, id } = await segmentOf(s, 'Changing', 'number_of_orders > 1');
  await s.call('PATCH', url, { query: 'number_of_orders > 2' });
  await s.call('PATCH', url, { name: 'Renamed' });
  const third = await s.call('PATCH', url, { query: '  number_of_orders   >   3 ' });
  t.match(third.data, { revision: 3, version: 4, query: 'number_of_orders > 3' });
  const same = await s.call('PATCH', url, { query: '( number_of_orders > 3 )' });
  t.match(same.data, { revision: 3, version: 4 }, 'the same query in other words is no change');
  const page = await s.call('GET', `${url}/revisions?limit=2`);
  t.match(
    page.data.data.map((one: { revision: number; query: string }) => [one.revision, one.query]),
    [
      [3, 'number_of_orders > 3'],
      [2, 'number_of_orders > 2'],
    ],
  );
  const next = await s.call('GET', `${url}/revisions?cursor=${page.data.page.nextCursor}`);
  t.match(next.data.data, [{ revision: 1, query: 'number_of_orders > 1', actor: 'staff:tester' }]);
  const first = await s.call('GET', `${url}/revisions/1`);
  t.match(first.data, {
    revision: 1,
    query: 'number_of_orders > 1',
    json: { op: '>', attribute: 'number_of_orders', values: [1] },
    attributes: ['number_of_orders'],
  });
  t.equal((await s.call('GET', `${url}/revisions/4`)).statusCode, 404);
  t.equal((await s.call('GET', `${url}/revisions/2147483646`)).statusCode, 404);
  const told = await eventsOf(id);
  t.same(told[1]?.data, { changes: { revision: [1, 2] } });
});

t.test('segments are listed by slug, page by page', async (t) => {
  const s = await store();
  await segmentOf(s, 'zz top');
  const all = await slugs(s);
  t.same(all, [...all].sort());
  const seen: string[] = [];
  let cursor = '';
  do {
    const { data } = await s.call('GET', `/v1/segments?limit=3${cursor && `&cursor=${cursor}`}`);
    seen.push(...data.data.map((one: { slug: string }) => one.slug));
    cursor = data.page.nextCursor;
  } while (cursor);
  t.same(seen, all);
});

t.test('a segment that another refers to keeps its slug and cannot be deleted', async (t) => {
  const s = await store();
  const inner = await segmentOf(s, 'Inner');
  const outer = await segmentOf(s, 'Outer', "has_account = true OR NOT in_segment('inner')");
  const usedBy = [{ kind: 'segment', id: outer.id, name: 'Outer' }];
  t.match((await s.call('DELETE', inner.url)).data, { status: 409, code: 'SEGMENT_IN_USE', usedBy });
  t.match((await s.call('PATCH', inner.url, { slug: 'core' })).data, { code: 'SEGMENT_IN_USE', usedBy });
  t.equal((await s.call('PATCH', inner.url, { name: 'Core' })).statusCode, 200);
  t.equal((await s.call('PATCH', outer.url, { query: 'has_account = true' })).statusCode, 200);
  t.equal((await s.call('DELETE', inner.url)).statusCode, 204);
});

t.test('a query that leads back to its own segment is refused as a cycle', async (t) => {
  const s = await store();
  const self = await s.call('POST', '/v1/segments', { name: 'Self', query: "in_segment('self')" });
  t.match(self.data, {
    status: 422,
    code: 'SEGMENT_CYCLE',
    errors: [{ pointer: '/query', offset: 0, length: 18 }],
  });
  const a = await segmentOf(s, 'A');
  await segmentOf(s, 'B', "in_segment('a')");
  await segmentOf(s, 'C', "in_segment('b') AND has_account = true");
  const round = await s.call('PATCH', a.url, { query: "has_account = false OR in_segment('c')" });
  t.match(round.data, { code: 'SEGMENT_CYCLE', errors: [{ offset: 23, line: 1, column: 24 }] });
  t.equal((await s.call('GET', a.url)).data.revision, 1);
  const diff = await s.call('POST', `${a.url}/diff`, { query: "in_segment('b')" });
  t.match(diff.data, { code: 'SEGMENT_CYCLE' });
});

t.test('two edits at once cannot make a cycle together', async (t) => {
  for (let round = 0; round < 5; round++) {
    const s = await store();
    const [a, b] = [await segmentOf(s, 'A'), await segmentOf(s, 'B')];
    const answers = await Promise.all([
      s.call('PATCH', a.url, { query: "in_segment('b')" }),
      s.call('PATCH', b.url, { query: "in_segment('a')" }),
    ]);
    t.same(codes(answers), [200, 422]);
  }
});

t.test('of a delete and a query that refers to the segment at once only one gets through', async (t) => {
  for (let round = 0; round < 5; round++) {
    const s = await store();
    const inner = await segmentOf(s, 'Inner');
    const [gone, saved] = await Promise.all([
      s.call('DELETE', inner.url),
      s.call('POST', '/v1/segments', { name: 'Outer', query: "in_segment('inner')" }),
    ]);
    const outcome = `${gone.statusCode} ${saved.statusCode}`;
    t.ok(['204 422', '409 201'].includes(outcome), outcome);
  }
});

t.test('an edit that would make another segment too large is refused and names it', async (t) => {
  const s = await store();
  const many = (text: string, times: number) => Array.from({ length: times }, () => text).join(' OR ');
  const leaf = await segmentOf(s, 'Leaf', 'number_of_orders = 1');
  const wide = await segmentOf(s, 'Wide', many("in_segment('leaf')", 100));
  const grown = await s.call('PATCH', leaf.url, { query: many('number_of_orders = 1', 100) });
  t.match(grown.data, {
    code: 'SEGMENT_TOO_LARGE',
    usedBy: [{ kind: 'segment', id: wide.id, name: 'Wide' }],
  });
});

t.test('a store has at most 1,000 segments', async (t) => {
  const s = await store();
  await database.owner.query(
    `insert into segments (store_id, id, slug, name, query, revision, version, created_at, updated_at)
     select $1, gen_random_uuid(), 'filler-' || n, 'Filler', 'has_account = true', 1, 1, now(), now()
     from generate_series(1, 1000 - (select count(*) from segments where store_id = $1)) n`,
    [s.storeId],
  );
  const full = await s.call('POST', '/v1/segments', { name: 'Too many', query: 'has_account = true' });
  t.match(full.data, { status: 409, code: 'SEGMENTS_LIMIT' });
});

t.test('parse answers both forms, what is used, and an estimate of each clause', async (t) => {
  const s = await store();
  const answer = await s.call('POST', '/v1/segments/parse', {
    query: "number_of_orders>0 and (last_order_date < -90d or in_segment('vip'))",
  });
  t.equal(answer.statusCode, 200);
  t.match(answer.data, {
    query: "number_of_orders > 0 AND (last_order_date < -90d OR in_segment('vip'))",
    attributes: ['in_segment', 'last_order_date', 'number_of_orders'],
    segments: ['vip'],
    relative: true,
    estimate: {
      customers: Number,
      cost: Number,
      clauses: [
        { text: 'number_of_orders > 0', customers: Number, cost: Number },
        { text: 'last_order_date < -90d' },
        { text: "in_segment('vip')" },
      ],
    },
  });
  const again = await s.call('POST', '/v1/segments/parse', { json: answer.data.json });
  t.same(again.data, answer.data);
  const fixed = await s.call('POST', '/v1/segments/parse', { query: 'last_order_date < 2026-01-01' });
  t.equal(fixed.data.relative, false);
});

t.test(
  'what is wrong with a query comes with its place, what was expected and the nearest name',
  async (t) => {
    const { call } = await store();
    const parse = (body: object) => call('POST', '/v1/segments/parse', body);
    const syntax = await parse({ query: 'number_of_orders >\n  > 5' });
    t.match(syntax.data, {
      status: 422,
      code: 'SEGMENT_SYNTAX',
      errors: [{ in: 'body', pointer: '/query', code: 'SEGMENT_SYNTAX', message: String, line: Number }],
    });
    const several = await parse({ query: "number_of_order > 5\nAND account_status = 'activ'" });
    t.match(several.data, {
      code: 'UNKNOWN_ATTRIBUTE',
      errors: [
        { code: 'UNKNOWN_ATTRIBUTE', offset: 0, length: 15, line: 1, column: 1, nearest: 'number_of_orders' },
        { code: 'UNKNOWN_VALUE', offset: 41, length: 7, line: 2, column: 22, nearest: 'active' },
      ],
    });
    const tree = await parse({
      json: { op: 'not', of: [{ op: '=', attribute: 'gender', values: ['femal'] }] },
    });
    t.match(tree.data, {
      code: 'UNKNOWN_VALUE',
      errors: [{ pointer: '/json/of/0/values/0', expected: Array, nearest: 'female' }],
    });
    t.notOk('offset' in tree.data.errors[0]);
    for (const [query, code] of [
      ["in_segment('vp')", 'UNKNOWN_SEGMENT'],
      ["in_group('Busines')", 'UNKNOWN_GROUP'],
      ["number_of_orders = 'x'", 'SEGMENT_TYPE'],
      ['amount_spent > 1.005', 'SEGMENT_TYPE'],
      [Array.from({ length: 201 }, () => 'age > 1').join(' OR '), 'SEGMENT_TOO_LARGE'],
    ] as const) {
      t.match(
        (await parse({ query })).data,
        { status: 422, code, errors: [{ code, offset: Number }] },
        query,
      );
    }
    const malformed = await parse({ json: { op: 'xor', of: [] } });
    t.match(malformed.data, { status: 400, code: 'VALIDATION_FAILED', errors: [{ pointer: '/json/op' }] });
    const filter = await call('GET', `/v1/customers?filter=${encodeURIComponent('number_of_order > 5')}`);
    t.match(filter.data, {
      status: 422,
      code: 'UNKNOWN_ATTRIBUTE',
      errors: [{ in: 'query', pointer: '/filter', offset: 0, length: 15, nearest: 'number_of_orders' }],
    });
  },
);

t.test('the list of attributes is all that a rule builder needs: every example of it parses', async (t) => {
  const s = await store();
  await s.call('PATCH', '/v1/store', {
    customFields: [{ key: 'shoe_size', label: 'Shoe size', type: 'number' }],
  });
  await s.call('POST', '/v1/segments', { name: 'vip', query: 'has_account = true' });
  const { data } = await s.call('GET', '/v1/segments/attributes');
  const byName = new Map(data.attributes.map((one: { name: string }) => [one.name, one]));
  t.match(byName.get('account_status'), {
    label: 'Account status',
    area: 'Profile',
    kind: 'value',
    type: 'word',
    values: ['guest', 'invited', 'active', 'disabled'],
    operators: [{ op: '=', text: '=', arity: 'one' }],
  });
  t.match(byName.get('customer_tags'), { kind: 'list', type: 'text', suggest: '/v1/tags' });
  t.match(byName.get('orders_placed'), {
    kind: 'rows',
    operators: [{ op: 'matches', text: 'MATCHES', arity: 'clauses' }],
    parameters: [{ name: 'date', type: 'date' }],
    aggregates: [{ name: 'count', type: 'integer' }],
  });
  t.match(byName.get('custom.shoe_size'), { label: 'Shoe size', type: 'number' });
  t.match(data.calls, [{ op: 'in_segment', takes: [{ type: 'string', suggest: '/v1/segments' }] }]);
  const types = new Map(data.types.map((one: { type: string }) => [one.type, one]));
  for (const one of [...data.attributes, ...data.calls]) {
    const { statusCode, body } = await s.call('POST', '/v1/segments/parse', { query: one.example });
    t.equal(statusCode, 200, `${one.example}: ${body}`);
    if (one.type) t.ok(types.has(one.type), one.type);
  }
  t.same(
    data.offsetUnits.map(({ unit }: { unit: string }) => unit),
    ['h', 'd', 'w', 'm', 'y'],
  );
  t.same(data.limits, { bytes: 8192, nodes: 200, depth: 12, values: 1000 });
});

t.test('a new store has segments in its own currency and country, in canonical text', async (t) => {
  const yen = await store({ currency: 'JPY' });
  const { data } = await yen.call('GET', '/v1/segments?limit=100');
  const queries = Object.fromEntries(
    data.data.map(({ slug, query }: { slug: string; query: string }) => [slug, query]),
  );
  t.match(queries, {
    vip: 'amount_spent >= 50000',
    'frequent-buyers': 'number_of_orders >= 5',
    'new-customers': 'created_date >= -30d',
    'at-risk': 'number_of_orders > 0 AND last_order_date < -90d',
    'one-time-buyers': 'number_of_orders = 1',
    'never-bought': 'products_purchased NOT MATCHES ()',
    'birthday-this-month': 'birthday BETWEEN today AND +1m',
    subscribed: "email_consent = 'subscribed'",
    'country-us': "customer_countries CONTAINS 'US'",
  });
  t.equal(data.data.length, 9);
  for (const { slug } of data.data) {
    const { id } = data.data.find((one: { slug: string }) => one.slug === slug);
    t.equal((await yen.call('GET', `/v1/segments/${id}/customers`)).statusCode, 200, slug);
  }
  const german = presetSegments({ currency: 'EUR', locale: 'de', defaultCountry: null });
  t.match(german.at(-1), { slug: 'country-de', query: "customer_countries CONTAINS 'DE'" });
  const lax = presetSegments({ currency: 'EUR', locale: 'pt_BR', defaultCountry: null });
  t.match(lax.at(-1), { slug: 'country-br' });
  const swiss = presetSegments({ currency: 'KWD', locale: 'de', defaultCountry: 'ch' });
  t.match(swiss[0], { query: 'amount_spent >= 500' });
  t.match(swiss.at(-1), { slug: 'country-ch', name: 'Country: Switzerland' });
  for (const { query } of [...german, ...swiss]) {
    const read = parseQuery(query);
    t.equal(isRefusal(read) ? read.refused : printQuery(read.query), query);
  }
});

t.test('a group that a segment names cannot be deleted; renaming it rewrites the query', async (t) => {
  const s = await store();
  const group = (await s.call('POST', '/v1/groups', { name: 'Club' })).data;
  const url = `/v1/groups/${group.id}`;
  const one = await segmentOf(
    s,
    'One',
    "in_group('club') OR NOT customer_groups CONTAINS ANY ('CLUB', 'Standard')",
  );
  const usedBy = [{ kind: 'segment', id: one.id, name: 'One' }];
  t.match((await s.call('DELETE', url)).data, { status: 409, code: 'GROUP_IN_USE', usedBy });
  t.equal((await s.call('PATCH', url, { name: "Ada's circle" })).statusCode, 200);
  const after = (await s.call('GET', one.url)).data;
  t.equal(
    after.query,
    "in_group('Ada''s circle') OR NOT customer_groups CONTAINS ANY ('Ada''s circle', 'Standard')",
  );
  t.match(after, { revision: 2, version: 2 });
  t.same((await eventsOf(one.id)).at(-1)?.data, { changes: { revision: [1, 2] } });
  t.equal((await s.call('GET', `${one.url}/revisions/2`)).data.query, after.query);
  await s.call('DELETE', one.url);
  t.equal((await s.call('DELETE', url)).statusCode, 202);
});

t.test('a group that a segment names meanwhile is not deleted by its job', async (t) => {
  const s = await store();
  const group = (await s.call('POST', '/v1/groups', { name: 'Late' })).data;
  const job = (await s.call('DELETE', `/v1/groups/${group.id}`)).data;
  await segmentOf(s, 'Later', "in_group('Late')");
  await runJob(s.ctx(), job.id, groupChangeSlice, new AbortController().signal);
  t.match((await s.call('GET', `/v1/jobs/${job.id}`)).data, { status: 'failed' });
  t.equal((await s.call('GET', `/v1/groups/${group.id}`)).statusCode, 200);
});

t.test(
  'of renaming a group and saving a segment with it at once the segment is never left hanging',
  async (t) => {
    for (let round = 0; round < 5; round++) {
      const s = await store();
      const group = (await s.call('POST', '/v1/groups', { name: 'Club' })).data;
      const [renamed, saved] = await Promise.all([
        s.call('PATCH', `/v1/groups/${group.id}`, { name: 'Circle' }),
        s.call('POST', '/v1/segments', { name: 'Members', query: "in_group('Club')" }),
      ]);
      t.equal(renamed.statusCode, 200);
      if (saved.statusCode === 422) t.equal(saved.data.code, 'UNKNOWN_GROUP');
      else {
        const { data } = await s.call('GET', `/v1/segments/${saved.data.id}`);
        t.equal(data.query, "in_group('Circle')");
      }
    }
  },
);

t.test('renaming or merging a tag rewrites queries; deleting one does not', async (t) => {
  const s = await store();
  await makeCustomers(s, { tags: ['friend', 'pal', 'gone'] });
  const tags = (await s.call('GET', '/v1/tags?limit=100')).data.data;
  const idOf = (name: string) => tags.find((tag: { name: string }) => tag.name === name).id;
  const one = await segmentOf(
    s,
    'One',
    "customer_tags CONTAINS ALL ('FRIEND', 'Pal') AND company = 'friend'",
  );
  const two = await segmentOf(s, 'Two', "customer_tags CONTAINS 'gone'");
  await s.call('PATCH', `/v1/tags/${idOf('friend')}`, { name: 'Amigo' });
  t.match((await s.call('GET', one.url)).data, {
    query: "customer_tags CONTAINS ALL ('Amigo', 'Pal') AND company = 'friend'",
    revision: 2,
  });
  const merged = await s.call(
    'POST',
    `/v1/tags/${idOf('pal')}/merge`,
    { intoId: idOf('friend') },
    { 'idempotency-key': newId() },
  );
  t.equal(merged.statusCode, 202);
  t.match((await s.call('GET', one.url)).data, {
    query: "customer_tags CONTAINS ALL ('Amigo') AND company = 'friend'",
    revision: 3,
  });
  t.equal((await s.call('DELETE', `/v1/tags/${idOf('gone')}`)).statusCode, 202);
  t.match((await s.call('GET', two.url)).data, { query: "customer_tags CONTAINS 'gone'", revision: 1 });
});

t.test('a tag cannot get a name with which a saved query would be too long', async (t) => {
  const s = await store();
  await makeCustomers(s, { tags: ['t'] });
  const tags = (await s.call('GET', '/v1/tags?limit=100')).data.data;
  const tag = tags.find(({ name }: { name: string }) => name === 't');
  const clauses = Array.from({ length: 100 }, (_, index) => `customer_tags CONTAINS ANY ('t', '${index}')`);
  const one = await segmentOf(s, 'Long', clauses.join(' OR '));
  const refused = await s.call('PATCH', `/v1/tags/${tag.id}`, { name: 'x'.repeat(200) });
  t.match(refused.data, { code: 'SEGMENT_TOO_LARGE', usedBy: [{ id: one.id }] });
  t.equal((await s.call('GET', `/v1/tags/${tag.id}`)).data.name, 't');
});

t.test('a custom field that a segment asks for keeps its type and its options', async (t) => {
  const s = await store();
  const size = { key: 'size', label: 'Size', type: 'enum', options: ['S', 'M', 'L'] };
  const club = { key: 'club', label: 'Club', type: 'string' };
  const declare = (...customFields: object[]) => s.call('PATCH', '/v1/store', { customFields });
  await declare(size, club);
  const one = await segmentOf(s, 'Large', "custom.size IN ('m', 'L')");
  const usedBy = [{ kind: 'segment', id: one.id, name: 'Large' }];
  const refused = { status: 409, code: 'CUSTOM_FIELD_IN_USE', keys: ['size'], usedBy };
  t.match((await declare(club)).data, refused, 'removed');
  t.match(
    (await declare({ ...size, type: 'string', options: undefined }, club)).data,
    refused,
    'another type',
  );
  t.match((await declare({ ...size, options: ['S', 'L'] }, club)).data, refused, 'without an option');
  t.equal((await declare({ ...size, label: 'Shirt size', options: ['M', 'L'] })).statusCode, 200);
  await s.call('DELETE', one.url);
  t.equal((await declare()).statusCode, 200);
});

t.test('of removing a custom field and saving a segment with it at once one is refused', async (t) => {
  for (let round = 0; round < 5; round++) {
    const s = await store();
    await s.call('PATCH', '/v1/store', { customFields: [{ key: 'size', label: 'Size', type: 'string' }] });
    const [removed, saved] = await Promise.all([
      s.call('PATCH', '/v1/store', { customFields: [] }),
      s.call('POST', '/v1/segments', { name: 'Sized', query: "custom.size = 'L'" }),
    ]);
    const outcome = `${removed.statusCode} ${saved.statusCode}`;
    t.ok(['200 422', '409 201'].includes(outcome), outcome);
  }
});

t.test('roles: support reads segments, integrations write them too', async (t) => {
  const support = await store({ scopes: ROLES.support });
  const integration = await store({ scopes: ROLES.integration });
  const body = { name: 'Mine', query: 'has_account = true' };
  t.equal((await support.call('GET', '/v1/segments')).statusCode, 200);
  t.equal((await support.call('POST', '/v1/segments/parse', { query: body.query })).statusCode, 200);
  t.match((await support.call('POST', '/v1/segments', body)).data, { required: 'segments:write' });
  t.equal((await integration.call('POST', '/v1/segments', body)).statusCode, 201);
});

t.test("another store's segments are not found and not referred to", async (t) => {
  const [one, other] = [await store(), await store()];
  const mine = await segmentOf(one, 'Mine', 'number_of_orders > 5', { slug: 'only-mine' });
  t.equal((await other.call('GET', mine.url)).statusCode, 404);
  t.match((await other.call('POST', '/v1/segments', { name: 'x', query: "in_segment('only-mine')" })).data, {
    code: 'UNKNOWN_SEGMENT',
  });
  t.equal((await segmentOf(other, 'Mine', undefined, { slug: 'only-mine' })).slug, 'only-mine');
});
