// Reports over the whole ledger: what the shop owes, and whether everything adds up. Nothing here changes anything.
import type { Ctx } from '../context.ts';
import { type LiabilityQuestion, readLiability } from '../db/ledger/liability.ts';
import { checkLedgerSlice } from '../db/ledger/self-check.ts';
import { ageBounds, forecastPeriod, historySince, liabilityOf } from '../domain/ledger/liability.ts';
import { addFindings, brokenCount, LEDGER_CHECKS, type LedgerFinding } from '../domain/ledger/self-check.ts';
import { Problem } from '../errors.ts';
import { recentStoreOf } from './customers.ts';

/** The months of the forecast have years of four digits. */
const LAST_YEAR = 9998;

/**
 * The liability at the instant, by unit: the books as they stood then. The same question about the past answers the same
 * for good; one about the future says what time will make of today's books.
 * @throws Problem VALIDATION_FAILED past the year 9998
 */
export async function reportLiability(ctx: Ctx, at: Date) {
  if (at.getUTCFullYear() > LAST_YEAR)
    throw new Problem('VALIDATION_FAILED', {
      errors: [{ pointer: '/at', message: `must be of the year ${LAST_YEAR} at the latest` }],
    });
  const { timezone } = await recentStoreOf(ctx);
  const { months, until } = forecastPeriod(at, timezone);
  const question: LiabilityQuestion = {
    at,
    timezone,
    ageBounds: ageBounds(at),
    historySince: historySince(at),
    forecastUntil: until,
  };
  return { at, timezone, units: liabilityOf(await readLiability(ctx.db, question), months) };
}

/** Accounts of one statement: well below a second with a hundred transfers each. */
export const ACCOUNTS_PER_SLICE = 500;
/** A request answers within about this time, complete or not. */
const BUDGET_MS = 5_000;

/** The findings with what each check is about. */
const describe = (findings: readonly LedgerFinding[]) =>
  addFindings([], findings).map((finding, index) => {
    const { rule, says } = LEDGER_CHECKS[index] as (typeof LEDGER_CHECKS)[number];
    return { rule, says, ...finding };
  });

/** Checks account after account from `after` on until all are checked or the time is up. */
export async function checkLedger(
  ctx: Ctx,
  { after, budgetMs = BUDGET_MS }: { after?: string | undefined; budgetMs?: number } = {},
) {
  const endsAt = performance.now() + budgetMs;
  let [findings, accounts]: [LedgerFinding[], number] = [[], 0];
  let next = after;
  do {
    const slice = await checkLedgerSlice(ctx.db, { after: next, limit: ACCOUNTS_PER_SLICE, at: ctx.now });
    findings = addFindings(findings, slice.findings);
    accounts += slice.accounts;
    next = slice.next;
  } while (next !== undefined && performance.now() < endsAt);
  return {
    ok: brokenCount(findings) === 0,
    complete: next === undefined,
    ...(next !== undefined && { next }),
    accounts,
    checks: describe(findings),
  };
}
