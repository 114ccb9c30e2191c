// The schema door: how Fastify checks body, query, path and headers against the contract. Nothing is dropped and
// nothing is guessed: only query and path, which are text, become numbers, booleans and lists.
import { Ajv, type AnySchemaObject, type ErrorObject, type Options } from 'ajv';
import type { FastifyInstance, FastifySchemaValidationError } from 'fastify';
import { jsonPointer } from '../domain/json-pointer.ts';
import { issueFor, type Part } from './validation-messages.ts';

type SchemaController = Parameters<FastifyInstance['setSchemaController']>[0];
type ValidatorFactory = NonNullable<NonNullable<SchemaController['compilersFactory']>['buildValidator']>;
export type Schemas = Record<string, AnySchemaObject>;
type Sent = Record<string, unknown>;
type Check = (data: unknown) => ErrorObject[];

/** Mistakes told to the caller at once. */
export const MAX_REPORTED = 20;

/** One mistake: in which part of the request, where in it (RFC 6901; `/limit` for a parameter), and what to do. */
export interface InvalidPart {
  readonly in: Part;
  readonly pointer: string;
  readonly message: string;
}

/** When schemas are compiled. */
export interface CompileOptions {
  /**
   * All at the start, which a slip in a schema then stops; for tests. Otherwise each at its first use: compiling what
   * three hundred routes take and answer is a second of every start, and most processes serve a few of them.
   */
  readonly compileEarly?: boolean;
}

/** Makes Fastify validate by this file; call it on the root before schemas, plugins and routes are added. */
export function useValidation(
  app: Pick<FastifyInstance, 'setSchemaController'>,
  { compileEarly = false }: CompileOptions = {},
): void {
  const buildValidator = onceForEach((schemas) => validatorsFor(schemas, compileEarly ? early : lazily));
  // Fastify's type allows Ajv's own functions only; a function that answers true or { error } is its documented way.
  app.setSchemaController({ compilersFactory: { buildValidator: buildValidator as ValidatorFactory } });
}

const PARTS: Record<string, Part> = {
  body: 'body',
  querystring: 'query',
  params: 'path',
  headers: 'headers',
};

function partOf(context: string | undefined): Part {
  return PARTS[context ?? ''] ?? 'body';
}

/** What the error handler tells of Fastify's `error.validation` and `error.validationContext`. */
export function describeValidation(
  validation: readonly FastifySchemaValidationError[],
  context: string | undefined,
): InvalidPart[] {
  return validation.map(({ instancePath, message = 'is not valid' }) => ({
    in: partOf(context),
    pointer: instancePath,
    message,
  }));
}

function validatorsFor(schemas: Schemas, when: When) {
  // Defaults fill query and path only: in a merge-patch body an absent member means "keep" (RFC 7396).
  const checkAsSent = createChecker(schemas, {});
  const checkAndFill = createChecker(schemas, { useDefaults: true });
  return (route: { schema: AnySchemaObject; httpPart?: string }) => {
    const part = partOf(route.httpPart);
    if (part === 'body' || part === 'headers') return when(() => verdict(checkAsSent(route.schema), part));
    return when(() => {
      const coerce = coercion(route.schema, schemas);
      const validate = verdict(checkAndFill(route.schema), part);
      return (parameters: Sent) => refuseNul(parameters) ?? validate(coerce(parameters));
    });
  };
}

/** When a function is made that is about to be needed. */
export type When = <Given, Result>(make: () => (given: Given) => Result) => (given: Given) => Result;

export const early: When = (make) => make();

/** At its first call. */
export const lazily: When = (make) => {
  let made: ReturnType<typeof make> | undefined;
  return (given) => {
    made ??= make();
    return made(given);
  };
};

/** Fastify asks again at every route of the instance that owns the schemas and once for each below it. */
export function onceForEach<Built>(build: (schemas: Schemas) => Built): (schemas: Schemas) => Built {
  let last: { schemas: Schemas; built: Built } | undefined;
  return (schemas) => {
    if (last === undefined || !isSame(last.schemas, schemas)) last = { schemas, built: build(schemas) };
    return last.built;
  };
}

function isSame(left: Schemas, right: Schemas): boolean {
  const names = Object.keys(left);
  return names.length === Object.keys(right).length && names.every((name) => left[name] === right[name]);
}

function verdict(check: Check, part: Part) {
  return (data: unknown): true | { error: FastifySchemaValidationError[] } => {
    const errors = check(data);
    return errors.length === 0 ? true : { error: issuesFrom(errors, part) };
  };
}

function issuesFrom(errors: readonly ErrorObject[], part: Part): FastifySchemaValidationError[] {
  const issues = new Map<string, FastifySchemaValidationError>();
  for (const error of errors) {
    const issue = issueFor(error, part);
    const known = issues.get(issue.instancePath);
    // One message for each place; the one that lists the accepted values says more than the one about the type.
    if (known === undefined || (known.keyword === 'type' && issue.keyword === 'enum')) {
      issues.set(issue.instancePath, issue);
    }
  }
  return [...issues.values()].slice(0, MAX_REPORTED);
}

// Two compilations of each schema. The verdict stops at the first mistake, so that hostile input costs no more than
// good input; only a schema that said no is compiled again, once, to list the mistakes. Ajv's allErrors alone has no
// bound: a megabyte of unknown properties makes 150,000 error objects, and uniqueItems compares all pairs of a list
// that is already too long.

const MAX_COLLECTED = 100;

/** Annotations of OpenAPI and @fastify/swagger; any other unknown keyword is a slip of the pen and stops the start. */
const ANNOTATIONS = ['example', 'x-examples', 'x-consume', 'style', 'explode', 'allowReserved'];

const FORMATS: NonNullable<Options['formats']> = {
  uuid: /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i,
  date: isDate,
  'date-time': isDateTime,
  email: /^[^\s@]+@[^\s@]+$/,
  uri: isAbsoluteUri,
  binary: true,
  int64: true,
};

/** Compiles schemas, which may refer to the given ones, to functions that list the mistakes in a value. */
export function createChecker(schemas: Schemas, options: Options) {
  const deciding = createAjv(schemas, { strict: true, discriminator: true, ...options });
  let collecting: Ajv | undefined;
  return (schema: AnySchemaObject): Check => {
    const decide = deciding.compile(schema);
    return (data) => {
      if (decide(data)) return [];
      const first = decide.errors ?? [];
      collecting ??= createCollector(schemas);
      const all = collect(collecting, schema, data);
      return explainUnions(collecting, all.length > 0 ? all : first);
    };
  };
}

function createAjv(schemas: Schemas, options: Options): Ajv {
  // Draft-07, as @fastify/swagger and fast-json-stringify read it; the keywords we use mean the same in 2020-12.
  const ajv = new Ajv({ verbose: true, addUsedSchema: false, formats: FORMATS, ...options });
  ajv.addVocabulary(ANNOTATIONS);
  for (const schema of Object.values(schemas)) ajv.addSchema(schema);
  return ajv;
}

function createCollector(schemas: Schemas): Ajv {
  const code = { process: throwWhenFull };
  const ajv = createAjv({}, { strict: false, allErrors: true, validateSchema: false, code });
  // Not looked at again: uniqueItems for its cost, discriminator because the branches of oneOf explain it better.
  ajv.removeKeyword('uniqueItems').addVocabulary(['uniqueItems', 'discriminator']);
  for (const schema of Object.values(schemas)) ajv.addSchema(schema);
  return ajv;
}

/** Ajv has no limit of errors, but lets us edit the code it makes: a full list is thrown. The verdict is in already. */
function throwWhenFull(code: string): string {
  const throwing = `if(vErrors.length>=${MAX_COLLECTED})throw vErrors;`;
  return code.replace(/vErrors\.push\(\w+\);|vErrors\.concat\([\w.]+\);/g, (growing) => growing + throwing);
}

function collect(collecting: Ajv, schema: AnySchemaObject, data: unknown): ErrorObject[] {
  const validate = collecting.compile(schema);
  try {
    validate(data);
    return validate.errors ?? [];
  } catch (thrown) {
    if (Array.isArray(thrown)) return thrown;
    throw thrown;
  }
}

// Unions: the mistakes of every branch together help nobody, so only those of the branch that was meant are told.

function explainUnions(collecting: Ajv, errors: readonly ErrorObject[]): ErrorObject[] {
  let told: ErrorObject[] = [];
  for (const error of errors) {
    if (error.keyword !== 'anyOf' && error.keyword !== 'oneOf') told.push(error);
    else {
      told = told.filter(({ instancePath }) => !`${instancePath}/`.startsWith(`${error.instancePath}/`));
      told.push(...explainUnion(collecting, error));
    }
  }
  return told;
}

function explainUnion(collecting: Ajv, error: ErrorObject): ErrorObject[] {
  const branches = error.schema as AnySchemaObject[];
  const attempts = branches.map((branch) =>
    explainUnions(collecting, collect(collecting, branch, error.data)),
  );
  const candidates = attempts.filter(
    (mistakes) => !mistakes.some((mistake) => isWrongTag(mistake) || isWrongType(mistake)),
  );
  const meant =
    candidates.length > 0 ? sharedOrFewest(candidates) : oneTagError(attempts.flat().filter(isWrongTag));
  if (meant.length === 0) return [error];
  return meant.map((mistake) => ({ ...mistake, instancePath: error.instancePath + mistake.instancePath }));
}

/** What is wrong whichever branch was meant; where nothing is, the mistakes of the branch that fits best. */
function sharedOrFewest(candidates: readonly ErrorObject[][]): ErrorObject[] {
  const [fewest = [], ...others] = candidates.toSorted((left, right) => left.length - right.length);
  const shared = fewest.filter((mistake) =>
    others.every((mistakes) => mistakes.some((other) => isEqual(mistake, other))),
  );
  return shared.length > 0 ? shared : fewest;
}

function isEqual(left: ErrorObject, right: ErrorObject): boolean {
  return (
    left.instancePath === right.instancePath &&
    left.keyword === right.keyword &&
    JSON.stringify(left.params) === JSON.stringify(right.params)
  );
}

/** The member that tells the branches of a union apart has another value. */
function isWrongTag({ keyword, instancePath, schema }: ErrorObject): boolean {
  const isTag = keyword === 'const' || (keyword === 'enum' && Array.isArray(schema) && schema.length === 1);
  return isTag && instancePath.split('/').length === 2;
}

function isWrongType({ keyword, instancePath }: ErrorObject): boolean {
  return keyword === 'type' && instancePath === '';
}

function oneTagError(wrongTags: readonly ErrorObject[]): ErrorObject[] {
  const [first] = wrongTags;
  if (first === undefined) return [];
  const allowedValues = wrongTags.flatMap(({ params }) => params.allowedValues ?? [params.allowedValue]);
  return [{ ...first, keyword: 'enum', params: { allowedValues } }];
}

// Query and path arrive as text.

type Coerce = (value: unknown) => unknown;

/**
 * Decimal digits become numbers, "true" and "false" booleans, one value of a repeatable parameter a list. Ajv's own
 * coercion was rejected: it turns "" into null, " 12 ", "0x10" and "1e3" into numbers and unpacks lists.
 */
function coercion(schema: AnySchemaObject, schemas: Schemas): (parameters: Sent) => Sent {
  const coercions: [string, Coerce][] = [];
  for (const [name, property] of Object.entries<AnySchemaObject>(resolve(schema, schemas).properties ?? {})) {
    const coerce = coerceBy(property, schemas);
    if (coerce !== undefined) coercions.push([name, coerce]);
  }
  return (parameters) => {
    for (const [name, coerce] of coercions) {
      if (parameters[name] !== undefined) parameters[name] = coerce(parameters[name]);
    }
    return parameters;
  };
}

function coerceBy(property: AnySchemaObject, schemas: Schemas): Coerce | undefined {
  const schema = resolve(property, schemas);
  const types: unknown[] = [schema.type].flat();
  if (types.includes('string')) return undefined;
  if (types.includes('array')) {
    const coerceItem = coerceBy(schema.items ?? {}, schemas) ?? ((item) => item);
    return (value) => [value].flat().map(coerceItem);
  }
  if (types.includes('integer') || types.includes('number')) return toNumber;
  if (types.includes('boolean')) return toBoolean;
  return undefined;
}

function resolve(schema: AnySchemaObject, schemas: Schemas): AnySchemaObject {
  return schemas[String(schema.$ref).replace(/#$/, '')] ?? schema;
}

function toNumber(value: unknown): unknown {
  if (typeof value !== 'string' || !/^-?(?:0|[1-9]\d*)(?:\.\d+)?$/.test(value)) return value;
  return Math.abs(Number(value)) > Number.MAX_SAFE_INTEGER ? value : Number(value);
}

function toBoolean(value: unknown): unknown {
  if (value === 'true') return true;
  return value === 'false' ? false : value;
}

/** %00 in an address: Postgres cannot hold it in text, so it must not get further than here. */
function refuseNul(parameters: Sent): { error: FastifySchemaValidationError[] } | undefined {
  const names = Object.keys(parameters).filter((name) => `${name}${parameters[name]}`.includes('\0'));
  if (names.length === 0) return undefined;
  const error = names.slice(0, MAX_REPORTED).map((name) => ({
    keyword: 'nul',
    instancePath: jsonPointer([name.replaceAll('\0', '')]),
    schemaPath: '',
    params: {},
    message: 'holds a NUL character: remove it',
  }));
  return { error };
}

// Formats: what JavaScript's Date and Postgres both hold.

function isDate(text: string): boolean {
  return /^(?!0000)\d{4}-\d\d-\d\d$/.test(text) && isoTextOf(`${text}T00:00:00Z`).startsWith(text);
}

const TIME_AND_ZONE = /^T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-](?:0\d|1[0-5]):[0-5]\d)$/;

/** RFC 3339 in capitals with a zone; no leap second (Date has none), no zone beyond ±15:59 (Postgres has none). */
function isDateTime(text: string): boolean {
  return (
    isDate(text.slice(0, 10)) && TIME_AND_ZONE.test(text.slice(10)) && /^(?!0000)\d{4}-/.test(isoTextOf(text))
  );
}

function isoTextOf(text: string): string {
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString();
}

function isAbsoluteUri(text: string): boolean {
  return /^[a-z][a-z\d+.-]*:[^\s<>"{}|\\^`]+$/i.test(text) && URL.canParse(text);
}
