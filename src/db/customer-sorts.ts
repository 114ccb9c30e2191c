// How the customer list walks by each of its columns: statements that read an index in order and stop.
import type { Placeholder, SQL } from 'drizzle-orm';
import { sql } from 'drizzle-orm';
import type { CustomerSortColumn } from '../domain/customer-filter.ts';
import { filterConditions, isListed, type Selection } from './customer-selection.ts';

/** A value, or the place of one in a statement that is built once. */
export type Bound = string | number | Placeholder;
/** Behind which row: its sort value, null where it has none, and its id. */
export type Position = readonly [value: Bound | null, id: Bound];

/** A stretch of the list in its order. */
export interface Stretch {
  storeId: Bound;
  descending: boolean;
  after: Position | undefined;
  /** Rows at most; null: to the end. */
  limit: number | null;
  filter: Selection;
  /** Whole rows instead of ids, where the sort can give them: more than an index holds is to be checked. */
  whole?: boolean;
}

export type FilterName = keyof Selection;

/** How one column sorts. The statements select `id` and `key` in order and may include customers that `check` drops. */
export interface Sort {
  /** The value of a customer, on the table `customers`. */
  key(storeId: Bound): SQL;
  /** Walks the customers with a value by index. */
  present(stretch: Stretch): SQL;
  /** Walks those without one, which come last both ways; not there when none is without. */
  absent?(stretch: Stretch): SQL;
  /** The walk can give whole rows. */
  givesRows?: boolean;
  /** Filters that the index of the walk answers too. */
  answers?(filter: Selection): FilterName[];
  /** What an entry of the walk, `walked`, must fulfil besides being listed; on the table `customers`. */
  check?: { present(storeId: Bound): SQL; absent(storeId: Bound): SQL };
}

export const allOf = (conditions: readonly SQL[]): SQL => sql.join([...conditions], sql` and `);
export const direction = ({ descending }: Stretch): SQL => (descending ? sql`desc` : sql`asc`);
export const beyond = ({ descending }: Stretch): SQL => (descending ? sql`<` : sql`>`);
/** In the text and not a parameter: a plan that is kept must know that few rows are wanted. */
const atMost = ({ limit }: Stretch): SQL => (limit === null ? sql`` : sql.raw(`limit ${limit}`));
const idBeyond = (stretch: Stretch, id: SQL): SQL[] =>
  stretch.after ? [sql`${id} ${beyond(stretch)} ${stretch.after[1]}`] : [];

type Answers = NonNullable<Sort['answers']>;

/** Sorted by a column of customers that has an index (store_id, column, id) of the listed ones. */
function byColumn(column: SQL, nullable: boolean, answers: Answers = () => []): Sort {
  const walk = (stretch: Stretch, key: SQL, conditions: SQL[]) => {
    const { storeId, filter } = stretch;
    const answered = filterConditions(storeId, filter, answers(filter));
    return sql`
      select ${stretch.whole ? sql`customers.*` : sql`customers.id`}, ${key} as key from customers
      where ${allOf([isListed(storeId), ...answered, ...conditions])}
      order by ${column} ${direction(stretch)}, customers.id ${direction(stretch)} ${atMost(stretch)}`;
  };
  const sort: Sort = {
    answers,
    givesRows: true,
    key: () => column,
    present: (stretch) => {
      const { after } = stretch;
      // As one row the comparison is an index condition; spelled out with OR it would filter all rows before it.
      const seek = after && sql`(${column}, customers.id) ${beyond(stretch)} (${after[0]}, ${after[1]})`;
      return walk(stretch, column, [
        ...(nullable ? [sql`${column} is not null`] : []),
        ...(seek ? [seek] : []),
      ]);
    },
  };
  // Ordered by the column although it is null throughout: only so the planner sees that the index has this order.
  if (nullable) {
    sort.absent = (stretch) =>
      walk(stretch, sql`null`, [sql`${column} is null`, ...idBeyond(stretch, sql`customers.id`)]);
  }
  return sort;
}

/** Before the first and behind the last id of either direction. */
const FIRST_ID = '00000000-0000-0000-0000-000000000000';
const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/**
 * Walks the few names of a dictionary table in order and under each one its members by index, in order of id. There is
 * no ORDER BY around the join: a lateral subquery can only be joined by a nested loop, which keeps both orders and
 * stops at the limit, where a sort by name and id would first look for the end of each name's members.
 */
function byName(dictionary: SQL, stretch: Stretch, conditions: SQL[], members: (seek: SQL) => SQL): SQL {
  const { storeId, after, descending } = stretch;
  const start = after
    ? sql`case when dictionary.name_key = ${after[0]} then ${after[1]}::uuid else ${descending ? LAST_ID : FIRST_ID}::uuid end`
    : sql`${descending ? LAST_ID : FIRST_ID}::uuid`;
  const names = [
    sql`name.store_id = ${storeId}`,
    ...(after ? [sql`name.name_key ${beyond(stretch)}= ${after[0]}`] : []),
    ...conditions,
  ];
  return sql`
    select member.id, dictionary.name_key as key from (
      select name.id, name.name_key from ${dictionary} name where ${allOf(names)}
      order by name.name_key ${direction(stretch)} offset 0
    ) dictionary cross join lateral (${members(sql`${beyond(stretch)} ${start}`)}) member ${atMost(stretch)}`;
}

const byGroupColumn = byColumn(sql`customers.primary_group_id`, true);

/** By the name of the primary group. */
const byGroup: Sort = {
  ...byGroupColumn,
  givesRows: false,
  key: (storeId) => sql`(
    select g.name_key from groups g where g.store_id = ${storeId} and g.id = customers.primary_group_id)`,
  present: (stretch) =>
    byName(
      sql`groups`,
      stretch,
      [],
      (seek) => sql`
      select customers.id from customers
      where ${isListed(stretch.storeId)} and customers.primary_group_id = dictionary.id and customers.id ${seek}
      order by customers.id ${direction(stretch)} ${atMost(stretch)}`,
    ),
};

const tagsOf = (storeId: Bound, customerId: SQL, conditions: SQL): SQL => sql`
  from customer_tags ct join tags t on t.id = ct.tag_id
  where ct.store_id = ${storeId} and t.store_id = ${storeId} and ct.customer_id = ${customerId} ${conditions}`;

/** By the first tag by name: under a tag stand only the customers that carry no earlier one. */
const byFirstTag: Sort = {
  key: (storeId) => sql`(select min(t.name_key) ${tagsOf(storeId, sql`customers.id`, sql``)})`,
  present: (stretch) => {
    const { storeId, filter } = stretch;
    // The first tag of those who carry all of these is none of the later ones.
    const bounds = (filter.tag ?? []).map(
      (id) => sql`name.name_key <= (
      select t.name_key from tags t where t.store_id = ${storeId} and t.id = ${id})`,
    );
    return byName(
      sql`tags`,
      stretch,
      bounds,
      (seek) => sql`
      select carried.customer_id as id from customer_tags carried
      where carried.store_id = ${storeId} and carried.tag_id = dictionary.id and carried.customer_id ${seek}
      order by carried.customer_id ${direction(stretch)} ${atMost(stretch)} offset 0`,
    );
  },
  absent: (stretch) => sql`
    select customers.id, null as key from customers
    where ${allOf([isListed(stretch.storeId), ...idBeyond(stretch, sql`customers.id`)])}
    order by customers.id ${direction(stretch)} ${atMost(stretch)}`,
  check: {
    present: (storeId) =>
      sql`not exists (select ${tagsOf(storeId, sql`customers.id`, sql`and t.name_key < walked.key`)})`,
    absent: (storeId) => sql`not exists (
      select from customer_tags ct where ct.store_id = ${storeId} and ct.customer_id = customers.id)`,
  },
};

/** One country's customers are in order of city by an index of their own. */
const answeredByCity: Answers = ({ country }) => (country?.length === 1 ? ['city', 'country'] : ['city']);

export const SORTS: Record<CustomerSortColumn, Sort> = {
  name: byColumn(sql`customers.sort_name`, false),
  group: byGroup,
  email: byColumn(sql`customers.email_norm`, true),
  company: byColumn(sql`customers.sort_company`, true),
  tags: byFirstTag,
  city: byColumn(sql`customers.default_city`, true, answeredByCity),
  country: byColumn(sql`customers.default_country`, true, () => ['country']),
  ordersCount: byColumn(sql`customers.orders_count`, false, () => ['ordersCountMin', 'ordersCountMax']),
  lastOrderAt: byColumn(sql`customers.last_order_at`, true, () => ['lastOrderAfter', 'lastOrderBefore']),
  totalSpent: byColumn(sql`customers.total_spent`, false, () => ['totalSpentMin', 'totalSpentMax']),
  accountStatus: byColumn(sql`customers.account_status`, false, () => ['accountStatus', 'hasAccount']),
  createdAt: byColumn(sql`customers.created_at`, false, () => ['createdAfter', 'createdBefore']),
};
