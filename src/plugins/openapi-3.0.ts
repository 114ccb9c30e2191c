// The OpenAPI 3.1 document as 3.0.3, for client generators that do not know 3.1. Everything that 3.0 has no word for is
// an error here, so that the two documents can never drift apart in silence.

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const mapValues = (object: unknown, change: (value: Json) => unknown): Json =>
  Object.fromEntries(Object.entries(object as Json).map(([key, value]) => [key, change(value as Json)]));

/** Keywords of a schema that mean the same in both versions. */
const SAME = new Set([
  'title',
  'description',
  'format',
  'pattern',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'multipleOf',
  'minItems',
  'maxItems',
  'uniqueItems',
  'minProperties',
  'maxProperties',
  'required',
  'enum',
  'default',
  'deprecated',
  'readOnly',
  'writeOnly',
  'discriminator',
]);

/** Keywords that differ, or hold schemas themselves. */
const CHANGED: Readonly<Record<string, (value: unknown) => Json>> = {
  type: typeOf,
  examples: (values) => ({ example: (values as unknown[])[0] }),
  const: (value) => ({ enum: [value] }),
  exclusiveMinimum: (value) => ({ minimum: value, exclusiveMinimum: true }),
  exclusiveMaximum: (value) => ({ maximum: value, exclusiveMaximum: true }),
  properties: (value) => ({ properties: mapValues(value, schemaOf) }),
  items: (value) => ({ items: schemaOf(value as Json) }),
  additionalProperties: (value) => ({ additionalProperties: isObject(value) ? schemaOf(value) : value }),
  // 3.0 cannot restrict names of properties; the service still does.
  propertyNames: () => ({}),
};

/** `[x, 'null']` → nullable. */
function typeOf(value: unknown): Json {
  const types = [value].flat();
  const [type, ...others] = types.filter((name) => name !== 'null');
  if (type === undefined || others.length > 0)
    throw new TypeError(`OpenAPI 3.0 has no type ${JSON.stringify(value)}`);
  return types.includes('null') ? { type, nullable: true } : { type };
}

function schemaOf(schema: Json): Json {
  // 3.0 ignores what stands beside a reference, and validators refuse it.
  if (schema.$ref !== undefined) return { $ref: schema.$ref };
  const parts = Object.entries(schema).map(([keyword, value]): Json => {
    if (SAME.has(keyword) || keyword.startsWith('x-')) return { [keyword]: value };
    const change = CHANGED[keyword];
    if (!change) throw new TypeError(`OpenAPI 3.0 has no keyword ${keyword}`);
    return change(value);
  });
  return Object.assign({}, ...parts);
}

/** Changes the schema of every parameter, header and media type below `part`; examples of them are data and stay. */
function withSchemas(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(withSchemas);
  if (!isObject(part)) return part;
  return Object.fromEntries(
    Object.entries(part).map(([key, value]) => {
      if (key === 'example' || key === 'examples') return [key, value];
      if (key === 'schema' && isObject(value)) return [key, schemaOf(value)];
      return [key, withSchemas(value)];
    }),
  );
}

/** 3.0 names a licence by its address only. */
function infoOf(info: Json): Json {
  const { identifier, ...license } = info.license as Json;
  return { ...info, license: { ...license, url: `https://spdx.org/licenses/${identifier}.html` } };
}

/**
 * The same API in OpenAPI 3.0.3.
 * @throws TypeError for a keyword that 3.0 has no word for
 */
export function downgrade(document: object): Json {
  const { openapi: _, info, components, paths, ...rest } = document as Record<string, Json>;
  return {
    openapi: '3.0.3',
    info: infoOf(info as Json),
    ...rest,
    components: { ...components, schemas: mapValues(components?.schemas, schemaOf) },
    paths: withSchemas(paths),
  };
}
