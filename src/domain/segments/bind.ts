// From a query to what both evaluators take: every name looked up, every value read, nothing ignored. All faults at once.

import { caseKey } from '../fields.ts';
import { nearest } from '../nearest.ts';
import {
  type Call,
  type Clause,
  isCall,
  isJunction,
  isMatch,
  isNegation,
  type Literal,
  type Match,
  nodesOf,
  noPlaces,
  OPERATORS,
  type Operator,
  type Places,
  type Query,
} from './ast.ts';
import type { Bound, BoundLeaf, BoundRows, ListTest, RowTest, Test, TotalTest } from './bound.ts';
import {
  type Aggregate,
  type Attribute,
  type Catalogue,
  type ListAttribute,
  operatorsOf,
  type Parameter,
  parameterOperators,
  type RowsAttribute,
  type Scalar,
} from './fields.ts';
import type { Calendar } from './moments.ts';
import { type QueryErrorCode, type QueryProblem, type QueryRefusal, quoted, refuse } from './problems.ts';
import { sampleThreshold } from './sample.ts';
import { type OrderedType, rangesOf, spanOf, spellingOf } from './spans.ts';

export interface BindEnv {
  catalogue: Catalogue;
  /** Instant and zone of the store: what `today` and `-90d` are counted from. */
  calendar: Calendar;
  /** Of the store: what money is in. */
  currency: string;
  /** Queries of the saved segments by slug, as far as they are referred to. */
  segments: ReadonlyMap<string, Query>;
  /** Names of the groups of the store. */
  groups: readonly string[];
}

/** Thrown inside, so that a leaf that cannot be bound ends its own binding and no other. */
class Fault extends Error {}

/** Nodes of all segments that a query refers to, together. */
const MAX_EXPANDED_NODES = 2_000;

/** One run over one query. */
class Binder {
  readonly problems: QueryProblem[] = [];
  private readonly env: BindEnv;
  private readonly places: Places;
  private expanded = 0;
  /** Slugs whose queries are being bound: one of them again is a cycle. */
  private readonly open: string[] = [];

  constructor(env: BindEnv, places: Places) {
    this.env = env;
    this.places = places;
  }

  bind(query: Query): Bound | undefined {
    if (isJunction(query)) {
      const of = query.of.flatMap((child) => this.bind(child) ?? []);
      return { is: query.op === 'and' ? 'all' : 'any', of, query };
    }
    if (isNegation(query)) {
      const of = this.bind(query.of[0]);
      return of && { is: 'not', of, query };
    }
    try {
      if (isCall(query)) return this.call(query);
      return isMatch(query) ? this.match(query) : this.clause(query);
    } catch (error) {
      if (error instanceof Fault) return undefined;
      throw error;
    }
  }

  private fail(
    code: QueryErrorCode,
    message: string,
    facts: { at: object; name?: true; expected?: readonly string[]; nearest?: string | undefined },
  ): never {
    const { at, name, expected = [], nearest: closest } = facts;
    const place = (name ? this.places.names : this.places.of).get(at);
    this.problems.push({
      code,
      message,
      expected,
      ...(closest && { nearest: closest }),
      ...(place && { place }),
    });
    throw new Fault(message);
  }

  private attribute(query: Clause | Match): Attribute {
    const { catalogue } = this.env;
    const found = catalogue.get(query.attribute);
    if (found) return found;
    const names = [...catalogue.keys()];
    const closest = nearest(query.attribute, names);
    const hint = closest ? ` Did you mean ${closest}?` : '';
    return this.fail('UNKNOWN_ATTRIBUTE', `There is no attribute ${query.attribute}.${hint}`, {
      at: query,
      name: true,
      expected: names,
      nearest: closest,
    });
  }

  private clause(query: Clause): BoundLeaf {
    const attribute = this.attribute(query);
    if (attribute.kind === 'rows') {
      const message = `${attribute.name} is a function: write ${attribute.name} MATCHES ( … ).`;
      return this.fail('SEGMENT_TYPE', message, { at: query, expected: ['MATCHES', 'NOT MATCHES'] });
    }
    this.checkOperator(query, operatorsOf(attribute));
    const { op } = query;
    const { at } = this.env.calendar;
    if (op === 'is_null' || op === 'is_not_null') {
      return { is: 'missing', attribute, at, negated: op === 'is_not_null', query };
    }
    if (attribute.kind === 'list') return this.list(attribute, query);
    return { is: 'value', attribute, at, test: this.test(attribute, query), negated: isNegated(op), query };
  }

  private checkOperator(query: Clause, allowed: readonly Operator[]): void {
    if (allowed.includes(query.op)) return;
    const expected = allowed.map((op) => OPERATORS[op].text);
    const message = `${query.attribute} cannot be compared by ${OPERATORS[query.op].text}; it takes ${expected.join(', ')}.`;
    this.fail('SEGMENT_TYPE', message, { at: query, expected });
  }

  private test(scalar: Scalar, query: Clause): Test {
    const { op, values } = query;
    const { type } = scalar;
    if (type === 'text' || type === 'word' || type === 'boolean') {
      const keys = values.map((literal) => this.key(scalar, type, literal, query.attribute));
      const [first] = keys;
      if (op === 'starts_with') return { is: 'starts', text: String(first) };
      if (op === 'contains' || op === 'not_contains') return { is: 'holds', text: String(first) };
      return { is: 'among', keys: [...new Set(keys)] };
    }
    return { is: 'within', ranges: this.ranges(type, query) };
  }

  private ranges(type: OrderedType, query: Clause) {
    const spans = query.values.map((literal) => {
      const span = spanOf(type, literal, this.env);
      return span ?? this.misfit(literal, query.attribute, spellingOf(type, this.env));
    });
    return rangesOf(type, query.op, spans);
  }

  private misfit(literal: Literal, name: string, expected: string): never {
    const message = `${quoted(literal)} does not fit ${name}, which takes ${expected}.`;
    return this.fail('SEGMENT_TYPE', message, { at: literal, expected: [expected] });
  }

  /** One value as it is compared. */
  private key(
    scalar: Pick<Scalar, 'key' | 'words' | 'takes'>,
    type: 'text' | 'word' | 'boolean',
    literal: Literal,
    name: string,
  ): string | boolean {
    if (literal.type !== (type === 'boolean' ? 'boolean' : 'string')) {
      return this.misfit(literal, name, spellingOf(type, this.env));
    }
    if (type === 'boolean') return literal.text === 'true';
    if (type === 'word') return this.word(scalar.words ?? [], literal, name);
    return this.keyed(scalar, literal, name);
  }

  private keyed(
    { key, takes = 'other text' }: Pick<Scalar, 'key' | 'takes'>,
    literal: Literal,
    name: string,
  ): string {
    return (key ? key(literal.text) : literal.text) ?? this.misfit(literal, name, takes);
  }

  private word(words: readonly string[], literal: Literal, name: string): string {
    const wanted = literal.text.toLowerCase();
    const found = words.find((word) => word.toLowerCase() === wanted);
    if (found !== undefined) return found;
    const closest = nearest(literal.text, words);
    const message = `${name} is never ${quoted(literal)}; it is one of ${words.join(', ')}.`;
    return this.fail('UNKNOWN_VALUE', message, { at: literal, expected: words, nearest: closest });
  }

  private list(attribute: ListAttribute, query: Clause): BoundLeaf {
    const keys = query.values.map((literal) => this.listKey(attribute, literal));
    return { is: 'list', attribute, test: listTest(query.op, keys), negated: isNegated(query.op), query };
  }

  private listKey(attribute: ListAttribute, literal: Literal): string {
    if (literal.type !== 'string') return this.misfit(literal, attribute.name, spellingOf('text', this.env));
    return this.keyed(attribute, literal, attribute.name);
  }

  private match(query: Match): BoundRows {
    const attribute = this.attribute(query);
    if (attribute.kind !== 'rows') {
      const expected = operatorsOf(attribute).map((op) => OPERATORS[op].text);
      const message = `${attribute.name} is no function; it takes ${expected.join(', ')}.`;
      return this.fail('SEGMENT_TYPE', message, { at: query, expected });
    }
    const where: RowTest[] = [];
    const totals: TotalTest[] = [];
    let isWhole = true;
    for (const clause of query.where) {
      try {
        const parameter = this.parameter(attribute, clause);
        if ('of' in parameter) totals.push(this.total(parameter, clause));
        else where.push(this.rowTest(parameter, clause));
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        isWhole = false;
      }
    }
    if (!isWhole) throw new Fault('a parameter is wrong');
    const mayBeNone = totals.some(({ aggregate }) => attribute.aggregates[aggregate]?.of === 'rows');
    const { currency } = this.env;
    return {
      is: 'rows',
      attribute,
      currency,
      where,
      totals,
      mayBeNone,
      negated: query.op === 'not_matches',
      query,
    };
  }

  private parameter({ name, parameters, aggregates }: RowsAttribute, clause: Clause): Parameter | Aggregate {
    const table = [parameters, aggregates].find((known) => Object.hasOwn(known, clause.attribute));
    const parameter = table?.[clause.attribute];
    if (parameter) return parameter;
    const names = [...Object.keys(parameters), ...Object.keys(aggregates)];
    const closest = nearest(clause.attribute, names);
    const hint = closest ? ` Did you mean ${closest}?` : '';
    return this.fail('UNKNOWN_ATTRIBUTE', `${name} has no parameter ${clause.attribute}.${hint}`, {
      at: clause,
      name: true,
      expected: names,
      nearest: closest,
    });
  }

  private rowTest(parameter: Parameter, clause: Clause): RowTest {
    this.checkOperator(clause, parameterOperators(parameter));
    return { parameter: clause.attribute, test: this.test(parameter, clause), negated: isNegated(clause.op) };
  }

  private total(aggregate: Aggregate, clause: Clause): TotalTest {
    this.checkOperator(clause, parameterOperators(aggregate));
    return {
      aggregate: clause.attribute,
      ranges: this.ranges(aggregate.type, clause),
      negated: isNegated(clause.op),
    };
  }

  private call(query: Call): BoundLeaf {
    switch (query.op) {
      case 'in_segment':
        return this.segment(query);
      case 'in_group':
        return this.group(query);
      default:
        return this.sample(query);
    }
  }

  private segment(query: Call): BoundLeaf {
    const slug = query.values[0]?.text ?? '';
    const { segments } = this.env;
    if (this.open.includes(slug)) {
      const round = [...this.open, slug].join(' → ');
      return this.fail('SEGMENT_CYCLE', `A segment cannot contain itself: ${round}.`, { at: query });
    }
    const inner = segments.get(slug);
    if (!inner) {
      const slugs = [...segments.keys()];
      const closest = nearest(slug, slugs);
      const hint = closest ? ` Did you mean ${closest}?` : '';
      const at = query.values[0] ?? query;
      return this.fail('UNKNOWN_SEGMENT', `There is no segment ${slug}.${hint}`, {
        at,
        expected: slugs,
        nearest: closest,
      });
    }
    this.expanded += nodesOf(inner).length;
    if (this.expanded > MAX_EXPANDED_NODES) {
      const message = `With the segments it refers to, the query has more than ${MAX_EXPANDED_NODES} clauses.`;
      return this.fail('SEGMENT_TOO_LARGE', message, { at: query });
    }
    return { is: 'segment', slug, of: this.inside(slug, query, inner), query };
  }

  /** A fault inside another segment is shown where that segment is named. */
  private inside(slug: string, query: Call, inner: Query): Bound {
    const known = this.problems.length;
    this.open.push(slug);
    const bound = this.bind(inner);
    this.open.pop();
    const place = this.places.of.get(query);
    for (let index = known; index < this.problems.length; index++) {
      const problem = this.problems[index] as QueryProblem;
      const message = problem.message.startsWith('In segment')
        ? problem.message
        : `In segment ${slug}: ${problem.message}`;
      this.problems[index] = { code: problem.code, message, expected: [], place };
    }
    if (!bound || this.problems.length > known) throw new Fault('the segment has faults');
    return bound;
  }

  private group(query: Call): BoundLeaf {
    const [literal = { type: 'string', text: '' }] = query.values;
    const attribute = this.env.catalogue.get('customer_groups') as ListAttribute;
    const { groups } = this.env;
    const wanted = caseKey(literal.text);
    if (!groups.some((name) => caseKey(name) === wanted)) {
      const closest = nearest(literal.text, groups);
      const hint = closest ? ` Did you mean '${closest}'?` : '';
      const message = `There is no group ${quoted(literal as Literal)}.${hint}`;
      return this.fail('UNKNOWN_GROUP', message, { at: literal, expected: groups, nearest: closest });
    }
    return { is: 'list', attribute, test: { is: 'any', keys: [wanted] }, negated: false, query };
  }

  private sample(query: Call): BoundLeaf {
    const [percent, salt] = query.values;
    const below = percent && sampleThreshold(percent);
    if (below === undefined || salt === undefined) {
      const expected = 'a share from 0 to 100 with at most 2 decimals';
      return this.misfit(percent ?? { type: 'number', text: '' }, 'sample', expected);
    }
    return { is: 'sample', below, salt: salt.text, query };
  }
}

const NEGATED: readonly Operator[] = ['!=', 'not_in', 'not_between', 'not_contains', 'contains_none'];
const isNegated = (op: Operator): boolean => NEGATED.includes(op);

function listTest(op: Operator, keys: readonly string[]): ListTest {
  if (op === 'starts_with') return { is: 'starts', text: keys[0] ?? '' };
  return { is: op === 'contains_all' ? 'every' : 'any', keys: [...new Set(keys)] };
}

/**
 * Binds a query to an instant. All faults come at once; a fault inside a segment that the query refers to is told where
 * that segment is named.
 */
export function bind(query: Query, env: BindEnv, places: Places = noPlaces()): Bound | QueryRefusal {
  const binder = new Binder(env, places);
  const bound = binder.bind(query);
  const [first, ...others] = binder.problems;
  if (first) return refuse([first, ...others]);
  return bound as Bound;
}
