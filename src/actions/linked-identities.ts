// Identities at providers that log a customer in: linking one while signed in, and taking it off.
import type { Ctx } from '../context.ts';
import { deleteLinkedIdentities, insertLinkedIdentity, useLinkedIdentity } from '../db/identity-providers.ts';
import { findSurvivorId } from '../db/merges.ts';
import { Problem } from '../errors.ts';
import { lockPresent } from './customers.ts';
import { type ProviderAnswer, readIdentity } from './identity-logins.ts';
import type { IdentityDesk } from './identity-providers.ts';
import { tell } from './timeline.ts';
import { write } from './write.ts';

/**
 * Links the identity that came back to the customer who began the linking; the address there need not be theirs here,
 * for they are signed in on both sides. One that is theirs already stays linked.
 * @throws Problem IDENTITY_TAKEN, ACCOUNT_NOT_ACTIVE, and those of readIdentity
 */
export async function linkIdentity(
  ctx: Ctx,
  desk: IdentityDesk,
  key: string,
  customerId: string,
  answer: ProviderAnswer,
): Promise<void> {
  const { subject, email } = await readIdentity(ctx, desk, key, answer, customerId);
  await write(ctx, async (tx) => {
    const { accountStatus } = await lockPresent(tx, customerId, undefined);
    if (accountStatus !== 'active')
      throw new Problem('ACCOUNT_NOT_ACTIVE', { wayOut: 'Register or accept the invitation first.' });
    const owner = await useLinkedIdentity(tx, { provider: key, subject, now: ctx.now });
    if (owner !== undefined) {
      if ((await findSurvivorId(tx, owner)) !== customerId) throw new Problem('IDENTITY_TAKEN');
      return;
    }
    await insertLinkedIdentity(tx, {
      provider: key,
      subject,
      customerId,
      email,
      linkedAt: ctx.now,
      lastUsedAt: ctx.now,
    });
    await tell(ctx, tx, { kind: 'login.linked', customerId, data: { provider: key } });
  });
}

/**
 * Takes the customer's identities at the provider off. Whoever has no password gets one by mail with a password reset.
 * @throws Problem NOT_FOUND
 */
export const unlinkIdentity = (ctx: Ctx, customerId: string, key: string): Promise<void> =>
  write(ctx, async (tx) => {
    await lockPresent(tx, customerId, undefined);
    if ((await deleteLinkedIdentities(tx, customerId, key)) === 0)
      throw new Problem('NOT_FOUND', { resource: 'identity' });
    await tell(ctx, tx, { kind: 'login.unlinked', customerId, data: { provider: key } });
  });
