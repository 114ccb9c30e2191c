// What ends with an account, or with its password or address: sessions, mailed links, open invitations.
import type { Ctx } from '../context.ts';
import type { Tx } from '../db/connection.ts';
import type { SessionEnd } from '../domain/accounts/tokens.ts';
import { revokeTokens } from './account-tokens.ts';
import { endInvitations } from './invitations.ts';
import { endSessions } from './sessions.ts';

/**
 * Mailed links open nothing from now on: they went to an address that is no longer the customer's, or to an account that
 * is closed. The customers' locks are held.
 */
export async function revokeLinks(ctx: Ctx, tx: Tx, customerIds: readonly string[]): Promise<void> {
  await endInvitations(ctx, tx, customerIds);
  await revokeTokens(ctx, tx, customerIds);
}

/** Nobody is logged in to these accounts any more, nor gets in by a link that is on its way. The customers' locks are held. */
export async function closeAccounts(
  ctx: Ctx,
  tx: Tx,
  customerIds: readonly string[],
  reason: SessionEnd,
): Promise<void> {
  await endSessions(ctx, tx, customerIds, reason);
  await revokeLinks(ctx, tx, customerIds);
}
