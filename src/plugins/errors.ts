// Every answer other than success is a problem document (RFC 9457); nothing of SQL, stacks or secrets gets out.
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { newId } from '../context.ts';
import { databaseErrorOf } from '../db/connection.ts';
import { refusalOfDatabase } from '../db/refusals.ts';
import { ERRORS, type ErrorCode, Problem, RETRY_AFTER_S } from '../errors.ts';
import { MalformedJson } from './json-body.ts';
import { describeValidation } from './validation.ts';

/** Fastify's own refusals before a handler runs. */
const BY_FASTIFY_CODE: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'BODY_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'UNSUPPORTED_MEDIA_TYPE',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'MALFORMED_JSON',
  FST_REQ_FILE_TOO_LARGE: 'BODY_TOO_LARGE',
  FST_INVALID_MULTIPART_CONTENT_TYPE: 'UNSUPPORTED_MEDIA_TYPE',
};

function problemFrom(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error;
  if (error instanceof MalformedJson) {
    return new Problem('MALFORMED_JSON', {
      reason: error.reason,
      errors: [{ pointer: error.pointer ?? '', message: error.message }],
    });
  }
  const { validation, validationContext, code, statusCode, message } = error as FastifyError;
  if (validation)
    return new Problem('VALIDATION_FAILED', { errors: describeValidation(validation, validationContext) });
  const known = BY_FASTIFY_CODE[code];
  if (known) return new Problem(known);
  const refused = refusalOfDatabase(error);
  if (refused) return new Problem(refused as ErrorCode, {}, { cause: error });
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new Problem('VALIDATION_FAILED', { errors: [{ pointer: '', message }] });
  }
  return undefined;
}

/** The document itself; `instance` is the request id. */
export function problemDocument(problem: Problem, instance: string): Record<string, unknown> {
  const { status, title, detail } = ERRORS[problem.code];
  return {
    ...problem.facts,
    type: `/errors/${problem.code}`,
    title,
    status,
    detail,
    code: problem.code,
    instance,
  };
}

/** What may be logged of an error: DrizzleQueryError carries SQL and parameters, that is customer data. */
export function loggable(error: unknown): object {
  const database = databaseErrorOf(error);
  if (database) {
    const { code, constraint, table, routine } = database;
    return { sqlState: code, constraint, table, routine, message: database.message, stack: database.stack };
  }
  const { name, message, stack } = error as Error;
  return { name, message, stack };
}

function send(request: FastifyRequest, reply: FastifyReply, error: unknown): FastifyReply {
  const problem = problemFrom(error) ?? new Problem('INTERNAL', {}, { cause: error });
  if (problem.status >= 500) request.log.error({ error: loggable(problem.cause ?? error) }, problem.code);
  if (problem.status === 503) reply.header('retry-after', RETRY_AFTER_S);
  if (typeof problem.facts.retryAfter === 'number')
    reply.header('retry-after', String(problem.facts.retryAfter));
  if (problem.status === 401)
    // Some senders only show their password when they are asked for it. A line for each: Chromium asks nobody when two
    // challenges share one.
    reply.header(
      'www-authenticate',
      request.routeOptions.config.basic ? ['Basic realm="clientele"', 'Bearer'] : 'Bearer',
    );
  if (request.ctx?.idempotency?.replayed) reply.header('idempotency-replayed', 'true');
  return reply
    .code(problem.status)
    .type('application/problem+json')
    .serializer(JSON.stringify)
    .send(problemDocument(problem, String(request.id)));
}

/** Refusals before routing: a URL that cannot be decoded, a parameter that is too long. */
export const answerFrameworkError = (
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): void => {
  send(
    request,
    reply,
    new Problem('VALIDATION_FAILED', { errors: [{ pointer: '', message: error.message }] }),
  );
};

/** Bytes that are no HTTP request, or come too slowly: there is no reply object, so the answer is written by hand. */
export function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const code =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? 'HEADERS_TOO_LARGE'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? 'REQUEST_TIMEOUT'
        : 'MALFORMED_REQUEST';
  const problem = new Problem(code);
  const body = JSON.stringify(problemDocument(problem, newId()));
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\nContent-Type: application/problem+json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

export const errors = fp(async (app: FastifyInstance) => {
  app.setErrorHandler((error, request, reply) => send(request, reply, error));
  app.setNotFoundHandler((request, reply) => send(request, reply, new Problem('ROUTE_NOT_FOUND')));
});
