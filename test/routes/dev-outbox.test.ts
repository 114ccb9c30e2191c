// The pages that show mails of an installation without an SMTP server.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { composeMime } from '../../src/clients/mail-mime.ts';
import { outboxName, writeMail } from '../../src/clients/outbox.ts';
import { testApp, testDatabase } from '../support/harness.ts';

const database = await testDatabase(t);
const folder = await mkdtemp(join(tmpdir(), 'dev-outbox-'));
t.teardown(() => rm(folder, { recursive: true }));
const app = await testApp(t, database, { NODE_ENV: 'development', DATA_DIR: folder });

const EVIL = '"><script>alert(1)</script><img src=x onerror=alert(1)>';

async function put(subject: string, html: string, at = new Date()): Promise<string> {
  const raw = await composeMime({
    messageId: '<a@example.com>',
    from: { address: 'shop@example.com' },
    to: { name: EVIL, address: 'ada@example.net' },
    subject,
    html,
    text: EVIL,
    date: at,
    headers: {},
  });
  const name = outboxName(at, '0199a3c4-7e1f-7a60-9d39-6f1f3f1f9a11');
  await writeMail(join(folder, 'outbox'), name, raw);
  return name;
}

t.test('an empty outbox says what will be there', async (t) => {
  const { statusCode, body } = await app.inject('/dev/outbox');
  t.equal(statusCode, 200);
  t.match(body, 'No mail yet');
});

t.test('the list shows the newest first, and each mail its parts, headers and bytes', async (t) => {
  await put('First', '<p>one</p>', new Date('2026-03-01T10:00:00Z'));
  const name = await put('Second', '<p>two</p>', new Date('2026-03-01T10:00:01Z'));
  const list = await app.inject('/dev/outbox');
  t.ok(list.body.indexOf('Second') < list.body.indexOf('First'));
  t.match(list.body, `/dev/outbox/${name}`);
  const shown = await app.inject(`/dev/outbox/${name}`);
  t.equal(shown.statusCode, 200);
  t.match(shown.body, 'srcdoc="&#60;base target');
  t.match(shown.body, '&#60;p&#62;two&#60;/p&#62;');
  t.match(shown.body, '&#60;a@example.com&#62;');
  const raw = await app.inject(`/dev/outbox/${name}?raw=true`);
  t.match(raw.body, 'Message-ID: <a@example.com>');
  t.match(raw.headers['content-disposition'], /^attachment/);
  t.equal(raw.headers['content-type'], 'application/octet-stream');
});

t.test('a mail is a stranger: nothing of it is markup of the page, and no script may run', async (t) => {
  const name = await put(EVIL, `${EVIL}</iframe>`);
  for (const url of ['/dev/outbox', `/dev/outbox/${name}`]) {
    const { body, headers } = await app.inject(url);
    t.notMatch(body, '<script', url);
    t.notMatch(body, '<img', url);
    t.match(headers['content-security-policy'], /default-src 'none'/, 'so script-src is none as well');
    t.notMatch(headers['content-security-policy'], /script-src/);
    t.equal(headers['cache-control'], 'no-store');
  }
  const { body } = await app.inject(`/dev/outbox/${name}`);
  t.notMatch(body, /sandbox="[^"]*allow-(scripts|same-origin)/);
});

t.test('no path leads out of the folder', async (t) => {
  for (const path of ['..%2f..%2fsecret', '%2e%2e%2fsecret', '..%5csecret', 'secret', '%00', 'x.eml'])
    t.equal((await app.inject(`/dev/outbox/${path}`)).statusCode, 404, path);
});

t.test('elsewhere there is no such page: with a server, in production, in tests', async (t) => {
  const name = await put('Secret', '<p>x</p>');
  for (const config of [
    { NODE_ENV: 'development', SMTP_URL: 'smtp://127.0.0.1:2525' },
    { NODE_ENV: 'production' },
    { NODE_ENV: 'test' },
  ] as const) {
    const other = await testApp(t, database, { DATA_DIR: folder, ...config });
    for (const url of ['/dev/outbox', `/dev/outbox/${name}`])
      t.match(
        (await other.inject(url)).json(),
        { status: 404, code: 'ROUTE_NOT_FOUND' },
        JSON.stringify(config),
      );
  }
});
