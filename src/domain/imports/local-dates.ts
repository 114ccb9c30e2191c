// Dates of files without a zone: a format, a zone, and the instant they mean.
import { instantOfLocal, type LocalTime } from '../zoned-time.ts';

const TOKENS: Readonly<Record<string, readonly [field: keyof LocalTime, pattern: string]>> = {
  yyyy: ['year', '\\d{4}'],
  MM: ['month', '\\d{2}'],
  M: ['month', '\\d{1,2}'],
  dd: ['day', '\\d{2}'],
  d: ['day', '\\d{1,2}'],
  HH: ['hour', '\\d{2}'],
  H: ['hour', '\\d{1,2}'],
  mm: ['minute', '\\d{2}'],
  ss: ['second', '\\d{2}'],
};
const TOKEN = /yyyy|MM?|dd?|HH?|mm|ss/g;

/**
 * A reader for dates such as `yyyy-MM-dd HH:mm:ss` or `M/d/yyyy H:mm`, local to the IANA zone. Tokens that are left
 * out are 1 for dates and 0 for times. It answers undefined for other spellings and dates that do not exist.
 */
export function localDateReader(format: string, timezone: string): (text: string) => Date | undefined {
  const fields: (keyof LocalTime)[] = [];
  const literal = (text: string) => text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
  let pattern = '';
  let end = 0;
  for (const match of format.matchAll(TOKEN)) {
    const [field, digits] = TOKENS[match[0]] ?? ['year', ''];
    pattern += `${literal(format.slice(end, match.index))}(${digits})`;
    end = match.index + match[0].length;
    fields.push(field);
  }
  const expression = new RegExp(`^${pattern}${literal(format.slice(end))}$`);
  return (text) => {
    const match = expression.exec(text);
    if (match === null) return undefined;
    const local: LocalTime = { year: 0, month: 1, day: 1, hour: 0, minute: 0, second: 0 };
    for (const [index, field] of fields.entries()) local[field] = Number(match[index + 1]);
    return instantOfLocal(local, timezone);
  };
}
