// Swagger UI in a real browser: the groups in their order, and "Execute" for each kind of caller.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import t from 'tap';
import { freePort } from '../../src/db/embedded.ts';
import { SHOWCASE_IDS } from '../../src/domain/showcase.ts';
import { TAGS } from '../../src/routes/tags-of-document.ts';
import { signCustomerToken, signOpsToken } from '../../src/tokens.ts';
import { chromiumPath, startBrowser } from '../support/browser.ts';
import { TEST_CONFIG, testApp, testDatabase } from '../support/harness.ts';
import { documentOf, operationsOf } from '../support/openapi-operations.ts';
import { showcaseStores } from '../support/showcase.ts';

const executablePath = chromiumPath();
const skip = executablePath ? false : 'no Chromium here: install one, or name it in CHROMIUM_PATH';

t.setTimeout(280_000);

const database = await testDatabase(t);
const store = await showcaseStores(t, await testApp(t, database), database)();
const PORT = await freePort();
const lifetimeSeconds = 600;
const { customerId } = SHOWCASE_IDS;
const documentTokens = {
  bearer: store.token,
  publishableKey: store.publishableKey,
  customerToken: signCustomerToken(TEST_CONFIG, { storeId: store.storeId, customerId, lifetimeSeconds }),
  ops: signOpsToken(TEST_CONFIG, lifetimeSeconds),
};
const app = await testApp(t, database, { HOST: '127.0.0.1', PORT }, { documentTokens });
await app.listen({ host: '127.0.0.1', port: PORT });
const browser = executablePath ? await startBrowser(t, executablePath) : undefined;
const operations = operationsOf(documentOf(app));

/**
 * One for each kind of caller beside staff. All operations are tried by their examples in
 * examples.test.ts; opening one takes the page some seconds.
 */
const PRESSED = ['signUpForNewsletter', 'getMyProfile', 'listQueues'];

const tagOf = (name: string): string => operations.find((one) => one.name === name)?.tag ?? '';

async function openPage(): Promise<Page> {
  if (!browser) throw new Error('Skipped without a browser');
  const page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
  await page.goto(`http://127.0.0.1:${PORT}/docs`);
  await page.waitForSelector('.opblock-tag');
  return page;
}

/** Fired at the element: waiting until nothing moves takes seconds on a page of this size. */
const press = (page: Page, selector: string): Promise<void> => page.dispatchEvent(selector, 'click');

/** Opens the operation, as a click on its group and its line do. */
async function openOperation(page: Page, tag: string, name: string): Promise<string> {
  const block = `[id="operations-${tag.replaceAll(' ', '_')}-${name}"]`;
  if (!(await page.$(block))) await press(page, `h3[data-tag="${tag}"]`);
  await press(page, `${block} .opblock-summary-control`);
  return block;
}

/**
 * A press while the page still resolves the operation is lost (`Operation … not found` in its console), and the page says nothing
 * of it. So each try waits longer than the one before, on a page of its own.
 */
const PAUSES_MS = [1_000, 4_000, 10_000];
const ANSWER_MS = 5_000;

/** The status of what "Execute" sends once. */
async function execute(name: string): Promise<number> {
  for (const pauseMs of PAUSES_MS) {
    const page = await openPage();
    const block = await openOperation(page, tagOf(name), name);
    await page.waitForSelector(`${block} .execute`);
    await sleep(pauseMs);
    const answer = page
      .waitForResponse((response) => response.url().includes('/v1/'), { timeout: ANSWER_MS })
      .catch(() => undefined);
    await press(page, `${block} .execute`);
    const response = await answer;
    await page.close();
    if (response) return response.status();
  }
  throw new Error(`${name} sends nothing.`);
}

t.test('Swagger UI groups by noun, in the order of the document, customers first', { skip }, async (t) => {
  const page = await openPage();
  const shown = await page.$$eval('h3[data-tag]', (tags) => tags.map((tag) => tag.getAttribute('data-tag')));
  t.same(
    shown,
    TAGS.map(({ name }) => name),
  );
  t.equal(shown[0], 'Customers');
  t.equal(shown.at(-1), 'Operations');
  await page.close();
});

t.test('"Execute" works as it stands, whoever the operation is for', { skip }, async (t) => {
  for (const name of PRESSED) {
    const status = await execute(name);
    t.ok(status >= 200 && status < 300, `${name} answers ${status}`);
  }
});

t.test(
  '"Execute" sends the example of a body, and each press is an intent of its own',
  { skip },
  async (t) => {
    t.equal(await execute('changeCredit'), 201);
    t.equal(await execute('changeCredit'), 201);
    const { data } = await store.call('GET', `/v1/customers/${customerId}/credit`);
    t.equal(data.data[0].balance, 10_000 - 1_250 + 2 * 2_500, 'granted twice');
  },
);
