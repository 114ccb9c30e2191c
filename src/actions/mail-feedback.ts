// What is heard of mails after they were handed over (M8): facts on the mail, doubts that end (M4), the suppression list,
// consent and the timeline. Hearing the same twice changes nothing.
import { readReturnedMail } from '../clients/bounce-mail.ts';
import { addressHashOf, type MailSecrets, readMessageId, readOwnAddress } from '../clients/mail-identity.ts';
import { confirmSubscription } from '../clients/sns.ts';
import type { Ctx } from '../context.ts';
import { type Tx, transaction } from '../db/connection.ts';
import {
  type FeedbackMessage,
  listFeedbackMessages,
  lockFeedbackMessages,
  saveFeedback,
} from '../db/mail-feedback.ts';
import { normaliseEmail } from '../domain/emails.ts';
import { feedbackOf, type ReturnedMail } from '../domain/mail/bounce-reports.ts';
import {
  bounceTypeOf,
  causeOf,
  type Feedback,
  factsAfter,
  KIND_OF,
  MAX_FEEDBACK,
} from '../domain/mail/feedback.ts';
import { confirmationUrlOf, feedbackFrom, type Provider } from '../domain/mail/providers.ts';
import { responseLine } from '../domain/mail/smtp-outcomes.ts';
import { Problem } from '../errors.ts';
import { considerBrake } from './campaign-life.ts';
import { EVERY_TOPIC, type NewConsent, recordConsents } from './consents.ts';
import { type SuppressionMark, suppress } from './suppressions.ts';
import { type Happening, tell } from './timeline.ts';
import { write } from './write.ts';

/** `unknown`: neither the mail nor an address is known here, or a soft bounce names no mail. */
export const FEEDBACK_OUTCOMES = ['applied', 'unchanged', 'unknown'] as const;
export type FeedbackOutcome = (typeof FEEDBACK_OUTCOMES)[number];

export interface FeedbackResult {
  outcome: FeedbackOutcome;
  /** The mail that it is about, where it is known. */
  messageId?: string;
}

/** One report with what it is about. */
interface Item {
  feedback: Feedback;
  /** When it happened; never later than now. */
  at: Date;
  message: FeedbackMessage | undefined;
  /** Normalised address that it is about. */
  address: string | undefined;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

function idOf(ctx: Ctx, secrets: MailSecrets, { messageId }: Feedback): string | undefined {
  if (messageId === undefined) return undefined;
  return UUID.test(messageId) ? messageId.toLowerCase() : readMessageId(secrets, ctx.storeId, messageId);
}

/** Where the mail went; the report's own word only counts for mails that are not known. */
function addressOf(message: FeedbackMessage | undefined, { email }: Feedback): string | undefined {
  const known = message && (message.toEmail ?? message.emailNorm);
  const text = known ?? email;
  return text ? normaliseEmail(text) : undefined;
}

const timeOf = (ctx: Ctx, { at }: Feedback): Date => (at && at < ctx.now ? at : ctx.now);

async function itemsOf(
  ctx: Ctx,
  tx: Tx,
  secrets: MailSecrets,
  reports: readonly Feedback[],
): Promise<Item[]> {
  const ids = reports.map((feedback) => idOf(ctx, secrets, feedback));
  const wanted = [...new Set(ids.filter((id) => id !== undefined))];
  const known = new Map((await listFeedbackMessages(tx, wanted)).map((message) => [message.id, message]));
  return reports.map((feedback, index) => {
    const message = known.get(ids[index] ?? '');
    return { feedback, at: timeOf(ctx, feedback), message, address: addressOf(message, feedback) };
  });
}

/** A complaint ends all marketing, unsubscribing what the mail was about. */
function withdrawalOf({ feedback, at, message, address }: Item): NewConsent[] {
  const { event } = feedback;
  if (address === undefined || (event !== 'complained' && event !== 'unsubscribed')) return [];
  if (message && factsAfter(message, feedback, at) === undefined) return [];
  const isComplaint = event === 'complained';
  return [
    {
      channel: 'email',
      address,
      topic: isComplaint ? EVERY_TOPIC : (message?.topic ?? EVERY_TOPIC),
      action: 'withdraw',
      source: isComplaint ? 'complaint' : 'one_click',
      effectiveAt: at,
      ...(message && { proof: { messageId: message.id } }),
    },
  ];
}

function happeningOf({ feedback, at }: Item, message: FeedbackMessage): Happening[] {
  const kind = KIND_OF[feedback.event];
  const { customerId, campaignId, id } = message;
  if (!kind || customerId === null) return [];
  const data = {
    kind: message.kind,
    ...(campaignId && { campaignId }),
    ...(feedback.event === 'bounced' && { bounceType: bounceTypeOf(feedback) }),
    ...(feedback.diagnostic && { diagnostic: responseLine(feedback.diagnostic) }),
  };
  return [{ kind, customerId, subjectId: id, at, data }];
}

/** What the reports of one request come to. */
interface Tally {
  results: FeedbackResult[];
  changed: Map<string, FeedbackMessage>;
  marks: SuppressionMark[];
  happenings: Happening[];
}

/**
 * Soft bounces count for the mail that came back, once; one that names no mail could be told any number of times. A
 * complaint or a hard bounce is good for an address alone, too.
 */
function tallyOf(
  ctx: Ctx,
  secrets: MailSecrets,
  items: readonly Item[],
  locked: readonly FeedbackMessage[],
): Tally {
  const messages = new Map(locked.map((message) => [message.id, message]));
  const tally: Tally = { results: [], changed: new Map(), marks: [], happenings: [] };
  for (const item of items) {
    const { feedback, at, address } = item;
    const message = item.message && messages.get(item.message.id);
    const after = message && factsAfter(message, feedback, at);
    const cause = causeOf(feedback);
    const isNews = message
      ? after !== undefined
      : address !== undefined && feedback.event !== 'delivered' && cause !== 'soft_bounce';
    if (message && after) {
      messages.set(after.id, after);
      tally.changed.set(after.id, after);
      tally.happenings.push(...happeningOf(item, after));
    }
    if (isNews && cause && address !== undefined) {
      const addressHash = addressHashOf(secrets, ctx.storeId, address);
      const note = feedback.diagnostic ? responseLine(feedback.diagnostic) : null;
      tally.marks.push({ email: address, addressHash, cause, messageId: message?.id ?? null, note });
    }
    const outcome = isNews ? 'applied' : message ? 'unchanged' : 'unknown';
    tally.results.push({ outcome, ...(message && { messageId: message.id }) });
  }
  return tally;
}

/** Campaigns of which a mail came back or was complained about. */
const braked = (items: readonly Item[], changed: ReadonlyMap<string, FeedbackMessage>): string[] => {
  const ids = items.flatMap(({ feedback, message }) =>
    causeOf(feedback) && message?.campaignId && changed.has(message.id) ? [message.campaignId] : [],
  );
  return [...new Set(ids)];
};

/**
 * Takes reports in, at most MAX_FEEDBACK, and says of each what came of it. Customers are locked before mails and mails
 * before addresses, as everywhere; campaigns are looked at afterwards, for whoever sends locks them first.
 */
export async function recordFeedback(
  ctx: Ctx,
  secrets: MailSecrets,
  reports: readonly Feedback[],
): Promise<FeedbackResult[]> {
  let campaignIds: string[] = [];
  const results = await write(ctx, async (tx) => {
    const items = await itemsOf(ctx, tx, secrets, reports);
    await recordConsents(ctx, tx, items.flatMap(withdrawalOf));
    const ids = [...new Set(items.flatMap(({ message }) => (message ? [message.id] : [])))];
    const tally = tallyOf(ctx, secrets, items, await lockFeedbackMessages(tx, ids));
    await saveFeedback(tx, [...tally.changed.values()]);
    await suppress(ctx, tx, tally.marks);
    await tell(ctx, tx, ...tally.happenings);
    campaignIds = braked(items, tally.changed);
    return tally.results;
  });
  for (const id of campaignIds) await transaction(ctx.db, (tx) => considerBrake({ ...ctx, db: tx }, tx, id));
  return results;
}

/** The mail that a returned mail is about: by our own address it came to, then by what it carries inside. */
function subjectOf(
  ctx: Ctx,
  secrets: MailSecrets,
  mail: ReturnedMail,
): { id: string; isUnsubscription: boolean } | undefined {
  const own = (texts: readonly string[]) => readOwnAddress(secrets, ctx.storeId, texts.join(' '));
  const addressed = own(mail.addressedTo);
  if (addressed) return { id: addressed.id, isUnsubscription: addressed.purpose === 'unsubscribe' };
  const { returnedMessageId } = mail;
  const returned = returnedMessageId && readMessageId(secrets, ctx.storeId, returnedMessageId);
  const id = returned || own(mail.returnedAddresses)?.id;
  return id ? { id, isUnsubscription: false } : undefined;
}

async function parsed(raw: Buffer, recipient: string | undefined): Promise<ReturnedMail> {
  try {
    return await readReturnedMail(raw, recipient);
  } catch (cause) {
    throw new Problem('VALIDATION_FAILED', { errors: [{ pointer: '', message: 'is no mail' }] }, { cause });
  }
}

/**
 * Takes in a mail that came back. Only what carries our signature is believed: anybody can write to such an address. A mail
 * to the address that unsubscribes does, whatever it says.
 * @param recipient of the envelope, where it is known
 * @throws Problem VALIDATION_FAILED when the bytes are no mail
 */
export async function recordReturnedMail(
  ctx: Ctx,
  secrets: MailSecrets,
  raw: Buffer,
  recipient?: string,
): Promise<FeedbackResult[]> {
  const mail = await parsed(raw, recipient);
  const subject = subjectOf(ctx, secrets, mail);
  const told = subject?.isUnsubscription ? [{ event: 'unsubscribed' as const }] : feedbackOf(mail);
  return recordFeedback(
    ctx,
    secrets,
    told.map((feedback) => ({ ...feedback, email: undefined, messageId: subject?.id })),
  );
}

/**
 * Takes in what a provider posts. A subscription of SNS is confirmed, which it asks for once.
 * @throws Error when SNS does not take the confirmation: it asks again
 */
export async function recordWebhook(
  ctx: Ctx,
  secrets: MailSecrets,
  provider: Provider,
  payload: unknown,
): Promise<FeedbackResult[]> {
  const confirmation = provider === 'ses' ? confirmationUrlOf(payload) : undefined;
  if (confirmation !== undefined) {
    await confirmSubscription(confirmation);
    ctx.log.info({ provider }, 'subscription confirmed');
    return [];
  }
  const told = feedbackFrom(provider, payload);
  const results: FeedbackResult[] = [];
  for (let start = 0; start < told.length; start += MAX_FEEDBACK)
    results.push(...(await recordFeedback(ctx, secrets, told.slice(start, start + MAX_FEEDBACK))));
  return results;
}
