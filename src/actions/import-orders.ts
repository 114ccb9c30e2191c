// Order files: NDJSON with an order per line as the API takes them, or CSV with a line per item and a mapping.
import { type CsvRow, openCsv } from '../clients/csv-reader.ts';
import { openNdjson } from '../clients/ndjson-reader.ts';
import type { Ctx } from '../context.ts';
import { rehearse, type Tx } from '../db/connection.ts';
import { findByIdentity } from '../db/customers.ts';
import type { JobRow } from '../db/jobs.ts';
import { listAllOrdersOf, type StoredOrder } from '../db/orders.ts';
import type { Store } from '../db/stores.ts';
import { normaliseEmail } from '../domain/emails.ts';
import { planCreditNote } from '../domain/imports/credit-notes.ts';
import {
  type Assembled,
  assembleLines,
  type LineCustomer,
  type LineMapping,
  missingColumns,
  type SalesDocument,
} from '../domain/imports/orders-from-lines.ts';
import { addOutcomes } from '../domain/jobs.ts';
import { Problem } from '../errors.ts';
import type { LineProblem, Piece, PieceResult, Reading } from './import-readers.ts';
import { ingestOrdersIn, type OrderDelivery, type OrderResult } from './orders.ts';

/** Checks an order of a file against the wire contract, which this layer does not know. */
export type OrderReader = (
  value: Record<string, unknown>,
) => { delivery: OrderDelivery } | { problems: { pointer: string; message: string }[] };

type NumberedDelivery = { line: number; delivery: OrderDelivery };
type CreditNoteDocument = Extract<SalesDocument, { kind: 'credit-note' }>;

const SLICE_ORDERS = 500;
const SLICE_LINES = 5_000;

/**
 * What the head of an order file tells.
 * @throws Problem IMPORT_REFUSED for a mapping whose columns the file does not have
 */
export async function checkOrderFile(
  source: AsyncIterable<Uint8Array>,
  mapping: Record<string, unknown> | undefined,
): Promise<Record<string, unknown>> {
  if (!mapping) return { format: 'ndjson' };
  const { headers, close } = await openCsv(source);
  await close();
  const missing = missingColumns(mapping as unknown as LineMapping, headers);
  if (missing.length === 0) return { headers, format: 'lines' };
  throw new Problem('IMPORT_REFUSED', {
    reason: 'COLUMNS_MISSING',
    message: `The file has no column ${missing.join(', ')}.`,
  });
}

function countResults(results: readonly OrderResult[]): Record<string, number> {
  const outcomes: Record<string, number> = {};
  for (const { outcome } of results) {
    const name = outcome === 'refused' ? 'failed' : outcome;
    outcomes[name] = (outcomes[name] ?? 0) + 1;
  }
  return outcomes;
}

function refusalsOf(results: readonly OrderResult[], lineOf: (index: number) => number): LineProblem[] {
  return results.flatMap(({ problem }, index): LineProblem[] => {
    if (!problem) return [];
    const [first] = problem.errors;
    const message = first ? `${problem.title}: ${first.pointer} ${first.message}` : problem.title;
    return [{ line: lineOf(index), level: 'error', code: problem.code, message }];
  });
}

const perhapsRehearse = <T>(tx: Tx, job: JobRow, work: () => Promise<T>): Promise<T> =>
  job.dryRun ? rehearse(tx, work) : work();

async function applyDeliveries(
  ctx: Ctx,
  tx: Tx,
  store: Store,
  list: readonly NumberedDelivery[],
): Promise<PieceResult> {
  const results = await ingestOrdersIn(
    ctx,
    tx,
    store,
    list.map(({ delivery }) => delivery),
  );
  return {
    outcomes: countResults(results),
    problems: refusalsOf(results, (index) => list[index]?.line ?? 0),
  };
}

function deliveriesPiece(
  store: Store,
  line: number,
  list: readonly NumberedDelivery[],
  problems: readonly LineProblem[],
): Piece {
  return {
    line,
    done: list.length + problems.length,
    async apply(ctx, tx, job) {
      const applied = await perhapsRehearse(tx, job, () => applyDeliveries(ctx, tx, store, list));
      const outcomes = addOutcomes(applied.outcomes, problems.length > 0 ? { failed: problems.length } : {});
      return { outcomes, problems: [...problems, ...applied.problems] };
    },
  };
}

/** NDJSON: each line is an order in the form of the batch endpoint. */
export async function* orderPieces(
  { source, store, after }: Reading,
  readOrder: OrderReader,
): AsyncGenerator<Piece> {
  const file = await openNdjson(source);
  let list: NumberedDelivery[] = [];
  let problems: LineProblem[] = [];
  let last = after;
  for await (const batch of file.batches) {
    for (const { line, code, message } of batch.problems) {
      if (line > after) problems.push({ line, level: 'error', code, message });
      last = Math.max(last, line);
    }
    for (const { line, value } of batch.rows) {
      if (line <= after) continue;
      last = Math.max(last, line);
      const read = readOrder(value);
      if ('delivery' in read) list.push({ line, delivery: read.delivery });
      else
        problems.push({
          line,
          level: 'error',
          code: 'ORDER_INVALID',
          message: read.problems.map((p) => `${p.pointer} ${p.message}`).join('; '),
        });
      if (list.length + problems.length < SLICE_ORDERS) continue;
      yield deliveriesPiece(store, line, list, problems);
      list = [];
      problems = [];
    }
  }
  yield deliveriesPiece(store, last, list, problems);
}

const referenceOf = ({ externalId, firstName, lastName }: LineCustomer) => ({
  externalId,
  firstName,
  lastName,
});

const deliveryOf = ({
  externalId,
  customer,
  order,
}: Extract<SalesDocument, { kind: 'order' }>): OrderDelivery => ({
  externalId,
  customer: referenceOf(customer),
  order,
});

/** Orders of the customers whom the notes of a slice name, loaded once and kept up with what the notes take. */
class Refundables {
  readonly #tx: Tx;
  readonly #owners = new Map<string, string | undefined>();
  readonly #orders = new Map<string, StoredOrder[]>();
  readonly #refunded = new Map<string, OrderDelivery>();

  constructor(tx: Tx) {
    this.#tx = tx;
  }

  async ordersOf(customer: LineCustomer): Promise<StoredOrder[]> {
    const key = JSON.stringify([customer.externalId, customer.email]);
    if (!this.#owners.has(key)) {
      const emailNorm = customer.email ? (normaliseEmail(customer.email) ?? null) : null;
      const matches = await findByIdentity(this.#tx, { externalId: customer.externalId, emailNorm });
      const [owner] = customer.externalId
        ? matches.filter((match) => match.externalId === customer.externalId)
        : matches;
      this.#owners.set(key, owner?.id);
    }
    const owner = this.#owners.get(key);
    if (!owner) return [];
    const orders = this.#orders.get(owner) ?? (await listAllOrdersOf(this.#tx, owner));
    this.#orders.set(owner, orders);
    return orders;
  }

  /** Takes the refunds of one note into the orders. */
  apply(
    orders: StoredOrder[],
    refunds: readonly { orderId: string; refund: StoredOrder['refunds'][number] }[],
  ): void {
    for (const { orderId, refund } of refunds) {
      const index = orders.findIndex((order) => order.id === orderId);
      const order = orders[index];
      if (!order) continue;
      const after = { ...order, refunds: [...order.refunds, refund] };
      orders[index] = after;
      this.#refunded.set(orderId, {
        externalId: order.externalId,
        customer: { id: order.customerId },
        order: after,
      });
    }
  }

  get deliveries(): OrderDelivery[] {
    return [...this.#refunded.values()];
  }
}

/** Credit notes of a slice, after its orders: a note looks only at orders placed before it, so the order of both is free. */
async function applyNotes(
  ctx: Ctx,
  tx: Tx,
  store: Store,
  notes: readonly CreditNoteDocument[],
): Promise<PieceResult> {
  const refundables = new Refundables(tx);
  const outcomes: Record<string, number> = {};
  const problems: LineProblem[] = [];
  const count = (name: string) => {
    outcomes[name] = (outcomes[name] ?? 0) + 1;
  };
  for (const { customer, note, lines } of notes) {
    const orders = await refundables.ordersOf(customer);
    const plan = planCreditNote(note, orders);
    if ('unchanged' in plan) {
      count('unchanged');
      continue;
    }
    refundables.apply(orders, plan.refunds);
    count(plan.refunds.length > 0 ? 'refunded' : 'unmatched');
    if (plan.unmatched === 0) continue;
    const message = `${plan.unmatched} of ${note.amount} minor units fit no earlier order of the customer and count nowhere.`;
    problems.push({ line: lines[0] ?? 0, level: 'warning', code: 'REFUND_UNMATCHED', message });
  }
  const results = await ingestOrdersIn(ctx, tx, store, refundables.deliveries);
  return { outcomes, problems: [...problems, ...refusalsOf(results, () => notes[0]?.lines[0] ?? 0)] };
}

async function applyDocuments(
  ctx: Ctx,
  tx: Tx,
  store: Store,
  documents: readonly SalesDocument[],
): Promise<PieceResult> {
  const orders = documents.flatMap((document) => (document.kind === 'order' ? [document] : []));
  const notes = documents.flatMap((document) => (document.kind === 'credit-note' ? [document] : []));
  const sold = await applyDeliveries(
    ctx,
    tx,
    store,
    orders.map((document) => ({ line: document.lines[0] ?? 0, delivery: deliveryOf(document) })),
  );
  const refunded = await applyNotes(ctx, tx, store, notes);
  return {
    outcomes: addOutcomes(sold.outcomes, refunded.outcomes),
    problems: [...sold.problems, ...refunded.problems],
  };
}

/** The rows that are held until their order is complete, for the file of error rows. */
type HeldRows = Map<number, readonly string[]>;

function toProblem(
  held: HeldRows,
  { line, column, level, code, message }: Assembled['problems'][number],
): LineProblem {
  return { line, column, level, code, message, cells: level === 'error' ? held.get(line) : undefined };
}

interface Gathered {
  documents: SalesDocument[];
  problems: LineProblem[];
  rows: number;
}

const nothing = (): Gathered => ({ documents: [], problems: [], rows: 0 });

function linesPiece(store: Store, line: number, { documents, problems, rows }: Gathered): Piece {
  const linesOf = (level: LineProblem['level']) =>
    new Set(problems.filter((problem) => problem.level === level).map((problem) => problem.line)).size;
  const failed = linesOf('error');
  const skipped = linesOf('skipped');
  return {
    line,
    done: rows,
    async apply(ctx, tx, job) {
      const applied = await perhapsRehearse(tx, job, () => applyDocuments(ctx, tx, store, documents));
      const outcomes = addOutcomes(applied.outcomes, {
        ...(failed && { failed }),
        ...(skipped && { skipped }),
      });
      return { outcomes, problems: [...problems, ...applied.problems] };
    },
  };
}

/** CSV with a row per item: orders and credit notes are assembled from their rows. */
export async function* lineOrderPieces({ job, source, store, after }: Reading): AsyncGenerator<Piece> {
  const file = await openCsv(source);
  const assembler = assembleLines(job.params.mapping as LineMapping);
  const held: HeldRows = new Map();
  let gathered = nothing();
  let last = after;
  const gather = ({ documents, problems }: Assembled) => {
    gathered.documents.push(...documents);
    gathered.problems.push(...problems.map((problem) => toProblem(held, problem)));
  };
  const push = ({ line, cells }: CsvRow) => {
    held.set(line, cells);
    gathered.rows++;
    last = line;
    gather(
      assembler.push(Object.fromEntries(file.headers.map((header, index) => [header, cells[index]])), line),
    );
  };
  for await (const batch of file.batches) {
    for (const { line, column, code, message, cells } of batch.problems) {
      if (line > after) gathered.problems.push({ line, column, level: 'error', code, message, cells });
    }
    for (const row of batch.rows) if (row.line > after) push(row);
    if (gathered.rows < SLICE_LINES) continue;
    // Rows of orders that are still open are read again after a stop; what is complete lies before them.
    const open = assembler.oldestOpenLine() ?? last + 1;
    yield linesPiece(store, open - 1, gathered);
    gathered = nothing();
    for (const line of held.keys()) if (line < open) held.delete(line);
  }
  gather(assembler.end());
  yield linesPiece(store, last, gathered);
}
