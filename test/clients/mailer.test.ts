// The way out against a real SMTP server with every fault that it can have.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { simpleParser } from 'mailparser';
import t, { type Test } from 'tap';
import { composeMime } from '../../src/clients/mail-mime.ts';
import { createMailer, type Mailer, type MailerSettings } from '../../src/clients/mailer.ts';
import { listMails, readMail, writeMail } from '../../src/clients/outbox.ts';
import {
  type Fault,
  type SinkOptions,
  type SmtpSink,
  startSink,
  startSinkProcess,
} from '../support/smtp-sink.ts';

const ID = '0199a3c4-7e1f-7a60-9d39-6f1f3f1f9a11';

const settings = (more: Partial<MailerSettings> = {}): MailerSettings => ({
  connections: 2,
  connectTimeoutMs: 300,
  answerTimeoutMs: 400,
  sendTimeoutMs: 5_000,
  outbox: join(tmpdir(), 'no-outbox'),
  ...more,
});

const compose = (text = 'Hello', messageId = '<one@example.com>'): Promise<Buffer> =>
  composeMime({
    messageId,
    from: { name: 'Shop', address: 'shop@example.com' },
    to: { address: 'ada@example.net' },
    subject: 'Hello',
    html: `<p>${text}</p>`,
    text,
    date: new Date('2026-03-01T10:00:00Z'),
    headers: {},
  });

const mail = async (raw?: Buffer) => ({
  id: ID,
  envelope: { from: 'bounce+x@example.com', to: 'ada@example.net' },
  raw: raw ?? (await compose()),
});

interface Stage {
  sink: SmtpSink;
  mailer: Mailer;
}

async function stage(t: Test, more: Partial<MailerSettings> = {}, options: SinkOptions = {}): Promise<Stage> {
  const sink = await startSink(options);
  const mailer = createMailer(settings({ smtpUrl: sink.url, ...more }));
  t.teardown(async () => {
    await mailer.close();
    await sink.close();
  });
  return { sink, mailer };
}

t.test(
  'a mail arrives whole: envelope, Message-ID, both parts, and one connection serves many',
  async (t) => {
    const { sink, mailer } = await stage(t, { connections: 1 });
    for (let n = 0; n < 5; n++)
      t.match(await mailer.send(await mail()), { outcome: 'sent', code: 250, response: /^250 / });
    t.equal(sink.accepted.length, 5);
    t.equal(sink.connections(), 1);
    t.match(sink.accepted[0], {
      from: 'bounce+x@example.com',
      to: ['ada@example.net'],
      messageId: '<one@example.com>',
    });
    const parsed = await sink.parsed(0);
    t.equal(parsed.text?.trim(), 'Hello');
    t.equal(parsed.html, '<p>Hello</p>');
  },
);

t.test('as many connections as allowed, never more', async (t) => {
  const { sink, mailer } = await stage(t, { connections: 3 });
  sink.setFaults([{ at: 'answer', waitMs: 30 }]);
  const results = await Promise.all(Array.from({ length: 20 }, async () => mailer.send(await mail())));
  t.ok(results.every(({ outcome }) => outcome === 'sent'));
  t.equal(sink.mostOpen(), 3);
});

/** More than all buffers between here and the sink hold. */
const large = () => compose('A line of text that fills the mail.\n'.repeat(600_000));

const CASES: [name: string, fault: Fault, expected: object, accepted?: number][] = [
  ['421 as a greeting', { at: 'connect', reply: '421 4.3.2 closing' }, { outcome: 'deferred', code: 421 }],
  [
    '554 as a greeting',
    { at: 'connect', reply: '554 no' },
    { outcome: 'deferred', reason: 'sender_refused' },
  ],
  [
    'greeting never comes',
    { at: 'connect', silence: true },
    { outcome: 'deferred', reason: 'unreachable', code: 0 },
  ],
  [
    'dropped before the greeting',
    { at: 'connect', drop: true },
    { outcome: 'deferred', reason: 'unreachable' },
  ],
  [
    '421 at MAIL',
    { at: 'mail', reply: '421 4.7.0 closing' },
    { outcome: 'deferred', code: 421, reason: 'busy' },
  ],
  ['451 at MAIL', { at: 'mail', reply: '451 4.3.0 later' }, { outcome: 'deferred', code: 451 }],
  [
    '550 at MAIL',
    { at: 'mail', reply: '550 5.7.1 not you' },
    { outcome: 'deferred', reason: 'sender_refused' },
  ],
  ['drop at MAIL', { at: 'mail', drop: true }, { outcome: 'deferred', reason: 'unreachable' }],
  ['silence at MAIL', { at: 'mail', silence: true }, { outcome: 'deferred', reason: 'unreachable' }],
  [
    '450 at RCPT',
    { at: 'rcpt', reply: '450 4.2.1 greylisted' },
    { outcome: 'deferred', code: 450, reason: 'busy' },
  ],
  [
    '421 at RCPT',
    { at: 'rcpt', reply: '421 4.7.0 too many' },
    { outcome: 'deferred', code: 421, reason: 'busy' },
  ],
  ['drop at RCPT', { at: 'rcpt', drop: true }, { outcome: 'deferred', reason: 'unreachable' }],
  [
    '550 at RCPT',
    { at: 'rcpt', reply: '550 5.1.1 no such user' },
    { outcome: 'failed', reason: 'refused_recipient', code: 550 },
  ],
  [
    '552 at RCPT',
    { at: 'rcpt', reply: '552 5.2.2 full' },
    { outcome: 'failed', reason: 'mailbox_full', code: 552 },
  ],
  ['421 after the content', { at: 'answer', reply: '421 4.3.2 closing' }, { outcome: 'deferred', code: 421 }],
  ['451 after the content', { at: 'answer', reply: '451 4.3.0 later' }, { outcome: 'deferred', code: 451 }],
  [
    '452 after the content',
    { at: 'answer', reply: '452 4.3.1 no space' },
    { outcome: 'deferred', code: 452, reason: 'busy' },
  ],
  [
    '550 after the content',
    { at: 'answer', reply: '550 5.7.1 policy' },
    { outcome: 'failed', reason: 'refused_content' },
  ],
  [
    '554 after the content',
    { at: 'answer', reply: '554 5.7.1 spam' },
    { outcome: 'failed', reason: 'refused_content' },
  ],
  ['drop after the content', { at: 'answer', drop: true }, { outcome: 'unknown', code: 0 }, 1],
  ['silence after the content', { at: 'answer', silence: true }, { outcome: 'unknown', code: 0 }, 1],
  ['slow answer', { at: 'answer', waitMs: 250 }, { outcome: 'sent', code: 250 }, 1],
];

for (const pipelining of [true, false]) {
  t.test(`M1 M6 every fault of a server is the right outcome, pipelining ${pipelining}`, async (t) => {
    for (const [name, fault, expected, accepted = 0] of CASES) {
      const { sink, mailer } = await stage(t, {}, { pipelining });
      sink.setFaults([fault]);
      t.match(await mailer.send(await mail()), expected, name);
      t.equal(sink.accepted.length, accepted, `${name}: taken`);
      if (fault.at !== 'connect' && fault.at !== 'mail' && !fault.drop && !fault.silence)
        t.equal(sink.connections(), 1, `${name}: tried once`);
      sink.setFaults([]);
      t.match(await mailer.send(await mail()), { outcome: 'sent' }, `${name}: the next mail goes out`);
    }
  });
}

t.test('M6 nothing is sent a second time by the pool: a dropped connection is one attempt', async (t) => {
  for (const at of ['connect', 'mail', 'rcpt', 'data', 'answer'] as const) {
    const { sink, mailer } = await stage(t);
    sink.setFaults([{ at, drop: true, times: 1 }]);
    const { outcome } = await mailer.send(await mail());
    t.not(outcome, 'sent', at);
    t.equal(sink.connections(), 1, at);
    t.equal(sink.accepted.length, at === 'answer' ? 1 : 0, at);
  }
});

t.test(
  'M1 a connection that ends within the content is deferred, for the dot was never written',
  async (t) => {
    const { sink, mailer } = await stage(t);
    sink.setFaults([{ at: 'data', drop: true }]);
    t.match(await mailer.send(await mail(await large())), { outcome: 'deferred', reason: 'unreachable' });
    t.equal(sink.accepted.length, 0);
  },
);

t.test('M1 a server that goes away with its 354 is seen before the dot is written', async (t) => {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.write('220 hello\r\n');
    socket.on('data', (data) => {
      if (/^DATA/im.test(String(data))) socket.write('354 go on\r\n', () => socket.resetAndDestroy());
      else socket.write('250 ok\r\n');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as { port: number };
  const mailer = createMailer(settings({ smtpUrl: `smtp://127.0.0.1:${port}` }));
  t.match(await mailer.send(await mail()), { outcome: 'deferred', reason: 'unreachable' });
  await mailer.close();
});

t.test('a server that nobody listens on, and one that comes back', async (t) => {
  const { sink, mailer } = await stage(t);
  await sink.refuse();
  t.match(await mailer.send(await mail()), {
    outcome: 'deferred',
    reason: 'unreachable',
    code: 0,
    response: /ECONNREFUSED/,
  });
  await t.rejects(mailer.verify(), /ECONNREFUSED/);
  await sink.listen();
  t.match(await mailer.send(await mail()), { outcome: 'sent' });
  await mailer.verify();
});

t.test('a connection that the server closed while it was idle costs no mail', async (t) => {
  const { sink, mailer } = await stage(t, { connections: 1 });
  t.match(await mailer.send(await mail()), { outcome: 'sent' });
  await sink.refuse();
  await sink.listen();
  t.match(await mailer.send(await mail()), { outcome: 'sent' });
});

t.test('wrong credentials are trouble of the sender, not of the recipient', async (t) => {
  const { sink } = await stage(t, {}, { users: { shop: 'right' } });
  const at = (login: string) => createMailer(settings({ smtpUrl: sink.url.replace('//', `//${login}@`) }));
  const refused = at('shop:wrong');
  t.match(await refused.send(await mail()), { outcome: 'deferred', code: 535, reason: 'sender_refused' });
  await t.rejects(refused.verify(), /535/);
  const anonymous = createMailer(settings({ smtpUrl: sink.url }));
  t.match(await anonymous.send(await mail()), { outcome: 'deferred', code: 530, reason: 'sender_refused' });
  const right = at('shop:right');
  t.match(await right.send(await mail()), { outcome: 'sent' });
  sink.setFaults([{ at: 'login', reply: '454 4.7.0 later' }]);
  const later = at('shop:right');
  t.match(await later.send(await mail()), { outcome: 'deferred', code: 454, reason: 'busy' });
  await Promise.all([refused, anonymous, right, later].map((mailer) => mailer.close()));
});

t.test('TLS: a certificate that nobody vouches for is refused unless the URL says otherwise', async (t) => {
  const { sink, mailer } = await stage(
    t,
    { answerTimeoutMs: 3_000, connectTimeoutMs: 3_000 },
    { startTls: true },
  );
  t.match(await mailer.send(await mail()), {
    outcome: 'deferred',
    reason: 'unreachable',
    response: /certificate/,
  });
  const trusting = createMailer(
    settings({
      smtpUrl: `${sink.url}?tls.rejectUnauthorized=false&requireTLS=true&maxRequeues=5&maxConnections=50`,
      answerTimeoutMs: 3_000,
      connectTimeoutMs: 3_000,
    }),
  );
  t.match(await trusting.send(await mail()), { outcome: 'sent' });
  sink.setFaults([{ at: 'connect', drop: true }]);
  const before = sink.connections();
  await trusting.close();
  const plain = createMailer(settings({ smtpUrl: `${sink.url}?maxRequeues=5` }));
  t.match(await plain.send(await mail()), { outcome: 'deferred' });
  t.equal(sink.connections(), before + 1, 'the URL cannot switch re-queueing on');
  await plain.close();
});

t.test(
  'no mail takes longer than its time: whether it waits in line, for the end of the content, or for the answer',
  async (t) => {
    const { sink, mailer } = await stage(t, { connections: 1, answerTimeoutMs: 10_000, sendTimeoutMs: 300 });
    sink.setFaults([{ at: 'answer', silence: true }]);
    const [first, second] = await Promise.all([mailer.send(await mail()), mailer.send(await mail())]);
    t.match(first, { outcome: 'unknown', code: 0 });
    t.match(second, { outcome: 'deferred', reason: 'unreachable' });
    sink.setFaults([{ at: 'rcpt', silence: true }]);
    t.match(await mailer.send(await mail()), { outcome: 'deferred', reason: 'unreachable' });
  },
);

t.test('close waits for what was handed over', async (t) => {
  const { sink, mailer } = await stage(t);
  sink.setFaults([{ at: 'answer', waitMs: 200 }]);
  const sending = mailer.send(await mail());
  await mailer.close();
  t.match(await sending, { outcome: 'sent' });
});

t.test('a sink of its own process tells what it took and can be told to fail', async (t) => {
  const sink = await startSinkProcess({ keepRaw: true });
  t.teardown(() => sink.end());
  const mailer = createMailer(settings({ smtpUrl: sink.url }));
  t.match(await mailer.send(await mail()), { outcome: 'sent' });
  await sink.setFaults([{ at: 'rcpt', reply: '450 4.2.1 later', times: 1 }]);
  t.match(await mailer.send(await mail()), { outcome: 'deferred' });
  t.match(await mailer.send(await mail()), { outcome: 'sent' });
  t.match(await sink.accepted(), [{ messageId: '<one@example.com>', to: ['ada@example.net'] }, {}]);
  t.match(String(await sink.raw(1)), 'Message-ID: <one@example.com>');
  await mailer.close();
});

t.test('without a server mails are files, whole and unreadable for others', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'outbox-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const outbox = join(folder, 'outbox');
  const mailer = createMailer(settings({ outbox }));
  t.strictSame(await listMails(outbox, 10), [], 'no folder yet');
  const results = await Promise.all(Array.from({ length: 10 }, async () => mailer.send(await mail())));
  t.ok(results.every(({ outcome }) => outcome === 'sent'));
  const names = await readdir(outbox);
  t.ok(
    names.every((name) => /^\d{8}T\d{9}Z-.{36}\.eml$/.test(name)),
    'no drafts are left',
  );
  const raw = await readFile(join(outbox, names[0] as string));
  t.equal((await simpleParser(raw)).messageId, '<one@example.com>');
  await mailer.verify();
  await mailer.close();
});

t.test('no name leads out of the outbox', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'outbox-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const name = `20260301T100000000Z-${ID}.eml`;
  await writeMail(folder, name, Buffer.from('mail'));
  await writeMail(folder, name.replace('2026', '2027'), Buffer.from('newer'));
  t.equal(String(await readMail(folder, name)), 'mail');
  t.strictSame(await listMails(folder, 1), [name.replace('2026', '2027')], 'newest first');
  t.equal(await readMail(folder, name.replace('2026', '2025')), undefined);
  for (const evil of [
    '../secret',
    `../${name}`,
    `/etc/passwd`,
    `${name}\0`,
    `x/../${name}`,
    '..',
    '.',
    '',
    `${name}/`,
  ])
    t.equal(await readMail(folder, evil), undefined, JSON.stringify(evil));
  await t.rejects(writeMail(folder, '../evil.eml', Buffer.from('')), TypeError);
  t.strictSame((await readdir(folder)).length, 2, 'a name that is refused leaves nothing behind');
});
