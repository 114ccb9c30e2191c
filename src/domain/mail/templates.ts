// Templates: what a template declares, what it may use, and what is wrong with one.
import type { FieldProblem } from '../fields.ts';
import { nearest } from '../nearest.ts';
import type { MessageClass } from './messages.ts';
import { KNOWN_NAMES, TEMPLATE_ROOTS } from './template-variables.ts';

export const TEMPLATE_FORMATS = ['mjml', 'html'] as const;
export type TemplateFormat = (typeof TEMPLATE_FORMATS)[number];

/** What a variable without a value does to a mail: it fails, or the place stays blank. */
export const MISSING_POLICIES = ['fail', 'blank'] as const;
export type MissingPolicy = (typeof MISSING_POLICIES)[number];

/** A variable that the template uses, such as `customer.firstName` or `order.number`. */
export interface TemplateVariable {
  name: string;
  description?: string;
  /** Used where the value is missing. */
  fallback?: string;
  /** Shown in previews without a customer. */
  example?: unknown;
}

/** What a writer edits: Liquid in all four texts. */
export interface TemplateSource {
  format: TemplateFormat;
  subject: string;
  preheader: string;
  source: string;
  /** Plain text part; null: made from the HTML. */
  textSource: string | null;
  /** Language of the words. */
  locale: string;
}

/** Greatest sizes: bytes of UTF-8 where they say so, else characters. */
export const TEMPLATE_LIMITS = {
  sourceBytes: 256 * 1024,
  subject: 500,
  preheader: 500,
  variables: 100,
  name: 100,
  fallback: 1_000,
  exampleBytes: 16 * 1024,
  /** Elements of a source; a hundred of MJML make a long mail, and are a thousand of HTML. */
  mjmlElements: 300,
  htmlElements: 5_000,
  /** Tags of Liquid within each other. */
  depth: 50,
  /** Of what is made of a source, still with its Liquid. */
  compiledBytes: 1024 * 1024,
  /** Of one rendered part. */
  renderedBytes: 1024 * 1024,
  /** Characters of a rendered subject; the rest is cut off. */
  renderedSubject: 250,
} as const;

/** Milliseconds one mail may take to render. */
export const RENDER_TIMEOUT_MS = 350;

/** One place of a template to mend; `line` counts from 1 in the text that `pointer` names. */
export interface TemplateProblem extends FieldProblem {
  line?: number;
  column?: number;
  nearest?: string;
}

/** Where a text of the template uses a variable. */
export interface VariableUse {
  path: string;
  pointer: string;
  line: number;
}

const NAME = /^[a-z][A-Za-z0-9]*(?:\.[A-Za-z_][A-Za-z0-9_]*)+$/;
const UNSAFE_PART = /(?:^|\.)(?:__proto__|prototype|constructor)(?:\.|$)/;

/** One path says something of the other: they are the same, or one leads to the other. */
const covers = (name: string, path: string): boolean =>
  name === path || path.startsWith(`${name}.`) || name.startsWith(`${path}.`);

function declarationProblem(
  { name, fallback, example }: TemplateVariable,
  index: number,
  all: readonly TemplateVariable[],
): TemplateProblem | undefined {
  const refuse = (code: string, message: string, field = 'name') => ({
    pointer: `/variables/${index}/${field}`,
    code,
    message,
  });
  const [root = ''] = name.split('.');
  if (!NAME.test(name) || UNSAFE_PART.test(name) || name.length > TEMPLATE_LIMITS.name)
    return refuse('VARIABLE_NAME_INVALID', 'A name is a path such as order.number or data.couponCode.');
  if (!TEMPLATE_ROOTS.includes(root))
    return refuse('VARIABLE_ROOT_UNKNOWN', `A name begins with one of ${TEMPLATE_ROOTS.join(', ')}.`);
  if (all.findIndex((other) => other.name === name) !== index)
    return refuse('VARIABLE_REPEATED', `${name} is declared already.`);
  if (fallback !== undefined && fallback.length > TEMPLATE_LIMITS.fallback)
    return refuse('FALLBACK_TOO_LONG', `At most ${TEMPLATE_LIMITS.fallback} characters.`, 'fallback');
  if (JSON.stringify(example ?? null).length > TEMPLATE_LIMITS.exampleBytes)
    return refuse('EXAMPLE_TOO_LONG', `At most ${TEMPLATE_LIMITS.exampleBytes} bytes of JSON.`, 'example');
  return undefined;
}

/** What is wrong with the declarations alone; looked at whenever a draft is saved. */
export function checkDeclarations(declared: readonly TemplateVariable[]): TemplateProblem[] {
  return declared.flatMap((variable, index) => declarationProblem(variable, index, declared) ?? []);
}

/** UTF-8 bytes, without writing them. */
function bytesOf(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit > 0x7f) bytes += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
  }
  return bytes;
}

/** What is too long in a draft. */
export function checkSizes(draft: Omit<TemplateSource, 'format' | 'locale'>): TemplateProblem[] {
  const { sourceBytes } = TEMPLATE_LIMITS;
  const problems: TemplateProblem[] = [];
  for (const field of ['source', 'textSource'] as const) {
    if (bytesOf(draft[field] ?? '') > sourceBytes)
      problems.push({
        pointer: `/${field}`,
        code: 'SOURCE_TOO_LARGE',
        message: `At most ${sourceBytes / 1024} KiB.`,
      });
  }
  for (const field of ['subject', 'preheader'] as const) {
    if (draft[field].length > TEMPLATE_LIMITS[field])
      problems.push({
        pointer: `/${field}`,
        code: 'TEXT_TOO_LONG',
        message: `At most ${TEMPLATE_LIMITS[field]} characters.`,
      });
  }
  return problems;
}

/** `customer`, `order.number` → `order`. */
const rootOf = (path: string): string => path.split('.', 1)[0] ?? '';

function useProblem({ path, pointer, line }: VariableUse, names: readonly string[]): TemplateProblem {
  const root = rootOf(path);
  const place = { pointer, line };
  if (!TEMPLATE_ROOTS.includes(root)) {
    const near = nearest(path, names) ?? nearest(root, TEMPLATE_ROOTS);
    const message = `There is no variable ${path}; variables begin with ${TEMPLATE_ROOTS.join(', ')}.`;
    return { ...place, code: 'VARIABLE_UNKNOWN', message, ...(near !== undefined && { nearest: near }) };
  }
  const near = nearest(path, names);
  const message = `${path} is not declared in variables${near === undefined ? '' : `; did you mean ${near}?`}`;
  return { ...place, code: 'VARIABLE_UNDECLARED', message, ...(near !== undefined && { nearest: near }) };
}

/**
 * Holds what a template uses against what it declares and what every mail may use: a use of neither is an error, with
 * the nearest name that there is, and so is a declaration that nothing uses.
 */
export function checkVariables(
  uses: readonly VariableUse[],
  declared: readonly TemplateVariable[],
): TemplateProblem[] {
  const names = [...declared.map(({ name }) => name), ...KNOWN_NAMES];
  const undeclared = uses.filter(({ path }) => !names.some((name) => covers(name, path)));
  const unused = declared.flatMap(({ name }, index): TemplateProblem[] =>
    uses.some(({ path }) => covers(name, path))
      ? []
      : [{ pointer: `/variables/${index}`, code: 'VARIABLE_UNUSED', message: `Nothing uses ${name}.` }],
  );
  return [...undeclared.map((use) => useProblem(use, names)), ...unused];
}

/** Either lets a reader end the mails; the preference centre has the same button. */
const WAYS_OUT = ['links.unsubscribe', 'links.preferences'];

/** M7: marketing has a way out in its HTML, and in a text of its own. */
export function checkWayOut(
  uses: readonly VariableUse[],
  { class: messageClass, textSource }: { class: MessageClass; textSource: string | null },
): TemplateProblem[] {
  if (messageClass !== 'marketing') return [];
  const parts = textSource === null ? ['/source'] : ['/source', '/textSource'];
  const lacks = parts.filter(
    (part) => !uses.some(({ path, pointer }) => pointer === part && WAYS_OUT.includes(path)),
  );
  return lacks.map((pointer) => ({
    pointer,
    code: 'UNSUBSCRIBE_LINK_MISSING',
    message: `Marketing has a link to {{ ${WAYS_OUT.join(' }} or {{ ')} }}.`,
  }));
}

/** Keys that mails look for. */
export const TEMPLATE_KEY_PATTERN = '^[a-z][a-z0-9]*(_[a-z0-9]+)*$';

/** `pt-BR` → `pt`; undefined when the tag has no more than a language. */
export const baseLanguageOf = (tag: string): string | undefined =>
  tag.includes('-') ? tag.slice(0, tag.indexOf('-')) : undefined;

/** Language of the ready-made templates. */
export const READY_MADE_LOCALE = 'en';

/**
 * The languages in which a mail is looked for, the best one first: the customer's, its base language, the store's, its
 * base language, English.
 */
export function localesFor(language: string | null | undefined, storeLocale: string): string[] {
  const wanted = [language, storeLocale].flatMap((tag) => (tag ? [tag, baseLanguageOf(tag)] : []));
  return [...new Set([...wanted, READY_MADE_LOCALE])].filter((tag) => tag !== undefined);
}
