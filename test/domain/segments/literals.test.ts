import t from 'tap';
import { LIMITS } from '../../../src/domain/segments/ast.ts';
import { QueryFault, shown, untilFault } from '../../../src/domain/segments/faults.ts';
import { fromJson } from '../../../src/domain/segments/json.ts';
import { readMoment, readNumber, readWord } from '../../../src/domain/segments/literals.ts';
import { parseQuery } from '../../../src/domain/segments/parse.ts';
import { isRefusal } from '../../../src/domain/segments/problems.ts';
import { bindEnv } from '../../support/segment-binding.ts';

t.test('numbers have digits, and a point between them', async (t) => {
  for (const [text, canonical] of [
    ['5', '5'],
    ['-5', '-5'],
    ['007', '7'],
    ['-0', '0'],
    ['000.50', '0.50'],
    ['-0.00', '0.00'],
    ['-0.05', '-0.05'],
    ['', undefined],
    ['+5', undefined],
    ['--5', undefined],
    ['5.', undefined],
    ['.5', undefined],
    ['1e5', undefined],
    ['1,5', undefined],
    ['x5', undefined],
    ['5x', undefined],
    ['1.5.5', undefined],
  ] as const)
    t.strictSame(readNumber(text), canonical && { type: 'number', text: canonical }, text);
});

t.test('dates, times, offsets and days that exist', async (t) => {
  for (const [text, type, canonical = text] of [
    ['2026-01-31', 'date'],
    ['1000-01-01', 'date'],
    ['9999-12-31', 'date'],
    ['today', 'day'],
    ['YesterDay', 'day', 'yesterday'],
    ['-90d', 'offset'],
    ['+7W', 'offset', '+7w'],
    ['-000d', 'offset', '+0d'],
    ['+999999h', 'offset'],
    ['+00999999y', 'offset', '+999999y'],
    ['2026-01-31T23:59', 'datetime'],
    ['1000-01-01t00:00:00.123z', 'datetime', '1000-01-01T00:00:00.123Z'],
    ['2026-01-31T00:00+23:59', 'datetime'],
    ['2026-01-31T19:00-09:00', 'datetime'],
  ] as const)
    t.strictSame(readMoment(text), { type, text: canonical }, text);
});

t.test('everything else is no date', async (t) => {
  for (const text of [
    '',
    '5',
    'true',
    'tomorrow',
    '2026-02-29',
    '2026-1-31',
    '0999-12-31',
    '0001-01-01',
    'x2026-01-31',
    '2026-01-31x',
    '90d',
    'x-90d',
    '-90dx',
    '-90',
    '-d',
    '+1000000d',
    '+7x',
    '2026-01-31 10:00',
    '2026-01-31X10:00',
    '2026-01-31T',
    '2026-02-30T10:00',
    '0999-12-31T10:00',
    '2026-01-31T24:00',
    '2026-01-31T10:60',
    '2026-01-31T10:00:60',
    '2026-01-31T10:00:00.1234',
    '2026-01-31T10',
    '2026-01-31T1:00',
    '2026-01-31Tx10:00',
    '2026-01-31T10:00x',
    '2026-01-31T10:00ZZ',
    '2026-01-31T10:00+24:00',
    '2026-01-31T10:00+1:00',
    '2026-01-31T10:00+01:60',
    '2026-01-31T10:00+01',
  ])
    t.equal(readMoment(text), undefined, text);
});

t.test('words that are values', async (t) => {
  t.strictSame(readWord('TRUE'), { type: 'boolean', text: 'true' });
  t.strictSame(readWord('False'), { type: 'boolean', text: 'false' });
  t.strictSame(readWord('Today'), { type: 'day', text: 'today' });
  t.equal(readWord('null'), undefined);
});

t.test('text of a caller stands in a message in one line of at most 40 characters', async (t) => {
  t.equal(shown('a \n\t b'), 'a b');
  t.equal(shown('x'.repeat(40)), 'x'.repeat(40));
  t.equal(shown('x'.repeat(41)), `${'x'.repeat(40)}…`);
});

t.test('a reader stops at its fault; anything else that is thrown goes on', async (t) => {
  const problem = { code: 'SEGMENT_SYNTAX', message: 'm', expected: [] } as const;
  t.equal(
    untilFault(() => 5),
    5,
  );
  t.strictSame(
    untilFault(() => {
      throw new QueryFault(problem);
    }),
    { refused: 'SEGMENT_SYNTAX', problems: [problem] },
  );
  t.throws(() =>
    untilFault(() => {
      throw new RangeError('broken');
    }),
  );
  t.equal(new QueryFault(problem).message, 'm');
});

t.test('every limit says what it is', async (t) => {
  const refused = (result: object) => (isRefusal(result) ? result.problems[0]?.message : undefined);
  const leaf = { op: '=', attribute: 'age', values: [1] };
  const json = (given: unknown) => refused(fromJson(given, bindEnv().catalogue));
  const texts = {
    bytes: 'The text of a query has at most 8,192 bytes.',
    nodes: 'A query has at most 200 nodes: each clause, parameter, AND, OR and NOT is one.',
    depth: 'A query has at most 12 levels of parentheses, AND, OR, NOT and MATCHES inside one another.',
    values: 'A list has at most 1,000 values.',
  };
  t.equal(refused(parseQuery(' '.repeat(LIMITS.bytes + 1))), texts.bytes);
  t.equal(refused(parseQuery(Array(201).fill('a=1').join(' or '))), texts.nodes);
  t.equal(refused(parseQuery(`${'('.repeat(13)}a = 1${')'.repeat(13)}`)), texts.depth);
  t.equal(refused(parseQuery(`a in (${Array(1_001).fill('1').join(',')})`)), texts.values);
  t.equal(json({ op: 'or', of: Array(200).fill(leaf) }), texts.nodes);
  t.equal(json({ ...leaf, op: 'in', values: Array(1_001).fill(1) }), texts.values);
});
