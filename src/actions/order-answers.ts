// Orders in the words of the contract: for staff and integrations, and for those whose orders they are.
import type { StoredOrder } from '../db/orders.ts';

/** The order as staff and integrations see it. */
export function toOrder(order: StoredOrder) {
  const { customerId, platformUpdatedAt, createdAt, shippingAddress, billingAddress, ...facts } = order;
  return {
    ...facts,
    customer: { id: customerId },
    updatedAt: platformUpdatedAt,
    receivedAt: createdAt,
    changedAt: order.updatedAt,
    ...(shippingAddress && { shippingAddress }),
    ...(billingAddress && { billingAddress }),
  };
}

/** The order as its customer sees it: without whose it is, and without the groups and prices that applied (O7). */
export function toMyOrder(order: StoredOrder) {
  const { customer: _, snapshot: __, ...shown } = toOrder(order);
  return shown;
}
