// Keyset pages: where one starts and how long it may be.

export const DEFAULT_PAGE_SIZE = 20;
export const MAX_PAGE_SIZE = 100;

/** What the rows of a list are ordered by, the last part unique: plain JSON, so instants go in as RFC 3339 text. */
export type PageKey = readonly (string | number | boolean | null)[];

/** Where a read begins: behind the row with the key `after`, at most `limit` rows. */
export interface PageStart<Key extends PageKey = PageKey> {
  after: Key | undefined;
  limit: number;
}
