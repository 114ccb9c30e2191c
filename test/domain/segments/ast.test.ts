import t from 'tap';
import {
  attributesOf,
  childrenOf,
  depthOf,
  isCall,
  isJunction,
  isMatch,
  isNegation,
  join,
  leavesOf,
  mapLeaves,
  NODE_OPERATORS,
  nodesOf,
  noPlaces,
  segmentsIn,
} from '../../../src/domain/segments/ast.ts';
import { printQuery } from '../../../src/domain/segments/print.ts';
import { isRefusal, lineAndColumn, quoted, refuse } from '../../../src/domain/segments/problems.ts';
import { parsed } from '../../support/segment-binding.ts';

const TEXT =
  "b = 1 AND (NOT a = 2 OR orders_placed MATCHES (date = today, count = 1) OR in_segment('x')) AND in_segment('x') AND sample(1, 's') AND in_segment('y')";
const query = parsed(TEXT);

t.test('each node is of one kind', async (t) => {
  const kinds = (text: string) => [isJunction, isNegation, isMatch, isCall].map((is) => is(parsed(text)));
  t.strictSame(kinds('a = 1 AND b = 1'), [true, false, false, false]);
  t.strictSame(kinds('a = 1 OR b = 1'), [true, false, false, false]);
  t.strictSame(kinds('NOT a = 1'), [false, true, false, false]);
  t.strictSame(kinds('a MATCHES ()'), [false, false, true, false]);
  t.strictSame(kinds('a NOT MATCHES ()'), [false, false, true, false]);
  t.strictSame(kinds("in_group('a')"), [false, false, false, true]);
  t.strictSame(kinds('a = 1'), [false, false, false, false]);
  t.equal(new Set(NODE_OPERATORS).size, 26);
  for (const op of [
    'and',
    'or',
    'not',
    'matches',
    'not_matches',
    'in_segment',
    'in_group',
    'sample',
    '=',
    'is_null',
  ] as const)
    t.ok(NODE_OPERATORS.includes(op), op);
});

t.test('walks over a query', async (t) => {
  t.equal(nodesOf(query).length, 12);
  t.equal(nodesOf(query)[0], query);
  t.equal(depthOf(query), 4);
  t.equal(depthOf(parsed('a = 1')), 1);
  t.equal(depthOf(parsed('a MATCHES ()')), 1);
  t.equal(depthOf(parsed('a MATCHES (b = 1)')), 2);
  t.equal(depthOf(parsed('NOT (NOT a = 1)')), 3);
  t.strictSame(childrenOf(parsed('a = 1')), []);
  t.equal(childrenOf(parsed('a MATCHES (b = 1, c = 2)')).length, 2);
  t.strictSame(leavesOf(query).map(printQuery), [
    'b = 1',
    'a = 2',
    'orders_placed MATCHES (date = today, count = 1)',
    "in_segment('x')",
    "in_segment('x')",
    "sample(1, 's')",
    "in_segment('y')",
  ]);
  t.strictSame(attributesOf(query), ['a', 'b', 'in_segment', 'orders_placed', 'sample']);
  t.strictSame(segmentsIn(query), ['x', 'y']);
  t.strictSame(segmentsIn({ op: 'in_segment', values: [] }), []);
  t.strictSame(noPlaces(), { of: new Map(), names: new Map() });
});

t.test('junctions are flat', async (t) => {
  const [one, two] = [parsed('a = 1'), parsed('b = 2')];
  t.equal(join('and', [one]), one);
  t.strictSame(
    join('and', [join('and', [one, two]), join('or', [one, two])]),
    parsed('a = 1 AND b = 2 AND (a = 1 OR b = 2)'),
  );
  t.strictSame(join('or', [join('or', [one, two]), one]), parsed('a = 1 OR b = 2 OR a = 1'));
  t.strictSame(join('or', []), { op: 'or', of: [] });
});

t.test('leaves are replaced where they stand', async (t) => {
  const same = mapLeaves(query, (leaf) => leaf);
  t.strictSame(same, query);
  const changed = mapLeaves(query, (leaf) =>
    printQuery(leaf) === 'a = 2' ? parsed('c = 3 OR d = 4') : leaf,
  );
  t.match(printQuery(changed), 'NOT (c = 3 OR d = 4)');
  const flat = mapLeaves(parsed('a = 1 OR b = 2'), () => parsed('c = 3 OR d = 4'));
  t.equal(printQuery(flat), 'c = 3 OR d = 4 OR c = 3 OR d = 4');
});

t.test('refusals', async (t) => {
  const problem = { code: 'SEGMENT_TYPE', message: 'm', expected: [] } as const;
  t.strictSame(refuse([problem]), { refused: 'SEGMENT_TYPE', problems: [problem] });
  t.equal(isRefusal(refuse([problem])), true);
  t.equal(isRefusal({}), false);
  t.equal(quoted({ type: 'string', text: 'a' }), "'a'");
  t.equal(quoted({ type: 'number', text: '5' }), '5');
});

t.test('lines and columns count from 1', async (t) => {
  const text = 'ab\nc\n\nd';
  for (const [offset, line, column] of [
    [0, 1, 1],
    [1, 1, 2],
    [2, 1, 3],
    [3, 2, 1],
    [4, 2, 2],
    [5, 3, 1],
    [6, 4, 1],
    [7, 4, 2],
  ] as const)
    t.strictSame(lineAndColumn(text, offset), { line, column }, `${offset}`);
});
