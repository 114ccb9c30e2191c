// What the shop owes its customers: outstanding balances by age and by month of expiry, what will expire, and whether the
// sums reconcile. All amounts are in the unit of the accounts; what a point is worth in money nobody knows here.
import { daysBefore } from '../days.ts';
import { instantOfLocal, type LocalTime, localTimeAt } from '../zoned-time.ts';

/** Ages of lots, in whole days since `activeFrom`: from this day on, up to the next band. */
export const AGE_BANDS = [0, 31, 91, 181, 366] as const;

/** Months of the forecast, the present one included, and days of the history that it is based on. */
export const FORECAST_MONTHS = 12;
export const HISTORY_DAYS = 365;

/** The first instant of each age band, from the second on: active before it = at least that old. */
export const ageBounds = (at: Date): Date[] => AGE_BANDS.slice(1).map((days) => daysBefore(at, days));

export const historySince = (at: Date): Date => daysBefore(at, HISTORY_DAYS);

/** `YYYY-MM` of the store's calendar. */
export const monthOf = ({ year, month }: Pick<LocalTime, 'year' | 'month'>): string =>
  `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}`;

const monthAfter = ({ year, month }: { year: number; month: number }, months: number) => ({
  year: year + Math.floor((month - 1 + months) / 12),
  month: ((month - 1 + months) % 12) + 1,
});

/** The months of the forecast, and the instant at which the last one ends. */
export function forecastPeriod(at: Date, timezone: string): { months: string[]; until: Date } {
  const now = localTimeAt(at, timezone);
  const months = Array.from({ length: FORECAST_MONTHS }, (_, index) => monthOf(monthAfter(now, index)));
  const end = { ...monthAfter(now, FORECAST_MONTHS), day: 1, hour: 0, minute: 0, second: 0 };
  return { months, until: instantOfLocal(end, timezone) ?? at };
}

/** Lots of one unit, age band and month of expiry, added up. */
export interface LiabilityCell {
  unit: string;
  /** Index into AGE_BANDS. */
  band: number;
  /** `YYYY-MM`; null = never expires. */
  month: string | null;
  lots: number;
  active: number;
  pending: number;
  held: number;
  expired: number;
}

/** Sums of one unit's accounts and transfers. */
export interface LiabilitySums {
  unit: string;
  accounts: number;
  /** Σ balances of the accounts. */
  balances: number;
  /** Σ credits − Σ debits. */
  entries: number;
  /** Σ of what was taken beyond all lots and is not covered. */
  overdrafts: number;
  /** Booked to breakage in the time of the history. */
  booked: number;
}

/** Amounts of all lots, spent ones too, that expire in a month: in the history (past) or in the forecast. */
export interface ExpiringAmount {
  unit: string;
  month: string;
  isPast: boolean;
  amount: number;
  /** Of past lots: what is left of them and not booked yet. */
  unbooked: number;
}

export interface LiabilityFacts {
  cells: readonly LiabilityCell[];
  sums: readonly LiabilitySums[];
  expiring: readonly ExpiringAmount[];
}

type Amounts = Pick<LiabilityCell, 'active' | 'pending' | 'held' | 'expired'>;

/** What is still owed: expired credit is not. */
const owed = ({ active, pending, held }: Amounts): number => active + pending + held;

const total = <Item>(items: readonly Item[], amountOf: (item: Item) => number): number =>
  items.reduce((sum, item) => sum + amountOf(item), 0);

const byAgeOf = (cells: readonly LiabilityCell[]) =>
  AGE_BANDS.map((fromDays, band) => {
    const next = AGE_BANDS[band + 1];
    const own = cells.filter((cell) => cell.band === band);
    return { fromDays, ...(next !== undefined && { toDays: next - 1 }), amount: total(own, owed) };
  });

/** By month, soonest first, `never` last; months in which nothing outstanding expires are left out. */
function byExpiryOf(cells: readonly LiabilityCell[]): { month: string; amount: number }[] {
  const amounts = new Map<string, number>();
  for (const cell of cells) {
    const month = cell.month ?? 'never';
    amounts.set(month, (amounts.get(month) ?? 0) + owed(cell));
  }
  return [...amounts]
    .filter(([, amount]) => amount !== 0)
    .map(([month, amount]) => ({ month, amount }))
    .sort((one, other) => (one.month < other.month ? -1 : 1));
}

/**
 * What share of the lots that expired in the history expired unspent; null when none did. A lot that moved with a merge
 * counts once.
 */
function historyOf(expiring: readonly ExpiringAmount[], booked: number) {
  const past = expiring.filter(({ isPast }) => isPast);
  const due = total(past, ({ amount }) => amount);
  const expired = booked + total(past, ({ unbooked }) => unbooked);
  return { due, expired, rate: due === 0 ? null : Math.min(1, expired / due) };
}

/**
 * Per month: what expires if nothing is spent, and what is expected to: the share of the history, applied to all lots of
 * that month, spent ones too, but never more than is left of them.
 */
function forecastOf(
  months: readonly string[],
  cells: readonly LiabilityCell[],
  expiring: readonly ExpiringAmount[],
  rate: number | null,
) {
  return months.map((month) => {
    const left = total(
      cells.filter((cell) => cell.month === month),
      owed,
    );
    const issued = total(
      expiring.filter((row) => !row.isPast && row.month === month),
      ({ amount }) => amount,
    );
    const expected = rate === null ? null : Math.min(left, Math.round(issued * rate));
    return { month, amount: left, ...(expected !== null && { expectedBreakage: expected }) };
  });
}

/** The largest gap between the three ways to the same sum; 0 = reconciled to the cent. */
function reconcile({ entries, balances, overdrafts }: LiabilitySums, lots: number) {
  const ways = [entries, balances, lots - overdrafts];
  return { entries, balances, lots, overdrafts, difference: Math.max(...ways) - Math.min(...ways) };
}

function unitLiability(facts: LiabilityFacts, sums: LiabilitySums, months: readonly string[]) {
  const cells = facts.cells.filter(({ unit }) => unit === sums.unit);
  const expiring = facts.expiring.filter(({ unit }) => unit === sums.unit);
  const expired = total(cells, (cell) => cell.expired);
  const outstanding = total(cells, owed);
  const history = historyOf(expiring, sums.booked);
  return {
    unit: sums.unit,
    accounts: sums.accounts,
    lots: total(cells, ({ lots }) => lots),
    outstanding,
    active: total(cells, ({ active }) => active),
    pending: total(cells, ({ pending }) => pending),
    held: total(cells, ({ held }) => held),
    expired,
    overdrafts: sums.overdrafts,
    byAge: byAgeOf(cells),
    byExpiry: byExpiryOf(cells),
    history,
    forecast: forecastOf(months, cells, expiring, history.rate),
    reconciliation: reconcile(sums, outstanding + expired),
  };
}

/** The report, one part per unit. `balance = outstanding + expired − overdrafts`. */
export const liabilityOf = (facts: LiabilityFacts, months: readonly string[]) =>
  facts.sums.map((sums) => unitLiability(facts, sums, months));
