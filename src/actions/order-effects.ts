// What follows from changed orders, in their own transaction (O4).
import type { Ctx } from '../context.ts';
import type { Tx } from '../db/connection.ts';
import { listOrderDates, updateCounters } from '../db/order-counters.ts';
import type { StoredOrder } from '../db/orders.ts';
import { sameValue } from '../domain/fields.ts';
import { orderHappenings } from '../domain/order-changes.ts';
import { countersOf, type OrderCounters } from '../domain/order-counters.ts';
import { type CheckoutAddress, saveCheckoutAddresses } from './addresses.ts';
import { changeOrderPoints } from './loyalty-orders.ts';
import type { Account, OrderChange, OrderPlan } from './order-plans.ts';
import { returnRedemptions } from './redemption-returns.ts';
import { noteReferrals } from './referral-decisions.ts';
import { type Happening, tell } from './timeline.ts';

/** What a batch did: its plan, once the orders are written. */
export interface AppliedOrders extends Pick<OrderPlan, 'changes' | 'accounts' | 'orders' | 'outcomes'> {
  /** Counters that the guests of the batch were added with, by customer. */
  guests: ReadonlyMap<string, OrderCounters>;
}

type OrderEffect = (ctx: Ctx, tx: Tx, applied: AppliedOrders) => Promise<void>;

const EFFECTS: readonly OrderEffect[] = [
  keepAddresses,
  writeCounters,
  returnRedemptions,
  tellChanges,
  noteReferrals,
  changePoints,
];

/** Runs every effect of these changes, one after the other; each takes the whole batch in a few statements. */
export async function afterOrders(ctx: Ctx, tx: Tx, applied: AppliedOrders): Promise<void> {
  if (applied.changes.length === 0) return;
  for (const effect of EFFECTS) await effect(ctx, tx, applied);
}

/** A5: addresses that came with a change, shipping first: the first address of a customer becomes the default. */
function usedAddresses({ before, after }: OrderChange): CheckoutAddress[] {
  const { customerId, placedAt: usedAt } = after;
  const moved = before?.customerId !== customerId;
  return (['shippingAddress', 'billingAddress'] as const).flatMap((field) => {
    const address = after[field];
    const isKnown = !moved && sameValue(before?.[field], address);
    return address === null || isKnown ? [] : [{ customerId, address, usedAt }];
  });
}

async function keepAddresses(ctx: Ctx, tx: Tx, { changes }: AppliedOrders): Promise<void> {
  await saveCheckoutAddresses(ctx, tx, changes.flatMap(usedAddresses));
}

/** C7. The customer shows counters and default address, so both give it its next version. */
async function writeCounters(ctx: Ctx, tx: Tx, { changes, accounts, guests }: AppliedOrders): Promise<void> {
  const withDates = await readDates(tx, accounts);
  const addressed = new Set(changes.flatMap(usedAddresses).map(({ customerId }) => customerId));
  const rows = [...accounts.values()].flatMap((account) => {
    const { id, version } = account.purchaser;
    const counters = { ...account.counters, ...withDates.get(id) };
    const written = guests.get(id);
    const isWritten = sameValue(counters, written ?? countersOf(account.purchaser));
    const isNew = written !== undefined;
    if (isWritten && (isNew || !addressed.has(id))) return [];
    return [{ id, ...counters, version: isNew ? version : version + 1, updatedAt: ctx.now }];
  });
  await updateCounters(tx, rows);
}

type Dates = Pick<OrderCounters, 'firstOrderAt' | 'lastOrderAt' | 'lastOrderId'>;

async function readDates(tx: Tx, accounts: ReadonlyMap<string, Account>): Promise<Map<string, Dates>> {
  const customerIds = [...accounts.values()]
    .filter((account) => account.datesFromOrders)
    .map(({ purchaser }) => purchaser.id);
  if (customerIds.length === 0) return new Map();
  const rows = await listOrderDates(tx, customerIds);
  return new Map(rows.map(({ customerId, ...dates }) => [customerId, dates]));
}

/** C9: a new guest, then what became of each order. */
async function tellChanges(ctx: Ctx, tx: Tx, { changes, guests }: AppliedOrders): Promise<void> {
  const made = [...guests.keys()].map(
    (customerId): Happening => ({ kind: 'customer.created', customerId, data: { source: 'first_order' } }),
  );
  await tell(ctx, tx, ...made, ...changes.flatMap(({ before, after }) => happeningsOf(before, after)));
}

function happeningsOf(before: StoredOrder | undefined, after: StoredOrder): Happening[] {
  const { id, externalId } = after;
  return orderHappenings(before, after).map((happening) => ({
    ...happening,
    subjectId: id,
    data: { externalId, ...happening.data },
  }));
}

/** P1–P3, P6, P7: after the counters, so that segments see the orders. */
async function changePoints(ctx: Ctx, tx: Tx, { changes, accounts }: AppliedOrders): Promise<void> {
  const customers = [...accounts.values()].map(({ purchaser }) => purchaser);
  await changeOrderPoints(ctx, tx, customers, changes);
}
