// Addresses that get no mail, found by their HMAC.
import { type SQL, sql } from 'drizzle-orm';
import type { SuppressionReason } from '../domain/mail/consents.ts';
import type { PageStart } from '../domain/pages.ts';
import { type Db, execute, statement, type Tx } from './connection.ts';
import type { suppressions } from './tables/messages.ts';

export type SuppressionRow = Omit<typeof suppressions.$inferSelect, 'storeId'>;

const COLUMNS =
  sql.raw(`s.address_hash as "addressHash", s.email, s.reason, s.bounces, s.counted_since as "countedSince",
  s.until, s.active, s.message_id as "messageId", s.note, s.actor, s.created_at as "createdAt", s.updated_at as "updatedAt"`);

const inForce = (at: unknown): SQL => sql`s.active and (s.until is null or s.until > ${at})`;

/** Rows as they travel in JSON. */
const jsonOf = (rows: readonly SuppressionRow[]): string =>
  JSON.stringify(
    rows.map(({ addressHash, ...row }) => ({ ...row, addressHash: addressHash.toString('hex') })),
  );

const insertMissing = statement<{ rows: string }, never>(
  'insert_missing_suppressions',
  (p) => sql`
    insert into suppressions (store_id, address_hash, email, reason, bounces, counted_since, until, active, message_id, note,
      actor, created_at, updated_at)
    select ${p.storeId}, decode(r."addressHash", 'hex'), r.email, r.reason, r.bounces, r."countedSince", r.until, r.active,
      r."messageId", r.note, r.actor, r."createdAt", r."updatedAt"
    from json_to_recordset(${p.rows}::json) as r ("addressHash" text, email text, reason text, bounces integer,
      "countedSince" timestamptz, until timestamptz, active boolean, "messageId" uuid, note text, actor text,
      "createdAt" timestamptz, "updatedAt" timestamptz)
    order by r."addressHash" on conflict do nothing`,
);

const lock = statement<{ hashes: Buffer[] }, SuppressionRow>(
  'lock_suppressions',
  (p) => sql`
    select ${COLUMNS} from suppressions s
    where s.store_id = ${p.storeId} and s.address_hash = any (${p.hashes}::bytea[])
    order by s.address_hash for update`,
);

/** Locks the rows of addresses, each in its turn; those that are missing are written first, as given. */
export async function lockSuppressions(tx: Tx, rows: readonly SuppressionRow[]): Promise<SuppressionRow[]> {
  await insertMissing(tx, { rows: jsonOf(rows) });
  return lock(tx, { hashes: rows.map(({ addressHash }) => addressHash) });
}

/** The row of one address, to be lifted. */
export const lockSuppression = async (tx: Tx, addressHash: Buffer): Promise<SuppressionRow | undefined> =>
  (await lock(tx, { hashes: [addressHash] }))[0];

const update = statement<{ rows: string }, never>(
  'update_suppressions',
  (p) => sql`
    update suppressions s set email = r.email, reason = r.reason, bounces = r.bounces, counted_since = r."countedSince",
      until = r.until, active = r.active, message_id = r."messageId", note = r.note, actor = r.actor,
      created_at = r."createdAt", updated_at = r."updatedAt"
    from json_to_recordset(${p.rows}::json) as r ("addressHash" text, email text, reason text, bounces integer,
      "countedSince" timestamptz, until timestamptz, active boolean, "messageId" uuid, note text, actor text,
      "createdAt" timestamptz, "updatedAt" timestamptz)
    where s.store_id = ${p.storeId} and s.address_hash = decode(r."addressHash", 'hex')`,
);

/** Writes rows that are locked. */
export const updateSuppressions = async (tx: Tx, rows: readonly SuppressionRow[]): Promise<void> => {
  if (rows.length > 0) await update(tx, { rows: jsonOf(rows) });
};

const find = statement<{ addressHash: Buffer; now: Date }, SuppressionRow>(
  'find_suppression',
  (p) => sql`
    select ${COLUMNS} from suppressions s
    where s.store_id = ${p.storeId} and s.address_hash = ${p.addressHash} and ${inForce(p.now)}`,
);

/** What keeps mail from an address now. */
export const findSuppression = async (
  db: Db,
  addressHash: Buffer,
  now: Date,
): Promise<SuppressionRow | undefined> => (await find(db, { addressHash, now }))[0];

export interface SuppressionFilter {
  now: Date;
  reason?: SuppressionReason | undefined;
  addressHash?: Buffer | undefined;
}

/** Place of an entry in the list: when it came on it, and its hash in hex. */
export type SuppressionKey = [createdAt: string, id: string];

/** What is in force, newest first. */
export function listSuppressions(
  db: Db,
  { now, reason, addressHash }: SuppressionFilter,
  { after, limit }: PageStart<SuppressionKey>,
): Promise<SuppressionRow[]> {
  const seek = after
    ? sql`and (s.created_at, s.address_hash) < (${after[0]}, ${Buffer.from(after[1], 'hex')})`
    : sql``;
  const ofReason = reason ? sql`and s.reason = ${reason}` : sql``;
  const ofAddress = addressHash ? sql`and s.address_hash = ${addressHash}` : sql``;
  return execute(
    db,
    sql`
      select ${COLUMNS} from suppressions s
      where s.store_id = ${db.storeId} and ${inForce(now)} ${ofReason} ${ofAddress} ${seek}
      order by s.created_at desc, s.address_hash desc limit ${limit}`,
  );
}
