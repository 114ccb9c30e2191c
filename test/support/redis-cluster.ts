// A Redis Cluster of three nodes of a test's own.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { launchRedis } from './redis-server.ts';

const NODES = 3;
const SLOTS = 16_384;
const JOIN_MS = 20_000;
const POLL_MS = 50;
/** A node talks to the others on its port and 10,000 more. */
const BUS_OFFSET = 10_000;
const HIGHEST_PORT = 65_535 - BUS_OFFSET;

export interface RedisCluster {
  /** What REDIS_URL says of it. */
  readonly url: string;
  end(): Promise<void>;
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  const isOpen = await new Promise<boolean>((resolve) => {
    probe.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
  });
  if (isOpen) {
    probe.close();
    await once(probe, 'close');
  }
  return isOpen;
}

async function freeNodePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * (HIGHEST_PORT - 20_000));
    if ((await isFree(port)) && (await isFree(port + BUS_OFFSET))) return port;
  }
}

/** Gives each node its share of the slots, and lets them meet. */
async function meet(clients: readonly Redis[], ports: readonly number[]): Promise<void> {
  const share = Math.ceil(SLOTS / NODES);
  for (const [index, client] of clients.entries()) {
    const last = Math.min((index + 1) * share, SLOTS) - 1;
    await client.call('CLUSTER', 'ADDSLOTSRANGE', String(index * share), String(last));
    await client.call('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1));
  }
  for (const port of ports.slice(1)) await clients[0]?.call('CLUSTER', 'MEET', '127.0.0.1', String(port));
  const isWhole = async (client: Redis) => {
    const info = String(await client.call('CLUSTER', 'INFO'));
    return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${NODES}`);
  };
  for (const end = Date.now() + JOIN_MS; Date.now() < end; await sleep(POLL_MS)) {
    const states = await Promise.all(clients.map(isWhole));
    if (states.every(Boolean)) return;
  }
  throw new Error('The nodes of Redis did not become a cluster.');
}

export async function startRedisCluster(folder: string): Promise<RedisCluster> {
  const nodes: ChildProcess[] = [];
  const ports: number[] = [];
  for (let index = 0; index < NODES; index++) {
    const port = await freeNodePort();
    const dataDir = join(folder, `node-${index}`);
    await mkdir(dataDir);
    nodes.push(
      await launchRedis(port, dataDir, { 'cluster-enabled': 'yes', 'cluster-node-timeout': '2000' }),
    );
    ports.push(port);
  }
  const clients = ports.map((port) => new Redis(port, '127.0.0.1'));
  try {
    await meet(clients, ports);
  } finally {
    for (const client of clients) client.disconnect();
  }
  return {
    url: ports.map((port) => `redis://127.0.0.1:${port}`).join(','),
    async end() {
      for (const node of nodes) {
        const ended = once(node, 'exit');
        if (node.kill('SIGKILL')) await ended;
      }
    },
  };
}
