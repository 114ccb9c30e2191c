// Merging two customers into one (C10): what survives, what moves, what stands in the way. unmerge.ts takes it back.
import type { AccountStatus } from './account-states.ts';
import { type AddressUse, chooseDefault } from './addresses.ts';
import { checkIdentity, checkWholesale, type Gender, type Source } from './customers.ts';
import { sameValue } from './fields.ts';
import type { AccountState } from './ledger/accounts.ts';
import { liveHoldsCount, type MovedBalance, planMove } from './ledger/moves.ts';
import type { OrderCounters } from './order-counters.ts';
import { MAX_TAGS_PER_CUSTOMER, tagKey, uniteTags } from './tags.ts';

/** What can be chosen from either side, with the columns that go together. */
const FIELD_COLUMNS = {
  externalId: ['externalId'],
  // Consent is given for an address.
  email: ['email', 'emailNorm', 'emailKey', 'acceptsMarketing'],
  phone: ['phone'],
  firstName: ['firstName'],
  lastName: ['lastName'],
  company: ['company'],
  salesAgentId: ['salesAgentId'],
  birthday: ['birthdayMonth', 'birthdayDay', 'birthdayYear'],
  gender: ['gender'],
  language: ['language'],
  timezone: ['timezone'],
  wholesale: ['wholesale'],
  primaryGroupId: ['primaryGroupId'],
} as const;

/** What moves from one customer to the other by its id. */
export type MergeItemKind = 'order' | 'note' | 'task' | 'tag' | 'group';

export type MergeField = keyof typeof FIELD_COLUMNS;
export const MERGE_FIELDS = [
  'externalId',
  'email',
  'phone',
  'firstName',
  'lastName',
  'company',
  'salesAgentId',
  'birthday',
  'gender',
  'language',
  'timezone',
  'wholesale',
  'primaryGroupId',
] as const satisfies readonly MergeField[];

export const MERGE_SIDES = ['into', 'from'] as const;
export type MergeSide = (typeof MERGE_SIDES)[number];
/** Whose value survives, per field; `accountStatus` also chooses the credential and a pending invitation. */
export type MergeChoice = {
  readonly [Field in MergeField | 'accountStatus' | `custom.${string}`]?: MergeSide;
};

/** The columns of a customer that one side or the other wins; rows fit. */
export type MergeColumns = {
  externalId: string | null;
  email: string | null;
  emailNorm: string | null;
  emailKey: string | null;
  acceptsMarketing: boolean;
  phone: string | null;
  firstName: string | null;
  lastName: string | null;
  company: string | null;
  salesAgentId: string | null;
  birthdayMonth: number | null;
  birthdayDay: number | null;
  birthdayYear: number | null;
  gender: Gender | null;
  language: string | null;
  timezone: string | null;
  wholesale: boolean;
  primaryGroupId: string | null;
};
export type MergeAddress = AddressUse & { contentKey: string; isDefault: boolean; isDefaultBilling: boolean };

/** One side of a merge: the customer's row with its tags (names or ids), groups and addresses. */
export type MergeCustomer = MergeColumns &
  OrderCounters & {
    id: string;
    accountStatus: AccountStatus;
    source: Source;
    createdAt: Date;
    registeredAt: Date | null;
    custom: Readonly<Record<string, unknown>>;
    tags: readonly string[];
    groupIds: readonly string[];
    addresses: readonly MergeAddress[];
  };

export type MergeBlocker = {
  code:
    | 'SAME_CUSTOMER'
    | 'ALREADY_MERGED'
    | 'ALREADY_ERASED'
    | 'DISABLED_ACCOUNT_NEEDS_CHOICE'
    | 'TOO_MANY_TAGS'
    | 'AMOUNT_TOO_LARGE'
    | 'NO_EMAIL'
    | 'WHOLESALE_REQUIRES_ACCOUNT'
    | 'CUSTOMER_NEEDS_IDENTITY'
    | 'OPEN_HOLDS';
  side?: MergeSide;
  /** Of holds: how many. */
  count?: number;
  limit?: number;
  would?: number;
  wayOut: string;
};

/** What a merge wrote over, as plain JSON: kept with the merge, so that `planUnmerge` can put it back. */
export type MovedRecord = {
  accountFrom: MergeSide;
  /** `[before, after]` of the survivor, only what changed. */
  fields: { [Name in keyof MergeColumns]?: [before: MergeColumns[Name], after: MergeColumns[Name]] };
  custom: Record<string, [before: unknown, after: unknown]>;
  intoStatus: [before: AccountStatus, after: AccountStatus];
  fromStatus: AccountStatus;
  /** The survivor's before; instants in RFC 3339. */
  origin: { source: Source; createdAt: string; registeredAt: string | null };
  tagsAdded: string[];
  groupIdsAdded: string[];
  addressIds: string[];
  intoDefaults: AddressDefaults;
  /** The survivor's after the merge. */
  mergedDefaults: AddressDefaults;
  fromDefaults: AddressDefaults;
  /** What moved in the ledger; absent in merges from before there was one. */
  balances?: MovedBalance[];
};
export type AddressDefaults = { defaultId: string | null; defaultBillingId: string | null };

export type MergePlan = {
  /** Not empty: the merge is refused, the rest is a preview. */
  blockers: MergeBlocker[];
  /** Columns of the survivor after the merge; write the sort and search columns anew with them. */
  fields: MergeColumns;
  custom: Record<string, unknown>;
  accountStatus: AccountStatus;
  /** Whose account survives: the credential, or the pending invitation. Sessions of the other end. */
  accountFrom: MergeSide;
  source: Source;
  createdAt: Date;
  registeredAt: Date | null;
  tags: string[];
  groupIds: string[];
  addresses: AddressDefaults & {
    /** Move to the survivor and lose their default marks, unless they are the new default. */
    moveIds: string[];
    /** Are there already: they stay with the merged customer, unseen. */
    duplicateIds: string[];
  };
  counters: OrderCounters;
  moved: MovedRecord;
};

/**
 * C10: what becomes of two customers when `from` goes into `into`. Every field keeps the survivor's value unless it
 * is missing there or `choose` says otherwise. The stronger account survives (active before invited before guest);
 * the email goes with it, for a credential logs in by its email. Both active: the survivor's credential stays.
 * Nothing is decided by the clock; what balances add is `blockersOfBalances`.
 */
export function planMerge(input: {
  into: MergeCustomer;
  from: MergeCustomer;
  choose?: MergeChoice;
}): MergePlan {
  const { into, from, choose = {} } = input;
  const accountFrom = choose.accountStatus ?? strongerAccount(into, from);
  const outcome = {
    fields: surviveFields(into, from, { email: emailSide(into, from, accountFrom), ...choose }),
    custom: surviveCustom(into, from, choose),
    accountStatus: (accountFrom === 'into' ? into : from).accountStatus,
    accountFrom,
    source: (from.createdAt < into.createdAt ? from : into).source,
    createdAt: earliest(into.createdAt, from.createdAt) ?? into.createdAt,
    registeredAt: earliest(into.registeredAt, from.registeredAt),
    tags: uniteTags(into.tags, from.tags),
    groupIds: [...new Set([...into.groupIds, ...from.groupIds])],
    addresses: uniteAddresses(into.addresses, from.addresses),
    counters: sumCounters(into, from),
  };
  const blockers = [...blockersOfPair(into, from, choose), ...blockersOfOutcome(into, from, outcome)];
  return { blockers, ...outcome, moved: recordMoved(into, from, outcome) };
}

/** A merge with blockers is refused, with all of them. undefined = go on. */
export function checkMerge(
  plan: Pick<MergePlan, 'blockers'>,
): { refused: 'MERGE_BLOCKED'; blockers: MergeBlocker[] } | undefined {
  return plan.blockers.length > 0 ? { refused: 'MERGE_BLOCKED', blockers: plan.blockers } : undefined;
}

/** The fields that both sides have, and differently: where `choose` matters. */
export function differingFields(into: MergeColumns, from: MergeColumns): MergeField[] {
  const isGiven = (value: unknown) => value !== null && value !== false;
  return MERGE_FIELDS.filter((field) => {
    const [column] = FIELD_COLUMNS[field];
    return isGiven(into[column]) && isGiven(from[column]) && !sameColumns(into, from, FIELD_COLUMNS[field]);
  });
}

const sameColumns = (
  one: MergeColumns,
  other: MergeColumns,
  columns: readonly (keyof MergeColumns)[],
): boolean => columns.every((column) => sameValue(one[column], other[column]));

// What survives

const ACCOUNT_STRENGTH: Readonly<Record<AccountStatus, number>> = {
  active: 4,
  disabled: 3,
  invited: 2,
  guest: 1,
  merged: 0,
  erased: 0,
};

function strongerAccount(into: MergeCustomer, from: MergeCustomer): MergeSide {
  return ACCOUNT_STRENGTH[from.accountStatus] > ACCOUNT_STRENGTH[into.accountStatus] ? 'from' : 'into';
}

function emailSide(into: MergeCustomer, from: MergeCustomer, accountFrom: MergeSide): MergeSide {
  if (accountFrom === 'from' && from.email !== null) return 'from';
  return into.email === null ? 'from' : 'into';
}

function surviveFields(into: MergeColumns, from: MergeColumns, choose: MergeChoice): MergeColumns {
  const fields: Partial<MergeColumns> = {};
  for (const field of MERGE_FIELDS) {
    const columns: readonly (keyof MergeColumns)[] = FIELD_COLUMNS[field];
    const isMissing = columns.every((column) => into[column] === null);
    const side = choose[field] ?? (isMissing ? 'from' : 'into');
    for (const column of columns) copyColumn(fields, side === 'from' ? from : into, column);
  }
  // FIELD_COLUMNS has every column once; a test counts them.
  return fields as MergeColumns;
}

function copyColumn<Name extends keyof MergeColumns>(
  to: Partial<MergeColumns>,
  source: MergeColumns,
  column: Name,
): void {
  to[column] = source[column];
}

function surviveCustom(
  into: MergeCustomer,
  from: MergeCustomer,
  choose: MergeChoice,
): Record<string, unknown> {
  const keys = new Set([...Object.keys(into.custom), ...Object.keys(from.custom)]);
  const values = [...keys].map((key) => {
    const side = choose[`custom.${key}`];
    const value =
      side === undefined ? (into.custom[key] ?? from.custom[key]) : { into, from }[side].custom[key];
    return [key, value ?? null] as const;
  });
  return Object.fromEntries(values.filter(([, value]) => value !== null));
}

/** A5: an address that is there already is not doubled. The survivor's defaults stay; without any, the other's. */
function uniteAddresses(
  kept: readonly MergeAddress[],
  coming: readonly MergeAddress[],
): MergePlan['addresses'] {
  const byKey = new Map(kept.map((address) => [address.contentKey, address.id]));
  const standsFor = new Map(kept.map((address) => [address.id, address.id]));
  const moving: MergeAddress[] = [];
  for (const address of coming) {
    const same = byKey.get(address.contentKey);
    standsFor.set(address.id, same ?? address.id);
    if (same !== undefined) continue;
    byKey.set(address.contentKey, address.id);
    moving.push(address);
  }
  const [own, theirs] = [defaultsOf(kept), defaultsOf(coming)];
  const survivor = (id: string | null) => (id === null ? null : (standsFor.get(id) ?? null));
  return {
    moveIds: moving.map((address) => address.id),
    duplicateIds: coming.filter((address) => !moving.includes(address)).map((address) => address.id),
    defaultId: own.defaultId ?? survivor(theirs.defaultId) ?? chooseDefault([...kept, ...moving])?.id ?? null,
    defaultBillingId: own.defaultBillingId ?? survivor(theirs.defaultBillingId),
  };
}

/** Which of a customer's addresses carry a mark. */
export function defaultsOf(
  addresses: readonly { id: string; isDefault: boolean; isDefaultBilling: boolean }[],
): AddressDefaults {
  return {
    defaultId: addresses.find((address) => address.isDefault)?.id ?? null,
    defaultBillingId: addresses.find((address) => address.isDefaultBilling)?.id ?? null,
  };
}

/** C7: orders move, so their counters add up. */
function sumCounters(into: OrderCounters, from: OrderCounters): OrderCounters {
  const last =
    (from.lastOrderAt?.getTime() ?? -Infinity) > (into.lastOrderAt?.getTime() ?? -Infinity) ? from : into;
  return {
    ordersCount: into.ordersCount + from.ordersCount,
    totalSpent: into.totalSpent + from.totalSpent,
    refundedTotal: into.refundedTotal + from.refundedTotal,
    firstOrderAt: earliest(into.firstOrderAt, from.firstOrderAt),
    lastOrderAt: last.lastOrderAt,
    lastOrderId: last.lastOrderId,
  };
}

function earliest(one: Date | null, other: Date | null): Date | null {
  if (one === null || other === null) return one ?? other;
  return other < one ? other : one;
}

// What stands in the way

function blockersOfPair(into: MergeCustomer, from: MergeCustomer, choose: MergeChoice): MergeBlocker[] {
  const blockers: MergeBlocker[] = [];
  if (into.id === from.id) {
    blockers.push({ code: 'SAME_CUSTOMER', wayOut: 'Name two different customers.' });
  }
  for (const side of ['into', 'from'] as const) {
    const { accountStatus } = side === 'into' ? into : from;
    if (accountStatus === 'merged') {
      blockers.push({ code: 'ALREADY_MERGED', side, wayOut: 'Use the customer it was merged into.' });
    }
    if (accountStatus === 'erased') {
      blockers.push({ code: 'ALREADY_ERASED', side, wayOut: 'Erased customers stay as they are.' });
    }
  }
  const isDisabled = [into.accountStatus === 'disabled', from.accountStatus === 'disabled'];
  if (isDisabled[0] !== isDisabled[1] && choose.accountStatus === undefined) {
    const wayOut =
      'Choose whose account survives with choose.accountStatus, or enable the disabled one first.';
    blockers.push({ code: 'DISABLED_ACCOUNT_NEEDS_CHOICE', side: isDisabled[0] ? 'into' : 'from', wayOut });
  }
  return blockers;
}

function blockersOfOutcome(
  into: MergeCustomer,
  from: MergeCustomer,
  outcome: Pick<MergePlan, 'fields' | 'tags' | 'accountStatus' | 'counters'>,
): MergeBlocker[] {
  const { fields, tags, accountStatus, counters } = outcome;
  const blockers: MergeBlocker[] = [];
  const grew = tags.length > Math.max(into.tags.length, from.tags.length);
  if (tags.length > MAX_TAGS_PER_CUSTOMER && grew) {
    const facts = { limit: MAX_TAGS_PER_CUSTOMER, would: tags.length };
    blockers.push({ code: 'TOO_MANY_TAGS', ...facts, wayOut: 'Remove tags from either customer first.' });
  }
  if (Math.max(counters.totalSpent, counters.refundedTotal) > Number.MAX_SAFE_INTEGER) {
    blockers.push({ code: 'AMOUNT_TOO_LARGE', wayOut: 'Sums of money stay below 2^53: keep the two apart.' });
  }
  if ((accountStatus === 'active' || accountStatus === 'invited') && fields.email === null) {
    blockers.push({
      code: 'NO_EMAIL',
      wayOut: 'An account needs its email: choose the email that is there.',
    });
  }
  const keptFlag = accountStatus === 'disabled';
  if (checkWholesale(fields.wholesale, { wholesale: keptFlag, accountStatus }) !== undefined) {
    const wayOut = 'Choose wholesale from the other customer, or invite the customer first.';
    blockers.push({ code: 'WHOLESALE_REQUIRES_ACCOUNT', wayOut });
  }
  if (checkIdentity(fields) !== undefined) {
    const wayOut = 'Choose an email, phone, last name or company that is there.';
    blockers.push({ code: 'CUSTOMER_NEEDS_IDENTITY', wayOut });
  }
  return blockers;
}

/**
 * What stands in the way in the ledger, over the accounts of both by unit: a checkout that still holds lots of `from`,
 * and balances that would pass 2^53.
 */
export function blockersOfBalances(
  into: ReadonlyMap<string, AccountState>,
  from: ReadonlyMap<string, AccountState>,
  at: Date,
): MergeBlocker[] {
  const blockers: MergeBlocker[] = [];
  const leaving = [...from.values()];
  const count = leaving.reduce((total, state) => total + liveHoldsCount(state, at), 0);
  if (count > 0) {
    const wayOut = 'Capture or void the open holds, or wait until their time has run out.';
    blockers.push({ code: 'OPEN_HOLDS', side: 'from', count, wayOut });
  }
  const isTooLarge = leaving.some(
    (state) => (into.get(state.unit)?.balance ?? 0) + planMove(state).amount > Number.MAX_SAFE_INTEGER,
  );
  if (isTooLarge) {
    blockers.push({ code: 'AMOUNT_TOO_LARGE', wayOut: 'Balances stay below 2^53: keep the two apart.' });
  }
  return blockers;
}

// What can be taken back

function recordMoved(
  into: MergeCustomer,
  from: MergeCustomer,
  outcome: Omit<MergePlan, 'blockers' | 'moved'>,
): MovedRecord {
  const hadTags = new Set(into.tags.map(tagKey));
  return {
    accountFrom: outcome.accountFrom,
    fields: changedColumns(into, outcome.fields),
    custom: changedCustom(into.custom, outcome.custom),
    intoStatus: [into.accountStatus, outcome.accountStatus],
    fromStatus: from.accountStatus,
    origin: {
      source: into.source,
      createdAt: into.createdAt.toISOString(),
      registeredAt: into.registeredAt?.toISOString() ?? null,
    },
    tagsAdded: outcome.tags.filter((tag) => !hadTags.has(tagKey(tag))),
    groupIdsAdded: outcome.groupIds.filter((id) => !into.groupIds.includes(id)),
    addressIds: outcome.addresses.moveIds,
    intoDefaults: defaultsOf(into.addresses),
    mergedDefaults: {
      defaultId: outcome.addresses.defaultId,
      defaultBillingId: outcome.addresses.defaultBillingId,
    },
    fromDefaults: defaultsOf(from.addresses),
  };
}

function changedColumns(before: MergeColumns, after: MergeColumns): MovedRecord['fields'] {
  const columns = Object.values(FIELD_COLUMNS).flat();
  const changes = columns.filter((column) => !sameValue(before[column], after[column]));
  return Object.fromEntries(changes.map((column) => [column, [before[column], after[column]]]));
}

function changedCustom(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): MovedRecord['custom'] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const changes = keys.filter((key) => !sameValue(before[key], after[key]));
  return Object.fromEntries(changes.map((key) => [key, [before[key] ?? null, after[key] ?? null]]));
}
