// HTTP: segments, the language they are written in, and what they say of customers.
import type { FastifyInstance } from 'fastify';
import type { Static } from 'typebox';
import { evaluateSegment, explainMembership, listSegmentsOf } from '../actions/segment-answers.ts';
import {
  diffSegment,
  overlapSegments,
  parseSegmentQuery,
  previewSegment,
} from '../actions/segment-previews.ts';
import { bindSaved, openQueries, readSegment } from '../actions/segment-queries.ts';
import { createSegment, deleteSegment, updateSegment, withForms } from '../actions/segments.ts';
import type { Ctx } from '../context.ts';
import { customerPage, sendCustomersFile } from '../customer-pages.ts';
import type { Selection } from '../db/customer-selection.ts';
import { findSegmentRevision, listSegmentRevisions, listSegments } from '../db/segments/rows.ts';
import type { PageStart } from '../domain/pages.ts';
import { LIMITS } from '../domain/segments/ast.ts';
import {
  describeAttributes,
  describeCalls,
  describeTypes,
  OFFSET_UNITS,
} from '../domain/segments/attributes.ts';
import { AREAS } from '../domain/segments/fields.ts';
import type { Changes } from '../domain/segments/what-if.ts';
import { endpoint, found } from '../endpoint.ts';
import { QUERY_REFUSALS } from '../errors.ts';
import { pageOf } from '../pages.ts';
import { CustomersFile, MemberExportQuery, MemberListQuery } from '../schemas/customer-list.ts';
import { CustomerPage, CustomerParams } from '../schemas/customers.ts';
import { ref } from '../schemas/helpers.ts';
import {
  CustomerSegments,
  ExplainQuery,
  MemberOfSegment,
  OneSegment,
  OneSegmentRevision,
  ParsedSegment,
  Segment,
  SegmentAttributes,
  SegmentCreate,
  SegmentDiff,
  SegmentDiffRequest,
  SegmentEvaluateRequest,
  SegmentEvaluation,
  SegmentExplanation,
  SegmentListQuery,
  SegmentOverlapQuery,
  SegmentOverlaps,
  SegmentPage,
  SegmentPreview,
  SegmentPreviewRequest,
  SegmentQuery,
  SegmentRevision,
  SegmentRevisionPage,
  SegmentUpdate,
  sampleOf,
} from '../schemas/segments.ts';

const tag = 'Segments';

export interface SegmentsOptions {
  /** How long the database may take over a preview, a diff or an overlap. */
  segmentTimeoutMs: number;
}

const SAVE_REFUSALS = ['SEGMENT_INVALID', 'SEGMENT_SLUG_TAKEN', ...QUERY_REFUSALS] as const;
const LOOK_REFUSALS = ['SEGMENT_TOO_EXPENSIVE', ...QUERY_REFUSALS] as const;

const timeOf = (at: string | undefined): Date | undefined => (at === undefined ? undefined : new Date(at));

function changesOf({ order, ...others }: Static<typeof SegmentEvaluateRequest>['changes']): Changes {
  if (!order) return others;
  const { placedAt, ...facts } = order;
  return { ...others, order: { ...facts, ...(placedAt !== undefined && { placedAt: new Date(placedAt) }) } };
}

async function membersOf(ctx: Ctx, segmentId: string): Promise<{ selection: Selection; slug: string }> {
  const { slug, query } = await readSegment(ctx.db, segmentId);
  const { bound } = await bindSaved(ctx, query);
  return { slug, selection: { segment: bound } };
}

export async function segments(app: FastifyInstance, options: SegmentsOptions): Promise<void> {
  const timeoutMs = options.segmentTimeoutMs;

  endpoint(app, {
    method: 'GET',
    url: '/segments/attributes',
    operationId: 'listSegmentAttributes',
    tag,
    summary: 'List everything that a query can ask',
    description:
      'Attributes, functions and calls with their types, operators and values: a rule builder can be drawn from this answer alone. The custom fields of the store are among them.',
    scope: 'segments:read',
    returns: { 200: ref(SegmentAttributes) },
    handle: async (ctx) => {
      const { catalogue, currency } = await openQueries(ctx);
      return {
        areas: AREAS,
        attributes: describeAttributes(catalogue),
        calls: describeCalls(),
        types: describeTypes(currency),
        offsetUnits: OFFSET_UNITS,
        limits: LIMITS,
      };
    },
  });

  endpoint(app, {
    method: 'POST',
    url: '/segments/parse',
    operationId: 'parseSegmentQuery',
    tag,
    summary: 'Check a query',
    description:
      'Takes a query as text or as a tree and answers both forms, or what is wrong with it and where. The estimate is that of the query planner; nothing is counted and nothing is saved.',
    scope: 'segments:read',
    idempotency: 'none',
    body: ref(SegmentQuery),
    returns: { 200: ref(ParsedSegment) },
    refuses: QUERY_REFUSALS,
    handle: (ctx, { body }) => parseSegmentQuery(ctx, body),
  });

  endpoint(app, {
    method: 'POST',
    url: '/segments/preview',
    operationId: 'previewSegment',
    tag,
    summary: 'Try a query out',
    description:
      'How many customers the query selects and the newest of them, now or at another time. Customers are taken as they are today; only dates are counted from that time. What takes too long is refused with its costliest clause.',
    scope: 'customers:read',
    idempotency: 'none',
    body: ref(SegmentPreviewRequest),
    returns: { 200: ref(SegmentPreview) },
    refuses: LOOK_REFUSALS,
    handle: (ctx, { body: { at, sample, ...query } }) =>
      previewSegment(ctx, query, { timeoutMs, sample: sampleOf(sample) }, timeOf(at)),
  });

  endpoint(app, {
    method: 'GET',
    url: '/segments/overlap',
    operationId: 'overlapSegments',
    tag,
    summary: 'Compare segments',
    description: 'How many customers each of the segments has, and each two of them in common.',
    scope: 'customers:read',
    query: SegmentOverlapQuery,
    returns: { 200: ref(SegmentOverlaps) },
    refuses: ['REFERENCE_UNKNOWN', 'SEGMENT_TOO_EXPENSIVE'],
    handle: (ctx, { query }) => overlapSegments(ctx, query.segmentIds, { timeoutMs }),
  });

  endpoint(app, {
    method: 'GET',
    url: '/segments',
    operationId: 'listSegments',
    tag,
    summary: 'List the segments of the store',
    description: 'By slug.',
    scope: 'segments:read',
    query: SegmentListQuery,
    returns: { 200: ref(SegmentPage) },
    refuses: ['CURSOR_INVALID'],
    handle: async ({ db }, input) => {
      const { data, ...rest } = await pageOf(
        input,
        (start: PageStart<[slug: string]>) => listSegments(db, start),
        (row): [string] => [row.slug],
      );
      return { data: data.map(withForms), ...rest };
    },
  });

  endpoint(app, {
    method: 'POST',
    url: '/segments',
    operationId: 'createSegment',
    tag,
    summary: 'Save a segment',
    description:
      'A query under a name; whoever it selects at the moment of asking is a member. The slug is made of the name unless it is given. A store has at most 1,000 segments.',
    scope: 'segments:write',
    body: ref(SegmentCreate),
    returns: { 201: ref(Segment) },
    refuses: ['SEGMENTS_LIMIT', ...SAVE_REFUSALS],
    location: ({ id }: { id: string }) => `/v1/segments/${id}`,
    handle: (ctx, { body }) => createSegment(ctx, body),
  });

  endpoint(app, {
    method: 'GET',
    url: '/segments/:segmentId',
    operationId: 'getSegment',
    tag,
    summary: 'Get a segment',
    description: 'One segment with its query in both forms.',
    scope: 'segments:read',
    params: OneSegment,
    returns: { 200: ref(Segment), 304: null },
    handle: async ({ db }, { params }) => withForms(await readSegment(db, params.segmentId)),
  });

  endpoint(app, {
    method: 'PATCH',
    url: '/segments/:segmentId',
    operationId: 'updateSegment',
    tag,
    summary: 'Change a segment',
    description:
      'Merge patch. Another query is a new revision; the earlier ones stay readable. The slug stays while another segment refers to it.',
    scope: 'segments:write',
    params: OneSegment,
    body: ref(SegmentUpdate),
    returns: { 200: ref(Segment) },
    refuses: ['SEGMENT_IN_USE', 'VERSION_MISMATCH', ...SAVE_REFUSALS],
    handle: (ctx, { params, body, ifMatch }) => updateSegment(ctx, params.segmentId, body, ifMatch),
  });

  endpoint(app, {
    method: 'DELETE',
    url: '/segments/:segmentId',
    operationId: 'deleteSegment',
    tag,
    summary: 'Delete a segment',
    description:
      'The segment goes with its revisions; customers stay as they are. One that something uses is refused; `usedBy` names it.',
    scope: 'segments:write',
    params: OneSegment,
    returns: { 204: null },
    refuses: ['SEGMENT_IN_USE', 'VERSION_MISMATCH'],
    handle: (ctx, { params, ifMatch }) => deleteSegment(ctx, params.segmentId, ifMatch),
  });

  endpoint(app, {
    method: 'GET',
    url: '/segments/:segmentId/revisions',
    operationId: 'listSegmentRevisions',
    tag,
    summary: 'List the queries of a segment',
    description: 'Newest first, the present one too. Nothing in this list ever changes.',
    scope: 'segments:read',
    params: OneSegment,
    query: SegmentListQuery,
    returns: { 200: ref(SegmentRevisionPage) },
    refuses: ['CURSOR_INVALID'],
    handle: async ({ db }, input) => {
      const { id } = await readSegment(db, input.params.segmentId);
      const { data, ...rest } = await pageOf(
        input,
        (start: PageStart<[revision: number]>) => listSegmentRevisions(db, id, start),
        (row): [number] => [row.revision],
      );
      return { data: data.map(withForms), ...rest };
    },
  });

  endpoint(app, {
    method: 'GET',
    url: '/segments/:segmentId/revisions/:revision',
    operationId: 'getSegmentRevision',
    tag,
    summary: 'Get a query that a segment had',
    description: 'One revision, in both forms.',
    scope: 'segments:read',
    params: OneSegmentRevision,
    returns: { 200: ref(SegmentRevision) },
    handle: async ({ db }, { params: { segmentId, revision } }) =>
      withForms(found(await findSegmentRevision(db, segmentId, revision), 'revision')),
  });

  endpoint(app, {
    method: 'POST',
    url: '/segments/:segmentId/diff',
    operationId: 'diffSegment',
    tag,
    summary: 'See what another query would change',
    description:
      'How many customers would join and leave the segment if it had this query, and the newest of both. Nothing is saved. What takes too long is refused with its costliest clause.',
    scope: 'customers:read',
    idempotency: 'none',
    params: OneSegment,
    body: ref(SegmentDiffRequest),
    returns: { 200: ref(SegmentDiff) },
    refuses: LOOK_REFUSALS,
    handle: (ctx, { params, body: { sample, ...query } }) =>
      diffSegment(ctx, params.segmentId, query, { timeoutMs, sample: sampleOf(sample) }),
  });

  endpoint(app, {
    method: 'GET',
    url: '/segments/:segmentId/customers',
    operationId: 'listSegmentCustomers',
    tag,
    summary: 'List the members of a segment',
    description: 'Whoever the query selects now, with the sorts of the customer list.',
    scope: 'customers:read',
    params: OneSegment,
    query: MemberListQuery,
    returns: { 200: ref(CustomerPage) },
    refuses: ['CURSOR_INVALID'],
    handle: async (ctx, input) => {
      const { selection } = await membersOf(ctx, input.params.segmentId);
      return customerPage(ctx, input, selection);
    },
  });

  endpoint(app, {
    method: 'GET',
    url: '/segments/:segmentId/customers.csv',
    operationId: 'exportSegmentCustomers',
    tag,
    summary: 'Export the members of a segment',
    description: 'All members, as they are at the beginning of the file, in the form of `exportCustomers`.',
    scope: 'customers:read',
    params: OneSegment,
    query: MemberExportQuery,
    produces: ['text/csv'],
    returns: { 200: CustomersFile },
    handle: async (ctx, { params, query, reply }) => {
      const { selection, slug } = await membersOf(ctx, params.segmentId);
      return sendCustomersFile(ctx, reply, query, { selection, name: slug });
    },
  });

  endpoint(app, {
    method: 'GET',
    url: '/segments/:segmentId/customers/:customerId/explain',
    operationId: 'explainMembership',
    tag,
    summary: 'Explain why a customer is in a segment or not',
    description:
      'The query part by part: whether it holds, what the customer has and what is asked for, in words too, and the day on which time alone changes the answer.',
    scope: 'customers:read',
    params: MemberOfSegment,
    query: ExplainQuery,
    returns: { 200: ref(SegmentExplanation) },
    refuses: ['CUSTOMER_GONE'],
    handle: (ctx, { params, query }) => explainMembership(ctx, params, timeOf(query.at)),
  });

  endpoint(app, {
    method: 'POST',
    url: '/segments/:segmentId/evaluate',
    operationId: 'evaluateSegment',
    tag,
    summary: 'See whether a customer would be in a segment',
    description:
      'Takes changes that did not happen (an order, tags, groups, any value) and answers whether the customer would be a member then, and what would still be missing. Nothing is stored.',
    scope: 'customers:read',
    idempotency: 'none',
    params: OneSegment,
    body: ref(SegmentEvaluateRequest),
    returns: { 200: ref(SegmentEvaluation) },
    refuses: ['CUSTOMER_GONE', 'UNKNOWN_ATTRIBUTE', 'SEGMENT_TYPE'],
    handle: (ctx, { params, body: { customerId, changes } }) =>
      evaluateSegment(ctx, params.segmentId, { customerId, changes: changesOf(changes) }),
  });

  endpoint(app, {
    method: 'GET',
    url: '/customers/:customerId/segments',
    operationId: 'listCustomerSegments',
    tag,
    summary: 'List the segments of a customer',
    description: 'Every segment that the customer is in now, by slug.',
    scope: 'customers:read',
    params: CustomerParams,
    returns: { 200: ref(CustomerSegments) },
    refuses: ['CUSTOMER_GONE'],
    handle: (ctx, { params }) => listSegmentsOf(ctx, params.customerId),
  });
}
