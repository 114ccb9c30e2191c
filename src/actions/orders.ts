// Orders: take what the store platform tells (O1–O4), and answer an order as a cart (O5).
import type { Ctx } from '../context.ts';
import { Overtaken, type Tx } from '../db/connection.ts';
import {
  deleteGuests,
  findOrder,
  insertOrders,
  listOrdersByExternalId,
  replaceItems,
  type StoredOrder,
  updateOrders,
} from '../db/orders.ts';
import type { Store } from '../db/stores.ts';
import type { OrderCounters } from '../domain/order-counters.ts';
import type { GuestFields } from '../domain/order-customers.ts';
import { type CartLine, reorderCart, type SkippedItem } from '../domain/reorder.ts';
import { ERRORS, type ErrorCode, type FieldError, Problem, problemOf, type Refusal } from '../errors.ts';
import { storeOf } from './customers.ts';
import {
  addGuests,
  chooseOwners,
  findInstead,
  type Guests,
  guestPurchaser,
  lockOwners,
  type Ownership,
} from './order-customers.ts';
import { afterOrders } from './order-effects.ts';
import {
  accountIn,
  type DeliveryOutcome,
  type OrderDelivery,
  type OrderOutcome,
  type OrderPlan,
  type Owner,
  planOrders,
} from './order-plans.ts';
import { write } from './write.ts';

export type { OrderDelivery, OrderOutcome } from './order-plans.ts';

/** What became of one delivery. */
export interface OrderResult {
  externalId: string;
  outcome: OrderOutcome;
  id?: string;
  customerId?: string;
  /** Why it was refused. */
  problem?: { code: ErrorCode; title: string; detail: string; errors: FieldError[] };
}

/** What a refusal says, place by place: its own list, or the one place that it means. */
function errorsOf({ refused, ...facts }: Refusal & { errors?: FieldError[] }): FieldError[] {
  if (facts.errors)
    return facts.errors.map(({ pointer, message, code }) => ({ pointer, message, ...(code && { code }) }));
  const { title } = ERRORS[refused];
  const { reference, from, to, allowed } = facts as {
    reference?: string;
    from?: string;
    to?: string;
    allowed?: string[];
  };
  if (reference !== undefined) return [{ pointer: reference, message: title, code: refused }];
  if (allowed === undefined) return [];
  return [
    {
      pointer: '/status',
      message: `${from} → ${to}: possible are ${allowed.join(', ') || 'none'}`,
      code: refused,
    },
  ];
}

function resultOf({ externalId, outcome, order, refusal }: DeliveryOutcome): OrderResult {
  const { title, detail } = refusal ? ERRORS[refusal.refused] : {};
  return {
    externalId,
    outcome,
    ...(order && { id: order.id, customerId: order.customerId }),
    ...(refusal &&
      title &&
      detail && { problem: { code: refusal.refused, title, detail, errors: errorsOf(refusal) } }),
  };
}

/**
 * Takes orders in a transaction of the caller's: their customers, guests, counters, addresses and events with them, in
 * a number of statements that does not depend on the number of orders. At most a few thousand at a time.
 * @throws Overtaken when another writer was faster; `transaction` then runs the work again
 */
export async function ingestOrdersIn(
  ctx: Ctx,
  tx: Tx,
  store: Store,
  deliveries: readonly OrderDelivery[],
): Promise<OrderResult[]> {
  return (await ingest(ctx, tx, store, deliveries)).map(resultOf);
}

/** Takes orders in one transaction; a bad one is refused in its result and never fails the rest. */
export function ingestOrders(ctx: Ctx, deliveries: readonly OrderDelivery[]): Promise<OrderResult[]> {
  return write(ctx, async (tx) => ingestOrdersIn(ctx, tx, await storeOf({ ...ctx, db: tx }), deliveries));
}

/**
 * Takes one order: the batch of one. Resolves to the order as it is stored; a stale delivery changes nothing.
 * @throws Problem CUSTOMER_NEEDS_IDENTITY, CUSTOMER_INVALID, CUSTOMER_GONE, REFERENCE_UNKNOWN, ORDER_STATUS_CONFLICT,
 *   and the codes of `checkOrder`
 */
export function putOrder(
  ctx: Ctx,
  delivery: OrderDelivery,
): Promise<{ order: StoredOrder; created: boolean }> {
  return write(ctx, async (tx) => {
    const [result] = await ingest(ctx, tx, await storeOf({ ...ctx, db: tx }), [delivery]);
    if (result?.refusal) throw problemOf(result.refusal);
    if (!result?.order) throw new Problem('NOT_FOUND', { resource: 'order' });
    return { order: result.order, created: result.outcome === 'created' };
  });
}

interface Work {
  ctx: Ctx;
  tx: Tx;
  store: Store;
  deliveries: readonly OrderDelivery[];
  /** Ids for orders that turn out to be new. */
  idOf(externalId: string): string;
}

/**
 * The order of locks, the same for every writer: first new guests claim their emails, then customers by id, then new
 * orders their externalIds. So two batches can wait for each other in one direction only.
 */
async function ingest(
  ctx: Ctx,
  tx: Tx,
  store: Store,
  deliveries: readonly OrderDelivery[],
): Promise<DeliveryOutcome[]> {
  const work: Work = { ctx, tx, store, deliveries, idOf: idsFrom(ctx) };
  const chosen = await chooseOwners(ctx, tx, store, deliveries);
  const { owners, guests: added } = await claimGuests(work, chosen);
  const customerIds = owners.flatMap((owner) => ('customerId' in owner ? [owner.customerId] : []));
  const isGuest = (id: string) => chosen.guests.has(id);
  const locked = await lockOwners(
    tx,
    new Set([...customerIds, ...chosen.holderIds].filter((id) => !isGuest(id))),
  );
  const purchasers = [...locked, ...[...chosen.guests.keys()].map(guestPurchaser)];
  const stored = await listOrdersByExternalId(
    tx,
    deliveries.map(({ externalId }) => externalId),
  );
  const known = new Set(purchasers.map(({ id }) => id));
  if (stored.some(({ customerId }) => !known.has(customerId))) throw new Overtaken('an order changed hands');
  const plan = planOrders({ ...factsOf(work, owners), stored, purchasers });
  const guests = await settleGuests(work, chosen.guests, added, plan);
  await saveOrders(tx, stored, plan);
  const isThere = (id: string) => !isGuest(id) || guests.has(id);
  const accounts = new Map([...plan.accounts].filter(([id]) => isThere(id)));
  await afterOrders(ctx, tx, { ...plan, accounts, guests });
  return plan.outcomes;
}

function idsFrom(ctx: Ctx): (externalId: string) => string {
  const ids = new Map<string, string>();
  return (externalId) => {
    const id = ids.get(externalId) ?? ctx.newId();
    ids.set(externalId, id);
    return id;
  };
}

const factsOf = ({ ctx, store, deliveries, idOf }: Work, owners: readonly Owner[]) => ({
  deliveries,
  owners,
  idOf,
  currency: store.currency,
  now: ctx.now,
});

/** Who owns what once the guests are there, and the counters that each was added with. */
interface Claim {
  owners: Owner[];
  guests: Map<string, OrderCounters>;
}

/**
 * Adds the guests before anything is locked. Nobody else can have orders for them, so the counters that their own
 * orders give them are right at once: one row version instead of two, on a table with twenty indexes. A guest whose
 * identity somebody else took meanwhile is that customer (C3).
 */
async function claimGuests(work: Work, { owners, guests }: Ownership): Promise<Claim> {
  if (guests.size === 0) return { owners, guests: new Map() };
  const forecast = forecastGuests(work, owners, guests);
  const wanted = wantedGuests(guests, forecast);
  const added = await addGuests(work.ctx, work.tx, wanted);
  const taken = await findInstead(
    work.tx,
    wanted.filter(([id]) => !added.has(id)).map(([id, guest]) => [id, guest]),
  );
  return {
    owners: owners.map((owner) => {
      const other = 'customerId' in owner ? taken.get(owner.customerId) : undefined;
      return other === undefined ? owner : { customerId: other };
    }),
    guests: new Map(wanted.filter(([id]) => added.has(id)).map(([id, , counters]) => [id, counters])),
  };
}

/** What the orders of guests would do if none of them were stored. */
function forecastGuests(work: Work, owners: readonly Owner[], guests: Guests): OrderPlan {
  const indexes = owners.flatMap((owner, index) =>
    'customerId' in owner && guests.has(owner.customerId) ? [index] : [],
  );
  const pick = <T>(list: readonly T[]): T[] => indexes.map((index) => list[index] as T);
  const facts = factsOf(work, pick(owners));
  return planOrders({
    ...facts,
    deliveries: pick(work.deliveries),
    stored: [],
    purchasers: [...guests.keys()].map(guestPurchaser),
  });
}

/** Guests who get an order by the plan, with their counters after it. */
function wantedGuests(guests: Guests, plan: OrderPlan) {
  const owners = new Set([...plan.orders.values()].map(({ customerId }) => customerId));
  return [...guests]
    .filter(([id]) => owners.has(id))
    .map(([id, guest]): [string, GuestFields, OrderCounters] => [id, guest, accountIn(plan, id).counters]);
}

/**
 * Makes the guests those that the final plan needs: the forecast did not know the stored orders. Resolves to the
 * counters that they were added with.
 * @throws Overtaken
 */
async function settleGuests(
  { ctx, tx }: Work,
  guests: Guests,
  added: Map<string, OrderCounters>,
  plan: OrderPlan,
) {
  const wanted = wantedGuests(guests, plan);
  const missing = wanted.filter(([id]) => !added.has(id));
  if (missing.length > 0) {
    const late = await addGuests(ctx, tx, missing);
    if (late.size < missing.length) throw new Overtaken('a customer with this identity came');
  }
  const wantedIds = new Set(wanted.map(([id]) => id));
  const unwanted = [...added.keys()].filter((id) => !wantedIds.has(id));
  if (unwanted.length > 0) await deleteGuests(tx, { ids: unwanted });
  return new Map(wanted.map(([id, , counters]) => [id, added.get(id) ?? counters]));
}

async function saveOrders(tx: Tx, stored: readonly StoredOrder[], plan: OrderPlan): Promise<void> {
  const before = new Map(stored.map((order) => [order.externalId, order]));
  const present = [...plan.orders.values()];
  const fresh = present.filter(({ externalId }) => !before.has(externalId));
  const changed = present.filter(
    (order) => before.has(order.externalId) && before.get(order.externalId) !== order,
  );
  if (fresh.length > 0 && (await insertOrders(tx, fresh)) < fresh.length)
    throw new Overtaken('an order came');
  await updateOrders(tx, changed);
  await replaceItems(
    tx,
    changed.filter((order) => before.get(order.externalId)?.items !== order.items),
  );
}

/** What a storefront puts into a cart to buy the order again. */
export interface Cart {
  orderId: string;
  customerId: string;
  lines: CartLine[];
  skipped: SkippedItem[];
}

/**
 * O5: the cart of an order, by our id or the platform's.
 * @throws Problem NOT_FOUND
 */
export async function reorderOrder(
  ctx: Ctx,
  key: string,
  knownProductIds?: readonly string[],
): Promise<Cart> {
  const order = await findOrder(ctx.db, key);
  if (!order) throw new Problem('NOT_FOUND', { resource: 'order' });
  const cart = reorderCart(order.items, knownProductIds && new Set(knownProductIds));
  return { orderId: order.id, customerId: order.customerId, ...cart };
}
