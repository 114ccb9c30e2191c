import fc from 'fast-check';
import t from 'tap';
import {
  CURRENCIES,
  currencyExponent,
  formatMajor,
  multiplyAmount,
  parseMajor,
  roundMajor,
  sumAmounts,
} from '../../src/domain/money.ts';

const currency = fc.constantFrom(...CURRENCIES);
const amount = fc.maxSafeInteger();

t.test('exponents are those of ISO 4217, also where CLDR has others', async (t) => {
  const cases: [string, number | undefined][] = [
    ['EUR', 2],
    ['JPY', 0],
    ['KWD', 3],
    ['CLF', 4],
    ['IQD', 3],
    ['RSD', 2],
    ['LAK', 2],
    ['HRK', 2],
    ['eur', undefined],
    ['XXX', undefined],
    ['', undefined],
    ['constructor', undefined],
  ];
  for (const [code, exponent] of cases) t.equal(currencyExponent(code), exponent, code);
  t.equal(new Set(CURRENCIES).size, CURRENCIES.length);
  t.ok(CURRENCIES.every((code) => /^[A-Z]{3}$/.test(code)));
});

t.test('parseMajor reads decimal numbers exactly and nothing else', async (t) => {
  const cases: [string, string, number | undefined][] = [
    ['12.50', 'EUR', 1250],
    ['12.5', 'EUR', 1250],
    ['12', 'EUR', 1200],
    ['12.500', 'EUR', 1250],
    ['12.505', 'EUR', undefined],
    ['-0.01', 'EUR', -1],
    ['-0', 'EUR', 0],
    ['0.07', 'EUR', 7],
    ['1.005', 'KWD', 1005],
    ['500', 'JPY', 500],
    ['500.0', 'JPY', 500],
    ['500.5', 'JPY', undefined],
    ['90071992547409.91', 'EUR', Number.MAX_SAFE_INTEGER],
    ['90071992547409.92', 'EUR', undefined],
    ['9999999999999999', 'KWD', undefined],
    ['12.', 'EUR', undefined],
    ['.5', 'EUR', undefined],
    ['1,5', 'EUR', undefined],
    ['1e3', 'EUR', undefined],
    ['+1', 'EUR', undefined],
    [' 1', 'EUR', undefined],
    ['', 'EUR', undefined],
    ['1', 'XYZ', undefined],
  ];
  for (const [text, code, expected] of cases) t.equal(parseMajor(text, code), expected, `${text} ${code}`);
});

t.test('roundMajor rounds half away from zero and says so', async (t) => {
  const cases: [string, string, { amount: number; rounded: boolean } | undefined][] = [
    ['0.001', 'GBP', { amount: 0, rounded: true }],
    ['0.005', 'GBP', { amount: 1, rounded: true }],
    ['0.0049', 'GBP', { amount: 0, rounded: true }],
    ['-0.005', 'GBP', { amount: -1, rounded: true }],
    ['-0.001', 'GBP', { amount: 0, rounded: true }],
    ['2.550', 'GBP', { amount: 255, rounded: false }],
    ['0.5', 'JPY', { amount: 1, rounded: true }],
    ['x', 'GBP', undefined],
  ];
  for (const [text, code, expected] of cases) t.same(roundMajor(text, code), expected, text);
});

t.test('formatMajor is the inverse of parseMajor for every amount and currency', async (t) => {
  t.equal(formatMajor(1250, 'EUR'), '12.50');
  t.equal(formatMajor(-5, 'EUR'), '-0.05');
  t.equal(formatMajor(5, 'JPY'), '5');
  t.throws(() => formatMajor(1, 'XYZ'));
  t.throws(() => formatMajor(1.5, 'EUR'));
  fc.assert(
    fc.property(amount, currency, (value, code) => parseMajor(formatMajor(value, code), code) === value),
  );
});

t.test('sums and products are exact or refused', async (t) => {
  t.same(sumAmounts([Number.MAX_SAFE_INTEGER, 1]), { refused: 'AMOUNT_TOO_LARGE' });
  t.same(multiplyAmount(2 ** 27, 2 ** 26), { refused: 'AMOUNT_TOO_LARGE' });
  t.equal(sumAmounts([]), 0);
  fc.assert(
    fc.property(fc.array(amount), (values) => {
      const sum = sumAmounts(values);
      const exact = values.reduce((total, value) => total + BigInt(value), 0n);
      return typeof sum !== 'number' || BigInt(sum) === exact;
    }),
  );
  fc.assert(
    fc.property(fc.nat(), fc.maxSafeNat(), (quantity, price) => {
      const product = multiplyAmount(quantity, price);
      const exact = BigInt(quantity) * BigInt(price);
      return typeof product === 'number' ? BigInt(product) === exact : exact > Number.MAX_SAFE_INTEGER;
    }),
  );
});
