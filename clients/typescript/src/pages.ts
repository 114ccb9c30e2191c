// Lists without cursors: one loop over all pages.
import type { PageInfo } from './generated/types.gen.js';

/** What a list takes to give the next page: nothing for the first one. */
export interface PageQuery {
  cursor?: string;
}

/** What a method of a list resolves to, as far as pages go. */
export interface PageOf<Item> {
  data: { data: Item[]; page: PageInfo };
}

/**
 * Yields each item of a list; a page is asked for when the one before it is used up.
 *
 * @example
 * for await (const customer of each((page) => clientele.listCustomers({ query: { ...page, limit: 100 } }))) {
 *   console.log(customer.email);
 * }
 */
export async function* each<Item>(
  list: (page: PageQuery) => Promise<PageOf<Item>>,
): AsyncGenerator<Item, void, undefined> {
  let query: PageQuery = {};
  for (;;) {
    const { data, page } = (await list(query)).data;
    yield* data;
    if (page.nextCursor === null) return;
    query = { cursor: page.nextCursor };
  }
}
