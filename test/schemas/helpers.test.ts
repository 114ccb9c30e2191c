import swagger from '@fastify/swagger';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify from 'fastify';
import t from 'tap';
import { type Static, Type } from 'typebox';
import { useStrictJson } from '../../src/plugins/json-body.ts';
import { useSerialization } from '../../src/plugins/serialization.ts';
import { useValidation } from '../../src/plugins/validation.ts';
import {
  CalendarDate,
  closed,
  DateTime,
  defaulted,
  keepReferenceDescriptions,
  Money,
  nullable,
  page,
  ref,
  sharedSchemas,
  stringEnum,
  Timestamp,
  Uuid,
} from '../../src/schemas/helpers.ts';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function typesAgree<_Agree extends true>(): void {}

const status = stringEnum(['active', 'archived'], { description: 'Where the customer stands.' });

const Customer = closed(
  {
    id: Uuid({ description: 'Made by us.' }),
    status,
    nickname: nullable(Type.String({ maxLength: 40 }), { description: 'What friends say.' }),
    tier: nullable(stringEnum(['gold', 'silver']), { description: 'Loyalty tier.' }),
    spent: ref(Money, { description: 'All paid orders.' }),
    points: nullable(Type.Integer(), { description: 'Loyalty points.' }),
    birthday: nullable(CalendarDate(), { description: 'Day of birth.' }),
    createdAt: Timestamp({ description: 'When the customer came.' }),
    archivedAt: nullable(Timestamp(), { description: 'When the customer left.' }),
    lastOrder: Type.Optional(ref(Money, { description: 'Left out when there is none.' })),
  },
  { $id: 'Customer', description: 'A customer.' },
);

const CreateCustomer = closed(
  {
    status: Type.Optional(status),
    nickname: Type.Optional(nullable(Type.String())),
    spent: ref(Money),
    createdAt: DateTime(),
  },
  { $id: 'CreateCustomer' },
);

const CustomerPage = page(Customer, 'CustomerPage', { description: 'Customers.' });

const row: Static<typeof Customer> = {
  id: '0190a5c2-7b1e-7abc-8def-0123456789ab',
  status: 'active',
  nickname: null,
  tier: null,
  spent: { amount: 2 ** 40, currency: 'EUR' },
  points: null,
  birthday: '1985-12-10',
  createdAt: new Date(Date.UTC(2026, 0, 31, 9, 30)),
  archivedAt: null,
};

const Problem = closed({ title: Type.String() }, { $id: 'Problem' });

t.test('the static types are the ones a reader expects', async (t) => {
  typesAgree<Equal<Static<typeof status>, 'active' | 'archived'>>();
  typesAgree<Equal<Static<typeof Customer>['nickname'], string | null>>();
  typesAgree<Equal<Static<typeof Customer>['tier'], 'gold' | 'silver' | null>>();
  typesAgree<Equal<Static<typeof Customer>['spent'], { amount: number; currency: string }>>();
  typesAgree<Equal<Static<typeof Customer>['archivedAt'], Date | null>>();
  typesAgree<
    Equal<
      Static<typeof CreateCustomer>,
      {
        status?: 'active' | 'archived';
        nickname?: string | null;
        spent: { amount: number; currency: string };
        createdAt: string;
      }
    >
  >();
  typesAgree<Equal<Static<typeof CustomerPage>['data'], Static<typeof Customer>[]>>();
  typesAgree<Equal<Static<typeof CustomerPage>['page'], { nextCursor: string | null; hasMore: boolean }>>();
  typesAgree<Equal<Static<typeof CustomerPage>['total'], number | undefined>>();
  t.pass('compiled');
});

t.test('enums, nullables and references are plain JSON Schema', async (t) => {
  const json = (schema: unknown) => JSON.parse(JSON.stringify(schema));
  t.same(json(stringEnum(['a', 'b'])), { type: 'string', enum: ['a', 'b'] });
  t.same(json(nullable(stringEnum(['a']))), { type: ['string', 'null'], enum: ['a', null] });
  t.same(json(nullable(Type.Integer({ minimum: 1 }), { description: 'd' })), {
    type: ['integer', 'null'],
    minimum: 1,
    description: 'd',
  });
  t.same(json(ref(Money)), { $ref: 'Money#' });
  t.same(json(closed({})), { type: 'object', properties: {}, additionalProperties: false });
  t.throws(() => nullable(Money), /takes a plain schema/, 'a named schema');
  t.throws(() => nullable(ref(Money)), /takes a plain schema/, 'a reference');
  t.throws(() => nullable(nullable(Type.String())), /takes a plain schema/, 'twice');
  t.throws(() => nullable(Type.Union([Type.String(), Type.Null()])), /takes a plain schema/, 'a union');
  t.throws(() => nullable(Type.Optional(Type.String())), /takes a plain schema/, 'the wrong way round');
  t.throws(() => ref(Type.String()), /give it an \$id/);
});

async function createApp(openapi: string) {
  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>();
  useStrictJson(app);
  useValidation(app);
  useSerialization(app, { checkAnswers: true });
  await app.register(swagger, {
    openapi: { openapi, info: { title: 'Test', version: '1' } },
    transformObject: (document) => {
      if (!('openapiObject' in document)) throw new Error('expected OpenAPI 3');
      if (openapi === '3.1.0') {
        keepReferenceDescriptions(app.getSchemas(), document.openapiObject.components?.schemas);
      }
      return document.openapiObject;
    },
    refResolver: {
      buildLocalReference: (json, _baseUri, _fragment, i) =>
        typeof json.$id === 'string' ? json.$id : `def-${i}`,
    },
  });
  for (const schema of [...sharedSchemas, Problem, Customer, CreateCustomer, CustomerPage])
    app.addSchema(schema);
  await app.register(async (room) => {
    const typed = room.withTypeProvider<TypeBoxTypeProvider>();
    typed.get(
      '/customers',
      {
        schema: {
          querystring: closed({ limit: defaulted(Type.Integer(), 20) }),
          response: { 200: ref(CustomerPage) },
        },
      },
      async (request) => {
        typesAgree<Equal<typeof request.query, { limit: number }>>();
        return { data: [row], page: { nextCursor: null, hasMore: false }, total: request.query.limit };
      },
    );
    typed.post(
      '/customers',
      { schema: { body: ref(CreateCustomer), response: { 201: ref(Customer), 400: ref(Problem) } } },
      async (request, reply) => {
        typesAgree<Equal<typeof request.body.status, 'active' | 'archived' | undefined>>();
        const { status = 'active', nickname = null, spent, createdAt } = request.body;
        const secret = { password: 'never shown' };
        return reply
          .code(201)
          .send({ ...row, ...secret, status, nickname, spent, createdAt: new Date(createdAt) });
      },
    );
  });
  t.teardown(() => app.close());
  await app.ready();
  return app;
}

t.test('the OpenAPI document has named components, described properties and no def-0', async (t) => {
  const document = (await createApp('3.1.0')).swagger();
  const text = JSON.stringify(document);
  t.notMatch(text, 'def-');
  t.notMatch(text, 'anyOf');
  t.notMatch(text, '"nullable"');
  const { components, paths } = JSON.parse(text);
  const names = ['Money', 'PageInfo', 'Problem', 'Customer', 'CreateCustomer', 'CustomerPage'];
  t.same(Object.keys(components.schemas), names);
  t.match(components.schemas.Customer.properties, {
    status: { type: 'string', enum: ['active', 'archived'] },
    nickname: { type: ['string', 'null'], maxLength: 40 },
    tier: { type: ['string', 'null'], enum: ['gold', 'silver', null] },
    spent: { $ref: '#/components/schemas/Money', description: 'All paid orders.' },
    createdAt: { type: 'string', format: 'date-time' },
  });
  t.equal(components.schemas.Customer.additionalProperties, false);
  for (const [name, property] of Object.entries<{ description?: string }>(
    components.schemas.Customer.properties,
  )) {
    t.ok(property.description, name);
  }
  t.same(components.schemas.CustomerPage.properties.data.items, { $ref: '#/components/schemas/Customer' });
  t.match(paths['/customers'].get.parameters[0], { name: 'limit', required: false, schema: { default: 20 } });
  t.same(paths['/customers'].post.requestBody.content['application/json'].schema, {
    $ref: '#/components/schemas/CreateCustomer',
  });
});

t.test('the same schemas give an OpenAPI 3.0.3 document with nullable', async (t) => {
  const { components } = JSON.parse(JSON.stringify((await createApp('3.0.3')).swagger()));
  t.same(components.schemas.Customer.properties.tier, {
    type: 'string',
    nullable: true,
    enum: ['gold', 'silver', null],
    description: 'Loyalty tier.',
  });
  t.same(components.schemas.Customer.properties.spent, { $ref: '#/components/schemas/Money' });
});

t.test(
  'answers are written by the schema: dates, nulls, numbers beyond 2^31, and nothing that is not in it',
  async (t) => {
    const app = await createApp('3.1.0');
    const written = { ...row, createdAt: '2026-01-31T09:30:00.000Z' };
    t.same((await app.inject('/customers')).json(), {
      data: [written],
      page: { nextCursor: null, hasMore: false },
      total: 20,
    });
    const payload = {
      spent: { amount: 1, currency: 'EUR' },
      createdAt: '2026-01-31T10:30:00+01:00',
      nickname: null,
    };
    const answer = await app.inject({ method: 'POST', url: '/customers', payload });
    t.equal(answer.statusCode, 201);
    t.same(answer.json(), { ...written, spent: payload.spent }, 'the password is not there');
  },
);

t.test(
  'a 4xx answer that its schema does not fit becomes a 500: the error handler must send what 4xx schemas ask',
  async (t) => {
    const app = await createApp('3.1.0');
    const answer = await app.inject({ method: 'POST', url: '/customers', payload: {} });
    t.match(
      { status: answer.statusCode, body: answer.json() },
      { status: 500, body: { code: 'FST_ERR_FAILED_ERROR_SERIALIZATION' } },
    );
  },
);
