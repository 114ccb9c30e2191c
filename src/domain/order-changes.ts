// O4, C9: what the timeline tells of a changed order.
import { changedFields } from './customers.ts';
import type { EventKind } from './events.ts';
import type { OrderStatus, RefundStatus } from './orders.ts';

/** What of a stored order is told; rows fit. */
export interface ToldOrder {
  customerId: string;
  status: OrderStatus;
  refundStatus: RefundStatus;
  currency: string;
  total: number;
  refundedTotal: number;
  placedAt: Date;
  platformUpdatedAt: Date;
  isTest: boolean;
}

export interface OrderHappening {
  kind: EventKind;
  customerId: string;
  at: Date;
  data: Record<string, unknown>;
}

/** Scalar facts that are told with their old and new value. */
const TOLD = [
  'customerId',
  'status',
  'refundStatus',
  'currency',
  'total',
  'refundedTotal',
  'placedAt',
  'isTest',
] as const;

/**
 * The events of one change. An order can arrive cancelled or refunded: then it was placed, and that happened too. An
 * order that goes to another customer is told to both.
 */
export function orderHappenings(before: ToldOrder | undefined, after: ToldOrder): OrderHappening[] {
  const { customerId, status, currency, total, platformUpdatedAt } = after;
  const changes = before && changedFields(before, after, TOLD);
  const facts = {
    status,
    total,
    currency,
    ...(after.isTest && { isTest: true }),
    ...(changes && { changes }),
  };
  const tell = (kind: EventKind, at: Date, more: object = {}) => ({
    kind,
    customerId,
    at,
    data: { ...facts, ...more },
  });
  const refunded = after.refundedTotal - (before?.refundedTotal ?? 0);
  const happened: OrderHappening[] = [];
  if (before === undefined) happened.push(tell('order.placed', after.placedAt));
  if (status === 'cancelled' && before?.status !== 'cancelled')
    happened.push(tell('order.cancelled', platformUpdatedAt));
  if (refunded > 0) happened.push(tell('order.refunded', platformUpdatedAt, { refunded }));
  if (happened.length === 0) happened.push(tell('order.updated', platformUpdatedAt));
  if (before !== undefined && before.customerId !== customerId) {
    happened.push({ ...tell('order.updated', platformUpdatedAt), customerId: before.customerId });
  }
  return happened;
}
