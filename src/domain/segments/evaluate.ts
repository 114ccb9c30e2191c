// The evaluator of one customer: a bound query and facts in, true or false out. Pure; the other evaluator is SQL
// (db/segments/compile.ts), and both must agree on every customer.
import {
  type Bound,
  type BoundLeaf,
  type BoundRows,
  type BoundValue,
  isWithin,
  type ListTest,
  type RowTest,
  type Test,
  type TotalTest,
} from './bound.ts';
import { type FactRow, type Facts, type FactValue, listIn, rowsIn, valueIn } from './facts.ts';
import type { ListAttribute, RowsAttribute, Scalar } from './fields.ts';
import { sampleBucket } from './sample.ts';

/** What people see of a value, as it is compared. */
function keyOf(scalar: Pick<Scalar, 'key'>, value: FactValue): FactValue {
  if (typeof value !== 'string' || !scalar.key) return value;
  return scalar.key(value) ?? null;
}

function passes(test: Test, value: FactValue): boolean {
  if (value === null) return false;
  switch (test.is) {
    case 'within':
      return typeof value !== 'boolean' && isWithin(value, test.ranges);
    case 'among':
      return typeof value !== 'number' && test.keys.includes(value);
    case 'starts':
      return String(value).startsWith(test.text);
    case 'holds':
      return String(value).includes(test.text);
  }
}

/** What a word is called: itself, and the words that stand for it and others. */
const callingsOf = ({ means = {} }: Pick<Scalar, 'means'>, key: FactValue): FactValue[] => [
  key,
  ...Object.keys(means).filter((word) => means[word]?.includes(String(key))),
];

function listPasses(attribute: ListAttribute, test: ListTest, values: readonly string[]): boolean {
  const keys = values.map((value) => attribute.key(value));
  switch (test.is) {
    case 'any':
      return test.keys.some((key) => keys.includes(key));
    case 'every':
      return test.keys.every((key) => keys.includes(key));
    case 'starts':
      return keys.some((key) => key?.startsWith(test.text));
  }
}

/** Whether a row fits one parameter; one that has many values fits when any of them does. */
function rowPasses(
  { parameters }: RowsAttribute,
  { parameter, test, negated }: RowTest,
  row: FactRow,
): boolean {
  const scalar = parameters[parameter] as Scalar;
  const value = row[parameter] ?? null;
  const values: readonly FactValue[] = Array.isArray(value) ? value : [value as FactValue];
  return values.some((one) => passes(test, keyOf(scalar, one))) !== negated;
}

/** The rows that fit every parameter. */
export function fittingRows(
  { attribute, where }: Pick<BoundRows, 'attribute' | 'where'>,
  facts: Facts,
): FactRow[] {
  return rowsIn(facts, attribute).filter((row) => where.every((test) => rowPasses(attribute, test, row)));
}

/** The number of rows, or the sum of a parameter with missing values as 0. */
export function totalOf({ aggregates }: RowsAttribute, aggregate: string, rows: readonly FactRow[]): number {
  const { of } = aggregates[aggregate] ?? { of: 'rows' };
  return of === 'rows' ? rows.length : rows.reduce((sum, row) => sum + Number(row[of] ?? 0), 0);
}

function rowsPass(bound: BoundRows, facts: Facts): boolean {
  const rows = fittingRows(bound, facts);
  if (rows.length === 0 && !bound.mayBeNone) return false;
  const holds = ({ aggregate, ranges, negated }: TotalTest): boolean =>
    isWithin(totalOf(bound.attribute, aggregate, rows), ranges) !== negated;
  return bound.totals.every(holds);
}

const valuePasses = ({ attribute, test }: BoundValue, facts: Facts): boolean =>
  callingsOf(attribute, keyOf(attribute, valueIn(facts, attribute))).some((key) => passes(test, key));

const isMissing = (bound: Extract<BoundLeaf, { is: 'missing' }>, facts: Facts): boolean =>
  bound.attribute.kind === 'list'
    ? listIn(facts, bound.attribute).length === 0
    : valueIn(facts, bound.attribute) === null;

function leafMatches(bound: BoundLeaf, facts: Facts): boolean {
  switch (bound.is) {
    case 'value':
      return valuePasses(bound, facts) !== bound.negated;
    case 'missing':
      return isMissing(bound, facts) !== bound.negated;
    case 'list':
      return listPasses(bound.attribute, bound.test, listIn(facts, bound.attribute)) !== bound.negated;
    case 'rows':
      return rowsPass(bound, facts) !== bound.negated;
    case 'sample':
      return sampleBucket(bound.salt, facts.customerId) < bound.below;
    case 'segment':
      return holds(bound.of, facts);
  }
}

/** Whether a part of a query holds, of a customer who is listed. */
export function holds(bound: Bound, facts: Facts): boolean {
  switch (bound.is) {
    case 'all':
      return bound.of.every((part) => holds(part, facts));
    case 'any':
      return bound.of.some((part) => holds(part, facts));
    case 'not':
      return !holds(bound.of, facts);
    default:
      return leafMatches(bound, facts);
  }
}

/** Whether the customer is meant; merged and erased ones never are. */
export const matches = (bound: Bound, facts: Facts): boolean => facts.isListed && holds(bound, facts);
