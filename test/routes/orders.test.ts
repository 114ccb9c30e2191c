// Orders over HTTP, on real Postgres.
import t from 'tap';
import { factsOf, wrongKeys } from '../support/derived-keys.ts';
import { type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const store = (options: Parameters<typeof testStore>[2] = {}) => testStore(app, database, options);

/** One lantern for 25.00 in EUR, by Ada. */
const order = (changes: object = {}) => ({
  status: 'confirmed',
  currency: 'EUR',
  placedAt: '2026-01-01T10:00:00.000Z',
  updatedAt: '2026-01-01T10:00:00.000Z',
  email: 'Ada@Example.com',
  items: [{ productId: 'p1', sku: 's1', title: 'Lantern', quantity: 1, unitPrice: 2500 }],
  total: 2500,
  ...changes,
});

const refund = (id: string, amount: number, items?: object[]) => ({
  id,
  amount,
  at: '2026-01-09T00:00:00.000Z',
  ...(items && { items }),
});

async function put({ call }: TestStore, externalId: string, body: object, status = [200, 201]) {
  const answer = await call('PUT', `/v1/orders/${externalId}`, body);
  if (!status.includes(answer.statusCode)) throw new Error(`${answer.statusCode} ${answer.body}`);
  return answer.data;
}

const customerOf = async ({ call }: TestStore, id: string) => (await call('GET', `/v1/customers/${id}`)).data;
const kindsOf = async ({ storeId }: TestStore, customerId: string): Promise<string[]> =>
  (
    await database.owner.query(
      'select kind from events where store_id = $1 and customer_id = $2 order by id',
      [storeId, customerId],
    )
  ).rows.map((row) => row.kind);

t.test('O1 an order is answered whole, can be read by either id, and what GET shows PUT takes', async (t) => {
  const shop = await store();
  const full = order({
    customer: { externalId: 'shop-1', firstName: 'Ada', lastName: 'Lovelace', phone: '+49 30 901820' },
    items: [
      {
        productId: 'p1',
        sku: 's1',
        title: 'Lantern',
        categories: ['light'],
        tags: ['Handmade'],
        quantity: 2,
        unitPrice: 2500,
        discount: 500,
        tax: 700,
      },
      { title: 'Gift wrap', quantity: 1, unitPrice: 0 },
    ],
    shipping: 490,
    tax: 718,
    discount: 100,
    total: 5608,
    paymentMethod: 'card',
    channel: 'web',
    couponCodes: ['SUMMER', 'a,"b'],
    shippingAddress: { line1: 'Unter den Linden 1', city: 'Berlin', countryCode: 'DE' },
    refunds: [refund('r1', 100)],
  });
  const created = await shop.call('PUT', '/v1/orders/gid%3A%2F%2Fshop%2F1', full);
  t.equal(created.statusCode, 201);
  t.equal(created.headers.etag, '"1"');
  t.match(created.data, {
    externalId: 'gid://shop/1',
    status: 'confirmed',
    refundStatus: 'partially_refunded',
    refundedTotal: 100,
    total: 5608,
  });
  const read = await shop.call('GET', '/v1/orders/gid%3A%2F%2Fshop%2F1');
  t.same(read.data, created.data);
  t.same((await shop.call('GET', `/v1/orders/${created.data.id}`)).data, created.data);
  const {
    id,
    externalId,
    refundStatus,
    refundedTotal,
    deliveredAt,
    snapshot,
    version,
    receivedAt,
    changedAt,
    ...writable
  } = read.data;
  const again = await shop.call('PUT', '/v1/orders/gid%3A%2F%2Fshop%2F1', writable);
  t.equal(again.statusCode, 200);
  t.same(again.data, created.data, 'the same order once more changes nothing');
  t.equal((await (await store()).call('GET', `/v1/orders/${id}`)).statusCode, 404, "another store's order");
});

t.test('O1 totals that do not add up are refused with the field, and leave nothing behind', async (t) => {
  const shop = await store();
  const { statusCode, data } = await shop.call('PUT', '/v1/orders/1', order({ total: 2501 }));
  t.equal(statusCode, 422);
  t.match(data, {
    code: 'ORDER_TOTAL_MISMATCH',
    errors: [{ pointer: '/total', expected: ['2500'], given: 2501 }],
  });
  t.equal((await shop.call('PUT', '/v1/orders/1', order({ currency: 'XXX' }))).data.code, 'CURRENCY_UNKNOWN');
  t.equal(
    (await shop.call('PUT', '/v1/orders/1', order({ refunds: [refund('r', 2501)] }))).data.code,
    'REFUND_EXCEEDS_TOTAL',
  );
  t.equal(
    (await shop.call('PUT', '/v1/orders/1', order({ email: 'not an address' }))).data.errors[0].pointer,
    '/email',
  );
  const { rows } = await database.owner.query(
    'select count(*)::integer as n from customers where store_id = $1',
    [shop.storeId],
  );
  t.equal(rows[0].n, 0);
});

t.test(
  'O2 C3 the first order of a known email attaches, whatever its spelling; another makes a guest',
  async (t) => {
    const shop = await store();
    const known = (
      await shop.call('POST', '/v1/customers', { email: 'ada@example.com', lastName: 'Lovelace' })
    ).data;
    t.equal((await put(shop, '1', order())).customer.id, known.id);
    const guest = await customerOf(
      shop,
      (
        await put(
          shop,
          '2',
          order({
            email: 'Bob@Example.com',
            customer: { externalId: 'shop-2', phone: '+49 30 901820' },
            shippingAddress: {
              firstName: 'Bob',
              lastName: 'Boole',
              line1: 'High St 1',
              city: 'Cork',
              countryCode: 'IE',
            },
          }),
        )
      ).customer.id,
    );
    t.match(guest, {
      source: 'first_order',
      accountStatus: 'guest',
      email: 'Bob@Example.com',
      externalId: 'shop-2',
      firstName: 'Bob',
      lastName: 'Boole',
      phone: '+4930901820',
      ordersCount: 1,
      version: 1,
    });
    t.match(guest.defaultAddress, { city: 'Cork', isDefault: true }, 'A5 with the address of the order');
    t.same((await kindsOf(shop, guest.id)).sort(), ['address.added', 'customer.created', 'order.placed']);
  },
);

t.test('O2 the reference goes by id, then externalId, then email', async (t) => {
  const shop = await store();
  const make = async (body: object) => (await shop.call('POST', '/v1/customers', body)).data.id;
  const byId = await make({ email: 'id@example.com' });
  const byExternalId = await make({ email: 'ext@example.com', externalId: 'x' });
  const byEmail = await make({ email: 'mail@example.com' });
  const email = 'mail@example.com';
  t.equal(
    (await put(shop, '1', order({ email, customer: { id: byId.toUpperCase(), externalId: 'x' } }))).customer
      .id,
    byId,
  );
  t.equal((await put(shop, '2', order({ email, customer: { externalId: 'x' } }))).customer.id, byExternalId);
  t.equal((await put(shop, '3', order({ email, customer: { externalId: 'unknown' } }))).customer.id, byEmail);
  const unknown = await shop.call(
    'PUT',
    '/v1/orders/4',
    order({ customer: { id: '01890000-0000-7000-8000-000000000000' } }),
  );
  t.match(unknown.data, { status: 422, code: 'REFERENCE_UNKNOWN', reference: '/customer/id' });
  const foreign = (await (await store()).call('POST', '/v1/customers', { lastName: 'X' })).data.id;
  t.equal(
    (await shop.call('PUT', '/v1/orders/4', order({ customer: { id: foreign } }))).data.code,
    'REFERENCE_UNKNOWN',
  );
});

t.test('O2 an order that names nobody is refused; a phone or a name is enough', async (t) => {
  const shop = await store();
  const nobody = await shop.call('PUT', '/v1/orders/1', order({ email: null }));
  t.match(nobody.data, { status: 422, code: 'CUSTOMER_NEEDS_IDENTITY' });
  const first = await put(shop, '2', order({ email: null, customer: { lastName: 'Nomail' } }));
  const again = await put(
    shop,
    '2',
    order({
      email: null,
      customer: { lastName: 'Nomail' },
      status: 'shipped',
      updatedAt: '2026-01-02T00:00:00Z',
    }),
  );
  t.equal(again.customer.id, first.customer.id, 'the next delivery stays with the guest');
});

t.test('C10 a reference to a merged customer goes to the survivor', async (t) => {
  const shop = await store();
  const make = async (body: object) => (await shop.call('POST', '/v1/customers', body)).data.id;
  const [one, two, three] = [
    await make({ email: 'a@example.com' }),
    await make({ email: 'b@example.com' }),
    await make({ email: 'c@example.com' }),
  ];
  for (const [from, into] of [
    [one, two],
    [two, three],
  ]) {
    await database.owner.query(
      "update customers set account_status = 'merged', merged_into_id = $1 where id = $2",
      [into, from],
    );
  }
  t.equal((await put(shop, '1', order({ customer: { id: one } }))).customer.id, three);
});

t.test(
  'an erased customer is no reference, and a stored order of one goes on without personal data',
  async (t) => {
    const shop = await store();
    const { customer } = await put(shop, '1', order());
    await database.owner.query(
      "update customers set account_status = 'erased', email = null, email_norm = null where id = $1",
      [customer.id],
    );
    await database.owner.query('update orders set email = null where customer_id = $1', [customer.id]);
    const shipped = await put(
      shop,
      '1',
      order({ status: 'shipped', updatedAt: '2026-01-02T00:00:00Z', shippingAddress: { city: 'Rome' } }),
    );
    t.equal(shipped.customer.id, customer.id);
    t.equal(shipped.email, null);
    t.equal(shipped.shippingAddress, undefined);
    t.equal(
      (await shop.call('PUT', '/v1/orders/2', order({ customer: { id: customer.id } }))).data.code,
      'CUSTOMER_GONE',
    );
  },
);

t.test('an order keeps its customer when the customer takes another email', async (t) => {
  const shop = await store();
  const { customer } = await put(shop, '1', order());
  await shop.call('PATCH', `/v1/customers/${customer.id}`, { email: 'ada@new.example' });
  const next = await put(shop, '1', order({ status: 'shipped', updatedAt: '2026-01-02T00:00:00Z' }));
  t.equal(next.customer.id, customer.id);
});

t.test('O3 older deliveries are ignored, newer ones follow the chain, the ends are final', async (t) => {
  const shop = await store();
  const at = (day: string, status: string) => order({ status, updatedAt: `2026-01-${day}T00:00:00Z` });
  await put(shop, '1', at('05', 'shipped'));
  const stale = await put(shop, '1', at('04', 'cancelled'));
  t.match(stale, { status: 'shipped', version: 1 });
  t.match((await shop.call('PUT', '/v1/orders/1', at('06', 'confirmed'))).data, {
    status: 409,
    code: 'ORDER_STATUS_CONFLICT',
    from: 'shipped',
    to: 'confirmed',
    allowed: ['delivered', 'completed', 'cancelled'],
  });
  t.match(await put(shop, '1', at('06', 'completed')), { status: 'completed', version: 2 });
  t.equal((await shop.call('PUT', '/v1/orders/1', at('07', 'cancelled'))).statusCode, 409);
  await put(shop, '1', at('08', 'completed'));
  t.match(
    await put(shop, '1', order({ status: 'completed', updatedAt: '2026-01-07T12:00:00Z', channel: 'late' })),
    { channel: null, version: 3 },
    'the time of an unchanged delivery counts too',
  );
});

t.test('O4 C7 counters follow every change exactly once, however often it is sent', async (t) => {
  const shop = await store();
  const send = (changes: object) => put(shop, '1', order(changes));
  const { customer } = await send({});
  const counters = async () => {
    const { ordersCount, totalSpent, refundedTotal, averageOrderValue, lastOrderId } = await customerOf(
      shop,
      customer.id,
    );
    return [
      ordersCount,
      totalSpent.amount,
      refundedTotal.amount,
      averageOrderValue?.amount,
      lastOrderId !== null,
    ];
  };
  await Promise.all([send({}), send({}), send({})]);
  t.same(await counters(), [1, 2500, 0, 2500, true]);
  const partly = { updatedAt: '2026-01-02T00:00:00Z', refunds: [refund('r1', 500)] };
  await send(partly);
  await send(partly);
  t.same(await counters(), [1, 2000, 500, 2000, true]);
  await send({
    updatedAt: '2026-01-03T00:00:00Z',
    status: 'refunded',
    refunds: [refund('r1', 500), refund('r2', 2000)],
  });
  t.same(await counters(), [1, 0, 2500, 0, true]);
  const cancelled = await put(shop, '2', order({ status: 'cancelled' }));
  await put(shop, '3', order({ isTest: true }));
  await put(shop, '4', order({ status: 'pending' }));
  await put(shop, '5', order({ currency: 'USD' }));
  t.equal(cancelled.customer.id, customer.id);
  t.same(
    await counters(),
    [2, 0, 2500, 0, true],
    'cancelled, test and pending count nothing, a foreign currency no money',
  );
  t.same(await kindsOf(shop, customer.id), [
    'customer.created',
    'order.placed',
    'order.refunded',
    'order.refunded',
    'order.placed',
    'order.cancelled',
    'order.placed',
    'order.placed',
    'order.placed',
  ]);
});

t.test(
  'C7 money beyond 2^31 and up to 2^53 is counted; beyond, the order is refused and nothing changes',
  async (t) => {
    const shop = await store();
    const huge = (amount: number) =>
      order({ items: [{ title: 'Ship', quantity: 1, unitPrice: amount }], total: amount });
    const { customer } = await put(shop, '1', huge(5_000_000_000));
    await put(shop, '2', huge(2 ** 53 - 1 - 5_000_000_000));
    t.equal((await customerOf(shop, customer.id)).totalSpent.amount, 2 ** 53 - 1);
    t.equal((await shop.call('PUT', '/v1/orders/3', huge(1))).data.code, 'AMOUNT_TOO_LARGE');
    t.equal((await shop.call('GET', '/v1/orders/3')).statusCode, 404);
  },
);

t.test(
  'C7 first and last order follow when an edge is cancelled, moved or goes to somebody else',
  async (t) => {
    const shop = await store();
    const on = (day: string, changes: object = {}) =>
      order({ placedAt: `2026-01-${day}T00:00:00Z`, ...changes });
    const first = await put(shop, '1', on('01'));
    await put(shop, '2', on('02'));
    await put(shop, '3', on('03'));
    const dates = async (id: string) => {
      const { ordersCount, firstOrderAt, lastOrderAt } = await customerOf(shop, id);
      return [ordersCount, firstOrderAt?.slice(8, 10), lastOrderAt?.slice(8, 10)];
    };
    const ada = first.customer.id;
    t.same(await dates(ada), [3, '01', '03']);
    await put(shop, '3', on('03', { status: 'cancelled', updatedAt: '2026-01-04T00:00:00Z' }));
    t.same(await dates(ada), [2, '01', '02']);
    const bob = (
      await put(shop, '1', on('01', { email: 'bob@example.com', updatedAt: '2026-01-05T00:00:00Z' }))
    ).customer.id;
    t.not(bob, ada);
    t.same(await dates(ada), [1, '02', '02']);
    t.same(await dates(bob), [1, '01', '01']);
    t.match(await kindsOf(shop, ada), [
      'customer.created',
      'order.placed',
      'order.placed',
      'order.placed',
      'order.cancelled',
      'order.updated',
    ]);
    await put(shop, '2', on('02', { status: 'cancelled', updatedAt: '2026-01-06T00:00:00Z' }));
    t.match(await customerOf(shop, ada), {
      ordersCount: 0,
      firstOrderAt: null,
      lastOrderAt: null,
      lastOrderId: null,
    });
  },
);

t.test('a delivery that only names another customer moves the order, and counters of both', async (t) => {
  const shop = await store();
  const { customer, version } = await put(shop, '1', order());
  const other = (await shop.call('POST', '/v1/customers', { lastName: 'Other' })).data.id;
  const moved = await put(shop, '1', order({ customer: { id: other } }));
  t.match(moved, { customer: { id: other }, version: version + 1 });
  t.equal((await customerOf(shop, customer.id)).ordersCount, 0);
  t.match(await customerOf(shop, other), { ordersCount: 1, totalSpent: { amount: 2500 } });
});

t.test(
  'A5 addresses of checkouts are kept once and overwrite none; the order has its own copy',
  async (t) => {
    const shop = await store();
    const shippingAddress = { line1: 'Unter den Linden 1', city: 'Berlin', countryCode: 'DE' };
    const { customer } = await put(shop, '1', order({ shippingAddress }));
    const second = await put(
      shop,
      '2',
      order({ shippingAddress: { ...shippingAddress, line1: 'UNTER DEN LINDEN  1' } }),
    );
    const { data } = (await shop.call('GET', `/v1/customers/${customer.id}/addresses`)).data;
    t.equal(data.length, 1);
    t.equal(data[0].line1, 'Unter den Linden 1');
    t.equal(second.shippingAddress.line1, 'UNTER DEN LINDEN  1');
  },
);

t.test('C6 a customer with any order, cancelled or test, cannot be deleted', async (t) => {
  const shop = await store();
  const { customer } = await put(shop, '1', order({ isTest: true }));
  const refused = await shop.call('DELETE', `/v1/customers/${customer.id}`);
  t.equal(refused.statusCode, 409);
  t.equal(refused.data.code, 'CUSTOMER_HAS_ORDERS');
});

t.test('O7 groups and price basis of the first delivery stay on the order', async (t) => {
  const shop = await store();
  const groupIds = (
    await database.owner.query('select id from groups where store_id = $1 order by id', [shop.storeId])
  ).rows.map((row) => row.id);
  const customer = (
    await shop.call('POST', '/v1/customers', {
      email: 'ada@example.com',
      accountStatus: 'active',
      wholesale: true,
      groupIds,
      primaryGroupId: groupIds[0],
    })
  ).data;
  const snapshot = { groupIds, primaryGroupId: groupIds[0], tier: null, priceBasis: 'wholesale' };
  t.same((await put(shop, '1', order())).snapshot, snapshot);
  await shop.call('PATCH', `/v1/customers/${customer.id}`, { wholesale: false, primaryGroupId: null });
  t.same(
    (await put(shop, '1', order({ status: 'shipped', updatedAt: '2026-01-02T00:00:00Z' }))).snapshot,
    snapshot,
  );
  t.equal((await put(shop, '2', order())).snapshot.priceBasis, 'retail');
});

t.test('O1 a batch has a result per order; bad ones of every kind never fail the rest', async (t) => {
  const shop = await store();
  await put(shop, 'old', order({ updatedAt: '2026-02-01T00:00:00Z' }));
  const { statusCode, data } = await shop.call('POST', '/v1/orders/batch', {
    orders: [
      { externalId: 'new', ...order() },
      { externalId: 'old', ...order() },
      { externalId: 'sum', ...order({ total: 1 }) },
      {
        externalId: 'schema',
        ...order({ items: [{ title: 'x', quantity: 0, unitPrice: 1 }], colour: 'red' }),
      },
      { externalId: 'nobody', ...order({ email: null }) },
      { externalId: 'new', ...order() },
      { externalId: 'new', ...order({ status: 'shipped', updatedAt: '2026-01-02T00:00:00Z' }) },
      { externalId: 'new', ...order({ status: 'pending', updatedAt: '2026-01-03T00:00:00Z' }) },
    ],
  });
  t.equal(statusCode, 200);
  t.same(
    data.results.map((result: { outcome: string }) => result.outcome),
    ['created', 'ignored', 'refused', 'refused', 'refused', 'unchanged', 'updated', 'refused'],
  );
  t.match(data.results[2].problem, { code: 'ORDER_TOTAL_MISMATCH', errors: [{ pointer: '/total' }] });
  t.match(data.results[3].problem, { code: 'VALIDATION_FAILED' });
  t.same(data.results[3].problem.errors.map((error: { pointer: string }) => error.pointer).sort(), [
    '/colour',
    '/items/0/quantity',
  ]);
  t.match(data.results[7].problem, { code: 'ORDER_STATUS_CONFLICT', errors: [{ pointer: '/status' }] });
  t.equal((await customerOf(shop, data.results[0].customerId)).ordersCount, 2);
  t.equal((await shop.call('POST', '/v1/orders/batch', { orders: [] })).statusCode, 400);
  t.equal((await shop.call('POST', '/v1/orders/batch', { orders: [order()], more: 1 })).statusCode, 400);
});

t.test('a batch with an Idempotency-Key answers a repeat with the first results', async (t) => {
  const shop = await store();
  const headers = { 'idempotency-key': 'b1' };
  const body = { orders: [{ externalId: '1', ...order() }] };
  const first = await shop.call('POST', '/v1/orders/batch', body, headers);
  const again = await shop.call('POST', '/v1/orders/batch', body, headers);
  t.equal(again.headers['idempotency-replayed'], 'true');
  t.same(again.data, first.data);
  t.equal(again.data.results[0].outcome, 'created');
});

t.test('O5 the orders of a customer: sorts, filters, pages that never skip or repeat, CSV', async (t) => {
  const shop = await store();
  const amounts = [300, 100, 300, 200, 500];
  const results = await shop.call('POST', '/v1/orders/batch', {
    orders: amounts.map((amount, index) => ({
      externalId: `=${index}`,
      ...order({
        placedAt: `2026-01-0${(index % 3) + 1}T00:00:00Z`,
        status: index === 4 ? 'cancelled' : 'confirmed',
        items: [{ title: 'x', quantity: 1, unitPrice: amount }],
        total: amount,
      }),
    })),
  });
  const { customerId } = results.data.results[0];
  const list = async (query: string) => {
    const seen: { total: number; placedAt: string; externalId: string }[] = [];
    let url: string | undefined = `/v1/customers/${customerId}/orders?limit=2&${query}`;
    while (url) {
      const answer = await shop.call('GET', url);
      seen.push(...answer.data.data);
      const { nextCursor } = answer.data.page;
      url = nextCursor
        ? `/v1/customers/${customerId}/orders?limit=2&${query}&cursor=${nextCursor}`
        : undefined;
    }
    return seen;
  };
  t.same(
    (await list('sort=total')).map((o) => o.total),
    [100, 200, 300, 300, 500],
  );
  t.same(
    (await list('sort=-total')).map((o) => o.total),
    [500, 300, 300, 200, 100],
  );
  t.same(
    (await list('sort=placedAt')).map((o) => o.placedAt.slice(8, 10)),
    ['01', '01', '02', '02', '03'],
  );
  t.same(
    (await list('')).map((o) => o.placedAt.slice(8, 10)),
    ['03', '02', '02', '01', '01'],
  );
  t.equal((await list('status=cancelled')).length, 1);
  t.equal((await list('placedFrom=2026-01-02T00:00:00Z&placedBefore=2026-01-03T00:00:00Z')).length, 2);
  t.equal((await list('refundStatus=refunded')).length, 0);
  const file = await shop.call('GET', `/v1/customers/${customerId}/orders.csv?sort=total`);
  t.match(file.headers['content-type'], /^text\/csv/);
  const lines = file.body.trim().split('\r\n');
  t.equal(lines.length, 6);
  t.match(lines[1], /^'=1,2026-01-02T00:00:00.000Z,confirmed,none,EUR,1\.00,/);
  t.equal((await shop.call('GET', '/v1/orders?limit=3')).data.data.length, 3);
  t.equal((await shop.call('GET', `/v1/customers/${(await store()).storeId}/orders`)).statusCode, 404);
  t.equal((await shop.call('GET', `/v1/customers/${customerId}/orders?colour=red`)).statusCode, 400);
});

t.test('O5 an order once more is a cart of what is still sold', async (t) => {
  const shop = await store();
  const items = [
    { productId: 'p1', sku: 's1', title: 'Lantern', quantity: 1, unitPrice: 0 },
    { productId: 'p1', sku: 's1', title: 'Lantern', quantity: 2, unitPrice: 0 },
    { productId: 'p2', title: 'Gone', quantity: 1, unitPrice: 0 },
    { title: 'Wrap', quantity: 1, unitPrice: 0 },
  ];
  const { id } = await put(shop, '1', order({ items, total: 0 }));
  const { data } = await shop.call('POST', `/v1/orders/${id}/reorder`, { knownProductIds: ['p1'] });
  t.match(data.lines, [{ productId: 'p1', quantity: 3 }]);
  t.same(
    data.skipped.map((item: { reason: string }) => item.reason),
    ['PRODUCT_UNKNOWN', 'NO_PRODUCT_ID'],
  );
  t.equal((await shop.call('POST', '/v1/orders/1/reorder', {})).data.lines.length, 2);
  t.equal((await shop.call('POST', '/v1/orders/none/reorder', {})).statusCode, 404);
});

t.test('O6 insights tell habits in the time zone of the store', async (t) => {
  const shop = await store({ timezone: 'Europe/Berlin' });
  const send = (id: string, placedAt: string, changes: object = {}) =>
    put(shop, id, order({ placedAt, paymentMethod: 'card', ...changes }));
  const { customer } = await send('1', '2026-01-01T23:30:00Z');
  await send('2', '2026-01-11T23:30:00Z', { paymentMethod: 'invoice' });
  await send('3', '2026-01-21T23:30:00Z');
  await send('4', '2026-01-22T23:30:00Z', { status: 'cancelled' });
  const { data } = await shop.call('GET', `/v1/customers/${customer.id}/insights`);
  t.match(data, {
    orders: 3,
    currency: 'EUR',
    totalSpent: 7500,
    averageOrderValue: 2500,
    averageDaysBetweenOrders: 10,
    expectedNextOrderAt: '2026-01-31T23:30:00.000Z',
    peakHour: 0,
    paymentMethods: [
      { method: 'card', orders: 2, share: 0.6667 },
      { method: 'invoice', orders: 1 },
    ],
    products: { byQuantity: [{ productId: 'p1', quantity: 3, amount: 7500 }] },
  });
});

t.test('C7 the self-check is a job, reports drift per customer and field, and changes nothing', async (t) => {
  const shop = await store();
  t.equal((await shop.call('POST', '/v1/ops/self-check')).data.code, 'IDEMPOTENCY_KEY_REQUIRED');
  const started = await shop.call('POST', '/v1/ops/self-check', undefined, { 'idempotency-key': 'c1' });
  t.equal(started.statusCode, 202);
  t.equal(started.headers.location, `/v1/jobs/${started.data.id}`);
  t.match(started.data, { kind: 'self-check', status: 'queued' });
});

const lamp = (words: { categories?: string[]; tags?: string[] }) => ({
  productId: 'p1',
  title: 'Lantern',
  quantity: 1,
  unitPrice: 2500,
  ...words,
});

t.test('O1 tags of products are kept as sent; a change of them alone is a new version', async (t) => {
  const shop = await store();
  const categories = ['Light', 'LIGHT', 'Garden'];
  const sent = order({
    items: [lamp({ categories, tags: ['Hand made', 'hand  made', 'İ'] })],
  });
  const { version, items } = await put(shop, '1', sent);
  t.equal(version, 1);
  t.same(items[0].tags, ['Hand made', 'hand  made', 'İ']);
  t.same(
    Object.keys(items[0]).filter((name) => /keys/i.test(name)),
    [],
    'keys are not shown',
  );
  const keysNow = async () => (await factsOf(database.owner, shop.storeId)).items.map(({ keys }) => keys);
  t.same(await keysNow(), [{ categoryKeys: ['light', 'garden'], tagKeys: ['hand made', 'i̇'] }]);
  t.equal((await put(shop, '1', sent)).version, 1, 'the same tags once more');
  const changed = await put(
    shop,
    '1',
    order({ items: [lamp({ categories, tags: ['Sale'] })], updatedAt: '2026-01-02T10:00:00.000Z' }),
  );
  t.equal(changed.version, 2);
  t.same(await keysNow(), [{ categoryKeys: ['light', 'garden'], tagKeys: ['sale'] }]);
  t.equal((await shop.call('PUT', '/v1/orders/2', order({ items: [lamp({ tags: [''] })] }))).statusCode, 400);
  const many = Array.from({ length: 101 }, (_, n) => `tag ${n}`);
  t.equal((await shop.call('PUT', '/v1/orders/2', order({ items: [lamp({ tags: many })] }))).statusCode, 400);
});

t.test('O1 a batch writes what segments compare of guests, places and items', async (t) => {
  const shop = await store();
  const orders = ['+49 30 901820', '+43 1 58858', '+800 1234 5678', undefined].map((phone, index) => ({
    externalId: `${index}`,
    ...order({
      email: `guest-${index}@example.com`,
      customer: { ...(phone && { phone }) },
      shippingAddress: { line1: 'Piotrkowska 1', city: 'Łódź', postcode: '90 406', countryCode: 'PL' },
      items: [lamp({ categories: ['Ｌｉｇｈｔ', 'light'], tags: ['"a,b"', '{c}', 'NULL'] })],
    }),
  }));
  const answer = await shop.call('POST', '/v1/orders/batch', { orders }, { 'idempotency-key': 'batch-1' });
  t.equal(answer.statusCode, 200, answer.body);
  const facts = await factsOf(database.owner, shop.storeId);
  t.same(new Set(facts.phones.map(({ keys }) => keys.phoneCountry)), new Set(['DE', 'AT', null]));
  t.same(facts.places[0]?.keys, { cityKey: 'lodz', regionKey: null, postcodeKey: '90406' });
  t.same(facts.items[0]?.keys, { categoryKeys: ['light'], tagKeys: ['"a,b"', '{c}', 'null'] });
  t.same([facts.phones.length, facts.places.length, facts.items.length], [4, 4, 4]);
  t.same(await wrongKeys(database.owner, shop.storeId), []);
});
