// API keys: kinds and the text form `ck_<store>_<random>` (secret) or `pk_<store>_<random>` (publishable).
export const KEY_KINDS = ['secret', 'publishable'] as const;
export type KeyKind = (typeof KEY_KINDS)[number];

const PREFIX: Record<KeyKind, string> = { secret: 'ck', publishable: 'pk' };
const HEX = /^([cp]k)_([0-9a-f]{32})_([A-Za-z0-9_-]{43})$/;

/** Characters of a key that lists may show. */
export const SHOWN_CHARACTERS = 14;

/** The key's text. `random` is 32 bytes in base64url. */
export const formatKey = (kind: KeyKind, storeId: string, random: string): string =>
  `${PREFIX[kind]}_${storeId.replaceAll('-', '')}_${random}`;

/** The store and kind that a key claims, or undefined when the text is no key. */
export function parseKey(text: string): { kind: KeyKind; storeId: string } | undefined {
  const match = HEX.exec(text);
  if (!match) return undefined;
  const [, prefix, hex = ''] = match;
  const storeId = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  return { kind: prefix === 'ck' ? 'secret' : 'publishable', storeId };
}
