// Versions of the loyalty programme; the last one holds. They are only inserted.
import { and, desc, eq, lt, sql } from 'drizzle-orm';
import type { ProgrammeSettings } from '../domain/loyalty/programme.ts';
import type { PageStart } from '../domain/pages.ts';
import { type Db, prepared, statement, type Tx } from './connection.ts';
import { loyaltyProgrammes } from './tables/loyalty.ts';

/** A version of the programme. */
export interface Programme {
  version: number;
  settings: ProgrammeSettings;
  actor: string;
  createdAt: Date;
}

/** The version that holds. */
export interface CurrentProgramme extends Programme {
  /** Some version had points that last as long as their owner is active (P4). */
  prolongs: boolean;
}

const columns = {
  version: loyaltyProgrammes.version,
  settings: loyaltyProgrammes.settings,
  actor: loyaltyProgrammes.actor,
  createdAt: loyaltyProgrammes.createdAt,
};

const selectBefore = prepared<{ before: number; limit: number }>()(
  'list_programme_versions',
  (queries, { storeId, before, limit }) =>
    queries
      .select(columns)
      .from(loyaltyProgrammes)
      .where(and(eq(loyaltyProgrammes.storeId, storeId), lt(loyaltyProgrammes.version, before)))
      .orderBy(desc(loyaltyProgrammes.version))
      .limit(limit),
);

const BEHIND_ALL = 2 ** 31 - 1;

const selectCurrent = statement<Record<never, never>, CurrentProgramme>(
  'find_programme',
  (p) => sql`
    select v.version, v.settings, v.actor, v.created_at as "createdAt",
      exists (select from loyalty_programmes o where o.store_id = ${p.storeId}
        and o.settings->'expiry'->>'kind' = 'inactivity_months') as prolongs
    from loyalty_programmes v where v.store_id = ${p.storeId} order by v.version desc limit 1`,
);

/** The version that holds; undefined while the store has no programme. */
export const findProgramme = async (db: Db): Promise<CurrentProgramme | undefined> =>
  (await selectCurrent(db, {}))[0];

/** Versions, newest first. */
export const listProgrammeVersions = (
  db: Db,
  { after, limit }: PageStart<[version: number]>,
): Promise<Programme[]> => selectBefore(db, { before: after?.[0] ?? BEHIND_ALL, limit });

const selectSome = prepared<{ versions: readonly number[] }>()('find_programme_versions', (queries, p) =>
  queries
    .select(columns)
    .from(loyaltyProgrammes)
    .where(
      and(
        eq(loyaltyProgrammes.storeId, p.storeId),
        sql`${loyaltyProgrammes.version} = any(${p.versions}::integer[])`,
      ),
    ),
);

/** Certain versions. */
export const findProgrammeVersions = (db: Db, versions: readonly number[]): Promise<Programme[]> =>
  selectSome(db, { versions });

const lock = statement<Record<never, never>, never>(
  'lock_programme',
  (p) => sql`select pg_advisory_xact_lock(hashtextextended('programme ' || ${p.storeId}::text, 0))`,
);

/** Lets one writer at a time at the programme: versions follow one another without gaps. */
export const lockProgramme = async (tx: Tx): Promise<void> => {
  await lock(tx, {});
};

export const insertProgramme = (tx: Tx, programme: Programme): Promise<unknown> =>
  tx.use(({ queries }) => queries.insert(loyaltyProgrammes).values({ ...programme, storeId: tx.storeId }));
