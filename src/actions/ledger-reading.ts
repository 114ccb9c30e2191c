// The ledger in the words of the contract: accounts now and as of an instant (L9), transfers with their lots, lots.
import type { Ctx } from '../context.ts';
import { findAccount, type KnownAccount } from '../db/ledger/accounts.ts';
import { sumAccountAsOf } from '../db/ledger/as-of.ts';
import type { LotView } from '../db/ledger/lists.ts';
import { type LotMovement, listLotMovementsOf } from '../db/ledger/statements.ts';
import { findTransfer } from '../db/ledger/transfers.ts';
import { lotStatusAt } from '../domain/ledger/accounts.ts';
import { type AsOf, stateAsOf } from '../domain/ledger/as-of.ts';
import { Problem } from '../errors.ts';
import { accountView, toTransfer } from './ledger-answers.ts';

/** An account with where its chain stands, and the instant that its amounts are of. */
export const toAccount = ({ customerId, state }: KnownAccount, { effectiveAt, recordedAt }: AsOf) => ({
  ...accountView(customerId, state, effectiveAt),
  seq: state.seq,
  hash: state.hash,
  effectiveAt,
  recordedAt,
});

export const asOfNow = ({ now }: Ctx): AsOf => ({ effectiveAt: now, recordedAt: now });

/** @throws Problem NOT_FOUND */
export async function knownAccount({ db }: Ctx, id: string): Promise<KnownAccount> {
  const account = await findAccount(db, id);
  if (!account) throw new Problem('NOT_FOUND', { resource: 'account' });
  return account;
}

/**
 * What the account was worth (L9): by what counted at `effectiveAt`, of what had been written down by `recordedAt`; each
 * is now when it is left out.
 * @throws Problem NOT_FOUND
 */
export async function readAccountAsOf(ctx: Ctx, id: string, asked: { [K in keyof AsOf]?: Date | undefined }) {
  const { effectiveAt = ctx.now, recordedAt = ctx.now } = asked;
  const account = await knownAccount(ctx, id);
  if (!asked.effectiveAt && !asked.recordedAt) return toAccount(account, asOfNow(ctx));
  const asOf = { effectiveAt, recordedAt };
  const state = stateAsOf(account.state, await sumAccountAsOf(ctx.db, id, asOf), asOf);
  return toAccount({ ...account, state }, asOf);
}

export const toLotMovement = ({ lotId, amount }: LotMovement) => ({ ...(lotId && { lotId }), amount });

/** A transfer with the lots it moved. @throws Problem NOT_FOUND */
export async function readTransfer({ db }: Ctx, id: string) {
  const transfer = await findTransfer(db, id);
  if (!transfer) throw new Problem('NOT_FOUND', { resource: 'transfer' });
  const lots = await listLotMovementsOf(db, transfer);
  return { ...toTransfer(transfer), lots: lots.map(toLotMovement) };
}

/** A lot in the shape of the contract; its status is what time made of it. */
export function toLot({ expiresAt, source, rule, ...lot }: LotView, at: Date) {
  return {
    ...lot,
    status: lotStatusAt({ ...lot, expiresAt }, at),
    ...(expiresAt && { expiresAt }),
    ...(source && { source }),
    ...(rule && { rule }),
  };
}
