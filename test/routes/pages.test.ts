// The pages behind links about accounts: what they do, that a GET does nothing, and that their HTML is sound.
import t, { type Test } from 'tap';
import { type Answer, call, type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';
import { htmlFaults } from '../support/html.ts';
import { invitedToken, makeGuest } from '../support/invitations.ts';
import { mailedToken } from '../support/mailed-links.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const store = () => testStore(app, database);
const { owner } = database;

const PASSWORD = 'plough harbour violet seven';
const OTHER_PASSWORD = 'lantern gravel teapot nine';
const UNKNOWN = Buffer.alloc(48, 7).toString('base64url');
const PAGES = ['invitation', 'password-reset', 'email-verification', 'email-change'] as const;
type PageName = (typeof PAGES)[number];

const shop = (it: TestStore, url: string, body: unknown, credential = it.publishableKey) =>
  call(app, credential, 'POST', `/storefront/v1${url}`, body);
const logIn = (it: TestStore, email: string, password: string) => shop(it, '/login', { email, password });

type Sent = Promise<Answer>;
const get = (name: PageName, token: string, headers: Record<string, string> = {}): Sent =>
  app.inject({ method: 'GET', url: `/pages/${name}/${token}`, headers }) as Sent;
const post = (name: PageName, token: string, form: Record<string, string | string[]> = {}): Sent => {
  const entries = Object.entries(form).flatMap(([key, value]) => [value].flat().map((one) => [key, one]));
  return app.inject({
    method: 'POST',
    url: `/pages/${name}/${token}`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: new URLSearchParams(entries as [string, string][]).toString(),
  }) as Sent;
};

const titleOf = ({ body }: Answer): string => /<h1>(.*?)<\/h1>/.exec(body)?.[1] ?? '';

/** A sound page in the shop's name, with headers that let nothing out and no script in. */
function checkPage(t: Test, answer: Answer, status: number, title: string): void {
  t.equal(answer.statusCode, status, title);
  t.equal(titleOf(answer), title);
  t.same(htmlFaults(answer.body), [], title);
  t.match(answer.headers, {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'content-security-policy': /^default-src 'none'/,
  });
  t.notMatch(answer.body, /<script/i);
}

/** An active customer who can log in. */
async function makeActive(it: TestStore, email: string): Promise<string> {
  const id = await makeGuest(it, { email });
  const token = await invitedToken(it, owner, id);
  await shop(it, `/invitations/${token}`, { password: PASSWORD });
  return id;
}

async function resetToken(it: TestStore, email: string): Promise<string> {
  await shop(it, '/password-reset', { email });
  return mailedToken(it, owner, 'password_reset');
}

async function verificationToken(it: TestStore, email: string): Promise<string> {
  await shop(it, '/register', { email, password: PASSWORD, firstName: 'Ada' });
  return mailedToken(it, owner, 'email_verification');
}

async function changeToken(it: TestStore, from: string, to: string): Promise<string> {
  const { data } = await logIn(it, from, PASSWORD);
  await shop(it, '/me/email', { email: to, password: PASSWORD }, data.accessToken);
  return mailedToken(it, owner, 'email_change');
}

const statusOf = async (it: TestStore, id: string): Promise<string> =>
  (await it.call('GET', `/v1/customers/${id}`)).data.accountStatus;

t.test('an invitation is looked at, refused a bad password, and accepted', async (t) => {
  const it = await store();
  const id = await makeGuest(it, { email: 'ada@example.com' });
  const token = await invitedToken(it, owner, id);
  const seen = await get('invitation', token);
  checkPage(t, seen, 200, 'Your account is ready');
  t.match(seen.body, 'a•••@example.com');
  t.notMatch(seen.body, 'ada@example.com');
  const refused = await post('invitation', token, {
    password: 'short',
    firstName: 'Ada "O\'Neil" <b>',
    topics: 'offers',
  });
  checkPage(t, refused, 422, 'Your account is ready');
  t.match(refused.body, /id="password-error">A password has at least 8 characters\./);
  t.match(refused.body, /aria-invalid="true" aria-describedby="password-hint password-error"/);
  t.match(refused.body, /value="offers" checked/);
  t.notMatch(refused.body, '<b>');
  t.notMatch(refused.body, 'value="short"');
  t.equal(await statusOf(it, id), 'invited');
  const done = await post('invitation', token, {
    password: PASSWORD,
    firstName: 'Ada',
    lastName: 'Lovelace',
    topics: ['offers', 'newsletter'],
  });
  checkPage(t, done, 200, 'Welcome');
  t.equal(await statusOf(it, id), 'active');
  t.equal((await logIn(it, 'ada@example.com', PASSWORD)).statusCode, 200);
  const { rows } = await owner.query(
    `select e.topic, e.state, w.text from consent_events e join consent_wordings w on w.store_id = e.store_id and w.hash = e.wording_hash
     where e.store_id = $1 order by e.topic`,
    [it.storeId],
  );
  t.match(rows, [
    { topic: 'newsletter', state: 'granted', text: 'Newsletter: News from the shop, now and then.' },
    { topic: 'offers', state: 'granted', text: /Sales, vouchers/ },
  ]);
  checkPage(t, await post('invitation', token, { password: PASSWORD }), 404, 'This link does not work');
  const { rows: sessions } = await owner.query(
    `select method from sessions where store_id = $1 order by id`,
    [it.storeId],
  );
  t.same(sessions, [{ method: 'password' }], 'a page starts no session that nobody would hold');
});

t.test('a customer whose name is known is not asked for it', async (t) => {
  const it = await store();
  const token = await invitedToken(it, owner, await makeGuest(it, { firstName: 'Grace' }));
  const { body } = await get('invitation', token);
  t.notMatch(body, 'name="firstName"');
  t.notMatch(body, 'Grace', 'a link that is passed on does not tell');
});

t.test('I3 an expired invitation is 410 and can be renewed', async (t) => {
  const it = await store();
  const id = await makeGuest(it);
  const token = await invitedToken(it, owner, id);
  await owner.query('update account_tokens set expires_at = now() where store_id = $1', [it.storeId]);
  checkPage(t, await get('invitation', token), 410, 'This link has expired');
  checkPage(t, await post('invitation', token, { password: PASSWORD }), 410, 'This link has expired');
  checkPage(t, await post('invitation', token, { renew: 'yes' }), 200, 'Please look at your mails');
  t.equal((await it.call('GET', `/v1/customers/${id}/invitations`)).data.data.length, 2);
  checkPage(t, await post('invitation', token, { renew: 'yes' }), 200, 'Please look at your mails');
  t.equal((await it.call('GET', `/v1/customers/${id}/invitations`)).data.data.length, 2, 'once');
});

t.test('a forgotten password is set anew', async (t) => {
  const it = await store();
  await makeActive(it, 'ada@example.com');
  const token = await resetToken(it, 'ada@example.com');
  checkPage(t, await get('password-reset', token), 200, 'Choose a new password');
  checkPage(
    t,
    await post('password-reset', token, { password: 'ada@example.com' }),
    422,
    'Choose a new password',
  );
  checkPage(
    t,
    await post('password-reset', token, { password: OTHER_PASSWORD }),
    200,
    'Your password is set',
  );
  t.equal((await logIn(it, 'ada@example.com', OTHER_PASSWORD)).statusCode, 200);
  t.equal((await logIn(it, 'ada@example.com', PASSWORD)).statusCode, 401);
  checkPage(t, await get('password-reset', token), 404, 'This link does not work');
});

t.test('I2 looking confirms no registration; the button does', async (t) => {
  const it = await store();
  const token = await verificationToken(it, 'new@example.com');
  for (const _ of [1, 2]) checkPage(t, await get('email-verification', token), 200, 'Confirm your address');
  t.same((await it.call('GET', '/v1/customers')).data.data, []);
  const wrong = await post('email-verification', token, { password: OTHER_PASSWORD });
  checkPage(t, wrong, 422, 'Confirm your address');
  t.match(wrong.body, /Not the password that was chosen/);
  checkPage(t, await post('email-verification', token, { password: PASSWORD }), 200, 'Welcome');
  t.equal((await logIn(it, 'new@example.com', PASSWORD)).statusCode, 200);
});

t.test('I2 looking changes no address; the button does', async (t) => {
  const it = await store();
  const id = await makeActive(it, 'old@example.com');
  const token = await changeToken(it, 'old@example.com', 'new@example.com');
  for (const _ of [1, 2]) checkPage(t, await get('email-change', token), 200, 'Confirm your new address');
  t.equal((await it.call('GET', `/v1/customers/${id}`)).data.email, 'old@example.com');
  checkPage(t, await post('email-change', token), 200, 'Your address is changed');
  t.equal((await it.call('GET', `/v1/customers/${id}`)).data.email, 'new@example.com');
});

t.test('an address that became somebody else’s is told to its owner, in words', async (t) => {
  const it = await store();
  await makeActive(it, 'old@example.com');
  const token = await changeToken(it, 'old@example.com', 'new@example.com');
  await makeGuest(it, { email: 'new@example.com' });
  checkPage(t, await post('email-change', token), 409, 'This address is in use');
});

t.test('I3 expired links of all kinds are 410 in the shop’s name', async (t) => {
  const it = await store();
  await makeActive(it, 'ada@example.com');
  const tokens = {
    'password-reset': await resetToken(it, 'ada@example.com'),
    'email-verification': await verificationToken(it, 'new@example.com'),
    'email-change': await changeToken(it, 'ada@example.com', 'other@example.com'),
  };
  await owner.query('update account_tokens set expires_at = now() where store_id = $1', [it.storeId]);
  for (const [name, token] of Object.entries(tokens) as [PageName, string][]) {
    const seen = await get(name, token);
    checkPage(t, seen, 410, 'This link has expired');
    t.match(seen.body, 'Test store');
    checkPage(t, await post(name, token, { password: PASSWORD }), 410, 'This link has expired');
  }
});

t.test('I3 links that are unknown, of no store, or no link at all are one page', async (t) => {
  const it = await store();
  const strangers = [UNKNOWN, 'x', '%00', Buffer.alloc(48, it.storeId).toString('base64url')];
  for (const name of PAGES) {
    for (const token of strangers) {
      const seen = await get(name, token);
      if (token === '%00') {
        t.ok([400, 404].includes(seen.statusCode));
        continue;
      }
      checkPage(t, seen, 404, 'This link does not work');
      checkPage(t, await post(name, token, { password: PASSWORD }), 404, 'This link does not work');
    }
  }
});

t.test('a link of one kind opens no page of another', async (t) => {
  const it = await store();
  const token = await invitedToken(it, owner, await makeGuest(it));
  for (const name of PAGES.slice(1)) t.equal((await get(name, token)).statusCode, 404, name);
});

t.test('what the shop and the customer wrote is escaped', async (t) => {
  const it = await store();
  await owner.query(
    `update stores set name = $2, settings = jsonb_set(settings, '{mail}', $3::jsonb) where id = $1`,
    [
      it.storeId,
      '<script>alert("1")</script> & \'Co\'',
      JSON.stringify({
        websiteUrl: 'https://shop.example.com/?a=1&b="2"',
        logoUrl: 'https://x.example/"onerror="alert(1)',
      }),
    ],
  );
  await it.call('GET', '/v1/topics');
  await owner.query(`update topics set name = '<img src=x onerror=alert(1)>' where store_id = $1`, [
    it.storeId,
  ]);
  const token = await invitedToken(it, owner, await makeGuest(it, { email: "&'x@example.com" }));
  const seen = await get('invitation', token);
  checkPage(t, seen, 200, 'Your account is ready');
  t.notMatch(seen.body, /<img src=x/);
  t.notMatch(seen.body, /"onerror=/);
  checkPage(t, await post('invitation', token, { password: PASSWORD }), 200, 'Welcome');
});

t.test('a form in another form is refused with a page', async (t) => {
  const it = await store();
  const token = await invitedToken(it, owner, await makeGuest(it));
  const foreign = await app.inject({
    method: 'POST',
    url: `/pages/invitation/${token}`,
    headers: { 'content-type': 'application/xml' },
    payload: '<password>x</password>',
  });
  t.equal(foreign.statusCode, 415);
  t.match(foreign.headers['content-type'], 'text/html');
  const empty = await post('invitation', token);
  checkPage(t, empty, 422, 'Your account is ready');
});

t.test('the pages are no operations of the API document', async (t) => {
  const document = app.swagger() as { paths: Record<string, unknown> };
  t.same(
    Object.keys(document.paths).filter(
      (path) => path.includes('{token}') && path.startsWith('/pages/invitation'),
    ),
    [],
  );
});
