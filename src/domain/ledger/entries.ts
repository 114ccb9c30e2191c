// What rules decide and what becomes of it: an entry says what moves between which accounts and lots; booking entries
// gives the transfers with number, balance and hash, and the account after them.
import assert from 'node:assert';
import {
  type AccountState,
  hasExpired,
  type Lot,
  type LotShare,
  momentOf,
  type Overdraft,
  sharesTotal,
} from './accounts.ts';
import { type ChainedTransfer, canonicalTransfer, type Hash } from './chain.ts';

/** Kinds of transfers: the direction, and the system account on the other side where the kind alone says it. */
const KINDS = {
  grant: { isCredit: true, counterAccount: 'issued:grant' },
  earn: { isCredit: true, counterAccount: 'issued:order' },
  refund: { isCredit: true, counterAccount: 'redeemed' },
  adjustment: { isCredit: false, counterAccount: 'manual' },
  redemption: { isCredit: false, counterAccount: 'redeemed' },
  reversal: { isCredit: false, counterAccount: 'issued:order' },
  expiry: { isCredit: false, counterAccount: 'breakage' },
  forfeit: { isCredit: false, counterAccount: 'breakage' },
  merge_out: { isCredit: false, counterAccount: 'merge' },
  merge_in: { isCredit: true, counterAccount: 'merge' },
} as const satisfies Record<string, { isCredit: boolean; counterAccount: string }>;

export type TransferKind = keyof typeof KINDS;
export const TRANSFER_KINDS = Object.keys(KINDS) as readonly TransferKind[];

/** L7: a reference of our own, under which something happens once. Those of callers never begin with a colon. */
export const ownReference = (...parts: readonly (string | number)[]): string => `:${parts.join(':')}`;

/** P2: the reference of what an earning pays out, by the key of its source. */
export const earnReference = (sourceKey: string): string => ownReference('earn', sourceKey);
/** How it begins. */
export const EARN_PREFIX = earnReference('');

/** What value is issued for: `issued:<reason>` is the system account. */
export const ISSUE_REASONS = ['grant', 'order', 'event', 'reward', 'referral'] as const;
export type IssueReason = (typeof ISSUE_REASONS)[number];

/** The rule that made a lot, as it was then: later versions of the programme change nothing here (P1). */
export interface LotRule {
  programmeVersion: number;
  ruleId: string;
  formula: string;
  /** Positions of the order's lines that counted. */
  lines?: number[];
}

export interface NewLot {
  id: string;
  amount: number;
  activeFrom: Date;
  expiresAt: Date | null;
  source?: string | null;
  rule?: LotRule | null;
}

/** One movement between the customer's account and a system account, as a rule decided it. */
export interface Entry {
  id: string;
  kind: TransferKind;
  amount: number;
  /** For `grant`, `earn` and `reversal`: what is issued, or taken back, for. */
  issuedFor?: IssueReason;
  effectiveAt: Date;
  /** L7; the entry's own id where the caller named none. */
  reference?: string | undefined;
  fingerprint?: string | undefined;
  correctsId?: string | undefined;
  holdId?: string | undefined;
  orderId?: string | undefined;
  reason?: string | undefined;
  /** Lots that a credit opens. */
  opens?: readonly NewLot[];
  /** What a debit takes from lots, or a credit gives back to them. */
  shares?: readonly LotShare[];
  /** The lots of `shares` as they are, for those of which nothing was left. */
  revives?: readonly Lot[];
}

/** A transfer with its hash, as it is stored. */
export interface Transfer extends ChainedTransfer {
  kind: TransferKind;
  fingerprint: string | null;
  reason: string | null;
}

export interface Allocation {
  transferId: string;
  lotId: string;
  seq: number;
  /** Above 0: taken from the lot; below 0: given back. */
  amount: number;
}

export interface OpenedLot extends NewLot {
  transferId: string;
  remaining: number;
}

/** All that entries change in one account; `after` is the account as the next decision finds it. */
export interface Booking {
  before: AccountState;
  after: AccountState;
  transfers: Transfer[];
  opened: OpenedLot[];
  /** What remains of lots that were there before. */
  remaining: { id: string; remaining: number }[];
  allocations: Allocation[];
  overdrafts: { transferId: string; amount: number }[];
  /** What remains of overdrafts that were there before. */
  covered: Overdraft[];
}

interface Books {
  lots: Map<string, Lot>;
  overdrafts: Map<string, Overdraft>;
  booking: Booking;
}

/**
 * Books entries one after the other. The hash of each covers the one before (L8). An entry that does not add up is a bug
 * of its rule: Σ shares, new lots and overdraft are always the amount (L3).
 */
export function book(before: AccountState, entries: readonly Entry[], now: Date, hash: Hash): Booking {
  const at = momentOf(before, now);
  const booking: Booking = {
    before,
    after: before,
    transfers: [],
    opened: [],
    remaining: [],
    allocations: [],
    overdrafts: [],
    covered: [],
  };
  const books: Books = {
    lots: new Map(before.lots.map((lot) => [lot.id, lot])),
    overdrafts: new Map(before.overdrafts.map((overdraft) => [overdraft.transferId, overdraft])),
    booking,
  };
  for (const entry of entries) bookEntry(books, entry, at, hash);
  closeBooks(books, at);
  return booking;
}

function bookEntry(books: Books, entry: Entry, at: Date, hash: Hash): void {
  const { booking } = books;
  const transfer = transferOf(booking.after, entry, at, hash);
  booking.transfers.push(transfer);
  booking.after = {
    ...booking.after,
    balance: transfer.balanceAfter,
    seq: transfer.seq,
    hash: transfer.hash,
  };
  if (transfer.isCredit) bookCredit(books, entry, transfer.seq, at);
  else bookDebit(books, entry, transfer.seq);
}

function counterAccountOf({ kind, issuedFor }: Entry): string {
  return issuedFor === undefined ? KINDS[kind].counterAccount : `issued:${issuedFor}`;
}

function transferOf(account: AccountState, entry: Entry, at: Date, hash: Hash): Transfer {
  const { id, kind, amount, effectiveAt } = entry;
  const { isCredit } = KINDS[kind];
  const balanceAfter = account.balance + (isCredit ? amount : -amount);
  assert(amount > 0 && Number.isSafeInteger(balanceAfter), 'amounts are positive, balances below 2^53');
  const content = {
    id,
    accountId: account.id,
    seq: account.seq + 1,
    unit: account.unit,
    kind,
    isCredit,
    counterAccount: counterAccountOf(entry),
    amount,
    balanceAfter,
    effectiveAt,
    recordedAt: at,
    reference: entry.reference ?? id,
    correctsId: entry.correctsId ?? null,
    holdId: entry.holdId ?? null,
    orderId: entry.orderId ?? null,
  };
  return {
    ...content,
    hash: hash(account.hash, canonicalTransfer(content)),
    fingerprint: entry.fingerprint ?? null,
    reason: entry.reason ?? null,
  };
}

function bookDebit({ lots, overdrafts, booking }: Books, entry: Entry, seq: number): void {
  const shares = entry.shares ?? [];
  for (const { lotId, amount } of shares) {
    take(lots, lotId, amount);
    booking.allocations.push({ transferId: entry.id, lotId, seq, amount });
  }
  const beyond = entry.amount - sharesTotal(shares);
  assert(beyond >= 0, 'a debit takes no more than its amount');
  if (beyond === 0) return;
  overdrafts.set(entry.id, { transferId: entry.id, remaining: beyond });
  booking.overdrafts.push({ transferId: entry.id, amount: beyond });
}

function bookCredit(books: Books, entry: Entry, seq: number, at: Date): void {
  const { lots, booking } = books;
  const { opens = [], shares = [], revives = [] } = entry;
  const brought = sharesTotal(shares) + opens.reduce((total, { amount }) => total + amount, 0);
  assert(brought === entry.amount, 'a credit is what its lots get');
  const empty = new Map(revives.map((lot) => [lot.id, lot]));
  for (const { lotId, amount } of shares) {
    const revived = empty.get(lotId);
    if (revived && !lots.has(lotId)) lots.set(lotId, revived);
    take(lots, lotId, -amount);
    booking.allocations.push({ transferId: entry.id, lotId, seq, amount: -amount });
  }
  for (const lot of opens) {
    const { id, amount, activeFrom, expiresAt } = lot;
    lots.set(id, { id, remaining: amount, activeFrom, expiresAt });
    booking.opened.push({ ...lot, transferId: entry.id, remaining: amount });
  }
  const gained = [...shares, ...opens.map(({ id, amount }) => ({ lotId: id, amount }))];
  const isGood = ({ lotId }: LotShare) => !hasExpired(lots.get(lotId) as Lot, at);
  coverOverdrafts(books, gained.filter(isGood), seq);
}

function take(lots: Map<string, Lot>, lotId: string, amount: number): void {
  const lot = lots.get(lotId);
  assert(lot && lot.remaining - amount >= 0, 'a share is part of a lot');
  lots.set(lotId, { ...lot, remaining: lot.remaining - amount });
}

/**
 * What comes in first pays for what was taken beyond the lots, oldest debit first: so every debit gets its lots (L3).
 * What has expired pays for nothing (L5), not even when a refund or a merge brings it.
 */
function coverOverdrafts(
  { lots, overdrafts, booking }: Books,
  brought: readonly LotShare[],
  seq: number,
): void {
  const left = brought.map((share) => ({ ...share }));
  for (const overdraft of overdrafts.values()) {
    let owed = overdraft.remaining;
    for (const share of left) {
      const amount = Math.min(owed, share.amount);
      if (amount === 0) continue;
      take(lots, share.lotId, amount);
      share.amount -= amount;
      owed -= amount;
      booking.allocations.push({ transferId: overdraft.transferId, lotId: share.lotId, seq, amount });
    }
    overdrafts.set(overdraft.transferId, { ...overdraft, remaining: owed });
  }
}

function closeBooks({ lots, overdrafts, booking }: Books, at: Date): void {
  const { before, opened } = booking;
  const wasThere = new Map(before.lots.map((lot) => [lot.id, lot.remaining]));
  const isNew = new Map(opened.map((lot) => [lot.id, lot]));
  for (const { id, remaining } of lots.values()) {
    const fresh = isNew.get(id);
    if (fresh) fresh.remaining = remaining;
    else if (wasThere.get(id) !== remaining) booking.remaining.push({ id, remaining });
  }
  const owed = new Map(before.overdrafts.map((overdraft) => [overdraft.transferId, overdraft.remaining]));
  booking.covered = [...overdrafts.values()].filter(
    ({ transferId, remaining }) => owed.get(transferId) !== remaining,
  );
  booking.after = {
    ...booking.after,
    version: before.version + 1,
    updatedAt: at,
    lots: [...lots.values()].filter(({ remaining }) => remaining > 0),
    overdrafts: [...overdrafts.values()].filter(({ remaining }) => remaining > 0),
  };
}
