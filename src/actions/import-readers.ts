// From the bytes of a file to pieces that a slice can apply: one reader per kind of file.
import { openCsv } from '../clients/csv-reader.ts';
import type { Ctx } from '../context.ts';
import type { Tx } from '../db/connection.ts';
import type { JobRow } from '../db/jobs.ts';
import type { Store } from '../db/stores.ts';
import type { AddressField, CustomerField } from '../domain/imports/columns.ts';
import {
  type ColumnMapping,
  type FormatRefusal,
  type RecognisedFormat,
  recogniseAddressFormat,
  recogniseFormat,
} from '../domain/imports/formats.ts';
import type { ProblemLevel } from '../domain/imports/levels.ts';
import type { ImportRow } from '../domain/imports/plan.ts';
import {
  type AddressRecord,
  type RowProblem,
  readAddressRow,
  readCustomerRow,
} from '../domain/imports/rows.ts';
import { localTimeAt } from '../domain/zoned-time.ts';
import { Problem, type ProblemFacts } from '../errors.ts';
import { importAddresses } from './import-addresses.ts';
import { importCustomers } from './import-customers.ts';

/** Something wrong with a line, in the words of the file. */
export interface LineProblem {
  line: number;
  column?: string | undefined;
  level: ProblemLevel;
  code: string;
  message: string;
  cells?: readonly string[] | undefined;
}

/** What applying a piece came to. */
export interface PieceResult {
  outcomes: Record<string, number>;
  problems: LineProblem[];
}

/** The next part of a file, read and checked as far as that goes without the database. */
export interface Piece {
  /** The last line that belongs to it or lies before it. */
  line: number;
  /** Rows in it, bad ones included. */
  done: number;
  apply(ctx: Ctx, tx: Tx, job: JobRow): Promise<PieceResult>;
}

export interface Reading {
  ctx: Ctx;
  job: JobRow;
  store: Store;
  source: AsyncIterable<Uint8Array>;
  /** Lines up to this one were applied by an earlier delivery. */
  after: number;
}

/** Rows of one slice: large enough that statements cost little per row, small enough that a kill costs little. */
const SLICE_ROWS = 1_500;

type RowReader<Row> = (
  cells: string[],
  line: number,
) => { row: Row; warning?: RowProblem } | { problems: RowProblem[] };
type RowWriter<Row> = (
  ctx: Ctx,
  tx: Tx,
  job: JobRow,
  rows: Row[],
) => Promise<{
  outcomes: Record<string, number>;
  problems: { line: number; problem: RowProblem }[];
}>;

interface Columns {
  headers: readonly string[];
  fields: readonly (string | undefined)[];
}

/** The header of a field; a field that the file spells in no column keeps its own name. */
const headerOf = ({ headers, fields }: Columns, field: string): string | undefined =>
  field === '' ? undefined : (headers[fields.indexOf(field)] ?? field);

function lineProblem(
  columns: Columns,
  line: number,
  level: ProblemLevel,
  problem: RowProblem,
  cells?: readonly string[],
): LineProblem {
  return {
    line,
    column: headerOf(columns, problem.column),
    level,
    code: problem.code,
    message: problem.message,
    cells,
  };
}

/** Collects rows until a slice is full. */
class Collector<Row> {
  rows: Row[] = [];
  problems: LineProblem[] = [];
  failed = new Set<number>();
  cells = new Map<number, readonly string[]>();
  line = 0;
  done = 0;

  get isFull(): boolean {
    return this.done >= SLICE_ROWS;
  }
}

function pieceOf<Row>(columns: Columns, collected: Collector<Row>, writeRows: RowWriter<Row>): Piece {
  const { rows, problems, failed, cells, line, done } = collected;
  return {
    line,
    done,
    async apply(ctx, tx, job) {
      const applied = await writeRows(ctx, tx, job, rows);
      const refused = applied.problems.map(({ line, problem }) =>
        lineProblem(columns, line, 'error', problem, cells.get(line)),
      );
      const outcomes = { ...applied.outcomes };
      if (failed.size > 0) outcomes.failed = (outcomes.failed ?? 0) + failed.size;
      return { outcomes, problems: [...problems, ...refused] };
    },
  };
}

function take<Row>(
  columns: Columns,
  into: Collector<Row>,
  line: number,
  cells: string[],
  read: RowReader<Row>,
): void {
  into.line = Math.max(into.line, line);
  into.done++;
  into.cells.set(line, cells);
  const result = read(cells, line);
  if ('row' in result) {
    into.rows.push(result.row);
    if (result.warning) into.problems.push(lineProblem(columns, line, 'warning', result.warning));
    return;
  }
  into.failed.add(line);
  for (const problem of result.problems)
    into.problems.push(lineProblem(columns, line, 'error', problem, cells));
}

/** Reads a CSV file in pieces of `SLICE_ROWS`; the lines up to `after` are only passed over. */
async function* csvPieces<Row>(
  { source, after }: Reading,
  recognise: (headers: string[]) => Columns,
  read: RowReader<Row>,
  writeRows: RowWriter<Row>,
): AsyncGenerator<Piece> {
  const file = await openCsv(source);
  try {
    const columns = recognise(file.headers);
    let collected = new Collector<Row>();
    for await (const batch of file.batches) {
      for (const { line, column, code, message, cells } of batch.problems) {
        if (line <= after) continue;
        collected.line = Math.max(collected.line, line);
        collected.done++;
        collected.failed.add(line);
        collected.problems.push({ line, column, level: 'error', code, message, cells });
      }
      for (const { line, cells } of batch.rows) if (line > after) take(columns, collected, line, cells, read);
      if (collected.isFull) {
        yield pieceOf(columns, collected, writeRows);
        collected = new Collector<Row>();
      }
    }
    yield pieceOf(columns, collected, writeRows);
  } finally {
    await file.close();
  }
}

function acceptedFormat<Field>(recognised: RecognisedFormat<Field> | FormatRefusal): RecognisedFormat<Field> {
  if (!('refused' in recognised)) return recognised;
  const { refused, ...facts } = recognised;
  throw new Problem('IMPORT_REFUSED', { ...facts, reason: refused } as ProblemFacts);
}

/** The headers of a CSV file, which is then closed. */
export async function openHeaders(source: AsyncIterable<Uint8Array>): Promise<string[]> {
  const { headers, close } = await openCsv(source);
  await close();
  return headers;
}

/** The columns of a customer file, or the refusal of the whole file. */
export function customerColumns(
  headers: string[],
  params: Record<string, unknown>,
  store: Store,
): RecognisedFormat<CustomerField> {
  const customKeys = store.settings.customFields.map((field) => field.key);
  const recognised = acceptedFormat(
    recogniseFormat(headers, params.mapping as ColumnMapping | undefined, customKeys),
  );
  if (recognised.hasConsentColumn && !params.consentBasis) throw new Problem('CONSENT_BASIS_REQUIRED');
  return recognised;
}

export const addressColumns = (
  headers: string[],
  params: Record<string, unknown>,
): RecognisedFormat<AddressField> =>
  acceptedFormat(recogniseAddressFormat(headers, params.mapping as ColumnMapping | undefined));

export function customerPieces(reading: Reading): AsyncGenerator<Piece> {
  const { ctx, job, store } = reading;
  const { defaultCountry, customFields } = store.settings;
  const options = { today: localTimeAt(ctx.now, store.timezone), defaultCountry, customFields };
  let fields: RecognisedFormat<CustomerField>['fields'] = [];
  return csvPieces<ImportRow>(
    reading,
    (headers) => {
      fields = customerColumns(headers, job.params, store).fields;
      return { headers, fields };
    },
    (cells, line) => {
      const read = readCustomerRow(fields, cells, options);
      if ('problems' in read) return read;
      const [column] = read.dropped ?? [];
      const row = { line, record: read.record };
      if (!column) return { row };
      const message = 'The address of this row says no place, so it was left out.';
      return { row, warning: { column, code: 'ADDRESS_LEFT_OUT', message } };
    },
    (writing, tx, current, rows) => importCustomers(writing, tx, current, store, rows),
  );
}

export function addressPieces(reading: Reading): AsyncGenerator<Piece> {
  const { job, store } = reading;
  let fields: RecognisedFormat<AddressField>['fields'] = [];
  return csvPieces<{ line: number; record: AddressRecord }>(
    reading,
    (headers) => {
      fields = addressColumns(headers, job.params).fields;
      return { headers, fields };
    },
    (cells, line) => {
      const read = readAddressRow(fields, cells, store.settings);
      return 'problems' in read ? read : { row: { line, record: read.record } };
    },
    importAddresses,
  );
}
