// Seconds to tag many customers with one bulk action, from the request to the finished job: API, queue and worker in
// one process on the embedded database. `node dist/bench/bulk-tag.js [customers] [runs]`
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { readConfig } from '../src/config.ts';
import { type RunningService, startService } from '../src/server.ts';
import { generateCustomers } from './generate.ts';

const customers = Number(process.argv[2] ?? 100_000);
const runs = Number(process.argv[3] ?? 3);
const dataDir = await mkdtemp(join(tmpdir(), 'clientele-bench-'));

interface BulkJob {
  id: string;
  status: string;
  outcomes: Record<string, number>;
}

async function request(
  { url, token }: RunningService,
  method: string,
  path: string,
  body?: object,
): Promise<BulkJob> {
  const headers: Record<string, string> = {
    authorization: `Bearer ${token}`,
    'idempotency-key': crypto.randomUUID(),
    ...(body && { 'content-type': 'application/json' }),
  };
  const response = await fetch(`${url}${path}`, {
    method,
    headers,
    ...(body && { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return response.json() as Promise<BulkJob>;
}

async function tagAll(
  service: RunningService,
  tag: string,
): Promise<{ seconds: number; answeredMs: number }> {
  const began = performance.now();
  let job = await request(service, 'POST', '/v1/customers/bulk', {
    action: 'addTags',
    tags: [tag],
    all: true,
  });
  const answeredMs = performance.now() - began;
  while (job.status === 'queued' || job.status === 'running') {
    await sleep(200);
    job = await request(service, 'GET', `/v1/jobs/${job.id}`);
  }
  const seconds = (performance.now() - began) / 1000;
  if (job.outcomes.done !== customers) throw new Error(`not all were tagged: ${JSON.stringify(job)}`);
  return { seconds, answeredMs };
}

const service = await startService(readConfig({ DATA_DIR: dataDir, PORT: '0', LOG_LEVEL: 'warn' }));
try {
  const owner = new pg.Client({ connectionString: service.database.url });
  await owner.connect();
  await generateCustomers(owner, { storeId: service.storeId ?? '', customers });
  await owner.query('vacuum analyze');
  await owner.end();
  const seconds: number[] = [];
  for (let run = 1; run <= runs; run++) {
    const result = await tagAll(service, `bench ${run}`);
    seconds.push(result.seconds);
    console.log(
      `run ${run}: ${result.seconds.toFixed(1)} s, answered after ${Math.round(result.answeredMs)} ms`,
    );
  }
  const median = seconds.sort((a, b) => a - b)[Math.floor(runs / 2)] ?? 0;
  console.log(
    `${customers} customers: median ${median.toFixed(1)} s, ${Math.round(customers / median)} a second`,
  );
} finally {
  await service.stop();
  await rm(dataDir, { recursive: true, force: true });
}
