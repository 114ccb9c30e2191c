// The suppression list: putting addresses on it, lifting them, and asking about one.

import { addressHashOf, type MailSecrets } from '../clients/mail-identity.ts';
import type { Ctx } from '../context.ts';
import type { Tx } from '../db/connection.ts';
import { listOwners } from '../db/consents.ts';
import {
  findSuppression,
  lockSuppression,
  lockSuppressions,
  type SuppressionRow,
  updateSuppressions,
} from '../db/suppressions.ts';
import { normaliseEmail } from '../domain/emails.ts';
import {
  isSuppressed,
  lifted,
  type SuppressionCause,
  suppressionAfter,
  unlisted,
} from '../domain/mail/suppressions.ts';
import { Problem } from '../errors.ts';
import { type Happening, tell } from './timeline.ts';
import { write } from './write.ts';

/** What happened to an address. */
export interface SuppressionMark {
  /** Normalised. */
  email: string;
  addressHash: Buffer;
  cause: SuppressionCause;
  /** The mail that it happened to. */
  messageId?: string | null;
  note?: string | null;
}

/** The entry as the API shows it; its id is the fingerprint of the address. */
export type SuppressionEntry = Omit<SuppressionRow, 'addressHash' | 'active' | 'bounces' | 'countedSince'> & {
  id: string;
};

export const toSuppression = ({ addressHash, ...row }: SuppressionRow): SuppressionEntry => {
  const { active: _, bounces: __, countedSince: ___, ...shown } = row;
  return { id: addressHash.toString('hex'), ...shown };
};

const keyOf = ({ addressHash }: { addressHash: Buffer }): string => addressHash.toString('hex');

const newRow = (ctx: Ctx, { email, addressHash }: SuppressionMark): SuppressionRow => ({
  ...unlisted(ctx.now),
  addressHash,
  email,
  messageId: null,
  note: null,
  actor: ctx.actor,
  createdAt: ctx.now,
  updatedAt: ctx.now,
});

function afterMark(ctx: Ctx, row: SuppressionRow, mark: SuppressionMark): SuppressionRow {
  const after = suppressionAfter(row, mark.cause, ctx.now);
  const known = { ...row, ...after, email: mark.email, updatedAt: ctx.now };
  const wasInForce = isSuppressed(row, ctx.now);
  if (!isSuppressed(after, ctx.now) || (wasInForce && after.reason === row.reason)) return known;
  const { messageId = null, note = null } = mark;
  return { ...known, messageId, note, actor: ctx.actor, createdAt: wasInForce ? row.createdAt : ctx.now };
}

/** Tells of the addresses with the customers that have them now. */
async function tellOf(
  ctx: Ctx,
  tx: Tx,
  kind: 'suppression.added' | 'suppression.lifted',
  rows: readonly SuppressionRow[],
): Promise<void> {
  const emails = rows.flatMap(({ email }) => (email === null ? [] : [email]));
  const owners = await listOwners(tx, { emails, phones: [] });
  const idOf = new Map(owners.map(({ address, customerId }) => [address, customerId]));
  const happenings = rows.map(({ email, reason, until, messageId }): Happening => {
    const customerId = (email !== null && idOf.get(email)) || null;
    return { kind, customerId, data: { reason, ...(until && { until }), ...(messageId && { messageId }) } };
  });
  await tell(ctx, tx, ...happenings);
}

/**
 * Marks addresses in the transaction of what happened to them; several marks of one address count one after the other.
 * Resolves to the entries that came into force, or into force for a stronger reason.
 */
export async function suppress(
  ctx: Ctx,
  tx: Tx,
  marks: readonly SuppressionMark[],
): Promise<SuppressionRow[]> {
  if (marks.length === 0) return [];
  const wanted = new Map(marks.map((mark) => [keyOf(mark), newRow(ctx, mark)]));
  const before = new Map((await lockSuppressions(tx, [...wanted.values()])).map((row) => [keyOf(row), row]));
  const after = new Map(before);
  for (const mark of marks) {
    const row = after.get(keyOf(mark));
    if (row) after.set(keyOf(mark), afterMark(ctx, row, mark));
  }
  await updateSuppressions(tx, [...after.values()]);
  const added = [...after].flatMap(([key, row]) => {
    const old = before.get(key);
    const isNew = !old || !isSuppressed(old, ctx.now) || old.reason !== row.reason;
    return isNew && isSuppressed(row, ctx.now) ? [row] : [];
  });
  if (added.length > 0) await tellOf(ctx, tx, 'suppression.added', added);
  return added;
}

function emailNormOf(email: string): string {
  const norm = normaliseEmail(email);
  if (norm === undefined)
    throw new Problem('VALIDATION_FAILED', {
      errors: [{ pointer: '/email', message: 'is no email address' }],
    });
  return norm;
}

/**
 * Puts an address on the list by hand. One that is on it for a stronger reason stays there for that.
 * @throws Problem VALIDATION_FAILED
 */
export function addSuppression(
  ctx: Ctx,
  secrets: MailSecrets,
  { email, note = null }: { email: string; note?: string | null },
): Promise<SuppressionEntry> {
  return write(ctx, async (tx) => {
    const norm = emailNormOf(email);
    const addressHash = addressHashOf(secrets, ctx.storeId, norm);
    await suppress(ctx, tx, [{ email: norm, addressHash, cause: 'manual', note }]);
    const row = await findSuppression(tx, addressHash, ctx.now);
    if (!row) throw new Problem('CONFLICT');
    return toSuppression(row);
  });
}

const ENTRY_ID = /^[0-9a-f]{64}$/;

/** The hash of an address, or the one that an entry has for its id; undefined when it is neither. */
export function addressHashFrom(secrets: MailSecrets, storeId: string, address: string): Buffer | undefined {
  if (ENTRY_ID.test(address)) return Buffer.from(address, 'hex');
  const norm = normaliseEmail(address);
  return norm === undefined ? undefined : addressHashOf(secrets, storeId, norm);
}

/**
 * Lifts what is in force for an address, named by itself or by the id of its entry.
 * @throws Problem NOT_FOUND
 */
export function liftSuppression(ctx: Ctx, secrets: MailSecrets, address: string): Promise<void> {
  return write(ctx, async (tx) => {
    const addressHash = addressHashFrom(secrets, ctx.storeId, address);
    const row = addressHash && (await lockSuppression(tx, addressHash));
    if (!row || !isSuppressed(row, ctx.now)) throw new Problem('NOT_FOUND', { resource: 'suppression' });
    await updateSuppressions(tx, [{ ...row, ...lifted(row, ctx.now), updatedAt: ctx.now }]);
    await tellOf(ctx, tx, 'suppression.lifted', [row]);
  });
}
