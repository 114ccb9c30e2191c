// Facts as they would be after something that did not happen: one more order, another tag, any other value.
import { isCalendarDate } from '../fields.ts';
import { nearest } from '../nearest.ts';
import type { Literal } from './ast.ts';
import type { FactRow, Facts, FactValue } from './facts.ts';
import type { Catalogue, ListAttribute, ValueAttribute } from './fields.ts';
import { type QueryProblem, type QueryRefusal, refuse } from './problems.ts';
import { type OrderedType, rangesOf, type SpanEnv, spanOf, spellingOf } from './spans.ts';

/** An item of an order that is imagined; `amount` is the total of the line in minor units. */
export interface ImaginedItem {
  productId?: string;
  sku?: string;
  categories?: readonly string[];
  tags?: readonly string[];
  quantity: number;
  amount: number;
}

/** Money in minor units of the store's currency. */
export interface Changes {
  addTags?: readonly string[];
  removeTags?: readonly string[];
  addGroups?: readonly string[];
  removeGroups?: readonly string[];
  /** One more confirmed order, placed now unless told. */
  order?: { amount: number; placedAt?: Date; items?: readonly ImaginedItem[] };
  /** Any attribute with one value: dates as 2026-01-31, money in minor units, null for a missing value. */
  set?: Readonly<Record<string, string | number | boolean | null>>;
}

export interface WhatIfEnv extends SpanEnv {
  catalogue: Catalogue;
}

function changeList(
  attribute: ListAttribute,
  values: readonly string[],
  add: readonly string[] = [],
  remove: readonly string[] = [],
): string[] {
  const keysOf = (list: readonly string[]) => new Set(list.map((value) => attribute.key(value)));
  const gone = keysOf(remove);
  const kept = values.filter((value) => !gone.has(attribute.key(value)));
  const had = keysOf(kept);
  return [...kept, ...add.filter((value) => !had.has(attribute.key(value)))];
}

function changeLists({ lists }: Facts, changes: Changes, { catalogue }: WhatIfEnv): Facts['lists'] {
  const change = (name: string, add?: readonly string[], remove?: readonly string[]) => ({
    [name]: changeList(catalogue.get(name) as ListAttribute, lists[name] ?? [], add, remove),
  });
  return {
    ...lists,
    ...change('customer_tags', changes.addTags, changes.removeTags),
    ...change('customer_groups', changes.addGroups, changes.removeGroups),
  };
}

const number = (value: FactValue | undefined): number => Number(value ?? 0);
const earlier = (one: FactValue | undefined, other: number): number =>
  typeof one === 'number' ? Math.min(one, other) : other;
const later = (one: FactValue | undefined, other: number): number =>
  typeof one === 'number' ? Math.max(one, other) : other;

/** C7: the counters after one more confirmed order. */
function valuesWithOrder({ values }: Facts, amount: number, date: number): Facts['values'] {
  const count = number(values.number_of_orders) + 1;
  const spent = number(values.amount_spent) + amount;
  const last = later(values.last_order_date, date);
  return {
    ...values,
    number_of_orders: count,
    amount_spent: spent,
    average_order_value: Math.round(spent / count),
    first_order_date: earlier(values.first_order_date, date),
    last_order_date: last,
    days_since_last_order: last,
  };
}

function addOrder(
  facts: Facts,
  { amount, placedAt, items = [] }: NonNullable<Changes['order']>,
  env: SpanEnv,
): Facts {
  const date = placedAt?.getTime() ?? env.calendar.at;
  const order: FactRow = {
    date,
    amount,
    status: 'confirmed',
    currency: env.currency,
    channel: null,
    payment_method: null,
    coupon: [],
  };
  const lines = items.map(
    ({ productId = null, sku = null, categories = [], tags = [], quantity, amount: total }): FactRow => ({
      product_id: productId,
      sku,
      category: categories,
      tag: tags,
      date,
      quantity,
      amount: total,
    }),
  );
  const bare: FactRow = {
    product_id: null,
    sku: null,
    category: null,
    tag: null,
    date,
    quantity: null,
    amount: null,
  };
  const { orders_placed: orders = [], products_purchased: products = [], ...rows } = facts.rows;
  return {
    ...facts,
    values: valuesWithOrder(facts, amount, date),
    rows: {
      ...rows,
      orders_placed: [...orders, order],
      products_purchased: [...products, ...(lines.length > 0 ? lines : [bare])],
    },
  };
}

function literalOf(value: string | number): Literal {
  if (typeof value === 'number') return { type: 'number', text: String(value) };
  return { type: isCalendarDate(value) ? 'date' : 'string', text: value };
}

/** A given value as facts hold it; undefined when it does not fit. */
function factOf(
  attribute: ValueAttribute,
  value: string | number | boolean | null,
  env: SpanEnv,
): FactValue | undefined {
  const { type } = attribute;
  if (value === null) return attribute.always ? undefined : null;
  if (type === 'boolean') return typeof value === 'boolean' ? value : undefined;
  if (typeof value === 'boolean') return undefined;
  if (type === 'text') return typeof value === 'string' ? value : undefined;
  if (type === 'word')
    return attribute.words?.find((word) => word.toLowerCase() === String(value).toLowerCase());
  if (type === 'money') return Number.isSafeInteger(value) ? value : undefined;
  return orderedFact(type, literalOf(value), env);
}

/** Of what a value stands for, the end that is nearest to now: a day begins, an age is reached today. */
function orderedFact(type: OrderedType, literal: Literal, env: SpanEnv): FactValue | undefined {
  const span = spanOf(type, literal, env);
  const [range] = span ? rangesOf(type, '=', [span]) : [];
  return type === 'age' ? range?.to : range?.from;
}

function setValues(facts: Facts, set: NonNullable<Changes['set']>, env: WhatIfEnv): Facts | QueryRefusal {
  const values = { ...facts.values };
  const problems: QueryProblem[] = [];
  for (const [name, value] of Object.entries(set)) {
    const place = { pointer: `/changes/set/${name}` };
    const attribute = env.catalogue.get(name);
    if (!attribute) {
      const names = [...env.catalogue.keys()];
      const message = `There is no attribute ${name}.`;
      problems.push({
        code: 'UNKNOWN_ATTRIBUTE',
        message,
        expected: names,
        nearest: nearest(name, names),
        place,
      });
      continue;
    }
    const fact = attribute.kind === 'value' ? factOf(attribute, value, env) : undefined;
    if (fact === undefined) {
      const expected =
        attribute.kind === 'value' ? spellingOf(attribute.type, env) : 'nothing: it has no single value';
      const message = `${JSON.stringify(value)} does not fit ${name}, which takes ${expected}.`;
      problems.push({ code: 'SEGMENT_TYPE', message, expected: [expected], place });
    } else values[name] = fact;
  }
  const [first, ...others] = problems;
  return first ? refuse([first, ...others]) : { ...facts, values };
}

/** The facts after the changes: first the order, then tags and groups, then the values that are set. */
export function imagine(facts: Facts, changes: Changes, env: WhatIfEnv): Facts | QueryRefusal {
  const ordered = changes.order ? addOrder(facts, changes.order, env) : facts;
  const listed = { ...ordered, lists: changeLists(ordered, changes, env) };
  return changes.set ? setValues(listed, changes.set, env) : listed;
}
