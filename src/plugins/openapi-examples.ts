// Examples of whole bodies, put together from the examples of their properties, so that nobody writes them twice.

/** A JSON Schema, as far as examples and titles need it. */
export interface Schema {
  $ref?: string;
  title?: string;
  type?: string | string[];
  format?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: boolean | Schema;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  examples?: unknown[];
  minimum?: number;
  pattern?: string;
}

export type Schemas = Record<string, Schema>;

const BY_FORMAT: Readonly<Record<string, string>> = {
  uuid: '0199a3c4-7e1f-7a60-9d39-6f1f3f1f9a11',
  'date-time': '2026-01-31T09:30:00.000Z',
  date: '2026-01-31',
  email: 'ada@example.com',
  uri: 'https://shop.example.com',
};

const nameOf = (ref: string): string => ref.slice(ref.lastIndexOf('/') + 1);

/**
 * A value that fits the schema; undefined where the schema tells too little. A named schema with `examples` of its own
 * keeps them.
 */
export function exampleOf(schema: Schema, schemas: Schemas, within: readonly string[] = []): unknown {
  if (schema.$ref !== undefined) {
    const name = nameOf(schema.$ref);
    const target = schemas[name];
    return target === undefined || within.includes(name)
      ? undefined
      : exampleOf(target, schemas, [...within, name]);
  }
  const given = [schema.const, schema.examples?.[0], schema.default, schema.enum?.[0]];
  const found = given.find((value) => value !== undefined);
  return found ?? exampleOfType(schema, schemas, within);
}

function exampleOfType(schema: Schema, schemas: Schemas, within: readonly string[]): unknown {
  const [type] = [schema.type].flat();
  if (type === 'object') return exampleOfObject(schema, schemas, within);
  if (type === 'array') return exampleOfArray(schema, schemas, within);
  if (type === 'boolean') return true;
  if (type === 'integer' || type === 'number') return schema.minimum ?? 1;
  return BY_FORMAT[schema.format ?? ''];
}

function exampleOfObject(schema: Schema, schemas: Schemas, within: readonly string[]): object {
  const entries = Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const isRequired = schema.required?.includes(name) ?? false;
    return [name, exampleOf(property, schemas, within) ?? (isRequired ? 'text' : undefined)] as const;
  });
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

function exampleOfArray({ items }: Schema, schemas: Schemas, within: readonly string[]): unknown[] {
  const item = items && exampleOf(items, schemas, within);
  return item === undefined ? [] : [item];
}

/** Gives each of the named object schemas an example of its own. */
export function addExamples(schemas: Schemas, names: Iterable<string>): void {
  for (const name of new Set(names)) {
    const schema = schemas[name];
    if (schema?.type === 'object') schema.examples = [exampleOf(schema, schemas, [name])];
  }
}

/** Names of the schemas that stand directly as a body in a part of the document. */
export function bodySchemas(part: unknown): string[] {
  if (typeof part !== 'object' || part === null) return [];
  return Object.entries(part).flatMap(([key, value]) =>
    key === 'schema' && typeof value?.$ref === 'string' ? [nameOf(value.$ref)] : bodySchemas(value),
  );
}
