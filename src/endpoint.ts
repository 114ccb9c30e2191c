// One way to declare an operation: schema, scope, documentation and the one call it makes. Every route uses it, so that
// status, ETag, If-Match, idempotency, errors and OpenAPI are the same everywhere.
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import type { Static, TObject, TSchema } from 'typebox';
import type { Ctx } from './context.ts';
import type { Scope } from './domain/scopes.ts';
import { type ErrorCode, Problem } from './errors.ts';

/** Who may call an operation. */
export type Zone = 'staff' | 'storefront' | 'ops' | 'public';

export interface EndpointConfig {
  zone: Zone;
  scope?: Scope;
  /** Of the storefront: only with the token of a customer, whom `ctx.customerId` names. */
  customer?: boolean;
  /** Takes the credential as the password of HTTP Basic too, for senders that know nothing else. */
  basic?: boolean;
  operationId: string;
  refuses: readonly ErrorCode[];
  idempotency: 'required' | 'optional' | 'none';
  /** The answer names a path in its Location header. */
  hasLocation: boolean;
  /** A multipart form that the handler reads as a stream; it is documented, not validated. */
  form?: TSchema;
}

declare module 'fastify' {
  interface FastifyContextConfig extends Partial<EndpointConfig> {}
  interface FastifyRequest {
    /** The action context; there for staff and storefront. */
    ctx: Ctx;
  }
}

interface Input<P, Q, B> {
  params: P;
  query: Q;
  body: B;
  /** Version named by If-Match; undefined when the client did not ask for a check. */
  ifMatch: number | undefined;
  request: FastifyRequest;
  reply: FastifyReply;
}

export interface Endpoint<P extends TSchema, Q extends TSchema, B extends TSchema> {
  method: HTTPMethods;
  url: string;
  /** Name of the operation in every generated client; the same words as the action. */
  operationId: string;
  tag: string;
  summary: string;
  description: string;
  /** Missing in zones where the credential alone decides. */
  scope?: Scope;
  zone?: Zone;
  /** Of the storefront: only with the token of a customer, whom `ctx.customerId` names. */
  customer?: boolean;
  /** Takes the credential as the password of HTTP Basic too, for senders that know nothing else. */
  basic?: boolean;
  params?: P;
  query?: Q;
  body?: B;
  /** Status and schema of the answer; `null` for 204. */
  returns: { [status: number]: TSchema | null };
  /** Media types other than JSON that the answer can have, for the document. */
  produces?: readonly string[];
  consumes?: readonly string[];
  /** A multipart form that the handler reads as a stream; it is documented, not validated. */
  form?: TSchema;
  /** Codes that this operation adds to those every operation has. */
  refuses?: readonly ErrorCode[];
  idempotency?: 'required' | 'optional' | 'none';
  bodyLimit?: number;
  /** The answer has more in it than its version knows of, so it is never `304`. */
  alwaysFresh?: boolean;
  /** The handler gets bodies that do not fit, with `request.validationError`: for batches with a result per item. */
  takesInvalid?: boolean;
  /** Path of the created or started thing, for the Location header. */
  location?: (result: never) => string;
  handle: (ctx: Ctx, input: Input<Static<P>, Static<Q>, Static<B>>) => unknown;
}

const EMPTY: TObject = { type: 'object', additionalProperties: false, properties: {} } as never;

const WITHOUT_BODY: Readonly<Record<string, string>> = {
  301: 'Moved for good to the path in the Location header.',
  302: 'On to the address in the Location header.',
  304: 'Still the version that If-None-Match names.',
};

function schemaOf(endpoint: Endpoint<TSchema, TSchema, TSchema>): Record<string, unknown> {
  const { returns, params, body, produces, consumes } = endpoint;
  return {
    operationId: endpoint.operationId,
    tags: [endpoint.tag],
    summary: endpoint.summary,
    description: endpoint.description,
    querystring: endpoint.query ?? EMPTY,
    ...(params && { params }),
    ...(body && { body }),
    ...(produces && { produces }),
    ...(consumes && { consumes }),
    response: Object.fromEntries(
      Object.entries(returns).map(([status, schema]) => [
        status,
        schema ?? { type: 'null', description: WITHOUT_BODY[status] ?? 'Done; no content.' },
      ]),
    ),
  };
}

/** `"7"` → 7. A weak or foreign tag never matches, so it is read as version 0. */
function versionOf(ifMatch: string | undefined): number | undefined {
  if (ifMatch === undefined || ifMatch === '*') return undefined;
  const match = /^"(\d{1,9})"$/.exec(ifMatch.trim());
  return match ? Number(match[1]) : 0;
}

const isVersioned = (value: unknown): value is { version: number } =>
  typeof value === 'object' && value !== null && typeof (value as { version?: unknown }).version === 'number';

/** Whether the caller has this version already (If-None-Match). */
export function isUnchanged(request: FastifyRequest, etag: string): boolean {
  const given = request.headers['if-none-match'];
  if (request.method !== 'GET' || given === undefined) return false;
  return given === '*' || given.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
}

/** Registers one operation on `app`. */
export function endpoint<
  P extends TSchema = TObject,
  Q extends TSchema = TObject,
  B extends TSchema = TObject,
>(app: FastifyInstance, definition: Endpoint<P, Q, B>): void {
  const { method, url, handle, returns, location } = definition;
  const status = Number(Object.keys(returns)[0]);
  const zone = definition.zone ?? 'staff';
  const config: EndpointConfig = {
    zone,
    operationId: definition.operationId,
    refuses: definition.refuses ?? [],
    idempotency: definition.idempotency ?? (method === 'POST' ? 'optional' : 'none'),
    hasLocation: location !== undefined,
    ...(definition.scope && { scope: definition.scope }),
    ...(definition.customer && { customer: true }),
    ...(definition.basic && { basic: true }),
    ...(definition.form && { form: definition.form }),
  };
  app.route({
    method,
    url,
    schema: schemaOf(definition as never),
    config,
    ...(definition.bodyLimit && { bodyLimit: definition.bodyLimit }),
    ...(definition.takesInvalid && { attachValidation: true }),
    handler: async (request, reply) => {
      const result = await handle(request.ctx, {
        params: request.params as Static<P>,
        query: request.query as Static<Q>,
        body: request.body as Static<B>,
        ifMatch: versionOf(request.headers['if-match']),
        request,
        reply,
      });
      if (reply.sent || result === reply) return reply;
      if (request.ctx?.idempotency?.replayed) reply.header('idempotency-replayed', 'true');
      if (isVersioned(result)) {
        const etag = `"${result.version}"`;
        reply.header('etag', etag);
        if (!definition.alwaysFresh && isUnchanged(request, etag)) return reply.code(304).send();
      }
      if (location) reply.header('location', location(result as never));
      // A handler that chose another status of `returns` (201 of a PUT that created) keeps it.
      if (reply.statusCode === 200) reply.code(status);
      return returns[status] === null ? null : result;
    },
  });
}

/** Throws when the thing does not exist in this store; foreign ids answer the same way. */
export function found<T>(value: T | undefined | null, what: string): T {
  if (value === undefined || value === null) throw new Problem('NOT_FOUND', { resource: what });
  return value;
}
