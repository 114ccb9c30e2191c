// How values are spelled, in the text and in the JSON form alike: from a spelling to its literal in canonical spelling.
// Every pattern is linear: no two parts of one can take the same character.
import { isCalendarDate } from '../fields.ts';
import type { Literal } from './ast.ts';

const NUMBER = /^(-?)(\d+)(\.\d+)?$/;
const OFFSET = /^([+-])(\d+)([hdwmy])$/i;
const TIME = /^([01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,3})?)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)?$/i;
const DATE_LENGTH = 'YYYY-MM-DD'.length;
const FIRST_YEAR = '1000';
/** More is beyond every date there is. */
export const MAX_OFFSET_DIGITS = 6;

/** NUL cannot be stored and half a surrogate pair is no character; everything else can stand in a text. */
export const FORBIDDEN_IN_STRING = /[\0\p{Cs}]/u;

const withoutZeros = (digits: string): string => digits.replace(/^0+(?=\d)/, '');

/** `5`, `1000.00`, `-5`: leading zeros go, decimals stay as they are written, nothing is below zero but at it. */
export function readNumber(text: string): Literal | undefined {
  const [, sign = '', whole, decimals = ''] = NUMBER.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const size = withoutZeros(whole) + decimals;
  return { type: 'number', text: /[1-9]/.test(size) ? sign + size : size };
}

function readOffset(text: string): Literal | undefined {
  const [, sign = '', digits, unit = ''] = OFFSET.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const amount = withoutZeros(digits);
  if (amount.length > MAX_OFFSET_DIGITS) return undefined;
  return { type: 'offset', text: (amount === '0' ? '+' : sign) + amount + unit.toLowerCase() };
}

const isDate = (text: string): boolean => isCalendarDate(text) && text >= FIRST_YEAR;

function readDatetime(text: string): Literal | undefined {
  const [date, separator, time] = [
    text.slice(0, DATE_LENGTH),
    text[DATE_LENGTH]?.toUpperCase(),
    text.slice(DATE_LENGTH + 1),
  ];
  if (separator !== 'T' || !isDate(date) || !TIME.test(time)) return undefined;
  return { type: 'datetime', text: text.toUpperCase() };
}

/** `true`, `false`, `today`, `yesterday`, without regard to case. */
export function readWord(word: string): Literal | undefined {
  const text = word.toLowerCase();
  if (text === 'true' || text === 'false') return { type: 'boolean', text };
  return text === 'today' || text === 'yesterday' ? { type: 'day', text } : undefined;
}

/** A date or time that exists in the years 1000 to 9999, an offset, `today` or `yesterday`. */
export function readMoment(text: string): Literal | undefined {
  if (isDate(text)) return { type: 'date', text };
  const day = readWord(text);
  return day?.type === 'day' ? day : (readOffset(text) ?? readDatetime(text));
}
