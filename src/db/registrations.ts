// Sign-ups whose address is not confirmed yet.
import { sql } from 'drizzle-orm';
import { type Db, statement, type Tx } from './connection.ts';
import { registrations } from './tables/accounts.ts';

export type RegistrationRow = Omit<typeof registrations.$inferSelect, 'storeId'>;

export const insertRegistration = (tx: Tx, row: RegistrationRow): Promise<unknown> =>
  tx.use(({ queries }) => queries.insert(registrations).values({ ...row, storeId: tx.storeId }));

type Completed = Pick<RegistrationRow, 'id' | 'emailNorm' | 'profile' | 'passwordHash'>;

const complete = statement<{ id: string; now: Date }, Completed>(
  'complete_registration',
  (p) => sql`
    update registrations set completed_at = ${p.now}
    where store_id = ${p.storeId} and id = ${p.id} and completed_at is null
    returning id, email_norm as "emailNorm", profile, password_hash as "passwordHash"`,
);

/** Completes a registration; undefined when it was completed before, itself or by another one of the address. */
export const completeRegistration = async (
  tx: Tx,
  registration: { id: string; now: Date },
): Promise<Completed | undefined> => (await complete(tx, registration))[0];

/** What else was asked for with the address is void: its owner has an account now. */
export const voidRegistrations = statement<{ emailNorm: string; now: Date }, never>(
  'void_registrations',
  (p) => sql`
    update registrations set completed_at = ${p.now}
    where store_id = ${p.storeId} and email_norm = ${p.emailNorm} and completed_at is null`,
);

/** Registrations that mails stand for, by the mail. */
export const listRegistrationsOfMails = statement<
  { messageIds: readonly string[] },
  Pick<RegistrationRow, 'id' | 'messageId' | 'emailNorm' | 'profile'>
>(
  'list_registrations_of_mails',
  (p) => sql`
    select id, message_id as "messageId", email_norm as "emailNorm", profile from registrations
    where store_id = ${p.storeId} and message_id = any(${p.messageIds}::uuid[]) and completed_at is null`,
);

const findOpen = statement<{ id: string }, Pick<RegistrationRow, 'passwordHash'>>(
  'find_open_registration',
  (p) => sql`
    select password_hash as "passwordHash" from registrations
    where store_id = ${p.storeId} and id = ${p.id} and completed_at is null`,
);

/** A registration that still waits for its address to be confirmed. */
export const findOpenRegistration = async (
  db: Db,
  id: string,
): Promise<Pick<RegistrationRow, 'passwordHash'> | undefined> => (await findOpen(db, { id }))[0];
