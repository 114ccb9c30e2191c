// A real browser for the public pages: Chromium of the system, driven by playwright-core.
import { accessSync, constants } from 'node:fs';
import type { AddressInfo } from 'node:net';
import axe, { type AxeResults } from 'axe-core';
import type { FastifyInstance } from 'fastify';
import { type Browser, chromium, type Page } from 'playwright-core';
import type { Test } from 'tap';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

function isThere(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The browser's program: CHROMIUM_PATH, or where Debian and others put it; undefined when there is none. */
export const chromiumPath = (): string | undefined =>
  [process.env.CHROMIUM_PATH, ...PLACES].find((path) => path !== undefined && isThere(path));

/** Starts the browser; it is closed at the file's end. */
export async function startBrowser(t: Test, executablePath: string): Promise<Browser> {
  // Chromium refuses its sandbox to root, which is what containers of CI run as.
  const browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
  t.teardown(() => browser.close());
  return browser;
}

/** Lets the app listen on a port of its own; its address. */
export async function listen(app: FastifyInstance): Promise<string> {
  await app.listen({ port: 0, host: '127.0.0.1' });
  return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
}

/** What axe finds wrong with the page as it is shown now: rule and element. */
async function violationsOf(page: Page): Promise<string[]> {
  // Evaluated and not added to the page: its policy lets no script in.
  await page.evaluate(axe.source);
  const results: AxeResults = await page.evaluate('axe.run(document)');
  return results.violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} – ${failureSummary}`),
  );
}

/** Each scheme and each width once: what axe finds depends on the one, whether a page fits on the other. */
const LOOKS = [
  { colorScheme: 'light', width: 375 },
  { colorScheme: 'dark', width: 1200 },
] as const;

/** No violation in light and dark, on a phone and a desktop, and nothing is wider than the screen. */
export async function checkPage(t: Test, page: Page, name: string): Promise<void> {
  for (const { colorScheme, width } of LOOKS) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 800 });
    t.same(await violationsOf(page), [], `${name}: axe, ${colorScheme}, ${width} px`);
    t.equal(await page.evaluate('document.documentElement.scrollWidth'), width, `${name}: fits ${width} px`);
    await takePicture(page, `${name}-${width}`);
  }
  t.equal(await page.evaluate('document.scripts.length'), 0, `${name}: no script`);
}

/** To be looked at: `PAGE_PICTURES` names a folder. */
async function takePicture(page: Page, name: string): Promise<void> {
  const { PAGE_PICTURES: folder } = process.env;
  if (folder)
    await page.screenshot({ path: `${folder}/${name.replaceAll(/\W+/g, '-')}.png`, fullPage: true });
}

/** Ids of what the tab key comes to, in order, until it leaves the page. */
export async function tabOrder(page: Page): Promise<string[]> {
  const order: string[] = [];
  await page.evaluate('document.activeElement.blur()');
  for (let step = 0; step < 50; step++) {
    await page.keyboard.press('Tab');
    const at: string = await page.evaluate(
      "document.activeElement === document.body ? '' : document.activeElement.id || document.activeElement.textContent.trim()",
    );
    if (at === '' || at === order[0]) break;
    order.push(at);
  }
  return order;
}
