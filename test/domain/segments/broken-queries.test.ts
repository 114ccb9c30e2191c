import t from 'tap';
import type { Query } from '../../../src/domain/segments/ast.ts';
import { bind } from '../../../src/domain/segments/bind.ts';
import { Calendar } from '../../../src/domain/segments/moments.ts';
import { parseQuery } from '../../../src/domain/segments/parse.ts';
import { isRefusal, type QueryErrorCode, type QueryProblem } from '../../../src/domain/segments/problems.ts';
import { CATALOGUE } from '../../support/segment-queries.ts';

function parsed(text: string): Query {
  const read = parseQuery(text);
  if (isRefusal(read)) throw new Error(JSON.stringify(read.problems));
  return read.query;
}

const ENV = {
  catalogue: CATALOGUE,
  calendar: new Calendar(new Date('2026-03-15T12:00:00Z'), 'Europe/Berlin'),
  currency: 'EUR',
  segments: new Map([
    ['vip-customers', parsed('amount_spent > 500')],
    ['loop', parsed("in_segment('loop')")],
    ['old', parsed("emial_consent = 'subscribed'")],
  ]),
  groups: ['Business', 'Família'],
};

function problemsOf(text: string): readonly QueryProblem[] {
  const read = parseQuery(text);
  if (isRefusal(read)) return read.problems;
  const bound = bind(read.query, ENV, read.places);
  return isRefusal(bound) ? bound.problems : [];
}

// What would be right, where it is longer than a few words.
const CLAUSE = ['an attribute', 'NOT', '('];
const AFTER = ['AND', 'OR', 'the end'];
const INSIDE = ['AND', 'OR', ')'];
const LIST = [',', ')'];
const COMPARISON = ['=', '!=', '<', '<=', '>', '>='];
const OPERATOR = [...COMPARISON, 'BETWEEN', 'NOT', 'IN', 'STARTS', 'CONTAINS', 'IS', 'MATCHES'];
const PARAMETER = [...COMPARISON, 'BETWEEN', 'NOT BETWEEN', 'IN', 'NOT IN'];
const ORDERED = [
  '=',
  '!=',
  'IN',
  'NOT IN',
  '<',
  '<=',
  '>',
  '>=',
  'BETWEEN',
  'NOT BETWEEN',
  'IS NULL',
  'IS NOT NULL',
];
const ON_LIST = [
  'CONTAINS',
  'NOT CONTAINS',
  'CONTAINS ANY',
  'CONTAINS ALL',
  'CONTAINS NONE',
  'IS NULL',
  'IS NOT NULL',
];
const NAMES = [...CATALOGUE.keys()];
const ORDER_PARAMETERS = [
  'date',
  'amount',
  'status',
  'currency',
  'channel',
  'payment_method',
  'coupon',
  'count',
  'sum_amount',
];

/** The place of the fault stands in ⟦ ⟧; `nearest` put there mends it. */
type Row = readonly [query: string, message: string, expected: readonly string[], nearest?: string];

const BROKEN: Readonly<Partial<Record<QueryErrorCode, readonly Row[]>>> = {
  SEGMENT_SYNTAX: [
    // nothing, and what begins wrong
    ['⟦⟧', 'The query is empty; it needs a clause such as age > 18.', CLAUSE],
    [' -- nothing⟦⟧', 'The query is empty; it needs a clause such as age > 18.', CLAUSE],
    ['NOT⟦⟧', 'After NOT comes an attribute, not the end.', CLAUSE],
    ['⟦AND⟧ age > 18', 'A query begins with an attribute, not with AND.', CLAUSE],
    [
      "⟦'friend'⟧ IN customer_tags",
      "A query begins with an attribute, not with 'friend'. The value stands last: age > 18.",
      CLAUSE,
    ],
    ['⟦18⟧ < age', 'A query begins with an attribute, not with 18. The value stands last: age > 18.', CLAUSE],
    ['⟦=⟧ 18', 'A query begins with an attribute, not with =.', CLAUSE],
    [
      'NOT ⟦NOT⟧ wholesale = true',
      'NOT stands once before a clause; twice is NOT (NOT …).',
      ['an attribute', '('],
    ],
    ['⟦NOTT⟧ wholesale = true', 'Did you mean NOT instead of NOTT?', ['NOT'], 'NOT'],
    [`⟦"company"⟧ = 'Acme'`, 'A name stands without quotes.', CLAUSE, 'company'],
    ['(⟦)⟧', 'There is nothing between the parentheses.', CLAUSE],
    // operators
    ['wholesale⟦⟧', 'After wholesale comes an operator, not the end.', OPERATOR],
    ['age ⟦18⟧', 'After age comes an operator, not 18.', OPERATOR],
    ['age ⟦==⟧ 18', 'Write = instead of ==.', ['='], '='],
    ['age ⟦<>⟧ 18', 'Write != instead of <>.', ['!='], '!='],
    ['age ⟦> =⟧ 18', 'Write >= instead of > =.', ['>='], '>='],
    ['age ⟦=>⟧ 18', 'Write >= instead of =>.', ['>='], '>='],
    ['age ⟦≥⟧ 18', 'Write >= instead of ≥.', ['>='], '>='],
    ['age ⟦NOT =⟧ 18', 'Write != instead of NOT =.', ['!='], '!='],
    ['age ⟦>>⟧ 18', '>> is no operator.', COMPARISON],
    ["company ⟦LIKE⟧ 'Ac%'", 'Write CONTAINS instead of LIKE.', ['CONTAINS'], 'CONTAINS'],
    [
      "company ⟦STARTSWITH⟧ 'A'",
      'After company comes an operator, not STARTSWITH. Did you mean STARTS WITH?',
      OPERATOR,
      'STARTS WITH',
    ],
    ["company STARTS ⟦'A'⟧", "After STARTS comes WITH, not 'A'.", ['WITH']],
    [
      "company ⟦NOT STARTS⟧ WITH 'A'",
      "Put NOT before the whole clause: NOT company STARTS WITH 'A'.",
      ['NOT before the clause'],
    ],
    ['age IS ⟦NUL⟧', 'After IS comes NULL or NOT, not NUL.', ['NULL', 'NOT'], 'NULL'],
    ['age IS ⟦18⟧', 'After IS comes NULL or NOT, not 18.', ['NULL', 'NOT']],
    ['age ⟦= NULL⟧', 'Write IS NULL instead of = NULL.', ['IS NULL'], 'IS NULL'],
    ['age ⟦NOT NULL⟧', 'Write IS NOT NULL instead of NOT NULL.', ['IS NOT NULL'], 'IS NOT NULL'],
    [
      'age NOT ⟦18⟧',
      'After NOT comes BETWEEN or IN or CONTAINS or MATCHES, not 18.',
      ['BETWEEN', 'IN', 'CONTAINS', 'MATCHES'],
    ],
    [
      "customer_tags ⟦CONTANS⟧ 'a'",
      'After customer_tags comes an operator, not CONTANS. Did you mean CONTAINS?',
      OPERATOR,
      'CONTAINS',
    ],
    [
      "customer_tags ⟦CONTAINS (⟧'a', 'b')",
      'Write CONTAINS ANY ( instead of CONTAINS (.',
      ['CONTAINS ANY ('],
      'CONTAINS ANY (',
    ],
    ["customer_tags CONTAINS ⟦ANNY⟧ ('a')", 'ANNY is no value. Did you mean ANY?', ['a value'], 'ANY'],
    [
      "customer_tags ⟦NOT CONTAINS ANY⟧ ('a')",
      'Write CONTAINS NONE instead of NOT CONTAINS ANY.',
      ['CONTAINS NONE'],
      'CONTAINS NONE',
    ],
    [
      'orders_placed ⟦MATCHS⟧ (date >= -1m)',
      'After orders_placed comes an operator, not MATCHS. Did you mean MATCHES?',
      OPERATOR,
      'MATCHES',
    ],
    [
      'orders_placed ⟦(⟧date >= -1m)',
      'Between orders_placed and its parenthesis stands MATCHES or IN.',
      ['MATCHES', 'IN'],
    ],
    // values
    ['age >⟦⟧', 'After > comes a value, not the end.', ['a value']],
    ['company = ⟦Acme⟧', "Acme is no value. Text stands in single quotes: 'friend'.", ['a value'], "'Acme'"],
    ['company = ⟦"Acme"⟧', "Text stands in straight single quotes: 'friend'.", ["'"], "'Acme'"],
    ["company = ⟦‘it's’⟧", "Text stands in straight single quotes: 'friend'.", ["'"], "'it''s'"],
    [
      "company = ⟦'⟧Acme",
      "The text that begins here has no closing quote; a quote inside of text is written twice ('').",
      ["'"],
    ],
    ["company = 'O⟦'⟧Brien'", "A quote inside of text is written twice: 'O''Brien'.", ["''"], "''"],
    ["company = '⟦\0⟧'", 'Text has no NUL and no half of a surrogate pair in it.', []],
    ["company = 'a' ⟦'b'⟧", "AND or OR is missing before 'b'.", AFTER],
    ['age > 1⟦,⟧000', 'A number has a point before its decimals and no other separator: 1000.00.', AFTER],
    ['age > ⟦.5⟧', 'Write 0.5 instead of .5.', ['a number such as 1000.00'], '0.5'],
    ['age > ⟦+18⟧', 'Write 18 instead of +18.', ['a number such as 1000.00'], '18'],
    [
      'age > ⟦1e3⟧',
      '1e3 is neither a number nor a date nor an offset.',
      ['a number such as 1000.00', 'a date such as 2026-01-31', 'an offset such as -90d'],
    ],
    ['age > 18 ⟦%⟧', '% has no meaning in a query.', []],
    ['age BETWEEN 18⟦⟧', 'BETWEEN takes two values with AND between them: BETWEEN 1 AND 5.', ['AND']],
    [
      'age BETWEEN 18⟦,⟧ 30',
      'BETWEEN takes two values with AND between them: BETWEEN 1 AND 5.',
      ['AND'],
      'AND',
    ],
    ['age BETWEEN 18 AND⟦⟧', 'After AND comes a value, not the end.', ['a value']],
    ["source IN ⟦'import'⟧", "After IN comes a parenthesis, not 'import'.", ['('], "('import')"],
    ['source IN (⟦)⟧', 'A list has at least one value.', ['a value']],
    ["source IN ('import', ⟦)⟧", 'After , comes a value, not ).', ['a value']],
    ["source IN ('import' ⟦'manual'⟧)", "A comma is missing before 'manual'.", LIST],
    ["source IN ('import', 'manual'⟦⟧", 'The parenthesis opened in line 1, column 11 is not closed.', LIST],
    [
      'created_date < ⟦90d⟧',
      'An offset begins with its sign: -90d lies before today, +90d after it.',
      ['-90d', '+90d'],
    ],
    [
      'created_date < -90⟦days⟧',
      'days is no unit; write h (hours), d (days), w (weeks), m (months) or y (years).',
      ['h', 'd', 'w', 'm', 'y'],
      'd',
    ],
    ['created_date < ⟦-1234567d⟧', 'An offset has at most 6 digits.', ['at most 6 digits']],
    [
      'created_date < ⟦-⟧ 90d',
      'Nothing is computed in a query; a sign stands right before its number: -7d.',
      ['an offset such as -7d'],
    ],
    ['created_date < ⟦today -7d⟧', 'An offset counts from today by itself: write -7d alone.', ['-7d'], '-7d'],
    ['created_date < ⟦tody⟧', 'tody is no value. Did you mean today?', ['a value'], 'today'],
    ['created_date = ⟦2026-02-30⟧', 'There is no day 2026-02-30.', ['a date such as 2026-01-31']],
    [
      'created_date = ⟦31.01.2026⟧',
      'A date is written as year, month and day: 2026-01-31.',
      ['a date such as 2026-01-31'],
      '2026-01-31',
    ],
    [
      'created_date = ⟦01/31/2026⟧',
      'A date is written as year, month and day: 2026-01-31.',
      ['a date such as 2026-01-31'],
    ],
    [
      'created_date = ⟦2026-1-5⟧',
      'A date is written as year, month and day: 2026-01-31.',
      ['a date such as 2026-01-31'],
      '2026-01-05',
    ],
    [
      'created_date = 2026-01-31 ⟦10:00⟧',
      'A date and its time are one word with a T between: 2026-01-31T10:00.',
      ['a time such as 2026-01-31T10:00'],
    ],
    [
      'created_date = ⟦2026-01-31T25:00⟧',
      '2026-01-31T25:00 is no time that exists, written like 2026-01-31T10:00:00+01:00.',
      ['2026-01-31T10:00', '2026-01-31T10:00:00Z', '2026-01-31T10:00:00+01:00'],
    ],
    // what joins clauses, and parentheses
    ['age > 18 AND⟦⟧', 'After AND comes an attribute, not the end.', CLAUSE],
    ['age > 18 AND ⟦OR⟧ age < 30', 'After AND comes an attribute, not OR.', CLAUSE],
    ['age > 18 ⟦AN⟧ D age < 30', 'AND or OR is missing before AN. Did you mean AND?', AFTER, 'AND'],
    ['age > 18 ⟦age⟧ < 30', 'AND or OR is missing before age.', AFTER],
    ['age > 18 ⟦&&⟧ age < 30', 'Write AND instead of &&.', ['AND'], 'AND'],
    ['age > 18⟦,⟧ age < 30', 'Clauses are joined by AND or OR, not by a comma.', AFTER],
    ['age > 18 ⟦<⟧ 30', 'A clause compares once; join two with AND, or write BETWEEN 1 AND 5.', AFTER],
    ['age > 18⟦;⟧', 'A query ends without a semicolon.', ['the end']],
    ['age > 18 ⟦\u200b⟧OR age < 8', 'The character U+200B has no meaning in a query.', []],
    ['age > 18⟦)⟧', 'This parenthesis closes none that was opened.', AFTER],
    [
      'wholesale = true AND\n  (age > 18 OR (age < 8)⟦⟧',
      'The parenthesis opened in line 2, column 3 is not closed.',
      INSIDE,
    ],
    ['⟦!⟧(age > 18)', 'Write NOT instead of !.', ['NOT'], 'NOT'],
    // functions and calls
    ['orders_placed MATCHES ⟦date⟧ >= -1m', 'After MATCHES comes a parenthesis, not date.', ['(']],
    [
      'orders_placed MATCHES (date >= -1m ⟦AND⟧ count > 2)',
      'Between parentheses of a list stand commas, not AND.',
      LIST,
      ',',
    ],
    ['orders_placed MATCHES (date >= -1m ⟦count⟧ > 2)', 'A comma is missing before count.', LIST],
    [
      'orders_placed MATCHES (date >= -1m⟦⟧',
      'The parenthesis opened in line 1, column 23 is not closed.',
      LIST,
    ],
    [
      "orders_placed MATCHES (status ⟦CONTAINS⟧ 'x')",
      'A parameter is compared by =, !=, <, <=, >, >=, BETWEEN, NOT BETWEEN, IN, NOT IN.',
      PARAMETER,
    ],
    ["orders_placed MATCHES (⟦in_group⟧('x'))", 'After ( comes a parameter, not in_group.', ['a parameter']],
    [
      "⟦in_segmet⟧('vip-customers')",
      'Did you mean in_segment instead of in_segmet?',
      ['in_segment', 'in_group', 'sample', 'NOT'],
      'in_segment',
    ],
    [
      "in_segment ⟦'vip-customers'⟧",
      "After in_segment comes a parenthesis, not 'vip-customers'.",
      ['('],
      "('vip-customers')",
    ],
    [
      'in_segment(⟦vip⟧)',
      "in_segment takes text in single quotes here: in_segment('vip').",
      ['text in single quotes'],
      "'vip'",
    ],
    ["in_segment('vip'⟦,⟧ 'x')", "in_segment takes one value: in_segment('vip').", [')']],
    ['sample(10⟦)⟧', "sample takes 2 values: sample(10, 'spring').", [',']],
    ["sample(⟦'10'⟧, 'a')", "sample takes a number here: sample(10, 'spring').", ['a number']],
  ],
  UNKNOWN_ATTRIBUTE: [
    [
      '⟦number_of_order⟧ > 5',
      'There is no attribute number_of_order. Did you mean number_of_orders?',
      NAMES,
      'number_of_orders',
    ],
    [
      '⟦Amount_Spent⟧ > 5',
      'There is no attribute Amount_Spent. Did you mean amount_spent?',
      NAMES,
      'amount_spent',
    ],
    [
      "⟦custom.color⟧ = 'Red'",
      'There is no attribute custom.color. Did you mean custom.colour?',
      NAMES,
      'custom.colour',
    ],
    ['⟦loyalty_card⟧ = 1', 'There is no attribute loyalty_card.', NAMES],
    [
      'orders_placed MATCHES (⟦dat⟧ >= -1m)',
      'orders_placed has no parameter dat. Did you mean date?',
      ORDER_PARAMETERS,
      'date',
    ],
    [
      "orders_placed MATCHES (count > 1, ⟦shop⟧ = 'x')",
      'orders_placed has no parameter shop.',
      ORDER_PARAMETERS,
    ],
    [
      "age > 18 AND ⟦in_segment('old')⟧",
      'In segment old: There is no attribute emial_consent. Did you mean email_consent?',
      [],
    ],
  ],
  SEGMENT_TYPE: [
    [
      '⟦age CONTAINS 5⟧',
      'age cannot be compared by CONTAINS; it takes =, !=, IN, NOT IN, <, <=, >, >=, BETWEEN, NOT BETWEEN, IS NULL, IS NOT NULL.',
      ORDERED,
    ],
    [
      "⟦customer_tags = 'a'⟧",
      'customer_tags cannot be compared by =; it takes CONTAINS, NOT CONTAINS, CONTAINS ANY, CONTAINS ALL, CONTAINS NONE, IS NULL, IS NOT NULL.',
      ON_LIST,
    ],
    [
      '⟦wholesale > true⟧',
      'wholesale cannot be compared by >; it takes =, !=, IS NULL, IS NOT NULL.',
      ['=', '!=', 'IS NULL', 'IS NOT NULL'],
    ],
    [
      '⟦birthday > 2026-01-01⟧',
      'birthday cannot be compared by >; it takes =, !=, IN, NOT IN, BETWEEN, NOT BETWEEN, IS NULL, IS NOT NULL.',
      ['=', '!=', 'IN', 'NOT IN', 'BETWEEN', 'NOT BETWEEN', 'IS NULL', 'IS NOT NULL'],
    ],
    [
      "⟦customer_cities STARTS WITH 'L'⟧",
      'customer_cities cannot be compared by STARTS WITH; it takes CONTAINS, NOT CONTAINS, CONTAINS ANY, CONTAINS ALL, CONTAINS NONE, IS NULL, IS NOT NULL.',
      ON_LIST,
    ],
    [
      '⟦orders_placed > 5⟧',
      'orders_placed is a function: write orders_placed MATCHES ( … ).',
      ['MATCHES', 'NOT MATCHES'],
    ],
    [
      '⟦age MATCHES ()⟧',
      'age is no function; it takes =, !=, IN, NOT IN, <, <=, >, >=, BETWEEN, NOT BETWEEN, IS NULL, IS NOT NULL.',
      ORDERED,
    ],
    [
      "orders_placed MATCHES (⟦status > 'x'⟧)",
      'status cannot be compared by >; it takes =, !=, IN, NOT IN.',
      ['=', '!=', 'IN', 'NOT IN'],
    ],
    [
      'number_of_orders > ⟦1.5⟧',
      '1.5 does not fit number_of_orders, which takes a whole number such as 5.',
      ['a whole number such as 5'],
    ],
    [
      "number_of_orders > ⟦'five'⟧",
      "'five' does not fit number_of_orders, which takes a whole number such as 5.",
      ['a whole number such as 5'],
    ],
    [
      'amount_spent > ⟦10.005⟧',
      '10.005 does not fit amount_spent, which takes an amount in EUR with at most 2 decimals.',
      ['an amount in EUR with at most 2 decimals'],
    ],
    [
      'company = ⟦5⟧',
      "5 does not fit company, which takes text in single quotes, such as 'abc'.",
      ["text in single quotes, such as 'abc'"],
    ],
    ["wholesale = ⟦'true'⟧", "'true' does not fit wholesale, which takes true or false.", ['true or false']],
    [
      "created_date > ⟦'2026-01-31'⟧",
      "'2026-01-31' does not fit created_date, which takes a date such as 2026-01-31, -90d, +1m, today or yesterday.",
      ['a date such as 2026-01-31, -90d, +1m, today or yesterday'],
    ],
    [
      'created_date > ⟦+999999y⟧',
      '+999999y does not fit created_date, which takes a date such as 2026-01-31, -90d, +1m, today or yesterday.',
      ['a date such as 2026-01-31, -90d, +1m, today or yesterday'],
    ],
    [
      'days_since_last_order > ⟦-90d⟧',
      '-90d does not fit days_since_last_order, which takes a whole number of days such as 30.',
      ['a whole number of days such as 30'],
    ],
    [
      "default_country = ⟦'Germany'⟧",
      "'Germany' does not fit default_country, which takes a country code (ISO 3166-1), such as DE.",
      ['a country code (ISO 3166-1), such as DE'],
    ],
    [
      "customer_countries CONTAINS ANY ('DE', ⟦'XX'⟧)",
      "'XX' does not fit customer_countries, which takes a country code (ISO 3166-1), such as DE.",
      ['a country code (ISO 3166-1), such as DE'],
    ],
    [
      "sample(⟦101⟧, 'x')",
      '101 does not fit sample, which takes a share from 0 to 100 with at most 2 decimals.',
      ['a share from 0 to 100 with at most 2 decimals'],
    ],
  ],
  UNKNOWN_VALUE: [
    [
      "account_status = ⟦'activ'⟧",
      "account_status is never 'activ'; it is one of guest, invited, active, disabled.",
      ['guest', 'invited', 'active', 'disabled'],
      'active',
    ],
    [
      "orders_placed MATCHES (status IN ('shipped', ⟦'canceled'⟧))",
      "status is never 'canceled'; it is one of pending, confirmed, processing, shipped, delivered, completed, cancelled.",
      ['pending', 'confirmed', 'processing', 'shipped', 'delivered', 'completed', 'cancelled'],
      'cancelled',
    ],
    [
      "custom.colour != ⟦'Mauve'⟧",
      "custom.colour is never 'Mauve'; it is one of Red, Green, Robin's egg.",
      ['Red', 'Green', "Robin's egg"],
    ],
  ],
  UNKNOWN_SEGMENT: [
    [
      "in_segment(⟦'vip-custmers'⟧)",
      'There is no segment vip-custmers. Did you mean vip-customers?',
      ['vip-customers', 'loop', 'old'],
      'vip-customers',
    ],
    ["in_segment(⟦'new'⟧)", 'There is no segment new.', ['vip-customers', 'loop', 'old']],
  ],
  SEGMENT_CYCLE: [
    ["⟦in_segment('loop')⟧", 'In segment loop: A segment cannot contain itself: loop → loop.', []],
  ],
  UNKNOWN_GROUP: [
    [
      "in_group(⟦'Busines'⟧)",
      "There is no group 'Busines'. Did you mean 'Business'?",
      ['Business', 'Família'],
      'Business',
    ],
    ["in_group(⟦'Family'⟧)", "There is no group 'Family'.", ['Business', 'Família']],
  ],
};

function unmarked(marked: string) {
  const offset = marked.indexOf('⟦');
  const length = marked.indexOf('⟧') - offset - 1;
  return { text: marked.replace(/[⟦⟧]/g, ''), offset, length };
}

for (const [code, rows = []] of Object.entries(BROKEN)) {
  t.test(`${code} tells the place, what would be right and the nearest name`, async (t) => {
    for (const [marked, message, expected, nearest] of rows) {
      const { text, ...place } = unmarked(marked);
      t.strictSame(
        problemsOf(text),
        [{ code, message, expected, ...(nearest && { nearest }), place }],
        marked,
      );
    }
  });
}

t.test('what is near, put where the fault is, mends it', async (t) => {
  for (const [code, rows = []] of Object.entries(BROKEN)) {
    for (const [marked, message, , nearest] of rows) {
      if (nearest === undefined) continue;
      const isWord = code === 'UNKNOWN_VALUE' || code === 'UNKNOWN_SEGMENT' || code === 'UNKNOWN_GROUP';
      const mended = marked.replace(/⟦.*⟧/s, () => (isWord ? `'${nearest}'` : nearest));
      t.notOk(
        problemsOf(mended).some((problem) => problem.message === message),
        mended,
      );
    }
  }
});

t.test('all faults of names and values are told at once, in the order of the text', async (t) => {
  const text =
    'number_of_order > 5 AND amount_spent > 1.234 OR NOT orders_placed MATCHES (count > 1.5, foo = 1)';
  t.strictSame(
    problemsOf(text).map(({ code, place }) => [code, place]),
    [
      ['UNKNOWN_ATTRIBUTE', { offset: 0, length: 15 }],
      ['SEGMENT_TYPE', { offset: text.indexOf('1.234'), length: 5 }],
      ['SEGMENT_TYPE', { offset: text.indexOf('1.5'), length: 3 }],
      ['UNKNOWN_ATTRIBUTE', { offset: text.indexOf('foo'), length: 3 }],
    ],
  );
});
