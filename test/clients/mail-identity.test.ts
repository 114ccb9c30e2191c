// M2: what a mail is known by, and that nobody else can make it up.
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import {
  addressHashOf,
  bounceAddressOf,
  clickTokenOf,
  mailSecrets,
  messageIdOf,
  preferencesTokenOf,
  readClickToken,
  readMessageId,
  readOwnAddress,
  readPreferencesToken,
  readUnsubscribeToken,
  unsubscribeAddressOf,
  unsubscribeTokenOf,
} from '../../src/clients/mail-identity.ts';

const secrets = mailSecrets(Buffer.alloc(32, 1), Buffer.alloc(32, 2));
const others = mailSecrets(Buffer.alloc(32, 3), Buffer.alloc(32, 2));
const row = { storeId: '0199a3c4-7e1f-7a60-9d39-6f1f3f1f9a11', id: '0199a3c4-7e1f-7a60-9d39-6f1f3f1f9a22' };
const otherStore = '0199a3c4-7e1f-7a60-9d39-6f1f3f1f9a33';
const URL_ = 'https://shop.example/a?b=c&d=ä#e';

t.test('M2 a retry says the same: everything is a pure function of the ids and the secret', async (t) => {
  for (const make of [messageIdOf, bounceAddressOf, unsubscribeAddressOf])
    t.equal(make(secrets, row, 'example.com'), make(secrets, { ...row }, 'example.com'));
  for (const make of [unsubscribeTokenOf, preferencesTokenOf]) {
    t.equal(make(secrets, row), make(secrets, row));
    t.not(make(secrets, row), make(others, row), 'another installation says something else');
    t.match(make(secrets, row), /^[A-Za-z0-9_-]{64}$/, 'compact and safe in a path');
  }
});

t.test('Message-ID: valid for RFC 5322, found again with and without brackets', async (t) => {
  const id = messageIdOf(secrets, row, 'mail.example.com');
  t.match(id, /^<[a-z2-7]{42}@mail\.example\.com>$/);
  t.equal(readMessageId(secrets, row.storeId, id), row.id);
  t.equal(readMessageId(secrets, row.storeId, ` ${id.slice(1, -1)} `), row.id, 'as providers write it');
  t.equal(readMessageId(secrets, row.storeId, id.toUpperCase()), row.id);
  t.equal(readMessageId(secrets, otherStore, id), undefined, 'of another store');
  t.equal(readMessageId(others, row.storeId, id), undefined, 'of another installation');
  for (const text of ['', '<>', '<a@b>', `${id}${id}`, id.replace('@', ''), `x${id}`])
    t.equal(readMessageId(secrets, row.storeId, text), undefined, text);
});

t.test('bounce address: fits a local part, survives lower-casing, is found in any header text', async (t) => {
  const address = bounceAddressOf(secrets, row, 'example.com');
  t.ok(address.indexOf('@') <= 64, 'RFC 5321 4.5.3.1.1');
  const read = (text: string) => readOwnAddress(secrets, row.storeId, text);
  for (const text of [address, address.toUpperCase(), `"Bounces" <${address}>`, `a@b, ${address}, c@d`])
    t.strictSame(read(text), { purpose: 'bounce', id: row.id }, text);
  t.strictSame(read(unsubscribeAddressOf(secrets, row, 'example.com')), {
    purpose: 'unsubscribe',
    id: row.id,
  });
  t.equal(read(address.replace('bounce', 'unsubscribe')), undefined, 'the one is not the other');
  t.equal(readOwnAddress(secrets, otherStore, address), undefined);
  t.equal(read('bounce+aaaa@example.com'), undefined);
  t.strictSame(read(`bounce+${'a'.repeat(42)}@example.com ${address}`), { purpose: 'bounce', id: row.id });
});

t.test('tokens of links carry their store and open nothing but what they are for', async (t) => {
  const readers = [readUnsubscribeToken, readPreferencesToken, readClickToken];
  const tokens = [
    unsubscribeTokenOf(secrets, row),
    preferencesTokenOf(secrets, row),
    clickTokenOf(secrets, { ...row, url: URL_ }) as string,
  ];
  for (const [i, token] of tokens.entries())
    for (const [j, read] of readers.entries()) {
      const expected = j === 2 ? { ...row, url: URL_ } : row;
      t.strictSame(read(secrets, token), i === j ? expected : undefined, `${i} ${j}`);
      t.equal(read(others, token), undefined);
    }
});

t.test('a token with any one letter changed is worth nothing', async (t) => {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const changed = (token: string, at: number, by: number) => {
    const letter = letters[(letters.indexOf(token[at] as string) + by) % 64];
    return token.slice(0, at) + letter + token.slice(at + 1);
  };
  const click = clickTokenOf(secrets, { ...row, url: URL_ }) as string;
  const unsubscribe = unsubscribeTokenOf(secrets, row);
  fc.assert(
    fc.property(fc.nat(click.length - 1), fc.integer({ min: 1, max: 63 }), (at, by) => {
      const isOther = readClickToken(secrets, changed(click, at, by)) === undefined;
      return isOther && readUnsubscribeToken(secrets, changed(unsubscribe, at % 64, by)) === undefined;
    }),
    { numRuns: 1000 },
  );
  for (const token of [
    '',
    'x',
    `${unsubscribe}A`,
    `${unsubscribe}=`,
    ` ${unsubscribe}`,
    unsubscribe.slice(1),
  ])
    t.equal(readUnsubscribeToken(secrets, token), undefined, token);
});

t.test('no open redirect: only http and https, and only where we said', async (t) => {
  for (const url of [
    'javascript:alert(1)',
    'data:text/html,x',
    '//evil.example',
    'ftp://x',
    'https:///x',
    'x',
    '',
  ])
    t.equal(clickTokenOf(secrets, { ...row, url }), undefined, url);
  const token = clickTokenOf(secrets, { ...row, url: 'https://shop.example/' }) as string;
  const bytes = Buffer.from(token, 'base64url');
  const elsewhere = Buffer.concat([bytes.subarray(0, 48), Buffer.from('https://evil.example/')]);
  t.equal(readClickToken(secrets, elsewhere.toString('base64url')), undefined);
  const long = `https://shop.example/?${'x'.repeat(3000)}`;
  t.equal(readClickToken(secrets, clickTokenOf(secrets, { ...row, url: long }) as string)?.url, long);
});

t.test('property: every row comes back, whatever its ids', async (t) => {
  const uuid = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) =>
    Buffer.from(bytes)
      .toString('hex')
      .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
  );
  fc.assert(
    fc.property(uuid, uuid, (storeId, id) => {
      const one = { storeId, id };
      return (
        readMessageId(secrets, storeId, messageIdOf(secrets, one, 'x.example')) === id &&
        readOwnAddress(secrets, storeId, bounceAddressOf(secrets, one, 'x.example'))?.id === id &&
        readUnsubscribeToken(secrets, unsubscribeTokenOf(secrets, one))?.id === id
      );
    }),
  );
  t.pass();
});

t.test('the fingerprint of an address is of one store and says nothing without the key', async (t) => {
  const hash = (storeId: string, email: string, of = secrets) =>
    addressHashOf(of, storeId, email).toString('hex');
  t.equal(hash(row.storeId, 'a@b.example'), hash(row.storeId, 'a@b.example'));
  t.not(hash(row.storeId, 'a@b.example'), hash(otherStore, 'a@b.example'));
  t.not(hash(row.storeId, 'a@b.example'), hash(row.storeId, 'a@c.example'));
  const strange = mailSecrets(Buffer.alloc(32, 1), randomBytes(32));
  t.not(hash(row.storeId, 'a@b.example'), hash(row.storeId, 'a@b.example', strange));
});
