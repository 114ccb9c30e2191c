// Segment queries as requests bring them: read, bound to an instant, and told what is wrong with them and where.
import type { Ctx } from '../context.ts';
import type { Db } from '../db/connection.ts';
import type { Selection } from '../db/customer-selection.ts';
import { listGroupNames } from '../db/groups.ts';
import { findSegment, listSegmentQueries, type SegmentQuery, type SegmentRow } from '../db/segments/rows.ts';
import type { CustomerFilter } from '../domain/customer-filter.ts';
import { leavesOf, noPlaces, type Place, type Places, type Query } from '../domain/segments/ast.ts';
import { type BindEnv, bind } from '../domain/segments/bind.ts';
import type { Bound } from '../domain/segments/bound.ts';
import { type Catalogue, catalogueOf } from '../domain/segments/fields.ts';
import { fromJson } from '../domain/segments/json.ts';
import { Calendar } from '../domain/segments/moments.ts';
import { parseQuery } from '../domain/segments/parse.ts';
import {
  isRefusal,
  lineAndColumn,
  type QueryProblem,
  type QueryRefusal,
} from '../domain/segments/problems.ts';
import { reachedFrom } from '../domain/segments/segments.ts';
import { type FieldError, Problem } from '../errors.ts';
import { recentStoreOf, storeOf } from './customers.ts';

/** Where a query stands in the request: what the pointers of its faults begin with. */
export interface Source {
  in: 'body' | 'query';
  pointer: string;
  /** The text form, in which offsets count; undefined for the JSON form. */
  text?: string;
}

/** A query that was read, with the places of its parts. */
export interface Asked {
  query: Query;
  places: Places;
  source: Source;
}

/** A query in one of its two forms, as bodies have it. */
export interface QueryInput {
  query?: string;
  json?: unknown;
}

/** The catalogue may be the whole list of attributes; more names than these help nobody. */
const MAX_EXPECTED = 100;

type Where = Pick<FieldError, 'pointer' | 'offset' | 'length' | 'line' | 'column'>;

/** Where a part of a query stands in the request. */
export function whereIs(place: Place | undefined, { pointer, text = '' }: Source): Where {
  if (!place) return { pointer };
  if ('pointer' in place) return { pointer: `${pointer}${place.pointer}` };
  return { pointer, ...place, ...lineAndColumn(text, place.offset) };
}

function fieldError({ place, expected, nearest, ...told }: QueryProblem, source: Source): FieldError {
  return {
    in: source.in,
    ...told,
    ...whereIs(place, source),
    ...(expected.length > 0 && { expected: expected.slice(0, MAX_EXPECTED) }),
    ...(nearest !== undefined && { nearest }),
  };
}

/** The refusal of a query as a problem: the code of the first fault, each fault with its place. */
export const queryProblem = ({ refused, problems }: QueryRefusal, source: Source): Problem =>
  new Problem(refused, { errors: problems.map((problem) => fieldError(problem, source)) });

/** What was not refused. */
function readOr<Read extends object>(read: Read | QueryRefusal, source: Source): Read {
  if (isRefusal(read)) throw queryProblem(read, source);
  return read;
}

/** A query in the text form, with the places of its parts. */
export const readText = (text: string, source: Omit<Source, 'text'>): Asked => {
  const placed = { ...source, text };
  return { ...readOr(parseQuery(text), placed), source: placed };
};

/**
 * The query of a body that has `query` or `json`.
 * @throws Problem VALIDATION_FAILED unless there is exactly one, SEGMENT_SYNTAX, SEGMENT_TOO_LARGE
 */
export function readQuery({ query, json }: QueryInput, catalogue: Catalogue): Asked {
  if (query !== undefined && json === undefined) return readText(query, { in: 'body', pointer: '/query' });
  if (query === undefined && json !== undefined) {
    const source: Source = { in: 'body', pointer: '/json' };
    return { ...readOr(fromJson(json, catalogue), source), source };
  }
  const [pointer, message] =
    query === undefined ? ['', 'Give query or json.'] : ['/json', 'Give only one of query and json.'];
  throw new Problem('VALIDATION_FAILED', { errors: [{ in: 'body', pointer, message }] });
}

// Parsing is most of the work of asking one customer about many segments, and saved texts seldom change. The least
// recently used go first; this many are a few megabytes.
const MAX_KEPT = 2_000;
const kept = new Map<string, Query>();

/** The query of a text that was read before: of a saved segment, of a running job. */
export function savedQuery(text: string): Query {
  const known = kept.get(text);
  if (known) {
    kept.delete(text);
    kept.set(text, known);
    return known;
  }
  const { query } = readText(text, { in: 'body', pointer: '' });
  if (kept.size >= MAX_KEPT) kept.delete(kept.keys().next().value as string);
  kept.set(text, query);
  return query;
}

/** A saved query to be asked again, without the places of its parts. */
export const askedAgain = (text: string): Asked => ({
  query: savedQuery(text),
  places: noPlaces(),
  source: { in: 'body', pointer: '', text },
});

/** What queries of a store are read and bound with. */
export type QueryEnv = BindEnv;

/** Queries by slug, and names of groups: what other queries can call by name. */
export type Names = Pick<BindEnv, 'segments' | 'groups'>;

/** All names of the store; `given` are its segments, if they have been read. */
export async function loadNames(db: Db, given?: readonly SegmentQuery[]): Promise<Names> {
  const rows = given ?? (await listSegmentQueries(db));
  const segments = new Map(rows.map(({ slug, query }) => [slug, savedQuery(query)]));
  return { segments, groups: await listGroupNames(db) };
}

const NO_NAMES: Names = { segments: new Map(), groups: [] };

/** More days than any real set of queries looks at; a zone that has had more begins anew. */
const MAX_DAYS_OF_ZONE = 10_000;
const startsByZone = new Map<string, Map<number, number>>();

/** Where the days of a zone begin, as far as anybody has asked: finding that out is most of the work of binding. */
function startsIn(timezone: string): Map<number, number> {
  const known = startsByZone.get(timezone);
  if (known && known.size < MAX_DAYS_OF_ZONE) return known;
  const starts = new Map<number, number>();
  startsByZone.set(timezone, starts);
  return starts;
}

/**
 * The environment of a store at an instant, without names: attributes, clock and currency.
 * @param db where to read; within a transaction that transaction
 */
export async function openQueries(ctx: Ctx, at: Date = ctx.now, db: Db = ctx.db): Promise<QueryEnv> {
  const { settings, currency, timezone } = await (db === ctx.db
    ? recentStoreOf(ctx)
    : storeOf({ ...ctx, db }));
  const calendar = new Calendar(at, timezone, startsIn(timezone));
  return { catalogue: catalogueOf(settings.customFields), calendar, currency, ...NO_NAMES };
}

const callsNames = (query: Query): boolean =>
  leavesOf(query).some(({ op }) => op === 'in_segment' || op === 'in_group');

/** The environment with the names of the store, if the query calls any. */
export async function withNames(db: Db, env: QueryEnv, query: Query): Promise<QueryEnv> {
  return callsNames(query) ? { ...env, ...(await loadNames(db)) } : env;
}

/**
 * Binds a query that was read.
 * @throws Problem with the code of its first fault
 */
export const bindAsked = ({ query, places, source }: Asked, env: QueryEnv): Bound =>
  readOr(bind(query, env, places), source);

/**
 * A segment of the store.
 * @throws Problem NOT_FOUND
 */
export async function readSegment(db: Db, id: string): Promise<SegmentRow> {
  const row = await findSegment(db, id);
  if (!row) throw new Problem('NOT_FOUND', { resource: 'segment' });
  return row;
}

/** A query ready to be asked of the database, with what it was bound in. */
export interface BoundQuery {
  asked: Asked;
  bound: Bound;
  env: QueryEnv;
}

/**
 * Reads and binds the query of a body at an instant.
 * @throws Problem VALIDATION_FAILED, SEGMENT_SYNTAX and every other code of a query
 */
export async function bindInput(ctx: Ctx, input: QueryInput, at?: Date): Promise<BoundQuery> {
  const env = await openQueries(ctx, at);
  const asked = readQuery(input, env.catalogue);
  return bindIn(ctx.db, env, asked);
}

/** Binds a query that was read, with the names it calls. */
export async function bindIn(db: Db, bare: QueryEnv, asked: Asked): Promise<BoundQuery> {
  const env = await withNames(db, bare, asked.query);
  return { asked, bound: bindAsked(asked, env), env };
}

/** Binds a saved query at an instant. */
export const bindSaved = async (ctx: Ctx, text: string, at?: Date): Promise<BoundQuery> =>
  bindIn(ctx.db, await openQueries(ctx, at), askedAgain(text));

/**
 * What the parameters of a customer list select; `filter`, a segment query, is meant as of `ctx.now`.
 * @throws Problem with the code of the first fault of the query
 */
export async function readSelection(
  ctx: Ctx,
  { filter, ...others }: CustomerFilter,
  source: Omit<Source, 'text'> = { in: 'query', pointer: '/filter' },
): Promise<Selection> {
  if (filter === undefined) return others;
  const { bound } = await bindIn(ctx.db, await openQueries(ctx), readText(filter, source));
  return { ...others, segment: bound };
}

/** A filter that means the same whenever it is asked: its query as of one instant, with the segments it leads to. */
export interface KeptFilter {
  filter: CustomerFilter;
  /** RFC 3339. */
  at?: string;
  /** Canonical texts by slug. */
  segments?: Record<string, string>;
}

/**
 * Keeps a filter for work that goes on after the answer.
 * @throws Problem with the code of the first fault of the query
 */
export async function keepFilter(
  ctx: Ctx,
  db: Db,
  filter: CustomerFilter,
  source: Omit<Source, 'text'>,
): Promise<KeptFilter> {
  if (filter.filter === undefined) return { filter };
  const asked = readText(filter.filter, source);
  const { env } = await bindIn(db, await openQueries(ctx, ctx.now, db), asked);
  const reached = reachedFrom(asked.query, env.segments);
  const rows = reached.size > 0 ? await listSegmentQueries(db) : [];
  const segments = rows.filter(({ slug }) => reached.has(slug)).map(({ slug, query }) => [slug, query]);
  return { filter, at: ctx.now.toISOString(), segments: Object.fromEntries(segments) };
}

/** What a kept filter selects. */
export async function selectKept(
  ctx: Ctx,
  db: Db,
  { filter: { filter, ...others }, at, segments = {} }: KeptFilter,
): Promise<Selection> {
  if (filter === undefined) return others;
  const asked = askedAgain(filter);
  const bare = await openQueries(ctx, at === undefined ? ctx.now : new Date(at), db);
  const { groups } = callsNames(asked.query) ? await loadNames(db) : NO_NAMES;
  const texts = Object.entries(segments).map(([slug, text]) => [slug, savedQuery(text)] as const);
  return { ...others, segment: bindAsked(asked, { ...bare, groups, segments: new Map(texts) }) };
}
