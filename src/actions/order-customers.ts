// Whose the orders of a batch are (O2): finds customers by id, externalId and email, makes guests, locks them all.
import type { Ctx } from '../context.ts';
import { Overtaken, type Tx } from '../db/connection.ts';
import { adoptConsents } from '../db/consents.ts';
import { listSurvivors } from '../db/merges.ts';
import {
  insertGuests,
  listOrderCustomers,
  lockPurchasers,
  type OrderCustomerHit,
  type Purchaser,
} from '../db/orders.ts';
import type { Store } from '../db/stores.ts';
import type { AccountStatus } from '../domain/account-states.ts';
import { normaliseEmail } from '../domain/emails.ts';
import { NO_ORDERS, type OrderCounters } from '../domain/order-counters.ts';
import {
  chooseCustomer,
  type GuestFields,
  guestOf,
  type OrderIdentity,
  readOrderEmail,
} from '../domain/order-customers.ts';
import { derivedColumns, NEW_CUSTOMER } from './customers.ts';
import type { OrderDelivery, Owner } from './order-plans.ts';

/** Customers who do not exist yet, by the id that they get. */
export type Guests = ReadonlyMap<string, GuestFields>;

export interface Ownership {
  /** One for each delivery. */
  owners: Owner[];
  guests: Guests;
  /** Customers of the stored ones among the orders. */
  holderIds: string[];
}

interface Known {
  byId: Map<string, { id: string; accountStatus: AccountStatus }>;
  byExternalId: Map<string, string>;
  byEmail: Map<string, string>;
  byOrder: Map<string, { customerId: string; accountStatus: AccountStatus; emailNorm: string | null }>;
}

const present = <T>(values: readonly (T | null | undefined)[]): T[] => [
  ...new Set(values.filter((value) => value != null)),
];

async function findKnown(tx: Tx, identities: readonly OrderIdentity[]): Promise<Known> {
  const hits = await listOrderCustomers(tx, {
    orderExternalIds: present(identities.map(({ order }) => order)),
    ids: present(identities.map(({ customer }) => customer.id)),
    externalIds: present(identities.map(({ customer }) => customer.externalId)),
    emails: present(identities.map(({ emailNorm }) => emailNorm)),
  });
  return knownFrom(await withSurvivors(tx, hits));
}

/** A reference to a merged customer means the survivor (C10). */
async function withSurvivors(tx: Tx, hits: readonly OrderCustomerHit[]): Promise<OrderCustomerHit[]> {
  const ids = present(hits.map((hit) => (hit.accountStatus === 'merged' ? hit.customerId : null)));
  if (ids.length === 0) return [...hits];
  const survivors = new Map(
    (await listSurvivors(tx, { ids })).map((survivor) => [survivor.mergedId, survivor]),
  );
  return hits.map((hit) => {
    const survivor = survivors.get(hit.customerId);
    return survivor ? { ...hit, customerId: survivor.id, accountStatus: survivor.accountStatus } : hit;
  });
}

function knownFrom(hits: readonly OrderCustomerHit[]): Known {
  const known: Known = { byId: new Map(), byExternalId: new Map(), byEmail: new Map(), byOrder: new Map() };
  for (const { via, key, customerId, accountStatus, orderEmail } of hits) {
    if (via === 'id') known.byId.set(key, { id: customerId, accountStatus });
    if (via === 'externalId') known.byExternalId.set(key, customerId);
    if (via === 'email') known.byEmail.set(key, customerId);
    if (via === 'order') {
      known.byOrder.set(key, {
        customerId,
        accountStatus,
        emailNorm: normaliseEmail(orderEmail ?? '') ?? null,
      });
    }
  }
  return known;
}

/** O2: chooses the customer of every delivery; a guest that one makes is known to the next. */
export async function chooseOwners(
  ctx: Ctx,
  tx: Tx,
  store: Store,
  deliveries: readonly OrderDelivery[],
): Promise<Ownership> {
  const emails = deliveries.map(({ order }) => readOrderEmail(order.email));
  const identities = deliveries.map(({ externalId, customer }, index): OrderIdentity => {
    const email = emails[index];
    // PostgreSQL writes UUIDs in lower case, and what it answers is looked up by this one.
    const id = customer.id?.toLowerCase() ?? null;
    return {
      order: externalId,
      customer: { ...customer, id },
      emailNorm: email && 'emailNorm' in email ? email.emailNorm : null,
    };
  });
  const known = await findKnown(tx, identities);
  const holderIds = [...known.byOrder.values()].map((holder) => holder.customerId);
  const guests = new Map<string, GuestFields>();
  const owners = deliveries.map((delivery, index): Owner => {
    const email = emails[index];
    if (email && 'refused' in email) return email;
    return chooseOwner(ctx, store, delivery, identities[index] as OrderIdentity, known, guests);
  });
  return { owners, guests, holderIds };
}

function chooseOwner(
  ctx: Ctx,
  store: Store,
  delivery: OrderDelivery,
  identity: OrderIdentity,
  known: Known,
  guests: Map<string, GuestFields>,
): Owner {
  const choice = chooseCustomer(identity, known);
  if (!('guest' in choice)) return choice;
  const { emailNorm } = identity;
  const guest = guestOf(
    { ...delivery.order, customer: delivery.customer, emailNorm },
    store.settings.defaultCountry,
  );
  if ('refused' in guest) return guest;
  const customerId = ctx.newId();
  guests.set(customerId, guest);
  if (guest.externalId) known.byExternalId.set(guest.externalId, customerId);
  if (emailNorm) known.byEmail.set(emailNorm, customerId);
  known.byOrder.set(identity.order, { customerId, accountStatus: 'guest', emailNorm });
  return { customerId };
}

/** A guest as the plan sees it before there is a row. */
export const guestPurchaser = (id: string): Purchaser => ({
  ...NO_ORDERS,
  id,
  accountStatus: 'guest',
  wholesale: false,
  primaryGroupId: null,
  version: 1,
  groupIds: [],
  tier: null,
});

const byIdentity = (
  [, a]: [string, GuestFields, OrderCounters],
  [, b]: [string, GuestFields, OrderCounters],
): number => ((a.emailNorm ?? a.externalId ?? '') < (b.emailNorm ?? b.externalId ?? '') ? -1 : 1);

/**
 * Adds guests with the counters that the plan gives them, in the order of their emails: two batches that make the same
 * ones wait for each other in one direction. Resolves to the ids that were added; the others exist by now.
 */
export async function addGuests(
  ctx: Ctx,
  tx: Tx,
  list: readonly [id: string, guest: GuestFields, counters: OrderCounters][],
): Promise<Set<string>> {
  const rows = [...list].sort(byIdentity).map(([id, guest, counters]) => ({
    ...NEW_CUSTOMER,
    ...guest,
    ...counters,
    ...derivedColumns(guest),
    id,
    accountStatus: 'guest' as const,
    source: 'first_order' as const,
    createdAt: ctx.now,
    updatedAt: ctx.now,
  }));
  const added = await insertGuests(tx, rows);
  if (added.length > 0) await adoptConsents(tx, { ids: added });
  return new Set(added);
}

/**
 * C1, C3: the customers who have the identities of guests that could not be added, by the guests' ids.
 * @throws Overtaken when one is gone again
 */
export async function findInstead(
  tx: Tx,
  guests: readonly (readonly [string, GuestFields])[],
): Promise<Map<string, string>> {
  if (guests.length === 0) return new Map();
  const identities = guests.map(([, { externalId, emailNorm }]) => ({
    order: '',
    customer: { externalId },
    emailNorm,
  }));
  const known = await findKnown(tx, identities);
  return new Map(
    guests.map(([id, { externalId, emailNorm }]) => {
      const other = known.byExternalId.get(externalId ?? '') ?? known.byEmail.get(emailNorm ?? '');
      if (other === undefined) throw new Overtaken('a customer with this identity came and went');
      return [id, other];
    }),
  );
}

/**
 * Locks customers in id order.
 * @throws Overtaken when one was merged or deleted since it was found
 */
export async function lockOwners(tx: Tx, ids: ReadonlySet<string>): Promise<Purchaser[]> {
  if (ids.size === 0) return [];
  const purchasers = await lockPurchasers(tx, { ids: [...ids] });
  if (purchasers.length < ids.size || purchasers.some(({ accountStatus }) => accountStatus === 'merged')) {
    throw new Overtaken('a customer was merged or deleted');
  }
  return purchasers;
}
