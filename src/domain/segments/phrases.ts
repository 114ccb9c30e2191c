// Keywords: which words make an operator, which can follow one another, and what people write instead of them.
import { CALLS, MATCH_TEXTS, type Match, OPERATORS, type Operator } from './ast.ts';
import { readWord } from './literals.ts';

export type PhraseOperator = Operator | Match['op'];

/** What each operator is written as, in canonical spelling. */
export const PHRASES: ReadonlyMap<string, PhraseOperator> = new Map([
  ...Object.entries(OPERATORS).map(([op, { text }]) => [text, op as Operator] as const),
  ...Object.entries(MATCH_TEXTS).map(([op, text]) => [text, op as Match['op']] as const),
]);

/** Operators that are marks, not words. */
export const COMPARISONS = ['=', '!=', '<', '<=', '>', '>='] as const satisfies readonly Operator[];

/** Operators inside MATCHES ( … ). */
export const PARAMETER_OPERATORS: readonly Operator[] = [
  ...COMPARISONS,
  'between',
  'not_between',
  'in',
  'not_in',
];

/** Words that can follow the beginning of an operator, '' for none: after `IS`, NULL and NOT. */
function followers(): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const phrase of PHRASES.keys()) {
    const words = phrase.split(' ');
    for (const [index, word] of words.entries()) {
      const before = words.slice(0, index).join(' ');
      const known = found.get(before) ?? [];
      if (!known.includes(word)) found.set(before, [...known, word]);
    }
  }
  return found;
}
const FOLLOWERS = followers();
export const wordsAfter = (phrase: string): readonly string[] => FOLLOWERS.get(phrase) ?? [];

/** `NOT` and `IN` are `NOT IN`. */
export const phraseOf = (...words: readonly string[]): string =>
  words.filter(Boolean).join(' ').toUpperCase();

const KEYWORDS = new Set([...PHRASES.keys()].flatMap((phrase) => phrase.split(' ')).concat('AND', 'OR'));

/** Words that cannot be a name. */
export const isReserved = (word: string): boolean =>
  KEYWORDS.has(word.toUpperCase()) ||
  (CALLS as readonly string[]).includes(word.toLowerCase()) ||
  readWord(word) !== undefined;

/** What is written from habit of other languages, by what it is here. */
export const FOREIGN_PHRASES: ReadonlyMap<string, string> = new Map([
  ['NOT =', '!='],
  ['IS =', '='],
  ['> =', '>='],
  ['< =', '<='],
  ['< >', '!='],
  ['= NULL', 'IS NULL'],
  ['!= NULL', 'IS NOT NULL'],
  ['NOT NULL', 'IS NOT NULL'],
  ['IS EMPTY', 'IS NULL'],
  ['IS MISSING', 'IS NULL'],
  ['IS TRUE', '= true'],
  ['IS FALSE', '= false'],
  ['IS IN', 'IN'],
  ['IS BETWEEN', 'BETWEEN'],
  ['EQUALS', '='],
  ['LIKE', 'CONTAINS'],
  ['ILIKE', 'CONTAINS'],
  ['NOT LIKE', 'NOT CONTAINS'],
  ['HAS', 'CONTAINS'],
  ['INCLUDES', 'CONTAINS'],
  ['BEGINS', 'STARTS WITH'],
  ['NOT CONTAINS ANY', 'CONTAINS NONE'],
  ['NOT CONTAINS NONE', 'CONTAINS ANY'],
  ['= (', 'IN ('],
  ['!= (', 'NOT IN ('],
  ['CONTAINS (', 'CONTAINS ANY ('],
  ['NOT CONTAINS (', 'CONTAINS NONE ('],
]);

/** Phrases that NOT does not go into: it stands before the whole clause. */
export const NOT_IN_FRONT: readonly string[] = ['NOT STARTS', 'NOT CONTAINS ALL'];
