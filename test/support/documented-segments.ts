// Every query that the registry and the pages of docs/ show as an example.
import { readFileSync } from 'node:fs';
import {
  CUSTOM_FIELDS,
  FIRST_EXAMPLES,
  NODE_EXAMPLES,
  VALUE_EXAMPLES,
} from '../../scripts/support/segment-examples.ts';
import { CALL_VALUES } from '../../src/domain/segments/ast.ts';
import { catalogueOf } from '../../src/domain/segments/fields.ts';
import { presetSegments } from '../../src/domain/segments/segments.ts';

/** What a store must have declared for them to mean something. */
export const DOCUMENTED_FIELDS = CUSTOM_FIELDS;
export const DOCUMENTED_CATALOGUE = catalogueOf(CUSTOM_FIELDS);
export const DOCUMENTED_PRESETS = presetSegments({ currency: 'GBP', locale: 'en-GB', defaultCountry: 'GB' });

const FENCE = /^```segment\n(.*?)\n```$/gms;
const page = (name: string): string =>
  readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');

/** The blocks of a page that are queries. */
export const queriesOn = (name: string): string[] =>
  [...page(name).matchAll(FENCE)].map(([, query = '']) => query);

/** Canonical texts, each once. */
export const DOCUMENTED_QUERIES: readonly string[] = [
  ...new Set([
    ...[...DOCUMENTED_CATALOGUE.values()].map(({ example }) => example),
    ...Object.values(CALL_VALUES).map(({ example }) => example),
    ...Object.values(NODE_EXAMPLES).map(({ query }) => query),
    ...[...FIRST_EXAMPLES, ...VALUE_EXAMPLES].map(({ query }) => query),
    ...DOCUMENTED_PRESETS.map(({ query }) => query),
    ...queriesOn('segments.md'),
    ...queriesOn('segments-for-shopify-users.md'),
  ]),
];
