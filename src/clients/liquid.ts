// The language of templates: Liquid with the tags and filters named here and nothing else. No files, no code, no
// prototypes; what is written out is escaped in HTML. Runs in worker threads.
import { Context, Liquid, type LiquidOptions, type Template, toValueSync } from 'liquidjs';
import { TEMPLATE_LIMITS } from '../domain/mail/templates.ts';
import { currencyExponent, formatMajor } from '../domain/money.ts';

/** `include`, `render`, `layout` and `block` would read files. */
export const LIQUID_TAGS: readonly string[] = [
  'assign',
  'break',
  'capture',
  'case',
  'comment',
  'continue',
  'cycle',
  'decrement',
  'echo',
  'for',
  'if',
  'increment',
  'liquid',
  'raw',
  'tablerow',
  'unless',
  '#',
];

const BUILT_IN_FILTERS: readonly string[] = [
  'abs',
  'append',
  'array_to_sentence_string',
  'at_least',
  'at_most',
  'capitalize',
  'ceil',
  'compact',
  'concat',
  'default',
  'divided_by',
  'downcase',
  'find',
  'first',
  'floor',
  'has',
  'join',
  'last',
  'lstrip',
  'map',
  'minus',
  'modulo',
  'plus',
  'prepend',
  'reject',
  'remove',
  'remove_first',
  'remove_last',
  'replace',
  'replace_first',
  'replace_last',
  'reverse',
  'round',
  'rstrip',
  'size',
  'slice',
  'sort',
  'sort_natural',
  'split',
  'squish',
  'strip',
  'strip_html',
  'strip_newlines',
  'sum',
  'times',
  'truncate',
  'truncatewords',
  'uniq',
  'upcase',
  'url_decode',
  'url_encode',
  'where',
];

/** All filters of templates; the last ones are ours. */
export const LIQUID_FILTERS: readonly string[] = [
  ...BUILT_IN_FILTERS,
  'date_local',
  'escape',
  'money',
  'newline_to_br',
];

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&#34;',
  "'": '&#39;',
};

export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (sign) => ESCAPES[sign] ?? sign);

/** Something too large for a mail was made. */
export class OutputTooLarge extends Error {}

/** What a value looks like in a mail: an object has no words. */
function wordsOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === undefined || value === null) return '';
  if (Array.isArray(value)) return value.map(wordsOf).join(', ');
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'object')
    throw new Error('an object cannot be written out: name one of its properties');
  return String(value);
}

/** How money and times are written in one mail. */
export interface Language {
  /** For numbers: the customer's. */
  locale: string;
  /** For the words in dates: the template's. */
  words: string;
  timezone: string;
}

const DEFAULT_LANGUAGE: Language = { locale: 'en', words: 'en', timezone: 'UTC' };

const isMoney = (value: unknown): value is { amount: number; currency: string } => {
  const { amount, currency } = (value ?? {}) as { amount?: unknown; currency?: unknown };
  return Number.isSafeInteger(amount) && currencyExponent(String(currency)) !== undefined;
};

/** Making a formatter takes as long as a hundred uses of it. */
function remembered<Arguments extends readonly string[], Value>(make: (...given: Arguments) => Value) {
  const known = new Map<string, Value>();
  return (...given: Arguments): Value => {
    const key = given.join(' ');
    let value = known.get(key);
    if (value === undefined) {
      value = make(...given);
      if (known.size >= 500) known.clear();
      known.set(key, value);
    }
    return value;
  };
}

const moneyFormat = remembered((locale: string, currency: string) => {
  const digits = currencyExponent(currency) ?? 2;
  return new Intl.NumberFormat(locale, {
    style: 'currency',
    currency,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
});

function money(value: unknown, { locale }: Language): string {
  if (value === undefined || value === null) return '';
  if (!isMoney(value)) throw new Error('money takes an amount with its currency, such as order.total');
  // As a text, so that no digit is lost beyond 2^53 of the minor unit.
  const major = formatMajor(value.amount, value.currency) as `${number}`;
  return moneyFormat(locale, value.currency).format(major);
}

const DATE_STYLES: Readonly<Record<string, Intl.DateTimeFormatOptions>> = {
  date: { dateStyle: 'long' },
  short: { dateStyle: 'medium' },
  weekday: { weekday: 'long', day: 'numeric', month: 'long' },
  time: { timeStyle: 'short' },
  datetime: { dateStyle: 'long', timeStyle: 'short' },
};

const dateFormat = remembered(
  (words: string, timezone: string, style: string) =>
    new Intl.DateTimeFormat(words, { ...DATE_STYLES[style], timeZone: timezone }),
);

const CALENDAR_DATE = /^\d{4}-\d{2}-\d{2}$/;

function dateLocal(value: unknown, style: unknown, { words, timezone }: Language): string {
  if (value === undefined || value === null || value === '') return '';
  const name = style === undefined ? 'date' : String(style);
  if (DATE_STYLES[name] === undefined)
    throw new Error(`date_local takes one of ${Object.keys(DATE_STYLES).join(', ')}`);
  const at = value instanceof Date ? value : new Date(String(value));
  if (Number.isNaN(at.getTime())) throw new Error('date_local takes an instant or a date');
  // A calendar day is that day everywhere.
  const isDay = typeof value === 'string' && CALENDAR_DATE.test(value);
  return dateFormat(words, isDay ? 'UTC' : timezone, name).format(at);
}

const languageOf = ({ globals }: Context): Language =>
  (globals as { language?: Language }).language ?? DEFAULT_LANGUAGE;

const lineBreaks = (value: unknown): string => escapeHtml(wordsOf(value)).replace(/\r\n?|\n/g, '<br>\n');

const LIMITS: LiquidOptions = {
  parseLimit: TEMPLATE_LIMITS.compiledBytes,
  /** Characters and items that filters and loops make. */
  memoryLimit: 4_000_000,
  // For the one who forgets to say it.
  renderLimit: 200,
};

/** Where a rendered text is written to; `html` escapes, `text` does not. */
export type Target = 'html' | 'text';

/** An engine of its own for each target; `isLenient` leaves blank what has no value. */
function createEngine(target: Target, isLenient: boolean): Liquid {
  const engine = new Liquid({
    ...LIMITS,
    ownPropertyOnly: true,
    strictFilters: true,
    strictVariables: !isLenient,
    lenientIf: true,
    templates: {},
    globals: {},
    ...(target === 'html' && { outputEscape: (value: unknown) => escapeHtml(wordsOf(value)) }),
  });
  for (const tag of Object.keys(engine.tags)) if (!LIQUID_TAGS.includes(tag)) delete engine.tags[tag];
  for (const name of Object.keys(engine.filters))
    if (!BUILT_IN_FILTERS.includes(name)) engine.unregisterFilter(name);
  const isHtml = target === 'html';
  engine.registerFilter('money', function (value: unknown) {
    return money(value, languageOf(this.context));
  });
  engine.registerFilter('date_local', function (value: unknown, style: unknown) {
    return dateLocal(value, style, languageOf(this.context));
  });
  // What is written out is escaped anyway: asked for by name it is not escaped twice.
  engine.registerFilter('escape', {
    raw: isHtml,
    handler: (value: unknown) => (isHtml ? escapeHtml(wordsOf(value)) : wordsOf(value)),
  });
  engine.registerFilter('newline_to_br', {
    raw: isHtml,
    handler: (value: unknown) => (isHtml ? lineBreaks(value) : wordsOf(value)),
  });
  return engine;
}

const engines = new Map<string, Liquid>();

/** The engine of a target. */
export function engineFor(target: Target, isLenient: boolean): Liquid {
  const key = `${target} ${isLenient}`;
  let engine = engines.get(key);
  if (!engine) {
    engine = createEngine(target, isLenient);
    engines.set(key, engine);
  }
  return engine;
}

/** Takes what is written out and stops at the limit: a loop of a page is a gigabyte before its time is over. */
class LimitedEmitter {
  buffer = '';

  write(value: unknown): void {
    this.buffer += wordsOf(value);
    if (this.buffer.length > TEMPLATE_LIMITS.renderedBytes)
      throw new OutputTooLarge(`more than ${TEMPLATE_LIMITS.renderedBytes / 1024} KiB of output`);
  }
}

/**
 * Renders a parsed template.
 * @throws the errors of liquidjs, with `OutputTooLarge` or what a filter of ours threw as `originalError`
 */
export function renderWith(
  engine: Liquid,
  parsed: Template[],
  variables: object,
  { language, limitMs }: { language: Language; limitMs: number },
): string {
  const context = new Context(
    variables,
    engine.options,
    { sync: true, globals: { language }, renderLimit: limitMs },
    { liquid: engine },
  );
  return toValueSync(engine.renderer.renderTemplates(parsed, context, new LimitedEmitter())) as string;
}
