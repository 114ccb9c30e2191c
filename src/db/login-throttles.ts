// Counts of attempts, by HMAC of what is throttled: neither addresses nor networks are stored.
import { type Placeholder, type SQL, sql } from 'drizzle-orm';
import type { Throttle } from '../domain/accounts/throttles.ts';
import { type Db, statement } from './connection.ts';

/** One counter. */
export interface Counter extends Throttle {
  keyHash: Buffer;
}

interface Counting {
  keys: readonly Buffer[];
  free: readonly number[];
  first: readonly number[];
  longest: readonly number[];
  now: Date;
  /** Counting that began before begins anew. */
  forgotten: Date;
}

const count = statement<Counting, { keyHash: Buffer }>(
  'count_attempt',
  (p) => sql`
    insert into login_throttles as t (store_id, key_hash, failures, since)
    select ${p.storeId}, k.key_hash, 1, ${p.now} from unnest(${p.keys}::bytea[]) as k (key_hash) order by k.key_hash
    on conflict (store_id, key_hash) do update set
      failures = case when t.since <= ${p.forgotten} then 1 else t.failures + 1 end,
      since = case when t.since <= ${p.forgotten} then excluded.since else t.since end,
      blocked_until = (
        select case when t.since > ${p.forgotten} and t.failures + 1 >= k.free then
          ${p.now}::timestamptz + make_interval(secs => least(k.longest, k.first * 2 ^ least(t.failures + 1 - k.free, 20)))
        end
        from unnest(${p.keys}::bytea[], ${p.free}::integer[], ${p.first}::integer[], ${p.longest}::integer[])
          as k (key_hash, free, first, longest)
        where k.key_hash = t.key_hash)
    where t.blocked_until is null or t.blocked_until <= ${p.now}
    returning key_hash as "keyHash"`,
);

const countingOf = (counters: readonly Counter[], now: Date, forgotten: Date): Counting => ({
  keys: counters.map(({ keyHash }) => keyHash),
  free: counters.map(({ free }) => free),
  first: counters.map(({ firstSeconds }) => firstSeconds),
  longest: counters.map(({ longestSeconds }) => longestSeconds),
  now,
  forgotten,
});

/**
 * Counts one attempt, before it is known how it ends: those that come at the same time count each other. False when one
 * of the counters is blocked; that one is not counted.
 */
export const countAttempt = async (
  db: Db,
  counters: readonly Counter[],
  { now, forgotten }: { now: Date; forgotten: Date },
): Promise<boolean> => (await count(db, countingOf(counters, now, forgotten))).length === counters.length;

const latest = statement<{ keys: readonly Buffer[] }, { until: Date | null }>(
  'latest_block',
  (p) => sql`
    select max(blocked_until) as until from login_throttles
    where store_id = ${p.storeId} and key_hash = any(${p.keys}::bytea[])`,
);

/** When the last of these counters lets somebody in again. */
export async function blockedUntil(db: Db, keys: readonly Buffer[]): Promise<Date | null> {
  const [row] = await latest(db, { keys });
  return row?.until ?? null;
}

/** What is forgotten when a log-in succeeds. */
export interface Clearing {
  account: Buffer;
  networks: readonly Buffer[];
  free: number;
}

/** Parts of a statement that forget the account's failures and take back the attempt of the network, where `when` holds. */
export const clearingFor = (
  when: SQL,
  p: { [Name in keyof Clearing]: Placeholder } & { storeId: Placeholder },
): SQL => sql`
  forgotten as (
    delete from login_throttles where store_id = ${p.storeId} and key_hash = ${p.account} and ${when}
  ), taken_back as (
    update login_throttles set failures = failures - 1,
      blocked_until = case when failures - 1 >= ${p.free}::integer then blocked_until end
    where store_id = ${p.storeId} and key_hash = any(${p.networks}::bytea[]) and failures > 0 and ${when}
  )`;

/** Forgets the failures of an account whose owner is known again. */
export const clearCounters = statement<Clearing, never>(
  'clear_counters',
  (p) => sql`with ${clearingFor(sql`true`, p)} select`,
);
