// Swagger UI in a real browser: the groups in their order, and "Execute" for each kind of caller.
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

t.setTimeout(120_000);

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
 * A read with an id, a write with a body, and one for each kind of caller. All operations are tried by their examples in
 * examples.test.ts; opening one takes the page some seconds.
 */
const PRESSED = ['getCustomer', 'createCustomer', 'signUpForNewsletter', 'getMyProfile', 'listQueues'];

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

/** The status that the page shows after "Execute". */
async function execute(page: Page, block: string): Promise<number> {
  await press(page, `${block} .execute`);
  await page.waitForSelector(`${block} .live-responses-table .response-col_status`);
  return Number.parseInt(
    (await page.textContent(`${block} .live-responses-table tbody .response-col_status`)) ?? '',
    10,
  );
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
    const page = await openPage();
    const status = await execute(page, await openOperation(page, tagOf(name), name));
    t.ok(status >= 200 && status < 300, `${name} answers ${status}`);
    await page.close();
  }
});

t.test(
  '"Execute" sends the example of a body, and each press is an intent of its own',
  { skip },
  async (t) => {
    const page = await openPage();
    const block = await openOperation(page, 'Store credit', 'changeCredit');
    t.equal(await execute(page, block), 201);
    const sent = page.waitForResponse((response) => response.request().method() === 'POST');
    await press(page, `${block} .execute`);
    t.equal((await sent).status(), 201);
    const { data } = await store.call('GET', `/v1/customers/${customerId}/credit`);
    t.equal(data.data[0].balance, 10_000 - 1_250 + 2 * 2_500, 'granted twice');
    await page.close();
  },
);
