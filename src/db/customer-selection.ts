// Which customers a filter selects, as SQL conditions on the table `customers`: for lists, exports and bulk actions.
import { type SQL, sql } from 'drizzle-orm';
import { cityKey, postcodeKey } from '../domain/addresses.ts';
import {
  type CustomerFilter,
  STATUSES_WITH_ACCOUNT,
  searchTerm,
  wantedRegionKey,
} from '../domain/customer-filter.ts';
import { groupKey } from '../domain/groups.ts';
import type { Bound } from '../domain/segments/bound.ts';
import { tagKey } from '../domain/tags.ts';
import { type Db, statement } from './connection.ts';
import {
  conditionsOf,
  type NameIds,
  nameId,
  namesIn as namesInSegment,
  type StoreId,
} from './segments/compile.ts';

/** What is asked of the database: the filter, its segment query bound to an instant. */
export type Selection = Omit<CustomerFilter, 'filter'> & { segment?: Bound };

/** A selection whose names of tags and groups are looked up. */
type Resolved = Selection & { ids?: NameIds };

/** Hits of a quick search that a filter or an explicit sort looks at. */
export const MAX_SEARCH_HITS = 50_000;

const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;

const tagId = (storeId: StoreId, value: string): SQL =>
  UUID.test(value)
    ? sql`${value}::uuid`
    : sql`(select t.id from tags t where t.store_id = ${storeId} and t.name_key = ${tagKey(value)})`;

const groupId = (storeId: StoreId, value: string): SQL =>
  UUID.test(value)
    ? sql`${value}::uuid`
    : sql`(select g.id from groups g where g.store_id = ${storeId} and g.name_key = ${groupKey(value)})`;

/** `= any` of one list hides from the planner how many there are; a list of values does not. */
const list = (items: readonly SQL[]): SQL => sql.join([...items], sql`, `);

const carriesTag = ({ storeId, id }: Subject, condition: SQL): SQL => sql`exists (
  select from customer_tags ct
  where ct.store_id = ${storeId} and ct.customer_id = ${id} and ct.tag_id ${condition})`;

const isInGroup = ({ storeId, id }: Subject, groupValue: string): SQL => sql`exists (
  select from group_members gm
  where gm.store_id = ${storeId} and gm.customer_id = ${id} and gm.group_id = ${groupId(storeId, groupValue)})`;

/** Whose conditions: the store, and where a query has the customer's id. */
interface Subject {
  storeId: StoreId;
  id: SQL;
  /** Whether customers are found all at once or asked about one after the other (segments/compile.ts). */
  form: 'set' | 'probe';
}

type Conditions = {
  [Name in keyof Required<Selection>]: (
    value: Required<Selection>[Name],
    subject: Subject,
    selection: Resolved,
  ) => SQL[];
};

/** Filters that need the customer's id alone, not the row. */
export const MEMBERSHIP_FILTERS = [
  'tag',
  'tagAny',
  'group',
  'notGroup',
] as const satisfies (keyof Selection)[];

/** One filter each. Under row-level security only = < <= > >= ^@ use an index. */
const CONDITIONS: Conditions = {
  q: (q, { id }) => [
    sql`${id} in (select hit.id from matching_customers(${searchTerm(q)}, ${MAX_SEARCH_HITS}) hit)`,
  ],
  accountStatus: (statuses) => [
    sql`customers.account_status in (${list(statuses.map((status) => sql`${status}`))})`,
  ],
  hasAccount: (wanted) => [
    sql`customers.account_status ${wanted ? sql`in` : sql`not in`} (${list(STATUSES_WITH_ACCOUNT.map((status) => sql`${status}`))})`,
  ],
  group: (values, subject) => values.map((value) => isInGroup(subject, value)),
  notGroup: (values, subject) => values.map((value) => sql`not ${isInGroup(subject, value)}`),
  tag: (values, subject) =>
    values.map((value) => carriesTag(subject, sql`= ${tagId(subject.storeId, value)}`)),
  tagAny: (values, subject) => [
    carriesTag(subject, sql`in (${list(values.map((value) => tagId(subject.storeId, value)))})`),
  ],
  salesAgent: (id) => [sql`customers.sales_agent_id = ${id}`],
  country: (codes) => [
    sql`customers.default_country in (${list(codes.map((code) => sql`${code.toUpperCase()}`))})`,
  ],
  region: (region, _, { country }) => [sql`customers.default_region = ${wantedRegionKey(region, country)}`],
  city: (city) => [sql`customers.default_city = ${cityKey(city)}`],
  postcode: (prefix) => [sql`customers.default_postcode ^@ ${postcodeKey(prefix)}`],
  ordersCountMin: (count) => [sql`customers.orders_count >= ${count}`],
  ordersCountMax: (count) => [sql`customers.orders_count <= ${count}`],
  totalSpentMin: (amount) => [sql`customers.total_spent >= ${amount}`],
  totalSpentMax: (amount) => [sql`customers.total_spent <= ${amount}`],
  lastOrderAfter: (time) => [sql`customers.last_order_at >= ${time}`],
  lastOrderBefore: (time) => [sql`customers.last_order_at <= ${time}`],
  createdAfter: (time) => [sql`customers.created_at >= ${time}`],
  createdBefore: (time) => [sql`customers.created_at <= ${time}`],
  acceptsMarketing: (wanted) => [sql`customers.accepts_marketing = ${wanted}`],
  segment: (bound, { storeId, id, form }, { ids }) => {
    const conditions = conditionsOf(bound, { storeId, id, ids, form });
    // As a subquery of its own each is asked of the customers that a walk meets; joined, it would end the walk's order.
    return form === 'probe' ? conditions.map((condition) => sql`(select ${condition})`) : conditions;
  },
};

const FILTER_NAMES = Object.keys(CONDITIONS) as (keyof Selection)[];

const conditionsFor = <Name extends keyof Selection>(
  name: Name,
  subject: Subject,
  selection: Resolved,
): SQL[] => {
  const value = selection[name];
  if (value === undefined) return [];
  return CONDITIONS[name](value as Required<Selection>[Name], subject, selection);
};

/** Of the store and listed: what every selection starts with. The words of the partial indexes, so that they apply. */
export const isListed = (storeId: StoreId): SQL =>
  sql`customers.store_id = ${storeId} and customers.account_status not in ('merged', 'erased')`;

/** What a quick search finds by, as a condition on one row: the same as matching_customers, where no index is at hand. */
export function matchesSearch(q: string): SQL {
  const term = searchTerm(q);
  const stands =
    [...term].length < 3
      ? sql`customers.email_norm ^@ ${term}`
      : sql`strpos(customers.search_text, ${term}) > 0`;
  return sql`(${stands} or customers.sort_name ^@ ${term})`;
}

/** The conditions of a filter (of the named members), one or more for each; [] selects every customer. */
export const filterConditions = (
  storeId: StoreId,
  selection: Selection,
  names: readonly (keyof Selection)[] = FILTER_NAMES,
  { id = sql`customers.id`, form = 'set' }: Partial<Pick<Subject, 'id' | 'form'>> = {},
): SQL[] => names.flatMap((name) => conditionsFor(name, { storeId, id, form }, selection));

/** The members that a selection has. */
export const namesOf = (selection: Selection): (keyof Selection)[] =>
  FILTER_NAMES.filter((name) => selection[name] !== undefined);

/**
 * The whole condition for `… from customers where <condition>`: of the store, neither merged nor erased, and as the
 * filter says. The table must go by its own name, `customers`.
 */
export const selectionCondition = (storeId: StoreId, selection: Selection): SQL =>
  sql.join([isListed(storeId), ...filterConditions(storeId, selection)], sql` and `);

const findNames = statement<
  { tagKeys: string[]; groupKeys: string[] },
  { table: 'tags' | 'groups'; key: string; id: string }
>(
  'find_filter_names',
  (p) => sql`
    select 'tags' as "table", t.name_key as key, t.id from tags t
      where t.store_id = ${p.storeId} and t.name_key = any(${p.tagKeys}::text[])
    union all
    select 'groups', g.name_key, g.id from groups g
      where g.store_id = ${p.storeId} and g.name_key = any(${p.groupKeys}::text[])`,
);

/**
 * The same selection with ids for the names of tags and groups, so that the planner knows how many customers each one
 * has: a tag of ten customers and one of half the store need different plans. Unknown names stay, and select nobody.
 */
export async function resolveNames(db: Db, selection: Selection): Promise<Resolved> {
  const inSegment = selection.segment ? namesInSegment(selection.segment) : [];
  const keysOf = (table: 'tags' | 'groups') =>
    inSegment.filter((name) => name.table === table).map(({ key }) => key);
  const tagKeys = [...namesIn(selection, TAG_FILTERS).map(tagKey), ...keysOf('tags')];
  const groupKeys = [...namesIn(selection, GROUP_FILTERS).map(groupKey), ...keysOf('groups')];
  if (tagKeys.length + groupKeys.length === 0) return selection;
  const rows = await findNames(db, { tagKeys, groupKeys });
  const ids = new Map(rows.map((row) => [nameId(row.table, row.key), row.id]));
  const resolved: Resolved = { ...selection, ids };
  for (const name of TAG_FILTERS) replace(resolved, name, (value) => ids.get(nameId('tags', tagKey(value))));
  for (const name of GROUP_FILTERS)
    replace(resolved, name, (value) => ids.get(nameId('groups', groupKey(value))));
  return resolved;
}

const TAG_FILTERS = ['tag', 'tagAny'] as const;
const GROUP_FILTERS = ['group', 'notGroup'] as const;
type NameFilter = (typeof TAG_FILTERS | typeof GROUP_FILTERS)[number];

const namesIn = (selection: Selection, members: readonly NameFilter[]): string[] =>
  members.flatMap((member) => selection[member] ?? []).filter((value) => !UUID.test(value));

function replace(selection: Selection, member: NameFilter, idOf: (name: string) => string | undefined): void {
  const values = selection[member];
  if (values) selection[member] = values.map((value) => idOf(value) ?? value);
}
