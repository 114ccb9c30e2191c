// What an action receives: the store's database handle, the time, who acts and where to log.
import { v7 as uuidv7 } from 'uuid';
import type { Db } from './db/connection.ts';
import type { Sender } from './domain/mail/settings.ts';

/** The part of a pino logger that actions use. */
export interface Log {
  info(facts: object, message?: string): void;
  warn(facts: object, message?: string): void;
  error(facts: object, message?: string): void;
}

/** A stored request key: its effect and its answer are written in one transaction. */
export interface IdempotentRequest {
  credential: string;
  operation: string;
  key: string;
  fingerprint: Buffer;
  /** Set when the answer is the stored one of an earlier request. */
  replayed?: boolean;
}

export interface Ctx {
  db: Db;
  storeId: string;
  /** The time of the request or job; rules never ask the clock. */
  now: Date;
  /** `staff:<sub>`, `key:<id>`, `storefront`, `customer:<id>`, `job:<id>`, `system`. */
  actor: string;
  /** The customer who calls, on the storefront; whether they still may is for the action to look up. */
  customerId?: string;
  /** The session that the customer's token belongs to; a token that staff made has none. */
  sessionId?: string;
  log: Log;
  /** Who mails of a store come from that has no sender of its own; of the installation. */
  fallbackSender?: Sender | null;
  requestId?: string;
  idempotency?: IdempotentRequest;
  newId(): string;
}

/** UUID v7 (RFC 9562): sorts by time of creation, so new rows go to the end of every primary key. */
export const newId = (): string => uuidv7();

/** The context of work that no request started. */
export function systemContext(db: Db, log: Log, actor = 'system'): Ctx {
  return { db, storeId: db.storeId, now: new Date(), actor, log, newId };
}
