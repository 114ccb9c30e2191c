// The public pages in a real browser: what people do there, and axe on every page.

import type { BrowserContextOptions, Page } from 'playwright-core';
import t from 'tap';
import { preferencesTokenOf, unsubscribeTokenOf } from '../../src/clients/mail-identity.ts';
import { mailSecretsOf } from '../../src/mail.ts';
import { signOpsToken } from '../../src/tokens.ts';
import { checkPage, chromiumPath, listen, startBrowser, tabOrder } from '../support/browser.ts';
import { call, TEST_CONFIG, type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';
import { invitedToken, makeGuest } from '../support/invitations.ts';
import { mailedToken } from '../support/mailed-links.ts';

const executablePath = chromiumPath();
const skip = executablePath ? false : 'no Chromium here: install one, or name it in CHROMIUM_PATH';

t.setTimeout(200_000);

const database = await testDatabase(t);
const app = await testApp(t, database);
const site = await listen(app);
const browser = executablePath ? await startBrowser(t, executablePath) : undefined;
const { owner } = database;

const PASSWORD = 'plough harbour violet seven';
const OTHER_PASSWORD = 'lantern gravel teapot nine';

/** A store with a colour that is hard to read on white, and a language that is not that of the pages. */
async function store() {
  const it = await testStore(app, database);
  await owner.query(
    `update stores set name = 'Blumen & Söhne', locale = 'de', settings = jsonb_set(settings, '{mail}',
       '{"brandColor": "#f5c518", "websiteUrl": "https://shop.example.com"}') where id = $1`,
    [it.storeId],
  );
  return it;
}

async function visit(path: string, options: BrowserContextOptions = {}): Promise<Page> {
  if (!browser) throw new Error('Skipped without a browser');
  const page = await browser.newPage(options);
  await page.goto(`${site}${path}`);
  return page;
}

const heading = (page: Page) => page.textContent('h1');

/** Presses the one button of the page, and waits for what comes then. */
async function press(page: Page, label: string, title: string): Promise<void> {
  await page.click(`button:has-text("${label}")`);
  await page.waitForSelector(`h1:has-text("${title}")`);
}

const shop = (it: TestStore, url: string, body: object, credential = it.publishableKey) =>
  call(app, credential, 'POST', `/storefront/v1${url}`, body);

/** A customer who was sent a marketing mail about a topic; the tokens of its links. */
async function mailed(it: TestStore, email: string, topic: string) {
  const customerId = await makeGuest(it, { email });
  const { rows } = await owner.query<{ id: string }>(
    `insert into messages (store_id, id, customer_id, kind, class, status, topic, to_email, data, created_at, sent_at)
     values ($1, gen_random_uuid(), $2, 'campaign', 'marketing', 'sent', $3, $4, '{}', now(), now()) returning id`,
    [it.storeId, customerId, topic, email],
  );
  const row = { storeId: it.storeId, id: rows[0]?.id ?? '' };
  const secrets = mailSecretsOf(TEST_CONFIG);
  return {
    customerId,
    preferences: preferencesTokenOf(secrets, row),
    unsubscribe: unsubscribeTokenOf(secrets, row),
  };
}

/** Topics that the address has granted. */
async function grantedTopics(it: TestStore, email: string): Promise<string[]> {
  const { rows } = await owner.query<{ topic: string }>(
    `select topic from consents where store_id = $1 and address = $2 and state = 'granted' order by topic`,
    [it.storeId, email],
  );
  return rows.map(({ topic }) => topic);
}

t.test('an invitation is accepted', { skip }, async (t) => {
  const it = await store();
  const id = await makeGuest(it, { email: 'ada@example.com' });
  const token = await invitedToken(it, owner, id);
  const page = await visit(`/pages/invitation/${token}`);
  t.equal(await heading(page), 'Your account is ready');
  t.match(
    await page.textContent('main'),
    /Blumen & Söhne has made an account for you, with the address a•••@example\.com/,
  );
  await checkPage(t, page, 'invitation');
  const topics = await page.$$eval('[name=topics]', (boxes) => boxes.map(({ id }) => id));
  t.ok(topics.length > 0);
  t.same(
    await page.$$eval('[name=topics]:checked', (boxes) => boxes.length),
    0,
    'nobody is signed up unasked',
  );
  t.same(await tabOrder(page), [
    'Blumen & Söhne',
    'firstName',
    'lastName',
    'password',
    ...topics,
    'Open my account',
  ]);

  await page.fill('#firstName', 'Ada');
  await page.check('#topics-newsletter');
  await page.fill('#password', 'password');
  await page.click('button');
  t.match(await page.textContent('[role=alert]'), /first/, 'the reason stands above the form');
  t.equal(await page.getAttribute('#password', 'aria-invalid'), 'true');
  t.match(await page.getAttribute('#password', 'aria-describedby'), /password-error/);
  t.equal(await page.inputValue('#firstName'), 'Ada', 'what was entered is still there');
  t.equal(await page.inputValue('#password'), '', 'but no password');
  t.ok(await page.isChecked('#topics-newsletter'));
  await checkPage(t, page, 'invitation-refused');
  await page.click('[role=alert] a');
  t.equal(await page.evaluate('document.activeElement.id'), 'password', 'the reason leads to its field');

  await page.keyboard.type(PASSWORD);
  await page.keyboard.press('Enter');
  await page.waitForSelector('h1:has-text("Welcome")');
  await checkPage(t, page, 'invitation-accepted');
  t.equal(await page.getAttribute('main a', 'href'), 'https://shop.example.com');
  const { data } = await it.call('GET', `/v1/customers/${id}`);
  t.match(data, { accountStatus: 'active', firstName: 'Ada', acceptsMarketing: true });

  await page.goto(`${site}/pages/invitation/${token}`);
  t.equal(await heading(page), 'This link does not work');
  await checkPage(t, page, 'unknown-link');
});

t.test('I3 an expired invitation offers a new one', { skip }, async (t) => {
  const it = await store();
  const id = await makeGuest(it);
  const token = await invitedToken(it, owner, id);
  await owner.query('update account_tokens set expires_at = now() where store_id = $1', [it.storeId]);
  const page = await visit(`/pages/invitation/${token}`);
  t.equal(await heading(page), 'This link has expired');
  await checkPage(t, page, 'invitation-expired');
  await page.click('button');
  await page.waitForSelector('h1:has-text("Please look at your mails")');
  await checkPage(t, page, 'invitation-renewed');
  t.equal((await it.call('GET', `/v1/customers/${id}/invitations`)).data.data.length, 2);
});

t.test('preferences are chosen, saved, and shown as they were saved', { skip }, async (t) => {
  const it = await store();
  const { preferences } = await mailed(it, 'ada@example.com', 'offers');
  const page = await visit(`/pages/preferences/${preferences}`);
  t.equal(await heading(page), 'Your mail preferences');
  t.notMatch(await page.textContent('main'), 'ada@example.com', 'the address is masked');
  await checkPage(t, page, 'preferences');
  t.same(await tabOrder(page), [
    'Blumen & Söhne',
    'topics-newsletter',
    'topics-offers',
    'topics-product_news',
    'topics-surveys',
    'contactLimit',
    'Save',
    'Unsubscribe from everything',
    'Go to Blumen & Söhne',
  ]);
  await page.check('#topics-newsletter');
  await page.check('#topics-surveys');
  await page.selectOption('#contactLimit', '2');
  await page.click('button:has-text("Save")');
  await page.waitForSelector('[role=status]');
  await checkPage(t, page, 'preferences-saved');
  t.same(await grantedTopics(it, 'ada@example.com'), ['newsletter', 'surveys']);
  await page.goto(`${site}/pages/preferences/${preferences}`);
  t.ok(await page.isChecked('#topics-newsletter'));
  t.notOk(await page.isChecked('#topics-offers'));
  t.equal(await page.inputValue('#contactLimit'), '2');
  await page.uncheck('#topics-newsletter');
  await page.click('button:has-text("Save")');
  await page.waitForSelector('[role=status]');
  t.same(await grantedTopics(it, 'ada@example.com'), ['surveys']);
  await page.click('button:has-text("Unsubscribe from everything")');
  await page.waitForSelector('[role=status]:has-text("unsubscribed")');
  await checkPage(t, page, 'preferences-ended');
  t.same(await grantedTopics(it, 'ada@example.com'), []);
});

t.test('unsubscribing takes a button, and ends the topic of the mail', { skip }, async (t) => {
  const it = await store();
  const { preferences, unsubscribe } = await mailed(it, 'ada@example.com', 'offers');
  const centre = await visit(`/pages/preferences/${preferences}`);
  await centre.check('#topics-offers');
  await centre.check('#topics-newsletter');
  await centre.click('button:has-text("Save")');
  await centre.waitForSelector('[role=status]');
  const page = await visit(`/pages/unsubscribe/${unsubscribe}`);
  t.equal(await heading(page), 'Unsubscribe');
  await checkPage(t, page, 'unsubscribe');
  t.same(await grantedTopics(it, 'ada@example.com'), ['newsletter', 'offers'], 'looking ends nothing');
  await press(page, 'Unsubscribe', 'You are unsubscribed');
  await checkPage(t, page, 'unsubscribed');
  t.same(await grantedTopics(it, 'ada@example.com'), ['newsletter']);
});

t.test('a wish for the newsletter is confirmed', { skip }, async (t) => {
  const it = await store();
  await owner.query(
    `update stores set settings = jsonb_set(settings, '{mail,doubleOptIn}', 'true') where id = $1`,
    [it.storeId],
  );
  await shop(it, '/newsletter', { email: 'ada@example.com' });
  const page = await visit(`/pages/confirm/${await mailedToken(it, owner, 'consent_confirmation')}`);
  t.equal(await heading(page), 'Please confirm');
  await checkPage(t, page, 'confirm');
  t.same(await grantedTopics(it, 'ada@example.com'), []);
  await press(page, 'Yes, confirm', 'Thank you');
  await checkPage(t, page, 'confirmed');
  t.same(await grantedTopics(it, 'ada@example.com'), ['newsletter']);
});

t.test('a registration, a forgotten password and a new address go by their pages', { skip }, async (t) => {
  const it = await store();
  await shop(it, '/register', { email: 'ada@example.com', password: PASSWORD });
  const page = await visit(`/pages/email-verification/${await mailedToken(it, owner, 'email_verification')}`);
  t.equal(await heading(page), 'Confirm your address');
  await checkPage(t, page, 'email-verification');
  await page.fill('#password', PASSWORD);
  await press(page, 'Confirm and open my account', 'Welcome');
  await checkPage(t, page, 'email-verified');

  await shop(it, '/password-reset', { email: 'ada@example.com' });
  await page.goto(`${site}/pages/password-reset/${await mailedToken(it, owner, 'password_reset')}`);
  await checkPage(t, page, 'password-reset');
  await page.fill('#password', 'short');
  await page.click('button');
  t.equal(await page.getAttribute('#password', 'aria-invalid'), 'true');
  await checkPage(t, page, 'password-reset-refused');
  await page.fill('#password', OTHER_PASSWORD);
  await press(page, 'Set password', 'Your password is set');
  await checkPage(t, page, 'password-set');

  const { data } = await shop(it, '/login', { email: 'ada@example.com', password: OTHER_PASSWORD });
  await shop(it, '/me/email', { email: 'new@example.com', password: OTHER_PASSWORD }, data.accessToken);
  await page.goto(`${site}/pages/email-change/${await mailedToken(it, owner, 'email_change')}`);
  t.equal(await heading(page), 'Confirm your new address');
  await checkPage(t, page, 'email-change');
  await press(page, 'Confirm the new address', 'Your address is changed');
  await checkPage(t, page, 'email-changed');
});

t.test('an expired link of any other kind says so in the shop’s name', { skip }, async (t) => {
  const it = await store();
  await shop(it, '/register', { email: 'ada@example.com', password: PASSWORD });
  const token = await mailedToken(it, owner, 'email_verification');
  await owner.query('update account_tokens set expires_at = now() where store_id = $1', [it.storeId]);
  const page = await visit(`/pages/email-verification/${token}`);
  t.equal(await heading(page), 'This link has expired');
  await checkPage(t, page, 'link-expired');
});

t.test('operators see queues, jobs and mails behind their token', { skip }, async (t) => {
  const it = await store();
  await makeGuest(it);
  await it.call('POST', '/v1/customers/bulk', {
    action: 'addTags',
    tags: ['vip'],
    filter: 'number_of_orders = 0',
  });
  const httpCredentials = { username: 'operator', password: signOpsToken(TEST_CONFIG, 600) };
  const page = await visit('/ops', { httpCredentials });
  t.match(await page.textContent('main'), /bulk/);
  await checkPage(t, page, 'operators');
});
