// One finished mail: what is in it, who signed it, and that no text gets out of its place.
import { generateKeyPairSync } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import { simpleParser } from 'mailparser';
import PostalMime from 'postal-mime';
import t from 'tap';
import {
  composeMime,
  MimeError,
  type MimeInput,
  oneLine,
  SIGNED_FIELDS,
} from '../../src/clients/mail-mime.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PEM = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const DNS = `v=DKIM1; k=rsa; p=${publicKey.export({ type: 'spki', format: 'der' }).toString('base64')}`;
const resolver = async (name: string) => {
  if (name !== 's1._domainkey.example.com') throw Object.assign(new Error('none'), { code: 'ENOTFOUND' });
  return [[DNS]];
};

const input = (more: Partial<MimeInput> = {}): MimeInput => ({
  messageId: '<abc@example.com>',
  from: { name: 'Shop', address: 'shop@example.com' },
  to: { name: 'Ada Lovelace', address: 'ada@example.net' },
  subject: 'Grüße für Ada 🎉',
  html: '<p>Hallo Ada, schöne Grüße</p>\n.\n<p>Punkt</p>',
  text: 'Hallo Ada, schöne Grüße\n.\nPunkt',
  date: new Date('2026-03-01T10:00:00Z'),
  headers: {
    'List-Unsubscribe': `<https://shop.example/pages/unsubscribe/${'x'.repeat(64)}>, <mailto:unsubscribe+${'a'.repeat(42)}@example.com>`,
    'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
    'Feedback-ID': 'a:b:c:d',
  },
  dkim: { domain: 'example.com', selector: 's1', privateKey: PEM },
  ...more,
});
const unsigned = (more: Partial<MimeInput> = {}): MimeInput => {
  const { dkim: _, ...rest } = input(more);
  return rest;
};

t.test('M7 both parts, every header, and CRLF at every line end', async (t) => {
  const raw = await composeMime(input({ replyTo: { address: 'help@example.com' } }));
  const mail = await simpleParser(raw);
  t.equal(mail.subject, 'Grüße für Ada 🎉');
  t.equal(mail.text?.trim(), 'Hallo Ada, schöne Grüße\n.\nPunkt');
  t.equal(mail.html, '<p>Hallo Ada, schöne Grüße</p>\n.\n<p>Punkt</p>');
  t.equal(mail.messageId, '<abc@example.com>');
  t.strictSame(mail.date, new Date('2026-03-01T10:00:00Z'));
  t.strictSame(mail.from?.value, [{ name: 'Shop', address: 'shop@example.com' }]);
  t.strictSame(mail.replyTo?.value, [{ name: '', address: 'help@example.com' }]);
  t.match(mail.headers.get('content-type'), { value: 'multipart/alternative' });
  t.notMatch(raw.toString('latin1'), /[^\r]\n|\r[^\n]/, 'no bare CR or LF');
  for (const line of raw.toString('latin1').split('\r\n')) t.ok(line.length <= 998, 'RFC 5322 2.1.1');
});

t.test('RFC 8058 the DKIM signature verifies and covers both unsubscribe headers', async (t) => {
  const raw = await composeMime(input());
  const { results } = await dkimVerify(raw, { resolver });
  t.match(results, [
    { status: { result: 'pass', aligned: 'example.com' }, signingDomain: 'example.com', selector: 's1' },
  ]);
  const signed = results[0]?.signingHeaders.keys.toLowerCase().split(/[:;,\s]+/) ?? [];
  for (const field of [
    'from',
    'to',
    'subject',
    'date',
    'message-id',
    'list-unsubscribe',
    'list-unsubscribe-post',
    'feedback-id',
  ])
    t.ok(signed.includes(field), field);
  t.ok(SIGNED_FIELDS.includes('List-Unsubscribe-Post'));
});

t.test('a mail that was changed on the way does not verify', async (t) => {
  const raw = (await composeMime(input())).toString('latin1');
  const changes: [string, string][] = [
    ['List-Unsubscribe=One-Click', 'List-Unsubscribe=Two-Click'],
    ['shop@example.com', 'evil@example.com'],
    ['Punkt', 'Komma'],
  ];
  for (const [from, to] of changes) {
    t.ok(raw.includes(from));
    const { results } = await dkimVerify(Buffer.from(raw.replace(from, to), 'latin1'), { resolver });
    t.not(results[0]?.status.result, 'pass', from);
  }
});

t.test('a key that cannot sign is an error, never an unsigned mail', async (t) => {
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
  });
  for (const key of ['', 'no key', ec.toString(), DNS])
    await t.rejects(
      composeMime(input({ dkim: { domain: 'example.com', selector: 's1', privateKey: key } })),
      MimeError,
    );
});

t.test('nobody gets a second address, header or recipient in', async (t) => {
  const addresses = [
    'ada@example.net, eve@example.org',
    'ada@example.net;eve@example.org',
    'ada@example.net\r\nBcc: eve@example.org',
    'ada@example.net\nBcc: eve@example.org',
    'ada@example.net\0eve@example.org',
    '<ada@example.net>',
    'Ada <ada@example.net>',
    '"a, eve@example.org"@example.net',
    'eve@example.org(ada@example.net',
    'a@[127.0.0.1]',
    'group: ada@example.net, eve@example.org;',
    'ada@example.net>\r\nRCPT TO:<eve@example.org',
    'ada',
    '',
    ' ',
    '@example.net',
  ];
  for (const address of addresses) {
    await t.rejects(composeMime(unsigned({ to: { address } })), MimeError, `to ${address}`);
    await t.rejects(composeMime(unsigned({ from: { address } })), MimeError, `from ${address}`);
    await t.rejects(composeMime(unsigned({ replyTo: { address } })), MimeError, `replyTo ${address}`);
  }
  for (const messageId of ['', 'x', '<x>', '<a@b>\r\nBcc: eve@example.org', '<a@b> <c@d>', '<a\n@b>'])
    await t.rejects(composeMime(unsigned({ messageId })), MimeError, messageId);
});

t.test(
  'headers of others: names are words, values one line of ASCII, and ours cannot be replaced',
  async (t) => {
    const refused: Record<string, string>[] = [
      { 'X-A': 'b\r\nBcc: eve@example.org' },
      { 'X-A': 'b\nBcc: eve@example.org' },
      { 'X-A': 'b\rBcc: eve@example.org' },
      { 'X-A\r\nBcc': 'eve@example.org' },
      { 'X A': 'b' },
      { '': 'b' },
      { 'X-A:': 'b' },
      { 'X-A': '' },
      { 'X-A': 'ä' },
      ...[
        'Bcc',
        'bcc',
        'CC',
        'To',
        'From',
        'Sender',
        'Reply-To',
        'Subject',
        'Date',
        'Message-ID',
        'MIME-Version',
        'Content-Type',
        'Content-Transfer-Encoding',
        'DKIM-Signature',
        'Return-Path',
        'Received',
        'Resent-To',
        'ARC-Seal',
      ].map((name) => ({ [name]: 'x' })),
    ];
    for (const headers of refused)
      await t.rejects(composeMime(unsigned({ headers })), MimeError, JSON.stringify(headers));
  },
);

t.test('names and subjects are text, whatever they hold', async (t) => {
  const evil = [
    'Ada\r\nBcc: eve@example.org',
    'Ada" <eve@example.org>, "x',
    'Ada <eve@example.org>',
    'a, b; c: d',
    '=?utf-8?Q?Ada=0D=0ABcc:_eve@example.org?=',
    'Ada\u2028Bcc: eve@example.org',
    'Ада\r\n Лавлейс',
    '(comment) "quoted\\',
    '\u0000\u0007',
    'x'.repeat(2000),
  ];
  for (const [index, name] of evil.entries()) {
    const raw = await composeMime(
      unsigned({
        to: { name, address: 'ada@example.net' },
        from: { name, address: 'shop@example.com' },
        subject: name,
      }),
    );
    const [mail, other] = [await simpleParser(raw), await PostalMime.parse(raw)];
    const to = [mail.to].flat().flatMap((list) => list?.value ?? []);
    t.strictSame(
      to.map(({ address }) => address),
      ['ada@example.net'],
      `name ${index}`,
    );
    t.strictSame(
      other.to?.map(({ address }) => address),
      ['ada@example.net'],
    );
    t.equal(other.from?.address, 'shop@example.com');
    t.notOk(mail.headers.has('bcc'));
    t.equal(other.bcc, undefined);
    for (const line of raw.toString('latin1').split('\r\n')) if (line.length > 998) t.fail('RFC 5322 2.1.1');
  }
});

t.test(
  'property: any name, subject and content comes back as it was, and changes nothing else',
  async (t) => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'grapheme', maxLength: 60 }),
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 300 }),
        async (name, text) => {
          const raw = await composeMime(
            unsigned({
              to: { name, address: 'ada@example.net' },
              subject: name,
              text,
              html: `<p>${text}</p>`,
            }),
          );
          const mail = await PostalMime.parse(raw);
          return (
            mail.to?.length === 1 &&
            mail.to[0]?.address === 'ada@example.net' &&
            mail.bcc === undefined &&
            (mail.subject ?? '').replace(/\s+/g, ' ').trim() === oneLine(name).replace(/\s+/g, ' ').trim()
          );
        },
      ),
      { numRuns: 200 },
    );
    t.pass();
  },
);

t.test('a line of the content can neither end the mail nor begin a part', async (t) => {
  const raw = await composeMime(unsigned({ text: 'a\n--_NmP-x\nb', html: '<p>\r\n.\r\nQUIT\r\n</p>' }));
  const mail = await simpleParser(raw);
  t.equal(mail.text?.trim(), 'a\n--_NmP-x\nb');
  t.equal(mail.html, '<p>\n.\nQUIT\n</p>');
  t.equal(mail.attachments.length, 0);
});

t.test('files and URLs are never read, not even where an object slips in for a text', async (t) => {
  for (const sneaky of [{ path: '/etc/hostname' }, { href: 'http://127.0.0.1:1/' }]) {
    const html = sneaky as never;
    await t.rejects(composeMime(unsigned({ html })));
  }
});

t.test('addresses: the local part keeps its case, anything but ASCII goes in its normal form', async (t) => {
  const to = async (address: string) =>
    (await PostalMime.parse(await composeMime(unsigned({ to: { address } })))).to?.[0]?.address;
  t.equal(await to(' Ada.Lovelace@Example.NET '), 'Ada.Lovelace@example.net');
  t.equal(await to('ada@BÜCHER.example'), 'ada@xn--bcher-kva.example');
});

t.test('it works in a worker thread', async (t) => {
  const module = new URL('../../src/clients/mail-mime.js', import.meta.url).href;
  const worker = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
     import(workerData.module).then(({ composeMime }) => composeMime(workerData.input)).then((raw) => parentPort.postMessage(raw));`,
    { eval: true, workerData: { module, input: input() } },
  );
  const raw = await new Promise<Uint8Array>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  const { results } = await dkimVerify(Buffer.from(raw), { resolver });
  t.equal(results[0]?.status.result, 'pass');
  await worker.terminate();
});
