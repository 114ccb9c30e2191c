// What is said about habits of other languages and slips: every one that is known, with what would be right.
import t from 'tap';
import { misspeltMark, misspeltValue } from '../../../src/domain/segments/misspellings.ts';

t.test('a mark of another language is told with the right one', async (t) => {
  const rights: Readonly<Record<string, string>> = {
    '=': '== === :',
    '!=': '<> !== =! ≠',
    '<=': '=< ≤',
    '>=': '=> ≥',
    AND: '& &&',
    OR: '| ||',
    NOT: '!',
    '(': '[ {',
    ')': '] }',
    '--': '# // /*',
  };
  for (const [right, wrongs] of Object.entries(rights)) {
    for (const wrong of wrongs.split(' ')) {
      t.same(
        misspeltMark(wrong),
        { message: `Write ${right} instead of ${wrong}.`, expected: [right], nearest: right },
        wrong,
      );
    }
  }
  t.same(misspeltMark(';'), { message: 'A query ends without a semicolon.', expected: ['the end'] });
  t.match(misspeltMark('>>'), { message: '>> is no operator.', expected: ['=', '!=', '<', '<=', '>', '>='] });
  t.same(misspeltMark('@'), { message: '@ has no meaning in a query.', expected: [] });
  t.same(misspeltMark('\u200b'), {
    message: 'The character U+200B has no meaning in a query.',
    expected: [],
  });
  t.same(misspeltMark('\u0007'), {
    message: 'The character U+0007 has no meaning in a query.',
    expected: [],
  });
});

t.test('a unit is told by its letter, whatever it is called', async (t) => {
  const units: Readonly<Record<string, string>> = {
    h: 'hour hours hors H',
    d: 'day days dayz D',
    w: 'week weeks weks W',
    m: 'month months mnths M',
    y: 'year years yeas Y',
  };
  for (const [letter, words] of Object.entries(units)) {
    for (const word of words.split(' ').filter((one) => one.length > 1)) {
      t.match(
        misspeltValue(`-7${word}`),
        { nearest: letter, from: 2, expected: ['h', 'd', 'w', 'm', 'y'] },
        `-7${word}`,
      );
      t.match(misspeltValue(`7${word}`), { expected: [`-7${letter}`, `+7${letter}`] }, `7${word}`);
    }
    t.match(
      misspeltValue(`7${letter.toUpperCase()}`),
      {
        message: `An offset begins with its sign: -7${letter} lies before today, +7${letter} after it.`,
        expected: [`-7${letter}`, `+7${letter}`],
      },
      letter,
    );
  }
  t.match(misspeltValue('-7x'), {
    message: 'x is no unit; write h (hours), d (days), w (weeks), m (months) or y (years).',
    nearest: undefined,
    from: 2,
  });
  t.same(misspeltValue('-1234567d'), {
    message: 'An offset has at most 6 digits.',
    expected: ['at most 6 digits'],
  });
  t.match(misspeltValue('1e5'), { message: '1e5 is neither a number nor a date nor an offset.' });
});

t.test('a date in another order is told by year, month and day', async (t) => {
  const written = 'A date is written as year, month and day: 2026-01-31.';
  const dates: readonly (readonly [text: string, message: string, nearest: string | undefined])[] = [
    ['31.01.2026', written, '2026-01-31'],
    ['1.2.2026', written, '2026-02-01'],
    ['2026-1-5', written, '2026-01-05'],
    ['01/02/2026', written, undefined],
    ['2026/1/31', written, '2026-01-31'],
    ['2026-02-30', 'There is no day 2026-02-30.', undefined],
    ['0999-01-01', 'There is no day 0999-01-01 here: years go from 1000 to 9999.', undefined],
    ['32.01.2026', written, undefined],
  ];
  for (const [text, message, nearest] of dates) {
    t.same(misspeltValue(text), { message, expected: ['a date such as 2026-01-31'], nearest }, text);
  }
  t.match(misspeltValue('2026-01-31T25:00'), {
    message: '2026-01-31T25:00 is no time that exists, written like 2026-01-31T10:00:00+01:00.',
    expected: ['2026-01-31T10:00', '2026-01-31T10:00:00Z', '2026-01-31T10:00:00+01:00'],
  });
  t.match(misspeltValue('2026-01-31t25:00'), { expected: ['2026-01-31T10:00'] });
  t.same(misspeltValue('10:30'), {
    message: 'A date and its time are one word with a T between: 2026-01-31T10:00.',
    expected: ['a time such as 2026-01-31T10:00'],
  });
});

t.test('a number in another spelling is told in ours, and a lone sign is none', async (t) => {
  for (const [text, right] of [
    ['+5', '5'],
    ['1_000', '1000'],
    ['1_000_000', '1000000'],
    ['.5', '0.5'],
    ['-.5', '-0.5'],
    ['5.', '5'],
  ] as const) {
    t.same(
      misspeltValue(text),
      {
        message: `Write ${right} instead of ${text}.`,
        expected: ['a number such as 1000.00'],
        nearest: right,
      },
      text,
    );
  }
  for (const sign of ['+', '-']) {
    t.same(misspeltValue(sign), {
      message: `Nothing is computed in a query; a sign stands right before its number: ${sign}7d.`,
      expected: [`an offset such as ${sign}7d`],
    });
  }
  t.same(misspeltValue('1.2.3.4'), {
    message: '1.2.3.4 is neither a number nor a date nor an offset.',
    expected: ['a number such as 1000.00', 'a date such as 2026-01-31', 'an offset such as -90d'],
  });
});
