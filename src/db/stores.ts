// Stores: the tenant rows.
import { and, eq } from 'drizzle-orm';
import type pg from 'pg';
import type { StoreSettings } from '../domain/stores.ts';
import { type Db, prepared, type Tx } from './connection.ts';
import { stores } from './tables/stores.ts';

export type Store = typeof stores.$inferSelect;

const find = prepared()('find_store', (queries, p) =>
  queries.select().from(stores).where(eq(stores.id, p.storeId)),
);

/** The store of the handle; undefined when it does not exist. */
export const findStore = async (db: Db): Promise<Store | undefined> => (await find(db, {}))[0];

/** Adds the store that the handle is bound to. */
export const insertStore = (tx: Tx, store: Store): Promise<unknown> =>
  tx.use(({ queries }) => queries.insert(stores).values(store));

interface StoreChange {
  name: string;
  timezone: string;
  locale: string;
  settings: StoreSettings;
  version: number;
  updatedAt: Date;
}

/** Replaces the settings if the row still has the version before `version`; undefined when it has not. */
export async function updateStore(tx: Tx, change: StoreChange): Promise<Store | undefined> {
  const [row] = await tx.use(({ queries }) =>
    queries
      .update(stores)
      .set(change)
      .where(and(eq(stores.id, tx.storeId), eq(stores.version, change.version - 1)))
      .returning(),
  );
  return row;
}

const originKnown = new Map<string, { known: boolean; until: number }>();
const REMEMBERED_MS = 30_000;

/** Whether any store lists the origin; remembered for 30 s, because each preflight asks. */
export async function isOriginKnown(pool: pg.Pool, origin: string): Promise<boolean> {
  const remembered = originKnown.get(origin);
  if (remembered && remembered.until > Date.now()) return remembered.known;
  const { rows } = await pool.query<{ known: boolean }>('select origin_known($1) as known', [origin]);
  const known = rows[0]?.known === true;
  if (originKnown.size > 1_000) originKnown.clear();
  originKnown.set(origin, { known, until: Date.now() + REMEMBERED_MS });
  return known;
}

/** Ids of all stores of this database. */
export async function listStoreIds(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>('select id from list_stores()');
  return rows.map((row) => row.id);
}
