// How files write values: names, days, instants, yes and no, lists, countries. Text in, value out, undefined = not one.
import { COUNTRIES, normaliseCountryCode } from '../countries.ts';
import { unguardCell } from '../csv.ts';
import type { Birthday, CustomerInput } from '../customers.ts';
import { collapseSpaces, foldText, isCalendarDate } from '../fields.ts';

/** Without the guard of our own export, and without the apostrophe by which Shopify marks numbers as text ('01234). */
export function withoutMark(cell: string): string {
  if (!cell.startsWith("'")) return cell;
  return /^'\d/.test(cell) ? cell.slice(1) : unguardCell(cell);
}

/** 'Anna Maria Schmidt' and 'Schmidt, Anna Maria'. A single word is the last name. */
export function splitName(text: string): Pick<CustomerInput, 'firstName' | 'lastName'> {
  const name = collapseSpaces(text);
  const comma = name.indexOf(',');
  if (comma > 0)
    return { lastName: name.slice(0, comma).trim(), firstName: name.slice(comma + 1).trim() || null };
  const cut = name.lastIndexOf(' ');
  return cut === -1 ? { lastName: name } : { firstName: name.slice(0, cut), lastName: name.slice(cut + 1) };
}

export function readBirthday(text: string): Birthday | undefined {
  const match = /^(?:(\d{4})-|--)(\d{2})-(\d{2})$/.exec(text.trim());
  if (match === null) return undefined;
  const day = { month: Number(match[2]), day: Number(match[3]) };
  return match[1] === undefined ? day : { ...day, year: Number(match[1]) };
}

const FLAGS: ReadonlyMap<string, boolean> = new Map([
  ...['true', 't', 'yes', 'y', '1', 'on'].map((word): [string, boolean] => [word, true]),
  ...['false', 'f', 'no', 'n', '0', 'off'].map((word): [string, boolean] => [word, false]),
]);

export function readBoolean(text: string): boolean | undefined {
  return FLAGS.get(text.trim().toLowerCase());
}

/** Separated by commas; a name that has one is in quotes, as the export writes it. */
export function splitList(text: string): string[] {
  const items: string[] = [];
  for (const [, quoted, bare] of text.matchAll(/\s*(?:"((?:[^"]|"")*)"(?=\s*(?:,|$))|([^,]+))/g)) {
    const item = quoted?.replaceAll('""', '"') ?? bare ?? '';
    if (item.trim() !== '') items.push(item);
  }
  return items;
}

/** A date or an instant as in ISO 8601, a space for the T allowed; without a zone it is UTC. */
export function readInstant(text: string): Date | undefined {
  const match =
    /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(:\d{2}(?:\.\d{1,9})?)?)? ?(Z|UTC|[+-]\d{2}:?\d{2})?$/i.exec(
      text.trim(),
    );
  const [, day = '', time = '00:00', seconds = ':00', zone = 'Z'] = match ?? [];
  const offset = /\d/.test(zone) ? `${zone.slice(0, 3)}:${zone.slice(-2)}` : 'Z';
  const instant = new Date(`${day}T${time}${seconds.slice(0, 7)}${offset}`);
  return isCalendarDate(day) && !Number.isNaN(instant.getTime()) ? instant : undefined;
}

const COUNTRY_BY_NAME: ReadonlyMap<string, string> = new Map([
  ...COUNTRIES.map(({ code, name }): [string, string] => [foldText(name), code]),
  ['usa', 'US'],
  ['united states of america', 'US'],
  ['uk', 'GB'],
  ['great britain', 'GB'],
  ['england', 'GB'],
  ['scotland', 'GB'],
  ['wales', 'GB'],
  ['turkey', 'TR'],
  ['czech republic', 'CZ'],
]);

/** By code or by English name: older exports have the name only. */
export function countryOf(text: string): string | undefined {
  return normaliseCountryCode(text) ?? COUNTRY_BY_NAME.get(foldText(collapseSpaces(text)));
}
