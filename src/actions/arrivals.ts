// What follows when somebody becomes known to the store, signs up, or wants its newsletter: invitations find their friend,
// and the programme rewards the event (P1, P9).
import type { Ctx } from '../context.ts';
import type { Tx } from '../db/connection.ts';
import type { LoyaltyEvent } from '../domain/loyalty/earning.ts';
import { earnForEvents } from './loyalty-earnings.ts';
import { linkInvitations } from './referral-decisions.ts';

/** Once per customer for good (P2), however often it happens. */
const earnOnce = async (ctx: Ctx, tx: Tx, customerId: string, kind: LoyaltyEvent): Promise<void> => {
  await earnForEvents(ctx, tx, [{ customerId, kind, sourceId: customerId, at: ctx.now }]);
};

/** A new customer, whose row nobody else can see yet. */
export const noteArrival = (ctx: Ctx, tx: Tx, customerId: string): Promise<void> =>
  linkInvitations(ctx, tx, [customerId]);

/** The account became active for the first time; the customer's lock is held. */
export const noteSignUp = (ctx: Ctx, tx: Tx, customerId: string): Promise<void> =>
  earnOnce(ctx, tx, customerId, 'sign_up');

export const noteNewsletter = (ctx: Ctx, tx: Tx, customerId: string): Promise<void> =>
  earnOnce(ctx, tx, customerId, 'newsletter');
