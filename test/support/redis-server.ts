// A Redis of a test's own, which can be killed.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { freePort } from '../../src/db/embedded.ts';

const START_MS = 10_000;
const POLL_MS = 20;

export const isRedisInstalled = (): boolean => spawnSync('redis-server', ['--version']).status === 0;

export interface RedisServer {
  readonly url: string;
  /** `kill -9`, and a new start on the same port: with what it wrote to its append-only file, or with nothing. */
  crash(left: 'data' | 'nothing'): Promise<void>;
  end(): Promise<void>;
}

/** Starts a server that writes what it has into the folder; resolves when it answers. */
export async function startRedisServer(dataDir: string): Promise<RedisServer> {
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  let server = await launchRedis(port, dataDir);
  const kill = async () => {
    const ended = once(server, 'exit');
    if (server.kill('SIGKILL')) await ended;
  };
  return {
    url,
    async crash(left) {
      await kill();
      if (left === 'nothing') await rm(`${dataDir}/appendonlydir`, { recursive: true });
      server = await launchRedis(port, dataDir);
    },
    end: kill,
  };
}

/** Starts one on the port; resolves when it answers. */
export async function launchRedis(
  port: number,
  dataDir: string,
  more: Record<string, string> = {},
): Promise<ChildProcess> {
  const settings = {
    port: String(port),
    bind: '127.0.0.1',
    dir: dataDir,
    save: '',
    appendonly: 'yes',
    'maxmemory-policy': 'noeviction',
    ...more,
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const server = spawn('redis-server', flags, { stdio: 'ignore' });
  await untilReady(port);
  return server;
}

/** Resolves when the server has read its file and answers. */
async function untilReady(port: number): Promise<void> {
  const client = new Redis(port, '127.0.0.1', { retryStrategy: () => POLL_MS, maxRetriesPerRequest: null });
  client.on('error', () => {});
  const late = sleep(START_MS, 'late', { ref: false });
  const answer = await Promise.race([client.ping(), late]);
  client.disconnect();
  if (answer === 'late') throw new Error(`Redis does not answer on port ${port}.`);
}
