// API keys: found by the hash of their text.
import { and, eq, sql } from 'drizzle-orm';
import { type Db, prepared, statement, type Tx } from './connection.ts';
import { apiKeys } from './tables/api-keys.ts';

export type ApiKey = typeof apiKeys.$inferSelect;

const byHash = prepared<{ secretHash: Buffer }>()('find_api_key', (queries, p) =>
  queries
    .select()
    .from(apiKeys)
    .where(and(eq(apiKeys.storeId, p.storeId), eq(apiKeys.secretHash, p.secretHash))),
);

export const findApiKey = async (db: Db, key: { secretHash: Buffer }): Promise<ApiKey | undefined> =>
  (await byHash(db, key))[0];

/** Notes the use of a key. */
export const touchApiKey = statement<{ id: string; now: Date }, never>(
  'touch_api_key',
  (p) => sql`update api_keys set last_used_at = ${p.now} where store_id = ${p.storeId} and id = ${p.id}`,
);

export const insertApiKey = (tx: Tx, key: ApiKey): Promise<unknown> =>
  tx.use(({ queries }) => queries.insert(apiKeys).values(key));

/** All keys of the store, newest first; there are few. */
export const listApiKeys = prepared()('list_api_keys', (queries, p) =>
  queries
    .select()
    .from(apiKeys)
    .where(eq(apiKeys.storeId, p.storeId))
    .orderBy(sql`${apiKeys.id} desc`)
    .limit(500),
);

/** Ends a key; undefined when there is none. Revoking twice keeps the first time. */
export async function revokeApiKey(tx: Tx, id: string, now: Date): Promise<ApiKey | undefined> {
  const [row] = await tx.use(({ queries }) =>
    queries
      .update(apiKeys)
      .set({ revokedAt: sql`coalesce(${apiKeys.revokedAt}, ${now})` })
      .where(and(eq(apiKeys.storeId, tx.storeId), eq(apiKeys.id, id)))
      .returning(),
  );
  return row;
}
