// Some forty hostile texts × every place where a text of ours is read by somebody else: JSON, CSV, headers, mail in HTML and
// text, pages, the log. Each comes out as the text that it is, or was refused at the door.
import { randomUUID } from 'node:crypto';
import { parse } from 'csv-parse/sync';
import pino from 'pino';
import t, { type Test } from 'tap';
import { buildApp } from '../../src/app.ts';
import { preferencesTokenOf } from '../../src/clients/mail-identity.ts';
import { unguardCell } from '../../src/domain/csv.ts';
import { mailSecretsOf } from '../../src/mail.ts';
import {
  type Answer,
  TEST_CONFIG,
  type TestStore,
  testApp,
  testDatabase,
  testStore,
} from '../support/harness.ts';
import { HOSTILE_STRINGS, type HostileString } from '../support/hostile-strings.ts';
import { htmlFaults } from '../support/html.ts';
import { openPost } from '../support/mail-post.ts';
import { queueMail } from '../support/sent-mails.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);

const keyed = () => ({ 'idempotency-key': randomUUID() });

/** Fields that take any text, as one customer has them. */
const FIELDS = ['firstName', 'lastName', 'company'] as const;

interface Named {
  string: HostileString;
  id: string;
  /** As it was taken in: spaces around it, and what cannot be seen, may be gone. */
  stored: string;
}

/** A customer for each text that is taken as a name; refusals are told. */
async function nameCustomers(t: Test, store: TestStore): Promise<Named[]> {
  const named: Named[] = [];
  const refused: string[] = [];
  for (const [index, string] of HOSTILE_STRINGS.entries()) {
    const { text, what } = string;
    const body = {
      email: `n${index}@example.com`,
      ...Object.fromEntries(FIELDS.map((field) => [field, text])),
    };
    const { statusCode, data, body: told } = await store.call('POST', '/v1/customers', body);
    if (statusCode === 201) named.push({ string, id: data.id, stored: data.lastName });
    else {
      t.ok(statusCode === 400 || statusCode === 422, `${what}: ${told}`);
      refused.push(what);
    }
  }
  t.comment(`${named.length} taken, ${refused.length} refused: ${refused.join(', ')}`);
  return named;
}

/** What any reader may see of it: no spaces around, signs in their composed form. */
const plain = (text: string | null): string => (text ?? '').normalize('NFC').replace(/\s+/gu, ' ').trim();

t.test('JSON: a text comes back as it was sent', async (t) => {
  const store = await testStore(app, database);
  const named = await nameCustomers(t, store);
  t.ok(named.length > 20);
  for (const { string, id, stored } of named) {
    t.equal(plain(stored), plain(string.text), string.what);
    const { data } = await store.call('GET', `/v1/customers/${id}`);
    for (const field of FIELDS) t.equal(data[field], stored, `${string.what} ${field}`);
    const note = await store.call('POST', `/v1/customers/${id}/notes`, { body: `a ${string.text} b` });
    t.equal(note.data.body, `a ${string.text} b`, `${string.what}: a note is kept to the letter`);
  }
});

t.test('CSV: every cell is read back, and none of them is a formula', async (t) => {
  const store = await testStore(app, database);
  const named = await nameCustomers(t, store);
  const { body, headers } = await store.call('GET', '/v1/customers.csv');
  t.match(headers['content-disposition'], /^attachment; filename="[\w.-]+"$/);
  const [header = [], ...rows] = parse(body, { bom: true, relax_column_count: false }) as string[][];
  const column = header.findIndex((name) => /last.?name/i.test(name));
  t.equal(rows.length, named.length);
  const texts = new Set(rows.map((row) => unguardCell(row[column] ?? '')));
  for (const { string, stored } of named)
    t.ok(texts.has(stored ?? ''), `${string.what}: ${JSON.stringify(stored)}`);
  for (const cell of rows.flat()) t.notMatch(cell, /^[=+\-@\t\r]/, 'no formula');
});

/** Printable ASCII alone, and none of the text's own headers. */
function checkHeaders(t: Test, { headers }: Answer, what: string): void {
  t.notOk(
    Object.keys(headers).some((name) => /^(x-evil|set-cookie|bcc)$/i.test(name)),
    what,
  );
  for (const [name, value] of Object.entries(headers))
    t.notMatch(String(value), /[^\x20-\x7e]/, `${what}: ${name}`);
}

t.test('headers: nothing of a text ends one or begins another', async (t) => {
  const store = await testStore(app, database);
  const order = {
    status: 'confirmed',
    currency: 'EUR',
    placedAt: '2026-01-01T10:00:00Z',
    updatedAt: '2026-01-01T10:00:00Z',
    customer: { email: 'ada@example.com' },
    items: [{ title: 'Lamp', quantity: 1, unitPrice: 100 }],
    total: 100,
  };
  for (const { what, text } of HOSTILE_STRINGS) {
    const named = encodeURIComponent(text);
    for (const answer of [
      await store.call('PUT', `/v1/orders/${named}`, order),
      await store.call('GET', `/v1/customers?limit=1&q=${named}`),
      await store.call('GET', `/v1/customers?limit=1&sort=${named}`),
      await store.call('POST', '/v1/groups', { name: text }),
      await store.call('POST', '/v1/segments', { name: text, query: 'number_of_orders > 5' }),
      (await app.inject({ method: 'GET', url: `/c/${named}` })) as Answer,
      (await app.inject({ method: 'GET', url: `/nowhere/${named}` })) as Answer,
      (await app.inject({ method: 'GET', url: '/livez', headers: { 'x-request-id': text } })) as Answer,
      (await app.inject({ method: 'GET', url: '/livez', headers: { origin: text } })) as Answer,
    ]) {
      t.ok(answer.statusCode < 500, `${what}: ${answer.body}`);
      checkHeaders(t, answer, what);
    }
  }
});

t.test('mail: one recipient, no header of the text, HTML and text show it as a text', async (t) => {
  const store = await testStore(app, database);
  const post = await openPost(t);
  const named = await nameCustomers(t, store);
  await store.call('PATCH', '/v1/store', { settings: { mail: { footerText: 'x' } } });
  for (const { id, string } of named) {
    const words = { subject: string.text, text: `a ${string.text} b` };
    const own = await store.call('POST', `/v1/customers/${id}/messages`, words, keyed());
    t.ok(
      own.statusCode === 202 || own.statusCode === 400 || own.statusCode === 422,
      `${string.what}: ${own.body}`,
    );
    await queueMail(store, { kind: 'direct', class: 'transactional', customerId: id, data: words });
  }
  for (let round = 0; round < 20; round++) await post.send(store);
  const { accepted } = post.sink;
  t.ok(accepted.length >= named.length, `${accepted.length} mails of ${named.length} customers`);
  for (const [index, mail] of accepted.entries()) {
    const head = mail.raw.subarray(0, mail.raw.indexOf('\r\n\r\n')).toString('latin1');
    t.notMatch(head, /^(bcc|cc|x-evil|set-cookie):/im, 'no header of the text');
    t.notMatch(head, /[^\t\r\n\x20-\x7e]/, 'headers are ASCII');
    t.notMatch(mail.raw.toString('latin1'), /(^|[^\r])\n|\r([^\n]|$)/, 'every line ends as it should');
    const { to, html, text } = await post.sink.parsed(index);
    t.equal([to].flat().length, 1);
    t.equal([to].flat()[0]?.value.length, 1, 'one recipient');
    const shown = `${html || ''}`;
    const { text: sent = '' } =
      HOSTILE_STRINGS[Number(/^n(\d+)@/.exec([to].flat()[0]?.value[0]?.address ?? '')?.[1])] ?? {};
    t.ok(plain(text ?? '').includes(plain(sent)), `the text is there as it is: ${JSON.stringify(sent)}`);
    t.notMatch(
      shown,
      /<script|<svg|<img src=x|onmouseover=alert\(1\) x=''>|<[^>]*\sonerror=/i,
      'no markup of the text',
    );
    t.notMatch(`${shown}${text}`, /\b49\b.*(?=templates)|x{50}/, 'no template of the text has run');
  }
});

t.test('pages: the names of store and topic are texts', async (t) => {
  const secrets = mailSecretsOf(TEST_CONFIG);
  const store = await testStore(app, database);
  const { data: customer } = await store.call('POST', '/v1/customers', { email: 'ada@example.com' });
  const id = await queueMail(store, { kind: 'direct', class: 'transactional', customerId: customer.id });
  await database.owner.query(`update messages set status = 'sent', sent_at = now() where id = $1`, [id]);
  const token = preferencesTokenOf(secrets, { storeId: store.storeId, id });
  for (const [index, { what, text }] of HOSTILE_STRINGS.entries()) {
    await store.call('PATCH', '/v1/store', { name: text });
    await store.call('PATCH', `/v1/customers/${customer.id}`, { firstName: text });
    await store.call('POST', '/v1/topics', { key: `t${index}`, name: text, description: text });
    const page = await app.inject({ method: 'GET', url: `/pages/preferences/${token}` });
    t.equal(page.statusCode, 200, what);
    t.same(htmlFaults(page.body), [], what);
    t.notMatch(page.body, /<script|<svg|<img src=x/i, what);
    t.match(page.headers['content-security-policy'], /default-src 'none'/);
    checkHeaders(t, page as Answer, what);
  }
});

t.test('log: a request is one line of JSON, whatever it holds', async (t) => {
  const lines: string[] = [];
  const logger = pino({ level: 'trace' }, { write: (line: string) => lines.push(line) });
  const config = { ...TEST_CONFIG, LOG_REQUESTS: 'all' as const };
  const logging = await buildApp({ config, pool: database.pool, version: '0.0.0-test', logger });
  t.teardown(() => logging.close());
  await logging.ready();
  lines.length = 0;
  const store = await testStore(app, database);
  for (const { what, text } of HOSTILE_STRINGS) {
    const before = lines.length;
    await logging.inject({
      method: 'POST',
      url: `/v1/customers/${encodeURIComponent(text)}?q=${encodeURIComponent(text)}`,
      headers: {
        authorization: `Bearer ${store.token}`,
        'user-agent': text,
        'x-request-id': text,
        'content-type': 'application/json',
      },
      payload: { email: text, lastName: text },
    });
    const written = lines.slice(before);
    t.ok(written.length > 0, what);
    for (const line of written) {
      t.match(line, /^[^\n\r]+\n$/, `${what}: one line`);
      const { level } = JSON.parse(line);
      t.ok(level < 50, `${what}: no error: ${line}`);
      t.notMatch(line, store.token, 'no credential');
    }
  }
});
