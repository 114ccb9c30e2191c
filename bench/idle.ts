// Memory of the idle service (API and worker, without Postgres) and the time of a second start.
// Bars: < 180 MB, ready in < 4 s.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { SERVICE_FLAGS } from '../scripts/support/instances.ts';
import { median, say } from './world.ts';

const CLI = fileURLToPath(new URL('../src/cli.js', import.meta.url));
const STARTS = 5;
const IDLE_MS = 15_000;

async function start(dataDir: string) {
  const began = performance.now();
  const child = spawn(process.execPath, [...SERVICE_FLAGS, CLI, 'start'], {
    env: { ...process.env, DATA_DIR: dataDir, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  for await (const chunk of child.stdout) {
    text += chunk;
    if (text.includes('/docs')) break;
  }
  return { child, seconds: (performance.now() - began) / 1000 };
}

async function residentMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}

const dataDir = await mkdtemp(join(tmpdir(), 'clientele-bench-'));
const seconds: number[] = [];
let first = 0;
let memory = 0;
for (let n = 0; n <= STARTS; n++) {
  const started = await start(dataDir);
  if (n === 0) first = started.seconds;
  else seconds.push(started.seconds);
  if (n === STARTS) {
    await sleep(IDLE_MS);
    memory = await residentMegabytes(started.child.pid as number);
  }
  started.child.kill('SIGTERM');
  await once(started.child, 'exit');
}
await rm(dataDir, { recursive: true, force: true });
say('| idle service | measured | bar |\n| --- | --- | --- |');
say(`| first start (makes the database) | ${first.toFixed(1)} s | |`);
say(`| second start, median of ${STARTS} | ${median(seconds).toFixed(1)} s | < 4 s |`);
say(`| memory after ${IDLE_MS / 1000} s idle | ${memory.toFixed(0)} MB | < 180 MB |`);
