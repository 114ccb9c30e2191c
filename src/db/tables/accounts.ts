// Accounts of shoppers: passwords, mailed secrets, invitations, sessions, log-in with identity providers.
import { sql } from 'drizzle-orm';
import {
  boolean,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import type { RegistrationProfile } from '../../domain/accounts/registrations.ts';
import type { AccountTokenKind, LoginMethod, SessionEnd } from '../../domain/accounts/tokens.ts';
import { bytes, id, instant, keyText, storeId } from './columns.ts';
import { customers } from './customers.ts';
import { messages } from './messages.ts';
import { stores } from './stores.ts';

/** The customer's password, hashed with argon2id. */
export const credentials = pgTable(
  'credentials',
  {
    storeId: storeId(),
    customerId: uuid('customer_id').notNull(),
    passwordHash: text('password_hash').notNull(),
    changedAt: instant('changed_at').notNull(),
  },
  (table) => [
    primaryKey({ name: 'credentials_pk', columns: [table.storeId, table.customerId] }),
    foreignKey({
      name: 'credentials_customer_fk',
      columns: [table.storeId, table.customerId],
      foreignColumns: [customers.storeId, customers.id],
    }).onDelete('cascade'),
  ],
);

/** I1: every mail that says something about the account carries a secret of 256 bits; only its hash is kept. */
export const accountTokens = pgTable(
  'account_tokens',
  {
    storeId: storeId(),
    secretHash: bytes('secret_hash').notNull(),
    kind: keyText('kind').$type<AccountTokenKind>().notNull(),
    /** Null: a confirmation of consent of an address that is no customer's. */
    customerId: uuid('customer_id'),
    /** The mail that it was made for. */
    messageId: uuid('message_id'),
    /** What was asked for and the token opens: the invitation, the new address, the topics. */
    data: jsonb('data').$type<Record<string, unknown>>().notNull(),
    expiresAt: instant('expires_at').notNull(),
    usedAt: instant('used_at'),
    revokedAt: instant('revoked_at'),
    createdAt: instant('created_at').notNull(),
  },
  (table) => [
    primaryKey({ name: 'account_tokens_pk', columns: [table.storeId, table.secretHash] }),
    foreignKey({
      name: 'account_tokens_customer_fk',
      columns: [table.storeId, table.customerId],
      foreignColumns: [customers.storeId, customers.id],
    }).onDelete('cascade'),
    index('account_tokens_by_customer').on(table.storeId, table.customerId, table.kind),
    index('account_tokens_by_message').on(table.storeId, table.messageId),
    index('account_tokens_by_expiry').on(table.storeId, table.expiresAt),
  ],
);

/** Sign-ups whose address is not confirmed: nobody else's address can be taken, and nothing tells whether it was known. */
export const registrations = pgTable(
  'registrations',
  {
    storeId: storeId(),
    id: id(),
    emailNorm: keyText('email_norm').notNull(),
    /** What the form said: names, language, topics. */
    profile: jsonb('profile').$type<RegistrationProfile>().notNull(),
    passwordHash: text('password_hash').notNull(),
    messageId: uuid('message_id').notNull(),
    expiresAt: instant('expires_at').notNull(),
    completedAt: instant('completed_at'),
    createdAt: instant('created_at').notNull(),
  },
  (table) => [
    primaryKey({ name: 'registrations_pk', columns: [table.storeId, table.id] }),
    foreignKey({
      name: 'registrations_message_fk',
      columns: [table.storeId, table.messageId],
      foreignColumns: [messages.storeId, messages.id],
    }).onDelete('cascade'),
    index('registrations_by_email').on(table.storeId, table.emailNorm),
    index('registrations_by_expiry').on(table.storeId, table.expiresAt),
  ],
);

/** Its state follows from these facts and the state of its mail. */
export const invitations = pgTable(
  'invitations',
  {
    storeId: storeId(),
    id: id(),
    customerId: uuid('customer_id').notNull(),
    messageId: uuid('message_id').notNull(),
    /** Null until the mail is rendered: the time begins with the mail, not with the wish. */
    expiresAt: instant('expires_at'),
    openedAt: instant('opened_at'),
    acceptedAt: instant('accepted_at'),
    revokedAt: instant('revoked_at'),
    actor: keyText('actor').notNull(),
    createdAt: instant('created_at').notNull(),
  },
  (table) => [
    primaryKey({ name: 'invitations_pk', columns: [table.storeId, table.id] }),
    foreignKey({
      name: 'invitations_customer_fk',
      columns: [table.storeId, table.customerId],
      foreignColumns: [customers.storeId, customers.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'invitations_message_fk',
      columns: [table.storeId, table.messageId],
      foreignColumns: [messages.storeId, messages.id],
    }).onDelete('cascade'),
    // Inviting again ends the invitation before.
    uniqueIndex('invitations_open_unique')
      .on(table.storeId, table.customerId)
      .where(sql`accepted_at is null and revoked_at is null`),
    index('invitations_by_customer').on(table.storeId, table.customerId, table.id),
    index('invitations_by_message').on(table.storeId, table.messageId),
  ],
);

export const sessions = pgTable(
  'sessions',
  {
    storeId: storeId(),
    id: id(),
    customerId: uuid('customer_id').notNull(),
    method: keyText('method').$type<LoginMethod>().notNull(),
    /** Identity provider of the log-in. */
    provider: keyText('provider'),
    userAgent: text('user_agent'),
    ip: keyText('ip'),
    createdAt: instant('created_at').notNull(),
    lastUsedAt: instant('last_used_at').notNull(),
    expiresAt: instant('expires_at').notNull(),
    endedAt: instant('ended_at'),
    endReason: keyText('end_reason').$type<SessionEnd>(),
  },
  (table) => [
    primaryKey({ name: 'sessions_pk', columns: [table.storeId, table.id] }),
    foreignKey({
      name: 'sessions_customer_fk',
      columns: [table.storeId, table.customerId],
      foreignColumns: [customers.storeId, customers.id],
    }).onDelete('cascade'),
    index('sessions_by_customer').on(table.storeId, table.customerId, table.id),
    index('sessions_by_expiry').on(table.storeId, table.expiresAt),
  ],
);

/** Each refresh token is good for one exchange; a second use of one ends its session (RFC 9700, 4.14.2). */
export const refreshTokens = pgTable(
  'refresh_tokens',
  {
    storeId: storeId(),
    secretHash: bytes('secret_hash').notNull(),
    sessionId: uuid('session_id').notNull(),
    expiresAt: instant('expires_at').notNull(),
    usedAt: instant('used_at'),
    createdAt: instant('created_at').notNull(),
  },
  (table) => [
    primaryKey({ name: 'refresh_tokens_pk', columns: [table.storeId, table.secretHash] }),
    foreignKey({
      name: 'refresh_tokens_session_fk',
      columns: [table.storeId, table.sessionId],
      foreignColumns: [sessions.storeId, sessions.id],
    }).onDelete('cascade'),
    index('refresh_tokens_by_session').on(table.storeId, table.sessionId),
  ],
);

/** Failed log-ins per account and per address of the network, by HMAC. */
export const loginThrottles = pgTable(
  'login_throttles',
  {
    storeId: storeId(),
    keyHash: bytes('key_hash').notNull(),
    failures: integer('failures').notNull(),
    since: instant('since').notNull(),
    blockedUntil: instant('blocked_until'),
  },
  (table) => [
    primaryKey({ name: 'login_throttles_pk', columns: [table.storeId, table.keyHash] }),
    foreignKey({
      name: 'login_throttles_store_fk',
      columns: [table.storeId],
      foreignColumns: [stores.id],
    }).onDelete('cascade'),
    index('login_throttles_by_since').on(table.storeId, table.since),
  ],
);

/** OpenID Connect providers of the store. */
export const identityProviders = pgTable(
  'identity_providers',
  {
    storeId: storeId(),
    key: keyText('key').notNull(),
    name: text('name').notNull(),
    issuer: text('issuer').notNull(),
    clientId: text('client_id').notNull(),
    /** Sealed with a key of the installation. */
    clientSecret: bytes('client_secret').notNull(),
    scopes: text('scopes').array().notNull(),
    enabled: boolean('enabled').notNull(),
    version: integer('version').notNull(),
    createdAt: instant('created_at').notNull(),
    updatedAt: instant('updated_at').notNull(),
  },
  (table) => [
    primaryKey({ name: 'identity_providers_pk', columns: [table.storeId, table.key] }),
    foreignKey({
      name: 'identity_providers_store_fk',
      columns: [table.storeId],
      foreignColumns: [stores.id],
    }).onDelete('cascade'),
  ],
);

/** Who a customer is at a provider. */
export const linkedIdentities = pgTable(
  'linked_identities',
  {
    storeId: storeId(),
    provider: keyText('provider').notNull(),
    subject: keyText('subject').notNull(),
    customerId: uuid('customer_id').notNull(),
    email: text('email'),
    linkedAt: instant('linked_at').notNull(),
    lastUsedAt: instant('last_used_at').notNull(),
  },
  (table) => [
    primaryKey({ name: 'linked_identities_pk', columns: [table.storeId, table.provider, table.subject] }),
    foreignKey({
      name: 'linked_identities_customer_fk',
      columns: [table.storeId, table.customerId],
      foreignColumns: [customers.storeId, customers.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'linked_identities_provider_fk',
      columns: [table.storeId, table.provider],
      foreignColumns: [identityProviders.storeId, identityProviders.key],
    }).onDelete('cascade'),
    index('linked_identities_by_customer').on(table.storeId, table.customerId),
  ],
);

/** A log-in with a provider that is under way. */
export const identityLogins = pgTable(
  'identity_logins',
  {
    storeId: storeId(),
    stateHash: bytes('state_hash').notNull(),
    provider: keyText('provider').notNull(),
    nonce: text('nonce').notNull(),
    codeVerifier: text('code_verifier').notNull(),
    redirectUri: text('redirect_uri').notNull(),
    /** Who asked to link the identity; null: a log-in. */
    customerId: uuid('customer_id'),
    expiresAt: instant('expires_at').notNull(),
    usedAt: instant('used_at'),
    createdAt: instant('created_at').notNull(),
  },
  (table) => [
    primaryKey({ name: 'identity_logins_pk', columns: [table.storeId, table.stateHash] }),
    foreignKey({
      name: 'identity_logins_provider_fk',
      columns: [table.storeId, table.provider],
      foreignColumns: [identityProviders.storeId, identityProviders.key],
    }).onDelete('cascade'),
    index('identity_logins_by_expiry').on(table.storeId, table.expiresAt),
  ],
);
