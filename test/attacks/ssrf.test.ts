// Addresses that others name and we would ask: every spelling of one that is not on the public internet is refused, at
// the API and at the connection. How the connection is guarded in detail: test/clients/guarded-fetch.test.ts.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { createGuardedFetch, mayAsk } from '../../src/clients/guarded-fetch.ts';
import { confirmationUrlOf } from '../../src/domain/mail/providers.ts';
import { testApp, testDatabase, testStore } from '../support/harness.ts';

/** Hosts that are, or stand for, something of ours; with a port of their own where it matters. */
const HOSTS = [
  // 127.0.0.1
  '127.0.0.1',
  '127.1',
  '127.0.1',
  '2130706433',
  '0x7f000001',
  '0x7F.0x0.0x0.0x1',
  '017700000001',
  '0177.0.0.01',
  '127.0.0.1.',
  '127.127.127.127',
  '①②⑦.⓪.⓪.①',
  '127。0。0。1',
  '%31%32%37.0.0.1',
  '[::1]',
  '[0:0:0:0:0:0:0:1]',
  '[0000::1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::127.0.0.1]',
  '[64:ff9b::127.0.0.1]',
  '[64:ff9b:1::7f00:1]',
  '[2002:7f00:1::]',
  '[2001:0:7f00:1::]',
  // nobody and everybody
  '0',
  '0.0.0.0',
  '[::]',
  '255.255.255.255',
  '224.0.0.1',
  '[ff02::1]',
  // metadata of clouds
  '169.254.169.254',
  '2852039166',
  '0xa9fea9fe',
  '0251.0376.0251.0376',
  '[::ffff:169.254.169.254]',
  '[::ffff:a9fe:a9fe]',
  '[fe80::a9fe:a9fe]',
  '[fd00:ec2::254]',
  '169.254.170.2',
  '100.100.100.200',
  '192.0.0.192',
  // networks of ours
  '10.0.0.1',
  '10.1',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.0.1',
  '192.168.1',
  '100.64.0.1',
  '198.18.0.1',
  '[fc00::1]',
  '[fd12:3456:789a::1]',
  '[fec0::1]',
  // names of the machine and of the local network
  'localhost',
  'LOCALHOST',
  'localhost:5432',
  'metadata',
  'postgres:5432',
  'redis',
];

const URLS = [
  ...HOSTS.map((host) => `https://${host}/`),
  'https://user:password@127.0.0.1/',
  'https:127.0.0.1',
  'https:\\\\127.0.0.1\\',
  'https:///127.0.0.1/',
  'http://accounts.example.com/',
  'ftp://accounts.example.com/',
  'file:///etc/passwd',
  'gopher://127.0.0.1:6379/_FLUSHALL',
  'data:application/json,{}',
  'unix:/var/run/docker.sock',
];

const production = { allowLoopback: false };

t.test('no spelling of a private address may be asked, nor is it connected to', async (t) => {
  const fetch = createGuardedFetch({ ...production, maxBytes: 1_000, timeoutMs: 1_000 });
  for (const url of URLS) {
    if (URL.canParse(url)) t.notOk(mayAsk(new URL(url), production), url);
    await t.rejects(fetch(url), /is not asked|Invalid URL/, url);
  }
  t.comment(`${URLS.length} addresses`);
});

t.test('in development loopback is one address, not all its spellings of other ports of the machine', (t) => {
  const development = { allowLoopback: true };
  for (const host of HOSTS) {
    const url = `http://${host}/`;
    if (!URL.canParse(url)) continue;
    t.equal(mayAsk(new URL(url), development), new URL(url).hostname === '127.0.0.1', url);
  }
  t.end();
});

t.test('an identity provider at such an address is refused', async (t) => {
  const database = await testDatabase(t);
  const app = await testApp(t, database, { NODE_ENV: 'production' });
  const store = await testStore(app, database);
  for (const [index, issuer] of URLS.entries()) {
    const { statusCode } = await store.call('POST', '/v1/identity-providers', {
      key: `p${index}`,
      name: 'P',
      issuer,
      clientId: 'p',
      clientSecret: 'p',
    });
    t.ok(statusCode === 400 || statusCode === 422, `${issuer}: ${statusCode}`);
  }
});

t.test('a subscription of SNS is confirmed nowhere else', (t) => {
  const good = 'sns.eu-central-1.amazonaws.com';
  const others = [
    ...URLS,
    `https://${good}.evil.example/`,
    `https://evil.example/${good}`,
    `https://evil.example#${good}`,
    `https://${good}@evil.example/`,
    `https://evil.example\\@${good}/`.replace(good, '127.0.0.1'),
    `https://${good}:22/`,
    `http://${good}/`,
    `https://sns.eu-central-1.amazonaws.com.evil/`,
    `https://s3.eu-central-1.amazonaws.com/`,
    `https://sns.a.b.amazonaws.com/`,
    `https://xsns.eu-central-1.amazonaws.com/`,
  ];
  for (const SubscribeURL of [...others, null, 7, [], {}])
    t.equal(
      confirmationUrlOf({ Type: 'SubscriptionConfirmation', SubscribeURL }),
      undefined,
      String(SubscribeURL),
    );
  t.end();
});

t.test('neither a redirect, a drip of bytes nor an answer without end leads anywhere', async (t) => {
  const timers: NodeJS.Timeout[] = [];
  const server = createServer((request, response) => {
    const drip = (text: string, every: number) => timers.push(setInterval(() => response.write(text), every));
    if (request.url === '/redirect')
      response.writeHead(307, { location: 'http://169.254.169.254/latest/meta-data/' }).end();
    else if (request.url === '/drip') drip('x', 50);
    else drip('x'.repeat(50_000), 1);
  });
  await new Promise<void>((done) => {
    server.listen(0, '127.0.0.1', done);
  });
  t.teardown(() => {
    for (const timer of timers) clearInterval(timer);
    server.close();
    server.closeAllConnections();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const fetch = createGuardedFetch({ allowLoopback: true, maxBytes: 100_000, timeoutMs: 500 });
  t.equal((await fetch(`${origin}/redirect`)).status, 307);
  const started = performance.now();
  await t.rejects(fetch(`${origin}/drip`));
  await t.rejects(fetch(`${origin}/flood`), /more than 100000 bytes/);
  t.ok(performance.now() - started < 3_000);
});
