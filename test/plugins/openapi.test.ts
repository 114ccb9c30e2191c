// The document is under test itself: what generators and readers rely on.
import ajvModule from 'ajv/dist/2020.js';
import addFormatsModule from 'ajv-formats';
import t from 'tap';
import { makeDocument } from '../../src/document.ts';
import { ERRORS } from '../../src/errors.ts';
import { downgrade } from '../../src/plugins/openapi-3.0.ts';
import { addExamples, exampleOf } from '../../src/plugins/openapi-examples.ts';
import { Cart as CartOfRoutes } from '../../src/schemas/orders.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests look into documents of every shape
type Any = any;

const document: Any = await makeDocument('3.1');
const older: Any = await makeDocument('3.0');
const operations: [string, Any][] = Object.entries(document.paths as Any).flatMap(([path, methods]) =>
  Object.entries(methods as Any).map(([method, operation]): [string, Any] => [
    `${method} ${path}`,
    operation,
  ]),
);

t.test('both documents describe the same operations', async (t) => {
  t.equal(document.openapi, '3.1.0');
  t.equal(older.openapi, '3.0.3');
  t.strictSame(Object.keys(older.paths), Object.keys(document.paths));
  t.strictSame(Object.keys(older.components.schemas), Object.keys(document.components.schemas));
});

t.test('operationIds are camelCase and unique', async (t) => {
  const ids = operations.map(([, { operationId }]) => operationId);
  t.strictSame(
    ids.filter((id) => !/^[a-z][a-zA-Z0-9]+$/.test(id)),
    [],
  );
  t.equal(new Set(ids).size, ids.length);
});

t.test('every object inside a schema has a title of its own, by which generators call it', async (t) => {
  const titles: string[] = Object.keys(document.components.schemas);
  const look = (schema: Any, name: string): void => {
    if (schema.properties && name !== '') {
      t.ok(schema.title, name);
      titles.push(schema.title);
    }
    for (const [key, property] of Object.entries(schema.properties ?? {})) look(property, `${name}.${key}`);
    for (const inner of [schema.items, schema.additionalProperties])
      if (typeof inner === 'object') look(inner, `${name}[]`);
  };
  for (const schema of Object.values(document.components.schemas)) look(schema, '');
  t.equal(new Set(titles).size, titles.length, 'no two are called alike');
  t.equal(document.components.schemas.Cart.properties.lines.items.title, 'CartLine');
});

t.test('answers are open to what a later version adds, requests are not', async (t) => {
  const { Customer, CustomerCreate, Cart, OrderUpsert } = document.components.schemas;
  t.notOk('additionalProperties' in Customer);
  t.notOk('additionalProperties' in Cart.properties.lines.items);
  t.equal(CustomerCreate.additionalProperties, false);
  t.equal(OrderUpsert.properties.customer.additionalProperties, false);
  t.match(JSON.stringify(CartOfRoutes), '"additionalProperties":false', 'the schemas of the routes stay');
});

t.test('every operation has tag, summary, description, security and its 4xx', async (t) => {
  const known = new Set(document.tags.map((tag: Any) => tag.name));
  for (const [name, operation] of operations) {
    t.ok(known.has(operation.tags[0]), `${name}: tag`);
    t.ok(operation.summary && operation.description.length > operation.summary.length, `${name}: words`);
    t.ok(Array.isArray(operation.security), `${name}: security`);
    t.ok(operation.responses['400'] && operation.responses['429'], `${name}: refusals`);
    if (operation.security.length > 0) t.ok(operation.responses['401'], `${name}: 401`);
    if (operation['x-scope']) t.match(operation.description, `Scope: \`${operation['x-scope']}\`.`);
  }
});

t.test('every problem answer names its codes, each with an example', async (t) => {
  for (const [name, { responses }] of operations) {
    for (const [status, answer] of Object.entries(responses as Any) as [string, Any][]) {
      const examples = answer.content?.['application/problem+json']?.examples ?? {};
      for (const code of Object.keys(examples)) {
        t.equal(String(ERRORS[code as keyof typeof ERRORS].status), status, `${name} ${status} ${code}`);
        t.match(answer.description, `\`${code}\``);
        t.equal(document.components.examples[code].value.code, code);
      }
    }
  }
});

t.test('header names are written as people write them, and only where they mean something', async (t) => {
  const create = document.paths['/v1/customers'].post;
  const names = (operation: Any): string[] =>
    operation.parameters.filter((one: Any) => one.in === 'header').map((one: Any) => one.name);
  t.strictSame(names(create), ['Idempotency-Key']);
  t.ok(create.responses['201'].headers.Location);
  t.strictSame(names(document.paths['/v1/customers/{customerId}'].get), ['If-None-Match']);
  t.strictSame(names(document.paths['/v1/customers/{customerId}'].patch), ['If-Match']);
  t.ok(document.paths['/v1/customers/{customerId}'].get.responses['200'].headers.ETag);
});

t.test('what stands beside a reference is kept in 3.1', async (t) => {
  const { totalSpent } = document.components.schemas.Customer.properties;
  t.equal(totalSpent.$ref, '#/components/schemas/Money');
  t.ok(totalSpent.description);
  t.strictSame(older.components.schemas.Customer.properties.totalSpent, {
    $ref: '#/components/schemas/Money',
  });
});

t.test('every example fits its schema', async (t) => {
  const ajv = new ajvModule.default({ strict: false, allErrors: true });
  addFormatsModule.default(ajv);
  ajv.addSchema({ $id: 'document', components: document.components });
  for (const [name, schema] of Object.entries(document.components.schemas as Any) as [string, Any][]) {
    for (const example of schema.examples ?? []) {
      const fits = ajv.getSchema(`document#/components/schemas/${name}`);
      t.ok(fits?.(example), `${name}: ${JSON.stringify(fits?.errors)}`);
    }
  }
});

t.test('an example is put together from those of the properties', async (t) => {
  const schemas = {
    Inner: { type: 'object', properties: { word: { type: 'string', examples: ['yes'] } } },
    Outer: {
      type: 'object',
      required: ['name'],
      properties: {
        name: { type: 'string' },
        nickname: { type: 'string' },
        inner: { $ref: '#/components/schemas/Inner' },
        self: { $ref: '#/components/schemas/Outer' },
        list: { type: 'array', items: { enum: ['a', 'b'] } },
        count: { type: ['integer', 'null'], minimum: 3 },
      },
    },
  };
  addExamples(schemas, ['Outer']);
  t.strictSame((schemas.Outer as Any).examples, [
    { name: 'text', inner: { word: 'yes' }, list: ['a'], count: 3 },
  ]);
  t.equal(exampleOf({ $ref: '#/components/schemas/Nowhere' }, schemas), undefined);
});

const inner = (schema: object): Any =>
  (downgrade({ info: { license: {} }, paths: {}, components: { schemas: { X: schema } } }) as Any).components
    .schemas.X;

t.test('3.0 says the same in its own words', async (t) => {
  t.strictSame(inner({ type: ['string', 'null'], enum: ['a', null] }), {
    type: 'string',
    nullable: true,
    enum: ['a', null],
  });
  t.strictSame(inner({ type: 'string', examples: ['a', 'b'] }), { type: 'string', example: 'a' });
  t.strictSame(inner({ const: 'a' }), { enum: ['a'] });
  t.strictSame(inner({ type: 'integer', exclusiveMinimum: 0 }), {
    type: 'integer',
    minimum: 0,
    exclusiveMinimum: true,
  });
  t.strictSame(inner({ $ref: '#/x', description: 'gone' }), { $ref: '#/x' });
  t.strictSame(inner({ type: 'object', properties: { examples: { type: ['integer', 'null'] } } }), {
    type: 'object',
    properties: { examples: { type: 'integer', nullable: true } },
  });
});

t.test('what 3.0 has no word for is an error, never left out in silence', async (t) => {
  t.throws(() => inner({ type: ['string', 'integer'] }), /has no type/);
  t.throws(() => inner({ patternProperties: {} }), /has no keyword patternProperties/);
});
