// Members by their birthdays, and when they were last looked for (P8).
import { sql } from 'drizzle-orm';
import { type Db, statement } from './connection.ts';

/** Months and days, pair by pair. */
export interface BirthdayQuestion {
  months: readonly number[];
  days: readonly number[];
  after: string | null;
  limit: number;
}

/** Ids of active members with one of these birthdays, behind an id. */
export const listBirthdayMembers = statement<BirthdayQuestion, { id: string }>(
  'list_birthday_members',
  (p) => sql`
    select c.id from customers c
    join loyalty_members m on m.store_id = ${p.storeId} and m.customer_id = c.id and m.status = 'active'
    where c.store_id = ${p.storeId} and c.account_status not in ('merged', 'erased') and c.account_status <> 'disabled'
      and (c.birthday_month, c.birthday_day) in (
        select k.month, k.day from unnest(${p.months}::smallint[], ${p.days}::smallint[]) k (month, day))
      and c.id > coalesce(${p.after}::uuid, '00000000-0000-0000-0000-000000000000')
    order by c.id limit ${p.limit}`,
);

const lastRun = statement<{ otherThan: string }, { at: Date | null }>(
  'find_last_birthday_run',
  (p) => sql`
    select max(j.created_at) as at from jobs j
    where j.store_id = ${p.storeId} and j.kind = 'birthday-rewards' and j.status = 'completed'
      and j.id <> ${p.otherThan}::uuid`,
);

/** When the last run that came to its end was started. */
export const findLastBirthdayRun = async (db: Db, otherThan: string): Promise<Date | null> =>
  (await lastRun(db, { otherThan }))[0]?.at ?? null;
