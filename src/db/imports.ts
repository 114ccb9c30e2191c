// Imports: the uploaded bytes, the rows that were not taken, and what the rows of a slice may meet.
import { and, asc, eq, gt, sql } from 'drizzle-orm';
import { IMPORTED_FIELDS } from '../domain/imports/plan.ts';
import { type Db, prepared, statement, type Tx } from './connection.ts';
import type { CustomerRow } from './customers.ts';
import { insertRows, updateRows } from './record-sets.ts';
import { customers } from './tables/customers.ts';
import { importProblems, uploadChunks } from './tables/jobs.ts';
import { notes } from './tables/notes.ts';

/** Keeps one piece of a file; the job is alive as long as they come. */
export const insertChunk = statement<{ jobId: string; sequence: number; content: Buffer; now: Date }, never>(
  'insert_upload_chunk',
  (p) => sql`
    with alive as (update jobs set alive_at = ${p.now} where store_id = ${p.storeId} and id = ${p.jobId})
    insert into upload_chunks (store_id, job_id, sequence, content)
    values (${p.storeId}, ${p.jobId}, ${p.sequence}, ${p.content})`,
);

const deleteReceiving = statement<{ before: Date }, never>(
  'delete_abandoned_uploads',
  (p) => sql`
    delete from jobs where store_id = ${p.storeId} and status = 'receiving' and alive_at < ${p.before}`,
);

/** Far longer than the service waits for the next piece of a file. */
const ABANDONED_MS = 3_600_000;

/** Removes files whose upload ended with the process that took it in: the client has to send them again. */
export async function deleteAbandonedUploads(db: Db, now: Date): Promise<void> {
  await deleteReceiving(db, { before: new Date(now.getTime() - ABANDONED_MS) });
}

const selectChunk = prepared<{ jobId: string; sequence: number }>()('find_upload_chunk', (queries, p) =>
  queries
    .select({ content: uploadChunks.content })
    .from(uploadChunks)
    .where(
      and(
        eq(uploadChunks.storeId, p.storeId),
        eq(uploadChunks.jobId, p.jobId),
        eq(uploadChunks.sequence, p.sequence),
      ),
    ),
);

/** The bytes of an uploaded file, one piece in memory at a time. */
export async function* readUpload(db: Db, jobId: string): AsyncGenerator<Uint8Array> {
  for (let sequence = 0; ; sequence++) {
    const [chunk] = await selectChunk(db, { jobId, sequence });
    if (!chunk) return;
    yield chunk.content;
  }
}

/** Forgets the file of a job; its rows are imported or reported. */
export const deleteUpload = statement<{ jobId: string }, never>(
  'delete_upload',
  (p) => sql`delete from upload_chunks where store_id = ${p.storeId} and job_id = ${p.jobId}`,
);

export type ImportProblem = typeof importProblems.$inferSelect;
export type NewProblem = Omit<ImportProblem, 'storeId'>;

/** Keeps what was wrong with rows. A slice that is run again writes the same ones, so a second copy is dropped. */
export const insertProblems = insertRows<NewProblem>('insert_import_problems', importProblems, {
  quiet: true,
});

/** Problems of an import in the order of its lines. */
export const listProblems = (
  db: Db,
  jobId: string,
  { after, limit }: { after?: readonly [line: number, sequence: number] | undefined; limit: number },
): Promise<ImportProblem[]> =>
  db.use(({ queries }) =>
    queries
      .select()
      .from(importProblems)
      .where(
        and(
          eq(importProblems.storeId, db.storeId),
          eq(importProblems.jobId, jobId),
          after
            ? sql`(${importProblems.line}, ${importProblems.sequence}) > (${after[0]}, ${after[1]})`
            : gt(importProblems.line, -1),
        ),
      )
      .orderBy(asc(importProblems.line), asc(importProblems.sequence))
      .limit(limit),
  );

const lockMatches = prepared<{ ids: string[]; externalIds: string[]; emails: string[] }>()(
  'lock_import_matches',
  (queries, p) =>
    queries
      .select()
      .from(customers)
      .where(
        and(
          eq(customers.storeId, p.storeId),
          // Three looks into three indexes; an OR over the columns would read the whole store.
          sql`${customers.id} in (
            select c.id from customers c where c.store_id = ${p.storeId} and c.id = any(${p.ids}::uuid[])
            union select c.id from customers c where c.store_id = ${p.storeId}
              and c.external_id = any(${p.externalIds}::text[])
              and c.external_id is not null and c.account_status not in ('merged', 'erased')
            union select c.id from customers c where c.store_id = ${p.storeId}
              and c.email_norm = any(${p.emails}::text[])
              and c.email_norm is not null and c.account_status not in ('merged', 'erased'))`,
        ),
      )
      .orderBy(customers.id)
      .for('update'),
);

/** Locked rows that any of the keys names, merged and erased ones by id only. */
export const lockKnownCustomers = (
  tx: Tx,
  keys: { ids: string[]; externalIds: string[]; emails: string[] },
): Promise<CustomerRow[]> => lockMatches(tx, keys);

/** Adds customers whose keys nobody has. */
export const insertImportedCustomers = insertRows<Omit<CustomerRow, 'storeId'>>(
  'import_customers',
  customers,
);

const CHANGED = [
  ...IMPORTED_FIELDS,
  'custom',
  'emailKey',
  'nameKey',
  'phoneCountry',
  'sortName',
  'sortCompany',
  'searchText',
  'version',
  'updatedAt',
] as const;

/** Writes what an import may change of customers that are there already. */
export const updateImportedCustomers = updateRows<CustomerRow>(
  'update_imported_customers',
  customers,
  CHANGED,
);

export const insertNotes = insertRows<Omit<typeof notes.$inferSelect, 'storeId'>>('import_notes', notes);

/** Key and name words of what customers carry: for tags and groups alike. */
export interface Carried {
  customerId: string;
  key: string;
}

export const listCarriedTags = statement<{ customerIds: string[] }, Carried>(
  'list_imported_tags',
  (p) => sql`
    select ct.customer_id as "customerId", t.name_key as key
    from customer_tags ct join tags t on t.store_id = ct.store_id and t.id = ct.tag_id
    where ct.store_id = ${p.storeId} and t.store_id = ${p.storeId} and ct.customer_id = any(${p.customerIds}::uuid[])`,
);

export const listJoinedGroups = statement<{ customerIds: string[] }, Carried>(
  'list_joined_groups',
  (p) => sql`
    select gm.customer_id as "customerId", g.name_key as key
    from group_members gm join groups g on g.store_id = gm.store_id and g.id = gm.group_id
    where gm.store_id = ${p.storeId} and g.store_id = ${p.storeId} and gm.customer_id = any(${p.customerIds}::uuid[])`,
);

export const listContentKeys = statement<{ customerIds: string[] }, Carried>(
  'list_content_keys',
  (p) => sql`
    select a.customer_id as "customerId", a.content_key as key from addresses a
    where a.store_id = ${p.storeId} and a.customer_id = any(${p.customerIds}::uuid[])`,
);

export const listNoteBodies = statement<{ customerIds: string[] }, Carried>(
  'list_note_bodies',
  (p) => sql`
    select n.customer_id as "customerId", n.body as key from notes n
    where n.store_id = ${p.storeId} and n.customer_id = any(${p.customerIds}::uuid[])`,
);

/** Pairs of customers and tags (or groups), assigned in one statement. */
export const insertTagLinks = statement<
  { customerIds: string[]; tagIds: string[]; source: string; now: Date },
  never
>(
  'import_tag_links',
  (p) => sql`
    insert into customer_tags (store_id, customer_id, tag_id, source, created_at)
    select ${p.storeId}, l.customer_id, l.tag_id, ${p.source}, ${p.now}
    from unnest(${p.customerIds}::uuid[], ${p.tagIds}::uuid[]) l (customer_id, tag_id)
    on conflict do nothing`,
);

export const insertGroupLinks = statement<
  { customerIds: string[]; groupIds: string[]; source: string; now: Date },
  never
>(
  'import_group_links',
  (p) => sql`
    insert into group_members (store_id, customer_id, group_id, source, created_at)
    select ${p.storeId}, l.customer_id, l.group_id, ${p.source}, ${p.now}
    from unnest(${p.customerIds}::uuid[], ${p.groupIds}::uuid[]) l (customer_id, group_id)
    on conflict do nothing`,
);
