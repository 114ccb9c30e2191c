// Following links of mails over HTTP: where they lead, and what is counted.
import { randomUUID } from 'node:crypto';
import t from 'tap';
import { noteClick } from '../../src/actions/clicks.ts';
import { clickTokenOf, unsubscribeTokenOf } from '../../src/clients/mail-identity.ts';
import { MAX_KEPT_CLICKS } from '../../src/domain/mail/clicks.ts';
import { mailSecretsOf } from '../../src/mail.ts';
import { TEST_CONFIG, type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';
import { sentMarketing, setMail } from '../support/sent-mails.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const { owner } = database;
const secrets = mailSecretsOf(TEST_CONFIG);

const SHOP = 'https://shop.example/candles?colour=red&size=2';
const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0';
const MINUTE_MS = 60_000;
const ago = (ms: number): Date => new Date(Date.now() - ms);

interface Mail {
  store: TestStore;
  customerId: string;
  id: string;
}

/** A customer with a marketing mail that was sent an hour ago. */
async function sent(sentAt = ago(60 * MINUTE_MS)): Promise<Mail> {
  const store = await testStore(app, database);
  const { data } = await store.call('POST', '/v1/customers', { email: `${randomUUID()}@example.com` });
  return { store, customerId: data.id, id: await sentMarketing(store, owner, data.id, sentAt) };
}

const tokenOf = ({ store: { storeId }, id }: Mail, url = SHOP): string =>
  clickTokenOf(secrets, { storeId, id, url }) ?? '';

const follow = (token: string, headers: Record<string, string> = {}, method: 'GET' | 'HEAD' = 'GET') =>
  app.inject({ method, url: `/c/${token}`, headers: { 'user-agent': BROWSER, ...headers } });

/** A click at an instant of the past. */
const clickAt = ({ store, id }: Mail, at: Date, url = SHOP, userAgent: string | undefined = BROWSER) =>
  noteClick({ ...store.ctx(at), actor: 'storefront' }, { storeId: store.storeId, id, url }, userAgent);

const details = async ({ store, id }: Mail) => (await store.call('GET', `/v1/messages/${id}`)).data;
const machines = async (mail: Mail): Promise<boolean[]> =>
  (await details(mail)).clicks.map(({ machine }: { machine: boolean }) => machine);
const kinds = async ({ customerId, store }: Mail): Promise<string[]> =>
  (await store.call('GET', `/v1/customers/${customerId}/timeline?kind=message`)).data.data
    .map(({ kind }: { kind: string }) => kind)
    .reverse();

t.test(
  'a link leads where it says; the click is kept, the first one shows in the timeline once',
  async (t) => {
    const mail = await sent();
    const answer = await follow(tokenOf(mail));
    t.equal(answer.statusCode, 302);
    t.match(answer.headers, {
      location: SHOP,
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-robots-tag': 'noindex, nofollow',
    });
    t.equal(answer.body, '');
    await follow(tokenOf(mail));
    const { clickedAt, clicks } = await details(mail);
    t.match(clicks, [
      { url: SHOP, machine: false },
      { url: SHOP, machine: false },
    ]);
    t.equal(clickedAt, clicks[0].clickedAt);
    t.same(await kinds(mail), ['message.clicked']);
  },
);

t.test('nobody can make us forward to another page', async (t) => {
  const mail = await sent();
  const token = tokenOf(mail);
  const flipped = `${token.slice(0, 50)}${token[50] === 'A' ? 'B' : 'A'}${token.slice(51)}`;
  const bytes = Buffer.from(token, 'base64url');
  const elsewhere = Buffer.concat([bytes.subarray(0, 48), Buffer.from('https://evil.example/')]);
  const { storeId } = mail.store;
  const strangers = [
    flipped,
    elsewhere.toString('base64url'),
    token.slice(0, -1),
    `${token}A`,
    'x',
    Buffer.alloc(100).toString('base64url'),
    unsubscribeTokenOf(secrets, { storeId, id: mail.id }),
    encodeURIComponent('https://evil.example/'),
  ];
  for (const stranger of strangers) {
    const answer = await follow(stranger);
    t.equal(answer.statusCode, 404, stranger.slice(0, 30));
    t.match(answer.headers['content-type'], /problem\+json/);
    t.equal(answer.headers.location, undefined);
  }
  t.same((await details(mail)).clicks, []);
});

t.test('long addresses and those with signs of all kinds arrive as they are', async (t) => {
  const mail = await sent();
  const long = `https://shop.example/?q=${'a'.repeat(1_300)}`;
  t.equal((await follow(tokenOf(mail, long))).headers.location, long);
  const signs = 'https://shop.example/käse?é=%20ü#ß';
  t.equal((await follow(tokenOf(mail, signs))).headers.location, new URL(signs).href);
});

t.test('HEAD and browsers that fetch ahead are led on and not counted', async (t) => {
  const mail = await sent();
  const head = await follow(tokenOf(mail), {}, 'HEAD');
  t.equal(head.statusCode, 302);
  t.equal(head.headers.location, SHOP);
  t.equal((await follow(tokenOf(mail), { 'sec-purpose': 'prefetch;prerender' })).statusCode, 302);
  t.same((await details(mail)).clicks, []);
});

t.test('programs are kept as machines and are no click of the customer', async (t) => {
  const mail = await sent();
  await follow(tokenOf(mail), { 'user-agent': 'BarracudaCentral' });
  await follow(tokenOf(mail), { 'user-agent': '' });
  t.same(await machines(mail), [true, true]);
  t.equal((await details(mail)).clickedAt, null);
  t.same(await kinds(mail), []);
  const early = await sent(ago(1_000));
  await follow(tokenOf(early));
  t.same(await machines(early), [true], 'within 3 s of the mail');
  const leaving = await sent();
  await setMail(owner, leaving.id, { status: 'sending' });
  await follow(tokenOf(leaving));
  t.same(await machines(leaving), [true], 'while it is handed over');
});

t.test('the second link within a second shows that the first one was a machine’s too', async (t) => {
  const mail = await sent();
  const at = ago(10 * MINUTE_MS);
  await clickAt(mail, at);
  t.same((await details(mail)).clickedAt, at.toISOString());
  await clickAt(mail, new Date(at.getTime() + 400), `${SHOP}&other`);
  t.same(await machines(mail), [true, true]);
  t.equal((await details(mail)).clickedAt, null);
  await clickAt(mail, new Date(at.getTime() + 700), SHOP);
  t.same(await machines(mail), [true, true, true], 'the first link again, still in the burst');
  const person = new Date(at.getTime() + MINUTE_MS);
  await clickAt(mail, person);
  t.equal((await details(mail)).clickedAt, person.toISOString());
  t.same(await kinds(mail), ['message.clicked', 'message.click_doubted', 'message.clicked']);
});

t.test('a burst after a click of a person takes nothing of that one away', async (t) => {
  const mail = await sent();
  const person = ago(20 * MINUTE_MS);
  await clickAt(mail, person);
  const at = ago(10 * MINUTE_MS);
  await clickAt(mail, at, `${SHOP}&a`);
  await clickAt(mail, new Date(at.getTime() + 5), `${SHOP}&b`);
  t.same(await machines(mail), [false, true, true]);
  t.equal((await details(mail)).clickedAt, person.toISOString());
  t.same(await kinds(mail), ['message.clicked']);
});

t.test('a scanner that opens all links at once is a machine, whatever it calls itself', async (t) => {
  const mail = await sent();
  const urls = Array.from({ length: 8 }, (_, index) => `${SHOP}&link=${index}`);
  const answers = await Promise.all(urls.map((url) => follow(tokenOf(mail, url))));
  t.ok(answers.every(({ statusCode }) => statusCode === 302));
  t.same(await machines(mail), Array(8).fill(true));
  t.equal((await details(mail)).clickedAt, null);
});

t.test(
  'at most a thousand clicks of a mail are kept; a person who comes after them still counts',
  async (t) => {
    const mail = await sent();
    await owner.query(
      `insert into message_clicks (store_id, message_id, id, url, machine, clicked_at)
     select $1, $2, gen_random_uuid(), 'https://shop.example/', true, now() - interval '30 minutes'
     from generate_series(1, $3)`,
      [mail.store.storeId, mail.id, MAX_KEPT_CLICKS],
    );
    t.equal((await follow(tokenOf(mail))).statusCode, 302);
    const { rows } = await owner.query(
      'select count(*)::integer as count from message_clicks where message_id = $1',
      [mail.id],
    );
    t.equal(rows[0].count, MAX_KEPT_CLICKS);
    t.not((await details(mail)).clickedAt, null);
    t.same(await kinds(mail), ['message.clicked']);
  },
);

t.test('a link outlives its mail', async (t) => {
  const mail = await sent();
  await owner.query('delete from messages where id = $1', [mail.id]);
  t.equal((await follow(tokenOf(mail))).headers.location, SHOP);
  const nowhere = clickTokenOf(secrets, { storeId: randomUUID(), id: randomUUID(), url: SHOP }) ?? '';
  t.equal((await follow(nowhere)).headers.location, SHOP);
});
