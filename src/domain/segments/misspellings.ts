// What people write from habit or by a slip, and what it should be: for the messages of the text form alone.
import { isCalendarDate } from '../fields.ts';
import { nearest } from '../nearest.ts';
import { shown } from './faults.ts';
import { MAX_OFFSET_DIGITS, readMoment, readNumber } from './literals.ts';
import { COMPARISONS } from './phrases.ts';

/** What is wrong with a piece of text; `nearest` put in its place, from `from` on, would be right. */
export interface Misspelling {
  message: string;
  expected: readonly string[];
  nearest?: string | undefined;
  from?: number;
}

const instead = (wrong: string, right: string): string => `Write ${shown(right)} instead of ${shown(wrong)}.`;

/** Operators and marks of other languages. */
const MARKS: ReadonlyMap<string, string> = new Map([
  ['==', '='],
  ['===', '='],
  [':', '='],
  ['<>', '!='],
  ['!==', '!='],
  ['=!', '!='],
  ['≠', '!='],
  ['=<', '<='],
  ['≤', '<='],
  ['=>', '>='],
  ['≥', '>='],
  ['&', 'AND'],
  ['&&', 'AND'],
  ['|', 'OR'],
  ['||', 'OR'],
  ['!', 'NOT'],
  ['[', '('],
  ['{', '('],
  [']', ')'],
  ['}', ')'],
  ['#', '--'],
  ['//', '--'],
  ['/*', '--'],
]);

const INVISIBLE = /^[\p{C}\p{Z}]/u;

/** A character as messages show it: what cannot be seen by its code point. */
function named(mark: string): string {
  if (!INVISIBLE.test(mark)) return mark;
  const code = mark.codePointAt(0) ?? 0;
  return `The character U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
}

/** Of a mark that the language does not have. */
export function misspeltMark(mark: string): Misspelling {
  const right = MARKS.get(mark);
  if (right) return { message: instead(mark, right), expected: [right], nearest: right };
  if (mark === ';') return { message: 'A query ends without a semicolon.', expected: ['the end'] };
  if (/^[=!<>]/.test(mark)) return { message: `${shown(mark)} is no operator.`, expected: COMPARISONS };
  return { message: `${named(mark)} has no meaning in a query.`, expected: [] };
}

const UNITS: ReadonlyMap<string, string> = new Map([
  ['hours', 'h'],
  ['hour', 'h'],
  ['days', 'd'],
  ['day', 'd'],
  ['weeks', 'w'],
  ['week', 'w'],
  ['months', 'm'],
  ['month', 'm'],
  ['years', 'y'],
  ['year', 'y'],
  ['h', 'h'],
  ['d', 'd'],
  ['w', 'w'],
  ['m', 'm'],
  ['y', 'y'],
]);
const LETTERS = ['h', 'd', 'w', 'm', 'y'];

/** One letter is right or wrong, but near no other. */
const unitMeant = (word: string): string | undefined =>
  UNITS.get(word.length === 1 ? word.toLowerCase() : (nearest(word, [...UNITS.keys()]) ?? ''));

/** Undefined for a number with letters behind it that mean no unit, as in 1e5. */
function misspeltOffset(sign: string, digits: string, unit: string): Misspelling | undefined {
  const letter = unitMeant(unit);
  if (letter && digits.length > MAX_OFFSET_DIGITS) {
    const message = `An offset has at most ${MAX_OFFSET_DIGITS} digits.`;
    return { message, expected: [`at most ${MAX_OFFSET_DIGITS} digits`] };
  }
  if (sign) {
    return {
      message: `${shown(unit)} is no unit; write h (hours), d (days), w (weeks), m (months) or y (years).`,
      expected: LETTERS,
      nearest: letter,
      from: sign.length + digits.length,
    };
  }
  if (!letter) return undefined;
  const [ago, ahead] = [`-${digits}${letter}`, `+${digits}${letter}`];
  const message = `An offset begins with its sign: ${ago} lies before today, ${ahead} after it.`;
  return { message, expected: [ago, ahead] };
}

/** Year, month and day in this order: as they stand, or of 31.01.2026. A slash does not tell which one is the month. */
function dateMeant(text: string): string | undefined {
  const parts = text.split(/[-./]/);
  if (text.includes('.')) parts.reverse();
  const [year = '', month = '', day = ''] = parts;
  const date = `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
  return readMoment(date) && date;
}

function misspeltDate(text: string): Misspelling {
  const meant = dateMeant(text);
  const message =
    meant === undefined && /^\d{4}-\d\d-\d\d$/.test(text)
      ? `There is no day ${text}${isCalendarDate(text) ? ' here: years go from 1000 to 9999' : ''}.`
      : 'A date is written as year, month and day: 2026-01-31.';
  return { message, expected: ['a date such as 2026-01-31'], nearest: meant };
}

function misspeltNumber(text: string): Misspelling | undefined {
  const plain = text
    .replace(/^\+/, '')
    .replaceAll('_', '')
    .replace(/^(?<sign>-?)\./, '$<sign>0.')
    .replace(/\.$/, '');
  const number = readNumber(plain);
  if (!number) return undefined;
  return {
    message: instead(text, number.text),
    expected: ['a number such as 1000.00'],
    nearest: number.text,
  };
}

const OFFSET = /^([+-]?)(\d+)(\p{L}+)$/u;
const DATE = /^\d+(?:-\d+-|\.\d+\.|\/\d+\/)\d+$/;

/** Of what begins like a number or a sign and is no value. */
export function misspeltValue(text: string): Misspelling {
  if (text === '+' || text === '-') {
    const message = `Nothing is computed in a query; a sign stands right before its number: ${text}7d.`;
    return { message, expected: [`an offset such as ${text}7d`] };
  }
  const [, sign = '', digits = '', unit] = OFFSET.exec(text) ?? [];
  const offset = unit && misspeltOffset(sign, digits, unit);
  if (offset) return offset;
  if (DATE.test(text)) return misspeltDate(text);
  if (/^\d+-\d+-\d+[Tt]/.test(text)) {
    const message = `${shown(text)} is no time that exists, written like 2026-01-31T10:00:00+01:00.`;
    return { message, expected: ['2026-01-31T10:00', '2026-01-31T10:00:00Z', '2026-01-31T10:00:00+01:00'] };
  }
  if (/^\d+:\d/.test(text)) {
    const message = 'A date and its time are one word with a T between: 2026-01-31T10:00.';
    return { message, expected: ['a time such as 2026-01-31T10:00'] };
  }
  return (
    misspeltNumber(text) ?? {
      message: `${shown(text)} is neither a number nor a date nor an offset.`,
      expected: ['a number such as 1000.00', 'a date such as 2026-01-31', 'an offset such as -90d'],
    }
  );
}
