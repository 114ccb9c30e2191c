// How text from outside becomes a field: cleaned, bounded, folded for comparison; and what a bad field looks like.
// Shared by customers, addresses, custom fields, tags and groups.

/** One bad field of an input: JSON Pointer (RFC 6901), a stable code and a sentence that says what would be right. */
export type FieldProblem = { pointer: string; code: string; message: string };

/** Longest free text field in characters (A6; the same limit holds for names). */
export const MAX_TEXT_LENGTH = 255;

const PLAIN_TEXT = /^[!-~]+(?: [!-~]+)*$/;
const ASCII = /^[\0-\x7f]*$/;
const CONTROL_OR_LONE_SURROGATE = /[\p{Cc}\p{Cs}]/u;
const VISIBLE = /[^\p{C}\p{Z}]/u;
// Letters without a decomposition, so that 'Soren' finds 'Søren', and the final sigma, which depends on its place.
const FOLDED_LETTERS: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  ł: 'l',
  þ: 'th',
  ı: 'i',
  ς: 'σ',
};

/** NFC, runs of white space (line breaks too) become one space, trimmed. */
export function collapseSpaces(text: string): string {
  if (PLAIN_TEXT.test(text)) return text;
  return text.normalize('NFC').replace(/\s+/g, ' ').trim();
}

/** Length in characters as Postgres counts them: code points, not UTF-16 units. */
export function lengthOf(text: string): number {
  return ASCII.test(text) ? text.length : [...text].length;
}

/**
 * Cleans one line of text. undefined when something cannot be kept: a control character, a lone surrogate,
 * nothing visible, or more than `maxLength` characters.
 */
export function readText(text: string, maxLength = MAX_TEXT_LENGTH): string | undefined {
  const clean = collapseSpaces(text);
  if (clean.length > maxLength && lengthOf(clean) > maxLength) return undefined;
  if (CONTROL_OR_LONE_SURROGATE.test(clean) || !VISIBLE.test(clean)) return undefined;
  return clean;
}

/** True for what clears a field: null, or text without any content (an empty CSV cell, a cleared form field). */
export function isBlank(value: unknown): boolean {
  return value === null || (typeof value === 'string' && value.trim() === '');
}

/**
 * Lower case without accents: 'Müller' → 'muller', 'Łódź' → 'lodz'. Only Latin, Greek and Cyrillic marks go;
 * the vowel signs of Indic scripts and Japanese voicing marks carry meaning and stay. Idempotent.
 */
export function foldText(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase();
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[\u0300-\u036f]/g, '')
    .replace(/[ßæœøđðłþıς]/g, (letter) => FOLDED_LETTERS[letter] ?? letter)
    .normalize('NFC');
}

/** Key under which names are one without regard to case and width: NFKC, single spaces, lower case (T2, Groups). */
export function caseKey(name: string): string {
  if (PLAIN_TEXT.test(name)) return name.toLowerCase();
  return collapseSpaces(name.normalize('NFKC').toLowerCase().normalize('NFKC'));
}

/** At most `maxLength` UTF-16 units, never half a surrogate pair. */
export function cutText(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const last = text.charCodeAt(maxLength - 1);
  const splitsPair = last >= 0xd800 && last <= 0xdbff;
  return text.slice(0, splitsPair ? maxLength - 1 : maxLength);
}

/** Equal by value: scalars, instants and plain records of them; null and absent are the same. */
export function sameValue(one: unknown, other: unknown): boolean {
  const [left, right] = [one ?? null, other ?? null];
  if (Object.is(left, right)) return true;
  if (left === null || right === null || typeof left !== 'object' || typeof right !== 'object') return false;
  if (left instanceof Date || right instanceof Date) {
    return left instanceof Date && right instanceof Date && left.getTime() === right.getTime();
  }
  const [leftEntries, rightEntries] = [new Map(Object.entries(left)), new Map(Object.entries(right))];
  return [...leftEntries.keys(), ...rightEntries.keys()].every((key) =>
    sameValue(leftEntries.get(key), rightEntries.get(key)),
  );
}

/** True for a date that exists, written YYYY-MM-DD, years 0001–9999. */
export function isCalendarDate(text: string): boolean {
  const [, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text)?.map(Number) ?? [];
  if (year === undefined || month === undefined || day === undefined || year === 0) return false;
  return month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(month, year);
}

/** Days of a month (1–12); without a year February has 29, as a birthday may. */
export function daysInMonth(month: number, year?: number): number {
  if (month === 2) return year === undefined || isLeapYear(year) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}
