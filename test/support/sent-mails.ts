// Mails in tests, in any state: written as an action writes them, then moved on as the sender would.
import type pg from 'pg';
import { type NewMessage, queueMessages } from '../../src/actions/messages.ts';
import { transaction } from '../../src/db/connection.ts';
import type { MessageStatus } from '../../src/domain/mail/messages.ts';
import type { TestStore } from './harness.ts';

/** Queues one mail; its id. */
export async function queueMail(store: TestStore, message: NewMessage, at = new Date()): Promise<string> {
  const ctx = store.ctx(at);
  const [id] = await transaction(ctx.db, (tx) => queueMessages({ ...ctx, db: tx }, tx, [message]));
  if (id === undefined) throw new Error('The reference is taken.');
  return id;
}

/** Puts a mail into a state. */
export async function setMail(
  owner: pg.Pool,
  id: string,
  change: { status?: MessageStatus; reason?: string; sentAt?: Date; campaignId?: string },
): Promise<void> {
  const { status = 'sent', reason = null, sentAt = null, campaignId = null } = change;
  await owner.query(
    `update messages set status = $2, reason = $3, sent_at = $4, campaign_id = coalesce($5, campaign_id) where id = $1`,
    [id, status, reason, sentAt, campaignId],
  );
}

/** A marketing mail that was sent at `sentAt`. */
export async function sentMarketing(
  store: TestStore,
  owner: pg.Pool,
  customerId: string,
  sentAt: Date,
): Promise<string> {
  const id = await queueMail(
    store,
    { kind: 'direct', class: 'marketing', topic: 'offers', customerId },
    sentAt,
  );
  await setMail(owner, id, { sentAt });
  return id;
}
