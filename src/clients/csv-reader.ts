// CSV of any origin to batches of rows, streaming: a bad record becomes a problem and reading goes on behind it.
// Own scanner: csv-parse 7 gives up all rows behind an unclosed quote or an over-long line (see docs of `Scanner`).
// A cell may be a slice that keeps its 64 kB chunk alive: copy what outlives the batch (caches).
import { FileRefused, openText } from './text-stream.ts';

/** Codes: RAGGED_ROW, UNCLOSED_QUOTE, STRAY_QUOTE, RECORD_TOO_LONG, ENCODING. */
export interface CsvProblem {
  /** The physical line, as an editor numbers it, on which the record (or the offending quote) begins. */
  line: number;
  column?: string;
  code: string;
  message: string;
  /** What could be read of the record, for the file of error rows; a single cell when it could not be split. */
  cells?: string[];
}

export interface CsvRow {
  line: number;
  cells: string[];
}

export interface CsvBatch {
  rows: CsvRow[];
  problems: CsvProblem[];
}

export interface CsvHeader {
  headers: string[];
  delimiter: string;
}

export interface CsvFile extends CsvHeader {
  /** See `TextStream.encoding`: it may be more precise at the end than at the beginning. */
  readonly encoding: string;
  readonly batches: AsyncGenerator<CsvBatch, void, undefined>;
  /** Gives the source up; needed only when `batches` is not iterated to its end or left by `break`. */
  close(): Promise<void>;
}

const BATCH_ROWS = 1_000;
// A thousand records of the longest allowed size would be a gigabyte.
const MAX_BATCH_CHARACTERS = 4 * 1024 * 1024;
const MAX_RECORD_CHARACTERS = 1024 * 1024;
const MAX_SHOWN_CHARACTERS = 1_000;
const DELIMITERS = [',', ';', '\t', '|'];
const CARRIAGE_RETURN = 13;
const NEWLINE = 10;
const SPACE = 32;
const QUOTE = 34;

/**
 * Reads the header at once, the rows as they are asked for. Every row has exactly as many cells as there are headers;
 * blank lines are left out. Throws `FileRefused` with EMPTY_FILE, NOT_TEXT, BROKEN_GZIP, DUPLICATE_HEADER or, for the
 * header line, the code of a `CsvProblem`.
 */
export async function openCsv(source: AsyncIterable<Uint8Array>): Promise<CsvFile> {
  const text = await openText(source);
  const csv = await readCsv(text.chunks);
  return {
    ...csv,
    get encoding() {
      return text.encoding;
    },
    close: text.close,
  };
}

/** The same for text already decoded, cut anywhere. */
export async function readCsv(
  chunks: AsyncGenerator<string, void, undefined>,
): Promise<CsvHeader & { batches: AsyncGenerator<CsvBatch, void, undefined> }> {
  try {
    const scanner = new Scanner();
    const header = await readHeader(chunks, scanner);
    return { ...header, batches: batchesOf(chunks, scanner) };
  } catch (error) {
    await chunks.return();
    throw error;
  }
}

async function readHeader(
  chunks: AsyncGenerator<string, void, undefined>,
  scanner: Scanner,
): Promise<CsvHeader> {
  for (;;) {
    const next = await chunks.next();
    scanner.push(next.done ? '' : next.value, next.done === true);
    const header = scanner.header();
    if (header !== undefined) return header;
    if (next.done) throw new FileRefused('EMPTY_FILE', 'The file is empty.');
  }
}

async function* batchesOf(
  chunks: AsyncGenerator<string, void, undefined>,
  scanner: Scanner,
): AsyncGenerator<CsvBatch, void, undefined> {
  try {
    while (scanner.fill()) yield scanner.take();
    for await (const chunk of chunks) {
      scanner.push(chunk, false);
      while (scanner.fill()) yield scanner.take();
    }
    scanner.push('', true);
    while (scanner.fill()) yield scanner.take();
    const rest = scanner.take();
    if (rest.rows.length + rest.problems.length > 0) yield rest;
  } finally {
    await chunks.return();
  }
}

/**
 * Measured on 12 columns, decoding included: 1.3–2.0 M rows/s; csv-parse 7.0.3 with line numbers 0.2 M. And csv-parse
 * cannot recover: behind `x,"unclosed` it lost all of 100,000 good rows to CSV_MAX_RECORD_SIZE, behind a line of 10 MB
 * the rest of the file, and with a quote further on every row up to there.
 *
 * A line without a quote is split as it is; the record is looked at cell by cell only when it has one. A quote that
 * opens and does not close properly costs its own line only: reading resumes on the next line.
 */
class Scanner {
  #text = '';
  #at = 0;
  #line = 1;
  #last = false;
  #skipping = false;
  #macLineEnds: boolean | undefined;
  #heldReturn = false;
  #delimiter = '';
  #headers: string[] = [];
  #batch: CsvBatch = { rows: [], problems: [] };
  #batchCharacters = 0;
  // Where the next such character is; -1 = look again. So a chunk is searched once, not once per line.
  #nextQuote = -1;
  #nextInvalid = -1;
  #nextNull = -1;

  push(chunk: string, last: boolean): void {
    this.#last = last;
    this.#text = this.#text.slice(this.#at) + (this.#macLineEnds ? this.#withNewlines(chunk) : chunk);
    this.#at = 0;
    this.#nextQuote = this.#nextInvalid = this.#nextNull = -1;
  }

  take(): CsvBatch {
    const batch = this.#batch;
    this.#batch = { rows: [], problems: [] };
    this.#batchCharacters = 0;
    return batch;
  }

  /** True when a batch is full, false when the text is used up. */
  fill(): boolean {
    while (!this.#isFull()) {
      const from = this.#at;
      if (!this.#record()) return false;
      this.#batchCharacters += this.#at - from;
    }
    return true;
  }

  #isFull(): boolean {
    const { rows, problems } = this.#batch;
    return rows.length + problems.length >= BATCH_ROWS || this.#batchCharacters >= MAX_BATCH_CHARACTERS;
  }

  /** Undefined when more text is needed. */
  header(): CsvHeader | undefined {
    if (!this.#decideLineEnds() || !this.#skipBlankLines()) return undefined;
    if (this.#delimiter === '') {
      const end = this.#endOfHeader();
      if (end === -1) return undefined;
      const line = this.#text.slice(this.#at, end);
      const declared = /^"?sep=(.)"?\r?$/i.exec(line)?.[1];
      this.#delimiter = declared ?? delimiterOf(line);
      if (declared !== undefined) {
        this.#next(end, 1);
        return this.header();
      }
    }
    if (!this.#record()) return undefined;
    this.#headers = headersOf(this.take());
    return { headers: this.#headers, delimiter: this.#delimiter };
  }

  // Classic Mac files end lines in CR alone; then every CR is made a newline, so that the scanner knows one kind only.
  #decideLineEnds(): boolean {
    if (this.#macLineEnds !== undefined) return true;
    const at = this.#text.search(/[\r\n]/);
    const undecided = at === -1 || (this.#text[at] === '\r' && at + 1 === this.#text.length);
    if (undecided && !this.#last && this.#text.length <= MAX_RECORD_CHARACTERS) return false;
    this.#macLineEnds = this.#text[at] === '\r' && this.#text[at + 1] !== '\n';
    if (this.#macLineEnds) this.#text = this.#withNewlines(this.#text);
    return true;
  }

  #withNewlines(chunk: string): string {
    let text = this.#heldReturn ? `\r${chunk}` : chunk;
    this.#heldReturn = !this.#last && text.endsWith('\r');
    if (this.#heldReturn) text = text.slice(0, -1);
    return text.replace(/\r\n?/g, '\n');
  }

  #skipBlankLines(): boolean {
    for (;;) {
      const end = this.#text.indexOf('\n', this.#at);
      const tooLong = this.#text.length - this.#at > MAX_RECORD_CHARACTERS;
      if (end === -1) return tooLong || this.#text.slice(this.#at).trim() !== '';
      if (this.#text.slice(this.#at, end).trim() !== '') return true;
      this.#next(end, 1);
    }
  }

  #endOfHeader(): number {
    let quoted = false;
    for (let index = this.#at; index < this.#text.length; index += 1) {
      const character = this.#text.charCodeAt(index);
      if (character === QUOTE) quoted = !quoted;
      else if (character === NEWLINE && !quoted) return index;
    }
    return this.#last || this.#text.length - this.#at > MAX_RECORD_CHARACTERS ? this.#text.length : -1;
  }

  #next(end: number, lines: number): void {
    this.#at = Math.min(end + 1, this.#text.length);
    this.#line += lines;
  }

  // True when something was read: a row, a problem or a blank line.
  #record(): boolean {
    const start = this.#at;
    if (this.#skipping) return this.#skipLine();
    let end = this.#text.indexOf('\n', start);
    if (end === -1) {
      if (this.#text.length - start > MAX_RECORD_CHARACTERS) return this.#tooLong(start, -1, this.#line);
      if (!this.#last || start === this.#text.length) return false;
      end = this.#text.length;
    }
    if (end - start > MAX_RECORD_CHARACTERS) return this.#tooLong(start, end, this.#line);
    if (this.#nextQuote < start) this.#nextQuote = indexOrEnd(this.#text, '"', start);
    if (this.#nextQuote < end) return this.#quotedRecord(start);
    const stop = this.#withoutReturn(start, end);
    if (stop > start) this.#accept(this.#text.slice(start, stop).split(this.#delimiter), start, end, false);
    this.#next(end, 1);
    return true;
  }

  #quotedRecord(start: number): boolean {
    const cells: string[] = [];
    let next: number | boolean = start;
    while (typeof next === 'number') {
      const opened = skipSpaces(this.#text, next);
      const isQuoted = this.#text.charCodeAt(opened) === QUOTE;
      next = isQuoted ? this.#quotedCell(cells, start, opened) : this.#bareCell(cells, start, next);
    }
    return next;
  }

  // Both answer where the next cell begins, or, at the end of the record, what `#record` answers.
  #quotedCell(cells: string[], start: number, opened: number): number | boolean {
    const text = this.#text;
    const closed = this.#closingQuote(start, opened);
    if (closed === undefined) return false;
    if (closed === -1) return this.#badQuote('UNCLOSED_QUOTE', start, opened);
    const cell = text.slice(opened + 1, closed);
    cells.push(cell.includes('"') ? cell.replaceAll('""', '"') : cell);
    const at = skipSpaces(text, closed + 1);
    if (at - start > MAX_RECORD_CHARACTERS) {
      return this.#tooLong(start, text.indexOf('\n', at), this.#lineAt(start, at));
    }
    if (at === text.length && !this.#last) return false;
    if (text.startsWith(this.#delimiter, at)) return at + 1;
    const end = this.#endAfterQuote(at);
    if (end === undefined) return false;
    if (end === -1) return this.#badQuote('STRAY_QUOTE', start, opened);
    return this.#acceptQuoted(cells, start, end);
  }

  #bareCell(cells: string[], start: number, at: number): number | boolean {
    const text = this.#text;
    const end = indexOrEnd(text, '\n', at);
    if (end - start > MAX_RECORD_CHARACTERS) return this.#tooLong(start, end, this.#lineAt(start, at));
    if (end === text.length && !this.#last) return false;
    const stop = text.indexOf(this.#delimiter, at);
    if (stop !== -1 && stop < end) {
      cells.push(text.slice(at, stop));
      return stop + 1;
    }
    cells.push(text.slice(at, this.#withoutReturn(at, end)));
    return this.#acceptQuoted(cells, start, end);
  }

  // Undefined = more text is needed, -1 = not within the longest allowed record. At the very end of the text the quote
  // may be half of a pair; the caller asks again with more.
  #closingQuote(start: number, opened: number): number | undefined {
    const text = this.#text;
    for (let at = opened + 1; ; at += 2) {
      at = text.indexOf('"', at);
      if (at === -1) return this.#last || text.length - start > MAX_RECORD_CHARACTERS ? -1 : undefined;
      if (at - start > MAX_RECORD_CHARACTERS) return -1;
      if (text.charCodeAt(at + 1) !== QUOTE) return at;
    }
  }

  // Undefined = more text is needed, -1 = something other than a line end follows the closing quote.
  #endAfterQuote(at: number): number | undefined {
    if (at === this.#text.length || this.#text.charCodeAt(at) === NEWLINE) return at;
    if (this.#text.charCodeAt(at) !== CARRIAGE_RETURN) return -1;
    if (at + 1 === this.#text.length) return this.#last ? at + 1 : undefined;
    return this.#text.charCodeAt(at + 1) === NEWLINE ? at + 1 : -1;
  }

  #acceptQuoted(cells: string[], start: number, end: number): boolean {
    this.#accept(cells, start, end, true);
    this.#next(end, this.#lineAt(start, end) - this.#line + 1);
    return true;
  }

  #accept(cells: string[], start: number, end: number, quoted: boolean): void {
    const width = this.#headers.length || cells.length;
    while (cells.length > width && cells.at(-1) === '') cells.pop();
    if (this.#hasInvalid(start, end)) this.#invalidText(cells);
    else if (cells.length !== width) this.#ragged(cells);
    else if (quoted || cells[0] !== '' || cells.some((cell) => cell !== '')) {
      this.#batch.rows.push({ line: this.#line, cells });
    }
  }

  #hasInvalid(start: number, end: number): boolean {
    if (this.#nextInvalid < start) this.#nextInvalid = indexOrEnd(this.#text, '\ufffd', start);
    if (this.#nextNull < start) this.#nextNull = indexOrEnd(this.#text, '\0', start);
    return this.#nextInvalid < end || this.#nextNull < end;
  }

  #invalidText(cells: string[]): void {
    const column = this.#headers[cells.findIndex((cell) => /[\0\ufffd]/.test(cell))];
    const message = 'The row has a character that cannot be read in the encoding of the file.';
    this.#problem({
      line: this.#line,
      ...(column === undefined ? {} : { column }),
      code: 'ENCODING',
      message,
      cells,
    });
  }

  #ragged(cells: string[]): void {
    const message = `The row has ${cells.length} cells, the header ${this.#headers.length}.`;
    this.#problem({ line: this.#line, code: 'RAGGED_ROW', message, cells });
  }

  #tooLong(start: number, end: number, line: number): boolean {
    const message = `The record is longer than ${MAX_RECORD_CHARACTERS} characters.`;
    this.#problem({ line: this.#line, code: 'RECORD_TOO_LONG', message, cells: this.#shown(start, end) });
    this.#line = line;
    this.#resumeBehind(end);
    return true;
  }

  #badQuote(code: 'UNCLOSED_QUOTE' | 'STRAY_QUOTE', start: number, opened: number): boolean {
    const end = this.#text.indexOf('\n', opened);
    const line = this.#lineAt(start, opened);
    const message =
      code === 'UNCLOSED_QUOTE'
        ? 'A quote opens on this line and is not closed.'
        : 'A quote on this line is followed by text; quotes inside a quoted cell are written twice.';
    this.#problem({ line, code, message, cells: this.#shown(start, end) });
    this.#line = line;
    this.#resumeBehind(end);
    return true;
  }

  #resumeBehind(end: number): void {
    this.#skipping = end === -1 || end === this.#text.length;
    this.#next(this.#skipping ? this.#text.length : end, this.#skipping ? 0 : 1);
  }

  #skipLine(): boolean {
    const end = this.#text.indexOf('\n', this.#at);
    this.#resumeBehind(end);
    return end !== -1;
  }

  #shown(start: number, end: number): string[] {
    const stop = Math.min(end === -1 ? this.#text.length : end, start + MAX_SHOWN_CHARACTERS);
    return [this.#text.slice(start, stop)];
  }

  #problem(problem: CsvProblem): void {
    this.#batch.problems.push(problem);
  }

  #lineAt(start: number, at: number): number {
    let line = this.#line;
    for (
      let end = this.#text.indexOf('\n', start);
      end !== -1 && end < at;
      end = this.#text.indexOf('\n', end + 1)
    ) {
      line += 1;
    }
    return line;
  }

  #withoutReturn(start: number, end: number): number {
    return end > start && this.#text.charCodeAt(end - 1) === CARRIAGE_RETURN ? end - 1 : end;
  }
}

function indexOrEnd(text: string, wanted: string, from: number): number {
  const index = text.indexOf(wanted, from);
  return index === -1 ? text.length : index;
}

function skipSpaces(text: string, from: number): number {
  let at = from;
  while (text.charCodeAt(at) === SPACE) at += 1;
  return at;
}

/** The candidate that occurs most often outside quotes; a file of one column gets the comma. */
function delimiterOf(line: string): string {
  const bare = line.replace(/"[^"]*"/g, '');
  const counts = DELIMITERS.map((delimiter) => bare.split(delimiter).length);
  return DELIMITERS[counts.indexOf(Math.max(...counts))] ?? ',';
}

function headersOf(batch: CsvBatch): string[] {
  const problem = batch.problems[0];
  if (problem)
    throw new FileRefused(problem.code, `The header cannot be read: ${problem.message}`, problem.line);
  const row = batch.rows[0];
  const headers = row?.cells.map((cell) => cell.trim()) ?? [];
  while (headers.at(-1) === '') headers.pop();
  if (headers.length === 0)
    throw new FileRefused('EMPTY_FILE', 'The first line names no columns.', row?.line);
  const twice = headers.find((header, index) => header !== '' && headers.indexOf(header) !== index);
  if (twice !== undefined) {
    throw new FileRefused('DUPLICATE_HEADER', `The column "${twice}" is there twice.`, row?.line);
  }
  return headers;
}
