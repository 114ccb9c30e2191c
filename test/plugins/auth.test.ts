// Credentials: what is let in, and that everything else is 401 and never 500.
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createSigner } from 'fast-jwt';
import t from 'tap';
import { jwtSecret, OPS_AUDIENCE, STAFF_AUDIENCE } from '../../src/plugins/auth.ts';
import { signOpsToken } from '../../src/tokens.ts';
import { call, TEST_CONFIG, testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const store = await testStore(app, database);
const now = Math.floor(Date.now() / 1000);

const good = {
  iss: 'clientele',
  aud: STAFF_AUDIENCE,
  sub: 'someone',
  store: store.storeId,
  scope: 'customers:read store:read',
  iat: now,
  exp: now + 600,
};

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
function hs256(claims: object, header: object = {}, secret = jwtSecret(TEST_CONFIG)): string {
  const body = `${encode({ alg: 'HS256', typ: 'JWT', ...header })}.${encode(claims)}`;
  return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
}
const without = (claim: string) =>
  Object.fromEntries(Object.entries(good).filter(([name]) => name !== claim));

t.test('the good token of the table is let in', async (t) => {
  t.equal((await call(app, hs256(good), 'GET', '/v1/store')).statusCode, 200);
});

const BAD: Record<string, string> = {
  'alg none': `${encode({ alg: 'none' })}.${encode(good)}.`,
  'alg NONE': `${encode({ alg: 'NONE' })}.${encode(good)}.`,
  'alg of another family': hs256(good, { alg: 'RS256' }),
  'HS512 with the right secret': hs256(good, { alg: 'HS512' }),
  'no algorithm': hs256(good, { alg: undefined }),
  'a header that is no JSON': `${Buffer.from('x').toString('base64url')}.${encode(good)}.x`,
  'a header that is null': `${encode(null)}.${encode(good)}.x`,
  'claims that are a list': hs256([good]),
  'another secret': hs256(good, {}, 'another secret that is long enough, really'),
  'the empty secret': hs256(good, {}, ''),
  'a cut signature': hs256(good).slice(0, -3),
  'no signature': hs256(good).replace(/[^.]*$/, ''),
  'embedded jwk': hs256(good, { jwk: { kty: 'oct', k: 'AAAA' } }, 'AAAA'),
  'jku of the attacker': hs256(good, { alg: 'RS256', jku: 'http://127.0.0.1:1/jwks', kid: 'x' }),
  'kid with a path': hs256(good, { kid: '../../etc/passwd' }, ''),
  'unknown crit': hs256(good, { crit: ['b64'], b64: false }),
  expired: hs256({ ...good, exp: now - 60 }),
  'exp as text': hs256({ ...good, exp: 'never' }),
  'issued in the future': hs256({ ...good, iat: now + 3600 }),
  'another issuer': hs256({ ...good, iss: 'evil' }),
  'another audience': hs256({ ...good, aud: 'clientele:storefront' }),
  'the audience of operations': hs256({ ...good, aud: OPS_AUDIENCE }),
  'store that is no id': hs256({ ...good, store: "x' or 1=1" }),
  'store as a list': hs256({ ...good, store: [good.store] }),
  'empty subject': hs256({ ...good, sub: '' }),
  'subject as number': hs256({ ...good, sub: 7 }),
  'scope as a list': hs256({ ...good, scope: ['customers:read'] }),
  ...Object.fromEntries(
    ['exp', 'iat', 'iss', 'aud', 'sub', 'store', 'scope'].map((c) => [`without ${c}`, hs256(without(c))]),
  ),
  'an API key that does not exist': `ck_${store.storeId.replaceAll('-', '')}_${'A'.repeat(43)}`,
  'an API key of no form': 'ck_nonsense',
  'an API key of a store that does not exist': `ck_${'0'.repeat(32)}_${'A'.repeat(43)}`,
  'the publishable key where staff is asked for': store.publishableKey,
  'very long': 'x'.repeat(8_000),
};

for (const [name, token] of Object.entries(BAD)) {
  t.test(`401 for a token with ${name}`, async (t) => {
    const answer = await call(app, token, 'GET', '/v1/store');
    t.equal(answer.statusCode, 401);
    t.equal(answer.data.code, 'UNAUTHENTICATED');
    t.equal(answer.headers['www-authenticate'], 'Bearer');
  });
}

t.test('401 for headers that are no bearer credential', async (t) => {
  for (const authorization of [
    '',
    'Bearer',
    'Bearer ',
    'Basic YTpi',
    `bearer  ${hs256(good)}`,
    `Bearer ${hs256(good)} x`,
  ]) {
    const answer = await app.inject({ method: 'GET', url: '/v1/store', headers: { authorization } });
    t.equal(answer.statusCode, 401, JSON.stringify(authorization));
  }
});

t.test('a missing scope is 403 and named', async (t) => {
  const answer = await call(app, hs256({ ...good, scope: 'tags:read' }), 'GET', '/v1/store');
  t.equal(answer.statusCode, 403);
  t.match(answer.data, { code: 'SCOPE_MISSING', required: 'store:read' });
});

t.test(
  'a token that was good is refused once it has expired, however often it was used before',
  async (t) => {
    const token = hs256({ ...good, iat: now - 10, exp: Math.floor(Date.now() / 1000) - 4 });
    t.equal(
      (await call(app, token, 'GET', '/v1/store')).statusCode,
      200,
      'within the tolerance of five seconds',
    );
    await new Promise((resolve) => setTimeout(resolve, 2_100));
    t.equal((await call(app, token, 'GET', '/v1/store')).statusCode, 401);
  },
);

t.test('an API key works with its scopes until it is revoked, and is shown once', async (t) => {
  const made = await store.call('POST', '/v1/api-keys', { name: 'sync', scopes: ['store:read'] });
  t.equal(made.statusCode, 201);
  t.equal((await call(app, made.data.key, 'GET', '/v1/store')).statusCode, 200);
  t.equal((await call(app, made.data.key, 'PATCH', '/v1/store', { name: 'x' })).data.code, 'SCOPE_MISSING');
  const list = await store.call('GET', '/v1/api-keys');
  t.notMatch(list.body, made.data.key);
  t.ok(list.data.data.find((key: { id: string }) => key.id === made.data.id).lastUsedAt);
  t.equal((await store.call('DELETE', `/v1/api-keys/${made.data.id}`)).statusCode, 204);
  t.equal((await call(app, made.data.key, 'GET', '/v1/store')).statusCode, 401);
});

t.test('an expired API key is refused', async (t) => {
  const made = await store.call('POST', '/v1/api-keys', {
    name: 'old',
    scopes: ['store:read'],
    expiresAt: '2020-01-01T00:00:00Z',
  });
  t.equal((await call(app, made.data.key, 'GET', '/v1/store')).statusCode, 401);
});

t.test('nobody hands out scopes that they do not have', async (t) => {
  const token = hs256({ ...good, scope: 'keys:write' });
  const answer = await call(app, token, 'POST', '/v1/api-keys', {
    name: 'more',
    scopes: ['customers:write'],
  });
  t.equal(answer.data.code, 'SCOPE_MISSING');
});

t.test('metrics are for tokens of operations alone', async (t) => {
  t.equal((await call(app, store.token, 'GET', '/metrics')).statusCode, 401);
  const answer = await call(app, signOpsToken(TEST_CONFIG, 60), 'GET', '/metrics');
  t.equal(answer.statusCode, 200);
  t.match(answer.body, 'clientele_http_request_duration_seconds');
});

t.test(
  'JWKS: rotating keys of EdDSA, ES256 and RS256 are taken from the configured address alone',
  async (t) => {
    const ed = generateKeyPairSync('ed25519');
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const keys = [
      { ...ed.publicKey.export({ format: 'jwk' }), kid: 'ed', alg: 'EdDSA', use: 'sig' },
      { ...ec.publicKey.export({ format: 'jwk' }), kid: 'ec', alg: 'ES256', use: 'sig' },
    ];
    const server = createServer((_request, response) => response.end(JSON.stringify({ keys })));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.teardown(() => server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
    const jwksApp = await testApp(t, database, { JWT_JWKS_URL: url });
    const sign = (
      algorithm: 'EdDSA' | 'ES256' | 'RS256',
      key: { export(o: object): string | Buffer },
      kid: string,
    ) => createSigner({ algorithm, key: String(key.export({ format: 'pem', type: 'pkcs8' })), kid })(good);
    const status = async (token: string) => (await call(jwksApp, token, 'GET', '/v1/store')).statusCode;
    t.equal(await status(sign('EdDSA', ed.privateKey as never, 'ed')), 200);
    t.equal(await status(sign('ES256', ec.privateKey as never, 'ec')), 200);
    t.equal(await status(sign('RS256', rsa.privateKey as never, 'rsa')), 401, 'not published yet');
    keys.push({ ...rsa.publicKey.export({ format: 'jwk' }), kid: 'rsa', alg: 'RS256', use: 'sig' });
    await new Promise((resolve) => setTimeout(resolve, 2_100));
    t.equal(await status(sign('RS256', rsa.privateKey as never, 'rsa')), 200, 'published now');
    t.equal(
      await status(sign('RS256', other.privateKey as never, 'rsa')),
      401,
      'another key under the same name',
    );
    const confused = hs256(good, {}, String(rsa.publicKey.export({ format: 'pem', type: 'spki' })));
    t.equal(await status(confused), 401, 'a public key used as HS256 secret');
    t.equal(await status(hs256(good)), 200, 'HS256 with the real secret still works');
  },
);
