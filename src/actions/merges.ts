// Merging two customers into one, and taking it back (C10).
import type { Ctx } from '../context.ts';
import { copyDefaultAddresses, setDefaultAddress, setDefaultBilling } from '../db/addresses.ts';
import type { Tx } from '../db/connection.ts';
import { copyAcceptance } from '../db/consents.ts';
import { swapAccounts } from '../db/credentials.ts';
import {
  type Customer,
  type CustomerRow,
  findByIdentity,
  findStanding,
  lockCustomers,
  updateCustomer,
} from '../db/customers.ts';
import { deleteMemberships } from '../db/groups.ts';
import {
  type Belongings,
  closeMerge,
  findOpenMerge,
  findSurvivorId,
  insertMerge,
  listAddressesOf,
  listBelongings,
  type MergeRow,
  moveAddresses,
  moveBelongings,
  returnBelongings,
} from '../db/merges.ts';
import { recountOrders } from '../db/order-counters.ts';
import { findAgent } from '../db/sales-agents.ts';
import type { Store } from '../db/stores.ts';
import { deleteCustomerTags } from '../db/tags.ts';
import { groupKey } from '../domain/groups.ts';
import {
  type AddressDefaults,
  blockersOfBalances,
  checkMerge,
  differingFields,
  type MergeChoice,
  type MergeCustomer,
  type MergeField,
  type MergePlan,
  type MergeSide,
  planMerge,
} from '../domain/merge.ts';
import { tagKey } from '../domain/tags.ts';
import { checkUnmerge, planUnmerge, type UnmergePlan, undoableUntil } from '../domain/unmerge.ts';
import { accepted, Problem } from '../errors.ts';
import { closeAccounts } from './account-endings.ts';
import { derivedColumns, readBack, storeOf } from './customers.ts';
import { mergeMembers, unmergeMembers } from './loyalty-merges.ts';
import {
  type LockedBalances,
  lockBalances,
  lockMovedBalances,
  moveBalances,
  previewBalances,
  type ReturnableBalances,
  returnBalances,
} from './merge-balances.ts';
import { mergeReferrals } from './referrals.ts';
import { tell } from './timeline.ts';
import { write } from './write.ts';

export interface MergeInput {
  /** Goes away. */
  from: string;
  choose?: { readonly [Field in MergeField | 'accountStatus']?: MergeSide } & {
    custom?: Readonly<Record<string, MergeSide>>;
  };
  /** Answer what would happen, and change nothing. */
  dryRun?: boolean;
}

type AddressRow = Awaited<ReturnType<typeof listAddressesOf>>[number];

/** A customer with all that a merge looks at. */
interface Side {
  row: CustomerRow;
  addresses: AddressRow[];
  belongings: Belongings;
}

function choiceOf({ custom = {}, ...fields }: NonNullable<MergeInput['choose']>): MergeChoice {
  const ofCustom = Object.entries(custom).map(([key, side]) => [`custom.${key}`, side]);
  return { ...fields, ...Object.fromEntries(ofCustom) };
}

async function sidesOf(tx: Tx, rows: readonly CustomerRow[]): Promise<(id: string) => Side> {
  const ids = rows.map((row) => row.id);
  const addresses = await listAddressesOf(tx, ids);
  const belongings = await listBelongings(tx, { ids });
  return (id) => {
    const row = rows.find((one) => one.id === id);
    const own = belongings.find((one) => one.customerId === id);
    if (!row || !own) throw new Problem('NOT_FOUND', { resource: 'customer' });
    return { row, addresses: addresses.filter((one) => one.customerId === id), belongings: own };
  };
}

/** Tags go by their ids: two tags are one exactly when their ids are. */
const mergeCustomerOf = ({ row, addresses, belongings }: Side): MergeCustomer => ({
  ...row,
  tags: belongings.tags.map((tag) => tag.id),
  groupIds: belongings.groups.map((group) => group.id),
  addresses,
});

async function lockPair(tx: Tx, intoId: string, fromId: string): Promise<{ into: Side; from: Side }> {
  const rows = await lockCustomers(tx, [...new Set([intoId, fromId])]);
  if (!rows.some((row) => row.id === intoId)) throw new Problem('NOT_FOUND', { resource: 'customer' });
  if (!rows.some((row) => row.id === fromId)) throw new Problem('REFERENCE_UNKNOWN', { reference: '/from' });
  const side = await sidesOf(tx, rows);
  return { into: side(intoId), from: side(fromId) };
}

const byName = <Item>(items: Item[], keyOf: (item: Item) => string): Item[] =>
  items.sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));

/** The answer: the survivor as it will be, or has become. */
function outcomeOf(store: Store, into: Side, from: Side, plan: MergePlan, balances: LockedBalances) {
  const { tags, groupIds, addresses, counters, fields, moved } = plan;
  const { birthdayMonth: month, birthdayDay: day, birthdayYear: year } = fields;
  const named = new Map(
    [...into.belongings.groups, ...from.belongings.groups].map((group) => [group.id, group]),
  );
  const names = new Map([...into.belongings.tags, ...from.belongings.tags].map((tag) => [tag.id, tag.name]));
  const moves = new Set(addresses.moveIds);
  const money = (amount: number) => ({ amount, currency: store.currency });
  return {
    intoId: into.row.id,
    fromId: from.row.id,
    blockers: plan.blockers,
    accountFrom: plan.accountFrom,
    differing: differingFields(into.row, from.row),
    survivor: {
      ...fields,
      ...(month !== null &&
        day !== null && { birthday: year === null ? { month, day } : { month, day, year } }),
      custom: plan.custom,
      accountStatus: plan.accountStatus,
      source: plan.source,
      createdAt: plan.createdAt,
      registeredAt: plan.registeredAt,
      tags: byName(
        tags.flatMap((id) => names.get(id) ?? []),
        tagKey,
      ),
      groups: byName(
        groupIds.flatMap((id) => named.get(id) ?? []),
        (group) => groupKey(group.name),
      ),
      addresses: [...into.addresses, ...from.addresses.filter((address) => moves.has(address.id))].map(
        (address) => ({
          ...address,
          isDefault: address.id === addresses.defaultId,
          isDefaultBilling: address.id === addresses.defaultBillingId,
        }),
      ),
      ...counters,
      totalSpent: money(counters.totalSpent),
      refundedTotal: money(counters.refundedTotal),
    },
    moves: {
      orders: from.belongings.ordersCount,
      notes: from.belongings.notesCount,
      tasks: from.belongings.tasksCount,
      addresses: addresses.moveIds.length,
      duplicateAddresses: addresses.duplicateIds.length,
      tags: moved.tagsAdded.length,
      groups: moved.groupIdsAdded.length,
    },
    balances: previewBalances(balances),
  };
}

/** The marks of a customer's addresses, and the copies of the default one. */
async function setDefaults(
  tx: Tx,
  customerId: string,
  { defaultId, defaultBillingId }: AddressDefaults,
): Promise<void> {
  if (defaultId !== null) await setDefaultAddress(tx, customerId, defaultId);
  else await copyDefaultAddresses(tx, [customerId]);
  await setDefaultBilling(tx, customerId, defaultBillingId);
}

/**
 * The account that survives keeps its password and its identities; whoever was logged in to the other is not any more.
 * Links that were mailed to the merged customer open nothing: an invitation that survives has to be sent again.
 */
async function closeMerged(
  ctx: Ctx,
  tx: Tx,
  { intoId, fromId }: { intoId: string; fromId: string },
  accountFrom: MergeSide,
): Promise<void> {
  const closed = accountFrom === 'from' ? [fromId, intoId] : [fromId];
  await closeAccounts(ctx, tx, closed, 'customer_gone');
  if (accountFrom === 'from') await swapAccounts(tx, { one: intoId, other: fromId });
}

/** What closeMerged did, backwards. */
async function reopenMerged(
  ctx: Ctx,
  tx: Tx,
  { intoId, fromId }: { intoId: string; fromId: string },
  accountFrom: MergeSide,
): Promise<void> {
  if (accountFrom !== 'from') return;
  await closeAccounts(ctx, tx, [intoId], 'customer_gone');
  await swapAccounts(tx, { one: intoId, other: fromId });
}

/** Of two limits of mails the one that lets fewer through; null is none. */
const strictest = (one: number | null, other: number | null): number | null =>
  one === null || other === null ? (one ?? other) : Math.min(one, other);

async function applyMerge(
  ctx: Ctx,
  tx: Tx,
  store: Store,
  into: Side,
  from: Side,
  plan: MergePlan,
  locked: LockedBalances,
): Promise<string> {
  const [mergeId, intoId, fromId, now] = [ctx.newId(), into.row.id, from.row.id, ctx.now];
  const { fields, custom, accountStatus, source, createdAt, registeredAt } = plan;
  const balances = await moveBalances(ctx, tx, { mergeId, intoId, fromId }, locked);
  const moved = { ...plan.moved, balances };
  // First of all the old row gives up its email and externalId, which the survivor may take over.
  await updateCustomer(tx, fromId, {
    accountStatus: 'merged',
    mergedIntoId: intoId,
    version: from.row.version + 1,
    updatedAt: now,
  });
  await insertMerge(tx, { id: mergeId, intoId, fromId, moved, mergedAt: now });
  await moveBelongings(tx, { mergeId, fromId, intoId, now });
  await mergeReferrals(ctx, tx, { fromId, intoId });
  await mergeMembers(ctx, tx, { fromId, intoId });
  await moveAddresses(tx, { ids: plan.addresses.moveIds, fromId, toId: intoId });
  await updateCustomer(tx, intoId, {
    ...fields,
    ...derivedColumns(fields),
    custom,
    accountStatus,
    source,
    createdAt,
    registeredAt,
    contactLimit: strictest(into.row.contactLimit, from.row.contactLimit),
    version: into.row.version + 1,
    updatedAt: now,
  });
  await closeMerged(ctx, tx, { intoId, fromId }, plan.accountFrom);
  await recountOrders(tx, [intoId, fromId], store.currency);
  await setDefaults(tx, intoId, plan.addresses);
  await copyDefaultAddresses(tx, [fromId]);
  await copyAcceptance(tx, { ids: [intoId], now });
  return mergeId;
}

/**
 * Merges `from` into the customer, or with `dryRun` says what would become of them. Both rows are locked in id order.
 * @throws Problem NOT_FOUND, REFERENCE_UNKNOWN, MERGE_BLOCKED
 */
export function mergeCustomers(ctx: Ctx, intoId: string, input: MergeInput) {
  return write(ctx, async (tx) => {
    const { into, from } = await lockPair(tx, intoId, input.from);
    const store = await storeOf({ ...ctx, db: tx });
    const balances = await lockBalances(ctx, tx, { intoId, fromId: input.from });
    const planned = planMerge({
      into: mergeCustomerOf(into),
      from: mergeCustomerOf(from),
      choose: choiceOf(input.choose ?? {}),
    });
    const blockers = [...planned.blockers, ...blockersOfBalances(balances.into, balances.from, balances.at)];
    const plan = { ...planned, blockers };
    const outcome = outcomeOf(store, into, from, plan, balances);
    if (input.dryRun) return { dryRun: true, ...outcome };
    accepted(checkMerge(plan));
    const mergeId = await applyMerge(ctx, tx, store, into, from, plan, balances);
    const changes = Object.fromEntries(
      Object.entries(plan.moved.fields).filter(([column]) => !HIDDEN.has(column)),
    );
    await tell(
      ctx,
      tx,
      {
        kind: 'customer.merged',
        customerId: intoId,
        subjectId: from.row.id,
        data: { mergeId, fromId: from.row.id, moves: outcome.moves, balances: outcome.balances, changes },
      },
      { kind: 'customer.merged', customerId: from.row.id, subjectId: intoId, data: { mergeId, intoId } },
    );
    return { dryRun: false, mergeId, undoableUntil: undoableUntil(ctx.now), ...outcome };
  });
}

/** Columns that follow from others; the timeline leaves them out. */
const HIDDEN = new Set(['emailNorm', 'emailKey']);

/** The merge and both locked rows, in a state that allows the way back. */
async function lockMerged(
  ctx: Ctx,
  tx: Tx,
  fromId: string,
): Promise<{ merge: MergeRow; into: Side; from: Side; balances: ReturnableBalances }> {
  const standing = await findStanding(tx, fromId);
  if (!standing) throw new Problem('NOT_FOUND', { resource: 'customer' });
  if (standing.accountStatus === 'erased') throw new Problem('CUSTOMER_GONE', { accountStatus: 'erased' });
  if (!standing.mergedIntoId) throw new Problem('NOT_MERGED', { accountStatus: standing.accountStatus });
  const { into, from } = await lockPair(tx, standing.mergedIntoId, fromId);
  const merge = await findOpenMerge(tx, fromId);
  if (!merge || from.row.accountStatus !== 'merged')
    throw new Problem('NOT_MERGED', { accountStatus: from.row.accountStatus });
  if (merge.intoId !== into.row.id) throw new Problem('CONFLICT');
  if (into.row.accountStatus === 'merged') {
    throw new Problem('CUSTOMER_GONE', {
      accountStatus: 'merged',
      mergedIntoId: await findSurvivorId(tx, into.row.id),
    });
  }
  const { intoId, mergedAt } = merge;
  const balances = await lockMovedBalances(ctx, tx, { intoId, fromId, moved: merge.moved.balances ?? [] });
  const { spentLotsCount } = balances;
  accepted(checkUnmerge({ mergedAt, intoStatus: into.row.accountStatus, spentLotsCount }, ctx.now));
  return { merge, into, from, balances };
}

/** The agent whom the survivor had before may have been deleted since. */
async function dropMissingAgent(tx: Tx, fields: UnmergePlan['fields']): Promise<void> {
  if (fields.salesAgentId && !(await findAgent(tx, fields.salesAgentId))) fields.salesAgentId = null;
}

/** C1: the address or externalId may belong to somebody else by now; the unique indexes are the last word. */
async function refuseTakenMeanwhile(
  tx: Tx,
  from: CustomerRow,
  into: CustomerRow,
  plan: UnmergePlan,
): Promise<void> {
  const after = { ...into, ...plan.fields };
  const others = await findByIdentity(tx, { emailNorm: from.emailNorm, externalId: from.externalId });
  for (const other of others.map((one) => (one.id === into.id ? after : one))) {
    if (from.emailNorm && other.emailNorm === from.emailNorm)
      throw new Problem('EMAIL_TAKEN', { customerId: other.id });
    if (from.externalId && other.externalId === from.externalId)
      throw new Problem('EXTERNAL_ID_TAKEN', { customerId: other.id });
  }
}

async function applyUnmerge(
  ctx: Ctx,
  tx: Tx,
  store: Store,
  merge: MergeRow,
  into: Side,
  from: Side,
  plan: UnmergePlan,
  balances: ReturnableBalances,
): Promise<void> {
  const [intoId, fromId, now] = [into.row.id, from.row.id, ctx.now];
  await returnBalances(ctx, tx, { mergeId: merge.id, intoId, fromId }, balances);
  const { fields, custom, intoStatus, fromStatus, source, createdAt, registeredAt } = plan;
  await updateCustomer(tx, intoId, {
    ...fields,
    ...derivedColumns({ ...into.row, ...fields }),
    custom,
    accountStatus: intoStatus,
    source,
    createdAt,
    registeredAt,
    version: into.row.version + 1,
    updatedAt: now,
  });
  await updateCustomer(tx, fromId, {
    accountStatus: fromStatus,
    acceptsMarketing: plan.fromAcceptsMarketing ?? from.row.acceptsMarketing,
    mergedIntoId: null,
    version: from.row.version + 1,
    updatedAt: now,
  });
  await returnBelongings(tx, { mergeId: merge.id, fromId, intoId, now });
  await unmergeMembers(ctx, tx, { fromId, intoId, mergedAt: merge.mergedAt });
  await reopenMerged(ctx, tx, { intoId, fromId }, merge.moved.accountFrom);
  await deleteCustomerTags(tx, { customerId: intoId, tagIds: plan.removeTags });
  await deleteMemberships(tx, { customerId: intoId, groupIds: plan.removeGroupIds });
  await moveAddresses(tx, { ids: plan.addressIds, fromId: intoId, toId: fromId });
  await setDefaults(tx, intoId, plan.intoDefaults);
  await setDefaults(tx, fromId, plan.fromDefaults);
  await recountOrders(tx, [intoId, fromId], store.currency);
  await copyAcceptance(tx, { ids: [intoId, fromId], now });
  await closeMerge(tx, merge.id, now);
}

/** Both customers, and the fields that stayed because they were edited since the merge. */
export interface Unmerged {
  customer: Customer;
  survivor: Customer;
  keptEdits: string[];
}

/**
 * Takes the merge of a merged customer back. What was edited since, and orders placed since, stay with the survivor.
 * @throws Problem NOT_FOUND, NOT_MERGED, UNMERGE_TOO_LATE, UNMERGE_LOTS_SPENT, CUSTOMER_GONE, EMAIL_TAKEN, EXTERNAL_ID_TAKEN
 */
export function unmergeCustomer(ctx: Ctx, fromId: string): Promise<Unmerged> {
  return write(ctx, async (tx) => {
    const { merge, into, from, balances } = await lockMerged(ctx, tx, fromId);
    const store = await storeOf({ ...ctx, db: tx });
    const plan = planUnmerge(merge.moved, mergeCustomerOf(into), from.addresses);
    await dropMissingAgent(tx, plan.fields);
    await refuseTakenMeanwhile(tx, from.row, into.row, plan);
    await applyUnmerge(ctx, tx, store, merge, into, from, plan, balances);
    const keptEdits = plan.keptEdits.filter((column) => !HIDDEN.has(column));
    const data = { mergeId: merge.id, keptEdits };
    await tell(
      ctx,
      tx,
      { kind: 'customer.unmerged', customerId: into.row.id, subjectId: fromId, data },
      { kind: 'customer.unmerged', customerId: fromId, subjectId: into.row.id, data },
    );
    return { customer: await readBack(tx, fromId), survivor: await readBack(tx, into.row.id), keptEdits };
  });
}
