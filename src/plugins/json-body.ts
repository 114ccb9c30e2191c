// The JSON door: bodies are read strictly (RFC 8259 and I-JSON, RFC 7493), so that two readers of one document can
// never disagree and nothing that Postgres or a double cannot hold gets past this room.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { jsonPointer } from '../domain/json-pointer.ts';

export type MalformedReason =
  | 'SYNTAX'
  | 'EMPTY_BODY'
  | 'DUPLICATE_KEY'
  | 'TOO_DEEP'
  | 'NUMBER_TOO_LARGE'
  | 'NUL_CHARACTER'
  | 'LONE_SURROGATE'
  | 'FORBIDDEN_KEY'
  | 'INVALID_UTF8';

/** Objects and arrays inside each other; the 33rd is refused. */
export const MAX_DEPTH = 32;

const CONTENT_TYPES = ['application/json', 'application/merge-patch+json'];

/** A body that is no acceptable JSON: always the caller's to mend, hence 400. `pointer` is RFC 6901. */
export class MalformedJson extends Error {
  readonly statusCode = 400;
  readonly reason: MalformedReason;
  readonly pointer: string | undefined;
  readonly offset: number | undefined;

  constructor(reason: MalformedReason, message: string, where: { pointer?: string; offset?: number } = {}) {
    super(message);
    this.name = 'MalformedJson';
    this.reason = reason;
    this.pointer = where.pointer;
    this.offset = where.offset;
  }
}

/** Puts the strict reader in place of Fastify's; call it on the root before the routes. */
export function useStrictJson(
  app: Pick<FastifyInstance, 'removeContentTypeParser' | 'addContentTypeParser'>,
): void {
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser(
    CONTENT_TYPES,
    { parseAs: 'buffer' },
    async (request: FastifyRequest, body: Buffer) =>
      // Many clients announce JSON with every request: where no body is asked for, nothing is what belongs there.
      body.length === 0 && !request.routeOptions.schema?.body ? undefined : parseJsonBody(body),
  );
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function parseJsonBody(body: Buffer): unknown {
  if (body.length === 0) {
    throw new MalformedJson(
      'EMPTY_BODY',
      'The body is empty although Content-Type announces JSON: send a JSON document, or leave Content-Type out.',
    );
  }
  return parseStrictJson(decodeUtf8(body));
}

function decodeUtf8(body: Buffer): string {
  try {
    return utf8.decode(body);
  } catch {
    throw new MalformedJson(
      'INVALID_UTF8',
      'The body is not valid UTF-8: encode the JSON document as UTF-8.',
    );
  }
}

/**
 * JSON.parse plus the rules above; throws MalformedJson.
 * The native parser does the work and two cheap counts tell whether something may be wrong; only then the slow scan
 * below looks for the place. Measured: 1.2 times JSON.parse for 500 kB, 1.3 times for 400 bytes; scanning every text would cost 5 times.
 */
export function parseStrictJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    scan(text);
    throw new MalformedJson('SYNTAX', 'The body is not valid JSON.');
  }
  if (isSuspicious(text, value)) scan(text);
  return value;
}

const ESCAPED_NUL_OR_SURROGATE = /\\u(?:0000|d[89a-f])/i;
const LONE_SURROGATE = /[\ud800-\udfff]/u;

/** May cry wolf (the scan decides), must never keep quiet. */
function isSuspicious(text: string, value: unknown): boolean {
  return (
    (text.includes('\\u') && ESCAPED_NUL_OR_SURROGATE.test(text)) ||
    LONE_SURROGATE.test(text) ||
    countKeys(value, 0) !== countColonsAfterQuotes(text)
  );
}

/** Properties in the parsed value; NaN, which equals nothing, when it holds a forbidden name, number or depth. */
function countKeys(value: unknown, depth: number): number {
  if (typeof value === 'number') return Math.abs(value) > Number.MAX_SAFE_INTEGER ? Number.NaN : 0;
  if (typeof value !== 'object' || value === null) return 0;
  if (depth === MAX_DEPTH) return Number.NaN;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) count += countKeys(item, depth + 1);
    return count;
  }
  const object = value as Record<string, unknown>;
  for (const key in object) {
    if (key === '__proto__' || key === 'constructor') return Number.NaN;
    count += 1 + countKeys(object[key], depth + 1);
  }
  return count;
}

/** At least the properties written in the text: more than were parsed means that a later one hid an earlier one. */
function countColonsAfterQuotes(text: string): number {
  let count = 0;
  for (let colon = text.indexOf(':'); colon !== -1; colon = text.indexOf(':', colon + 1)) {
    let before = colon - 1;
    while (isSpace(text.charCodeAt(before))) before--;
    if (text.charCodeAt(before) === QUOTE) count++;
  }
  return count;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

// The slow scan: reads the grammar of RFC 8259 once more, keeping the path, and throws at the first offence.

interface Scan {
  readonly text: string;
  at: number;
  readonly path: (string | number)[];
}

function scan(text: string): void {
  const state: Scan = { text, at: 0, path: [] };
  scanValue(state);
  if (state.at < text.length) throw syntax(state, 'the end of the document');
}

function scanValue(state: Scan): void {
  skipSpace(state);
  const first = state.text[state.at];
  if (first === '{') scanObject(state);
  else if (first === '[') scanArray(state);
  else if (first === '"') scanString(state);
  else scanScalar(state);
  skipSpace(state);
}

function scanObject(state: Scan): void {
  const keys = new Set<string>();
  enter(state);
  if (accept(state, '}')) return;
  do {
    skipSpace(state);
    if (state.text[state.at] !== '"') throw syntax(state, 'a property name in double quotes');
    const offset = state.at;
    const key = scanString(state);
    state.path.push(key);
    checkKey(state, key, keys, offset);
    skipSpace(state);
    if (!accept(state, ':')) throw syntax(state, 'a colon');
    scanValue(state);
    state.path.pop();
  } while (accept(state, ','));
  if (!accept(state, '}')) throw syntax(state, 'a comma or }');
}

function checkKey(state: Scan, key: string, keys: Set<string>, offset: number): void {
  if (keys.has(key)) {
    throw malformed(state, 'DUPLICATE_KEY', offset, 'is there more than once in its object: send it once.');
  }
  keys.add(key);
  const parent = state.path[state.path.length - 2];
  if (key === '__proto__' || (key === 'prototype' && parent === 'constructor')) {
    throw malformed(state, 'FORBIDDEN_KEY', offset, 'has a name that is not allowed: choose another.');
  }
}

function scanArray(state: Scan): void {
  enter(state);
  if (accept(state, ']')) return;
  let index = 0;
  do {
    state.path.push(index++);
    scanValue(state);
    state.path.pop();
  } while (accept(state, ','));
  if (!accept(state, ']')) throw syntax(state, 'a comma or ]');
}

/** The path is as long as the containers are deep, so it is the depth too. */
function enter(state: Scan): void {
  if (state.path.length === MAX_DEPTH) {
    throw malformed(
      state,
      'TOO_DEEP',
      state.at,
      `is nested more than ${MAX_DEPTH} levels deep: flatten the document.`,
    );
  }
  state.at++;
  skipSpace(state);
}

function scanString(state: Scan): string {
  const { text } = state;
  const start = state.at++;
  let isEscaped = false;
  let code = text.charCodeAt(state.at);
  while (code !== QUOTE) {
    if (code === 0) throw nul(state, state.at);
    if (!(code >= 0x20))
      throw syntax(state, 'a closing double quote, or the control character written as an escape');
    if (code === BACKSLASH) {
      isEscaped = true;
      skipEscape(state);
    } else state.at++;
    code = text.charCodeAt(state.at);
  }
  state.at++;
  const value: string = isEscaped
    ? JSON.parse(text.slice(start, state.at))
    : text.slice(start + 1, state.at - 1);
  if (value.includes('\0')) throw nul(state, start);
  if (LONE_SURROGATE.test(value)) {
    throw malformed(
      state,
      'LONE_SURROGATE',
      start,
      'holds half of a surrogate pair: send the whole character.',
    );
  }
  return value;
}

const ESCAPE = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y;

function skipEscape(state: Scan): void {
  ESCAPE.lastIndex = state.at;
  if (!ESCAPE.test(state.text))
    throw syntax(state, 'one of the escapes \\" \\\\ \\/ \\b \\f \\n \\r \\t \\u0000');
  state.at = ESCAPE.lastIndex;
}

const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

function scanScalar(state: Scan): void {
  SCALAR.lastIndex = state.at;
  const word = SCALAR.exec(state.text)?.[0];
  if (word === undefined) throw syntax(state, 'a value');
  if (Math.abs(Number(word)) > Number.MAX_SAFE_INTEGER) {
    throw malformed(
      state,
      'NUMBER_TOO_LARGE',
      state.at,
      'is beyond ±9007199254740991: send a smaller number.',
    );
  }
  state.at = SCALAR.lastIndex;
}

function skipSpace(state: Scan): void {
  while (isSpace(state.text.charCodeAt(state.at))) state.at++;
}

function accept(state: Scan, character: string): boolean {
  if (state.text[state.at] !== character) return false;
  state.at++;
  return true;
}

function syntax(state: Scan, expected: string): MalformedJson {
  const { text, at } = state;
  const lines = text.slice(0, at).split('\n');
  const column = (lines.at(-1)?.length ?? 0) + 1;
  const found = at < text.length ? JSON.stringify(text[at]) : 'the end';
  return new MalformedJson(
    'SYNTAX',
    `The body is not valid JSON: line ${lines.length}, column ${column} has ${found} where ${expected} belongs.`,
    { offset: at },
  );
}

function nul(state: Scan, offset: number): MalformedJson {
  return malformed(state, 'NUL_CHARACTER', offset, 'holds a NUL character (\\u0000): remove it.');
}

function malformed(state: Scan, reason: MalformedReason, offset: number, message: string): MalformedJson {
  const pointer = jsonPointer(state.path);
  return new MalformedJson(reason, `${pointer === '' ? 'The document' : pointer} ${message}`, {
    pointer,
    offset,
  });
}
