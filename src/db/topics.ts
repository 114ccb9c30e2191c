// Topics of consent: what a store writes about.
import { and, eq, sql } from 'drizzle-orm';
import { type Db, prepared, statement, type Tx } from './connection.ts';
import { insertRows } from './record-sets.ts';
import { topics } from './tables/consents.ts';

export type TopicRow = typeof topics.$inferSelect;
export type Topic = Omit<TopicRow, 'storeId'>;
export type TopicChange = Partial<Omit<Topic, 'key' | 'createdAt'>>;

const select = prepared()('list_topics', (queries, p) =>
  queries
    .select({
      key: topics.key,
      name: topics.name,
      description: topics.description,
      position: topics.position,
      archivedAt: topics.archivedAt,
      version: topics.version,
      createdAt: topics.createdAt,
      updatedAt: topics.updatedAt,
    })
    .from(topics)
    .where(eq(topics.storeId, p.storeId))
    .orderBy(topics.position, topics.key),
);

/** All topics of the store, archived ones included, in the order in which people see them. */
export const listTopics = (db: Db): Promise<Topic[]> => select(db, {});

/** Adds topics; keys that are taken are left alone. */
const insert = insertRows<Topic>('insert_topics', topics, { quiet: true });

export const insertTopics = (tx: Tx, rows: readonly Topic[]): Promise<unknown> => insert(tx, rows);

const lock = statement<{ key: string }, { key: string }>(
  'lock_topic',
  (p) => sql`select t.key from topics t where t.store_id = ${p.storeId} and t.key = ${p.key} for update`,
);

/** Locks a topic; false when there is none. */
export const lockTopic = async (tx: Tx, key: string): Promise<boolean> =>
  (await lock(tx, { key })).length > 0;

/** Changes a topic; the caller holds its lock and gives the next version. */
export const updateTopic = (tx: Tx, key: string, change: TopicChange): Promise<unknown> =>
  tx.use(({ queries }) =>
    queries
      .update(topics)
      .set(change)
      .where(and(eq(topics.storeId, tx.storeId), eq(topics.key, key))),
  );
