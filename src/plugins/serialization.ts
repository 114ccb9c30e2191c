// The way out: answers are written by fast-json-stringify, as Fastify does by itself, but each schema is built once.
import {
  type RouteDefinition,
  type Serializer,
  SerializerSelector,
} from '@fastify/fast-json-stringify-compiler';
import type { AnySchemaObject } from 'ajv';
import type { FastifyInstance } from 'fastify';
import {
  type CompileOptions,
  createChecker,
  early,
  lazily,
  onceForEach,
  type Schemas,
} from './validation.ts';

type SchemaController = Parameters<FastifyInstance['setSchemaController']>[0];
type SerializerFactory = NonNullable<NonNullable<SchemaController['compilersFactory']>['buildSerializer']>;

export interface SerializationOptions extends CompileOptions {
  /**
   * For tests: an answer that its schema does not fit becomes a 500. fast-json-stringify trusts its caller: where no
   * null is allowed it writes one as "", 0 or false, and where an enum is, any word.
   */
  readonly checkAnswers?: boolean;
}

/** Call it on the root before schemas, plugins and routes are added. */
export function useSerialization(
  app: Pick<FastifyInstance, 'setSchemaController'>,
  { checkAnswers = false, compileEarly = false }: SerializationOptions = {},
): void {
  const when = compileEarly ? early : lazily;
  const buildSerializer: SerializerFactory = (externalSchemas, options) => (route) => {
    const schemas = externalSchemas as Schemas;
    return serializerFor(route, schemas, (needed) =>
      when(() => {
        const serialize = SerializerSelector()(needed(), options)(route);
        return checkAnswers ? checked(serialize, route.schema as AnySchemaObject, schemas) : serialize;
      }),
    );
  };
  app.setSchemaController({ compilersFactory: { buildSerializer } });
}

const built = new WeakMap<AnySchemaObject, Serializer>();

/**
 * One build for each named schema, with only the schemas it needs. Fastify's own compiler hands all schemas to each
 * build, which checks them all again: 300 routes with 180 schemas took 10 s to start, and take 0.5 s so.
 */
function serializerFor(
  route: RouteDefinition,
  schemas: Schemas,
  build: (needed: () => Schemas) => Serializer,
): Serializer {
  const schema = route.schema as AnySchemaObject;
  const needed = () => neededBy(schema, schemas);
  const target = schemas[String(schema.$ref).replace(/#$/, '')];
  if (target === undefined) return build(needed);
  const serialize = built.get(target) ?? build(needed);
  built.set(target, serialize);
  return serialize;
}

function neededBy(schema: AnySchemaObject, schemas: Schemas, needed: Schemas = {}): Schemas {
  for (const [, name = ''] of JSON.stringify(schema).matchAll(/"\$ref":"([^"#]+)/g)) {
    const target = schemas[name];
    if (target === undefined || needed[name] !== undefined) continue;
    needed[name] = target;
    neededBy(target, schemas, needed);
  }
  return needed;
}

const checkerFor = onceForEach((schemas) => {
  const check = createChecker(opened(schemas), {});
  return (schema: AnySchemaObject) => check(opened(schema));
});

function checked(serialize: Serializer, schema: AnySchemaObject, schemas: Schemas): Serializer {
  const check = checkerFor(schemas)(schema);
  return (answer: unknown) => {
    const told = check(JSON.parse(JSON.stringify(answer))).map(
      (error) => `${error.instancePath} ${error.message}`,
    );
    if (told.length > 0) throw new Error(`The answer does not fit its schema: ${told.join(', ')}`);
    return serialize(answer);
  };
}

/** Properties beyond the schema are left out of answers on purpose: that is how rows become answers. */
function opened<Schema>(schema: Schema): Schema {
  return JSON.parse(
    JSON.stringify(schema, (key, value) =>
      key === 'additionalProperties' && value === false ? undefined : value,
    ),
  );
}
