// Forged, stretched and misplaced tokens: 401 in every zone, never a 500. What a good one is: test/plugins/auth.test.ts.
import { createHmac, generateKeyPairSync, sign as signWith } from 'node:crypto';
import t from 'tap';
import { jwtSecret, OPS_AUDIENCE, STAFF_AUDIENCE, STOREFRONT_AUDIENCE } from '../../src/plugins/auth.ts';
import { signedInCustomer, staffClaims } from '../support/callers.ts';
import { call, TEST_CONFIG, testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);
// With a provider's keys too, so that both verifiers are attacked; nothing listens there.
const apps = {
  'with our secret alone': await testApp(t, database),
  "with a provider's keys": await testApp(t, database, { JWT_JWKS_URL: 'http://127.0.0.1:9/jwks.json' }),
};
const store = await testStore(apps['with our secret alone'], database);
const customer = await signedInCustomer(store);

const now = Math.floor(Date.now() / 1000);
const staff = staffClaims(store.storeId, now);
const shopper = { ...staff, aud: STOREFRONT_AUDIENCE, sub: customer.id, scope: '' };
const ops = { ...staff, aud: OPS_AUDIENCE, scope: 'ops:read' };

/** The three zones that tokens open: claims that are good there, and a path that they open. */
const ZONES = {
  staff: { claims: staff, path: '/v1/store' },
  storefront: { claims: shopper, path: '/storefront/v1/me' },
  ops: { claims: ops, path: '/metrics' },
};
type Claims = Record<string, unknown>;

const base64 = (value: string | Buffer): string => Buffer.from(value).toString('base64url');
const secret = jwtSecret(TEST_CONFIG);
const hmac = (body: string, key: string | Buffer = secret, hash = 'sha256'): string =>
  createHmac(hash, key).update(body).digest('base64url');

/** Signs any text as header and claims. */
const signText = (header: string, claims: string, key?: string | Buffer, hash?: string): string => {
  const body = `${base64(header)}.${base64(claims)}`;
  return `${body}.${hmac(body, key, hash)}`;
};
const hs256 = (claims: unknown, header: object = {}, key?: string | Buffer): string =>
  signText(JSON.stringify({ alg: 'HS256', typ: 'JWT', ...header }), JSON.stringify(claims), key);
const unsigned = (claims: unknown, header: object): string =>
  `${base64(JSON.stringify(header))}.${base64(JSON.stringify(claims))}.`;

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ed = generateKeyPairSync('ed25519');
const signKey = (claims: Claims, header: object, key: typeof rsa.privateKey, hash: string | null): string => {
  const body = `${base64(JSON.stringify(header))}.${base64(JSON.stringify(claims))}`;
  return `${body}.${signWith(hash, Buffer.from(body), key).toString('base64url')}`;
};

const without = (claims: Claims, name: string): Claims =>
  Object.fromEntries(Object.entries(claims).filter(([claim]) => claim !== name));
const [HEADER, TEXT] = ['{"alg":"HS256","typ":"JWT"}', (claims: Claims) => JSON.stringify(claims)] as const;

/** What is done to tokens, whatever they are for. */
const FORGERIES: Record<string, (claims: Claims) => string> = {
  'alg none': (claims) => unsigned(claims, { alg: 'none' }),
  'alg None': (claims) => unsigned(claims, { alg: 'None' }),
  'alg nOnE with our signature': (claims) => hs256(claims, { alg: 'nOnE' }),
  'an empty alg': (claims) => hs256(claims, { alg: '' }),
  'alg as a list': (claims) => hs256(claims, { alg: ['HS256'] }),
  'alg null': (claims) => hs256(claims, { alg: null }),
  'HS384 with our secret': (claims) => signText('{"alg":"HS384"}', TEXT(claims), secret, 'sha384'),
  'HS512 with our secret': (claims) => signText('{"alg":"HS512"}', TEXT(claims), secret, 'sha512'),
  'another secret': (claims) => hs256(claims, {}, 'another secret that is long enough, really'),
  'the secret of the installation itself': (claims) => hs256(claims, {}, TEST_CONFIG.APP_SECRET),
  'an empty secret': (claims) => hs256(claims, {}, ''),
  'a secret of zeros': (claims) => hs256(claims, {}, Buffer.alloc(32)),
  "an RSA key of the attacker's": (claims) => signKey(claims, { alg: 'RS256' }, rsa.privateKey, 'sha256'),
  "an RSA key of the attacker's as PS256": (claims) =>
    signKey(claims, { alg: 'PS256' }, rsa.privateKey, 'sha256'),
  "an EdDSA key of the attacker's": (claims) => signKey(claims, { alg: 'EdDSA' }, ed.privateKey, null),
  'a public key as the secret': (claims) =>
    hs256(claims, {}, rsa.publicKey.export({ format: 'pem', type: 'spki' }).toString()),
  'its own key in jwk': (claims) =>
    signKey(claims, { alg: 'RS256', jwk: rsa.publicKey.export({ format: 'jwk' }) }, rsa.privateKey, 'sha256'),
  'its own secret in jwk': (claims) => hs256(claims, { jwk: { kty: 'oct', k: base64('k') } }, 'k'),
  'its own keys in jku': (claims) =>
    signKey(claims, { alg: 'RS256', kid: 'x', jku: 'http://127.0.0.1:1/' }, rsa.privateKey, 'sha256'),
  'its own certificate in x5u': (claims) =>
    signKey(claims, { alg: 'RS256', x5u: 'http://127.0.0.1:1/' }, rsa.privateKey, 'sha256'),
  'its own certificate in x5c': (claims) =>
    signKey(claims, { alg: 'RS256', x5c: ['AAAA'] }, rsa.privateKey, 'sha256'),
  'a kid that is a path': (claims) => hs256(claims, { kid: '../../../../dev/null' }, ''),
  'a kid that is SQL': (claims) => hs256(claims, { kid: "x' union select 'k" }, 'k'),
  'a kid that is no text': (claims) =>
    signKey(claims, { alg: 'RS256', kid: { a: 1 } }, rsa.privateKey, 'sha256'),
  'a kid of 4 kB': (claims) => hs256(claims, { kid: 'k'.repeat(4_000) }, 'k'),
  'an extension that has to be understood': (claims) => hs256(claims, { crit: ['exp'] }, 'k'),
  'a payload that is not encoded': (claims) => hs256(claims, { b64: false, crit: ['b64'] }),
  'a header that is compressed': (claims) => hs256(claims, { zip: 'DEF' }, 'k'),
  'a header that is no JSON': (claims) => signText('HS256', TEXT(claims)),
  'a header that is null': (claims) => signText('null', TEXT(claims)),
  'a header that is a list': (claims) => signText('[{"alg":"HS256"}]', TEXT(claims)),
  'an empty header': (claims) => signText('', TEXT(claims)),
  'claims that are no JSON': () => signText(HEADER, 'claims'),
  'claims that are null': () => signText(HEADER, 'null'),
  'claims that are text': () => signText(HEADER, '"claims"'),
  'claims that are a list': (claims) => signText(HEADER, `[${TEXT(claims)}]`),
  'claims that are nested deeply': () => signText(HEADER, '['.repeat(2_000) + ']'.repeat(2_000)),
  'no claims': () => signText(HEADER, '{}'),
  'bytes that are no UTF-8': () => `${base64(Buffer.from([0xff, 0xfe]))}.${base64(Buffer.from([0xff]))}.x`,
  'a cut signature': (claims) => hs256(claims).slice(0, -2),
  'a longer signature': (claims) => `${hs256(claims)}AA`,
  'a signature of nothing': (claims) => hs256(claims).replace(/[^.]*$/, ''),
  'a signature of the header alone': (claims) =>
    `${base64(HEADER)}.${base64(TEXT(claims))}.${hmac(base64(HEADER))}`,
  'changed claims': (claims) => {
    const [header, , signature] = hs256(claims).split('.');
    return `${header}.${base64(TEXT({ ...claims, scope: 'everything' }))}.${signature}`;
  },
  'two parts': (claims) => hs256(claims).split('.').slice(0, 2).join('.'),
  'four parts': (claims) => `${hs256(claims)}.x`,
  'five parts, like an encrypted one': () => 'a.b.c.d.e',
  'three empty parts': () => '..',
  'three parts of garbage': () => 'x.y.z',
  'base64 with padding': (claims) => `${hs256(claims)}==`,
  'a serialisation in JSON': (claims) => {
    const [header, payload, signature] = hs256(claims).split('.');
    return JSON.stringify({ protected: header, payload, signature });
  },
  '8 kB': () => 'x'.repeat(8_000),
  '8 kB of points': () => '.'.repeat(8_000),
  'claims of 9 kB under another secret': (claims) => hs256({ ...claims, pad: 'x'.repeat(6_000) }, {}, 'k'),
  'exp in the past': (claims) => hs256({ ...claims, exp: now - 10 }),
  'exp as text': (claims) => hs256({ ...claims, exp: `${now + 600}` }),
  'exp null': (claims) => hs256({ ...claims, exp: null }),
  'exp without end': (claims) => signText(HEADER, TEXT(claims).replace(/"exp":\d+/, '"exp":1e999')),
  'exp negative': (claims) => hs256({ ...claims, exp: -1 }),
  'exp a list': (claims) => hs256({ ...claims, exp: [now + 600] }),
  'exp twice, the later one past': (claims) =>
    signText(HEADER, TEXT(claims).replace(/}$/, `,"exp":${now - 10}}`)),
  'iat in an hour': (claims) => hs256({ ...claims, iat: now + 3_600 }),
  'iat as text': (claims) => hs256({ ...claims, iat: `${now}` }),
  'iat null': (claims) => hs256({ ...claims, iat: null }),
  'nbf in an hour': (claims) => hs256({ ...claims, nbf: now + 3_600 }),
  'another issuer': (claims) => hs256({ ...claims, iss: 'https://evil.example' }),
  'the issuer in other letters': (claims) => hs256({ ...claims, iss: TEST_CONFIG.JWT_ISSUER.toUpperCase() }),
  'issuers as an object': (claims) => hs256({ ...claims, iss: { a: TEST_CONFIG.JWT_ISSUER } }),
  'another audience': (claims) => hs256({ ...claims, aud: 'https://somebody.else' }),
  'no audience in a list': (claims) => hs256({ ...claims, aud: [] }),
  'an audience that begins alike': (claims) => hs256({ ...claims, aud: `${claims.aud}-2` }),
  'the audience as an object': (claims) => hs256({ ...claims, aud: { 0: claims.aud } }),
  'an empty subject': (claims) => hs256({ ...claims, sub: '' }),
  'a subject that is a number': (claims) => hs256({ ...claims, sub: 7 }),
  'a subject that is an object': (claims) => hs256({ ...claims, sub: { toString: 'x' } }),
  'a subject of 300 characters': (claims) => hs256({ ...claims, sub: 'x'.repeat(300) }),
  'scopes in a list': (claims) => hs256({ ...claims, scope: ['store:read'] }),
  'scope null': (claims) => hs256({ ...claims, scope: null }),
  ...Object.fromEntries(
    ['exp', 'iat', 'iss', 'aud', 'sub', 'scope'].map((name) => [
      `no ${name}`,
      (claims: Claims) => hs256(without(claims, name)),
    ]),
  ),
};

/** What operations have not: a store, and claims of their own. */
const OF_A_STORE: Record<string, (claims: Claims) => string> = {
  'no store': (claims) => hs256(without(claims, 'store')),
  'a store that is no id': (claims) => hs256({ ...claims, store: "x' or 1=1" }),
  'a store in capitals': (claims) => hs256({ ...claims, store: store.storeId.toUpperCase() }),
  'a store in a list': (claims) => hs256({ ...claims, store: [store.storeId] }),
  'the store twice, the later one no id': (claims) =>
    signText(HEADER, TEXT(claims).replace(/}$/, ',"store":"*"}')),
};

const OF_A_CUSTOMER: Record<string, (claims: Claims) => string> = {
  'a customer that is no id': (claims) => hs256({ ...claims, sub: 'ada@example.com' }),
  'a session that is no id': (claims) => hs256({ ...claims, sid: 'x' }),
  'a session that is a list': (claims) => hs256({ ...claims, sid: [] }),
  'a session that is null': (claims) => hs256({ ...claims, sid: null }),
};

const TABLE = {
  staff: { ...FORGERIES, ...OF_A_STORE },
  storefront: { ...FORGERIES, ...OF_A_STORE, ...OF_A_CUSTOMER },
  ops: FORGERIES,
};

for (const [which, app] of Object.entries(apps)) {
  for (const [zone, { claims, path }] of Object.entries(ZONES)) {
    t.test(`401 for every forged token of the zone ${zone}, ${which}`, async (t) => {
      t.equal((await call(app, hs256(claims), 'GET', path)).statusCode, 200, 'the good one is let in');
      const forgeries = Object.entries(TABLE[zone as keyof typeof TABLE]);
      for (const [name, forge] of forgeries) {
        const { statusCode, data, headers } = await call(app, forge(claims), 'GET', path);
        t.same({ statusCode, code: data.code }, { statusCode: 401, code: 'UNAUTHENTICATED' }, name);
        t.equal(headers['www-authenticate'], 'Bearer');
      }
      t.comment(`${forgeries.length} tokens`);
    });
  }
}

t.test('a good token is no use in another zone', async (t) => {
  const [app] = Object.values(apps);
  for (const [zone, { claims }] of Object.entries(ZONES)) {
    for (const [other, { path }] of Object.entries(ZONES)) {
      if (zone === other) continue;
      t.equal((await call(app as never, hs256(claims), 'GET', path)).statusCode, 401, `${zone} in ${other}`);
    }
  }
});

t.test('a token for two audiences is of one zone', async (t) => {
  const [app] = Object.values(apps);
  const both = hs256({ ...staff, aud: [STAFF_AUDIENCE, STOREFRONT_AUDIENCE], sub: customer.id });
  t.equal((await call(app as never, both, 'GET', '/v1/store')).statusCode, 401);
  t.equal((await call(app as never, both, 'GET', '/storefront/v1/me')).statusCode, 200);
});
