// The tree of a segment query: what its text and its JSON form both say. Pure data; where a node stands in the text is
// kept beside it (`Places`), so two queries that mean the same are deeply equal.

/** What a value is by its spelling; what it means follows from the attribute it stands beside. */
export type LiteralType = 'string' | 'number' | 'boolean' | 'date' | 'datetime' | 'offset' | 'day';

/**
 * One value. `text` is its canonical spelling without quotes: `1000.00`, `true`, `2026-01-31`,
 * `2026-01-31T10:00:00Z`, `-90d`, `today`.
 */
export interface Literal {
  type: LiteralType;
  text: string;
}

/** How many values an operator takes. */
export type Arity = 'none' | 'one' | 'two' | 'some';

interface OperatorShape {
  /** The words between attribute and values, in canonical spelling. */
  text: string;
  arity: Arity;
}

const shapes = <const Shapes extends Record<string, OperatorShape>>(table: Shapes): Shapes => table;

/** Every operator of a clause: how it is written and how many values it takes. */
export const OPERATORS = shapes({
  '=': { text: '=', arity: 'one' },
  '!=': { text: '!=', arity: 'one' },
  '<': { text: '<', arity: 'one' },
  '<=': { text: '<=', arity: 'one' },
  '>': { text: '>', arity: 'one' },
  '>=': { text: '>=', arity: 'one' },
  between: { text: 'BETWEEN', arity: 'two' },
  not_between: { text: 'NOT BETWEEN', arity: 'two' },
  in: { text: 'IN', arity: 'some' },
  not_in: { text: 'NOT IN', arity: 'some' },
  starts_with: { text: 'STARTS WITH', arity: 'one' },
  contains: { text: 'CONTAINS', arity: 'one' },
  not_contains: { text: 'NOT CONTAINS', arity: 'one' },
  contains_any: { text: 'CONTAINS ANY', arity: 'some' },
  contains_all: { text: 'CONTAINS ALL', arity: 'some' },
  contains_none: { text: 'CONTAINS NONE', arity: 'some' },
  is_null: { text: 'IS NULL', arity: 'none' },
  is_not_null: { text: 'IS NOT NULL', arity: 'none' },
});
export type Operator = keyof typeof OPERATORS;

/** `number_of_orders > 5`; inside a function, `date >= -1m`. */
export interface Clause {
  op: Operator;
  attribute: string;
  values: readonly Literal[];
}

/** `orders_placed MATCHES (date >= -1m, sum_amount > 1000.00)`. */
export interface Match {
  op: 'matches' | 'not_matches';
  attribute: string;
  where: readonly Clause[];
}

/** How the operators of a function are written. */
export const MATCH_TEXTS = { matches: 'MATCHES', not_matches: 'NOT MATCHES' } as const satisfies Record<
  Match['op'],
  string
>;

/** `in_segment('vip')`, `in_group('Business')`, `sample(10, 'spring')`. */
export interface Call {
  op: CallName;
  values: readonly Literal[];
}
export const CALLS = ['in_segment', 'in_group', 'sample'] as const;
export type CallName = (typeof CALLS)[number];

/** What each call takes in its parentheses, and a call that works. */
export const CALL_VALUES: Readonly<Record<CallName, { types: readonly LiteralType[]; example: string }>> = {
  in_segment: { types: ['string'], example: "in_segment('vip')" },
  in_group: { types: ['string'], example: "in_group('Business')" },
  sample: { types: ['number', 'string'], example: "sample(10, 'spring')" },
};

/** Two or more, none of them of the same kind: AND and OR are flat. */
export interface Junction {
  op: 'and' | 'or';
  of: readonly Query[];
}

export interface Negation {
  op: 'not';
  of: readonly [Query];
}

export type Query = Junction | Negation | Clause | Match | Call;

/** Every `op` that a node of a query can have. */
export const NODE_OPERATORS = [
  'and',
  'or',
  'not',
  'matches',
  'not_matches',
  ...CALLS,
  ...(Object.keys(OPERATORS) as Operator[]),
] as const;

export const isJunction = (query: Query): query is Junction => query.op === 'and' || query.op === 'or';
export const isNegation = (query: Query): query is Negation => query.op === 'not';
export const isMatch = (query: Query): query is Match => query.op === 'matches' || query.op === 'not_matches';
export const isCall = (query: Query): query is Call => (CALLS as readonly string[]).includes(query.op);

/** A query may not be longer, larger or deeper (segments.md, Meaning). Text is counted in bytes of UTF-8. */
export const LIMITS = { bytes: 8_192, nodes: 200, depth: 12, values: 1_000 } as const;

/** Where a node or a literal stands: in UTF-16 units of the text, or at a JSON Pointer of the JSON form. */
export type Place = { offset: number; length: number } | { pointer: string };
/** Places of nodes, literals and, by the clause, of attribute names. */
export interface Places {
  of: Map<object, Place>;
  names: Map<object, Place>;
}
export const noPlaces = (): Places => ({ of: new Map(), names: new Map() });

/** Joins queries into one; a member of the same kind is taken apart, a single one stands for itself. */
export function join(op: Junction['op'], queries: readonly Query[]): Query {
  const of = queries.flatMap((query) => (query.op === op ? (query as Junction).of : [query]));
  return of.length === 1 && of[0] ? of[0] : { op, of };
}

/** The nodes directly below: of AND, OR and NOT their operands, of a function its parameters. */
export function childrenOf(query: Query): readonly Query[] {
  if (isJunction(query) || isNegation(query)) return query.of;
  return isMatch(query) ? query.where : [];
}

/** The query and every node below it. */
export function nodesOf(query: Query): Query[] {
  return [query, ...childrenOf(query).flatMap(nodesOf)];
}

/** How deep the query nests; a clause is 1. */
export function depthOf(query: Query): number {
  return 1 + Math.max(0, ...childrenOf(query).map(depthOf));
}

/** The same query with each leaf (clause, function, call) replaced by what `change` answers. */
export function mapLeaves(query: Query, change: (leaf: Clause | Match | Call) => Query): Query {
  if (isJunction(query))
    return join(
      query.op,
      query.of.map((child) => mapLeaves(child, change)),
    );
  if (isNegation(query)) return { op: 'not', of: [mapLeaves(query.of[0], change)] };
  return change(query);
}

/** The leaves of a query from left to right. */
export function leavesOf(query: Query): (Clause | Match | Call)[] {
  return isJunction(query) || isNegation(query) ? query.of.flatMap(leavesOf) : [query];
}

/** Names of every attribute and function that the query uses, each once, in alphabetical order. */
export function attributesOf(query: Query): string[] {
  const names = leavesOf(query).map((leaf) => (isCall(leaf) ? leaf.op : leaf.attribute));
  return [...new Set(names)].sort();
}

/** Slugs of the segments that the query refers to, each once. */
export function segmentsIn(query: Query): string[] {
  const slugs = leavesOf(query).flatMap((leaf) =>
    leaf.op === 'in_segment' ? (leaf.values[0]?.text ?? []) : [],
  );
  return [...new Set(slugs)];
}
