import Fastify, { type FastifyInstance } from 'fastify';
import t from 'tap';
import { Type } from 'typebox';
import { useSerialization } from '../../src/plugins/serialization.ts';
import { useValidation } from '../../src/plugins/validation.ts';
import {
  closed,
  Money,
  nullable,
  page,
  ref,
  sharedSchemas,
  stringEnum,
  Timestamp,
} from '../../src/schemas/helpers.ts';

const Order = closed(
  {
    text: Type.String(),
    whole: Type.Integer(),
    flag: Type.Boolean(),
    status: stringEnum(['paid', 'open']),
    at: Timestamp(),
    closedAt: nullable(Timestamp()),
    total: Type.Optional(ref(Money)),
  },
  { $id: 'Order' },
);
const OrderPage = page(Order, 'OrderPage');
const Problem = closed({ title: Type.String() }, { $id: 'Problem' });

const order = { text: 'a', whole: 2 ** 40, flag: true, status: 'paid', at: new Date(0), closedAt: null };
const written = { ...order, at: '1970-01-01T00:00:00.000Z' };

function createApp(answer: unknown, options: { checkAnswers?: boolean } = {}): FastifyInstance {
  const app = Fastify();
  useValidation(app);
  useSerialization(app, options);
  for (const schema of [...sharedSchemas, Order, OrderPage, Problem]) app.addSchema(schema);
  app.setErrorHandler((error: Error, _request, reply) => reply.status(500).send({ title: error.message }));
  const problems = { '4xx': ref(Problem), 500: ref(Problem) };
  app.get('/named', { schema: { response: { 200: ref(Order), ...problems } } }, async () => answer);
  app.get('/named-again', { schema: { response: { 200: ref(Order), ...problems } } }, async () => answer);
  app.get(
    '/inline',
    { schema: { response: { 200: closed({ order: ref(Order) }), ...problems } } },
    async () => ({ order: answer }),
  );
  app.get('/page', { schema: { response: { 200: ref(OrderPage), ...problems } } }, async () => ({
    data: [answer],
    page: { nextCursor: null, hasMore: false },
  }));
  t.teardown(() => app.close());
  return app;
}

t.test(
  'named, inline and nested schemas write dates, nulls and large numbers, and leave the rest out',
  async (t) => {
    for (const checkAnswers of [false, true]) {
      const app = createApp(
        { ...order, secret: 'x', total: { amount: 1, currency: 'EUR', secret: 'x' } },
        { checkAnswers },
      );
      const expected = { ...written, total: { amount: 1, currency: 'EUR' } };
      t.same((await app.inject('/named')).json(), expected);
      t.same((await app.inject('/named-again')).json(), expected);
      t.same((await app.inject('/inline')).json(), { order: expected });
      t.same((await app.inject('/page')).json(), {
        data: [expected],
        page: { nextCursor: null, hasMore: false },
      });
    }
  },
);

t.test(
  'checkAnswers turns an answer that its schema does not fit into a 500 that names the place',
  async (t) => {
    const cases: [object, RegExp][] = [
      [{ text: null }, /\/text must be string/],
      [{ whole: null }, /\/whole must be integer/],
      [{ flag: null }, /\/flag must be boolean/],
      [{ at: null }, /\/at must be string/],
      [{ at: 'yesterday' }, /\/at must match format/],
      [{ status: 'lost' }, /\/status must be equal to one of/],
      [{ total: { amount: 1.5, currency: 'EUR' } }, /\/total\/amount must be integer/],
    ];
    for (const [wrong, message] of cases) {
      const app = createApp({ ...order, ...wrong }, { checkAnswers: true });
      for (const url of ['/named', '/inline', '/page']) {
        const answer = await app.inject(url);
        t.match(
          { status: answer.statusCode, title: answer.json().title },
          { status: 500, title: message },
          url,
        );
      }
    }
  },
);

t.test('without it such an answer goes out as another value: why the tests need it', async (t) => {
  const wrong = { text: null, whole: null, flag: null, at: null, status: 'lost' };
  t.match((await createApp({ ...order, ...wrong }).inject('/named')).json(), {
    text: '',
    whole: 0,
    flag: false,
    at: '',
    status: 'lost',
  });
});

t.test('a start with many schemas and routes takes no time that grows with their product', async (t) => {
  const app = Fastify();
  useValidation(app);
  useSerialization(app);
  for (const schema of [...sharedSchemas, Order, Problem]) app.addSchema(schema);
  for (let index = 0; index < 250; index++) {
    const pages = page(Order, `Page${index}`);
    app.addSchema(pages);
    const response = {
      200: ref(pages),
      400: ref(Problem),
      401: ref(Problem),
      404: ref(Problem),
      429: ref(Problem),
    };
    app.get(`/${index}`, { schema: { querystring: closed({}), response } }, async () => ({}));
  }
  t.teardown(() => app.close());
  const started = performance.now();
  await app.ready();
  const took = performance.now() - started;
  t.ok(took < 2000, `${took.toFixed(0)} ms`);
});
