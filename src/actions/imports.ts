// Imports: take a file in, refuse it at once when it cannot be read, then apply it piece by piece as a job.
import { csvLine } from '../clients/csv-writer.ts';
import { FileRefused } from '../clients/text-stream.ts';
import type { Ctx } from '../context.ts';
import { type Db, type Tx, transaction } from '../db/connection.ts';
import {
  deleteUpload,
  insertChunk,
  insertProblems,
  listProblems,
  type NewProblem,
  readUpload,
} from '../db/imports.ts';
import { deleteJob, findJob, type JobRow, queueReceived } from '../db/jobs.ts';
import type { ImportKind } from '../domain/imports/kinds.ts';
import type { ImportMode } from '../domain/imports/plan.ts';
import { Problem } from '../errors.ts';
import { storeOf } from './customers.ts';
import { checkOrderFile, lineOrderPieces, type OrderReader, orderPieces } from './import-orders.ts';
import {
  addressColumns,
  addressPieces,
  customerColumns,
  customerPieces,
  type LineProblem,
  openHeaders,
  type Piece,
  type Reading,
} from './import-readers.ts';
import { type OpenedWork, type OpenWork, startJob, toJob, tracedParams } from './jobs.ts';
import { write } from './write.ts';

/** What an import was asked to do; kept as the job's params. */
export interface ImportRequest {
  kind: ImportKind;
  mode: ImportMode;
  /** Field by header for customers and addresses; for orders the mapping of a file with a line per item. */
  mapping?: Record<string, unknown> | undefined;
  consentBasis?: string | undefined;
  dryRun: boolean;
}

const CHUNK_BYTES = 512 * 1024;

/** Keeps the bytes as they come, one chunk in memory, each in a statement of its own: an upload may take long. */
async function receive(ctx: Ctx, jobId: string, source: AsyncIterable<Uint8Array>): Promise<number> {
  let pending: Uint8Array[] = [];
  let size = 0;
  let sequence = 0;
  let total = 0;
  const flush = async () => {
    if (size === 0) return;
    const content = Buffer.concat(pending);
    await insertChunk(ctx.db, { jobId, sequence: sequence++, content, now: new Date() });
    pending = [];
    size = 0;
  };
  for await (const bytes of source) {
    pending.push(bytes);
    size += bytes.length;
    total += bytes.length;
    if (size >= CHUNK_BYTES) await flush();
  }
  await flush();
  return total;
}

/** What the head of the file tells: the format, and which columns nobody reads. */
async function inspect(ctx: Ctx, jobId: string, request: ImportRequest): Promise<Record<string, unknown>> {
  const source = readUpload(ctx.db, jobId);
  try {
    if (request.kind === 'orders') return await checkOrderFile(source, request.mapping);
    const headers = await openHeaders(source);
    const params = tracedParams({ ...request });
    const recognised =
      request.kind === 'customers'
        ? customerColumns(headers, params, await storeOf(ctx))
        : addressColumns(headers, params);
    return { headers, format: recognised.format, ignoredColumns: recognised.ignored };
  } catch (error) {
    if (!(error instanceof FileRefused)) throw error;
    throw new Problem('IMPORT_REFUSED', { reason: error.code, message: error.message });
  }
}

/**
 * Takes a file and starts its import. A file that cannot be read at all is refused here; single bad rows are told by
 * the job. Rows are applied in the order of the file.
 * @throws Problem IMPORT_REFUSED, CONSENT_BASIS_REQUIRED
 */
export async function startImport(
  ctx: Ctx,
  request: ImportRequest,
  source: AsyncIterable<Uint8Array>,
): Promise<JobRow> {
  const id = ctx.newId();
  const params = { ...request };
  await transaction(ctx.db, (tx) =>
    startJob(ctx, tx, { id, kind: 'import', params, dryRun: request.dryRun, status: 'receiving' }),
  );
  try {
    const bytes = await receive(ctx, id, source);
    const facts = await inspect(ctx, id, request);
    const job = await write(ctx, async (tx) => {
      await queueReceived(tx, { id, kind: 'import', params: { ...params, ...facts, bytes } });
      return (await findJob(tx, id)) as JobRow;
    });
    // A repeat by Idempotency-Key answers the first job; this copy of the file is not needed.
    if (job.id !== id) await deleteJob(ctx.db, { id });
    return job;
  } catch (error) {
    await deleteJob(ctx.db, { id });
    throw error;
  }
}

function piecesOf(reading: Reading, readOrder: OrderReader): AsyncGenerator<Piece> {
  const { kind, mapping } = reading.job.params as { kind: ImportKind; mapping?: Record<string, unknown> };
  if (kind === 'customers') return customerPieces(reading);
  if (kind === 'addresses') return addressPieces(reading);
  return mapping ? lineOrderPieces(reading) : orderPieces(reading, readOrder);
}

function numbered(jobId: string, problems: readonly LineProblem[]): NewProblem[] {
  const sequences = new Map<number, number>();
  return problems.map(({ line, column, level, code, message, cells }) => {
    const sequence = sequences.get(line) ?? 0;
    sequences.set(line, sequence + 1);
    return {
      jobId,
      line,
      sequence,
      column: column ?? null,
      level,
      code,
      message,
      cells: cells ? [...cells] : null,
    };
  });
}

async function applyPiece(ctx: Ctx, tx: Tx, job: JobRow, piece: Piece, isLast: boolean) {
  const { outcomes, problems } = await piece.apply(ctx, tx, job);
  await insertProblems(tx, numbered(job.id, problems));
  if (isLast) await deleteUpload(tx, { jobId: job.id });
  return { done: piece.done, outcomes, ...(!isLast && { position: { line: piece.line } }) };
}

const lineOf = (job: JobRow): number => Number(job.position.line ?? 0);

/**
 * The pieces of a file as slices. Two are read ahead: one tells whether a piece is the last, the other is read while
 * Postgres writes.
 */
function slicesOf(pieces: AsyncGenerator<Piece>, begin: number): OpenedWork {
  let line = begin;
  let current = pieces.next();
  let following = current.then(() => pieces.next());
  following.catch(() => undefined);
  return {
    async next() {
      const { value: piece } = await current;
      if (!piece) throw new Error('the file has no further piece');
      const isLast = (await following).done === true;
      current = following;
      following = current.then(() => pieces.next());
      following.catch(() => undefined);
      const expected = line;
      line = piece.line;
      return async (ctx, tx, job) => {
        // Another worker got the same delivery and went on: this one's reading place is not the job's any more.
        if (lineOf(job) !== expected) throw new Error('another worker has this import');
        return applyPiece(ctx, tx, job, piece, isLast);
      };
    },
    async close() {
      await following.catch(() => undefined);
      await pieces.return(undefined);
    },
  };
}

/** How an import job is worked on; `readOrder` checks an order of an NDJSON file against the wire contract. */
export function importWork(readOrder: OrderReader): { open: OpenWork } {
  return {
    async open(ctx, job) {
      const after = lineOf(job);
      const store = await storeOf(ctx);
      const reading: Reading = { ctx, job, store, source: readUpload(ctx.db, job.id), after };
      return slicesOf(refusingPieces(piecesOf(reading, readOrder)), after);
    },
  };
}

/** A file that breaks off (a damaged archive) ends the job as failed, after what was good before it. */
async function* refusingPieces(pieces: AsyncGenerator<Piece>): AsyncGenerator<Piece> {
  try {
    yield* pieces;
  } catch (error) {
    if (!(error instanceof FileRefused)) throw error;
    throw new Problem('IMPORT_REFUSED', { reason: error.code, message: error.message });
  }
}

const HELD_PAGE = 1_000;

/** An import as the contract shows it. */
export function toImport(job: JobRow, now: Date) {
  const { kind, mode, format, ignoredColumns } = job.params as unknown as ImportRequest & {
    format?: string;
    ignoredColumns?: string[];
  };
  return {
    ...toJob(job, now),
    importKind: kind,
    mode,
    format: format ?? null,
    ignoredColumns: ignoredColumns ?? [],
  };
}

/**
 * The rows that were not taken, as CSV lines: the cells as they were sent, then what is wrong. Mended, the file can be
 * sent again; the three columns at its end are ignored.
 */
export async function* exportErrorRows(db: Db, job: JobRow): AsyncGenerator<string> {
  const { headers = [] } = job.params as { headers?: string[] };
  yield csvLine([...headers, 'line', 'code', 'message']);
  let after: readonly [number, number] | undefined;
  for (;;) {
    const problems = await listProblems(db, job.id, { after, limit: HELD_PAGE });
    for (const { sequence, level, cells, line, code, message } of problems) {
      if (level !== 'error' || sequence !== 0) continue;
      const row = headers.map((_, index) => cells?.[index] ?? '');
      yield csvLine([...row, line, code, message]);
    }
    const last = problems.at(-1);
    if (!last || problems.length < HELD_PAGE) return;
    after = [last.line, last.sequence];
  }
}
