// Puts our address in front of the links of a mail, so that it can be told which of them were followed.
import { createSecretKey, type KeyObject } from 'node:crypto';
import { rewriteLinks } from '../domain/mail/html-links.ts';
import { clickTokenOf } from './mail-identity.ts';

/** What the links of one mail are signed with, and where they lead. */
export interface ClickTracking {
  /** What stands before the token: `https://mail.example/c/`. */
  prefix: string;
  key: Uint8Array;
  storeId: string;
  /** Id of the mail. */
  id: string;
}

/** Longer addresses than this are cut off by some programs: such a link stays as it is. */
const MAX_URL = 2_000;

const keys = new WeakMap<Uint8Array, KeyObject>();

function keyOf(bytes: Uint8Array): KeyObject {
  const key = keys.get(bytes) ?? createSecretKey(bytes);
  keys.set(bytes, key);
  return key;
}

/** Links to `own` pages, whose address opens something, are left as they are; so is everything that is no web page. */
export function trackClicks(
  html: string,
  { prefix, key, ...row }: ClickTracking,
  own: readonly string[],
): string {
  const secrets = { identity: keyOf(key) };
  const known = new Map<string, string | undefined>();
  const tracked = (url: string): string | undefined => {
    if (url.startsWith(prefix) || own.some((page) => url.startsWith(page))) return undefined;
    const token = clickTokenOf(secrets, { ...row, url });
    return token !== undefined && prefix.length + token.length <= MAX_URL ? prefix + token : undefined;
  };
  return rewriteLinks(html, (url) => {
    if (!known.has(url)) known.set(url, tracked(url));
    return known.get(url);
  });
}
