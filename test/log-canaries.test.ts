// Secrets and customer data planted in every way in, errors included; then every word that API and worker wrote is searched.
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { readConfig } from '../src/config.ts';
import { ROLES } from '../src/domain/scopes.ts';
import { makeLogger } from '../src/server.ts';
import { signToken } from '../src/tokens.ts';
import { TEST_CONFIG, testApp, testDatabase, testStore } from './support/harness.ts';
import { startApiProcess, startWorkerProcess } from './support/worker-process.ts';

t.setTimeout(150_000);
const database = await testDatabase(t);
const app = await testApp(t, database);

const SECRET = 'canary-app-secret-canary-app-secret-canary';
const JWT_SECRET = 'canary-jwt-secret-canary-jwt-secret-canary';

/** A login of its own, whose password is planted in DATABASE_URL. */
async function plantedLogin(): Promise<string> {
  const role = new URL(database.url).pathname.slice(1).replace('test_', 'login_');
  await database.owner.query(
    `create role ${role} login password 'canary-database-password' in role clientele_app`,
  );
  t.teardown(() => database.owner.query(`drop role if exists ${role}`).catch(() => undefined));
  const url = new URL(database.url);
  url.username = role;
  url.password = 'canary-database-password';
  return url.href;
}

let output = '';
const hear = (words: string) => {
  output += words;
};

const env = {
  NODE_ENV: 'production',
  DATABASE_URL: await plantedLogin(),
  APP_SECRET: SECRET,
  JWT_SECRET,
  // Nobody listens there: every mail and every trace takes the way of errors.
  SMTP_URL: 'smtp://canary-user:canary-smtp-password@127.0.0.1:9',
  MAIL_FROM: 'Shop <shop@example.com>',
  OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
  OTEL_EXPORTER_OTLP_HEADERS: 'authorization=canary-of-a-collector',
  LOG_LEVEL: 'trace',
  LOG_REQUESTS: 'all',
  SWEEP_INTERVAL_MS: '500',
};

const store = await testStore(app, database);
const config = readConfig({ ...env, NODE_ENV: 'test' });
const token = signToken(config, {
  storeId: store.storeId,
  subject: 'tester',
  scopes: ROLES.owner,
  lifetimeSeconds: 600,
});
/** What the service gave out and must not repeat. */
const givenOut: string[] = [token, store.publishableKey];

const [api, worker] = await Promise.all([startApiProcess(env, hear), startWorkerProcess(env, hear)]);

interface Said {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape
  data: any;
}

async function send(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Said> {
  const answer = await fetch(`${api.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      'idempotency-key': `canary-${crypto.randomUUID()}`,
      cookie: 'session=canary-of-a-cookie',
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    redirect: 'manual',
  });
  const text = await answer.text();
  return { status: answer.status, data: text.startsWith('{') ? JSON.parse(text) : text };
}

const shop = { authorization: `Bearer ${store.publishableKey}` };
const customerOf = (n: string) => ({
  email: `canary-${n}@example.com`,
  firstName: 'Canary',
  lastName: `Canary ${n}`,
  phone: '+4930901820',
  note: 'canary of a note',
});

t.test('what is asked in the right way', async (t) => {
  const customer = await send('POST', '/v1/customers', customerOf('one'));
  t.equal(customer.status, 201);
  const { id } = customer.data;
  const key = await send('POST', '/v1/api-keys', { name: 'canary key', scopes: ['customers:read'] });
  givenOut.push(key.data.key ?? key.data.secret);
  const provider = {
    key: 'shop',
    name: 'Canary',
    issuer: 'https://canary.example.com',
    clientId: 'canary-client',
    clientSecret: 'canary-client-secret',
  };
  t.ok((await send('POST', '/v1/identity-providers', provider)).status < 500);
  t.ok((await send('POST', `/v1/customers/${id}/invitation`, {})).status < 500);
  const shopper = await send('POST', `/v1/customers/${id}/storefront-tokens`, {});
  givenOut.push(shopper.data.token);
  t.equal(
    (await send('GET', '/storefront/v1/me', undefined, { authorization: `Bearer ${shopper.data.token}` }))
      .status,
    200,
  );
  await send('GET', `/v1/customers?q=canary&email=${encodeURIComponent('canary-one@example.com')}`);
  await send('POST', `/v1/customers/${id}/messages`, { subject: 'Canary', text: 'Canary of a mail' });
  const form = new FormData();
  form.set(
    'file',
    new Blob(['email,last_name\ncanary-import@example.com,Canary\nnot canary,Canary\n']),
    'canary.csv',
  );
  const started = await fetch(`${api.url}/v1/imports?kind=customers`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'idempotency-key': 'canary-import' },
    body: form,
  });
  t.equal(started.status, 202);
});

t.test('accounts: passwords and links, right and wrong', async (t) => {
  const registration = { email: 'canary-new@example.com', password: 'canary password of eight words' };
  const paths: [string, object][] = [
    ['/storefront/v1/register', registration],
    ['/storefront/v1/login', registration],
    ['/storefront/v1/login/refresh', { refreshToken: 'canary-refresh-token' }],
    ['/storefront/v1/logout', { refreshToken: 'canary-refresh-token' }],
    ['/storefront/v1/email-verification', { email: registration.email }],
    ['/storefront/v1/email-verification/canary-token', registration],
    ['/storefront/v1/password-reset', { email: registration.email }],
    ['/storefront/v1/password-reset/canary-token', registration],
    ['/storefront/v1/newsletter', { email: registration.email }],
  ];
  for (const [path, body] of paths) t.ok((await send('POST', path, body, shop)).status < 500, path);
  for (const path of [
    '/account/activate/canary-token',
    '/pages/reset?token=canary-token',
    '/c/canary-token',
    '/u/canary',
  ])
    t.ok((await send('GET', path)).status < 500, path);
});

t.test('credentials that are refused', async (t) => {
  for (const authorization of [
    'Bearer canary-token',
    `Bearer ck_${store.storeId}_canarycanarycanary`,
    `Bearer ${token}canary`,
    'Basic Y2FuYXJ5OmNhbmFyeQ==',
    'canary',
  ])
    t.equal((await send('GET', '/v1/customers', undefined, { authorization })).status, 401, authorization);
  t.ok(
    (await send('GET', '/v1/customers', undefined, { 'x-request-id': 'canary with blanks' })).status < 500,
  );
});

t.test('requests that cannot be read', async (t) => {
  const bodies = ['{"email": "canary', '{"__proto__": {"canary": 1}}', '["canary"]', '"canary\\u0000"'];
  for (const body of bodies) t.equal((await send('POST', '/v1/customers', body)).status, 400, body);
  const unknown = await send('POST', '/v1/customers', {
    ...customerOf('two'),
    password: 'canary',
    token: 'canary',
  });
  t.equal(unknown.status, 400);
  t.equal((await send('GET', '/v1/canary/canary?canary=canary')).status, 404);
  t.equal((await send('GET', '/v1/customers?filter=canary%20%3D%20%27canary%27')).status >= 400, true);
  t.equal((await send('GET', '/v1/customers/%E0%A4%A')).status, 400);
});

t.test('statements that fail, in requests and in jobs', async (t) => {
  const { data } = await send('POST', '/v1/customers', customerOf('three'));
  await database.owner.query('alter table notes rename to lost_notes');
  t.equal((await send('POST', `/v1/customers/${data.id}/notes`, { body: 'canary of a note' })).status, 500);
  await database.owner.query('alter table lost_notes rename to notes');
  await database.owner.query('alter table customer_tags rename to lost_tags');
  await send('POST', '/v1/customers/bulk', { action: 'addTags', tags: ['canary'], ids: [data.id] });
  for (let n = 0; n < 100 && !output.includes('job attempt failed'); n++) await sleep(100);
  await database.owner.query('alter table lost_tags rename to customer_tags');
});

t.test('connections that break in the middle', async (t) => {
  const creates = Array.from({ length: 30 }, (_, n) =>
    send('POST', '/v1/customers', customerOf(`lost-${n}`)),
  );
  for (let n = 0; n < 5; n++) {
    await database.owner.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name ^@ 'clientele'`,
    );
    await sleep(20);
  }
  for (const { status } of await Promise.all(creates)) t.ok([201, 500, 503].includes(status), String(status));
});

t.test('nothing that was planted or given out is in any word of API and worker', async (t) => {
  for (let n = 0; n < 100 && !/"msg":"request"/.test(output); n++) await sleep(100);
  await sleep(1_000);
  await Promise.all([api.end('SIGTERM'), worker.end('SIGTERM')]);
  t.ok(output.length > 10_000, `${output.length} characters were searched`);
  t.match(output, '"route":"/v1/customers"', 'requests are told by their route');
  t.match(output, 'job attempt failed');
  const lines = output.split('\n').filter((line) => /canary/i.test(line));
  t.same(lines.slice(0, 5), [], `${lines.length} lines`);
  for (const secret of givenOut) {
    t.type(secret, 'string');
    t.notOk(output.includes(secret), 'what was given out is not repeated');
  }
});

t.test('what Drizzle says of a statement loses its text and parameters before it is written', async (t) => {
  const lines: string[] = [];
  const log = makeLogger({ ...TEST_CONFIG, LOG_LEVEL: 'trace' }, { write: (line) => void lines.push(line) });
  const message = 'Failed query: insert into customers values ($1)\nparams: canary@example.com';
  const stack = `Error: ${message}\n    at somewhere (file.ts:1:1)`;
  log.error({ message, error: { name: 'Error', message, stack } }, 'failed');
  t.match(lines[0], 'A statement failed');
  t.match(lines[0], 'at somewhere');
  t.notMatch(lines[0], /canary|insert/);
});
