// A ledger in memory for properties: accounts with every lot, transfer and hold that they ever had. What the rules must
// keep is computed here from the full history, a second time and differently from the code under test.
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import {
  type AccountState,
  balancesAt,
  type Hold,
  isLive,
  type LotShare,
} from '../../src/domain/ledger/accounts.ts';
import { ChainVerifier, type Hash } from '../../src/domain/ledger/chain.ts';
import {
  type Allocation,
  type Booking,
  book,
  type Entry,
  type NewLot,
  ownReference,
  type Transfer,
} from '../../src/domain/ledger/entries.ts';
import { planExpiry } from '../../src/domain/ledger/expiry.ts';
import { type ExpiredRefunds, planRefund, type SpentLot } from '../../src/domain/ledger/refunds.ts';
import {
  planCapture,
  planDebit,
  planExtension,
  planSpend,
  planVoid,
} from '../../src/domain/ledger/spending.ts';

export const sha256: Hash = (previous, content) =>
  createHash('sha256').update(`${previous}\n${content}`).digest('hex');

/** An account before its first transfer. */
export const emptyState = (id = 'account', unit = 'EUR'): AccountState => ({
  id,
  unit,
  balance: 0,
  seq: 0,
  version: 0,
  hash: '',
  updatedAt: new Date(0),
  lots: [],
  holds: [],
  overdrafts: [],
});

/** How much: so much, or what is available with `more` added. */
export type Wanted = { amount: number } | { more: number };

/** One step of a history. `pick` chooses among the holds, debits or instants that are there. */
export type Step =
  | { do: 'pass'; ms: number }
  | { do: 'passTo'; pick: number; offsetMs: number }
  | { do: 'grant'; account: number; amount: number; startsInMs: number; expiresInMs: number | null }
  | { do: 'spend' | 'adjust' | 'overdraw'; account: number; wanted: Wanted }
  | { do: 'hold'; account: number; wanted: Wanted; ttlMs: number }
  | { do: 'capture'; pick: number; amount: number | null }
  | { do: 'void'; pick: number }
  | { do: 'extend'; pick: number; ttlMs: number }
  | { do: 'expire'; account: number }
  | { do: 'refund'; pick: number; amount: number | null; expired: ExpiredRefunds; graceDays: number }
  | { do: 'move'; account: number };

interface KnownLot extends NewLot {
  accountId: string;
  transferId: string;
}

type KnownHold = Hold & { accountId: string; createdAt: Date };

const total = (amounts: readonly number[]): number => amounts.reduce((sum, amount) => sum + amount, 0);
const isRefusal = (plan: object): plan is { refused: string } => 'refused' in plan;
const pickOf = <T>(choices: readonly T[], pick: number): T | undefined =>
  choices.length === 0 ? undefined : choices[pick % choices.length];

/** The rules with their history. Anything wrong is told in `faults`. */
export class LedgerWorld {
  readonly faults: string[] = [];
  readonly transfers: Transfer[] = [];
  /** How often each step did something. */
  readonly done: Record<string, number> = {};
  readonly #states: AccountState[] = [emptyState('account-0'), emptyState('account-1')];
  readonly #lots = new Map<string, KnownLot>();
  readonly #holds = new Map<string, KnownHold>();
  readonly #allocations: Allocation[] = [];
  #nowMs = Date.UTC(2028, 1, 28);
  #ids = 0;

  get now(): Date {
    return new Date(this.#nowMs);
  }

  /** Does the step and looks at everything afterwards. */
  take(step: Step): void {
    this.#do(step);
    for (const state of this.#states) this.#check(state);
    if (this.faults.length > 0)
      throw new Error(`${JSON.stringify(step)} at ${this.now.toISOString()}: ${this.faults.join('; ')}`);
  }

  /** L8: the chains of all accounts, as a verifier sees them. */
  verify(): ChainVerifier {
    const verifier = new ChainVerifier(sha256);
    for (const state of this.#states) {
      for (const transfer of this.transfers) if (transfer.accountId === state.id) verifier.add(transfer);
      verifier.end(state);
    }
    return verifier;
  }

  #do(step: Step): void {
    switch (step.do) {
      case 'pass':
        this.#nowMs += step.ms;
        break;
      case 'passTo':
        this.#passTo(step.pick, step.offsetMs);
        break;
      case 'grant':
        this.#grant(this.#stateOf(step.account), step);
        break;
      case 'hold':
        this.#hold(this.#stateOf(step.account), step.wanted, step.ttlMs);
        break;
      case 'capture':
        this.#capture(step.pick, step.amount ?? undefined);
        break;
      case 'void':
        this.#void(step.pick);
        break;
      case 'extend':
        this.#extend(step.pick, step.ttlMs);
        break;
      case 'expire':
        this.#expire(this.#stateOf(step.account));
        break;
      case 'refund':
        this.#refund(step);
        break;
      case 'move':
        this.#move(step.account);
        break;
      default:
        this.#spend(this.#stateOf(step.account), step.do, step.wanted);
        break;
    }
  }

  #stateOf = (account: number): AccountState => this.#states[account] as AccountState;
  #newId = (kind: string): string => `${kind}-${String(++this.#ids).padStart(6, '0')}`;
  #expect(holds: boolean, what: string): void {
    if (!holds) this.faults.push(what);
  }
  #count(what: string): void {
    this.done[what] = (this.done[what] ?? 0) + 1;
  }

  // What the history says, added up.

  #lotsOf = (accountId: string) => [...this.#lots.values()].filter((lot) => lot.accountId === accountId);
  #remainingOf = ({ id, amount }: KnownLot): number =>
    amount - total(this.#allocations.filter(({ lotId }) => lotId === id).map((one) => one.amount));
  #reservedOf = (lotId: string): number =>
    total(
      [...this.#holds.values()]
        .filter((hold) => hold.status === 'open' && this.#nowMs < hold.expiresAt.getTime())
        .flatMap((hold) => hold.lots.filter((share) => share.lotId === lotId).map(({ amount }) => amount)),
    );
  #freeOf = (lot: KnownLot): number => this.#remainingOf(lot) - this.#reservedOf(lot.id);
  #isOver = ({ expiresAt }: KnownLot): boolean => expiresAt !== null && expiresAt.getTime() <= this.#nowMs;
  #isSpendable = (lot: KnownLot): boolean => lot.activeFrom.getTime() <= this.#nowMs && !this.#isOver(lot);
  #owedOf = ({ id, amount, isCredit }: Transfer): number =>
    isCredit
      ? 0
      : amount - total(this.#allocations.filter((one) => one.transferId === id).map((one) => one.amount));
  #transfersOf = (accountId: string) => this.transfers.filter((one) => one.accountId === accountId);
  #overdrawnOf = (accountId: string): number => total(this.#transfersOf(accountId).map(this.#owedOf));
  #availableOf = ({ id }: AccountState): number =>
    total(this.#lotsOf(id).filter(this.#isSpendable).map(this.#freeOf)) - this.#overdrawnOf(id);

  /** L4 without sorting: again and again the one lot that no other goes before. */
  #oracleOf({ id }: AccountState, amount: number): LotShare[] {
    const isBefore = (one: KnownLot, other: KnownLot): boolean => {
      const [first, second] = [one.expiresAt?.getTime() ?? null, other.expiresAt?.getTime() ?? null];
      if (first === second) return one.id < other.id;
      return second === null || (first !== null && first < second);
    };
    const shares: LotShare[] = [];
    const left = new Set(this.#lotsOf(id).filter((lot) => this.#isSpendable(lot) && this.#freeOf(lot) > 0));
    for (let wanted = amount; wanted > 0 && left.size > 0; ) {
      const first = [...left].find((lot) => ![...left].some((other) => isBefore(other, lot))) as KnownLot;
      left.delete(first);
      const taken = Math.min(wanted, this.#freeOf(first));
      shares.push({ lotId: first.id, amount: taken });
      wanted -= taken;
    }
    return shares;
  }

  // The steps.

  #passTo(pick: number, offsetMs: number): void {
    const instants = [
      ...[...this.#lots.values()].flatMap(({ activeFrom, expiresAt }) => [
        activeFrom,
        expiresAt ?? activeFrom,
      ]),
      ...[...this.#holds.values()].map(({ expiresAt }) => expiresAt),
    ].filter((instant) => instant.getTime() + offsetMs >= this.#nowMs);
    const instant = pickOf(instants, pick);
    if (!instant) return;
    this.#nowMs = instant.getTime() + offsetMs;
    this.#count('passTo');
  }

  #grant(
    state: AccountState,
    { amount, startsInMs, expiresInMs }: { amount: number; startsInMs: number; expiresInMs: number | null },
  ): void {
    const activeFrom = new Date(this.#nowMs + startsInMs);
    const expiresAt = expiresInMs === null ? null : new Date(activeFrom.getTime() + expiresInMs);
    const opens = [{ id: this.#newId('lot'), amount, activeFrom, expiresAt }];
    this.#book(state, [{ id: this.#newId('transfer'), kind: 'grant', amount, effectiveAt: this.now, opens }]);
  }

  #amountOf(state: AccountState, wanted: Wanted): number {
    return 'amount' in wanted ? wanted.amount : this.#availableOf(state) + wanted.more;
  }

  #spend(state: AccountState, how: 'spend' | 'adjust' | 'overdraw', wanted: Wanted): void {
    const amount = this.#amountOf(state, wanted);
    if (amount <= 0) return;
    const plan =
      how === 'spend'
        ? planSpend(state, amount, this.now)
        : planDebit(state, amount, this.now, how === 'overdraw');
    this.#expectSpend(state, how, amount, plan);
    if (isRefusal(plan)) return;
    const kind = how === 'spend' ? 'redemption' : 'adjustment';
    this.#book(
      state,
      [{ id: this.#newId('transfer'), kind, amount, effectiveAt: this.now, shares: plan }],
      how,
    );
  }

  #expectSpend(
    state: AccountState,
    how: string,
    amount: number,
    plan: LotShare[] | { refused: string; available: number },
  ): void {
    const available = this.#availableOf(state);
    const isShort = how !== 'overdraw' && amount > available;
    if (isRefusal(plan)) {
      this.#expect(
        isShort && plan.available === available,
        `L6 ${how} of ${amount} refused with ${available}`,
      );
      this.#count('refused');
    } else {
      this.#expect(!isShort, `L6 ${how} of ${amount} with ${available} available`);
      this.#expect(isDeepStrictEqual(plan, this.#oracleOf(state, amount)), 'L4 another order');
    }
  }

  #hold(state: AccountState, wanted: Wanted, ttlMs: number): void {
    const amount = this.#amountOf(state, wanted);
    if (amount <= 0) return;
    const plan = planSpend(state, amount, this.now);
    this.#expectSpend(state, 'hold', amount, plan);
    if (isRefusal(plan)) return;
    const hold: KnownHold = {
      id: this.#newId('hold'),
      accountId: state.id,
      status: 'open',
      amount,
      lots: plan,
      captured: 0,
      transferId: null,
      expiresAt: new Date(this.#nowMs + ttlMs),
      createdAt: this.now,
    };
    this.#setHold(hold);
    this.#count('hold');
  }

  #setHold(hold: KnownHold): void {
    this.#holds.set(hold.id, hold);
    const index = this.#states.findIndex(({ id }) => id === hold.accountId);
    const holds = [...this.#holds.values()].filter(
      ({ accountId, status }) => accountId === hold.accountId && status === 'open',
    );
    this.#states[index] = { ...this.#stateOf(index), holds };
  }

  #pickHold = (pick: number): KnownHold | undefined => pickOf([...this.#holds.values()], pick);
  #ownerOf = ({ accountId }: { accountId: string }): AccountState =>
    this.#states.find(({ id }) => id === accountId) as AccountState;

  #capture(pick: number, amount: number | undefined): void {
    const hold = this.#pickHold(pick);
    if (!hold) return;
    const plan = planCapture(hold, amount, this.now);
    if ('done' in plan) {
      this.#expect(hold.status === 'captured', 'K6 done, but never captured');
      return;
    }
    const isOpen = hold.status === 'open' && this.#nowMs < hold.expiresAt.getTime();
    if (isRefusal(plan)) {
      const isWrong = isOpen && (amount ?? 0) <= hold.amount;
      this.#expect(!isWrong, `K6 capture refused: ${plan.refused}`);
      return;
    }
    this.#expect(isOpen && plan.amount <= hold.amount, 'K6 captured what is not held');
    const entry: Entry = {
      id: this.#newId('transfer'),
      kind: 'redemption',
      amount: plan.amount,
      effectiveAt: this.now,
      reference: ownReference('capture', hold.id),
      holdId: hold.id,
      shares: plan.shares,
    };
    this.#book(this.#ownerOf(hold), [entry], 'capture');
    this.#setHold({ ...hold, status: 'captured', captured: plan.amount, transferId: entry.id });
  }

  #void(pick: number): void {
    const hold = this.#pickHold(pick);
    if (!hold) return;
    const plan = planVoid(hold);
    if (isRefusal(plan)) {
      this.#expect(hold.status === 'captured', 'K6 void refused');
      return;
    }
    this.#expect(plan.done === (hold.status === 'voided'), 'K6 voided twice');
    this.#setHold({ ...hold, status: 'voided' });
    this.#count('void');
  }

  #extend(pick: number, ttlMs: number): void {
    const hold = this.#pickHold(pick);
    if (!hold) return;
    const wanted = new Date(this.#nowMs + ttlMs);
    const plan = planExtension(this.#ownerOf(hold), hold, hold.createdAt, wanted, this.now);
    if (isRefusal(plan)) return;
    this.#expect(isLive(hold, this.now), 'K6 extended what is over');
    this.#expect(plan.expiresAt >= hold.expiresAt, 'K6 extended to an earlier end');
    this.#setHold({ ...hold, expiresAt: plan.expiresAt });
    this.#count('extend');
  }

  #expire(state: AccountState): void {
    const plan = planExpiry(state, this.now);
    const due = this.#lotsOf(state.id).filter((lot) => this.#isOver(lot) && this.#freeOf(lot) > 0);
    this.#expect(
      plan.length === due.length &&
        due.every((lot) =>
          plan.some(({ lotId, amount }) => lotId === lot.id && amount === this.#freeOf(lot)),
        ),
      'L5 another expiry',
    );
    if (plan.length === 0) return;
    const entries = plan.map(
      ({ lotId, amount, expiredAt }, index): Entry => ({
        id: this.#newId('transfer'),
        kind: 'expiry',
        amount,
        effectiveAt: expiredAt,
        reference: ownReference('expire', lotId, state.seq + index + 1),
        shares: [{ lotId, amount }],
      }),
    );
    this.#book(state, entries, 'expire');
    this.#expect(
      planExpiry(this.#ownerOf({ accountId: state.id }), this.now).length === 0,
      'L5 expires twice',
    );
  }

  #refund({ pick, amount, expired, graceDays }: Extract<Step, { do: 'refund' }>): void {
    const debit = pickOf(
      this.transfers.filter(({ kind }) => kind === 'redemption'),
      pick,
    );
    if (!debit) return;
    const refunds = this.transfers.filter(({ correctsId }) => correctsId === debit.id);
    const refunded = total(refunds.map((refund) => refund.amount));
    const wanted = amount ?? debit.amount - refunded;
    if (wanted === 0) return;
    const lots = this.#spentLots(debit, refunds);
    const plan = planRefund(
      { amount: debit.amount, lots, refunded },
      wanted,
      { expired, graceDays },
      this.now,
    );
    const isTooMuch = refunded + wanted > debit.amount;
    this.#expect(isTooMuch === isRefusal(plan), 'K7 more refunded than taken');
    if (isRefusal(plan)) return;
    const { shares, renewed } = plan;
    const isOver = ({ lotId }: LotShare) => this.#isOver(this.#lots.get(lotId) as KnownLot);
    this.#expect(expired === 'breakage' ? !renewed : !shares.some(isOver), 'K7 another policy');
    const opens = renewed && [{ ...renewed, id: this.#newId('lot'), activeFrom: this.now }];
    const entry: Entry = {
      id: this.#newId('transfer'),
      kind: 'refund',
      amount: wanted,
      effectiveAt: this.now,
      correctsId: debit.id,
      shares,
      revives: lots,
      ...(opens && { opens }),
    };
    this.#book(this.#ownerOf(debit), [entry], renewed ? 'refund with grace' : 'refund');
  }

  #spentLots({ id }: Transfer, refunds: readonly Transfer[]): SpentLot[] {
    const ids = new Set(refunds.map((refund) => refund.id));
    const sumOf = (lot: KnownLot, isMeant: (allocation: Allocation) => boolean) =>
      total(this.#allocations.filter((one) => one.lotId === lot.id && isMeant(one)).map((one) => one.amount));
    return [...this.#lots.values()]
      .map((lot) => ({
        ...lot,
        remaining: this.#remainingOf(lot),
        taken: sumOf(lot, ({ transferId }) => transferId === id),
        givenBack: -sumOf(lot, ({ transferId, amount }) => ids.has(transferId) && amount < 0),
      }))
      .filter(({ taken }) => taken > 0);
  }

  /** As a merge: everything free leaves one account and comes into the other with its dates. */
  #move(account: number): void {
    const [from, to] = [this.#stateOf(account), this.#stateOf(1 - account)];
    const moved = this.#lotsOf(from.id).filter((lot) => this.#freeOf(lot) > 0);
    if (moved.length === 0) return;
    const shares = moved.map((lot) => ({ lotId: lot.id, amount: this.#freeOf(lot) }));
    const amount = total(shares.map((share) => share.amount));
    const opens = moved.map(({ activeFrom, expiresAt }, index) => ({
      id: this.#newId('lot'),
      amount: shares[index]?.amount ?? 0,
      activeFrom,
      expiresAt,
    }));
    const entry = { amount, effectiveAt: this.now };
    this.#book(from, [{ ...entry, id: this.#newId('transfer'), kind: 'merge_out', shares }], 'move');
    this.#book(to, [{ ...entry, id: this.#newId('transfer'), kind: 'merge_in', opens }], 'move');
  }

  #book(state: AccountState, entries: readonly Entry[], what: string = entries[0]?.kind ?? ''): void {
    const booking = book(state, entries, this.now, sha256);
    const index = this.#states.findIndex(({ id }) => id === state.id);
    for (const lot of booking.opened) this.#lots.set(lot.id, { ...lot, accountId: state.id });
    this.#expectAllocations(booking);
    this.#allocations.push(...booking.allocations);
    this.transfers.push(...booking.transfers);
    this.#states[index] = booking.after;
    this.#count(what);
    if (booking.overdrafts.length > 0) this.#count('overdraft');
    const owed = new Set(booking.before.overdrafts.map(({ transferId }) => transferId));
    if (booking.covered.some(({ transferId }) => owed.has(transferId))) this.#count('covered');
  }

  /** L5: nothing is paid from a lot that has expired, except what was held while it was good. */
  #expectAllocations({ transfers, allocations }: Booking): void {
    const byId = new Map(transfers.map((transfer) => [transfer.id, transfer]));
    for (const { transferId, lotId, amount } of allocations) {
      const lot = this.#lots.get(lotId) as KnownLot;
      const transfer = byId.get(transferId);
      const isMoved = transfer?.kind === 'merge_out' || transfer?.kind === 'expiry';
      if (amount < 0 || isMoved || transfer?.holdId) continue;
      this.#expect(!this.#isOver(lot), 'L5 spent from an expired lot');
      // What comes later pays for an overdraft at once, when it is pending too.
      if (transfer) this.#expect(lot.activeFrom <= this.now, 'L5 spent before it was active');
    }
  }

  /** The invariants: of one account, over its whole history. */
  #check(state: AccountState): void {
    const { id } = state;
    const transfers = this.#transfersOf(id);
    const lots = this.#lotsOf(id);
    const overdrawn = this.#overdrawnOf(id);
    const entries = total(transfers.map(({ isCredit, amount }) => (isCredit ? amount : -amount)));
    const remaining = total(lots.map(this.#remainingOf));
    this.#expect(state.balance === entries, `L2 balance ${state.balance}, entries ${entries}`);
    this.#expect(
      state.balance === remaining - overdrawn,
      `L2 balance ${state.balance}, lots ${remaining}, overdrawn ${overdrawn}`,
    );
    this.#checkLots(state, lots);
    for (const transfer of transfers) this.#checkTransfer(state, transfer);
    this.#checkBalances(state, lots, overdrawn);
    const isUsed = overdrawn === 0 && transfers.every((transfer) => transfer.balanceAfter >= 0);
    this.#expect(isUsed || this.done.overdraft !== undefined, 'L6 below zero without an overdraft');
  }

  #checkLots(state: AccountState, lots: readonly KnownLot[]): void {
    const open = lots.filter((lot) => this.#remainingOf(lot) > 0);
    const asKnown = open.map((lot) => [lot.id, this.#remainingOf(lot)]);
    const asStated = state.lots.map((lot) => [lot.id, lot.remaining]);
    this.#expect(isDeepStrictEqual(asKnown.sort(), asStated.sort()), 'L2 other lots than the entries say');
    for (const lot of lots) {
      const remaining = this.#remainingOf(lot);
      this.#expect(remaining >= 0 && remaining <= lot.amount, `L3 ${lot.id}: ${remaining} of ${lot.amount}`);
      this.#expect(this.#freeOf(lot) >= 0, `L6 ${lot.id} is reserved beyond what remains of it`);
    }
  }

  /** L3: what a debit took and still owes is its amount; what a credit opened and gave back is its amount. */
  #checkTransfer(state: AccountState, transfer: Transfer): void {
    const shares = this.#allocations.filter(({ transferId }) => transferId === transfer.id);
    const shared = total(shares.map(({ amount }) => amount));
    if (transfer.isCredit) {
      const opened = total(
        [...this.#lots.values()]
          .filter(({ transferId }) => transferId === transfer.id)
          .map(({ amount }) => amount),
      );
      this.#expect(opened - shared === transfer.amount, `L3 ${transfer.id} brought ${opened - shared}`);
    } else {
      const owed = state.overdrafts.find(({ transferId }) => transferId === transfer.id)?.remaining ?? 0;
      this.#expect(shared + owed === transfer.amount, `L3 ${transfer.id} took ${shared}, owes ${owed}`);
    }
  }

  #checkBalances(state: AccountState, lots: readonly KnownLot[], overdrawn: number): void {
    const free = (isMeant: (lot: KnownLot) => boolean) => total(lots.filter(isMeant).map(this.#freeOf));
    const expected = {
      balance: state.balance,
      available: free(this.#isSpendable) - overdrawn,
      held: total(lots.map(({ id }) => this.#reservedOf(id))),
      pending: free(({ activeFrom }) => activeFrom.getTime() > this.#nowMs),
      expired: free(this.#isOver),
    };
    const told = balancesAt(state, this.now);
    this.#expect(isDeepStrictEqual(told, expected), `balances ${JSON.stringify({ told, expected })}`);
    const { balance, available, held, pending, expired } = told;
    this.#expect(available + held + pending + expired === balance, 'L2 the parts are not the balance');
  }
}
