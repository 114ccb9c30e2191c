// Customers: create and change.
import type { Ctx } from '../context.ts';
import type { Tx } from '../db/connection.ts';
import { savePassword } from '../db/credentials.ts';
import {
  type Customer,
  type CustomerChange,
  type CustomerRow,
  findByIdentity,
  insertCustomer,
  updateCustomer as updateRow,
} from '../db/customers.ts';
import { holdGroups, insertMemberships, listGroupsOf } from '../db/groups.ts';
import { insertNote } from '../db/notes.ts';
import { findAgent } from '../db/sales-agents.ts';
import type { Store } from '../db/stores.ts';
import { ensureTags, insertCustomerTags } from '../db/tags.ts';
import { type AccountStatus, canTransition, planAccountCommand } from '../domain/account-states.ts';
import { applyCustom, type CustomValue, checkCustom } from '../domain/custom-fields.ts';
import {
  birthdayColumns,
  type CustomerInput,
  changedFields,
  checkIdentity,
  checkWholesale,
  normaliseCustomer,
  type Source,
} from '../domain/customers.ts';
import type { FieldProblem } from '../domain/fields.ts';
import { checkPrimaryGroup } from '../domain/groups.ts';
import { parseTags, planTags, tagKey } from '../domain/tags.ts';
import { localTimeAt } from '../domain/zoned-time.ts';
import { accepted, Problem } from '../errors.ts';
import { closeAccounts, revokeLinks } from './account-endings.ts';
import { noteArrival, noteSignUp } from './arrivals.ts';
import { addressChanges, carryConsents } from './consents.ts';
import { derivedColumns, lockPresent, NEW_CUSTOMER, readBack, sourceOf, storeOf } from './customers.ts';
import { endInvitations } from './invitations.ts';
import { hashChosen } from './passwords.ts';
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
  /** The account is active with it. */
  password?: string;
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

/** C4: a guest, unless told otherwise or a password makes an account of it. */
function firstStatus(
  store: Store,
  { accountStatus, email, password }: CreateCustomerInput,
): 'guest' | 'active' {
  if (password === undefined) return accountStatus ?? 'guest';
  if (accountStatus === 'guest') throw new Problem('ACCOUNT_STATE_CONFLICT', { from: 'guest', to: 'active' });
  const facts = { hasEmail: Boolean(email), accounts: store.settings.accounts };
  accepted(planAccountCommand('register', 'guest', facts));
  return 'active';
}

/**
 * Adds a customer, with tags, groups, a note and a password where given.
 * @throws Problem EMAIL_TAKEN, EXTERNAL_ID_TAKEN, CUSTOMER_INVALID, CUSTOMER_NEEDS_IDENTITY, TAG_INVALID,
 *   TOO_MANY_TAGS, REFERENCE_UNKNOWN, PRIMARY_GROUP_NOT_MEMBER, WHOLESALE_REQUIRES_ACCOUNT, and with a password
 *   PASSWORD_REFUSED, NO_EMAIL, ACCOUNTS_NOT_OFFERED, ACCOUNT_STATE_CONFLICT, SERVICE_BUSY
 */
export async function createCustomer(ctx: Ctx, input: CreateCustomerInput): Promise<Customer> {
  const passwordHash = input.password === undefined ? undefined : await hashChosen(input.password, input);
  return write(ctx, async (tx) => {
    const store = await storeOf({ ...ctx, db: tx });
    const accountStatus = firstStatus(store, input);
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
    if (passwordHash !== undefined) await savePassword(tx, { customerId: id, passwordHash, now: ctx.now });
    await addFirstTags(ctx, tx, id, names);
    await insertMemberships(tx, { customerId: id, groupIds, source: sourceOf(ctx), now: ctx.now });
    if (input.note) await addFirstNote(ctx, tx, id, input.note);
    await tell(ctx, tx, {
      kind: 'customer.created',
      customerId: id,
      data: { source: input.source ?? 'api' },
    });
    await noteArrival(ctx, tx, id);
    if (accountStatus === 'active') await noteSignUp(ctx, tx, id);
    return readBack(tx, id);
  });
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

/** What a change of state or address takes away: sessions, and links that went to an address which is another's by now. */
async function endAccess(
  ctx: Ctx,
  tx: Tx,
  { id, emailNorm }: CustomerRow,
  columns: CustomerChange,
): Promise<void> {
  if (columns.accountStatus === 'disabled') await closeAccounts(ctx, tx, [id], 'account_disabled');
  if (columns.accountStatus === 'active') await endInvitations(ctx, tx, [id]);
  if (columns.emailNorm !== undefined && columns.emailNorm !== emailNorm) await revokeLinks(ctx, tx, [id]);
}

/** `updateCustomer` within a transaction that decides more. */
export async function changeCustomer(
  ctx: Ctx,
  tx: Tx,
  id: string,
  input: CustomerFieldsInput,
  ifMatch?: number,
): Promise<Customer> {
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
  await carryConsents(ctx, tx, addressChanges(row, columns));
  await tell(ctx, tx, { kind: 'customer.updated', customerId: id, data: { changes } });
  await endAccess(ctx, tx, row, columns);
  if (columns.registeredAt) await noteSignUp(ctx, tx, id);
  return readBack(tx, id);
}

/**
 * Merge-patch of a customer: null clears, absent keeps. A patch that changes nothing keeps the version.
 * @throws Problem NOT_FOUND, VERSION_MISMATCH, CUSTOMER_GONE and the codes of createCustomer
 */
export const updateCustomer = (
  ctx: Ctx,
  id: string,
  input: CustomerFieldsInput,
  ifMatch?: number,
): Promise<Customer> => write(ctx, (tx) => changeCustomer(ctx, tx, id, input, ifMatch));
