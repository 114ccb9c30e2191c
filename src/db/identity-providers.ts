// Identity providers, log-ins with them that are under way, and who customers are there.
import { and, asc, eq } from 'drizzle-orm';
import { sql } from 'drizzle-orm/sql';
import { type Db, prepared, statement, type Tx } from './connection.ts';
import { familyOf } from './merges.ts';
import { identityLogins, identityProviders, linkedIdentities } from './tables/accounts.ts';

export type ProviderRow = Omit<typeof identityProviders.$inferSelect, 'storeId'>;
export type ProviderChange = Partial<Omit<ProviderRow, 'key' | 'issuer' | 'createdAt'>>;

const PROVIDER = {
  key: identityProviders.key,
  name: identityProviders.name,
  issuer: identityProviders.issuer,
  clientId: identityProviders.clientId,
  clientSecret: identityProviders.clientSecret,
  scopes: identityProviders.scopes,
  enabled: identityProviders.enabled,
  version: identityProviders.version,
  createdAt: identityProviders.createdAt,
  updatedAt: identityProviders.updatedAt,
};

const selectProvider = prepared<{ key: string }>()('find_identity_provider', (queries, p) =>
  queries
    .select(PROVIDER)
    .from(identityProviders)
    .where(and(eq(identityProviders.storeId, p.storeId), eq(identityProviders.key, p.key))),
);

export const findProvider = async (db: Db, key: string): Promise<ProviderRow | undefined> =>
  (await selectProvider(db, { key }))[0];

/** All of the store, by key; a store has a handful. */
export const listProviders = prepared()('list_identity_providers', (queries, p) =>
  queries
    .select(PROVIDER)
    .from(identityProviders)
    .where(eq(identityProviders.storeId, p.storeId))
    .orderBy(asc(identityProviders.key)),
);

const providerIs = (db: Db, key: string) =>
  and(eq(identityProviders.storeId, db.storeId), eq(identityProviders.key, key));

export async function lockProvider(tx: Tx, key: string): Promise<ProviderRow | undefined> {
  const [row] = await tx.use(({ queries }) =>
    queries.select(PROVIDER).from(identityProviders).where(providerIs(tx, key)).for('update'),
  );
  return row;
}

export const insertProvider = (tx: Tx, provider: ProviderRow): Promise<unknown> =>
  tx.use(({ queries }) => queries.insert(identityProviders).values({ ...provider, storeId: tx.storeId }));

export const updateProvider = (tx: Tx, key: string, change: ProviderChange): Promise<unknown> =>
  tx.use(({ queries }) => queries.update(identityProviders).set(change).where(providerIs(tx, key)));

/** Removes the provider with who customers are there. */
export const deleteProvider = (tx: Tx, key: string): Promise<unknown> =>
  tx.use(({ queries }) => queries.delete(identityProviders).where(providerIs(tx, key)));

// Log-ins under way

export type LoginRow = Omit<typeof identityLogins.$inferSelect, 'storeId'>;

export const insertIdentityLogin = (tx: Tx, login: LoginRow): Promise<unknown> =>
  tx.use(({ queries }) => queries.insert(identityLogins).values({ ...login, storeId: tx.storeId }));

interface LoginKey {
  stateHash: Buffer;
  provider: string;
  /** Whose link it is; null: a log-in. */
  customerId: string | null;
  now: Date;
}

const takeLogin = statement<LoginKey, { nonce: string; codeVerifier: string; redirectUri: string }>(
  'take_identity_login',
  (p) => sql`
    update identity_logins set used_at = ${p.now}
    where store_id = ${p.storeId} and state_hash = ${p.stateHash} and provider = ${p.provider}
      and customer_id is not distinct from ${p.customerId}::uuid and used_at is null and expires_at > ${p.now}
    returning nonce, code_verifier as "codeVerifier", redirect_uri as "redirectUri"`,
);

/** What was kept for the state; once, in its time, and with the provider and for whom it was begun. */
export const takeIdentityLogin = async (tx: Tx, key: LoginKey) => (await takeLogin(tx, key))[0];

/** Removes log-ins that nobody can finish any more. */
export const deleteExpiredLogins = statement<{ now: Date }, never>(
  'delete_expired_identity_logins',
  (p) => sql`delete from identity_logins where store_id = ${p.storeId} and expires_at < ${p.now}`,
);

// Who customers are at a provider. Those of merged customers open the survivor; an un-merge gives them back by itself.

export type LinkedIdentityRow = Omit<typeof linkedIdentities.$inferSelect, 'storeId'>;
interface IdentityKey {
  provider: string;
  subject: string;
}

const useIdentity = statement<IdentityKey & { now: Date }, { customerId: string }>(
  'use_linked_identity',
  (p) => sql`
    update linked_identities set last_used_at = ${p.now}
    where store_id = ${p.storeId} and provider = ${p.provider} and subject = ${p.subject}
    returning customer_id as "customerId"`,
);

/** Whose identity it is, noting that it was used; undefined when it is nobody's yet. */
export const useLinkedIdentity = async (
  tx: Tx,
  key: IdentityKey & { now: Date },
): Promise<string | undefined> => (await useIdentity(tx, key))[0]?.customerId;

export const insertLinkedIdentity = (tx: Tx, identity: LinkedIdentityRow): Promise<unknown> =>
  tx.use(({ queries }) => queries.insert(linkedIdentities).values({ ...identity, storeId: tx.storeId }));

/** An identity with the name that its provider has. */
export interface LinkedIdentity {
  key: string;
  name: string;
  email: string | null;
  linkedAt: Date;
  lastUsedAt: Date;
}

const selectLinked = statement<{ customerId: string }, LinkedIdentity>(
  'list_linked_identities',
  (p) => sql`
    ${familyOf(p.storeId, p.customerId)}
    select l.provider as key, i.name, l.email, l.linked_at as "linkedAt", l.last_used_at as "lastUsedAt"
    from family join linked_identities l on l.store_id = ${p.storeId} and l.customer_id = family.id
      join identity_providers i on i.store_id = ${p.storeId} and i.key = l.provider
    order by l.provider, l.linked_at`,
);

export const listLinkedIdentities = (db: Db, customerId: string): Promise<LinkedIdentity[]> =>
  selectLinked(db, { customerId });

const unlink = statement<{ customerId: string; provider: string }, { subject: string }>(
  'delete_linked_identities',
  (p) => sql`
    ${familyOf(p.storeId, p.customerId)}
    delete from linked_identities l using family
    where l.store_id = ${p.storeId} and l.customer_id = family.id and l.provider = ${p.provider}
    returning l.subject`,
);

/** Resolves to how many there were. */
export const deleteLinkedIdentities = async (tx: Tx, customerId: string, provider: string): Promise<number> =>
  (await unlink(tx, { customerId, provider })).length;
