// The results of a campaign, and what was foretold of it; its people and their codes as files.
import { Readable } from 'node:stream';
import { csvLine } from '../clients/csv-writer.ts';
import type { Ctx } from '../context.ts';
import { listRecipients, type Recipient, type RecipientFilter } from '../db/campaign-recipients.ts';
import { countAnswers, countGroupOrders } from '../db/campaign-results.ts';
import { accountFor, listSimulations } from '../db/campaigns.ts';
import type { Db } from '../db/connection.ts';
import { groupResults, share, upliftOf } from '../domain/mail/campaign-results.ts';
import { offerCode, type StateCount } from '../domain/mail/campaigns.ts';
import { toSimulation } from './campaign-simulations.ts';
import { findKnown } from './campaigns.ts';

const skippedOf = (states: readonly StateCount[]): Record<string, number> =>
  Object.fromEntries(
    states
      .filter(({ status, reason }) => status === 'skipped' && reason !== null)
      .map(({ reason, count }) => [reason ?? '', count]),
  );

const sum = (counts: Record<string, number>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

/** The last simulation beside what the real run came to; undefined when nothing was foretold. */
async function comparisonOf(db: Db, id: string) {
  const [row] = await listSimulations(db, id, { after: undefined, limit: 1 });
  if (!row) return undefined;
  const { simulatedAt, audience, ready, skipped, estimatedEndAt } = toSimulation(row);
  const account = await accountFor(db, id);
  const real = skippedOf(account?.states ?? []);
  const frozen = account?.audience ?? 0;
  return {
    simulatedAt,
    foretold: { audience, ready, skipped, endAt: estimatedEndAt },
    real: { audience: frozen, ready: frozen - sum(real), skipped: real },
  };
}

/**
 * Shares of the mails, orders within `resultDays` after each, and the same of the hold-out group.
 * @throws Problem NOT_FOUND
 */
export async function readResults(ctx: Ctx, id: string) {
  const campaign = await findKnown(ctx.db, id);
  const { resultDays: days } = campaign.plan;
  const answers = await countAnswers(ctx.db, id);
  const since = campaign.startedAt ?? ctx.now;
  const rows = await countGroupOrders(ctx.db, { id, days, since });
  const { sent, holdout } = answers;
  const comparison = await comparisonOf(ctx.db, id);
  return {
    campaignId: id,
    resultDays: days,
    ...answers,
    rates: {
      delivered: share(answers.delivered, sent),
      bounced: share(answers.bounced, sent),
      complained: share(answers.complained, sent),
      unsubscribed: share(answers.unsubscribed, sent),
      clicked: share(answers.clicked, sent),
    },
    recipients: { people: sent, currencies: groupResults(rows, { heldOut: false, people: sent }) },
    holdoutGroup: { people: holdout, currencies: groupResults(rows, { heldOut: true, people: holdout }) },
    uplift: upliftOf(rows, { sent, holdout }),
    ...(comparison && { comparison }),
    finishedAt: campaign.finishedAt,
  };
}

const ROWS_AT_ONCE = 5_000;

async function* batches(db: Db, id: string, filter: RecipientFilter): AsyncGenerator<Recipient[]> {
  let after: [string] | undefined;
  for (;;) {
    const rows = await listRecipients(db, id, filter, { after, limit: ROWS_AT_ONCE });
    if (rows.length > 0) yield rows;
    const last = rows.at(-1);
    if (!last || rows.length < ROWS_AT_ONCE) return;
    after = [last.customerId];
  }
}

const RECIPIENT_COLUMNS = [
  'messageId',
  'customerId',
  'email',
  'status',
  'reason',
  'attempts',
  'sendAfter',
  'sentAt',
  'deliveredAt',
  'bouncedAt',
  'complainedAt',
  'unsubscribedAt',
  'clickedAt',
] as const satisfies (keyof Recipient)[];

async function* recipientLines(db: Db, id: string, filter: RecipientFilter) {
  yield csvLine(RECIPIENT_COLUMNS);
  for await (const rows of batches(db, id, filter))
    yield rows.map((row) => csvLine(RECIPIENT_COLUMNS.map((column) => row[column]))).join('');
}

/** The frozen audience as a CSV file, read as fast as it is taken. */
export const exportRecipients = (db: Db, id: string, filter: RecipientFilter): Readable =>
  Readable.from(recipientLines(db, id, filter), { objectMode: false });

/** Keyed hash of a mail, from which its offer code is made; the same that the sender makes it from. */
export type OfferHash = (row: { storeId: string; id: string }) => Uint8Array;

async function* codeLines(db: Db, id: string, { prefix, hashOf }: { prefix: string; hashOf: OfferHash }) {
  yield csvLine(['customerId', 'email', 'code', 'status']);
  for await (const rows of batches(db, id, {}))
    yield rows
      .filter(({ status }) => status !== 'skipped')
      .map(({ messageId, customerId, email, status }) => {
        const hash = hashOf({ storeId: db.storeId, id: messageId });
        return csvLine([customerId, email, offerCode(prefix, hash), status]);
      })
      .join('');
}

/** The offer code of everybody who gets the mail, for the checkout to know; a campaign without codes has no lines. */
export async function exportCodes(ctx: Ctx, id: string, hashOf: OfferHash): Promise<Readable> {
  const { plan } = await findKnown(ctx.db, id);
  const lines =
    plan.offerPrefix === undefined
      ? [csvLine(['customerId', 'email', 'code', 'status'])]
      : codeLines(ctx.db, id, { prefix: plan.offerPrefix, hashOf });
  return Readable.from(lines, { objectMode: false });
}
