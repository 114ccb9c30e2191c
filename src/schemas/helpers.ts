// The words the wire contract is written in: TypeBox types whose JSON Schema keeps OpenAPI 3.1 and 3.0 and every
// client generator content (enums as `enum`, nullable as a list of types, named references).
import {
  type Static,
  type TInteger,
  type TNumberOptions,
  type TObject,
  type TObjectOptions,
  type TProperties,
  type TSchema,
  type TSchemaOptions,
  type TString,
  type TStringOptions,
  type TUnsafe,
  Type,
} from 'typebox';
import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE } from '../domain/pages.ts';

/** One of some words: `{ type: 'string', enum }`, never anyOf of constants. */
export function stringEnum<const Values extends readonly string[]>(
  values: Values,
  options: TSchemaOptions = {},
): TUnsafe<Values[number]> {
  return Type.Unsafe<Values[number]>({ type: 'string', enum: [...values], ...options });
}

/** The same or null: `type: [x, 'null']`. A named schema or a reference cannot be null: leave the property out. */
export function nullable<Schema extends TSchema>(
  schema: Schema,
  options: TSchemaOptions = {},
): TUnsafe<Static<Schema> | null> {
  const plain = { ...keywordsOf(schema), ...options };
  if (typeof plain.type !== 'string' || plain.$id !== undefined || Type.IsOptional(schema)) {
    throw new TypeError(
      'nullable() takes a plain schema of one type: no reference, union, name or Type.Optional',
    );
  }
  const orNull = Array.isArray(plain.enum) ? { enum: [...plain.enum, null] } : {};
  return Type.Unsafe<Static<Schema> | null>({ ...plain, ...orNull, type: [plain.type, 'null'] });
}

/** A reference to a schema that has a name (`$id`) and was added with `app.addSchema`; typed as its target. */
export function ref<Schema extends TSchema>(
  schema: Schema,
  options: TSchemaOptions = {},
): TUnsafe<Static<Schema>> {
  const { $id } = keywordsOf(schema);
  if ($id === undefined) throw new TypeError('ref() takes a schema with a name: give it an $id');
  return Type.Unsafe<Static<Schema>>({ $ref: `${$id}#`, ...options });
}

/** TypeBox's types keep the JSON Schema keywords to themselves. */
function keywordsOf(schema: TSchema): TSchemaOptions {
  return { ...schema };
}

/** An object without any other property: in requests they are an error, from answers they are left out. */
export function closed<Properties extends TProperties>(
  properties: Properties,
  options: TObjectOptions = {},
): TObject<Properties> {
  return Type.Object(properties, { additionalProperties: false, ...options });
}

/** A parameter that callers may leave out and handlers always get; for query and path only, bodies are not filled. */
export function defaulted<Schema extends TSchema>(
  schema: Schema,
  value: Static<Schema>,
): TUnsafe<Static<Schema>> {
  return Type.Unsafe<Static<Schema>>(Type.Optional(Object.assign({}, schema, { default: value })));
}

export function Uuid(options: TStringOptions = {}): TString {
  return Type.String({ format: 'uuid', ...options });
}

/** RFC 3339 with a zone, as callers send it: a string. What we answer is a `Timestamp`. */
export function DateTime(options: TStringOptions = {}): TString {
  return Type.String({ format: 'date-time', ...options });
}

/** RFC 3339 in UTC, as we answer it: handlers return the row's Date, the serialiser writes it. */
export function Timestamp(options: TStringOptions = {}): TUnsafe<Date> {
  return Type.Unsafe<Date>(DateTime(options));
}

/** `2026-01-31`; always a string, in rows too: a Date would be written in the server's own time zone. */
export function CalendarDate(options: TStringOptions = {}): TString {
  return Type.String({ format: 'date', ...options });
}

/** A whole number that may pass 2^31: without the format, Java and C# clients are generated with 32 bits. */
export function Int64(options: TNumberOptions = {}): TInteger {
  return Type.Integer({ format: 'int64', ...options });
}

export function Currency(options: TStringOptions = {}): TString {
  return Type.String({
    pattern: '^[A-Z]{3}$',
    description: 'ISO 4217 currency code.',
    examples: ['EUR'],
    ...options,
  });
}

export const Money = closed(
  {
    amount: Int64({ description: 'In the minor unit of the currency: 1250 is 12.50 EUR.', examples: [1250] }),
    currency: Currency(),
  },
  { $id: 'Money', description: 'An amount of money.' },
);

export const PageInfo = closed(
  {
    nextCursor: nullable(Type.String(), {
      description: 'Send it as `cursor` to get the next page; null on the last one.',
    }),
    hasMore: Type.Boolean({ description: 'Whether another page follows.' }),
  },
  { $id: 'PageInfo', description: 'Where this page ends.' },
);

/** The parameters of every list: `closed({ ...pageQuery, … })`; pages.ts reads them. */
export const pageQuery = {
  limit: defaulted(
    Type.Integer({
      minimum: 1,
      maximum: MAX_PAGE_SIZE,
      description: `Items of a page, 1 to ${MAX_PAGE_SIZE}.`,
      examples: [DEFAULT_PAGE_SIZE],
    }),
    DEFAULT_PAGE_SIZE,
  ),
  cursor: Type.Optional(
    Type.String({
      maxLength: 4096,
      description: '`page.nextCursor` of the page before; only with the same sort and filters.',
    }),
  ),
};

/** To be added with `app.addSchema` before the nouns that refer to them. */
export const sharedSchemas = [Money, PageInfo];

/** A page of a list as the named schema `id`; `total` is there when it was asked for. */
export function page<Item extends TSchema>(item: Item, id: string, options: TObjectOptions = {}) {
  return closed(
    {
      data: Type.Array(ref(item), { description: 'The items of this page.' }),
      page: ref(PageInfo, { description: 'Where this page ends.' }),
      total: Type.Optional(
        Type.Integer({ minimum: 0, description: 'All items that match, when asked for.' }),
      ),
    },
    { $id: id, description: 'One page of the list.', ...options },
  );
}

/**
 * Writes the descriptions of references back into the components of an OpenAPI 3.1 document, where @fastify/swagger
 * drops everything beside `$ref`. `from` is `app.getSchemas()`, `to` the document's `components.schemas`.
 */
export function keepReferenceDescriptions(from: unknown, to: unknown): void {
  if (!isRecord(from) || !isRecord(to)) return;
  if (to.$ref !== undefined) {
    if (from.description !== undefined) to.description = from.description;
    return;
  }
  for (const key of Object.keys(to)) keepReferenceDescriptions(from[key], to[key]);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
