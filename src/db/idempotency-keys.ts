// Kept answers of idempotent requests.
import { sql } from 'drizzle-orm';
import { type Db, statement, type Tx } from './connection.ts';

interface KeyName {
  credential: string;
  operation: string;
  key: string;
}

export interface KeptAnswer {
  fingerprint: Buffer;
  answer: unknown;
  /** The error code when the answer was a refusal. */
  refused: string | null;
}

type Claimed = { free: boolean } & { [K in keyof KeptAnswer]: KeptAnswer[K] | null };

const claim = statement<KeyName, Claimed>(
  'claim_idempotency_key',
  (p) => sql`
    select pg_try_advisory_xact_lock(
             hashtextextended(${p.storeId}::text || ${p.credential} || ' ' || ${p.operation} || ' ' || ${p.key}, 0)) as free,
           kept.fingerprint, kept.answer, kept.refused
    from (select 1) one
    left join idempotency_keys kept
      on kept.store_id = ${p.storeId} and kept.credential = ${p.credential}
     and kept.operation = ${p.operation} and kept.key = ${p.key}`,
);

/** Takes the key for this transaction (`free`), or hands out the answer that is kept under it. */
export async function claimKey(tx: Tx, name: KeyName): Promise<{ free: boolean; kept?: KeptAnswer }> {
  const { credential, operation, key } = name;
  const [row] = await claim(tx, { credential, operation, key });
  if (row?.fingerprint) return { free: false, kept: row as KeptAnswer };
  return { free: row?.free === true };
}

const find = statement<KeyName, KeptAnswer>(
  'find_kept_answer',
  (p) => sql`
    select fingerprint, answer, refused from idempotency_keys
    where store_id = ${p.storeId} and credential = ${p.credential} and operation = ${p.operation} and key = ${p.key}`,
);

/** The answer that is kept under the key, without taking it. */
export const findKept = async (db: Db, { credential, operation, key }: KeyName) =>
  (await find(db, { credential, operation, key }))[0];

/** An answer to be kept. */
export interface KeptRow extends KeyName {
  fingerprint: Buffer;
  answer: unknown;
  refused: string | null;
  expiresAt: Date;
}

const insertAnswer = statement<Omit<KeptRow, 'answer'> & { answer: string }, { key: string }>(
  'keep_idempotent_answer',
  (p) => sql`
    insert into idempotency_keys (store_id, credential, operation, key, fingerprint, answer, refused, expires_at)
    values (${p.storeId}, ${p.credential}, ${p.operation}, ${p.key}, ${p.fingerprint}, ${p.answer}::jsonb,
            ${p.refused}, ${p.expiresAt})
    on conflict do nothing returning key`,
);

/** Stores the answer; false when there is one under the key already, which stays. */
export const keepAnswer = async (db: Db, kept: KeptRow): Promise<boolean> =>
  (await insertAnswer(db, { ...kept, answer: JSON.stringify(kept.answer) })).length > 0;

const deleteExpired = statement<{ before: Date }, never>(
  'delete_expired_idempotency_keys',
  (p) => sql`delete from idempotency_keys where store_id = ${p.storeId} and expires_at < ${p.before}`,
);

/** Removes answers that expired before the instant. */
export const deleteExpiredKeys = async (db: Db, before: Date): Promise<void> => {
  await deleteExpired(db, { before });
};
