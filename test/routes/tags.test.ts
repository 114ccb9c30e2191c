// Tags over HTTP, on real Postgres (T1–T5).
import fc from 'fast-check';
import t from 'tap';
import { runJob, type Slice } from '../../src/actions/jobs.ts';
import { setCustomerTags, tagChangeSlice } from '../../src/actions/tags.ts';
import { newId } from '../../src/context.ts';
import { PRESET_TAGS } from '../../src/domain/tags.ts';
import { type Answer, type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const store = () => testStore(app, database);

const start = (n: number, prefix = 'tag') => Array.from({ length: n }, (_, i) => `${prefix} ${i}`);

async function customerOf({ call }: TestStore, tags: string[] = []) {
  const { data } = await call('POST', '/v1/customers', { lastName: 'Lovelace', tags });
  const customer = `/v1/customers/${data.id}`;
  return { id: data.id as string, customer, tags: `${customer}/tags` };
}

const namesAt = async (call: TestStore['call'], url: string): Promise<string[]> =>
  (await call('GET', url)).data.data.map((tag: { name: string }) => tag.name);

async function tagNamed({ call }: TestStore, name: string) {
  const { data } = await call('GET', `/v1/tags?limit=100&q=${encodeURIComponent(name)}`);
  return data.data.find((tag: { name: string }) => tag.name === name);
}

/** Runs the job that an answer started, to its end. */
async function finish({ ctx, call }: TestStore, answer: Answer, slice: Slice = tagChangeSlice) {
  await runJob(ctx(), answer.data.id, slice, new AbortController().signal);
  return (await call('GET', `/v1/jobs/${answer.data.id}`)).data;
}

/** Customers past the API, each with the tag. */
async function addCarriers({ storeId }: TestStore, tagId: string, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => newId());
  await database.owner.query(
    `insert into customers (store_id, id, last_name, account_status, source, accepts_marketing, wholesale, custom,
       orders_count, total_spent, refunded_total, sort_name, search_text, version, created_at, updated_at)
     select $1, id, 'Carrier', 'guest', 'import', false, false, '{}', 0, 0, 0, 'carrier', 'carrier', 1, now(), now()
     from unnest($2::uuid[]) id`,
    [storeId, ids],
  );
  await database.owner.query(
    `insert into customer_tags (store_id, customer_id, tag_id, source, created_at)
     select $1, id, $3, 'import', '2026-01-01' from unnest($2::uuid[]) id`,
    [storeId, ids, tagId],
  );
  return ids;
}

const countEvents = async (storeId: string, kind: string) =>
  Number(
    (
      await database.owner.query(
        'select count(*) from events where store_id = $1 and kind = $2 and customer_id is not null',
        [storeId, kind],
      )
    ).rows[0].count,
  );

t.test('T1 tags come as a list, as one text or as both, and are cleaned', async (t) => {
  const s = await store();
  const { tags } = await customerOf(s);
  const answer = await s.call('POST', tags, { tags: [' early   adopter ', 'a, b,'], text: 'c,,  d e ,A' });
  t.equal(answer.statusCode, 200);
  t.same(answer.data.added, ['early adopter', 'a', 'b', 'c', 'd e']);
  t.same(await namesAt(s.call, tags), ['a', 'b', 'c', 'd e', 'early adopter']);
  t.same((await s.call('POST', tags, { text: ' , ,' })).data.added, []);
  const long = await s.call('POST', tags, { tags: ['x'.repeat(256)] });
  t.equal(long.statusCode, 422);
  t.match(long.data, { code: 'TAG_INVALID', reason: 'too_long' });
  t.equal((await s.call('POST', tags, { tags: ['x'.repeat(255)] })).statusCode, 200);
  t.equal((await s.call('POST', tags, {})).statusCode, 400);
  t.equal((await s.call('POST', tags, { tags: 'a' })).statusCode, 400);
});

t.test('T2 a tag is one without regard to case, and the first spelling of the store wins', async (t) => {
  const s = await store();
  const [one, other] = [await customerOf(s, ['Straße']), await customerOf(s)];
  t.same((await s.call('POST', other.tags, { tags: ['STRASSE', 'straße', 'vip'] })).data.added, [
    'STRASSE',
    'Straße',
    'VIP',
  ]);
  t.same((await s.call('POST', one.tags, { tags: ['STRAßE'] })).data, {
    added: [],
    removed: [],
    unchanged: ['Straße'],
    version: 1,
  });
});

t.test('T2 the 251st tag is refused, and parallel adds never pass the limit', async (t) => {
  const s = await store();
  const { tags, customer } = await customerOf(s);
  t.equal((await s.call('PUT', tags, { tags: start(200) })).data.added.length, 200);
  const answers = await Promise.all(
    start(10, 'batch').map((name) => s.call('POST', tags, { tags: start(20, name) })),
  );
  t.same(answers.map((answer) => answer.statusCode).sort(), [200, 200, ...Array(8).fill(422)]);
  const refused = answers.find((answer) => answer.statusCode === 422);
  t.match(refused?.data, { code: 'TOO_MANY_TAGS', limit: 250, would: 260 });
  t.equal((await namesAt(s.call, tags)).length, 240);
  t.equal((await s.call('GET', customer)).data.version, 4);
  const palette = await s.call('GET', '/v1/tags?q=batch&limit=100');
  t.equal(palette.data.data.length, 40, 'a refused change leaves no tags in the palette');
});

t.test('T2 the same new tags given to many customers at once become one tag each', async (t) => {
  const s = await store();
  const people = await Promise.all(start(8).map(() => customerOf(s)));
  const answers = await Promise.all(
    people.map(({ tags }, n) =>
      s.call('POST', tags, { tags: n % 2 ? ['Alpha', 'Beta', 'Gamma'] : ['gamma', 'beta', 'alpha'] }),
    ),
  );
  t.ok(answers.every((answer) => answer.statusCode === 200));
  const { data } = await s.call('GET', '/v1/tags?sort=-customersCount&limit=3');
  t.same(
    data.data.map((tag: { customersCount: number }) => tag.customersCount),
    [8, 8, 8],
  );
});

t.test('T3 set, add and remove say what they did, and doing them again changes nothing', async (t) => {
  const s = await store();
  const { id, tags, customer } = await customerOf(s);
  const change = async (method: string, url: string, list: string[]) =>
    (await s.call(method, url, { tags: list })).data;
  t.same(await change('PUT', tags, ['a', 'b']), {
    added: ['a', 'b'],
    removed: [],
    unchanged: [],
    version: 2,
  });
  t.same(await change('PUT', tags, ['B', 'c']), {
    added: ['c'],
    removed: ['a'],
    unchanged: ['b'],
    version: 3,
  });
  t.same(await change('PUT', tags, ['b', 'C']), {
    added: [],
    removed: [],
    unchanged: ['b', 'c'],
    version: 3,
  });
  t.same(await change('POST', tags, ['b', 'd']), { added: ['d'], removed: [], unchanged: ['b'], version: 4 });
  t.same(await change('POST', `${tags}/remove`, ['D', 'x']), {
    added: [],
    removed: ['d'],
    unchanged: ['x'],
    version: 5,
  });
  t.same(await change('POST', `${tags}/remove`, ['d']), {
    added: [],
    removed: [],
    unchanged: ['d'],
    version: 5,
  });
  t.same(await change('PUT', tags, []), { added: [], removed: ['b', 'c'], unchanged: [], version: 6 });
  t.same((await s.call('GET', customer)).data.tags, []);
  t.notOk(await tagNamed(s, 'x'), 'removing an unknown tag does not add it to the palette');
  const { rows } = await database.owner.query(
    "select kind, data from events where customer_id = $1 and kind ^@ 'tag.' order by id",
    [id],
  );
  t.same(rows.slice(0, 3), [
    { kind: 'tag.added', data: { tags: ['a', 'b'], source: 'manual' } },
    { kind: 'tag.added', data: { tags: ['c'], source: 'manual' } },
    { kind: 'tag.removed', data: { tags: ['a'], source: 'manual' } },
  ]);
  t.equal(rows.length, 6);
});

t.test('T3 any run of changes leaves the tags of a plain set', async (t) => {
  const s = await store();
  const name = fc.constantFrom('a', 'A', 'b', 'c', 'ß');
  const step = fc.record({
    verb: fc.constantFrom('set', 'add', 'remove'),
    tags: fc.array(name, { maxLength: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 6 }), async (steps) => {
      const { tags } = await customerOf(s);
      let model = new Set<string>();
      for (const { verb, tags: list } of steps) {
        const keys = list.map((text) => text.toLowerCase());
        if (verb === 'set') model = new Set(keys);
        for (const key of keys) verb === 'remove' ? model.delete(key) : model.add(key);
        const url = verb === 'remove' ? `${tags}/remove` : tags;
        await s.call(verb === 'set' ? 'PUT' : 'POST', url, { tags: list });
      }
      const names = (await namesAt(s.call, tags)).map((text) => text.toLowerCase());
      return names.length === model.size && names.every((text) => model.has(text));
    }),
    { numRuns: 15 },
  );
  t.pass();
});

t.test('C8 a change of tags with an older ETag is refused', async (t) => {
  const s = await store();
  const { tags } = await customerOf(s);
  const set = await s.call('PUT', tags, { tags: ['a'] }, { 'if-match': '"1"' });
  t.equal(set.headers.etag, '"2"');
  const late = await s.call('PUT', tags, { tags: ['b'] }, { 'if-match': '"1"' });
  t.equal(late.statusCode, 412);
  t.same(await namesAt(s.call, tags), ['a']);
  t.equal((await s.call('GET', tags, undefined, { 'if-none-match': '"2"' })).statusCode, 304);
});

t.test('T4 a new store has the presets; the palette counts customers and knows the last use', async (t) => {
  const s = await store();
  t.same(await namesAt(s.call, '/v1/tags'), [...PRESET_TAGS].sort());
  const people = [await customerOf(s, ['VIP', 'friend']), await customerOf(s, ['VIP'])];
  const top = (await s.call('GET', '/v1/tags?sort=-customersCount')).data.data;
  t.match(top[0], { name: 'VIP', customersCount: 2 });
  t.match(top[1], { name: 'friend', customersCount: 1 });
  t.same(top[2], { ...top[2], name: 'At-risk', customersCount: 0, lastUsedAt: null });
  t.ok(Date.now() - Date.parse(top[0].lastUsedAt) < 60_000);
  await database.owner.query("update customers set account_status = 'merged' where id = $1", [people[0]?.id]);
  t.equal((await tagNamed(s, 'VIP')).customersCount, 1, 'merged customers are not counted');
  t.same((await s.call('GET', `/v1/tags/${top[0].id}`)).data, await tagNamed(s, 'VIP'));
});

t.test('T4 the palette comes in pages by name and by use, and begins with what was typed', async (t) => {
  const s = await store();
  const { tags } = await customerOf(s, start(30, 'Word'));
  await customerOf(s, start(7, 'word'));
  for (const sort of ['name', '-customersCount']) {
    const seen: string[] = [];
    for (let url = `/v1/tags?limit=10&q=WORD&sort=${sort}`; url; ) {
      const { data } = await s.call('GET', url);
      seen.push(...data.data.map((tag: { name: string }) => tag.name));
      url = data.page.hasMore
        ? `/v1/tags?limit=10&q=WORD&sort=${sort}&cursor=${encodeURIComponent(data.page.nextCursor)}`
        : '';
    }
    t.equal(seen.length, 30, sort);
    t.same([...seen].sort(), await namesAt(s.call, tags), sort);
    if (sort !== 'name') t.same(seen.slice(0, 7), start(7, 'Word'));
  }
});

t.test('T4 a tag can be added to the palette before anybody has it; its name is taken once', async (t) => {
  const s = await store();
  const created = await s.call('POST', '/v1/tags', { name: '  Trade  fair ' });
  t.equal(created.statusCode, 201);
  t.equal(created.headers.location, `/v1/tags/${created.data.id}`);
  t.match(created.data, { name: 'Trade fair', customersCount: 0, lastUsedAt: null });
  const taken = await s.call('POST', '/v1/tags', { name: 'trade FAIR' });
  t.equal(taken.statusCode, 409);
  t.match(taken.data, { code: 'TAG_NAME_TAKEN', tagId: created.data.id });
  for (const name of ['a,b', ' ', '\u200b', 'x'.repeat(256)]) {
    t.equal((await s.call('POST', '/v1/tags', { name })).data.code, 'TAG_INVALID', JSON.stringify(name));
  }
  const answers = await Promise.all(start(5).map(() => s.call('POST', '/v1/tags', { name: 'Once' })));
  t.same(answers.map((answer) => answer.statusCode).sort(), [201, 409, 409, 409, 409]);
});

t.test(
  'T4 a rename is there at once; its job gives every carrier the next version and one event',
  async (t) => {
    const s = await store();
    const { customer } = await customerOf(s, ['VIP']);
    const vip = await tagNamed(s, 'VIP');
    await addCarriers(s, vip.id, 12_000);
    const answer = await s.call('PATCH', `/v1/tags/${vip.id}`, { name: 'Very important' });
    t.equal(answer.statusCode, 202);
    t.equal(answer.headers.location, `/v1/jobs/${answer.data.id}`);
    t.match(answer.data, { kind: 'tag-change', status: 'queued', total: 12_001 });
    t.match((await s.call('GET', customer)).data, { tags: ['Very important'], version: 1 });
    t.match(await finish(s, answer), { status: 'completed', done: 12_001, outcomes: { done: 12_001 } });
    t.equal((await s.call('GET', customer)).data.version, 2);
    t.equal(await countEvents(s.storeId, 'tag.renamed'), 12_001);
    const { rows } = await database.owner.query(
      'select distinct version from customers where store_id = $1',
      [s.storeId],
    );
    t.same(rows, [{ version: 2 }]);
  },
);

t.test(
  'T4 a rename to another tag is refused, one of spelling is not, one to itself changes nobody',
  async (t) => {
    const s = await store();
    const { customer } = await customerOf(s, ['friend']);
    const friend = await tagNamed(s, 'friend');
    const taken = await s.call('PATCH', `/v1/tags/${friend.id}`, { name: 'vip' });
    t.equal(taken.statusCode, 409);
    t.match(taken.data, { code: 'TAG_NAME_TAKEN', tagId: (await tagNamed(s, 'VIP')).id });
    await finish(s, await s.call('PATCH', `/v1/tags/${friend.id}`, { name: 'Friend' }));
    t.match((await s.call('GET', customer)).data, { tags: ['Friend'], version: 2 });
    const again = await finish(s, await s.call('PATCH', `/v1/tags/${friend.id}`, { name: 'Friend' }));
    t.match(again, { status: 'completed', done: 0 });
    t.equal((await s.call('GET', customer)).data.version, 2);
  },
);

t.test(
  'T4 a merge moves every carrier once, keeps who had both, and survives a stop in between',
  async (t) => {
    const s = await store();
    const both = await customerOf(s, ['VIP', 'Important']);
    const [vip, important] = [await tagNamed(s, 'VIP'), await tagNamed(s, 'Important')];
    await addCarriers(s, important.id, 7_000);
    const url = `/v1/tags/${important.id}/merge`;
    t.equal((await s.call('POST', url, { intoId: vip.id })).data.code, 'IDEMPOTENCY_KEY_REQUIRED');
    const key = { 'idempotency-key': 'merge-1' };
    const answer = await s.call('POST', url, { intoId: vip.id }, key);
    t.equal(answer.statusCode, 202);
    t.equal((await s.call('POST', url, { intoId: vip.id }, key)).data.id, answer.data.id);
    const stop = new AbortController();
    const oneSlice: Slice = async (...args) => {
      stop.abort();
      return tagChangeSlice(...args);
    };
    t.equal(await runJob(s.ctx(), answer.data.id, oneSlice, stop.signal), 'paused');
    t.match((await s.call('GET', `/v1/jobs/${answer.data.id}`)).data, { status: 'running', done: 5_000 });
    t.match(await finish(s, answer), { status: 'completed', done: 7_001 });
    t.notOk(await tagNamed(s, 'Important'));
    t.equal((await tagNamed(s, 'VIP')).customersCount, 7_001);
    t.match((await s.call('GET', both.customer)).data, { tags: ['VIP'], version: 2 });
    t.equal(await countEvents(s.storeId, 'tag.merged'), 7_001);
    const { rows } = await database.owner.query(
      'select source, count(*)::int as count from customer_tags where tag_id = $1 group by source order by source',
      [vip.id],
    );
    t.same(
      rows,
      [
        { source: 'import', count: 7_000 },
        { source: 'manual', count: 1 },
      ],
      'T5 the moved assignments keep their source',
    );
  },
);

t.test('T4 a merge names another tag of the same store, which must be there to the end', async (t) => {
  const [s, other] = [await store(), await store()];
  const { customer } = await customerOf(s, ['friend']);
  const [friend, vip] = [await tagNamed(s, 'friend'), await tagNamed(s, 'VIP')];
  const merge = (intoId: string, n: number) =>
    s.call('POST', `/v1/tags/${friend.id}/merge`, { intoId }, { 'idempotency-key': `k${n}` });
  t.equal((await merge(friend.id, 1)).data.code, 'TAG_MERGED_WITH_ITSELF');
  t.match((await merge((await tagNamed(other, 'VIP')).id, 2)).data, {
    code: 'REFERENCE_UNKNOWN',
    reference: '/intoId',
  });
  const merging = await merge(vip.id, 3);
  await finish(s, await s.call('DELETE', `/v1/tags/${vip.id}`));
  t.match(await finish(s, merging), { status: 'failed', error: { code: 'REFERENCE_UNKNOWN' } });
  t.same((await s.call('GET', customer)).data.tags, ['friend']);
});

t.test('T4 a delete takes the tag from everybody, then it is gone and its name is free', async (t) => {
  const s = await store();
  const { customer } = await customerOf(s, ['VIP', 'friend']);
  const vip = await tagNamed(s, 'VIP');
  await addCarriers(s, vip.id, 6_000);
  const answer = await s.call('DELETE', `/v1/tags/${vip.id}`);
  t.equal(answer.statusCode, 202);
  t.match(await finish(s, answer), { status: 'completed', done: 6_001, total: 6_001 });
  t.equal((await s.call('GET', `/v1/tags/${vip.id}`)).statusCode, 404);
  t.equal((await s.call('DELETE', `/v1/tags/${vip.id}`)).statusCode, 404);
  t.match((await s.call('GET', customer)).data, { tags: ['friend'], version: 2 });
  t.equal(await countEvents(s.storeId, 'tag.removed'), 6_001);
  t.equal((await s.call('POST', '/v1/tags', { name: 'vip' })).data.name, 'vip');
});

t.test(
  'T4 tags given while they are deleted are never lost without a trace: taken away, or a new tag',
  async (t) => {
    const s = await store();
    for (let round = 0; round < 5; round++) {
      const people = await Promise.all(start(6).map(() => customerOf(s)));
      const name = `Fleeting ${round}`;
      const created = await s.call('POST', '/v1/tags', { name });
      const deletion = await s.call('DELETE', `/v1/tags/${created.data.id}`);
      const [job, ...answers] = await Promise.all([
        finish(s, deletion),
        ...people.map(({ tags }) => s.call('POST', tags, { tags: [name] })),
      ]);
      t.equal(job.status, 'completed');
      t.ok(answers.every((answer) => answer.statusCode === 200));
      t.equal((await s.call('GET', `/v1/tags/${created.data.id}`)).statusCode, 404);
      for (const { customer } of people) {
        const { data } = await s.call('GET', customer);
        t.equal(data.version, data.tags.length === 1 ? 2 : 3);
      }
    }
  },
);

t.test('T5 every assignment tells its source: people and integrations differ', async (t) => {
  const s = await store();
  const { id, tags } = await customerOf(s, ['by hand']);
  await setCustomerTags({ ...s.ctx(), actor: 'key:1' }, id, { tags: ['by hand', 'by key'] });
  const { data } = (await s.call('GET', tags)).data;
  t.match(data, [
    { name: 'by hand', source: 'manual' },
    { name: 'by key', source: 'api' },
  ]);
});

t.test('an Idempotency-Key makes a repeated add answer the first result', async (t) => {
  const s = await store();
  const { tags } = await customerOf(s);
  const headers = { 'idempotency-key': 'add-1' };
  const first = await s.call('POST', tags, { tags: ['a'] }, headers);
  await s.call('PUT', tags, { tags: [] });
  const again = await s.call('POST', tags, { tags: ['a'] }, headers);
  t.same(again.data, first.data);
  t.same(await namesAt(s.call, tags), []);
});

t.test(
  'tags of another store are not found, its customers not tagged, and scopes are asked for',
  async (t) => {
    const [one, other] = [await store(), await store()];
    const { tags } = await customerOf(one, ['secret']);
    const secret = await tagNamed(one, 'secret');
    t.equal((await other.call('GET', `/v1/tags/${secret.id}`)).statusCode, 404);
    t.equal((await other.call('PATCH', `/v1/tags/${secret.id}`, { name: 'x' })).statusCode, 404);
    t.equal((await other.call('DELETE', `/v1/tags/${secret.id}`)).statusCode, 404);
    for (const answer of [await other.call('GET', tags), await other.call('POST', tags, { tags: ['x'] })]) {
      t.equal(answer.statusCode, 404);
    }
    t.notOk(await tagNamed(other, 'x'), 'a refused change leaves no tag');
    const reader = await testStore(app, database, { scopes: ['tags:read'] });
    t.equal((await reader.call('POST', '/v1/tags', { name: 'x' })).statusCode, 403);
  },
);

t.test('an erased customer gets no tags', async (t) => {
  const s = await store();
  const { id, tags } = await customerOf(s);
  await database.owner.query("update customers set account_status = 'erased' where id = $1", [id]);
  t.equal((await s.call('POST', tags, { tags: ['x'] })).data.code, 'CUSTOMER_GONE');
  t.equal((await s.call('GET', tags)).data.code, 'CUSTOMER_GONE');
});
