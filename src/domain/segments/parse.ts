// The text form of a query, read by recursive descent over the grammar of segments.md: in linear time, up to the first
// fault, which tells its place, what would be right there and the nearest word.
import { nearest } from '../nearest.ts';
import {
  CALL_VALUES,
  CALLS,
  type Call,
  type CallName,
  type Clause,
  type Junction,
  join,
  LIMITS,
  type Literal,
  type Match,
  noPlaces,
  OPERATORS,
  type Operator,
  type Place,
  type Places,
  type Query,
} from './ast.ts';
import { shown, syntaxFault, untilFault } from './faults.ts';
import { checkSize, checkText, tooDeep } from './limits.ts';
import { FORBIDDEN_IN_STRING } from './literals.ts';
import {
  COMPARISONS,
  FOREIGN_PHRASES,
  isReserved,
  NOT_IN_FRONT,
  PARAMETER_OPERATORS,
  PHRASES,
  type PhraseOperator,
  phraseOf,
  wordsAfter,
} from './phrases.ts';
import { printLiteral } from './print.ts';
import { lineAndColumn, type QueryRefusal } from './problems.ts';
import { isWord, type Token, Tokens } from './tokens.ts';

type Part = 'AND' | 'OR' | 'NOT' | '(' | ')' | ',';

/** What can stand where a clause begins. */
const CLAUSE_BEGINS = ['an attribute', 'NOT', '('];
const VALUE = 'a value';

const describe = (token: Token): string => (token.kind === 'end' ? 'the end' : shown(token.text));

class Parser {
  readonly places: Places = noPlaces();
  private readonly source: string;
  private readonly tokens: Tokens;
  private token: Token;
  private previous: Token | undefined;
  /** Opening parentheses around clauses that are not closed yet. */
  private nesting = 0;
  /** Where the operator begins that was read last. */
  private operatorOffset = 0;

  constructor(source: string) {
    this.source = source;
    this.tokens = new Tokens(source);
    this.token = this.tokens.next();
  }

  whole(): Query {
    if (this.isAtEnd()) this.stop('The query is empty; it needs a clause such as age > 18.', CLAUSE_BEGINS);
    const query = this.or();
    if (!this.isAtEnd()) this.stopAfterClause(['AND', 'OR', 'the end']);
    return query;
  }

  private advance(): Token {
    const token = this.token;
    this.token = this.tokens.next();
    this.previous = token;
    return token;
  }

  private isAtEnd(): boolean {
    return this.token.kind === 'end';
  }

  private isAt(part: Part): boolean {
    const { kind, text } = this.token;
    return (kind === 'word' || kind === 'mark') && text.toUpperCase() === part;
  }

  private takes(part: Part): boolean {
    const isNext = this.isAt(part);
    if (isNext) this.advance();
    return isNext;
  }

  /** From an offset to the end of what was read last. */
  private since(offset: number): Place {
    return { offset, length: (this.previous?.end ?? offset) - offset };
  }

  private placed<Node extends object>(node: Node, offset: number): Node {
    this.places.of.set(node, this.since(offset));
    return node;
  }

  private or(): Query {
    return this.junction('or', 'OR', () => this.and());
  }

  private and(): Query {
    return this.junction('and', 'AND', () => this.unit());
  }

  private junction(op: Junction['op'], word: 'AND' | 'OR', operand: () => Query): Query {
    const { offset } = this.token;
    const first = operand();
    if (!this.isAt(word)) return first;
    const of = [first];
    while (this.takes(word)) of.push(operand());
    return this.placed(join(op, of), offset);
  }

  private unit(): Query {
    const { offset } = this.token;
    if (!this.takes('NOT')) return this.operand();
    if (this.isAt('NOT')) {
      this.stop('NOT stands once before a clause; twice is NOT (NOT …).', ['an attribute', '(']);
    }
    return this.placed({ op: 'not', of: [this.operand()] }, offset);
  }

  private operand(): Query {
    return this.isAt('(') ? this.group() : this.clause();
  }

  private group(): Query {
    const open = this.advance();
    this.nesting += 1;
    if (this.nesting > LIMITS.depth) throw tooDeep({ offset: open.offset, length: 1 });
    if (this.isAt(')')) this.stop('There is nothing between the parentheses.', CLAUSE_BEGINS);
    const query = this.or();
    if (!this.isAt(')')) this.stopAfterClause(['AND', 'OR', ')'], open);
    this.advance();
    this.nesting -= 1;
    return query;
  }

  private clause(): Query {
    const word = this.token.text.toLowerCase();
    if (this.token.kind === 'word' && isCallName(word)) return this.call(word);
    const name = this.name('an attribute');
    const op = this.operator(name);
    return op === 'matches' || op === 'not_matches' ? this.match(name, op) : this.comparison(name, op);
  }

  private comparison(name: Token, op: Operator): Clause {
    const values = this.values(op);
    return this.named({ op, attribute: name.text, values }, name);
  }

  private match(name: Token, op: Match['op']): Match {
    const where = this.enclosed('MATCHES', () => (this.isAt(')') ? [] : this.listOf(() => this.parameter())));
    return this.named({ op, attribute: name.text, where }, name);
  }

  private parameter(): Clause {
    const name = this.name('a parameter');
    const written = this.operator(name);
    const op = PARAMETER_OPERATORS.find((known) => known === written);
    if (op) return this.comparison(name, op);
    const expected = PARAMETER_OPERATORS.map((known) => OPERATORS[known].text);
    const message = `A parameter is compared by ${expected.join(', ')}.`;
    return this.stop(message, expected, { place: this.since(this.operatorOffset) });
  }

  private call(op: CallName): Call {
    const { types, example } = CALL_VALUES[op];
    const takes = `${op} takes ${types.length === 1 ? 'one value' : `${types.length} values`}: ${example}.`;
    const name = this.advance();
    const values = this.enclosed(op, () => {
      const read = types.map((type, index) => {
        if (index > 0 && !this.takes(',')) this.stop(takes, [',']);
        return this.argument(op, type);
      });
      if (this.isAt(',')) this.stop(takes, [')']);
      return read;
    });
    return this.named({ op, values }, name);
  }

  private argument(op: CallName, type: Literal['type']): Literal {
    const { token } = this;
    if (token.kind === 'literal' && token.literal.type === type) return this.value(op);
    const kind = type === 'string' ? 'text in single quotes' : 'a number';
    return this.stop(`${op} takes ${kind} here: ${CALL_VALUES[op].example}.`, [kind], {
      nearest: type === 'string' ? quotedText(token) : undefined,
    });
  }

  private named<Node extends Clause | Match | Call>(node: Node, name: Token): Node {
    this.places.names.set(node, { offset: name.offset, length: name.text.length });
    return this.placed(node, name.offset);
  }

  private name(kind: 'an attribute' | 'a parameter'): Token {
    const { token } = this;
    if (token.kind === 'word' && !isReserved(token.text)) return this.advance();
    return this.stopForName(kind);
  }

  /** The longest operator that stands here. */
  private operator(name: Token): PhraseOperator {
    this.operatorOffset = this.token.offset;
    let phrase = '';
    while (this.token.kind === 'word' || this.token.kind === 'mark') {
      if (!wordsAfter(phrase).includes(this.token.text.toUpperCase())) break;
      phrase = phraseOf(phrase, this.advance().text);
    }
    return PHRASES.get(phrase) ?? this.stopForOperator(phrase, name);
  }

  private values(op: Operator): Literal[] {
    const { text, arity } = OPERATORS[op];
    switch (arity) {
      case 'none':
        return [];
      case 'one':
        return [this.value(text)];
      case 'two':
        return this.ends(text);
      case 'some':
        return this.enclosed(text, () => this.listOf(() => this.item()));
    }
  }

  private value(after: string): Literal {
    const { token } = this;
    if (token.kind !== 'literal') return this.stopForValue(after);
    this.advance();
    return this.placed(token.literal, token.offset);
  }

  /** One value of a list. */
  private item(): Literal {
    const { previous } = this;
    if (previous?.text === '(' && this.isAt(')')) this.stop('A list has at least one value.', [VALUE]);
    return this.value(previous?.text ?? '(');
  }

  private ends(text: string): Literal[] {
    const from = this.value(text);
    if (!this.takes('AND')) {
      this.stopForDayOffset();
      this.stop(`${text} takes two values with AND between them: ${text} 1 AND 5.`, ['AND'], {
        nearest: this.isAt(',') || this.token.kind === 'word' ? 'AND' : undefined,
      });
    }
    return [from, this.value('AND')];
  }

  private listOf<Item>(item: () => Item): Item[] {
    const items = [item()];
    while (this.takes(',')) items.push(item());
    return items;
  }

  /** What stands in parentheses behind an operator or a call. */
  private enclosed<Inner>(after: string, inner: () => Inner): Inner {
    const open = this.token;
    if (!this.takes('(')) return this.stopForParenthesis(after);
    const content = inner();
    if (!this.takes(')')) this.stopInList(open);
    return content;
  }

  private stop(
    message: string,
    expected: readonly string[],
    facts: { nearest?: string | undefined; place?: Place } = {},
  ): never {
    const { token } = this;
    const { nearest, place = { offset: token.offset, length: token.text.length } } = facts;
    throw syntaxFault({ message, expected, nearest, place });
  }

  private nearestWord(words: readonly string[]): string | undefined {
    return this.token.kind === 'word' ? nearest(this.token.text, words) : undefined;
  }

  private stopUnclosed(open: Token, expected: readonly string[]): never {
    const { line, column } = lineAndColumn(this.source, open.offset);
    this.stop(`The parenthesis opened in line ${line}, column ${column} is not closed.`, expected);
  }

  /** Behind a clause, where only what joins or closes can stand. */
  private stopAfterClause(expected: readonly string[], open?: Token): never {
    const { token } = this;
    const text = describe(token);
    this.stopInsideText();
    this.stopForDayOffset();
    if (open && this.isAtEnd()) this.stopUnclosed(open, expected);
    if (this.isAt(')')) this.stop('This parenthesis closes none that was opened.', expected);
    if (this.isAt(',')) this.stopForComma(expected);
    if (COMPARISONS.some((mark) => mark === token.text)) {
      this.stop('A clause compares once; join two with AND, or write BETWEEN 1 AND 5.', expected);
    }
    const closest = this.nearestWord(['AND', 'OR']);
    const hint = closest ? ` Did you mean ${closest}?` : '';
    this.stop(`AND or OR is missing before ${text}.${hint}`, expected, { nearest: closest });
  }

  private stopForComma(expected: readonly string[]): never {
    const { previous, token } = this;
    const isAfterNumber = previous?.kind === 'literal' && previous.literal.type === 'number';
    if (isAfterNumber && /\d/.test(this.source[token.end] ?? '')) {
      this.stop('A number has a point before its decimals and no other separator: 1000.00.', expected);
    }
    this.stop('Clauses are joined by AND or OR, not by a comma.', expected);
  }

  /** Between values or parameters, where only a comma or the closing parenthesis can stand. */
  private stopInList(open: Token): never {
    const expected = [',', ')'];
    this.stopInsideText();
    this.stopForDayOffset();
    if (this.isAtEnd()) this.stopUnclosed(open, expected);
    if (this.isAt('AND') || this.isAt('OR')) {
      const message = `Between parentheses of a list stand commas, not ${describe(this.token)}.`;
      this.stop(message, expected, { nearest: ',' });
    }
    this.stop(`A comma is missing before ${describe(this.token)}.`, expected);
  }

  /** 'O'Brien': the quote ended the text too early. */
  private stopInsideText(): void {
    const { previous, token } = this;
    const endsText = previous?.kind === 'literal' && previous.literal.type === 'string';
    if (!endsText || previous.end !== token.offset || token.kind !== 'word') return;
    const place = { offset: token.offset - 1, length: 1 };
    this.stop("A quote inside of text is written twice: 'O''Brien'.", ["''"], { nearest: "''", place });
  }

  /** today -7d: an offset is a day of its own. */
  private stopForDayOffset(): void {
    const { previous, token } = this;
    if (previous?.kind !== 'literal' || previous.literal.type !== 'day') return;
    if (token.kind !== 'literal' || token.literal.type !== 'offset') return;
    const place = { offset: previous.offset, length: token.end - previous.offset };
    const { text } = token.literal;
    this.stop(`An offset counts from today by itself: write ${text} alone.`, [text], {
      nearest: text,
      place,
    });
  }

  private stopForName(kind: string): never {
    const { token, previous } = this;
    const expected = kind === 'an attribute' ? CLAUSE_BEGINS : [kind];
    if (token.kind === 'misquoted') {
      const name = isWord(token.content) && !isReserved(token.content) ? token.content : undefined;
      this.stop('A name stands without quotes.', expected, { nearest: name });
    }
    const message = previous
      ? `After ${describe(previous)} comes ${kind}, not ${describe(token)}.`
      : `A query begins with ${kind}, not with ${describe(token)}.`;
    const hint = token.kind === 'literal' ? ' The value stands last: age > 18.' : '';
    this.stop(message + hint, expected);
  }

  private stopForOperator(phrase: string, name: Token): never {
    const { token } = this;
    const expected = wordsAfter(phrase);
    this.stopForForeign(phrase);
    if (phrase) {
      const message = `After ${phrase} comes ${expected.join(' or ')}, not ${describe(token)}.`;
      this.stop(message, expected, { nearest: this.nearestWord(expected) });
    }
    this.stopForMistypedName(name);
    if (this.isAt('(')) {
      const message = `Between ${shown(name.text)} and its parenthesis stands MATCHES or IN.`;
      this.stop(message, ['MATCHES', 'IN']);
    }
    const closest = this.nearestWord([...PHRASES.keys()]);
    const hint = closest ? ` Did you mean ${closest}?` : '';
    this.stop(`After ${shown(name.text)} comes an operator, not ${describe(token)}.${hint}`, expected, {
      nearest: closest,
    });
  }

  /** `in_segmet('vip')`, `NOTT age > 18`: the name was meant as a keyword. */
  private stopForMistypedName(name: Token): void {
    if (this.token.kind !== 'word' && !this.isAt('(')) return;
    const words = this.isAt('(') ? [...CALLS, 'NOT'] : ['NOT'];
    const closest = nearest(name.text, words);
    if (!closest) return;
    const place = { offset: name.offset, length: name.text.length };
    this.stop(`Did you mean ${closest} instead of ${shown(name.text)}?`, words, { nearest: closest, place });
  }

  /** What other languages write: `LIKE`, `= NULL`, `NOT CONTAINS ANY`. */
  private stopForForeign(phrase: string): void {
    const whole = phraseOf(phrase, this.token.text);
    const place = { offset: this.operatorOffset, length: this.token.end - this.operatorOffset };
    const right = FOREIGN_PHRASES.get(whole);
    if (right) this.stop(`Write ${right} instead of ${whole}.`, [right], { nearest: right, place });
    if (NOT_IN_FRONT.includes(whole)) {
      this.stop("Put NOT before the whole clause: NOT company STARTS WITH 'A'.", ['NOT before the clause'], {
        place,
      });
    }
  }

  private stopForValue(after: string): never {
    const { token } = this;
    this.stopForForeign(after);
    if (token.kind === 'misquoted') {
      const message = "Text stands in straight single quotes: 'friend'.";
      this.stop(message, ["'"], { nearest: quotedText(token) });
    }
    if (token.kind === 'word') this.stopForWord(token, after);
    if (this.isAt('(')) this.stop(`The value of ${after} stands without parentheses.`, [VALUE]);
    this.stop(`After ${after} comes a value, not ${describe(token)}.`, [VALUE]);
  }

  /** A word where a value stands: a mistyped keyword, or text without its quotes. */
  private stopForWord(token: Token, after: string): never {
    const words = [...wordsAfter(after), 'today', 'yesterday', 'true', 'false'];
    const meant = offsetFromToday(token.text) ?? nearest(token.text, words);
    const hint = meant ? `Did you mean ${meant}?` : "Text stands in single quotes: 'friend'.";
    const message = `${shown(token.text)} is no value. ${hint}`;
    this.stop(message, [VALUE], { nearest: meant ?? quotedText(token) });
  }

  private stopForParenthesis(after: string): never {
    const { token } = this;
    const nearest = token.kind === 'literal' ? `(${token.text})` : undefined;
    this.stop(`After ${after} comes a parenthesis, not ${describe(token)}.`, ['('], { nearest });
  }
}

const isCallName = (word: string): word is CallName => (CALLS as readonly string[]).includes(word);

/** today-7d is one word, meant as -7d. */
const offsetFromToday = (word: string): string | undefined => /^today(-\d+[hdwmy])$/i.exec(word)?.[1];

const LONGEST_QUOTED = 100;

/** What stands there without quotes, or in others than ours, as text. */
function quotedText(token: Token): string | undefined {
  const text = token.kind === 'misquoted' ? token.content : token.kind === 'word' ? token.text : '';
  if (text === '' || text.length > LONGEST_QUOTED || FORBIDDEN_IN_STRING.test(text)) return undefined;
  return printLiteral({ type: 'string', text });
}

/**
 * Reads the text form. The refusal has one problem, the first: SEGMENT_SYNTAX, or SEGMENT_TOO_LARGE for what is over
 * the limits. Whether names and values exist is for `bind`.
 */
export function parseQuery(text: string): { query: Query; places: Places } | QueryRefusal {
  return untilFault(() => {
    checkText(text);
    const parser = new Parser(text);
    const query = parser.whole();
    checkSize(query, parser.places);
    return { query, places: parser.places };
  });
}
