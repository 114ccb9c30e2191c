// Answers may grow within /v1, and generated clients have to bear that: what the document says of answers is open, though
// the service writes only what it names. What it takes stays closed.
import type { Schema, Schemas } from './openapi-examples.ts';

const REFERENCE = '#/components/schemas/';

/** Names of the schemas that a part of the document refers to. */
function namesIn(part: unknown): string[] {
  if (typeof part !== 'object' || part === null) return [];
  return Object.entries(part).flatMap(([key, value]) =>
    key === '$ref' && typeof value === 'string' && value.startsWith(REFERENCE)
      ? [value.slice(REFERENCE.length)]
      : namesIn(value),
  );
}

/** The names, and all that their schemas refer to. */
function reachable(names: readonly string[], schemas: Schemas): Set<string> {
  const found = new Set(names);
  for (const name of found) for (const further of namesIn(schemas[name])) found.add(further);
  return found;
}

function open(schema: Schema): void {
  const { properties = {}, items, additionalProperties } = schema;
  if (additionalProperties === false) delete schema.additionalProperties;
  if (typeof additionalProperties === 'object') open(additionalProperties);
  if (items) open(items);
  for (const property of Object.values(properties)) open(property);
}

/** Opens every schema that no request refers to. */
export function openAnswers(
  schemas: Schemas,
  operations: readonly { parameters?: unknown; requestBody?: unknown }[],
): void {
  const asked = reachable(
    operations.flatMap(({ parameters, requestBody }) => namesIn([parameters, requestBody])),
    schemas,
  );
  for (const [name, schema] of Object.entries(schemas)) if (!asked.has(name)) open(schema);
}
