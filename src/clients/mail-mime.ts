// Makes the bytes of one mail: MIME with an HTML and a text part, signed (DKIM, RFC 6376). Safe inside a worker thread.
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import DKIM from 'nodemailer/lib/dkim';
import MailComposer from 'nodemailer/lib/mail-composer';
import { normaliseEmail } from '../domain/emails.ts';

/** One mailbox; the name is text, whatever it holds. */
export interface Mailbox {
  name?: string;
  address: string;
}

/** Who signs; the key is RSA in PEM. */
export interface DkimSigner {
  domain: string;
  selector: string;
  privateKey: string;
}

export interface MimeInput {
  /** With its angle brackets: `<id@domain>`. */
  messageId: string;
  from: Mailbox;
  to: Mailbox;
  replyTo?: Mailbox;
  subject: string;
  html: string;
  text: string;
  date: Date;
  /** Beyond those that the other properties make; one value each, printable ASCII. */
  headers: Readonly<Record<string, string>>;
  dkim?: DkimSigner;
}

/** A part of the mail that must not go out; `field` names it. Sending again does not help. */
export class MimeError extends Error {
  override name = 'MimeError';
  readonly field: string;

  constructor(field: string, rule: string) {
    super(`${field} ${rule}`);
    this.field = field;
  }
}

/** What is signed: the fields of RFC 6376 5.4.1 that we write, and both of RFC 8058. */
export const SIGNED_FIELDS = [
  'From',
  'To',
  'Reply-To',
  'Subject',
  'Date',
  'Message-ID',
  'MIME-Version',
  'Content-Type',
  'Content-Transfer-Encoding',
  'List-Unsubscribe',
  'List-Unsubscribe-Post',
  'Feedback-ID',
  'Auto-Submitted',
].join(':');

const MESSAGE_ID = /^<[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+>$/;
const HEADER_NAME = /^[A-Za-z][A-Za-z0-9-]{0,75}$/;
const HEADER_VALUE = /^[\x20-\x7e]+$/;
const PLAIN_ADDRESS = /^[\x21-\x7e]+$/;
/** Fields that say who, to whom, what and how: they come from the properties of the input alone. */
const OWN_FIELD =
  /^(?:from|sender|to|cc|bcc|reply-to|subject|date|message-id|mime-version|return-path|received|dkim-signature|(?:content|resent|arc)-.*)$/i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what has to go.
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g;

/**
 * The mail as it goes over the wire: CRLF line ends, CR or LF in no header, exactly one sender and one recipient.
 * @throws MimeError for an address, Message-ID, header or key that cannot be used
 */
export async function composeMime(input: MimeInput): Promise<Buffer> {
  const mail = new MailComposer({
    messageId: checked('messageId', input.messageId, MESSAGE_ID),
    from: mailbox('from', input.from),
    to: mailbox('to', input.to),
    ...(input.replyTo && { replyTo: mailbox('replyTo', input.replyTo) }),
    subject: shortened(oneLine(input.subject), MAX_SUBJECT),
    html: withCrlf(input.html),
    text: withCrlf(input.text),
    date: input.date,
    headers: checkedHeaders(input.headers),
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const raw = await mail.compile().build();
  return input.dkim ? sign(raw, input.dkim) : raw;
}

/** Text for a header: control characters and line ends are one space, so that it can neither end nor begin a header. */
export const oneLine = (text: string): string => text.replace(CONTROLS, ' ').trim();

/** A word that is too long to be folded must still fit a line (998 octets, RFC 5322 2.1.1). */
const MAX_SUBJECT = 500;
const MAX_NAME = 200;

/** At most so many characters; none is cut in half. */
const shortened = (text: string, most: number): string =>
  text.length <= most ? text : Array.from(text).slice(0, most).join('');

const withCrlf = (text: string): string => text.replaceAll('\0', '').replace(/\r\n?|\n/g, '\r\n');

function checked(field: string, value: string, pattern: RegExp): string {
  if (!pattern.test(value)) throw new MimeError(field, `does not match ${pattern.source}`);
  return value;
}

function mailbox(field: string, { name, address }: Mailbox): { name: string; address: string } {
  const normalised = normaliseEmail(address);
  if (normalised === undefined) throw new MimeError(field, 'is no email address');
  // The local part keeps its case (RFC 5321 2.4); anything but plain ASCII is sent in its normal form.
  const typed = address.trim();
  const isSame = PLAIN_ADDRESS.test(typed) && typed.toLowerCase() === normalised;
  return { name: shortened(oneLine(name ?? ''), MAX_NAME), address: isSame ? typed : normalised };
}

function checkedHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  for (const [name, value] of Object.entries(headers)) {
    checked('header name', name, HEADER_NAME);
    checked(name, value, HEADER_VALUE);
    if (OWN_FIELD.test(name)) throw new MimeError(name, 'is written from the mail itself');
  }
  return { ...headers };
}

async function sign(raw: Buffer, { domain, selector, privateKey }: DkimSigner): Promise<Buffer> {
  const signer = new DKIM({
    domainName: domain,
    keySelector: selector,
    privateKey: signingKey(privateKey),
    headerFieldNames: SIGNED_FIELDS,
  });
  const signed = await buffer(signer.sign(raw));
  // The signer leaves the signature out when the key cannot sign; an unsigned mail would be taken for spam.
  if (signed.length === raw.length) throw new MimeError('dkim.privateKey', 'cannot sign');
  return signed;
}

const keys = new Map<string, KeyObject>();

/** The parsed key: reading the PEM takes as long as signing does. */
export function signingKey(pem: string): KeyObject {
  const known = keys.get(pem);
  if (known) return known;
  const key = parseKey(pem);
  keys.set(pem, key);
  return key;
}

function parseKey(pem: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    throw new MimeError('dkim.privateKey', 'is no private key in PEM');
  }
  if (key.asymmetricKeyType !== 'rsa') throw new MimeError('dkim.privateKey', 'is not an RSA key');
  return key;
}
