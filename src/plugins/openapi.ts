// The OpenAPI document, made from the routes' schemas, and Swagger UI.
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import type { EndpointConfig } from '../endpoint.ts';
import type { ErrorCode } from '../errors.ts';
import { TAGS } from '../routes/tags-of-document.ts';
import { keepReferenceDescriptions } from '../schemas/helpers.ts';
import { downgrade } from './openapi-3.0.ts';
import { addExamples, bodySchemas, type Schemas } from './openapi-examples.ts';
import { openAnswers } from './openapi-growth.ts';
import { codesOf, completeOperation, type Operation, problemExamples } from './openapi-operation.ts';
import { prefill } from './openapi-prefill.ts';
import { addTitles } from './openapi-titles.ts';

/** A credential for each kind of caller, by the name of the security scheme. */
export interface DocumentTokens {
  bearer: string;
  ops: string;
  customerToken: string;
  /** Known where this installation opened the store itself. */
  publishableKey?: string;
}

export interface OpenApiOptions {
  version: string;
  publicUrl: string;
  /** Filled into Swagger UI; development only. */
  tokens?: DocumentTokens | undefined;
}

/** What this file knows of the document that @fastify/swagger makes. */
interface Document {
  components: { schemas?: Schemas; examples?: Record<string, object> };
  paths: Record<string, Record<string, Operation>>;
}

/** Completes the document with what the endpoints' settings imply; `configs` is keyed by operationId. */
function complete(document: Document, named: object, configs: ReadonlyMap<string, EndpointConfig>): Document {
  const { components, paths } = document;
  const schemas = components.schemas ?? {};
  keepReferenceDescriptions(named, schemas);
  const codes: ErrorCode[] = [];
  for (const operations of Object.values(paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const config = configs.get(operation.operationId);
      if (!config) continue;
      codes.push(...codesOf(method, operation, config));
      operations[method] = prefill(completeOperation(method, operation, config));
    }
  }
  openAnswers(schemas, Object.values(paths).flatMap(Object.values<Operation>));
  addTitles(schemas);
  addExamples(schemas, bodySchemas(paths));
  components.examples = problemExamples(codes);
  return document;
}

/**
 * Runs in the page before Swagger UI: puts the tokens where it keeps those of "Authorize" (`persistAuthorization`); it
 * lets nobody reach it to be told them.
 */
function preauthorize(tokens: DocumentTokens): string {
  const schema = { type: 'http', scheme: 'bearer' };
  const authorized = Object.entries(tokens).map(([name, value]) => [name, { name, schema, value }]);
  const stored = JSON.stringify(JSON.stringify(Object.fromEntries(authorized)));
  return `localStorage.setItem('authorized', ${stored});`;
}

interface PageRequest {
  headers?: Record<string, string>;
}

/** Runs in the page: an Idempotency-Key that is still the example becomes a fresh one, so that a press is a new intent. */
function renewKey(request: PageRequest): PageRequest {
  const example = '0199a3c4-7e1f-7a60-9d39-6f1f3f1f9a11';
  // Browsers have it in secure contexts only.
  if (request.headers?.['Idempotency-Key'] === example && crypto.randomUUID)
    request.headers['Idempotency-Key'] = crypto.randomUUID();
  return request;
}

export const openapi = fp(async (app: FastifyInstance, { version, publicUrl, tokens }: OpenApiOptions) => {
  const configs = new Map<string, EndpointConfig>();
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Clientele',
        version,
        description:
          'Headless customer-relationship service for online stores. Amounts are integer minor units with an ISO 4217 currency, times RFC 3339 in UTC, ids UUID v7, lists keyset pages. Every error is a problem document (RFC 9457) with a `code` that says what to do.',
        license: { name: 'MIT', identifier: 'MIT' },
        contact: { name: 'Clientele', url: publicUrl },
      },
      servers: [{ url: publicUrl, description: 'This service' }],
      tags: TAGS,
      components: {
        securitySchemes: {
          bearer: {
            type: 'http',
            scheme: 'bearer',
            description: 'A staff token (JWT) or a secret API key (`ck_…`).',
          },
          ops: {
            type: 'http',
            scheme: 'bearer',
            description: 'A token for operations (`clientele token --ops`).',
          },
          publishableKey: {
            type: 'http',
            scheme: 'bearer',
            description: "The store's publishable key (`pk_…`).",
          },
          customerToken: {
            type: 'http',
            scheme: 'bearer',
            description: 'The token of one customer (POST /v1/customers/{id}/storefront-tokens).',
          },
        },
      },
    },
    refResolver: { buildLocalReference: (json) => String(json.$id) },
    transform: ({ schema, url, route }) => {
      const config = route.config as EndpointConfig | undefined;
      if (!config?.operationId) return { schema: { ...schema, hide: true }, url };
      configs.set(config.operationId, config);
      return { schema, url };
    },
    transformObject: (made) => {
      const document = 'openapiObject' in made ? made.openapiObject : made.swaggerObject;
      return complete(document as Document, app.getSchemas(), configs) as typeof document;
    },
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: true,
    uiConfig: {
      persistAuthorization: true,
      displayRequestDuration: true,
      docExpansion: 'none',
      // The list of all schemas stays closed: drawing its hundreds of lines makes every click wait.
      defaultModelsExpandDepth: 0,
      tryItOutEnabled: true,
      deepLinking: true,
      requestInterceptor: renewKey,
    },
    theme: {
      title: 'Clientele API',
      ...(tokens && { js: [{ filename: 'preauthorize.js', content: preauthorize(tokens) }] }),
    },
  });
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  app.get('/openapi-3.0.json', { schema: { hide: true } }, async () => downgrade(app.swagger()));
});
