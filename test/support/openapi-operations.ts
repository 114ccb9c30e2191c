// The OpenAPI document as data for tests: what is written once here is checked for every operation there will be.
import type { FastifyInstance } from 'fastify';
import type { Scope } from '../../src/domain/scopes.ts';

/** The part of JSON Schema that the document uses. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  pattern?: string;
  enum?: unknown[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  examples?: unknown[];
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  exclusiveMinimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
  uniqueItems?: boolean;
  minProperties?: number;
  maxProperties?: number;
}

export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required?: boolean;
  schema: Schema;
  example?: unknown;
}

interface Content {
  [mediaType: string]: { schema?: Schema; example?: unknown; examples?: Record<string, object> };
}

export interface Responses {
  [status: string]: { headers?: Record<string, object>; content?: Content };
}

interface DocumentedOperation {
  operationId: string;
  tags: string[];
  'x-scope'?: Scope;
  security?: Record<string, unknown>[];
  parameters?: Parameter[];
  requestBody?: { content: Content };
  responses: Responses;
}

export interface OpenApiDocument {
  components: { schemas: Record<string, Schema> };
  paths: Record<string, Record<string, DocumentedOperation>>;
}

/** Whose credential an operation asks for. */
export type CallerZone = 'staff' | 'storefront' | 'customer' | 'ops' | 'public';

export interface Operation {
  /** The operationId. */
  name: string;
  /** The group that it is in. */
  tag: string;
  /** In capitals. */
  method: string;
  path: string;
  scope: Scope | undefined;
  zone: CallerZone;
  parameters: Parameter[];
  /** Schema of the JSON body; undefined where none is read. */
  body: Schema | undefined;
  /** Example of the body that is the operation's own, and not its schema's. */
  bodyExample: unknown;
  /** The answer never ends by itself. */
  isStream: boolean;
  responses: Responses;
}

/** The document of an app, as its readers get it. */
export const documentOf = (app: FastifyInstance): OpenApiDocument =>
  JSON.parse(JSON.stringify(app.swagger()));

const ZONES: Readonly<Record<string, CallerZone>> = {
  bearer: 'staff',
  publishableKey: 'storefront',
  customerToken: 'customer',
  ops: 'ops',
};

function zoneOf(security: DocumentedOperation['security'] = []): CallerZone {
  const [scheme = ''] = Object.keys(security[0] ?? {});
  return ZONES[scheme] ?? 'public';
}

/** Every operation of a document, in its order. */
export const operationsOf = ({ paths }: OpenApiDocument): Operation[] =>
  Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({
      name: operation.operationId,
      tag: operation.tags[0] ?? '',
      method: method.toUpperCase(),
      path,
      scope: operation['x-scope'],
      zone: zoneOf(operation.security),
      parameters: operation.parameters ?? [],
      body: operation.requestBody?.content['application/json']?.schema,
      bodyExample: operation.requestBody?.content['application/json']?.example,
      isStream: operation.responses['200']?.content?.['text/event-stream'] !== undefined,
      responses: operation.responses,
    })),
  );

/** The schema itself, where another one refers to it. */
export function resolveSchema({ components }: OpenApiDocument, schema: Schema): Schema {
  if (schema.$ref === undefined) return schema;
  const name = schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1);
  const target = components.schemas[name];
  if (target === undefined) throw new Error(`No schema of the name ${name}`);
  return target;
}

/** A body that fits: the example of its schema, which nobody else changes. */
export const exampleBody = (document: OpenApiDocument, schema: Schema): Record<string, unknown> =>
  structuredClone((resolveSchema(document, schema).examples?.[0] ?? {}) as Record<string, unknown>);

export const ANY_ID = '0199a3c4-7e1f-7a60-9d39-6f1f3f1f9a11';

/** The path with these ids; a parameter that is not among them gets a UUID. */
export const pathWith = (path: string, ids: Readonly<Record<string, string>> = {}): string =>
  path.replace(/\{(\w+)\}/g, (_, name) => ids[name] ?? ANY_ID);

/** The query parameters that have to be there, with their examples; empty or with the question mark. */
export const requiredQuery = (parameters: readonly Parameter[]): string =>
  queryOf(parameters.filter(({ required }) => required));

/** The query parameters that Swagger UI fills in, whether they have to be there or not. */
export const prefilledQuery = (parameters: readonly Parameter[]): string =>
  queryOf(parameters.filter(({ example }) => example !== undefined));

function queryOf(parameters: readonly Parameter[]): string {
  const required = parameters.filter((parameter) => parameter.in === 'query');
  const values = required.flatMap(({ name, schema, example }) =>
    [example ?? schema.examples?.[0]].flat().map((value): [string, string] => [name, String(value)]),
  );
  return values.length > 0 ? `?${new URLSearchParams(values)}` : '';
}
