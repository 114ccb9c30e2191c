// A customer's own change of email: asked for with the password, confirmed at the new address, told at the old one.
import type { Ctx } from '../context.ts';
import type { AccountToken } from '../db/account-tokens.ts';
import { refusalOfDatabase } from '../db/refusals.ts';
import { maskEmail, normaliseEmail } from '../domain/emails.ts';
import { Problem } from '../errors.ts';
import { holdProof, type Proof, provePassword } from './account-passwords.ts';
import { readToken, revokeTokens, useToken } from './account-tokens.ts';
import { changeCustomer } from './customer-profiles.ts';
import { lockPresent, recentStoreOf } from './customers.ts';
import { queueMessages } from './messages.ts';
import type { Throttles } from './throttles.ts';
import { tell } from './timeline.ts';
import { write } from './write.ts';

const RECEIVED = { status: 'received' } as const;

const refuse = (code: string, message: string): never => {
  throw new Problem('CUSTOMER_INVALID', { errors: [{ pointer: '/email', code, message }] });
};

/**
 * Asks for another address. A mail goes to the new one, which has to be confirmed, and a notice to the old one. Whether
 * the new one is somebody else's is told to nobody but its owner.
 * @throws Problem CUSTOMER_INVALID, and those of provePassword
 */
export async function requestEmailChange(
  ctx: Ctx,
  { email, ...proof }: Proof & { email: string },
  throttles: Throttles,
): Promise<typeof RECEIVED> {
  const toEmail = normaliseEmail(email) ?? refuse('EMAIL_INVALID', 'Not an email address.');
  const owner = await provePassword(ctx, proof, throttles);
  const { id: customerId, emailNorm: oldEmail } = owner;
  if (toEmail === oldEmail) refuse('EMAIL_UNCHANGED', 'The account has this address already.');
  if (!(await throttles.allowsMail(ctx, toEmail))) return RECEIVED;
  const data = { email: email.trim() };
  return write(ctx, async (tx) => {
    await holdProof(tx, owner);
    await revokeTokens(ctx, tx, [customerId], ['email_change']);
    await queueMessages(ctx, tx, [
      { kind: 'email_change', customerId, toEmail, data },
      ...(oldEmail ? [{ kind: 'email_changed' as const, customerId, toEmail: oldEmail, data }] : []),
    ]);
    return RECEIVED;
  });
}

const newEmailOf = ({ data }: AccountToken): string => String(data.email);

/**
 * What the page of the link shows. Looking never uses it up (I2).
 * @throws Problem PASSWORD_TOKEN_EXPIRED with the way out, TOKEN_UNKNOWN
 */
export async function readEmailChange(ctx: Ctx, text: string) {
  const token = await readToken(ctx, ctx.db, text, 'email_change');
  const { name } = await recentStoreOf(ctx);
  return {
    status: 'open' as const,
    storeName: name,
    email: maskEmail(newEmailOf(token)),
    expiresAt: token.expiresAt,
  };
}

const isTaken = (error: unknown): boolean =>
  (error instanceof Problem ? error.code : refusalOfDatabase(error)) === 'EMAIL_TAKEN';

/**
 * Confirms the change: the customer has the new address from now on. Links that went to the old one open nothing any
 * more, and consent goes with the person.
 * @throws Problem PASSWORD_TOKEN_EXPIRED with the way out, TOKEN_UNKNOWN, EMAIL_TAKEN
 */
export async function confirmEmailChange(ctx: Ctx, text: string): Promise<{ email: string }> {
  try {
    return await write(ctx, async (tx) => {
      const token = await useToken(ctx, tx, text, 'email_change');
      const customerId = token.customerId ?? '';
      const { emailNorm: before } = await lockPresent(tx, customerId, undefined);
      const email = newEmailOf(token);
      const emailNorm = normaliseEmail(email) ?? null;
      const me = { ...ctx, actor: `customer:${customerId}` };
      await changeCustomer(me, tx, customerId, { email });
      await tell(me, tx, { kind: 'email.changed', customerId, data: { email: [before, emailNorm] } });
      return { email };
    });
  } catch (error) {
    // Without the id of the other customer: that is for staff.
    throw isTaken(error) ? new Problem('EMAIL_TAKEN') : error;
  }
}
