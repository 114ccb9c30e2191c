// Makes of the source of a template what mails are rendered from: MJML becomes HTML, HTML becomes the text part. Liquid
// goes through both unharmed, behind stand-ins. Done once per version, in a worker thread.
import { compile as compileText, type FormatCallback } from 'html-to-text';
import { analyzeSync, LiquidError, type Template, Tokenizer, TokenKind } from 'liquidjs';
import mjml2html from 'mjml';
import {
  TEMPLATE_LIMITS,
  type TemplateFormat,
  type TemplateProblem,
  type TemplateSource,
  type VariableUse,
} from '../domain/mail/templates.ts';
import { nearest } from '../domain/nearest.ts';
import { engineFor, escapeHtml, LIQUID_FILTERS, LIQUID_TAGS } from './liquid.ts';

/** Liquid in HTML and in plain text, and the variables that all parts use. */
export interface CompiledTemplate {
  html: string;
  text: string;
  uses: VariableUse[];
}

export type CompileOutcome = ({ ok: true } & CompiledTemplate) | { ok: false; problems: TemplateProblem[] };

class Refused extends Error {
  readonly problems: TemplateProblem[];

  constructor(...problems: TemplateProblem[]) {
    super('The template cannot be compiled');
    this.problems = problems;
  }
}

/** Each part that is Liquid, by its pointer. */
function partsOf(template: TemplateSource): [pointer: string, text: string][] {
  const { subject, preheader, source, textSource } = template;
  const parts = Object.entries({ subject, preheader, source, textSource: textSource ?? '' });
  return parts.map(([name, text]) => [`/${name}`, text]);
}

const parser = () => engineFor('text', true);

/** liquidjs says these only in words. */
const UNDEFINED_FILTER = /^undefined filter: (\S+?)(?:,|$)/;
const UNKNOWN_TAG = /^tag "?(\S+?)"? not found/;

function syntaxProblem(pointer: string, error: LiquidError): TemplateProblem {
  const [line, column] = error.token?.getPosition() ?? [];
  const message = firstLine(error.message).replace(/, line:\d+, col:\d+$/, '');
  const place = {
    pointer,
    ...(line !== undefined && { line }),
    ...(column !== undefined && { column }),
  };
  const unknown = (code: string, noun: string, name: string, names: readonly string[]) => {
    const near = nearest(name, names);
    const way = near === undefined ? `there are ${names.join(', ')}.` : `did you mean ${near}?`;
    const message = `There is no ${noun} ${name}; ${way}`;
    return { ...place, code, message, ...(near !== undefined && { nearest: near }) };
  };
  const [, filter] = UNDEFINED_FILTER.exec(message) ?? [];
  if (filter !== undefined) return unknown('FILTER_UNKNOWN', 'filter', filter, LIQUID_FILTERS);
  const [, tag] = UNKNOWN_TAG.exec(message) ?? [];
  if (tag !== undefined) return unknown('TAG_UNKNOWN', 'tag', tag, LIQUID_TAGS);
  if (isTooDeep(error)) return { ...place, ...TOO_DEEP };
  return { ...place, code: 'LIQUID_SYNTAX', message };
}

const TOO_DEEP = { code: 'TOO_DEEP', message: 'Tags or elements are nested too deeply.' };

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? '';

const isTooDeep = (error: unknown): boolean =>
  error instanceof RangeError ||
  (LiquidError.is(error) && (error as { originalError?: unknown }).originalError instanceof RangeError);

/** Top-level tokens: Liquid and what stands between. */
const tokensOf = (text: string) => {
  const { options } = parser();
  return new Tokenizer(text, options.operators).readTopLevelTokens(options);
};

const OPENS = /^\{%-?\s*(?:if|unless|case|for|tablerow|capture)\b/;
const CLOSES = /^\{%-?\s*end/;

/** The parser goes down into each tag and each bracket: it is held back before it begins. */
function checkDepth(pointer: string, text: string): void {
  let depth = 0;
  for (const token of tokensOf(text)) {
    if (token.kind === TokenKind.HTML) continue;
    const piece = text.slice(token.begin, token.end);
    if (OPENS.test(piece)) depth++;
    else if (CLOSES.test(piece)) depth--;
    if (depth > TEMPLATE_LIMITS.depth || count(piece, /\[/g) > TEMPLATE_LIMITS.depth)
      throw new Refused({ pointer, ...TOO_DEEP });
  }
}

function parsed(pointer: string, text: string): Template[] {
  try {
    checkDepth(pointer, text);
    return parser().parse(text);
  } catch (error) {
    if (error instanceof Refused) throw error;
    if (LiquidError.is(error)) throw new Refused(syntaxProblem(pointer, error as LiquidError));
    throw new Refused({ pointer, code: 'LIQUID_SYNTAX', message: firstLine(String(error)) });
  }
}

/** What the text takes from outside; what it makes itself (assign, for) is not among it. */
function usesOf(pointer: string, text: string): VariableUse[] {
  const { globals } = analyzeSync(parsed(pointer, text), { partials: false });
  const uses = Object.values(globals)
    .flat()
    .map(({ segments, location }) => {
      const named = segments.findIndex((segment) => typeof segment !== 'string');
      const path = segments.slice(0, named < 0 ? segments.length : named).join('.');
      return { path, pointer, line: location.row };
    });
  return uses.filter(
    ({ path }, index) => path !== '' && uses.findIndex((other) => other.path === path) === index,
  );
}

/** Takes the Liquid out of a text, for readers that do not know it, and puts it back. */
interface Shield {
  shielded: string;
  restore(text: string): string;
  /** Of the text with stand-ins: lines that hold tags alone make no lines of their own. */
  joinTagLines(text: string): string;
}

/** A beginning that the text has nowhere. */
function freeMark(text: string, make: (turn: number) => string): string {
  for (let turn = 0; ; turn++) {
    const mark = make(turn);
    if (!text.includes(mark)) return mark;
  }
}

const COLOR_ATTRIBUTE = (mark: string) =>
  new RegExp(`([\\w-]*color\\s*=\\s*["'])\\s*${mark}(\\d+)z\\s*(["'])`, 'g');

function shieldOf(source: string): Shield {
  const mark = freeMark(source, (turn) => `zq${turn}x`);
  // MJML holds colours to be colours: there the stand-in is one. None that it writes itself begins like that.
  const colorMark = freeMark(source, (turn) => `#${((0xe1 + turn) % 256).toString(16).padStart(2, '0')}`);
  const pieces: string[] = [];
  const kinds: TokenKind[] = [];
  let shielded = '';
  for (const token of tokensOf(source)) {
    const text = source.slice(token.begin, token.end);
    if (token.kind === TokenKind.HTML) {
      shielded += text;
      continue;
    }
    shielded += `${mark}${pieces.length}z`;
    pieces.push(text);
    kinds.push(token.kind);
  }
  const marks = new RegExp(`${mark}(\\d+)z`, 'g');
  const colors = new RegExp(`${colorMark}(\\d{4})(?![0-9a-f])`, 'gi');
  const pieceOf = (whole: string, place: string) => pieces[Number(place)] ?? whole;
  const isTag = (line: string) =>
    line.trim() !== '' &&
    line.replace(marks, (whole, place) => (kinds[Number(place)] === TokenKind.Tag ? '' : whole)).trim() ===
      '';
  return {
    shielded: shielded.replace(
      COLOR_ATTRIBUTE(mark),
      (_, before, place, after) => `${before}${colorMark}${place.padStart(4, '0')}${after}`,
    ),
    restore: (text) => text.replace(colors, pieceOf).replace(marks, pieceOf),
    joinTagLines: (text) =>
      text
        .split('\n')
        .map((line) => (isTag(line) ? line.replace(/\s+/g, '') : `${line.trimEnd()}\n`))
        .join('')
        .trim(),
  };
}

interface MjmlFault {
  line?: number;
  message: string;
  tagName?: string;
}

function mjmlProblems(error: unknown, shield: Shield): TemplateProblem[] {
  if (isTooDeep(error)) return [{ pointer: '/source', ...TOO_DEEP }];
  const { errors, message } = error as { errors?: MjmlFault[]; message: string };
  const faults: MjmlFault[] = errors ?? [{ message }];
  return faults.slice(0, 20).map(({ line, message, tagName }) => ({
    pointer: '/source',
    code: 'MJML_INVALID',
    message: shield.restore(tagName ? `${tagName}: ${firstLine(message)}` : firstLine(message)),
    ...(line !== undefined && { line }),
  }));
}

const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0;

const refused = (code: string, message: string) => new Refused({ pointer: '/source', code, message });

function checkElements(shielded: string): void {
  const { mjmlElements, htmlElements } = TEMPLATE_LIMITS;
  if (count(shielded, /<mj-/g) > mjmlElements)
    throw refused('TOO_MANY_ELEMENTS', `At most ${mjmlElements} MJML elements.`);
  if (count(shielded, /<[a-z]/gi) > htmlElements)
    throw refused('TOO_MANY_ELEMENTS', `At most ${htmlElements} elements.`);
}

async function compileMjml(shield: Shield, { locale }: TemplateSource): Promise<string> {
  const { shielded } = shield;
  if (/<mj-include\b/i.test(shielded))
    throw refused('INCLUDE_REFUSED', 'mj-include reads files; a template stands alone.');
  try {
    const { html } = await mjml2html(shielded, {
      validationLevel: 'strict',
      keepComments: false,
      ignoreIncludes: true,
      // A font from elsewhere tells that the mail was read.
      fonts: {},
    });
    return tidy(html).replaceAll('lang="und"', `lang="${escapeHtml(locale)}"`);
  } catch (error) {
    throw new Refused(...mjmlProblems(error, shield));
  }
}

/** A third of what MJML writes is indentation. */
const tidy = (html: string): string =>
  /<pre\b/i.test(html) ? html : html.replace(/^[ \t]+|[ \t]+$/gm, '').replace(/\n{2,}/g, '\n');

const HIDDEN =
  'display:none;font-size:1px;line-height:1px;max-height:0;max-width:0;opacity:0;overflow:hidden;mso-hide:all';
/** Keeps what stands behind the preheader out of the list of mails. */
const FILLER = '&#847;&zwnj;&nbsp;'.repeat(60);

/** The line that lists of mails show beside the subject: first in the body, never to be seen in the mail. */
function withPreheader(html: string, preheader: string): string {
  if (preheader.trim() === '') return html;
  const line = `<div class="preheader" style="${HIDDEN}">${preheader}${FILLER}</div>`;
  const body = /<body\b[^>]*>/i.exec(html);
  if (!body) return `${line}\n${html}`;
  const end = body.index + body[0].length;
  return `${html.slice(0, end)}\n${line}${html.slice(end)}`;
}

const withTitle = (html: string, title: string): string =>
  html.replace(/<title>\s*<\/title>/i, () => `<title>${title}</title>`);

const row: FormatCallback = (element, walk, builder) => {
  builder.openBlock({ leadingLineBreaks: 1 });
  walk(element.children, builder);
  builder.closeBlock({ trailingLineBreaks: 1 });
};

const cell: FormatCallback = (element, walk, builder) => {
  builder.addInline(' ', {});
  walk(element.children, builder);
};

const toTextWith = (paragraph: string) =>
  compileText({
    wordwrap: false,
    formatters: { row, cell },
    selectors: [
      { selector: paragraph, format: 'block', options: { leadingLineBreaks: 2, trailingLineBreaks: 2 } },
      { selector: 'a', options: { hideLinkHrefIfSameAsText: true, linkBrackets: ['(', ')'] } },
      { selector: 'img', format: 'skip' },
      { selector: '.preheader', format: 'skip' },
      { selector: '.html-only', format: 'skip' },
      { selector: 'tr', format: 'row' },
      { selector: 'td', format: 'cell' },
      { selector: 'th', format: 'cell' },
      ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((selector) => ({
        selector,
        options: { uppercase: false },
      })),
    ],
  });

/** What MJML makes of a paragraph is a div; in the HTML of others it may be a line. */
const TO_TEXT = { mjml: toTextWith('div'), html: toTextWith('p') } as const;

function textOf(html: string, format: TemplateFormat, shield: Shield): string {
  try {
    return shield.restore(shield.joinTagLines(TO_TEXT[format](html)));
  } catch (error) {
    if (isTooDeep(error)) throw new Refused({ pointer: '/source', ...TOO_DEEP });
    throw error;
  }
}

function checkCompiled(...parts: string[]): void {
  for (const part of parts) {
    if (Buffer.byteLength(part) > TEMPLATE_LIMITS.compiledBytes) {
      throw refused(
        'SOURCE_TOO_LARGE',
        `Its HTML is larger than ${TEMPLATE_LIMITS.compiledBytes / 1024} KiB.`,
      );
    }
  }
}

async function compileParts(template: TemplateSource): Promise<CompiledTemplate> {
  const { source, format, preheader, subject, textSource } = template;
  const uses = partsOf(template).flatMap(([pointer, text]) => usesOf(pointer, text));
  const shield = shieldOf(source);
  checkElements(shield.shielded);
  const body = format === 'mjml' ? await compileMjml(shield, template) : shield.shielded;
  const html = withPreheader(withTitle(shield.restore(body), markup(subject)), markup(preheader));
  const text = textSource ?? textOf(body, format, shield);
  checkCompiled(html, text);
  // What was taken apart has to hold together again.
  parsed('/source', html);
  parsed(textSource === null ? '/source' : '/textSource', text);
  return { html, text, uses };
}

/** Plain text with Liquid as markup with Liquid. */
function markup(text: string): string {
  const { shielded, restore } = shieldOf(text);
  return restore(escapeHtml(shielded));
}

/** Compiles a template, or says what is wrong with it and where. */
export async function compileTemplate(template: TemplateSource): Promise<CompileOutcome> {
  try {
    return { ok: true, ...(await compileParts(template)) };
  } catch (error) {
    if (error instanceof Refused) return { ok: false, problems: error.problems };
    if (isTooDeep(error)) return { ok: false, problems: [{ pointer: '/source', ...TOO_DEEP }] };
    throw error;
  }
}
