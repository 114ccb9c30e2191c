// Customers: create, change, delete.
import type { Ctx } from '../context.ts';
import type { Db, Tx } from '../db/connection.ts';
import {
  type Customer,
  type CustomerChange,
  type CustomerRow,
  deleteCustomer as deleteRow,
  findByIdentity,
  findCustomer,
  findStanding,
  insertCustomer,
  lockCustomer,
  updateCustomer as updateRow,
} from '../db/customers.ts';
import { holdGroups, insertMemberships, listGroupsOf } from '../db/groups.ts';
import { ledgerCountsOf } from '../db/ledger/belongings.ts';
import { findSurvivorId } from '../db/merges.ts';
import { insertNote } from '../db/notes.ts';
import { countOrdersOf } from '../db/orders.ts';
import { findAgent } from '../db/sales-agents.ts';
import { findStore, type Store } from '../db/stores.ts';
import { ensureTags, insertCustomerTags } from '../db/tags.ts';
import { type AccountStatus, canTransition } from '../domain/account-states.ts';
import { applyCustom, type CustomValue, checkCustom } from '../domain/custom-fields.ts';
import { type Named, searchText, sortName } from '../domain/customer-names.ts';
import {
  birthdayColumns,
  type CustomerInput,
  changedFields,
  checkIdentity,
  checkWholesale,
  normaliseCustomer,
  type Source,
} from '../domain/customers.ts';
import {
  blockersFor,
  checkDelete,
  type DeletionBlocker,
  type DeletionFacts,
} from '../domain/deletability.ts';
import { nameKey } from '../domain/duplicates.ts';
import { duplicateKey } from '../domain/emails.ts';
import { type FieldProblem, foldText } from '../domain/fields.ts';
import { checkPrimaryGroup } from '../domain/groups.ts';
import { phoneCountry } from '../domain/phones.ts';
import { parseTags, planTags, tagKey } from '../domain/tags.ts';
import { localTimeAt } from '../domain/zoned-time.ts';
import { accepted, Problem } from '../errors.ts';
import { tell } from './timeline.ts';
import { write } from './write.ts';

/** Fields of a create or a merge-patch, as the contract has them. */
export interface CustomerFieldsInput extends CustomerInput {
  salesAgentId?: string | null;
  wholesale?: boolean;
  custom?: Record<string, CustomValue | null>;
  primaryGroupId?: string | null;
  accountStatus?: AccountStatus;
}

export interface CreateCustomerInput extends CustomerFieldsInput {
  accountStatus?: 'guest' | 'active';
  source?: Source;
  tags?: string | readonly string[];
  groupIds?: readonly string[];
  note?: string;
}

/** What of a row counts for the rules. */
type Current = Pick<
  CustomerRow,
  | 'email'
  | 'emailNorm'
  | 'phone'
  | 'firstName'
  | 'lastName'
  | 'company'
  | 'wholesale'
  | 'accountStatus'
  | 'custom'
>;

const NOBODY: Current = {
  email: null,
  emailNorm: null,
  phone: null,
  firstName: null,
  lastName: null,
  company: null,
  wholesale: false,
  accountStatus: 'guest',
  custom: {},
};

/** The fields that the timeline tells with old and new value (C9). */
const TOLD = [
  'externalId',
  'email',
  'phone',
  'firstName',
  'lastName',
  'company',
  'salesAgentId',
  'birthdayMonth',
  'birthdayDay',
  'birthdayYear',
  'gender',
  'language',
  'timezone',
  'accountStatus',
  'wholesale',
  'primaryGroupId',
] as const;

/** The store of the context; a token of a store that is gone is worth nothing. */
export async function storeOf(ctx: Ctx): Promise<Store> {
  const store = await findStore(ctx.db);
  if (!store) throw new Problem('UNAUTHENTICATED');
  return store;
}

/** How old settings may be that a question is answered with. */
const RECENT_MS = 1_000;
const MAX_REMEMBERED = 10_000;
const remembered = new Map<string, { store: Store; readAt: number }>();

/**
 * The store as it was within the last second, mostly from memory: a question costs one round trip less. The process that
 * changes the settings forgets them at once.
 */
export async function recentStoreOf(ctx: Ctx): Promise<Store> {
  const known = remembered.get(ctx.storeId);
  const now = performance.now();
  if (known && now - known.readAt < RECENT_MS) return known.store;
  const store = await storeOf(ctx);
  if (remembered.size >= MAX_REMEMBERED) remembered.clear();
  remembered.set(ctx.storeId, { store, readAt: now });
  return store;
}

export const forgetStore = (storeId: string): void => void remembered.delete(storeId);

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

const prefixed = (problems: FieldProblem[], prefix: string) =>
  problems.map((problem) => ({ ...problem, pointer: `${prefix}${problem.pointer}` }));

function customColumn(
  store: Store,
  input: CustomerFieldsInput,
  current: Current,
  mode: 'create' | 'update',
): CustomerChange {
  if (input.custom === undefined && mode === 'update') return {};
  const patch = input.custom ?? {};
  const problems = checkCustom(store.settings.customFields, patch, mode);
  if (problems.length > 0) throw new Problem('CUSTOMER_INVALID', { errors: prefixed(problems, '/custom') });
  return { custom: applyCustom(current.custom as Record<string, CustomValue>, patch) };
}

/** Absent keeps, null clears. */
/** The column values of an input, checked against everything that one customer alone can break. */
function columnsOf(
  ctx: Ctx,
  store: Store,
  input: CustomerFieldsInput,
  current: Current,
  mode: 'create' | 'update',
): CustomerChange {
  const today = localTimeAt(ctx.now, store.timezone);
  const { fields: read } = accepted(
    normaliseCustomer(input, { today, defaultCountry: store.settings.defaultCountry }),
  );
  const { birthday, ...fields } = read;
  const after = { ...current, ...fields };
  accepted(checkIdentity(after));
  const accountStatus = input.accountStatus ?? current.accountStatus;
  if (input.wholesale !== undefined) accepted(checkWholesale(input.wholesale, { ...current, accountStatus }));
  return {
    ...fields,
    ...birthdayColumns(birthday),
    ...customColumn(store, input, current, mode),
    ...derivedColumns(after),
    ...(input.wholesale !== undefined && { wholesale: input.wholesale }),
    ...(input.salesAgentId !== undefined && { salesAgentId: input.salesAgentId }),
    ...(input.primaryGroupId !== undefined && { primaryGroupId: input.primaryGroupId }),
  };
}

/** C1: names the customer who has the address already; the unique index is the last word in a race. */
async function refuseTaken(tx: Tx, columns: CustomerChange, ownId?: string): Promise<void> {
  const { emailNorm, externalId } = columns;
  if (!emailNorm && !externalId) return;
  for (const other of await findByIdentity(tx, {
    emailNorm: emailNorm ?? null,
    externalId: externalId ?? null,
  })) {
    if (other.id === ownId) continue;
    const code = emailNorm && other.emailNorm === emailNorm ? 'EMAIL_TAKEN' : 'EXTERNAL_ID_TAKEN';
    throw new Problem(code, { customerId: other.id });
  }
}

async function refuseUnknownAgent(tx: Tx, salesAgentId: string | null | undefined): Promise<void> {
  if (!salesAgentId) return;
  if (!(await findAgent(tx, salesAgentId)))
    throw new Problem('REFERENCE_UNKNOWN', { reference: '/salesAgentId' });
}

async function refuseUnknownGroups(tx: Tx, groupIds: readonly string[]): Promise<void> {
  if (groupIds.length === 0) return;
  const known = new Set((await holdGroups(tx, groupIds)).map((group) => group.id));
  const unknown = groupIds.findIndex((id) => !known.has(id));
  if (unknown >= 0) throw new Problem('REFERENCE_UNKNOWN', { reference: `/groupIds/${unknown}` });
}

/** `api` for integrations, `manual` for people (T5). */
export const sourceOf = (ctx: Ctx): string => (ctx.actor.startsWith('staff:') ? 'manual' : 'api');

async function addFirstTags(ctx: Ctx, tx: Tx, customerId: string, names: readonly string[]): Promise<void> {
  const wanted = names.map((name) => ({ id: ctx.newId(), name, nameKey: tagKey(name), createdAt: ctx.now }));
  const rows = await ensureTags(tx, wanted);
  await insertCustomerTags(tx, {
    customerId,
    tagIds: rows.map((row) => row.id),
    source: sourceOf(ctx),
    now: ctx.now,
  });
}

async function addFirstNote(ctx: Ctx, tx: Tx, customerId: string, body: string): Promise<void> {
  await insertNote(tx, {
    id: ctx.newId(),
    customerId,
    body,
    author: ctx.actor,
    revision: 1,
    createdAt: ctx.now,
    updatedAt: ctx.now,
  });
}

/** The resource; only called where the row is known to exist. */
export async function readBack(tx: Tx, id: string): Promise<Customer> {
  const customer = await findCustomer(tx, id);
  if (!customer) throw new Problem('NOT_FOUND', { resource: 'customer' });
  return customer;
}

/**
 * Adds a customer, with tags, groups and a note where given.
 * @throws Problem EMAIL_TAKEN, EXTERNAL_ID_TAKEN, CUSTOMER_INVALID, CUSTOMER_NEEDS_IDENTITY, TAG_INVALID,
 *   TOO_MANY_TAGS, REFERENCE_UNKNOWN, PRIMARY_GROUP_NOT_MEMBER, WHOLESALE_REQUIRES_ACCOUNT
 */
export function createCustomer(ctx: Ctx, input: CreateCustomerInput): Promise<Customer> {
  return write(ctx, async (tx) => {
    const store = await storeOf({ ...ctx, db: tx });
    const accountStatus = input.accountStatus ?? 'guest';
    const columns = columnsOf(ctx, store, input, { ...NOBODY, accountStatus }, 'create');
    const names = accepted(parseTags(input.tags ?? []));
    accepted(planTags([], { add: names }));
    const groupIds = [...new Set(input.groupIds)];
    accepted(checkPrimaryGroup(input.primaryGroupId ?? null, groupIds));
    await refuseUnknownGroups(tx, groupIds);
    await refuseUnknownAgent(tx, input.salesAgentId);
    await refuseTaken(tx, columns);
    const id = ctx.newId();
    await insertCustomer(tx, {
      ...NEW_CUSTOMER,
      ...derivedColumns(NOBODY),
      ...columns,
      storeId: ctx.storeId,
      id,
      accountStatus,
      registeredAt: accountStatus === 'active' ? ctx.now : null,
      source: input.source ?? 'api',
      createdAt: ctx.now,
      updatedAt: ctx.now,
    });
    await addFirstTags(ctx, tx, id, names);
    await insertMemberships(tx, { customerId: id, groupIds, source: sourceOf(ctx), now: ctx.now });
    if (input.note) await addFirstNote(ctx, tx, id, input.note);
    await tell(ctx, tx, {
      kind: 'customer.created',
      customerId: id,
      data: { source: input.source ?? 'api' },
    });
    return readBack(tx, id);
  });
}

/** What every new row starts with. */
export const NEW_CUSTOMER = {
  acceptsMarketing: false,
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

/** C4: the states that a plain patch may set; inviting is a command of its own. */
function statusColumns(ctx: Ctx, row: CustomerRow, wanted: AccountStatus | undefined): CustomerChange {
  if (wanted === undefined || wanted === row.accountStatus) return {};
  if (!canTransition(row.accountStatus, wanted)) {
    throw new Problem('ACCOUNT_STATE_CONFLICT', { from: row.accountStatus, to: wanted });
  }
  return {
    accountStatus: wanted,
    ...(wanted === 'active' && row.registeredAt === null && { registeredAt: ctx.now }),
  };
}

/**
 * Merge-patch of a customer: null clears, absent keeps. A patch that changes nothing keeps the version.
 * @throws Problem NOT_FOUND, VERSION_MISMATCH, CUSTOMER_GONE and the codes of createCustomer
 */
export function updateCustomer(
  ctx: Ctx,
  id: string,
  input: CustomerFieldsInput,
  ifMatch?: number,
): Promise<Customer> {
  return write(ctx, async (tx) => {
    const row = await lockPresent(tx, id, ifMatch);
    const store = await storeOf({ ...ctx, db: tx });
    const columns = {
      ...columnsOf(ctx, store, input, row, 'update'),
      ...statusColumns(ctx, row, input.accountStatus),
    };
    if (input.primaryGroupId !== undefined) {
      const groups = await listGroupsOf(tx, id);
      accepted(
        checkPrimaryGroup(
          input.primaryGroupId,
          groups.map((group) => group.id),
        ),
      );
    }
    const changes = changedFields(row, columns, [...TOLD, 'custom']);
    if (Object.keys(changes).length === 0) return readBack(tx, id);
    await refuseUnknownAgent(tx, columns.salesAgentId);
    await refuseTaken(tx, columns, id);
    await updateRow(tx, id, { ...columns, version: row.version + 1, updatedAt: ctx.now });
    await tell(ctx, tx, { kind: 'customer.updated', customerId: id, data: { changes } });
    return readBack(tx, id);
  });
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
    await deleteRow(tx, id);
  });
}
