// The one way an action changes data: a transaction that also keeps the answer of idempotent requests.
import type { Ctx, IdempotentRequest } from '../context.ts';
import { type Db, type Tx, transaction } from '../db/connection.ts';
import { claimKey, type KeptAnswer, keepAnswer } from '../db/idempotency-keys.ts';
import { type ErrorCode, Problem, type ProblemFacts } from '../errors.ts';

/** Answers are kept for 48 h at least (api.md). */
const KEPT_MS = 72 * 3600_000;

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

async function keep(db: Db, ctx: Ctx, answer: unknown, refused: string | null): Promise<void> {
  const { credential, operation, key, fingerprint } = ctx.idempotency as IdempotentRequest;
  const expiresAt = new Date(ctx.now.getTime() + KEPT_MS);
  await keepAnswer(db, {
    credential,
    operation,
    key,
    fingerprint,
    answer: JSON.stringify(answer ?? null),
    refused,
    expiresAt,
  });
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
      await keep(tx, ctx, result, null);
      return result;
    });
  } catch (error) {
    if (isKept(error) && !request.replayed) await keep(ctx.db, ctx, error.facts, error.code);
    throw error;
  }
}
