// Registration on the storefront. The form answers the same, as fast, for known and unknown addresses; what happens is for the
// mail to say. An account is made when the owner of the address confirms it.
import type { Ctx } from '../context.ts';
import { attachMessages } from '../db/account-mails.ts';
import type { AccountToken } from '../db/account-tokens.ts';
import type { Tx } from '../db/connection.ts';
import { findLogin, savePassword } from '../db/credentials.ts';
import { insertMessages } from '../db/messages.ts';
import { refusalOfDatabase } from '../db/refusals.ts';
import {
  completeRegistration,
  findOpenRegistration,
  insertRegistration,
  voidRegistrations,
} from '../db/registrations.ts';
import { planAccountCommand } from '../domain/account-states.ts';
import { REGISTRATION_DAYS, type RegistrationProfile } from '../domain/accounts/registrations.ts';
import { type CustomerFields, normaliseCustomer } from '../domain/customers.ts';
import { daysAfter } from '../domain/days.ts';
import { maskEmail } from '../domain/emails.ts';
import { localTimeAt } from '../domain/zoned-time.ts';
import { accepted, Problem } from '../errors.ts';
import { type AccountFields, openAccount } from './account-activation.ts';
import { readToken, useToken } from './account-tokens.ts';
import { recordConsents } from './consents.ts';
import { recentStoreOf } from './customers.ts';
import { newMessage } from './messages.ts';
import { hashChosen, verifyPassword } from './passwords.ts';
import { type Browser, type SessionGrant, startSession } from './sessions.ts';
import type { Throttles } from './throttles.ts';
import { ensureTopics, refuseTopics } from './topics.ts';
import { write } from './write.ts';

const RECEIVED = { status: 'received' } as const;

export interface RegistrationInput {
  email: string;
  password: string;
  firstName?: string | null;
  lastName?: string | null;
  company?: string | null;
  phone?: string | null;
  language?: string | null;
  /** Keys of topics that the customer wants to hear about. */
  topics?: readonly string[];
}

async function readForm(
  ctx: Ctx,
  { password: _, topics: __, ...form }: RegistrationInput,
): Promise<AccountFields> {
  const { settings, timezone } = await recentStoreOf(ctx);
  accepted(planAccountCommand('register', 'guest', { hasEmail: true, accounts: settings.accounts }));
  const facts = { today: localTimeAt(ctx.now, timezone), defaultCountry: settings.defaultCountry };
  const { fields } = accepted(normaliseCustomer(form, facts));
  return withAddress(fields);
}

function withAddress({ email, emailNorm, ...fields }: CustomerFields): AccountFields {
  if (email && emailNorm) return { ...fields, email, emailNorm };
  const errors = [{ pointer: '/email', code: 'EMAIL_INVALID', message: 'Not an email address.' }];
  throw new Problem('CUSTOMER_INVALID', { errors });
}

/** The same rows for every address; only the kind of the mail differs. Nothing says whose it is: its owner may not ask. */
async function keepForm(
  ctx: Ctx,
  tx: Tx,
  { emailNorm, ...fields }: AccountFields,
  { passwordHash, ...rest }: Pick<RegistrationProfile, 'topics' | 'proof'> & { passwordHash: string },
): Promise<void> {
  const known = await findLogin(tx, emailNorm);
  const hasAccount = known?.accountStatus === 'active' || known?.accountStatus === 'disabled';
  const kind = hasAccount ? 'account_exists' : 'email_verification';
  const message = newMessage(ctx, { kind, customerId: null, toEmail: emailNorm });
  await insertMessages(tx, [message]);
  await insertRegistration(tx, {
    id: ctx.newId(),
    emailNorm,
    profile: { ...fields, ...rest },
    passwordHash,
    messageId: message.id,
    expiresAt: daysAfter(ctx.now, REGISTRATION_DAYS),
    completedAt: null,
    createdAt: ctx.now,
  });
}

/**
 * Takes a registration; the mail that follows leads on. The answer and its time never tell whether the address was known.
 * @throws Problem ACCOUNTS_NOT_OFFERED, CUSTOMER_INVALID, PASSWORD_REFUSED, TOPIC_UNKNOWN, TOPIC_ARCHIVED, SERVICE_BUSY
 */
export async function register(
  ctx: Ctx,
  input: RegistrationInput,
  { ip, userAgent }: Browser,
  throttles: Throttles,
): Promise<typeof RECEIVED> {
  const fields = await readForm(ctx, input);
  const { topics = [] } = input;
  const passwordHash = await hashChosen(input.password, fields);
  const proof = { ...(ip !== undefined && { ip }), ...(userAgent !== undefined && { userAgent }) };
  const isAllowed = await throttles.allowsMail(ctx, fields.emailNorm);
  return write(ctx, async (tx) => {
    await refuseTopics(ctx, tx, topics);
    if (isAllowed) await keepForm(ctx, tx, fields, { topics, passwordHash, proof });
    return RECEIVED;
  });
}

/** Their owner asked for them in the form and has proven the address since; topics that are gone are left out. */
async function grantTopics(
  ctx: Ctx,
  tx: Tx,
  owner: { customerId: string; address: string },
  { topics, proof }: RegistrationProfile,
): Promise<void> {
  if (topics.length === 0) return;
  const known = await ensureTopics(ctx, tx);
  const granted = known.filter(({ key, archivedAt }) => archivedAt === null && topics.includes(key));
  await recordConsents(
    ctx,
    tx,
    granted.map(({ key: topic }) => ({
      ...owner,
      channel: 'email',
      topic,
      action: 'grant',
      source: 'registration',
      proof,
    })),
  );
}

const registrationOf = ({ data }: AccountToken): string => String(data.registrationId);

async function complete(ctx: Ctx, tx: Tx, text: string): Promise<{ me: Ctx; customerId: string }> {
  const token = await useToken(ctx, tx, text, 'email_verification');
  const registration = await completeRegistration(tx, { id: registrationOf(token), now: ctx.now });
  if (!registration) throw new Problem('TOKEN_UNKNOWN');
  const { emailNorm, passwordHash, profile } = registration;
  const { topics: _, proof: __, ...fields } = profile;
  const customerId = await openAccount(ctx, tx, { ...fields, emailNorm }, 'registration');
  const me = { ...ctx, actor: `customer:${customerId}` };
  await savePassword(tx, { customerId, passwordHash, now: ctx.now });
  await voidRegistrations(tx, { emailNorm, now: ctx.now });
  if (token.messageId) await attachMessages(tx, { ids: [token.messageId], customerIds: [customerId] });
  await grantTopics(me, tx, { customerId, address: emailNorm }, profile);
  return { me, customerId };
}

/** What a link of a registration leads to; looking never uses it up (I2). */
export async function readVerification(ctx: Ctx, text: string) {
  const token = await readToken(ctx, ctx.db, text, 'email_verification');
  if (!(await findOpenRegistration(ctx.db, registrationOf(token)))) throw new Problem('TOKEN_UNKNOWN');
  const { name } = await recentStoreOf(ctx);
  return {
    status: 'open' as const,
    storeName: name,
    email: maskEmail(String(token.data.email)),
    expiresAt: token.expiresAt,
  };
}

/**
 * The mail goes to the owner of the address, whoever filled in the form. Without the password of the form its owner would
 * open an account that a stranger has the password of.
 */
async function refuseStranger(ctx: Ctx, { token: text, password }: Confirmation): Promise<void> {
  const token = await readToken(ctx, ctx.db, text, 'email_verification');
  const registration = await findOpenRegistration(ctx.db, registrationOf(token));
  if (!registration) throw new Problem('TOKEN_UNKNOWN');
  const { matches } = await verifyPassword(registration.passwordHash, password);
  if (matches) return;
  const message = 'Not the password that was chosen when the account was asked for.';
  throw new Problem('PASSWORD_REFUSED', {
    errors: [{ pointer: '/password', code: 'PASSWORD_MISMATCH', message }],
  });
}

/** What somebody has who registered and got the mail. */
export interface Confirmation {
  token: string;
  password: string;
}

async function confirm<T>(
  ctx: Ctx,
  confirmation: Confirmation,
  then: (ctx: Ctx, tx: Tx, customerId: string) => Promise<T>,
): Promise<T> {
  await refuseStranger(ctx, confirmation);
  const attempt = () =>
    write(ctx, async (tx) => {
      const { me, customerId } = await complete(ctx, tx, confirmation.token);
      return then(me, tx, customerId);
    });
  return attempt().catch((error: unknown) => {
    // The address became somebody's at the same moment, by an order or a sign-up: now that customer is found.
    if (refusalOfDatabase(error) === 'EMAIL_TAKEN') return attempt();
    throw error;
  });
}

/**
 * Completes a registration: the account of the address is active, with the password of the form.
 * @throws Problem PASSWORD_TOKEN_EXPIRED with the way out, TOKEN_UNKNOWN, PASSWORD_REFUSED for another password, ALREADY_ACTIVE,
 *   ACCOUNT_DISABLED, ACCOUNTS_NOT_OFFERED, SERVICE_BUSY
 */
export const confirmRegistration = (ctx: Ctx, confirmation: Confirmation): Promise<void> =>
  confirm(ctx, confirmation, async () => undefined);

/** The same, and the customer is logged in with that. */
export const confirmAndLogIn = (
  ctx: Ctx,
  confirmation: Confirmation,
  browser: Browser,
): Promise<SessionGrant> =>
  confirm(ctx, confirmation, (me, tx, customerId) =>
    startSession(me, tx, { customerId, method: 'registration', ...browser }),
  );
