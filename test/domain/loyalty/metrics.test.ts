import t from 'tap';
import { LOYALTY_METRICS, ratioOf } from '../../../src/domain/loyalty/metrics.ts';

t.test('P10 a ratio has four decimals, and none without anything to divide by', async (t) => {
  const cases: [number, number, number | null][] = [
    [1, 2, 0.5],
    [1, 3, 0.3333],
    [2, 3, 0.6667],
    [0, 5, 0],
    [5, 5, 1],
    [0, 0, null],
    [5, 0, null],
    [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 1],
  ];
  for (const [numerator, denominator, ratio] of cases) {
    t.equal(ratioOf(numerator, denominator), ratio, `${numerator} ÷ ${denominator}`);
  }
});

t.test('P10 every metric has its own key, both counts and a definition', async (t) => {
  const keys = LOYALTY_METRICS.map(({ key }) => key);
  t.equal(new Set(keys).size, keys.length);
  for (const { key, numerator, denominator, definition } of LOYALTY_METRICS) {
    t.not(numerator, denominator, key);
    t.match(definition, /^[A-Z].*\bof\b.*\.$/, key);
  }
});
