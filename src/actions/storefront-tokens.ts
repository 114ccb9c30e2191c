// Tokens of customers: who may get one, and whether the caller's is still good (P11).
import type { Ctx } from '../context.ts';
import { findCaller } from '../db/sessions.ts';
import { checkRedeemer } from '../domain/loyalty/rewards.ts';
import { accepted, Problem } from '../errors.ts';
import { readPresent } from './customers.ts';

/**
 * Whether a token can be signed for the customer: a guest can have one too, for the shop's own login may know more than
 * this service.
 * @throws Problem NOT_FOUND, CUSTOMER_GONE, ACCOUNT_NOT_ACTIVE for a disabled account
 */
export async function refuseToken(ctx: Ctx, customerId: string): Promise<void> {
  const { accountStatus } = await readPresent(ctx.db, customerId);
  accepted(checkRedeemer(accountStatus));
}

/**
 * The customer who calls. A token outlives what happens to its customer, so each request looks.
 * @throws Problem UNAUTHENTICATED when the customer is gone, merged, erased or disabled, or the session is over
 */
export async function callingCustomer({ db, customerId, sessionId, now }: Ctx): Promise<string> {
  if (customerId === undefined) throw new Problem('UNAUTHENTICATED');
  const caller = await findCaller(db, { id: customerId, sessionId: sessionId ?? null, now });
  if (!caller?.isOpen || checkRedeemer(caller.accountStatus)) throw new Problem('UNAUTHENTICATED');
  return customerId;
}
