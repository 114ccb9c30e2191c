// What a schema mistake is called when we tell people: where it is, what belongs there, never what was sent.
import type { AnySchemaObject, ErrorObject } from 'ajv';
import type { FastifySchemaValidationError } from 'fastify';
import { jsonPointer } from '../domain/json-pointer.ts';
import { nearest } from '../domain/nearest.ts';

export type Part = 'body' | 'query' | 'path' | 'headers';

const MOST_NAMES = 40;

/** An Ajv error (made with `verbose`) as Fastify carries it; the sent data, which may be a customer's, stays out. */
export function issueFor(error: ErrorObject, part: Part): FastifySchemaValidationError {
  const { keyword, schemaPath } = error;
  return {
    keyword,
    schemaPath,
    instancePath: pointerFor(error),
    params: {},
    message: messageFor(error, part),
  };
}

function pointerFor({ instancePath, keyword, params, propertyName }: ErrorObject): string {
  const name = nameIn(keyword, params) ?? propertyName;
  return name === undefined ? instancePath : instancePath + jsonPointer([name]);
}

/** Some keywords blame the object for a property: we point at the property. */
function nameIn(keyword: string, params: ErrorObject['params']): string | undefined {
  if (keyword === 'required') return params.missingProperty;
  if (keyword === 'additionalProperties') return params.additionalProperty;
  if (keyword === 'propertyNames') return params.propertyName;
  return keyword === 'discriminator' ? params.tag : undefined;
}

function messageFor(error: ErrorObject, part: Part): string {
  const message = MESSAGES[error.keyword]?.(error, part) ?? error.message ?? 'is not valid';
  return error.propertyName === undefined ? message : `has a name that ${message}`;
}

const MESSAGES: Record<string, (error: ErrorObject, part: Part) => string> = {
  required: () => 'is required',
  dependencies: ({ params }) => `needs ${JSON.stringify(params.missingProperty)} too`,
  additionalProperties: unknownProperty,
  propertyNames: () => 'has a name that is not allowed',
  type: wrongType,
  enum: ({ params, data }) => wrongValue(params.allowedValues, data),
  const: ({ params }) => wrongValue([params.allowedValue], undefined),
  discriminator: () => 'is not a known kind',
  anyOf: () => 'has none of the forms that are allowed here',
  oneOf: ({ params }) =>
    params.passingSchemas === null
      ? 'has none of the forms that are allowed here'
      : 'has more than one of the forms of which one is allowed here',
  minimum: ({ params }) => `must be at least ${params.limit}`,
  maximum: ({ params }) => `must be at most ${params.limit}`,
  exclusiveMinimum: ({ params }) => `must be more than ${params.limit}`,
  exclusiveMaximum: ({ params }) => `must be less than ${params.limit}`,
  multipleOf: ({ params }) => `must be a multiple of ${params.multipleOf}`,
  minLength: ({ params }) =>
    params.limit === 1 ? 'must not be empty' : `must have at least ${count(params.limit, 'character')}`,
  maxLength: ({ params }) => `must have at most ${count(params.limit, 'character')}`,
  pattern: ({ params, parentSchema }) => `must match the pattern ${params.pattern}${exampleIn(parentSchema)}`,
  format: ({ params }) => `must be ${FORMATS[params.format] ?? params.format}`,
  minItems: ({ params }) => `must have at least ${count(params.limit, 'item')}`,
  maxItems: ({ params }) => `must have at most ${count(params.limit, 'item')}`,
  uniqueItems: ({ params }) =>
    `must not repeat an item: ${[params.i, params.j].toSorted((left, right) => left - right).join(' and ')} are equal`,
  minProperties: ({ params }) => `must have at least ${count(params.limit, 'property', 'properties')}`,
  maxProperties: ({ params }) => `must have at most ${count(params.limit, 'property', 'properties')}`,
  'false schema': () => 'is not allowed',
  not: () => 'is not allowed',
};

const FORMATS: Record<string, string> = {
  uuid: 'a UUID such as 0190a5c2-7b1e-7abc-8def-0123456789ab',
  date: 'a calendar date such as 2026-01-31',
  'date-time': 'a date and time with a zone (RFC 3339) such as 2026-01-31T09:30:00Z',
  email: 'an email address such as ada@example.com',
  uri: 'an absolute address such as https://example.com/path',
};

function count(amount: number, one: string, many = `${one}s`): string {
  return `${amount} ${amount === 1 ? one : many}`;
}

function unknownProperty({ params, parentSchema }: ErrorObject, part: Part): string {
  const kind = part === 'query' ? 'parameter' : 'property';
  const known = Object.keys(parentSchema?.properties ?? {});
  const meant = nearest(params.additionalProperty, known);
  if (meant !== undefined) return `is not a known ${kind}: did you mean ${JSON.stringify(meant)}?`;
  if (known.length === 0) return `is not a known ${kind}: none is allowed here`;
  return `is not a known ${kind}: known here ${known.length === 1 ? 'is' : 'are'} ${listed(known)}`;
}

function wrongValue(allowed: readonly unknown[], sent: unknown): string {
  const texts = allowed.filter((value) => typeof value === 'string');
  const meant = typeof sent === 'string' ? nearest(sent, texts) : undefined;
  const suggestion = meant === undefined ? '' : `: did you mean ${JSON.stringify(meant)}?`;
  return `must be ${allowed.length === 1 ? '' : 'one of '}${listed(allowed)}${suggestion}`;
}

function listed(values: readonly unknown[]): string {
  const names = values.slice(0, MOST_NAMES).map((value) => JSON.stringify(value));
  return names.join(', ') + (values.length > MOST_NAMES ? ` and ${values.length - MOST_NAMES} more` : '');
}

const TYPES: Record<string, string> = {
  string: 'a string',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  array: 'an array',
  null: 'null',
};

function wrongType({ params, data, instancePath }: ErrorObject, part: Part): string {
  if (part === 'body' && instancePath === '' && data === null) {
    return 'is required: send a JSON document with Content-Type: application/json';
  }
  const wanted = [params.type].flat().map((type: string) => TYPES[type] ?? type);
  // A parameter is text or, when repeated, a list: naming its type would not help.
  if (part !== 'body') return Array.isArray(data) ? 'must be given once' : `must be ${wanted.join(' or ')}`;
  const isFraction = typeof data === 'number' && wanted.includes('a whole number');
  return `must be ${wanted.join(' or ')}${isFraction ? '' : `, not ${typeNameOf(data)}`}`;
}

function typeNameOf(data: unknown): string {
  if (data === null) return 'null';
  if (typeof data === 'boolean') return 'a boolean';
  return TYPES[Array.isArray(data) ? 'array' : typeof data] ?? typeof data;
}

function exampleIn(schema: AnySchemaObject | undefined): string {
  const example: unknown = schema?.examples?.[0] ?? schema?.example;
  return typeof example === 'string' ? ` (for example ${JSON.stringify(example)})` : '';
}
