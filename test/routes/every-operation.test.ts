// Generated from the OpenAPI document: what must hold for every operation, whoever adds the next one.
import t from 'tap';
import { testApp, testDatabase, testStore } from '../support/harness.ts';
import { documentOf, operationsOf, pathWith } from '../support/openapi-operations.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const operations = operationsOf(documentOf(app));
const staff = operations.filter((operation) => operation.zone === 'staff');
const store = await testStore(app, database);
const headers = () => ({ 'idempotency-key': crypto.randomUUID() });

t.test('the document has operations of every room', async (t) => {
  t.ok(operations.length > 60, `${operations.length} operations`);
});

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
