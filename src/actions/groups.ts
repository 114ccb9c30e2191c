// Static groups: create, change, delete, and who is in them.
import type { Ctx } from '../context.ts';
import { listCampaignsNaming } from '../db/campaigns.ts';
import type { Tx } from '../db/connection.ts';
import { type CustomerRow, lockCustomers, touchCustomers, updateCustomer } from '../db/customers.ts';
import {
  clearPrimary,
  countMembers,
  deleteMembers,
  deleteMemberships,
  deleteGroup as deleteRow,
  findGroupByKey,
  findGroupSummary,
  type GroupRow,
  type GroupSummary,
  holdGroups,
  insertGroups,
  insertMembers,
  insertMemberships,
  listGroupsOf,
  lockGroup,
  lockMembers,
  updateGroup as updateRow,
} from '../db/groups.ts';
import { changedFields } from '../domain/customers.ts';
import {
  checkGroupDelete,
  checkPrimaryGroup,
  type GroupUse,
  groupKey,
  planMembership,
  readGroupName,
} from '../domain/groups.ts';
import { accepted, Problem } from '../errors.ts';
import { lockPresent, sourceOf } from './customers.ts';
import { type Job, type Slice, startJob, toJob } from './jobs.ts';
import { emptyLabel, type LabelTables, touchCarriers } from './label-changes.ts';
import { listLabelUses, renameInSegments } from './segment-references.ts';
import { type Happening, tell } from './timeline.ts';
import { write } from './write.ts';

export interface GroupInput {
  name: string;
  description?: string | null;
}

async function refuseTaken(tx: Tx, nameKey: string, ownId?: string): Promise<void> {
  const other = await findGroupByKey(tx, nameKey);
  if (other && other.id !== ownId) throw new Problem('GROUP_NAME_TAKEN', { groupId: other.id });
}

async function readGroup(tx: Tx, id: string): Promise<GroupSummary> {
  const group = await findGroupSummary(tx, id);
  if (!group) throw new Problem('NOT_FOUND', { resource: 'group' });
  return group;
}

/**
 * Adds a group without members.
 * @throws Problem GROUP_NAME_INVALID, GROUP_NAME_TAKEN
 */
export function createGroup(ctx: Ctx, input: GroupInput): Promise<GroupSummary> {
  return write(ctx, async (tx) => {
    const { name } = accepted(readGroupName(input.name));
    const nameKey = groupKey(name);
    await refuseTaken(tx, nameKey);
    const id = ctx.newId();
    const { description = null } = input;
    await insertGroups(tx, [{ id, name, nameKey, description, createdAt: ctx.now, updatedAt: ctx.now }]);
    await tell(ctx, tx, { kind: 'group.created', customerId: null, subjectId: id, data: { name } });
    return readGroup(tx, id);
  });
}

async function lockKnown(tx: Tx, id: string): Promise<GroupRow> {
  const group = await lockGroup(tx, id);
  if (!group) throw new Problem('NOT_FOUND', { resource: 'group' });
  return group;
}

/** The parameters of a job of kind `group-change`; names as they were when it was asked for. */
type GroupChangeJob =
  | { change: 'rename'; groupId: string; from: string; to: string }
  | { change: 'delete'; groupId: string; from: string };

async function startGroupChange(ctx: Ctx, tx: Tx, params: GroupChangeJob): Promise<Job> {
  const total = await countMembers(tx, params.groupId);
  return toJob(await startJob(ctx, tx, { kind: 'group-change', params, total }), ctx.now);
}

async function rename(ctx: Ctx, tx: Tx, group: GroupRow, input: string): Promise<Partial<GroupRow>> {
  const { name } = accepted(readGroupName(input));
  if (name === group.name) return {};
  const nameKey = groupKey(name);
  await refuseTaken(tx, nameKey, group.id);
  await renameInSegments(ctx, tx, 'groups', { from: group.nameKey, to: name });
  await startGroupChange(ctx, tx, { change: 'rename', groupId: group.id, from: group.name, to: name });
  return { name, nameKey };
}

/**
 * Merge-patch of a group. A new name is there at once; a job then gives the members their next version.
 * @throws Problem NOT_FOUND, GROUP_NAME_INVALID, GROUP_NAME_TAKEN, SEGMENT_TOO_LARGE
 */
export function updateGroup(ctx: Ctx, id: string, input: Partial<GroupInput>): Promise<GroupSummary> {
  return write(ctx, async (tx) => {
    const group = await lockKnown(tx, id);
    const columns: Partial<GroupRow> = {
      ...(input.name !== undefined && (await rename(ctx, tx, group, input.name))),
      ...(input.description !== undefined && { description: input.description }),
    };
    const changes = changedFields(group, columns, ['name', 'description']);
    if (Object.keys(changes).length > 0) {
      await updateRow(tx, id, { ...columns, updatedAt: ctx.now });
      await tell(ctx, tx, { kind: 'group.updated', customerId: null, subjectId: id, data: { changes } });
    }
    return readGroup(tx, id);
  });
}

/** What names the group and so keeps it; areas that refer to groups add their reads here. */
async function listUses(tx: Tx, { id, name }: { id: string; name: string }): Promise<GroupUse[]> {
  const campaigns = await listCampaignsNaming(tx, { member: 'groupIds', id });
  const uses = campaigns.map((campaign): GroupUse => ({ kind: 'campaign', ...campaign }));
  return [...(await listLabelUses(tx, 'groups', groupKey(name))), ...uses];
}

/**
 * Starts a job that takes every member out of the group and then deletes it, unless something names the group.
 * @throws Problem NOT_FOUND, GROUP_IN_USE
 */
export function deleteGroup(ctx: Ctx, id: string): Promise<Job> {
  return write(ctx, async (tx) => {
    const [group] = await holdGroups(tx, [id]);
    if (!group) throw new Problem('NOT_FOUND', { resource: 'group' });
    accepted(checkGroupDelete(await listUses(tx, group)));
    return startGroupChange(ctx, tx, { change: 'delete', groupId: id, from: group.name });
  });
}

/** Leaving the primary group leaves the customer without one, which is a change of its own (C9). */
async function leavePrimary(ctx: Ctx, tx: Tx, groupId: string, customerIds: string[]): Promise<void> {
  const left = await clearPrimary(tx, { groupId, customerIds });
  const changes = { primaryGroupId: [groupId, null] };
  await tell(
    ctx,
    tx,
    ...left.map(({ customerId }): Happening => ({ kind: 'customer.updated', customerId, data: { changes } })),
  );
}

const tablesFor = (ctx: Ctx, name: string): LabelTables => ({
  lockCarriers: lockMembers,
  lockLabel: lockGroup,
  countCarriers: countMembers,
  deleteLabel: async (tx, id) => {
    const [group] = await holdGroups(tx, [id]);
    accepted(checkGroupDelete(await listUses(tx, { id, name: group?.name ?? name })));
    await deleteRow(tx, id);
    await tell(ctx, tx, { kind: 'group.deleted', customerId: null, subjectId: id, data: { name } });
  },
});

/** The next members of a renamed or deleted group; the last slice of a delete deletes the group. */
export const groupChangeSlice: Slice = async (ctx, tx, job) => {
  const params = job.params as GroupChangeJob;
  const { groupId, from } = params;
  const tables = { ...tablesFor(ctx, from), id: groupId };
  if (params.change === 'rename') {
    const told = {
      kind: 'group.updated',
      subjectId: groupId,
      data: { changes: { name: [from, params.to] } },
    } as const;
    return touchCarriers(ctx, tx, job, { ...tables, told });
  }
  return emptyLabel(ctx, tx, {
    ...tables,
    told: { kind: 'group.left', subjectId: groupId, data: { name: from } },
    unassign: async (customerIds) => {
      await deleteMembers(tx, { groupId, customerIds });
      await leavePrimary(ctx, tx, groupId, customerIds);
    },
  });
};

/** What a change of members did: counts, and the ids that are no present customers of the store. */
export interface MembersChanged {
  added: number;
  removed: number;
  unchanged: number;
  unknown: number;
  unknownIds: string[];
}

type MembersChange = (group: GroupRow, customerIds: string[]) => Promise<string[]>;

/** Locks group and customers, lets `change` work on those who are present, and counts. */
async function changeMembers(
  tx: Tx,
  groupId: string,
  given: readonly string[],
  change: MembersChange,
): Promise<{ changed: number; unchanged: number; unknownIds: string[] }> {
  const [group] = await holdGroups(tx, [groupId]);
  if (!group) throw new Problem('NOT_FOUND', { resource: 'group' });
  // A UUID may be written in capitals too; ours never are.
  const ids = [...new Set(given.map((id) => id.toLowerCase()))];
  const rows = await lockCustomers(tx, ids);
  const present = new Set(
    rows
      .filter((row) => row.accountStatus !== 'merged' && row.accountStatus !== 'erased')
      .map((row) => row.id),
  );
  const { length: changed } = await change(group, [...present]);
  return { changed, unchanged: present.size - changed, unknownIds: ids.filter((id) => !present.has(id)) };
}

/**
 * Puts customers into a group; those who are in it stay as they are.
 * @throws Problem NOT_FOUND
 */
export function addGroupMembers(
  ctx: Ctx,
  groupId: string,
  input: { customerIds: readonly string[] },
): Promise<MembersChanged> {
  return write(ctx, async (tx) => {
    const { changed, unchanged, unknownIds } = await changeMembers(
      tx,
      groupId,
      input.customerIds,
      async (group, customerIds) => {
        const joined = await insertMembers(tx, { groupId, customerIds, source: sourceOf(ctx), now: ctx.now });
        return tellMembers(ctx, tx, { kind: 'group.joined', group }, joined);
      },
    );
    return { added: changed, removed: 0, unchanged, unknown: unknownIds.length, unknownIds };
  });
}

/**
 * Takes customers out of a group; those who are not in it stay as they are. Whoever's primary group it was has none.
 * @throws Problem NOT_FOUND
 */
export function removeGroupMembers(
  ctx: Ctx,
  groupId: string,
  input: { customerIds: readonly string[] },
): Promise<MembersChanged> {
  return write(ctx, async (tx) => {
    const { changed, unchanged, unknownIds } = await changeMembers(
      tx,
      groupId,
      input.customerIds,
      async (group, customerIds) => {
        const left = await deleteMembers(tx, { groupId, customerIds });
        await leavePrimary(ctx, tx, groupId, customerIds);
        return tellMembers(ctx, tx, { kind: 'group.left', group }, left);
      },
    );
    return { added: 0, removed: changed, unchanged, unknown: unknownIds.length, unknownIds };
  });
}

async function tellMembers(
  ctx: Ctx,
  tx: Tx,
  { kind, group }: { kind: 'group.joined' | 'group.left'; group: GroupRow },
  changed: readonly { customerId: string }[],
): Promise<string[]> {
  const ids = changed.map(({ customerId }) => customerId);
  await touchCustomers(tx, { ids, now: ctx.now });
  await tell(
    ctx,
    tx,
    ...ids.map((customerId) => ({ kind, customerId, subjectId: group.id, data: { name: group.name } })),
  );
  return ids;
}

/** The groups of one customer, and which of them is the primary one. */
export interface CustomerGroups {
  groups: { id: string; name: string; source: string; joinedAt: Date }[];
  primaryGroupId: string | null;
  version: number;
}

/** Groups by id, all of which must exist; they stay until this transaction ends. */
async function holdKnown(tx: Tx, ids: readonly string[]): Promise<Map<string, GroupRow>> {
  const groups = new Map((await holdGroups(tx, ids)).map((group) => [group.id, group]));
  const unknown = ids.findIndex((id) => !groups.has(id));
  if (unknown >= 0) throw new Problem('REFERENCE_UNKNOWN', { reference: `/groupIds/${unknown}` });
  return groups;
}

type GroupChange = ReturnType<typeof planMembership>;

async function applyGroups(
  ctx: Ctx,
  tx: Tx,
  row: CustomerRow,
  plan: GroupChange,
  names: ReadonlyMap<string, string>,
) {
  const { id: customerId } = row;
  await insertMemberships(tx, { customerId, groupIds: plan.added, source: sourceOf(ctx), now: ctx.now });
  await deleteMemberships(tx, { customerId, groupIds: plan.removed });
  const { primaryGroupId } = plan;
  await updateCustomer(tx, customerId, { primaryGroupId, version: row.version + 1, updatedAt: ctx.now });
  const told =
    (kind: 'group.joined' | 'group.left') =>
    (groupId: string): Happening => ({
      kind,
      customerId,
      subjectId: groupId,
      data: { name: names.get(groupId) },
    });
  await tell(ctx, tx, ...plan.added.map(told('group.joined')), ...plan.removed.map(told('group.left')));
  if (primaryGroupId === row.primaryGroupId) return;
  const changes = { primaryGroupId: [row.primaryGroupId, primaryGroupId] };
  await tell(ctx, tx, { kind: 'customer.updated', customerId, data: { changes } });
}

/**
 * Makes these the groups of the customer. Leaving the primary group leaves the customer without one, unless another
 * of the groups is named; null says there is none.
 * @throws Problem NOT_FOUND, CUSTOMER_GONE, VERSION_MISMATCH, REFERENCE_UNKNOWN, PRIMARY_GROUP_NOT_MEMBER
 */
export function setCustomerGroups(
  ctx: Ctx,
  customerId: string,
  input: { groupIds: readonly string[]; primaryGroupId?: string | null },
  ifMatch?: number,
): Promise<CustomerGroups> {
  return write(ctx, async (tx) => {
    const row = await lockPresent(tx, customerId, ifMatch);
    const current = await listGroupsOf(tx, customerId);
    const known = await holdKnown(tx, input.groupIds);
    const names = new Map([...current, ...known.values()].map((group) => [group.id, group.name]));
    const groupIds = current.map((group) => group.id);
    const plan = planMembership(
      { groupIds, primaryGroupId: row.primaryGroupId },
      { add: input.groupIds, remove: groupIds.filter((id) => !known.has(id)) },
    );
    const { primaryGroupId = plan.primaryGroupId } = input;
    accepted(checkPrimaryGroup(primaryGroupId, input.groupIds));
    const isSame = plan.added.length + plan.removed.length === 0 && primaryGroupId === row.primaryGroupId;
    if (!isSame) await applyGroups(ctx, tx, row, { ...plan, primaryGroupId }, names);
    const groups = await listGroupsOf(tx, customerId);
    return { groups, primaryGroupId, version: isSame ? row.version : row.version + 1 };
  });
}
