// Answers of list operations: one page of rows, the cursor of the next one in the body and in the Link header.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Cursors } from './cursors.ts';
import type { PageKey, PageStart } from './domain/pages.ts';

declare module 'fastify' {
  interface FastifyInstance {
    cursors: Cursors;
  }
}

/** What of an operation's input a page needs; the query has the members of `pageQuery` (schemas/helpers.ts). */
export interface PageInput {
  query: { limit: number; cursor?: string | undefined };
  request: FastifyRequest;
  reply: FastifyReply;
}

export interface Page<Item> {
  data: Item[];
  page: { nextCursor: string | null; hasMore: boolean };
}

/** Parameters that say how much of a list to show, not which list it is. */
const NOT_OF_THE_LIST = new Set(['cursor', 'limit', 'count']);

/** The list that a request asks for: store, path, and every parameter that filters or sorts, in one order. */
function scopeOf(request: FastifyRequest): string {
  const query = request.query as Record<string, unknown>;
  const names = Object.keys(query)
    .filter((name) => !NOT_OF_THE_LIST.has(name))
    .sort();
  const path = request.url.split('?', 1)[0];
  return JSON.stringify([request.identity.storeId, path, names.map((name) => [name, query[name]])]);
}

/** The same request with another cursor: a relative reference (RFC 8288), so that proxies need no thought. */
function linkTo(request: FastifyRequest, cursor: string): string {
  const [path, search] = request.url.split('?', 2);
  const parameters = new URLSearchParams(search);
  parameters.set('cursor', cursor);
  return `<${path}?${parameters}>; rel="next"`;
}

/**
 * Where the page that the request asks for begins. Its limit is one more than asked for: the row that is too many
 * says that another page follows.
 * @throws Problem CURSOR_INVALID for a cursor that was changed or belongs to another store, list, filter or sort
 */
export function pageStart<Key extends PageKey>({ query, request }: PageInput): PageStart<Key> {
  const { limit, cursor } = query;
  const after = cursor === undefined ? undefined : request.server.cursors.open<Key>(scopeOf(request), cursor);
  return { after, limit: limit + 1 };
}

/** The answer whose end is known: `next` is the key to go on behind, null on the last page. Sets the Link header. */
export function pageUpTo<Item>(
  { request, reply }: PageInput,
  data: Item[],
  next: PageKey | null,
): Page<Item> {
  if (next === null) return { data, page: { nextCursor: null, hasMore: false } };
  const nextCursor = request.server.cursors.sign(scopeOf(request), next);
  reply.header('link', linkTo(request, nextCursor));
  return { data, page: { nextCursor, hasMore: true } };
}

/** The answer made of rows that were read from `pageStart`; sets the Link header. */
export function pageAnswer<Row>(
  input: PageInput,
  rows: readonly Row[],
  keyOf: (row: Row) => PageKey,
): Page<Row> {
  const { limit } = input.query;
  const data = rows.slice(0, limit);
  const last = data.at(-1);
  return pageUpTo(input, data, rows.length > limit && last !== undefined ? keyOf(last) : null);
}

/**
 * A whole list operation. `read` gets where to begin and how many rows to read (its own function says which key it
 * takes), `keyOf` names the values that the list is ordered by, the last one unique:
 *
 *     query: closed({ ...pageQuery }),
 *     returns: { 200: ref(TagPage) },
 *     refuses: ['CURSOR_INVALID'],
 *     handle: (ctx, input) => pageOf(input, (start) => listTags(ctx.db, start), (tag) => [tag.nameKey, tag.id]),
 *
 * where `listTags(db: Db, { after, limit }: PageStart<[nameKey: string, id: string]>)`.
 * @throws Problem CURSOR_INVALID
 */
export async function pageOf<Row>(
  input: PageInput,
  read: (start: PageStart<never>) => Promise<Row[]>,
  keyOf: (row: Row) => PageKey,
): Promise<Page<Row>> {
  return pageAnswer(input, await read(pageStart<never>(input)), keyOf);
}
