// Tokens of customers: who may get one, and whether the caller's is still good (P11).
import type { Ctx } from '../context.ts';
import { findStanding } from '../db/customers.ts';
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
 * @throws Problem UNAUTHENTICATED when the customer is gone, merged, erased or disabled
 */
export async function callingCustomer({ db, customerId }: Ctx): Promise<string> {
  const standing = customerId === undefined ? undefined : await findStanding(db, customerId);
  if (customerId === undefined || !standing || checkRedeemer(standing.accountStatus))
    throw new Problem('UNAUTHENTICATED');
  return customerId;
}
