// The client of clients/typescript against a running service: what a person added to what the document says.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { createClientele, each, ProblemError } from 'clientele-client';
import { service } from '../../main-flow/main-flow.js';

const { baseUrl, token } = service();
const clientele = createClientele({ baseUrl, token });

const newEmail = (): string => `${randomUUID()}@example.com`;

/** The exception of a call that has to be refused. */
async function refusal(call: Promise<unknown>): Promise<ProblemError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof ProblemError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

test('a refusal is a ProblemError with code, status and request id', async () => {
  const email = newEmail();
  await clientele.createCustomer({ body: { email } });
  const error = await refusal(clientele.createCustomer({ body: { email } }));
  assert.equal(error.code, 'EMAIL_TAKEN');
  assert.equal(error.status, 409);
  assert.match(error.message, /^EMAIL_TAKEN: /);
  assert.equal(error.problem?.instance, error.response.headers.get('X-Request-Id'));
});

test('what is wrong with a body is told place by place', async () => {
  const error = await refusal(clientele.createCustomer({ body: { email: 'no address' } }));
  assert.equal(error.code, 'CUSTOMER_INVALID');
  assert.deepEqual(
    error.errors.map(({ pointer }) => pointer),
    ['/email'],
  );
});

test('each() goes over all pages of a list, and asks for a page only when it is needed', async () => {
  const lastName = randomUUID();
  const made = new Set<string>();
  for (let count = 0; count < 5; count++)
    made.add((await clientele.createCustomer({ body: { email: newEmail(), lastName } })).data.id);
  let asked = 0;
  const found = each((page) => {
    asked++;
    return clientele.listCustomers({ query: { ...page, q: lastName, limit: 2 } });
  });
  await found.next();
  assert.equal(asked, 1);
  let others = 0;
  for await (const customer of found) {
    assert(made.has(customer.id));
    others++;
  }
  assert.equal(others, 4);
  assert.equal(asked, 3);
});

test('an Idempotency-Key makes a repeat answer the first result', async () => {
  const { data: customer } = await clientele.createCustomer({
    body: { email: newEmail(), accountStatus: 'active' },
  });
  const grant = {
    path: { customerId: customer.id },
    headers: { 'Idempotency-Key': randomUUID() },
    body: { amount: 2500, currency: 'EUR', reason: 'Parcel arrived late' },
  };
  const first = await clientele.changeCredit(grant);
  const repeat = await clientele.changeCredit(grant);
  assert.equal(repeat.response.headers.get('Idempotency-Replayed'), 'true');
  assert.deepEqual(repeat.data, first.data);
});

test('If-Match with the ETag of an older version is refused', async () => {
  const { data: customer, response } = await clientele.createCustomer({ body: { email: newEmail() } });
  const update = {
    path: { customerId: customer.id },
    headers: { 'If-Match': response.headers.get('ETag') ?? '' },
    body: { firstName: 'Ada' },
  };
  assert.equal((await clientele.updateCustomer(update)).data.firstName, 'Ada');
  assert.equal((await refusal(clientele.updateCustomer(update))).code, 'VERSION_MISMATCH');
});

test('a token can be asked for before each request', async () => {
  let asked = 0;
  const renewing = createClientele({ baseUrl, token: async () => (asked++ === 0 ? 'stale' : token) });
  assert.equal((await refusal(renewing.getStore())).code, 'UNAUTHENTICATED');
  assert.equal((await renewing.getStore()).response.status, 200);
});

test('throwOnError: false hands the problem over instead', async () => {
  const { data, error } = await clientele.getCustomer({
    path: { customerId: '0199a3c4-7e1f-7a60-9d39-6f1f3f1f9a11' },
    throwOnError: false,
  });
  assert.equal(data, undefined);
  assert(error instanceof ProblemError);
  assert.equal(error.code, 'NOT_FOUND');
});

test('an answer that is no problem document is a ProblemError without a code', async () => {
  const beyond = createClientele({
    baseUrl,
    token,
    fetch: async () => new Response('<h1>Bad gateway</h1>', { status: 502, headers: { 'Retry-After': '7' } }),
  });
  const error = await refusal(beyond.getStore());
  assert.equal(error.code, undefined);
  assert.equal(error.status, 502);
  assert.equal(error.retryAfterSeconds, 7);
});

test('no answer at all is the error of fetch', async () => {
  const nowhere = createClientele({ baseUrl: 'http://127.0.0.1:1', token });
  await assert.rejects(nowhere.getStore(), TypeError);
});

test('an export is text', async () => {
  const { data } = await clientele.exportCustomers();
  assert.match(String(data), /^"?id"?,/);
});
