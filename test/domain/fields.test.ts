import fc from 'fast-check';
import t from 'tap';
import {
  caseKey,
  collapseSpaces,
  cutText,
  daysInMonth,
  foldText,
  isBlank,
  isCalendarDate,
  lengthOf,
  readText,
  sameValue,
} from '../../src/domain/fields.ts';

const anyText = fc.string({ unit: 'binary' });

t.test('text is folded so that accents, case and special letters do not hide a customer', async (t) => {
  const cases: [string, string][] = [
    ['Müller', 'muller'],
    ['Mu\u0308ller', 'muller'],
    ['ŁÓDŹ', 'lodz'],
    ['Søren Ærø', 'soren aero'],
    ['STRASSE', 'strasse'],
    ['Straße', 'strasse'],
    ['İstanbul', 'istanbul'],
    ['ΟΔΟΣ', 'οδοσ'],
    ['Ｆｕｌｌ', 'full'],
    ['한국', '한국'],
    ['ガ', 'ガ'],
    ['हिन्दी', 'हिन्दी'],
    ['', ''],
  ];
  for (const [text, folded] of cases) t.equal(foldText(text), folded, text);
});

t.test('folding, case keys and clean text are their own normal form', async () => {
  fc.assert(fc.property(anyText, (text) => foldText(foldText(text)) === foldText(text)));
  fc.assert(fc.property(anyText, (text) => caseKey(caseKey(text)) === caseKey(text)));
  fc.assert(fc.property(anyText, (text) => collapseSpaces(collapseSpaces(text)) === collapseSpaces(text)));
});

t.test('clean text has single spaces, no line breaks and is composed', async (t) => {
  t.equal(readText('  Ada\t\n  Lovelace \u00a0'), 'Ada Lovelace');
  t.equal(readText('e\u0301'), '\u00e9');
  t.equal(readText('x'.repeat(255)), 'x'.repeat(255));
  t.equal(readText('😀'.repeat(255)), '😀'.repeat(255), 'characters are counted, not UTF-16 units');
});

t.test('text that cannot be stored or seen is refused', async (t) => {
  const cases = [
    'x'.repeat(256),
    '😀'.repeat(256),
    'a\0b',
    'a\u0007b',
    'a\ud800',
    '\u200b',
    '',
    '  ',
    '\u200e\u200f',
  ];
  for (const text of cases) t.equal(readText(text), undefined, JSON.stringify(text.slice(0, 9)));
});

t.test('what clears a field is null or nothing but space', async (t) => {
  t.same([null, '', ' \n', undefined, 0, false, 'x'].map(isBlank), [
    true,
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
});

t.test('cutting never splits a character and never lengthens', async (t) => {
  t.equal(cutText('ab😀', 3), 'ab');
  t.equal(cutText('ab😀', 4), 'ab😀');
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.nat(20), (text, length) => {
      const cut = cutText(text, length);
      return cut.length <= length && text.startsWith(cut) && !/\p{Cs}/u.test(cut);
    }),
  );
});

t.test('lengths are those of Postgres: code points', async (t) => {
  t.equal(lengthOf('abc'), 3);
  t.equal(lengthOf('😀é'), 2);
});

t.test('equality is by value, absent equals null, instants equal by time', async (t) => {
  const cases: [unknown, unknown, boolean][] = [
    [null, undefined, true],
    [0, null, false],
    ['', null, false],
    [1, 1, true],
    ['1', 1, false],
    [new Date(5), new Date(5), true],
    [new Date(5), new Date(6), false],
    [new Date(5), {}, false],
    [{ month: 2, day: 29 }, { day: 29, month: 2 }, true],
    [{ month: 2, day: 29 }, { month: 2, day: 29, year: 2000 }, false],
    [{ month: 2, day: 29, year: undefined }, { month: 2, day: 29 }, true],
  ];
  for (const [one, other, same] of cases) t.equal(sameValue(one, other), same, JSON.stringify([one, other]));
  fc.assert(fc.property(fc.jsonValue(), (value) => sameValue(value, structuredClone(value))));
});

t.test('calendar dates are those that exist, as the Date of the platform says', async (t) => {
  const wrong = [
    '2023-02-29',
    '2024-13-01',
    '2024-00-10',
    '2024-04-31',
    '24-01-01',
    '2024-1-1',
    '0000-01-01',
    '',
    'x',
  ];
  for (const text of wrong) t.equal(isCalendarDate(text), false, text);
  t.ok(isCalendarDate('2024-02-29') && isCalendarDate('2000-02-29') && !isCalendarDate('1900-02-29'));
  fc.assert(
    fc.property(fc.integer({ min: 1000, max: 9999 }), fc.integer({ min: 1, max: 12 }), (year, month) => {
      return daysInMonth(month, year) === new Date(Date.UTC(year, month, 0)).getUTCDate();
    }),
  );
  t.equal(daysInMonth(2), 29);
});
