// Mailed secrets (I1–I3): made when a mail is rendered, used once.
import { createHash, randomBytes } from 'node:crypto';
import type { Ctx } from '../context.ts';
import {
  type AccountToken,
  findAccountToken,
  insertAccountTokens,
  revokeAccountTokens,
  useAccountToken,
  useUpOfCustomer,
  useUpOfMessage,
} from '../db/account-tokens.ts';
import type { Db, Tx } from '../db/connection.ts';
import { lockCustomer } from '../db/customers.ts';
import {
  ACCOUNT_TOKEN_KINDS,
  type AccountTokenKind,
  formatToken,
  judgeToken,
  ONE_AT_A_TIME,
  SECRET_BYTES,
  storeOfToken,
  TOKEN_WAYS_OUT,
} from '../domain/accounts/tokens.ts';
import { Problem } from '../errors.ts';

/** SHA-256 is enough for 256 random bits; slow hashes are for passwords. */
export const hashToken = (text: string): Buffer => createHash('sha256').update(text).digest();

/** What a token is to open, and until when. */
export interface TokenWish {
  kind: AccountTokenKind;
  /** Null: of an address that is no customer's. */
  customerId: string | null;
  /** The mail that carries it. */
  messageId: string | null;
  data?: Record<string, unknown>;
  expiresAt: Date;
}

/** Makes tokens in the transaction that takes the lease of their mails; texts in the order of the wishes. */
export async function mintTokens(ctx: Ctx, tx: Tx, wishes: readonly TokenWish[]): Promise<string[]> {
  const texts = wishes.map(() => formatToken(ctx.storeId, randomBytes(SECRET_BYTES)));
  const rows = wishes.map((wish, at) => ({
    storeId: ctx.storeId,
    secretHash: hashToken(texts[at] as string),
    kind: wish.kind,
    customerId: wish.customerId,
    messageId: wish.messageId,
    data: wish.data ?? {},
    expiresAt: wish.expiresAt,
    usedAt: null,
    revokedAt: null,
    createdAt: ctx.now,
  }));
  if (rows.length > 0) await insertAccountTokens(tx, rows);
  return texts;
}

/** The store whose token this claims to be, for pages without a credential; undefined for a text that is no token. */
export function parseToken(text: string): { storeId: string; hash: Buffer } | undefined {
  const storeId = storeOfToken(text);
  return storeId === undefined ? undefined : { storeId, hash: hashToken(text) };
}

export interface FoundToken {
  verdict: 'usable' | 'expired' | 'unknown';
  /** There unless it is unknown. */
  token?: AccountToken;
}

/** What the text opens. It costs one look at one index whatever the verdict, also for a text that is no token (I3). */
export async function findToken(db: Db, text: string, kind: AccountTokenKind, at: Date): Promise<FoundToken> {
  const token = await findAccountToken(db, { secretHash: hashToken(text), kind });
  const verdict = judgeToken(token, at);
  return token && verdict !== 'unknown' ? { verdict, token } : { verdict };
}

/**
 * The usable token of the text; nothing is used up.
 * @throws Problem PASSWORD_TOKEN_EXPIRED with the way out, TOKEN_UNKNOWN
 */
export async function readToken(
  ctx: Pick<Ctx, 'now'>,
  db: Db,
  text: string,
  kind: AccountTokenKind,
): Promise<AccountToken> {
  const { verdict, token } = await findToken(db, text, kind, ctx.now);
  if (verdict === 'expired') throw new Problem('PASSWORD_TOKEN_EXPIRED', { wayOut: TOKEN_WAYS_OUT[kind] });
  if (!token) throw new Problem('TOKEN_UNKNOWN');
  return token;
}

async function useUpRest(ctx: Ctx, tx: Tx, { kind, customerId, messageId }: AccountToken): Promise<void> {
  if (customerId && ONE_AT_A_TIME.has(kind)) await useUpOfCustomer(tx, { customerId, kind, now: ctx.now });
  else if (messageId) await useUpOfMessage(tx, { messageId, kind, now: ctx.now });
}

/**
 * I1: uses the token, and with it all that were mailed for the same errand. The customer's row is locked, so that of two
 * uses at once one wins.
 * @throws Problem PASSWORD_TOKEN_EXPIRED with the way out, TOKEN_UNKNOWN
 */
export async function useToken(
  ctx: Ctx,
  tx: Tx,
  text: string,
  kind: AccountTokenKind,
): Promise<AccountToken> {
  const token = await readToken(ctx, tx, text, kind);
  if (token.customerId) await lockCustomer(tx, token.customerId);
  if (!(await useAccountToken(tx, { secretHash: token.secretHash, kind, now: ctx.now })))
    throw new Problem('TOKEN_UNKNOWN');
  await useUpRest(ctx, tx, token);
  return token;
}

/** Links that were mailed to these customers open nothing from now on; all kinds unless told. */
export const revokeTokens = async (
  ctx: Ctx,
  tx: Tx,
  customerIds: readonly string[],
  kinds: readonly AccountTokenKind[] = ACCOUNT_TOKEN_KINDS,
): Promise<void> => {
  if (customerIds.length > 0) await revokeAccountTokens(tx, { customerIds, kinds, now: ctx.now });
};
