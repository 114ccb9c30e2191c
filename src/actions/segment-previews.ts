// Questions about segments that need the whole store: what a query would select, what it costs, what an edit changes.
// They write nothing, and the database may take only so long over them.
import type { Ctx } from '../context.ts';
import { type Db, holdToReading, sqlStateOf, type Tx, transaction } from '../db/connection.ts';
import { countCustomers, type Estimate, estimateSelection } from '../db/customer-counts.ts';
import { listCustomerIds } from '../db/customer-list.ts';
import { type Customer, findCustomers } from '../db/customers.ts';
import { countByMask, totalOf } from '../db/segments/overlaps.ts';
import { findSegment, type SegmentRow } from '../db/segments/rows.ts';
import { attributesOf, segmentsIn } from '../domain/segments/ast.ts';
import { type Bound, type BoundLeaf, isBoundJunction } from '../domain/segments/bound.ts';
import { isTimed } from '../domain/segments/explain.ts';
import { type QueryJson, toJson } from '../domain/segments/json.ts';
import { printQuery } from '../domain/segments/print.ts';
import { Problem } from '../errors.ts';
import {
  type BoundQuery,
  bindAsked,
  bindIn,
  bindInput,
  loadNames,
  openQueries,
  type QueryInput,
  readQuery,
  readSegment,
  readText,
  whereIs,
} from './segment-queries.ts';

/** A clause with what the planner expects of it as if it stood alone. */
export interface ClauseEstimate extends Estimate {
  text: string;
}

export interface QueryEstimate extends Estimate {
  clauses: ClauseEstimate[];
}

const leavesOf = (bound: Bound): BoundLeaf[] => {
  if (isBoundJunction(bound)) return bound.of.flatMap(leavesOf);
  return bound.is === 'not' ? leavesOf(bound.of) : [bound];
};

async function estimateLeaves(db: Db, bound: Bound): Promise<(Estimate & { leaf: BoundLeaf })[]> {
  const estimates: (Estimate & { leaf: BoundLeaf })[] = [];
  for (const leaf of leavesOf(bound)) {
    estimates.push({ leaf, ...(await estimateSelection(db, { segment: leaf })) });
  }
  return estimates;
}

async function estimateQuery(db: Db, bound: Bound): Promise<QueryEstimate> {
  const leaves = await estimateLeaves(db, bound);
  const whole = await estimateSelection(db, { segment: bound });
  const clauses = leaves.map(({ leaf, ...estimate }) => ({ text: printQuery(leaf.query), ...estimate }));
  return { ...whole, clauses };
}

/** Segments that are asked about together; a refusal names the one with the costliest clause. */
type Candidate = Pick<BoundQuery, 'asked' | 'bound'> & { segmentId?: string };

async function costliest(db: Db, candidates: readonly Candidate[]) {
  const priced = [];
  for (const candidate of candidates) {
    const leaves = await estimateLeaves(db, candidate.bound);
    priced.push(...leaves.map((leaf) => ({ ...leaf, candidate })));
  }
  return priced.reduce((most, next) => (next.cost > most.cost ? next : most));
}

/** What a question that took too long is answered with: its costliest clause, by the plan of the database. */
async function tooExpensive(ctx: Ctx, candidates: readonly Candidate[], timeoutMs: number): Promise<Problem> {
  const { leaf, cost, candidate } = await transaction(ctx.db, (tx) => costliest(tx, candidates));
  const { asked, segmentId } = candidate;
  return new Problem('SEGMENT_TOO_EXPENSIVE', {
    clause: printQuery(leaf.query),
    cost,
    timeoutMs,
    ...whereIs(asked.places.of.get(leaf.query), asked.source),
    ...(segmentId && { segmentId }),
  });
}

const TIMED_OUT = '57014';

/** Asks a question of the database within what is left of the time. */
type Ask = <Answer>(question: (tx: Tx) => Promise<Answer>) => Promise<Answer>;

/**
 * Runs questions about the candidates one after the other in a transaction that only reads; together they may take
 * `timeoutMs`.
 * @throws Problem SEGMENT_TOO_EXPENSIVE
 */
async function within<Answer>(
  ctx: Ctx,
  timeoutMs: number,
  candidates: readonly Candidate[],
  work: (ask: Ask) => Promise<Answer>,
): Promise<Answer & { ms: number }> {
  const startedAt = performance.now();
  const spentMs = () => performance.now() - startedAt;
  try {
    const answer = await transaction(ctx.db, (tx) =>
      work(async (question) => {
        await holdToReading(tx, timeoutMs - spentMs());
        return question(tx);
      }),
    );
    return { ...answer, ms: Math.round(spentMs() * 10) / 10 };
  } catch (error) {
    if (sqlStateOf(error) !== TIMED_OUT) throw error;
    throw await tooExpensive(ctx, candidates, timeoutMs);
  }
}

/** A query in both forms, with what it would cost. */
export interface ParsedQuery {
  /** Canonical text. */
  query: string;
  json: QueryJson;
  attributes: string[];
  /** Slugs of the segments that it refers to. */
  segments: string[];
  /** The answer for a customer can change by time alone. */
  relative: boolean;
  estimate: QueryEstimate;
}

/**
 * Reads and checks a query without running it.
 * @throws Problem VALIDATION_FAILED, SEGMENT_SYNTAX and every other code of a query
 */
export async function parseSegmentQuery(ctx: Ctx, input: QueryInput): Promise<ParsedQuery> {
  const { asked, bound } = await bindInput(ctx, input);
  const { query } = asked;
  return {
    query: printQuery(query),
    json: toJson(query),
    attributes: attributesOf(query),
    segments: segmentsIn(query),
    relative: isTimed(bound),
    estimate: await transaction(ctx.db, (tx) => estimateQuery(tx, bound)),
  };
}

/** The newest of the selected customers. */
async function listNewest(tx: Tx, segment: Bound, limit: number): Promise<Customer[]> {
  if (limit === 0) return [];
  const listed = await listCustomerIds(tx, { filter: { segment }, after: undefined, limit });
  return findCustomers(
    tx,
    listed.map(({ id }) => id),
  );
}

export interface Limits {
  timeoutMs: number;
  /** Customers that are shown of each set. */
  sample: number;
}

export interface Preview {
  total: number;
  customers: Customer[];
  estimate: QueryEstimate;
  ms: number;
  at: Date;
}

/**
 * What a query selects now, or did or will at another time: counted, the newest customers of it, and what it costs.
 * @throws Problem SEGMENT_TOO_EXPENSIVE and every code of a query
 */
export async function previewSegment(
  ctx: Ctx,
  input: QueryInput,
  { timeoutMs, sample }: Limits,
  at: Date = ctx.now,
): Promise<Preview> {
  const candidate = await bindInput(ctx, input, at);
  const { bound } = candidate;
  const answer = await within(ctx, timeoutMs, [candidate], async (ask) => ({
    estimate: await ask((tx) => estimateQuery(tx, bound)),
    total: await ask((tx) => countCustomers(tx, { segment: bound })),
    customers: await ask((tx) => listNewest(tx, bound, sample)),
  }));
  return { ...answer, at };
}

/** One and not the other; both must be bound to the same instant. */
const butNot = (one: Bound, other: Bound): Bound => ({
  is: 'all',
  of: [one, { is: 'not', of: other, query: { op: 'not', of: [other.query] } }],
  query: { op: 'and', of: [one.query, { op: 'not', of: [other.query] }] },
});

export interface ChangedMembers {
  total: number;
  customers: Customer[];
}

export interface SegmentDiff {
  before: number;
  after: number;
  joining: ChangedMembers;
  leaving: ChangedMembers;
  ms: number;
}

/**
 * Who would join and who would leave if the segment had this query.
 * @throws Problem NOT_FOUND, SEGMENT_TOO_EXPENSIVE and every code of a query
 */
export async function diffSegment(
  ctx: Ctx,
  id: string,
  input: QueryInput,
  { timeoutMs, sample }: Limits,
): Promise<SegmentDiff> {
  const row = await readSegment(ctx.db, id);
  const env = await openQueries(ctx);
  const asked = readQuery(input, env.catalogue);
  const names = await loadNames(ctx.db);
  // As it would be saved: what refers to the segment would refer to this query.
  const edited = { ...env, ...names, segments: new Map(names.segments).set(row.slug, asked.query) };
  const saved = readText(row.query, { in: 'body', pointer: '' });
  const [before, after] = [bindAsked(saved, { ...env, ...names }), bindAsked(asked, edited)];
  const candidates = [
    { asked, bound: after },
    { asked: saved, bound: before, segmentId: id },
  ];
  return within(ctx, timeoutMs, candidates, async (ask) => {
    const counts = await ask((tx) => countByMask(tx, [before, after]));
    const [old, now, both] = [totalOf(counts, 0), totalOf(counts, 1), totalOf(counts, 0, 1)];
    const changed = async (total: number, segment: Bound): Promise<ChangedMembers> => ({
      total,
      customers: total === 0 ? [] : await ask((tx) => listNewest(tx, segment, sample)),
    });
    return {
      before: old,
      after: now,
      joining: await changed(now - both, butNot(after, before)),
      leaving: await changed(old - both, butNot(before, after)),
    };
  });
}

export interface Overlaps {
  segments: { id: string; slug: string; name: string; total: number }[];
  pairs: { segmentIds: [string, string]; total: number }[];
  ms: number;
  at: Date;
}

/**
 * How many customers each of the segments has, and each two of them together.
 * @throws Problem REFERENCE_UNKNOWN, SEGMENT_TOO_EXPENSIVE
 */
export async function overlapSegments(
  ctx: Ctx,
  ids: readonly string[],
  { timeoutMs }: Pick<Limits, 'timeoutMs'>,
): Promise<Overlaps> {
  const env = await openQueries(ctx);
  const rows: SegmentRow[] = [];
  const candidates: (Candidate & { bound: Bound })[] = [];
  for (const [index, id] of ids.entries()) {
    const pointer = `/segmentIds/${index}`;
    const row = await findSegment(ctx.db, id);
    if (!row) throw new Problem('REFERENCE_UNKNOWN', { reference: pointer });
    rows.push(row);
    const asked = readText(row.query, { in: 'query', pointer });
    candidates.push({ ...(await bindIn(ctx.db, env, asked)), segmentId: row.id });
  }
  const answer = await within(ctx, timeoutMs, candidates, async (ask) => {
    const bounds = candidates.map(({ bound }) => bound);
    const counts = await ask((tx) => countByMask(tx, bounds));
    return {
      segments: rows.map(({ id, slug, name }, index) => ({ id, slug, name, total: totalOf(counts, index) })),
      pairs: rows.flatMap((one, first) =>
        rows.slice(first + 1).map((other, offset) => ({
          segmentIds: [one.id, other.id] as [string, string],
          total: totalOf(counts, first, first + 1 + offset),
        })),
      ),
    };
  });
  return { ...answer, at: ctx.now };
}
