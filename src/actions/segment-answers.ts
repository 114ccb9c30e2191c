// What segments say of one customer: in or out and why, all segments at once, and what would be if.
import type { Ctx } from '../context.ts';
import { loadFacts } from '../db/segments/facts.ts';
import { listSegmentQueries } from '../db/segments/rows.ts';
import { bind } from '../domain/segments/bind.ts';
import { matches } from '../domain/segments/evaluate.ts';
import { type Explained, type Explanation, explain, missing } from '../domain/segments/explain.ts';
import type { Facts } from '../domain/segments/facts.ts';
import { isRefusal, type QueryErrorCode } from '../domain/segments/problems.ts';
import { type Changes, imagine } from '../domain/segments/what-if.ts';
import { Problem } from '../errors.ts';
import { readPresent } from './customers.ts';
import {
  askedAgain,
  bindIn,
  loadNames,
  openQueries,
  type QueryEnv,
  queryProblem,
  readSegment,
  savedQuery,
} from './segment-queries.ts';

/** Facts of a customer who is neither merged nor erased. */
async function factsOf(ctx: Ctx, customerId: string, { catalogue, calendar }: QueryEnv): Promise<Facts> {
  await readPresent(ctx.db, customerId);
  const facts = await loadFacts(ctx.db, customerId, { catalogue, at: calendar.at });
  // Deleted between the two reads.
  if (!facts) throw new Problem('NOT_FOUND', { resource: 'customer' });
  return facts;
}

const SAVED = { in: 'body', pointer: '' } as const;

function explained(text: string, env: QueryEnv, facts: Facts): Explanation {
  const explanation = explain(savedQuery(text), env, facts);
  if (isRefusal(explanation)) throw queryProblem(explanation, { ...SAVED, text });
  return explanation;
}

/**
 * Why the customer is in the segment or not, at an instant, and what is missing in words.
 * @throws Problem NOT_FOUND, CUSTOMER_GONE
 */
export async function explainMembership(
  ctx: Ctx,
  { segmentId, customerId }: { segmentId: string; customerId: string },
  at: Date = ctx.now,
): Promise<Explanation & { missing: string[]; at: Date }> {
  const { query } = await readSegment(ctx.db, segmentId);
  const { env } = await bindIn(ctx.db, await openQueries(ctx, at), askedAgain(query));
  const facts = await factsOf(ctx, customerId, env);
  const explanation = explained(query, env, facts);
  return { ...explanation, missing: missing(explanation.tree), at };
}

interface Named {
  id: string;
  slug: string;
  name: string;
}

/** The segments of a customer. A saved segment that cannot be asked any more never hides the others. */
export interface CustomerSegments {
  data: Named[];
  faulty: (Named & { code: QueryErrorCode; message: string })[];
  at: Date;
}

/**
 * Every segment that the customer is in, by slug.
 * @throws Problem NOT_FOUND, CUSTOMER_GONE
 */
export async function listSegmentsOf(ctx: Ctx, customerId: string): Promise<CustomerSegments> {
  const bare = await openQueries(ctx);
  const facts = await factsOf(ctx, customerId, bare);
  const rows = await listSegmentQueries(ctx.db);
  const env = { ...bare, ...(await loadNames(ctx.db, rows)) };
  const answer: CustomerSegments = { data: [], faulty: [], at: ctx.now };
  for (const { query, ...named } of rows) {
    const bound = bind(savedQuery(query), env);
    if (isRefusal(bound)) {
      const { code, message } = bound.problems[0] ?? { code: bound.refused, message: '' };
      answer.faulty.push({ ...named, code, message });
    } else if (matches(bound, facts)) answer.data.push(named);
  }
  return answer;
}

export interface WhatIf {
  before: boolean;
  after: boolean;
  /** What is still missing after the changes, in words. */
  missing: string[];
  tree: Explained;
}

/**
 * Whether the customer would be in the segment after changes that did not happen. Nothing is stored.
 * @throws Problem NOT_FOUND, CUSTOMER_GONE, UNKNOWN_ATTRIBUTE, SEGMENT_TYPE
 */
export async function evaluateSegment(
  ctx: Ctx,
  segmentId: string,
  { customerId, changes }: { customerId: string; changes: Changes },
): Promise<WhatIf> {
  const { query } = await readSegment(ctx.db, segmentId);
  const { bound, env } = await bindIn(ctx.db, await openQueries(ctx), askedAgain(query));
  const facts = await factsOf(ctx, customerId, env);
  const imagined = imagine(facts, changes, env);
  if (isRefusal(imagined)) throw queryProblem(imagined, SAVED);
  const { matches: after, tree } = explained(query, env, imagined);
  return { before: matches(bound, facts), after, missing: missing(tree), tree };
}
