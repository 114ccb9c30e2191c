// What follows from the outcome of a mail: the timeline, the suppression list, the brake of its campaign.
import type { Ctx } from '../context.ts';
import { endStragglers } from '../db/campaigns.ts';
import type { Tx } from '../db/connection.ts';
import type { OutcomeRecord, RecordedMessage } from '../db/mail-leases.ts';
import { normaliseEmail } from '../domain/emails.ts';
import type { EventKind } from '../domain/events.ts';
import type { MessageStatus } from '../domain/mail/messages.ts';
import type { SuppressionCause } from '../domain/mail/suppressions.ts';
import { type SuppressionMark, suppress } from './suppressions.ts';
import { type Happening, tell } from './timeline.ts';

/** Outcomes that the timeline of a customer tells. */
const TOLD: Partial<Record<MessageStatus, EventKind>> = { sent: 'message.sent', failed: 'message.failed' };

function happeningOf({ id, customerId, kind, campaignId, status, reason }: RecordedMessage): Happening[] {
  const told = TOLD[status];
  if (!told || customerId === null) return [];
  const data = { kind, ...(campaignId && { campaignId }), ...(reason && { reason }) };
  return [{ kind: told, customerId, subjectId: id, data }];
}

/** What a refusal says of the address; refusals of the content or the sender say nothing. */
const CAUSES: Partial<Record<string, SuppressionCause>> = {
  refused_recipient: 'hard_bounce',
  mailbox_full: 'soft_bounce',
};

function markOf({ id, status, reason, response, toEmail, addressHash }: OutcomeRecord): SuppressionMark[] {
  const cause = status === 'failed' ? CAUSES[reason ?? ''] : undefined;
  const email = toEmail === null ? undefined : normaliseEmail(toEmail);
  if (!cause || !email || addressHash === null) return [];
  return [{ email, addressHash: Buffer.from(addressHash, 'hex'), cause, messageId: id, note: response }];
}

/** In the transaction of the outcomes. */
export async function afterOutcomes(
  ctx: Ctx,
  tx: Tx,
  recorded: readonly RecordedMessage[],
  records: readonly OutcomeRecord[],
): Promise<void> {
  await tell(ctx, tx, ...recorded.flatMap(happeningOf));
  const written = new Set(recorded.map(({ id }) => id));
  const waiting = recorded.filter(({ status, campaignId }) => status === 'deferred' && campaignId !== null);
  if (waiting.length > 0) await endStragglers(tx, { ids: waiting.map(({ id }) => id) });
  await suppress(ctx, tx, records.filter(({ id }) => written.has(id)).flatMap(markOf));
}
