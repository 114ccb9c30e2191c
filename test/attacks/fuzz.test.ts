// Requests that the document allows, by the thousand: never a failure on our side, never refused as unreadable, and
// every answer as the document says. ATTACK_RUNS asks for more of each operation, ATTACK_SEED repeats a run.
import { randomInt, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import { createArbitraries, type Generated } from '../support/arbitraries.ts';
import { signedInCustomer } from '../support/callers.ts';
import { type Answer, call, testApp, testDatabase, testStore } from '../support/harness.ts';
import { makeOneOfEverything } from '../support/one-of-everything.ts';
import { type CallerZone, documentOf, type Operation, operationsOf } from '../support/openapi-operations.ts';

const runs = Number(process.env.ATTACK_RUNS ?? 8);
const seed = Number(process.env.ATTACK_SEED ?? randomInt(2 ** 31 - 1));
t.setTimeout(60_000 + runs * 20_000);
t.comment(`ATTACK_SEED=${seed} ATTACK_RUNS=${runs}`);

const database = await testDatabase(t);
const app = await testApp(t, database);
const document = documentOf(app);
const store = await testStore(app, database);
const customer = await signedInCustomer(store);
const things: Record<string, string> = { ...(await makeOneOfEverything(store)), storeId: store.storeId };
const { requestOf } = createArbitraries(
  document,
  Object.values(things).filter((id) => /^[\da-f-]{36}$/.test(id)),
);

const CREDENTIALS: Record<CallerZone, string> = {
  staff: store.token,
  storefront: store.publishableKey,
  customer: customer.token,
  ops: '',
  public: '',
};

const queryOf = (query: Generated['query']): string => {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    [value].flat().map((one): [string, string] => [name, String(one)]),
  );
  return pairs.length > 0 ? `?${new URLSearchParams(pairs)}` : '';
};

function send({ method, path, zone }: Operation, { path: ids, query, body }: Generated): Promise<Answer> {
  const url = path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(ids[name] ?? ''));
  const headers = { 'content-type': 'application/json', 'idempotency-key': randomUUID() };
  const payload = body === undefined ? undefined : JSON.stringify(body);
  return call(app, CREDENTIALS[zone], method, `${url}${queryOf(query)}`, payload, headers);
}

/** The provider that is there in the store listens nowhere. */
const isOurFailure = ({ statusCode, data }: Answer): boolean =>
  statusCode >= 500 && data?.code !== 'IDENTITY_PROVIDER_UNAVAILABLE';

/** Rules about several properties, which no schema of ours can tell. */
const BEYOND_SCHEMAS = /^Give (only one|query or)/;

/** Refused by a schema, which names the part of the request, or as no JSON: neither may be of what the contract allows. */
const isUnreadable = ({ data }: Answer): boolean =>
  data?.code === 'MALFORMED_JSON' ||
  (data?.code === 'VALIDATION_FAILED' &&
    data.errors.some(
      (mistake: { in?: string; message: string }) =>
        mistake.in !== undefined && !BEYOND_SCHEMAS.test(mistake.message),
    ));

// Readiness is 503 without a queue: its answer is looked at in the suites of operations.
const NOT_READY = 'getReadiness';

// What takes things away comes last, so that there is something to ask about before.
const isLast = ({ method }: Operation): number => Number(method === 'DELETE');
const operations = operationsOf(document)
  .filter(({ isStream, zone, name }) => !isStream && zone !== 'ops' && name !== NOT_READY)
  .toSorted((left, right) => isLast(left) - isLast(right));

const statuses = new Map<number, number>();
t.teardown(() => {
  const told = [...statuses]
    .sort(([left], [right]) => left - right)
    .map(([status, count]) => `${count} × ${status}`);
  t.comment(`${operations.length} operations: ${told.join(', ')}`);
});

for (const operation of operations) {
  t.test(operation.name, async () => {
    const property = fc.asyncProperty(requestOf(operation, things), async (request) => {
      const answer = await send(operation, request);
      statuses.set(answer.statusCode, (statuses.get(answer.statusCode) ?? 0) + 1);
      if (isOurFailure(answer) || isUnreadable(answer))
        throw new Error(`${answer.statusCode} ${answer.body.slice(0, 1_000)}`);
    });
    await fc.assert(property, { seed, numRuns: runs, interruptAfterTimeLimit: 10_000 });
  });
}
