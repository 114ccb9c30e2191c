// Values that fit a schema of the document, for fast-check: what a client sends who has read nothing but the contract.
import fc, { type Arbitrary } from 'fast-check';
import { HOSTILE_STRINGS } from './hostile-strings.ts';
import {
  type OpenApiDocument,
  type Operation,
  type Parameter,
  resolveSchema,
  type Schema,
} from './openapi-operations.ts';

/** Long lists and texts cost time and find nothing: the bounds themselves are attacked elsewhere. */
const LONGEST_TEXT = 200;
const LONGEST_LIST = 4;

export interface Generated {
  path: Record<string, string>;
  query: Record<string, unknown>;
  body: unknown;
}

const hasLength =
  ({ minLength = 0, maxLength = Number.POSITIVE_INFINITY }: Schema) =>
  (text: string): boolean => {
    const { length } = [...text];
    return length >= minLength && length <= maxLength;
  };

/** NUL and half surrogate pairs are no text to us, whatever the schema says. */
const isText = (text: string): boolean => !/[\0\ud800-\udfff]/u.test(text);

/** Four digits of the year, as RFC 3339 has them. */
const instant = fc.date({
  min: new Date('0001-01-02T00:00:00Z'),
  max: new Date('9999-12-30T00:00:00Z'),
  noInvalidDate: true,
});

/** Instants near now are those that rules compare. */
const recent = fc.date({
  min: new Date(Date.now() - 400 * 86_400_000),
  max: new Date(Date.now() + 400 * 86_400_000),
  noInvalidDate: true,
});

/** @param ids of things that exist, which a part of all ids names */
export function createArbitraries(document: OpenApiDocument, ids: readonly string[]) {
  const made = new Map<string, Arbitrary<unknown>>();

  const byFormat: Readonly<Record<string, Arbitrary<string>>> = {
    uuid: fc.oneof(fc.constantFrom(...ids), fc.uuid()),
    'date-time': fc.oneof(recent, instant).map((date) => date.toISOString()),
    date: fc.oneof(recent, instant).map((date) => date.toISOString().slice(0, 10)),
    uri: fc.webUrl(),
    email: fc.emailAddress(),
  };

  const text = (schema: Schema): Arbitrary<string> => {
    const { pattern, format = '', minLength = 0, maxLength = LONGEST_TEXT } = schema;
    const formatted = byFormat[format];
    if (formatted) return formatted.filter(hasLength(schema));
    if (pattern)
      return fc
        .stringMatching(new RegExp(pattern, 'u'), { size: 'small' })
        .filter(isText)
        .filter(hasLength(schema));
    const length = { minLength, maxLength: Math.max(minLength, Math.min(maxLength, LONGEST_TEXT)) };
    const hostile = HOSTILE_STRINGS.map((one) => one.text).filter(hasLength(schema));
    return fc.oneof(
      {
        weight: 2,
        arbitrary: fc
          .string({ ...length, unit: 'grapheme' })
          .filter(isText)
          .filter(hasLength(schema)),
      },
      ...(hostile.length > 0 ? [{ weight: 1, arbitrary: fc.constantFrom(...hostile) }] : []),
    );
  };

  const integer = ({ minimum, exclusiveMinimum, maximum }: Schema): Arbitrary<number> => {
    const min =
      minimum ??
      (exclusiveMinimum === undefined ? Number.MIN_SAFE_INTEGER : Math.floor(exclusiveMinimum) + 1);
    const max = maximum ?? Number.MAX_SAFE_INTEGER;
    const small = { min: Math.max(min, -100), max: Math.min(max, 1_000) };
    return small.min <= small.max
      ? fc.oneof(fc.integer(small), fc.integer({ min, max }))
      : fc.integer({ min, max });
  };

  const number = ({ minimum, exclusiveMinimum, maximum = 1e9 }: Schema): Arbitrary<number> =>
    fc
      .double({
        noNaN: true,
        noDefaultInfinity: true,
        min: minimum ?? exclusiveMinimum ?? -1e9,
        max: maximum,
      })
      .filter((value) => exclusiveMinimum === undefined || value > exclusiveMinimum);

  const list = ({
    items = {},
    minItems = 0,
    maxItems = LONGEST_LIST,
    uniqueItems,
  }: Schema): Arbitrary<unknown[]> => {
    const length = { minLength: minItems, maxLength: Math.max(minItems, Math.min(maxItems, LONGEST_LIST)) };
    return uniqueItems ? fc.uniqueArray(valuesOf(items), length) : fc.array(valuesOf(items), length);
  };

  const anything = fc.oneof(
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    text({}),
    fc.array(text({}), { maxLength: 2 }),
    fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.integer(), { maxKeys: 2 }),
  );

  const object = (schema: Schema): Arbitrary<unknown> => {
    const {
      properties = {},
      required = [],
      additionalProperties,
      minProperties = 0,
      maxProperties = 20,
    } = schema;
    const known = fc.record(
      Object.fromEntries(Object.entries(properties).map(([name, property]) => [name, valuesOf(property)])),
      { requiredKeys: required, noNullPrototype: true },
    );
    const fits = (value: object): boolean => {
      const { length } = Object.keys(value);
      return length >= minProperties && length <= maxProperties;
    };
    if (additionalProperties === undefined || additionalProperties === false) return known.filter(fits);
    const others = typeof additionalProperties === 'object' ? valuesOf(additionalProperties) : anything;
    const names = fc.stringMatching(/^[a-z][a-z0-9_]{0,10}$/).filter((name) => !(name in {}));
    return fc
      .tuple(
        fc.dictionary(names, others, {
          maxKeys: 4,
          minKeys: Math.min(minProperties, 4),
          noNullPrototype: true,
        }),
        known,
      )
      .map(([extra, value]) => ({ ...extra, ...value }))
      .filter(fits);
  };

  const ofType = (schema: Schema, type: string): Arbitrary<unknown> => {
    if (type === 'null') return fc.constant(null);
    if (type === 'boolean') return fc.boolean();
    if (type === 'integer') return integer(schema);
    if (type === 'number') return number(schema);
    if (type === 'array') return list(schema);
    return type === 'object' ? object(schema) : text(schema);
  };

  const build = (schema: Schema): Arbitrary<unknown> => {
    const examples = schema.examples ?? [];
    const values = schema.enum
      ? fc.constantFrom(...schema.enum)
      : schema.type === undefined
        ? anything
        : fc.oneof(...[schema.type].flat().map((type) => ofType(schema, type)));
    // An example is often the only way past a rule that no schema can tell.
    return examples.length > 0
      ? fc.oneof({ weight: 2, arbitrary: values }, { weight: 1, arbitrary: fc.constantFrom(...examples) })
      : values;
  };

  /** Values that fit a schema. */
  function valuesOf(schema: Schema): Arbitrary<unknown> {
    if (schema.$ref === undefined) return build(schema);
    const known = made.get(schema.$ref) ?? build(resolveSchema(document, schema));
    made.set(schema.$ref, known);
    return known;
  }

  const parametersOf = (parameters: readonly Parameter[]): Arbitrary<Record<string, unknown>> =>
    fc.record(Object.fromEntries(parameters.map(({ name, schema }) => [name, valuesOf(schema)])), {
      requiredKeys: parameters.filter(({ required }) => required).map(({ name }) => name),
      noNullPrototype: true,
    });

  /** Requests that an operation's contract allows, about things that exist. */
  const requestOf = (
    { parameters, body }: Operation,
    things: Readonly<Record<string, string>>,
  ): Arbitrary<Generated> =>
    fc.record({
      path: fc.record(
        Object.fromEntries(
          parameters
            .filter((parameter) => parameter.in === 'path')
            .map(({ name, schema }) => {
              const any = valuesOf(schema)
                .map(String)
                .filter((value) => value !== '');
              const known = things[name];
              return [
                name,
                known === undefined ? any : fc.oneof({ weight: 4, arbitrary: fc.constant(known) }, any),
              ];
            }),
        ),
      ),
      query: parametersOf(parameters.filter((parameter) => parameter.in === 'query')),
      body: body === undefined ? fc.constant(undefined) : valuesOf(body),
    });

  return { valuesOf, requestOf };
}
