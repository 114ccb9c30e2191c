// Mails on their way: from a row to an SMTP server and back into the row, with everything that can go wrong in between
// (I1, M1–M7).
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import t from 'tap';
import type { MailWay } from '../../src/actions/mail-sending.ts';
import { messageIdOf } from '../../src/clients/mail-identity.ts';
import type { MessageClass } from '../../src/domain/mail/messages.ts';
import { MAX_ATTEMPTS } from '../../src/domain/mail/smtp-outcomes.ts';
import { mailSecretsOf } from '../../src/mail.ts';
import { makeCampaign, readyToSend } from '../support/campaigns.ts';
import { call, TEST_CONFIG, type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';
import { loyaltyStore } from '../support/loyalty.ts';
import { MAIL_DOMAIN, openPost, PUBLIC_URL } from '../support/mail-post.ts';
import { queueMail, setMail } from '../support/sent-mails.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const { owner } = database;
const post = await openPost(t);
const { sink } = post;

const OWN_WORDS = { subject: 'Your question', text: 'Dear Ada,\n\nthe blue one is <back>.\nYours, Eva' };
const OFFER = { ...OWN_WORDS, class: 'marketing', topic: 'offers' };
const SHOP = 'https://shop.example/';

t.beforeEach(() => {
  sink.setFaults([]);
  sink.accepted.length = 0;
});

/** A store that can send, with a sender for each class. */
async function openShop(mail: object = {}): Promise<TestStore> {
  const store = await testStore(app, database);
  await readyToSend(store, {
    marketingSender: { name: 'News', email: 'news@store.example' },
    replyTo: 'answers@store.example',
    websiteUrl: SHOP,
    ...mail,
  });
  return store;
}

/** A customer who agreed to offers. */
async function customerIn(store: TestStore, input: object = {}): Promise<{ id: string; email: string }> {
  const email = `${randomUUID()}@people.example`;
  const { data } = await store.call('POST', '/v1/customers', {
    email,
    firstName: 'Ada',
    lastName: 'Lovelace',
    ...input,
  });
  const said = await store.call('POST', `/v1/customers/${data.id}/consents`, {
    channel: 'email',
    topics: ['offers'],
    action: 'grant',
  });
  if (said.statusCode >= 300) throw new Error(said.body);
  return { id: data.id, email };
}

const key = () => ({ 'idempotency-key': randomUUID() });

async function write(store: TestStore, customerId: string, body: object): Promise<string> {
  const answer = await store.call('POST', `/v1/customers/${customerId}/messages`, body, key());
  if (answer.statusCode !== 202) throw new Error(answer.body);
  return answer.data.id;
}

const read = async (store: TestStore, id: string) => (await store.call('GET', `/v1/messages/${id}`)).data;
const kinds = async (store: TestStore, customerId: string): Promise<string[]> =>
  (await store.call('GET', `/v1/customers/${customerId}/timeline?kind=message`)).data.data
    .map(({ kind }: { kind: string }) => kind)
    .reverse();
/** Puts the clock of a mail forward: what was put off is due. */
const makeDue = (id: string) =>
  owner.query(`update messages set send_after = now() - interval '1 second' where id = $1`, [id]);

/** One shop with one customer and one mail. */
async function oneMail(body: object = OWN_WORDS) {
  const store = await openShop();
  const customer = await customerIn(store);
  const id = await write(store, customer.id, body);
  return { store, customer, id, read: () => read(store, id) };
}

t.test('a mail in own words arrives with its words, its sender and a Message-ID of its row', async (t) => {
  const { store, customer, id, read } = await oneMail();
  await post.send(store);
  t.equal(sink.accepted.length, 1);
  const mail = await sink.parsed(0);
  t.equal(mail.subject, 'Your question');
  t.match(mail.from?.value, [{ name: 'Test store', address: 'shop@store.example' }]);
  t.match(mail.to, { value: [{ name: 'Ada Lovelace', address: customer.email }] });
  t.match(mail.replyTo?.value, [{ address: 'answers@store.example' }]);
  t.match(mail.text, /Dear Ada,\n\nthe blue one is <back>\.\nYours, Eva\n\n/);
  t.match(
    mail.html,
    /<div[^>]*>Dear Ada,<\/div>[\s\S]*<div[^>]*>the blue one is &lt;back&gt;\.<br>\s*Yours, Eva<\/div>/,
  );
  const secrets = mailSecretsOf(TEST_CONFIG);
  t.equal(mail.messageId, messageIdOf(secrets, { storeId: store.storeId, id }, MAIL_DOMAIN));
  t.match(sink.accepted[0]?.from, new RegExp(`^bounce\\+[a-z2-7]{42}@${MAIL_DOMAIN}$`));
  t.match(sink.accepted[0]?.to, [customer.email]);
  for (const header of ['list-unsubscribe', 'auto-submitted', 'precedence'])
    t.notOk(mail.headers.has(header), header);
  t.ok(mail.headers.has('feedback-id'));
  const row = await read();
  t.match(row, {
    status: 'sent',
    reason: null,
    attempts: 1,
    toEmail: customer.email,
    domain: 'people.example',
    subject: 'Your question',
    templateVersion: 1,
    attemptList: [{ number: 1, outcome: 'sent', code: 250 }],
  });
  t.ok(row.sentAt);
  t.same(await kinds(store, customer.id), ['message.queued', 'message.sent']);
  await post.send(store);
  t.equal(sink.accepted.length, 1, 'once');
});

t.test(
  'M7 marketing comes from its own sender, with one-click unsubscription; its links are counted',
  async (t) => {
    const store = await openShop();
    const customer = await customerIn(store);
    const id = await write(store, customer.id, OFFER);
    await post.send(store);
    const mail = await sink.parsed(0);
    t.match(mail.from?.value, [{ name: 'News', address: 'news@store.example' }]);
    const list = mail.headerLines.find(({ key }) => key === 'list-unsubscribe')?.line.replace(/\s+/g, ' ');
    t.match(
      list,
      new RegExp(
        `<${PUBLIC_URL}/pages/unsubscribe/[\\w-]{64}>, <mailto:unsubscribe\\+[a-z2-7]{42}@${MAIL_DOMAIN}>`,
      ),
    );
    t.equal(
      mail.headers.get('list-unsubscribe-post') ?? 'List-Unsubscribe=One-Click',
      'List-Unsubscribe=One-Click',
    );
    t.match(sink.accepted[0]?.raw.toString(), /^List-Unsubscribe-Post: List-Unsubscribe=One-Click\r$/m);
    const links = [...(mail.html || '').matchAll(/href="([^"]+)"/g)].map(([, url = '']) => url);
    const counted = links.filter((url) => url.startsWith(`${PUBLIC_URL}/c/`));
    t.equal(counted.length, 1, 'the link to the shop');
    t.ok(
      links.some((url) => url.startsWith(`${PUBLIC_URL}/pages/preferences/`)),
      'the way out leads past the counter',
    );
    t.notMatch(mail.html, SHOP);
    t.notMatch(mail.text, `${PUBLIC_URL}/c/`);
    await owner.query(`update messages set sent_at = sent_at - interval '1 minute' where id = $1`, [id]);
    const followed = await app.inject({
      url: new URL(counted[0] ?? '').pathname,
      headers: { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0' },
    });
    t.equal(followed.headers.location, SHOP);
    t.match((await read(store, id)).clicks, [{ url: SHOP, machine: false }]);
  },
);

t.test(
  'links are not counted where the shop does not want it, nor in mails that are no marketing',
  async (t) => {
    const silent = await openShop({ trackClicks: false });
    await write(silent, (await customerIn(silent)).id, OFFER);
    await post.send(silent);
    const { store } = await oneMail();
    await post.send(store);
    for (const index of [0, 1]) {
      const { html } = await sink.parsed(index);
      t.match(html, SHOP);
      t.notMatch(html, `${PUBLIC_URL}/c/`);
    }
  },
);

t.test('K8 a credit notice says how much and until when', async (t) => {
  const store = await openShop();
  const { id } = await customerIn(store, { accountStatus: 'active' });
  const granted = await store.call(
    'POST',
    `/v1/customers/${id}/credit`,
    {
      amount: 300_000_000_050,
      currency: 'EUR',
      reason: 'With apologies',
      notify: true,
      expiresAt: '2099-06-30T12:00:00Z',
    },
    key(),
  );
  t.equal(granted.statusCode, 201, granted.body);
  await post.send(store);
  const mail = await sink.parsed(0);
  t.match(mail.subject, /€3,000,000,000\.50/);
  t.match(mail.text, /Good until June 30, 2099/);
  t.equal(mail.headers.get('auto-submitted'), 'auto-generated');
});

t.test('I1 an invitation carries a link that works, made when the mail is', async (t) => {
  const store = await openShop();
  const { id } = await customerIn(store);
  await store.call('POST', `/v1/customers/${id}/invitation`, undefined, key());
  const tokens = () => owner.query('select from account_tokens where store_id = $1', [store.storeId]);
  t.equal((await tokens()).rowCount, 0);
  await post.send(store);
  t.equal((await tokens()).rowCount, 1);
  const { html } = await sink.parsed(0);
  const token = new RegExp(`${PUBLIC_URL}/pages/invitation/([\\w-]{64})`).exec(html || '')?.[1] ?? '';
  const looked = await call(app, store.publishableKey, 'GET', `/storefront/v1/invitations/${token}`);
  t.equal(looked.statusCode, 200, looked.body);
});

t.test('a confirmation of an address speaks the language of the form', async (t) => {
  const store = await openShop();
  const template = {
    key: 'email_verification',
    locale: 'de',
    name: 'Bestätigung',
    class: 'transactional',
    format: 'html',
    subject: 'Bitte bestätigen',
    source: '<p><a href="{{ links.verify }}">Bestätigen</a></p>',
    variables: [{ name: 'links.verify' }],
  };
  const made = await store.call('POST', '/v1/templates', template);
  t.equal(made.statusCode, 201, made.body);
  await store.call('POST', `/v1/templates/${made.data.id}/publish`);
  const form = { email: `${randomUUID()}@people.example`, password: 'correct horse battery staple' };
  await call(app, store.publishableKey, 'POST', '/storefront/v1/register', { ...form, language: 'de-AT' });
  await post.send(store);
  t.equal((await sink.parsed(0)).subject, 'Bitte bestätigen');
});

t.test('P4 P7 mails of the loyalty programme tell of points and tier as they are', async (t) => {
  const mails = { tierReached: true, pointsExpiring: true };
  const store = await loyaltyStore(app, database, { expiry: { kind: 'none' }, mails });
  await readyToSend(store);
  const id = await store.member({ points: 250, expiresAt: new Date(Date.now() + 10 * 86_400_000) });
  const lot = await owner.query('select id from lots where store_id = $1', [store.storeId]);
  await queueMail(store, { kind: 'points_expiring', customerId: id, data: { lotId: lot.rows[0].id } });
  const until = new Date(Date.now() + 86_400_000).toISOString();
  const url = `/v1/customers/${id}/loyalty/tier`;
  t.equal((await store.call('PUT', url, { tier: 'gold', until, reason: 'A friend' })).statusCode, 200);
  await post.send(store);
  const subjects = [(await sink.parsed(0)).subject, (await sink.parsed(1)).subject];
  t.same(subjects.sort(), ['250 of your points end soon', 'You are Gold now']);
  const gone = await queueMail(store, {
    kind: 'points_expiring',
    customerId: id,
    data: { lotId: randomUUID() },
  });
  await post.send(store);
  t.match(await read(store, gone), { status: 'skipped', reason: 'obsolete' });
});

t.test('M7 a signature of the installation covers what unsubscribes', async (t) => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'der' },
  });
  const signing = await openPost(t, {
    DKIM_DOMAIN: 'store.example',
    DKIM_SELECTOR: 'spring',
    DKIM_PRIVATE_KEY: privateKey,
  });
  const { store } = await oneMail(OFFER);
  await signing.send(store);
  const raw = signing.sink.accepted[0]?.raw ?? Buffer.alloc(0);
  const resolver = async (name: string, type: string) => {
    t.equal(`${name} ${type}`, 'spring._domainkey.store.example TXT');
    return [[`v=DKIM1; k=rsa; p=${publicKey.toString('base64')}`]];
  };
  const { results } = await dkimVerify(raw, { resolver });
  t.match(results, [{ status: { result: 'pass' }, signingDomain: 'store.example' }]);
  const signed = /\r\n\s*h=([^;]+);/.exec(raw.toString())?.[1]?.toLowerCase() ?? '';
  for (const header of ['list-unsubscribe', 'list-unsubscribe-post', 'from', 'subject'])
    t.match(signed, header);
});

t.test('M6 what a server says decides what becomes of the mail', async (t) => {
  const cases: [
    fault: Parameters<typeof sink.setFaults>[0][number],
    status: string,
    reason: string | null,
  ][] = [
    [{ at: 'rcpt', reply: '450 4.2.1 try later' }, 'deferred', null],
    [{ at: 'answer', reply: '451 4.3.0 try later' }, 'deferred', null],
    [{ at: 'data', drop: true }, 'deferred', null],
    [{ at: 'rcpt', reply: '550 5.1.1 nobody here' }, 'failed', 'refused_recipient'],
    [{ at: 'rcpt', reply: '552 5.2.2 full' }, 'failed', 'mailbox_full'],
    [{ at: 'answer', reply: '554 5.6.0 spam' }, 'failed', 'refused_content'],
  ];
  const store = await openShop();
  for (const [fault, status, reason] of cases) {
    const { id: customerId } = await customerIn(store);
    const id = await write(store, customerId, OWN_WORDS);
    sink.setFaults([fault]);
    await post.send(store);
    const row = await read(store, id);
    const name = `${fault.at} ${fault.reply ?? 'drop'}`;
    t.match(row, { status, reason, attempts: 1, sentAt: null }, name);
    t.match(row.attemptList, [{ number: 1, outcome: status }], name);
    const told = await kinds(store, customerId);
    t.same(told, status === 'failed' ? ['message.queued', 'message.failed'] : ['message.queued'], name);
    if (status === 'deferred') {
      const waitMs = Date.parse(row.sendAfter) - Date.now();
      t.ok(waitMs > 4 * 60_000 && waitMs < 7 * 60_000, `${name}: again in ${Math.round(waitMs / 1000)} s`);
    }
    await setMail(owner, id, { status: 'cancelled' });
  }
  t.same(sink.accepted, []);
});

t.test(
  'M6 a mail that is put off fails three days after the first attempt, however few there were',
  async (t) => {
    const { store, id, read } = await oneMail();
    const tryAgain = async (firstTried: string) => {
      await owner.query(
        `update message_attempts set ended_at = now() - $2::interval where message_id = $1 and number = 1`,
        [id, firstTried],
      );
      await makeDue(id);
      await post.send(store);
      return read();
    };
    sink.setFaults([{ at: 'rcpt', reply: '451 4.3.0 try later' }]);
    await post.send(store);
    t.match(await read(), { status: 'deferred', attempts: 1 });
    t.match(await tryAgain('2 days 23 hours'), { status: 'deferred', attempts: 2 });
    t.match(await tryAgain('3 days'), { status: 'failed', reason: 'too_many_attempts', attempts: 3 });
  },
);

t.test('M2 a retry carries the same Message-ID', async (t) => {
  const { store, id, read } = await oneMail();
  sink.setFaults([{ at: 'answer', reply: '451 4.3.0 try later', times: 1 }]);
  await post.send(store);
  await makeDue(id);
  await post.send(store);
  t.match(await read(), {
    status: 'sent',
    attempts: 2,
    attemptList: [{ outcome: 'deferred' }, { outcome: 'sent' }],
  });
  const secrets = mailSecretsOf(TEST_CONFIG);
  t.equal(sink.accepted[0]?.messageId, messageIdOf(secrets, { storeId: store.storeId, id }, MAIL_DOMAIN));
});

/** The server took the mail and went away before it said so. */
async function leaveInDoubt(messageClass: MessageClass) {
  const mail = await oneMail(messageClass === 'marketing' ? OFFER : OWN_WORDS);
  sink.setFaults([{ at: 'answer', drop: true, times: 1 }]);
  await post.send(mail.store);
  return mail;
}

t.test('M1 no answer to a whole mail: marketing stays in doubt, anything else is sent again', async (t) => {
  const offer = await leaveInDoubt('marketing');
  t.match(await offer.read(), { status: 'unknown', attemptList: [{ outcome: 'unknown' }] });
  await makeDue(offer.id);
  await post.send(offer.store);
  t.equal(sink.accepted.length, 1, 'nobody gets marketing twice');
  const answer = await leaveInDoubt('transactional');
  t.match(await answer.read(), { status: 'deferred', attemptList: [{ outcome: 'unknown' }] });
  await makeDue(answer.id);
  await post.send(answer.store);
  t.match(await answer.read(), { status: 'sent', attempts: 2 });
  const [, first, second] = sink.accepted;
  t.equal(first?.messageId, second?.messageId, 'so that the mailbox can tell that it is one mail');
});

/** A worker was killed while it handed the mail over. */
const loseLease = (id: string) =>
  owner.query(
    `update messages set status = 'sending', attempts = 1, lease_id = $2, lease_until = now() - interval '1 second'
     where id = $1`,
    [id, randomUUID()],
  );

t.test('M1 a lease that ends while a mail is sent: marketing holds, anything else goes again', async (t) => {
  const offer = await oneMail(OFFER);
  await loseLease(offer.id);
  await post.send(offer.store);
  t.match(await offer.read(), {
    status: 'unknown',
    attempts: 1,
    attemptList: [{ number: 1, outcome: 'unknown' }],
  });
  t.same(sink.accepted, []);
  const answer = await oneMail();
  await loseLease(answer.id);
  await post.send(answer.store);
  t.match(await answer.read(), {
    status: 'sent',
    attempts: 2,
    attemptList: [
      { number: 1, outcome: 'unknown' },
      { number: 2, outcome: 'sent' },
    ],
  });
  t.equal(sink.accepted.length, 1);
});

t.test('M6 a mail at which workers end is not sent for ever', async (t) => {
  const { store, customer, id, read } = await oneMail();
  await loseLease(id);
  await owner.query('update messages set attempts = $2 where id = $1', [id, MAX_ATTEMPTS]);
  await post.send(store);
  t.match(await read(), { status: 'failed', reason: 'too_many_attempts', attempts: MAX_ATTEMPTS });
  t.same(await kinds(store, customer.id), ['message.queued', 'message.failed']);
  t.same(sink.accepted, []);
});

t.test('M4 a worker that was only slow says what happened; until somebody else took the mail', async (t) => {
  const { store, id, read } = await oneMail(OFFER);
  const send: MailWay['send'] = async (mail) => {
    await owner.query(`update messages set lease_until = now() - interval '1 second' where id = $1`, [id]);
    await post.send(store);
    t.match(await read(), { status: 'unknown' });
    return post.way.send(mail);
  };
  await post.send(store, { send });
  t.match(await read(), { status: 'sent', attempts: 1, attemptList: [{ number: 1, outcome: 'sent' }] });
  t.equal(sink.accepted.length, 1);
});

/** Does something between the making of a batch and its handing over. */
const afterMaking =
  (work: () => Promise<unknown>): MailWay['prepare'] =>
  async (ctx, mails) => {
    const prepared = await post.way.prepare(ctx, mails);
    await work();
    return prepared;
  };

t.test('M3 what changes while a mail is made is seen before it goes', async (t) => {
  const cases: [
    name: string,
    change: (store: TestStore, id: string, email: string) => Promise<unknown>,
    reason: string,
  ][] = [
    [
      'consent that is withdrawn',
      (store, id) =>
        store.call('POST', `/v1/customers/${id}/consents`, {
          channel: 'email',
          topics: ['offers'],
          action: 'withdraw',
        }),
      'unsubscribed',
    ],
    [
      'an address that is suppressed',
      (store, _, email) => store.call('POST', '/v1/suppressions', { email }),
      'suppressed_manual',
    ],
    [
      'an account that is disabled',
      (_, id) => owner.query(`update customers set account_status = 'disabled' where id = $1`, [id]),
      'disabled',
    ],
    [
      'a customer who is merged',
      async (store, id) => {
        const into = await customerIn(store);
        await store.call('POST', `/v1/customers/${into.id}/merge`, { from: id });
      },
      'merged',
    ],
  ];
  for (const [name, change, reason] of cases) {
    const store = await openShop();
    const customer = await customerIn(store);
    const id = await write(store, customer.id, OFFER);
    await post.send(store, { prepare: afterMaking(() => change(store, customer.id, customer.email)) });
    const { rows } = await owner.query(
      'select status, reason, attempts, lease_id from messages where id = $1',
      [id],
    );
    t.match(rows, [{ status: 'skipped', reason, attempts: 0, lease_id: null }], name);
  }
  t.same(sink.accepted, []);
});

t.test('M3 an address that changes while a mail is made: it is made anew for the new one', async (t) => {
  const { store, customer, read } = await oneMail();
  const prepare = afterMaking(async () => {
    const changed = await store.call('PATCH', `/v1/customers/${customer.id}`, {
      email: 'new@people.example',
    });
    if (changed.statusCode !== 200) throw new Error(changed.body);
  });
  await post.send(store, { prepare });
  t.match(await read(), { status: 'sent', toEmail: 'new@people.example', attempts: 1 }, 'at once');
  t.same(
    sink.accepted.map(({ to }) => to),
    [['new@people.example']],
  );
});

t.test('M3 somebody who never agreed gets no marketing, and no mail at all without an address', async (t) => {
  const store = await openShop();
  const { data } = await store.call('POST', '/v1/customers', { email: `${randomUUID()}@people.example` });
  const offer = await write(store, data.id, OFFER);
  const later = await write(store, data.id, OWN_WORDS);
  await post.send(store, {}, { signal: AbortSignal.abort() });
  t.equal(sink.accepted.length, 0, 'nothing goes when a stop was asked for');
  await store.call('PATCH', `/v1/customers/${data.id}`, { email: null, phone: '+4930123456' });
  await post.send(store);
  t.match(await read(store, later), { status: 'skipped', reason: 'no_email' });
  t.match(await read(store, offer), { status: 'skipped', reason: 'no_email' });
  const { data: other } = await store.call('POST', '/v1/customers', {
    email: `${randomUUID()}@people.example`,
  });
  const unasked = await write(store, other.id, OFFER);
  await post.send(store);
  t.match(await read(store, unasked), { status: 'skipped', reason: 'no_consent' });
});

t.test('quiet hours put marketing off and nothing else', async (t) => {
  const local = new Intl.DateTimeFormat('en-GB', {
    timeZone: 'Europe/Berlin',
    hour: '2-digit',
    hourCycle: 'h23',
  });
  const hour = Number(local.format(new Date()));
  const clock = (hours: number) => `${String((hours + 24) % 24).padStart(2, '0')}:00`;
  const store = await openShop({ quietHours: { from: clock(hour), to: clock(hour + 2) } });
  const customer = await customerIn(store);
  const offer = await write(store, customer.id, OFFER);
  const answer = await write(store, customer.id, OWN_WORDS);
  await post.send(store);
  t.match(await read(store, answer), { status: 'sent' });
  const row = await read(store, offer);
  t.match(row, { status: 'pending', attempts: 0 });
  t.ok(Date.parse(row.sendAfter) > Date.now());
  t.equal(new Date(row.sendAfter).getUTCMinutes(), 0);
});

t.test('a template that fails costs its mail alone, and says what was wrong', async (t) => {
  const store = await openShop();
  const customer = await customerIn(store);
  const broken = await write(store, customer.id, { template: 'shipping_update' });
  const whole = await write(store, customer.id, OWN_WORDS);
  await post.send(store);
  t.match(await read(store, whole), { status: 'sent' });
  t.match(await read(store, broken), {
    status: 'failed',
    reason: 'template_error',
    attempts: 1,
    attemptList: [{ number: 1, outcome: 'failed', code: null, response: /order\.\w+ has no value/ }],
  });
});

t.test('M4 attempts are kept, whatever comes after them', async (t) => {
  const store = await openShop();
  const customer = await customerIn(store);
  const id = await write(store, customer.id, OWN_WORDS);
  sink.setFaults([{ at: 'answer', reply: '451 4.3.0 try later', times: 1 }]);
  await post.send(store);
  await owner.query(`update messages set data = '{"template": "shipping_update"}' where id = $1`, [id]);
  await makeDue(id);
  await post.send(store);
  t.match(await read(store, id), {
    status: 'failed',
    attempts: 2,
    attemptList: [
      { number: 1, outcome: 'deferred', code: 451 },
      { number: 2, outcome: 'failed', code: null },
    ],
  });
});

/** A running campaign with one mail to each of the customers. */
async function runningCampaign(store: TestStore, customerIds: readonly string[]): Promise<string> {
  const campaignId = await makeCampaign(store, { topic: 'offers' });
  await owner.query(
    `update campaigns set status = 'running', starts_at = now(), audience = $2,
       template_version = (select published from templates where id = campaigns.template_id) where id = $1`,
    [campaignId, customerIds.length],
  );
  for (const customerId of customerIds) {
    const id = await queueMail(store, { kind: 'campaign', topic: 'offers', customerId });
    await setMail(owner, id, { status: 'ready', campaignId });
  }
  return campaignId;
}

const mailsOf = async (campaignId: string) =>
  (
    await owner.query(
      'select status, reason, lease_id, attempts from messages where campaign_id = $1 order by id',
      [campaignId],
    )
  ).rows;

t.test('a campaign that is paused while its mails are made gives them back', async (t) => {
  const store = await openShop();
  const customers = [await customerIn(store), await customerIn(store)];
  const campaignId = await runningCampaign(
    store,
    customers.map(({ id }) => id),
  );
  const pause = () => store.call('POST', `/v1/campaigns/${campaignId}/pause`);
  await post.send(store, { prepare: afterMaking(pause) });
  t.same(sink.accepted, []);
  const waiting = { status: 'ready', reason: null, lease_id: null, attempts: 0 };
  t.same(await mailsOf(campaignId), [waiting, waiting]);
  await store.call('POST', `/v1/campaigns/${campaignId}/resume`);
  await post.send(store);
  t.equal(sink.accepted.length, 2);
  t.equal((await store.call('GET', `/v1/campaigns/${campaignId}`)).data.status, 'completed');
});

t.test(
  'a server that does not let us in pauses the campaign and costs nobody more than an attempt',
  async (t) => {
    const locked = await openPost(t, {}, { users: { shop: 'secret' } });
    const closed = await openPost(t, { SMTP_URL: locked.sink.url.replace('//', '//shop:wrong@') });
    const store = await openShop();
    const customers = await Promise.all(Array.from({ length: 25 }, () => customerIn(store)));
    const campaignId = await runningCampaign(
      store,
      customers.map(({ id }) => id),
    );
    await closed.send(store);
    const { data } = await store.call('GET', `/v1/campaigns/${campaignId}`);
    t.match(data, { status: 'paused', pauseCause: 'sender_refused' });
    const mails = await mailsOf(campaignId);
    t.ok(mails.every(({ status }) => ['ready', 'deferred'].includes(status)));
    t.ok(mails.filter(({ attempts }) => attempts > 0).length <= 10, 'one group of them was tried');
    t.ok(mails.every(({ lease_id }) => lease_id === null));
  },
);

/** Two lanes that both have their mails before either hands one over. */
async function raceLanes(store: TestStore): Promise<void> {
  let arrived = 0;
  let open: () => void = () => undefined;
  const both = new Promise<void>((resolve) => {
    open = resolve;
  });
  const prepare = afterMaking(async () => {
    if (++arrived >= 2) open();
    await Promise.race([both, new Promise((resolve) => setTimeout(resolve, 10_000).unref())]);
  });
  await Promise.all([post.send(store, { prepare }), post.send(store, { prepare })]);
}

t.test('the contact limit holds when two campaigns write to one person at the same moment', async (t) => {
  const store = await openShop({ contactLimit: { messages: 1, days: 30 } });
  const { id } = await customerIn(store);
  const campaigns = [await runningCampaign(store, [id]), await runningCampaign(store, [id])];
  await raceLanes(store);
  const [one = [], other = []] = await Promise.all(campaigns.map(mailsOf));
  t.same([one[0]?.status, other[0]?.status].sort(), ['sent', 'skipped']);
  t.same([one[0]?.reason, other[0]?.reason].sort(), ['contact_limit', null]);
  t.equal(sink.accepted.length, 1);
});

t.test('the contact limit holds within one batch, the shop’s and the customer’s own', async (t) => {
  const limits: [name: string, mail: object, own: number | null, sent: number][] = [
    ['the shop’s', { contactLimit: { messages: 2, days: 7 } }, null, 2],
    ['the customer’s own', {}, 1, 1],
    ['the lower one of both', { contactLimit: { messages: 3, days: 7 } }, 1, 1],
    ['no mail at all', {}, 0, 0],
  ];
  for (const [name, mail, own, sent] of limits) {
    sink.accepted.length = 0;
    const store = await openShop(mail);
    const { id } = await customerIn(store);
    await owner.query('update customers set contact_limit = $2 where id = $1', [id, own]);
    const ids: string[] = [];
    for (let count = 0; count < 4; count++) ids.push(await write(store, id, OFFER));
    const free = await write(store, id, OWN_WORDS);
    await post.send(store);
    t.equal(sink.accepted.length, sent + 1, name);
    t.match(await read(store, free), { status: 'sent' }, `${name}: only marketing counts`);
    const rows = await Promise.all(ids.map((mailId) => read(store, mailId)));
    t.same(
      rows.map(({ status }: { status: string }) => status),
      ids.map((_, index) => (index < sent ? 'sent' : 'skipped')),
      `${name}: the first ones go`,
    );
  }
});

t.test('two lanes share what is due; nothing goes twice', async (t) => {
  const store = await openShop();
  const { id } = await customerIn(store);
  await Promise.all(Array.from({ length: 130 }, () => write(store, id, OWN_WORDS)));
  await Promise.all([post.send(store), post.send(store), post.send(store)]);
  t.equal(sink.accepted.length, 130);
  t.equal(new Set(sink.accepted.map(({ messageId }) => messageId)).size, 130);
});

t.test('a lane whose turn is over ends with its batch and says that there is more', async (t) => {
  const store = await openShop();
  const { id } = await customerIn(store);
  await Promise.all(Array.from({ length: 130 }, () => write(store, id, OWN_WORDS)));
  t.ok(((await post.send(store, {}, { turnMs: 0 })) ?? new Date(0)) <= new Date(), 'to come back at once');
  t.equal(sink.accepted.length, 100);
  await post.send(store, {}, { turnMs: 0 });
  t.equal(await post.send(store, {}, { turnMs: 0 }), undefined, 'nothing is left');
  t.equal(new Set(sink.accepted.map(({ messageId }) => messageId)).size, 130);
});

t.test('a stop gives back what was taken', async (t) => {
  const store = await openShop();
  const { id } = await customerIn(store);
  for (let count = 0; count < 30; count++) await write(store, id, OWN_WORDS);
  const controller = new AbortController();
  const send: MailWay['send'] = (mail) => {
    controller.abort();
    return post.way.send(mail);
  };
  await post.send(store, { send }, { signal: controller.signal });
  const { rows } = await owner.query(
    `select count(*) filter (where status = 'sent')::integer as sent, count(*) filter (where lease_id is not null)::integer as taken
     from messages where store_id = $1`,
    [store.storeId],
  );
  t.equal(rows[0].sent, sink.accepted.length);
  t.ok(rows[0].sent > 0 && rows[0].sent < 30);
  t.equal(rows[0].taken, 0);
});
