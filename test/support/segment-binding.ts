// Binds segment queries and makes up customers, with what tests usually have of a store.
import { type Clause, isCall, type Query } from '../../src/domain/segments/ast.ts';
import { type BindEnv, bind } from '../../src/domain/segments/bind.ts';
import type { Bound } from '../../src/domain/segments/bound.ts';
import type { Facts } from '../../src/domain/segments/facts.ts';
import { catalogueOf } from '../../src/domain/segments/fields.ts';
import { Calendar } from '../../src/domain/segments/moments.ts';
import { parseQuery } from '../../src/domain/segments/parse.ts';
import { isRefusal, type QueryRefusal } from '../../src/domain/segments/problems.ts';

/** What a query is bound to, with what tests usually have. */
export function bindEnv(env: Partial<BindEnv> & { at?: Date | string; timezone?: string } = {}): BindEnv {
  const { at = '2026-11-22T10:30:00Z', timezone = 'Europe/Berlin', ...given } = env;
  return {
    catalogue: catalogueOf([]),
    calendar: new Calendar(new Date(at), timezone),
    currency: 'EUR',
    segments: new Map(),
    groups: ['Standard', 'Business'],
    ...given,
  };
}

function accepted<Result extends object>(text: string, result: Result | QueryRefusal): Result {
  if (isRefusal(result))
    throw new Error(`${text}: ${result.problems.map(({ message }) => message).join(' ')}`);
  return result;
}

/** The query of a text that must be right. */
export const parsed = (text: string): Query => accepted(text, parseQuery(text)).query;

/** Parses and binds a query that must be right. */
export const bound = (text: string, env: BindEnv = bindEnv()): Bound =>
  accepted(text, bind(parsed(text), env));

/** The query of a text of one clause with its values. */
export function clauseOf(text: string): Clause {
  const query = parsed(text);
  if (!('values' in query) || isCall(query)) throw new Error(`${text} is no clause`);
  return query;
}

/** Saved segments, for `bindEnv`. */
export const savedSegments = (texts: Readonly<Record<string, string>>): ReadonlyMap<string, Query> =>
  new Map(Object.entries(texts).map(([slug, text]) => [slug, parsed(text)]));

/** A customer of whom only this is known. */
export const factsWith = (given: Partial<Facts> = {}): Facts => ({
  customerId: 'c1',
  isListed: true,
  values: {},
  lists: {},
  rows: {},
  ...given,
});
