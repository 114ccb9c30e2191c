// Tags of the store and who carries them.
import { and, eq, inArray, sql } from 'drizzle-orm';
import { type Db, statement, type Tx } from './connection.ts';
import { customerTags } from './tables/customer-tags.ts';
import { tags } from './tables/tags.ts';

export type TagRow = typeof tags.$inferSelect;
export type NewTag = Pick<TagRow, 'id' | 'name' | 'nameKey' | 'createdAt'>;

/** Adds the tags that the store lacks and answers all of them: the first spelling wins (T2). */
export async function ensureTags(tx: Tx, wanted: readonly NewTag[]): Promise<TagRow[]> {
  if (wanted.length === 0) return [];
  return tx.use(async ({ queries }) => {
    await queries
      .insert(tags)
      .values(wanted.map((tag) => ({ ...tag, storeId: tx.storeId })))
      .onConflictDoNothing();
    const keys = wanted.map((tag) => tag.nameKey);
    return queries
      .select()
      .from(tags)
      .where(and(eq(tags.storeId, tx.storeId), inArray(tags.nameKey, keys)));
  });
}

/** The tags of one customer, by name. */
export const listTagsOf = (db: Db, customerId: string): Promise<{ id: string; name: string; nameKey: string }[]> =>
  db.use(({ queries }) =>
    queries
      .select({ id: tags.id, name: tags.name, nameKey: tags.nameKey })
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
