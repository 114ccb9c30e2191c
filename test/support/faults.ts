// What the fault tests share: how often, and clients that insist on an answer.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RemoteAnswer } from './remote.ts';

/** `FAULTS=full` is the full form, of `npm run faults`. */
export const isFullForm = process.env.FAULTS === 'full';

export const rounds = (short: number, full: number): number => (isFullForm ? full : short);

const PAUSE_MS = 20;

type Call = (
  method: string,
  path: string,
  body: unknown,
  headers: Record<string, string>,
) => Promise<RemoteAnswer>;

export interface Insisted {
  answer: RemoteAnswer;
  /** How often it was sent. */
  attempts: number;
}

/** Sends a request under one Idempotency-Key until it is answered by the service and not by its trouble. */
export async function insist(call: Call, method: string, path: string, body: unknown): Promise<Insisted> {
  const key = { 'idempotency-key': randomUUID() };
  for (let attempts = 1; ; attempts++) {
    const answer = await call(method, path, body, key).catch(() => undefined);
    const isOver = answer && answer.statusCode < 500 && answer.data?.code !== 'IDEMPOTENCY_IN_PROGRESS';
    if (isOver) return { answer, attempts };
    await sleep(PAUSE_MS);
  }
}

/** The n-th order of a test, of the customer with this email. */
export const orderOf = (email: string, total = 3_000_000_000) => ({
  email,
  status: 'confirmed',
  currency: 'EUR',
  placedAt: '2026-01-01T10:00:00Z',
  updatedAt: '2026-01-01T10:00:00Z',
  items: [{ productId: 'p1', title: 'Lamp', quantity: 1, unitPrice: total }],
  total,
});

/** A form with a file of `count` customers, `PREFIX-1@…` and so on. */
export function customersForm(prefix: string, count: number): FormData {
  const lines = Array.from({ length: count }, (_, n) => `${prefix}-${n + 1}@example.com,Customer ${n + 1}`);
  const form = new FormData();
  form.set('file', new Blob([`email,last_name\n${lines.join('\n')}\n`]), 'customers.csv');
  return form;
}

/** Sends the file of a form; the service's answer. */
export async function upload(
  url: string,
  { token }: { token: string },
  form: FormData,
  key: string = randomUUID(),
): Promise<RemoteAnswer> {
  const answer = await fetch(`${url}/v1/imports?kind=customers`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'idempotency-key': key },
    body: form,
  });
  const body = await answer.text();
  return {
    statusCode: answer.status,
    body,
    data: JSON.parse(body),
    headers: Object.fromEntries(answer.headers),
  };
}
