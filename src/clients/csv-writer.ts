// Lines of CSV for exports: RFC 4180, formulas guarded. The caller streams them.
import { guardCell } from '../domain/csv.ts';

/** A number as text, for more digits than a number has: never guarded, though it may begin with a minus. */
export interface CsvDecimal {
  decimal: string;
}

export type CsvValue = string | number | boolean | null | undefined | Date | CsvDecimal | readonly string[];

/**
 * One record with its CRLF. Text is guarded against formulas (`unguardCell` takes that off again), numbers, booleans
 * and instants (RFC 3339) are not; a list becomes `a, b`, with an item that has a comma in quotes; null and undefined an
 * empty cell.
 */
export function csvLine(values: readonly CsvValue[]): string {
  let line = '';
  for (let index = 0; index < values.length; index += 1) {
    if (index > 0) line += ',';
    line += cellOf(values[index]);
  }
  // Readers skip blank lines and lines of nothing but commas, so an empty record starts with an empty quoted cell.
  return line.length === values.length - 1 || line === '' ? `""${line}\r\n` : `${line}\r\n`;
}

function cellOf(value: CsvValue): string {
  if (typeof value === 'string') return quoted(guardCell(value));
  if (value === null || value === undefined) return '';
  if (typeof value !== 'object') return String(value);
  if (value instanceof Date) return value.toISOString();
  if ('decimal' in value) return quoted(value.decimal);
  return quoted(guardCell(value.map(listItem).join(', ')));
}

function listItem(text: string): string {
  return text.includes(',') ? `"${text.replaceAll('"', '""')}"` : text;
}

// A space at either end is quoted too: some readers trim bare cells.
const SPECIAL = /[",\r\n]|^ | $/;

function quoted(text: string): string {
  return SPECIAL.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
