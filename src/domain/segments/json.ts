// The JSON form of a query: the same tree for programs. Text from outside is trusted in nothing.
import { jsonPointer } from '../json-pointer.ts';
import { nearest } from '../nearest.ts';
import {
  type Arity,
  CALL_VALUES,
  type Call,
  type CallName,
  type Clause,
  isCall,
  isJunction,
  isMatch,
  isNegation,
  join,
  LIMITS,
  type Literal,
  MATCH_TEXTS,
  type Match,
  NODE_OPERATORS,
  noPlaces,
  OPERATORS,
  type Operator,
  type Places,
  type Query,
} from './ast.ts';
import { shown, syntaxFault, untilFault } from './faults.ts';
import type { Catalogue, Scalar } from './fields.ts';
import { checkSize, tooDeep } from './limits.ts';
import { FORBIDDEN_IN_STRING, readMoment, readNumber } from './literals.ts';
import { isReserved, PARAMETER_OPERATORS } from './phrases.ts';
import type { QueryRefusal } from './problems.ts';
import { isWord } from './tokens.ts';

/** One node. `op` is that of the tree; which of the other members belong to it, `MEMBERS` says. */
export interface QueryJson {
  op: Query['op'];
  /** Of `and`, `or` and `not`. */
  of?: QueryJson[];
  /** Of clauses and functions. */
  attribute?: string;
  /** Of clauses and calls: dates, offsets and numbers that JSON would change (1000.00) as text. */
  values?: (string | number | boolean)[];
  /** Of functions: their parameters. */
  where?: QueryJson[];
}

function valueToJson({ type, text }: Literal): string | number | boolean {
  if (type === 'boolean') return text === 'true';
  const number = Number(text);
  return type === 'number' && isKept(number) && String(number) === text ? number : text;
}

/** Whole numbers beyond 2^53 are not what was written any more. */
const isKept = (number: number): boolean => !Number.isInteger(number) || Number.isSafeInteger(number);

/** The JSON form; `fromJson` of it is the same query again, as long as its values fit their attributes. */
export function toJson(query: Query): QueryJson {
  const { op } = query;
  if (isJunction(query) || isNegation(query)) return { op, of: query.of.map(toJson) };
  if (isCall(query)) return { op, values: query.values.map(valueToJson) };
  const { attribute } = query;
  if (isMatch(query)) return { op, attribute, where: query.where.map(toJson) };
  if (OPERATORS[query.op].arity === 'none') return { op, attribute };
  return { op, attribute, values: query.values.map(valueToJson) };
}

type Member = 'of' | 'attribute' | 'values' | 'where';
type Node = Readonly<Record<string, unknown>>;

const isObject = (json: unknown): json is Node =>
  typeof json === 'object' && json !== null && !Array.isArray(json);

const isCallName = (op: string): op is CallName => Object.hasOwn(CALL_VALUES, op);
const isOperator = (op: string): op is Operator => Object.hasOwn(OPERATORS, op);
const isMatchOp = (op: string): op is Match['op'] => op === 'matches' || op === 'not_matches';

/** The members of a node besides `op`; all of them must be there, but `values` of an operator that takes none. */
function membersOf(op: Query['op']): readonly Member[] {
  if (isCallName(op)) return ['values'];
  if (isMatchOp(op)) return ['attribute', 'where'];
  return isOperator(op) ? ['attribute', 'values'] : ['of'];
}

/** How a value has to be spelled to be more than text. */
type Spelling = 'number' | 'moment' | 'text';
const SPELLINGS: Readonly<Record<Scalar['type'], Spelling>> = {
  integer: 'number',
  number: 'number',
  money: 'number',
  age: 'number',
  days_since: 'number',
  date: 'moment',
  calendar_date: 'moment',
  yearly_date: 'moment',
  boolean: 'text',
  word: 'text',
  text: 'text',
};

/** Of an attribute, or of a parameter of it; what is not known takes text, and `bind` says so. */
function spellingOf(catalogue: Catalogue, name: string, parameter?: string): Spelling {
  const attribute = catalogue.get(name);
  if (attribute?.kind === 'value') return SPELLINGS[attribute.type];
  if (attribute?.kind !== 'rows' || parameter === undefined) return 'text';
  const table = [attribute.parameters, attribute.aggregates].find((known) => Object.hasOwn(known, parameter));
  const type = table?.[parameter]?.type;
  return type ? SPELLINGS[type] : 'text';
}

const READERS: Readonly<Record<Spelling, (text: string) => Literal | undefined>> = {
  number: readNumber,
  moment: readMoment,
  text: () => undefined,
};

/** How many members a list may have, and that in words. */
interface Count {
  least: number;
  most: number;
  takes: string;
}

const ANY = Number.POSITIVE_INFINITY;
const VALUES: Readonly<Record<Arity, Count>> = {
  none: { least: 0, most: 0, takes: 'no value' },
  one: { least: 1, most: 1, takes: 'one value' },
  two: { least: 2, most: 2, takes: 'two values' },
  some: { least: 1, most: ANY, takes: 'one value or more' },
};
const OPERANDS: Readonly<Record<'and' | 'or' | 'not', Count>> = {
  and: { least: 1, most: ANY, takes: 'one node or more' },
  or: { least: 1, most: ANY, takes: 'one node or more' },
  not: { least: 1, most: 1, takes: 'one node' },
};
const PARAMETERS: Count = { least: 0, most: ANY, takes: 'parameters' };

/** Reads one document; throws a fault at the first thing that is wrong. */
class Reader {
  readonly places: Places = noPlaces();
  private readonly catalogue: Catalogue;

  constructor(catalogue: Catalogue) {
    this.catalogue = catalogue;
  }

  query(json: unknown, at: string, depth: number): Query {
    const { node, op } = this.node(json, at, depth, NODE_OPERATORS);
    if (isCallName(op)) return this.call(op, node, at);
    if (isMatchOp(op)) return this.match(op, node, at, depth);
    if (isOperator(op)) {
      const attribute = this.name(node, at);
      return this.clause(op, attribute, spellingOf(this.catalogue, attribute), node, at);
    }
    const of = this.list(node.of, `${at}/of`, op, OPERANDS[op]).map((child, index) =>
      this.query(child, `${at}/of/${index}`, depth + 1),
    );
    const [first] = of;
    if (op === 'not') return this.placed({ op, of: [first as Query] }, at);
    const joined = join(op, of);
    return joined === first ? joined : this.placed(joined, at);
  }

  /** An object whose `op` is one of these, with the members of that and no others. */
  private node<Op extends Query['op']>(
    json: unknown,
    at: string,
    depth: number,
    ops: readonly Op[],
  ): { node: Node; op: Op } {
    if (depth > LIMITS.depth) throw tooDeep({ pointer: at });
    if (!isObject(json)) {
      return this.stop(at, 'A node of a query is an object with the member op.', ['an object']);
    }
    if (!Object.hasOwn(json, 'op')) this.stop(at, 'The member op is missing.', ops);
    const op = ops.find((known) => known === json.op);
    if (op === undefined) return this.stopForOp(json.op, at, ops);
    this.checkMembers(op, json, at);
    return { node: json, op };
  }

  private checkMembers(op: Query['op'], node: Node, at: string): void {
    const members = membersOf(op);
    for (const name of Object.keys(node)) {
      if (name === 'op' || members.some((member) => member === name)) continue;
      const message = `A node ${op} has no member ${shown(name)}.`;
      this.stop(at + jsonPointer([name]), message, members, nearest(name, members));
    }
    for (const name of members) {
      const mayBeAbsent = name === 'values' && isOperator(op) && OPERATORS[op].arity === 'none';
      if (Object.hasOwn(node, name) || mayBeAbsent) continue;
      this.stop(at, `A node ${op} needs the member ${name}.`, [name]);
    }
  }

  private clause(op: Operator, attribute: string, spelling: Spelling, node: Node, at: string): Clause {
    const { arity, text } = OPERATORS[op];
    const given = Object.hasOwn(node, 'values') ? node.values : [];
    const values = this.list(given, `${at}/values`, text, VALUES[arity]).map((value, index) =>
      this.value(value, spelling, `${at}/values/${index}`),
    );
    return this.named({ op, attribute, values }, at, 'attribute');
  }

  private match(op: Match['op'], node: Node, at: string, depth: number): Match {
    const attribute = this.name(node, at);
    const where = this.list(node.where, `${at}/where`, MATCH_TEXTS[op], PARAMETERS).map((json, index) =>
      this.parameter(attribute, json, `${at}/where/${index}`, depth + 1),
    );
    return this.named({ op, attribute, where }, at, 'attribute');
  }

  private parameter(attribute: string, json: unknown, at: string, depth: number): Clause {
    const { node, op } = this.node(json, at, depth, PARAMETER_OPERATORS);
    const name = this.name(node, at);
    return this.clause(op, name, spellingOf(this.catalogue, attribute, name), node, at);
  }

  private call(op: CallName, node: Node, at: string): Call {
    const { types, example } = CALL_VALUES[op];
    const kinds = types.map((type) => (type === 'string' ? 'text' : 'a number'));
    const takes = `${kinds.join(' and ')}, as in ${example}`;
    const count = { least: types.length, most: types.length, takes };
    const values = this.list(node.values, `${at}/values`, op, count).map((json, index) => {
      const place = `${at}/values/${index}`;
      const value = this.value(json, types[index] === 'number' ? 'number' : 'text', place);
      return value.type === types[index]
        ? value
        : this.stop(place, `${op} takes ${takes}.`, [kinds[index] ?? '']);
    });
    return this.named({ op, values }, at, 'op');
  }

  /** A name that could stand in the text form too. */
  private name({ attribute }: Node, at: string): string {
    const isText = typeof attribute === 'string';
    if (isText && isWord(attribute) && !isReserved(attribute)) return attribute;
    const message = 'The name of an attribute is a word: letters, digits and _, no keyword.';
    const closest = isText ? nearest(attribute, [...this.catalogue.keys()]) : undefined;
    return this.stop(`${at}/attribute`, message, ['a name'], closest);
  }

  private value(json: unknown, spelling: Spelling, at: string): Literal {
    const literal = this.literal(json, spelling, at);
    this.places.of.set(literal, { pointer: at });
    return literal;
  }

  private literal(json: unknown, spelling: Spelling, at: string): Literal {
    if (typeof json === 'boolean') return { type: 'boolean', text: String(json) };
    if (typeof json === 'number') {
      const number = isKept(json) ? readNumber(String(json)) : undefined;
      return (
        number ?? this.stop(at, 'JSON does not keep this number; write it as text.', ['a number as text'])
      );
    }
    if (typeof json !== 'string') {
      return this.stop(at, 'A value is text, a number, true or false.', [
        'text',
        'a number',
        'true',
        'false',
      ]);
    }
    if (FORBIDDEN_IN_STRING.test(json)) {
      this.stop(at, 'Text has no NUL and no half of a surrogate pair in it.', ['text']);
    }
    return READERS[spelling](json) ?? { type: 'string', text: json };
  }

  private list(json: unknown, at: string, taker: string, { least, most, takes }: Count): readonly unknown[] {
    if (!Array.isArray(json)) return this.stop(at, `${taker} takes ${takes}, in a list.`, ['a list']);
    if (json.length >= least && json.length <= most) return json;
    return this.stop(at, `${taker} takes ${takes}.`, [takes]);
  }

  private placed<Made extends Query>(made: Made, at: string): Made {
    this.places.of.set(made, { pointer: at });
    return made;
  }

  private named<Made extends Clause | Match | Call>(made: Made, at: string, name: 'attribute' | 'op'): Made {
    this.places.names.set(made, { pointer: `${at}/${name}` });
    return this.placed(made, at);
  }

  private stopForOp(op: unknown, at: string, ops: readonly string[]): never {
    if (typeof op !== 'string') this.stop(`${at}/op`, 'The member op is text.', ops);
    const closest = nearest(op, ops);
    const hint = closest ? ` Did you mean ${closest}?` : '';
    this.stop(`${at}/op`, `${shown(op)} is no op here.${hint}`, ops, closest);
  }

  private stop(at: string, message: string, expected: readonly string[], closest?: string): never {
    throw syntaxFault({ message, expected, nearest: closest, place: { pointer: at } });
  }
}

/**
 * Reads the JSON form. Strings become numbers, dates or offsets where the attribute asks for such. An `and` in an `and`
 * is taken apart, one of a single node stands for that. The refusal has one problem, the first: SEGMENT_SYNTAX, or
 * SEGMENT_TOO_LARGE for what is over the limits, which are those of the text.
 */
export function fromJson(
  json: unknown,
  catalogue: Catalogue,
): { query: Query; places: Places } | QueryRefusal {
  return untilFault(() => {
    const reader = new Reader(catalogue);
    const query = reader.query(json, '', 1);
    checkSize(query, reader.places);
    return { query, places: reader.places };
  });
}
