// Following a link of a mail: where it leads, and what is written down of it.
import { type MailSecrets, readClickToken } from '../clients/mail-identity.ts';
import type { Ctx } from '../context.ts';
import { type ClickedMessage, listClicksSince, lockClickedMessage, recordClick } from '../db/clicks.ts';
import { transaction } from '../db/connection.ts';
import { BURST_MS, burstAround, isMachine } from '../domain/mail/clicks.ts';
import { Problem } from '../errors.ts';
import { type Happening, tell } from './timeline.ts';

/** A link that was followed. */
export interface FollowedLink {
  storeId: string;
  /** Id of the mail. */
  id: string;
  url: string;
}

/**
 * The link behind a token; whoever has it may go there, for we signed it.
 * @throws Problem NOT_FOUND
 */
export function readLink(secrets: MailSecrets, token: string): FollowedLink {
  const link = readClickToken(secrets, token);
  if (!link) throw new Problem('NOT_FOUND', { resource: 'link' });
  return link;
}

/** The timeline hears of the first click of a person, and when that turns out to be none. */
function happeningsOf(
  { customerId, kind, campaignId, clickedAt: before }: ClickedMessage,
  { id, url }: FollowedLink,
  after: Date | null,
): Happening[] {
  if (customerId === null || (before !== null && after !== null)) return [];
  const data = { kind, ...(campaignId && { campaignId }), ...(after && { url }) };
  return [{ kind: after ? 'message.clicked' : 'message.click_doubted', customerId, subjectId: id, data }];
}

/**
 * Writes down that a link was followed at `ctx.now`, and whether a person did so. Earlier clicks are judged anew: the second
 * link of a scanner shows what the first one was. A mail that is gone has no clicks.
 */
export async function noteClick(ctx: Ctx, link: FollowedLink, userAgent: string | undefined): Promise<void> {
  await transaction(ctx.db, async (tx) => {
    const mail = await lockClickedMessage(tx, link.id);
    if (!mail) return;
    const click = { url: link.url, at: ctx.now, userAgent };
    const latest = await listClicksSince(tx, link.id, new Date(ctx.now.getTime() - BURST_MS));
    const burst = burstAround(click, latest);
    const recorded = await recordClick(tx, {
      messageId: link.id,
      id: ctx.newId(),
      url: link.url,
      machine: isMachine({ sentAt: mail.sentAt, isLeaving: mail.status === 'sending' }, click, burst),
      at: ctx.now,
      doubted: burst.filter(({ machine }) => !machine).map(({ id }) => id),
    });
    if (recorded) await tell({ ...ctx, db: tx }, tx, ...happeningsOf(mail, link, recorded.clickedAt));
  });
}
