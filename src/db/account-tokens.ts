// Mailed secrets: found by the hash of their text.
import { and, eq } from 'drizzle-orm';
import { sql } from 'drizzle-orm/sql';
import type { AccountTokenKind } from '../domain/accounts/tokens.ts';
import { type Db, prepared, statement, type Tx } from './connection.ts';
import { accountTokens } from './tables/accounts.ts';

export type AccountToken = typeof accountTokens.$inferSelect;

interface TokenKey {
  secretHash: Buffer;
  kind: AccountTokenKind;
}

const selectToken = prepared<TokenKey>()('find_account_token', (queries, p) =>
  queries
    .select()
    .from(accountTokens)
    .where(
      and(
        eq(accountTokens.storeId, p.storeId),
        eq(accountTokens.secretHash, p.secretHash),
        eq(accountTokens.kind, p.kind),
      ),
    ),
);

/** The token, used, revoked and expired ones included. */
export const findAccountToken = async (db: Db, key: TokenKey): Promise<AccountToken | undefined> =>
  (await selectToken(db, key))[0];

export const insertAccountTokens = (tx: Tx, tokens: readonly AccountToken[]): Promise<unknown> =>
  tx.use(({ queries }) => queries.insert(accountTokens).values([...tokens]));

const markUsed = statement<TokenKey & { now: Date }, { used: true }>(
  'use_account_token',
  (p) => sql`
    update account_tokens set used_at = ${p.now}
    where store_id = ${p.storeId} and secret_hash = ${p.secretHash} and kind = ${p.kind}
      and used_at is null and revoked_at is null
    returning true as used`,
);

/** Uses the token; false: somebody else did, or it was revoked. */
export const useAccountToken = async (tx: Tx, key: TokenKey & { now: Date }): Promise<boolean> =>
  (await markUsed(tx, key)).length > 0;

/** Uses up what else was mailed with the same mail: each attempt to send it made a token. */
export const useUpOfMessage = statement<{ messageId: string; kind: AccountTokenKind; now: Date }, never>(
  'use_up_tokens_of_message',
  (p) => sql`
    update account_tokens set used_at = ${p.now}
    where store_id = ${p.storeId} and message_id = ${p.messageId} and kind = ${p.kind}
      and used_at is null and revoked_at is null`,
);

/** Uses up all of the kind that the customer has. */
export const useUpOfCustomer = statement<{ customerId: string; kind: AccountTokenKind; now: Date }, never>(
  'use_up_tokens_of_customer',
  (p) => sql`
    update account_tokens set used_at = ${p.now}
    where store_id = ${p.storeId} and customer_id = ${p.customerId} and kind = ${p.kind}
      and used_at is null and revoked_at is null`,
);

const revoke = statement<
  { customerIds: readonly string[]; kinds: readonly AccountTokenKind[]; now: Date },
  never
>(
  'revoke_account_tokens',
  (p) => sql`
    update account_tokens set revoked_at = ${p.now}
    where store_id = ${p.storeId} and customer_id = any(${p.customerIds}::uuid[]) and kind = any(${p.kinds}::text[])
      and used_at is null and revoked_at is null`,
);

/** Makes unused tokens of these customers worthless. */
export const revokeAccountTokens = (
  tx: Tx,
  tokens: { customerIds: readonly string[]; kinds: readonly AccountTokenKind[]; now: Date },
): Promise<unknown> => revoke(tx, tokens);
