// Acceptance: asks segments about the UCI "Online Retail" file in a fresh service and compares every answer, customer by
// customer, with hand-written SQL over the stored tables and over the raw file.
//
//   npm run accept:segments -- PATH/online-retail.csv.gz
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mock } from 'node:test';
import type { Client } from 'pg';
import {
  acceptFile,
  callApi,
  exampleFile,
  loadRaw,
  MAPPING,
  type RetailStore,
} from './support/online-retail.ts';
import { type Categories, categorise, customerFile, readRaw } from './support/retail-facts.ts';
import { ASKED_AT, QUESTIONS, type Question } from './support/retail-questions.ts';

const CONSENT_BASIS = 'Derived from the customer number, for this acceptance run alone';

/** Imports the file, and what it lacks. */
async function fill(file: string, { db, owner, upload }: RetailStore): Promise<void> {
  const mapping = await exampleFile(MAPPING);
  const categories: Categories = JSON.parse(await exampleFile('online-retail.categories.json'));
  const orders = await upload(file, { kind: 'orders' }, mapping);
  console.log(`orders: ${JSON.stringify(orders.outcomes)}`);
  await loadRaw(owner, file);
  const customers = await readRaw(owner, JSON.parse(mapping).countryCodes, categories);
  await categorise(owner, db.storeId, categories);
  const folder = await mkdtemp(join(tmpdir(), 'clientele-acceptance-'));
  const derived = join(folder, 'customers.csv');
  try {
    await writeFile(derived, customerFile(customers));
    const { outcomes } = await upload(derived, { kind: 'customers', consentBasis: CONSENT_BASIS });
    console.log(`customers: ${JSON.stringify(outcomes)}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Page {
  data: { externalId: string }[];
  page: { nextCursor: string | null };
  total: number;
}

/** Numbers of the customers whom the list shows with the query as its filter, page by page. */
async function listMembers(store: RetailStore, filter: string): Promise<string[]> {
  const found: string[] = [];
  const query = new URLSearchParams({ filter, limit: '100' });
  for (;;) {
    const { data, page } = await callApi<Page>(store, `/customers?${query}`);
    found.push(...data.map(({ externalId }) => externalId));
    if (page.nextCursor === null) return found;
    query.set('cursor', page.nextCursor);
  }
}

/** How many the list counts and the preview counts, and how long the preview took. */
async function countMembers(
  store: RetailStore,
  query: string,
): Promise<{ listed: number; previewed: number; ms: number }> {
  const parameters = new URLSearchParams({ filter: query, limit: '1', count: 'exact' });
  const { total: listed } = await callApi<Page>(store, `/customers?${parameters}`);
  const request = { query, at: ASKED_AT.toISOString(), sample: 1 };
  const { total: previewed, ms } = await callApi<{ total: number; ms: number }>(
    store,
    '/segments/preview',
    request,
  );
  return { listed, previewed, ms };
}

async function numbers(owner: Client, query: string, values: unknown[] = []): Promise<string[]> {
  const { rows } = await owner.query<{ number: string }>(query, values);
  return rows.map(({ number }) => number);
}

const storedMembers = (owner: Client, storeId: string, { stored }: Question): Promise<string[]> =>
  numbers(
    owner,
    `select c.external_id as number from customers c
     where c.store_id = $1 and c.account_status not in ('merged', 'erased') and (${stored})`,
    [storeId],
  );
const rawMembers = (owner: Client, { raw }: Question): Promise<string[]> =>
  numbers(owner, `select r.customer as number from raw_customers r where ${raw}`);

/** Who is in one of the two and not in the other. */
function differenceOf(left: readonly string[], right: readonly string[]): string[] {
  const [inLeft, inRight] = [new Set(left), new Set(right)];
  return [...left.filter((one) => !inRight.has(one)), ...right.filter((one) => !inLeft.has(one))];
}

async function ask(store: RetailStore, question: Question): Promise<boolean> {
  const { owner, db } = store;
  const found = await listMembers(store, question.query);
  const { listed, previewed, ms } = await countMembers(store, question.query);
  const stored = await storedMembers(owner, db.storeId, question);
  const raw = await rawMembers(owner, question);
  const wrong = [...differenceOf(found, stored), ...differenceOf(found, raw)];
  const isSame = wrong.length === 0 && listed === found.length && previewed === found.length;
  const counts = [found.length, listed, previewed, stored.length, raw.length];
  const columns = [...counts, ms.toFixed(1)].map((value) => String(value).padStart(8)).join('');
  const verdict = isSame ? 'same' : `DIFFERENT ${wrong.slice(0, 5).join(' ')}`;
  console.log(`${columns}  ${verdict}  ${question.query}`);
  return isSame;
}

async function accept(file: string, store: RetailStore): Promise<boolean> {
  await fill(file, store);
  // From here on it is the day after the last order of the file.
  mock.timers.enable({ apis: ['Date'], now: ASKED_AT });
  console.log('  listed counted preview  stored     raw      ms');
  let isSame = true;
  for (const question of QUESTIONS) isSame = (await ask(store, question)) && isSame;
  return isSame;
}

await acceptFile('accept:segments', accept);
