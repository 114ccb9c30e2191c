// Accounts of shoppers for tests: logging in, and the secrets that would be in their mails.
import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import type { FastifyInstance } from 'fastify';
import { ACCOUNT_MAILS } from '../../src/actions/account-mails.ts';
import { execute, transaction } from '../../src/db/connection.ts';
import type { DueMessage } from '../../src/db/messages.ts';
import { type Answer, call, type TestDatabase, type TestStore } from './harness.ts';

export const PASSWORD = 'correct horse battery staple';
export const OTHER_PASSWORD = 'a rather long sentence';

type Kind = keyof typeof ACCOUNT_MAILS;
type Waiting = Pick<DueMessage, 'id' | 'customerId' | 'toEmail' | 'data'>;

/** Mails of a kind that wait in the store, the oldest first. */
export const waitingMails = (store: TestStore, kind: Kind): Promise<Waiting[]> =>
  execute<Waiting>(
    store.ctx().db,
    sql`select id, customer_id as "customerId", to_email as "toEmail", data from messages
      where store_id = ${store.storeId} and kind = ${kind} and status = 'pending' order by id`,
  );

async function contentsOf(store: TestStore, kind: Kind, at: Date) {
  const mails = await waitingMails(store, kind);
  const ctx = store.ctx(at);
  const made = await transaction(ctx.db, (tx) =>
    ACCOUNT_MAILS[kind]({ ...ctx, db: tx }, tx, mails, (_purpose, token) => token),
  );
  return mails.map(({ id }) => made.get(id));
}

/** How many of the waiting mails of a kind would be sent, and how many not any more. */
export async function countMails(store: TestStore, kind: Kind): Promise<{ made: number; left: number }> {
  const contents = await contentsOf(store, kind, new Date());
  const made = contents.filter((content) => content !== undefined).length;
  return { made, left: contents.length - made };
}

/** Languages that the waiting mails of a kind ask for. */
export const languagesOf = async (store: TestStore, kind: Kind) =>
  (await contentsOf(store, kind, new Date())).map((content) => content?.language);

/**
 * Makes the waiting mails of a kind at an instant, as the sender would: the secret in each, undefined for those that are
 * not to be sent.
 */
export async function makeMails(
  store: TestStore,
  kind: Kind,
  at = new Date(),
): Promise<(string | undefined)[]> {
  return (await contentsOf(store, kind, at)).map((content) => Object.values(content?.links ?? {})[0]);
}

/** The secret in the latest waiting mail of a kind. */
export async function mailedToken(store: TestStore, kind: Kind, at?: Date): Promise<string> {
  const token = (await makeMails(store, kind, at)).at(-1);
  if (token === undefined) throw new Error(`No mail of the kind ${kind}`);
  return token;
}

export interface Shop extends TestStore {
  /** Asks as a page of the shop does. */
  page(method: string, path: string, body?: unknown): Promise<Answer>;
  /** Asks as a signed-in customer does. */
  as(accessToken: string, method: string, path: string, body?: unknown): Promise<Answer>;
  logIn(email: string, password?: string, ip?: string): Promise<Answer>;
}

/** The store as its pages call it. */
export function shopOf(app: FastifyInstance, store: TestStore): Shop {
  const ask = (credential: string, method: string, path: string, body?: unknown) =>
    call(app, credential, method, `/storefront/v1${path}`, body);
  return {
    ...store,
    page: (method, path, body) => ask(store.publishableKey, method, path, body),
    as: ask,
    logIn: async (email, password = PASSWORD, ip = '127.0.0.1') => {
      const answer = (await app.inject({
        method: 'POST',
        url: '/storefront/v1/login',
        remoteAddress: ip,
        headers: { authorization: `Bearer ${store.publishableKey}` },
        payload: { email, password },
      })) as Answer;
      return Object.assign(answer, { data: answer.json() });
    },
  };
}

/** Opens connections beforehand: requests at once meet each other in the database, not in the queue for the first one. */
export const openConnections = ({ pool }: TestDatabase): Promise<unknown> =>
  Promise.all(Array.from({ length: 12 }, () => pool.query('select pg_sleep(0.1)')));

export interface Shopper {
  id: string;
  email: string;
}

/** A customer with an active account, entered by staff. */
export async function shopper(
  store: TestStore,
  { email = `${randomUUID()}@example.com`, password = PASSWORD } = {},
): Promise<Shopper> {
  const made = await store.call('POST', '/v1/customers', { email, password });
  if (made.statusCode !== 201) throw new Error(made.body);
  return { id: made.data.id, email };
}
