// HTTP: orders, as the store platform tells them and as others read them.
import type { FastifyInstance } from 'fastify';
import { readPresent, storeOf } from '../actions/customers.ts';
import { toOrder } from '../actions/order-answers.ts';
import { exportOrders } from '../actions/order-exports.ts';
import { ingestOrders, type OrderResult, putOrder, reorderOrder } from '../actions/orders.ts';
import { misfits } from '../batch-entries.ts';
import type { Db } from '../db/connection.ts';
import {
  findOrder,
  listAllOrdersOf,
  listOrders,
  type OrderFilter,
  type OrderKey,
  orderKeyOf,
} from '../db/orders.ts';
import { deliveryOf } from '../deliveries.ts';
import { insightsOf } from '../domain/insights.ts';
import { ORDER_SORTS, type OrderSort } from '../domain/orders.ts';
import type { PageStart } from '../domain/pages.ts';
import { endpoint, found } from '../endpoint.ts';
import { ERRORS, type ErrorCode, type FieldError } from '../errors.ts';
import { type PageInput, pageOf } from '../pages.ts';
import { CustomerParams } from '../schemas/customers.ts';
import { closed, defaulted, pageQuery, ref, stringEnum } from '../schemas/helpers.ts';
import {
  Cart,
  CustomerInsights,
  Order,
  OrderBatch,
  OrderBatchEntry,
  OrderBatchResult,
  OrderPage,
  OrderParams,
  OrdersFile,
  OrderUpsert,
  orderFilter,
  Reorder,
} from '../schemas/orders.ts';

const tag = 'Orders';
const BATCH_BODY_LIMIT = 5 * 1024 * 1024;

const sort = defaulted(
  stringEnum(ORDER_SORTS, { description: 'Column to sort by, with `-` descending; ties by id.' }),
  '-placedAt',
);

/** What can be wrong with one order. */
const ORDER_REFUSALS: readonly ErrorCode[] = [
  'CUSTOMER_NEEDS_IDENTITY',
  'CUSTOMER_INVALID',
  'CUSTOMER_GONE',
  'REFERENCE_UNKNOWN',
  'ORDER_STATUS_CONFLICT',
  'ORDER_TOTAL_MISMATCH',
  'ORDER_PAID_EXCEEDS_TOTAL',
  'AMOUNT_INVALID',
  'AMOUNT_TOO_LARGE',
  'CURRENCY_UNKNOWN',
  'REFUND_AT_INVALID',
  'REFUND_EXCEEDS_TOTAL',
  'REFUND_ID_TWICE',
  'REFUND_ITEMS_MISMATCH',
  'REFUND_STATUS_MISMATCH',
];

interface FilterQuery extends Omit<OrderFilter, 'placedFrom' | 'placedBefore' | 'customerId'> {
  placedFrom?: string;
  placedBefore?: string;
}

const instant = (text: string | undefined): Date | undefined =>
  text === undefined ? undefined : new Date(text);

const filterOf = (query: FilterQuery, customerId?: string): OrderFilter => ({
  customerId,
  status: query.status,
  refundStatus: query.refundStatus,
  placedFrom: instant(query.placedFrom),
  placedBefore: instant(query.placedBefore),
});

async function pageOfOrders(db: Db, input: PageInput, filter: OrderFilter, sort: OrderSort) {
  const { data, page } = await pageOf(
    input,
    (start: PageStart<OrderKey>) => listOrders(db, filter, sort, start),
    (order) => orderKeyOf(order, sort),
  );
  return { data: data.map(toOrder), page };
}

const entrySchema = ref(OrderBatchEntry);

/** A batch entry that does not fit the schema. */
function refusedEntry(entry: { externalId?: unknown }, mistakes: readonly FieldError[]): OrderResult {
  const { title, detail } = ERRORS.VALIDATION_FAILED;
  const errors = mistakes.map(({ pointer, message }) => ({ pointer, message }));
  return {
    externalId: String(entry?.externalId ?? ''),
    outcome: 'refused',
    problem: { code: 'VALIDATION_FAILED', title, detail, errors },
  };
}

export async function orders(app: FastifyInstance): Promise<void> {
  endpoint(app, {
    method: 'PUT',
    url: '/orders/:externalId',
    operationId: 'putOrder',
    tag,
    summary: 'Tell the whole order',
    description:
      'Idempotent: send the order as it is now, whenever it changes, as often as you like. The customer is found by id, externalId, then email, else a guest is made (O2). Counters, timeline and addresses change in the same transaction, exactly once (O4). A delivery whose `updatedAt` is older than the stored one changes nothing and is answered with the stored order (O3). 201 when the order is new.',
    scope: 'orders:write',
    params: OrderParams,
    body: ref(OrderUpsert),
    returns: { 200: ref(Order), 201: ref(Order) },
    refuses: ORDER_REFUSALS,
    handle: async (ctx, { params, body, reply }) => {
      const { order, created } = await putOrder(ctx, deliveryOf(params.externalId, body));
      if (created) reply.code(201);
      return toOrder(order);
    },
  });

  endpoint(app, {
    method: 'POST',
    url: '/orders/batch',
    operationId: 'ingestOrders',
    tag,
    summary: 'Tell up to 500 orders',
    description:
      'Each order as for a single one, in one transaction and a fraction of the time. One result per order, in the same sequence; a bad order is refused in its result and never fails the rest.',
    scope: 'orders:write',
    body: ref(OrderBatch),
    bodyLimit: BATCH_BODY_LIMIT,
    takesInvalid: true,
    returns: { 200: ref(OrderBatchResult) },
    handle: async (ctx, { body, request }) => {
      const wrong = misfits(request, 'orders', entrySchema);
      const fitting = body.orders.filter((_, index) => !wrong.has(index));
      const results = await ingestOrders(
        ctx,
        fitting.map(({ externalId, ...order }) => deliveryOf(externalId, order)),
      );
      const next = results.values();
      const resultOf = (entry: object, index: number) => {
        const mistakes = wrong.get(index);
        return mistakes ? refusedEntry(entry, mistakes) : next.next().value;
      };
      return { results: body.orders.map(resultOf) };
    },
  });

  endpoint(app, {
    method: 'GET',
    url: '/orders/:externalId',
    operationId: 'getOrder',
    tag,
    summary: 'Get an order',
    description:
      'By the id of your platform, or by the id of this service (as in `lastOrderId` of a customer).',
    scope: 'orders:read',
    params: OrderParams,
    returns: { 200: ref(Order), 304: null },
    handle: async (ctx, { params }) => toOrder(found(await findOrder(ctx.db, params.externalId), 'order')),
  });

  endpoint(app, {
    method: 'GET',
    url: '/orders',
    operationId: 'listOrders',
    tag,
    summary: 'List orders',
    description: 'All orders of the store, newest first.',
    scope: 'orders:read',
    query: closed({ ...orderFilter, ...pageQuery }),
    returns: { 200: ref(OrderPage) },
    refuses: ['CURSOR_INVALID'],
    handle: (ctx, input) => pageOfOrders(ctx.db, input, filterOf(input.query), '-placedAt'),
  });

  endpoint(app, {
    method: 'GET',
    url: '/customers/:customerId/orders',
    operationId: 'listCustomerOrders',
    tag,
    summary: 'List the orders of a customer',
    description: 'Sorted by date or value; cancelled and test orders are there too (O5).',
    scope: 'orders:read',
    params: CustomerParams,
    query: closed({ ...orderFilter, sort, ...pageQuery }),
    returns: { 200: ref(OrderPage) },
    refuses: ['CURSOR_INVALID', 'CUSTOMER_GONE'],
    handle: async (ctx, input) => {
      await readPresent(ctx.db, input.params.customerId);
      return pageOfOrders(ctx.db, input, filterOf(input.query, input.params.customerId), input.query.sort);
    },
  });

  endpoint(app, {
    method: 'GET',
    url: '/customers/:customerId/orders.csv',
    operationId: 'exportCustomerOrders',
    tag,
    summary: 'Export the orders of a customer',
    description:
      'The same list as a CSV file, streamed; text that a spreadsheet would run is guarded with an apostrophe.',
    scope: 'orders:read',
    params: CustomerParams,
    query: closed({ ...orderFilter, sort }),
    produces: ['text/csv'],
    returns: { 200: OrdersFile },
    refuses: ['CUSTOMER_GONE'],
    handle: async (ctx, { params: { customerId }, query, reply }) => {
      await readPresent(ctx.db, customerId);
      return reply
        .type('text/csv; charset=utf-8')
        .header('content-disposition', `attachment; filename="orders-${customerId}.csv"`)
        .send(exportOrders(ctx.db, filterOf(query, customerId), query.sort));
    },
  });

  endpoint(app, {
    method: 'POST',
    url: '/orders/:externalId/reorder',
    operationId: 'reorderOrder',
    tag,
    summary: 'Make a cart of an order',
    description:
      'The items once more, for the cart of a storefront: one line per product, without prices. With `knownProductIds` only what the storefront still sells; the rest is listed as skipped. Changes nothing (O5).',
    scope: 'orders:read',
    idempotency: 'none',
    params: OrderParams,
    body: ref(Reorder),
    returns: { 200: ref(Cart) },
    handle: (ctx, { params, body }) => reorderOrder(ctx, params.externalId, body.knownProductIds),
  });

  endpoint(app, {
    method: 'GET',
    url: '/customers/:customerId/insights',
    operationId: 'getCustomerInsights',
    tag,
    summary: 'Get the habits of a customer',
    description:
      'Most purchased products and categories, rhythm and expected next order, payment methods, peak hours and weekdays in the time zone of the store, from the orders that count, net of refunds (O6).',
    scope: 'orders:read',
    params: CustomerParams,
    returns: { 200: ref(CustomerInsights) },
    refuses: ['CUSTOMER_GONE'],
    handle: async (ctx, { params: { customerId } }) => {
      await readPresent(ctx.db, customerId);
      const { timezone, currency } = await storeOf(ctx);
      return insightsOf(await listAllOrdersOf(ctx.db, customerId), timezone, currency);
    },
  });
}
