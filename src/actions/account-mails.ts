// What mails about accounts say: their links are made in the transaction that takes the lease of the mail (I1), so that no
// queue and no pause can make one dead on arrival.
import type { Ctx } from '../context.ts';
import { attachMessages, listAccountsOfMails, type MailedAccount } from '../db/account-mails.ts';
import type { Tx } from '../db/connection.ts';
import type { DueMessage } from '../db/messages.ts';
import { listRegistrationsOfMails } from '../db/registrations.ts';
import { linkExpiry } from '../domain/accounts/tokens.ts';
import type { LinkPurpose } from '../domain/mail/settings.ts';
import { mintTokens, type TokenWish } from './account-tokens.ts';
import type { LinkMaker } from './mail-content.ts';
import { tell } from './timeline.ts';

/** A mail that is to be made. */
export type AccountMail = Pick<DueMessage, 'id' | 'customerId' | 'toEmail' | 'data'>;

/** What its template gets beside the store and the customer. */
export interface AccountMailContent {
  links: Record<string, string>;
  data: Record<string, unknown>;
  language?: string | null;
}

/** Contents by mail; one that has none is not to be sent: what it was for is gone, or there is no account. */
type ContentMaker = (
  ctx: Ctx,
  tx: Tx,
  mails: readonly AccountMail[],
  linkTo: LinkMaker,
) => Promise<Map<string, AccountMailContent>>;

/** A mail with the link that it is to carry. */
interface Linked {
  mail: AccountMail;
  /** Of mails to an address alone: what is known of its owner's. */
  language?: string | null | undefined;
  wish: Omit<TokenWish, 'messageId' | 'expiresAt'>;
}

/** What the link is called in the template, and the page that it leads to. */
interface LinkPlace {
  name: string;
  purpose: LinkPurpose;
}

const TO_NEW_PASSWORD: LinkPlace = { name: 'reset', purpose: 'passwordReset' };
const TO_VERIFICATION: LinkPlace = { name: 'verify', purpose: 'emailVerification' };
const TO_EMAIL_CHANGE: LinkPlace = { name: 'confirm', purpose: 'emailChange' };

async function link(
  ctx: Ctx,
  tx: Tx,
  linkTo: LinkMaker,
  { name, purpose }: LinkPlace,
  linked: readonly Linked[],
): Promise<Map<string, AccountMailContent>> {
  const expiresAt = linkExpiry(ctx.now);
  const wishes = linked.map(({ mail, wish }) => ({ ...wish, messageId: mail.id, expiresAt }));
  const tokens = await mintTokens(ctx, tx, wishes);
  return new Map(
    linked.map(({ mail, language = null }, at) => [
      mail.id,
      { links: { [name]: linkTo(purpose, tokens[at] as string) }, data: { expiresAt }, language },
    ]),
  );
}

/** Mails of strangers become the customer's, once their account is known. Resolves to those that did so now. */
async function attach(
  tx: Tx,
  owned: readonly { mail: AccountMail; account: MailedAccount }[],
): Promise<{ id: string; customerId: string }[]> {
  const strangers = owned.filter(({ mail }) => mail.customerId === null);
  if (strangers.length === 0) return [];
  return attachMessages(tx, {
    ids: strangers.map(({ mail }) => mail.id),
    customerIds: strangers.map(({ account }) => account.customerId),
  });
}

/** The active account of each mail, of its customer or of its address. */
async function activeAccounts(tx: Tx, mails: readonly AccountMail[]) {
  const accounts = await listAccountsOfMails(tx, {
    customerIds: mails.flatMap(({ customerId }) => customerId ?? []),
    emails: mails.flatMap(({ customerId, toEmail }) =>
      customerId === null && toEmail !== null ? toEmail : [],
    ),
  });
  const byCustomer = new Map(accounts.map((account) => [account.customerId, account]));
  const byEmail = new Map(accounts.map((account) => [account.emailNorm, account]));
  return mails.flatMap((mail) => {
    const account =
      mail.customerId === null ? byEmail.get(mail.toEmail ?? '') : byCustomer.get(mail.customerId);
    return account ? [{ mail, account }] : [];
  });
}

/** The link to a new password, for whoever has an active account. */
const toNewPassword = ({ mail, account }: { mail: AccountMail; account: MailedAccount }): Linked => ({
  mail,
  language: account.language,
  wish: { kind: 'password_reset', customerId: account.customerId, data: { email: account.emailNorm } },
});

const passwordReset: ContentMaker = async (ctx, tx, mails, linkTo) => {
  const owned = await activeAccounts(tx, mails);
  const attached = await attach(tx, owned);
  await tell(
    ctx,
    tx,
    ...attached.map(({ id, customerId }) => ({
      kind: 'password.reset_requested' as const,
      customerId,
      subjectId: id,
    })),
  );
  return link(ctx, tx, linkTo, TO_NEW_PASSWORD, owned.map(toNewPassword));
};

/** Somebody registered with the address of an account: its owner is told, and how to get in. */
const accountExists: ContentMaker = async (ctx, tx, mails, linkTo) => {
  const owned = await activeAccounts(tx, mails);
  await attach(tx, owned);
  return link(ctx, tx, linkTo, TO_NEW_PASSWORD, owned.map(toNewPassword));
};

const emailVerification: ContentMaker = async (ctx, tx, mails, linkTo) => {
  const rows = await listRegistrationsOfMails(tx, { messageIds: mails.map(({ id }) => id) });
  const registrations = new Map(rows.map((row) => [row.messageId, row]));
  const linked = mails.flatMap((mail): Linked[] => {
    const registration = registrations.get(mail.id);
    if (!registration) return [];
    const data = { registrationId: registration.id, email: registration.emailNorm };
    const { language } = registration.profile;
    return [{ mail, language, wish: { kind: 'email_verification', customerId: null, data } }];
  });
  return link(ctx, tx, linkTo, TO_VERIFICATION, linked);
};

const emailChange: ContentMaker = (ctx, tx, mails, linkTo) => {
  const linked = mails.map(
    (mail): Linked => ({
      mail,
      wish: { kind: 'email_change', customerId: mail.customerId, data: { email: mail.data.email } },
    }),
  );
  return link(ctx, tx, linkTo, TO_EMAIL_CHANGE, linked);
};

/** Goes to the address that is to be left: it says what was asked for and opens nothing. */
const emailChangeNotice: ContentMaker = async (_ctx, _tx, mails) =>
  new Map(mails.map(({ id }) => [id, { links: {}, data: {} }]));

/** An account that was closed meanwhile is not welcomed any more. */
const welcome: ContentMaker = async (_ctx, tx, mails) =>
  new Map((await activeAccounts(tx, mails)).map(({ mail }) => [mail.id, { links: {}, data: {} }]));

/** Contents of the mails about accounts, by kind of mail. */
export const ACCOUNT_MAILS = {
  welcome,
  password_reset: passwordReset,
  account_exists: accountExists,
  email_verification: emailVerification,
  email_change: emailChange,
  email_changed: emailChangeNotice,
} as const satisfies Record<string, ContentMaker>;
