// Bodies that are wrong in one place, made from their schemas: every property × what its schema forbids.
import { jsonPointer } from '../../src/domain/json-pointer.ts';
import { exampleOf } from '../../src/plugins/openapi-examples.ts';
import { type OpenApiDocument, resolveSchema, type Schema } from './openapi-operations.ts';

/** A value that a schema does not allow. */
export interface WrongValue {
  what: string;
  value: unknown;
}

/** A body with one mistake, and where the answer has to point. */
export interface Attack {
  what: string;
  pointer: string;
  body: unknown;
}

/** Values beyond this do not fit the body limit, which is another test. */
const LONGEST = 100_000;
const MOST_ITEMS = 5_000;

const OF_TYPE: Readonly<Record<string, unknown>> = {
  string: 'text',
  integer: 7,
  number: 1.5,
  boolean: true,
  array: ['text'],
  object: { surprise: 'text' },
  null: null,
};

/** Texts that come near a format. */
const MISSHAPEN: Readonly<Record<string, readonly string[]>> = {
  uuid: ['', 'x', '0199a3c4-7e1f-7a60-9d39', '{0199a3c4-7e1f-7a60-9d39-6f1f3f1f9a11}', "x' or 1=1 --"],
  date: ['', 'today', '2026-02-30', '31.01.2026', '0000-01-01', '2026-01-31T00:00:00Z'],
  'date-time': [
    '',
    'now',
    '2026-01-31',
    '2026-13-01T00:00:00Z',
    '2026-01-31T25:00:00Z',
    '2026-01-31T10:00:00',
    '0',
  ],
  email: ['', 'x', 'a b@example.com'],
  uri: ['', 'x', '//example.com', 'http://a b', 'javascript'],
};

/** Texts of which any pattern should refuse some. */
const ODD_TEXTS = ['', ' ', '\n', 'ä', '1', 'A', '=1+1', 'a\r\nb', '../..', '😀', '<b>'];

const typesOf = ({ type = [] }: Schema): readonly string[] => [type].flat();

/** An integer is a number too. */
const isOfType = (types: readonly string[], type: string): boolean =>
  types.includes(type) || (type === 'integer' && types.includes('number'));

const wrongTypes = (schema: Schema): WrongValue[] => {
  const types = typesOf(schema);
  if (types.length === 0) return [];
  return Object.entries(OF_TYPE)
    .filter(([type]) => !isOfType(types, type))
    .map(([type, value]) => ({ what: type, value }));
};

/** Text that would be a number or a boolean to a reader who guesses. */
const guessable = (schema: Schema): WrongValue[] => {
  const types = typesOf(schema);
  if (types.length === 0 || types.includes('string')) return [];
  return ['7', 'true', ''].map((value) => ({ what: `the text ${JSON.stringify(value)}`, value }));
};

const outOfBounds = ({ minimum, exclusiveMinimum, maximum }: Schema): WrongValue[] => {
  const least = minimum ?? (exclusiveMinimum === undefined ? undefined : exclusiveMinimum + 1);
  return [
    ...(least === undefined ? [] : [{ what: 'too small', value: least - 1 }]),
    ...(maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER
      ? []
      : [{ what: 'too large', value: maximum + 1 }]),
  ];
};

const wrongTexts = (schema: Schema): WrongValue[] => {
  const { minLength = 0, maxLength = LONGEST, pattern, format = '' } = schema;
  const odd = pattern === undefined ? [] : ODD_TEXTS.filter((text) => !new RegExp(pattern, 'u').test(text));
  return [
    ...(minLength === 0 ? [] : [{ what: 'too short', value: 'x'.repeat(minLength - 1) }]),
    ...(maxLength >= LONGEST ? [] : [{ what: 'too long', value: 'x'.repeat(maxLength + 1) }]),
    ...odd.map((value) => ({ what: `against the pattern: ${JSON.stringify(value)}`, value })),
    ...(MISSHAPEN[format] ?? []).map((value) => ({ what: `no ${format}: ${JSON.stringify(value)}`, value })),
  ];
};

const wrongLists = (document: OpenApiDocument, schema: Schema): WrongValue[] => {
  const { items = {}, minItems = 0, maxItems = MOST_ITEMS } = schema;
  const item = exampleOf(items, document.components.schemas) ?? null;
  const listOf = (length: number) => Array.from({ length }, () => item);
  return [
    ...(minItems === 0 ? [] : [{ what: 'too few items', value: listOf(minItems - 1) }]),
    ...(maxItems >= MOST_ITEMS ? [] : [{ what: 'too many items', value: listOf(maxItems + 1) }]),
  ];
};

const wrongMaps = ({ minProperties = 0, maxProperties = MOST_ITEMS, properties }: Schema): WrongValue[] => [
  ...(minProperties === 0 ? [] : [{ what: 'too few properties', value: {} }]),
  ...(maxProperties >= MOST_ITEMS || properties
    ? []
    : [
        {
          what: 'too many properties',
          value: Object.fromEntries(
            Array.from({ length: maxProperties + 1 }, (_, index) => [`p${index}`, null]),
          ),
        },
      ]),
];

/** Everything that a schema forbids, as far as it says so. */
export function wrongValues(document: OpenApiDocument, reference: Schema): WrongValue[] {
  const schema = resolveSchema(document, reference);
  const types = typesOf(schema);
  return [
    ...wrongTypes(schema),
    ...guessable(schema),
    ...outOfBounds(schema),
    ...(schema.enum ? [{ what: 'an unknown word', value: 'no such word' }] : []),
    ...(types.includes('integer') ? [{ what: 'a fraction', value: 1.5 }] : []),
    ...(types.includes('string') ? wrongTexts(schema) : []),
    ...(types.includes('array') ? wrongLists(document, schema) : []),
    ...(types.includes('object') ? wrongMaps(schema) : []),
  ];
}

/** A place in a body: what may stand there, and how a body with something else there looks. */
interface Place {
  path: readonly (string | number)[];
  schema: Schema;
  isRequired: boolean;
  /** The body with this value at the place; left out where it is undefined. */
  put: (value: unknown) => unknown;
}

function placesOf(document: OpenApiDocument, place: Place): Place[] {
  const schema = resolveSchema(document, place.schema);
  const { properties, items, required = [] } = schema;
  const { schemas } = document.components;
  if (items && typesOf(schema).includes('array')) {
    const put = (value: unknown) => place.put([value]);
    return [
      place,
      ...placesOf(document, { path: [...place.path, 0], schema: items, isRequired: false, put }),
    ];
  }
  if (!properties) return [place];
  const example = exampleOf(place.schema, schemas) as object;
  const within = Object.entries(properties).flatMap(([name, property]) =>
    placesOf(document, {
      path: [...place.path, name],
      schema: property,
      isRequired: required.includes(name),
      put: (value) => place.put({ ...example, [name]: value }),
    }),
  );
  return [place, ...within];
}

/** Every place of a body that its schema names: the properties, theirs, and the items of lists. */
const placesOfBody = (document: OpenApiDocument, schema: Schema): Place[] =>
  placesOf(document, { path: [], schema, isRequired: true, put: (value) => value });

function attacksOn(document: OpenApiDocument, { path, schema, isRequired, put }: Place): Attack[] {
  const pointer = jsonPointer(path);
  const { additionalProperties, properties } = resolveSchema(document, schema);
  const isProperty = typeof path.at(-1) === 'string';
  const example = exampleOf(schema, document.components.schemas);
  return [
    ...wrongValues(document, schema).map(({ what, value }) => ({ what, pointer, body: put(value) })),
    ...(isProperty && isRequired ? [{ what: 'missing', pointer, body: put(undefined) }] : []),
    ...(properties && additionalProperties === false
      ? [
          {
            what: 'an unknown property',
            pointer: `${pointer}/surprise`,
            body: put({ ...(example as object), surprise: 1 }),
          },
        ]
      : []),
  ];
}

/** Every body with one mistake that a schema forbids. */
export const propertyAttacks = (document: OpenApiDocument, schema: Schema): Attack[] =>
  placesOfBody(document, schema).flatMap((place) => attacksOn(document, place));

/** Values that JSON may not hold here, written as they go over the wire. */
const UNUSABLE: Readonly<Record<string, string>> = {
  'a NUL character': '"a\\u0000b"',
  'half of a surrogate pair': '"\\ud800"',
  'a number beyond 2^53': '9007199254740993',
  'a number beyond doubles': '1e999',
  __proto__: '{"__proto__":{"isAdmin":true}}',
  'a twin': '{"a":1,"a":2}',
};

const MARK = 'the place of the attack';

/** Texts of bodies with a value that no property may have, whatever its schema. */
export const unusableBodies = (document: OpenApiDocument, schema: Schema): (Attack & { body: string })[] =>
  placesOfBody(document, schema).flatMap(({ path, put }) =>
    Object.entries(UNUSABLE).map(([what, value]) => ({
      what,
      pointer: jsonPointer(path),
      body: JSON.stringify(put(MARK)).replace(JSON.stringify(MARK), () => value),
    })),
  );

/** Every place that takes a text, with a body that has any given one there. */
export const textPlaces = (document: OpenApiDocument, schema: Schema): Place[] =>
  placesOfBody(document, schema).filter((place) => {
    const { type, format, enum: words, pattern } = resolveSchema(document, place.schema);
    return [type].flat().includes('string') && !format && !words && !pattern;
  });
