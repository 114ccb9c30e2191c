// What was decided about points becomes entries of the ledger: one booking per account, one statement for all of them,
// then the rows of earnings and members (L1, P2, P6).
import type { Ctx } from '../context.ts';
import type { Tx } from '../db/connection.ts';
import { ensureAccounts, type LedgerAccount, lockAccounts } from '../db/ledger/accounts.ts';
import {
  dateLots,
  type EarnedLot,
  type EarningRow,
  insertEarnings,
  type LotDates,
  listEarnedLots,
  listInactivityLots,
  updateReversed,
} from '../db/loyalty-earnings.ts';
import { lockMembers, type MemberRow, updateMembers } from '../db/loyalty-members.ts';
import type { CurrentProgramme } from '../db/loyalty-programme.ts';
import type { Store } from '../db/stores.ts';
import { grouped } from '../domain/grouped.ts';
import {
  type AccountState,
  allocate,
  balancesAt,
  freeLots,
  hasExpired,
  type Lot,
  type LotShare,
  momentOfAll,
  POINTS,
  sharesTotal,
} from '../domain/ledger/accounts.ts';
import type { Hash } from '../domain/ledger/chain.ts';
import {
  type Booking,
  book,
  type Entry,
  earnReference,
  type IssueReason,
  type NewLot,
  ownReference,
} from '../domain/ledger/entries.ts';
import { expiresAt, lotDates } from '../domain/loyalty/expiry.ts';
import type { DateStep, EarnStep, PointsStep, ReverseStep } from '../domain/loyalty/order-points.ts';
import type { ProgrammeSettings } from '../domain/loyalty/programme.ts';
import { planReversal, type ReversalPlan } from '../domain/loyalty/reversal.ts';
import { storeOf } from './customers.ts';
import { chainHash, saveBookings } from './ledger.ts';
import { type MemberTierChange, queueTierMails } from './loyalty-mails.ts';
import { currentProgramme } from './loyalty-programme.ts';
import { tierHappening } from './tiers.ts';
import { type Happening, tell } from './timeline.ts';

type Step = PointsStep<EarningRow>;
type LedgerStep = Exclude<Step, { kind: 'tier' }>;

/** What the points of a batch are decided by and written with. */
export interface PointsRoom {
  ctx: Ctx;
  tx: Tx;
  programme: CurrentProgramme;
  store: Store;
}

/** What a batch came to. */
export interface PointsPlan {
  steps: readonly Step[];
  /** All members of the batch as they are after it, by customer. */
  members: ReadonlyMap<string, MemberRow>;
  changedMembers: readonly MemberRow[];
  versions: ReadonlyMap<number, ProgrammeSettings>;
  /** What became of tiers before the steps. */
  tierChanges: readonly MemberTierChange[];
}

/** Hashes are made once, with the booking itself. */
const noHash: Hash = () => '';

/** An account while its entries are decided one after the other. */
class AccountBook {
  readonly customerId: string;
  readonly at: Date;
  readonly dates = new Map<string, LotDates>();
  readonly #stored: AccountState;
  #entries: Entry[] = [];
  #state: AccountState;
  #counted = 0;

  constructor({ customerId }: LedgerAccount, state: AccountState, at: Date) {
    this.customerId = customerId;
    this.at = at;
    this.#stored = state;
    this.#state = state;
  }

  get id(): string {
    return this.#stored.id;
  }

  get isChanged(): boolean {
    return this.#entries.length > 0 || this.dates.size > 0;
  }

  /** The account with the entries so far. */
  get state(): AccountState {
    if (this.#counted < this.#entries.length) {
      this.#state = book(this.#state, this.#entries.slice(this.#counted), this.at, noHash).after;
      this.#counted = this.#entries.length;
    }
    return this.#state;
  }

  add(entry: Entry): void {
    this.#entries.push(entry);
  }

  /** Gives an open lot other dates, be it one that an entry here opens. */
  date(id: string, change: (lot: Lot) => Pick<Lot, 'activeFrom' | 'expiresAt'>): void {
    const lot = this.state.lots.find((one) => one.id === id);
    if (!lot) return;
    const dated = { ...lot, ...change(lot) };
    if (dated.activeFrom.getTime() === lot.activeFrom.getTime() && sameEnd(dated, lot)) return;
    this.#state = {
      ...this.#state,
      lots: this.#state.lots.map((one) => (one.id === id ? dated : one)),
    };
    const { activeFrom, expiresAt: end } = dated;
    const isStored = this.#stored.lots.some((one) => one.id === id);
    if (isStored) this.dates.set(id, { accountId: this.id, id, activeFrom, expiresAt: end });
    else this.#entries = this.#entries.map((entry) => withDates(entry, id, { activeFrom, expiresAt: end }));
  }

  booking(): Booking {
    return book(this.#stored, this.#entries, this.at, chainHash);
  }
}

const sameEnd = (one: Pick<Lot, 'expiresAt'>, other: Pick<Lot, 'expiresAt'>): boolean =>
  one.expiresAt?.getTime() === other.expiresAt?.getTime();

function withDates(entry: Entry, lotId: string, dates: Pick<NewLot, 'activeFrom' | 'expiresAt'>): Entry {
  if (!entry.opens?.some(({ id }) => id === lotId)) return entry;
  return { ...entry, opens: entry.opens.map((lot) => (lot.id === lotId ? { ...lot, ...dates } : lot)) };
}

/** Where an earning's lot is, wherever a merge has moved it. */
const lotKey = (accountId: string, source: string, ruleId: string): string =>
  JSON.stringify([accountId, source, ruleId]);

/** `order:<id>`, `referral:<id>` …: what `sourceKey` says behind the rule. */
function lotSource({ ruleId, sourceKey, orderId }: EarningRow): string {
  return orderId === null ? sourceKey.slice(ruleId.length + 1) : `order:${orderId}`;
}

const issuedFor = ({ sourceKind }: EarningRow): IssueReason => {
  if (sourceKind === 'order') return 'order';
  return sourceKind === 'referral' ? 'referral' : 'event';
};

/** Books the ledger steps of a batch. */
class PointsBooks {
  readonly books = new Map<string, AccountBook>();
  readonly happenings: Happening[] = [];
  readonly #room: PointsRoom;
  readonly #plan: PointsPlan;
  #lots = new Map<string, string[]>();

  constructor(room: PointsRoom, plan: PointsPlan) {
    this.#room = room;
    this.#plan = plan;
  }

  open(accounts: readonly LedgerAccount[], at: Date): void {
    for (const account of accounts)
      if (account.state) this.books.set(account.customerId, new AccountBook(account, account.state, at));
  }

  know(lots: readonly EarnedLot[]): void {
    const byKey = grouped(lots, ({ accountId, source, ruleId }) => lotKey(accountId, source, ruleId));
    this.#lots = new Map([...byKey].map(([key, list]) => [key, list.map(({ id }) => id)]));
  }

  take(step: LedgerStep): void {
    if (step.kind === 'earn') this.#earn(step);
    else if (step.kind === 'reverse') this.#reverse(step);
    else this.#date(step);
  }

  #bookOf(customerId: string): AccountBook {
    const found = this.books.get(customerId);
    if (!found) throw new Error('points are booked in accounts that were locked');
    return found;
  }

  #settingsOf({ programmeVersion }: EarningRow): ProgrammeSettings {
    const { programme } = this.#room;
    return this.#plan.versions.get(programmeVersion) ?? programme.settings;
  }

  #datesOf(earning: EarningRow, from: Date | null) {
    const { timezone } = this.#room.store;
    const member = this.#plan.members.get(earning.customerId);
    return lotDates(
      this.#settingsOf(earning).expiry,
      from,
      member?.lastActivityAt ?? earning.earnedAt,
      timezone,
    );
  }

  /** The open lots that an earning has in an account. */
  #lotIdsOf(earning: EarningRow, { id, state }: AccountBook): string[] {
    const known = this.#lots.get(lotKey(id, lotSource(earning), earning.ruleId)) ?? [];
    return state.lots.some((lot) => lot.id === earning.lotId) ? [earning.lotId, ...known] : known;
  }

  #earn({ earning, activeFrom }: EarnStep<EarningRow>): void {
    const account = this.#bookOf(earning.customerId);
    earning.accountId = account.id;
    const { points, orderId, ruleId, formula, lines, programmeVersion, sourceKey, earnedAt } = earning;
    account.add({
      id: earning.transferId,
      kind: 'earn',
      amount: points,
      issuedFor: issuedFor(earning),
      effectiveAt: earnedAt,
      reference: earnReference(sourceKey),
      orderId: orderId ?? undefined,
      opens: [
        {
          id: earning.lotId,
          amount: points,
          ...this.#datesOf(earning, activeFrom),
          source: lotSource(earning),
          rule: { programmeVersion, ruleId, formula, ...(lines.length > 0 && { lines }) },
        },
      ],
    });
    this.happenings.push({
      kind: 'points.earned',
      customerId: earning.customerId,
      subjectId: earning.transferId,
      data: { points, ruleId, source: lotSource(earning), activeFrom },
      at: earnedAt,
    });
  }

  #reverse({ earning, points, before, at }: ReverseStep<EarningRow>): void {
    const account = this.#bookOf(earning.customerId);
    const { plan, shares } = this.#planReversal(account, earning, points);
    const amount = plan.take + plan.overdraft;
    const { id, transferId, orderId, ruleId } = earning;
    if (amount > 0) {
      account.add({
        id: this.#room.ctx.newId(),
        kind: 'reversal',
        amount,
        issuedFor: issuedFor(earning),
        effectiveAt: at,
        reference: ownReference('reverse', id, before),
        correctsId: transferId,
        orderId: orderId ?? undefined,
        shares,
      });
    }
    this.happenings.push({
      kind: 'points.reversed',
      customerId: earning.customerId,
      subjectId: transferId,
      data: { points, ...plan, ruleId, source: lotSource(earning) },
      at,
    });
  }

  /** P6: from the earning's own lot first, then what is pending, then what could be spent. */
  #planReversal(
    account: AccountBook,
    earning: EarningRow,
    wanted: number,
  ): { plan: ReversalPlan; shares: LotShare[] } {
    const { state, at } = account;
    const policy = this.#room.programme.settings.reversal;
    const ids = new Set(this.#lotIdsOf(earning, account));
    const free = freeLots(state, at);
    const own = free.filter(({ id }) => ids.has(id));
    const others = free.filter((lot) => !ids.has(lot.id) && !hasExpired(lot, at));
    const isPending = ({ activeFrom }: Lot) => activeFrom > at;
    const isActive = (lot: Lot) => !isPending(lot);
    const ownPending = own.filter((lot) => isPending(lot) || hasExpired(lot, at));
    const pending = policy === 'pending_only' ? ownPending : [...ownPending, ...others.filter(isPending)];
    const plan = planReversal(policy, {
      wanted,
      pendingRemaining: remainingOf(pending),
      availableRemaining: balancesAt(state, at).available,
    });
    const inOrder =
      policy === 'pending_only' ? [pending] : [own, others.filter(isPending), others.filter(isActive)];
    return { plan, shares: takeFrom(inOrder, plan.take) };
  }

  #date({ earning, activeFrom }: DateStep<EarningRow>): void {
    const account = this.#bookOf(earning.customerId);
    for (const id of this.#lotIdsOf(earning, account))
      account.date(id, () => this.#datesOf(earning, activeFrom));
  }
}

const remainingOf = (lots: readonly Lot[]): number => lots.reduce((sum, { remaining }) => sum + remaining, 0);

/** Takes from one group of lots after the other, in each in the order of consumption (L4). */
function takeFrom(groups: readonly (readonly Lot[])[], amount: number): LotShare[] {
  const shares: LotShare[] = [];
  for (const lots of groups) shares.push(...allocate(lots, amount - sharesTotal(shares)));
  return shares;
}

const isOfLedger = (step: Step): step is LedgerStep => step.kind !== 'tier';

/** An account and when its owner was active last. */
interface ActiveAccount {
  account: AccountBook;
  activityAt: Date;
}

/** P4: what lasts as long as its owner is active lasts longer from there; what had ended before stays so. */
async function prolong(tx: Tx, active: readonly ActiveAccount[], timezone: string): Promise<void> {
  const byId = new Map(active.map((one) => [one.account.id, one]));
  for (const lot of await listInactivityLots(tx, [...byId.keys()])) {
    const owner = byId.get(lot.accountId);
    if (!owner || lot.expiresAt <= owner.activityAt) continue;
    const policy = { kind: 'inactivity_months', months: lot.months } as const;
    const end = expiresAt(policy, owner.activityAt, timezone);
    owner.account.date(lot.id, ({ activeFrom, expiresAt: before }) => ({
      activeFrom,
      expiresAt: before !== null && end !== null && end > before ? end : before,
    }));
  }
}

/** Who has earned. */
function activeOf({ steps, members }: PointsPlan, { books }: PointsBooks): ActiveAccount[] {
  const earned = new Set(steps.flatMap((step) => (step.kind === 'earn' ? [step.earning.customerId] : [])));
  return [...earned].flatMap((customerId) => {
    const account = books.get(customerId);
    const activityAt = members.get(customerId)?.lastActivityAt;
    return account && activityAt ? [{ account, activityAt }] : [];
  });
}

/** P4: spending is activity too. In the transaction that spends; where no points last by activity it costs nothing. */
export async function noteSpending(ctx: Ctx, tx: Tx, customerId: string): Promise<void> {
  const programme = await currentProgramme(tx);
  if (!programme?.prolongs) return;
  const [member] = await lockMembers(tx, [customerId]);
  const [locked] = await lockAccounts(tx, [{ customerId, unit: POINTS }]);
  if (!member || !locked?.state) return;
  const account = new AccountBook(locked, locked.state, momentOfAll([locked.state], ctx.now));
  const { timezone } = await storeOf({ ...ctx, db: tx });
  await prolong(tx, [{ account, activityAt: ctx.now }], timezone);
  await updateMembers(tx, [{ ...member, lastActivityAt: ctx.now, updatedAt: ctx.now }]);
  if (!account.isChanged) return;
  await saveBookings(ctx, tx, [account.booking()], []);
  await dateLots(tx, [...account.dates.values()]);
}

async function openBooks(room: PointsRoom, plan: PointsPlan, steps: readonly LedgerStep[]) {
  const { ctx, tx } = room;
  const books = new PointsBooks(room, plan);
  const customerIds = new Set(steps.map(({ earning }) => earning.customerId));
  const keys = [...customerIds].map((customerId) => ({ customerId, unit: POINTS }));
  if (keys.length === 0) return books;
  await ensureAccounts(tx, keys, ctx);
  const accounts = await lockAccounts(tx, keys);
  const at = momentOfAll(
    accounts.flatMap(({ state }) => state ?? []),
    ctx.now,
  );
  books.open(accounts, at);
  const sought = steps.flatMap((step) =>
    step.kind === 'reverse' || step.kind === 'date' ? [lotSource(step.earning)] : [],
  );
  if (sought.length > 0) {
    const ids = [...books.books.values()].map(({ id }) => id);
    books.know(await listEarnedLots(tx, ids, [...new Set(sought)]));
  }
  return books;
}

/** Books the plan; statements do not depend on its size. */
export async function bookPoints(room: PointsRoom, plan: PointsPlan): Promise<void> {
  const { ctx, tx } = room;
  const steps = plan.steps.filter(isOfLedger);
  const books = await openBooks(room, plan, steps);
  for (const step of steps) books.take(step);
  if (room.programme.prolongs) await prolong(tx, activeOf(plan, books), room.store.timezone);
  const changed = [...books.books.values()].filter(({ isChanged }) => isChanged);
  const later = plan.steps.flatMap((step) => (step.kind === 'tier' ? [step] : []));
  const happenings = [
    ...plan.tierChanges.map(tierHappening),
    ...books.happenings,
    ...later.map(tierHappening),
  ];
  if (changed.length > 0) {
    await saveBookings(
      ctx,
      tx,
      changed.map((account) => account.booking()),
      happenings,
    );
  } else if (happenings.length > 0) await tell(ctx, tx, ...happenings);
  await queueTierMails(ctx, tx, room.programme.settings, [...plan.tierChanges, ...later]);
  await dateLots(
    tx,
    changed.flatMap(({ dates }) => [...dates.values()]),
  );
  const earned = steps.flatMap((step) => (step.kind === 'earn' ? [step.earning] : []));
  await insertEarnings(tx, earned);
  const fresh = new Set(earned);
  const reversed = new Set(steps.flatMap((step) => (step.kind === 'reverse' ? [step.earning] : [])));
  await updateReversed(
    tx,
    [...reversed].filter((earning) => !fresh.has(earning)),
  );
  await updateMembers(tx, plan.changedMembers);
}
