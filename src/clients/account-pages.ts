// Pages behind the links in mails about an account: what they say and ask. Who may see them is for others to know.
import { html } from 'ghtml';
import {
  backToShop,
  button,
  choice,
  errorSummary,
  field,
  form,
  type PageStore,
  page,
  paragraphs,
} from './page-layout.ts';

/** What was entered before, and what is wrong with it, by field. */
export interface Entered {
  values?: Readonly<Record<string, string | undefined>>;
  chosen?: readonly string[];
  errors?: Readonly<Record<string, string>>;
}

/** Something that the shop writes to people about. */
export interface OfferedTopic {
  key: string;
  name: string;
  description: string;
}

const listOf = (errors: Readonly<Record<string, string>>) =>
  Object.entries(errors).map(([name, text]) => ({ field: name, text }));

const knownPasswordField = (error: string | undefined): string =>
  field({
    name: 'password',
    label: 'Password',
    type: 'password',
    autocomplete: 'current-password',
    hint: 'The one that you chose when you asked for the account.',
    error,
    required: true,
  });

const passwordField = (error: string | undefined): string =>
  field({
    name: 'password',
    label: 'Password',
    type: 'password',
    autocomplete: 'new-password',
    hint: 'At least 8 characters. Several words are better than one with digits.',
    error,
    required: true,
  });

/** For password managers: whose password it is. */
const username = (email: string): string =>
  html`<input type="text" name="username" value="${email}" autocomplete="username" hidden>`;

/** A page that only says something. */
export const tellingPage = (store: PageStore, title: string, ...texts: readonly string[]): string =>
  page({ store, title, body: `${paragraphs(...texts)}${backToShop(store)}` });

function nameFields({ values = {}, errors = {} }: Entered): string {
  const one = (name: string, label: string, autocomplete: string) =>
    field({ name, label, autocomplete, value: values[name] ?? '', error: errors[name] });
  return one('firstName', 'First name', 'given-name') + one('lastName', 'Last name', 'family-name');
}

function topicChoices(store: PageStore, topics: readonly OfferedTopic[], { chosen = [] }: Entered): string {
  if (topics.length === 0) return '';
  const choices = topics.map(({ key, name, description }) =>
    choice({
      name: 'topics',
      value: key,
      label: name,
      ...(description && { hint: description }),
      checked: chosen.includes(key),
      lang: store.locale,
    }),
  );
  return html`<fieldset><legend>Mails that you would like to get</legend>!${choices}</fieldset>`;
}

export interface InvitationView {
  /** Masked. */
  email: string;
  needsName: boolean;
  topics: readonly OfferedTopic[];
}

/** I2: looking at it does nothing; sending the form accepts. */
export function invitationPage(store: PageStore, view: InvitationView, entered: Entered = {}): string {
  const { email, needsName, topics } = view;
  const { errors = {} } = entered;
  const fields = [
    username(email),
    needsName ? nameFields(entered) : '',
    passwordField(errors.password),
    topicChoices(store, topics, entered),
    button({ label: 'Open my account' }),
  ];
  const intro = html`<p>!${store.name ? html`${store.name} has made` : 'There is'} an account for you, with the address ${email}. Choose a password to open it.</p>`;
  return page({
    store,
    title: 'Your account is ready',
    body: `${errorSummary(listOf(errors))}${intro}${form(fields.join('\n'))}`,
  });
}

export const invitationAcceptedPage = (store: PageStore): string =>
  tellingPage(
    store,
    'Welcome',
    'Your account is open. From now on you can log in with your address and your password.',
  );

/** The name of the button that asks for a new link. */
export const RENEW = 'renew';

/** I3: the way out of a link that came too late. */
export const invitationExpiredPage = (store: PageStore): string =>
  page({
    store,
    title: 'This link has expired',
    body:
      paragraphs(
        'For your safety links like this one work for a short time only. We can send you a new one.',
      ) + form(button({ label: 'Send me a new link', name: RENEW, value: 'yes' })),
  });

export const invitationRenewedPage = (store: PageStore): string =>
  tellingPage(
    store,
    'Please look at your mails',
    'If your invitation still stands, a new link is on its way to the address of your account.',
  );

/** A new password, by the link of a mail. */
export function passwordResetPage(store: PageStore, email: string, { errors = {} }: Entered = {}): string {
  const intro = html`<p>Choose a new password for the account with the address ${email}. You will be logged out everywhere else.</p>`;
  const fields = [username(email), passwordField(errors.password), button({ label: 'Set password' })];
  return page({
    store,
    title: 'Choose a new password',
    body: `${errorSummary(listOf(errors))}${intro}${form(fields.join('\n'))}`,
  });
}

export const passwordSetPage = (store: PageStore): string =>
  tellingPage(
    store,
    'Your password is set',
    'From now on you can log in with it. Everywhere else you have been logged out.',
  );

/** One question and one button: links do nothing before somebody says so (I2). */
const questionPage = (store: PageStore, title: string, text: string, label: string): string =>
  page({ store, title, body: paragraphs(text) + form(button({ label })) });

/** Who has only the link did not ask for the account: the password of the form is asked for. */
export function emailVerificationPage(
  store: PageStore,
  email: string,
  { errors = {} }: Entered = {},
): string {
  const fields = [
    username(email),
    knownPasswordField(errors.password),
    button({ label: 'Confirm and open my account' }),
  ];
  const intro = `You are about to open an account with the address ${email}. If that was not you, simply close this page.`;
  return page({
    store,
    title: 'Confirm your address',
    body: `${errorSummary(listOf(errors))}${paragraphs(intro)}${form(fields.join('\n'))}`,
  });
}

export const emailVerifiedPage = (store: PageStore): string =>
  tellingPage(
    store,
    'Welcome',
    'Your address is confirmed and your account is open. From now on you can log in.',
  );

export const emailChangePage = (store: PageStore, email: string): string =>
  questionPage(
    store,
    'Confirm your new address',
    `From now on your account is to have the address ${email}. If that was not you, simply close this page.`,
    'Confirm the new address',
  );

export const emailChangedPage = (store: PageStore, email: string): string =>
  tellingPage(store, 'Your address is changed', `From now on you log in with ${email}.`);

/** I3: a link that came too late, where asking again begins at the shop. */
export const linkExpiredPage = (store: PageStore): string =>
  tellingPage(
    store,
    'This link has expired',
    'For your safety links like this one work for a short time only. Please ask for a new one at the shop.',
  );

/** Why a link that is good leads nowhere, by error code. */
const DEAD_ENDS: Readonly<Record<string, readonly [title: string, text: string]>> = {
  ALREADY_ACTIVE: ['You have an account already', 'You can log in with your address and your password.'],
  ACCOUNT_DISABLED: ['This account is closed', 'Please ask the shop if you think that this is a mistake.'],
  ACCOUNTS_NOT_OFFERED: ['There are no accounts at present', 'The shop offers no accounts any more.'],
  EMAIL_TAKEN: [
    'This address is in use',
    'There is another account with this address. You can log in with it.',
  ],
};

/** The page for a refusal that says what its reader can do; undefined for all others. */
export function deadEndPage(store: PageStore, code: string): string | undefined {
  const words = DEAD_ENDS[code];
  return words && tellingPage(store, ...words);
}
