// Tasks and calendar feeds over HTTP, on real Postgres.
import fc from 'fast-check';
import t from 'tap';
import { readFeed } from '../../src/actions/calendars.ts';
import { endOfDay } from '../../src/domain/tasks.ts';
import { localTimeAt } from '../../src/domain/zoned-time.ts';
import { type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const store = () => testStore(app, database);
const STRANGER = '0199a3c4-7e1f-7a60-9d39-6f1f3f1f9a11';

const agent = async ({ call }: TestStore, name = 'Eva Berg'): Promise<string> =>
  (await call('POST', '/v1/agents', { name })).data.id;
const customer = async ({ call }: TestStore): Promise<string> =>
  (await call('POST', '/v1/customers', { lastName: 'L' })).data.id;
const task = ({ call }: TestStore, more: object = {}) =>
  call('POST', '/v1/tasks', { title: 'Call', dueAt: '2026-03-02T09:00:00+01:00', ...more });
const titles = async ({ call }: TestStore, query: string): Promise<string[]> =>
  (await call('GET', `/v1/tasks?${query}`)).data.data.map(({ title }: { title: string }) => title);

t.test('Tasks: title, due time with zone, assignee, customer, done', async (t) => {
  const s = await store();
  const [assigneeId, customerId] = [await agent(s), await customer(s)];
  const created = await task(s, {
    title: ' Call  Ada ',
    description: 'a\r\nb',
    assigneeId,
    customerId,
    dueTimezone: 'america/new_york',
  });
  t.equal(created.statusCode, 201);
  t.match(created.data, {
    title: 'Call Ada',
    description: 'a\nb',
    dueAt: '2026-03-02T08:00:00.000Z',
    dueTimezone: 'America/New_York',
    allDay: false,
    assigneeId,
    customerId,
    done: false,
    doneAt: null,
    version: 1,
  });
  const url = `/v1/tasks/${created.data.id}`;
  t.equal(created.headers.location, url);
  t.same((await s.call('GET', url)).data, created.data);
  const done = await s.call('PATCH', url, { done: true }, { 'if-match': '"1"' });
  t.match(done.data, { done: true, doneAt: /Z$/, version: 2 });
  t.same((await s.call('PATCH', url, { done: true })).data, done.data, 'done once');
  t.match((await s.call('PATCH', url, { done: false, assigneeId: null })).data, {
    done: false,
    doneAt: null,
    assigneeId: null,
    version: 3,
  });
  t.equal((await s.call('PATCH', url, { title: 'X' }, { 'if-match': '"1"' })).data.code, 'VERSION_MISMATCH');
  t.equal((await s.call('DELETE', url)).statusCode, 204);
  t.equal((await s.call('GET', url)).statusCode, 404);
  const { rows } = await database.owner.query(
    "select kind from events where store_id = $1 and customer_id = $2 and kind like 'task.%' order by id",
    [s.storeId, customerId],
  );
  t.same(
    rows.map(({ kind }) => kind),
    ['task.created', 'task.done', 'task.changed', 'task.removed'],
  );
});

t.test('Tasks: the zone of the store is taken when none is given', async (t) => {
  const s = await testStore(app, database, { timezone: 'Asia/Tokyo' });
  t.equal((await task(s)).data.dueTimezone, 'Asia/Tokyo');
});

t.test('Tasks: what cannot be kept is refused with its place', async (t) => {
  const s = await store();
  const refused = await task(s, { title: '​', dueTimezone: 'Mars/Olympus' });
  t.equal(refused.statusCode, 422);
  t.match(refused.data, {
    code: 'TASK_INVALID',
    errors: [{ pointer: '/title' }, { pointer: '/dueTimezone' }],
  });
  t.match((await task(s, { dueAt: '0001-01-01T00:00:00Z', allDay: true })).data, {
    code: 'TASK_INVALID',
    errors: [{ pointer: '/dueAt' }],
  });
  t.equal((await task(s, { dueAt: 'tomorrow' })).statusCode, 400);
  t.match((await task(s, { assigneeId: STRANGER })).data, {
    code: 'REFERENCE_UNKNOWN',
    reference: '/assigneeId',
  });
  t.match((await task(s, { customerId: STRANGER })).data, {
    code: 'REFERENCE_UNKNOWN',
    reference: '/customerId',
  });
});

t.test(
  'Tasks: an all-day task is due at the end of its day in its zone, and keeps its day in another',
  async (t) => {
    const s = await store();
    const created = await task(s, {
      allDay: true,
      dueAt: '2026-03-01T23:30:00Z',
      dueTimezone: 'Europe/Berlin',
    });
    t.equal(created.data.dueAt, '2026-03-02T22:59:59.999Z', 'it is the 2nd in Berlin');
    const url = `/v1/tasks/${created.data.id}`;
    t.equal(
      (await s.call('PATCH', url, { dueTimezone: 'America/New_York' })).data.dueAt,
      '2026-03-03T04:59:59.999Z',
    );
    t.equal((await s.call('PATCH', url, { title: 'Same day' })).data.dueAt, '2026-03-03T04:59:59.999Z');
    t.equal(
      (await s.call('PATCH', url, { allDay: false, dueAt: '2026-03-01T12:00:00Z' })).data.dueAt,
      '2026-03-01T12:00:00.000Z',
    );
  },
);

t.test('Tasks: the end of a day is in that day, and nothing of the day is behind it', async () => {
  const zones = fc.constantFrom(
    'UTC',
    'Europe/Berlin',
    'America/New_York',
    'Asia/Kolkata',
    'Pacific/Apia',
    'America/Sao_Paulo',
    'Australia/Lord_Howe',
  );
  const days = fc.date({ min: new Date('1990-01-01'), max: new Date('2035-01-01'), noInvalidDate: true });
  fc.assert(
    fc.property(days, zones, (at, zone) => {
      const end = endOfDay(at, zone);
      if (end === undefined) return false;
      const [now, last, next] = [at, end, new Date(end.getTime() + 1)].map((instant) =>
        localTimeAt(instant, zone),
      );
      return end >= at && last?.day === now?.day && last?.month === now?.month && next?.day !== now?.day;
    }),
  );
});

t.test(
  'Tasks: listed by assignee, customer, done, overdue and due range, by due time and page by page',
  async (t) => {
    const s = await store();
    const [eva, tom, ada] = [await agent(s), await agent(s, 'Tom'), await customer(s)];
    const now = Date.now();
    const at = (hours: number) => new Date(now + hours * 3600_000).toISOString();
    await task(s, { title: 'late', dueAt: at(-2), assigneeId: eva });
    await task(s, { title: 'later', dueAt: at(5), assigneeId: eva, customerId: ada });
    await task(s, { title: 'soon', dueAt: at(1), assigneeId: tom, customerId: ada });
    await task(s, { title: 'today', dueAt: at(0), allDay: true });
    const done = (await task(s, { title: 'done', dueAt: at(-5), assigneeId: eva })).data.id;
    await s.call('PATCH', `/v1/tasks/${done}`, { done: true });
    t.same(
      (await titles(s, '')).filter((title) => title !== 'today'),
      ['done', 'late', 'soon', 'later'],
    );
    t.same(
      (await titles(s, 'sort=-dueAt')).filter((title) => title !== 'today'),
      ['later', 'soon', 'late', 'done'],
    );
    t.same(await titles(s, `assigneeId=${eva}`), ['done', 'late', 'later']);
    t.same(await titles(s, `customerId=${ada}`), ['soon', 'later']);
    t.same(await titles(s, 'done=true'), ['done']);
    t.same(await titles(s, `assigneeId=${eva}&done=false`), ['late', 'later']);
    t.same(await titles(s, 'overdue=true'), ['late'], 'an all-day task is not late on its day');
    t.same(await titles(s, `assigneeId=${tom}&overdue=true`), []);
    t.same(await titles(s, `dueFrom=${at(0.5)}&dueTo=${at(1)}`), ['soon']);
    const seen: string[] = [];
    let cursor = '';
    do {
      const { data } = await s.call('GET', `/v1/tasks?limit=2&sort=-dueAt${cursor && `&cursor=${cursor}`}`);
      seen.push(...data.data.map(({ title }: { title: string }) => title));
      cursor = data.page.nextCursor ?? '';
    } while (cursor);
    t.same(seen, await titles(s, 'sort=-dueAt'));
    t.equal((await s.call('GET', '/v1/tasks?colour=red')).statusCode, 400);
  },
);

t.test('Tasks: many at one due time are all seen, once', async (t) => {
  const s = await store();
  for (let n = 0; n < 7; n++) await task(s, { title: `t${n}` });
  const seen: string[] = [];
  let cursor = '';
  do {
    const { data } = await s.call('GET', `/v1/tasks?limit=3${cursor && `&cursor=${cursor}`}`);
    seen.push(...data.data.map(({ title }: { title: string }) => title));
    cursor = data.page.nextCursor ?? '';
  } while (cursor);
  t.same(
    seen.sort(),
    Array.from({ length: 7 }, (_, n) => `t${n}`),
  );
});

t.test("Tasks: another store's task answers 404", async (t) => {
  const [s, other] = [await store(), await store()];
  const { id } = (await task(s)).data;
  t.equal((await other.call('GET', `/v1/tasks/${id}`)).statusCode, 404);
  t.equal((await other.call('PATCH', `/v1/tasks/${id}`, { done: true })).statusCode, 404);
  t.equal((await other.call('DELETE', `/v1/tasks/${id}`)).statusCode, 404);
  t.same(await titles(other, ''), []);
  t.equal((await task(other, { assigneeId: await agent(s) })).data.code, 'REFERENCE_UNKNOWN');
});

async function feed(s: TestStore, agentId: string): Promise<string> {
  const { data, statusCode } = await s.call('POST', `/v1/agents/${agentId}/calendar`);
  if (statusCode !== 201) throw new Error(JSON.stringify(data));
  return new URL(data.url).pathname;
}
const read = (url: string, headers: Record<string, string> = {}) =>
  app.inject({ method: 'GET', url, headers });
/** Lines as they were before folding (RFC 5545, 3.1). */
const lines = (body: string): string[] => body.replaceAll('\r\n ', '').split('\r\n');

t.test(
  'Calendar: the secret address shows the open tasks of the agent without any other credential',
  async (t) => {
    const s = await store();
    const [eva, tom] = [await agent(s, 'Eva, Berg'), await agent(s, 'Tom')];
    const timed = (await task(s, { title: 'Call; Ada, soon', description: 'one\ntwo', assigneeId: eva }))
      .data;
    await task(s, {
      title: 'Whole day',
      allDay: true,
      dueAt: '2026-03-29T23:30:00-10:00',
      dueTimezone: 'Pacific/Honolulu',
      assigneeId: eva,
    });
    await task(s, { title: 'Not hers', assigneeId: tom });
    const url = await feed(s, eva);
    const answer = await read(url);
    t.equal(answer.statusCode, 200);
    t.equal(answer.headers['content-type'], 'text/calendar; charset=utf-8');
    const text = lines(answer.body);
    t.equal(text[0], 'BEGIN:VCALENDAR');
    for (const line of [
      'X-WR-CALNAME:Eva\\, Berg',
      `UID:${timed.id}`,
      'DTSTART:20260302T080000Z',
      'DTEND:20260302T083000Z',
      'SUMMARY:Call\\; Ada\\, soon',
      'DESCRIPTION:one\\ntwo',
      'DTSTART;VALUE=DATE:20260329',
      'SUMMARY:Whole day',
      'TRANSP:TRANSPARENT',
    ]) {
      t.ok(text.includes(line), line);
    }
    t.notMatch(answer.body, /Not hers|BEGIN:VALARM|TZID/);
    t.ok(answer.body.split('\r\n').every((line) => Buffer.byteLength(line) <= 75));
  },
);

t.test('Calendar: done tasks stay for 30 days; an unchanged feed answers 304', async (t) => {
  const s = await store();
  const eva = await agent(s);
  const { id } = (await task(s, { title: 'Finished', assigneeId: eva })).data;
  await s.call('PATCH', `/v1/tasks/${id}`, { done: true });
  const url = await feed(s, eva);
  const first = await read(url);
  t.match(first.body, /SUMMARY:✓ Finished/);
  const etag = String(first.headers.etag);
  t.match(etag, /^"[\w-]{43}"$/);
  const again = await read(url, { 'if-none-match': etag });
  t.same([again.statusCode, again.body], [304, '']);
  const secret = /([\w-]+)\.ics$/.exec(url)?.[1] ?? '';
  const after = (days: number) => readFeed(s.ctx(new Date(Date.now() + days * 24 * 3600_000)), secret);
  t.match(await after(29), /Finished/);
  t.notMatch(await after(31), /Finished/);
  await s.call('PATCH', `/v1/tasks/${id}`, { done: false });
  t.equal((await read(url, { 'if-none-match': etag })).statusCode, 200);
});

t.test(
  'Calendar: a rotated, revoked, guessed or foreign secret and one of an agent who left answer 404',
  async (t) => {
    const [s, other] = [await store(), await store()];
    const eva = await agent(s);
    const old = await feed(s, eva);
    const url = await feed(s, eva);
    t.equal((await read(old)).statusCode, 404, 'rotated');
    t.equal((await read(url)).statusCode, 200);
    t.match((await s.call('GET', `/v1/agents/${eva}`)).data, { hasCalendar: true, version: 3 });
    t.equal((await read(url.replace(s.storeId, other.storeId))).statusCode, 404, 'another store');
    t.equal((await read(url.replace(s.storeId, STRANGER))).statusCode, 404, 'no store');
    t.equal((await read(`/v1/calendars/${s.storeId}/guess.ics`)).statusCode, 404, 'guessed');
    await s.call('PATCH', `/v1/agents/${eva}`, { active: false });
    t.equal((await read(url)).statusCode, 404, 'left');
    await s.call('PATCH', `/v1/agents/${eva}`, { active: true });
    t.equal((await read(url)).statusCode, 200);
    t.equal((await s.call('DELETE', `/v1/agents/${eva}/calendar`)).statusCode, 204);
    t.equal((await s.call('DELETE', `/v1/agents/${eva}/calendar`)).statusCode, 204, 'twice is once');
    t.equal((await read(url)).statusCode, 404, 'revoked');
  },
);

t.test('Calendar: the secret is shown once and kept as its hash only', async (t) => {
  const s = await store();
  const eva = await agent(s);
  const { data } = await s.call('POST', `/v1/agents/${eva}/calendar`, undefined, {
    'idempotency-key': 'calendar-1',
  });
  const secret = /([\w-]{43})\.ics$/.exec(data.url)?.[1] ?? 'missing';
  for (const table of ['sales_agents', 'events', 'idempotency_keys']) {
    const { rows } = await database.owner.query(`select x::text as row from ${table} x where store_id = $1`, [
      s.storeId,
    ]);
    t.notOk(
      rows.some(({ row }) => row.includes(secret)),
      table,
    );
  }
});
