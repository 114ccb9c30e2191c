// Finding customers who may be one person (C11): reads only, nothing is decided.
import type { Db } from '../db/connection.ts';
import { type Customer, findCustomers } from '../db/customers.ts';
import { type Candidate, findCandidates, type KeyGroup, listCandidates, walkKeys } from '../db/duplicates.ts';
import { DUPLICATE_REASONS, type DuplicateReason, duplicateReasons } from '../domain/duplicates.ts';

const MAX_SUGGESTIONS = 50;
/** Windows of an index that one page may look at. */
const MAX_WINDOWS = 4;

export interface Suggestion {
  customer: Customer;
  reasons: DuplicateReason[];
}

/** Customers with `reasons` why they may be one person; `customersCount` counts those that are not shown, too. */
export interface DuplicateGroup {
  reasons: DuplicateReason[];
  customersCount: number;
  customers: Customer[];
}

/** Where a page begins: the reason, and the key of the last group before it. */
export type GroupKey = [reason: DuplicateReason, ...key: string[]];

const sideOf = (candidate: Candidate) => ({ customer: candidate, postcodes: candidate.postcodes });

const byStrength = (one: DuplicateReason[], other: DuplicateReason[]): number =>
  DUPLICATE_REASONS.indexOf(one[0] ?? 'same_name_postcode') -
    DUPLICATE_REASONS.indexOf(other[0] ?? 'same_name_postcode') || other.length - one.length;

/** Who may be the same person as this customer, strongest reason first, at most 50. */
export async function suggestDuplicates(db: Db, id: string): Promise<Suggestion[]> {
  const candidates = await findCandidates(db, { id });
  const me = candidates.find((candidate) => candidate.id === id);
  if (!me) return [];
  const found = candidates
    .filter((candidate) => candidate !== me)
    .map((candidate) => ({ id: candidate.id, reasons: duplicateReasons(sideOf(me), sideOf(candidate)) }))
    .filter(({ reasons }) => reasons.length > 0)
    .sort((one, other) => byStrength(one.reasons, other.reasons) || (one.id < other.id ? -1 : 1))
    .slice(0, MAX_SUGGESTIONS);
  const customers = new Map(
    (
      await findCustomers(
        db,
        found.map((one) => one.id),
      )
    ).map((customer) => [customer.id, customer]),
  );
  return found.flatMap(({ id: otherId, reasons }) => {
    const customer = customers.get(otherId);
    return customer ? [{ customer, reasons }] : [];
  });
}

/** The reasons that hold between the first of them and each other. */
function sharedReasons(candidates: readonly Candidate[]): DuplicateReason[] {
  const [first, ...others] = candidates;
  if (!first) return [];
  const each = others.map((other) => duplicateReasons(sideOf(first), sideOf(other)));
  return DUPLICATE_REASONS.filter((reason) => each.every((reasons) => reasons.includes(reason)));
}

async function describe(
  db: Db,
  reason: DuplicateReason,
  groups: readonly KeyGroup[],
): Promise<DuplicateGroup[]> {
  const ids = groups.flatMap((group) => group.ids);
  const [customers, candidates] = await Promise.all([findCustomers(db, ids), listCandidates(db, { ids })]);
  const customerOf = new Map(customers.map((customer) => [customer.id, customer]));
  const candidateOf = new Map(candidates.map((candidate) => [candidate.id, candidate]));
  return groups.map((group) => {
    const reasons = sharedReasons(group.ids.flatMap((id) => candidateOf.get(id) ?? []));
    return {
      reasons: reasons.includes(reason) ? reasons : [reason],
      customersCount: group.customersCount,
      customers: group.ids.flatMap((id) => customerOf.get(id) ?? []),
    };
  });
}

export interface GroupQuestion {
  after: GroupKey | undefined;
  limit: number;
  /** Only groups for this reason. */
  only: DuplicateReason | undefined;
  /** Customers that one step looks at. */
  window?: number;
}

/**
 * Groups of probable duplicates of the whole store, reason by reason. A group that is there for a stronger reason is
 * not shown again. A page looks at a bounded part of the index, so it can be short or empty while `next` leads on.
 */
export async function listDuplicateGroups(
  db: Db,
  { after, limit, only, window }: GroupQuestion,
): Promise<{ groups: DuplicateGroup[]; next: GroupKey | null }> {
  const reasons = only ? [only] : DUPLICATE_REASONS;
  let [reason, ...key]: readonly [DuplicateReason | undefined, ...string[]] = after ?? [reasons[0]];
  const groups: DuplicateGroup[] = [];
  for (let windows = 0; reason !== undefined && windows < MAX_WINDOWS && groups.length < limit; windows++) {
    const current: DuplicateReason = reason;
    const walk = await walkKeys(db, current, key.length > 0 ? key : undefined, limit - groups.length, window);
    const described = await describe(db, current, walk.groups);
    groups.push(...described.filter((group) => only !== undefined || group.reasons[0] === current));
    if (walk.scannedTo === null) reason = reasons[reasons.indexOf(current) + 1];
    key = walk.scannedTo ?? [];
  }
  return { groups, next: reason === undefined ? null : [reason, ...key] };
}
