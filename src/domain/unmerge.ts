// Taking a merge back within 30 days (C10): what returns to either customer, what stays because it changed since.
import type { AccountStatus } from './account-states.ts';
import { type AddressUse, chooseDefault } from './addresses.ts';
import type { Source } from './customers.ts';
import { sameValue } from './fields.ts';
import type { AddressDefaults, MergeColumns, MovedRecord } from './merge.ts';
import { tagKey } from './tags.ts';

export const UNMERGE_DAYS = 30;
const UNMERGE_MS = UNMERGE_DAYS * 24 * 60 * 60 * 1000;

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
  const until = new Date(mergedAt.getTime() + UNMERGE_MS);
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
    source: moved.origin.source,
    createdAt: new Date(moved.origin.createdAt),
    registeredAt: moved.origin.registeredAt === null ? null : new Date(moved.origin.registeredAt),
    removeTags: intersectTags(into.tags, moved.tagsAdded),
    // A group of the other side that was made the primary one since is an edit, too.
    removeGroupIds: moved.groupIdsAdded.filter((id) => into.groupIds.includes(id) && id !== primaryGroupId),
    addressIds: returning.map((address) => address.id),
    intoDefaults: restoreDefaults(staying, moved.intoDefaults),
    fromDefaults: restoreDefaults([...fromAddresses, ...returning], moved.fromDefaults, {
      ignoreMarks: true,
    }),
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

function intersectTags(tags: readonly string[], added: readonly string[]): string[] {
  const keys = new Set(added.map(tagKey));
  return tags.filter((tag) => keys.has(tagKey(tag)));
}

/** The default of now while it stays, else the one before the merge, else by A3. */
function restoreDefaults(
  addresses: readonly CurrentAddress[],
  before: AddressDefaults,
  options = { ignoreMarks: false },
): AddressDefaults {
  const here = (id: string | null) => addresses.find((address) => address.id === id)?.id ?? null;
  const marked = options.ignoreMarks ? [] : addresses;
  return {
    defaultId:
      marked.find((address) => address.isDefault)?.id ??
      here(before.defaultId) ??
      chooseDefault(addresses)?.id ??
      null,
    defaultBillingId: marked.find((address) => address.isDefaultBilling)?.id ?? here(before.defaultBillingId),
  };
}
