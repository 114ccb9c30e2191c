// What an endpoint's settings imply for its place in the document: security, request headers, answers and their headers.
import type { EndpointConfig, Zone } from '../endpoint.ts';
import { ERRORS, type ErrorCode, Problem } from '../errors.ts';
import { problemDocument } from './errors.ts';

export interface Parameter {
  in: string;
  name: string;
  required?: boolean;
  schema?: object;
  example?: unknown;
}

interface Content {
  [mediaType: string]: { schema?: unknown; example?: unknown; examples?: Record<string, object> };
}

interface Answer {
  description: string;
  headers?: Record<string, object>;
  content?: Content;
}

/** The part of an OpenAPI operation that this file looks at. */
export interface Operation {
  operationId: string;
  description?: string;
  parameters?: Parameter[];
  requestBody?: { required?: boolean; content: Content };
  security?: object[];
  'x-scope'?: string;
  responses: Record<string, Answer>;
}

/** Codes that every operation of a zone can answer with. */
const COMMON: readonly ErrorCode[] = ['VALIDATION_FAILED', 'RATE_LIMITED', 'UNAVAILABLE'];
/** Whatever may change something has its body read, asked for or not, and may be overtaken by another change. */
const OF_WRITES: readonly ErrorCode[] = [
  'MALFORMED_JSON',
  'BODY_TOO_LARGE',
  'UNSUPPORTED_MEDIA_TYPE',
  'CONFLICT',
];

/** The body that the framework knows of, or the form that a handler reads by itself. */
function bodyOf({ requestBody }: Operation, { form }: EndpointConfig): Operation['requestBody'] {
  if (!form) return requestBody;
  const { $id } = form as { $id?: string };
  const schema = $id === undefined ? form : { $ref: `#/components/schemas/${$id}` };
  return { required: true, content: { 'multipart/form-data': { schema } } };
}

/** Everything that can be refused, whatever the operation does, and what it says it refuses. */
export function codesOf(method: string, operation: Operation, config: EndpointConfig): ErrorCode[] {
  const hasPathParameter = operation.parameters?.some((parameter) => parameter.in === 'path');
  return [
    ...COMMON,
    ...(method === 'get' ? [] : OF_WRITES),
    ...(config.zone === 'public' ? [] : (['UNAUTHENTICATED'] as const)),
    ...(config.customer ? (['CUSTOMER_TOKEN_REQUIRED'] as const) : []),
    ...(config.scope ? (['SCOPE_MISSING'] as const) : []),
    ...(hasPathParameter ? (['NOT_FOUND'] as const) : []),
    ...(config.idempotency === 'required' ? (['IDEMPOTENCY_KEY_REQUIRED'] as const) : []),
    ...(config.idempotency === 'none'
      ? []
      : (['IDEMPOTENCY_KEY_INVALID', 'IDEMPOTENCY_IN_PROGRESS', 'IDEMPOTENCY_KEY_REUSED'] as const)),
    ...config.refuses,
  ];
}

/** An example of each problem, for `components.examples`. */
export function problemExamples(codes: Iterable<ErrorCode>): Record<string, object> {
  const requestId = '0199a3c4-7e1f-7a60-9d39-6f1f3f1f9a11';
  const sorted = [...new Set(codes)].sort();
  return Object.fromEntries(
    sorted.map((code) => [
      code,
      { summary: ERRORS[code].title, value: problemDocument(new Problem(code), requestId) },
    ]),
  );
}

const textHeader = (description: string, example: string) => ({
  description,
  schema: { type: 'string' },
  example,
});

/** Headers that always come with a status. */
const HEADERS_BY_STATUS: Readonly<Record<string, Record<string, object>>> = {
  401: { 'WWW-Authenticate': textHeader('How to authenticate.', 'Bearer') },
  429: { 'Retry-After': textHeader('Seconds to wait.', '17') },
  503: { 'Retry-After': textHeader('Seconds to wait.', '2') },
};

const ETAG = { ETag: textHeader('Version of the answer, for If-None-Match and If-Match.', '"3"') };
const LOCATION = {
  Location: textHeader(
    'Path of what was made or started.',
    '/v1/customers/0199a3c4-7e1f-7a60-9d39-6f1f3f1f9a11',
  ),
};

function problemAnswer(status: string, codes: readonly ErrorCode[]): Answer {
  const headers = HEADERS_BY_STATUS[status];
  return {
    description: codes.map((code) => `\`${code}\`: ${ERRORS[code].title}.`).join(' '),
    ...(headers && { headers }),
    content: {
      'application/problem+json': {
        schema: { $ref: '#/components/schemas/Problem' },
        examples: Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }])),
      },
    },
  };
}

/** One answer per status, which lists the codes that can stand in it. */
function problemAnswers(codes: readonly ErrorCode[]): Record<string, Answer> {
  const statuses = new Set(codes.map((code) => ERRORS[code].status));
  return Object.fromEntries(
    [...statuses].map((status) => [
      status,
      problemAnswer(
        String(status),
        [...new Set(codes)].filter((code) => ERRORS[code].status === status),
      ),
    ]),
  );
}

/** What the operation answers besides problems, with the headers that come along. */
function ownAnswers(operation: Operation, config: EndpointConfig): Record<string, Answer> {
  const isVersioned = '304' in operation.responses;
  return Object.fromEntries(
    Object.entries(operation.responses).map(([status, answer]) => {
      const headers = {
        ...(isVersioned && status === '200' && ETAG),
        ...(config.hasLocation && (status === '201' || status === '202') && LOCATION),
        ...HEADERS_BY_STATUS[status],
      };
      return [status, Object.keys(headers).length > 0 ? { ...answer, headers } : answer];
    }),
  );
}

const headerParameter = (name: string, description: string, example: string, schema: object = {}) => ({
  in: 'header',
  name,
  required: false,
  description,
  schema: { type: 'string', ...schema },
  example,
});

const IDEMPOTENCY_KEY = headerParameter(
  'Idempotency-Key',
  'A fresh UUID for each intent; a repeat with the same key answers the first result.',
  '0199a3c4-7e1f-7a60-9d39-6f1f3f1f9a11',
  { minLength: 1, maxLength: 255 },
);
const IF_MATCH = headerParameter(
  'If-Match',
  'ETag of the version that the change is meant for; another version answers 412.',
  '"3"',
);
const IF_NONE_MATCH = headerParameter(
  'If-None-Match',
  'ETag of the version that is known already; that one answers 304 without a body.',
  '"3"',
);

function headerParameters(operation: Operation, config: EndpointConfig): Parameter[] {
  return [
    ...(config.idempotency === 'none'
      ? []
      : [{ ...IDEMPOTENCY_KEY, required: config.idempotency === 'required' }]),
    ...(config.refuses.includes('VERSION_MISMATCH') ? [IF_MATCH] : []),
    ...('304' in operation.responses ? [IF_NONE_MATCH] : []),
  ];
}

const SECURITY: Readonly<Record<Zone, object[]>> = {
  staff: [{ bearer: [] }],
  storefront: [{ publishableKey: [] }],
  ops: [{ ops: [] }],
  public: [],
};

/** The body of an operation that reads a form as a stream: Fastify has no schema of it. */
const formBody = (form: { $id?: string }) => ({
  required: true,
  content: { 'multipart/form-data': { schema: { $ref: `#/components/schemas/${form.$id}` } } },
});

/** The operation with everything that follows from its settings. */
export function completeOperation(method: string, operation: Operation, config: EndpointConfig): Operation {
  const parameters = [...(operation.parameters ?? []), ...headerParameters(operation, config)];
  const requestBody = bodyOf(operation, config);
  const scope = config.scope ? `\n\nScope: \`${config.scope}\`.` : '';
  return {
    ...operation,
    description: `${operation.description ?? ''}${scope}`,
    ...(parameters.length > 0 && { parameters }),
    ...(requestBody && { requestBody }),
    ...(config.form && { requestBody: formBody(config.form) }),
    security: config.customer ? [{ customerToken: [] }] : SECURITY[config.zone],
    ...(config.scope && { 'x-scope': config.scope }),
    responses: { ...problemAnswers(codesOf(method, operation, config)), ...ownAnswers(operation, config) },
  };
}
