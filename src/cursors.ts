// Cursors of lists: the key of a page's last row, signed together with what it belongs to.
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { PageKey } from './domain/pages.ts';
import { Problem } from './errors.ts';

/** 128 bits: nobody forges one in the lifetime of a list. */
const SIGNATURE_BYTES = 16;
const CURSOR = /^([\w-]+)\.([\w-]{22})$/;

export interface Cursors {
  /** The cursor behind the row with this key, good only where `scope` is the same text. */
  sign(scope: string, key: PageKey): string;
  /**
   * The key that was signed for this scope.
   * @throws Problem CURSOR_INVALID when it was changed, or signed for another scope
   */
  open<Key extends PageKey>(scope: string, cursor: string): Key;
}

/** Cursors under one secret; every process of an installation needs the same one. */
export function createCursors(secret: Buffer): Cursors {
  const signatureOf = (scope: string, payload: string) =>
    createHmac('sha256', secret).update(`${scope}\n${payload}`).digest().subarray(0, SIGNATURE_BYTES);
  return {
    sign(scope, key) {
      const payload = Buffer.from(JSON.stringify(key)).toString('base64url');
      return `${payload}.${signatureOf(scope, payload).toString('base64url')}`;
    },
    open(scope, cursor) {
      const [, payload = '', given = ''] = CURSOR.exec(cursor) ?? [];
      const signature = Buffer.from(given, 'base64url');
      const isOurs =
        signature.length === SIGNATURE_BYTES && timingSafeEqual(signature, signatureOf(scope, payload));
      if (!isOurs) throw new Problem('CURSOR_INVALID');
      return JSON.parse(Buffer.from(payload, 'base64url').toString());
    },
  };
}
