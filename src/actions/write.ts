// The one way an action changes data: a transaction that also keeps the answer of idempotent requests.
import type { Ctx, IdempotentRequest } from '../context.ts';
import {
  type Db,
  Overtaken,
  RETRIED,
  rehearse,
  sqlStateOf,
  type Tx,
  transaction,
  UNIQUE_VIOLATION,
} from '../db/connection.ts';
import { claimKey, findKept, type KeptAnswer, type KeptRow, keepAnswer } from '../db/idempotency-keys.ts';
import { type ErrorCode, Problem, type ProblemFacts } from '../errors.ts';

/** Answers are kept for 48 h at least. */
const KEPT_MS = 72 * 3600_000;
/** Unique violation, deadlock, serialisation failure. */
const OVERTAKEN = new Set([UNIQUE_VIOLATION, ...RETRIED]);

function replay<T>(request: IdempotentRequest, kept: KeptAnswer): T {
  if (!kept.fingerprint.equals(request.fingerprint)) throw new Problem('IDEMPOTENCY_KEY_REUSED');
  request.replayed = true;
  if (kept.refused) throw new Problem(kept.refused as ErrorCode, kept.answer as ProblemFacts);
  return kept.answer as T;
}

/** Refusals are answers too: a repeat gets the same one. Server faults and 429 are not kept. */
const isKept = (error: unknown): error is Problem =>
  error instanceof Problem &&
  error.status < 500 &&
  error.status !== 429 &&
  !error.code.startsWith('IDEMPOTENCY');

function keptRow(ctx: Ctx, answer: unknown, refused: string | null): KeptRow {
  const { credential, operation, key, fingerprint } = ctx.idempotency as IdempotentRequest;
  const expiresAt = new Date(ctx.now.getTime() + KEPT_MS);
  return { credential, operation, key, fingerprint, answer: answer ?? null, refused, expiresAt };
}

const keep = (db: Db, ctx: Ctx, answer: unknown, refused: string | null): Promise<boolean> =>
  keepAnswer(db, keptRow(ctx, answer, refused));

async function keepRefusal(ctx: Ctx, error: unknown): Promise<void> {
  if (ctx.idempotency && isKept(error) && !ctx.idempotency.replayed)
    await keep(ctx.db, ctx, error.facts, error.code);
}

/**
 * Runs `work` in one transaction. With an Idempotency-Key, `work` runs once: its result is kept in the same
 * transaction, and a repeat gets it back without running anything. All reads that decide belong inside `work`.
 * @throws Problem IDEMPOTENCY_IN_PROGRESS while the first request runs, IDEMPOTENCY_KEY_REUSED for another body
 */
export async function write<T>(ctx: Ctx, work: (tx: Tx) => Promise<T>): Promise<T> {
  const request = ctx.idempotency;
  if (!request) return transaction(ctx.db, work);
  try {
    return await transaction(ctx.db, async (tx) => {
      const claim = await claimKey(tx, request);
      if (claim.kept) return replay<T>(request, claim.kept);
      if (!claim.free) throw new Problem('IDEMPOTENCY_IN_PROGRESS');
      const result = await work(tx);
      // Somebody who took no claim (writeAtOnce) wrote an answer meanwhile: this work is taken back, and that one given.
      if (!(await keep(tx, ctx, result, null))) throw new Overtaken();
      return result;
    });
  } catch (error) {
    await keepRefusal(ctx, error);
    throw error;
  }
}

/**
 * L2: reads, decides and writes without a transaction around it. `attempt` writes its answer in the one statement of its
 * change, by the row that `kept` makes of it; undefined = somebody was faster. Then `work` does the same under locks.
 * Whether the key is known is asked last: a repeat cannot write its answer a second time, so it writes nothing at all.
 */
export async function writeAtOnce<T>(
  ctx: Ctx,
  attempt: (kept: (answer: T) => KeptRow | undefined) => Promise<T | undefined>,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  const request = ctx.idempotency;
  try {
    const result = await attempt((answer) => (request ? keptRow(ctx, answer, null) : undefined));
    // The command was carried out before, perhaps under this very key: then its first answer is the answer.
    const known = request?.replayed && (await findKept(ctx.db, request));
    if (known) return replay<T>(request, known);
    if (result !== undefined) return result;
  } catch (error) {
    const known = request && (await findKept(ctx.db, request));
    if (known) return replay<T>(request, known);
    // The reference or the key was taken meanwhile, or two waited for each other: under locks it is found.
    if (!OVERTAKEN.has(sqlStateOf(error) ?? '')) {
      await keepRefusal(ctx, error);
      throw error;
    }
  }
  return write(ctx, work);
}

/** Does the work, or with `dryRun` only says what it would come to (L10). */
export const writeUnlessDry = <T>(ctx: Ctx, dryRun: boolean, work: (tx: Tx) => Promise<T>): Promise<T> =>
  dryRun ? transaction(ctx.db, (tx) => rehearse(tx, () => work(tx))) : write(ctx, work);
