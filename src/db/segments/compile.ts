// The evaluator of sets: a bound query as one condition on the table `customers`. What comes from a query travels as a
// parameter; text of SQL comes from the registry alone. The other evaluator (domain/segments/evaluate.ts) must agree.
import { type Placeholder, type SQL, sql } from 'drizzle-orm';
import {
  type Bound,
  type BoundLeaf,
  type BoundList,
  type BoundRows,
  type BoundValue,
  countTotals,
  holdsForNone,
  isWithin,
  type Range,
  type RowTest,
  type Test,
  type TotalTest,
} from '../../domain/segments/bound.ts';
import type { ListAttribute, OneRow, Scalar, ScalarType } from '../../domain/segments/fields.ts';

/** The store, or its place in a statement that is built once. */
export type StoreId = string | number | Placeholder;

/** Ids of tags and groups by `<table> <key>`: with them the planner knows how many customers each one has. */
export type NameIds = ReadonlyMap<string, string>;
export const nameId = (table: 'tags' | 'groups', key: string): string => `${table} ${key}`;

export interface Target {
  storeId: StoreId;
  /** Where a query has the customer's id. */
  id?: SQL;
  /** Without them names are looked up inside of the condition. */
  ids?: NameIds | undefined;
  /**
   * `set` finds all members at once, aggregates of many orders in one pass; `probe` asks about one customer after the
   * other, for walks that stop early.
   */
  form?: 'set' | 'probe';
}

interface Context extends Target {
  id: SQL;
  /** Aggregates of the whole query. */
  totals: number;
}

/** What the tokens in the registry's text stand for; the currency is looked up where it is not at hand. */
interface Tokens {
  storeId: StoreId;
  currency?: string;
  /** The instant of asking in ms, or its place in a statement that is built once; needed where the text has it. */
  at?: number | Placeholder;
}

const instantSql = (at: number | Placeholder | undefined): SQL =>
  sql`${typeof at === 'number' ? new Date(at).toISOString() : at}::timestamptz`;

/** Text of the registry with its tokens filled in. */
export function registrySql(text: string, { storeId, currency, at }: Tokens): SQL {
  const ofStore = sql`(select s.currency from stores s where s.id = ${storeId})`;
  const parts = text.split(/(?<!:):(store|currency|at)\b/);
  return sql.join(
    parts.map((part, index) => {
      if (index % 2 === 0) return sql.raw(part);
      if (part === 'store') return sql`${storeId}`;
      if (part === 'at') return instantSql(at);
      return currency === undefined ? ofStore : sql`${currency}`;
    }),
  );
}

const allOf = (conditions: readonly SQL[]): SQL => sql.join([...conditions], sql` and `);
const anyOf = (conditions: readonly SQL[]): SQL => sql`(${sql.join([...conditions], sql` or `)})`;
const listOf = (items: readonly SQL[]): SQL => sql.join([...items], sql`, `);
const not = (condition: SQL): SQL => sql`not (${condition})`;

const INT4 = 2 ** 31;

/** A value as the column of its type takes it. */
function parameter(type: ScalarType, value: number | string | boolean): SQL {
  if (type === 'date' || type === 'days_since')
    return sql`${new Date(value as number).toISOString()}::timestamptz`;
  if (type === 'yearly_date') {
    const [month, day] = [Math.floor(Number(value) / 100), Number(value) % 100];
    return sql`(${month}::smallint, ${day}::smallint)`;
  }
  if (type === 'number') return sql`${value}::numeric`;
  // Beyond the range of the column's type a bare parameter could not even be compared.
  return typeof value === 'number' && Math.abs(value) >= INT4 ? sql`${value}::bigint` : sql`${value}`;
}

const isPoint = ({ from, fromOpen, to, toOpen }: Range): boolean =>
  from !== undefined && from === to && !fromOpen && !toOpen;

function rangeSql(expression: SQL, type: ScalarType, range: Range): SQL {
  const { from, fromOpen, to, toOpen } = range;
  const ends: SQL[] = [];
  if (from !== undefined)
    ends.push(sql`${expression} ${fromOpen ? sql`>` : sql`>=`} ${parameter(type, from)}`);
  if (to !== undefined) ends.push(sql`${expression} ${toOpen ? sql`<` : sql`<=`} ${parameter(type, to)}`);
  return ends.length === 0 ? sql`${expression} is not null` : allOf(ends);
}

function rangesSql(expression: SQL, type: ScalarType, ranges: readonly Range[]): SQL {
  if (ranges.length === 0) return sql`false`;
  if (ranges.every(isPoint))
    return amongSql(
      expression,
      ranges.map(({ from }) => parameter(type, from as number | string)),
    );
  return anyOf(ranges.map((range) => sql`(${rangeSql(expression, type, range)})`));
}

/** `= any` of one array hides from the planner how many there are; a list of values does not. */
function amongSql(expression: SQL, values: readonly SQL[]): SQL {
  const [first] = values;
  if (first === undefined) return sql`false`;
  return values.length === 1 ? sql`${expression} = ${first}` : sql`${expression} in (${listOf(values)})`;
}

function testSql(scalar: Scalar, test: Test, tokens: Tokens): SQL {
  const expression = sql`(${registrySql(scalar.sql, tokens)})`;
  switch (test.is) {
    case 'within':
      return rangesSql(expression, scalar.type, test.ranges);
    case 'among': {
      if (scalar.when)
        return anyOf(
          test.keys.map((key) => sql`(${registrySql(scalar.when?.[String(key)] ?? 'false', tokens)})`),
        );
      if (scalar.many)
        return sql`${expression} && array[${listOf(test.keys.map((key) => sql`${key}`))}]::text[]`;
      return amongSql(
        expression,
        test.keys.map((key) => parameter(scalar.type, key)),
      );
    }
    case 'starts':
      return sql`${expression} ^@ ${test.text}`;
    case 'holds':
      return sql`strpos(${expression}, ${test.text}) > 0`;
  }
}

/** A test of a value that may be missing is never null: false, or true where it is negated. */
function twoValued({ always }: Pick<Scalar, 'always'>, condition: SQL, negated: boolean): SQL {
  if (!negated) return condition;
  return always ? not(condition) : sql`(${condition}) is not true`;
}

const ofStore = (stores: readonly string[], storeId: StoreId): SQL[] =>
  stores.map((column) => sql`${sql.raw(column)} = ${storeId}`);

const existsOrNot = (negated: boolean): SQL => (negated ? sql`not exists` : sql`exists`);

/** `exists (…)`: a row of the customer's list that fulfils the condition. */
function listed(context: Context, attribute: ListAttribute, condition: SQL, negated: boolean): SQL {
  const { id, storeId } = context;
  const where = [
    ...ofStore(attribute.stores, storeId),
    sql`${sql.raw(attribute.customer)} = ${id}`,
    condition,
  ];
  return sql`${existsOrNot(negated)} (select from ${registrySql(attribute.from, context)} where ${allOf(where)})`;
}

/** The keys as the columns of the list hold them; what no dictionary knows is nobody's. */
function listValues(
  { ids, storeId }: Context,
  { dictionary }: ListAttribute,
  keys: readonly string[],
): SQL[] {
  if (!dictionary) return keys.map((key) => sql`${key}`);
  const table = sql.raw(dictionary);
  return keys.flatMap((key) => {
    if (!ids)
      return [sql`(select d.id from ${table} d where d.store_id = ${storeId} and d.name_key = ${key})`];
    const known = ids.get(nameId(dictionary, key));
    return known === undefined ? [] : [sql`${known}::uuid`];
  });
}

/** A condition on each of the columns that hold the values of a list: true for any of them. */
const onAnyValue = ({ values }: ListAttribute, condition: (value: SQL) => SQL): SQL =>
  sql`(${sql.join(
    values.map((value) => condition(sql.raw(value))),
    sql` or `,
  )})`;

function listSql(context: Context, { attribute, test }: BoundList, negated: boolean): SQL {
  const has = (keys: readonly string[], isNegated: boolean): SQL => {
    const values = listValues(context, attribute, keys);
    if (values.length === 0) return isNegated ? sql`true` : sql`false`;
    return listed(
      context,
      attribute,
      onAnyValue(attribute, (value) => amongSql(value, values)),
      isNegated,
    );
  };
  switch (test.is) {
    case 'any':
      return has(test.keys, negated);
    case 'every': {
      const each = test.keys.map((key) => has([key], negated));
      return sql`(${sql.join(each, negated ? sql` or ` : sql` and `)})`;
    }
    case 'starts': {
      const condition = onAnyValue(attribute, (value) => sql`${value} ^@ ${test.text}`);
      return listed(context, attribute, condition, negated);
    }
  }
}

/** `exists (…)`: the one row that the customer has, if it fulfils the condition. */
function rowOf(context: Context, one: OneRow, condition: SQL, negated: boolean): SQL {
  const { id, storeId } = context;
  const scope = registrySql(one.scope, { storeId });
  const where = [...ofStore(one.stores, storeId), sql`${sql.raw(one.customer)} = ${id}`, scope, condition];
  return sql`${existsOrNot(negated)} (select from ${registrySql(one.from, context)} where ${allOf(where)})`;
}

/** Where those without a row are meant too, those are left out whose row says otherwise. */
function oneRowSql(
  context: Context,
  { attribute, at, test }: BoundValue,
  one: OneRow,
  negated: boolean,
): SQL {
  const { storeId } = context;
  const condition = testSql(attribute, test, { storeId, at });
  const { otherwise } = one;
  const noneDoes = otherwise !== undefined && test.is === 'within' && isWithin(otherwise, test.ranges);
  return noneDoes
    ? rowOf(context, one, sql`(${condition}) is not true`, !negated)
    : rowOf(context, one, condition, negated);
}

function missingSql(context: Context, bound: Extract<BoundLeaf, { is: 'missing' }>, negated: boolean): SQL {
  const { attribute, at } = bound;
  if (attribute.kind === 'value' && attribute.of) {
    if (attribute.of.otherwise !== undefined) return negated ? sql`true` : sql`false`;
    const { storeId } = context;
    return rowOf(
      context,
      attribute.of,
      sql`(${registrySql(attribute.sql, { storeId, at })}) is not null`,
      !negated,
    );
  }
  if (attribute.kind === 'value') {
    const expression = registrySql(attribute.sql, { ...context, at });
    return sql`(${expression}) is ${negated ? sql`not null` : sql`null`}`;
  }
  const hasValue = onAnyValue(attribute, (value) => sql`${value} is not null`);
  return listed(context, attribute, hasValue, !negated);
}

function rowConditions({ attribute, currency, where }: BoundRows, { storeId }: Context): SQL[] {
  const test = ({ parameter: name, test, negated }: RowTest): SQL => {
    const scalar = attribute.parameters[name] as Scalar;
    return twoValued(scalar, testSql(scalar, test, { storeId, currency }), negated);
  };
  return [...ofStore(attribute.stores, storeId), sql.raw(attribute.scope), ...where.map(test)];
}

/** What the chosen rows fulfil together; never null, for a sum of nothing is 0. */
function totalsSql({ attribute, currency, totals }: BoundRows, { storeId }: Context): SQL {
  const one = ({ aggregate: name, ranges, negated }: TotalTest): SQL => {
    const { of, type } = attribute.aggregates[name] ?? { of: 'rows', type: 'integer' as const };
    const expression =
      of === 'rows'
        ? sql`count(*)`
        : sql`coalesce(sum(${registrySql(attribute.parameters[of]?.sql ?? '0', { storeId, currency })}), 0)`;
    const condition = rangesSql(expression, type, ranges);
    return negated ? not(condition) : condition;
  };
  return allOf(totals.map(one));
}

/**
 * In one pass over the rows of all customers. Where no rows at all would do, those are left out who have others. An
 * aggregate that is the only one of its query stands behind a CTE: joined as it is, each parallel worker works it out
 * anew (up to twice the time). With several, the planner does better when it sees all of them.
 */
function groupedSql(context: Context, bound: BoundRows, negated: boolean): SQL {
  const noneDoes = holdsForNone(bound);
  const totals = totalsSql(bound, context);
  const customer = sql.raw(bound.attribute.customer);
  const members = sql`
    select ${customer} as customer_id from ${registrySql(bound.attribute.from, context)}
    where ${allOf(rowConditions(bound, context))}
    group by ${customer} having ${noneDoes ? not(totals) : totals}`;
  const fitting =
    context.totals > 1
      ? members
      : sql`with fitting as materialized (${members}) select fitting.customer_id from fitting`;
  if (noneDoes === negated) return sql`${context.id} in (${fitting})`;
  return sql`not exists (select from (${fitting}) others where others.customer_id = ${context.id})`;
}

/** By the rows of one customer at a time. */
function probedSql(context: Context, bound: BoundRows, negated: boolean): SQL {
  const { attribute, mayBeNone } = bound;
  const totals = totalsSql(bound, context);
  const conditions = [...rowConditions(bound, context), sql`${sql.raw(attribute.customer)} = ${context.id}`];
  const holds = mayBeNone ? totals : sql`count(*) > 0 and ${totals}`;
  const answer = sql`(select ${holds} from ${registrySql(attribute.from, context)} where ${allOf(conditions)})`;
  return negated ? not(answer) : answer;
}

/** Whether any row fits. Where nothing is asked of the rows, the customer's own columns may know. */
function anyRowSql(context: Context, bound: BoundRows, negated: boolean): SQL {
  const { attribute, where } = bound;
  if (where.length === 0 && attribute.any !== undefined) {
    const any = registrySql(attribute.any, context);
    return negated ? not(any) : any;
  }
  const conditions = [...rowConditions(bound, context), sql`${sql.raw(attribute.customer)} = ${context.id}`];
  const from = registrySql(attribute.from, context);
  return sql`${existsOrNot(negated)} (select from ${from} where ${allOf(conditions)})`;
}

function rowsSql(context: Context, bound: BoundRows, negated: boolean): SQL {
  if (bound.totals.length === 0) return anyRowSql(context, bound, negated);
  return context.form === 'probe' ? probedSql(context, bound, negated) : groupedSql(context, bound, negated);
}

/** The same bits as `sampleBucket` (domain/segments/sample.ts). */
export const bucketSql = (salt: string, id: SQL): SQL =>
  sql`('x' || left(md5(${salt}::text || ':' || ${id}::text), 8))::bit(32)::bigint`;

function leafSql(context: Context, bound: BoundLeaf, isInverted: boolean): SQL {
  switch (bound.is) {
    case 'value': {
      const negated = bound.negated !== isInverted;
      if (bound.attribute.of) return oneRowSql(context, bound, bound.attribute.of, negated);
      const condition = testSql(bound.attribute, bound.test, { ...context, at: bound.at });
      return twoValued(bound.attribute, condition, negated);
    }
    case 'missing':
      return missingSql(context, bound, bound.negated !== isInverted);
    case 'list':
      return listSql(context, bound, bound.negated !== isInverted);
    case 'rows':
      return rowsSql(context, bound, bound.negated !== isInverted);
    case 'sample': {
      const bucket = bucketSql(bound.salt, context.id);
      return isInverted ? sql`${bucket} >= ${bound.below}::bigint` : sql`${bucket} < ${bound.below}::bigint`;
    }
    case 'segment':
      return compile(context, bound.of, isInverted);
  }
}

/** NOT is carried down to the leaves (De Morgan), which are two-valued: there it is `not exists`, which can be joined. */
function compile(context: Context, bound: Bound, isInverted: boolean): SQL {
  switch (bound.is) {
    case 'all':
    case 'any': {
      const word = (bound.is === 'all') !== isInverted ? sql` and ` : sql` or `;
      return sql`(${sql.join(
        bound.of.map((part) => compile(context, part, isInverted)),
        word,
      )})`;
    }
    case 'not':
      return compile(context, bound.of, !isInverted);
    default:
      return leafSql(context, bound, isInverted);
  }
}

const contextOf = (bound: Bound, target: Target): Context => ({
  ...target,
  id: target.id ?? sql`customers.id`,
  totals: countTotals(bound),
});

/**
 * The condition for `… from customers where <listed> and <condition>`; the table must go by its own name. It may be
 * null where it is not true, so it must not be negated: bind the negated query instead.
 */
export const conditionOf = (bound: Bound, target: Target): SQL =>
  compile(contextOf(bound, target), bound, false);

/** The parts that AND joins on top: conditions of their own for the planner. */
export function conditionsOf(bound: Bound, target: Target): SQL[] {
  const context = contextOf(bound, target);
  return (bound.is === 'all' ? bound.of : [bound]).map((part) => compile(context, part, false));
}

/** Whether the customer's own columns are asked for, not only what others say about the id. */
function asksRow(bound: Bound): boolean {
  switch (bound.is) {
    case 'all':
    case 'any':
      return bound.of.some(asksRow);
    case 'not':
    case 'segment':
      return asksRow(bound.of);
    case 'rows':
      return bound.attribute.any !== undefined && bound.where.length + bound.totals.length === 0;
    case 'value':
    case 'missing':
      return bound.attribute.kind === 'value' && bound.attribute.of === undefined;
    default:
      return false;
  }
}

/** The parts that AND joins on top, in two: those that an id is enough for, and those that need the customer's row. */
export function splitByRow(bound: Bound): { ofId: Bound[]; ofRow: Bound[] } {
  const parts = bound.is === 'all' ? bound.of : [bound];
  return { ofId: parts.filter((part) => !asksRow(part)), ofRow: parts.filter(asksRow) };
}

/** Names of tags and groups that a query asks for, as their keys. */
export function namesIn(bound: Bound): { table: 'tags' | 'groups'; key: string }[] {
  switch (bound.is) {
    case 'all':
    case 'any':
      return bound.of.flatMap(namesIn);
    case 'not':
    case 'segment':
      return namesIn(bound.of);
    case 'list': {
      const { dictionary: table } = bound.attribute;
      return table && bound.test.is !== 'starts' ? bound.test.keys.map((key) => ({ table, key })) : [];
    }
    default:
      return [];
  }
}
