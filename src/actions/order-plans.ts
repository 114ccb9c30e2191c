// What a batch of deliveries does to orders and counters, decided in memory: nothing here reads or writes.
import type { Purchaser, StoredOrder } from '../db/orders.ts';
import { hasWholesalePrice } from '../domain/customers.ts';
import { sameValue } from '../domain/fields.ts';
import type { AmountRefusal } from '../domain/money.ts';
import {
  applyCounterDelta,
  type CounterDelta,
  counterDelta,
  countersOf,
  type OrderCounters,
} from '../domain/order-counters.ts';
import type { OrderCustomerReference } from '../domain/order-customers.ts';
import { type IncomingOrder, type PlannedOrder, planOrderUpsert } from '../domain/order-upserts.ts';
import { hasArrived, type OrderSnapshot } from '../domain/orders.ts';
import type { Refusal } from '../errors.ts';

/** An order as the platform delivers it, with whom it names as its customer. */
export interface OrderDelivery {
  externalId: string;
  customer: OrderCustomerReference;
  order: IncomingOrder;
}

/** Whose the order is to be, or why it cannot be anybody's. */
export type Owner = { customerId: string } | Refusal;

/** `ignored`: a newer version is stored already (O3). */
export type OrderOutcome = 'created' | 'updated' | 'unchanged' | 'ignored' | 'refused';

export interface DeliveryOutcome {
  externalId: string;
  outcome: OrderOutcome;
  /** The stored order; of a refused one, that which stays as it was. */
  order?: StoredOrder | undefined;
  refusal?: Refusal;
}

export interface OrderChange {
  before: StoredOrder | undefined;
  after: StoredOrder;
}

/** A customer of the batch, with the counters as they are after it. */
export interface Account {
  purchaser: Purchaser;
  counters: OrderCounters;
  /** The first or last order went: the three dates have to be read from the orders (C7). */
  datesFromOrders: boolean;
}

export interface OrderPlan {
  outcomes: DeliveryOutcome[];
  /** One per applied delivery, in the order of deliveries: one order can change twice. */
  changes: OrderChange[];
  /** The orders of the batch as they are after it, by the platform's id. */
  orders: Map<string, StoredOrder>;
  accounts: Map<string, Account>;
}

export interface PlanFacts {
  deliveries: readonly OrderDelivery[];
  /** One for each delivery. */
  owners: readonly Owner[];
  stored: readonly StoredOrder[];
  purchasers: Iterable<Purchaser>;
  /** Id for an order that is not stored yet; the same each time for the same order. */
  idOf(externalId: string): string;
  currency: string;
  now: Date;
}

/** O1, O3, C7: plans the deliveries one after the other; what one does the next one finds. */
export function planOrders(facts: PlanFacts): OrderPlan {
  const plan: OrderPlan = {
    outcomes: [],
    changes: [],
    orders: new Map(facts.stored.map((order) => [order.externalId, order])),
    accounts: new Map([...facts.purchasers].map((purchaser) => [purchaser.id, accountOf(purchaser)])),
  };
  for (const [index, delivery] of facts.deliveries.entries()) {
    plan.outcomes.push(planDelivery(plan, facts, delivery, facts.owners[index] as Owner));
  }
  return plan;
}

function accountOf(purchaser: Purchaser): Account {
  return { purchaser, counters: countersOf(purchaser), datesFromOrders: false };
}

/** The account of a customer whom the caller has locked or just made. */
export function accountIn(plan: OrderPlan, customerId: string): Account {
  const account = plan.accounts.get(customerId);
  if (account === undefined) throw new Error('a batch changes only customers that it has locked');
  return account;
}

function planDelivery(
  plan: OrderPlan,
  facts: PlanFacts,
  delivery: OrderDelivery,
  owner: Owner,
): DeliveryOutcome {
  const { externalId } = delivery;
  const before = plan.orders.get(externalId);
  const refused = (refusal: Refusal): DeliveryOutcome => ({
    externalId,
    outcome: 'refused',
    order: before,
    refusal,
  });
  if ('refused' in owner) return refused(owner);
  const { purchaser } = accountIn(plan, owner.customerId);
  const upsert = planOrderUpsert(before, deliveredTo(purchaser, delivery.order));
  if ('refused' in upsert) return refused(upsert);
  if ('ignored' in upsert) return { externalId, outcome: 'ignored', order: before };
  const moved = before !== undefined && before.customerId !== owner.customerId;
  if ('unchanged' in upsert && before !== undefined && !moved) {
    const order = stamped(before, upsert.platformUpdatedAt);
    plan.orders.set(externalId, order);
    return { externalId, outcome: 'unchanged', order };
  }
  const after = nextOrder(facts, delivery, before, 'apply' in upsert ? upsert.apply : undefined, purchaser);
  const tooLarge = count(plan, before, after, facts.currency);
  if (tooLarge) return refused(tooLarge);
  plan.orders.set(externalId, after);
  plan.changes.push({ before, after });
  return { externalId, outcome: before ? 'updated' : 'created', order: after };
}

/** The same order with the time of its latest version; the API shows that time, so the ETag changes with it. */
function stamped(order: StoredOrder, platformUpdatedAt: Date | undefined): StoredOrder {
  return platformUpdatedAt ? { ...order, platformUpdatedAt, version: order.version + 1 } : order;
}

/** The order of an erased customer goes on, but never brings personal data back. */
function deliveredTo({ accountStatus }: Purchaser, order: IncomingOrder): IncomingOrder {
  if (accountStatus !== 'erased') return order;
  return { ...order, email: null, shippingAddress: null, billingAddress: null };
}

/** `planned` is missing where only the customer changes. */
function nextOrder(
  { idOf, now }: PlanFacts,
  { externalId, order: { platformUpdatedAt } }: OrderDelivery,
  before: StoredOrder | undefined,
  planned: PlannedOrder | undefined,
  purchaser: Purchaser,
): StoredOrder {
  const kept = before ?? {
    id: idOf(externalId),
    externalId,
    snapshot: snapshotOf(purchaser),
    version: 0,
    createdAt: now,
  };
  const facts = planned ? storable(planned) : (before as StoredOrder);
  const items = before && sameValue(before.items, facts.items) ? before.items : facts.items;
  const arrivedAt = hasArrived(facts.status) ? platformUpdatedAt : null;
  const { id, snapshot, version, createdAt } = kept;
  return {
    ...facts,
    items,
    id,
    externalId,
    customerId: purchaser.id,
    platformUpdatedAt,
    deliveredAt: before?.deliveredAt ?? arrivedAt,
    snapshot,
    version: version + 1,
    createdAt,
    updatedAt: now,
  };
}

const storable = (planned: PlannedOrder) => ({
  ...planned,
  couponCodes: [...planned.couponCodes],
  refunds: [...planned.refunds],
  items: [...planned.items],
});

/** O7. */
function snapshotOf(purchaser: Purchaser): OrderSnapshot {
  const { groupIds, primaryGroupId, tier } = purchaser;
  return {
    groupIds,
    primaryGroupId,
    tier,
    priceBasis: hasWholesalePrice(purchaser) ? 'wholesale' : 'retail',
  };
}

/** C7: books the change in the accounts of the customers before and after; none of them when one cannot take it. */
function count(
  plan: OrderPlan,
  before: StoredOrder | undefined,
  after: StoredOrder,
  currency: string,
): AmountRefusal | undefined {
  const stays = before === undefined || before.customerId === after.customerId;
  const deltas: [customerId: string, delta: CounterDelta][] = stays
    ? [[after.customerId, counterDelta(before, after, currency)]]
    : [
        [before.customerId, counterDelta(before, undefined, currency)],
        [after.customerId, counterDelta(undefined, after, currency)],
      ];
  const booked: Account[] = [];
  for (const [customerId, delta] of deltas) {
    const account = accountIn(plan, customerId);
    const result = applyCounterDelta(account.counters, delta);
    if ('refused' in result) return result;
    const datesFromOrders = account.datesFromOrders || result.datesFromOrders;
    booked.push({ ...account, counters: result.counters, datesFromOrders });
  }
  for (const account of booked) plan.accounts.set(account.purchaser.id, account);
  return undefined;
}
