// A query at an instant, ready for both evaluators: names are looked up, values are in the form in which they are
// compared, dates are instants. Two-valued: a test of a missing value is false, and `negated` turns the answer round.
import type { Call, Clause, Junction, Match, Negation } from './ast.ts';
import type { ListAttribute, RowsAttribute, ValueAttribute } from './fields.ts';

/** Values between two ends; an end that is left out is open to infinity, an end that is `Open` does not belong. */
export interface Range {
  from?: number | string;
  fromOpen?: boolean;
  to?: number | string;
  toOpen?: boolean;
}

/** A test of one value. `within`: in any of the ranges. `among`: one of the keys. `holds`: the text stands in it. */
export type Test =
  | { is: 'within'; ranges: readonly Range[] }
  | { is: 'among'; keys: readonly (string | boolean)[] }
  | { is: 'starts' | 'holds'; text: string };

export interface BoundValue {
  is: 'value';
  attribute: ValueAttribute;
  /** The instant of asking, in ms. */
  at: number;
  test: Test;
  negated: boolean;
  query: Clause;
}

export interface BoundMissing {
  is: 'missing';
  attribute: ValueAttribute | ListAttribute;
  at: number;
  negated: boolean;
  query: Clause;
}

/** `any`: the list has one of the keys. `every`: it has all of them. `starts`: one of its values begins so. */
export type ListTest = { is: 'any' | 'every'; keys: readonly string[] } | { is: 'starts'; text: string };

export interface BoundList {
  is: 'list';
  attribute: ListAttribute;
  test: ListTest;
  negated: boolean;
  query: Clause | Call;
}

/** What one row must fulfil. */
export interface RowTest {
  parameter: string;
  test: Test;
  negated: boolean;
}

/** What the chosen rows together must fulfil. */
export interface TotalTest {
  aggregate: string;
  ranges: readonly Range[];
  negated: boolean;
}

export interface BoundRows {
  is: 'rows';
  attribute: RowsAttribute;
  /** Of the store: what amounts are in. */
  currency: string;
  where: readonly RowTest[];
  totals: readonly TotalTest[];
  /** False unless `count` is asked for: without it at least one row must fit. */
  mayBeNone: boolean;
  negated: boolean;
  query: Match;
}

/** A share of all customers by a hash of their id; see sample.ts. */
export interface BoundSample {
  is: 'sample';
  /** Buckets below this one are in. */
  below: number;
  salt: string;
  query: Call;
}

export interface BoundSegment {
  is: 'segment';
  slug: string;
  of: Bound;
  query: Call;
}

export interface BoundJunction {
  is: 'all' | 'any';
  of: readonly Bound[];
  query: Junction;
}

export interface BoundNegation {
  is: 'not';
  of: Bound;
  query: Negation;
}

export type BoundLeaf = BoundValue | BoundMissing | BoundList | BoundRows | BoundSample | BoundSegment;
export type Bound = BoundJunction | BoundNegation | BoundLeaf;

export const isBoundJunction = (bound: Bound): bound is BoundJunction =>
  bound.is === 'all' || bound.is === 'any';

/** Whether a value is in one of the ranges. */
export function isWithin(value: number | string, ranges: readonly Range[]): boolean {
  return ranges.some(({ from, fromOpen, to, toOpen }) => {
    if (from !== undefined && (fromOpen ? value <= from : value < from)) return false;
    return to === undefined || (toOpen ? value < to : value <= to);
  });
}

/** Whether the totals hold when no row fits: then who has no rows at all is meant too. */
export const holdsForNone = ({ mayBeNone, totals }: BoundRows): boolean =>
  mayBeNone && totals.every(({ ranges, negated }) => isWithin(0, ranges) !== negated);

/** How often the answer takes totals over many rows of a customer. */
export function countTotals(bound: Bound): number {
  switch (bound.is) {
    case 'all':
    case 'any':
      return bound.of.reduce((sum, part) => sum + countTotals(part), 0);
    case 'not':
    case 'segment':
      return countTotals(bound.of);
    default:
      return bound.is === 'rows' && bound.totals.length > 0 ? 1 : 0;
  }
}
