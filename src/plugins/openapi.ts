// The OpenAPI document, made from the routes' schemas, and Swagger UI.
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import type { EndpointConfig } from '../endpoint.ts';
import { ERRORS, type ErrorCode } from '../errors.ts';
import { TAGS } from '../routes/tags-of-document.ts';

export interface OpenApiOptions {
  version: string;
  publicUrl: string;
  /** Filled into Swagger UI; development only. */
  token?: string | undefined;
}

/** Codes that every operation of a zone can answer with. */
const COMMON: readonly ErrorCode[] = ['VALIDATION_FAILED', 'RATE_LIMITED', 'UNAVAILABLE'];
const AUTHENTICATED: readonly ErrorCode[] = ['UNAUTHENTICATED'];

interface DocumentedRoute {
  body?: unknown;
  params?: unknown;
  response?: Record<string, object>;
}

function codesOf(config: EndpointConfig, schema: DocumentedRoute): ErrorCode[] {
  return [
    ...COMMON,
    ...(config.zone === 'public' ? [] : AUTHENTICATED),
    ...(config.scope ? (['SCOPE_MISSING'] as const) : []),
    ...(schema.params ? (['NOT_FOUND'] as const) : []),
    ...(schema.body ? (['MALFORMED_JSON', 'BODY_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'] as const) : []),
    ...(config.idempotency === 'required' ? (['IDEMPOTENCY_KEY_REQUIRED'] as const) : []),
    ...(config.idempotency === 'none' ? [] : (['IDEMPOTENCY_IN_PROGRESS', 'IDEMPOTENCY_KEY_REUSED'] as const)),
    ...config.refuses,
  ];
}

/** One response per status, which lists the codes that can stand in it. */
function problemResponses(codes: readonly ErrorCode[]): Record<string, object> {
  const byStatus = new Map<number, Set<ErrorCode>>();
  for (const code of codes) {
    const { status } = ERRORS[code];
    byStatus.set(status, (byStatus.get(status) ?? new Set()).add(code));
  }
  return Object.fromEntries(
    [...byStatus].sort(([a], [b]) => a - b).map(([status, list]) => [
      status,
      {
        description: [...list].map((code) => `\`${code}\`: ${ERRORS[code].title}.`).join(' '),
        content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } },
      },
    ]),
  );
}

const IDEMPOTENCY_HEADER = (required: boolean) => ({
  type: 'object',
  ...(required && { required: ['idempotency-key'] }),
  properties: {
    'idempotency-key': {
      type: 'string',
      minLength: 1,
      maxLength: 255,
      description: 'A fresh UUID for each intent; a repeat with the same key answers the first result.',
      examples: ['0199a3c4-7e1f-7a60-9d39-6f1f3f1f9a11'],
    },
  },
});

const IF_MATCH_HEADER = {
  type: 'object',
  properties: {
    'if-match': {
      type: 'string',
      description: 'ETag of the version that the change is meant for; another version answers 412.',
      examples: ['"3"'],
    },
  },
};

function headersOf(config: EndpointConfig, method: string): object | undefined {
  if (config.idempotency !== 'none') return IDEMPOTENCY_HEADER(config.idempotency === 'required');
  return config.refuses.includes('VERSION_MISMATCH') && method !== 'POST' ? IF_MATCH_HEADER : undefined;
}

const SECURITY = { staff: [{ bearer: [] }], storefront: [{ publishableKey: [] }], public: [] };

/** Adds what the endpoint's settings imply: security, headers and the problem responses. */
function document(schema: DocumentedRoute, config: EndpointConfig, method: string): object {
  const headers = headersOf(config, method);
  return {
    ...schema,
    security: SECURITY[config.zone],
    ...(headers && { headers }),
    ...(config.scope && { 'x-scope': config.scope }),
    response: { ...schema.response, ...problemResponses(codesOf(config, schema)) },
  };
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
          publishableKey: { type: 'http', scheme: 'bearer', description: "The store's publishable key (`pk_…`)." },
        },
      },
    },
    refResolver: { buildLocalReference: (json) => String(json.$id) },
    transform: ({ schema, url, route }) => {
      const config = route.config as EndpointConfig | undefined;
      if (!config?.operationId) return { schema: { ...schema, hide: true }, url };
      return { schema: document(schema as DocumentedRoute, config, String(route.method)) as typeof schema, url };
    },
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: true,
    uiConfig: { persistAuthorization: true, displayRequestDuration: true, docExpansion: 'none', tryItOutEnabled: true, deepLinking: true },
    theme: {
      title: 'Clientele API',
      ...(token && { js: [{ filename: 'preauthorize.js', content: preauthorize(token) }] }),
    },
  });
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
});
