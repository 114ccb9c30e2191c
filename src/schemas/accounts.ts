// The wire contract of log-in, registration, passwords and sessions.
import Type from 'typebox';
import { LOGIN_METHODS } from '../domain/accounts/tokens.ts';
import { closed, nullable, ref, stringEnum, Timestamp, Uuid } from './helpers.ts';

/** Longer than any password that is taken, so that the reason is told by the rule and not by the schema. */
const MAX_PASSWORD_INPUT = 512;

const email = (description: string) =>
  Type.String({ minLength: 1, maxLength: 320, description, examples: ['ada@example.com'] });

const password = (description: string) =>
  Type.String({
    minLength: 1,
    maxLength: MAX_PASSWORD_INPUT,
    writeOnly: true,
    description,
    examples: ['correct horse battery staple'],
  });

/** A password that somebody chooses. */
export const chosenPassword = (description: string) =>
  password(`${description} 8 to 128 characters that are not guessed first; nothing else is asked of them.`);

const optionalText = (description: string, example: string, maxLength = 255) =>
  Type.Optional(nullable(Type.String({ minLength: 1, maxLength, description, examples: [example] })));

export const Login = closed(
  {
    email: email('Address of the account; case does not matter.'),
    password: password('Password of the account.'),
  },
  {
    $id: 'Login',
    description: 'A log-in.',
    examples: [{ email: 'ada@example.com', password: 'correct horse battery staple' }],
  },
);

const refreshToken = Type.String({
  minLength: 1,
  maxLength: 200,
  description: 'Exchanges once for the next one, with POST /storefront/v1/login/refresh. Keep it secret.',
});

export const RefreshRequest = closed(
  { refreshToken },
  { $id: 'RefreshRequest', description: 'A refresh token.', examples: [{ refreshToken: 'AZPq…' }] },
);

export const SignedInCustomer = closed(
  {
    id: Uuid({ description: 'Id of the customer.' }),
    email: nullable(Type.String({ description: 'Email in the spelling that was given.' })),
    firstName: nullable(Type.String({ description: 'First name.' })),
    lastName: nullable(Type.String({ description: 'Last name.' })),
  },
  { $id: 'SignedInCustomer', description: 'Who is logged in; GET /storefront/v1/me says more.' },
);

export const SignedIn = closed(
  {
    accessToken: Type.String({
      description:
        'Send it as `Authorization: Bearer` to /storefront/v1/me… It ends with its session, 15 minutes at the latest.',
    }),
    expiresIn: Type.Integer({ description: 'Life of the access token in seconds.', examples: [900] }),
    refreshToken,
    sessionId: Uuid({ description: 'Id of the session.' }),
    sessionExpiresAt: Timestamp({ description: 'When the session ends unless it is refreshed.' }),
    customer: ref(SignedInCustomer, { description: 'Who is logged in.' }),
  },
  { $id: 'SignedIn', description: 'A session that the caller holds from now on.' },
);

const session = {
  id: Uuid({ description: 'Id of the session.' }),
  method: stringEnum(LOGIN_METHODS, {
    description: 'How it was begun; `oidc` is a log-in with an identity provider.',
  }),
  provider: nullable(Type.String({ description: 'Key of the identity provider, for `oidc`.' })),
  userAgent: nullable(Type.String({ description: 'What the browser said of itself.' })),
  ip: nullable(Type.String({ description: 'Network address of the log-in.', examples: ['192.0.2.17'] })),
  createdAt: Timestamp({ description: 'When it was begun.' }),
  lastUsedAt: Timestamp({ description: 'When it was refreshed last.' }),
  expiresAt: Timestamp({ description: 'When it ends unless it is refreshed.' }),
};

export const Session = closed(session, { $id: 'Session', description: 'An open session of a customer.' });

export const SessionList = closed(
  { data: Type.Array(ref(Session), { description: 'Open sessions, the latest log-in first; at most 50.' }) },
  { $id: 'SessionList', description: 'The open sessions of a customer.' },
);

export const MySession = closed(
  { ...session, current: Type.Boolean({ description: 'Whether it is the one that asks.' }) },
  { $id: 'MySession', description: 'An open session of mine.' },
);

export const MySessionList = closed(
  {
    data: Type.Array(ref(MySession), { description: 'Open sessions, the latest log-in first; at most 50.' }),
  },
  { $id: 'MySessionList', description: 'My open sessions.' },
);

export const Registration = closed(
  {
    email: email('Address of the account; a mail to it leads on.'),
    password: chosenPassword('Password of the account to be.'),
    firstName: optionalText('First name.', 'Ada'),
    lastName: optionalText('Last name.', 'Lovelace'),
    company: optionalText('Company.', 'Analytical Engines Ltd'),
    phone: optionalText('Phone; stored as E.164.', '+49 30 901820', 40),
    language: optionalText('Language tag (BCP 47).', 'en-GB', 35),
    topics: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 50, description: 'Key of a topic.' }), {
        maxItems: 50,
        description: 'What the customer wants to hear about; granted when the address is confirmed.',
        examples: [['newsletter']],
      }),
    ),
  },
  {
    $id: 'Registration',
    description: 'What the registration form asks.',
    examples: [{ email: 'ada@example.com', password: 'correct horse battery staple', firstName: 'Ada' }],
  },
);

export const Received = closed(
  { status: stringEnum(['received'], { description: 'Always this, whoever asks and whatever follows.' }) },
  { $id: 'Received', description: 'The answer is the same for known and unknown addresses.' },
);

export const MailedToken = closed(
  {
    token: Type.String({ minLength: 1, maxLength: 200, description: 'The secret of the link in the mail.' }),
  },
  { $id: 'MailedToken', description: 'The secret of a link.', examples: [{ token: 'AZPq…' }] },
);

export const RegistrationConfirmation = closed(
  {
    token: Type.String({ minLength: 1, maxLength: 200, description: 'The secret of the link in the mail.' }),
    password: Type.String({
      minLength: 1,
      maxLength: 1024,
      description: 'The password that was chosen in the form: who has only the link did not fill it in.',
    }),
  },
  {
    $id: 'RegistrationConfirmation',
    description: 'The secret of a link, and the password of the form.',
    examples: [{ token: 'AZPq…', password: 'correct horse battery' }],
  },
);

export const MailedTokenParams = closed({
  token: Type.String({ minLength: 1, maxLength: 200, description: 'The secret of the link in the mail.' }),
});

export const OpenLink = closed(
  {
    status: stringEnum(['open'], { description: 'The link can be used; every other state is an error.' }),
    storeName: Type.String({ description: 'Name of the store.' }),
    email: Type.String({
      description: 'The address it was mailed to, masked.',
      examples: ['a•••@example.com'],
    }),
    expiresAt: Timestamp({ description: 'When it ends.' }),
  },
  { $id: 'OpenLink', description: 'A link that was mailed; looking at it never uses it up (I2).' },
);

export const PasswordResetRequest = closed(
  { email: email('Address of the account.') },
  {
    $id: 'PasswordResetRequest',
    description: 'Who forgot the password.',
    examples: [{ email: 'ada@example.com' }],
  },
);

export const NewPassword = closed(
  { password: chosenPassword('The new password.') },
  {
    $id: 'NewPassword',
    description: 'A new password.',
    examples: [{ password: 'correct horse battery staple' }],
  },
);

export const PasswordChange = closed(
  {
    currentPassword: password('The present password.'),
    newPassword: chosenPassword('The new password.'),
  },
  {
    $id: 'PasswordChange',
    description: 'The present password and the new one.',
    examples: [{ currentPassword: 'correct horse battery staple', newPassword: 'a rather long sentence' }],
  },
);

export const EmailChange = closed(
  { email: email('The new address.'), password: password('The present password.') },
  {
    $id: 'EmailChange',
    description: 'A new address for my account.',
    examples: [{ email: 'ada@example.org', password: 'correct horse battery staple' }],
  },
);

export const EmailChanged = closed(
  { email: Type.String({ description: 'The address from now on.', examples: ['ada@example.org'] }) },
  { $id: 'EmailChanged', description: 'The account has the new address.' },
);

export const QueuedMail = closed(
  {
    messageId: Uuid({ description: 'Id of the mail; GET /v1/messages/{messageId} says what became of it.' }),
  },
  { $id: 'QueuedMail', description: 'A mail that is on its way.' },
);

export const accountSchemas = [
  Login,
  RefreshRequest,
  SignedInCustomer,
  SignedIn,
  Session,
  SessionList,
  MySession,
  MySessionList,
  Registration,
  Received,
  MailedToken,
  RegistrationConfirmation,
  OpenLink,
  PasswordResetRequest,
  NewPassword,
  PasswordChange,
  EmailChange,
  EmailChanged,
  QueuedMail,
];
