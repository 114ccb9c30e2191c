// Batches with a result per entry: an entry that does not fit the schema is refused in its result, not the whole body.
import type { FastifyRequest, FastifySchemaValidationError } from 'fastify';
import type { TSchema } from 'typebox';
import { describeValidation, type InvalidPart } from './plugins/validation.ts';

/**
 * The mistakes of each entry that does not fit, by its index, for an endpoint with `takesInvalid` whose body has the
 * entries under `member`. What is wrong with the body beyond single entries is thrown, as without `takesInvalid`.
 */
export function misfits(
  request: FastifyRequest,
  member: string,
  schema: TSchema,
): Map<number, InvalidPart[]> {
  const problem = request.validationError;
  if (!problem) return new Map();
  const mistakes: FastifySchemaValidationError[] = problem.validation ?? [];
  const isOfEntry = new RegExp(`^/${member}/\\d+`);
  if (
    problem.validationContext !== 'body' ||
    !mistakes.every(({ instancePath }) => isOfEntry.test(instancePath))
  )
    throw problem;
  const check: (entry: unknown) => unknown = request.compileValidationSchema(schema, 'body');
  const entries = (request.body as Record<string, unknown[]>)[member] ?? [];
  return new Map(
    entries.flatMap((entry, index): [number, InvalidPart[]][] => {
      const verdict = check(entry);
      return isRefusing(verdict) ? [[index, describeValidation(verdict.error, 'body')]] : [];
    }),
  );
}

/** What the validator of plugins/validation.ts answers for a value that does not fit. */
const isRefusing = (verdict: unknown): verdict is { error: FastifySchemaValidationError[] } =>
  typeof verdict === 'object' && verdict !== null && 'error' in verdict;
