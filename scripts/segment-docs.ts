// Writes docs/segments.md from the registry of attributes, the table of operators and the routes; with --check compares.
import { readFile, writeFile } from 'node:fs/promises';
import { makeDocument } from '../src/document.ts';
import {
  CALL_VALUES,
  LIMITS,
  MATCH_TEXTS,
  NODE_OPERATORS,
  OPERATORS,
  type Operator,
  type Query,
} from '../src/domain/segments/ast.ts';
import { type BindEnv, bind } from '../src/domain/segments/bind.ts';
import {
  AREAS,
  ATTRIBUTES,
  type Attribute,
  catalogueOf,
  type ListAttribute,
  operatorsOf,
  parameterOperators,
  type RowsAttribute,
  type Scalar,
  type ScalarType,
  type ValueAttribute,
} from '../src/domain/segments/fields.ts';
import { toJson } from '../src/domain/segments/json.ts';
import { Calendar } from '../src/domain/segments/moments.ts';
import { parseQuery } from '../src/domain/segments/parse.ts';
import { isRefusal, lineAndColumn, type QueryProblem } from '../src/domain/segments/problems.ts';
import { presetSegments } from '../src/domain/segments/segments.ts';
import { ERRORS, QUERY_REFUSALS } from '../src/errors.ts';
import {
  BROKEN_EXAMPLES,
  CUSTOM_FIELDS,
  FIRST_EXAMPLES,
  NODE_EXAMPLES,
  VALUE_EXAMPLES,
} from './support/segment-examples.ts';

const FILE = 'docs/segments.md';

const INTRODUCTION = `# Segments

A segment is a rule about customers with a name: “bought shoes in the last six months and lives in Germany or Austria”.
Nobody is put into it by hand; whoever fits the rule when it is asked is a member. Lists, exports, bulk actions and other
segments take the same rules.

A rule is a query in a small language. This page is its reference, made from the registry of attributes by
\`npm run segment-docs\`. Whoever knows the segments of Shopify starts with
[segments for Shopify users](segments-for-shopify-users.md).

How many customers does a query find, and who?

\`\`\`sh
curl -s http://127.0.0.1:3000/v1/segments/preview -H "Authorization: Bearer $(cat .data/token)" \\
  -H 'Content-Type: application/json' -d '{"query":"number_of_orders > 5 AND last_order_date < -90d"}'
\`\`\`

The answer has the count, some of the customers, what the database expects the query to cost, and the milliseconds it took.
Nothing is saved. \`POST /v1/segments\` with a \`name\` beside the query saves it.`;

const GRAMMAR = `## Grammar

AND binds tighter than OR; parentheses say otherwise. Keywords are understood in any case, names of attributes in lower case
only. \`--\` begins a comment that goes to the end of its line. The **canonical text**, which is what the service keeps and
shows, has keywords in upper case, single spaces, no comments, and parentheses only where the query needs them.

\`\`\`ebnf
query  = and , { "OR" , and } ;
and    = unit , { "AND" , unit } ;
unit   = [ "NOT" ] , ( "(" , query , ")" | clause ) ;
clause = name , test
       | name , "STARTS WITH" , value
       | name , [ "NOT" ] , "CONTAINS" , value
       | name , "CONTAINS" , ( "ANY" | "ALL" | "NONE" ) , list
       | name , "IS" , [ "NOT" ] , "NULL"
       | name , [ "NOT" ] , "MATCHES" , "(" , [ name , test , { "," , name , test } ] , ")"
       | ( "in_segment" | "in_group" ) , "(" , string , ")"
       | "sample" , "(" , number , "," , string , ")" ;
test   = ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) , value
       | [ "NOT" ] , "BETWEEN" , value , "AND" , value
       | [ "NOT" ] , "IN" , list ;
list   = "(" , value , { "," , value } , ")" ;
value  = string | number | "true" | "false" | date | datetime | offset | "today" | "yesterday" ;
\`\`\``;

const MEANING = `## Meaning

| Case | \`=\` \`IN\` | \`!=\` \`NOT IN\` | \`CONTAINS\` | \`NOT CONTAINS\` | \`<\` \`>\` | \`IS NULL\` |
| --- | --- | --- | --- | --- | --- | --- |
| the value is missing | false | **true** | false | **true** | false | true |
| the list is empty | – | – | false | true | – | true |
| a counter of a customer without orders | compares 0 | compares 0 | – | – | compares 0 | false |

- **Every clause is true or false**, never unknown: \`NOT a = 'x'\` and \`a != 'x'\` are the same for every customer.
- **\`BETWEEN\`** includes both ends. \`NOT BETWEEN\` is true for a missing value.
- **Days** are whole days in the time zone of the store. \`last_order_date = 2026-01-31\` is from midnight to midnight there;
  \`> 2026-01-31\` begins on 1 February. A value with a time is that instant.
- **Offsets** count calendar days from today's date in the store's zone: \`-90d\`, \`-2w\`, \`-1m\`, \`-1y\` are whole days;
  \`-36h\` is that many hours before this instant. Months and years that lack the day end with their last one: a month after
  31 January is 28 or 29 February.
- **Birthdays** have no year: only month and day of a date count. 29 February is celebrated on 28 February in common years.
  A range may cross New Year: \`birthday BETWEEN 2026-12-20 AND 2027-01-06\`.
- **Age** and days since are whole numbers as of today.
- **Money** is compared exactly, in the currency of the store. Orders in other currencies count as orders; their amounts are
  left out. More decimals than the currency has are an error.
- **Case**: words (such as statuses), tags, groups, cities, regions and codes are compared without regard to case; regions,
  cities and companies without regard to accents too. Ids and SKUs are compared exactly. The tables below say it of each.
- **Lists** are of values of all addresses, all tags, all groups. \`CONTAINS\` asks for a whole value; in a text attribute
  it asks for a part of the text.
- **Time is given**: the service asks every query as of now; previews and explanations can ask as of another instant. Customers
  are taken as they are today; only dates are counted from that instant.
- Merged and erased customers are in no segment.`;

const FUNCTIONS = `## Functions

A function asks about the many things that a customer has: which of them fit, how many, how much together.
\`MATCHES ()\` finds who has any at all, \`NOT MATCHES ()\` who has none. Every parameter is optional, and what is left out
restricts nothing. Parameters are joined by AND, and all are asked of the same order or line. A parameter may stand more than
once: \`date >= 2026-01-01, date < 2026-02-01\`. Several values for one are a list: \`category IN ('shoes', 'socks')\`.

**Aggregates** (\`count\`, \`sum_…\`) are asked of the things that fit all other parameters, together. Without \`count\`, at
least one must fit; with it, also who has none is asked: \`orders_placed MATCHES (date >= -1y, count < 3)\` finds customers
without any order too. Parameters and aggregates take comparisons, \`BETWEEN\` and \`IN\`, and no other operators.`;

const CALLS = `## Other segments, groups, samples

| Call | Meaning |
| --- | --- |
| \`in_segment('slug')\` | members of a saved segment; a segment cannot lead back to itself |
| \`in_group('name')\` | members of a group of the store; the name must exist |
| \`sample(percent, 'salt')\` | a share of all customers, 0 to 100 with at most two decimals. Who is in depends on the salt and the customer's id alone: the same people each time, others for another salt |

\`sample\` is for hold-outs: send to \`NOT sample(10, 'spring')\`, and compare later with \`sample(10, 'spring')\`.`;

const JSON_FORM = `## JSON form

The same query as a tree, for programs: a body takes \`json\` in place of \`query\`, and answers show both. Each node has
\`op\`. AND, OR and NOT have their operands in \`of\`; clauses have \`attribute\` and \`values\`; functions have \`attribute\`
and, in \`where\`, clauses on their parameters; calls have \`values\`. Dates and offsets are strings, and so are numbers that
JSON would spell in another way, such as 1000.00.`;

const ERRORS_CHAPTER = `## Errors

A query that is wrong is refused with 422 and a [problem document](errors.md); nothing in a query is ever ignored. \`errors\`
has an entry for each place: \`message\`, \`offset\` and \`length\` in UTF-16 units of the text, \`line\` and \`column\` from 1,
\`expected\` with what would be right there, and \`nearest\`, the nearest word that exists. In the JSON form \`pointer\` leads to
the place. Faults of the language end the reading at the first one; faults of meaning come all at once.`;

const BULK = `Bulk actions (\`POST /v1/customers/bulk\`) take the members of a segment (\`segmentId\`), or a query in \`filter.filter\`.`;

const PRESETS = `## Ready-made segments

A new store has these, for you to change or delete. The amount of \`vip\` and the country follow from the store; here they are
those of a store in London.`;

const ADDING = `## Adding an attribute

One entry in one place: [src/domain/segments/fields.ts](../src/domain/segments/fields.ts). It says name, type, label,
description, an example, the SQL expression of what is compared and, where that differs, of what people see. The language,
\`GET /v1/segments/attributes\`, both evaluators, the reader of one customer's facts, explanations and this page are made from
it. A value of a customer is an entry of kind \`value\`, several values one of kind \`list\`, things with properties of their
own one of kind \`rows\`. Tests run the example, and compare both evaluators on every attribute.`;

const TYPE_NAMES: Readonly<Record<ScalarType, string>> = {
  integer: 'whole number',
  number: 'number',
  money: 'money',
  date: 'date',
  calendar_date: 'date',
  yearly_date: 'yearly date',
  age: 'years',
  days_since: 'days',
  boolean: 'yes or no',
  word: 'word',
  text: 'text',
};
const TYPE_VALUES: Readonly<Partial<Record<ScalarType, string>>> = {
  boolean: '`true`, `false`',
  date: 'date, time, offset',
  calendar_date: 'date, offset',
  yearly_date: 'date, offset',
  money: 'store currency',
};

const code = (text: string): string => `\`${text}\``;
const cell = (text: string): string => text.replaceAll('|', '\\|');
const codes = (words: readonly string[]): string => words.map(code).join(', ');

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

const fence = (language: string, text: string): string => `\`\`\`${language}\n${text}\n\`\`\``;

/** An operator and its negation in one: `[NOT] IN`, `IS [NOT] NULL`. */
function operatorTexts(operators: readonly Operator[]): string {
  const texts = operators.map((op) => OPERATORS[op].text as string);
  const negationOf = (text: string): string => (text === 'IS NULL' ? 'IS NOT NULL' : `NOT ${text}`);
  const negations = new Set(texts.map(negationOf));
  const merged = texts.flatMap((text) => {
    if (negations.has(text)) return [];
    if (!texts.includes(negationOf(text))) return [text];
    return [text === 'IS NULL' ? 'IS [NOT] NULL' : `[NOT] ${text}`];
  });
  return merged.map(code).join(' ');
}

const scalarValues = ({ type, words, takes }: Scalar): string =>
  words ? codes(words) : (takes ?? TYPE_VALUES[type] ?? TYPE_NAMES[type]);

const valuesOf = (attribute: ValueAttribute | ListAttribute): string =>
  attribute.kind === 'list' ? (attribute.takes ?? 'text') : scalarValues(attribute);
const typeOf = (attribute: ValueAttribute | ListAttribute): string =>
  attribute.kind === 'list' ? 'list' : TYPE_NAMES[attribute.type];

const isFunction = (attribute: Attribute): attribute is RowsAttribute => attribute.kind === 'rows';

const ATTRIBUTE_HEAD = ['Name', 'Type', 'Operators', 'Values', 'Description', 'Example'];

function attributeRow(attribute: ValueAttribute | ListAttribute): string[] {
  const { name, description, example } = attribute;
  return [
    code(name),
    typeOf(attribute),
    operatorTexts(operatorsOf(attribute)),
    valuesOf(attribute),
    description,
    code(example),
  ];
}

function attributeTable(attributes: readonly Attribute[]): string {
  const rows = attributes.flatMap((attribute) => (isFunction(attribute) ? [] : [attributeRow(attribute)]));
  return table(ATTRIBUTE_HEAD, rows);
}

function attributes(): string {
  const areas = AREAS.map((area) => {
    const own = ATTRIBUTES.filter((attribute) => attribute.area === area);
    return `### ${area}\n\n${attributeTable(own)}`;
  });
  const custom = [...catalogueOf(CUSTOM_FIELDS).values()].slice(ATTRIBUTES.length);
  const customFields = `### Custom fields

Every custom field that the store declares is an attribute \`custom.<key>\`, with the operators of its type. A value that was
stored while the field had another type is missing. Of a store with one field of each type:

${attributeTable(custom)}`;
  return ['## Attributes', ...areas, customFields].join('\n\n');
}

function functionChapter({ name, description, example, parameters, aggregates }: RowsAttribute): string {
  const rows = Object.entries(parameters).map(([parameter, scalar]) => [
    code(parameter),
    TYPE_NAMES[scalar.type],
    operatorTexts(parameterOperators(scalar)),
    scalarValues(scalar),
    scalar.description,
  ]);
  const totals = Object.entries(aggregates).map(([aggregate, { type, description: text }]) => [
    code(aggregate),
    TYPE_NAMES[type],
    operatorTexts(parameterOperators({ type })),
    scalarValues({ type, sql: '' }),
    `**Aggregate.** ${text}`,
  ]);
  const parameterTable = table(
    ['Parameter', 'Type', 'Operators', 'Values', 'Description'],
    [...rows, ...totals],
  );
  return [`### ${name}`, description, fence('segment', example), parameterTable].join('\n\n');
}

const functions = (): string =>
  [FUNCTIONS, ...ATTRIBUTES.filter(isFunction).map(functionChapter)].join('\n\n');

function textOf(op: Query['op']): string {
  if (op in OPERATORS) return OPERATORS[op as Operator].text;
  if (op in MATCH_TEXTS) return MATCH_TEXTS[op as keyof typeof MATCH_TEXTS];
  return op in CALL_VALUES ? op : op.toUpperCase();
}

const operators = (): string =>
  `## Operators\n\n${table(
    ['Operator', 'Example', 'Finds'],
    NODE_OPERATORS.map((op) => [code(textOf(op)), code(NODE_EXAMPLES[op].query), NODE_EXAMPLES[op].finds]),
  )}`;

const values = (): string =>
  `## Values\n\n${table(
    ['Value', 'Spelling', 'Example'],
    VALUE_EXAMPLES.map(({ kind, spelling, query }) => [kind, spelling, code(query)]),
  )}`;

const examples = (): string =>
  FIRST_EXAMPLES.map(({ query, finds }) => `${finds}\n\n${fence('segment', query)}`).join('\n\n');

function jsonOf(text: string): string {
  const parsed = parseQuery(text);
  if (isRefusal(parsed)) throw new Error(`${text}: ${parsed.problems[0]?.message}`);
  return JSON.stringify(toJson(parsed.query));
}

const jsonForm = (): string =>
  `${JSON_FORM}\n\n${table(
    ['Node', 'Text', 'JSON'],
    NODE_OPERATORS.map((op) => {
      const { query } = NODE_EXAMPLES[op];
      return [code(op), code(query), code(jsonOf(query))];
    }),
  )}`;

const limits = (): string =>
  `## Limits\n\n${table(
    ['What', 'At most'],
    [
      ['length of the text', `${LIMITS.bytes.toLocaleString('en')} bytes of UTF-8`],
      ['nodes: clauses, parameters, AND, OR and NOT', String(LIMITS.nodes)],
      ['levels of nesting', String(LIMITS.depth)],
      ['values in a list', LIMITS.values.toLocaleString('en')],
    ],
  )}

Previews and diffs run under a time limit; a query that passes it is refused with \`SEGMENT_TOO_EXPENSIVE\` and the clause that
costs most by the plan of the database.`;

/** A store in London on a day of this century: faults do not depend on them. */
const ENV: BindEnv = {
  catalogue: catalogueOf([]),
  calendar: new Calendar(new Date('2026-01-31T12:00:00Z'), 'Europe/London'),
  currency: 'GBP',
  segments: new Map(
    presetSegments({ currency: 'GBP', locale: 'en-GB', defaultCountry: 'GB' }).map(({ slug, query }) => [
      slug,
      queryOf(query),
    ]),
  ),
  groups: ['Standard', 'Business'],
};

function queryOf(text: string): Query {
  const parsed = parseQuery(text);
  if (isRefusal(parsed)) throw new Error(`${text}: ${parsed.problems[0]?.message}`);
  return parsed.query;
}

function problemOf(text: string): QueryProblem {
  const parsed = parseQuery(text);
  const refusal = isRefusal(parsed) ? parsed : bind(parsed.query, ENV, parsed.places);
  const problem = isRefusal(refusal) ? refusal.problems[0] : undefined;
  if (!problem) throw new Error(`There is nothing wrong with ${text}`);
  return problem;
}

function errorRow(text: string): string[] {
  const { code: name, message, place } = problemOf(text);
  const offset = place && 'offset' in place ? place.offset : 0;
  const { line, column } = lineAndColumn(text, offset);
  return [code(text), code(name), `${line}:${column}`, message];
}

const errors = (): string =>
  [
    ERRORS_CHAPTER,
    table(
      ['Code', 'Meaning', 'What to do'],
      [...QUERY_REFUSALS, 'SEGMENT_TOO_EXPENSIVE' as const].map((name) => {
        const { title, detail } = ERRORS[name];
        return [code(name), title, detail];
      }),
    ),
    table(['Query', 'Code', 'Line and column', 'Message'], BROKEN_EXAMPLES.map(errorRow)),
  ].join('\n\n');

interface OpenApi {
  paths: Record<string, Record<string, { summary: string; parameters?: { name: string }[] }>>;
}

/** Operations on segments, and others that take a query. */
async function endpoints(): Promise<string> {
  const { paths } = (await makeDocument('3.1')) as OpenApi;
  const rows = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([method, { summary, parameters = [] }]) => {
      const takesQuery = parameters.some(({ name }) => name === 'filter');
      if (!path.includes('/segments') && !takesQuery) return [];
      const call = `${method.toUpperCase()} ${path}${takesQuery ? '?filter=' : ''}`;
      return [[code(call), summary]];
    }),
  );
  return `## Endpoints\n\n${table(['Operation', 'What'], rows)}\n\n${BULK}`;
}

const presets = (): string =>
  `${PRESETS}\n\n${table(
    ['Slug', 'Name', 'Query'],
    presetSegments({ currency: 'GBP', locale: 'en-GB', defaultCountry: 'GB' }).map(
      ({ slug, name, query }) => [code(slug), name, code(query)],
    ),
  )}`;

const chapters = [
  INTRODUCTION,
  examples(),
  GRAMMAR,
  values(),
  MEANING,
  operators(),
  attributes(),
  functions(),
  CALLS,
  jsonForm(),
  limits(),
  errors(),
  await endpoints(),
  presets(),
  ADDING,
];
const text = `${chapters.join('\n\n')}\n`;

if (!process.argv.includes('--check')) {
  await writeFile(FILE, text);
} else if ((await readFile(FILE, 'utf8').catch(() => '')) !== text) {
  process.stderr.write(`${FILE} is not what the registry says: run \`npm run segment-docs\`.\n`);
  process.exitCode = 1;
}
