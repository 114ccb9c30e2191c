// Groups: static sets of customers, many per customer, one of them primary.
import { caseKey, MAX_TEXT_LENGTH, readText } from './fields.ts';

/** Exist in a new store. */
export const PRESET_GROUPS = ['Standard', 'Business'] as const;
export const MAX_GROUP_NAME_LENGTH = MAX_TEXT_LENGTH;

/** What names a group and so holds its deletion back. */
export type GroupUse = { kind: 'offer' | 'price_rule' | 'segment' | 'campaign'; id: string; name: string };

/** Names with the same key are taken (unique without case). */
export function groupKey(name: string): string {
  return caseKey(name);
}

/** The name as stored (spaces collapsed, NFC, 1–255 characters), or why not. */
export function readGroupName(input: string): { name: string } | { refused: 'GROUP_NAME_INVALID' } {
  const name = readText(input, MAX_GROUP_NAME_LENGTH);
  return name === undefined ? { refused: 'GROUP_NAME_INVALID' } : { name };
}

/** The primary group must be one of the customer's groups; none is always fine. undefined = allowed. */
export function checkPrimaryGroup(
  primaryGroupId: string | null,
  groupIds: readonly string[],
): { refused: 'PRIMARY_GROUP_NOT_MEMBER'; primaryGroupId: string } | undefined {
  if (primaryGroupId === null || groupIds.includes(primaryGroupId)) return undefined;
  return { refused: 'PRIMARY_GROUP_NOT_MEMBER', primaryGroupId };
}

/**
 * Adds and removes memberships, idempotent like tags. Leaving the primary group leaves the customer without one:
 * choosing another is a decision about prices, so nobody's code makes it.
 */
export function planMembership(
  current: { groupIds: readonly string[]; primaryGroupId: string | null },
  change: { add?: readonly string[]; remove?: readonly string[] },
): { added: string[]; removed: string[]; unchanged: string[]; primaryGroupId: string | null } {
  const had = new Set(current.groupIds);
  const add = new Set(change.add);
  const remove = new Set([...(change.remove ?? [])].filter((id) => !add.has(id)));
  const removed = [...remove].filter((id) => had.has(id));
  return {
    added: [...add].filter((id) => !had.has(id)),
    removed,
    unchanged: [...[...add].filter((id) => had.has(id)), ...[...remove].filter((id) => !had.has(id))],
    primaryGroupId: removed.some((id) => id === current.primaryGroupId) ? null : current.primaryGroupId,
  };
}

/** Deleting a group unassigns its members, unless something still names it. undefined = allowed. */
export function checkGroupDelete(
  usedBy: readonly GroupUse[],
): { refused: 'GROUP_IN_USE'; usedBy: readonly GroupUse[] } | undefined {
  return usedBy.length > 0 ? { refused: 'GROUP_IN_USE', usedBy } : undefined;
}
