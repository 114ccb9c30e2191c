// Which kinds of jobs there are and how the queue treats them. No handlers: actions may import this file.
import type { JobKind } from '../domain/jobs.ts';
import type { QueueDefinition } from './queue.ts';

/** Long slices of SQL; two at a time leave connections for the API. */
const SLICED = { concurrency: 2, attempts: 8, backoffMs: 500 } as const;

export const CATALOGUE: Readonly<Record<JobKind, QueueDefinition>> = {
  bulk: { name: 'bulk', ...SLICED },
  import: { name: 'import', ...SLICED, concurrency: 1 },
  'tag-change': { name: 'tag-change', ...SLICED, concurrency: 1 },
  'group-change': { name: 'group-change', ...SLICED, concurrency: 1 },
  'self-check': { name: 'self-check', ...SLICED, concurrency: 1 },
  'loyalty-tiers': { name: 'loyalty-tiers', ...SLICED, concurrency: 1 },
  'redemption-expiry': { name: 'redemption-expiry', ...SLICED, concurrency: 1 },
  'referral-decisions': { name: 'referral-decisions', ...SLICED, concurrency: 1 },
  'birthday-rewards': { name: 'birthday-rewards', ...SLICED, concurrency: 1 },
  'points-reminders': { name: 'points-reminders', ...SLICED, concurrency: 1 },
  'campaign-prepare': { name: 'campaign-prepare', ...SLICED, concurrency: 1 },
  'campaign-end': { name: 'campaign-end', ...SLICED, concurrency: 1 },
  'ledger-expiry': { name: 'ledger-expiry', ...SLICED, concurrency: 1 },
};

/**
 * Lanes of mail: a job is a store whose due mails are sent until none is left. It carries no mail and is no row: lost, the
 * sweeper adds it again. Its lock is short, so that the mails of a killed worker do not wait long; one that is lost only because
 * the process stutters costs no more than a batch that is made anew.
 */
export const MAIL: QueueDefinition = {
  name: 'mail',
  concurrency: 2,
  attempts: 3,
  backoffMs: 500,
  lockMs: 3_000,
};

export const QUEUES: readonly QueueDefinition[] = [...Object.values(CATALOGUE), MAIL];
