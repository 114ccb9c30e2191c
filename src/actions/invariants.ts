// The self-check of one store, now: everything that must hold at every moment, within a bounded time. It reports and never
// changes; the nightly job (self-check.ts) looks at all of a store that is too large for this.
import type { Ctx } from '../context.ts';
import {
  checkMessagePage,
  countIdleTransactions,
  countStuckWork,
  listLeakyTables,
} from '../db/invariants.ts';
import { compareCounters } from '../db/order-counters.ts';
import { storeOf } from './customers.ts';
import { checkLedger } from './ledger-reports.ts';

/** One invariant of a store. */
export interface Invariant {
  name: string;
  ok: boolean;
  /** What must hold, and how much was looked at. */
  detail: string;
  /** How much breaks it. */
  count: number;
}

export interface SelfCheckReport {
  ok: boolean;
  /** False when the time was up before everything was looked at. */
  complete: boolean;
  checks: Invariant[];
}

interface Part {
  complete: boolean;
  checks: Invariant[];
}

interface CheckOptions {
  /** How often lost work is looked for. */
  sweepIntervalMs: number;
  /** Time for each of the three parts that walk through a table; 3 s unless told. */
  budgetMs?: number;
}

const BUDGET_MS = 3_000;
/** The sweeper finds silent work after six intervals; after twice as long nobody did. */
const SILENT_SWEEPS = 12;
/** Far longer than any transaction of ours waits between two statements. */
const IDLE_MS = 5_000;

const invariant = (name: string, count: number, detail: string): Invariant => ({
  name,
  ok: count === 0,
  detail,
  count,
});

async function checkBooks(ctx: Ctx, budgetMs: number): Promise<Part> {
  const { complete, accounts, checks } = await checkLedger(ctx, { budgetMs });
  return {
    complete,
    checks: checks.map(({ name, says, broken }) =>
      invariant(name, broken, `${says} ${accounts} accounts checked.`),
    ),
  };
}

/** Pages of a table, one after the other until all are read or the time is up. */
async function walk(
  budgetMs: number,
  read: (after: string | undefined) => Promise<{ checked: number; broken: number; next: string | undefined }>,
): Promise<{ complete: boolean; checked: number; broken: number }> {
  const endsAt = performance.now() + budgetMs;
  let [checked, broken] = [0, 0];
  let next: string | undefined;
  do {
    const page = await read(next);
    checked += page.checked;
    broken += page.broken;
    next = page.next;
  } while (next !== undefined && performance.now() < endsAt);
  return { complete: next === undefined, checked, broken };
}

const CUSTOMERS_PER_PAGE = 5_000;

async function checkOrderCounters(ctx: Ctx, budgetMs: number): Promise<Part> {
  const { currency } = await storeOf(ctx);
  const { complete, checked, broken } = await walk(budgetMs, async (after) => {
    const page = await compareCounters(ctx.db, { after, limit: CUSTOMERS_PER_PAGE, currency });
    return { ...page, broken: page.drifted.length };
  });
  const detail = `What customers count is what their orders say (C7). ${checked} customers checked.`;
  return { complete, checks: [invariant('counters_equal_orders', broken, detail)] };
}

async function checkMessages(ctx: Ctx, budgetMs: number): Promise<Part> {
  const { complete, checked, broken } = await walk(budgetMs, (after) => checkMessagePage(ctx.db, after));
  const detail = `Every mail is in exactly one state, and its attempts and times agree with it (M1, M4). ${checked} mails checked.`;
  return { complete, checks: [invariant('message_has_one_state', broken, detail)] };
}

async function checkWork(ctx: Ctx, sweepIntervalMs: number): Promise<Part> {
  const silenceMs = SILENT_SWEEPS * sweepIntervalMs;
  const since = new Date(ctx.now.getTime() - silenceMs);
  const { jobs, mails } = await countStuckWork(ctx.db, { now: ctx.now, since });
  const detail = `Nothing waits without a worker for longer than ${silenceMs / 1000} s. ${jobs} jobs and ${mails} mails do.`;
  return { complete: true, checks: [invariant('work_goes_on', jobs + mails, detail)] };
}

async function checkWalls(ctx: Ctx): Promise<Part> {
  const { tables, leaky } = await listLeakyTables(ctx.db);
  const found = leaky.length > 0 ? ` Seen in ${leaky.join(', ')}.` : '';
  const detail = `No row of another store is visible. ${tables} tables checked.${found}`;
  return { complete: true, checks: [invariant('other_stores_are_hidden', leaky.length, detail)] };
}

async function checkTransactions(ctx: Ctx): Promise<Part> {
  const { idle, hidden } = await countIdleTransactions(ctx.db, new Date(Date.now() - IDLE_MS));
  const blind = hidden > 0 ? ` ${hidden} sessions of other logins could not be looked at.` : '';
  const detail = `No transaction is left open for longer than ${IDLE_MS / 1000} s without doing anything.${blind}`;
  return { complete: true, checks: [invariant('no_idle_transaction', idle, detail)] };
}

/** Checks every invariant of the store; the parts run one after the other, so that a check is no burden. */
export async function checkInvariants(
  ctx: Ctx,
  { sweepIntervalMs, budgetMs = BUDGET_MS }: CheckOptions,
): Promise<SelfCheckReport> {
  const parts = [
    await checkBooks(ctx, budgetMs),
    await checkOrderCounters(ctx, budgetMs),
    await checkMessages(ctx, budgetMs),
    await checkWork(ctx, sweepIntervalMs),
    await checkWalls(ctx),
    await checkTransactions(ctx),
  ];
  const checks = parts.flatMap((part) => part.checks);
  return {
    ok: checks.every(({ ok }) => ok),
    complete: parts.every(({ complete }) => complete),
    checks,
  };
}
