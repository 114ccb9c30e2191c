// How large a query may be: one check for both forms, so that what one accepts the other can always say.
import { childrenOf, LIMITS, type Place, type Places, type Query } from './ast.ts';
import { QueryFault } from './faults.ts';
import { printQuery } from './print.ts';

const MOST = {
  bytes: `at most ${LIMITS.bytes.toLocaleString('en')} bytes`,
  nodes: `at most ${LIMITS.nodes} nodes`,
  depth: `at most ${LIMITS.depth} levels`,
  values: `at most ${LIMITS.values.toLocaleString('en')} values`,
} as const satisfies Record<keyof typeof LIMITS, string>;

const SENTENCE_OF_NODES = 'A query has …: each clause, parameter, AND, OR and NOT is one.';

const tooLarge = (limit: keyof typeof LIMITS, sentence: string, place: Place | undefined): QueryFault =>
  new QueryFault({
    code: 'SEGMENT_TOO_LARGE',
    message: sentence.replace('…', MOST[limit]),
    expected: [MOST[limit]],
    ...(place && { place }),
  });

/** How many UTF-16 units fit into the limit of bytes: all of them, unless the text is too long. */
const fittingUnits = (text: string): number =>
  new TextEncoder().encodeInto(text, new Uint8Array(LIMITS.bytes)).read;

/** Throws the fault of a text that is too long, at the first character that is too many. */
export function checkText(text: string): void {
  const offset = fittingUnits(text);
  if (offset === text.length) return;
  throw tooLarge('bytes', 'The text of a query has ….', { offset, length: text.length - offset });
}

/** The fault of nesting too deep: readers throw it before they go there. */
export const tooDeep = (place: Place | undefined): QueryFault =>
  tooLarge('depth', 'A query has … of parentheses, AND, OR, NOT and MATCHES inside one another.', place);

/** Throws the fault of a query that is too large or too deep, at the first node or value that is too many. */
export function checkSize(query: Query, places: Places): void {
  let nodes = 0;
  const visit = (node: Query, depth: number): void => {
    nodes += 1;
    if (depth > LIMITS.depth) throw tooDeep(places.of.get(node));
    if (nodes > LIMITS.nodes) throw tooLarge('nodes', SENTENCE_OF_NODES, places.of.get(node));
    const surplus = 'values' in node ? node.values[LIMITS.values] : undefined;
    if (surplus) throw tooLarge('values', 'A list has ….', places.of.get(surplus));
    for (const child of childrenOf(node)) visit(child, depth + 1);
  };
  visit(query, 1);
  const text = printQuery(query);
  if (fittingUnits(text) < text.length) {
    throw tooLarge('bytes', 'A query in canonical text has ….', places.of.get(query));
  }
}
