// After all suites: ends the test cluster.
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CLUSTER_DIR, CLUSTER_FILE } from './cluster-place.ts';

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const { pids } = JSON.parse(await readFile(join(CLUSTER_DIR, CLUSTER_FILE), 'utf8')) as { pids: number[] };
for (const pid of pids) {
  process.kill(pid, 'SIGINT');
  for (let waited = 0; waited < 100 && isAlive(pid); waited++) await sleep(50);
}
await rm(CLUSTER_DIR, { recursive: true, force: true });
