// Taking a merge back within 30 days (C10): what returns to either customer, what stays because it changed since.
import type { AccountStatus } from './account-states.ts';
import { type AddressUse, chooseDefault } from './addresses.ts';
import type { Source } from './customers.ts';
import { daysAfter } from './days.ts';
import { sameValue } from './fields.ts';
import { type AddressDefaults, defaultsOf, type MergeColumns, type MovedRecord } from './merge.ts';
import { tagKey } from './tags.ts';

export const UNMERGE_DAYS = 30;

type CurrentAddress = AddressUse & { isDefault: boolean; isDefaultBilling: boolean };

/** The survivor as it is now. */
export type UnmergeCustomer = Partial<MergeColumns> & {
  accountStatus: AccountStatus;
  custom: Readonly<Record<string, unknown>>;
  tags: readonly string[];
  groupIds: readonly string[];
  addresses: readonly CurrentAddress[];
};

export type UnmergePlan = {
  /** Columns of the survivor to write back, and those that were edited since the merge and stay. */
  fields: Partial<MergeColumns>;
  custom: Record<string, unknown>;
  keptEdits: string[];
  intoStatus: AccountStatus;
  fromStatus: AccountStatus;
  /** Whether the other customer accepts marketing; undefined = as before the merge. */
  fromAcceptsMarketing: boolean | undefined;
  source: Source;
  createdAt: Date;
  registeredAt: Date | null;
  removeTags: string[];
  removeGroupIds: string[];
  /** Go back to the other customer; addresses deleted since are not among them. */
  addressIds: string[];
  intoDefaults: AddressDefaults;
  fromDefaults: AddressDefaults;
};

/** The last moment at which a merge can be taken back. */
export const undoableUntil = (mergedAt: Date): Date => daysAfter(mergedAt, UNMERGE_DAYS);

/** C10: not after 30 days, not when moved credit or points were spent, not when the survivor is gone itself. */
export function checkUnmerge(
  merge: { mergedAt: Date; intoStatus: AccountStatus; spentLotsCount: number },
  at: Date,
):
  | { refused: 'UNMERGE_TOO_LATE'; mergedAt: Date; until: Date }
  | { refused: 'UNMERGE_LOTS_SPENT'; spentLotsCount: number }
  | { refused: 'CUSTOMER_GONE'; accountStatus: AccountStatus }
  | undefined {
  const { mergedAt, intoStatus, spentLotsCount } = merge;
  if (intoStatus === 'merged' || intoStatus === 'erased') {
    return { refused: 'CUSTOMER_GONE', accountStatus: intoStatus };
  }
  const until = undoableUntil(mergedAt);
  if (at > until) return { refused: 'UNMERGE_TOO_LATE', mergedAt, until };
  return spentLotsCount > 0 ? { refused: 'UNMERGE_LOTS_SPENT', spentLotsCount } : undefined;
}

/**
 * C10: puts back what `planMerge` recorded. A value that was edited after the merge is newer than either customer
 * and stays with the survivor. Counters are not subtracted: count both from their orders once these moved back (C7),
 * orders placed since stay with the survivor. `fromAddresses` are those that never left the merged customer.
 */
export function planUnmerge(
  moved: MovedRecord,
  into: UnmergeCustomer,
  fromAddresses: readonly CurrentAddress[] = [],
): UnmergePlan {
  const columns = Object.entries(moved.fields);
  const custom = Object.entries(moved.custom);
  const untouched = columns.filter(([column, [, after]]) => sameValue(current(into, column), after));
  const untouchedCustom = custom.filter(([key, [, after]]) => sameValue(into.custom[key], after));
  const fields: Partial<MergeColumns> = Object.fromEntries(
    untouched.map(([column, [before]]) => [column, before]),
  );
  // Left since, or the group is gone: the main group has to be one of the groups.
  if (fields.primaryGroupId && !into.groupIds.includes(fields.primaryGroupId)) fields.primaryGroupId = null;
  const primaryGroupId = fields.primaryGroupId === undefined ? into.primaryGroupId : fields.primaryGroupId;
  const back = new Set(moved.addressIds);
  const [returning, staying] = [
    into.addresses.filter((address) => back.has(address.id)),
    into.addresses.filter((address) => !back.has(address.id)),
  ];
  return {
    fields,
    custom: restoreCustom(into.custom, untouchedCustom),
    keptEdits: [
      ...columns.filter((entry) => !untouched.includes(entry)).map(([column]) => column),
      ...custom.filter((entry) => !untouchedCustom.includes(entry)).map(([key]) => `custom.${key}`),
    ],
    ...restoreStatuses(moved, into.accountStatus),
    fromAcceptsMarketing: consentOfReturned(moved, into),
    source: moved.origin.source,
    createdAt: new Date(moved.origin.createdAt),
    registeredAt: moved.origin.registeredAt === null ? null : new Date(moved.origin.registeredAt),
    removeTags: intersectTags(into.tags, moved.tagsAdded),
    // A group of the other side that was made the primary one since is an edit, too.
    removeGroupIds: moved.groupIdsAdded.filter((id) => into.groupIds.includes(id) && id !== primaryGroupId),
    addressIds: returning.map((address) => address.id),
    intoDefaults: restoreDefaults(
      staying,
      moved.intoDefaults,
      defaultsSetSince(into.addresses, moved.mergedDefaults),
    ),
    fromDefaults: restoreDefaults([...fromAddresses, ...returning], moved.fromDefaults),
  };
}

function current(into: UnmergeCustomer, column: string): unknown {
  return new Map<string, unknown>(Object.entries(into)).get(column);
}

function restoreCustom(
  now: Readonly<Record<string, unknown>>,
  untouched: readonly [string, [before: unknown, after: unknown]][],
): Record<string, unknown> {
  const values = new Map(Object.entries(now));
  for (const [key, [before]] of untouched) {
    if (before === null) values.delete(key);
    else values.set(key, before);
  }
  return Object.fromEntries(values);
}

/** An account that came from the other side goes back in the state it has now: disabled since means disabled. */
function restoreStatuses(
  moved: MovedRecord,
  now: AccountStatus,
): { intoStatus: AccountStatus; fromStatus: AccountStatus } {
  const [before] = moved.intoStatus;
  if (moved.accountFrom === 'from') return { intoStatus: before, fromStatus: now };
  return { intoStatus: now, fromStatus: moved.fromStatus };
}

/** Consent given or withdrawn since the merge goes back with the address that it was for. */
function consentOfReturned(moved: MovedRecord, into: UnmergeCustomer): boolean | undefined {
  const brought = moved.fields.emailNorm?.[1];
  return brought && into.emailNorm === brought ? into.acceptsMarketing : undefined;
}

function intersectTags(tags: readonly string[], added: readonly string[]): string[] {
  const keys = new Set(added.map(tagKey));
  return tags.filter((tag) => keys.has(tagKey(tag)));
}

/** A mark that was set since the merge stays; any other one goes back to where it was, and A1 has the last word. */
function restoreDefaults(
  addresses: readonly CurrentAddress[],
  before: AddressDefaults,
  since: AddressDefaults = NO_DEFAULTS,
): AddressDefaults {
  const here = (id: string | null) => addresses.find((address) => address.id === id)?.id ?? null;
  return {
    defaultId: here(since.defaultId) ?? here(before.defaultId) ?? chooseDefault(addresses)?.id ?? null,
    defaultBillingId: here(since.defaultBillingId) ?? here(before.defaultBillingId),
  };
}

const NO_DEFAULTS: AddressDefaults = { defaultId: null, defaultBillingId: null };

/** The marks that are not the merge's own. */
function defaultsSetSince(addresses: readonly CurrentAddress[], merged: AddressDefaults): AddressDefaults {
  const now = defaultsOf(addresses);
  return {
    defaultId: now.defaultId === merged.defaultId ? null : now.defaultId,
    defaultBillingId: now.defaultBillingId === merged.defaultBillingId ? null : now.defaultBillingId,
  };
}
