// The timeline of a customer (C9) and the change feed, over HTTP on real Postgres.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { dbOf } from '../../src/db/connection.ts';
import { type FeedPosition, listTimeline, readFeed } from '../../src/db/events.ts';
import { type Answer, type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const store = () => testStore(app, database);

const kindsOf = (answer: Answer): string[] => answer.data.data.map((event: { kind: string }) => event.kind);
const idsOf = (answer: Answer): string[] => answer.data.data.map((event: { id: string }) => event.id);

t.test(
  'C9 every change stands on the timeline once, newest first, with old and new, actor and time',
  async (t) => {
    const { call } = await store();
    const { data } = await call('POST', '/v1/customers', { lastName: 'Ada', tags: ['VIP'] });
    const url = `/v1/customers/${data.id}`;
    await call('PATCH', url, { company: 'Engines' });
    await call('POST', `${url}/notes`, { body: 'Called' });
    const timeline = await call('GET', `${url}/timeline`);
    t.same(kindsOf(timeline), ['note.added', 'customer.updated', 'customer.created']);
    t.match(timeline.data.data[1], {
      customerId: data.id,
      actor: 'staff:tester',
      data: { changes: { company: [null, 'Engines'] } },
      occurredAt: /^\d{4}-.*Z$/,
    });
  },
);

t.test('C9 the timeline can be narrowed to kinds, by first word or whole', async (t) => {
  const { call } = await store();
  const { data } = await call('POST', '/v1/customers', { lastName: 'Ada' });
  const url = `/v1/customers/${data.id}`;
  await call('PATCH', url, { company: 'Engines' });
  await call('POST', `${url}/notes`, { body: 'Called' });
  const narrowed = async (query: string) => kindsOf(await call('GET', `${url}/timeline?${query}`));
  t.same(await narrowed('kind=note'), ['note.added']);
  t.same(await narrowed('kind=customer.updated'), ['customer.updated']);
  t.same(await narrowed('kind=note&kind=customer.created'), ['note.added', 'customer.created']);
  t.equal((await call('GET', `${url}/timeline?kind=nothing`)).data.code, 'VALIDATION_FAILED');
});

t.test('C9 the pages of a timeline hold each event once, also when times are equal', async (t) => {
  const { call, storeId } = await store();
  const { data } = await call('POST', '/v1/customers', { lastName: 'Ada' });
  await database.owner.query(
    `insert into events (store_id, id, customer_id, kind, actor, data, occurred_at)
     select $1, gen_random_uuid(), $2, 'order.placed', 'system', '{}', timestamptz '2026-01-01' + (n / 7) * interval '1 ms'
     from generate_series(1, 50) n`,
    [storeId, data.id],
  );
  const seen: string[] = [];
  for (let url = `/v1/customers/${data.id}/timeline?limit=9`; url; ) {
    const answer = await call('GET', url);
    seen.push(...idsOf(answer));
    url = /<([^>]+)>/.exec(String(answer.headers.link ?? ''))?.[1] ?? '';
  }
  const { rows } = await database.owner.query(
    'select id from events where customer_id = $1 order by occurred_at desc, id desc',
    [data.id],
  );
  t.same(
    seen,
    rows.map((row) => row.id),
  );
});

t.test(
  'C10 the survivor of a merge shows what happened with the merged one, whose own timeline answers 301',
  async (t) => {
    const { call } = await store();
    const make = async (lastName: string) =>
      (await call('POST', '/v1/customers', { lastName })).data.id as string;
    const [one, other, third] = [await make('One'), await make('Other'), await make('Third')];
    await call('POST', `/v1/customers/${other}/notes`, { body: 'of the other' });
    t.equal((await call('POST', `/v1/customers/${other}/merge`, { from: third })).statusCode, 200);
    t.equal((await call('POST', `/v1/customers/${one}/merge`, { from: other })).statusCode, 200);
    const timeline = await call('GET', `/v1/customers/${one}/timeline?kind=customer.created&kind=note.added`);
    t.same(kindsOf(timeline), ['note.added', 'customer.created', 'customer.created', 'customer.created']);
    const moved = await call('GET', `/v1/customers/${third}/timeline`);
    t.same([moved.statusCode, moved.headers.location], [301, `/v1/customers/${one}/timeline`]);
  },
);

t.test('the timeline of a customer of another store is 404', async (t) => {
  const [one, other] = [await store(), await store()];
  const { data } = await one.call('POST', '/v1/customers', { lastName: 'Ada' });
  t.equal((await other.call('GET', `/v1/customers/${data.id}/timeline`)).statusCode, 404);
});

/** Reads the feed from a position to its present end, which any open transaction of the server holds back. */
async function read(
  call: TestStore['call'],
  after?: string,
  query = 'limit=3',
): Promise<{ ids: string[]; after: string }> {
  const ids: string[] = [];
  let position = after;
  for (;;) {
    const from = position === undefined ? '' : `&after=${position}`;
    const answer = await call('GET', `/v1/events?${query}${from}`);
    if (answer.statusCode !== 200) throw new Error(answer.body);
    ids.push(...idsOf(answer));
    position = answer.data.after as string;
    if (!answer.data.hasMore) return { ids, after: position };
  }
}

/** Waits until every transaction of the server that is open now has ended: other suites run beside this one. */
async function settled(): Promise<void> {
  const { rows } = await database.owner.query('select pg_current_xact_id()::text::bigint as id');
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    const { rows: now } = await database.owner.query(
      'select pg_snapshot_xmin(pg_current_snapshot())::text::bigint > $1 as done',
      [rows[0].id],
    );
    if (now[0].done) return;
    await sleep(5);
  }
  throw new Error('A transaction of this server has been open for a minute.');
}

/** The same once all is there that was written before. */
async function drain(...asked: Parameters<typeof read>): ReturnType<typeof read> {
  await settled();
  return read(...asked);
}

t.test('the feed tells each event once, goes on where the reader stood and can be read again', async (t) => {
  const { call } = await store();
  const make = (lastName: string) => call('POST', '/v1/customers', { lastName });
  for (const name of ['A', 'B', 'C', 'D']) await make(name);
  const first = await drain(call);
  t.equal(first.ids.length, new Set(first.ids).size);
  t.ok(first.ids.length >= 4);
  t.same((await drain(call, first.after)).ids, [], 'nothing new');
  await make('E');
  const second = await drain(call, first.after);
  t.equal(second.ids.length, 1);
  t.same((await drain(call, first.after)).ids, second.ids, 'the same position reads the same');
  t.same(
    (await drain(call)).ids,
    [...first.ids, ...second.ids],
    'and the beginning everything, in the same order',
  );
});

t.test('an event whose transaction commits late is not lost to a reader who was faster', async (t) => {
  const { call, storeId } = await store();
  const late = await database.owner.connect();
  try {
    const start = (await drain(call)).after;
    const id = randomUUID();
    await late.query('begin');
    await late.query(
      `insert into events (store_id, id, kind, actor, data, occurred_at) values ($1, $2, 'store.updated', 'system', '{}', now())`,
      [storeId, id],
    );
    await call('POST', '/v1/customers', { lastName: 'Quick' });
    const early = await read(call, start);
    t.same(early.ids, [], 'what began after an open transaction waits for it');
    await late.query('commit');
    const rest = await drain(call, early.after);
    t.equal(rest.ids[0], id, 'the late one comes first');
    t.equal(rest.ids.length, 2);
  } finally {
    late.release();
  }
});

t.test('the feed can be narrowed to kinds; a position is good for any of them', async (t) => {
  const { call } = await store();
  const start = (await drain(call)).after;
  const { data } = await call('POST', '/v1/customers', { lastName: 'Ada' });
  await call('POST', `/v1/customers/${data.id}/notes`, { body: 'Called' });
  t.equal((await drain(call, start, 'kind=note')).ids.length, 1);
  t.equal((await drain(call, start, 'kind=customer.created&kind=note.added')).ids.length, 2);
  const past = (await drain(call, start, 'kind=order')).after;
  t.same((await drain(call, past)).ids, [], 'what was looked at in vain is not looked at again');
});

t.test('a position that was changed or is of another store is refused', async (t) => {
  const [one, other] = [await store(), await store()];
  const { after } = await drain(one.call);
  for (const [call, text] of [
    [other.call, after],
    [one.call, `A${after.slice(1)}x`],
    [one.call, 'x'],
  ] as const) {
    const { statusCode, data } = await call('GET', `/v1/events?after=${text}`);
    t.same([statusCode, data.code], [400, 'CURSOR_INVALID']);
  }
});

t.test('timeline and feed read by index, and no more than a page', async (t) => {
  const { storeId } = await store();
  const customerId = randomUUID();
  await database.owner.query(
    `insert into events (store_id, id, customer_id, kind, actor, data, occurred_at)
     select $1, gen_random_uuid(), case when n % 10 = 0 then $2::uuid else gen_random_uuid() end, 'order.placed', 'system', '{}',
       timestamptz '2026-01-01' + n * interval '1 s' from generate_series(1, 30000) n`,
    [storeId, customerId],
  );
  await database.owner.query('vacuum analyze events');
  const db = dbOf(database.pool, storeId);
  const plans: string[] = [];
  const explaining: typeof db = {
    storeId,
    use: (work) =>
      db.use((connection) => {
        const client = new Proxy(connection.client, {
          get: (target, member) => {
            if (member !== 'query') return Reflect.get(target, member);
            return async (statement: { text: string; values: unknown[] }) => {
              const { rows } = await target.query(
                `explain (analyze, costs off) ${statement.text}`,
                statement.values,
              );
              plans.push(rows.map((row) => row['QUERY PLAN']).join('\n'));
              return target.query(statement);
            };
          },
        });
        return work({ ...connection, client });
      }),
  };
  const feed = await readFeed(explaining, { limit: 20 });
  const position: FeedPosition = feed.position;
  await readFeed(explaining, { limit: 20, after: position, kinds: ['note'] });
  const newest = await listTimeline(explaining, { customerId, after: undefined, limit: 21 });
  await listTimeline(explaining, {
    customerId,
    after: [newest[20]?.occurredAt.toISOString() ?? '', newest[20]?.id ?? ''],
    limit: 21,
  });
  t.equal(plans.length, 4);
  for (const plan of plans) {
    t.match(plan, /Index Scan.* using events_by_(customer|transaction)/);
    t.notMatch(plan, /Seq Scan on events|Sort Method: external/);
  }
  const scans = plans.map((plan) =>
    Number(/using events_by_\w+ .*?actual time=\S+ rows=([\d.]+)/.exec(plan)?.[1]),
  );
  t.ok(
    (scans[0] ?? Infinity) <= 21 && (scans[1] ?? Infinity) <= 5_000,
    `the feed read ${scans.slice(0, 2)} rows`,
  );
  t.same(
    scans.slice(2).map((rows) => rows <= 21),
    [true, true],
    'a page of the timeline reads a page',
  );
});
