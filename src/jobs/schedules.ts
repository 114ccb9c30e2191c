// Work that nobody asks for: each store's nightly jobs (expiry, self-check), and the removal of what expired.
// Every worker runs this; there is no leader. A night's job has the same id in all of them, so its row is the guard.
import { createHash } from 'node:crypto';
import type pg from 'pg';
import { startJobOnce } from '../actions/jobs.ts';
import { type Log, systemContext } from '../context.ts';
import { deleteAccountLeftovers } from '../db/account-leftovers.ts';
import { dbOf } from '../db/connection.ts';
import { deleteExpiredKeys } from '../db/idempotency-keys.ts';
import { deleteAbandonedUploads } from '../db/imports.ts';
import { findStore, listStoreIds } from '../db/stores.ts';
import type { JobKind } from '../domain/jobs.ts';
import { localTimeAt } from '../domain/zoned-time.ts';
import { startTimer, type Timer } from './timers.ts';

/** Hour of the store's own night. */
const NIGHTLY_HOUR = 3;
const TICK_MS = 10 * 60_000;
const HOUR_MS = 3_600_000;

/**
 * The id of a job that is due once in a night: a UUID v7 of that date whose other bits come from the kind, so that all
 * workers agree on it and it sorts among the jobs of its day.
 */
export function scheduledJobId(kind: JobKind, date: { year: number; month: number; day: number }): string {
  const time = Date.UTC(date.year, date.month - 1, date.day)
    .toString(16)
    .padStart(12, '0');
  const hash = createHash('sha256').update(kind).digest('hex');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hash.slice(0, 3)}-8${hash.slice(3, 6)}-${hash.slice(6, 18)}`;
}

export interface Schedules {
  /** What is due at `now`; a second call in the same night and hour does nothing. */
  run(now: Date): Promise<void>;
}

/** `nightly`: kinds of jobs that each store gets every night. */
export function createSchedules(pool: pg.Pool, nightly: readonly JobKind[], log: Log): Schedules {
  /** The last night that was seen to, by store: spares asking again at each look. */
  const seenTo = new Map<string, string>();
  let cleanedAt = 0;

  const startNightly = async (storeId: string, now: Date) => {
    const db = dbOf(pool, storeId);
    const store = await findStore(db);
    if (!store) return;
    const local = localTimeAt(now, store.timezone);
    const night = `${local.year}-${local.month}-${local.day}`;
    if (local.hour < NIGHTLY_HOUR || seenTo.get(storeId) === night) return;
    const ctx = { ...systemContext(db, log), now };
    for (const kind of nightly)
      await startJobOnce(ctx, { kind, id: scheduledJobId(kind, local), params: {} });
    seenTo.set(storeId, night);
  };

  return {
    async run(now) {
      const storeIds = await listStoreIds(pool);
      for (const storeId of storeIds) {
        // One store's trouble is no reason to pass over the others.
        await startNightly(storeId, now).catch((error: Error) =>
          log.warn({ storeId, message: error.message }, 'nightly jobs not started'),
        );
      }
      if (now.getTime() - cleanedAt < HOUR_MS) return;
      // Needs no guard: what one worker deleted, the others do not find.
      for (const storeId of storeIds) {
        await deleteExpiredKeys(dbOf(pool, storeId), now);
        await deleteAccountLeftovers(dbOf(pool, storeId), now);
        await deleteAbandonedUploads(dbOf(pool, storeId), now);
      }
      cleanedAt = now.getTime();
    },
  };
}

/** Looks every ten minutes for what is due. */
export function startSchedules(pool: pg.Pool, nightly: readonly JobKind[], log: Log): Timer {
  const schedules = createSchedules(pool, nightly, log);
  return startTimer(
    TICK_MS,
    () => schedules.run(new Date()),
    (error) => log.warn({ message: error.message }, 'schedules failed'),
  );
}
