// Invitations in tests.
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import type { Answer, TestStore } from './harness.ts';
import { mailedTokens } from './mailed-links.ts';

/** A new guest with an address of their own; the id. */
export async function makeGuest(store: TestStore, input: object = {}): Promise<string> {
  const email = `${randomUUID()}@example.com`;
  const { data } = await store.call('POST', '/v1/customers', { email, ...input });
  return data.id;
}

export const invite = (store: TestStore, customerId: string): Promise<Answer> =>
  store.call('POST', `/v1/customers/${customerId}/invitation`, undefined, {
    'idempotency-key': randomUUID(),
  });

/** Sends the waiting invitations; tokens by mail. */
export const sendInvitations = (
  store: TestStore,
  owner: pg.Pool,
  mails: { at?: Date; ids?: readonly string[] } = {},
): Promise<Map<string, string>> => mailedTokens(store, owner, 'invitation', mails);

/** Invites and sends the mail; the token of its link. */
export async function invitedToken(
  store: TestStore,
  owner: pg.Pool,
  customerId: string,
  at?: Date,
): Promise<string> {
  const { data } = await invite(store, customerId);
  const tokens = await sendInvitations(store, owner, { ids: [data.messageId], ...(at && { at }) });
  const token = tokens.get(data.messageId);
  if (token === undefined) throw new Error(`No mail: ${JSON.stringify(data)}`);
  return token;
}
