// Email addresses: the one normal form that is unique per store (C1) and the key that finds duplicates (C11).
import { domainToASCII } from 'node:url';

/** RFC 5321 4.5.3.1: 64 octets before the @, 254 in all. */
export const MAX_EMAIL_LENGTH = 254;
const MAX_LOCAL_LENGTH = 64;

// One pass for the 99 % that are plain ASCII already; IDNA labels (xn--) take the long way, to be validated.
const PLAIN_EMAIL =
  /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])$/;
// RFC 6531 lets letters, marks and digits of any script into the local part; nothing else of Unicode is taken.
const LOCAL_PART = /^[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+(?:\.[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+)*$/u;
// domainToASCII reads a URL host: it decodes %xx and numbers IPv4, so only letters, digits and dots may get there.
const DOMAIN_LETTERS = /^[\p{L}\p{M}\p{N}.。·-]+$/u;

const DOTTED_PROVIDERS = new Set(['gmail.com', 'googlemail.com']);
const PLUS_PROVIDERS =
  /^(?:(?:outlook|hotmail|live)\.(?:[a-z]{2,3}|com?\.[a-z]{2})|msn\.com|icloud\.com|me\.com|mac\.com|fastmail\.(?:com|fm)|protonmail\.(?:com|ch)|proton\.me|pm\.me)$/;

/**
 * `emailNorm` of C1: trimmed, NFKC, lower case, domain in IDNA ASCII form. undefined when it is no address that
 * mail could be sent to: quoted local parts, address literals, single-label domains, control characters and
 * anything over the limits of RFC 5321 are refused. Idempotent.
 */
export function normaliseEmail(input: string): string | undefined {
  if (input.length > 4 * MAX_EMAIL_LENGTH) return undefined;
  const email = input.trim().toLowerCase();
  return isPlainEmail(email) ? email : normaliseUnicodeEmail(input);
}

/** The part behind the @ of a normalised address. */
export function emailDomain(emailNorm: string): string {
  return emailNorm.slice(emailNorm.lastIndexOf('@') + 1);
}

/**
 * Key under which two spellings reach the same mailbox (C11): the plus-tag goes for providers known to have one,
 * dots too at Gmail. Other providers keep every character: there `a.b@` and `ab@` can be two people.
 */
export function duplicateKey(emailNorm: string): string {
  const at = emailNorm.lastIndexOf('@');
  const [local, domain] = [emailNorm.slice(0, at), emailNorm.slice(at + 1)];
  if (DOTTED_PROVIDERS.has(domain)) {
    return `${withoutTag(local).replaceAll('.', '') || local}@gmail.com`;
  }
  return PLUS_PROVIDERS.test(domain) ? `${withoutTag(local)}@${domain}` : emailNorm;
}

function isPlainEmail(email: string): boolean {
  return (
    email.length <= MAX_EMAIL_LENGTH &&
    email.lastIndexOf('@') <= MAX_LOCAL_LENGTH &&
    !email.includes('xn--') &&
    PLAIN_EMAIL.test(email)
  );
}

function normaliseUnicodeEmail(input: string): string | undefined {
  // Lower-casing can undo NFKC (and the reverse), hence twice: the result must be its own normal form.
  const email = input.trim().normalize('NFKC').toLowerCase().normalize('NFKC');
  const at = email.lastIndexOf('@');
  const local = email.slice(0, at);
  if (at < 1 || Buffer.byteLength(local) > MAX_LOCAL_LENGTH || !LOCAL_PART.test(local)) return undefined;
  const domain = asciiDomain(email.slice(at + 1));
  if (domain === undefined || Buffer.byteLength(local) + 1 + domain.length > MAX_EMAIL_LENGTH)
    return undefined;
  return `${local}@${domain}`;
}

function asciiDomain(domain: string): string | undefined {
  if (!DOMAIN_LETTERS.test(domain)) return undefined;
  const ascii = domainToASCII(domain);
  // An ASCII stand-in for the local part: the domain is checked by the same expression as a plain address.
  return PLAIN_EMAIL.test(`x@${ascii}`) ? ascii : undefined;
}

function withoutTag(local: string): string {
  const plus = local.indexOf('+');
  return plus > 0 ? local.slice(0, plus) : local;
}

/** `a•••@example.com`: enough to recognise one's own address, too little to learn somebody else's. */
export function maskEmail(email: string): string {
  const at = email.lastIndexOf('@');
  const [first = ''] = email.slice(0, at);
  return `${first}•••${email.slice(at)}`;
}
