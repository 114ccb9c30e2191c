// The customer list: which ids stand on a page and in which order, in few reads at any number of customers.
import { type SQL, sql } from 'drizzle-orm';
import {
  type CustomerFilter,
  type CustomerSort,
  type CustomerSortColumn,
  DEFAULT_CUSTOMER_SORT,
  searchTerm,
} from '../domain/customer-filter.ts';
import type { PageStart } from '../domain/pages.ts';
import { type Db, execute } from './connection.ts';
import {
  filterConditions,
  isListed,
  MAX_SEARCH_HITS,
  MEMBERSHIP_FILTERS,
  namesOf,
  resolveNames,
  selectionCondition,
} from './customer-selection.ts';

/** The value that a row is sorted by, null where it has none, and its id. */
export type SortKey = readonly [value: string | number | null, id: string];
/** How well a row fits the search words: rank 0 is best, similarity 1 is most. */
export type RelevanceKey = readonly [rank: number, similarity: number, id: string];

/** Where a row stands; which of the two follows from what is asked. */
export type ListKey = SortKey | RelevanceKey;

export interface Listed {
  id: string;
  key: ListKey;
}

/** A stretch of the list in its order. */
interface Stretch {
  storeId: string;
  descending: boolean;
  after: SortKey | undefined;
  /** Rows at most; null: to the end. */
  limit: number | null;
  filter: CustomerFilter;
}

type FilterName = keyof CustomerFilter;

/** How one column sorts. The statements select `id` and `key` in order and may include customers that `check` drops. */
interface Sort {
  /** The value of a customer, on the table `customers`. */
  key(storeId: string): SQL;
  /** Walks the customers with a value by index. */
  present(stretch: Stretch): SQL;
  /** Walks those without one, which come last both ways; not there when none is without. */
  absent?(stretch: Stretch): SQL;
  /** Filters that the index of the walk answers too. */
  answers?(filter: CustomerFilter): FilterName[];
  /** What an entry of the walk, `walked`, must fulfil besides being listed; on the table `customers`. */
  check?: { present(storeId: string): SQL; absent(storeId: string): SQL };
}

const allOf = (conditions: readonly SQL[]): SQL => sql.join([...conditions], sql` and `);
const direction = ({ descending }: Stretch): SQL => (descending ? sql`desc` : sql`asc`);
const beyond = ({ descending }: Stretch): SQL => (descending ? sql`<` : sql`>`);
const idBeyond = (stretch: Stretch, id: SQL): SQL[] =>
  stretch.after ? [sql`${id} ${beyond(stretch)} ${stretch.after[1]}`] : [];

type Answers = NonNullable<Sort['answers']>;

/** Sorted by a column of customers that has an index (store_id, column, id) of the listed ones. */
function byColumn(column: SQL, nullable: boolean, answers: Answers = () => []): Sort {
  const walk = (stretch: Stretch, key: SQL, conditions: SQL[]) => {
    const { storeId, filter } = stretch;
    const answered = filterConditions(storeId, filter, answers(filter));
    return sql`
      select customers.id, ${key} as key from customers
      where ${allOf([isListed(storeId), ...answered, ...conditions])}
      order by ${column} ${direction(stretch)}, customers.id ${direction(stretch)} limit ${stretch.limit}`;
  };
  const sort: Sort = {
    answers,
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
  const { storeId, after, descending, limit } = stretch;
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
    ) dictionary cross join lateral (${members(sql`${beyond(stretch)} ${start}`)}) member limit ${limit}`;
}

const byGroupColumn = byColumn(sql`customers.primary_group_id`, true);

/** By the name of the primary group. */
const byGroup: Sort = {
  ...byGroupColumn,
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
      order by customers.id ${direction(stretch)} limit ${stretch.limit}`,
    ),
};

const tagsOf = (storeId: string, customerId: SQL, conditions: SQL): SQL => sql`
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
      order by carried.customer_id ${direction(stretch)} limit ${stretch.limit} offset 0`,
    );
  },
  absent: (stretch) => sql`
    select customers.id, null as key from customers
    where ${allOf([isListed(stretch.storeId), ...idBeyond(stretch, sql`customers.id`)])}
    order by customers.id ${direction(stretch)} limit ${stretch.limit}`,
  check: {
    present: (storeId) =>
      sql`not exists (select ${tagsOf(storeId, sql`customers.id`, sql`and t.name_key < walked.key`)})`,
    absent: (storeId) => sql`not exists (
      select from customer_tags ct where ct.store_id = ${storeId} and ct.customer_id = customers.id)`,
  },
};

/** One country's customers are in order of city by an index of their own. */
const answeredByCity: Answers = ({ country }) => (country?.length === 1 ? ['city', 'country'] : ['city']);

const SORTS: Record<CustomerSortColumn, Sort> = {
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

/** A question to the list: what is shown, how it is sorted, and where the page stands. */
interface Question {
  sort: Sort;
  filter: CustomerFilter;
  storeId: string;
  descending: boolean;
  after: SortKey | undefined;
  limit: number;
}

type Row = { id: string; key: unknown };
type Branch = 'present' | 'absent';

/** The branches that the page can reach, each with where it begins. */
function branchesOf({ sort, after }: Question): { branch: Branch; after: SortKey | undefined }[] {
  if (after && after[0] === null) return [{ branch: 'absent', after }];
  const branches: { branch: Branch; after: SortKey | undefined }[] = [{ branch: 'present', after }];
  if (sort.absent) branches.push({ branch: 'absent', after: undefined });
  return branches;
}

/** The walk alone: `limit` entries of a branch in order, checked or not. */
function entriesOf(
  { sort, ...question }: Question,
  branch: Branch,
  after: SortKey | undefined,
  limit: number | null,
): SQL {
  const stretch = { ...question, after, limit };
  return branch === 'absent' && sort.absent ? sort.absent(stretch) : sort.present(stretch);
}

/** Filters that the walk does not answer by itself. */
const uncheckedBy = ({ sort, filter }: Question): FilterName[] => {
  const answered = sort.answers?.(filter) ?? [];
  return namesOf(filter).filter((name) => !answered.includes(name));
};

const isMembership = (name: FilterName): boolean =>
  (MEMBERSHIP_FILTERS as readonly FilterName[]).includes(name);

/**
 * What each entry of the walk is checked for, one by one: the parentheses around each subquery keep it from being
 * joined, and so the order of the walk and the stop at the limit. Tags and groups need no look at the row.
 */
function checksOf(question: Question, branch: Branch): SQL[] {
  const { sort, filter, storeId } = question;
  const names = uncheckedBy(question);
  const memberships = filterConditions(storeId, filter, names.filter(isMembership), sql`walked.id`);
  const ofRow = filterConditions(
    storeId,
    filter,
    names.filter((name) => !isMembership(name)),
  );
  if (sort.check) ofRow.push(sort.check[branch](storeId));
  const checks = memberships.map((condition) => sql`(select ${condition})`);
  if (ofRow.length > 0) {
    checks.push(
      sql`(select true from customers where ${allOf([isListed(storeId), sql`customers.id = walked.id`, ...ofRow])})`,
    );
  }
  return checks;
}

/** The first `limit` entries of a branch that pass the checks, among its first `window`. */
function walk(
  question: Question,
  branch: Branch,
  after: SortKey | undefined,
  limit: number,
  window: number | null,
): SQL {
  const checks = checksOf(question, branch);
  if (checks.length === 0) return entriesOf(question, branch, after, limit);
  return sql`
    select walked.id, walked.key from (${entriesOf(question, branch, after, window)} offset 0) walked
    where ${allOf(checks)} limit ${limit}`;
}

/** The branches in turn to their ends; Postgres runs the second only when the first left room. */
function walkAll(question: Question): SQL {
  const branches = branchesOf(question).map(
    ({ branch, after }) => sql`(${walk(question, branch, after, question.limit, null)})`,
  );
  return sql`select id, key from (${sql.join(branches, sql` union all `)}) page limit ${question.limit}`;
}

/** All that the filter selects, by its own indexes, sorted afterwards. */
function collect(question: Question): SQL {
  const { sort, filter, storeId } = question;
  return sql`
    with chosen as materialized (
      select customers.id, ${sort.key(storeId)} as key from customers where ${selectionCondition(storeId, filter)}
    )
    select id, key from chosen where ${isBehind(question)}
    order by key ${direction(question)} nulls last, id ${direction(question)} limit ${question.limit}`;
}

function isBehind(stretch: Stretch): SQL {
  const { after } = stretch;
  if (!after) return sql`true`;
  const [value, id] = after;
  if (value === null) return sql`key is null and id ${beyond(stretch)} ${id}`;
  return sql`((key, id) ${beyond(stretch)} (${value}, ${id}) or key is null)`;
}

/**
 * How many rows a page may read before the other way is better. Walking finds a page of n among m chosen of a million
 * after n · 1,000,000 ÷ m entries, collecting reads m: they meet at 1,000 √n.
 */
const reach = (limit: number): number => Math.round(1_000 * Math.sqrt(limit));

/**
 * Walks each branch as far as a page is worth; undefined when the chosen ones are rarer in this order than they are
 * on the whole (those who spend most, sorted by who spends least).
 */
async function walkInReach(db: Db, question: Question): Promise<Row[] | undefined> {
  const { limit } = question;
  const window = 2 * reach(limit);
  const rows: Row[] = [];
  for (const { branch, after } of branchesOf(question)) {
    rows.push(...(await execute<Row>(db, walk(question, branch, after, limit - rows.length, window))));
    if (rows.length === limit) return rows;
    const [next] = await execute(db, sql`${entriesOf(question, branch, after, window + 1)} offset ${window}`);
    if (next) return undefined;
  }
  return rows;
}

async function readRows(db: Db, question: Question): Promise<Row[]> {
  const { filter, limit } = question;
  if (uncheckedBy(question).length === 0) return execute(db, walkAll(question));
  const isFew = filter.q !== undefined || (await estimateCustomers(db, filter)) <= reach(limit);
  const walked = isFew ? undefined : await walkInReach(db, question);
  return walked ?? execute(db, collect(question));
}

const sortValue = (key: unknown): SortKey[0] =>
  key instanceof Date ? key.toISOString() : (key as SortKey[0]);

async function listSorted(
  db: Db,
  { filter: given, sort, after, limit }: PageStart<SortKey> & { filter: CustomerFilter; sort: CustomerSort },
): Promise<Listed[]> {
  const filter = await resolveNames(db, given);
  const descending = sort.startsWith('-');
  const column = (descending ? sort.slice(1) : sort) as CustomerSortColumn;
  const rows = await readRows(db, {
    sort: SORTS[column],
    filter,
    storeId: db.storeId,
    descending,
    after,
    limit,
  });
  return rows.map(({ id, key }) => ({ id, key: [sortValue(key), id] }));
}

/** Hits of a plain quick search that are ranked. */
export const MAX_RANKED_HITS = 1_000;

async function listByRelevance(
  db: Db,
  {
    filter: { q, ...others },
    after,
    limit,
  }: PageStart<RelevanceKey> & { filter: CustomerFilter & { q: string } },
): Promise<Listed[]> {
  const conditions = filterConditions(db.storeId, await resolveNames(db, others));
  const hits = conditions.length > 0 ? MAX_SEARCH_HITS : MAX_RANKED_HITS;
  const seek = after && sql`(hit.rank, -hit.similarity, hit.id) > (${after[0]}, ${-after[1]}, ${after[2]})`;
  const rows = await execute<{ id: string; rank: number; similarity: number }>(
    db,
    sql`
      select hit.id, hit.rank, hit.similarity
      from search_customers(${searchTerm(q)}, ${hits}) hit join customers on customers.id = hit.id
      where ${allOf([isListed(db.storeId), ...conditions, ...(seek ? [seek] : [])])}
      order by hit.rank, -hit.similarity, hit.id limit ${limit}`,
  );
  return rows.map(({ id, rank, similarity }) => ({ id, key: [rank, similarity, id] }));
}

/**
 * The ids of one page of the selected customers. Sorted: ties by id, missing values last. Without a sort a quick search
 * shows the best fits first, rank, similarity, id, and any other selection the newest customers.
 */
export function listCustomerIds(
  db: Db,
  { sort, after, ...rest }: PageStart<ListKey> & { filter: CustomerFilter; sort?: CustomerSort | undefined },
): Promise<Listed[]> {
  const { limit, filter } = rest;
  const { q } = filter;
  if (sort === undefined && q !== undefined) {
    return listByRelevance(db, { filter: { ...filter, q }, limit, after: after?.length === 3 ? after : undefined });
  }
  const start = after?.length === 2 ? after : undefined;
  return listSorted(db, { filter, limit, sort: sort ?? DEFAULT_CUSTOMER_SORT, after: start });
}

/** How many customers the filter selects. */
export async function countCustomers(db: Db, filter: CustomerFilter): Promise<number> {
  const condition = selectionCondition(db.storeId, await resolveNames(db, filter));
  const [row] = await execute<{ total: number }>(
    db,
    sql`select count(*) as total from customers where ${condition}`,
  );
  return row?.total ?? 0;
}

type Explained = { 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] };

/** How many customers the planner expects the filter to select; costs the planning alone. */
export async function estimateCustomers(db: Db, filter: CustomerFilter): Promise<number> {
  const condition = selectionCondition(db.storeId, await resolveNames(db, filter));
  const [row] = await execute<Explained>(
    db,
    sql`explain (format json) select from customers where ${condition}`,
  );
  return row?.['QUERY PLAN'][0].Plan['Plan Rows'] ?? 0;
}
