// From committed rows to the queue: hears of new jobs by NOTIFY, and sweeps up those that nobody works on.
import pg from 'pg';
import type { Log } from '../context.ts';
import { JOBS_CHANNEL, listSilentJobs } from '../db/jobs.ts';
import { listStoresWithMailDue, MAIL_ANNOUNCEMENT } from '../db/messages.ts';
import { JOB_KINDS, type JobKind } from '../domain/jobs.ts';
import { CATALOGUE } from './catalogue.ts';
import { wakeMail } from './mail.ts';
import type { QueueClient } from './queue.ts';
import { startTimer } from './timers.ts';

export interface RelayOptions {
  /** A session connection: LISTEN does not work through a transaction pooler; then only the sweep delivers. */
  databaseUrl: string;
  pool: pg.Pool;
  queues: QueueClient;
  sweepIntervalMs: number;
  log: Log;
}

export interface Relay {
  /** Resolves when the relay has heard of everything up to now, or has tried to. */
  ready: Promise<void>;
  stop(): Promise<void>;
}

const SWEEP_LIMIT = 500;
const RECONNECT_MS = 1_000;

/** A running job is silent after this many sweeps; far longer than any slice may take. */
const SILENT_SWEEPS = 6;

const isKind = (text: string): text is JobKind => (JOB_KINDS as readonly string[]).includes(text);

export function startRelay(options: RelayOptions): Relay {
  const { pool, queues, log, sweepIntervalMs } = options;
  let stopped = false;
  let listener: pg.Client | undefined;
  let reconnect: NodeJS.Timeout | undefined;

  const deliver = async (kind: string, storeId: string, jobId: string) => {
    if (kind === MAIL_ANNOUNCEMENT) await wakeMail(queues, [storeId]);
    else if (isKind(kind)) await queues.enqueue(CATALOGUE[kind], [{ storeId, jobId }]);
  };

  const sweep = async (silentBefore: Date) => {
    for (const job of await listSilentJobs(pool, silentBefore, SWEEP_LIMIT)) {
      await deliver(job.kind, job.storeId, job.id);
    }
    await wakeMail(queues, await listStoresWithMailDue(pool, new Date()));
  };

  const listen = async () => {
    const client = new pg.Client({
      connectionString: options.databaseUrl,
      application_name: 'clientele-relay',
      keepAlive: true,
      connectionTimeoutMillis: 5_000,
    });
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
      deliver(kind, storeId, jobId).catch((error: Error) =>
        log.warn({ message: error.message, jobId }, 'job left to the sweep'),
      );
    });
    try {
      await client.connect();
      await client.query(`listen ${JOBS_CHANNEL}`);
      // Whatever was announced while nobody listened; ids that the queue has already stay as they are.
      await sweep(new Date());
    } catch (error) {
      log.warn({ message: (error as Error).message }, 'relay not listening');
      client.end().catch(() => undefined);
      lost();
    }
  };

  const ready = listen();
  const timer = startTimer(
    sweepIntervalMs,
    () => sweep(new Date(Date.now() - SILENT_SWEEPS * sweepIntervalMs)),
    (error) => log.warn({ message: error.message }, 'sweep failed'),
  );

  return {
    ready,
    async stop() {
      stopped = true;
      clearTimeout(reconnect);
      await timer.stop();
      await listener?.end().catch(() => undefined);
    },
  };
}
