// Which customers may be one person, and why (C11). Keys are stored or grouped on, so that SQL finds the pairs.

import { MAX_SORT_NAME_LENGTH } from './customer-names.ts';
import { duplicateKey } from './emails.ts';
import { cutText, foldText } from './fields.ts';

export const DUPLICATE_REASONS = ['same_email', 'same_phone', 'same_name_postcode'] as const;
export type DuplicateReason = (typeof DUPLICATE_REASONS)[number];
export type DuplicateKey = { kind: DuplicateReason; key: string };

export type DuplicateCandidate = {
  emailNorm?: string | null;
  phone?: string | null;
  firstName?: string | null;
  lastName?: string | null;
};

/**
 * Every key under which a customer can meet a duplicate: the email without plus-tag and dots where the provider
 * ignores them, the phone, and first and last name with each postcode. A last name alone makes no key: families
 * share it, and the postcode.
 */
export function duplicateKeys(customer: DuplicateCandidate, postcodes: readonly string[]): DuplicateKey[] {
  const keys: DuplicateKey[] = [];
  if (customer.emailNorm) keys.push({ kind: 'same_email', key: duplicateKey(customer.emailNorm) });
  if (customer.phone) keys.push({ kind: 'same_phone', key: customer.phone });
  const name = nameKey(customer);
  if (name === undefined) return keys;
  const folded = new Set(postcodes.map(foldPostcode).filter((postcode) => postcode !== ''));
  return [
    ...keys,
    ...[...folded].map((code) => ({ kind: 'same_name_postcode' as const, key: `${name}|${code}` })),
  ];
}

/** Why two customers may be one, strongest reason first; [] = nothing speaks for it. */
export function duplicateReasons(
  one: { customer: DuplicateCandidate; postcodes: readonly string[] },
  other: { customer: DuplicateCandidate; postcodes: readonly string[] },
): DuplicateReason[] {
  const text = ({ kind, key }: DuplicateKey) => `${kind} ${key}`;
  const keys = new Set(duplicateKeys(one.customer, one.postcodes).map(text));
  const shared = duplicateKeys(other.customer, other.postcodes).filter((key) => keys.has(text(key)));
  return DUPLICATE_REASONS.filter((reason) => shared.some(({ kind }) => kind === reason));
}

/** Folded words in alphabetical order, at most 120 characters: 'Anna Müller' and 'MULLER, Anna' with the fields swapped are one name. */
export function nameKey({
  firstName,
  lastName,
}: Pick<DuplicateCandidate, 'firstName' | 'lastName'>): string | undefined {
  const [first, last] = [words(firstName ?? ''), words(lastName ?? '')];
  return first.length === 0 || last.length === 0
    ? undefined
    : cutText([...first, ...last].sort().join(' '), MAX_SORT_NAME_LENGTH);
}

function words(text: string): string[] {
  return foldText(text).match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
}

function foldPostcode(postcode: string): string {
  return foldText(postcode).replace(/[^\p{L}\p{N}]+/gu, '');
}
