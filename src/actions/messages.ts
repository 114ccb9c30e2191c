// Writing mails: a row in the transaction of what it tells of; the sender finds it there.
import type { Ctx } from '../context.ts';
import type { Tx } from '../db/connection.ts';
import { insertMessages, type NewMessageRow } from '../db/messages.ts';
import { MESSAGE_KINDS, type MessageClass, type MessageKind } from '../domain/mail/messages.ts';

/** A mail that somebody wants to be sent. */
export interface NewMessage {
  kind: MessageKind;
  /** Null: to `toEmail`, which is no customer's. */
  customerId: string | null;
  /** Instead of the customer's address. */
  toEmail?: string;
  /** Only for kinds that say it themselves. */
  class?: MessageClass;
  topic?: string;
  orderId?: string | null;
  templateId?: string;
  templateVersion?: number;
  /** Facts for the template; never a secret. */
  data?: Record<string, unknown>;
  /** What must be told once has a name. */
  reference?: string;
  /** Not before; now unless told. */
  sendAfter?: Date;
}

/** The row of a mail. */
export function newMessage(ctx: Ctx, message: NewMessage): NewMessageRow & { id: string } {
  const { kind, customerId, toEmail = null, data = {}, reference = null, sendAfter = ctx.now } = message;
  return {
    id: ctx.newId(),
    customerId,
    kind,
    class: message.class ?? MESSAGE_KINDS[kind],
    status: 'pending',
    reason: null,
    topic: message.topic ?? null,
    orderId: message.orderId ?? null,
    templateId: message.templateId ?? null,
    templateVersion: message.templateVersion ?? null,
    toEmail,
    data,
    actor: ctx.actor,
    reference,
    sendAfter,
    attempts: 0,
    createdAt: ctx.now,
  };
}

/** Adds mails to what is to be sent; resolves to their ids, without those whose reference is taken. */
export const queueMessages = (ctx: Ctx, tx: Tx, messages: readonly NewMessage[]): Promise<string[]> =>
  insertMessages(
    tx,
    messages.map((message) => newMessage(ctx, message)),
  );
