#!/usr/bin/env node
// `clientele`: start the service and operate it.
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { checkLedger } from './actions/ledger-reports.ts';
import { verifyExport } from './actions/ledger-verification.ts';
import { seedStore } from './actions/seed.ts';
import { checkCounters, repairCounters } from './actions/self-check.ts';
import { addShowcase } from './actions/showcase.ts';
import { openStore } from './actions/stores.ts';
import { type ImportProgress, ServiceRefusal, uploadImport } from './clients/import-upload.ts';
import { createRenderer } from './clients/mail-renderer.ts';
import { type Config, ConfigError, readConfig } from './config.ts';
import { type Ctx, newId, systemContext } from './context.ts';
import { checkMigrationSessions, type Database, joinDatabase, migrateAll } from './database.ts';
import { dbOf } from './db/connection.ts';
import { listStoreIds } from './db/stores.ts';
import { DOCUMENT_VERSIONS, makeDocument } from './document.ts';
import { CHAIN_FAULTS } from './domain/ledger/chain.ts';
import { ROLES, type Role } from './domain/scopes.ts';
import { Problem } from './errors.ts';
import { developmentStore, makeLogger, startService } from './server.ts';
import { signOpsToken, signToken, withSecret } from './tokens.ts';

/** A mistake of the person at the terminal: shown as it is, without a stack. */
class UsageError extends Error {}

interface Command {
  usage: string;
  about: string;
  run(args: string[]): Promise<void>;
}

const say = (text: string): void => void process.stdout.write(`${text}\n`);

async function start(): Promise<void> {
  const began = Date.now();
  const service = await startService(readConfig());
  const stop = once(async (signal: string) => {
    service.app?.log.info({ signal }, 'stopping');
    await service.stop();
    process.exit(0);
  });
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  const { url, probesUrl, token, config } = service;
  say(`Clientele is ready after ${((Date.now() - began) / 1000).toFixed(1)} s (${config.ROLE}).`);
  if (probesUrl) say(`  Probes   ${probesUrl}/readyz`);
  if (!url) return;
  say(`  API      ${url}/v1`);
  say(`  Docs     ${url}/docs`);
  if (!token) return;
  say(`  Token    ${token}`);
  say(`           (also in ${config.DATA_DIR}/token)\n\nTry:`);
  say(`  curl -s ${url}/v1/customers -H "Authorization: Bearer $(cat ${config.DATA_DIR}/token)" \\`);
  say(
    `    -H 'Content-Type: application/json' -d '{"email":"ada@example.com","firstName":"Ada","lastName":"Lovelace"}'`,
  );
}

/** The first call counts; a second Ctrl-C does not start a second stop. */
function once(work: (signal: string) => Promise<void>): (signal: string) => void {
  let begun = false;
  return (signal) => {
    if (begun) return;
    begun = true;
    void work(signal);
  };
}

async function migrateCommand(): Promise<void> {
  const config = readConfig();
  const url = config.MIGRATION_DATABASE_URL ?? config.DATABASE_DIRECT_URL ?? config.DATABASE_URL;
  if (!url) throw new UsageError('Set DATABASE_URL: the embedded database is migrated at each start.');
  await checkMigrationSessions(url);
  const applied = await migrateAll(url);
  say(applied.length === 0 ? 'The schema is up to date.' : `Applied ${applied.join(', ')}.`);
}

async function token(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      role: { type: 'string', default: 'owner' },
      store: { type: 'string' },
      subject: { type: 'string', default: 'operator' },
      hours: { type: 'string', default: '12' },
      ops: { type: 'boolean', default: false },
    },
  });
  if (!(values.role in ROLES)) throw new UsageError(`--role is one of ${Object.keys(ROLES).join(', ')}.`);
  const hours = Number(values.hours);
  if (!(hours > 0 && hours <= 8760)) throw new UsageError('--hours is a number up to 8760.');
  const config = await withSecret(readConfig());
  const lifetimeSeconds = hours * 3600;
  if (values.ops) return say(signOpsToken(config, lifetimeSeconds));
  const storeId = values.store ?? (await withDatabase(config, onlyStore));
  say(
    signToken(config, {
      storeId,
      subject: values.subject,
      scopes: ROLES[values.role as Role],
      lifetimeSeconds,
    }),
  );
}

/** Runs `work` on the database of the settings, beside a running service too. */
async function withDatabase<T>(config: Config, work: (database: Database) => Promise<T>): Promise<T> {
  const database = await joinDatabase(config, () => undefined);
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

async function onlyStore({ pool }: Database): Promise<string> {
  const ids = await listStoreIds(pool);
  if (ids.length !== 1) throw new UsageError(`Name the store with --store; there are ${ids.length}.`);
  return ids[0] as string;
}

const operatorOf = (config: Config, { pool }: Database, storeId: string): Ctx =>
  systemContext(dbOf(pool, storeId), makeLogger(config), 'operator');

async function openStoreCommand(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      name: { type: 'string' },
      currency: { type: 'string', default: 'EUR' },
      timezone: { type: 'string', default: 'UTC' },
      locale: { type: 'string', default: 'en' },
    },
  });
  const { name, ...facts } = values;
  if (!name) throw new UsageError('--name is missing: the name of the store.');
  const config = readConfig();
  await withDatabase(config, async (database) => {
    const ctx = operatorOf(config, database, newId());
    const { publishableKey } = await openStore(ctx, { name, ...facts });
    say(`Store            ${ctx.storeId}\nPublishable key  ${publishableKey}`);
  });
}

async function seed(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { store: { type: 'string' }, force: { type: 'boolean', default: false } },
  });
  const config = readConfig();
  await withDatabase(config, async (database) => {
    const storeId = values.store ?? (await developmentStore(config, database, makeLogger(config)));
    const ctx = operatorOf(config, database, storeId);
    const seeded = await seedStore(ctx, { force: values.force });
    if (!seeded) throw new UsageError('The store has customers already: --force adds the demo ones to them.');
    const renderer = createRenderer({ threads: 1 });
    await addShowcase(ctx, { renderer }).finally(() => renderer.close());
    say(`Added ${seeded.customers} customers and ${seeded.orders} orders to the store ${storeId}.`);
  });
}

/** Says what of a store's ledger does not add up. There is no repair: entries are corrected by new entries. */
async function checkLedgerOf(ctx: Ctx): Promise<void> {
  const { ok, accounts, checks } = await checkLedger(ctx, { budgetMs: Number.POSITIVE_INFINITY });
  for (const { name, broken, examples } of checks) {
    for (const { accountId, subjectId, stored, expected } of examples)
      say(
        `  account ${accountId}: ${name}: ${subjectId} says ${stored}, the others ${expected} (${broken} in all)`,
      );
  }
  say(`Store ${ctx.storeId}: ledger of ${accounts} accounts ${ok ? 'adds up' : 'does not add up'}.`);
  if (!ok) process.exitCode = 1;
}

async function selfCheck(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { store: { type: 'string' }, repair: { type: 'boolean', default: false } },
  });
  const config = readConfig();
  await withDatabase(config, async (database) => {
    const storeIds = values.store ? [values.store] : await listStoreIds(database.pool);
    for (const storeId of storeIds) {
      const ctx = operatorOf(config, database, storeId);
      const drifts = values.repair ? await repairCounters(ctx) : await checkCounters(ctx);
      for (const { customerId, field, stored, expected } of drifts) {
        say(`  customer ${customerId}: ${field} is ${stored}, the orders say ${expected}`);
      }
      say(`Store ${storeId}: ${drifts.length} wrong counters${values.repair ? ', put right' : ''}.`);
      if (drifts.length > 0 && !values.repair) process.exitCode = 1;
      await checkLedgerOf(ctx);
    }
  });
}

async function openapi(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { version: { type: 'string', default: '3.1' } } });
  const version = DOCUMENT_VERSIONS.find((known) => known === values.version);
  if (!version) throw new UsageError(`--version is one of ${DOCUMENT_VERSIONS.join(', ')}.`);
  say(JSON.stringify(await makeDocument(version), null, 2));
}

/** The service of the settings, or one that is started for as long as the work takes. */
async function withService<T>(config: Config, work: (url: string) => Promise<T>): Promise<T> {
  const url = config.PUBLIC_URL ?? `http://${config.HOST}:${config.PORT}`;
  const answers = await fetch(`${url}/livez`).then(
    ({ ok }) => ok,
    () => false,
  );
  if (answers) return work(url);
  const service = await startService(
    Object.freeze({ ...config, ROLE: 'all' as const, PORT: 0, LOG_LEVEL: 'warn' as const }),
  );
  try {
    return await work(String(service.url));
  } finally {
    await service.stop();
  }
}

/** A token of one hour for a store, or the development token that the start left behind. */
async function importToken(config: Config, storeId: string | undefined): Promise<string> {
  if (!storeId) return (await readFile(join(config.DATA_DIR, 'token'), 'utf8')).trim();
  const request = { storeId, subject: 'operator', scopes: ROLES.owner, lifetimeSeconds: 3600 };
  return signToken(await withSecret(config), request);
}

const tellProgress = ({ done, outcomes }: ImportProgress) =>
  process.stderr.write(
    `\r${done} rows: ${Object.entries(outcomes)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ')}   `,
  );

async function importCommand(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      store: { type: 'string' },
      kind: { type: 'string', default: 'customers' },
      mode: { type: 'string', default: 'upsert' },
      mapping: { type: 'string' },
      'consent-basis': { type: 'string' },
      'dry-run': { type: 'boolean', default: false },
    },
  });
  const [file] = positionals;
  if (!file || positionals.length > 1) throw new UsageError('Name one file: clientele import FILE.');
  const mapping = values.mapping === undefined ? undefined : await readFile(values.mapping, 'utf8');
  const query = {
    kind: values.kind,
    mode: values.mode,
    dryRun: String(values['dry-run']),
    ...(values['consent-basis'] !== undefined && { consentBasis: values['consent-basis'] }),
  };
  const began = Date.now();
  const config = readConfig();
  const ended = await withService(config, async (url) => {
    const token = await importToken(config, values.store);
    return uploadImport({ url, token, file, query, mapping, onProgress: tellProgress });
  });
  say(`\n${ended.status} after ${((Date.now() - began) / 1000).toFixed(1)} s, import ${ended.id}`);
  for (const [outcome, count] of Object.entries(ended.outcomes)) say(`  ${outcome.padEnd(12)} ${count}`);
  if (ended.error) throw new UsageError(`${ended.error.code}: ${ended.error.detail}`);
  say(`What was wrong with rows: GET /v1/imports/${ended.id}/problems, and …/error-rows.csv to mend them.`);
}

/** The store, the counts and the faults of an exported ledger; exit code 1 unless all of it holds. */
async function verifyCommand(args: string[]): Promise<void> {
  const { positionals } = parseArgs({ args, allowPositionals: true, options: {} });
  const [file] = positionals;
  if (!file || positionals.length > 1) throw new UsageError('Name one file: clientele verify FILE.');
  const report = await verifyExport(createReadStream(file));
  const { storeId, exportedAt, accounts, transfers, brokenCount, broken, problem } = report;
  if (storeId)
    say(`Store ${storeId}, exported at ${exportedAt}: ${accounts} accounts, ${transfers} transfers.`);
  for (const { accountId, seq, transferId, fault } of broken) {
    say(
      `  account ${accountId}, transfer ${seq}${transferId ? ` (${transferId})` : ''}: ${CHAIN_FAULTS[fault]}`,
    );
  }
  if (problem) say(`  ${problem.line ? `line ${problem.line}: ` : ''}${problem.message}`);
  const holds = brokenCount === 0 && !problem;
  say(
    holds
      ? 'Every chain holds.'
      : `${brokenCount} broken accounts${problem ? ', and the file is not whole' : ''}.`,
  );
  if (!holds) process.exitCode = 1;
}

const COMMANDS: Record<string, Command> = {
  start: { usage: 'start', about: 'run the service (ROLE: all, api or worker)', run: start },
  migrate: { usage: 'migrate', about: 'bring the schema of DATABASE_URL up to date', run: migrateCommand },
  'open-store': {
    usage: 'open-store --name NAME [--currency EUR] [--timezone UTC] [--locale en]',
    about: 'open a store and show its publishable key',
    run: openStoreCommand,
  },
  import: {
    usage:
      'import FILE [--kind customers|addresses|orders] [--mode upsert|create|update] [--mapping FILE] [--consent-basis TEXT] [--dry-run]',
    about: 'import a CSV or NDJSON file through the API',
    run: importCommand,
  },
  token: {
    usage: 'token [--role owner] [--store ID] [--subject NAME] [--hours 12] | token --ops [--hours 12]',
    about: 'sign a staff token, or one for /metrics',
    run: token,
  },
  seed: {
    usage: 'seed [--store ID] [--force]',
    about: 'fill an empty store with a demo: 2,000 customers, 10,000 orders',
    run: seed,
  },
  'self-check': {
    usage: 'self-check [--store ID] [--repair]',
    about:
      'compare the counters of customers with their orders, and the ledger with itself (exit code 1: some differ)',
    run: selfCheck,
  },
  verify: {
    usage: 'verify FILE',
    about: 'check an exported ledger offline, gzipped or not (exit code 1: it does not hold)',
    run: verifyCommand,
  },
  openapi: { usage: 'openapi [--version 3.1|3.0]', about: 'print the OpenAPI document', run: openapi },
};

function help(): string {
  const lines = Object.values(COMMANDS).map(({ usage, about }) => `  clientele ${usage}\n      ${about}`);
  return ['Usage:', ...lines, '', 'Settings are environment variables; see the README.'].join('\n');
}

async function main([name = 'help', ...args]: string[]): Promise<void> {
  const command = COMMANDS[name];
  if (!command) {
    say(help());
    process.exitCode = name === 'help' || name === '--help' ? 0 : 2;
    return;
  }
  await command.run(args);
}

/** Errors that a person can mend are one line; the rest keeps its stack. */
function report(error: unknown): void {
  const { code, message, stack } = error as NodeJS.ErrnoException;
  const plain =
    error instanceof UsageError ||
    error instanceof ServiceRefusal ||
    error instanceof ConfigError ||
    typeof code === 'string';
  const hint = code === 'EADDRINUSE' ? ' Another program uses this port: set PORT to a free one.' : '';
  const places = error instanceof Problem ? (error.facts.errors ?? []) : [];
  const lines = places.map((place) => `\n  ${place.pointer}: ${place.message}`).join('');
  process.stderr.write(`${plain ? message : stack}${hint}${lines}\n`);
  process.exitCode = 1;
}

// `clientele openapi | head` closes the pipe early; that is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

main(process.argv.slice(2)).catch(report);
