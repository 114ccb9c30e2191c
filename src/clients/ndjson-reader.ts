// NDJSON (one JSON object per line) to batches, streaming: a bad line becomes a problem and reading goes on behind it.
import { openText } from './text-stream.ts';

/** Codes: INVALID_JSON, NOT_AN_OBJECT, LINE_TOO_LONG, ENCODING. */
export interface NdjsonProblem {
  /** As an editor numbers it. */
  line: number;
  code: string;
  message: string;
}

export interface NdjsonRow {
  line: number;
  value: Record<string, unknown>;
}

export interface NdjsonBatch {
  rows: NdjsonRow[];
  problems: NdjsonProblem[];
}

export interface NdjsonFile {
  readonly encoding: string;
  readonly batches: AsyncGenerator<NdjsonBatch, void, undefined>;
  /** Gives the source up; needed only when `batches` is not iterated to its end or left by `break`. */
  close(): Promise<void>;
}

const BATCH_ROWS = 1_000;
const MAX_BATCH_CHARACTERS = 4 * 1024 * 1024;
const MAX_LINE_CHARACTERS = 1024 * 1024;

/** Blank lines are left out. Throws `FileRefused` (EMPTY_FILE, NOT_TEXT, BROKEN_GZIP), the last also in mid-stream. */
export async function openNdjson(source: AsyncIterable<Uint8Array>): Promise<NdjsonFile> {
  const text = await openText(source);
  return {
    get encoding() {
      return text.encoding;
    },
    batches: batchesOf(text.chunks),
    close: text.close,
  };
}

async function* batchesOf(
  chunks: AsyncGenerator<string, void, undefined>,
): AsyncGenerator<NdjsonBatch, void, undefined> {
  const splitter = new LineSplitter();
  let batch: NdjsonBatch = { rows: [], problems: [] };
  let characters = 0;
  for await (const chunk of endingWith(chunks, '\n')) {
    for (const [line, text] of splitter.split(chunk)) {
      addLine(batch, line, text);
      characters += text.length;
      if (batch.rows.length + batch.problems.length < BATCH_ROWS && characters < MAX_BATCH_CHARACTERS)
        continue;
      yield batch;
      batch = { rows: [], problems: [] };
      characters = 0;
    }
  }
  if (batch.rows.length + batch.problems.length > 0) yield batch;
}

async function* endingWith(chunks: AsyncIterable<string>, end: string) {
  yield* chunks;
  yield end;
}

/** Of a line longer than `MAX_LINE_CHARACTERS` only the beginning is held, and comes, longer than the limit still. */
class LineSplitter {
  #rest = '';
  #line = 1;

  *split(chunk: string): Generator<[line: number, text: string]> {
    const from = this.#rest.length > MAX_LINE_CHARACTERS ? chunk.indexOf('\n') : 0;
    if (from === -1) return;
    const text = this.#rest + chunk.slice(from);
    let start = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
      yield [this.#line, text.slice(start, end)];
      this.#line += 1;
      start = end + 1;
    }
    this.#rest = text.slice(start);
  }
}

function addLine(batch: NdjsonBatch, line: number, text: string): void {
  if (text.length > MAX_LINE_CHARACTERS) {
    const message = `The line is longer than ${MAX_LINE_CHARACTERS} characters.`;
    batch.problems.push({ line, code: 'LINE_TOO_LONG', message });
  } else if (text.includes('\ufffd')) {
    const message = 'The line has a character that cannot be read in the encoding of the file.';
    batch.problems.push({ line, code: 'ENCODING', message });
  } else if (text.trim() !== '') {
    addObject(batch, line, text);
  }
}

function addObject(batch: NdjsonBatch, line: number, text: string): void {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) batch.rows.push({ line, value });
    else batch.problems.push({ line, code: 'NOT_AN_OBJECT', message: 'The line is not a JSON object.' });
  } catch {
    batch.problems.push({ line, code: 'INVALID_JSON', message: 'The line is not valid JSON.' });
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
