// The customer list: which ids stand on a page and in which order, in few reads at any number of customers.
import { type SQL, sql } from 'drizzle-orm';
import {
  type CustomerSort,
  type CustomerSortColumn,
  DEFAULT_CUSTOMER_SORT,
  searchTerm,
} from '../domain/customer-filter.ts';
import type { PageStart } from '../domain/pages.ts';
import { type Bound, countTotals } from '../domain/segments/bound.ts';
import { type Db, execute, statement } from './connection.ts';
import { countHits, estimateSelection } from './customer-counts.ts';
import {
  filterConditions,
  isListed,
  MAX_SEARCH_HITS,
  MEMBERSHIP_FILTERS,
  matchesSearch,
  namesOf,
  resolveNames,
  type Selection,
  selectionCondition,
} from './customer-selection.ts';
import {
  allOf,
  beyond,
  direction,
  type FilterName,
  type Position,
  SORTS,
  type Stretch,
} from './customer-sorts.ts';
import { splitByRow } from './segments/compile.ts';

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

/** A question to the list: what is shown, how it is sorted, and where the page stands. */
interface Question extends Stretch {
  column: CustomerSortColumn;
  limit: number;
}

type Row = { id: string; key: unknown };
type Branch = 'present' | 'absent';
interface Start {
  branch: Branch;
  after: Position | undefined;
}

/** The branches that the page can reach, each with where it begins. */
function branchesOf({ column, after }: Question): Start[] {
  if (after && after[0] === null) return [{ branch: 'absent', after }];
  const present: Start = { branch: 'present', after };
  return SORTS[column].absent ? [present, { branch: 'absent', after: undefined }] : [present];
}

/** The walk alone: `limit` entries of a branch in order, checked or not. */
function entriesOf(question: Question, { branch, after }: Start, limit: number | null): SQL {
  const sort = SORTS[question.column];
  const stretch = { ...question, after, limit };
  return branch === 'absent' && sort.absent ? sort.absent(stretch) : sort.present(stretch);
}

/** Filters that the walk does not answer by itself. */
const uncheckedBy = ({ column, filter }: Question): FilterName[] => {
  const answered = SORTS[column].answers?.(filter) ?? [];
  return namesOf(filter).filter((name) => !answered.includes(name));
};

const isMembership = (name: FilterName): boolean =>
  (MEMBERSHIP_FILTERS as readonly FilterName[]).includes(name);

/** Parts of a segment, asked of one customer after the other. */
const segmentChecks = ({ filter, storeId }: Question, parts: readonly Bound[], id: SQL): SQL[] =>
  parts.flatMap((segment) =>
    filterConditions(storeId, { ...filter, segment }, ['segment'], { id, form: 'probe' }),
  );

/** What each entry of the walk is checked for: conditions on its id, named by `id`, and on the row of `customers`. */
function checksOf(question: Question, branch: Branch, id: SQL): { ofId: SQL[]; ofRow: SQL[] } {
  const { column, filter, storeId } = question;
  const { check } = SORTS[column];
  const names = uncheckedBy(question);
  const others = names.filter((name) => name !== 'segment');
  const rowNames = others.filter((name) => !isMembership(name) && name !== 'q');
  const parts = filter.segment ? splitByRow(filter.segment) : { ofId: [], ofRow: [] };
  const ofId = [
    ...filterConditions(storeId, filter, others.filter(isMembership), { id }),
    ...segmentChecks(question, parts.ofId, id),
  ];
  const ofRow = [
    ...filterConditions(storeId, filter, rowNames),
    ...segmentChecks(question, parts.ofRow, sql`customers.id`),
  ];
  if (filter.q !== undefined) ofRow.push(matchesSearch(filter.q));
  if (check) ofRow.push(check[branch](storeId));
  // The parentheses make each a subquery of its own: joined, it would cost the order of the walk and the stop at the limit.
  return { ofId: ofId.map((condition) => sql`(select ${condition})`), ofRow };
}

/** The first `limit` entries of a branch that pass the checks, among its first `window`. */
function walk(question: Question, start: Start, limit: number, window: number | null): SQL {
  const { column, storeId } = question;
  const { ofId, ofRow } = checksOf(question, start.branch, sql`walked.id`);
  if (ofId.length + ofRow.length === 0) return entriesOf(question, start, limit);
  if (ofRow.length > 0 && SORTS[column].givesRows) return walkRows(question, start, limit, window);
  const rowPasses = sql`(
    select true from customers where ${allOf([isListed(storeId), sql`customers.id = walked.id`, ...ofRow])})`;
  return sql`
    select walked.id, walked.key from (${entriesOf(question, start, window)} offset 0) walked
    where ${allOf(ofRow.length > 0 ? [...ofId, rowPasses] : ofId)} ${sql.raw(`limit ${limit}`)}`;
}

/** The same where the walk brings the rows along, under the name of their table. */
function walkRows(question: Question, start: Start, limit: number, window: number | null): SQL {
  const { ofId, ofRow } = checksOf(question, start.branch, sql`customers.id`);
  return sql`
    select customers.id, customers.key from (
      ${entriesOf({ ...question, whole: true }, start, window)} offset 0
    ) customers where ${allOf([...ofRow, ...ofId])} ${sql.raw(`limit ${limit}`)}`;
}

/** The branches in turn to their ends; Postgres runs the second only when the first left room. */
function walkAll(question: Question): SQL {
  const { limit } = question;
  const branches = branchesOf(question).map((start) => sql`(${walk(question, start, limit, null)})`);
  return sql`select id, key from (${sql.join(branches, sql` union all `)}) page ${sql.raw(`limit ${limit}`)}`;
}

/** Sizes that statements are built for, so that a connection keeps a few plans and not one for each limit. */
const SIZES = [21, 51, 101, 1_000];

type KeptWalk = (db: Db, params: { value: SortKey[0]; id: string }) => Promise<Row[]>;
const keptWalks = new Map<string, KeptWalk>();

/** The walk through all customers, built and planned once for each column, direction, branch and size. */
function keptWalk({ column, descending, after }: Question, limit: number): KeptWalk {
  const place = after === undefined ? 'start' : after[0] === null ? 'absent' : 'present';
  const name = `walk_${column}_${descending ? 'down' : 'up'}_${place}_${limit}`;
  let kept = keptWalks.get(name);
  if (!kept) {
    kept = statement<{ value: SortKey[0]; id: string }, Row>(name, ({ storeId, value, id }) => {
      const position = place === 'start' ? undefined : ([place === 'absent' ? null : value, id] as const);
      return walkAll({ column, descending, filter: {}, limit, storeId, after: position });
    });
    keptWalks.set(name, kept);
  }
  return kept;
}

async function readAll(db: Db, question: Question, after: SortKey | undefined): Promise<Row[]> {
  const { limit } = question;
  const size = SIZES.find((candidate) => candidate >= limit) ?? limit;
  const [value, id] = after ?? [null, ''];
  return (await keptWalk(question, size)(db, { value, id })).slice(0, limit);
}

/** All that the filter selects, by its own indexes, sorted afterwards. */
function collect(question: Question): SQL {
  const { column, filter, storeId } = question;
  return sql`
    with chosen as materialized (
      select customers.id, ${SORTS[column].key(storeId)} as key from customers where ${selectionCondition(storeId, filter)}
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

/** Entries that a walk looks at, however much work collecting would be. */
const MAX_WALK = 25_000;

/** Cost of looking at one entry of a walk, in units of the planner: its row, or with totals all orders of a customer. */
const ENTRY_COST = { plain: 3, totals: 20 };

/**
 * How much work it is to collect all that are selected, in entries of a walk: one for each of them, and more where a
 * segment has to look at far more than its members to find them.
 */
async function collectingEffort(db: Db, { filter: { q: _, ...others } }: Question): Promise<number> {
  const { customers, cost } = await estimateSelection(db, others);
  const { segment } = others;
  return segment
    ? Math.max(customers, cost / ENTRY_COST[countTotals(segment) > 0 ? 'totals' : 'plain'])
    : customers;
}

/**
 * Walks each branch as far as a page is worth, or half as far as collecting is; undefined when the chosen ones are rarer
 * in this order than they are on the whole (those who spend most, sorted by who spends least).
 */
async function walkInReach(db: Db, question: Question, effort: number): Promise<Row[] | undefined> {
  const { limit } = question;
  const window = Math.round(Math.max(2 * reach(limit), Math.min(effort / 2, MAX_WALK)));
  const rows: Row[] = [];
  for (const start of branchesOf(question)) {
    rows.push(...(await execute<Row>(db, walk(question, start, limit - rows.length, window))));
    if (rows.length === limit) return rows;
    const [next] = await execute(db, sql`${entriesOf(question, start, window + 1)} offset ${window}`);
    if (next) return undefined;
  }
  return rows;
}

async function readRows(db: Db, question: Question, after: SortKey | undefined): Promise<Row[]> {
  const { filter, limit } = question;
  if (namesOf(filter).length === 0) return readAll(db, question, after);
  if (uncheckedBy(question).length === 0) return execute(db, walkAll(question));
  const most = reach(limit);
  const isFew = filter.q !== undefined && (await countHits(db, filter.q, most + 1)) <= most;
  const effort = isFew ? 0 : await collectingEffort(db, question);
  const walked = effort <= most ? undefined : await walkInReach(db, question, effort);
  return walked ?? execute(db, collect(question));
}

const sortValue = (key: unknown): SortKey[0] =>
  key instanceof Date ? key.toISOString() : (key as SortKey[0]);

async function listSorted(
  db: Db,
  { filter: given, sort, after, limit }: PageStart<SortKey> & { filter: Selection; sort: CustomerSort },
): Promise<Listed[]> {
  const filter = await resolveNames(db, given);
  const descending = sort.startsWith('-');
  const column = (descending ? sort.slice(1) : sort) as CustomerSortColumn;
  const question = { column, filter, storeId: db.storeId, descending, after, limit };
  const rows = await readRows(db, question, after);
  return rows.map(({ id, key }) => ({ id, key: [sortValue(key), id] }));
}

/** Hits of a plain quick search that are ranked. */
export const MAX_RANKED_HITS = 1_000;

async function listByRelevance(
  db: Db,
  { filter: { q, ...others }, after, limit }: PageStart<RelevanceKey> & { filter: Selection & { q: string } },
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
  { sort, after, ...rest }: PageStart<ListKey> & { filter: Selection; sort?: CustomerSort | undefined },
): Promise<Listed[]> {
  const { limit, filter } = rest;
  const { q } = filter;
  if (sort === undefined && q !== undefined) {
    return listByRelevance(db, {
      filter: { ...filter, q },
      limit,
      after: after?.length === 3 ? after : undefined,
    });
  }
  const start = after?.length === 2 ? after : undefined;
  return listSorted(db, { filter, limit, sort: sort ?? DEFAULT_CUSTOMER_SORT, after: start });
}
