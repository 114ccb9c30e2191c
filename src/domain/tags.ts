// Tags: how they are read from any input (T1), what makes two of them one (T2), what a change does (T3).
import { caseKey, collapseSpaces, lengthOf, MAX_TEXT_LENGTH, readText } from './fields.ts';

export const MAX_TAGS_PER_CUSTOMER = 250;
export const MAX_TAG_LENGTH = MAX_TEXT_LENGTH;
/** How the palette can be sorted (T4). */
export const TAG_SORTS = ['name', '-customersCount'] as const;
/** Exist in a new store (T4). */
export const PRESET_TAGS = ['VIP', 'Wholesale', 'Influencer', 'High-value', 'At-risk'] as const;

export type TagRefusal = {
  refused: 'TAG_INVALID';
  tag: string;
  reason: 'too_long' | 'unreadable' | 'has_comma';
};
/** `set` replaces all; otherwise `remove` goes first, then `add`. */
export type TagChange = {
  set?: readonly string[];
  add?: readonly string[];
  remove?: readonly string[];
};
export type TagPlan = { added: string[]; removed: string[]; unchanged: string[] };
export type TooManyTags = { refused: 'TOO_MANY_TAGS'; limit: number; would: number };

/**
 * T1: an array or one comma-separated string becomes clean tags: split on commas in either form, trimmed, inner
 * spaces collapsed, NFC, empties dropped, the first spelling of each kept. Refused: longer than 255 characters,
 * or text that nobody can read (control characters, nothing visible).
 */
export function parseTags(input: string | readonly string[]): string[] | TagRefusal {
  const tags = new Map<string, string>();
  for (const part of typeof input === 'string'
    ? input.split(',')
    : input.flatMap((text) => text.split(','))) {
    const text = collapseSpaces(part);
    if (text === '') continue;
    const tag = readText(text, MAX_TAG_LENGTH);
    if (tag === undefined) return refuseTag(text);
    const key = tagKey(tag);
    if (!tags.has(key)) tags.set(key, tag);
  }
  return [...tags.values()];
}

/** The one tag that a new name stands for, cleaned like any other (T1); unlike a list it has no commas. */
export function readTagName(input: string): { name: string } | TagRefusal {
  if (input.includes(',')) return { refused: 'TAG_INVALID', tag: input, reason: 'has_comma' };
  const tags = parseTags(input);
  if ('refused' in tags) return tags;
  const [name] = tags;
  return name === undefined ? refuseTag(input) : { name };
}

/** T2: tags with the same key are the same tag. */
export function tagKey(name: string): string {
  return caseKey(name);
}

/**
 * T3: what a change of tags does to the tags a customer has. Idempotent: tags that are there already, or that
 * are to go and are not there, come back as `unchanged`. A tag in both `remove` and `add` stays.
 * `removed` and `unchanged` have the spelling the customer has. Refused when tags are added past the limit (T2);
 * taking tags away is always possible.
 */
export function planTags(
  current: readonly string[],
  change: TagChange,
  limit = MAX_TAGS_PER_CUSTOMER,
): TagPlan | TooManyTags {
  const had = byKey(current);
  const wanted = byKey(change.set ?? change.add ?? []);
  const leaving = change.set ? had : byKey(change.remove ?? []);
  const added = [...wanted].filter(([key]) => !had.has(key)).map(([, tag]) => tag);
  const removed = [...had].filter(([key]) => leaving.has(key) && !wanted.has(key)).map(([, tag]) => tag);
  const would = had.size + added.length - removed.length;
  if (would > limit && added.length > 0) return { refused: 'TOO_MANY_TAGS', limit, would };
  return { added, removed, unchanged: untouched(had, wanted, change.set ? new Map() : leaving) };
}

/** All tags of two customers, each once, the first list's spellings first (C10). */
export function uniteTags(first: readonly string[], second: readonly string[]): string[] {
  return [...byKey([...first, ...second]).values()];
}

function untouched(
  had: ReadonlyMap<string, string>,
  wanted: ReadonlyMap<string, string>,
  leaving: ReadonlyMap<string, string>,
): string[] {
  const stays = [...wanted.keys()].filter((key) => had.has(key)).map((key) => had.get(key) ?? key);
  const neverThere = [...leaving].filter(([key]) => !had.has(key) && !wanted.has(key)).map(([, tag]) => tag);
  return [...stays, ...neverThere];
}

function byKey(tags: readonly string[]): Map<string, string> {
  const map = new Map<string, string>();
  for (const tag of tags) {
    const key = tagKey(tag);
    if (!map.has(key)) map.set(key, tag);
  }
  return map;
}

function refuseTag(tag: string): TagRefusal {
  return { refused: 'TAG_INVALID', tag, reason: lengthOf(tag) > MAX_TAG_LENGTH ? 'too_long' : 'unreadable' };
}
