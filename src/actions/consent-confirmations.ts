// Double opt-in: the mail that asks the owner of an address, and what the answer does.
import type { Ctx } from '../context.ts';
import type { Db, Tx } from '../db/connection.ts';
import { listPending } from '../db/consents.ts';
import type { DueMessage } from '../db/messages.ts';
import { daysAfter } from '../domain/days.ts';
import { maskEmail, normaliseEmail } from '../domain/emails.ts';
import { grouped } from '../domain/grouped.ts';
import { CONFIRMATION_DAYS } from '../domain/mail/consents.ts';
import { Problem } from '../errors.ts';
import { mintTokens, readToken, useToken } from './account-tokens.ts';
import { type Proof, recordConsents } from './consents.ts';
import type { LinkMaker } from './mail-content.ts';
import { write } from './write.ts';

const KIND = 'consent_confirmation';

/** What the template gets beside the store and the customer. */
export interface ConfirmationVariables {
  links: { confirm: string };
  data: { topics: string[]; wording?: string; expiresAt: Date };
}

const addressOf = ({ toEmail }: Pick<DueMessage, 'toEmail'>): string => normaliseEmail(toEmail ?? '') ?? '';

/**
 * Variables by id of the mail, with a token for each; `link` makes its address. A mail that is not in the answer must not
 * be sent: nothing waits for confirmation any more.
 */
export async function confirmationMails(
  ctx: Ctx,
  tx: Tx,
  mails: readonly Pick<DueMessage, 'id' | 'customerId' | 'toEmail'>[],
  link: LinkMaker,
): Promise<Map<string, ConfirmationVariables>> {
  const pending = grouped(
    await listPending(tx, { addresses: mails.map(addressOf) }),
    ({ address }) => address,
  );
  const standing = mails.filter((mail) => pending.has(addressOf(mail)));
  const expiresAt = daysAfter(ctx.now, CONFIRMATION_DAYS);
  const tokens = await mintTokens(
    ctx,
    tx,
    standing.map((mail) => ({
      kind: KIND,
      customerId: mail.customerId,
      messageId: mail.id,
      data: { address: addressOf(mail) },
      expiresAt,
    })),
  );
  return new Map(
    standing.map((mail, index) => {
      const waiting = pending.get(addressOf(mail)) ?? [];
      const wording = waiting.find((one) => one.wording !== null)?.wording;
      const data = { topics: waiting.map(({ name }) => name), ...(wording && { wording }), expiresAt };
      return [mail.id, { links: { confirm: link('consentConfirmation', tokens[index] ?? '') }, data }];
    }),
  );
}

export const CONSENT_MAILS = { [KIND]: confirmationMails };

/** What a confirmation is about. */
export interface Confirmation {
  /** Masked. */
  email: string;
  topics: { key: string; name: string }[];
}

/** What waits at the address of a token. @throws Problem TOKEN_UNKNOWN when nothing does */
async function pendingAt(
  db: Db,
  { data }: { data: Record<string, unknown> },
): Promise<Confirmation & { address: string }> {
  const address = String(data.address ?? '');
  const pending = await listPending(db, { addresses: [address] });
  if (pending.length === 0) throw new Problem('TOKEN_UNKNOWN');
  return {
    address,
    email: maskEmail(address),
    topics: pending.map(({ topic, name }) => ({ key: topic, name })),
  };
}

const shown = ({ email, topics }: Confirmation): Confirmation => ({ email, topics });

/**
 * What the token would confirm; nothing changes.
 * @throws Problem TOKEN_UNKNOWN, PASSWORD_TOKEN_EXPIRED
 */
export async function readConfirmation(ctx: Ctx, token: string): Promise<Confirmation> {
  return shown(await pendingAt(ctx.db, await readToken(ctx, ctx.db, token, KIND)));
}

/**
 * Confirms all that waits at the address which the token was mailed to. Of two uses at once one wins; who withdrew
 * meanwhile stays withdrawn.
 * @throws Problem TOKEN_UNKNOWN, PASSWORD_TOKEN_EXPIRED
 */
export function confirmConsent(ctx: Ctx, token: string, proof: Proof): Promise<Confirmation> {
  return write(ctx, async (tx) => {
    const used = await useToken(ctx, tx, token, KIND);
    const confirmation = await pendingAt(tx, used);
    await recordConsents(
      ctx,
      tx,
      confirmation.topics.map(({ key }) => ({
        channel: 'email',
        address: confirmation.address,
        topic: key,
        action: 'confirm',
        source: 'confirmation_link',
        proof: { ...proof, ...(used.messageId && { messageId: used.messageId }) },
      })),
    );
    return shown(confirmation);
  });
}
