// The wire contract of segments.
import Type, { type TSchema } from 'typebox';
import { LIMITS, NODE_OPERATORS } from '../domain/segments/ast.ts';
import { DESCRIBED_ARITIES, OFFSET_UNITS, SCALAR_TYPES, SUGGESTIONS } from '../domain/segments/attributes.ts';
import { AREAS } from '../domain/segments/fields.ts';
import type { QueryJson } from '../domain/segments/json.ts';
import { SLUG_PATTERN } from '../domain/segments/segments.ts';
import { Customer } from './customers.ts';
import {
  closed,
  DateTime,
  Int64,
  nullable,
  page,
  pageQuery,
  ref,
  stringEnum,
  Timestamp,
  Uuid,
} from './helpers.ts';

const QUERY_EXAMPLE = "customer_tags CONTAINS 'friend' AND number_of_orders > 5";
const JSON_EXAMPLE: QueryJson = {
  op: 'and',
  of: [
    { op: 'contains', attribute: 'customer_tags', values: ['friend'] },
    { op: '>', attribute: 'number_of_orders', values: [5] },
  ],
};

const MAX_SAMPLE = 50;
const DEFAULT_SAMPLE = 10;
const MIN_OVERLAP = 2;
const MAX_OVERLAP = 10;

/** A string, number or boolean: no generator reads a union of them well. */
const scalar = <Value extends string | number | boolean | null>(description: string, example: Value) =>
  Type.Unsafe<string | number | boolean>({ description, examples: [example] });

/** Nodes inside a node: schemas that refer to themselves break client generators, so these are plain objects. */
const nodes = <Node>(description: string, options: object = {}) =>
  Type.Optional(
    Type.Array(
      Type.Unsafe<Node>({
        type: 'object',
        additionalProperties: true,
        description: 'Has the same properties as the one that it is part of.',
      }),
      { description, maxItems: LIMITS.nodes, ...options },
    ),
  );

export const SegmentNode = closed(
  {
    op: stringEnum(NODE_OPERATORS, {
      description: 'What the node is: AND, OR, NOT, an operator, a function or a call.',
    }),
    of: nodes<QueryJson>('Of `and`, `or` and `not`: the nodes below; one for `not`.'),
    attribute: Type.Optional(
      Type.String({
        maxLength: 100,
        description: 'Of clauses and functions: the attribute; inside `where` the parameter.',
        examples: ['number_of_orders'],
      }),
    ),
    values: Type.Optional(
      Type.Array(
        scalar(
          'A string, number or boolean; dates, offsets and amounts with decimals as strings: "-90d", "1000.00".',
          5,
        ),
        {
          maxItems: LIMITS.values,
          description: 'Of clauses and calls: as many as the operator takes.',
          examples: [[5]],
        },
      ),
    ),
    where: nodes<QueryJson>('Of `matches` and `not_matches`: clauses on the parameters; all must hold.'),
  },
  {
    $id: 'SegmentNode',
    description: 'A query as a tree: the same as its text.',
    examples: [JSON_EXAMPLE],
  },
);

const queryText = Type.String({
  minLength: 1,
  maxLength: LIMITS.bytes,
  description: 'The query as text.',
  examples: [QUERY_EXAMPLE],
});
const json = (description: string) => Type.Unsafe<QueryJson>(ref(SegmentNode, { description }));

/** A query in one of its two forms. */
const eitherForm = {
  query: Type.Optional(queryText),
  json: Type.Optional(json('The query as a tree, in place of `query`.')),
};
const example = { query: QUERY_EXAMPLE };

const bothForms = {
  query: Type.String({ description: 'The query in canonical text.', examples: [QUERY_EXAMPLE] }),
  json: json('The same query as a tree.'),
  attributes: Type.Array(Type.String({ examples: ['number_of_orders'] }), {
    description: 'Attributes, functions and calls that the query uses, by name.',
  }),
};

const count = (description: string, value = 42) =>
  Type.Integer({ minimum: 0, description, examples: [value] });
const cost = Type.Number({
  minimum: 0,
  description: "Cost in the units of the database's planner: about one for each page read in order.",
  examples: [1250.5],
});
const ms = Type.Number({ minimum: 0, description: 'Milliseconds that it took.', examples: [3.4] });
const at = DateTime({
  description: 'Instant that the query is meant at; default now.',
  examples: ['2026-01-31T12:00:00Z'],
});
const askedAt = Timestamp({ description: 'Instant that the answer is true for.' });

export const SegmentQuery = closed(eitherForm, {
  $id: 'SegmentQuery',
  description: 'A query: exactly one of `query` and `json`.',
  examples: [example],
});

export const SegmentEstimate = closed(
  {
    customers: count('Customers that the planner expects.'),
    cost,
    clauses: Type.Array(
      closed(
        {
          text: Type.String({ description: 'The clause.', examples: ['number_of_orders > 5'] }),
          customers: count('Customers that the planner expects of the clause alone.', 1200),
          cost,
        },
        { description: 'One clause as if it stood alone.' },
      ),
      { description: 'The clauses from left to right.' },
    ),
  },
  {
    $id: 'SegmentEstimate',
    description: 'What the query planner of the database expects; nothing has been counted.',
  },
);

export const ParsedSegment = closed(
  {
    ...bothForms,
    segments: Type.Array(Type.String({ examples: ['vip'] }), {
      description: 'Slugs of the segments that the query refers to.',
    }),
    relative: Type.Boolean({ description: 'Whether the answer for a customer can change by time alone.' }),
    estimate: ref(SegmentEstimate, { description: 'What the query would find and cost.' }),
  },
  { $id: 'ParsedSegment', description: 'A query that was read and found right.' },
);

const sample = Type.Optional(
  Type.Integer({
    minimum: 0,
    maximum: MAX_SAMPLE,
    default: DEFAULT_SAMPLE,
    description: `Customers to show, 0 to ${MAX_SAMPLE}; default ${DEFAULT_SAMPLE}.`,
    examples: [DEFAULT_SAMPLE],
  }),
);
/** Bodies are not filled with defaults. */
export const sampleOf = (given: number | undefined): number => given ?? DEFAULT_SAMPLE;

const shownCustomers = Type.Array(ref(Customer), { description: 'The newest of them.' });

export const SegmentPreviewRequest = closed(
  { ...eitherForm, at: Type.Optional(at), sample },
  {
    $id: 'SegmentPreviewRequest',
    description: 'A query to be tried out.',
    examples: [{ ...example, sample: 5 }],
  },
);

export const SegmentPreview = closed(
  {
    total: count('Customers that the query selects.'),
    customers: shownCustomers,
    estimate: ref(SegmentEstimate, { description: 'What was expected before.' }),
    ms,
    at: askedAt,
  },
  { $id: 'SegmentPreview', description: 'What a query selects.' },
);

export const SegmentDiffRequest = closed(
  { ...eitherForm, sample },
  {
    $id: 'SegmentDiffRequest',
    description: 'The query that the segment would have.',
    examples: [{ query: 'number_of_orders > 3' }],
  },
);

const changedMembers = (description: string) =>
  closed({ total: count('How many.', 7), customers: shownCustomers }, { description });

export const SegmentDiff = closed(
  {
    before: count('Members now.'),
    after: count('Members with the other query.', 45),
    joining: changedMembers('Who would join.'),
    leaving: changedMembers('Who would leave.'),
    ms,
  },
  { $id: 'SegmentDiff', description: 'What another query would change. Nothing has been saved.' },
);

const slug = Type.String({
  pattern: SLUG_PATTERN,
  description: 'Name for queries, `in_segment(…)`, and programs; unique in the store.',
  examples: ['loyal-friends'],
});
const name = Type.String({
  minLength: 1,
  maxLength: 255,
  description: 'Name for people.',
  examples: ['Loyal friends'],
});
const description = nullable(
  Type.String({
    maxLength: 1000,
    description: 'What the segment is for.',
    examples: ['Get the spring letter'],
  }),
);

const facts = { slug, name, description };
const revision = Type.Integer({ minimum: 1, description: 'Number of the query, from 1.', examples: [1] });

export const Segment = closed(
  {
    id: Uuid({ description: 'Id of the segment.' }),
    ...facts,
    ...bothForms,
    revision,
    version: Type.Integer({ description: 'Grows by one with each change; the ETag.', examples: [1] }),
    createdAt: Timestamp({ description: 'When the segment was added.' }),
    updatedAt: Timestamp({ description: 'When it last changed.' }),
  },
  { $id: 'Segment', description: 'A saved query: whoever it selects at the moment of asking is a member.' },
);
export const SegmentPage = page(Segment, 'SegmentPage', { description: 'Segments of the store.' });

export const SegmentCreate = closed(
  {
    name,
    slug: Type.Optional(slug),
    description: Type.Optional(description),
    ...eitherForm,
  },
  {
    $id: 'SegmentCreate',
    description:
      'A new segment with exactly one of `query` and `json`. Without a slug one is made of the name.',
    examples: [{ name: 'Loyal friends', ...example }],
  },
);

export const SegmentUpdate = closed(
  {
    name: Type.Optional(name),
    slug: Type.Optional(slug),
    description: Type.Optional(description),
    ...eitherForm,
  },
  {
    $id: 'SegmentUpdate',
    minProperties: 1,
    description: 'Merge patch: null clears, absent stays. Another query makes a revision.',
    examples: [{ query: 'number_of_orders > 3' }],
  },
);

export const SegmentRevision = closed(
  {
    revision,
    ...bothForms,
    actor: Type.String({ description: 'Who saved it.', examples: ['staff:eva'] }),
    createdAt: Timestamp({ description: 'When it was saved.' }),
  },
  { $id: 'SegmentRevision', description: 'A query that a segment had or has.' },
);
export const SegmentRevisionPage = page(SegmentRevision, 'SegmentRevisionPage');

const changesOn = (text: string) =>
  Type.String({ format: 'date', description: text, examples: ['2026-05-01'] });

interface Explained {
  op: string;
  text: string;
  matches: boolean;
  of?: Explained[];
  seen?: string;
  needed?: string;
  says?: string;
  changesOn?: string;
}

export const ExplainedClause = closed(
  {
    op: stringEnum(NODE_OPERATORS, { description: 'What the node is.' }),
    text: Type.String({ description: 'The part of the query.', examples: ['number_of_orders > 5'] }),
    matches: Type.Boolean({ description: 'Whether it holds.' }),
    of: nodes<Explained>('The parts below: of AND, OR, NOT and of a segment that the query refers to.'),
    seen: Type.Optional(Type.String({ description: 'What the customer has.', examples: ['3'] })),
    needed: Type.Optional(Type.String({ description: 'What is asked for.', examples: ['more than 5'] })),
    says: Type.Optional(
      Type.String({ description: 'Both in words.', examples: ['ordered 3 times, needs more than 5'] }),
    ),
    changesOn: Type.Optional(
      changesOn('First day on which time alone changes this answer; within three years.'),
    ),
  },
  {
    $id: 'ExplainedClause',
    description: 'A part of a query with its answer for one customer.',
    examples: [
      {
        op: '>',
        text: 'number_of_orders > 5',
        matches: false,
        seen: '3',
        needed: 'more than 5',
        says: 'ordered 3 times, needs more than 5',
      },
    ],
  },
);

const tree = Type.Unsafe<Explained>(ref(ExplainedClause, { description: 'The query, part by part.' }));
const missing = Type.Array(Type.String({ examples: ['ordered 3 times, needs more than 5'] }), {
  description: 'What keeps the customer out, in words; empty for a member.',
});

export const SegmentExplanation = closed(
  {
    matches: Type.Boolean({ description: 'Whether the customer is a member.' }),
    changesOn: nullable(changesOn('First day on which time alone changes the answer; within three years.')),
    missing,
    tree,
    at: askedAt,
  },
  { $id: 'SegmentExplanation', description: 'Why a customer is in a segment or not.' },
);

const named = {
  id: Uuid({ description: 'Id of the segment.' }),
  slug: Type.String({ description: 'Slug of the segment.', examples: ['vip'] }),
  name: Type.String({ description: 'Name of the segment.', examples: ['VIP'] }),
};

export const CustomerSegments = closed(
  {
    data: Type.Array(closed(named, { description: 'A segment that the customer is in.' }), {
      description: 'The segments by slug.',
    }),
    faulty: Type.Array(
      closed(
        {
          ...named,
          code: Type.String({ description: 'What is wrong with its query.', examples: ['UNKNOWN_GROUP'] }),
          message: Type.String({ description: 'The same for people.' }),
        },
        { description: 'A segment that cannot be asked.' },
      ),
      {
        description: 'Segments whose saved query means nothing any more; none, unless something went wrong.',
      },
    ),
    at: askedAt,
  },
  { $id: 'CustomerSegments', description: 'All segments of a customer.' },
);

const words = (text: string, value: string) =>
  Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 255, examples: [value] }), {
      maxItems: 250,
      description: text,
    }),
  );
const code = (text: string, value: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 255, description: text, examples: [value] }));
const amount = (text: string) =>
  Int64({
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    description: `${text}, in minor units of the store currency.`,
    examples: [8_000],
  });

const ImaginedItem = closed(
  {
    productId: code('Product.', 'P-1'),
    sku: code('Stock keeping unit.', 'SHOE-42'),
    categories: words('Categories of the product.', 'shoes'),
    tags: words('Tags of the product.', 'summer'),
    quantity: Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'Pieces.', examples: [1] }),
    amount: amount('Total of the line'),
  },
  { description: 'A line of the order.' },
);

const SegmentChanges = closed(
  {
    addTags: words('Tags that the customer would get.', 'VIP'),
    removeTags: words('Tags that the customer would lose.', 'VIP'),
    addGroups: words('Groups that the customer would join, by name.', 'Business'),
    removeGroups: words('Groups that the customer would leave, by name.', 'Business'),
    order: Type.Optional(
      closed(
        {
          amount: amount('Total of the order'),
          placedAt: Type.Optional(DateTime({ description: 'When it is placed; default now.' })),
          items: Type.Optional(
            Type.Array(ImaginedItem, { maxItems: 200, description: 'Lines of the order; none by default.' }),
          ),
        },
        { description: 'One more confirmed order.' },
      ),
    ),
    set: Type.Optional(
      Type.Unsafe<Record<string, string | number | boolean | null>>({
        type: 'object',
        additionalProperties: true,
        maxProperties: 100,
        description:
          'Attributes with a single value by name: dates as 2026-01-31, money in minor units, null for a missing value.',
        examples: [{ email_consent: 'subscribed' }],
      }),
    ),
  },
  { description: 'What would happen: first the order, then tags and groups, then what is set.' },
);

export const SegmentEvaluateRequest = closed(
  {
    customerId: Uuid({ description: 'The customer.' }),
    changes: SegmentChanges,
  },
  {
    $id: 'SegmentEvaluateRequest',
    description: 'A customer and changes that did not happen.',
    examples: [
      {
        customerId: '0199a3c4-7e1f-7a60-9d39-6f1f3f1f9a11',
        changes: { order: { amount: 8_000 }, addTags: ['VIP'] },
      },
    ],
  },
);

export const SegmentEvaluation = closed(
  {
    before: Type.Boolean({ description: 'Whether the customer is a member now.' }),
    after: Type.Boolean({ description: 'Whether the customer would be one after the changes.' }),
    missing,
    tree,
  },
  { $id: 'SegmentEvaluation', description: 'What would be after the changes. Nothing has been stored.' },
);

const TWO_IDS = ['0199a3c4-7e1f-7a60-9d39-6f1f3f1f9a11', '0199a3c4-7e1f-7a60-9d39-6f1f3f1f9a12'];

export const SegmentOverlapQuery = closed({
  segmentIds: Type.Array(Uuid({ description: 'Id of a segment.' }), {
    minItems: MIN_OVERLAP,
    maxItems: MAX_OVERLAP,
    uniqueItems: true,
    description: `Segments to compare, ${MIN_OVERLAP} to ${MAX_OVERLAP}.`,
    examples: [TWO_IDS],
  }),
});

export const SegmentOverlaps = closed(
  {
    segments: Type.Array(
      closed({ ...named, total: count('Members.') }, { description: 'One of the segments.' }),
      { description: 'The segments in the order in which they were named.' },
    ),
    pairs: Type.Array(
      closed(
        {
          segmentIds: Type.Array(Uuid({ description: 'Id of a segment.' }), {
            minItems: 2,
            maxItems: 2,
            description: 'The two segments.',
            examples: [TWO_IDS],
          }),
          total: count('Customers who are in both.', 12),
        },
        { description: 'Two of the segments.' },
      ),
      { description: 'Every two of them.' },
    ),
    ms,
    at: askedAt,
  },
  { $id: 'SegmentOverlaps', description: 'How many customers segments have in common.' },
);

const text = (words: string, value: string) => Type.String({ description: words, examples: [value] });
const listOf = (item: TSchema, words: string) => Type.Array(item, { description: words });

const Operator = closed(
  {
    op: text('The operator in the JSON form.', 'starts_with'),
    text: text('The operator in the text form.', 'STARTS WITH'),
    arity: stringEnum(DESCRIBED_ARITIES, {
      description:
        'How many values it takes: `some` is a list of one or more, `clauses` a list of clauses on parameters, all of which must hold.',
    }),
  },
  { description: 'An operator.' },
);

const valueType = stringEnum(SCALAR_TYPES, {
  description: 'Type of the values; see `types`.',
});
const suggest = Type.Optional(
  stringEnum(SUGGESTIONS, { description: 'List of this API whose names are good values.' }),
);
const operators = listOf(Operator, 'Operators that it takes.');
const values = Type.Optional(
  Type.Array(Type.String({ examples: ['active'] }), { description: 'All values there are, of a `word`.' }),
);
const takes = Type.Optional(text('What its values are, in words.', 'a country code (ISO 3166-1)'));

const Part = closed(
  {
    name: text('Name in queries.', 'date'),
    label: text('Name for people.', 'Placed'),
    description: text('What it means.', 'Day on which the order was placed.'),
    type: valueType,
    operators,
    values,
    takes,
  },
  { description: 'Something that can be asked of the rows of a function.' },
);

const Attribute = closed(
  {
    name: text('Name in queries.', 'number_of_orders'),
    label: text('Name for people.', 'Number of orders'),
    description: text('What it means.', 'Confirmed orders; 0 without any.'),
    area: stringEnum(AREAS, { description: 'What it belongs to.' }),
    kind: stringEnum(['value', 'list', 'rows'], {
      description:
        '`value` is one value, `list` several, `rows` a function over many things with parameters.',
    }),
    type: Type.Optional(valueType),
    operators,
    values,
    takes,
    suggest,
    parameters: Type.Optional(listOf(Part, 'Of a function: what one row says.')),
    aggregates: Type.Optional(listOf(Part, 'Of a function: what the chosen rows say together.')),
    example: text('A clause that works.', 'number_of_orders > 5'),
    since: text('Version of the service that brought it.', '0.1.0'),
  },
  { description: 'An attribute or function.' },
);

const LITERAL_TYPES = ['string', 'number', 'boolean', 'date', 'datetime', 'offset', 'day'] as const;
const literal = stringEnum(LITERAL_TYPES, {
  description: "A kind of literal: 'abc', 5, true, 2026-01-31, 2026-01-31T10:00:00Z, -90d, today.",
});

const CallValue = closed(
  { label: text('Name for people.', 'Slug'), type: literal, suggest },
  { description: 'A value in the parentheses of a call.' },
);

/** A function has no type of its own: Spectral takes data with `type` beside `example` for a schema. */
const ATTRIBUTES_EXAMPLE = {
  areas: AREAS,
  attributes: [
    {
      name: 'orders_placed',
      label: 'Orders placed',
      description: 'Orders of any status.',
      area: 'Orders',
      kind: 'rows',
      operators: [{ op: 'matches', text: 'MATCHES', arity: 'clauses' }],
      parameters: [
        {
          name: 'date',
          label: 'Placed',
          description: 'Day on which the order was placed.',
          type: 'date',
          operators: [{ op: '>=', text: '>=', arity: 'one' }],
        },
      ],
      aggregates: [
        {
          name: 'count',
          label: 'Count',
          description: 'How many orders fit.',
          type: 'integer',
          operators: [{ op: '>', text: '>', arity: 'one' }],
        },
      ],
      example: 'orders_placed MATCHES (date >= -1m, count > 1)',
      since: '0.1.0',
    },
  ],
  calls: [
    {
      op: 'in_segment',
      label: 'Is in segment',
      description: 'Is in another saved segment.',
      takes: [{ label: 'Slug', type: 'string', suggest: '/v1/segments' }],
      example: "in_segment('vip')",
    },
  ],
  types: [{ type: 'integer', literals: ['number'], spelling: 'a whole number such as 5' }],
  offsetUnits: OFFSET_UNITS,
  limits: LIMITS,
};

export const SegmentAttributes = closed(
  {
    areas: listOf(text('An area.', 'Profile'), 'The areas in the order in which people read them.'),
    attributes: listOf(Attribute, 'Attributes and functions, those of the custom fields of the store too.'),
    calls: listOf(
      closed(
        {
          op: text('Name in queries and in the JSON form.', 'in_segment'),
          label: text('Name for people.', 'Is in segment'),
          description: text('What it means.', 'Is in another saved segment.'),
          takes: listOf(CallValue, 'What stands in its parentheses.'),
          example: text('A clause that works.', "in_segment('vip')"),
        },
        { description: 'A clause that is no attribute.' },
      ),
      'Clauses that are no attributes.',
    ),
    types: listOf(
      closed(
        {
          type: valueType,
          literals: listOf(literal, 'Kinds of literals that it takes.'),
          spelling: text('How its values are written.', 'a whole number such as 5'),
        },
        { description: 'A type of values.' },
      ),
      'Every type of values.',
    ),
    offsetUnits: listOf(
      closed(
        {
          unit: stringEnum(
            OFFSET_UNITS.map(({ unit }) => unit),
            { description: 'Letter behind the number.' },
          ),
          label: text('Name for people.', 'Days'),
        },
        { description: 'A unit of offsets.' },
      ),
      'Units of offsets such as -90d.',
    ),
    limits: closed(
      {
        bytes: count('Longest text of a query, in bytes of UTF-8.', LIMITS.bytes),
        nodes: count('Most nodes of a query.', LIMITS.nodes),
        depth: count('Deepest nesting.', LIMITS.depth),
        values: count('Most values in a list.', LIMITS.values),
      },
      { description: 'How large a query may be.' },
    ),
  },
  {
    $id: 'SegmentAttributes',
    description: 'Everything that a rule builder needs.',
    examples: [ATTRIBUTES_EXAMPLE],
  },
);

export const OneSegment = closed({ segmentId: Uuid({ description: 'Id of the segment.' }) });
export const OneSegmentRevision = closed({
  segmentId: Uuid({ description: 'Id of the segment.' }),
  revision: Type.Integer({ minimum: 1, maximum: 2_147_483_646, description: 'Number of the revision.' }),
});
export const MemberOfSegment = closed({
  segmentId: Uuid({ description: 'Id of the segment.' }),
  customerId: Uuid({ description: 'Id of the customer.' }),
});
export const ExplainQuery = closed({ at: Type.Optional(at) });
export const SegmentListQuery = closed({ ...pageQuery });

export const segmentSchemas: readonly object[] = [
  SegmentNode,
  SegmentQuery,
  SegmentEstimate,
  ParsedSegment,
  SegmentPreviewRequest,
  SegmentPreview,
  SegmentDiffRequest,
  SegmentDiff,
  Segment,
  SegmentPage,
  SegmentCreate,
  SegmentUpdate,
  SegmentRevision,
  SegmentRevisionPage,
  ExplainedClause,
  SegmentExplanation,
  CustomerSegments,
  SegmentEvaluateRequest,
  SegmentEvaluation,
  SegmentOverlaps,
  SegmentAttributes,
];
