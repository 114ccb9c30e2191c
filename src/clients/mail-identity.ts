// What a mail is known by (M2): Message-ID, bounce address and the tokens in its links. All of them are pure functions
// of the ids of the row and the secret of the installation, so a retry says the same and nothing has to be stored.
import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';

/** Made once at start from APP_SECRET. */
export interface MailSecrets {
  readonly identity: KeyObject;
  /** For the fingerprints of suppressed addresses. */
  readonly addresses: KeyObject;
}

/** A row of messages; its store is part of every signature. */
export interface MailRow {
  storeId: string;
  id: string;
}

/** A link that leads through us to `url`. */
export interface Click extends MailRow {
  url: string;
}

/** What everything but the suppression list is signed with. */
type Signing = Pick<MailSecrets, 'identity'>;

export const mailSecrets = (identity: Buffer, addresses: Buffer): MailSecrets => ({
  identity: createSecretKey(identity),
  addresses: createSecretKey(addresses),
});

type Purpose = 'message-id' | 'bounce' | 'unsubscribe' | 'preferences' | 'click' | 'offer';

const UUID_BYTES = 16;
/** In addresses: 80 bits, and 26 bytes are 42 letters, which with a word before them stay below 64. */
const ADDRESS_MAC_BYTES = 10;
/** In links: 128 bits; 48 bytes are 64 letters without padding. */
const LINK_MAC_BYTES = 16;
const LINK_BYTES = 2 * UUID_BYTES + LINK_MAC_BYTES;

/** Of one UUID or several in a row. */
const bytesOf = (uuids: string): Buffer => Buffer.from(uuids.replaceAll('-', ''), 'hex');
const uuidOf = (bytes: Buffer): string =>
  bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

/** The store, then the mail. */
const rowBytes = ({ storeId, id }: MailRow): Buffer => bytesOf(storeId + id);

const mac = ({ identity }: Signing, purpose: Purpose, row: MailRow, url = ''): Buffer =>
  createHmac('sha256', identity).update(`${purpose}\0`).update(rowBytes(row)).update(url).digest();

const isSame = (given: Buffer, expected: Buffer): boolean =>
  given.length === expected.length && timingSafeEqual(given, expected);

// Local parts of addresses are lower-cased on their way by some servers, so they are written in base 32 (RFC 4648 6).
const LETTERS = 'abcdefghijklmnopqrstuvwxyz234567';

function toBase32(bytes: Buffer): string {
  let bits = 0n;
  for (const byte of bytes) bits = (bits << 8n) | BigInt(byte);
  const length = Math.ceil((bytes.length * 8) / 5);
  bits <<= BigInt(length * 5 - bytes.length * 8);
  let text = '';
  for (let i = length - 1; i >= 0; i--) text += LETTERS[Number((bits >> BigInt(i * 5)) & 31n)];
  return text;
}

/** Undefined when it is not `size` bytes in base 32, written the one way they are. */
function fromBase32(text: string, size: number): Buffer | undefined {
  let bits = 0n;
  for (const letter of text) {
    const value = LETTERS.indexOf(letter);
    if (value < 0) return undefined;
    bits = (bits << 5n) | BigInt(value);
  }
  const spare = text.length * 5 - size * 8;
  if (spare < 0 || spare > 4) return undefined;
  const bytes = Buffer.from((bits >> BigInt(spare)).toString(16).padStart(size * 2, '0'), 'hex');
  return toBase32(bytes) === text ? bytes : undefined;
}

/** `<id><mac>` in 42 letters and digits of one case. */
function addressCode(secrets: MailSecrets, purpose: Purpose, row: MailRow): string {
  const signature = mac(secrets, purpose, row).subarray(0, ADDRESS_MAC_BYTES);
  return toBase32(Buffer.concat([bytesOf(row.id), signature]));
}

function readAddressCode(
  secrets: MailSecrets,
  purpose: Purpose,
  storeId: string,
  code: string,
): string | undefined {
  const bytes = fromBase32(code.toLowerCase(), UUID_BYTES + ADDRESS_MAC_BYTES);
  if (!bytes) return undefined;
  const id = uuidOf(bytes.subarray(0, UUID_BYTES));
  const expected = mac(secrets, purpose, { storeId, id }).subarray(0, ADDRESS_MAC_BYTES);
  return isSame(bytes.subarray(UUID_BYTES), expected) ? id : undefined;
}

/** `<code@domain>` (RFC 5322 3.6.4); `domain` is ours and the same for every attempt. */
export const messageIdOf = (secrets: MailSecrets, row: MailRow, domain: string): string =>
  `<${addressCode(secrets, 'message-id', row)}@${domain}>`;

/** Id of the row that this Message-ID names in this store; undefined when we did not make it. */
export function readMessageId(secrets: MailSecrets, storeId: string, text: string): string | undefined {
  const code = /^\s*<?([a-z2-7]{42})@[^<>\s@]+>?\s*$/i.exec(text)?.[1];
  return code && readAddressCode(secrets, 'message-id', storeId, code);
}

/** Where bounces of this mail come back to (VERP): `bounce+<code>@domain`, the envelope's sender. */
export const bounceAddressOf = (secrets: MailSecrets, row: MailRow, domain: string): string =>
  `bounce+${addressCode(secrets, 'bounce', row)}@${domain}`;

/** Where a mail program sends the mail that unsubscribes (RFC 2369): `unsubscribe+<code>@domain`. */
export const unsubscribeAddressOf = (secrets: MailSecrets, row: MailRow, domain: string): string =>
  `unsubscribe+${addressCode(secrets, 'unsubscribe', row)}@${domain}`;

/** The mail that an address of ours stands for, wherever in `text` it is; undefined when none of this store is there. */
export function readOwnAddress(
  secrets: MailSecrets,
  storeId: string,
  text: string,
): { purpose: 'bounce' | 'unsubscribe'; id: string } | undefined {
  for (const [, word = '', code = ''] of text.matchAll(/\b(bounce|unsubscribe)\+([a-z2-7]{42})@/gi)) {
    const purpose = word.toLowerCase() === 'bounce' ? 'bounce' : 'unsubscribe';
    const id = readAddressCode(secrets, purpose, storeId, code);
    if (id !== undefined) return { purpose, id };
  }
  return undefined;
}

function linkToken(secrets: Signing, purpose: Purpose, row: MailRow, url = ''): string {
  const signature = mac(secrets, purpose, row, url).subarray(0, LINK_MAC_BYTES);
  return Buffer.concat([rowBytes(row), signature, Buffer.from(url)]).toString('base64url');
}

function readLinkToken(secrets: MailSecrets, purpose: Purpose, token: string): Click | undefined {
  const bytes = Buffer.from(token, 'base64url');
  // Decoding skips what is not base64url: only the one spelling that we write is taken.
  if (bytes.length < LINK_BYTES || bytes.toString('base64url') !== token) return undefined;
  const storeId = uuidOf(bytes.subarray(0, UUID_BYTES));
  const id = uuidOf(bytes.subarray(UUID_BYTES, 2 * UUID_BYTES));
  const url = bytes.subarray(LINK_BYTES).toString();
  const expected = mac(secrets, purpose, { storeId, id }, url).subarray(0, LINK_MAC_BYTES);
  return isSame(bytes.subarray(2 * UUID_BYTES, LINK_BYTES), expected) ? { storeId, id, url } : undefined;
}

const readRow =
  (purpose: Purpose) =>
  (secrets: MailSecrets, token: string): MailRow | undefined => {
    const read = readLinkToken(secrets, purpose, token);
    return read && read.url === '' ? { storeId: read.storeId, id: read.id } : undefined;
  };

/** For the link of one-click unsubscription (RFC 8058): 64 letters that never expire and carry the store. */
export const unsubscribeTokenOf = (secrets: MailSecrets, row: MailRow): string =>
  linkToken(secrets, 'unsubscribe', row);
export const readUnsubscribeToken = readRow('unsubscribe');

/** For the link to the preference centre: as above, but the one does not open the other. */
export const preferencesTokenOf = (secrets: MailSecrets, row: MailRow): string =>
  linkToken(secrets, 'preferences', row);
export const readPreferencesToken = readRow('preferences');

const isWebUrl = (url: string): boolean => /^https?:\/\/[^\s/]/i.test(url) && URL.canParse(url);

/**
 * For a link that is counted: carries where it leads to, signed, so that nobody can make us forward to another page.
 * Undefined for anything but http and https: such links stay as they are. Grows with the URL.
 */
export const clickTokenOf = (secrets: Signing, { url, ...row }: Click): string | undefined =>
  isWebUrl(url) ? linkToken(secrets, 'click', row, url) : undefined;

/** What threads need to make click tokens: a copy of its own, for all that lies beside a Buffer would travel with it. */
export const clickKeyOf = ({ identity }: Signing): Uint8Array => new Uint8Array(identity.export());

export function readClickToken(secrets: MailSecrets, token: string): Click | undefined {
  const click = readLinkToken(secrets, 'click', token);
  return click && isWebUrl(click.url) ? click : undefined;
}

/** Key of an address on the suppression list: the same for one store and normalised address, and nothing else. */
export const addressHashOf = ({ addresses }: MailSecrets, storeId: string, emailNorm: string): Buffer =>
  createHmac('sha256', addresses).update(bytesOf(storeId)).update(emailNorm).digest();

/** Keyed hash of a mail, from which the offer code of its recipient is made. */
export const offerHashOf = (secrets: MailSecrets, row: MailRow): Buffer => mac(secrets, 'offer', row);
