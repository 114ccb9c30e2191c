// Small orders for tests of the domain: one item of 10.00 unless told otherwise.
import type { CountableOrder } from '../../src/domain/order-counters.ts';
import type { IncomingOrder } from '../../src/domain/order-upserts.ts';
import type { OrderAmounts, OrderItem, OrderRefund } from '../../src/domain/orders.ts';

export const at = (text: string): Date => new Date(text);

export function item(changes: Partial<OrderItem> = {}): OrderItem {
  return {
    productId: 'p1',
    sku: 's1',
    title: 'Lantern',
    categories: [],
    tags: [],
    quantity: 1,
    unitPrice: 1000,
    discount: 0,
    tax: 0,
    isGiftCard: false,
    ...changes,
  };
}

export function refund(id: string, amount: number, items?: OrderRefund['items']): OrderRefund {
  return { id, amount, at: '2026-02-01T00:00:00.000Z', ...(items === undefined ? {} : { items }) };
}

export function amounts(changes: Partial<OrderAmounts> = {}): OrderAmounts {
  return {
    currency: 'EUR',
    items: [item()],
    shipping: 0,
    tax: 0,
    taxesIncluded: false,
    discount: 0,
    total: 1000,
    creditPaid: 0,
    pointsPaid: 0,
    refunds: [],
    ...changes,
  };
}

export function incoming(changes: Partial<IncomingOrder> = {}): IncomingOrder {
  const { refunds: _none, ...rest } = amounts();
  return {
    ...rest,
    status: 'confirmed',
    placedAt: at('2026-01-01T10:00:00Z'),
    platformUpdatedAt: at('2026-01-01T10:00:00Z'),
    paymentMethod: 'card',
    channel: 'web',
    couponCodes: [],
    email: 'ann@example.com',
    isTest: false,
    shippingAddress: { city: 'Berlin', countryCode: 'DE' },
    billingAddress: null,
    ...changes,
  };
}

export function countable(changes: Partial<CountableOrder> = {}): CountableOrder {
  return {
    id: 'o1',
    status: 'confirmed',
    isTest: false,
    currency: 'EUR',
    placedAt: at('2026-01-01T10:00:00Z'),
    total: 1000,
    refundedTotal: 0,
    ...changes,
  };
}
