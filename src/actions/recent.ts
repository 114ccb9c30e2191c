// What each store has one of and hardly ever changes, remembered for a moment: a question costs one round trip less.
import type { Db } from '../db/connection.ts';

/** How old an answer may be. */
const RECENT_MS = 1_000;
const MAX_REMEMBERED = 10_000;

/** `read` with its answers of the last second, by store. The process that changes the thing forgets it at once. */
export function remembering<Value>(read: (db: Db) => Promise<Value>) {
  const remembered = new Map<string, { value: Value; readAt: number }>();
  return {
    async recall(db: Db): Promise<Value> {
      const known = remembered.get(db.storeId);
      const now = performance.now();
      if (known && now - known.readAt < RECENT_MS) return known.value;
      const value = await read(db);
      if (remembered.size >= MAX_REMEMBERED) remembered.clear();
      remembered.set(db.storeId, { value, readAt: now });
      return value;
    },
    forget: (storeId: string): void => void remembered.delete(storeId),
  };
}
