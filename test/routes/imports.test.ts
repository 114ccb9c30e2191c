// Imports over HTTP and by the job's work: files good, bad and odd, on real Postgres.
import { gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { importWork } from '../../src/actions/imports.ts';
import { runJob } from '../../src/actions/jobs.ts';
import { orderReader } from '../../src/deliveries.ts';
import { factsOf, wrongKeys } from '../support/derived-keys.ts';
import { type Answer, type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const work = importWork(orderReader());
let keys = 0;

type Content = string | Buffer;

function form(content: Content, fields: Record<string, string> = {}): { payload: Buffer; type: string } {
  const boundary = 'test-boundary';
  const head = Object.entries(fields).map(
    ([name, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  const file = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="data.csv"\r\nContent-Type: text/csv\r\n\r\n`;
  const parts = [
    Buffer.from(head.join('') + file),
    Buffer.from(content),
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ];
  return { payload: Buffer.concat(parts), type: `multipart/form-data; boundary=${boundary}` };
}

async function upload(
  store: TestStore,
  query: string,
  content: Content,
  fields?: Record<string, string>,
  key = `k${keys++}`,
): Promise<Answer> {
  const { payload, type } = form(content, fields);
  return store.call('POST', `/v1/imports?${query}`, payload, {
    'content-type': type,
    'idempotency-key': key,
  });
}

/** Uploads a file, works on its job to the end, and answers the import. */
async function importFile(
  t: Test,
  store: TestStore,
  query: string,
  content: Content,
  fields?: Record<string, string>,
) {
  const started = await upload(store, query, content, fields);
  t.equal(started.statusCode, 202, started.body);
  t.equal(started.headers.location, `/v1/jobs/${started.data.id}`);
  await runJob(
    { ...store.ctx(), actor: `job:${started.data.id}` },
    started.data.id,
    work,
    new AbortController().signal,
  );
  const { data } = await store.call('GET', `/v1/imports/${started.data.id}`);
  const problems = await store.call('GET', `/v1/imports/${started.data.id}/problems?limit=100`);
  return { ...data, problems: problems.data.data };
}

const countCustomers = async ({ storeId }: TestStore): Promise<number> =>
  Number(
    (await database.owner.query('select count(*) from customers where store_id = $1', [storeId])).rows[0]
      .count,
  );
const countEvents = async ({ storeId }: TestStore): Promise<number> =>
  Number(
    (
      await database.owner.query(
        'select count(*) from events where store_id = $1 and customer_id is not null',
        [storeId],
      )
    ).rows[0].count,
  );
/** The customer of a normalised email, as the API shows it. */
async function find(store: TestStore, email: string) {
  const question = 'select id from customers where store_id = $1 and email_norm = $2';
  const { rows } = await database.owner.query(question, [store.storeId, email]);
  return (await store.call('GET', `/v1/customers/${rows[0]?.id}`)).data;
}

const PLAIN = [
  'email,first_name,last_name,phone,tags,city,country,address1,note',
  'Ada@Example.com,Ada,Lovelace,+49 30 901820,"VIP, friend",Berlin,DE,Unter den Linden 1,Likes engines',
  'bob@example.com,Bob,Müller,,friend,Wien,AT,Ring 2,',
  ',,Nobody,,,,,,',
].join('\n');

t.test('a plain CSV becomes customers with tags, default address and note, each row told once', async (t) => {
  const store = await testStore(app, database);
  const done = await importFile(t, store, 'kind=customers', PLAIN);
  t.match(done, { status: 'completed', format: 'plain', outcomes: { created: 3 }, done: 3, problems: [] });
  const ada = await find(store, 'ada@example.com');
  t.match(ada, {
    email: 'Ada@Example.com',
    phone: '+4930901820',
    tags: ['friend', 'VIP'],
    source: 'import',
    version: 1,
  });
  t.match(ada.defaultAddress, {
    city: 'Berlin',
    countryCode: 'DE',
    line1: 'Unter den Linden 1',
    isDefault: true,
  });
  t.equal(
    (await store.call('GET', '/v1/customers?country=AT')).data.data.length,
    1,
    'the list finds the imported place',
  );
  t.equal(await countEvents(store), 3);
  t.same(
    (await store.call('GET', `/v1/customers/${ada.id}/notes`)).data.data.map(
      (note: { body: string }) => note.body,
    ),
    ['Likes engines'],
  );
});

t.test('importing the same file again changes nothing, rows without any key included', async (t) => {
  const store = await testStore(app, database);
  await importFile(t, store, 'kind=customers', PLAIN);
  const events = await countEvents(store);
  const again = await importFile(t, store, 'kind=customers', PLAIN);
  t.match(again, { outcomes: { unchanged: 3 }, problems: [] });
  t.equal(await countCustomers(store), 3);
  t.equal(await countEvents(store), events);
  t.equal((await find(store, 'ada@example.com')).version, 1);
});

t.test(
  'an upsert changes what the file says, keeps what it does not say, and adds tags and addresses',
  async (t) => {
    const store = await testStore(app, database);
    await importFile(t, store, 'kind=customers', PLAIN);
    const done = await importFile(
      t,
      store,
      'kind=customers',
      'email,last_name,tags,address1,city,country\nADA@example.com,King,VIP;x,Park 3,London,GB\n',
    );
    t.match(done.outcomes, { updated: 1 });
    const ada = await find(store, 'ada@example.com');
    t.match(ada, { firstName: 'Ada', lastName: 'King', version: 2 });
    t.equal(ada.defaultAddress.city, 'Berlin', 'a saved default stays the default');
    t.equal((await store.call('GET', `/v1/customers/${ada.id}/addresses`)).data.data.length, 2);
  },
);

t.test('mode create leaves existing customers alone, mode update makes none', async (t) => {
  const store = await testStore(app, database);
  await importFile(t, store, 'kind=customers', 'email,last_name\na@example.com,One\n');
  const created = await importFile(
    t,
    store,
    'kind=customers&mode=create',
    'email,last_name\na@example.com,Two\nb@example.com,Two\n',
  );
  t.match(created.outcomes, { existing: 1, created: 1 });
  t.equal((await find(store, 'a@example.com')).lastName, 'One');
  const updated = await importFile(
    t,
    store,
    'kind=customers&mode=update',
    'email,last_name\na@example.com,Three\nc@example.com,Three\n',
  );
  t.match(updated.outcomes, { updated: 1, failed: 1 });
  t.match(updated.problems, [{ line: 3, code: 'CUSTOMER_UNKNOWN' }]);
});

t.test('dry run says what would happen and changes nothing', async (t) => {
  const store = await testStore(app, database);
  const done = await importFile(t, store, 'kind=customers&dryRun=true', PLAIN);
  t.match(done, { dryRun: true, outcomes: { created: 3 } });
  t.equal(await countCustomers(store), 0);
});

t.test(
  'bad rows are told by line, column and code; good rows go in; the error rows come back as a file',
  async (t) => {
    const store = await testStore(app, database);
    const file =
      'email,last_name,phone,birthday\nok@example.com,Fine,,\nnot-an-email,Bad,,\nx@example.com,Bad,12,\ny@example.com,Bad,,31.12.1999\n,,,\n';
    const done = await importFile(t, store, 'kind=customers', file);
    t.match(done.outcomes, { created: 1, failed: 3 });
    t.match(done.problems, [
      { line: 3, column: 'email', level: 'error', code: 'EMAIL_INVALID' },
      { line: 4, column: 'phone', code: 'PHONE_INVALID' },
      { line: 5, column: 'birthday', code: 'BIRTHDAY_INVALID' },
    ]);
    const errors = await store.call('GET', `/v1/imports/${done.id}/error-rows.csv`);
    const [header, first] = errors.body.split('\r\n');
    t.equal(header, 'email,last_name,phone,birthday,line,code,message');
    t.match(first, 'not-an-email,Bad,,,3,EMAIL_INVALID');
    const mended = errors.body.replace('not-an-email', 'z@example.com');
    t.match((await importFile(t, store, 'kind=customers', mended)).outcomes, { created: 1, failed: 2 });
  },
);

const ROW = 'good@example.com,Good\n';
const ODD: Record<string, { content: Content; created: number; code?: string }> = {
  'a byte order mark': { content: `\ufeffemail,last_name\n${ROW}`, created: 1 },
  'UTF-16 with a mark': { content: Buffer.from(`\ufeffemail,last_name\n${ROW}`, 'utf16le'), created: 1 },
  'Latin-1': { content: Buffer.from('email,last_name\ngood@example.com,Müller\n', 'latin1'), created: 1 },
  'CR line ends': { content: `email,last_name\r${ROW.replace('\n', '\r')}`, created: 1 },
  'CRLF line ends': { content: `email,last_name\r\n${ROW.replace('\n', '\r\n')}`, created: 1 },
  semicolons: { content: 'email;last_name\ngood@example.com;Good\n', created: 1 },
  gzip: { content: gzipSync(`email,last_name\n${ROW}`), created: 1 },
  'a ragged row': { content: `email,last_name\n${ROW}a@example.com,b,c,d\n`, created: 1, code: 'RAGGED_ROW' },
  'an unclosed quote': {
    content: `email,last_name\n${ROW}"b@example.com,Open\nc@example.com,Later\n`,
    created: 2,
    code: 'UNCLOSED_QUOTE',
  },
  'a line of 10 MB': {
    content: `email,last_name\n${ROW}d@example.com,${'x'.repeat(10_000_000)}\ne@example.com,After\n`,
    created: 2,
    code: 'RECORD_TOO_LONG',
  },
};

for (const [name, { content, created, code }] of Object.entries(ODD)) {
  t.test(`a file with ${name}: a clear report, good rows in`, async (t) => {
    const store = await testStore(app, database);
    const done = await importFile(t, store, 'kind=customers', content);
    t.equal(done.status, 'completed');
    t.equal(done.outcomes.created, created);
    t.same(
      done.problems.map((problem: { code: string }) => problem.code),
      code ? [code] : [],
    );
  });
}

const REFUSED: Record<string, { content: Content; reason: string; fields?: Record<string, string> }> = {
  'no content': { content: '', reason: 'EMPTY_FILE' },
  'duplicate headers': { content: 'email,email\na@example.com,b@example.com\n', reason: 'DUPLICATE_HEADER' },
  'unknown columns': { content: 'foo,bar\n1,2\n', reason: 'UNKNOWN_COLUMNS' },
  'a picture': { content: Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 1, 2, 3, 0, 0, 0, 0]), reason: 'NOT_TEXT' },
  'a mapping to a field that does not exist': {
    content: 'foo,bar\n1,2\n',
    reason: 'MAPPING_INVALID',
    fields: { mapping: '{"columns":{"foo":"emial"}}' },
  },
};

for (const [name, { content, reason, fields }] of Object.entries(REFUSED)) {
  t.test(`a file with ${name} is refused before any job runs`, async (t) => {
    const store = await testStore(app, database);
    const answer = await upload(store, 'kind=customers', content, fields);
    t.equal(answer.statusCode, 422);
    t.match(answer.data, { code: 'IMPORT_REFUSED', reason });
    t.equal((await store.call('GET', '/v1/jobs')).data.data.length, 0);
  });
}

t.test('consent is imported only with a declared basis', async (t) => {
  const store = await testStore(app, database);
  const file = 'email,accepts_marketing\na@example.com,yes\n';
  t.equal((await upload(store, 'kind=customers', file)).data.code, 'CONSENT_BASIS_REQUIRED');
  await importFile(
    t,
    store,
    `kind=customers&consentBasis=${encodeURIComponent('opt-in box of the old shop')}`,
    file,
  );
  const found = await find(store, 'a@example.com');
  t.equal(found.acceptsMarketing, true);
  const { data } = await store.call('GET', `/v1/customers/${found.id}/consents`);
  t.match(data.data, [
    {
      topic: 'newsletter',
      state: 'granted',
      action: 'import',
      source: 'import',
      proof: { text: 'opt-in box of the old shop' },
    },
  ]);
});

t.test(
  'a file says yes once, never against a withdrawal that is known, and its no withdraws everything',
  async (t) => {
    const store = await testStore(app, database);
    const { data: gone } = await store.call('POST', '/v1/customers', { email: 'gone@example.com' });
    const say = (id: string, topics: string[], action: string) =>
      store.call('POST', `/v1/customers/${id}/consents`, { channel: 'email', topics, action });
    await say(gone.id, ['newsletter'], 'withdraw');
    const file = 'email,accepts_marketing\ngone@example.com,yes\nnew@example.com,yes\nlater@example.com,no\n';
    const outcomes = async () => {
      const done = await importFile(t, store, 'kind=customers&mode=upsert&consentBasis=box', file);
      return (done as { outcomes: Record<string, number> }).outcomes;
    };
    t.same(await outcomes(), { unchanged: 1, created: 2 });
    t.same(await outcomes(), { unchanged: 3 }, 'again changes nothing');
    t.equal((await find(store, 'gone@example.com')).acceptsMarketing, false);
    const later = await find(store, 'later@example.com');
    await say(later.id, ['offers', 'surveys'], 'grant');
    t.equal((await find(store, 'later@example.com')).acceptsMarketing, true);
    t.same(await outcomes(), { unchanged: 2, updated: 1 });
    t.equal((await find(store, 'later@example.com')).acceptsMarketing, false);
    const { data } = await store.call('GET', `/v1/customers/${later.id}/timeline?kind=consent`);
    t.match(data.data[0], { kind: 'consent.withdrawn', data: { source: 'import' } });
  },
);

t.test('a file that gives somebody another address takes their consent along', async (t) => {
  const store = await testStore(app, database);
  const { data: ada } = await store.call('POST', '/v1/customers', {
    externalId: 'x1',
    email: 'old@example.com',
  });
  await store.call('POST', `/v1/customers/${ada.id}/consents`, {
    channel: 'email',
    topics: ['offers'],
    action: 'grant',
  });
  await importFile(t, store, 'kind=customers', 'externalId,email\nx1,new@example.com\n');
  t.match(await find(store, 'new@example.com'), { id: ada.id, acceptsMarketing: true });
});

t.test('a mapping names columns that nobody knows', async (t) => {
  const store = await testStore(app, database);
  const done = await importFile(
    t,
    store,
    'kind=customers',
    'E-Mail-Adresse,Nachname,Farbe\na@example.com,Maier,rot\n',
    {
      mapping: '{"columns":{"E-Mail-Adresse":"email","Nachname":"lastName"}}',
    },
  );
  t.match(done, { format: 'mapping', outcomes: { created: 1 }, ignoredColumns: ['Farbe'] });
});

t.test('without Idempotency-Key an import is refused; a repeat answers the first job', async (t) => {
  const store = await testStore(app, database);
  const { payload, type } = form('email\na@example.com\n');
  const refused = await store.call('POST', '/v1/imports?kind=customers', payload, { 'content-type': type });
  t.equal(refused.data.code, 'IDEMPOTENCY_KEY_REQUIRED');
  const first = await upload(store, 'kind=customers', 'email\na@example.com\n', {}, 'same');
  const again = await upload(store, 'kind=customers', 'email\na@example.com\n', {}, 'same');
  t.equal(again.data.id, first.data.id);
  t.equal((await store.call('GET', '/v1/jobs')).data.data.length, 1);
});

t.test('two rows of one new customer make one customer; keys that disagree are a problem', async (t) => {
  const store = await testStore(app, database);
  const file =
    'external_id,email,last_name\n1,a@example.com,First\n1,,Second\n2,b@example.com,Other\n1,b@example.com,Clash\n';
  const done = await importFile(t, store, 'kind=customers', file);
  t.match(done.outcomes, { created: 2, updated: 1, failed: 1 });
  t.match(done.problems, [{ line: 5, code: 'KEYS_DISAGREE' }]);
  t.equal((await find(store, 'a@example.com')).lastName, 'Second');
});

t.test(
  'an import that stops between two pieces goes on where it stopped, nothing lost or doubled',
  async (t) => {
    const store = await testStore(app, database);
    const rows = Array.from(
      { length: 12_000 },
      (_, index) => `c${index}@example.com,Customer ${index},tag ${index % 7}`,
    );
    const { data } = await upload(store, 'kind=customers', `email,last_name,tags\n${rows.join('\n')}\n`);
    for (let runs = 0; ; runs++) {
      const stop = new AbortController();
      const ctx = { ...store.ctx(), newId: store.ctx().newId };
      const open = {
        open: async (...args: Parameters<typeof work.open>) => {
          const opened = await work.open(...args);
          return {
            ...opened,
            next: async () => {
              const slice = await opened.next();
              stop.abort();
              return slice;
            },
          };
        },
      };
      if ((await runJob(ctx, data.id, open, stop.signal)) === 'ended') {
        t.ok(runs >= 2, 'it stopped in between');
        break;
      }
    }
    const { data: done } = await store.call('GET', `/v1/imports/${data.id}`);
    t.match(done, { status: 'completed', done: 12_000, outcomes: { created: 12_000 } });
    t.equal(await countCustomers(store), 12_000);
    t.equal(await countEvents(store), 12_000);
  },
);

t.test('addresses are added to the customers they name, once', async (t) => {
  const store = await testStore(app, database);
  await importFile(t, store, 'kind=customers', 'external_id,email\n1,a@example.com\n');
  const file =
    'email,address1,city,postcode,country\na@example.com,Street 1,Berlin,10117,DE\na@example.com,Street 2,Berlin,10117,DE\nx@example.com,S,B,1,DE\n';
  const done = await importFile(t, store, 'kind=addresses', file);
  t.match(done.outcomes, { created: 2, failed: 1 });
  t.match((await importFile(t, store, 'kind=addresses', file)).outcomes, { unchanged: 2, failed: 1 });
  t.equal((await find(store, 'a@example.com')).defaultAddress.line1, 'Street 1');
});

t.test('an export of the list can be imported into another store', async (t) => {
  const [from, to] = [await testStore(app, database), await testStore(app, database)];
  await importFile(t, from, 'kind=customers', PLAIN);
  const exported = await from.call('GET', '/v1/customers.csv');
  const done = await importFile(t, to, `kind=customers&consentBasis=moved`, exported.body);
  t.match(done, { outcomes: { created: 3 } });
  const ada = await find(to, 'ada@example.com');
  t.match(ada, { firstName: 'Ada', tags: ['friend', 'VIP'], phone: '+4930901820' });
  t.equal(ada.defaultAddress.line1, 'Unter den Linden 1');
});

const MAPPING = JSON.stringify({
  columns: {
    orderId: 'No',
    sku: 'Sku',
    title: 'Title',
    quantity: 'Qty',
    placedAt: 'Date',
    unitPrice: 'Price',
    customerExternalId: 'Customer',
  },
  currency: 'EUR',
  decimalMark: '.',
  dateFormat: 'yyyy-MM-dd HH:mm:ss',
  timezone: 'Europe/London',
  status: 'completed',
  taxesIncluded: true,
  creditNotePrefix: 'C',
  customerLastName: 'Customer {id}',
});
const LINES = [
  'No,Sku,Title,Qty,Date,Price,Customer',
  '1,A,Lamp,2,2026-01-01 10:00:00,10.50,7',
  '1,B,Pen,1,2026-01-01 10:00:00,1.00,7',
  '2,A,Lamp,1,2026-01-02 10:00:00,10.50,8',
  '3,A,Lamp,1,2026-01-02 11:00:00,10.50,',
  'C4,A,Lamp,-1,2026-01-03 10:00:00,10.50,7',
  '5,A,Lamp,x,2026-01-04 10:00:00,10.50,8',
].join('\n');

t.test(
  'a file with a row per item becomes orders, credit notes become refunds, anonymous rows are skipped and told',
  async (t) => {
    const store = await testStore(app, database);
    const done = await importFile(t, store, 'kind=orders', LINES, { mapping: MAPPING });
    t.match(done.outcomes, { created: 2, refunded: 1, skipped: 1, failed: 1 });
    t.same(
      done.problems.map(({ line, code }: { line: number; code: string }) => [line, code]),
      [
        [5, 'NO_CUSTOMER'],
        [7, 'QUANTITY_INVALID'],
      ],
    );
    const { rows } = await database.owner.query(
      'select external_id, orders_count, total_spent, refunded_total from customers where store_id = $1 order by external_id',
      [store.storeId],
    );
    t.same(rows, [
      { external_id: '7', orders_count: 1, total_spent: '1150', refunded_total: '1050' },
      { external_id: '8', orders_count: 1, total_spent: '1050', refunded_total: '0' },
    ]);
    t.match((await importFile(t, store, 'kind=orders', LINES, { mapping: MAPPING })).outcomes, {
      unchanged: 3,
    });
  },
);

t.test('NDJSON orders are held to the contract of the API line by line', async (t) => {
  const store = await testStore(app, database);
  const order = {
    externalId: '1001',
    status: 'confirmed',
    currency: 'EUR',
    placedAt: '2026-01-01T10:00:00Z',
    updatedAt: '2026-01-01T10:00:00Z',
    email: 'ada@example.com',
    items: [{ title: 'Lamp', quantity: 2, unitPrice: 500 }],
    total: 1000,
  };
  const lines = [
    order,
    { ...order, externalId: '1002', total: 999 },
    { ...order, externalId: '1003', foo: 1 },
  ].map((line) => JSON.stringify(line));
  const done = await importFile(t, store, 'kind=orders', `${lines.join('\n')}\n{broken\n`);
  t.match(done.outcomes, { created: 1, failed: 3 });
  t.same(
    done.problems.map((problem: { line: number }) => problem.line),
    [2, 3, 4],
  );
});

t.test('imports of every kind write what segments compare', async (t) => {
  const store = await testStore(app, database);
  await importFile(t, store, 'kind=customers', PLAIN);
  const changed = PLAIN.replace('+49 30 901820', '+43 1 58858').replace('Berlin', 'Łódź');
  await importFile(t, store, 'kind=customers&mode=update', changed);
  const places =
    'customer_email,address1,city,region,postcode,country\nbob@example.com,Rue 1,Orléans,Île-de-France,45 000,FR\n';
  await importFile(t, store, 'kind=addresses', places);
  await importFile(t, store, 'kind=orders', LINES, { mapping: MAPPING });
  const order = {
    externalId: '1001',
    status: 'confirmed',
    currency: 'EUR',
    placedAt: '2026-01-01T10:00:00Z',
    updatedAt: '2026-01-01T10:00:00Z',
    customer: { externalId: 'shop-9', phone: '+1 416 555 0123' },
    items: [{ title: 'Lamp', quantity: 1, unitPrice: 500, tags: ['SALE'], categories: ['Light'] }],
    total: 500,
  };
  await importFile(t, store, 'kind=orders', `${JSON.stringify(order)}\n`);
  const facts = await factsOf(database.owner, store.storeId);
  t.same(facts.phones.flatMap(({ keys }) => keys.phoneCountry ?? []).sort(), ['AT', 'CA']);
  t.same(facts.places.flatMap(({ keys }) => keys.cityKey ?? []).sort(), [
    'berlin',
    'lodz',
    'orleans',
    'wien',
  ]);
  t.ok(facts.items.some(({ keys }) => keys.tagKeys[0] === 'sale' && keys.categoryKeys[0] === 'light'));
  t.same(await wrongKeys(database.owner, store.storeId), []);
});
