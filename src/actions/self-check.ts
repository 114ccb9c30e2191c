// The self-check: counters against the orders that they count (C7), then the ledger against itself (L2, L3 …). Checking
// reports and never changes; repairing counters is a decision of its own, the ledger is corrected by transfers.
import type { Ctx } from '../context.ts';
import { type Tx, transaction } from '../db/connection.ts';
import { lockCustomers, touchCustomers } from '../db/customers.ts';
import { checkLedgerSlice } from '../db/ledger/self-check.ts';
import {
  type CounterPage,
  compareCounters,
  type DriftedCustomer,
  recountOrders,
} from '../db/order-counters.ts';
import { changedFields } from '../domain/customers.ts';
import type { EventKind } from '../domain/events.ts';
import { sameValue } from '../domain/fields.ts';
import { brokenCount } from '../domain/ledger/self-check.ts';
import { countersOf, type OrderCounters } from '../domain/order-counters.ts';
import { storeOf } from './customers.ts';
import { type Job, type Slice, type SliceResult, startJob, toJob } from './jobs.ts';
import { ACCOUNTS_PER_SLICE } from './ledger-reports.ts';
import { type Happening, tell } from './timeline.ts';
import { write } from './write.ts';

/** Customers of one slice: about half a second of work with ten orders each. */
const PAGE = 5_000;

/** One wrong counter; instants as RFC 3339. */
export interface CounterDrift {
  customerId: string;
  field: keyof OrderCounters;
  stored: unknown;
  expected: unknown;
}

const FIELDS = [
  'ordersCount',
  'totalSpent',
  'refundedTotal',
  'firstOrderAt',
  'lastOrderAt',
  'lastOrderId',
] as const;

const changesOf = ({ stored, expected }: DriftedCustomer) =>
  changedFields<keyof OrderCounters>(stored, expected, FIELDS);

const driftsOf = (customer: DriftedCustomer): CounterDrift[] =>
  Object.entries(changesOf(customer)).map(([field, [stored, expected]]) => ({
    customerId: customer.id,
    field: field as keyof OrderCounters,
    stored,
    expected,
  }));

async function eachPage(ctx: Ctx, visit: (page: CounterPage) => Promise<void>): Promise<void> {
  const { currency } = await storeOf(ctx);
  let after: string | undefined;
  do {
    const page = await compareCounters(ctx.db, { after, limit: PAGE, currency });
    await visit(page);
    after = page.next;
  } while (after !== undefined);
}

/** Counters that differ from what the orders say, over all customers of the store; changes nothing. */
export async function checkCounters(ctx: Ctx): Promise<CounterDrift[]> {
  const drifts: CounterDrift[] = [];
  await eachPage(ctx, async ({ drifted }) => void drifts.push(...drifted.flatMap(driftsOf)));
  return drifts;
}

/** Writes the right counters over the wrong ones, and tells each customer's timeline. Resolves to what was wrong. */
export async function repairCounters(ctx: Ctx): Promise<CounterDrift[]> {
  const { currency } = await storeOf(ctx);
  const drifts: CounterDrift[] = [];
  await eachPage(ctx, async ({ drifted }) => {
    const ids = drifted.map(({ id }) => id);
    if (ids.length > 0)
      drifts.push(...(await transaction(ctx.db, (tx) => repairThese(ctx, tx, ids, currency))));
  });
  return drifts;
}

/** Counts again under the locks: a drift may be gone by now, and no order can change meanwhile. */
async function repairThese(
  ctx: Ctx,
  tx: Tx,
  ids: readonly string[],
  currency: string,
): Promise<CounterDrift[]> {
  const before = await lockCustomers(tx, ids);
  await recountOrders(tx, ids, currency);
  const after = new Map((await lockCustomers(tx, ids)).map((row) => [row.id, row]));
  const repaired = before.flatMap((stored): DriftedCustomer[] => {
    const expected = after.get(stored.id);
    return expected && !sameValue(countersOf(stored), countersOf(expected))
      ? [{ id: stored.id, stored, expected }]
      : [];
  });
  await touchCustomers(tx, { ids: repaired.map(({ id }) => id), now: ctx.now });
  await tell(ctx, tx, ...repaired.map((drift) => tellingOf('customer.counters_repaired', drift)));
  return repaired.flatMap(driftsOf);
}

/** Starts a self-check of the whole store. */
export function startSelfCheck(ctx: Ctx): Promise<Job> {
  return write(ctx, async (tx) =>
    toJob(await startJob(ctx, tx, { kind: 'self-check', params: {} }), ctx.now),
  );
}

/** Where a self-check stands: first in the customers, then in the accounts of the ledger. */
interface CheckPosition {
  after?: string;
  ledger?: { after?: string };
}

/** One page of customers: `checked` and `drifted` count them, and each drift is told on the timeline. */
async function checkCustomers(ctx: Ctx, tx: Tx, after: string | undefined): Promise<SliceResult> {
  const { currency } = await storeOf({ ...ctx, db: tx });
  const { checked, drifted, next } = await compareCounters(tx, { after, limit: PAGE, currency });
  await tell(ctx, tx, ...drifted.map((drift) => tellingOf('customer.counters_drifted', drift)));
  for (const drift of drifted)
    ctx.log.warn({ customerId: drift.id, changes: changesOf(drift) }, 'counters drifted');
  const position: CheckPosition = next === undefined ? { ledger: {} } : { after: next };
  return { done: checked, outcomes: { checked, drifted: drifted.length }, position: { ...position } };
}

/** One page of accounts: `accountsChecked` counts them, `ledgerFaults` what does not add up; the log has examples. */
async function checkAccounts(ctx: Ctx, tx: Tx, after: string | undefined): Promise<SliceResult> {
  const slice = await checkLedgerSlice(tx, { after, limit: ACCOUNTS_PER_SLICE, at: ctx.now });
  for (const { name, broken, examples } of slice.findings) {
    if (broken > 0) ctx.log.error({ check: name, broken, examples }, 'the ledger does not add up');
  }
  return {
    done: slice.accounts,
    outcomes: { accountsChecked: slice.accounts, ledgerFaults: brokenCount(slice.findings) },
    ...(slice.next !== undefined && { position: { ledger: { after: slice.next } } }),
  };
}

/** One page of a self-check. */
export const selfCheckSlice: Slice = (ctx, tx, job) => {
  const { after, ledger }: CheckPosition = job.position;
  return ledger ? checkAccounts(ctx, tx, ledger.after) : checkCustomers(ctx, tx, after);
};

const tellingOf = (kind: EventKind, drift: DriftedCustomer): Happening => ({
  kind,
  customerId: drift.id,
  data: { changes: changesOf(drift) },
});
