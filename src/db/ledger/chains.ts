// Chains as verification and export read them: account by account and number by number, in batches of one snapshot each.
import { sql } from 'drizzle-orm';
import {
  type ChainEnd,
  type ChainLink,
  CONTENT_FIELDS,
  CONTENT_VERSION,
  type ContentField,
} from '../../domain/ledger/chain.ts';
import { type Connection, type Db, statement, transaction } from '../connection.ts';

/** A part of an account's chain, with the account as it was in the same snapshot. */
export interface ChainPart {
  account: ChainEnd;
  links: ChainLink[];
  /** Whether the chain ends here. */
  isLast: boolean;
}

/** Some ten milliseconds of hashing: between batches others have their turn. */
const BATCH = 2_000;

/** Where to go on: behind this transfer; of a chain that was cut the account comes once more. */
interface Position {
  accountId: string;
  seq: number;
  isCut: boolean;
}

const START: Position = { accountId: '00000000-0000-0000-0000-000000000000', seq: 0, isCut: true };

const ACCOUNTS = `
  select a.id, a.unit, a.seq, encode(a.hash, 'hex') as hash, a.balance from ledger_accounts a
  where a.store_id = $1 and a.id >= $2 and a.id <= $3 and (a.id > $2 or $4) order by a.id limit ${BATCH}`;

const SIGNED_AMOUNT = 'case when t.is_credit then t.amount else -t.amount end';

/** Each field of the content as text; whole milliseconds, because the columns hold no more. */
const CONTENT: Readonly<Record<ContentField, string>> = {
  version: `'${CONTENT_VERSION}'`,
  accountId: 't.account_id',
  seq: 't.seq',
  id: 't.id',
  unit: 't.unit',
  kind: 't.kind',
  counterAccount: 't.counter_account',
  signedAmount: SIGNED_AMOUNT,
  balanceAfter: 't.balance_after',
  effectiveAtMs: "(date_part('epoch', t.effective_at) * 1000)::bigint",
  recordedAtMs: "(date_part('epoch', t.recorded_at) * 1000)::bigint",
  correctsId: 't.corrects_id',
  holdId: 't.hold_id',
  orderId: 't.order_id',
  reference: 't.reference',
};

const OPTIONAL: ReadonlySet<ContentField> = new Set(['correctsId', 'holdId', 'orderId']);

const textOf = (field: ContentField): string =>
  OPTIONAL.has(field) ? `coalesce(${CONTENT[field]}::text, '')` : `(${CONTENT[field]})::text`;

/** `canonicalTransfer` by the database: six cells of a row cost half of sixteen. `concat` takes twice as long as `||`. */
const TRANSFERS = `
  select t.account_id, t.seq, ${SIGNED_AMOUNT}, t.balance_after,
    ${CONTENT_FIELDS.map(textOf).join(" || '|' || ")}, encode(t.hash, 'hex')
  from transfers t
  where t.store_id = $1 and (t.account_id, t.seq) > ($2, $3) and t.account_id <= $4
  order by t.account_id, t.seq limit ${BATCH}`;

const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** A row without names. */
type LinkCells = [
  accountId: string,
  seq: number,
  signedAmount: number,
  balanceAfter: number,
  content: string,
  hash: string,
];

const linkOf = ([accountId, seq, signedAmount, balanceAfter, content, hash]: LinkCells): ChainLink => ({
  accountId,
  seq,
  signedAmount,
  balanceAfter,
  content,
  hash,
});

interface Batch {
  accounts: ChainEnd[];
  rows: LinkCells[];
}

async function readBatch(
  { client }: Connection,
  storeId: string,
  { accountId, seq, isCut }: Position,
  lastId: string,
): Promise<Batch> {
  await client.query('set transaction isolation level repeatable read, read only');
  const { rows } = await client.query<LinkCells>({
    name: 'list_chained_transfers',
    text: TRANSFERS,
    values: [storeId, accountId, isCut ? seq : Number.MAX_SAFE_INTEGER, lastId],
    rowMode: 'array',
  });
  const { rows: accounts } = await client.query<ChainEnd>({
    name: 'list_chain_ends',
    text: ACCOUNTS,
    values: [storeId, accountId, cutOf(rows) ?? lastId, isCut],
  });
  return { accounts, rows };
}

/** The account that a full batch may have cut. */
const cutOf = (rows: readonly LinkCells[]): string | undefined =>
  rows.length < BATCH ? undefined : rows.at(-1)?.[0];

/** Accounts with their transfers; where too many accounts have none, transfers behind the last account wait. */
function partsOf({ accounts, rows }: Batch): ChainPart[] {
  const cutId = cutOf(rows);
  const parts = accounts.map((account): ChainPart => ({ account, links: [], isLast: account.id !== cutId }));
  const byId = new Map(parts.map((part) => [part.account.id, part]));
  for (const row of rows) byId.get(row[0])?.links.push(linkOf(row));
  return parts;
}

function positionBehind(parts: readonly ChainPart[], before: Position): Position | undefined {
  const last = parts.at(-1);
  if (!last) return undefined;
  const { account, links, isLast } = last;
  const isSame = account.id === before.accountId;
  return {
    accountId: account.id,
    seq: links.at(-1)?.seq ?? (isSame ? before.seq : 0),
    isCut: !isLast,
  };
}

/**
 * All chains of the store, or the one of an account, in order. Each batch is one snapshot, so that an account and the end
 * of its chain always belong together; the next one is read while this one is used.
 */
export async function* listChains(db: Db, accountId?: string): AsyncGenerator<ChainPart[]> {
  const read = (from: Position) =>
    transaction(db, (tx) =>
      tx.use((connection) => readBatch(connection, db.storeId, from, accountId ?? LAST_ID)),
    ).then(partsOf);
  let position: Position | undefined = accountId === undefined ? START : { ...START, accountId };
  let next: Promise<ChainPart[]> | undefined = read(position);
  while (next && position) {
    const parts: ChainPart[] = await next;
    position = positionBehind(parts, position);
    next = position && read(position);
    // Whoever stops early leaves this one behind: its failure is nobody's.
    next?.catch(() => undefined);
    yield parts;
  }
}

const findEnd = statement<{ id: string }, ChainEnd>(
  'find_chain_end',
  (p) => sql`
    select a.id, a.unit, a.seq, encode(a.hash, 'hex') as hash, a.balance from ledger_accounts a
    where a.store_id = ${p.storeId} and a.id = ${p.id}`,
);

/** An account's end of the chain; undefined when there is no such account. */
export const findChainEnd = async (db: Db, id: string): Promise<ChainEnd | undefined> =>
  (await findEnd(db, { id }))[0];
