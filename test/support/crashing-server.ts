// A PostgreSQL of a test's own, which can be killed.
import { readFile } from 'node:fs/promises';
import type { Test } from 'tap';
import { ensureDatabase, migrateAll } from '../../src/database.ts';
import { type EmbeddedOptions, startEmbeddedPostgres } from '../../src/db/embedded.ts';
import { openTestDatabase, type TestDatabase } from './harness.ts';

/** Processes that the server started; none where the system does not say. */
async function childrenOf(pid: number): Promise<number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return children.split(' ').map(Number).filter(Boolean);
}

function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It went with its server.
  }
}

export interface CrashingServer {
  database: TestDatabase;
  /** As when the machine goes: the server with all its processes. Resolves when it answers again, on the same port. */
  crash(): Promise<void>;
  /** Only the server: its processes end by themselves, each after what it has in hand. */
  behead(): Promise<void>;
  /** A stop in good order and a new start, also of one that is down. */
  restart(): Promise<void>;
}

/** A server that keeps what it has promised, unlike the one that the suites share. */
export async function startCrashingServer(
  t: Test,
  given: Partial<EmbeddedOptions> = {},
): Promise<CrashingServer> {
  const options: EmbeddedOptions = { dataDir: given.dataDir ?? t.testdir(), durable: true, ...given };
  let server = await startEmbeddedPostgres(options);
  t.teardown(() => server.stop());
  const url = await ensureDatabase(server.url, 'crashing');
  await migrateAll(url);
  const { close, ...database } = openTestDatabase(url);
  t.teardown(close);
  const killAndRestart = async (pids: readonly number[]) => {
    for (const pid of pids) killNow(pid);
    // Gives the folder back, once the process has gone.
    await server.stop();
    server = await startEmbeddedPostgres({ ...options, port: server.port });
  };
  return {
    database,
    crash: async () => killAndRestart([server.pid, ...(await childrenOf(server.pid))]),
    behead: () => killAndRestart([server.pid]),
    restart: () => killAndRestart([]),
  };
}
