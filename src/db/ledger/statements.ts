// What happened in an account between two numbers of its chain, movement by movement and lot by lot (K9).
import { type Placeholder, type SQL, sql } from 'drizzle-orm';
import { type Db, statement } from '../connection.ts';
import { TRANSFER_COLUMNS, type TransferView, transferSource } from './transfers.ts';

/** What one movement did to one lot: above 0 it came in, below 0 it was taken; without a lot it is an overdraft. */
export interface LotMovement {
  lotId: string | null;
  amount: number;
}

/**
 * Every change of every lot and overdraft of an account `seq, transfer_id, lot_id, amount`: Σ over a number of the chain is
 * what its transfer moved, Σ up to a number the balance after it (L2).
 */
const lotMovements = (storeId: Placeholder, accountId: SQL | Placeholder): SQL => sql`
  select t.seq, l.transfer_id, l.id as lot_id, l.amount
  from lots l join transfers t on t.store_id = ${storeId} and t.id = l.transfer_id
  where l.store_id = ${storeId} and l.account_id = ${accountId}
  union all
  select al.seq, al.transfer_id, al.lot_id, -al.amount
  from allocations al where al.store_id = ${storeId} and al.account_id = ${accountId}
  union all
  select t.seq, o.transfer_id, null, -o.amount
  from overdrafts o join transfers t on t.store_id = ${storeId} and t.id = o.transfer_id
  where o.store_id = ${storeId} and o.account_id = ${accountId}
  union all
  select al.seq, al.transfer_id, null, al.amount
  from allocations al join transfers t on t.store_id = ${storeId} and t.id = al.transfer_id
  where al.store_id = ${storeId} and al.account_id = ${accountId} and al.seq > t.seq`;

const ofTransfer = statement<{ id: string; accountId: string }, LotMovement>(
  'list_lot_movements_of_transfer',
  (p) => sql`
    select m.lot_id as "lotId", sum(m.amount)::bigint as amount from (${lotMovements(p.storeId, p.accountId)}) m
    where m.transfer_id = ${p.id} group by m.lot_id having sum(m.amount) <> 0 order by m.lot_id`,
);

/** What a transfer did to lots as it is known today: an overdraft that later lots covered is taken from them. */
export const listLotMovementsOf = (
  db: Db,
  { id, accountId }: Pick<TransferView, 'id' | 'accountId'>,
): Promise<LotMovement[]> => ofTransfer(db, { id, accountId });

/** The place in the chain before an instant. */
export interface ChainPlace {
  seq: number;
  balance: number;
}

const lastBefore = statement<{ accountId: string; before: Date }, ChainPlace>(
  'find_last_transfer_before',
  (p) => sql`
    select t.seq, t.balance_after as balance from transfers t
    where t.store_id = ${p.storeId} and t.account_id = ${p.accountId} and t.recorded_at < ${p.before}
    order by t.seq desc limit 1`,
);

/** Where the chain stood right before the instant. */
export const findPlaceBefore = async (db: Db, accountId: string, before: Date): Promise<ChainPlace> =>
  (await lastBefore(db, { accountId, before }))[0] ?? { seq: 0, balance: 0 };

/** Numbers of a chain behind `after`, up to and with `until`. */
export interface ChainRange {
  accountId: string;
  after: number;
  until: number;
}

const inRange = statement<ChainRange & { limit: number }, TransferView>(
  'list_transfers_in_range',
  (p) => sql`
    select ${TRANSFER_COLUMNS} from ${transferSource(p.storeId)}
    where t.store_id = ${p.storeId} and t.account_id = ${p.accountId} and t.seq > ${p.after} and t.seq <= ${p.until}
    order by t.seq limit ${p.limit}`,
);

const movementsInRange = statement<ChainRange, LotMovement & { seq: number }>(
  'list_lot_movements_in_range',
  (p) => sql`
    select m.seq, m.lot_id as "lotId", m.amount from (${lotMovements(p.storeId, p.accountId)}) m
    where m.seq > ${p.after} and m.seq <= ${p.until} order by m.seq, m.lot_id`,
);

/** A transfer with what it did to lots then. */
export interface Movement {
  transfer: TransferView;
  lots: LotMovement[];
}

/** The first `limit` movements of the range. */
export async function listMovements(db: Db, range: ChainRange, limit: number): Promise<Movement[]> {
  const transfers = await inRange(db, { ...range, limit });
  const last = transfers.at(-1);
  if (!last) return [];
  const bySeq = new Map(transfers.map((transfer) => [transfer.seq, { transfer, lots: [] as LotMovement[] }]));
  for (const { seq, ...movement } of await movementsInRange(db, { ...range, until: last.seq })) {
    bySeq.get(seq)?.lots.push(movement);
  }
  return [...bySeq.values()];
}

/** A lot over a period; without an id it is what was taken beyond all lots. */
export interface LotPeriod {
  lotId: string | null;
  source: string | null;
  activeFrom: Date | null;
  expiresAt: Date | null;
  opening: number;
  added: number;
  taken: number;
  closing: number;
}

const lotPeriods = statement<ChainRange, LotPeriod>(
  'list_lot_periods',
  (p) => sql`
    select s.lot_id as "lotId", l.source, l.active_from as "activeFrom", l.expires_at as "expiresAt", s.opening, s.added,
      s.taken, s.opening + s.added - s.taken as closing
    from (
      select m.lot_id, coalesce(sum(m.amount) filter (where m.seq <= ${p.after}), 0)::bigint as opening,
        coalesce(sum(m.amount) filter (where m.seq > ${p.after} and m.amount > 0), 0)::bigint as added,
        coalesce(-sum(m.amount) filter (where m.seq > ${p.after} and m.amount < 0), 0)::bigint as taken
      from (${lotMovements(p.storeId, p.accountId)}) m where m.seq <= ${p.until} group by m.lot_id
    ) s
    left join lots l on l.store_id = ${p.storeId} and l.account_id = ${p.accountId} and l.id = s.lot_id
    where s.opening <> 0 or s.added <> 0 or s.taken <> 0
    order by l.expires_at nulls last, s.lot_id`,
);

/** Lots that had something at the beginning or moved, soonest expiry first. */
export const listLotPeriods = (db: Db, range: ChainRange): Promise<LotPeriod[]> => lotPeriods(db, range);
