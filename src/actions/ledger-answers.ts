// What commands on balances answer, and how a command that names itself is known again (L7).
import { createHash } from 'node:crypto';
import type { Db } from '../db/connection.ts';
import { findHoldByReference, type HoldView } from '../db/ledger/holds.ts';
import { findTransferByReference, type TransferView } from '../db/ledger/transfers.ts';
import { type AccountState, type Balances, balancesAt, momentOf, POINTS } from '../domain/ledger/accounts.ts';
import type { Booking, Transfer } from '../domain/ledger/entries.ts';
import { Problem } from '../errors.ts';

/** What a command said, so that a repeat under the same reference can be told from another command (L7). */
export const fingerprintOf = (...said: unknown[]): string =>
  createHash('sha256').update(JSON.stringify(said)).digest('hex');

/** What the account is worth, as commands answer it. */
export interface AccountView extends Balances {
  id: string;
  customerId: string;
  unit: string;
}

export const accountView = (customerId: string, state: AccountState, at: Date): AccountView => ({
  id: state.id,
  customerId,
  unit: state.unit,
  ...balancesAt(state, momentOf(state, at)),
});

/** A transfer in the shape of the contract. */
export type TransferResource = ReturnType<typeof toTransfer>;

/** `from` and `to` by name; the fingerprint stays inside. */
export function toTransfer(transfer: TransferView) {
  const { isCredit, counterAccount, fingerprint, correctsId, holdId, orderId, reason, ...shown } = transfer;
  const own = transfer.unit === POINTS ? POINTS : `credit:${transfer.unit}`;
  return {
    ...shown,
    from: isCredit ? counterAccount : own,
    to: isCredit ? own : counterAccount,
    ...(correctsId && { correctsId }),
    ...(holdId && { holdId }),
    ...(orderId && { orderId }),
    ...(reason && { reason }),
  };
}

/** The one transfer of a booking, as it will be read. */
export const bookedTransfer = (customerId: string, booking: Booking): TransferResource =>
  toTransfer({ ...(booking.transfers[0] as Transfer), customerId });

/** A hold in the shape of the contract; `expired` is what time made of an open one. */
export function toHold({ fingerprint, transferId, orderId, closedAt, ...hold }: HoldView, at: Date) {
  const isOver = hold.status === 'open' && hold.expiresAt <= at;
  return {
    ...hold,
    status: isOver ? ('expired' as const) : hold.status,
    ...(transferId && { transferId }),
    ...(orderId && { orderId }),
    ...(closedAt && { closedAt }),
  };
}

export type HoldResource = ReturnType<typeof toHold>;

/** What every command on a balance answers. */
export interface LedgerResult {
  transfer?: TransferResource;
  hold?: HoldResource;
  account: AccountView;
  dryRun: boolean;
}

/** A command that may name itself. */
export interface Named {
  reference?: string | undefined;
  dryRun?: boolean | undefined;
}

/**
 * L7: the transfer that this command made already.
 * @throws Problem REFERENCE_REUSED when the reference was another command's
 */
export async function knownTransfer(
  db: Db,
  reference: string | undefined,
  fingerprint: string,
): Promise<TransferView | undefined> {
  if (reference === undefined) return undefined;
  const transfer = await findTransferByReference(db, reference);
  if (transfer && transfer.fingerprint !== fingerprint)
    throw new Problem('REFERENCE_REUSED', { transferId: transfer.id });
  return transfer;
}

/** L7 for holds. */
export async function knownHold(
  db: Db,
  reference: string | undefined,
  fingerprint: string,
): Promise<HoldView | undefined> {
  if (reference === undefined) return undefined;
  const hold = await findHoldByReference(db, reference);
  if (hold && hold.fingerprint !== fingerprint) throw new Problem('REFERENCE_REUSED', { holdId: hold.id });
  return hold;
}

/** The facts of a transfer that the timeline tells. */
export const factsOf = (booking: Booking): Record<string, unknown> => {
  const [transfer] = booking.transfers;
  if (!transfer) return {};
  const { unit, amount, balanceAfter, reason, orderId } = transfer;
  return { unit, amount, balanceAfter, ...(reason && { reason }), ...(orderId && { orderId }) };
};
