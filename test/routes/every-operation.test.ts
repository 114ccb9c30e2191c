// Generated from the OpenAPI document: what must hold for every operation, whoever adds the next one.
import t from 'tap';
import { DEFAULT_PROGRAMME } from '../../src/domain/loyalty/programme.ts';
import type { Scope } from '../../src/domain/scopes.ts';
import { type Answer, call, testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);

// biome-ignore lint/suspicious/noExplicitAny: the document is JSON of every shape
type Json = any;

const document = app.swagger() as Json;
const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

interface Operation {
  name: string;
  method: string;
  path: string;
  scope: Scope | undefined;
  zone: 'staff' | 'storefront' | 'customer' | 'ops' | 'public';
  parameters: Json[];
  body: Json;
  isForm: boolean;
  isStream: boolean;
}

const ZONES: Record<string, Operation['zone']> = {
  bearer: 'staff',
  publishableKey: 'storefront',
  customerToken: 'customer',
  ops: 'ops',
};

function zoneOf(security: Json[]): Operation['zone'] {
  const [first] = security.map((entry) => Object.keys(entry)[0]);
  return ZONES[first ?? ''] ?? 'public';
}

const operations: Operation[] = Object.entries(document.paths as Json).flatMap(
  ([path, item]: [string, Json]) =>
    METHODS.filter((method) => item[method]).map((method) => {
      const operation = item[method];
      return {
        name: operation.operationId,
        method: method.toUpperCase(),
        path,
        scope: operation['x-scope'],
        zone: zoneOf(operation.security ?? []),
        parameters: operation.parameters ?? [],
        body: operation.requestBody?.content?.['application/json']?.schema,
        isForm: operation.requestBody?.content?.['multipart/form-data'] !== undefined,
        isStream: operation.responses['200']?.content?.['text/event-stream'] !== undefined,
      };
    }),
);
const staff = operations.filter((operation) => operation.zone === 'staff');
const customers = operations.filter((operation) => operation.zone === 'customer');

function resolve(schema: Json): Json {
  if (!schema?.$ref) return schema;
  return document.components.schemas[schema.$ref.split('/').at(-1)];
}

/** A body that fits: the schema's example. */
const exampleOf = (schema: Json): Json =>
  structuredClone(resolve(schema)?.examples?.[0] ?? resolve(schema)?.example ?? {});

/** The path with these ids; a parameter that is no known id is taken as it is. */
const pathWith = (path: string, ids: Record<string, string>): string =>
  path.replace(/\{(\w+)\}/g, (_, name) => ids[name] ?? '0199a3c4-7e1f-7a60-9d39-6f1f3f1f9a11');

/** The examples of the query parameters that have to be there. */
const queryOf = (parameters: Json[]): string => {
  const required = parameters.filter((parameter) => parameter.in === 'query' && parameter.required);
  const values = new URLSearchParams();
  for (const { name, schema, example } of required)
    values.set(name, example ?? schema.examples?.[0] ?? schema.example);
  return required.length > 0 ? `?${values}` : '';
};

const headers = () => ({ 'idempotency-key': crypto.randomUUID() });

const store = await testStore(app, database);

/** The token of a new customer of the store. */
async function customerToken(): Promise<{ token: string }> {
  const { data } = await store.call('POST', '/v1/customers', { email: `${crypto.randomUUID()}@example.com` });
  return (await store.call('POST', `/v1/customers/${data.id}/storefront-tokens`, {})).data;
}

/** One of everything in a store of somebody else. */
async function makeForeignThings(): Promise<Record<string, string>> {
  const other = await testStore(app, database);
  const make = async (method: string, url: string, body: Json): Promise<Json> => {
    const answer = await other.call(method, url, body, headers());
    if (answer.statusCode >= 300) throw new Error(`${method} ${url}: ${answer.body}`);
    return answer.data;
  };
  const customer = await make('POST', '/v1/customers', {
    email: 'foreign@example.com',
    lastName: 'Foreign',
    accountStatus: 'active',
    tags: ['theirs'],
  });
  const address = await make('POST', `/v1/customers/${customer.id}/addresses`, {
    city: 'Berlin',
    countryCode: 'DE',
  });
  const note = await make('POST', `/v1/customers/${customer.id}/notes`, { body: 'A note' });
  const tags = await other.call('GET', '/v1/tags?limit=100');
  const group = await make('POST', '/v1/groups', { name: 'Theirs' });
  const segment = await make('POST', '/v1/segments', { name: 'Theirs', query: 'number_of_orders > 5' });
  const agent = await make('POST', '/v1/agents', { name: 'Their agent' });
  const task = await make('POST', '/v1/tasks', {
    title: 'Call',
    dueAt: '2030-01-01T10:00:00Z',
    dueTimezone: 'UTC',
  });
  const key = await make('POST', '/v1/api-keys', { name: 'theirs', scopes: ['store:read'] });
  const job = await make('POST', '/v1/customers/bulk', {
    action: 'addTags',
    tags: ['x'],
    ids: [customer.id],
  });
  const order = await make('PUT', '/v1/orders/theirs-1', {
    status: 'confirmed',
    currency: 'EUR',
    placedAt: '2026-01-01T10:00:00Z',
    updatedAt: '2026-01-01T10:00:00Z',
    customer: { id: customer.id },
    items: [{ title: 'Lamp', quantity: 1, unitPrice: 100 }],
    total: 100,
  });
  const credit = `/v1/customers/${customer.id}/credit`;
  const { transfer, account } = await make('POST', credit, {
    amount: 500,
    currency: 'EUR',
    reason: 'Theirs',
  });
  const { hold } = await make('POST', `${credit}/holds`, { amount: 100, currency: 'EUR' });
  await make('PUT', '/v1/loyalty/programme', {
    ...DEFAULT_PROGRAMME,
    rules: [{ id: 'friends', kind: 'event', event: 'referral', side: 'advocate', points: 100 }],
    referrals: { minimumAmount: 0, returnDays: 14, onRefund: 'keep' },
  });
  const { referralCode: code } = await make('POST', `/v1/customers/${customer.id}/loyalty/enrol`, undefined);
  await make('POST', `/v1/customers/${customer.id}/points`, { amount: 500, reason: 'Theirs' });
  const reward = await make('POST', '/v1/loyalty/rewards', {
    name: 'Mug',
    kind: 'free_shipping',
    points: 100,
  });
  const redemptions = `/v1/customers/${customer.id}/loyalty/redemptions`;
  const { redemption } = await make('POST', redemptions, { rewardId: reward.id });
  const referral = await make('POST', '/v1/loyalty/referrals', { code, email: 'friend@example.com' });
  const [template] = (await other.call('GET', '/v1/templates?limit=1')).data.data;
  const message = await make('POST', `/v1/customers/${customer.id}/messages`, {
    subject: 'Theirs',
    text: 'Theirs',
  });
  const topic = await make('POST', '/v1/topics', { key: 'theirs', name: 'Theirs' });
  const campaign = await make('POST', '/v1/campaigns', {
    name: 'Theirs',
    templateId: (await other.call('GET', '/v1/templates?key=special_offer')).data.data[0].id,
    topic: topic.key,
    audience: { everyone: true },
    data: { title: 'Theirs', description: 'Theirs' },
  });
  const provider = await make('POST', '/v1/identity-providers', {
    key: 'theirs',
    name: 'Theirs',
    issuer: 'http://127.0.0.1:9',
    clientId: 'theirs',
    clientSecret: 'theirs',
  });
  const suppression = await make('POST', '/v1/suppressions', { email: 'nobody@example.com' });
  return {
    messageId: message.id,
    topicKey: topic.key,
    campaignId: campaign.id,
    providerKey: provider.key,
    address: suppression.id,
    templateId: template.id,
    number: '1',
    rewardId: reward.id,
    redemptionId: redemption.id,
    referralId: referral.id,
    version: '1',
    customerId: customer.id,
    accountId: account.id,
    transferId: transfer.id,
    holdId: hold.id,
    addressId: address.id,
    noteId: note.id,
    tagId: tags.data.data.find((tag: Json) => tag.name === 'theirs').id,
    groupId: group.id,
    segmentId: segment.id,
    revision: '1',
    agentId: agent.id,
    taskId: task.id,
    apiKeyId: key.id,
    jobId: job.id,
    orderId: order.id,
  };
}

/** Paths whose key is the caller's own: PUT makes the thing, so nothing foreign can be named. */
const OWN_KEYS = ['putOrder', 'upsertOrder'];

t.test('the document has operations of every room', async (t) => {
  t.ok(operations.length > 60, `${operations.length} operations`);
});

t.test('without a credential every operation that needs one answers 401', async (t) => {
  for (const { name, method, path } of operations.filter(({ zone }) => zone !== 'public')) {
    const answer = await app.inject({ method: method as 'GET', url: pathWith(path, {}) });
    t.equal(answer.statusCode, 401, name);
  }
});

t.test('the publishable key opens no staff operation', async (t) => {
  for (const { name, method, path } of staff) {
    t.equal((await call(app, store.publishableKey, method, pathWith(path, {}))).statusCode, 401, name);
  }
});

t.test('only a customer’s own token opens what is theirs', async (t) => {
  const { token } = await customerToken();
  t.ok(customers.length > 5);
  for (const { name, method, path } of customers) {
    const anybody = await call(app, store.publishableKey, method, pathWith(path, {}));
    t.equal(anybody.data.code, 'CUSTOMER_TOKEN_REQUIRED', name);
    t.equal((await call(app, store.token, method, pathWith(path, {}))).statusCode, 401, name);
    const mine = await call(app, token, method, pathWith(path, {}), undefined, headers());
    t.not(mine.statusCode, 401, name);
    t.ok(mine.statusCode < 500, `${name}: ${mine.body.slice(0, 200)}`);
  }
  for (const { name, method, path } of staff)
    t.equal((await call(app, token, method, pathWith(path, {}))).statusCode, 401, name);
});

t.test('a token without the scope answers 403 and names it', async (t) => {
  const bare = await testStore(app, database, { scopes: [] });
  for (const { name, method, path, scope } of staff) {
    const answer = await bare.call(method, pathWith(path, {}));
    t.equal(answer.statusCode, 403, name);
    t.equal(answer.data.required, scope, name);
  }
});

t.test("another store's ids answer 404 on every operation, and nothing of it changes", async (t) => {
  const foreign = await makeForeignThings();
  const before = await snapshot();
  const named = staff.filter(({ path, name }) => path.includes('{') && !OWN_KEYS.includes(name));
  for (const { name, method, path, parameters, body } of named) {
    const url = `${pathWith(path, foreign)}${queryOf(parameters)}`;
    const answer = await store.call(method, url, body && exampleOf(body), headers());
    t.equal(answer.statusCode, 404, `${name}: ${answer.body.slice(0, 200)}`);
  }
  t.same(await snapshot(), before);
});

/** Row counts and versions of everything that is not the test's own store. */
async function snapshot(): Promise<Json> {
  const { rows } = await database.owner.query(
    `select (select json_agg((id, version) order by id) from customers where store_id <> $1) as customers,
            (select count(*) from events where store_id <> $1) as events,
            (select count(*) from customer_tags where store_id <> $1) as tags,
            (select count(*) from addresses where store_id <> $1) as addresses,
            (select json_agg((id, version) order by id) from segments where store_id <> $1) as segments,
            (select count(*) from notes where store_id <> $1) as notes,
            (select json_agg((id, status) order by id) from messages where store_id <> $1) as messages,
            (select json_agg((id, version) order by id) from campaigns where store_id <> $1) as campaigns,
            (select count(*) from suppressions where store_id <> $1 and active) as suppressions`,
    [store.storeId],
  );
  return rows[0];
}

t.test('an unknown query parameter is refused by every operation', async (t) => {
  for (const { name, method, path } of staff) {
    const answer = await store.call(method, `${pathWith(path, {})}?surprise=1`, undefined, headers());
    t.equal(answer.statusCode, 400, `${name}: ${answer.body.slice(0, 120)}`);
  }
});

t.test('an id that is no UUID is 400 where a UUID is asked for', async (t) => {
  for (const { name, method, path, parameters } of staff) {
    const uuids = parameters.filter(
      (parameter) => parameter.in === 'path' && parameter.schema.format === 'uuid',
    );
    if (uuids.length === 0) continue;
    const ids = Object.fromEntries(uuids.map((parameter) => [parameter.name, "x'--"]));
    t.equal(
      (await store.call(method, pathWith(path, ids).replaceAll("'", '%27'), undefined, headers())).statusCode,
      400,
      name,
    );
  }
});

const HOSTILE: Json[] = [
  null,
  true,
  0,
  -1,
  1.5,
  2 ** 53,
  '',
  ' ',
  'x'.repeat(20_000),
  "' or 1=1 --",
  '<script>alert(1)</script>',
  '=1+1',
  'a\r\nBcc: x@example.com',
  '\u202e\u0007',
  '😀',
  [],
  [null],
  {},
  { a: 1 },
];

t.test('hostile values in every property of every body are never a 500', async (t) => {
  let requests = 0;
  const failures: string[] = [];
  const note = (answer: Answer, what: string) => {
    requests++;
    if (answer.statusCode >= 500) failures.push(`${what}: ${answer.body.slice(0, 300)}`);
  };
  const { token } = await customerToken();
  for (const { name, method, path, body, isStream, zone } of [...staff, ...customers]) {
    if (!body || isStream) continue;
    const url = pathWith(path, {});
    const send = (sent: Json) =>
      call(app, zone === 'customer' ? token : store.token, method, url, sent, headers());
    for (const property of Object.keys(resolve(body)?.properties ?? {})) {
      for (const value of HOSTILE) {
        const sent = { ...exampleOf(body), [property]: value };
        note(await send(sent), `${name} ${property} ${JSON.stringify(value).slice(0, 40)}`);
      }
    }
    for (const sent of HOSTILE) {
      if (typeof sent !== 'object' || sent === null) continue;
      note(await send(sent), `${name} body ${JSON.stringify(sent)}`);
    }
  }
  t.comment(`${requests} requests`);
  t.same(failures, []);
});

t.test('hostile values in every query parameter are never a 500', async (t) => {
  const failures: string[] = [];
  for (const { name, method, path, parameters, isStream } of staff) {
    if (isStream || method !== 'GET') continue;
    for (const parameter of parameters.filter((one) => one.in === 'query')) {
      for (const value of [
        '',
        'x',
        '-1',
        '0',
        '1e400',
        '9007199254740993',
        '%00',
        '%F0%9F%98%80',
        "'",
        '%25',
        '2026-02-30',
        '\\',
      ]) {
        const answer = await store.call(method, `${pathWith(path, {})}?${parameter.name}=${value}`);
        if (answer.statusCode >= 500)
          failures.push(`${name} ${parameter.name}=${value}: ${answer.body.slice(0, 300)}`);
      }
    }
  }
  t.same(failures, []);
});

const BROKEN: Record<string, string> = {
  'a NUL character': '{"lastName":"a\\u0000b"}',
  'a raw control character': '{"lastName":"a\u0001b"}',
  'a lone surrogate': '{"lastName":"\\ud800"}',
  'deep nesting': `${'{"custom":'.repeat(5_000)}1${'}'.repeat(5_000)}`,
  'a number beyond 2^53': '{"custom":{"n":9007199254740993}}',
  'duplicate keys': '{"lastName":"a","lastName":"b"}',
  'duplicate keys by escape': '{"lastName":"a","last\\u004eame":"b"}',
  __proto__: '{"__proto__":{"admin":true},"lastName":"x"}',
  'a list where an object is asked for': '[]',
  'half of a document': '{"lastName":',
  'two documents': '{}{}',
  'no document': '',
};

t.test('bodies that are no usable JSON are 400 with a code, never 500', async (t) => {
  for (const [what, payload] of Object.entries(BROKEN)) {
    const answer = await store.call('POST', '/v1/customers', payload, { 'content-type': 'application/json' });
    t.equal(answer.statusCode, 400, what);
    t.match(answer.data.code, /^(MALFORMED_JSON|VALIDATION_FAILED)$/, what);
  }
  const invalid = await store.call('POST', '/v1/customers', Buffer.from([0x7b, 0xff, 0x7d]), {
    'content-type': 'application/json',
  });
  t.equal(invalid.statusCode, 400, 'bytes that are no UTF-8');
  const other = await store.call('POST', '/v1/customers', 'a=b', {
    'content-type': 'application/x-www-form-urlencoded',
  });
  t.equal(other.statusCode, 415);
  const large = await store.call('POST', '/v1/customers', { lastName: 'x'.repeat(1_100_000) });
  t.equal(large.statusCode, 413);
});

t.test('null for a nullable field stays null; null for a boolean is refused, never false', async (t) => {
  const created = await store.call('POST', '/v1/customers', {
    lastName: 'Null',
    phone: null,
    language: null,
  });
  t.match(created.data, { phone: null, language: null });
  const refused = await store.call('PATCH', `/v1/customers/${created.data.id}`, { wholesale: null });
  t.equal(refused.statusCode, 400);
});

t.test('every answer other than success is a problem document with a known code', async (t) => {
  for (const url of [
    '/nowhere',
    '/v1/customers/%zz',
    '/v1/customers/0199a3c4-7e1f-7a60-9d39-6f1f3f1f9a11',
    '/v1/customers?limit=0',
  ]) {
    const answer = await store.call('GET', url);
    t.match(answer.headers['content-type'], 'application/problem+json', url);
    t.match(
      answer.data,
      {
        type: /^\/errors\/[A-Z_]+$/,
        title: String,
        status: answer.statusCode,
        detail: String,
        instance: String,
      },
      url,
    );
  }
});
