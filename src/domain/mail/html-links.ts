// Links in the HTML of a mail: found as a browser finds them (WHATWG HTML 13.2.5), each changed in its place, everything else
// left to the byte. One pass; no pattern here can go back over what it has seen more than once.

const NAME = /[^\t\n\f\r />]*/y;
const COMMENT_END = /--!?>/g;
const DECLARATION_END = />/g;
/** What is in a tag behind its name, with the end of the tag. */
const REST_OF_TAG =
  /[^>=]*(?:=[\t\n\f\r ]*(?:"[^"]*"|'[^']*'|[^\t\n\f\r "'>][^\t\n\f\r >]*(?=[\t\n\f\r >])|(?=>))[^>=]*)*>/y;
/** The next attribute of a tag: name, and value in double quotes, single quotes or none. */
const ATTRIBUTE =
  /[\t\n\f\r /]*([^\t\n\f\r />][^\t\n\f\r />=]*)(?:[\t\n\f\r ]*=[\t\n\f\r ]*(?:"([^"]*)"|'([^']*)'|([^\t\n\f\r "'>][^\t\n\f\r >]*)))?/y;

/** Elements whose content is text, whatever it looks like. */
const TEXT_ELEMENTS = ['script', 'style', 'title', 'textarea', 'xmp', 'iframe', 'noembed', 'noframes'];
const TEXT_ENDS: ReadonlyMap<string, RegExp> = new Map(
  TEXT_ELEMENTS.map((name) => [name, new RegExp(`</${name}(?=[\\t\\n\\f\\r />])`, 'gi')]),
);

/** The index behind the next match; undefined when there is none: then the rest of the document belongs to what was begun. */
function behind(pattern: RegExp, html: string, from: number): number | undefined {
  pattern.lastIndex = from;
  return pattern.test(html) ? pattern.lastIndex : undefined;
}

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** The sign that `&…;` stands for; undefined for those that no address needs. */
function signOf(reference: string): string | undefined {
  if (!reference.endsWith(';')) return undefined;
  const name = reference.slice(0, -1);
  if (!name.startsWith('#')) return NAMED[name];
  const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
  return code > 0x1f && code < 0x7f ? String.fromCharCode(code) : undefined;
}

const REFERENCE = /&(#x?[\da-f]+;?|[a-z][a-z\d]*[;=]?)?/gi;

/** What an attribute says; undefined where only the whole table of HTML could tell. */
function decoded(value: string): string | undefined {
  if (!value.includes('&')) return value;
  let isKnown = true;
  const text = value.replace(REFERENCE, (whole, reference: string | undefined) => {
    // A lone ampersand, and one before the name of a parameter, stand for themselves.
    if (reference === undefined || reference.endsWith('=')) return whole;
    const sign = signOf(reference);
    isKnown &&= sign !== undefined;
    return sign ?? whole;
  });
  return isKnown ? text : undefined;
}

const encoded = (url: string): string =>
  url.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

// biome-ignore lint/suspicious/noControlCharactersInRegex: these signs are what is looked for
const UNSAFE = /[\0-\x1f\x7f]/;

/** Where a link leads to; undefined when browsers and we might read it differently. */
function targetOf(value: string): string | undefined {
  const url = decoded(value)?.trim();
  return url === undefined || url === '' || UNSAFE.test(url) ? undefined : url;
}

/** A value of the document and where it stands, quotes included. */
interface Place {
  value: string;
  start: number;
  end: number;
}

/** The first `href` of the tag whose name ends at `from`: of several the others do not count. */
function hrefOf(html: string, from: number, to: number): Place | undefined {
  ATTRIBUTE.lastIndex = from;
  for (let match = ATTRIBUTE.exec(html); match && match.index < to; match = ATTRIBUTE.exec(html)) {
    const [, name = '', double, single, bare] = match;
    if (name.toLowerCase() !== 'href') continue;
    const value = double ?? single ?? bare;
    if (value === undefined) return undefined;
    const end = ATTRIBUTE.lastIndex;
    return { value, start: end - value.length - (bare === undefined ? 2 : 0), end };
  }
  return undefined;
}

/** Where a thing of the markup ends; undefined: it does not, so the rest of the document belongs to it. */
type End = number | undefined;

/** What begins at the less-than sign at `start`. */
interface Markup {
  end: End;
  /** The link of the tag, where it is one. */
  href?: Place | undefined;
}

const isLetter = (code: number): boolean => (code | 32) >= 97 && (code | 32) <= 122;
const [BANG, SLASH, QUESTION] = ['!', '/', '?'].map((sign) => sign.charCodeAt(0));

function tagAt(html: string, start: number): Markup {
  NAME.lastIndex = start + 1;
  const name = NAME.exec(html)?.[0].toLowerCase() ?? '';
  const nameEnd = NAME.lastIndex;
  const end = behind(REST_OF_TAG, html, nameEnd);
  if (end === undefined) return { end };
  if (name === 'a') return { end, href: hrefOf(html, nameEnd, end) };
  const textEnd = TEXT_ENDS.get(name);
  return { end: textEnd ? behind(textEnd, html, end) : end };
}

function markupAt(html: string, start: number): Markup {
  const next = html.charCodeAt(start + 1);
  if (isLetter(next)) return tagAt(html, start);
  if (next === SLASH && isLetter(html.charCodeAt(start + 2)))
    return { end: behind(REST_OF_TAG, html, start + 2) };
  if (html.startsWith('!--', start + 1)) return { end: behind(COMMENT_END, html, start + 2) };
  const isDeclaration = next === BANG || next === QUESTION || next === SLASH;
  return { end: isDeclaration ? behind(DECLARATION_END, html, start + 1) : start + 1 };
}

/** Every link of the document, as `rewrite` wants it; undefined leaves one as it is. */
export function rewriteLinks(html: string, rewrite: (url: string) => string | undefined): string {
  let written = '';
  let copied = 0;
  let at: End = 0;
  while (at !== undefined) {
    const start: number = html.indexOf('<', at);
    if (start < 0) break;
    const { end, href }: Markup = markupAt(html, start);
    at = end;
    const target = href && targetOf(href.value);
    const url = target === undefined ? undefined : rewrite(target);
    if (!href || url === undefined) continue;
    written += `${html.slice(copied, href.start)}"${encoded(url)}"`;
    copied = href.end;
  }
  return copied === 0 ? html : written + html.slice(copied);
}
