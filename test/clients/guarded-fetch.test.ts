// Requests to addresses that others have named stay on the public internet, and within bounds.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import {
  AddressRefused,
  createGuardedFetch,
  isPublicAddress,
  lookupPublic,
  mayAsk,
} from '../../src/clients/guarded-fetch.ts';

t.test('public addresses are told from all others', (t) => {
  for (const address of [
    '8.8.8.8',
    '1.1.1.1',
    '172.15.0.1',
    '172.32.0.1',
    '100.63.0.1',
    '2606:4700::1111',
    '2a00:1450::1',
  ])
    t.ok(isPublicAddress(address), address);
  for (const address of [
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '127.255.255.255',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.1',
    '192.0.2.1',
    '192.168.1.1',
    '198.18.0.1',
    '198.51.100.1',
    '203.0.113.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:8.8.8.8',
    '::ffff:127.0.0.1',
    '64:ff9b::7f00:1',
    'fc00::1',
    'fd12:3456::1',
    'fe80::1',
    'ff02::1',
    '2001::1',
    '2001:db8::1',
    '2002:7f00:1::',
    'localhost',
    '',
  ])
    t.notOk(isPublicAddress(address), address);
  t.end();
});

t.test('only https to a name of several labels or a public address may be asked', (t) => {
  const ask = (url: string, allowLoopback = false) => mayAsk(new URL(url), { allowLoopback });
  t.ok(ask('https://accounts.google.com/.well-known/openid-configuration'));
  t.ok(ask('https://8.8.8.8/'));
  for (const url of [
    'http://accounts.google.com',
    'https://localhost',
    'https://metadata',
    'https://2130706433',
    'ftp://a.b',
  ])
    t.notOk(ask(url), url);
  t.ok(ask('http://127.0.0.1:4000/', true));
  for (const url of [
    'http://127.0.0.2',
    'http://localhost',
    'http://[::1]',
    'https://127.0.0.1',
    'http://10.0.0.1',
  ])
    t.notOk(ask(url, true), url);
  t.end();
});

t.test('a name that stands for an address of ours is not connected to', async (t) => {
  const fetch = createGuardedFetch({ allowLoopback: false, maxBytes: 1000, timeoutMs: 2_000 });
  const looked = (all: boolean) =>
    new Promise((done) => {
      lookupPublic('localhost', { all }, (error) => done(error));
    });
  t.ok((await looked(true)) instanceof AddressRefused, 'the name is known, its address is not asked');
  t.ok((await looked(false)) instanceof AddressRefused);
  await t.rejects(fetch('https://localhost./'), 'a name of the local network with a dot');
  await t.rejects(fetch('https://127.0.0.1/'), AddressRefused);
  await t.rejects(fetch('http://example.com/'), AddressRefused);
});

t.test('redirects are not followed, long answers and slow ones are cut off', async (t) => {
  const server = createServer((request, response) => {
    if (request.url === '/moved') return response.writeHead(302, { location: 'http://10.0.0.1/' }).end();
    if (request.url === '/long') return response.end('x'.repeat(2_000));
    if (request.url === '/none') return response.writeHead(204).end();
    if (request.url === '/slow') return response.flushHeaders();
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    return request.on('end', () => response.end(`${request.method} ${request.headers['x-mark']} ${body}`));
  });
  await new Promise<void>((done) => {
    server.listen(0, '127.0.0.1', done);
  });
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const fetch = createGuardedFetch({ allowLoopback: true, maxBytes: 1_000, timeoutMs: 300 });
  const sent = await fetch(`${origin}/`, {
    method: 'POST',
    headers: { 'x-mark': 'mark' },
    body: new URLSearchParams({ a: 'b' }),
  });
  t.equal(await sent.text(), 'POST mark a=b');
  t.equal((await fetch(`${origin}/moved`)).status, 302);
  t.equal((await fetch(`${origin}/none`)).status, 204);
  await t.rejects(fetch(`${origin}/long`), /more than 1000 bytes/);
  await t.rejects(fetch(`${origin}/slow`), { message: /abort|timeout/i });
  await t.rejects(fetch(`${origin}/`, { signal: AbortSignal.abort() }), { name: 'AbortError' });
});
