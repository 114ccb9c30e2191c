// Passwords of customers, as PHC strings.
import { sql } from 'drizzle-orm';
import type { AccountStatus } from '../domain/account-states.ts';
import { type Db, statement, type Tx } from './connection.ts';

/** Who an address belongs to, and the password if there is one. */
export interface LoginRow {
  customerId: string;
  accountStatus: AccountStatus;
  passwordHash: string | null;
}

const byEmail = statement<{ emailNorm: string }, LoginRow>(
  'find_login',
  (p) => sql`
    select c.id as "customerId", c.account_status as "accountStatus", k.password_hash as "passwordHash"
    from customers c left join credentials k on k.store_id = ${p.storeId} and k.customer_id = c.id
    where c.store_id = ${p.storeId} and c.email_norm = ${p.emailNorm} and c.account_status not in ('merged', 'erased')`,
);

/** The customer of a normalised address. */
export const findLogin = async (db: Db, emailNorm: string): Promise<LoginRow | undefined> =>
  (await byEmail(db, { emailNorm }))[0];

const byCustomer = statement<{ customerId: string }, { passwordHash: string }>(
  'find_credential',
  (p) => sql`
    select password_hash as "passwordHash" from credentials
    where store_id = ${p.storeId} and customer_id = ${p.customerId}`,
);

/** The PHC string of the customer's password; undefined when there is none. */
export const findPasswordHash = async (db: Db, customerId: string): Promise<string | undefined> =>
  (await byCustomer(db, { customerId }))[0]?.passwordHash;

/** Sets the password; the customer's lock is held. */
export const savePassword = statement<{ customerId: string; passwordHash: string; now: Date }, never>(
  'save_password',
  (p) => sql`
    insert into credentials (store_id, customer_id, password_hash, changed_at)
    values (${p.storeId}, ${p.customerId}, ${p.passwordHash}, ${p.now})
    on conflict (store_id, customer_id) do update
      set password_hash = excluded.password_hash, changed_at = excluded.changed_at`,
);

/** The same password, hashed with today's parameters; one that was changed meanwhile stays. */
export const rehashPassword = statement<{ customerId: string; before: string; passwordHash: string }, never>(
  'rehash_password',
  (p) => sql`
    update credentials set password_hash = ${p.passwordHash}
    where store_id = ${p.storeId} and customer_id = ${p.customerId} and password_hash = ${p.before}`,
);

/** What a password of the customer must not be, and whether they may have one. */
export interface PasswordOwnerRow {
  id: string;
  email: string | null;
  emailNorm: string | null;
  firstName: string | null;
  lastName: string | null;
  company: string | null;
  accountStatus: AccountStatus;
}

const findOwner = statement<{ customerId: string }, PasswordOwnerRow>(
  'find_password_owner',
  (p) => sql`
    select id, email, email_norm as "emailNorm", first_name as "firstName", last_name as "lastName", company,
      account_status as "accountStatus"
    from customers where store_id = ${p.storeId} and id = ${p.customerId}`,
);

export const findPasswordOwner = async (db: Db, customerId: string): Promise<PasswordOwnerRow | undefined> =>
  (await findOwner(db, { customerId }))[0];

const swapPasswords = statement<{ one: string; other: string }, never>(
  'swap_passwords',
  (p) => sql`
    with taken as (
      delete from credentials where store_id = ${p.storeId} and customer_id in (${p.one}, ${p.other})
      returning customer_id, password_hash, changed_at
    )
    insert into credentials (store_id, customer_id, password_hash, changed_at)
    select ${p.storeId}, case customer_id when ${p.one} then ${p.other}::uuid else ${p.one}::uuid end, password_hash,
      changed_at
    from taken`,
);

const swapIdentities = statement<{ one: string; other: string }, never>(
  'swap_identities',
  (p) => sql`
    update linked_identities
    set customer_id = case customer_id when ${p.one} then ${p.other}::uuid else ${p.one}::uuid end
    where store_id = ${p.storeId} and customer_id in (${p.one}, ${p.other})`,
);

/**
 * Each of the two customers gets the password and the identities that the other had, if any: an account goes from one to
 * the other, and with an undone merge back again. Both locks are held.
 */
export async function swapAccounts(tx: Tx, customers: { one: string; other: string }): Promise<void> {
  await swapPasswords(tx, customers);
  await swapIdentities(tx, customers);
}
