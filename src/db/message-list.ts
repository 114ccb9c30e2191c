// Reading mails: one with its attempts and clicks, those of a customer, those of the store.
import { and, asc, desc, eq, lt, type SQL, sql } from 'drizzle-orm';
import type { MessageClass, MessageKind, MessageStatus } from '../domain/mail/messages.ts';
import type { PageStart } from '../domain/pages.ts';
import { type Db, prepared, type Tx } from './connection.ts';
import type { MessageRow } from './messages.ts';
import { messageAttempts, messageClicks, messages } from './tables/messages.ts';

export type AttemptRow = Omit<typeof messageAttempts.$inferSelect, 'storeId' | 'messageId'>;
export type ClickRow = Omit<typeof messageClicks.$inferSelect, 'storeId' | 'messageId' | 'id'>;

const find = prepared<{ id: string }>()('find_message', (queries, p) =>
  queries
    .select()
    .from(messages)
    .where(and(eq(messages.storeId, p.storeId), eq(messages.id, p.id))),
);

export const findMessage = async (db: Db, id: string): Promise<MessageRow | undefined> =>
  (await find(db, { id }))[0];

const lock = prepared<{ id: string }>()('lock_message', (queries, p) =>
  queries
    .select()
    .from(messages)
    .where(and(eq(messages.storeId, p.storeId), eq(messages.id, p.id)))
    .for('update'),
);

export const lockMessage = async (tx: Tx, id: string): Promise<MessageRow | undefined> =>
  (await lock(tx, { id }))[0];

export const updateMessage = (tx: Tx, id: string, change: Partial<MessageRow>): Promise<unknown> =>
  tx.use(({ queries }) =>
    queries
      .update(messages)
      .set(change)
      .where(and(eq(messages.storeId, tx.storeId), eq(messages.id, id))),
  );

const attempts = prepared<{ id: string }>()('list_message_attempts', (queries, p) =>
  queries
    .select({
      number: messageAttempts.number,
      outcome: messageAttempts.outcome,
      code: messageAttempts.code,
      response: messageAttempts.response,
      endedAt: messageAttempts.endedAt,
    })
    .from(messageAttempts)
    .where(and(eq(messageAttempts.storeId, p.storeId), eq(messageAttempts.messageId, p.id)))
    .orderBy(asc(messageAttempts.number)),
);

/** M4: every attempt, the first one first. */
export const listAttempts = (db: Db, id: string): Promise<AttemptRow[]> => attempts(db, { id });

const clicks = prepared<{ id: string }>()('list_message_clicks', (queries, p) =>
  queries
    .select({ url: messageClicks.url, machine: messageClicks.machine, clickedAt: messageClicks.clickedAt })
    .from(messageClicks)
    .where(and(eq(messageClicks.storeId, p.storeId), eq(messageClicks.messageId, p.id)))
    .orderBy(asc(messageClicks.id))
    .limit(100),
);

/** The first hundred clicks. */
export const listClicks = (db: Db, id: string): Promise<ClickRow[]> => clicks(db, { id });

export interface MessageFilter {
  customerId?: string | undefined;
  campaignId?: string | undefined;
  status?: MessageStatus | undefined;
  kind?: MessageKind | undefined;
  class?: MessageClass | undefined;
}

const wanted = <Column>(column: Column, value: unknown): SQL | undefined =>
  value === undefined ? undefined : sql`${column} = ${value}`;

/** Mails, the newest first. */
export const listMessages = (
  db: Db,
  filter: MessageFilter,
  { after, limit }: PageStart<[id: string]>,
): Promise<MessageRow[]> =>
  db.use(({ queries }) =>
    queries
      .select()
      .from(messages)
      .where(
        and(
          eq(messages.storeId, db.storeId),
          wanted(messages.customerId, filter.customerId),
          wanted(messages.campaignId, filter.campaignId),
          wanted(messages.status, filter.status),
          wanted(messages.kind, filter.kind),
          wanted(messages.class, filter.class),
          after ? lt(messages.id, after[0]) : undefined,
        ),
      )
      .orderBy(desc(messages.id))
      .limit(limit),
  );
