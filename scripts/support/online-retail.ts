// The UCI "Online Retail" file in a fresh service: what every acceptance run on it needs.
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { createGunzip } from 'node:zlib';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import pino from 'pino';
import { openStore } from '../../src/actions/stores.ts';
import { type ImportProgress, uploadImport } from '../../src/clients/import-upload.ts';
import { readConfig } from '../../src/config.ts';
import { newId, systemContext } from '../../src/context.ts';
import { type Db, dbOf } from '../../src/db/connection.ts';
import { ROLES } from '../../src/domain/scopes.ts';
import { startService } from '../../src/server.ts';
import { signToken } from '../../src/tokens.ts';

/** The text of a file in docs/examples. */
export const exampleFile = (name: string): Promise<string> =>
  readFile(fileURLToPath(new URL(`../../../docs/examples/${name}`, import.meta.url)), 'utf8');

export const MAPPING = 'online-retail.mapping.json';

/** A store of the file's currency and zone in a service of its own. */
export interface RetailStore {
  db: Db;
  /** Base URL of the service. */
  url: string;
  /** A token of all scopes, good from now on. */
  token(): string;
  /** The database's owner, past row-level security. */
  owner: pg.Client;
  /** Imports a file through the API, to the end of its job; `query` is that of the operation. */
  upload(file: string, query: Record<string, string>, mapping?: string): Promise<ImportProgress>;
}

/** Runs `work` in an empty store; service and database are gone afterwards. */
export async function inRetailStore<Result>(work: (store: RetailStore) => Promise<Result>): Promise<Result> {
  const dataDir = await mkdtemp(join(tmpdir(), 'clientele-acceptance-'));
  const service = await startService(readConfig({ DATA_DIR: dataDir, PORT: '0', LOG_LEVEL: 'warn' }));
  const owner = new pg.Client({ connectionString: service.database.url });
  try {
    await owner.connect();
    const storeId = newId();
    const db = dbOf(service.database.pool, storeId);
    const ctx = systemContext(db, pino({ level: 'silent' }));
    await openStore(ctx, { name: 'Gift shop', currency: 'GBP', timezone: 'Europe/London', locale: 'en-GB' });
    const credential = { storeId, subject: 'acceptance', scopes: ROLES.owner, lifetimeSeconds: 7200 };
    const token = () => signToken(service.config, credential);
    const url = String(service.url);
    const upload: RetailStore['upload'] = (file, query, mapping) =>
      uploadImport({ url, token: token(), file, query, mapping });
    return await work({ db, url, token, owner, upload });
  } finally {
    await owner.end();
    await service.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** The answer of an operation; without a body GET, else POST unless told. Throws what is not a success. */
export async function callApi<Answer>(
  { url, token }: RetailStore,
  path: string,
  body?: object,
  headers: Record<string, string> = {},
  method = body ? 'POST' : 'GET',
): Promise<Answer> {
  const response = await fetch(`${url}/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${token()}`, 'content-type': 'application/json', ...headers },
    ...(body && { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${await response.text()}`);
  return (await response.json()) as Answer;
}

/** The raw file as it is, numbered: text columns, nothing cleaned. */
const RAW_TABLE = `
  create temp table raw_lines (
    invoice text, sku text, description text, quantity text, at text, price text, customer text, country text,
    line integer generated always as identity)`;
const RAW_COLUMNS = 'invoice, sku, description, quantity, at, price, customer, country';

/** Reads the file, plain or gzip, into the table `raw_lines` of this connection. */
export async function loadRaw(client: pg.Client, file: string): Promise<void> {
  await client.query(RAW_TABLE);
  const copy = client.query(copyFrom(`copy raw_lines (${RAW_COLUMNS}) from stdin (format csv, header)`));
  const source = createReadStream(file);
  await (file.endsWith('.gz') ? pipeline(source, createGunzip(), copy) : pipeline(source, copy));
}

/** Runs an acceptance on the file that the command line names, and ends the process with what it came to. */
export async function acceptFile(
  script: string,
  accept: (file: string, store: RetailStore) => Promise<boolean>,
): Promise<never> {
  const [file] = process.argv.slice(2);
  if (!file) {
    console.error(`Name the file: npm run ${script} -- PATH/online-retail.csv.gz`);
    process.exit(2);
  }
  const accepted = await inRetailStore((store) => accept(file, store));
  console.log(accepted ? 'accepted' : 'NOT accepted');
  process.exit(accepted ? 0 : 1);
}
