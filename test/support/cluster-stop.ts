// After all suites: ends the test cluster.
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CLUSTER_DIR, CLUSTER_FILE } from './cluster-place.ts';

const { pid } = JSON.parse(await readFile(join(CLUSTER_DIR, CLUSTER_FILE), 'utf8')) as { pid: number };
process.kill(pid, 'SIGINT');
for (let waited = 0; waited < 100; waited++) {
  try {
    process.kill(pid, 0);
  } catch {
    break;
  }
  await new Promise((resolve) => setTimeout(resolve, 50));
}
await rm(CLUSTER_DIR, { recursive: true, force: true });
