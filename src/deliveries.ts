// Orders from the words of the contract to what the actions take: for requests, and for the lines of an order file.
import type { Static } from 'typebox';
import type { OrderReader } from './actions/import-orders.ts';
import type { OrderDelivery } from './actions/orders.ts';
import { createChecker } from './plugins/validation.ts';
import { OrderBatchEntry, type OrderUpsert, orderSchemas } from './schemas/orders.ts';

/** What is left out of an order is empty; refunds left out stay as they are stored (O1). */
export function deliveryOf(externalId: string, body: OrderUpsert): OrderDelivery {
  return {
    externalId,
    customer: body.customer ?? {},
    order: {
      status: body.status,
      currency: body.currency,
      placedAt: new Date(body.placedAt),
      platformUpdatedAt: new Date(body.updatedAt),
      items: body.items.map(
        ({
          productId = null,
          sku = null,
          categories = [],
          tags = [],
          discount = 0,
          tax = 0,
          isGiftCard = false,
          ...item
        }) => ({ ...item, productId, sku, categories, tags, discount, tax, isGiftCard }),
      ),
      shipping: body.shipping ?? 0,
      tax: body.tax ?? 0,
      taxesIncluded: body.taxesIncluded ?? false,
      discount: body.discount ?? 0,
      total: body.total,
      creditPaid: body.creditPaid ?? 0,
      pointsPaid: body.pointsPaid ?? 0,
      refunds: body.refunds,
      paymentMethod: body.paymentMethod ?? null,
      channel: body.channel ?? null,
      couponCodes: body.couponCodes ?? [],
      email: body.email ?? null,
      isTest: body.isTest ?? false,
      shippingAddress: body.shippingAddress ?? null,
      billingAddress: body.billingAddress ?? null,
    },
  };
}

/** Reads a line of an NDJSON file: an order in the form of the batch endpoint, or what is wrong with it. */
export function orderReader(): OrderReader {
  const schemas = Object.fromEntries(
    orderSchemas.map((schema) => [String((schema as { $id?: string }).$id), schema]),
  );
  const check = createChecker(schemas, {})(OrderBatchEntry);
  return (value) => {
    const errors = check(value);
    if (errors.length > 0) {
      return {
        problems: errors.map(({ instancePath, message = 'is not valid' }) => ({
          pointer: instancePath,
          message,
        })),
      };
    }
    const { externalId, ...order } = value as Static<typeof OrderBatchEntry>;
    return { delivery: deliveryOf(externalId, order) };
  };
}
