// Titles of the objects that stand inside a named schema: generators call their types by them, instead of making up
// names like `CartLinesInner`.
import type { Schema, Schemas } from './openapi-examples.ts';

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

/** `categories` → `category`, `lines` → `line`; what has no plural of its own stays. */
const singular = (word: string): string =>
  word.replace(/(ies|s)$/, (ending) => (ending === 'ies' ? 'y' : ''));

/** What a list or a map holds. */
const valuesOf = ({ items, additionalProperties }: Schema): Schema[] =>
  [items, additionalProperties].filter((inner) => typeof inner === 'object');

function addTitle(schema: Schema, path: string, taken: Set<string>): void {
  const title = taken.has(path) ? `${path}Details` : path;
  if (schema.properties) {
    if (taken.has(title)) throw new Error(`Two schemas are called ${title}.`);
    taken.add(title);
    schema.title = title;
    addTitlesWithin(schema, title, taken);
  }
  for (const inner of valuesOf(schema)) addTitle(inner, title, taken);
}

function addTitlesWithin({ properties = {} }: Schema, parent: string, taken: Set<string>): void {
  for (const [name, property] of Object.entries(properties))
    addTitle(property, parent + capital(valuesOf(property).length > 0 ? singular(name) : name), taken);
}

/**
 * Titles every inner object by its path: `CartLine` is an item of `lines` of `Cart`. Where a named schema is called so
 * already, `Details` comes behind.
 */
export function addTitles(schemas: Schemas): void {
  const taken = new Set(Object.keys(schemas));
  for (const [name, schema] of Object.entries(schemas)) {
    addTitlesWithin(schema, name, taken);
    for (const inner of valuesOf(schema)) addTitle(inner, singular(name), taken);
  }
}
