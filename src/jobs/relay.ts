// From committed rows to the queue: hears of new jobs by NOTIFY, and sweeps up those that nobody works on.
import pg from 'pg';
import type { Log } from '../context.ts';
import { JOBS_CHANNEL, listSilentJobs } from '../db/jobs.ts';
import type { JobKind } from '../domain/jobs.ts';
import { CATALOGUE } from './catalogue.ts';
import type { QueueClient } from './queue.ts';

export interface RelayOptions {
  /** A session connection: LISTEN does not work through a transaction pooler; then only the sweep delivers. */
  databaseUrl: string;
  pool: pg.Pool;
  queues: QueueClient;
  sweepIntervalMs: number;
  log: Log;
}

export interface Relay {
  stop(): Promise<void>;
}

const SWEEP_LIMIT = 500;
const RECONNECT_MS = 1_000;

/** A running job is silent after this many sweeps; far longer than any slice may take. */
const SILENT_SWEEPS = 6;

export function startRelay(options: RelayOptions): Relay {
  const { pool, queues, log, sweepIntervalMs } = options;
  let stopped = false;
  let listener: pg.Client | undefined;
  let reconnect: NodeJS.Timeout | undefined;

  const deliver = async (kind: string, storeId: string, jobId: string) => {
    const definition = CATALOGUE[kind as JobKind];
    if (definition) await queues.enqueue(definition, [{ storeId, jobId }]);
  };

  const sweep = async () => {
    const silentBefore = new Date(Date.now() - SILENT_SWEEPS * sweepIntervalMs);
    for (const job of await listSilentJobs(pool, silentBefore, SWEEP_LIMIT)) {
      await deliver(job.kind, job.storeId, job.id);
    }
  };

  const listen = async () => {
    const client = new pg.Client({ connectionString: options.databaseUrl, application_name: 'clientele-relay', keepAlive: true });
    listener = client;
    const lost = () => {
      if (listener !== client || stopped) return;
      listener = undefined;
      reconnect = setTimeout(() => void listen(), RECONNECT_MS);
    };
    client.on('error', lost);
    client.on('end', lost);
    client.on('notification', ({ payload = '' }) => {
      const [storeId = '', kind = '', jobId = ''] = payload.split(' ');
      deliver(kind, storeId, jobId).catch((error) => log.warn({ error, jobId }, 'job left to the sweep'));
    });
    try {
      await client.connect();
      await client.query(`listen ${JOBS_CHANNEL}`);
    } catch {
      lost();
    }
  };

  const timer = setInterval(() => {
    sweep().catch((error) => log.warn({ error: (error as Error).message }, 'sweep failed'));
  }, sweepIntervalMs);
  void listen();

  return {
    async stop() {
      stopped = true;
      clearInterval(timer);
      clearTimeout(reconnect);
      await listener?.end().catch(() => undefined);
    },
  };
}
