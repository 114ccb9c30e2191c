// Log-in with identity providers, against a real provider on a socket and against one that forges.
import t from 'tap';
import { beginIdentityLogin, finishIdentityLogin } from '../../src/actions/identity-logins.ts';
import type { IdentityDesk } from '../../src/actions/identity-providers.ts';
import { mayAsk } from '../../src/clients/guarded-fetch.ts';
import type { IdentityClient } from '../../src/clients/identity-provider.ts';
import { deleteExpiredLogins } from '../../src/db/identity-providers.ts';
import { deriveSecret } from '../../src/plugins/auth.ts';
import {
  type Answer,
  call,
  TEST_CONFIG,
  type TestStore,
  testApp,
  testDatabase,
  testStore,
} from '../support/harness.ts';
import {
  client,
  type Forgery,
  type ForgingServer,
  REDIRECT,
  SHOP,
  startForgingServer,
  startIdentityServer,
} from '../support/identity-provider.ts';
import { toldEvents } from '../support/told-events.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const server = await startIdentityServer(t);

interface Shop extends TestStore {
  /** As a page of the shop, or with the token of a customer. */
  visit(method: string, url: string, body?: unknown, token?: string): Promise<Answer>;
}

const secretOf = (name: string): string => String(client(name).client_secret);

async function addProvider(store: TestStore, key: string, issuer: string, clientId = 'shop') {
  const provider = { key, name: key, issuer, clientId, clientSecret: secretOf(clientId) };
  const { data, statusCode } = await store.call('POST', '/v1/identity-providers', provider);
  if (statusCode !== 201) throw new Error(JSON.stringify(data));
}

async function openShop(): Promise<Shop> {
  const store = await testStore(app, database);
  await store.call('PATCH', '/v1/store', { corsOrigins: [SHOP] });
  await addProvider(store, 'real', server.issuer);
  return {
    ...store,
    visit: (method, url, body, token = store.publishableKey) =>
      call(app, token, method, `/storefront/v1${url}`, body),
  };
}

const begin = async (shop: Shop, key = 'real'): Promise<{ authorizationUrl: string; state: string }> =>
  (await shop.visit('POST', `/identity-providers/${key}/authorize`, { redirectUri: REDIRECT })).data;

/** The whole way of one person. */
async function logIn(shop: Shop, person: string): Promise<Answer> {
  const { authorizationUrl } = await begin(shop);
  const back = await server.visit(authorizationUrl, person);
  return shop.visit('POST', '/identity-providers/real/callback', back);
}

async function link(shop: Shop, token: string, person: string, finishedBy = token): Promise<Answer> {
  const begun = await shop.visit('POST', '/me/identities/real/authorize', { redirectUri: REDIRECT }, token);
  const back = await server.visit(begun.data.authorizationUrl, person);
  return shop.visit('POST', '/me/identities/real/callback', back, finishedBy);
}

let people = 0;
/** Somebody at the provider whose address is verified unless told. */
function somebody(verified: boolean | undefined = true): { sub: string; email: string } {
  const sub = `person-${++people}`;
  const email = `${sub}@example.com`;
  server.people.set(sub, {
    email,
    ...(verified !== undefined && { email_verified: verified }),
    given_name: 'Ada',
    family_name: 'Lovelace',
    locale: 'en-GB',
  });
  return { sub, email };
}

const customerOf = async (store: TestStore, id: string) =>
  (await store.call('GET', `/v1/customers/${id}`)).data;

async function tokenOf(store: TestStore, customer: object): Promise<{ id: string; token: string }> {
  const { data } = await store.call('POST', '/v1/customers', customer);
  const made = await store.call('POST', `/v1/customers/${data.id}/storefront-tokens`, {});
  return { id: data.id, token: made.data.token };
}

const codeOf = ({ data }: Answer): string | undefined => data?.code;

t.test('staff keep providers; the client secret goes in and never comes out', async (t) => {
  const store = await testStore(app, database);
  const provider = {
    key: 'google',
    name: 'Google',
    issuer: 'https://accounts.google.com',
    clientId: 'shop',
    clientSecret: 'canary-of-a-secret',
    scopes: ['email', 'openid', 'email'],
  };
  const made = await store.call('POST', '/v1/identity-providers', provider);
  t.equal(made.statusCode, 201);
  t.equal(made.headers.location, '/v1/identity-providers/google');
  t.match(made.data, { key: 'google', scopes: ['openid', 'email'], enabled: true, version: 1 });
  t.equal(codeOf(await store.call('POST', '/v1/identity-providers', provider)), 'IDENTITY_PROVIDER_TAKEN');
  const one = '/v1/identity-providers/google';
  const stale = await store.call('PATCH', one, { name: 'G' }, { 'if-match': '"7"' });
  t.equal(codeOf(stale), 'VERSION_MISMATCH');
  const same = await store.call('PATCH', one, { name: 'Google' });
  t.equal(same.data.version, 1, 'a patch that changes nothing keeps the version');
  const changed = await store.call('PATCH', one, { clientSecret: 'canary-of-another', enabled: false });
  t.match(changed.data, { version: 2, enabled: false });
  t.equal((await store.call('PATCH', one, { issuer: 'https://evil.example' })).statusCode, 400);
  t.match((await store.call('GET', one)).headers, { etag: '"2"' });
  const list = await store.call('GET', '/v1/identity-providers');
  t.equal(list.data.data.length, 1);
  const offers = await call(app, store.publishableKey, 'GET', '/storefront/v1/identity-providers');
  t.same(offers.data, { data: [] }, 'what is switched off is not offered');
  const told = await toldEvents(store, 'identity_provider', ({ length }) => length >= 2);
  t.equal(told.length, 2);
  const stored = await database.owner.query(
    `select encode(client_secret, 'escape') as sealed from identity_providers where store_id = $1`,
    [store.storeId],
  );
  const everything =
    [made, changed, list].map((answer) => answer.body).join() + JSON.stringify(told) + stored.rows[0].sealed;
  t.notMatch(everything, 'canary');
  t.equal((await store.call('DELETE', one)).statusCode, 204);
  t.equal((await store.call('GET', one)).statusCode, 404);
});

t.test('a secret that was moved to another provider or store cannot be opened', async (t) => {
  const shop = await openShop();
  await addProvider(shop, 'moved', server.issuer, 'other-shop');
  await database.owner.query(
    `update identity_providers set client_secret = (
       select client_secret from identity_providers where store_id = $1 and key = 'real')
     where store_id = $1 and key = 'moved'`,
    [shop.storeId],
  );
  const url = '/identity-providers/moved/authorize';
  await t.rejects(shop.visit('POST', url, { redirectUri: REDIRECT }), { message: /the status 500/ });
});

t.test('an issuer is https on the public internet, or loopback outside production', async (t) => {
  const store = await testStore(app, database);
  const add = (issuer: string) =>
    store.call('POST', '/v1/identity-providers', {
      key: 'a',
      name: 'A',
      issuer,
      clientId: 'a',
      clientSecret: 'a',
    });
  for (const issuer of [
    'http://accounts.example.com',
    'https://10.0.0.1',
    'https://127.0.0.1',
    'https://0x7f.1',
    'https://169.254.169.254',
    'https://192.168.0.1:8443/realm',
    'https://[::1]',
    'https://[::ffff:10.0.0.1]',
    'https://[fd00::1]',
    'https://localhost',
    'https://user:pass@example.com',
    'https://example.com/?a=b',
    'https://example.com/#a',
    'file:///etc/passwd',
    'example.com',
  ])
    t.match((await add(issuer)).data, { code: 'IDENTITY_PROVIDER_INVALID' }, issuer);
  const production = { allowLoopback: false };
  t.notOk(mayAsk(new URL(server.issuer), production), 'loopback is not asked in production');
  t.ok(mayAsk(new URL(server.issuer), { allowLoopback: true }));
  t.ok(mayAsk(new URL('https://accounts.google.com'), production));
});

t.test('one looks for the page to come back to among the pages of the store', async (t) => {
  const shop = await openShop();
  const ask = (redirectUri: string) =>
    shop.visit('POST', '/identity-providers/real/authorize', { redirectUri });
  for (const wrong of [
    'https://evil.example/login',
    'https://shop.example.com.evil.example/',
    'https://shop.example.com@evil.example/',
    'http://shop.example.com/login',
    'https://shop.example.com:8443/login',
    'https://shop.example.com/login?next=/',
    'https://shop.example.com/login#a',
    'javascript:alert(1)',
  ])
    t.equal(codeOf(await ask(wrong)), 'REDIRECT_URI_INVALID', wrong);
  const right = await ask(REDIRECT);
  t.equal(right.statusCode, 200);
  t.equal(right.headers['cache-control'], 'no-store');
  const { searchParams } = new URL(right.data.authorizationUrl);
  t.match(Object.fromEntries(searchParams), {
    client_id: 'shop',
    response_type: 'code',
    redirect_uri: REDIRECT,
    code_challenge_method: 'S256',
    state: right.data.state,
  });
  t.ok(searchParams.get('nonce'));
  t.equal(
    (await shop.visit('POST', '/identity-providers/none/authorize', { redirectUri: REDIRECT })).statusCode,
    404,
  );
});

t.test('C3 C4 the first log-in makes an active customer, the next one finds it by its subject', async (t) => {
  const shop = await openShop();
  const { sub, email } = somebody();
  const first = await logIn(shop, sub);
  t.equal(first.statusCode, 200, first.body);
  t.equal(first.headers['cache-control'], 'no-store');
  t.match(first.data, { customer: { email, firstName: 'Ada' }, expiresIn: 900 });
  t.ok(first.data.accessToken);
  t.ok(first.data.refreshToken);
  const customer = await customerOf(shop, first.data.customer.id);
  t.match(customer, {
    accountStatus: 'active',
    source: 'registration',
    email,
    lastName: 'Lovelace',
    language: 'en-GB',
  });
  t.ok(customer.registeredAt);
  server.people.set(sub, { email: 'moved@example.com', email_verified: false });
  const second = await logIn(shop, sub);
  t.equal(second.data.customer.id, customer.id, 'the subject says who it is, not the address');
  const mine = await shop.visit('GET', '/me/identities', undefined, second.data.accessToken);
  t.match(mine.data.data, [{ key: 'real', email }]);
  const sessions = await shop.visit('GET', '/me/sessions', undefined, second.data.accessToken);
  t.match(sessions.data.data[0], { method: 'oidc', provider: 'real' });
  const timeline = await shop.call('GET', `/v1/customers/${customer.id}/timeline`);
  const kinds = timeline.data.data.map((event: { kind: string }) => event.kind);
  for (const kind of ['customer.created', 'login.linked', 'login.succeeded'])
    t.ok(kinds.includes(kind), kind);
});

t.test(
  'C3 guest and invited customers of the verified address become active and keep their id',
  async (t) => {
    const shop = await openShop();
    for (const invite of [false, true]) {
      const { sub, email } = somebody();
      const { data: guest } = await shop.call('POST', '/v1/customers', { email, firstName: 'Augusta' });
      const headers = { 'idempotency-key': crypto.randomUUID() };
      if (invite) await shop.call('POST', `/v1/customers/${guest.id}/invitation`, {}, headers);
      const answer = await logIn(shop, sub);
      t.equal(answer.data.customer.id, guest.id);
      t.match(await customerOf(shop, guest.id), {
        accountStatus: 'active',
        firstName: 'Augusta',
        lastName: 'Lovelace',
      });
    }
    const { sub, email } = somebody();
    const { data: active } = await shop.call('POST', '/v1/customers', { email, accountStatus: 'active' });
    t.equal((await logIn(shop, sub)).data.customer.id, active.id, 'an active account is linked');
    t.equal((await customerOf(shop, active.id)).version, 1, 'and not changed');
  },
);

t.test('a disabled account is refused, before and after it was linked', async (t) => {
  const shop = await openShop();
  const { sub, email } = somebody();
  const { data } = await shop.call('POST', '/v1/customers', { email, accountStatus: 'active' });
  const disable = (accountStatus: string) =>
    shop.call('PATCH', `/v1/customers/${data.id}`, { accountStatus });
  await disable('disabled');
  t.equal(codeOf(await logIn(shop, sub)), 'ACCOUNT_DISABLED');
  await disable('active');
  t.equal((await logIn(shop, sub)).statusCode, 200);
  await disable('disabled');
  t.equal(codeOf(await logIn(shop, sub)), 'ACCOUNT_DISABLED');
});

t.test('an address that the provider does not vouch for links nobody and makes nobody', async (t) => {
  const shop = await openShop();
  for (const verified of [false, undefined]) {
    const { sub, email } = somebody(verified);
    if (verified === undefined) server.people.set(sub, { email });
    const { data: victim } = await shop.call('POST', '/v1/customers', { email, accountStatus: 'active' });
    const answer = await logIn(shop, sub);
    t.equal(answer.statusCode, 422);
    t.equal(codeOf(answer), 'IDENTITY_EMAIL_UNVERIFIED');
    const links = await database.owner.query('select * from linked_identities where customer_id = $1', [
      victim.id,
    ]);
    t.equal(links.rowCount, 0);
  }
  server.people.set('nameless', {});
  t.equal(codeOf(await logIn(shop, 'nameless')), 'IDENTITY_EMAIL_UNVERIFIED');
  await shop.call('PATCH', '/v1/store', { accounts: 'none' });
  t.equal(codeOf(await logIn(shop, somebody().sub)), 'ACCOUNTS_NOT_OFFERED');
});

/** A desk whose provider names one person, to all who wait for it at the same moment. */
function deskOf(email: string, waiting: number): IdentityDesk {
  let open: () => void = () => {};
  const gate = new Promise<void>((done) => {
    open = done;
  });
  const named = { email, emailNorm: email, emailVerified: true };
  const person = { ...named, subject: email, firstName: null, lastName: null, language: null };
  let arrived = 0;
  const client: IdentityClient = {
    begin: async (_provider, request) => ({
      ...request,
      nonce: '',
      codeVerifier: '',
      authorizationUrl: SHOP,
    }),
    finish: async () => {
      if (++arrived === waiting) open();
      await gate;
      return person;
    },
  };
  return {
    client,
    sealingKey: deriveSecret(String(TEST_CONFIG.APP_SECRET), 'identity-providers'),
    mayAsk: () => true,
  };
}

t.test('many log-ins of one new person at once make one customer', async (t) => {
  for (let round = 0; round < 5; round++) {
    const shop = await openShop();
    const desk = deskOf(`round-${round}@example.com`, 8);
    const states = await Promise.all(
      Array.from({ length: 8 }, () =>
        beginIdentityLogin(shop.ctx(), desk, 'real', { redirectUri: REDIRECT }),
      ),
    );
    const grants = await Promise.all(
      states.map(({ state }) => finishIdentityLogin(shop.ctx(), desk, 'real', { state, code: 'any' }, {})),
    );
    t.equal(new Set(grants.map(({ customer }) => customer.id)).size, 1);
    t.equal(new Set(grants.map(({ sessionId }) => sessionId)).size, 8);
  }
});

t.test(
  'a state is good once, for ten minutes, with its provider, in its store, for its purpose',
  async (t) => {
    const shop = await openShop();
    await addProvider(shop, 'twin', server.issuer);
    const { sub } = somebody();
    const callback = (back: object, key = 'real') =>
      shop.visit('POST', `/identity-providers/${key}/callback`, back);
    const back = await server.visit((await begin(shop)).authorizationUrl, sub);
    t.equal(codeOf(await callback(back, 'twin')), 'IDENTITY_STATE_INVALID', 'another provider');
    const other = await openShop();
    const foreign = await other.visit('POST', '/identity-providers/real/callback', back);
    t.equal(codeOf(foreign), 'IDENTITY_STATE_INVALID', 'another store');
    const { token } = await tokenOf(shop, { email: 'signed-in@example.com', accountStatus: 'active' });
    const asLink = await shop.visit('POST', '/me/identities/real/callback', back, token);
    t.equal(codeOf(asLink), 'IDENTITY_STATE_INVALID', 'a log-in links nobody');
    t.equal((await callback(back)).statusCode, 200, 'none of that used it up');
    t.equal(codeOf(await callback(back)), 'IDENTITY_STATE_INVALID', 'replayed');
    t.equal(codeOf(await callback({ ...back, state: 'made-up' })), 'IDENTITY_STATE_INVALID', 'made up');
    const late = await server.visit((await begin(shop)).authorizationUrl, sub);
    await database.owner.query(
      `update identity_logins set expires_at = now() - interval '1 second' where store_id = $1`,
      [shop.storeId],
    );
    t.equal(codeOf(await callback(late)), 'IDENTITY_STATE_INVALID', 'expired');
    const racing = await server.visit((await begin(shop)).authorizationUrl, sub);
    const codes = (await Promise.all([callback(racing), callback(racing)])).map(
      ({ statusCode }) => statusCode,
    );
    t.same(codes.sort(), [200, 422], 'of two at once one wins');
  },
);

t.test('log-ins that nobody can finish any more are cleaned away', async (t) => {
  const shop = await openShop();
  await begin(shop);
  await begin(shop);
  const count = async () => {
    const question = 'select count(*)::int as count from identity_logins where store_id = $1';
    return (await database.owner.query(question, [shop.storeId])).rows[0].count;
  };
  const { db } = shop.ctx();
  await deleteExpiredLogins(db, { now: new Date(Date.now() + 9 * 60_000) });
  t.equal(await count(), 2);
  await deleteExpiredLogins(db, { now: new Date(Date.now() + 11 * 60_000) });
  t.equal(await count(), 0);
});

t.test('a code of another log-in, of another client, or brought by another issuer is refused', async (t) => {
  const shop = await openShop();
  await addProvider(shop, 'other', server.issuer, 'other-shop');
  const callback = (back: object) => shop.visit('POST', '/identity-providers/real/callback', back);
  const victim = await server.visit((await begin(shop)).authorizationUrl, somebody().sub);
  const attacker = await begin(shop);
  const injected = await callback({ ...victim, state: attacker.state });
  t.equal(codeOf(injected), 'IDENTITY_REFUSED', 'a stolen code fits no other verifier (PKCE)');
  const strange = await server.visit((await begin(shop, 'other')).authorizationUrl, somebody().sub);
  const mine = await begin(shop);
  t.equal(codeOf(await callback({ ...strange, state: mine.state })), 'IDENTITY_REFUSED', 'another client');
  const mixedUp = await server.visit((await begin(shop)).authorizationUrl, somebody().sub);
  const wrongIssuer = await callback({ ...mixedUp, iss: 'https://evil.example' });
  t.equal(codeOf(wrongIssuer), 'IDENTITY_REFUSED', 'mix-up (RFC 9207)');
  const silent = await server.visit((await begin(shop)).authorizationUrl, somebody().sub);
  const { iss: _, ...withoutIssuer } = silent;
  t.equal(codeOf(await callback(withoutIssuer)), 'IDENTITY_REFUSED', 'the issuer left out');
});

/** A shop whose provider forges, with a log-in under way there. */
async function begunAtForger(forging: ForgingServer) {
  const shop = await openShop();
  await addProvider(shop, 'forged', forging.issuer);
  const { authorizationUrl, state } = await begin(shop, 'forged');
  const nonce = new URL(authorizationUrl).searchParams.get('nonce') ?? '';
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: forging.issuer,
    aud: 'shop',
    sub: `forged-${++people}`,
    iat: now,
    exp: now + 60,
    nonce,
    email: `forged-${people}@example.com`,
    email_verified: true,
  };
  const finish = (next: Forgery | number) => {
    forging.next = next;
    return shop.visit('POST', '/identity-providers/forged/callback', { state, code: 'any' });
  };
  return { claims, finish };
}

t.test('an id token that does not hold is refused', async (t) => {
  const forging = await startForgingServer(t);
  const now = Math.floor(Date.now() / 1000);
  const forgeries: [why: string, change: object, signed?: Forgery['signed']][] = [
    ['wrong nonce', { nonce: 'of another log-in' }],
    ['no nonce', { nonce: undefined }],
    ['wrong issuer', { iss: 'https://evil.example' }],
    ['another audience', { aud: 'other-shop' }],
    ['expired', { iat: now - 7200, exp: now - 3600 }],
    ['no subject', { sub: undefined }],
    ['alg none', {}, 'none'],
    ['a key that is not published', {}, 'stranger'],
  ];
  for (const [why, change, signed = 'well'] of forgeries) {
    const { claims, finish } = await begunAtForger(forging);
    const answer = await finish({ claims: { ...claims, ...change }, signed });
    t.equal(codeOf(answer), 'IDENTITY_REFUSED', why);
  }
  const { claims, finish } = await begunAtForger(forging);
  t.equal((await finish({ claims })).statusCode, 200, 'the same without a forgery is fine');
  forging.metadata = { id_token_signing_alg_values_supported: ['none', 'RS256'] };
  const unsigned = await begunAtForger(forging);
  const answer = await unsigned.finish({ claims: unsigned.claims, signed: 'none' });
  t.equal(codeOf(answer), 'IDENTITY_REFUSED', 'alg none also from a provider that says it does so');
});

t.test('a provider that is down or talks nonsense is 503, and discovery is asked once', async (t) => {
  const forging = await startForgingServer(t);
  const { claims, finish } = await begunAtForger(forging);
  const down = await finish(500);
  t.equal(down.statusCode, 503);
  t.equal(codeOf(down), 'IDENTITY_PROVIDER_UNAVAILABLE');
  t.ok(down.headers['retry-after']);
  t.notMatch(down.body, forging.issuer, 'what the provider said is not handed on');
  t.equal(codeOf(await finish({ claims })), 'IDENTITY_STATE_INVALID', 'the state is used up all the same');
  const wellKnown = forging.asked.filter((path) => path.startsWith('/.well-known'));
  t.equal(wellKnown.length, 1, 'one discovery for all steps');
  forging.metadata = { issuer: 'https://evil.example' };
  const shop = await openShop();
  await addProvider(shop, 'forged', forging.issuer);
  const ask = () => shop.visit('POST', '/identity-providers/forged/authorize', { redirectUri: REDIRECT });
  t.equal(codeOf(await ask()), 'IDENTITY_PROVIDER_UNAVAILABLE', 'a document of another issuer');
  forging.metadata = {};
  t.equal((await ask()).statusCode, 200, 'a failed discovery is not remembered');
  forging.metadata = { token_endpoint: 'https://169.254.169.254/token' };
  const inward = await begunAtForger(forging);
  const answer = await inward.finish({ claims: inward.claims });
  t.equal(codeOf(answer), 'IDENTITY_PROVIDER_UNAVAILABLE', 'endpoints inside our network are not asked');
  await forging.close();
  const gone = await openShop();
  await addProvider(gone, 'gone', forging.issuer);
  const dead = await gone.visit('POST', '/identity-providers/gone/authorize', { redirectUri: REDIRECT });
  t.equal(codeOf(dead), 'IDENTITY_PROVIDER_UNAVAILABLE');
});

t.test('a provider that never answers is given up after five seconds', async (t) => {
  const forging = await startForgingServer(t);
  const { finish } = await begunAtForger(forging);
  forging.hangs = true;
  const begun = performance.now();
  t.equal(codeOf(await finish(200)), 'IDENTITY_PROVIDER_UNAVAILABLE');
  t.ok(performance.now() - begun < 8_000);
});

t.test('signed-in customers link and unlink identities; an identity is one customer’s', async (t) => {
  const shop = await openShop();
  const [ada, eve] = [
    await tokenOf(shop, { email: 'ada@example.com', accountStatus: 'active' }),
    await tokenOf(shop, { email: 'eve@example.com', accountStatus: 'active' }),
  ];
  const { sub } = somebody(false);
  const foreign = await link(shop, ada.token, sub, eve.token);
  t.equal(codeOf(foreign), 'IDENTITY_STATE_INVALID', 'what ada began, eve cannot finish');
  const linked = await link(shop, ada.token, sub);
  t.equal(linked.statusCode, 200, linked.body);
  t.match(linked.data.data, [{ key: 'real', name: 'real' }]);
  t.equal((await link(shop, ada.token, sub)).data.data.length, 1, 'twice is once');
  t.equal(codeOf(await link(shop, eve.token, sub)), 'IDENTITY_TAKEN');
  t.equal(
    (await logIn(shop, sub)).data.customer.id,
    ada.id,
    'linked by hand, an unverified address is no matter',
  );
  const unlink = (token: string) => shop.visit('DELETE', '/me/identities/real', undefined, token);
  t.equal((await unlink(eve.token)).statusCode, 404);
  t.equal((await unlink(ada.token)).statusCode, 204);
  t.equal((await unlink(ada.token)).statusCode, 404);
  t.equal(codeOf(await logIn(shop, sub)), 'IDENTITY_EMAIL_UNVERIFIED');
  const guest = await tokenOf(shop, { email: 'guest@example.com' });
  t.equal(codeOf(await link(shop, guest.token, sub)), 'ACCOUNT_NOT_ACTIVE');
});

t.test(
  'C10 the identity of a merged customer opens the survivor, and an un-merge gives it back',
  async (t) => {
    const shop = await openShop();
    const { sub } = somebody();
    const from = (await logIn(shop, sub)).data.customer.id;
    const { id: into, token } = await tokenOf(shop, { email: 'into@example.com', accountStatus: 'active' });
    const merged = await shop.call('POST', `/v1/customers/${into}/merge`, { from });
    t.equal(merged.statusCode, 200, merged.body);
    t.equal((await logIn(shop, sub)).data.customer.id, into);
    const mine = await shop.visit('GET', '/me/identities', undefined, token);
    t.equal(mine.data.data.length, 1);
    const undone = await shop.call('POST', `/v1/customers/${from}/unmerge`);
    t.equal(undone.statusCode, 200, undone.body);
    t.equal((await logIn(shop, sub)).data.customer.id, from);
  },
);

t.test('a provider that is switched off or removed logs nobody in, begun or not', async (t) => {
  const shop = await openShop();
  const { sub } = somebody();
  const back = await server.visit((await begin(shop)).authorizationUrl, sub);
  await shop.call('PATCH', '/v1/identity-providers/real', { enabled: false });
  t.equal((await shop.visit('POST', '/identity-providers/real/callback', back)).statusCode, 404);
  await shop.call('PATCH', '/v1/identity-providers/real', { enabled: true });
  t.equal((await shop.visit('POST', '/identity-providers/real/callback', back)).statusCode, 200);
  await shop.call('DELETE', '/v1/identity-providers/real');
  const links = await database.owner.query('select * from linked_identities where store_id = $1', [
    shop.storeId,
  ]);
  t.equal(links.rowCount, 0);
});
