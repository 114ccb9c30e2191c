// Customers: what all that happens to them begins with, and deleting. Creating and changing is in customer-profiles.ts.
import type { Ctx } from '../context.ts';
import { deleteMailsOf } from '../db/campaigns.ts';
import type { Db, Tx } from '../db/connection.ts';
import { deleteConsentsOf } from '../db/consents.ts';
import {
  type Customer,
  type CustomerRow,
  deleteCustomer as deleteRow,
  findCustomer,
  findStanding,
  lockCustomer,
} from '../db/customers.ts';
import { ledgerCountsOf } from '../db/ledger/belongings.ts';
import { findSurvivorId } from '../db/merges.ts';
import { countOrdersOf } from '../db/orders.ts';
import { findStore, type Store } from '../db/stores.ts';
import { type Named, searchText, sortName } from '../domain/customer-names.ts';
import {
  blockersFor,
  checkDelete,
  type DeletionBlocker,
  type DeletionFacts,
} from '../domain/deletability.ts';
import { nameKey } from '../domain/duplicates.ts';
import { duplicateKey } from '../domain/emails.ts';
import { foldText } from '../domain/fields.ts';
import { phoneCountry } from '../domain/phones.ts';
import { accepted, Problem } from '../errors.ts';
import { remembering } from './recent.ts';
import { tell } from './timeline.ts';
import { write } from './write.ts';

async function storeIn(db: Db): Promise<Store> {
  const store = await findStore(db);
  if (!store) throw new Problem('UNAUTHENTICATED');
  return store;
}

/** The store of the context; a token of a store that is gone is worth nothing. */
export const storeOf = (ctx: Ctx): Promise<Store> => storeIn(ctx.db);

const stores = remembering(storeIn);

/** The store as it was within the last second, mostly from memory. */
export const recentStoreOf = (ctx: Ctx): Promise<Store> => stores.recall(ctx.db);

export const forgetStore = stores.forget;

/**
 * Columns that follow from others: what the list sorts by and searches, what duplicates have in common (C11), what
 * segments ask for.
 */
export function derivedColumns(customer: Named & { emailNorm: string | null }) {
  return {
    emailKey: customer.emailNorm ? duplicateKey(customer.emailNorm) : null,
    nameKey: nameKey(customer) ?? null,
    phoneCountry: customer.phone ? phoneCountry(customer.phone) : null,
    sortName: sortName(customer),
    sortCompany: customer.company ? foldText(customer.company) : null,
    searchText: searchText(customer),
  };
}

/** `api` for integrations, `manual` for people (T5). */
export const sourceOf = (ctx: Ctx): 'manual' | 'api' => (ctx.actor.startsWith('staff:') ? 'manual' : 'api');

/** The resource; only called where the row is known to exist. */
export async function readBack(tx: Tx, id: string): Promise<Customer> {
  const customer = await findCustomer(tx, id);
  if (!customer) throw new Problem('NOT_FOUND', { resource: 'customer' });
  return customer;
}

/** What every new row starts with. */
export const NEW_CUSTOMER = {
  acceptsMarketing: false,
  contactLimit: null,
  wholesale: false,
  custom: {},
  ordersCount: 0,
  totalSpent: 0,
  refundedTotal: 0,
  version: 1,
} as const;

type Standing = Pick<CustomerRow, 'accountStatus' | 'mergedIntoId'>;

async function present<Row extends Standing>(db: Db, row: Row | undefined): Promise<Row> {
  if (!row) throw new Problem('NOT_FOUND', { resource: 'customer' });
  const { accountStatus, mergedIntoId } = row;
  if (mergedIntoId)
    throw new Problem('CUSTOMER_GONE', {
      accountStatus,
      mergedIntoId: await findSurvivorId(db, mergedIntoId),
    });
  if (accountStatus === 'erased') throw new Problem('CUSTOMER_GONE', { accountStatus });
  return row;
}

/**
 * A customer whose parts can be read: neither merged nor erased.
 * @throws Problem NOT_FOUND, CUSTOMER_GONE
 */
export const readPresent = async (db: Db, id: string) => present(db, await findStanding(db, id));

/** Locks a customer that can be changed, and holds If-Match against it (C8). */
export async function lockPresent(tx: Tx, id: string, ifMatch: number | undefined): Promise<CustomerRow> {
  const row = await present(tx, await lockCustomer(tx, id));
  if (ifMatch !== undefined && ifMatch !== row.version)
    throw new Problem('VERSION_MISMATCH', { version: row.version });
  return row;
}

const deletionFactsOf = async (db: Db, id: string, at: Date): Promise<DeletionFacts> => ({
  allOrdersCount: await countOrdersOf(db, id),
  ...(await ledgerCountsOf(db, [id], at))(id),
});

/** Everything that stands in the way of deleting a customer at the instant, with the way out (C6). */
export const listBlockers = async (db: Db, id: string, at: Date): Promise<DeletionBlocker[]> =>
  blockersFor(await deletionFactsOf(db, id, at));

/**
 * Deletes a customer that nothing needs (C6). Erasing is another operation.
 * @throws Problem NOT_FOUND, VERSION_MISMATCH, CUSTOMER_HAS_ORDERS, CUSTOMER_HAS_CREDIT …
 */
export function deleteCustomer(ctx: Ctx, id: string, ifMatch?: number): Promise<void> {
  return write(ctx, async (tx) => {
    await lockPresent(tx, id, ifMatch);
    accepted(checkDelete(await deletionFactsOf(tx, id, ctx.now)));
    await tell(ctx, tx, { kind: 'customer.deleted', customerId: id });
    await deleteConsentsOf(tx, { ids: [id] });
    await deleteMailsOf(tx, { ids: [id] });
    await deleteRow(tx, id);
  });
}
