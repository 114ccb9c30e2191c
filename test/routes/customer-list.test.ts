// The customer list over HTTP: order, pages, filters, search, totals and export, on real Postgres.
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import { CUSTOMER_SORTS, type CustomerSortColumn } from '../../src/domain/customer-filter.ts';
import { type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const store = () => testStore(app, database);

/** Every page of a list, one after the other. */
async function allPages(call: TestStore['call'], path: string, limit: number): Promise<string[]> {
  const ids: string[] = [];
  const query = path.includes('?') ? `${path}&limit=${limit}` : `${path}?limit=${limit}`;
  for (let url: string | undefined = query; url !== undefined; ) {
    const answer = await call('GET', url);
    if (answer.statusCode !== 200) throw new Error(`${url}: ${answer.body}`);
    const { data, page } = answer.data;
    ids.push(...data.map((customer: { id: string }) => customer.id));
    if (page.hasMore !== (page.nextCursor !== null))
      throw new Error('hasMore and nextCursor contradict each other');
    url = page.hasMore ? `${query}&cursor=${encodeURIComponent(page.nextCursor)}` : undefined;
  }
  return ids;
}

interface Made {
  id: string;
  tags: string[];
  values: Record<CustomerSortColumn, string | number | null>;
}

const COUNT = 150;
const few = <Value>(...values: Value[]) => fc.constantFrom(...values);

/** Few values for each column, so that ties and gaps are everywhere. */
const customerRow = fc.record({
  name: few('ada', 'bea', 'ćira', 'ada ', 'zoe'),
  email: fc.boolean(),
  company: few(null, 'acme', 'öko', 'zebra'),
  city: few(null, 'berlin', 'bern', 'wien'),
  country: few(null, 'AT', 'CH', 'DE'),
  ordersCount: few(0, 1, 2, 7),
  lastOrderAt: few(null, '2025-01-01T00:00:00.000Z', '2025-01-01T00:00:00.001Z', '2026-06-01T12:00:00.000Z'),
  totalSpent: few(0, 1, 5_000_000_000, 9_000_000_000),
  accountStatus: few('guest', 'invited', 'active', 'disabled'),
  createdAt: few('2024-02-29T00:00:00.000Z', '2025-01-01T00:00:00.000Z'),
  group: few(null, 'alpha', 'Beta'),
  tags: fc.subarray(['apple', 'Bean', 'cherry']),
});

/** Puts random customers into the store past the API, which cannot set counters and times. */
async function fill({ storeId, call }: TestStore, seed: number): Promise<Made[]> {
  const rows = fc.sample(customerRow, { numRuns: COUNT, seed });
  const groups: Record<string, string> = {};
  for (const name of ['alpha', 'Beta']) groups[name] = (await call('POST', '/v1/groups', { name })).data.id;
  const made: Made[] = [];
  for (const [index, row] of rows.entries()) {
    const id = randomUUID();
    const email = row.email ? `${row.name.trim()}${index}@example.com` : null;
    await database.owner.query(
      `insert into customers (store_id, id, email, email_norm, last_name, company, account_status, source, accepts_marketing,
         wholesale, primary_group_id, custom, orders_count, total_spent, refunded_total, last_order_at, default_country,
         default_city, sort_name, sort_company, search_text, version, created_at, updated_at)
       values ($1, $2, $3, $3, $4, $5, $6, 'api', $7, false, $8, '{}', $9, $10, 0, $11, $12, $13, $4, $5, $14, 1, $15, $15)`,
      [
        storeId,
        id,
        email,
        row.name,
        row.company,
        row.accountStatus,
        index % 2 === 0,
        row.group && groups[row.group],
        row.ordersCount,
        row.totalSpent,
        row.lastOrderAt,
        row.country,
        row.city,
        `${row.name} ${email ?? ''}`,
        row.createdAt,
      ],
    );
    if (row.group) {
      await database.owner.query(
        `insert into group_members (store_id, customer_id, group_id, source, created_at) values ($1, $2, $3, 'api', now())`,
        [storeId, id, groups[row.group]],
      );
    }
    if (row.tags.length > 0) await call('POST', `/v1/customers/${id}/tags`, { tags: row.tags });
    const first = row.tags.map((tag) => tag.toLowerCase()).sort()[0] ?? null;
    const values = { ...row, email, group: row.group?.toLowerCase() ?? null, tags: first };
    made.push({ id, tags: row.tags, values });
  }
  return made;
}

/** The order of the list, by JavaScript: missing values last both ways, ties by id. */
function inOrder(customers: readonly Made[], column: CustomerSortColumn, descending: boolean): string[] {
  const sign = descending ? -1 : 1;
  const compare = (left: string | number, right: string | number) =>
    (left < right ? -1 : Number(left > right)) * sign;
  return customers
    .toSorted((one, other) => {
      const [left, right] = [one.values[column], other.values[column]];
      if (left === null || right === null) {
        return left === right ? compare(one.id, other.id) : left === null ? 1 : -1;
      }
      return compare(left, right) || compare(one.id, other.id);
    })
    .map((customer) => customer.id);
}

t.test(
  'every sort, both ways, with and without filters, shows each customer once and in order',
  async (t) => {
    const own = await store();
    const customers = await fill(own, 20_260_101);
    const filters: [string, (customer: Made) => boolean][] = [
      ['', () => true],
      ['&tag=BEAN', ({ tags }) => tags.includes('Bean')],
      ['&country=DE&country=at', ({ values }) => values.country === 'DE' || values.country === 'AT'],
      [
        '&tag=apple&tag=bean&country=DE',
        ({ tags, values }) => tags.includes('apple') && tags.includes('Bean') && values.country === 'DE',
      ],
    ];
    for (const column of CUSTOMER_SORTS) {
      for (const sort of [column, `-${column}`]) {
        for (const [filter, fits] of filters) {
          const expected = inOrder(customers.filter(fits), column, sort.startsWith('-'));
          t.same(
            await allPages(own.call, `/v1/customers?sort=${sort}${filter}`, 17),
            expected,
            `sort=${sort}${filter}`,
          );
        }
      }
    }
  },
);

t.test('without a sort the newest customers come first', async (t) => {
  const own = await store();
  const customers = await fill(own, 7);
  t.same(await allPages(own.call, '/v1/customers', 100), inOrder(customers, 'createdAt', true));
});

t.test('the next page is named in the body and in the Link header, the last page names none', async (t) => {
  const { call } = await store();
  for (const lastName of ['A', 'B', 'C']) await call('POST', '/v1/customers', { lastName });
  const first = await call('GET', '/v1/customers?limit=2&sort=name');
  t.match(first.data.page, { hasMore: true, nextCursor: String });
  const link = /^<([^>]+)>; rel="next"$/.exec(String(first.headers.link))?.[1] ?? '';
  const second = await call('GET', link);
  t.same(
    second.data.data.map((customer: { lastName: string }) => customer.lastName),
    ['C'],
  );
  t.same(second.data.page, { nextCursor: null, hasMore: false });
  t.equal(second.headers.link, undefined);
});

t.test('a cursor works only where it was made', async (t) => {
  const [one, other] = [await store(), await store()];
  for (const { call } of [one, other]) {
    for (const lastName of ['A', 'B', 'C']) await call('POST', '/v1/customers', { lastName, tags: ['x'] });
  }
  const url = '/v1/customers?limit=1&sort=name&tag=x';
  const cursor: string = (await one.call('GET', url)).data.page.nextCursor;
  const refused = async (call: TestStore['call'], where: string, what: string) => {
    const { statusCode, data } = await call('GET', where);
    t.same([statusCode, data.code], [400, 'CURSOR_INVALID'], what);
  };
  await refused(other.call, `${url}&cursor=${cursor}`, 'another store');
  await refused(one.call, `/v1/customers?limit=1&sort=-name&tag=x&cursor=${cursor}`, 'another sort');
  await refused(one.call, `/v1/customers?limit=1&sort=name&tag=y&cursor=${cursor}`, 'another filter');
  await refused(one.call, `/v1/tags?cursor=${cursor}`, 'another list');
  await refused(
    one.call,
    `${url}&cursor=${cursor.replace(/^./, (letter) => (letter === 'A' ? 'B' : 'A'))}`,
    'changed key',
  );
  await refused(
    one.call,
    `${url}&cursor=${cursor.replace(/.$/, (letter) => (letter === 'A' ? 'Q' : 'A'))}`,
    'changed signature',
  );
  await refused(one.call, `${url}&cursor=nonsense`, 'no cursor at all');
  t.equal(
    (await one.call('GET', `/v1/customers?tag=x&limit=2&sort=name&cursor=${cursor}`)).statusCode,
    200,
    'order of parameters and limit are free',
  );
});

t.test('unknown parameters, sorts and values are refused, never ignored', async (t) => {
  const { call } = await store();
  for (const query of [
    'foo=1',
    'sort=phone',
    'limit=0',
    'limit=101',
    'accountStatus=merged',
    'country=DEU',
    'ordersCountMin=-1',
    'createdAfter=yesterday',
    'salesAgent=me',
    'count=all',
  ]) {
    t.equal((await call('GET', `/v1/customers?${query}`)).data.code, 'VALIDATION_FAILED', query);
  }
});

t.test('each filter selects who it says', async (t) => {
  const own = await store();
  const { call, storeId } = own;
  const agent = (await call('POST', '/v1/agents', { name: 'Grace', email: 'grace@example.com' })).data.id;
  const group = (await call('POST', '/v1/groups', { name: 'Press' })).data.id;
  const make = async (body: object, sets = '') => {
    const { data } = await call('POST', '/v1/customers', body);
    if (sets)
      await database.owner.query(`update customers set ${sets} where store_id = $1 and id = $2`, [
        storeId,
        data.id,
      ]);
    return data.id as string;
  };
  const ada = await make({
    lastName: 'Ada',
    tags: ['VIP', 'friend'],
    groupIds: [group],
    salesAgentId: agent,
    accountStatus: 'active',
  });
  await call('POST', `/v1/customers/${ada}/addresses`, {
    city: 'München',
    region: 'Bavaria',
    countryCode: 'DE',
    postcode: '80 331',
  });
  const bea = await make(
    { lastName: 'Bea', tags: ['vip'] },
    `orders_count = 3, total_spent = 5000000000, last_order_at = '2026-01-02T00:00:00Z', accepts_marketing = true`,
  );
  await call('POST', `/v1/customers/${bea}/addresses`, { city: 'Wien', countryCode: 'AT', postcode: '1010' });
  const cid = await make(
    { lastName: 'Cid' },
    `created_at = '2020-05-05T00:00:00Z', account_status = 'disabled'`,
  );
  const gone = await make({ lastName: 'Gone' }, `account_status = 'erased'`);
  const shown = async (query: string, expected: string[]) =>
    t.same(await allPages(call, `/v1/customers?sort=name&${query}`, 10), expected, query);

  await shown('', [ada, bea, cid]);
  t.notOk((await allPages(call, '/v1/customers', 10)).includes(gone), 'erased customers are nobody');
  await shown('accountStatus=active&accountStatus=guest', [ada, bea]);
  await shown('hasAccount=true', [ada, cid]);
  await shown('hasAccount=false', [bea]);
  await shown('group=press', [ada]);
  await shown(`group=${group}`, [ada]);
  await shown('notGroup=Press', [bea, cid]);
  await shown('notGroup=unknown', [ada, bea, cid]);
  await shown('group=unknown', []);
  await shown('tag=Vip', [ada, bea]);
  await shown('tag=vip&tag=FRIEND', [ada]);
  await shown('tagAny=friend&tagAny=unknown', [ada]);
  await shown(`salesAgent=${agent}`, [ada]);
  await shown('country=de&country=FR', [ada]);
  await shown('region=DE-BY', [ada]);
  await shown('country=DE&region=Bayern', [ada]);
  await shown('city=munchen', [ada]);
  await shown('postcode=803', [ada]);
  await shown('postcode=10', [bea]);
  await shown('ordersCountMin=3', [bea]);
  await shown('ordersCountMax=2', [ada, cid]);
  await shown('totalSpentMin=5000000000&totalSpentMax=5000000000', [bea]);
  await shown('totalSpentMin=5000000001', []);
  await shown('lastOrderAfter=2026-01-02T00:00:00Z', [bea]);
  await shown('lastOrderBefore=2026-01-01T23:59:59Z', []);
  await shown('createdBefore=2020-05-05T02:00:00%2B02:00', [cid]);
  await shown('createdAfter=2020-05-05T00:00:00.001Z', [ada, bea]);
  await shown('acceptsMarketing=true', [bea]);
  await shown('q=cid&hasAccount=true', [cid]);
  await shown('tag=vip&country=DE&q=ada&accountStatus=active&notGroup=unknown', [ada]);
});

t.test('q finds by exact email, then by beginning, then by similarity', async (t) => {
  const { call } = await store();
  const make = async (body: object) => (await call('POST', '/v1/customers', body)).data.id as string;
  const inside = await make({
    lastName: 'Roselovela',
    firstName: 'Zed',
    company: 'Something with a rather long name',
  });
  const phone = await make({ lastName: 'Phone', phone: '+4930901820' });
  const begins = await make({ lastName: 'Lovelace', firstName: 'Ada' });
  const exact = await make({ lastName: 'Zuse', email: 'lovela@example.com' });
  const found = (q: string) => allPages(call, `/v1/customers?q=${encodeURIComponent(q)}`, 1);
  t.same(await found('lovela@example.com'), [exact]);
  const ranked = await found(' LOVELA ');
  t.same(new Set(ranked.slice(0, 2)), new Set([begins, exact]), 'beginnings before the rest');
  t.same(ranked.slice(2), [inside]);
  t.same(await found('lóvel'), ranked, 'accents and case do not count');
  t.same(await found('0901'), [phone]);
  t.same(await found('rather long'), [inside]);
  t.same(await found('lo'), await found('lo'), 'two letters find beginnings');
  t.same(await found('%%%'), []);
  t.same(await found('_____'), []);
  t.same(
    await allPages(call, '/v1/customers?q=lovel&sort=-name', 1),
    [exact, inside, begins],
    'an explicit sort wins',
  );
});

t.test('the total is told when asked for', async (t) => {
  const { call } = await store();
  for (const lastName of ['A', 'B', 'C'])
    await call('POST', '/v1/customers', { lastName, tags: lastName === 'A' ? ['x'] : [] });
  t.notOk('total' in (await call('GET', '/v1/customers')).data);
  t.notOk('total' in (await call('GET', '/v1/customers?count=none')).data);
  t.equal((await call('GET', '/v1/customers?count=exact&limit=1')).data.total, 3);
  t.equal((await call('GET', '/v1/customers?count=exact&tag=x')).data.total, 1);
  t.match((await call('GET', '/v1/customers?count=estimate')).data.total, Number);
});

t.test('another store sees none of it', async (t) => {
  const [one, other] = [await store(), await store()];
  await one.call('POST', '/v1/customers', { lastName: 'Secret', tags: ['x'] });
  for (const query of ['', '?q=secret', '?tag=x', '?sort=tags', '?count=exact']) {
    t.same((await other.call('GET', `/v1/customers${query}`)).data.data, [], query);
  }
});

/** Fields of a CSV line; enough for what the export writes here. */
const cells = (line: string): string[] =>
  [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '',
  );

t.test('the export has exactly the shown list in its order', async (t) => {
  const own = await store();
  const customers = await fill(own, 99);
  for (const query of ['sort=-lastOrderAt', 'sort=tags&tag=bean', 'q=ada']) {
    const file = await own.call('GET', `/v1/customers.csv?${query}&columns=id`);
    t.match(file.headers['content-type'], /^text\/csv/);
    const lines = file.body.split('\r\n');
    t.equal(lines.shift(), 'id');
    t.equal(lines.pop(), '');
    t.same(lines, await allPages(own.call, `/v1/customers?${query}`, 100), query);
  }
  t.equal(customers.length, COUNT);
});

t.test('the export guards formulas and spells what an import reads', async (t) => {
  const { call } = await store();
  const { data } = await call('POST', '/v1/customers', {
    lastName: '=cmd|calc',
    firstName: '+1',
    company: 'Comma, "quoted"',
    tags: ['b', 'a'],
    birthday: { month: 2, day: 29 },
    email: 'a@example.com',
  });
  const { body } = await call('GET', '/v1/customers.csv');
  const [header = '', line = ''] = body.split('\r\n');
  const row = Object.fromEntries(cells(header).map((name, index) => [name, cells(line)[index]]));
  t.match(row, {
    id: data.id,
    lastName: "'=cmd|calc",
    firstName: "'+1",
    company: 'Comma, "quoted"',
    tags: 'a, b',
    birthday: '--02-29',
    totalSpent: '0.00',
    accountStatus: 'guest',
    acceptsMarketing: 'false',
  });
  const chosen = await call('GET', '/v1/customers.csv?columns=email,lastName');
  t.equal(chosen.body, "email,lastName\r\na@example.com,'=cmd|calc\r\n");
  const unknown = await call('GET', '/v1/customers.csv?columns=email,shoeSize');
  t.same([unknown.statusCode, unknown.data.errors[0].pointer], [400, '/columns']);
  t.equal((await call('GET', '/v1/customers.csv?limit=10')).statusCode, 400);
});
