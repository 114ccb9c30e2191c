import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import t from 'tap';
import {
  isCall,
  isMatch,
  type Literal,
  nodesOf,
  type Place,
  type Query,
} from '../../../src/domain/segments/ast.ts';
import { bind } from '../../../src/domain/segments/bind.ts';
import { fromJson, toJson } from '../../../src/domain/segments/json.ts';
import { Calendar } from '../../../src/domain/segments/moments.ts';
import { parseQuery } from '../../../src/domain/segments/parse.ts';
import { printLiteral, printQuery } from '../../../src/domain/segments/print.ts';
import { isRefusal } from '../../../src/domain/segments/problems.ts';
import { Tokens } from '../../../src/domain/segments/tokens.ts';
import { anyCalls, anyLiteral, CATALOGUE, queries } from '../../support/segment-queries.ts';

const anything = queries({ literals: anyLiteral, calls: anyCalls });
const fitting = queries({ calls: anyCalls });

function parsed(text: string) {
  const read = parseQuery(text);
  if (isRefusal(read)) throw new Error(`${text}\n${JSON.stringify(read.problems)}`);
  return read;
}

function fromJsonText(text: string): Query {
  const read = fromJson(JSON.parse(text), CATALOGUE);
  if (isRefusal(read)) throw new Error(`${text}\n${JSON.stringify(read.problems)}`);
  return read.query;
}

t.test('text → tree → text is the identity on canonical text, and the tree is the same', async () => {
  fc.assert(
    fc.property(anything, (query) => {
      const text = printQuery(query);
      const again = parsed(text).query;
      return isDeepStrictEqual(again, query) && printQuery(again) === text;
    }),
    { numRuns: 2_000 },
  );
});

t.test('text → JSON → text is the identity for every value that fits its attribute', async () => {
  fc.assert(
    fc.property(fitting, (query) => {
      const again = fromJsonText(JSON.stringify(toJson(query)));
      return isDeepStrictEqual(again, query) && printQuery(again) === printQuery(query);
    }),
    { numRuns: 2_000 },
  );
});

/** The words of a text, as they are written. */
function wordsOf(text: string): string[] {
  const tokens = new Tokens(text);
  const words: string[] = [];
  for (let token = tokens.next(); token.kind !== 'end'; token = tokens.next()) words.push(token.text);
  return words;
}

const KEYWORD =
  /^(?:AND|OR|NOT|BETWEEN|IN|STARTS|WITH|CONTAINS|ANY|ALL|NONE|IS|NULL|MATCHES|[a-z]+_(?:segment|group)|sample|today|true)$/;
const gaps = fc.infiniteStream(
  fc.constantFrom(' ', '  ', '\n', '\t', '\u00a0', ' -- it\'s "so"\n', '--\r\n'),
);
const cases = fc.infiniteStream(fc.boolean());

t.test('spaces, line breaks, comments and the case of keywords change nothing', async () => {
  fc.assert(
    fc.property(anything, gaps, cases, (query, gap, isLower) => {
      const words = wordsOf(printQuery(query)).map((word) => {
        if (!KEYWORD.test(word) || !isLower.next().value) return word;
        return word === word.toUpperCase() ? word.toLowerCase() : word.toUpperCase();
      });
      const text = words.map((word) => gap.next().value + word).join('') + gap.next().value;
      if (Buffer.byteLength(text) > 8_192) return true;
      return isDeepStrictEqual(parsed(text).query, query);
    }),
    { numRuns: 1_000 },
  );
});

t.test('every node, value and name has its place: what stands there says the same', async () => {
  fc.assert(
    fc.property(anything, (query) => {
      const text = printQuery(query);
      const { query: read, places } = parsed(text);
      const at = (place: Place | undefined): string =>
        place && 'offset' in place ? text.slice(place.offset, place.offset + place.length) : '?';
      const parameters = new Set<object>(nodesOf(read).flatMap((node) => (isMatch(node) ? node.where : [])));
      for (const node of nodesOf(read)) {
        const source = at(places.of.get(node));
        if (parameters.has(node) ? !source.includes(' ') : !isDeepStrictEqual(parsed(source).query, node))
          return false;
        if ('attribute' in node && at(places.names.get(node)) !== node.attribute) return false;
        if (isCall(node) && at(places.names.get(node)) !== node.op) return false;
        const values: readonly Literal[] = 'values' in node ? node.values : [];
        if (values.some((literal) => at(places.of.get(literal)) !== printLiteral(literal))) return false;
      }
      return true;
    }),
    { numRuns: 500 },
  );
});

/** Canonical text with one piece taken out, doubled or replaced. */
const damaged = fc
  .tuple(
    anything.map(printQuery),
    fc.nat(),
    fc.nat(6),
    fc.oneof(
      fc.constantFrom('', '(', ')', "'", ',', ' NOT ', ' AND ', '=', '“', '\ud800', '\0', '-'),
      fc.string(),
    ),
  )
  .map(([text, from, length, put]) => {
    const offset = from % (text.length + 1);
    return text.slice(0, offset) + put + text.slice(offset + length);
  });

t.test('any text is read or refused with a place in it, a sentence and one problem', async () => {
  fc.assert(
    fc.property(fc.oneof(damaged, fc.string({ unit: 'binary' }), fc.string()), (text) => {
      const read = parseQuery(text);
      if (!isRefusal(read)) return isDeepStrictEqual(parsed(printQuery(read.query)).query, read.query);
      const [problem, ...more] = read.problems;
      const { place } = problem ?? {};
      if (!problem || more.length > 0 || !place || !('offset' in place)) return false;
      const isInside = place.offset >= 0 && place.length >= 0 && place.offset + place.length <= text.length;
      return isInside && problem.code === 'SEGMENT_SYNTAX' && /^.+[.?]$/s.test(problem.message);
    }),
    { numRuns: 3_000 },
  );
});

/** The JSON form with a value anywhere replaced by another. */
const mangled = fc
  .tuple(fitting.map(toJson), fc.nat(), fc.anything({ maxDepth: 2 }))
  .map(([json, where, put]) => {
    const holders: [Record<string, unknown>, string][] = [];
    const collect = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      for (const [key, inner] of Object.entries(value)) {
        holders.push([value as Record<string, unknown>, key]);
        collect(inner);
      }
    };
    collect(json);
    const [holder, key] = holders[where % holders.length] ?? [{}, ''];
    holder[key] = put;
    return json as unknown;
  });

t.test('any JSON is read or refused with a pointer', async () => {
  fc.assert(
    fc.property(fc.oneof(mangled, fc.anything()), (json) => {
      const read = fromJson(json, CATALOGUE);
      if (!isRefusal(read)) return isDeepStrictEqual(parsed(printQuery(read.query)).query, read.query);
      const [problem] = read.problems;
      return read.problems.length === 1 && problem?.place !== undefined && 'pointer' in problem.place;
    }),
    { numRuns: 3_000 },
  );
});

t.test('every operator of the registry with a value that fits can be bound', async () => {
  const calendar = new Calendar(new Date('2026-03-15T12:00:00Z'), 'Europe/Berlin');
  const env = { catalogue: CATALOGUE, calendar, currency: 'EUR', segments: new Map(), groups: [] };
  fc.assert(
    fc.property(queries(), (query) => !isRefusal(bind(query, env))),
    { numRuns: 2_000 },
  );
});
