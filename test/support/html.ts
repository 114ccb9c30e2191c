// Whether a document is well formed: every element is closed where it was opened, every attribute quoted, every id unique.

const VOID = new Set(['meta', 'input', 'img', 'br', 'link', 'hr']);
const TAG = /<(\/?)([a-z][a-z0-9]*)((?:\s+[a-z-]+(?:="[^"<]*")?)*)\s*>/g;

/** What is wrong with the document, in words; none when it is well formed. */
export function htmlFaults(document: string): string[] {
  const faults: string[] = [];
  const open: string[] = [];
  const text = document.replace(/^<!doctype html>\n/, '').replace(/<style>.*?<\/style>/gs, '');
  if (text === document) faults.push('no doctype');
  for (const [, closing, name = ''] of text.matchAll(TAG)) {
    if (closing) {
      const opened = open.pop();
      if (opened !== name) faults.push(`</${name}> closes <${opened}>`);
    } else if (!VOID.has(name)) open.push(name);
  }
  if (open.length > 0) faults.push(`not closed: ${open.join(', ')}`);
  const rest = text.replace(TAG, '');
  if (/[<>]/.test(rest))
    faults.push(`stray: ${rest.slice(Math.max(0, rest.search(/[<>]/) - 20)).slice(0, 60)}`);
  if (/&(?!(?:amp|lt|gt|quot|#\d+|#x[0-9a-f]+);)/i.test(text))
    faults.push('an ampersand that is not escaped');
  const ids = [...text.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id);
  if (new Set(ids).size !== ids.length) faults.push(`ids twice: ${ids.join(', ')}`);
  return faults;
}
