// The nightly job that books what has expired to `breakage` (L5). Time has decided before: it changes nothing that
// anybody can spend, so it may come late, twice at once, or be killed.
import type { Ctx } from '../context.ts';
import type { Tx } from '../db/connection.ts';
import { type LedgerAccount, lockAccounts } from '../db/ledger/accounts.ts';
import {
  type DueLot,
  type LotPast,
  type LotPosition,
  listDueLots,
  listLotPasts,
} from '../db/ledger/expiry.ts';
import { type AccountState, momentOfAll, POINTS } from '../domain/ledger/accounts.ts';
import { type Booking, book, type Entry, ownReference } from '../domain/ledger/entries.ts';
import { type ExpiredLot, planExpiry } from '../domain/ledger/expiry.ts';
import type { Slice } from './jobs.ts';
import { chainHash, saveBookings } from './ledger.ts';
import type { Happening } from './timeline.ts';

/** Lots of one slice, so at most as many accounts: they stay locked until it ends. */
const LOTS_PER_SLICE = 500;

/** What is to be booked for one account. */
interface Due {
  customerId: string;
  state: AccountState;
  lots: ExpiredLot[];
}

/** Decides under the locks: what was booked, spent or held since it was found is no longer due. */
function dueOf({ customerId, state }: LedgerAccount, wanted: ReadonlySet<string>, at: Date): Due[] {
  if (!state) return [];
  const lots = planExpiry(state, at).filter(({ lotId }) => wanted.has(lotId));
  return lots.length === 0 ? [] : [{ customerId, state, lots }];
}

/**
 * One transfer per lot. A lot that came back after it had expired is booked again, under the next number, and not before
 * it came back: no balance of the past becomes negative by it.
 */
function expiryEntry(ctx: Ctx, { lotId, amount, expiredAt }: ExpiredLot, past: LotPast | undefined): Entry {
  const { expiries = 0, returnedAt = null } = past ?? {};
  return {
    id: ctx.newId(),
    kind: 'expiry',
    amount,
    effectiveAt: returnedAt !== null && returnedAt > expiredAt ? returnedAt : expiredAt,
    reference: ownReference('expire', lotId, expiries + 1),
    shares: [{ lotId, amount }],
  };
}

const happeningsOf = (customerId: string, { transfers, allocations }: Booking): Happening[] =>
  transfers.map(({ id, unit, amount, balanceAfter, effectiveAt }, index) => ({
    kind: unit === POINTS ? 'points.expired' : 'credit.expired',
    customerId,
    subjectId: id,
    data: { unit, amount, balanceAfter, lotId: allocations[index]?.lotId, expiredAt: effectiveAt },
  }));

async function bookDue(ctx: Ctx, tx: Tx, dues: readonly Due[], at: Date): Promise<void> {
  const pasts = await listLotPasts(
    tx,
    dues.flatMap(({ state, lots }) => lots.map(({ lotId }) => ({ accountId: state.id, lotId }))),
  );
  const booked = dues.map(({ customerId, state, lots }) => {
    const entries = lots.map((lot) => expiryEntry(ctx, lot, pasts.get(lot.lotId)));
    return { customerId, booking: book(state, entries, at, chainHash) };
  });
  await saveBookings(
    ctx,
    tx,
    booked.map(({ booking }) => booking),
    booked.flatMap(({ customerId, booking }) => happeningsOf(customerId, booking)),
  );
}

/** Books what is due of the lots; resolves to how many that were. */
async function bookExpired(ctx: Ctx, tx: Tx, found: readonly DueLot[]): Promise<number> {
  const keys = new Map(found.map(({ accountId, customerId, unit }) => [accountId, { customerId, unit }]));
  const wanted = new Set(found.map(({ lotId }) => lotId));
  const accounts = await lockAccounts(tx, [...keys.values()]);
  const at = momentOfAll(
    accounts.flatMap(({ state }) => state ?? []),
    ctx.now,
  );
  const dues = accounts.flatMap((account) => dueOf(account, wanted, at));
  if (dues.length > 0) await bookDue(ctx, tx, dues, at);
  return dues.reduce((count, { lots }) => count + lots.length, 0);
}

/**
 * One slice of expired lots, soonest first. `outcomes` counts the lots `expired`, and those `kept` because a hold
 * reserves all that is left of them: the job of a later night finds these again.
 */
export const ledgerExpirySlice: Slice = async (ctx, tx, job) => {
  const { after } = job.position as { after?: LotPosition };
  const found = await listDueLots(tx, { after, at: ctx.now, limit: LOTS_PER_SLICE });
  const expired = found.length === 0 ? 0 : await bookExpired(ctx, tx, found);
  const last = found.at(-1);
  return {
    done: found.length,
    outcomes: { expired, kept: found.length - expired },
    ...(last !== undefined &&
      found.length === LOTS_PER_SLICE && {
        position: { after: { expiresAt: last.expiresAt, accountId: last.accountId, lotId: last.lotId } },
      }),
  };
};
