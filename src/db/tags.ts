// Tags of the store and who carries them.
import { and, eq, inArray, sql } from 'drizzle-orm';
import type { PageStart } from '../domain/pages.ts';
import { type Db, prepared, statement, type Tx } from './connection.ts';
import { countCarriersBy, type LabelLink, type LabelUsage, lockCarriersBy, withUsage } from './labels.ts';
import { customerTags } from './tables/customer-tags.ts';
import { tags } from './tables/tags.ts';

export type TagRow = typeof tags.$inferSelect;
export type NewTag = Pick<TagRow, 'id' | 'name' | 'nameKey' | 'createdAt'>;
/** A tag with how much it is used (T4). */
export type TagSummary = NewTag & LabelUsage;

const LINK: LabelLink = { links: 'customer_tags', key: 'tag_id' };

export const lockTagged = lockCarriersBy(LINK);
export const countTagged = countCarriersBy(LINK);

const columns = sql`t.id, t.name, t.name_key as "nameKey", t.created_at as "createdAt"`;

/** The palette by name; only the tags of the page are counted. */
export const listTagsByName = (
  db: Db,
  prefixKey: string,
  { after, limit }: PageStart<[nameKey: string]>,
): Promise<TagSummary[]> =>
  withUsage(db, LINK, {
    labels: sql`
      select ${columns} from tags t
      where t.store_id = ${db.storeId} and t.name_key ^@ ${prefixKey} and t.name_key > ${after?.[0] ?? ''}
      order by t.name_key limit ${limit}`,
    orderBy: sql`"nameKey"`,
    limit,
  });

/** The palette by number of customers, the most used first; all tags are counted for it. */
export const listTagsByUse = (
  db: Db,
  prefixKey: string,
  { after, limit }: PageStart<[customersCount: number, nameKey: string]>,
): Promise<TagSummary[]> =>
  withUsage(db, LINK, {
    labels: sql`select ${columns} from tags t where t.store_id = ${db.storeId} and t.name_key ^@ ${prefixKey}`,
    where:
      after &&
      sql`("customersCount" < ${after[0]} or ("customersCount" = ${after[0]} and "nameKey" > ${after[1]}))`,
    orderBy: sql`"customersCount" desc, "nameKey"`,
    limit,
  });

export const findTagSummary = async (db: Db, id: string): Promise<TagSummary | undefined> => {
  const labels = sql`select ${columns} from tags t where t.store_id = ${db.storeId} and t.id = ${id}`;
  return (await withUsage<NewTag>(db, LINK, { labels, orderBy: sql`id`, limit: 1 }))[0];
};

const findByKey = prepared<{ nameKey: string }>()('find_tag_by_key', (queries, p) =>
  queries
    .select()
    .from(tags)
    .where(and(eq(tags.storeId, p.storeId), eq(tags.nameKey, p.nameKey))),
);

export const findTagByKey = async (db: Db, nameKey: string): Promise<TagRow | undefined> =>
  (await findByKey(db, { nameKey }))[0];

const selectTag = (name: string, strength: 'update' | 'key share') =>
  prepared<{ id: string }>()(name, (queries, p) =>
    queries
      .select()
      .from(tags)
      .where(and(eq(tags.storeId, p.storeId), eq(tags.id, p.id)))
      .for(strength),
  );

const selectForUpdate = selectTag('lock_tag', 'update');
const selectForShare = selectTag('hold_tag', 'key share');

/** Locks the tag itself: waits for whoever gives it to a customer right now, and lets nobody give it. */
export const lockTag = async (tx: Tx, id: string): Promise<TagRow | undefined> =>
  (await selectForUpdate(tx, { id }))[0];

/** Holds the tag so that it stays while it is given to customers. */
export const holdTag = async (tx: Tx, id: string): Promise<TagRow | undefined> =>
  (await selectForShare(tx, { id }))[0];

const holdByKeys = (tx: Tx, keys: readonly string[]): Promise<TagRow[]> =>
  tx.use(({ queries }) =>
    queries
      .select()
      .from(tags)
      .where(and(eq(tags.storeId, tx.storeId), inArray(tags.nameKey, [...keys])))
      .for('key share'),
  );

export const insertTag = (tx: Tx, tag: NewTag): Promise<unknown> =>
  tx.use(({ queries }) => queries.insert(tags).values({ ...tag, storeId: tx.storeId }));

/** In the order of keys, so that two transactions with the same new tags do not wait for each other crosswise. */
const insertMissing = (tx: Tx, wanted: readonly NewTag[]): Promise<unknown> =>
  tx.use(({ queries }) =>
    queries
      .insert(tags)
      .values(
        [...wanted]
          .sort((one, other) => (one.nameKey < other.nameKey ? -1 : 1))
          .map((tag) => ({ ...tag, storeId: tx.storeId })),
      )
      .onConflictDoNothing(),
  );

/**
 * Adds the tags that the store lacks and answers all of them: the first spelling wins (T2). They are held, so that
 * none is deleted before this transaction has given them; one that vanishes in between is added again.
 */
export async function ensureTags(tx: Tx, wanted: readonly NewTag[]): Promise<TagRow[]> {
  if (wanted.length === 0) return [];
  for (;;) {
    const held = await holdByKeys(
      tx,
      wanted.map((tag) => tag.nameKey),
    );
    const keys = new Set(held.map((tag) => tag.nameKey));
    const missing = wanted.filter((tag) => !keys.has(tag.nameKey));
    if (missing.length === 0) return held;
    await insertMissing(tx, missing);
  }
}

export const updateTag = (tx: Tx, id: string, change: Pick<TagRow, 'name' | 'nameKey'>): Promise<unknown> =>
  tx.use(({ queries }) =>
    queries
      .update(tags)
      .set(change)
      .where(and(eq(tags.storeId, tx.storeId), eq(tags.id, id))),
  );

export const deleteTag = (tx: Tx, id: string): Promise<unknown> =>
  tx.use(({ queries }) => queries.delete(tags).where(and(eq(tags.storeId, tx.storeId), eq(tags.id, id))));

export interface CustomerTag {
  id: string;
  name: string;
  nameKey: string;
  source: string;
  assignedAt: Date;
}

/** The tags of one customer, by name. */
export const listTagsOf = (db: Db, customerId: string): Promise<CustomerTag[]> =>
  db.use(({ queries }) =>
    queries
      .select({
        id: tags.id,
        name: tags.name,
        nameKey: tags.nameKey,
        source: customerTags.source,
        assignedAt: customerTags.createdAt,
      })
      .from(customerTags)
      .innerJoin(tags, and(eq(tags.storeId, customerTags.storeId), eq(tags.id, customerTags.tagId)))
      .where(
        and(
          eq(customerTags.storeId, db.storeId),
          eq(tags.storeId, db.storeId),
          eq(customerTags.customerId, customerId),
        ),
      )
      .orderBy(tags.nameKey),
  );

/** Assigns tags; those that the customer carries already stay as they are. */
export const insertCustomerTags = statement<
  { customerId: string; tagIds: string[]; source: string; now: Date },
  never
>(
  'insert_customer_tags',
  (p) => sql`
    insert into customer_tags (store_id, customer_id, tag_id, source, created_at)
    select ${p.storeId}, ${p.customerId}, tag_id, ${p.source}, ${p.now} from unnest(${p.tagIds}::uuid[]) tag_id
    on conflict do nothing`,
);

export const deleteCustomerTags = statement<{ customerId: string; tagIds: string[] }, never>(
  'delete_customer_tags',
  (p) => sql`
    delete from customer_tags
    where store_id = ${p.storeId} and customer_id = ${p.customerId} and tag_id = any(${p.tagIds}::uuid[])`,
);

/** Takes a tag from many customers. */
export const untagCustomers = statement<{ tagId: string; customerIds: string[] }, never>(
  'untag_customers',
  (p) => sql`
    delete from customer_tags
    where store_id = ${p.storeId} and tag_id = ${p.tagId} and customer_id = any(${p.customerIds}::uuid[])`,
);

/** Gives those of the customers who carry one tag another, with the source and time of the first (T5). */
export const copyTag = statement<{ tagId: string; intoId: string; customerIds: string[] }, never>(
  'copy_tag',
  (p) => sql`
    insert into customer_tags (store_id, customer_id, tag_id, source, created_at)
    select ct.store_id, ct.customer_id, ${p.intoId}, ct.source, ct.created_at from customer_tags ct
    where ct.store_id = ${p.storeId} and ct.tag_id = ${p.tagId} and ct.customer_id = any(${p.customerIds}::uuid[])
    on conflict do nothing`,
);

/** The tags with these ids or these keys. */
export const listTagsAmong: (
  db: Db,
  params: { ids: string[]; nameKeys: string[] },
) => Promise<{ id: string; name: string }[]> = statement(
  'list_tags_among',
  (p) => sql`
    select id, name from tags
    where store_id = ${p.storeId} and (id = any(${p.ids}::uuid[]) or name_key = any(${p.nameKeys}::text[]))`,
);
