// What follows when somebody becomes known to the store, signs up, or wants its newsletter: invitations find their friend,
// and the programme rewards the event (P1, P9).
import type { Ctx } from '../context.ts';
import type { Tx } from '../db/connection.ts';
import { adoptConsents } from '../db/consents.ts';
import type { LoyaltyEvent } from '../domain/loyalty/earning.ts';
import { earnForEvents } from './loyalty-earnings.ts';
import { queueMessages } from './messages.ts';
import { linkInvitations } from './referral-decisions.ts';

/** Once per customer for good (P2), however often it happens. */
const earnOnce = async (
  ctx: Ctx,
  tx: Tx,
  customerIds: readonly string[],
  kind: LoyaltyEvent,
): Promise<void> => {
  if (customerIds.length === 0) return;
  const events = customerIds.map((customerId) => ({ customerId, kind, sourceId: customerId, at: ctx.now }));
  await earnForEvents(ctx, tx, events);
};

/** New customers, whose rows nobody else can see yet: consent that was given for their addresses is theirs. */
export async function noteArrivals(ctx: Ctx, tx: Tx, customerIds: readonly string[]): Promise<void> {
  if (customerIds.length === 0) return;
  await adoptConsents(tx, { ids: [...customerIds] });
  await linkInvitations(ctx, tx, customerIds);
}

export const noteArrival = (ctx: Ctx, tx: Tx, customerId: string): Promise<void> =>
  noteArrivals(ctx, tx, [customerId]);

/** The account became active for the first time; the customer's lock is held. */
export const noteSignUp = (ctx: Ctx, tx: Tx, customerId: string): Promise<void> =>
  earnOnce(ctx, tx, [customerId], 'sign_up');

/**
 * Somebody opened their account: one mail welcomes them, once per customer. Accounts that staff or an integration make get
 * none: a shop that moves here would mail everybody.
 */
export const welcome = (ctx: Ctx, tx: Tx, customerId: string): Promise<unknown> =>
  queueMessages(ctx, tx, [{ kind: 'welcome', customerId, reference: `welcome:${customerId}` }]);

/** They agreed to the newsletter themselves. */
export const noteNewsletter = (ctx: Ctx, tx: Tx, customerIds: readonly string[]): Promise<void> =>
  earnOnce(ctx, tx, customerIds, 'newsletter');
