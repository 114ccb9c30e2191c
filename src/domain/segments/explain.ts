// Why a customer is in or out: the tree of the query with each answer, what was seen, what is needed, and the day on
// which time alone will change it.
import type { Query } from './ast.ts';
import { type BindEnv, bind } from './bind.ts';
import { type Bound, type BoundLeaf, isBoundJunction } from './bound.ts';
import { holds } from './evaluate.ts';
import type { Facts } from './facts.ts';
import { type Calendar, formatDay, isRelative } from './moments.ts';
import { printQuery } from './print.ts';
import { isRefusal, type QueryRefusal } from './problems.ts';
import { tellLeaf } from './words.ts';

/** One node: its clause as text, the answer, and for leaves what was seen, what is needed and both in words. */
export interface Explained {
  op: Query['op'];
  text: string;
  matches: boolean;
  of?: Explained[];
  seen?: string;
  needed?: string;
  says?: string;
  /** `2026-01-31`: the first day on which the answer is another, if nothing happens but time; within three years. */
  changesOn?: string;
}

export interface Explanation {
  matches: boolean;
  changesOn: string | null;
  tree: Explained;
}

/** How far ahead a change is looked for, in days: three years. */
const HORIZON = 1_096;

/** True for queries whose answer can change by time alone. */
export function isTimed(bound: Bound): boolean {
  switch (bound.is) {
    case 'all':
    case 'any':
      return bound.of.some(isTimed);
    case 'not':
    case 'segment':
      return isTimed(bound.of);
    case 'value':
      return ['age', 'days_since'].includes(bound.attribute.type) || bound.query.values.some(isRelative);
    case 'rows':
      return bound.query.where.some(({ values }) => values.some(isRelative));
    default:
      return false;
  }
}

/** One explanation: the query and the facts, and the days ahead. */
class Explainer {
  private readonly env: BindEnv;
  private readonly facts: Facts;
  private days: Calendar[] | undefined;
  /** Days on which the answer of some leaf changes. */
  readonly turns = new Set<number>();

  constructor(env: BindEnv, facts: Facts) {
    this.env = env;
    this.facts = facts;
  }

  /** Today and the days ahead, each at its last moment: what changes during a day is seen at its end. */
  private ahead(): Calendar[] {
    const { calendar } = this.env;
    this.days ??= Array.from({ length: HORIZON }, (_, offset) => calendar.atEndOf(calendar.today + offset));
    return this.days;
  }

  private holdsAt(query: Query, calendar: Calendar): boolean {
    const bound = bind(query, { ...this.env, calendar });
    return !isRefusal(bound) && holds(bound, this.facts);
  }

  /** The first day on which the answer differs from the one now; remembers every later turn as well. */
  private firstTurn(bound: BoundLeaf, now: boolean): string | undefined {
    if (!isTimed(bound)) return undefined;
    let answer = now;
    let first: number | undefined;
    for (const calendar of this.ahead()) {
      const later = this.holdsAt(bound.query, calendar);
      if (later !== answer) this.turns.add(calendar.today);
      if (first === undefined && later !== now) first = calendar.today;
      answer = later;
    }
    return first === undefined ? undefined : formatDay(first);
  }

  tree(bound: Bound): Explained {
    const { op } = bound.query;
    const matches = holds(bound, this.facts);
    const node = { op, text: printQuery(bound.query), matches };
    if (isBoundJunction(bound)) return { ...node, of: bound.of.map((part) => this.tree(part)) };
    if (bound.is === 'not') return { ...node, of: [this.tree(bound.of)] };
    const changesOn = this.firstTurn(bound, matches);
    const told = tellLeaf(bound, this.facts, this.env, matches);
    const inner = bound.is === 'segment' && { of: [this.tree(bound.of)] };
    return { ...node, ...inner, ...told, ...(changesOn !== undefined && { changesOn }) };
  }

  /** The first day on which the answer to the whole query is another: one of the days on which a leaf turns. */
  rootTurn(query: Query, now: boolean): string | null {
    const calendars = this.ahead().filter(({ today }) => this.turns.has(today));
    const turn = calendars.find((calendar) => this.holdsAt(query, calendar) !== now);
    return turn === undefined ? null : formatDay(turn.today);
  }
}

/** Explains the answer to a query for one customer. Merged and erased customers are out whatever the tree says. */
export function explain(query: Query, env: BindEnv, facts: Facts): Explanation | QueryRefusal {
  const bound = bind(query, env);
  if (isRefusal(bound)) return bound;
  const explainer = new Explainer(env, facts);
  const tree = explainer.tree(bound);
  const changesOn =
    facts.isListed && explainer.turns.size > 0 ? explainer.rootTurn(query, tree.matches) : null;
  return { matches: facts.isListed && tree.matches, changesOn, tree };
}

const fewest = (options: readonly string[][]): string[] =>
  options.reduce((best, option) => (option.length < best.length ? option : best), options[0] ?? []);

/** What keeps the answer from being the wanted one: all of it below AND, the shortest way below OR. */
function obstacles(node: Explained, wish: boolean): string[] {
  if (node.matches === wish) return [];
  const { op, of = [] } = node;
  if (op === 'not') return of.flatMap((child) => obstacles(child, !wish));
  if (of.length === 0) return [wish ? (node.says ?? node.text) : `must not hold: ${node.text}`];
  const each = of.map((child) => obstacles(child, wish));
  const needsAll = (op === 'or') !== wish;
  return needsAll ? each.flat() : fewest(each);
}

/** What is missing for the customer to be in, in words; [] for one who is. */
export const missing = (tree: Explained): string[] => obstacles(tree, true);
