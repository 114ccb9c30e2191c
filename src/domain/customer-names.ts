// How a customer is called, sorted and searched.
import type { Identity } from './customers.ts';
import { cutText, foldText } from './fields.ts';

export const MAX_SORT_NAME_LENGTH = 120;
export const MAX_SEARCH_TEXT_LENGTH = 600;

export type Named = Identity & { firstName?: string | null };

/** What to call a customer: first and last name, else company, email, phone; '' when all are gone (erased). */
export function displayName(customer: Named): string {
  const name = joinTexts([customer.firstName, customer.lastName]);
  return name || customer.company || customer.email || customer.phone || '';
}

/** What a name column sorts by: last name first, else company, email, phone; folded, at most 120 characters. */
export function sortName(customer: Named): string {
  const name = joinTexts([customer.lastName, customer.firstName]);
  const text = name || customer.company || customer.email || customer.phone || '';
  return cutText(foldText(text), MAX_SORT_NAME_LENGTH);
}

/**
 * The one column that `q` searches: name, company, email, phone; folded, at most 600 characters. Fold the search
 * words with foldText() too. Email and phone come before the company, so that a long company cannot cut them off.
 */
export function searchText(customer: Named): string {
  const { firstName, lastName, email, phone, company } = customer;
  // Folded before it is cut: 'ﷺ' folds to eighteen letters. 300 leave room for the longest email (254) and phone (16).
  const name = cutText(foldText(joinTexts([firstName, lastName])), 300);
  return cutText(joinTexts([name, foldText(joinTexts([email, phone, company]))]), MAX_SEARCH_TEXT_LENGTH);
}

function joinTexts(texts: readonly (string | null | undefined)[]): string {
  return texts.filter(Boolean).join(' ');
}
