// Before all suites: one throw-away Postgres with a migrated template database. Stopped by cluster-stop.ts.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureDatabase, migrateAll } from '../../src/database.ts';
import { startEmbeddedPostgres } from '../../src/db/embedded.ts';
import { CLUSTER_DIR, CLUSTER_FILE, TEMPLATE } from './cluster-place.ts';

await rm(CLUSTER_DIR, { recursive: true, force: true });
await mkdir(CLUSTER_DIR, { recursive: true });
const server = await startEmbeddedPostgres({
  dataDir: CLUSTER_DIR,
  durable: false,
  settings: { max_connections: '300' },
});
await migrateAll(await ensureDatabase(server.url, TEMPLATE));
await writeFile(join(CLUSTER_DIR, CLUSTER_FILE), JSON.stringify({ url: server.url, pid: server.pid }));
process.exit(0);
