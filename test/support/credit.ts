// Store credit in tests: a customer with an active account and the calls that tests make for them.
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import type { RemoteAnswer } from './remote.ts';

export interface Shopper {
  id: string;
  /** POST /v1/customers/{id}/credit{path}, with a fresh key unless one is given. */
  credit(path: string, body: object, key?: string): Promise<RemoteAnswer>;
  /** A grant that has to work. */
  grant(amount: number, more?: object): Promise<RemoteAnswer>;
}

interface Caller {
  call(method: string, url: string, body?: unknown, headers?: Record<string, string>): Promise<RemoteAnswer>;
}

export async function newShopper(store: Caller, accountStatus = 'active'): Promise<Shopper> {
  const made = await store.call('POST', '/v1/customers', {
    email: `${randomUUID()}@example.com`,
    accountStatus,
  });
  if (made.statusCode !== 201) throw new Error(made.body);
  return shopperOf(store, made.data.id);
}

/** The customer as seen through another app or token. */
export function shopperOf(store: Caller, id: string): Shopper {
  const credit = (path: string, body: object, key: string = randomUUID()) =>
    store.call('POST', `/v1/customers/${id}/credit${path}`, body, { 'idempotency-key': key });
  return {
    id,
    credit,
    async grant(amount, more = {}) {
      const granted = await credit('', { amount, currency: 'EUR', reason: 'Test', ...more });
      if (granted.statusCode !== 201) throw new Error(granted.body);
      return granted;
    },
  };
}

/** Changes settings of the store. */
export async function setStore(store: Caller, settings: object): Promise<void> {
  const set = await store.call('PATCH', '/v1/store', settings);
  if (set.statusCode !== 200) throw new Error(set.body);
}

const TABLES = [
  'ledger_accounts',
  'transfers',
  'transfer_notes',
  'lots',
  'allocations',
  'overdrafts',
  'holds',
  'messages',
  'events',
];

/** Rows of the store by table: what a rehearsal must leave alone. */
export async function countRows(owner: pg.Pool, storeId: string): Promise<Record<string, number>> {
  const counts = TABLES.map(
    (table) => `(select count(*)::int from ${table} where store_id = $1) as ${table}`,
  );
  return (await owner.query(`select ${counts.join(', ')}`, [storeId])).rows[0];
}

/** How answers of a race ended, by code: `{ 201: 3, INSUFFICIENT_CREDIT: 61 }`. */
export function tally(answers: readonly Pick<RemoteAnswer, 'statusCode' | 'data'>[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { statusCode, data } of answers) {
    const name = statusCode < 300 ? String(statusCode) : String(data?.code ?? statusCode);
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}
