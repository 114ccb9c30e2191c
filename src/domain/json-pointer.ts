// Where in a document: JSON Pointer (RFC 6901), the address every refusal carries.

const LONGEST_NAME = 200;

/** `/orders/0/a~1b`; the whole document is the empty text. A name of a megabyte is not sent back whole. */
export function jsonPointer(path: readonly (string | number)[]): string {
  return path.map((name) => `/${shorten(String(name)).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

function shorten(name: string): string {
  return name.length <= LONGEST_NAME ? name : `${name.slice(0, LONGEST_NAME)}…`;
}
