// What can be wrong with a segment query, each with its place, what was expected and the nearest name that exists.
import type { Literal, Place } from './ast.ts';

export type QueryErrorCode =
  | 'SEGMENT_SYNTAX'
  | 'SEGMENT_TOO_LARGE'
  | 'SEGMENT_TYPE'
  | 'UNKNOWN_ATTRIBUTE'
  | 'UNKNOWN_VALUE'
  | 'UNKNOWN_SEGMENT'
  | 'UNKNOWN_GROUP'
  | 'SEGMENT_CYCLE';

/** One fault. `expected` lists what would be right at the place, a few names or one description. */
export interface QueryProblem {
  code: QueryErrorCode;
  message: string;
  expected: readonly string[];
  nearest?: string | undefined;
  place?: Place | undefined;
}

export interface QueryRefusal {
  refused: QueryErrorCode;
  problems: readonly QueryProblem[];
}

export const isRefusal = (value: object): value is QueryRefusal => 'refused' in value;

/** The refusal of one or more faults; the first gives the code. */
export function refuse(problems: readonly [QueryProblem, ...QueryProblem[]]): QueryRefusal {
  return { refused: problems[0].code, problems };
}

/** Where a place of a text is for people: lines and columns from 1, columns in UTF-16 units. */
export function lineAndColumn(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: offset - lineStart + 1 };
}

/** A literal as messages show it. */
export const quoted = ({ type, text }: Literal): string => (type === 'string' ? `'${text}'` : text);
