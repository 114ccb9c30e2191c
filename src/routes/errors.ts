// HTTP: the error table, which the `type` of every problem document points to.
import type { FastifyInstance } from 'fastify';
import { endpoint, found } from '../endpoint.ts';
import { ERRORS, type ErrorCode } from '../errors.ts';
import { ref } from '../schemas/helpers.ts';
import { ErrorEntry, ErrorParams } from '../schemas/problems.ts';

const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(ERRORS, code);

export async function errorTable(app: FastifyInstance): Promise<void> {
  endpoint(app, {
    method: 'GET',
    url: '/errors/:code',
    operationId: 'getError',
    tag: 'Operations',
    summary: 'Explain an error',
    description:
      'What a code means and what to do about it. The `type` of every problem document points here.',
    zone: 'public',
    params: ErrorParams,
    returns: { 200: ref(ErrorEntry) },
    handle: (_ctx, { params: { code } }) => {
      const entry = found(isErrorCode(code) ? ERRORS[code] : undefined, 'error');
      return { code, ...entry };
    },
  });
}
