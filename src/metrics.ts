// What Prometheus sees: the process, the pool, requests, jobs, mails, and what the database says of all stores. The names are
// listed in docs/operations.md; the dashboard and the alerts of deploy/ ask for nothing else.
import type pg from 'pg';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { readBacklog, type SelfCheckSummary, summarizeSelfChecks } from './db/operations.ts';
import { daysBefore } from './domain/days.ts';
import type { MessageClass } from './domain/mail/messages.ts';
import type { SendResult } from './domain/mail/smtp-outcomes.ts';
import {
  ageSeconds,
  BACKLOG_STATES,
  type Backlog,
  FAILED_DAYS,
  firstIdOf,
  type MailBacklog,
  SELF_CHECK_DAYS,
} from './domain/operations.ts';
import { FinalRefusal, type Handler, type QueueClient } from './jobs/queue.ts';

export interface Metrics {
  registry: Registry;
  /** The same handlers, with each delivery counted and timed. */
  observeHandlers(handlers: Record<string, Handler>): Record<string, Handler>;
  /** A mail that was handed over, and how long that took. */
  mailSent(mailClass: MessageClass, outcome: SendResult['outcome'], seconds: number): void;
  /** From now on deliveries that wait in these queues are counted. */
  watchQueues(queues: QueueClient): void;
}

const readSelfChecks = (pool: pg.Pool): Promise<SelfCheckSummary> =>
  summarizeSelfChecks(pool, firstIdOf(daysBefore(new Date(), SELF_CHECK_DAYS)));

/** One reading serves all gauges of a scrape, and of scrapes that come at the same time. */
const REMEMBERED_MS = 2_000;
/** Self-checks end once a night, and asking 1,000 stores for theirs takes 0.2 s (the rest 0.07 s). */
const CHECKS_REMEMBERED_MS = 60_000;
/** A scrape waits no longer for the database; the gauges stay away then. */
const READ_MS = 3_000;

/** `work`, or undefined when it fails or takes longer than a scrape waits. */
async function inTime<T>(work: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, READ_MS, undefined);
  });
  return Promise.race([work.catch(() => undefined), late]).finally(() => clearTimeout(timer));
}

/** The last answer for `ms`; none is never remembered. */
function remembered<T>(ms: number, read: () => Promise<T>): () => Promise<T | undefined> {
  let last: { value: Promise<T | undefined>; until: number } | undefined;
  return async () => {
    if (!last || last.until <= Date.now()) last = { value: inTime(read()), until: Date.now() + ms };
    const { value } = last;
    const answer = await value;
    if (answer === undefined && last?.value === value) last = undefined;
    return answer;
  };
}

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

type Row = [labels: Record<string, string>, value: number];

/** Gauges that are read at each scrape; without an answer they stay away rather than say something old. */
function gaugesOf<T>(registry: Registry, read: () => Promise<T | undefined>) {
  return (name: string, help: string, labelNames: readonly string[], rowsOf: (facts: T) => Row[]) =>
    new Gauge({
      name,
      help,
      labelNames,
      registers: [registry],
      async collect() {
        const facts = await read();
        this.reset();
        if (labelNames.length === 0 && facts === undefined) this.remove();
        for (const [labels, value] of facts === undefined ? [] : rowsOf(facts)) this.set(labels, value);
      },
    });
}

function addPool(registry: Registry, pool: pg.Pool): void {
  new Gauge({
    name: 'clientele_db_connections',
    help: 'Connections of the pool, by state',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      this.set({ state: 'idle' }, pool.idleCount);
      this.set({ state: 'busy' }, pool.totalCount - pool.idleCount);
      this.set({ state: 'waited_for' }, pool.waitingCount);
    },
  });
  new Gauge({
    name: 'clientele_db_pool_size',
    help: 'Most connections that the pool opens',
    registers: [registry],
    collect() {
      this.set(pool.options.max);
    },
  });
}

function addJobs(gauge: ReturnType<typeof gaugesOf<Backlog>>): void {
  gauge(
    'clientele_jobs_open',
    'Jobs of all stores that wait (queued) or run (running), by queue',
    ['queue', 'status'],
    ({ queues }) =>
      queues.flatMap(({ queue, waiting, running }): Row[] => [
        [{ queue, status: 'queued' }, waiting],
        [{ queue, status: 'running' }, running],
      ]),
  );
  gauge(
    'clientele_job_oldest_waiting_age_seconds',
    'Time since the job that waits longest was started, by queue; 0 where none waits',
    ['queue'],
    ({ queues, at }) =>
      queues.map((state) => [{ queue: state.queue }, ageSeconds(state.oldestWaitingAt, at)]),
  );
  gauge(
    'clientele_job_silence_seconds',
    'Time since a worker touched any running job, by queue; 0 where none runs',
    ['queue'],
    ({ queues, at }) => queues.map((state) => [{ queue: state.queue }, ageSeconds(state.lastAliveAt, at)]),
  );
  gauge(
    'clientele_jobs_failed',
    `Jobs of all stores of the last ${FAILED_DAYS} days that ended as failed, by queue`,
    ['queue'],
    ({ queues }) => queues.map(({ queue, failed }) => [{ queue }, failed]),
  );
}

const ORIGINS = ['single', 'campaign'] as const;
const originOf = ({ inCampaign }: MailBacklog) => (inCampaign ? 'campaign' : 'single');

function addMails(gauge: ReturnType<typeof gaugesOf<Backlog>>): void {
  const find = (mail: readonly MailBacklog[], origin: string, state: string) =>
    mail.find((entry) => originOf(entry) === origin && entry.state === state);
  gauge(
    'clientele_mails',
    'Mails of all stores that are not done with, by origin and state; counted up to 10,000',
    ['origin', 'state'],
    ({ mail }) =>
      ORIGINS.flatMap((origin) =>
        BACKLOG_STATES.map((state): Row => [{ origin, state }, find(mail, origin, state)?.mails ?? 0]),
      ),
  );
  gauge(
    'clientele_mail_oldest_due_age_seconds',
    'How long the mail that is due longest has been due, by origin; 0 where none is due',
    ['origin'],
    ({ mail, at }) =>
      ORIGINS.map((origin) => [{ origin }, ageSeconds(find(mail, origin, 'due')?.oldestAt, at)]),
  );
}

function addSelfChecks(gauge: ReturnType<typeof gaugesOf<SelfCheckSummary>>): void {
  gauge(
    'clientele_self_check_stores',
    `Stores whose last self-check ended within ${SELF_CHECK_DAYS} days (checked), and the others (missing)`,
    ['state'],
    ({ stores, checked }) => [
      [{ state: 'checked' }, checked],
      [{ state: 'missing' }, stores - checked],
    ],
  );
  gauge(
    'clientele_self_check_ledger_faults',
    'What did not add up in the ledger at the last self-check of each store, in all',
    [],
    ({ ledgerFaults }) => [[{}, ledgerFaults]],
  );
  gauge(
    'clientele_self_check_drifted_customers',
    'Customers whose counters differed from their orders at the last self-check of each store, in all',
    [],
    ({ drifted }) => [[{}, drifted]],
  );
  gauge(
    'clientele_self_check_oldest_timestamp_seconds',
    'When the least recent of the last self-checks of all stores ended, as Unix time; 0 before the first',
    [],
    ({ oldestAt }) => [[{}, oldestAt ? oldestAt.getTime() / 1000 : 0]],
  );
}

/** How a delivery ended: `put_back` costs no attempt, `given_up` ends the job as failed. */
function resultOf(error: unknown): 'failed' | 'given_up' | 'put_back' {
  if (error instanceof FinalRefusal) return 'given_up';
  return error instanceof Error && error.name === 'AbortError' ? 'put_back' : 'failed';
}

function makeHandlerObserver(registry: Registry): Metrics['observeHandlers'] {
  const deliveries = new Counter({
    name: 'clientele_job_deliveries_total',
    help: 'Deliveries of jobs to this process, by queue and result: done, failed (comes again), given_up, put_back',
    labelNames: ['queue', 'result'],
    registers: [registry],
  });
  const duration = new Histogram({
    name: 'clientele_job_delivery_duration_seconds',
    help: 'Time that a delivery was worked on, by queue',
    labelNames: ['queue'],
    buckets: SECONDS,
    registers: [registry],
  });
  const observed =
    (queue: string, handler: Handler): Handler =>
    async (ref, attempt) => {
      const stop = duration.startTimer({ queue });
      try {
        await handler(ref, attempt);
        deliveries.inc({ queue, result: 'done' });
      } catch (error) {
        deliveries.inc({ queue, result: resultOf(error) });
        throw error;
      } finally {
        stop();
      }
    };
  return (handlers) =>
    Object.fromEntries(Object.entries(handlers).map(([queue, handler]) => [queue, observed(queue, handler)]));
}

function makeMailObserver(registry: Registry): Metrics['mailSent'] {
  const outcomes = new Counter({
    name: 'clientele_mail_outcomes_total',
    help: 'Mails that this process handed over, by class and outcome: sent, deferred, failed, unknown',
    labelNames: ['class', 'outcome'],
    registers: [registry],
  });
  const duration = new Histogram({
    name: 'clientele_smtp_duration_seconds',
    help: 'Time from handing a mail over to the answer of the server, waiting for a connection included',
    labelNames: ['outcome'],
    buckets: SECONDS,
    registers: [registry],
  });
  return (mailClass, outcome, seconds) => {
    outcomes.inc({ class: mailClass, outcome });
    duration.observe({ outcome }, seconds);
  };
}

/** All metrics of a process, on one registry. */
export function createMetrics(pool: pg.Pool, version: string): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'clientele_info',
    help: 'Always 1; the label has the version',
    labelNames: ['version'],
    registers: [registry],
  }).set({ version }, 1);
  addPool(registry, pool);
  const snapshot = remembered(REMEMBERED_MS, () => readBacklog(pool));
  new Gauge({
    name: 'clientele_database_up',
    help: 'Whether the database answered this scrape: 1, or 0 and the metrics of all stores stay away',
    registers: [registry],
    async collect() {
      this.set((await snapshot()) === undefined ? 0 : 1);
    },
  });
  const gauge = gaugesOf(registry, snapshot);
  addJobs(gauge);
  addMails(gauge);
  addSelfChecks(
    gaugesOf(
      registry,
      remembered(CHECKS_REMEMBERED_MS, () => readSelfChecks(pool)),
    ),
  );
  return {
    registry,
    observeHandlers: makeHandlerObserver(registry),
    mailSent: makeMailObserver(registry),
    watchQueues: (queues) => {
      gaugesOf(
        registry,
        remembered(REMEMBERED_MS, () => queues.counts()),
      )(
        'clientele_queue_deliveries',
        'Deliveries that wait, run or are put off in the queue itself, by queue and state; only where a worker runs',
        ['queue', 'state'],
        (counts) =>
          Object.entries(counts).flatMap(([queue, { waiting, active, delayed }]): Row[] => [
            [{ queue, state: 'waiting' }, waiting],
            [{ queue, state: 'active' }, active],
            [{ queue, state: 'delayed' }, delayed],
          ]),
      );
    },
  };
}
