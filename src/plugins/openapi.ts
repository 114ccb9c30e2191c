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
import { codesOf, completeOperation, type Operation, problemExamples } from './openapi-operation.ts';

export interface OpenApiOptions {
  version: string;
  publicUrl: string;
  /** Filled into Swagger UI; development only. */
  token?: string | undefined;
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
      codes.push(...codesOf(operation, config));
      operations[method] = completeOperation(operation, config);
    }
  }
  addExamples(schemas, bodySchemas(paths));
  components.examples = problemExamples(codes);
  return document;
}

/** Runs in the page: puts the token into every "Authorize" field once Swagger UI is ready. */
const preauthorize = (token: string): string => `
window.addEventListener('load', function () {
  var timer = setInterval(function () {
    if (!window.ui || !document.querySelector('.opblock')) return;
    clearInterval(timer);
    window.ui.preauthorizeApiKey('bearer', ${JSON.stringify(token)});
  }, 100);
});`;

export const openapi = fp(async (app: FastifyInstance, { version, publicUrl, token }: OpenApiOptions) => {
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
      tryItOutEnabled: true,
      deepLinking: true,
    },
    theme: {
      title: 'Clientele API',
      ...(token && { js: [{ filename: 'preauthorize.js', content: preauthorize(token) }] }),
    },
  });
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  app.get('/openapi-3.0.json', { schema: { hide: true } }, async () => downgrade(app.swagger()));
});
