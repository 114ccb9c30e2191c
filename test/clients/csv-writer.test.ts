// The CSV writer: what it writes is safe in a spreadsheet and plain for every other reader.
import { deepStrictEqual } from 'node:assert';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import t from 'tap';
import { type CsvValue, csvLine } from '../../src/clients/csv-writer.ts';
import { unguardCell } from '../../src/domain/csv.ts';

t.test('cells', async (t) => {
  const cases: [string, CsvValue, string][] = [
    ['text', 'Ann', 'Ann'],
    ['a comma', 'a,b', '"a,b"'],
    ['a quote', 'a"b', '"a""b"'],
    ['line ends', 'a\nb\rc', '"a\nb\rc"'],
    ['spaces at the ends', ' a', '" a"'],
    ['nothing', null, ''],
    ['absent', undefined, ''],
    ['a number', 1234.5, '1234.5'],
    ['a negative number is no formula', -5, '-5'],
    ['booleans', true, 'true'],
    ['a decimal below zero, which is no formula', { decimal: '-12.50' }, '-12.50'],
    ['an instant', new Date(Date.UTC(2026, 0, 2)), '2026-01-02T00:00:00.000Z'],
    ['a list', ['vip', 'early bird'], '"vip, early bird"'],
    ['a list with a comma in an item', ['Foo, Inc', 'b'], '"""Foo, Inc"", b"'],
    ['an empty list', [], ''],
    ['a formula', '=1+1', "'=1+1"],
    ['a formula with a comma', '=A1,B1', `"'=A1,B1"`],
    ['a formula in a list', ['=1', 'b'], `"'=1, b"`],
    ['a phone number', '+4912345', "'+4912345"],
    ['negative text', '-1', "'-1"],
    ['at', '@a', "'@a"],
    ['tab', '\ta', "'\ta"],
    ['carriage return', '\ra', `"'\ra"`],
  ];
  for (const [name, value, written] of cases) t.equal(csvLine(['x', value]), `x,${written}\r\n`, name);
});

t.test('a record of empty cells is not a blank line', async (t) => {
  t.equal(csvLine(['']), '""\r\n');
  t.equal(csvLine(['', null]), '"",\r\n');
  t.equal(csvLine([null, 'a']), ',a\r\n');
});

t.test('another RFC 4180 reader (csv-parse) reads the same', async () => {
  const rows = fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), fc.string(), fc.integer()), {
    minLength: 1,
  });
  fc.assert(
    fc.property(rows, (table) => {
      const read = parse(table.map(csvLine).join(''), { record_delimiter: '\r\n' });
      const again = read.map(([one = '', two = '', three]) => [
        unguardCell(one),
        unguardCell(two),
        Number(three),
      ]);
      deepStrictEqual(again, table);
    }),
  );
});
