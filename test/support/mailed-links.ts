// Links of mails in tests: the mails are made here, as the sender makes them, and count as sent.
import type pg from 'pg';
import { CONTENT_MAKERS } from '../../src/actions/mail-contents.ts';
import { transaction } from '../../src/db/connection.ts';
import type { DueMessage } from '../../src/db/messages.ts';
import type { MessageKind } from '../../src/domain/mail/messages.ts';
import type { TestStore } from './harness.ts';

/** Tokens in the links of the store's waiting mails of a kind, by mail; none for mails that must not go. */
export async function mailedTokens(
  store: TestStore,
  owner: pg.Pool,
  kind: MessageKind,
  { at = new Date(), ids }: { at?: Date | undefined; ids?: readonly string[] | undefined } = {},
): Promise<Map<string, string>> {
  const { rows } = await owner.query<DueMessage>(
    `select id, customer_id as "customerId", to_email as "toEmail", data, topic from messages
     where store_id = $1 and kind = $2 and ($3::uuid[] is null or id = any($3))
       and status in ('pending', 'ready', 'deferred')`,
    [store.storeId, kind, ids ?? null],
  );
  const make = CONTENT_MAKERS[kind];
  if (!make) throw new Error(`Mails of the kind ${kind} have no links`);
  const ctx = store.ctx(at);
  const made = await transaction(ctx.db, (tx) => make({ ...ctx, db: tx }, tx, rows, (_, token) => token));
  await owner.query(
    `update messages set status = 'sent', sent_at = $3 where store_id = $1 and id = any($2::uuid[])`,
    [store.storeId, [...made.keys()], at],
  );
  return new Map([...made].map(([id, { links = {} }]) => [id, Object.values(links)[0] ?? '']));
}

/** The token in the one waiting mail of a kind. */
export async function mailedToken(store: TestStore, owner: pg.Pool, kind: MessageKind): Promise<string> {
  const [token, ...others] = (await mailedTokens(store, owner, kind)).values();
  if (token === undefined || others.length > 0) throw new Error(`Not one mail of the kind ${kind}`);
  return token;
}
