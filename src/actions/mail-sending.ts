// Sending mails: take, make, check once more, hand over, write down what became of them. Whatever stops in between, the rows say
// where to go on (M1–M6). Nothing is mailed or rendered inside a transaction.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ctx } from '../context.ts';
import { type Tx, transaction } from '../db/connection.ts';
import {
  type LeaseVerdict,
  leaseMessages,
  lockContacts,
  type OutcomeRecord,
  type RecordedMessage,
  recordOutcomes,
} from '../db/mail-leases.ts';
import { type DueMessage, postponeMessages, releaseMessages } from '../db/messages.ts';
import { refusalOfDatabase } from '../db/refusals.ts';
import { daysBefore } from '../domain/days.ts';
import type { FailureReason, SkipReason } from '../domain/mail/messages.ts';
import { type MailSettings, OWN_LIMIT_DAYS, type Sender } from '../domain/mail/settings.ts';
import { retryAt, type SendResult } from '../domain/mail/smtp-outcomes.ts';
import { afterOutcomes } from './mail-aftermath.ts';
import { brakeCampaigns, settleMail } from './mail-settling.ts';
import { type TakenBatch, takeBatch } from './mail-taking.ts';

/** A mail that can be handed over. */
export interface PreparedMail {
  mail: DueMessage;
  /** Where it goes. */
  to: string;
  domain: string;
  /** The customer's normalised address for which it was made; null for one that is nobody's. */
  address: string | null;
  /** HMAC of `to` in hex. */
  addressHash: string;
  envelope: { from: string; to: string };
  raw: Buffer;
  subject: string;
  templateId: string | null;
  templateVersion: number | null;
}

/** What became of a mail on the way to being made. */
export type Preparation =
  | { kind: 'ready'; mail: PreparedMail }
  | { kind: 'skipped'; id: string; reason: SkipReason }
  | { kind: 'failed'; id: string; reason: FailureReason; detail: string }
  | { kind: 'later'; id: string; at: Date };

/** What sending needs from outside. */
export interface MailWay {
  /** Makes the mails of a batch: contents, template, MIME, signature. */
  prepare(ctx: Ctx, mails: readonly DueMessage[]): Promise<Preparation[]>;
  send(mail: PreparedMail): Promise<SendResult>;
  /** Mails that are handed over side by side. */
  connections: number;
  /** How long a worker may take for a batch before its mails are somebody else's. */
  leaseMs: number;
  settings(ctx: Ctx): Promise<MailSettings>;
  /** Where a store has no sender of its own. */
  fallbackSender: Sender | null;
}

interface Batch extends TakenBatch {
  prepared: Preparation[];
}

const NOTHING = {
  outcome: null,
  code: null,
  response: null,
  sendAfter: null,
  sentAt: null,
  toEmail: null,
  addressHash: null,
  domain: null,
  subject: null,
  templateId: null,
  templateVersion: null,
} as const;

/** Outcomes of mails that were not made. */
function unmadeRecords(preparations: readonly Preparation[]): OutcomeRecord[] {
  return preparations.flatMap((preparation): OutcomeRecord[] => {
    if (preparation.kind === 'skipped')
      return [{ ...NOTHING, id: preparation.id, status: 'skipped', reason: preparation.reason }];
    if (preparation.kind === 'failed')
      return [
        {
          ...NOTHING,
          id: preparation.id,
          status: 'failed',
          reason: preparation.reason,
          outcome: 'failed',
          response: preparation.detail,
        },
      ];
    return [];
  });
}

const isRefusalOfUs = (result: SendResult): boolean =>
  result.outcome === 'deferred' && result.reason === 'sender_refused';

const isOurTrouble = (result: SendResult): boolean =>
  result.outcome === 'deferred' && result.reason !== 'busy';

/** The outcome of one attempt, as it is kept. */
export function recordOf(prepared: PreparedMail, result: SendResult, now: Date): OutcomeRecord {
  const { mail, to, addressHash, domain, subject, templateId, templateVersion } = prepared;
  const { outcome, code, response } = result;
  const sent = { toEmail: to, addressHash, domain, subject, templateId, templateVersion };
  const base = { ...NOTHING, ...sent, id: mail.id, outcome, code, response };
  if (outcome === 'sent') return { ...base, status: 'sent', reason: null, sentAt: now };
  if (outcome === 'failed') return { ...base, status: 'failed', reason: result.reason };
  // M1: marketing that may have arrived stays in doubt; anything else is sent again.
  if (outcome === 'unknown' && mail.class === 'marketing')
    return { ...base, status: 'unknown', reason: null };
  const tried = { attempts: mail.attempts + 1, firstTriedAt: mail.firstTriedAt ?? now };
  const sendAfter = retryAt({ ...tried, now, random: Math.random() });
  if (!sendAfter) return { ...base, status: 'failed', reason: 'too_many_attempts' };
  return { ...base, status: 'deferred', reason: null, sendAfter };
}

/** Writes outcomes with their events and what follows from them. */
async function writeOutcomes(
  ctx: Ctx,
  tx: Tx,
  leaseId: string,
  records: readonly OutcomeRecord[],
): Promise<RecordedMessage[]> {
  const recorded = await recordOutcomes(tx, { records, leaseId, now: ctx.now });
  await afterOutcomes(ctx, tx, recorded, records);
  return recorded;
}

/** M3: the last look, in the transaction that takes the lease. */
async function lease(
  ctx: Ctx,
  tx: Tx,
  way: MailWay,
  leaseId: string,
  group: readonly PreparedMail[],
): Promise<LeaseVerdict[]> {
  const { contactLimit } = await way.settings(ctx);
  const marketed = group.flatMap(({ mail }) =>
    mail.class === 'marketing' && mail.customerId ? [mail.customerId] : [],
  );
  // Own limits count without this: they are there to spare people, not to be exact when two campaigns meet.
  if (contactLimit && marketed.length > 0) await lockContacts(tx, { ids: marketed });
  return leaseMessages(tx, {
    rows: JSON.stringify(
      group.map(({ mail, address, addressHash }) => ({ id: mail.id, address, addressHash })),
    ),
    leaseId,
    leaseUntil: new Date(ctx.now.getTime() + way.leaseMs),
    now: ctx.now,
    limit: contactLimit?.messages ?? null,
    limitSince: daysBefore(ctx.now, contactLimit?.days ?? 0),
    ownLimitSince: daysBefore(ctx.now, OWN_LIMIT_DAYS),
  });
}

function* chunks<T>(list: readonly T[], size: number): Generator<readonly T[]> {
  for (let start = 0; start < list.length; start += size) yield list.slice(start, start + size);
}

interface GroupResult {
  /** Of the group before. */
  recorded: RecordedMessage[];
  /** Of this group, to be written. */
  records: OutcomeRecord[];
  /** Ids of mails that are to be made anew, for they are another address's by now. */
  released: string[];
  stop: boolean;
  senderRefused: boolean;
}

/** Milliseconds between two attempts to write down what is known. */
const WRITE_AGAIN_MS = 250;

/**
 * A transaction that holds outcomes: they are known nowhere else, so a database that is away is waited for as long as the
 * leases of the mails last. After that they are in doubt, and stay so.
 */
async function persist<T>(ctx: Ctx, way: MailWay, work: (tx: Tx) => Promise<T>): Promise<T> {
  const until = Date.now() + way.leaseMs;
  for (;;) {
    try {
      return await transaction(ctx.db, work);
    } catch (error) {
      if (refusalOfDatabase(error) !== 'UNAVAILABLE' || Date.now() + WRITE_AGAIN_MS >= until) throw error;
      await sleep(WRITE_AGAIN_MS);
    }
  }
}

/** Hands one group over; the outcomes of the group before are written with the leases of this one. */
async function handOverGroup(
  ctx: Ctx,
  way: MailWay,
  leaseId: string,
  group: readonly PreparedMail[],
  before: readonly OutcomeRecord[],
): Promise<GroupResult> {
  const { recorded, verdicts } = await persist(ctx, way, async (tx) => {
    const at = { ...ctx, db: tx, now: new Date() };
    const recorded = await writeOutcomes(at, tx, leaseId, before);
    return { recorded, verdicts: await lease(at, tx, way, leaseId, group) };
  });
  const idsWith = (wanted: string) =>
    verdicts.filter(({ verdict }) => verdict === wanted).map(({ id }) => id);
  const leased = new Set(idsWith('sending'));
  const going = group.filter(({ mail }) => leased.has(mail.id));
  const results = await Promise.all(
    going.map(async (prepared) => ({ prepared, result: await way.send(prepared) })),
  );
  const ended = new Date();
  return {
    recorded,
    records: results.map(({ prepared, result }) => recordOf(prepared, result, ended)),
    released: idsWith('released'),
    // Nobody was reached, or nobody listens to us: the others of the batch need not lose an attempt over it.
    stop: results.length > 0 && results.every(({ result }) => isOurTrouble(result)),
    senderRefused: results.some(({ result }) => isRefusalOfUs(result)),
  };
}

interface BatchResult {
  goOn: boolean;
  /** Ids of mails that were given back, to be looked at anew. */
  released: string[];
}

/** Hands a batch over in groups. */
async function handOver(ctx: Ctx, way: MailWay, batch: Batch, signal: AbortSignal): Promise<BatchResult> {
  const { leaseId, prepared } = batch;
  const ready = prepared.flatMap((preparation) => (preparation.kind === 'ready' ? [preparation.mail] : []));
  const later = prepared.flatMap((preparation) => (preparation.kind === 'later' ? [preparation] : []));
  const recorded: RecordedMessage[] = [];
  const released: string[] = [];
  let records = unmadeRecords(prepared);
  let handedOver = 0;
  let [stop, senderRefused] = [false, false];
  for (const group of chunks(ready, way.connections * 2)) {
    if (signal.aborted || stop) break;
    const result = await handOverGroup(ctx, way, leaseId, group, records);
    handedOver += group.length;
    recorded.push(...result.recorded);
    released.push(...result.released);
    ({ records, stop } = result);
    senderRefused ||= result.senderRefused;
  }
  const left = ready.slice(handedOver).map(({ mail }) => mail.id);
  const last = await persist(ctx, way, async (tx) => {
    if (left.length > 0) await releaseMessages(tx, { ids: left, leaseId });
    if (later.length > 0)
      await postponeMessages(tx, { ids: later.map(({ id }) => id), times: later.map(({ at }) => at) });
    return writeOutcomes({ ...ctx, db: tx, now: new Date() }, tx, leaseId, records);
  });
  await brakeCampaigns(ctx, { recorded: [...recorded, ...last], senderRefused });
  return { goOn: !stop && !signal.aborted, released };
}

/** Takes the next batch and makes its mails. */
async function nextBatch(ctx: Ctx, way: MailWay, onFull: () => void): Promise<Batch> {
  const at = { ...ctx, now: new Date() };
  const taken = await takeBatch(at, way.leaseMs);
  if (taken.full) onFull();
  return { ...taken, prepared: taken.mails.length > 0 ? await way.prepare(at, taken.mails) : [] };
}

const giveBack = (ctx: Ctx, { leaseId, mails }: Batch): Promise<unknown> =>
  releaseMessages(ctx.db, { ids: mails.map(({ id }) => id), leaseId });

export interface Turn {
  /** Asks to stop: what was taken and not begun is given back. */
  signal: AbortSignal;
  /** Hears of full batches: others may help. */
  onFull?: () => void;
  /** Milliseconds after which other stores are to have their turn; without it there is no end before all is sent. */
  turnMs?: number;
}

/**
 * Sends what is due in the store until nothing is, the turn is over, or somebody asks to stop. While one batch is handed over
 * the next is made. Several lanes of one store do not disturb each other.
 * @returns when to come back: for what the rates of campaigns hold back, or at once for what the turn was too short for
 */
export async function sendDueMails(
  ctx: Ctx,
  way: MailWay,
  { signal, onFull = () => undefined, turnMs = Number.POSITIVE_INFINITY }: Turn,
): Promise<Date | undefined> {
  const settle = () => settleMail({ ...ctx, now: new Date(), fallbackSender: way.fallbackSender });
  const overAt = performance.now() + turnMs;
  await settle();
  let batch = await nextBatch(ctx, way, onFull);
  // Each mail is made anew at once only one time, so that none can keep the lane busy for ever.
  const seen = new Set<string>();
  while (batch.mails.length > 0) {
    const isOver = performance.now() > overAt;
    const coming = isOver ? undefined : nextBatch(ctx, way, onFull);
    // Awaited below; a failure here must not be an unhandled one while the batch before is still on its way.
    coming?.catch(() => undefined);
    const { goOn, released } = await handOver(ctx, way, batch, signal);
    if (!coming) return goOn ? new Date() : undefined;
    batch = await coming;
    if (!goOn) {
      await giveBack(ctx, batch);
      return undefined;
    }
    const anew = released.filter((id) => !seen.has(id));
    for (const id of anew) seen.add(id);
    if (batch.mails.length === 0 && anew.length > 0) batch = await nextBatch(ctx, way, onFull);
  }
  // Whatever this lane sent last may have been the end of a campaign.
  await settle();
  return batch.comeBackAt;
}
