// Whose account a mail is about: strangers ask for mails to an address, and only when one is made is it looked up.
import { sql } from 'drizzle-orm';
import { statement } from './connection.ts';

export interface MailedAccount {
  customerId: string;
  emailNorm: string;
  /** BCP 47. */
  language: string | null;
}

/** Active accounts of these customers and of these normalised addresses. */
export const listAccountsOfMails = statement<
  { customerIds: readonly string[]; emails: readonly string[] },
  MailedAccount
>(
  'list_accounts_of_mails',
  (p) => sql`
    select id as "customerId", email_norm as "emailNorm", language from customers
    where store_id = ${p.storeId} and id = any(${p.customerIds}::uuid[]) and account_status = 'active'
      and email_norm is not null
    union
    select id, email_norm, language from customers
    where store_id = ${p.storeId} and email_norm = any(${p.emails}::text[]) and account_status = 'active'`,
);

/** Makes mails the customers' who turned out to be meant; resolves to those that were nobody's before. */
export const attachMessages = statement<
  { ids: readonly string[]; customerIds: readonly string[] },
  { id: string; customerId: string }
>(
  'attach_messages',
  (p) => sql`
    update messages m set customer_id = a.customer_id
    from unnest(${p.ids}::uuid[], ${p.customerIds}::uuid[]) as a (id, customer_id)
    where m.store_id = ${p.storeId} and m.id = a.id and m.customer_id is null
    returning m.id, m.customer_id as "customerId"`,
);
