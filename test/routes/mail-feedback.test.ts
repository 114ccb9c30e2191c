// What is heard of mails (M8) and the suppression list, through the API and in the database.
import t, { type Test } from 'tap';
import { bounceAddressOf, messageIdOf, unsubscribeAddressOf } from '../../src/clients/mail-identity.ts';
import { newId } from '../../src/context.ts';
import type { MessageStatus } from '../../src/domain/mail/messages.ts';
import { mailSecretsOf } from '../../src/mail.ts';
import { call, TEST_CONFIG, type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const secrets = mailSecretsOf(TEST_CONFIG);
const DOMAIN = 'mail.example.com';

interface Sent {
  id: string;
  customerId: string;
  email: string;
  messageId: string;
  bounceAddress: string;
  unsubscribeAddress: string;
}

let counter = 0;

/** A mail that was sent to a customer of its own. */
async function sentMail(
  store: TestStore,
  { status = 'sent', topic = null }: { status?: MessageStatus; topic?: string | null } = {},
): Promise<Sent> {
  const email = `ada${++counter}@example.net`;
  const { data } = await store.call('POST', '/v1/customers', { email });
  const id = newId();
  await database.owner.query(
    `insert into messages (store_id, id, customer_id, kind, class, status, topic, to_email, domain, data, created_at, sent_at,
       lease_id, lease_until)
     values ($1, $2, $3, $4, $5, $6, $7, $8, 'example.net', '{}', now(), case when $6 = 'sent' then now() end,
       case when $6 = 'sending' then $2::uuid end, case when $6 = 'sending' then now() + interval '1 minute' end)`,
    [
      store.storeId,
      id,
      data.id,
      topic ? 'campaign' : 'welcome',
      topic ? 'marketing' : 'transactional',
      status,
      topic,
      email,
    ],
  );
  const row = { storeId: store.storeId, id };
  return {
    id,
    customerId: data.id,
    email,
    messageId: messageIdOf(secrets, row, DOMAIN),
    bounceAddress: bounceAddressOf(secrets, row, DOMAIN),
    unsubscribeAddress: unsubscribeAddressOf(secrets, row, DOMAIN),
  };
}

const tell = (store: TestStore, ...items: object[]) => store.call('POST', '/v1/mail/feedback', { items });
const outcomes = async (store: TestStore, ...items: object[]) =>
  (await tell(store, ...items)).data.results.map(({ outcome }: { outcome: string }) => outcome);

const read = async (id: string) =>
  (await database.owner.query('select * from messages where id = $1', [id])).rows[0];

async function timelineOf(store: TestStore, customerId: string): Promise<string[]> {
  const { data } = await store.call('GET', `/v1/customers/${customerId}/timeline?limit=100`);
  return data.data.map(({ kind }: { kind: string }) => kind);
}

async function entryOf(store: TestStore, email: string) {
  const { data } = await store.call('GET', `/v1/suppressions?email=${encodeURIComponent(email)}`);
  return data.data[0];
}

t.test('M8 delivered is a fact on the mail, told once, whoever tells it and how often', async (t) => {
  const store = await testStore(app, database);
  const mail = await sentMail(store);
  const at = new Date(Date.now() - 60_000).toISOString();
  t.strictSame(await outcomes(store, { messageId: mail.id, event: 'delivered', at }), ['applied']);
  t.strictSame(await outcomes(store, { messageId: mail.messageId, event: 'delivered' }), ['unchanged']);
  t.equal((await read(mail.id)).delivered_at.toISOString(), at);
  t.equal((await read(mail.id)).status, 'sent');
  const kinds = await timelineOf(store, mail.customerId);
  t.equal(kinds.filter((kind) => kind === 'message.delivered').length, 1);
});

t.test('M4 a mail in doubt becomes known by what is heard of it', async (t) => {
  const store = await testStore(app, database);
  const [arrived, gone] = [
    await sentMail(store, { status: 'unknown' }),
    await sentMail(store, { status: 'unknown' }),
  ];
  await tell(
    store,
    { messageId: arrived.id, event: 'delivered' },
    { messageId: gone.id, event: 'bounced', diagnostic: '550 5.1.1 unknown' },
  );
  t.match(await read(arrived.id), { status: 'sent', sent_at: Date });
  t.match(await read(gone.id), { status: 'failed', reason: 'refused_recipient' });
});

t.test('M4 a mail that is being sent keeps its state and its lease', async (t) => {
  const store = await testStore(app, database);
  const mail = await sentMail(store, { status: 'sending' });
  t.strictSame(await outcomes(store, { messageId: mail.id, event: 'delivered' }), ['applied']);
  t.match(await read(mail.id), { status: 'sending', delivered_at: Date, lease_until: Date });
});

t.test('M8 a hard bounce stops every mail to the address, and says which mail it was', async (t) => {
  const store = await testStore(app, database);
  const mail = await sentMail(store);
  const item = { messageId: mail.messageId, event: 'bounced', diagnostic: '550 5.1.1 no such\r\nuser' };
  t.strictSame(await outcomes(store, item), ['applied']);
  t.match(await entryOf(store, mail.email.toUpperCase()), {
    email: mail.email,
    reason: 'hard_bounce',
    until: null,
    messageId: mail.id,
    note: '550 5.1.1 no such user',
  });
  t.strictSame(await outcomes(store, item), ['unchanged']);
  const kinds = await timelineOf(store, mail.customerId);
  t.equal(kinds.filter((kind) => kind === 'message.bounced').length, 1);
  t.equal(kinds.filter((kind) => kind === 'suppression.added').length, 1);
});

t.test(
  'three soft bounces of different mails do for 30 days; the same one told thrice does not',
  async (t) => {
    const store = await testStore(app, database);
    const mail = await sentMail(store);
    const soft = { event: 'bounced', bounceType: 'soft' };
    for (let n = 0; n < 4; n++) await tell(store, { ...soft, messageId: mail.id });
    t.equal(await entryOf(store, mail.email), undefined);
    t.strictSame(
      await outcomes(store, { ...soft, email: mail.email }),
      ['unknown'],
      'of no mail: it could be told again',
    );
    const others = [newId(), newId()];
    for (const id of others)
      await database.owner.query(
        `insert into messages (store_id, id, customer_id, kind, status, to_email, data, created_at, sent_at)
       values ($1, $2, $3, 'welcome', 'sent', $4, '{}', now(), now())`,
        [store.storeId, id, mail.customerId, mail.email],
      );
    await tell(store, ...others.map((messageId) => ({ ...soft, messageId })));
    const entry = await entryOf(store, mail.email);
    t.match(entry, { reason: 'soft_bounces' });
    t.equal(Math.round((Date.parse(entry.until) - Date.now()) / 86_400_000), 30);
  },
);

t.test(
  'M8 a complaint stops marketing, ends consent, and never counts twice, not even at once',
  async (t) => {
    const store = await testStore(app, database);
    const mail = await sentMail(store, { topic: 'offers' });
    await store.call('POST', `/v1/customers/${mail.customerId}/consents`, {
      channel: 'email',
      topics: ['offers', 'newsletter'],
      action: 'grant',
      source: 'staff',
    });
    t.equal((await store.call('GET', `/v1/customers/${mail.customerId}`)).data.acceptsMarketing, true);
    const item = { messageId: mail.id, event: 'complained' };
    const told = await Promise.all([outcomes(store, item), outcomes(store, item), outcomes(store, item)]);
    t.strictSame(told.flat().sort(), ['applied', 'unchanged', 'unchanged']);
    t.equal((await store.call('GET', `/v1/customers/${mail.customerId}`)).data.acceptsMarketing, false);
    t.match(await entryOf(store, mail.email), { reason: 'complaint', until: null });
    const kinds = await timelineOf(store, mail.customerId);
    t.equal(kinds.filter((kind) => kind === 'message.complained').length, 1);
    t.equal(kinds.filter((kind) => kind === 'consent.withdrawn').length, 1);
  },
);

t.test('unsubscribing at the provider withdraws what the mail was about, and nothing else', async (t) => {
  const store = await testStore(app, database);
  const mail = await sentMail(store, { topic: 'offers' });
  await store.call('POST', `/v1/customers/${mail.customerId}/consents`, {
    channel: 'email',
    topics: ['offers', 'newsletter'],
    action: 'grant',
    source: 'staff',
  });
  t.strictSame(await outcomes(store, { messageId: mail.id, event: 'unsubscribed' }), ['applied']);
  t.ok((await read(mail.id)).unsubscribed_at);
  t.equal(await entryOf(store, mail.email), undefined, 'this is consent, not a fault of the address');
  const { rows } = await database.owner.query(
    `select topic, state from consents where store_id = $1 and address = $2 order by topic`,
    [store.storeId, mail.email],
  );
  t.match(rows, [
    { topic: 'newsletter', state: 'granted' },
    { topic: 'offers', state: 'withdrawn' },
  ]);
});

t.test(
  'an address alone is enough for a hard bounce and a complaint; unknown ones are said to be',
  async (t) => {
    const store = await testStore(app, database);
    t.strictSame(
      await outcomes(
        store,
        { email: 'Old@Example.NET', event: 'bounced', bounceType: 'hard' },
        { email: 'angry@example.net', event: 'complained' },
        { email: 'fine@example.net', event: 'delivered' },
        { messageId: newId(), event: 'delivered' },
        { messageId: '<someone@else.example>', event: 'bounced' },
        { event: 'complained' },
      ),
      ['applied', 'applied', 'unknown', 'unknown', 'unknown', 'unknown'],
    );
    t.match(await entryOf(store, 'old@example.net'), { reason: 'hard_bounce', messageId: null });
    t.match(await entryOf(store, 'angry@example.net'), { reason: 'complaint' });
  },
);

t.test('a result per item: a bad one is refused in its place and fails nothing else', async (t) => {
  const store = await testStore(app, database);
  const mail = await sentMail(store);
  const { statusCode, data } = await tell(
    store,
    { messageId: mail.id, event: 'exploded' },
    { messageId: mail.id, event: 'delivered' },
    { messageId: mail.id, event: 'delivered', surprise: true },
  );
  t.equal(statusCode, 200);
  t.match(data.results, [
    { outcome: 'refused', errors: [{ pointer: '/event' }] },
    { outcome: 'applied', messageId: mail.id },
    { outcome: 'refused' },
  ]);
  t.equal((await store.call('POST', '/v1/mail/feedback', { items: [] })).statusCode, 400);
});

t.test('mails of another store are unknown, whatever names them', async (t) => {
  const [mine, theirs] = [await testStore(app, database), await testStore(app, database)];
  const mail = await sentMail(theirs);
  t.strictSame(
    await outcomes(
      mine,
      { messageId: mail.id, event: 'bounced', bounceType: 'hard' },
      { messageId: mail.messageId, event: 'complained' },
    ),
    ['unknown', 'unknown'],
  );
  t.match(await read(mail.id), { bounced_at: null, complained_at: null });
  t.equal(await entryOf(theirs, mail.email), undefined);
});

t.test(
  'what is heard at once of the same mails in different orders is all kept, without a deadlock',
  async (t) => {
    const store = await testStore(app, database);
    const mails = [await sentMail(store), await sentMail(store), await sentMail(store)];
    const items = mails.flatMap(({ id }) => [
      { messageId: id, event: 'delivered' },
      { messageId: id, event: 'complained' },
    ]);
    const answers = await Promise.all([
      tell(store, ...items),
      tell(store, ...items.toReversed()),
      tell(store, ...items),
    ]);
    t.strictSame(
      answers.map(({ statusCode }) => statusCode),
      [200, 200, 200],
    );
    const all = answers.flatMap(({ data }) =>
      data.results.map(({ outcome }: { outcome: string }) => outcome),
    );
    t.equal(all.filter((outcome) => outcome === 'applied').length, 6);
  },
);

const dsn = (to: string, inside: string, { action = 'failed', recipient = 'ada@example.net' } = {}) =>
  `Return-Path: <>
To: ${to}
From: MAILER-DAEMON@mx.example.net
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B"

--B
Content-Type: text/plain

I'm sorry.

--B
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; ${recipient}
Action: ${action}
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 <${recipient}>: no
    such user

--B
Content-Type: message/rfc822

From: shop@example.com
Message-ID: ${inside}
Subject: Hello

Body
--B--
`.replaceAll('\n', '\r\n');

const hand = (store: TestStore, raw: string, type = 'message/rfc822', query = '') =>
  app.inject({
    method: 'POST',
    url: `/v1/mail/bounces${query}`,
    headers: { authorization: `Bearer ${store.token}`, 'content-type': type },
    payload: raw,
  });

async function bounced(t: Test, store: TestStore, raw: string, query = ''): Promise<string[]> {
  const answer = await hand(store, raw, 'message/rfc822', query);
  t.equal(answer.statusCode, 200, answer.body);
  return answer.json().results.map(({ outcome }: { outcome: string }) => outcome);
}

t.test(
  'RFC 3464 a returned mail is found by our address, by the envelope, or by the Message-ID inside',
  async (t) => {
    const store = await testStore(app, database);
    const [one, two, three] = [await sentMail(store), await sentMail(store), await sentMail(store)];
    t.strictSame(await bounced(t, store, dsn(one.bounceAddress, '<x@y>')), ['applied']);
    const query = `?recipient=${encodeURIComponent(two.bounceAddress)}`;
    t.strictSame(await bounced(t, store, dsn('postmaster@example.com', '<x@y>'), query), ['applied']);
    t.strictSame(await bounced(t, store, dsn('postmaster@example.com', three.messageId)), ['applied']);
    for (const mail of [one, two, three]) {
      t.ok((await read(mail.id)).bounced_at, mail.email);
      t.match(await entryOf(store, mail.email), { reason: 'hard_bounce', messageId: mail.id });
    }
    t.strictSame(await bounced(t, store, dsn(one.bounceAddress, '<x@y>')), ['unchanged'], 'twice is once');
  },
);

t.test('nobody can stop the mail of others: only what carries our signature is believed', async (t) => {
  const store = await testStore(app, database);
  const mail = await sentMail(store);
  const forged = mail.bounceAddress.replace(/.@/, (end) => (end.startsWith('a') ? 'b@' : 'a@'));
  t.strictSame(await bounced(t, store, dsn(forged, '<x@y>', { recipient: mail.email })), ['unknown']);
  t.strictSame(await bounced(t, store, dsn('bounce@example.com', `<${mail.id}@${DOMAIN}>`)), ['unknown']);
  const stranger = dsn(mail.bounceAddress, '<x@y>', { recipient: 'victim@example.net' });
  t.strictSame(await bounced(t, store, stranger), ['applied']);
  t.equal(await entryOf(store, 'victim@example.net'), undefined, 'the report does not choose the address');
});

t.test('what is not final, and what people and programs answer, changes nothing', async (t) => {
  const store = await testStore(app, database);
  const mail = await sentMail(store);
  t.strictSame(await bounced(t, store, dsn(mail.bounceAddress, '<x@y>', { action: 'delayed' })), []);
  const answer = `To: ${mail.bounceAddress}\r\nSubject: Out of office\r\nAuto-Submitted: auto-replied\r\n\r\nBack on Monday.`;
  t.strictSame(await bounced(t, store, answer), []);
  t.strictSame(await bounced(t, store, 'not even a mail'), []);
  t.match(await read(mail.id), { bounced_at: null });
});

t.test('RFC 5965 a complaint by mail counts as one', async (t) => {
  const store = await testStore(app, database);
  const mail = await sentMail(store);
  const report = `To: fbl@example.com
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="B"

--B
Content-Type: text/plain

This is a complaint.
--B
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: Mailbox/1
Version: 1
Original-Mail-From: <${mail.bounceAddress}>
Original-Rcpt-To: <redacted@example.net>

--B
Content-Type: text/rfc822-headers

From: shop@example.com
Subject: Hello
--B--
`.replaceAll('\n', '\r\n');
  t.strictSame(await bounced(t, store, report), ['applied']);
  t.match(await entryOf(store, mail.email), { reason: 'complaint' });
});

t.test('RFC 2369 a mail to the unsubscribe address unsubscribes, whatever it says', async (t) => {
  const store = await testStore(app, database);
  const mail = await sentMail(store, { topic: 'offers' });
  const raw = `To: <${mail.unsubscribeAddress}>\r\nFrom: ${mail.email}\r\nSubject: \r\n\r\n`;
  t.strictSame(await bounced(t, store, raw), ['applied']);
  t.ok((await read(mail.id)).unsubscribed_at);
  t.strictSame(await bounced(t, store, raw), ['unchanged']);
});

t.test('a returned mail comes as message/rfc822, and not larger than 10 MB', async (t) => {
  const store = await testStore(app, database);
  t.equal((await hand(store, '{}', 'application/json')).statusCode, 415);
  t.equal((await hand(store, 'x'.repeat(11_000_000))).statusCode, 413);
  const deep = Array.from(
    { length: 60 },
    (_, n) => `Content-Type: multipart/mixed; boundary="${n}"\r\n\r\n--${n}\r\n`,
  ).join('');
  t.match(
    [200, 400],
    [200, 400].includes((await hand(store, deep)).statusCode) ? [200, 400] : [],
    'never a fault of ours',
  );
});

async function apiKey(store: TestStore, scopes: string[]): Promise<string> {
  return (await store.call('POST', '/v1/api-keys', { name: 'Webhook', scopes })).data.key;
}

t.test(
  'webhooks take an API key as Bearer and as the password of HTTP Basic, and nothing less',
  async (t) => {
    const store = await testStore(app, database);
    const mail = await sentMail(store);
    const payload = {
      RecordType: 'Bounce',
      Type: 'HardBounce',
      Email: mail.email,
      Metadata: { message: mail.id },
    };
    const post = (authorization: string | undefined) =>
      app.inject({
        method: 'POST',
        url: '/v1/mail/webhooks/postmark',
        headers: { ...(authorization !== undefined && { authorization }) },
        payload,
      });
    const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
    const key = await apiKey(store, ['messages:write']);
    for (const wrong of [
      undefined,
      basic('x:wrong'),
      basic(key),
      basic(''),
      'Basic',
      'Basic !!',
      `Digest ${key}`,
    ]) {
      const answer = await post(wrong);
      t.equal(answer.statusCode, 401, String(wrong));
      t.match(
        answer.headers['www-authenticate'],
        ['Basic realm="clientele"', 'Bearer'],
        'who waits to be asked for a password is asked',
      );
    }
    const lesser = await apiKey(store, ['messages:read']);
    t.equal((await post(basic(`x:${lesser}`))).statusCode, 403);
    const first = await post(basic(`clientele:${key}`));
    t.equal(first.statusCode, 200, first.body);
    t.match(first.json(), { results: [{ outcome: 'applied', messageId: mail.id }] });
    t.match((await post(`Bearer ${key}`)).json(), { results: [{ outcome: 'unchanged' }] });
    t.match(await entryOf(store, mail.email), { reason: 'hard_bounce' });
    const elsewhere = await app.inject({
      url: '/v1/customers',
      headers: { authorization: basic(`x:${key}`) },
    });
    t.equal(elsewhere.statusCode, 401, 'only there');
    t.equal(elsewhere.headers['www-authenticate'], 'Bearer');
  },
);

t.test('each provider in its own words', async (t) => {
  const store = await testStore(app, database);
  const mails = [await sentMail(store), await sentMail(store), await sentMail(store)];
  const [one, two, three] = mails as [Sent, Sent, Sent];
  const sendgrid = await store.call('POST', '/v1/mail/webhooks/sendgrid', [
    { event: 'spamreport', email: one.email, 'smtp-id': one.messageId, timestamp: 1_700_000_000 },
    { event: 'open', email: one.email },
  ]);
  t.match(sendgrid.data, { results: [{ outcome: 'applied', messageId: one.id }] });
  const notification = {
    notificationType: 'Bounce',
    mail: { headers: [{ name: 'Message-Id', value: two.messageId }] },
    bounce: { bounceType: 'Permanent', bouncedRecipients: [{ emailAddress: two.email, status: '5.1.1' }] },
  };
  const ses = await app.inject({
    method: 'POST',
    url: '/v1/mail/webhooks/ses',
    headers: { authorization: `Bearer ${store.token}`, 'content-type': 'text/plain; charset=UTF-8' },
    payload: JSON.stringify({ Type: 'Notification', Message: JSON.stringify(notification) }),
  });
  t.equal(ses.statusCode, 200, ses.body);
  t.match(ses.json(), { results: [{ outcome: 'applied', messageId: two.id }] });
  const mailgun = await store.call('POST', '/v1/mail/webhooks/mailgun', {
    signature: {},
    'event-data': {
      event: 'failed',
      severity: 'permanent',
      recipient: three.email,
      message: { headers: { 'message-id': three.messageId.slice(1, -1) } },
      'delivery-status': { code: 550, message: '5.1.1 no such user' },
    },
  });
  t.match(mailgun.data, { results: [{ outcome: 'applied', messageId: three.id }] });
  for (const { email } of mails) t.ok(await entryOf(store, email), email);
  t.equal((await store.call('POST', '/v1/mail/webhooks/sendgrid', {})).statusCode, 400);
  const broken = await app.inject({
    method: 'POST',
    url: '/v1/mail/webhooks/ses',
    headers: { authorization: `Bearer ${store.token}`, 'content-type': 'text/plain' },
    payload: '{',
  });
  t.equal(broken.statusCode, 400);
});

t.test('the suppression list by hand: add, find, lift; both ends are told', async (t) => {
  const store = await testStore(app, database);
  const email = 'grace@example.net';
  const customer = (await store.call('POST', '/v1/customers', { email })).data;
  const added = await store.call('POST', '/v1/suppressions', {
    email: ' Grace@Example.NET',
    note: 'Asked by phone.',
  });
  t.equal(added.statusCode, 201, added.body);
  t.match(added.data, {
    email,
    reason: 'manual',
    until: null,
    note: 'Asked by phone.',
    actor: 'staff:tester',
  });
  t.equal(added.headers.location, `/v1/suppressions/${added.data.id}`);
  t.notMatch(added.data.id, email);
  t.match(await entryOf(store, 'GRACE@example.net'), { id: added.data.id });
  t.equal(await entryOf(store, 'other@example.net'), undefined);
  t.equal(await entryOf(store, 'no address'), undefined);
  t.equal((await store.call('DELETE', `/v1/suppressions/${encodeURIComponent(email)}`)).statusCode, 204);
  t.equal(await entryOf(store, email), undefined);
  t.equal((await store.call('DELETE', `/v1/suppressions/${email}`)).statusCode, 404, 'lifted already');
  await store.call('POST', '/v1/suppressions', { email });
  t.equal((await store.call('DELETE', `/v1/suppressions/${added.data.id}`)).statusCode, 204, 'by its id');
  const kinds = await timelineOf(store, customer.id);
  t.equal(kinds.filter((kind) => kind === 'suppression.added').length, 2);
  t.equal(kinds.filter((kind) => kind === 'suppression.lifted').length, 2);
  t.equal((await store.call('POST', '/v1/suppressions', { email: 'no address' })).statusCode, 400);
});

t.test('the list: newest first, by reason, in pages, of this store alone', async (t) => {
  const [store, other] = [await testStore(app, database), await testStore(app, database)];
  for (let n = 0; n < 5; n++) await store.call('POST', '/v1/suppressions', { email: `p${n}@example.net` });
  await tell(store, { email: 'bad@example.net', event: 'bounced', bounceType: 'hard' });
  await other.call('POST', '/v1/suppressions', { email: 'p0@example.net' });
  const emails = async (query: string) => {
    const found: string[] = [];
    for (let next = query; next !== ''; ) {
      const { data } = await store.call('GET', `/v1/suppressions?${next}`);
      found.push(...data.data.map(({ email }: { email: string }) => email));
      next = data.page.nextCursor ? `${query}&cursor=${data.page.nextCursor}` : '';
    }
    return found;
  };
  const all = ['bad', 'p4', 'p3', 'p2', 'p1', 'p0'].map((name) => `${name}@example.net`);
  t.strictSame(await emails('limit=2'), all);
  t.strictSame(await emails('limit=4&reason=manual'), all.slice(1));
  t.strictSame(await emails('reason=complaint'), []);
  t.equal(
    (await other.call('DELETE', '/v1/suppressions/bad@example.net')).statusCode,
    404,
    'of another store',
  );
});

t.test('an address on the list for a complaint stays there for that when it is added by hand', async (t) => {
  const store = await testStore(app, database);
  await tell(store, { email: 'angry@example.net', event: 'complained' });
  const { data } = await store.call('POST', '/v1/suppressions', { email: 'angry@example.net' });
  t.equal(data.reason, 'complaint');
});

t.test('two who suppress one address at once make one entry; a count is never lost', async (t) => {
  const store = await testStore(app, database);
  const email = 'race@example.net';
  const answers = await Promise.all(
    Array.from({ length: 6 }, () => store.call('POST', '/v1/suppressions', { email })),
  );
  t.ok(answers.every(({ statusCode }) => statusCode === 201));
  t.equal(new Set(answers.map(({ data }) => data.id)).size, 1);
  const mail = await sentMail(store);
  const ids = [newId(), newId()];
  for (const id of ids)
    await database.owner.query(
      `insert into messages (store_id, id, customer_id, kind, status, to_email, data, created_at, sent_at)
       values ($1, $2, $3, 'welcome', 'sent', $4, '{}', now(), now())`,
      [store.storeId, id, mail.customerId, mail.email],
    );
  await Promise.all(
    [mail.id, ...ids].map((messageId) => tell(store, { messageId, event: 'bounced', bounceType: 'soft' })),
  );
  t.match(await entryOf(store, mail.email), { reason: 'soft_bounces' });
});

t.test('a running campaign pauses when too many of its mails are complained about', async (t) => {
  const store = await testStore(app, database);
  const campaignId = newId();
  const plan = {
    audience: { everyone: true },
    exclusions: {},
    sendMode: 'instant',
    holdoutPercent: 0,
    brake: { bouncePercent: 50, complaintPercent: 30, minimum: 2 },
    data: {},
    resultDays: 7,
  };
  const { data: templates } = await store.call('GET', '/v1/templates');
  await database.owner.query(
    `insert into campaigns (store_id, id, name, status, template_id, topic, plan, actor, version, created_at, updated_at)
     values ($1, $2, 'Sale', 'running', $4, 'offers', $3, 'staff:tester', 1, now(), now())`,
    [store.storeId, campaignId, plan, templates.data[0].id],
  );
  const mails = [];
  for (let n = 0; n < 4; n++) mails.push(await sentMail(store, { topic: 'offers' }));
  await database.owner.query('update messages set campaign_id = $2 where store_id = $1', [
    store.storeId,
    campaignId,
  ]);
  const status = async () =>
    (await database.owner.query('select status, pause_cause from campaigns where id = $1', [campaignId]))
      .rows[0];
  await tell(store, { messageId: mails[0]?.id, event: 'complained' });
  t.match(await status(), { status: 'running' }, '25 %');
  await tell(store, { messageId: mails[1]?.id, event: 'complained' });
  t.match(await status(), { status: 'paused', pause_cause: 'complaint_brake' }, '50 %');
});

t.test('unsubscribing by an address alone withdraws everything', async (t) => {
  const store = await testStore(app, database);
  const mail = await sentMail(store);
  await store.call('POST', `/v1/customers/${mail.customerId}/consents`, {
    channel: 'email',
    topics: ['offers', 'newsletter'],
    action: 'grant',
    source: 'staff',
  });
  t.strictSame(await outcomes(store, { email: mail.email, event: 'unsubscribed' }), ['applied']);
  t.equal((await store.call('GET', `/v1/customers/${mail.customerId}`)).data.acceptsMarketing, false);
});

t.test('reading needs messages:read, changing messages:write', async (t) => {
  const store = await testStore(app, database, { scopes: ['messages:read'] });
  t.equal((await store.call('GET', '/v1/suppressions')).statusCode, 200);
  t.equal((await store.call('POST', '/v1/suppressions', { email: 'a@example.net' })).statusCode, 403);
  t.equal((await tell(store, { email: 'a@example.net', event: 'complained' })).statusCode, 403);
  t.equal((await call(app, store.publishableKey, 'GET', '/v1/suppressions')).statusCode, 401);
});
