#!/usr/bin/env node
// `clientele`: start the service and operate it.
import { parseArgs } from 'node:util';
import { ConfigError, readConfig } from './config.ts';
import { migrateAll, openDatabase } from './database.ts';
import { listStoreIds } from './db/stores.ts';
import { ROLES, type Role } from './domain/scopes.ts';
import { startService } from './server.ts';
import { signToken, withSecret } from './tokens.ts';

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
  const { url, token, config } = service;
  say(`Clientele is ready after ${((Date.now() - began) / 1000).toFixed(1)} s (${config.ROLE}).`);
  if (!url) return;
  say(`  API      ${url}/v1`);
  say(`  Docs     ${url}/docs`);
  if (!token) return;
  say(`  Token    ${token}`);
  say(`           (also in ${config.DATA_DIR}/token)\n\nTry:`);
  say(`  curl -s ${url}/v1/customers -H "Authorization: Bearer $(cat ${config.DATA_DIR}/token)" \\`);
  say(`    -H 'Content-Type: application/json' -d '{"email":"ada@example.com","firstName":"Ada","lastName":"Lovelace"}'`);
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
  const url = config.MIGRATION_DATABASE_URL ?? config.DATABASE_URL;
  if (!url) throw new UsageError('Set DATABASE_URL: the embedded database is migrated at each start.');
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
    },
  });
  if (!(values.role in ROLES)) throw new UsageError(`--role is one of ${Object.keys(ROLES).join(', ')}.`);
  const hours = Number(values.hours);
  if (!(hours > 0 && hours <= 8760)) throw new UsageError('--hours is a number up to 8760.');
  const config = await withSecret(readConfig());
  const storeId = values.store ?? (await onlyStore());
  say(signToken(config, { storeId, subject: values.subject, scopes: ROLES[values.role as Role], lifetimeSeconds: hours * 3600 }));
}

async function onlyStore(): Promise<string> {
  const database = await openDatabase(readConfig(), () => undefined);
  try {
    const ids = await listStoreIds(database.pool);
    if (ids.length !== 1) throw new UsageError(`Name the store with --store; there are ${ids.length}.`);
    return ids[0] as string;
  } finally {
    await database.close();
  }
}

const COMMANDS: Record<string, Command> = {
  start: { usage: 'start', about: 'run the service (ROLE: all, api or worker)', run: start },
  migrate: { usage: 'migrate', about: 'bring the schema of DATABASE_URL up to date', run: migrateCommand },
  token: { usage: 'token [--role owner] [--store ID] [--subject NAME] [--hours 12]', about: 'sign a staff token', run: token },
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
  const plain = error instanceof UsageError || error instanceof ConfigError || typeof code === 'string';
  const hint = code === 'EADDRINUSE' ? ' Another program uses this port: set PORT to a free one.' : '';
  process.stderr.write(`${plain ? message : stack}${hint}\n`);
  process.exitCode = 1;
}

main(process.argv.slice(2)).catch(report);
