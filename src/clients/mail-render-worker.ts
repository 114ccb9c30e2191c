// A thread that renders mails: a batch comes in, an outcome for each mail goes out. Nothing here reads a file, the
// environment or the network.
import { LiquidError, type Template, type Token } from 'liquidjs';
import { cutText } from '../domain/fields.ts';
import { normaliseTimezone } from '../domain/locales.ts';
import { putIfMissing, type Variables } from '../domain/mail/template-variables.ts';
import { TEMPLATE_LIMITS } from '../domain/mail/templates.ts';
import { trackClicks } from './click-links.ts';
import { engineFor, type Language, OutputTooLarge, renderWith, type Target } from './liquid.ts';
import { composeMime, MimeError, oneLine } from './mail-mime.ts';
import type { RenderBatch, RenderJob, RenderOutcome, RenderTemplate } from './mail-renderer.ts';

interface Parsed {
  subject: Template[];
  html: Template[];
  text: Template[];
}

/** Versions do not change, so what was parsed stays; the one that was used last goes last. */
const versions = new Map<string, Parsed>();
const MAX_VERSIONS = 200;

function parse({ subject, html, text }: RenderTemplate): Parsed {
  const [forText, forHtml] = [engineFor('text', false), engineFor('html', false)];
  return { subject: forText.parse(subject), html: forHtml.parse(html), text: forText.parse(text) };
}

function parsedOf(template: RenderTemplate): Parsed {
  const { id, number } = template;
  // A draft has no number: it may be another one next time.
  if (number === null) return parse(template);
  const key = `${id} ${number}`;
  const known = versions.get(key) ?? parse(template);
  versions.delete(key);
  versions.set(key, known);
  if (versions.size > MAX_VERSIONS) versions.delete(versions.keys().next().value ?? key);
  return known;
}

/** A copy without null: what is null is missing. No member has a prototype to climb. */
function present(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(present);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value ?? undefined;
  const copy: Variables = Object.create(null);
  for (const [key, member] of Object.entries(value)) {
    if (member !== null && member !== undefined) copy[key] = present(member);
  }
  return copy;
}

function scopeOf({ template, variables }: RenderJob): Variables {
  const scope = present(variables) as Variables;
  for (const { name, fallback } of template.variables)
    if (fallback !== undefined) putIfMissing(scope, name, fallback);
  return scope;
}

const textAt = (scope: Variables, root: string, member: string): string | undefined => {
  const value = (scope[root] as Variables | undefined)?.[member];
  return typeof value === 'string' && value !== '' ? value : undefined;
};

const isKnownLocale = (tag: string): boolean => {
  try {
    return Intl.NumberFormat.supportedLocalesOf(tag).length > 0;
  } catch {
    return false;
  }
};

/** Dates are in the language of the template; the customer's own kind of it where it is the same one. */
function wordsFor(locale: string, ofTemplate: string | undefined): string {
  const base = (tag: string) => tag.split('-', 1)[0];
  if (ofTemplate === undefined || !isKnownLocale(ofTemplate) || base(ofTemplate) === base(locale))
    return locale;
  return ofTemplate;
}

function languageOf(scope: Variables, template: RenderTemplate): Language {
  const locales = [textAt(scope, 'customer', 'language'), textAt(scope, 'store', 'locale')];
  const timezones = [textAt(scope, 'customer', 'timezone'), textAt(scope, 'store', 'timezone')];
  const locale = locales.find((tag) => tag !== undefined && isKnownLocale(tag)) ?? 'en';
  return {
    locale,
    words: wordsFor(locale, template.locale),
    timezone: timezones.find((name) => name !== undefined && normaliseTimezone(name)) ?? 'UTC',
  };
}

/** The mail may take this long in all; the hard end comes later and costs the thread. */
const SOFT_SHARE = 0.5;

interface Rendering {
  subject: string;
  html: string;
  text: string;
}

function renderParts(job: RenderJob, scope: Variables, isLenient: boolean, until: number): Rendering {
  const { template } = job;
  const parsed = parsedOf(template);
  const language = languageOf(scope, template);
  const render = (part: keyof Parsed, target: Target) =>
    renderWith(engineFor(target, isLenient), parsed[part], scope, {
      language,
      limitMs: Math.max(1, until - performance.now()),
    });
  return {
    subject: cutText(oneLine(render('subject', 'text')), TEMPLATE_LIMITS.renderedSubject),
    html: render('html', 'html'),
    text: tidyText(render('text', 'text')),
  };
}

/** Parts that were left out leave no gaps behind. */
const tidyText = (text: string): string =>
  `${text
    .replace(/[ \t]+$/gm, '')
    .replace(/\n{3,}/g, '\n\n')
    .trim()}\n`;

const MISSING = /^undefined variable: ([^,\n]+)/;
const TOO_SLOW = /^template render limit exceeded/;
const TOO_LARGE = /^(?:memory alloc|parse length) limit exceeded/;

const PLAIN_PATH = /^\w+(?:\.\w+)*$/;

/** As it is written: the message speaks of `order` alone where all of it is missing, and of values in `a[b]`. */
function wholePath(token: Token | undefined, found: string): string {
  const written = token?.getText().trim() ?? '';
  if (PLAIN_PATH.test(written) && written.startsWith(found)) return written;
  return cutText(written === '' ? (found.split('.', 1)[0] ?? '') : written, 100);
}

type Failure = Extract<RenderOutcome, { ok: false }>;

/** liquidjs tells its limits apart only in words. */
function failureOf(error: unknown): Failure {
  if (error instanceof MimeError)
    return { ok: false, code: 'MAIL_INVALID', detail: error.message, field: error.field };
  const { message, originalError, token } = error as LiquidError;
  const words = cutText((message.split('\n', 1)[0] ?? '').replace(/, line:\d+, col:\d+$/, ''), 300);
  const [line] = LiquidError.is(error) ? (token?.getPosition() ?? []) : [];
  const fail = (code: Failure['code'], detail = words): Failure => ({
    ok: false,
    code,
    detail,
    ...(line !== undefined && { line }),
  });
  const [, found] = MISSING.exec(message) ?? [];
  if (found !== undefined) {
    const variable = wholePath(token, found);
    return { ...fail('TEMPLATE_VARIABLE_MISSING', `${variable} has no value`), variable };
  }
  if (TOO_SLOW.test(message)) return fail('TEMPLATE_TIMEOUT', 'It takes too long to render');
  const isTooLarge = originalError instanceof OutputTooLarge || originalError instanceof RangeError;
  if (TOO_LARGE.test(message) || isTooLarge || error instanceof RangeError) return fail('TEMPLATE_TOO_LARGE');
  return fail('TEMPLATE_ERROR');
}

const MAX_MISSING = 50;

/** Every variable that this mail lacks: asked for one by one, each time with a stand-in for those found before. */
function missingIn(job: RenderJob, scope: Variables, until: number): string[] {
  const missing: string[] = [];
  while (missing.length < MAX_MISSING) {
    try {
      renderParts(job, scope, false, until);
      return missing;
    } catch (error) {
      const { variable } = failureOf(error);
      if (variable === undefined || missing.includes(variable)) return missing;
      missing.push(variable);
      putIfMissing(scope, variable, '');
    }
  }
  return missing;
}

/** Pages of the recipient that nobody is to be led to by way of a counter: a link out must not depend on it. */
const OWN_PAGES = ['unsubscribe', 'preferences'];

function withTrackedLinks({ clicks }: RenderJob, scope: Variables, parts: Rendering): Rendering {
  if (!clicks) return parts;
  const own = OWN_PAGES.flatMap((page) => textAt(scope, 'links', page) ?? []);
  return { ...parts, html: trackClicks(parts.html, clicks, own) };
}

async function render(job: RenderJob, timeoutMs: number): Promise<RenderOutcome> {
  const until = performance.now() + timeoutMs * SOFT_SHARE;
  try {
    const { template, mime, listMissing } = job;
    const missing = listMissing ? { missing: missingIn(job, scopeOf(job), until) } : {};
    const isLenient = template.missing === 'blank' || listMissing === true;
    const scope = scopeOf(job);
    const parts = withTrackedLinks(job, scope, renderParts(job, scope, isLenient, until));
    if (!mime) return { ok: true, ...parts, ...missing };
    return { ok: true, ...parts, ...missing, raw: await composeMime({ ...mime, ...parts }) };
  } catch (error) {
    return failureOf(error);
  }
}

/** Renders one after the other; `progress[0]` says how many were begun. */
export default async function renderBatch({
  jobs,
  timeoutMs,
  progress,
}: RenderBatch): Promise<RenderOutcome[]> {
  const outcomes: RenderOutcome[] = [];
  for (const [index, job] of jobs.entries()) {
    Atomics.store(progress, 0, index + 1);
    outcomes.push(await render(job, timeoutMs));
  }
  return outcomes;
}
