import fc from 'fast-check';
import t from 'tap';
import { guardCell, unguardCell } from '../../src/domain/csv.ts';

t.test('no exported text starts like a formula', async (t) => {
  for (const text of ['=1+1', '+4930901820', '-5', '@SUM(A1)', '\t=1', '\r=1', "=cmd|' /C calc'!A0"]) {
    t.equal(guardCell(text), `'${text}`, JSON.stringify(text));
  }
  for (const text of ['', 'Ada', "'quoted'", '1-2', ' =1', 'a=b', "O'Neil"])
    t.equal(guardCell(text), text, text);
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(..."=+-@\t\r'a1 ".split('')) }),
      (text) => !/^[=+\-@\t\r]/.test(guardCell(text)),
    ),
  );
});

t.test('numbers are numbers, not text', async (t) => {
  for (const value of [-5, 0, 1.5, null, true, undefined]) t.equal(guardCell(value), value);
});

t.test('our own export comes back as it was', async () => {
  const texts = fc.oneof(
    fc.string({ unit: fc.constantFrom(..."=+-@\t\r'a1 ".split('')) }),
    fc.string({ unit: 'grapheme' }),
  );
  fc.assert(fc.property(texts, (text) => unguardCell(guardCell(text)) === text));
});
