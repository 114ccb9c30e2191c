// A query text word by word: names and keywords, marks, values. Read on demand, so that the first fault is the one told.
import type { Literal } from './ast.ts';
import { syntaxFault } from './faults.ts';
import { FORBIDDEN_IN_STRING, readMoment, readNumber, readWord } from './literals.ts';
import { type Misspelling, misspeltMark, misspeltValue } from './misspellings.ts';
import { COMPARISONS } from './phrases.ts';

interface Span {
  /** As it is written. */
  text: string;
  /** In UTF-16 units. */
  offset: number;
  end: number;
}

/** `misquoted`: text in other than straight single quotes; whether it is meant as a value or a name, the parser knows. */
export type Token = Span &
  (
    | { kind: 'word' | 'mark' | 'end' }
    | { kind: 'literal'; literal: Literal }
    | { kind: 'misquoted'; content: string }
  );

// Each pattern is sticky and linear: no character can be taken in two ways.
const SPACE = /(?:\s|--[^\n\r]*)*/uy;
const WORD = /[\p{L}_](?:[\p{L}\p{M}\p{N}_.]|-(?=[\p{L}\p{N}_]))*/uy;
const COMPARISON = /[=!<>&|~≠≤≥]+/uy;
const NUMERIC = /(?:[\p{L}\p{N}_.:/+]|-(?!-))+/uy;
const OTHER_MARK = /\/[/*]|./suy;

const MARKS: readonly string[] = [...COMPARISONS, '(', ')', ','];

/** Opening quotes that are not ours, each with what closes it. */
const CLOSING_QUOTES: Readonly<Record<string, RegExp>> = {
  '"': /"/g,
  '“': /”/g,
  '”': /”/g,
  '„': /[“”]/g,
  '‘': /’/g,
  '’': /’/g,
  '‚': /[‘’]/g,
  '«': /»/g,
  '»': /«/g,
  '`': /[`´]/g,
  '´': /´/g,
};

/** True for text that can stand as a name; whether it is a keyword is another question. */
export const isWord = (text: string): boolean => matchAt(WORD, text, 0) === text;

function matchAt(sticky: RegExp, text: string, offset: number): string | undefined {
  sticky.lastIndex = offset;
  return sticky.exec(text)?.[0];
}

export class Tokens {
  private readonly source: string;
  private offset = 0;

  constructor(source: string) {
    this.source = source;
  }

  /** The next one; behind the last it is `end`, as often as it is asked for. */
  next(): Token {
    this.offset += matchAt(SPACE, this.source, this.offset)?.length ?? 0;
    const first = this.source[this.offset];
    if (first === undefined) return { kind: 'end', ...this.take('') };
    if (first === "'") return this.string();
    if (Object.hasOwn(CLOSING_QUOTES, first)) return this.misquoted(first);
    const word = this.match(WORD);
    if (word !== undefined) return this.word(word);
    return /[\d+.-]/.test(first) ? this.value() : this.mark();
  }

  private match(sticky: RegExp): string | undefined {
    return matchAt(sticky, this.source, this.offset);
  }

  private take(text: string): Span {
    const offset = this.offset;
    this.offset += text.length;
    return { text, offset, end: this.offset };
  }

  private stop({ from = 0, ...facts }: Misspelling, text: string, offset = this.offset): never {
    const place = { offset: offset + from, length: text.length - from };
    throw syntaxFault({ ...facts, place });
  }

  private word(text: string): Token {
    const literal = readWord(text);
    return literal ? { kind: 'literal', literal, ...this.take(text) } : { kind: 'word', ...this.take(text) };
  }

  private value(): Token {
    const text = this.match(NUMERIC) ?? '';
    const literal = readNumber(text) ?? readMoment(text);
    return literal ? { kind: 'literal', literal, ...this.take(text) } : this.stop(misspeltValue(text), text);
  }

  private mark(): Token {
    const text = this.match(COMPARISON) ?? this.match(OTHER_MARK) ?? '';
    return MARKS.includes(text) ? { kind: 'mark', ...this.take(text) } : this.stop(misspeltMark(text), text);
  }

  private string(): Token {
    const start = this.offset + 1;
    let close = this.source.indexOf("'", start);
    while (close >= 0 && this.source[close + 1] === "'") close = this.source.indexOf("'", close + 2);
    if (close < 0) {
      const message =
        "The text that begins here has no closing quote; a quote inside of text is written twice ('').";
      this.stop({ message, expected: ["'"] }, "'");
    }
    const written = this.source.slice(start, close);
    const forbidden = FORBIDDEN_IN_STRING.exec(written);
    if (forbidden) {
      const message = 'Text has no NUL and no half of a surrogate pair in it.';
      this.stop({ message, expected: [] }, forbidden[0], start + forbidden.index);
    }
    const literal: Literal = { type: 'string', text: written.replaceAll("''", "'") };
    return { kind: 'literal', literal, ...this.take(this.source.slice(this.offset, close + 1)) };
  }

  private misquoted(quote: string): Token {
    const closing = CLOSING_QUOTES[quote] ?? /$/g;
    closing.lastIndex = this.offset + 1;
    const end = closing.exec(this.source) ? closing.lastIndex : this.offset + 1;
    const text = this.source.slice(this.offset, end);
    return { kind: 'misquoted', content: text.slice(1, -1), ...this.take(text) };
  }
}
