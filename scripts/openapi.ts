// Writes openapi/*.json from the routes; with --check compares instead, and names what a client would miss.
import { readFile, writeFile } from 'node:fs/promises';
import { type DocumentVersion, makeDocument } from '../src/document.ts';

const FILES: Readonly<Record<DocumentVersion, string>> = {
  '3.1': 'openapi/clientele.json',
  '3.0': 'openapi/clientele-3.0.json',
};

type Json = Record<string, unknown>;
type Operations = Record<string, { operationId: string; parameters?: { name: string }[]; responses: Json }>;
interface Document {
  paths: Record<string, Operations>;
  components: { schemas: Record<string, Json> };
}

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null;

/** Every name that a client may rely on: operations, their parameters and answers, and the fields of schemas. */
function promisesOf({ paths, components }: Document): Set<string> {
  const promises = new Set<string>();
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, { operationId, parameters = [], responses }] of Object.entries(operations)) {
      const name = `${method.toUpperCase()} ${path}`;
      promises.add(`operation ${name} (${operationId})`);
      for (const parameter of parameters) promises.add(`parameter ${parameter.name} of ${name}`);
      for (const status of Object.keys(responses)) promises.add(`answer ${status} of ${name}`);
    }
  }
  for (const [name, schema] of Object.entries(components.schemas)) addSchema(promises, name, schema);
  return promises;
}

function addSchema(promises: Set<string>, name: string, schema: Json): void {
  promises.add(`schema ${name}`);
  for (const value of Array.isArray(schema.enum) ? schema.enum : [])
    promises.add(`value ${value} of ${name}`);
  if (isObject(schema.items)) addSchema(promises, `${name}[]`, schema.items);
  for (const [property, inner] of Object.entries(isObject(schema.properties) ? schema.properties : {})) {
    if (isObject(inner)) addSchema(promises, `${name}.${property}`, inner);
  }
}

async function check(file: string, now: string): Promise<string[]> {
  const before = await readFile(file, 'utf8').catch(() => '');
  if (before === now) return [];
  const kept = promisesOf(JSON.parse(now));
  const gone =
    before === '' ? [] : [...promisesOf(JSON.parse(before))].filter((promise) => !kept.has(promise));
  return [
    `${file} is not what the routes say: run \`npm run openapi\` and look at the difference.`,
    ...gone.map((promise) => `  removed (breaks clients): ${promise}`),
  ];
}

const isCheck = process.argv.includes('--check');
const complaints: string[] = [];
for (const [version, file] of Object.entries(FILES) as [DocumentVersion, string][]) {
  const text = `${JSON.stringify(await makeDocument(version), null, 2)}\n`;
  if (isCheck) complaints.push(...(await check(file, text)));
  else await writeFile(file, text);
}
if (complaints.length > 0) {
  process.stderr.write(`${complaints.join('\n')}\n`);
  process.exitCode = 1;
}
