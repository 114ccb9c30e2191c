// Statements of an account over a period (K9): opening balance, movements, closing balance, and the same by lot. The
// period is one of recording: what was written down in it, so that a statement once sent never changes.
import { Readable } from 'node:stream';
import { type CsvValue, csvLine } from '../clients/csv-writer.ts';
import type { Ctx } from '../context.ts';
import type { Db } from '../db/connection.ts';
import { findLedgerAccount } from '../db/ledger/accounts.ts';
import {
  type ChainPlace,
  type ChainRange,
  findPlaceBefore,
  type LotPeriod,
  listLotPeriods,
  listMovements,
  type Movement,
} from '../db/ledger/statements.ts';
import { POINTS } from '../domain/ledger/accounts.ts';
import { Calendar, parseDay } from '../domain/segments/moments.ts';
import { Problem } from '../errors.ts';
import { knownCurrency } from './credit.ts';
import { readPresent, storeOf } from './customers.ts';
import { type TransferResource, toTransfer } from './ledger-answers.ts';
import { majorOf } from './ledger-exports.ts';
import { toLotMovement } from './ledger-reading.ts';

/** Movements that one answer holds. */
const MAX_MOVEMENTS = 5_000;

const PAGE = 1_000;

/** Years of four digits, with a day of room for every zone. */
const FIRST_DAY = '1000-01-02';
const LAST_DAY = '9999-12-30';

export interface StatementQuery {
  unit: string;
  /** First and last day, in the store's time zone. */
  from: string;
  until: string;
}

/** The part of a chain that a statement is about; without an account there is nothing in it. */
interface Period {
  timezone: string;
  accountId: string | undefined;
  opening: ChainPlace;
  closing: ChainPlace;
}

const NOTHING: ChainPlace = { seq: 0, balance: 0 };

/** @throws Problem PERIOD_INVALID */
function instantsOf({ from, until }: StatementQuery, at: Date, timezone: string): [Date, Date] {
  const calendar = new Calendar(at, timezone);
  if (from < FIRST_DAY || until > LAST_DAY || until < from)
    throw new Problem('PERIOD_INVALID', { from, until });
  const [start, end] = [calendar.startOf(parseDay(from)), calendar.startOf(parseDay(until) + 1)];
  return [new Date(start), new Date(end)];
}

/** @throws Problem NOT_FOUND, CUSTOMER_GONE, PERIOD_INVALID, CURRENCY_UNKNOWN */
async function periodOf(ctx: Ctx, customerId: string, query: StatementQuery): Promise<Period> {
  if (query.unit !== POINTS) knownCurrency(query.unit);
  await readPresent(ctx.db, customerId);
  const { timezone } = await storeOf(ctx);
  const [start, end] = instantsOf(query, ctx.now, timezone);
  const account = await findLedgerAccount(ctx.db, { customerId, unit: query.unit });
  const accountId = account?.state?.id;
  if (accountId === undefined) return { timezone, accountId, opening: NOTHING, closing: NOTHING };
  const opening = await findPlaceBefore(ctx.db, accountId, start);
  return { timezone, accountId, opening, closing: await findPlaceBefore(ctx.db, accountId, end) };
}

const rangeOf = ({ accountId, opening, closing }: Period): ChainRange | undefined =>
  accountId === undefined ? undefined : { accountId, after: opening.seq, until: closing.seq };

const toMovement = ({ transfer, lots }: Movement) => ({
  ...toTransfer(transfer),
  lots: lots.map(toLotMovement),
});

const toLotPeriod = ({ lotId, source, activeFrom, expiresAt, ...amounts }: LotPeriod) => ({
  ...amounts,
  ...(lotId && { lotId }),
  ...(source && { source }),
  ...(activeFrom && { activeFrom }),
  ...(expiresAt && { expiresAt }),
});

const amountOf = (movements: readonly Movement[], isCredit: boolean): number =>
  movements.reduce((sum, { transfer }) => sum + (transfer.isCredit === isCredit ? transfer.amount : 0), 0);

/**
 * The whole statement: opening + credited − debited = closing, and the lots say the same.
 * @throws Problem NOT_FOUND, CUSTOMER_GONE, PERIOD_INVALID, CURRENCY_UNKNOWN, STATEMENT_TOO_LONG
 */
export async function readStatement(ctx: Ctx, customerId: string, query: StatementQuery) {
  const period = await periodOf(ctx, customerId, query);
  const { timezone, opening, closing } = period;
  const count = closing.seq - opening.seq;
  if (count > MAX_MOVEMENTS)
    throw new Problem('STATEMENT_TOO_LONG', { movements: count, most: MAX_MOVEMENTS });
  const range = rangeOf(period);
  const movements = range ? await listMovements(ctx.db, range, MAX_MOVEMENTS) : [];
  const lots = range ? await listLotPeriods(ctx.db, range) : [];
  return {
    customerId,
    ...(range && { accountId: range.accountId }),
    ...query,
    timezone,
    opening: opening.balance,
    credited: amountOf(movements, true),
    debited: amountOf(movements, false),
    closing: closing.balance,
    movements: movements.map(toMovement),
    lots: lots.map(toLotPeriod),
  };
}

/** One line of the file: what a lot had at the beginning or the end, or what a movement did to it. */
interface StatementLine {
  entry: string;
  transfer?: TransferResource;
  lotId: string | null;
  amount: number;
}

const COLUMNS: readonly (readonly [name: string, read: (line: StatementLine, unit: string) => CsvValue])[] = [
  ['entry', ({ entry }) => entry],
  ['recordedAt', ({ transfer }) => transfer?.recordedAt],
  ['effectiveAt', ({ transfer }) => transfer?.effectiveAt],
  ['seq', ({ transfer }) => transfer?.seq],
  ['from', ({ transfer }) => transfer?.from],
  ['to', ({ transfer }) => transfer?.to],
  ['lotId', ({ lotId }) => lotId],
  ['amount', ({ amount }, unit) => majorOf(amount, unit)],
  ['balanceAfter', ({ transfer }, unit) => transfer && majorOf(transfer.balanceAfter, unit)],
  ['unit', (_, unit) => unit],
  ['reference', ({ transfer }) => transfer?.reference],
  ['reason', ({ transfer }) => transfer?.reason],
  ['orderId', ({ transfer }) => transfer?.orderId],
  ['transferId', ({ transfer }) => transfer?.id],
];

const movementLines = ({ transfer, lots }: Movement): StatementLine[] =>
  lots.map((lot) => ({ entry: transfer.kind, transfer: toTransfer(transfer), ...lot }));

const balanceLines = (entry: 'opening' | 'closing', lots: readonly LotPeriod[]): StatementLine[] => {
  const there = lots.filter((lot) => lot[entry] !== 0);
  if (there.length === 0) return [{ entry, lotId: null, amount: 0 }];
  return there.map((lot) => ({ entry, lotId: lot.lotId, amount: lot[entry] }));
};

async function* linesOf(db: Db, period: Period): AsyncGenerator<StatementLine[]> {
  const range = rangeOf(period);
  const lots = range ? await listLotPeriods(db, range) : [];
  yield balanceLines('opening', lots);
  let after = period.opening.seq;
  while (range && after < range.until) {
    const movements = await listMovements(db, { ...range, after }, PAGE);
    yield movements.flatMap(movementLines);
    after = movements.at(-1)?.transfer.seq ?? range.until;
  }
  yield balanceLines('closing', lots);
}

async function* textOf(db: Db, period: Period, unit: string): AsyncGenerator<string> {
  yield csvLine(COLUMNS.map(([name]) => name));
  for await (const lines of linesOf(db, period)) {
    yield lines.map((line) => csvLine(COLUMNS.map(([, read]) => read(line, unit)))).join('');
  }
}

/**
 * The statement as a file, streamed: Σ of `amount` over the opening lines and the movements = Σ over the closing lines, for
 * every lot.
 * @throws Problem NOT_FOUND, CUSTOMER_GONE, PERIOD_INVALID, CURRENCY_UNKNOWN
 */
export async function exportStatement(
  ctx: Ctx,
  customerId: string,
  query: StatementQuery,
): Promise<Readable> {
  const period = await periodOf(ctx, customerId, query);
  return Readable.from(textOf(ctx.db, period, query.unit), { objectMode: false });
}
