import Fastify, { type FastifyInstance, type InjectOptions } from 'fastify';
import t from 'tap';
import { type TSchema, Type } from 'typebox';
import {
  type CompileOptions,
  describeValidation,
  type InvalidPart,
  MAX_REPORTED,
  useValidation,
} from '../../src/plugins/validation.ts';
import {
  CalendarDate,
  closed,
  DateTime,
  defaulted,
  Money,
  nullable,
  ref,
  sharedSchemas,
  stringEnum,
  Uuid,
} from '../../src/schemas/helpers.ts';

interface RouteSchemas {
  body?: TSchema;
  querystring?: TSchema;
  params?: TSchema;
  headers?: TSchema;
}

/** An app with one route that answers what its handler got, or the mistakes. */
function createApp(
  schema: RouteSchemas,
  shared: readonly TSchema[] = [],
  options: CompileOptions = {},
): FastifyInstance {
  const app = Fastify();
  useValidation(app, options);
  for (const each of [...sharedSchemas, ...shared]) app.addSchema(each);
  app.setErrorHandler((error: Error & { validation?: []; validationContext?: string }, _request, reply) =>
    error.validation === undefined
      ? reply.status(500).send({ bug: error.message })
      : reply.status(400).send(describeValidation(error.validation, error.validationContext)),
  );
  app.route({
    method: schema.body === undefined ? 'GET' : 'POST',
    url: schema.params === undefined ? '/' : '/:id',
    schema,
    handler: async ({ body, query, params }) => ({ body, query, params }),
  });
  t.teardown(() => app.close());
  return app;
}

async function mistakes(app: FastifyInstance, request: InjectOptions): Promise<InvalidPart[]> {
  const answer = await app.inject(request);
  if (answer.statusCode !== 400) throw new Error(`${answer.statusCode} ${answer.body}`);
  return answer.json();
}

const bodyOf = (app: FastifyInstance) => (body: unknown) =>
  mistakes(app, {
    method: 'POST',
    url: '/',
    payload: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  });

const status = stringEnum(['active', 'paused', 'closed']);

const Customer = closed(
  {
    email: Type.String({ minLength: 1, maxLength: 5 }),
    firstName: Type.Optional(nullable(Type.String())),
    status: Type.Optional(nullable(status)),
    age: Type.Optional(Type.Integer({ minimum: 0, maximum: 150 })),
    vip: Type.Optional(Type.Boolean()),
    limit: Type.Optional(ref(Money)),
    tags: Type.Optional(
      Type.Array(Type.String({ pattern: '^[a-z]+$', examples: ['vip'] }), { maxItems: 3, uniqueItems: true }),
    ),
    'a/b~c': Type.Optional(Type.Literal('x')),
  },
  { $id: 'Customer' },
);

t.test('body: every kind of mistake is told with its place and in words that say what to do', async (t) => {
  const told = bodyOf(createApp({ body: ref(Customer) }, [Customer]));
  const email = { email: 'a@b' };
  const cases: [unknown, string, string][] = [
    [{}, '/email', 'is required'],
    [null, '', 'is required: send a JSON document with Content-Type: application/json'],
    [[], '', 'must be an object, not an array'],
    [{ email: 1 }, '/email', 'must be a string, not a number'],
    [{ email: '' }, '/email', 'must not be empty'],
    [{ email: '123456' }, '/email', 'must have at most 5 characters'],
    [{ ...email, firstName: 1 }, '/firstName', 'must be a string or null, not a number'],
    [{ ...email, fristName: 'A' }, '/fristName', 'is not a known property: did you mean "firstName"?'],
    [
      { ...email, status: 'activ' },
      '/status',
      'must be one of "active", "paused", "closed", null: did you mean "active"?',
    ],
    [{ ...email, status: 7 }, '/status', 'must be one of "active", "paused", "closed", null'],
    [{ ...email, age: '7' }, '/age', 'must be a whole number, not a string'],
    [{ ...email, age: 7.5 }, '/age', 'must be a whole number'],
    [{ ...email, age: null }, '/age', 'must be a whole number, not null'],
    [{ ...email, age: -1 }, '/age', 'must be at least 0'],
    [{ ...email, age: 151 }, '/age', 'must be at most 150'],
    [{ ...email, vip: 'true' }, '/vip', 'must be true or false, not a string'],
    [{ ...email, vip: null }, '/vip', 'must be true or false, not null'],
    [{ ...email, limit: null }, '/limit', 'must be an object, not null'],
    [
      { ...email, limit: { amount: 1, currency: 'eur' } },
      '/limit/currency',
      'must match the pattern ^[A-Z]{3}$ (for example "EUR")',
    ],
    [
      { ...email, limit: { amount: 1, currency: 'EUR', x: 1 } },
      '/limit/x',
      'is not a known property: known here are "amount", "currency"',
    ],
    [{ ...email, tags: 'vip' }, '/tags', 'must be an array, not a string'],
    [{ ...email, tags: ['a', 'B'] }, '/tags/1', 'must match the pattern ^[a-z]+$ (for example "vip")'],
    [{ ...email, tags: ['a', 'b', 'a'] }, '/tags', 'must not repeat an item: 0 and 2 are equal'],
    [{ ...email, tags: ['a', 'b', 'c', 'd'] }, '/tags', 'must have at most 3 items'],
    [{ ...email, 'a/b~c': 'y' }, '/a~1b~0c', 'must be "x"'],
    [
      { ...email, 'x/y': 1 },
      '/x~1y',
      'is not a known property: known here are "email", "firstName", "status", "age", "vip", "limit", "tags", "a/b~c"',
    ],
  ];
  for (const [body, pointer, message] of cases)
    t.same(await told(body), [{ in: 'body', pointer, message }], JSON.stringify(body));
});

t.test('body: all mistakes are told at once, one for each place', async (t) => {
  const told = bodyOf(createApp({ body: ref(Customer) }, [Customer]));
  const pointers = (await told({ status: 1, age: '1', tags: [1], nmae: 'x' })).map(({ pointer }) => pointer);
  t.same(pointers.toSorted(), ['/age', '/email', '/nmae', '/status', '/tags/0']);
});

t.test('body: nothing is coerced, filled in or dropped', async (t) => {
  const body = closed({
    a: Type.Optional(nullable(Type.String())),
    b: Type.Optional(Type.Integer({ default: 7 })),
  });
  const app = createApp({ body });
  for (const payload of [{}, { a: null }, { a: '' }]) {
    t.same((await app.inject({ method: 'POST', url: '/', payload })).json().body, payload);
  }
});

t.test('body: lengths count characters, not UTF-16 units', async (t) => {
  const app = createApp({ body: closed({ email: Type.String({ maxLength: 5 }) }) });
  const send = (email: string) => app.inject({ method: 'POST', url: '/', payload: { email } });
  t.equal((await send('😀😀😀😀😀')).statusCode, 200);
  t.equal((await send('😀😀😀😀😀😀')).statusCode, 400);
});

t.test('body: a missing body is told as such, a body in pieces of a merge patch passes', async (t) => {
  const app = createApp({ body: ref(Customer) }, [Customer]);
  t.match(await mistakes(app, { method: 'POST', url: '/' }), [
    { in: 'body', pointer: '', message: /^is required: send/ },
  ]);
});

t.test('formats: only what Date and Postgres both hold', async (t) => {
  const schema = {
    id: Uuid(),
    day: CalendarDate(),
    at: DateTime(),
    email: Type.String({ format: 'email' }),
    url: Type.String({ format: 'uri' }),
  };
  const app = createApp({ body: Type.Partial(closed(schema), { additionalProperties: false }) });
  const accepts = async (body: Record<string, string>) =>
    (await app.inject({ method: 'POST', url: '/', payload: body })).statusCode === 200;
  const good: [keyof typeof schema, string[]][] = [
    [
      'id',
      [
        '0190a5c2-7b1e-7abc-8def-0123456789ab',
        '0190A5C2-7B1E-7ABC-8DEF-0123456789AB',
        '00000000-0000-0000-0000-000000000000',
      ],
    ],
    ['day', ['2026-01-31', '2024-02-29', '0001-01-01', '9999-12-31']],
    [
      'at',
      [
        '2026-01-31T09:30:00Z',
        '2026-01-31T23:59:59.123456+14:00',
        '2026-01-31T00:00:00-00:00',
        '2024-02-29T00:00:00-15:59',
      ],
    ],
    ['email', ['a@b', 'ada+tag@exämple.com']],
    ['url', ['https://example.com/a?b=c#d', 'mailto:a@example.com', 'HTTP://localhost:3000']],
  ];
  const bad: [keyof typeof schema, string[]][] = [
    [
      'id',
      [
        '',
        '0190a5c27b1e7abc8def0123456789ab',
        'urn:uuid:0190a5c2-7b1e-7abc-8def-0123456789ab',
        '0190a5c2-7b1e-7abc-8def-0123456789ab\n',
      ],
    ],
    [
      'day',
      [
        '',
        '2026-02-29',
        '2026-13-01',
        '2026-00-10',
        '0000-01-01',
        '26-01-31',
        '2026-01-31T00:00:00Z',
        '2026-01-31\n',
      ],
    ],
    [
      'at',
      [
        '2026-01-31',
        '2026-01-31T09:30:00',
        '2026-01-31 09:30:00Z',
        '2026-01-31t09:30:00z',
        '2026-02-30T09:30:00Z',
        '2026-01-31T24:00:00Z',
        '2016-12-31T23:59:60Z',
        '2026-01-31T09:30Z',
        '2026-01-31T09:30:00+1:00',
        '2026-01-31T09:30:00+16:00',
        '0001-01-01T00:00:00+01:00',
        '9999-12-31T23:59:59-01:00',
        '2026-01-31T09:30:00Z\n',
      ],
    ],
    ['email', ['', 'ada', '@b', 'a@', 'a b@c', 'a@b@c']],
    [
      'url',
      [
        '',
        'example.com',
        '/path',
        'https://',
        'http://a b',
        'https://exa mple.com',
        ' https://example.com',
        'https://example.com/<x>',
      ],
    ],
  ];
  for (const [name, texts] of good)
    for (const text of texts) t.ok(await accepts({ [name]: text }), `${name} ${text}`);
  for (const [name, texts] of bad)
    for (const text of texts) t.notOk(await accepts({ [name]: text }), `${name} ${JSON.stringify(text)}`);
  t.match(await bodyOf(app)({ at: 'now', day: 'today' }), [
    { message: 'must be a calendar date such as 2026-01-31' },
    { message: 'must be a date and time with a zone (RFC 3339) such as 2026-01-31T09:30:00Z' },
  ]);
});

const Query = closed({
  limit: defaulted(Type.Integer({ minimum: 1, maximum: 100 }), 20),
  ratio: Type.Optional(Type.Number()),
  archived: Type.Optional(Type.Boolean()),
  maybe: Type.Optional(nullable(Type.Integer())),
  tag: Type.Optional(Type.Array(Type.String(), { maxItems: 3 })),
  year: Type.Optional(Type.Array(Type.Integer())),
  status: Type.Optional(ref(stringEnum(['active', 'paused'], { $id: 'Status' }))),
  text: Type.Optional(Type.String()),
});
const shared = [stringEnum(['active', 'paused'], { $id: 'Status' })];

t.test('query: text becomes numbers, booleans and lists, defaults are filled in', async (t) => {
  const app = createApp({ querystring: Query }, shared);
  const cases: [string, object][] = [
    ['', { limit: 20 }],
    ['limit=5&ratio=-0.5&archived=false', { limit: 5, ratio: -0.5, archived: false }],
    ['archived=true&tag=a', { limit: 20, archived: true, tag: ['a'] }],
    ['tag=a&tag=b&year=2025&year=2026', { limit: 20, tag: ['a', 'b'], year: [2025, 2026] }],
    ['year=2025&status=active&text=5', { limit: 20, year: [2025], status: 'active', text: '5' }],
    ['text=', { limit: 20, text: '' }],
  ];
  for (const [search, query] of cases) t.same((await app.inject(`/?${search}`)).json().query, query, search);
});

t.test('query: nothing else becomes a number or a boolean, unknown parameters are refused', async (t) => {
  const app = createApp({ querystring: Query }, shared);
  const cases: [string, string, string][] = [
    ['limit=', '/limit', 'must be a whole number'],
    ['limit=abc', '/limit', 'must be a whole number'],
    ['limit=%205', '/limit', 'must be a whole number'],
    ['limit=0x10', '/limit', 'must be a whole number'],
    ['limit=1e1', '/limit', 'must be a whole number'],
    ['limit=+5', '/limit', 'must be a whole number'],
    ['limit=007', '/limit', 'must be a whole number'],
    ['limit=1.5', '/limit', 'must be a whole number'],
    ['limit=null', '/limit', 'must be a whole number'],
    ['limit=99999999999999999999', '/limit', 'must be a whole number'],
    ['limit=101', '/limit', 'must be at most 100'],
    ['limit=1&limit=2', '/limit', 'must be given once'],
    ['maybe=', '/maybe', 'must be a whole number or null'],
    ['archived=', '/archived', 'must be true or false'],
    ['archived=1', '/archived', 'must be true or false'],
    ['archived=TRUE', '/archived', 'must be true or false'],
    ['year=2025&year=x', '/year/1', 'must be a whole number'],
    ['tag=a&tag=b&tag=c&tag=d', '/tag', 'must have at most 3 items'],
    ['status=actve', '/status', 'must be one of "active", "paused": did you mean "active"?'],
    ['limt=5', '/limt', 'is not a known parameter: did you mean "limit"?'],
    [
      '__proto__=5',
      '/__proto__',
      'is not a known parameter: known here are "limit", "ratio", "archived", "maybe", "tag", "year", "status", "text"',
    ],
    ['text=a%00b', '/text', 'holds a NUL character: remove it'],
    ['tag=a&tag=%00', '/tag', 'holds a NUL character: remove it'],
  ];
  for (const [search, pointer, message] of cases) {
    t.same(await mistakes(app, { url: `/?${search}` }), [{ in: 'query', pointer, message }], search);
  }
  const none = createApp({ querystring: closed({}) });
  t.match(await mistakes(none, { url: '/?a=1' }), [
    { message: 'is not a known parameter: none is allowed here' },
  ]);
});

t.test('path and headers: the path is coerced, headers are not, names of headers ignore case', async (t) => {
  const params = closed({ id: Type.Integer() });
  const headers = Type.Object({
    'Idempotency-Key': Type.Optional(Type.String({ minLength: 8 })),
    'x-count': Type.Optional(Type.Integer()),
  });
  const app = createApp({ params, headers });
  t.same((await app.inject('/12')).json().params, { id: 12 });
  t.same(await mistakes(app, { url: '/x' }), [
    { in: 'path', pointer: '/id', message: 'must be a whole number' },
  ]);
  t.same(await mistakes(app, { url: '/1%00' }), [
    { in: 'path', pointer: '/id', message: 'holds a NUL character: remove it' },
  ]);
  t.same(await mistakes(app, { url: '/1', headers: { 'idempotency-key': 'short' } }), [
    { in: 'headers', pointer: '/idempotency-key', message: 'must have at least 8 characters' },
  ]);
  t.match(await mistakes(app, { url: '/1', headers: { 'x-count': '5' } }), [
    { in: 'headers', pointer: '/x-count' },
  ]);
});

t.test('unions: only the mistakes of the branch that was meant are told', async (t) => {
  const mail = closed({ kind: Type.Literal('mail'), template: Type.String() }, { $id: 'MailStep' });
  const wait = closed(
    { kind: Type.Literal('wait'), days: Type.Integer({ minimum: 1 }) },
    { $id: 'WaitStep' },
  );
  const tagged = Type.Unsafe({
    type: 'object',
    oneOf: [ref(mail), ref(wait)],
    discriminator: { propertyName: 'kind' },
  });
  const untagged = Type.Union([Type.String({ maxLength: 3 }), closed({ from: Type.Integer() })]);
  const told = bodyOf(
    createApp(
      {
        body: closed({
          step: Type.Optional(tagged),
          plain: Type.Optional(Type.Union([ref(mail), ref(wait)])),
          range: Type.Optional(untagged),
        }),
      },
      [mail, wait],
    ),
  );
  for (const name of ['step', 'plain']) {
    const cases: [unknown, string, string][] = [
      [{ kind: 'wait', days: 0 }, '/days', 'must be at least 1'],
      [
        { kind: 'wait', template: 'x', days: 1 },
        '/template',
        'is not a known property: known here are "kind", "days"',
      ],
      [{ kind: 'wiat', days: 1 }, '/kind', 'must be one of "mail", "wait": did you mean "wait"?'],
      [{}, '/kind', 'is required'],
    ];
    for (const [step, pointer, message] of cases) {
      t.same(
        await told({ [name]: step }),
        [{ in: 'body', pointer: `/${name}${pointer}`, message }],
        JSON.stringify(step),
      );
    }
  }
  t.same(await told({ range: { from: 'x' } }), [
    { in: 'body', pointer: '/range/from', message: 'must be a whole number, not a string' },
  ]);
  t.same(await told({ range: 'abcd' }), [
    { in: 'body', pointer: '/range', message: 'must have at most 3 characters' },
  ]);
  t.same(await told({ range: 5 }), [
    { in: 'body', pointer: '/range', message: 'has none of the forms that are allowed here' },
  ]);
});

t.test('a hostile body is answered quickly with at most twenty mistakes', async (t) => {
  // A reference inside keeps Ajv from inlining the item: every item's list of mistakes is then joined to the whole.
  const item = closed(
    { a: Type.Integer(), b: Type.Integer(), c: Type.Optional(ref(Money)) },
    { $id: 'Item' },
  );
  const body = closed({
    first: Type.String(),
    items: Type.Array(ref(item), { maxItems: 10, uniqueItems: true }),
    words: Type.Array(Type.Array(Type.String(), { uniqueItems: true }), { maxItems: 10, uniqueItems: true }),
  });
  const app = createApp({ body }, [item]);
  const told = bodyOf(app);
  await told({});
  const many = Array.from({ length: 40_000 }, (_, index) => index);
  const attacks = [
    Object.fromEntries(many.map((index) => [`k${index}`, 0])),
    { items: many },
    { items: many.map((index) => ({ a: index, b: 'x' })) },
    { words: many.map((index) => [`${index}`]) },
    { first: '', items: [], words: many.map((index) => [`${index}`]) },
    { items: [Object.fromEntries(many.map((index) => [`k${index}`, 0]))] },
  ];
  for (const attack of attacks) {
    const started = performance.now();
    const count = (await told(attack)).length;
    const took = performance.now() - started;
    t.ok(count >= 1 && count <= MAX_REPORTED, `${count} mistakes`);
    t.ok(took < 500, `${took.toFixed(0)} ms`);
  }
});

t.test('what is sent is never repeated in the mistakes', async (t) => {
  const told = bodyOf(createApp({ body: ref(Customer) }, [Customer]));
  const text = JSON.stringify(
    await told({
      email: 'secret-secret',
      status: 'secret',
      tags: ['SECRET'],
      age: 'secret',
      limit: 'secret',
    }),
  );
  t.notMatch(text.toLowerCase(), 'secret');
});

t.test('a slip in a schema stops a start that compiles early', async (t) => {
  for (const schema of [
    Type.String({ maxLenght: 5 }),
    Type.String({ format: 'uiid' }),
    Type.Unsafe({ $ref: 'Nobody#' }),
  ]) {
    const app = createApp({ body: closed({ a: schema }) }, [], { compileEarly: true });
    await t.rejects(async () => app.ready(), { code: 'FST_ERR_SCH_VALIDATION_BUILD' });
  }
});

t.test('schemas of encapsulated plugins are known to their routes', async (t) => {
  const app = Fastify();
  useValidation(app);
  for (const schema of sharedSchemas) app.addSchema(schema);
  await app.register(async (room) => {
    const inner = closed({ a: ref(Money) }, { $id: 'Inner' });
    room.addSchema(inner);
    room.post('/inner', { schema: { body: ref(inner) } }, async () => 'ok');
  });
  app.post('/outer', { schema: { body: ref(Money) } }, async () => 'ok');
  t.teardown(() => app.close());
  t.equal(
    (await app.inject({ method: 'POST', url: '/inner', payload: { a: { amount: 1, currency: 'EUR' } } }))
      .statusCode,
    200,
  );
  t.equal((await app.inject({ method: 'POST', url: '/inner', payload: { a: 1 } })).statusCode, 400);
  t.equal(
    (await app.inject({ method: 'POST', url: '/outer', payload: { amount: 1, currency: 'EUR' } })).statusCode,
    200,
  );
});
