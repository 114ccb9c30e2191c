// The duplicate finder over HTTP, on real Postgres.
import t from 'tap';
import { listDuplicateGroups } from '../../src/actions/duplicates.ts';
import { newId } from '../../src/context.ts';
import { type KeyGroup, walkKeys } from '../../src/db/duplicates.ts';
import type { DuplicateReason } from '../../src/domain/duplicates.ts';
import { type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const store = () => testStore(app, database);

async function create({ call }: TestStore, body: object): Promise<string> {
  const answer = await call('POST', '/v1/customers', body);
  if (answer.statusCode !== 201) throw new Error(answer.body);
  return answer.data.id;
}

const addPostcode = ({ call }: TestStore, id: string, postcode: string) =>
  call('POST', `/v1/customers/${id}/addresses`, { line1: `Weg ${postcode}`, postcode, countryCode: 'DE' });

interface Suggestion {
  customer: { id: string };
  reasons: string[];
}
interface Group {
  reasons: string[];
  customersCount: number;
  customers: { id: string }[];
}

async function suggestions({ call }: TestStore, id: string): Promise<[string, string[]][]> {
  const { data } = await call('GET', `/v1/customers/${id}/duplicates`);
  return data.data.map(({ customer, reasons }: Suggestion) => [customer.id, reasons]);
}

async function groups({ call }: TestStore, query = ''): Promise<[string[], string[], number][]> {
  const found: [string[], string[], number][] = [];
  let cursor = '';
  do {
    const { data } = await call(
      'GET',
      `/v1/customers/duplicates?limit=2${query}${cursor && `&cursor=${cursor}`}`,
    );
    found.push(
      ...data.data.map((group: Group) => [
        group.reasons,
        group.customers.map(({ id }) => id),
        group.customersCount,
      ]),
    );
    cursor = data.page.nextCursor ?? '';
  } while (cursor);
  return found;
}

/** Customers that are simply there, many at once; `columns` are SQL over the number `n`. */
const fill = (
  s: TestStore,
  count: number,
  columns: { email?: string; phone?: string; name?: string; postcode?: string },
) =>
  database.owner.query(
    `insert into customers (store_id, id, email_key, phone, name_key, default_postcode, account_status, source,
       accepts_marketing, wholesale, custom, orders_count, total_spent, refunded_total, sort_name, search_text, version,
       created_at, updated_at)
     select $1, gen_random_uuid(), ${columns.email ?? 'null'}, ${columns.phone ?? 'null'}, ${columns.name ?? 'null'},
       ${columns.postcode ?? 'null'}, 'guest', 'api', false, false, '{}', 0, 0, 0, '', '', 1, now(), now()
     from generate_series(1, ${count}) n`,
    [s.storeId],
  );

t.test(
  'C11 suggestions with reasons: email without tag and dots, phone, name with postcode; strongest first',
  async (t) => {
    const s = await store();
    const ada = await create(s, {
      email: 'ada.l@gmail.com',
      phone: '+4930901820',
      firstName: 'Ada',
      lastName: 'Müller',
    });
    await addPostcode(s, ada, '80331');
    await addPostcode(s, ada, '10 117');
    const neighbour = await create(s, { firstName: 'muller', lastName: 'ADA' });
    await addPostcode(s, neighbour, '10117');
    const phone = await create(s, { phone: '+49 (0)30 901820', lastName: 'X' });
    const mail = await create(s, { email: 'Ada.L+shop@googlemail.com' });
    const both = await create(s, { email: 'adal+2@gmail.com', phone: '+4930901820' });
    const elsewhere = await create(s, { firstName: 'Ada', lastName: 'Müller' });
    await addPostcode(s, elsewhere, '20095');
    await create(s, { lastName: 'Müller' });
    t.same(await suggestions(s, ada), [
      [both, ['same_email', 'same_phone']],
      [mail, ['same_email']],
      [phone, ['same_phone']],
      [neighbour, ['same_name_postcode']],
    ]);
    t.same(await suggestions(s, elsewhere), []);
    await s.call('POST', `/v1/customers/${ada}/merge`, { from: mail });
    t.notOk(
      (await suggestions(s, ada)).some(([id]) => id === mail),
      'a merged customer is no duplicate',
    );
    t.equal((await s.call('GET', `/v1/customers/${newId()}/duplicates`)).statusCode, 404);
  },
);

t.test(
  'C11 keys follow the customer: a changed email, phone or name finds others and no longer the old ones',
  async (t) => {
    const s = await store();
    const [a, b] = [await create(s, { email: 'a@gmail.com' }), await create(s, { email: 'b@gmail.com' })];
    t.same(await suggestions(s, a), []);
    await s.call('PATCH', `/v1/customers/${b}`, { email: 'a+x@gmail.com' });
    t.same(await suggestions(s, a), [[b, ['same_email']]]);
    await s.call('PATCH', `/v1/customers/${b}`, { firstName: 'Tom', lastName: 'Smith' });
    t.same(await suggestions(s, a), [[b, ['same_email']]], 'a patch of other fields keeps the key');
    await s.call('PATCH', `/v1/customers/${b}`, { email: null });
    t.same(await suggestions(s, a), []);
  },
);

t.test('C11 groups of the whole store, page by page, each once with all its reasons', async (t) => {
  const s = await store();
  const make = (body: object) => create(s, body);
  const [m1, m2, m3] = [
    await make({ email: 'm.m@gmail.com' }),
    await make({ email: 'mm@gmail.com' }),
    await make({ email: 'mm+1@gmail.com' }),
  ];
  const [p1, p2] = [
    await make({ phone: '+4930901820', lastName: 'P' }),
    await make({ phone: '+4930901820', lastName: 'Q' }),
  ];
  const [b1, b2] = [
    await make({ email: 'b.b@gmail.com', phone: '+4930901821' }),
    await make({ email: 'bb@gmail.com', phone: '+4930901821' }),
  ];
  const [n1, n2, n3] = [
    await make({ firstName: 'Ada', lastName: 'Byron' }),
    await make({ firstName: 'Byron', lastName: 'Ada' }),
    await make({ firstName: 'Ada', lastName: 'Byron' }),
  ];
  await addPostcode(s, n1, 'SW1A 1AA');
  await addPostcode(s, n2, 'sw1a1aa');
  await addPostcode(s, n3, 'E1');
  await make({ email: 'alone@example.com', phone: '+4930901899', firstName: 'No', lastName: 'Body' });
  t.same(await groups(s), [
    [['same_email', 'same_phone'], [b1, b2], 2],
    [['same_email'], [m1, m2, m3], 3],
    [['same_phone'], [p1, p2], 2],
    [['same_name_postcode'], [n1, n2], 2],
  ]);
  t.same(await groups(s, '&reason=same_phone'), [
    [['same_phone'], [p1, p2], 2],
    [['same_email', 'same_phone'], [b1, b2], 2],
  ]);
  await s.call('POST', `/v1/customers/${p1}/merge`, { from: p2 });
  t.same(await groups(s, '&reason=same_phone'), [[['same_email', 'same_phone'], [b1, b2], 2]]);
  const other = await store();
  t.same(await groups(other), []);
  const { data } = await s.call('GET', '/v1/customers/duplicates?limit=1');
  t.equal(
    (await other.call('GET', `/v1/customers/duplicates?limit=1&cursor=${data.page.nextCursor}`)).data.code,
    'CURSOR_INVALID',
  );
});

t.test('C11 a walk in windows finds the same groups as one look at all, whatever the window', async (t) => {
  const s = await store();
  await fill(s, 200, { email: "'k' || (n * 7919 % 90)", name: "'n' || n % 13", postcode: "'p' || n % 3" });
  for (const reason of ['same_email', 'same_name_postcode'] as const) {
    const whole = await walkKeys(s.ctx().db, reason, undefined, 1000);
    t.equal(whole.scannedTo, null);
    t.ok(whole.groups.length > 30);
    const largest = Math.max(...whole.groups.map((group) => group.customersCount));
    const keys = (groups: KeyGroup[]) => groups.map(({ key }) => key.join('|'));
    for (const window of [1, 2, 3, 7, 50, 200]) {
      const found = await walkAll(s, reason, window);
      if (window > largest) t.same(found, whole.groups, `window ${window}`);
      else
        t.ok(
          new Set(keys(found)).size === found.length &&
            keys(found).every((key) => keys(whole.groups).includes(key)),
        );
    }
  }
});

async function walkAll(s: TestStore, reason: DuplicateReason, window: number): Promise<KeyGroup[]> {
  const found: KeyGroup[] = [];
  let after: string[] | undefined;
  do {
    const walk = await walkKeys(s.ctx().db, reason, after, 5, window);
    found.push(...walk.groups);
    after = walk.scannedTo ?? undefined;
  } while (after);
  return found;
}

t.test('C11 a group that is larger than what is shown says how large it is', async (t) => {
  const s = await store();
  await fill(s, 30, { phone: "'+491'" });
  const [group] = await groups(s);
  t.same([group?.[1].length, group?.[2]], [10, 30]);
});

t.test('C11 a page reads a window of an index, never the table', async (t) => {
  const s = await store();
  await fill(s, 20_000, {
    email: "'e' || n",
    phone: "'p' || n",
    name: "'name ' || n % 10000",
    postcode: "'' || n % 1000",
  });
  await database.owner.query('vacuum analyze customers');
  const first = await listDuplicateGroups(s.ctx().db, {
    after: undefined,
    limit: 20,
    only: undefined,
    window: 6_000,
  });
  t.same(first.groups, [], 'nobody shares an email');
  t.equal(first.next?.[0], 'same_phone', 'four windows looked at 20,000 emails');
  for (const reason of ['same_email', 'same_phone', 'same_name_postcode'] as const) {
    const plan = await explain(s, reason);
    t.match(plan, /Index (Only )?Scan using customers_by_(email_key|phone|name_key)/, reason);
    t.notMatch(plan, /Seq Scan on customers|Sort Key: (email_key|phone|name_key)/, reason);
  }
});

/** The plan of the walk as the service's role runs it. */
async function explain(s: TestStore, reason: DuplicateReason): Promise<string> {
  const texts: string[] = [];
  const db = s.ctx().db;
  const spied: typeof db = {
    storeId: db.storeId,
    use: (work) =>
      db.use((connection) =>
        work({
          ...connection,
          client: new Proxy(connection.client, {
            get(target, name) {
              if (name !== 'query') return Reflect.get(target, name);
              return async (query: { text: string; values: unknown[] }) => {
                const { rows } = await target.query({ ...query, text: `explain ${query.text}` });
                texts.push(...rows.map((row) => row['QUERY PLAN']));
                return { rows: [] };
              };
            },
          }),
        }),
      ),
  };
  await walkKeys(spied, reason, reason === 'same_name_postcode' ? ['name 2', '5'] : ['e5'], 20);
  return texts.join('\n');
}
