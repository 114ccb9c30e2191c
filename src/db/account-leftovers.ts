// What log-ins, registrations and links leave behind, once nobody needs it.
import { sql } from 'drizzle-orm';
import { COUNTED_MS } from '../domain/accounts/throttles.ts';
import { daysBefore } from '../domain/days.ts';
import { type Db, statement } from './connection.ts';
import { deleteExpiredLogins } from './identity-providers.ts';

/** A link that came too late says so for as long; ended sessions are kept as long, for questions. */
const KEPT_DAYS = 30;
/** Mails to addresses that turned out to have no account. */
const STRANGERS_DAYS = 7;

const deleteTokens = statement<{ before: Date }, never>(
  'delete_expired_account_tokens',
  (p) => sql`delete from account_tokens where store_id = ${p.storeId} and expires_at < ${p.before}`,
);

const deleteSessions = statement<{ before: Date }, never>(
  'delete_expired_sessions',
  (p) => sql`delete from sessions where store_id = ${p.storeId} and expires_at < ${p.before}`,
);

const deleteRegistrations = statement<{ before: Date }, never>(
  'delete_expired_registrations',
  (p) => sql`delete from registrations where store_id = ${p.storeId} and expires_at < ${p.before}`,
);

const deleteThrottles = statement<{ before: Date; now: Date }, never>(
  'delete_old_throttles',
  (p) => sql`
    delete from login_throttles
    where store_id = ${p.storeId} and since < ${p.before} and (blocked_until is null or blocked_until < ${p.now})`,
);

const deleteMailsOfStrangers = statement<{ before: Date }, never>(
  'delete_mails_of_strangers',
  (p) => sql`
    delete from messages
    where store_id = ${p.storeId} and customer_id is null and created_at < ${p.before}
      and kind in ('password_reset', 'email_verification', 'account_exists')
      and status not in ('pending', 'ready', 'sending', 'deferred')`,
);

/** Removes what is over; what one worker deleted, the others do not find. */
export async function deleteAccountLeftovers(db: Db, now: Date): Promise<void> {
  await deleteTokens(db, { before: daysBefore(now, KEPT_DAYS) });
  await deleteSessions(db, { before: daysBefore(now, KEPT_DAYS) });
  await deleteRegistrations(db, { before: now });
  await deleteExpiredLogins(db, { now });
  await deleteThrottles(db, { before: new Date(now.getTime() - COUNTED_MS), now });
  await deleteMailsOfStrangers(db, { before: daysBefore(now, STRANGERS_DAYS) });
}
