// Gives operations the examples that Swagger UI fills in, so that "Execute" works at once. What is optional stays empty:
// a filter that was filled in finds nothing, an If-Match refuses.
import {
  OPERATION_EXAMPLES,
  type OperationExample,
  PARAMETER_EXAMPLES,
} from '../routes/examples-of-document.ts';
import type { Operation, Parameter } from './openapi-operation.ts';

function prefillParameter(parameter: Parameter, { parameters: own = {} }: OperationExample): Parameter {
  const { example, ...rest } = parameter;
  const { name, required = false, schema } = parameter;
  const value = own[name] ?? (required ? (PARAMETER_EXAMPLES[name] ?? example) : undefined);
  if (value !== undefined) return { ...rest, example: value };
  return example === undefined ? rest : { ...rest, schema: { ...schema, examples: [example] } };
}

function prefillBody({ requestBody }: Operation, body: unknown): Partial<Operation> {
  const json = requestBody?.content['application/json'];
  if (body === undefined || requestBody === undefined || json === undefined) return {};
  const content = { ...requestBody.content, 'application/json': { ...json, example: body } };
  return { requestBody: { ...requestBody, content } };
}

/** The operation with examples of what it needs; examples of other parameters move into their schemas. */
export function prefill(operation: Operation): Operation {
  const own = OPERATION_EXAMPLES[operation.operationId] ?? {};
  const parameters = operation.parameters?.map((parameter) => prefillParameter(parameter, own));
  return { ...operation, ...(parameters && { parameters }), ...prefillBody(operation, own.body) };
}
