// Segments as things of a store: how they are called, what their queries name, and those that a new store has.
import { normaliseCountryCode } from '../countries.ts';
import type { CustomFieldDeclaration } from '../custom-fields.ts';
import { foldText, readText } from '../fields.ts';
import { normaliseLanguage } from '../locales.ts';
import { currencyExponent } from '../money.ts';
import {
  type Call,
  type Clause,
  isCall,
  isMatch,
  type Literal,
  leavesOf,
  type Match,
  mapLeaves,
  type Query,
  segmentsIn,
} from './ast.ts';
import { ATTRIBUTES, customName, type ListAttribute } from './fields.ts';

/** Segments of one store. */
export const MAX_SEGMENTS = 1_000;
export const SLUG_PATTERN = '^[a-z0-9][a-z0-9_-]{0,62}$';
const MAX_SLUG_LENGTH = 63;

/** What names a segment and so keeps it as it is; areas that refer to segments add their kinds here. */
export type SegmentUse = { kind: 'segment' | 'campaign'; id: string; name: string };

/** The segment as one that names something. */
export const useBy = ({ id, name }: { id: string; name: string }): SegmentUse => ({
  kind: 'segment',
  id,
  name,
});

/** The name as stored (spaces collapsed, NFC, 1–255 characters); undefined for one that cannot be. */
export const readSegmentName = (name: string): string | undefined => readText(name);

/** A slug that is free: the name in a–z, 0–9 and hyphens, with -2, -3 … behind it where others have it already. */
export function slugFor(name: string, taken: ReadonlySet<string>): string {
  const words = foldText(name).match(/[a-z0-9]+/g) ?? ['segment'];
  for (let number = 1; ; number++) {
    const suffix = number === 1 ? '' : `-${number}`;
    const stem = words.join('-').slice(0, MAX_SLUG_LENGTH - suffix.length);
    const slug = `${stem.replace(/-$/, '')}${suffix}`;
    if (!taken.has(slug)) return slug;
  }
}

/** Undefined when nothing names the segment: then it may go, or take another slug. */
export function checkUnused(
  usedBy: readonly SegmentUse[],
): { refused: 'SEGMENT_IN_USE'; usedBy: readonly SegmentUse[] } | undefined {
  return usedBy.length > 0 ? { refused: 'SEGMENT_IN_USE', usedBy } : undefined;
}

/** Slugs of every segment that a query leads to, over any number of others; `queries` is by slug. */
export function reachedFrom(query: Query, queries: ReadonlyMap<string, Query>): Set<string> {
  const reached = new Set<string>();
  const follow = (slugs: readonly string[]): void => {
    for (const slug of slugs) {
      const inner = queries.get(slug);
      if (reached.has(slug) || !inner) continue;
      reached.add(slug);
      follow(segmentsIn(inner));
    }
  };
  follow(segmentsIn(query));
  return reached;
}

type Leaf = Clause | Match | Call;
/** Tags and groups: what queries call by name. */
export type LabelTable = NonNullable<ListAttribute['dictionary']>;

const labelList = (table: LabelTable, name: string): ListAttribute | undefined =>
  ATTRIBUTES.find(
    (attribute): attribute is ListAttribute =>
      attribute.kind === 'list' && attribute.dictionary === table && attribute.name === name,
  );

const LIST_OF_CALL: Readonly<Partial<Record<Call['op'], string>>> = { in_group: 'customer_groups' };

/** How the leaf's values are compared if they are names of this kind; undefined when they are not. */
function labelKeyOf(leaf: Leaf, table: LabelTable): ListAttribute['key'] | undefined {
  if (isMatch(leaf)) return undefined;
  const name = isCall(leaf) ? LIST_OF_CALL[leaf.op] : leaf.attribute;
  return name === undefined ? undefined : labelList(table, name)?.key;
}

/** Whether the query calls the label with this key by name. */
export const namesLabel = (query: Query, table: LabelTable, key: string): boolean =>
  leavesOf(query).some((leaf) => {
    const keyOf = labelKeyOf(leaf, table);
    return keyOf !== undefined && 'values' in leaf && leaf.values.some(({ text }) => keyOf(text) === key);
  });

function renamed(
  values: readonly Literal[],
  keyOf: ListAttribute['key'],
  from: string,
  to: string,
): Literal[] {
  const kept: Literal[] = [];
  for (const value of values) {
    const next: Literal = keyOf(value.text) === from ? { type: 'string', text: to } : value;
    // A tag that is merged into another one of the same list would stand there twice.
    if (!kept.some(({ text }) => text === next.text)) kept.push(next);
  }
  return kept;
}

/** The same query with the name `to` wherever it calls the label with the key `from`. */
export function renameLabel(
  query: Query,
  table: LabelTable,
  { from, to }: { from: string; to: string },
): Query {
  if (!namesLabel(query, table, from)) return query;
  return mapLeaves(query, (leaf) => {
    const keyOf = labelKeyOf(leaf, table);
    if (!keyOf || !('values' in leaf)) return leaf;
    return { ...leaf, values: renamed(leaf.values, keyOf, from, to) };
  });
}

/** Whether the leaf means the same, or something at all, after the store has changed its custom fields. */
function losesField(
  leaf: Leaf,
  before: CustomFieldDeclaration,
  after: CustomFieldDeclaration | undefined,
): boolean {
  if (isCall(leaf) || isMatch(leaf) || leaf.attribute !== customName(before.key)) return false;
  if (after?.type !== before.type) return true;
  const words = after.options?.map((option) => option.toLowerCase());
  return words !== undefined && leaf.values.some(({ text }) => !words.includes(text.toLowerCase()));
}

/** Keys of the custom fields that the query asks for and that would be gone, of another type or short of an option. */
export function lostFields(
  query: Query,
  before: readonly CustomFieldDeclaration[],
  after: readonly CustomFieldDeclaration[],
): string[] {
  const leaves = leavesOf(query);
  const later = new Map(after.map((field) => [field.key, field]));
  const lost = before.filter((field) => leaves.some((leaf) => losesField(leaf, field, later.get(field.key))));
  return lost.map(({ key }) => key);
}

/** A segment that a new store has. */
export interface PresetSegment {
  slug: string;
  name: string;
  description: string;
  /** Canonical text. */
  query: string;
}

const PRESETS: readonly PresetSegment[] = [
  {
    slug: 'frequent-buyers',
    name: 'Frequent buyers',
    description: 'Ordered five times or more.',
    query: 'number_of_orders >= 5',
  },
  {
    slug: 'new-customers',
    name: 'New customers',
    description: 'Came in the last 30 days.',
    query: 'created_date >= -30d',
  },
  {
    slug: 'at-risk',
    name: 'At risk',
    description: 'Bought before, but not for 90 days.',
    query: 'number_of_orders > 0 AND last_order_date < -90d',
  },
  {
    slug: 'one-time-buyers',
    name: 'One-time buyers',
    description: 'Ordered exactly once.',
    query: 'number_of_orders = 1',
  },
  {
    slug: 'never-bought',
    name: 'Never bought',
    description: 'No line of a confirmed order.',
    query: 'products_purchased NOT MATCHES ()',
  },
  {
    slug: 'birthday-this-month',
    name: 'Birthday this month',
    description: 'Has a birthday from today to a month ahead.',
    query: 'birthday BETWEEN today AND +1m',
  },
  {
    slug: 'subscribed',
    name: 'Subscribed',
    description: 'Accepts marketing by email.',
    query: "email_consent = 'subscribed'",
  },
];

const VIP_SPENT = 500;
/** Currencies without a minor unit have about a hundredth of the value for each of their units. */
const vipAmount = (currency: string): number =>
  currencyExponent(currency) === 0 ? VIP_SPENT * 100 : VIP_SPENT;

/** The country that a language is spoken in most, where the tag names none: `de` → DE. */
function countryOfLocale(locale: string): string | undefined {
  const tag = normaliseLanguage(locale);
  const region = tag && new Intl.Locale(tag).maximize().region;
  return region && normaliseCountryCode(region);
}

function ofCountry(code: string): PresetSegment {
  const country = new Intl.DisplayNames(['en'], { type: 'region' }).of(code) ?? code;
  return {
    slug: `country-${code.toLowerCase()}`,
    name: `Country: ${country}`,
    description: `Has an address there.`,
    query: `customer_countries CONTAINS '${code}'`,
  };
}

/** The segments of a new store: its currency says what a VIP spends, its country or else its language where it sells. */
export function presetSegments(store: {
  currency: string;
  locale: string;
  defaultCountry: string | null;
}): PresetSegment[] {
  const vip: PresetSegment = {
    slug: 'vip',
    name: 'VIP',
    description: 'Spent most.',
    query: `amount_spent >= ${vipAmount(store.currency)}`,
  };
  const { defaultCountry } = store;
  const country = defaultCountry ? normaliseCountryCode(defaultCountry) : countryOfLocale(store.locale);
  return [vip, ...PRESETS, ...(country ? [ofCountry(country)] : [])];
}
