// What benches share: a throw-away Postgres, medians, percentiles, and a service in a process of its own.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SERVICE_FLAGS } from '../scripts/support/instances.ts';
import { ensureDatabase, migrateAll } from '../src/database.ts';
import { startEmbeddedPostgres } from '../src/db/embedded.ts';

export const say = (text: string): void => void process.stdout.write(`${text}\n`);

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => percentile(values, 0.5);

export interface World {
  /** Superuser URL of a migrated database. */
  url: string;
  dataDir: string;
  /** A further database of the same server, migrated unless told. */
  database(name: string): Promise<string>;
  close(): Promise<void>;
}

/** A Postgres with the service's own settings; fsync is on unless told. In `folder` it stays for the next run. */
export async function openWorld({
  durable = true,
  folder,
}: {
  durable?: boolean;
  folder?: string | undefined;
} = {}): Promise<World> {
  if (folder) await mkdir(folder, { recursive: true });
  const dataDir = folder ?? (await mkdtemp(join(tmpdir(), 'clientele-bench-')));
  const server = await startEmbeddedPostgres({ dataDir, durable });
  const database = async (name: string) => {
    const url = await ensureDatabase(server.url, name);
    await migrateAll(url);
    return url;
  };
  return {
    url: await database('bench'),
    dataDir,
    database,
    async close() {
      await server.stop();
      if (!folder) await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** A server in a child process that answers `cpu` with what it has used. */
export interface Served {
  url: string;
  token: string;
  storeId: string;
  pid: number;
  /** CPU seconds used so far. */
  cpuSeconds(): Promise<number>;
  /** Largest resident size so far, MB. */
  peakMegabytes(): Promise<number>;
  stop(): Promise<void>;
}

interface Usage {
  cpuSeconds: number;
  peakMegabytes: number;
}

async function ask(child: ChildProcess): Promise<Usage> {
  child.send('usage');
  const [usage] = (await once(child, 'message')) as [Usage];
  return usage;
}

/** Runs a compiled script that calls `serve`. */
export async function launch(script: URL, args: string[], env: Record<string, string> = {}): Promise<Served> {
  const child = fork(script, args, { env: { ...process.env, ...env }, execArgv: SERVICE_FLAGS });
  const [hello] = (await once(child, 'message')) as [{ url: string; token: string; storeId: string }];
  return {
    ...hello,
    pid: child.pid as number,
    cpuSeconds: async () => (await ask(child)).cpuSeconds,
    peakMegabytes: async () => (await ask(child)).peakMegabytes,
    async stop() {
      child.send('stop');
      await once(child, 'exit');
    },
  };
}

/** The child's side of `launch`. */
export function serve(
  hello: { url: string; token?: string; storeId?: string },
  stop: () => Promise<unknown>,
): void {
  process.on('message', async (message) => {
    if (message === 'stop') {
      await stop();
      process.exit(0);
    }
    const { user, system } = process.cpuUsage();
    const usage: Usage = {
      cpuSeconds: (user + system) / 1e6,
      peakMegabytes: process.resourceUsage().maxRSS / 1024,
    };
    process.send?.(usage);
  });
  process.send?.(hello);
}
