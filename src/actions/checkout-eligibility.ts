// Who may check out, asked by id, by address, or with the customer's own token.
import type { Ctx } from '../context.ts';
import { findByIdentity, findStanding } from '../db/customers.ts';
import { findCaller } from '../db/sessions.ts';
import type { AccountStatus } from '../domain/account-states.ts';
import { type CheckoutEligibility, checkoutEligibility } from '../domain/accounts/checkout-eligibility.ts';
import { normaliseEmail } from '../domain/emails.ts';
import { Problem } from '../errors.ts';
import { readPresent, recentStoreOf } from './customers.ts';

const judge = async (ctx: Ctx, status: AccountStatus | undefined): Promise<CheckoutEligibility> =>
  checkoutEligibility((await recentStoreOf(ctx)).settings.accounts, status);

/** @throws Problem NOT_FOUND, CUSTOMER_GONE */
export const readEligibility = async (ctx: Ctx, customerId: string): Promise<CheckoutEligibility> =>
  judge(ctx, (await readPresent(ctx.db, customerId)).accountStatus);

/**
 * Of whoever has the address; an address that nobody has is a new guest's.
 * @throws Problem CUSTOMER_INVALID for something that is no address
 */
export async function readEligibilityOf(ctx: Ctx, email: string): Promise<CheckoutEligibility> {
  const emailNorm = normaliseEmail(email);
  if (emailNorm === undefined) {
    const errors = [{ pointer: '/email', code: 'EMAIL_INVALID', message: 'Not an email address.' }];
    throw new Problem('CUSTOMER_INVALID', { errors });
  }
  const [known] = await findByIdentity(ctx.db, { emailNorm });
  return judge(ctx, known && (await findStanding(ctx.db, known.id))?.accountStatus);
}

/**
 * Of the customer who calls. Somebody with a disabled account, whose sessions are over, is told so here and only here.
 * @throws Problem UNAUTHENTICATED
 */
export async function readMyEligibility(ctx: Ctx): Promise<CheckoutEligibility> {
  const { db, customerId = '', sessionId = null, now } = ctx;
  const caller = await findCaller(db, { id: customerId, sessionId, now });
  if (caller?.accountStatus === 'disabled') return judge(ctx, 'disabled');
  if (!caller?.isOpen || caller.accountStatus === 'merged' || caller.accountStatus === 'erased')
    throw new Problem('UNAUTHENTICATED');
  return judge(ctx, caller.accountStatus);
}
