// What the mail of an invitation needs: its link, made when the mail is (I1).
import type { Ctx } from '../context.ts';
import type { Tx } from '../db/connection.ts';
import { holdInvitationMails, setInvitationExpiry } from '../db/invitations.ts';
import type { DueMessage } from '../db/messages.ts';
import { mailSettingsOf } from '../domain/mail/settings.ts';
import { mintTokens } from './account-tokens.ts';
import { storeOf } from './customers.ts';
import type { LinkMaker } from './mail-content.ts';

const HOUR_MS = 3_600_000;

/** What the template gets beside the store and the customer. */
interface InvitationVariables {
  links: { accept: string };
  data: { expiresAt: Date };
}

const definedIds = (mails: readonly Pick<DueMessage, 'customerId'>[]): string[] =>
  mails.flatMap(({ customerId }) => (customerId === null ? [] : [customerId]));

/**
 * Variables by id of the mail, with a token for each; `link` makes its address. A mail that is not in the answer must not
 * be sent: its customer accepted, was disabled or merged, or the invitation was replaced or taken back.
 */
async function invitationMails(
  ctx: Ctx,
  tx: Tx,
  mails: readonly Pick<DueMessage, 'id' | 'customerId'>[],
  link: LinkMaker,
): Promise<Map<string, InvitationVariables>> {
  const messageIds = mails.map(({ id }) => id);
  const standing = await holdInvitationMails(tx, { customerIds: definedIds(mails), messageIds });
  const { invitationHours } = mailSettingsOf((await storeOf({ ...ctx, db: tx })).settings);
  const expiresAt = new Date(ctx.now.getTime() + invitationHours * HOUR_MS);
  const tokens = await mintTokens(
    ctx,
    tx,
    standing.map(({ customerId, messageId, invitationId, emailNorm }) => ({
      kind: 'invitation',
      customerId,
      messageId,
      data: { invitationId, email: emailNorm },
      expiresAt,
    })),
  );
  await setInvitationExpiry(tx, { ids: standing.map(({ invitationId }) => invitationId), expiresAt });
  return new Map(
    standing.map(({ messageId }, index) => [
      messageId,
      { links: { accept: link('invitation', tokens[index] ?? '') }, data: { expiresAt } },
    ]),
  );
}

/** For the kinds whose mails say more than their row does. */
export const INVITATION_MAILS = { invitation: invitationMails };
