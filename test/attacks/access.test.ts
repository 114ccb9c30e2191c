// Every operation of the document × every credential that must not open it: refused with the right code, and nothing
// of anybody is told or changed. What somebody adds next is in the table by itself.
import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { SCOPES } from '../../src/domain/scopes.ts';
import { OPS_AUDIENCE, STOREFRONT_AUDIENCE } from '../../src/plugins/auth.ts';
import { signOpsToken, signToken } from '../../src/tokens.ts';
import { shopOf } from '../support/accounts.ts';
import { signClaims, signedInCustomer, staffClaims } from '../support/callers.ts';
import { type Answer, call, TEST_CONFIG, testApp, testDatabase, testStore } from '../support/harness.ts';
import { makeOneOfEverything } from '../support/one-of-everything.ts';
import {
  type CallerZone,
  documentOf,
  exampleBody,
  type Operation,
  operationsOf,
  pathWith,
  requiredQuery,
} from '../support/openapi-operations.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const document = documentOf(app);
const operations = operationsOf(document);
const store = await testStore(app, database);
const other = await testStore(app, database);
const customer = await signedInCustomer(store);
const stranger = await signedInCustomer(store);
const { data: strangersLogin } = await shopOf(app, store).logIn(stranger.email);
/** All of the store's things belong to somebody else than `customer`. */
const things = { ...(await makeOneOfEverything(store)), sessionId: strangersLogin.sessionId };

const ofZone = (zone: CallerZone): Operation[] => operations.filter((operation) => operation.zone === zone);

let asked = 0;
t.teardown(() => t.comment(`${asked} requests to ${operations.length} operations`));

interface Asked {
  ids?: Readonly<Record<string, string>>;
  credential?: string | undefined;
}

/** A request that would do something if it were let in: body, query and idempotency key are good. */
async function ask(operation: Operation, { ids = things, credential }: Asked): Promise<Answer> {
  asked++;
  const { method, path, parameters, body } = operation;
  const url = `${pathWith(path, ids)}${requiredQuery(parameters)}`;
  const headers = { 'idempotency-key': randomUUID() };
  const sent = body && exampleBody(document, body);
  if (credential !== undefined) return call(app, credential, method, url, sent, headers);
  const answer = (await app.inject({
    method: method as 'GET',
    url,
    headers,
    ...(sent && { payload: sent }),
  })) as Answer;
  return Object.assign(answer, { data: answer.json() });
}

/** What no refusal may change: everything that people keep, in all stores. */
async function snapshot(): Promise<unknown> {
  const { rows } = await database.owner.query(
    `select (select json_agg((id, version) order by id) from customers) as customers,
            (select json_agg((id, version) order by id) from segments) as segments,
            (select json_agg((id, version) order by id) from campaigns) as campaigns,
            (select json_agg((id, status) order by id) from messages) as messages,
            (select json_agg((id, revoked_at) order by id) from api_keys) as keys,
            (select json_agg((id, balance) order by id) from ledger_accounts) as accounts,
            (select json_agg((id, version) order by id) from stores) as stores,
            (select count(*) from events) as events, (select count(*) from jobs) as jobs,
            (select count(*) from customer_tags) as tags, (select count(*) from addresses) as addresses,
            (select count(*) from notes) as notes, (select count(*) from orders) as orders,
            (select count(*) from suppressions where active) as suppressions`,
  );
  return rows[0];
}

/** Runs requests that must all be refused, and looks whether anything has changed. */
const refuses = (name: string, run: (t: Test) => Promise<void>) =>
  t.test(name, async (t) => {
    const before = await snapshot();
    await run(t);
    t.same(await snapshot(), before, 'nothing has changed');
  });

const past = (claims: object) => ({ ...claims, exp: Math.floor(Date.now() / 1000) - 60 });
const staff = { ...staffClaims(store.storeId), scope: SCOPES.join(' ') };
const shopperClaims = { ...staff, aud: STOREFRONT_AUDIENCE, sub: customer.id, scope: '' };
const opsToken = signOpsToken(TEST_CONFIG, 60);

/** Good for somewhere, in the order of who they are. */
const CREDENTIALS: Record<string, { zones: readonly CallerZone[]; credential: string | undefined }> = {
  'no token': { zones: [], credential: undefined },
  garbage: { zones: [], credential: 'garbage' },
  'a secret key that nobody has': {
    zones: [],
    credential: `ck_${store.storeId.replaceAll('-', '')}_${'A'.repeat(43)}`,
  },
  'a publishable key that nobody has': {
    zones: [],
    credential: `pk_${store.storeId.replaceAll('-', '')}_${'A'.repeat(43)}`,
  },
  'an expired staff token': { zones: [], credential: signClaims(past(staff)) },
  'an expired token of a customer': { zones: [], credential: signClaims(past(shopperClaims)) },
  'an expired token of operations': {
    zones: [],
    credential: signClaims(past({ ...staff, aud: OPS_AUDIENCE })),
  },
  'a token for another audience': { zones: [], credential: signClaims({ ...staff, aud: 'somewhere-else' }) },
  'a staff token': { zones: ['staff'], credential: store.token },
  'the token of a customer': { zones: ['storefront', 'customer'], credential: customer.token },
  'the publishable key': { zones: ['storefront', 'customer'], credential: store.publishableKey },
  'a token of operations': { zones: ['ops'], credential: opsToken },
};

for (const [what, { zones, credential }] of Object.entries(CREDENTIALS)) {
  refuses(`${what} is 401 wherever it is not meant for`, async (t) => {
    const closed = operations.filter(({ zone }) => zone !== 'public' && !zones.includes(zone));
    for (const operation of closed) {
      const { statusCode, data } = await ask(operation, { credential });
      t.same({ statusCode, code: data.code }, { statusCode: 401, code: 'UNAUTHENTICATED' }, operation.name);
    }
  });
}

refuses('the publishable key alone opens nothing of a customer', async (t) => {
  for (const operation of ofZone('customer')) {
    const { data } = await ask(operation, { credential: store.publishableKey });
    t.equal(data.code, 'CUSTOMER_TOKEN_REQUIRED', operation.name);
  }
});

refuses(
  'a token with every scope but the one that is asked for is 403, and the scope is named',
  async (t) => {
    for (const operation of ofZone('staff')) {
      const scopes = SCOPES.filter((scope) => scope !== operation.scope);
      const credential = signToken(TEST_CONFIG, {
        storeId: store.storeId,
        subject: 'x',
        scopes,
        lifetimeSeconds: 60,
      });
      const { statusCode, data } = await ask(operation, { credential });
      t.match(
        { statusCode, ...data },
        { statusCode: 403, code: 'SCOPE_MISSING', required: operation.scope },
        operation.name,
      );
    }
  },
);

const bareKey = (await store.call('POST', '/v1/api-keys', { name: 'bare', scopes: ['ops:read'] })).data.key;

refuses('an API key without the scope opens nothing of staff', async (t) => {
  const wrong = ofZone('staff').filter(({ scope }) => scope !== 'ops:read');
  for (const operation of wrong) {
    const { data } = await ask(operation, { credential: bareKey });
    t.equal(data.code, 'SCOPE_MISSING', operation.name);
  }
});

/** Paths whose key is the caller's own: PUT makes the thing, so nothing foreign can be named. */
const OWN_KEYS = ['putOrder', 'upsertOrder'];
const namesSomething = ({ path, name }: Operation): boolean => path.includes('{') && !OWN_KEYS.includes(name);

refuses("another store's ids are 404 on every operation", async (t) => {
  for (const operation of ofZone('staff').filter(namesSomething)) {
    const { statusCode, data } = await ask(operation, { credential: other.token });
    t.equal(statusCode, 404, `${operation.name}: ${JSON.stringify(data)}`);
  }
});

/** Things of one customer; a provider is the store's. */
const namesOnesOwn = (operation: Operation): boolean =>
  namesSomething(operation) && !operation.path.includes('{providerKey}');

refuses('ids that another customer of the same store has are 404', async (t) => {
  const named = ofZone('customer').filter(namesOnesOwn);
  t.ok(named.length >= 5, `${named.length} operations`);
  for (const operation of named) {
    const { statusCode, data } = await ask(operation, { credential: customer.token });
    t.equal(statusCode, 404, `${operation.name}: ${JSON.stringify(data)}`);
  }
});
