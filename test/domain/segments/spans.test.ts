import t, { type Test } from 'tap';
import type { Range } from '../../../src/domain/segments/bound.ts';
import { Calendar } from '../../../src/domain/segments/moments.ts';
import {
  ageCode,
  type OrderedType,
  rangesOf,
  type SpanEnv,
  spanOf,
  spellingOf,
} from '../../../src/domain/segments/spans.ts';
import { clauseOf } from '../../support/segment-binding.ts';

const at = (instant: string, timezone = 'Europe/Berlin', currency = 'EUR'): SpanEnv => ({
  calendar: new Calendar(new Date(instant), timezone),
  currency,
});
const NOW = at('2026-11-22T10:30:00Z');
const ms = (instant: string): number => Date.parse(instant);

/** The ranges of `<operator> <values>`; undefined when a value does not fit the type. */
function ranges(type: OrderedType, text: string, env = NOW): readonly Range[] | undefined {
  const { op, values } = clauseOf(`x ${text}`);
  const spans = values.flatMap((literal) => spanOf(type, literal, env) ?? []);
  return spans.length === values.length ? rangesOf(type, op, spans) : undefined;
}

function expectRanges(
  t: Test,
  type: OrderedType,
  table: readonly (readonly [text: string, expected: Range | readonly Range[] | undefined, env?: SpanEnv])[],
): void {
  for (const [text, expected, env] of table) {
    const wanted = expected === undefined || Array.isArray(expected) ? expected : [expected];
    t.strictSame(ranges(type, text, env), wanted, `${type} ${text}`);
  }
}

const one = (value: number | string): Range => ({ from: value, to: value });

t.test('whole numbers and decimals: every operator', async (t) => {
  const table = [
    ['= 5', one(5)],
    ['!= 5', one(5)],
    ['IN (5, -1, 0)', [one(5), one(-1), one(0)]],
    ['NOT IN (5)', one(5)],
    ['< 5', { to: 5, toOpen: true }],
    ['<= 5', { to: 5, toOpen: false }],
    ['> 5', { from: 5, fromOpen: true }],
    ['>= 5', { from: 5 }],
    ['BETWEEN 2 AND 5', { from: 2, to: 5, toOpen: false }],
    ['NOT BETWEEN 2 AND 5', { from: 2, to: 5, toOpen: false }],
    ['BETWEEN 5 AND 2', { from: 5, to: 2, toOpen: false }],
    ['= 3000000000', one(3_000_000_000)],
    ["= '5'", undefined],
    ['= true', undefined],
    ['= today', undefined],
  ] as const;
  expectRanges(t, 'integer', table);
  expectRanges(t, 'number', table);
  expectRanges(t, 'integer', [
    ['= 5.0', undefined],
    ['= 1.5', undefined],
    ['= 9007199254740991', one(9_007_199_254_740_991)],
    ['= 9007199254740992', undefined],
  ]);
  expectRanges(t, 'number', [
    ['= 1.50', one(1.5)],
    ['= -0.25', one(-0.25)],
    ['= 123456789012345', one(123_456_789_012_345)],
    ['= -12345678901234.5', one(-12_345_678_901_234.5)],
    ['= 0.00123456789012345', one(0.001_234_567_890_123_45)],
    ['= 1234567890123456', undefined],
    ['= 12345678901234.56', undefined],
  ]);
});

t.test('money is exact in the minor units of the store', async (t) => {
  const jpy = at('2026-11-22T10:30:00Z', 'Asia/Tokyo', 'JPY');
  const kwd = at('2026-11-22T10:30:00Z', 'Asia/Kuwait', 'KWD');
  expectRanges(t, 'money', [
    ['= 12.5', one(1_250)],
    ['= 12', one(1_200)],
    ['= -0.01', one(-1)],
    ['= 50000000.01', one(5_000_000_001)],
    ['= 1.005', undefined],
    ['= 1.500', one(150)],
    ["= '1.00'", undefined],
    ['> 9.99', { from: 999, fromOpen: true }],
    ['BETWEEN 1 AND 2.50', { from: 100, to: 250, toOpen: false }],
    ['= 500', one(500), jpy],
    ['= 500.5', undefined, jpy],
    ['= 1.005', one(1_005), kwd],
    ['= 1.0005', undefined, kwd],
  ]);
});

t.test('dates are whole days of the store from first to last instant', async (t) => {
  const [start, end] = [ms('2026-11-20T23:00:00Z'), ms('2026-11-21T23:00:00Z')];
  const day = { from: start, to: end, toOpen: true };
  expectRanges(t, 'date', [
    ['= 2026-11-21', day],
    ['!= yesterday', day],
    ['IN (yesterday)', day],
    ['< -1d', { to: start, toOpen: true }],
    ['<= yesterday', { to: end, toOpen: true }],
    ['> yesterday', { from: end, fromOpen: false }],
    ['>= yesterday', { from: start }],
    ['BETWEEN yesterday AND today', { from: start, to: ms('2026-11-22T23:00:00Z'), toOpen: true }],
    ['NOT BETWEEN yesterday AND yesterday', day],
    ['= 5', undefined],
    ["= '2026-11-21'", undefined],
    ['= 1000-01-01', undefined],
  ]);
  const instant = ms('2026-11-21T22:30:00Z');
  expectRanges(t, 'date', [
    ['= -12h', one(instant)],
    ['< -12h', { to: instant, toOpen: true }],
    ['<= 2026-11-21T23:30', { to: instant, toOpen: false }],
    ['> 2026-11-21T22:30Z', { from: instant, fromOpen: true }],
    ['>= -12h', { from: instant }],
    ['BETWEEN -12h AND today', { from: instant, to: ms('2026-11-22T23:00:00Z'), toOpen: true }],
    ['BETWEEN yesterday AND -12h', { from: start, to: instant, toOpen: false }],
  ]);
  expectRanges(t, 'date', [
    [
      '= today',
      { from: ms('2025-09-07T04:00:00Z'), to: ms('2025-09-08T03:00:00Z'), toOpen: true },
      at('2025-09-07T12:00:00Z', 'America/Santiago'),
    ],
  ]);
});

t.test('calendar dates compare as they are written', async (t) => {
  expectRanges(t, 'calendar_date', [
    ['= 2026-11-21', one('2026-11-21')],
    ['< -1m', { to: '2026-10-22', toOpen: true }],
    ['<= today', { to: '2026-11-22', toOpen: false }],
    ['> today', { from: '2026-11-22', fromOpen: true }],
    ['>= -12h', { from: '2026-11-21' }],
    ['BETWEEN -1y AND today', { from: '2025-11-22', to: '2026-11-22', toOpen: false }],
    ['= 5', undefined],
  ]);
});

t.test('yearly days: over New Year, and 29 February in common years on the 28th', async (t) => {
  expectRanges(t, 'yearly_date', [
    ['= 2026-03-05', one(305)],
    ['!= today', one(1_122)],
    ['IN (2026-12-31, 2026-01-01)', [one(1_231), one(101)]],
    ['= 2025-02-28', { from: 228, to: 229 }],
    ['= 2024-02-28', one(228)],
    ['= 2024-02-29', one(229)],
    ['= 2025-03-28', one(328)],
    ['BETWEEN today AND +7d', { from: 1_122, to: 1_129 }],
    ['NOT BETWEEN today AND +7d', { from: 1_122, to: 1_129 }],
    ['BETWEEN 2025-02-20 AND 2025-02-28', { from: 220, to: 229 }],
    ['BETWEEN 2025-02-28 AND 2025-03-02', { from: 228, to: 302 }],
    ['BETWEEN 2024-02-20 AND 2024-02-28', { from: 220, to: 228 }],
    [
      'BETWEEN 2026-12-28 AND 2027-01-04',
      [
        { from: 1_228, to: 1_231 },
        { from: 101, to: 104 },
      ],
    ],
    [
      'BETWEEN 2026-12-28 AND 2026-01-04',
      [
        { from: 1_228, to: 1_231 },
        { from: 101, to: 104 },
      ],
    ],
    [
      'BETWEEN 2026-12-28 AND 2020-01-04',
      [
        { from: 1_228, to: 1_231 },
        { from: 101, to: 104 },
      ],
    ],
    [
      'BETWEEN 2026-06-02 AND 2027-06-01',
      [
        { from: 602, to: 1_231 },
        { from: 101, to: 601 },
      ],
    ],
    [
      'BETWEEN 2026-12-31 AND 2024-02-28',
      [
        { from: 1_231, to: 1_231 },
        { from: 101, to: 229 },
      ],
    ],
    [
      'BETWEEN 2027-12-31 AND 2024-02-29',
      [
        { from: 1_231, to: 1_231 },
        { from: 101, to: 229 },
      ],
    ],
    ['BETWEEN 2026-06-01 AND 2027-06-01', { from: 101, to: 1_231 }],
    ['BETWEEN 2026-01-01 AND 2026-12-31', { from: 101, to: 1_231 }],
    ['BETWEEN today AND +2y', { from: 101, to: 1_231 }],
    ['BETWEEN today AND today', one(1_122)],
    ['= 5', undefined],
    ["= '2026-03-05'", undefined],
  ]);
});

t.test('an age is the days of birth that have it today: more years are earlier days', async (t) => {
  const is18 = { from: 20_071_123, to: 20_081_122 };
  expectRanges(t, 'age', [
    ['= 18', is18],
    ['!= 18', is18],
    ['IN (18, 0)', [is18, { from: 20_251_123, to: 20_261_122 }]],
    ['> 18', { to: 20_071_123, toOpen: true }],
    ['>= 18', { to: 20_081_122, toOpen: false }],
    ['< 18', { from: 20_081_122, fromOpen: true }],
    ['<= 18', { from: 20_071_123 }],
    ['BETWEEN 18 AND 21', { from: 20_041_123, to: 20_081_122, toOpen: false }],
    ['NOT BETWEEN 18 AND 18', { ...is18, toOpen: false }],
  ]);
  expectRanges(t, 'age', [
    ['>= 9999', { to: 20_261_122 - 99_990_000, toOpen: false }],
    ['>= -9999', { to: 20_261_122 + 99_990_000, toOpen: false }],
    ['= 10000', undefined],
    ['= -10000', undefined],
    ['= 1.5', undefined],
    ["= '18'", undefined],
  ]);
  t.equal(ageCode(NOW.calendar), 20_261_122);
  t.equal(ageCode(at('2025-02-28T12:00:00Z').calendar), 20_250_229, 'those of the 29th have their birthday');
  t.equal(ageCode(at('2024-02-28T12:00:00Z').calendar), 20_240_228);
  t.equal(ageCode(at('2024-02-29T12:00:00Z').calendar), 20_240_229);
});

t.test('days since are whole days: more of them are earlier instants', async (t) => {
  const [start, end] = [ms('2026-11-20T23:00:00Z'), ms('2026-11-21T23:00:00Z')];
  const yesterday = { from: start, to: end, toOpen: true };
  expectRanges(t, 'days_since', [
    ['= 1', yesterday],
    ['!= 1', yesterday],
    ['= 0', { from: end, to: ms('2026-11-22T23:00:00Z'), toOpen: true }],
    ['= -1', { from: ms('2026-11-22T23:00:00Z'), to: ms('2026-11-23T23:00:00Z'), toOpen: true }],
    ['> 1', { to: start, toOpen: true }],
    ['>= 1', { to: end, toOpen: true }],
    ['< 1', { from: end, fromOpen: false }],
    ['<= 1', { from: start }],
    ['BETWEEN 1 AND 7', { from: ms('2026-11-14T23:00:00Z'), to: end, toOpen: true }],
    ['= 1.5', undefined],
    ['= 1000000', undefined],
    ['= -1000000', undefined],
    ["= '1'", undefined],
  ]);
  t.ok(ranges('days_since', '= -999999'), 'in the year 4764');
});

t.test('a range needs as many values as its operator takes', async (t) => {
  t.strictSame(rangesOf('integer', 'between', [one(5)]), [{ from: 5, to: 5, toOpen: false }]);
  t.strictSame(rangesOf('integer', '<', []), [{ to: undefined, toOpen: true }]);
  t.strictSame(rangesOf('yearly_date', 'between', []), [one(101)]);
});

t.test('every type says how its values are written', async (t) => {
  const eur = { currency: 'EUR' };
  t.equal(spellingOf('money', eur), 'an amount in EUR with at most 2 decimals');
  t.equal(spellingOf('money', { currency: 'JPY' }), 'an amount in JPY without decimals');
  t.equal(spellingOf('money', { currency: 'KWD' }), 'an amount in KWD with at most 3 decimals');
  const date = 'a date such as 2026-01-31, -90d, +1m, today or yesterday';
  for (const [type, spelling] of [
    ['integer', 'a whole number such as 5'],
    ['number', 'a number such as 42 or 1.5'],
    ['date', date],
    ['calendar_date', date],
    ['yearly_date', date],
    ['age', 'a whole number of years such as 18'],
    ['days_since', 'a whole number of days such as 30'],
    ['boolean', 'true or false'],
    ['word', 'one of its words in single quotes'],
    ['text', "text in single quotes, such as 'abc'"],
  ] as const)
    t.equal(spellingOf(type, eur), spelling);
});
