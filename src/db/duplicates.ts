// Duplicates (C11): customers who share a key, found by the index of each key.
import { type SQL, sql } from 'drizzle-orm';
import type { DuplicateReason } from '../domain/duplicates.ts';
import { type Db, execute, statement } from './connection.ts';

/** Customers of one key and reason that a suggestion looks at: more than these share it by accident. */
const MAX_CANDIDATES = 200;

export interface Candidate {
  id: string;
  emailNorm: string | null;
  phone: string | null;
  firstName: string | null;
  lastName: string | null;
  postcodes: string[];
}

const present = sql`account_status not in ('merged', 'erased')`;

const candidateColumns = (storeId: unknown) => sql`
    c.id, c.email_norm as "emailNorm", c.phone, c.first_name as "firstName", c.last_name as "lastName",
    array(select a.postcode from addresses a
      where a.store_id = ${storeId} and a.customer_id = c.id and a.postcode is not null) as postcodes`;

/** What speaks for and against two of these customers being one. */
export const listCandidates = statement<{ ids: readonly string[] }, Candidate>(
  'list_candidates',
  (p) => sql`
    select ${candidateColumns(p.storeId)} from customers c
    where c.store_id = ${p.storeId} and c.id = any(${p.ids}::uuid[])`,
);

const sharing = (storeId: unknown, column: 'email_key' | 'phone' | 'name_key') => sql`
      select c.id from me cross join lateral (
        select id from customers where store_id = ${storeId} and ${sql.raw(column)} = me.${sql.raw(column)} and ${present}
        limit ${sql.raw(String(MAX_CANDIDATES))}) c`;

/** The customer itself and others who share its email key, phone or name. */
export const findCandidates = statement<{ id: string }, Candidate>(
  'find_candidates',
  (p) => sql`
    with me as materialized (
      select id, email_key, phone, name_key from customers where store_id = ${p.storeId} and id = ${p.id}),
    found as (
      select id from me
      union ${sharing(p.storeId, 'email_key')}
      union ${sharing(p.storeId, 'phone')}
      union ${sharing(p.storeId, 'name_key')})
    select ${candidateColumns(p.storeId)}
    from found join customers c on c.store_id = ${p.storeId} and c.id = found.id`,
);

/** The key that the groups of a reason share: one or two columns of the index that the walk follows. */
const KEYS: Readonly<Record<DuplicateReason, readonly string[]>> = {
  same_email: ['email_key'],
  same_phone: ['phone'],
  same_name_postcode: ['name_key', 'default_postcode'],
};

/** Customers whose keys one call looks at: a window of the index, some tens of milliseconds. */
const WINDOW = 20_000;
const SHOWN_IDS = 10;

export interface KeyGroup {
  key: string[];
  customersCount: number;
  /** The oldest of them. */
  ids: string[];
}

/** Groups in the order of their keys. `scannedTo` is the last key that was looked at; null at the end of the index. */
export interface KeyWalk {
  groups: KeyGroup[];
  scannedTo: string[] | null;
}

interface Walked {
  groups: KeyGroup[];
  /** The window is used up; `edge` is its last key, which may go on behind it, `before` the one before that. */
  isFull: boolean;
  edge: string[] | null;
  before: string[] | null;
}

/**
 * Walks a window of the reason's index behind the key `after` and answers the keys that two or more customers share,
 * at most `limit`. Looking for the next group without a window could read a million keys that nobody shares.
 */
export async function walkKeys(
  db: Db,
  reason: DuplicateReason,
  after: readonly string[] | undefined,
  limit: number,
  window: number = WINDOW,
): Promise<KeyWalk> {
  const columns = KEYS[reason];
  const list = sql.raw(columns.join(', '));
  const shown = sql.raw(String(SHOWN_IDS));
  const [walked] = await execute<Walked>(
    db,
    sql`
      with walked as materialized (
        select ${list}, id from customers
        where store_id = ${db.storeId} and ${present} and ${notNull(columns)} ${behind(columns, after)}
        order by ${list}, id limit ${window}),
      keys as materialized (
        select array[${list}] as key, count(*)::integer as count, (array_agg(id order by id))[1:${shown}] as ids
        from walked group by ${list}),
      edges as (
        select (select count(*) from walked) = ${window} as is_full, max(key) as edge,
          (select max(key) from keys where key < (select max(key) from keys)) as before
        from keys),
      shared as (
        select keys.key, keys.count, keys.ids from keys, edges
        where keys.count > 1 and (not is_full or before is null or keys.key < edge)
        order by keys.key limit ${limit + 1})
      select is_full as "isFull", edge, before,
        coalesce((select json_agg(json_build_object('key', key, 'customersCount', count, 'ids', ids) order by key)
          from shared), '[]') as groups
      from edges`,
  );
  return walked ? walkOf(walked, limit) : { groups: [], scannedTo: null };
}

/** A key that fills the window alone is shown with what is in it, and passed. */
function walkOf({ groups, isFull, edge, before }: Walked, limit: number): KeyWalk {
  const shown = groups.slice(0, limit);
  if (groups.length > limit) return { groups: shown, scannedTo: shown.at(-1)?.key ?? null };
  return { groups: shown, scannedTo: isFull ? (before ?? edge) : null };
}

const notNull = (columns: readonly string[]): SQL =>
  sql.raw(columns.map((column) => `${column} is not null`).join(' and '));

function behind(columns: readonly string[], after: readonly string[] | undefined): SQL {
  if (after === undefined) return sql``;
  const values = sql.join(
    after.map((value) => sql`${value}`),
    sql`, `,
  );
  return sql`and (${sql.raw(columns.join(', '))}) > (${values})`;
}
