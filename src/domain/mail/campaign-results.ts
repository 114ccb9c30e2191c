// What a campaign was worth: shares of its mails, and its recipients beside the hold-out group.

/** Orders of one group in one currency; `revenue` in minor units, net of refunds. */
export interface GroupOrders {
  heldOut: boolean;
  currency: string;
  orders: number;
  /** How many people placed them. */
  customers: number;
  revenue: number;
}

/** One currency of one group; amounts in minor units. */
export interface CurrencyResult {
  currency: string;
  orders: number;
  customers: number;
  revenue: number;
  /** Share of the group that ordered in the currency; 0 for an empty group. */
  conversionRate: number;
  revenuePerPerson: number;
}

/** What one currency brought beyond what the hold-out group would have brought; per person and in all. */
export interface Uplift {
  currency: string;
  conversionRate: number;
  revenuePerPerson: number;
  /** The difference per person times the recipients, rounded. */
  revenue: number;
}

const DIGITS = 1e6;

/** A share to six digits; of nothing it is 0. */
export const share = (part: number, whole: number): number =>
  whole === 0 ? 0 : Math.round((part / whole) * DIGITS) / DIGITS;

/** Results of one group of `people`, by currency. */
export const groupResults = (
  rows: readonly GroupOrders[],
  { heldOut, people }: { heldOut: boolean; people: number },
): CurrencyResult[] =>
  rows
    .filter((row) => row.heldOut === heldOut)
    .map(({ currency, orders, customers, revenue }) => ({
      currency,
      orders,
      customers,
      revenue,
      conversionRate: share(customers, people),
      revenuePerPerson: people === 0 ? 0 : Math.round(revenue / people),
    }));

const NOTHING = { customers: 0, revenue: 0 };

/**
 * What the mails brought: those who got them against those who were held out; [] without a hold-out group, for then
 * nobody knows.
 */
export function upliftOf(
  rows: readonly GroupOrders[],
  { sent, holdout }: { sent: number; holdout: number },
): Uplift[] {
  if (sent === 0 || holdout === 0) return [];
  const currencies = [...new Set(rows.map(({ currency }) => currency))];
  return currencies.map((currency) => {
    const of = (heldOut: boolean) =>
      rows.find((row) => row.currency === currency && row.heldOut === heldOut) ?? NOTHING;
    const [mailed, held] = [of(false), of(true)];
    const perPerson = mailed.revenue / sent - held.revenue / holdout;
    return {
      currency,
      conversionRate: Math.round((mailed.customers / sent - held.customers / holdout) * DIGITS) / DIGITS,
      revenuePerPerson: Math.round(perPerson),
      revenue: Math.round(perPerson * sent),
    };
  });
}
