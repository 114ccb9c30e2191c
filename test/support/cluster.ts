// Before all suites: one throw-away Postgres with a migrated template database. Stopped by cluster-stop.ts.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureDatabase, migrateAll } from '../../src/database.ts';
import { startEmbeddedPostgres } from '../../src/db/embedded.ts';
import { CLUSTER_DIR, CLUSTER_FILE, TEMPLATE } from './cluster-place.ts';
import { startPgbouncer } from './pgbouncer.ts';

await rm(CLUSTER_DIR, { recursive: true, force: true });
await mkdir(CLUSTER_DIR, { recursive: true });
const server = await startEmbeddedPostgres({
  dataDir: CLUSTER_DIR,
  durable: false,
  settings: { max_connections: '300' },
});
await migrateAll(await ensureDatabase(server.url, TEMPLATE));
// TEST_PGBOUNCER=1: the pools of all suites go through a pooler in transaction mode.
const pooler = process.env.TEST_PGBOUNCER ? await startPgbouncer(server.url, CLUSTER_DIR) : undefined;
const poolUrl = pooler ? pooler.urlOf(server.url) : server.url;
const pids = pooler ? [pooler.pid, server.pid] : [server.pid];
await writeFile(join(CLUSTER_DIR, CLUSTER_FILE), JSON.stringify({ url: server.url, poolUrl, pids }));
process.exit(0);
