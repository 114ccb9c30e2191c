// What a generated client calls things: every operation by its name, and nothing by a name that nobody would choose.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Where the source of a client is, and how to find the names in it. */
export interface Client {
  name: string;
  folder: string;
  /** How the names of its files end. */
  extension: string;
  methods: RegExp;
  types: RegExp;
}

/** Made of the path, of a place in the document, or of a number. */
const JUNK = [
  /^(get|post|put|patch|delete)_?(v1|storefront_?v1)/i,
  /^def_?\d/i,
  /inline_?(object|response)/i,
  /Inner(?![a-z])/,
];

/** orval has a type for each status of an answer, Go a type for each size of a number. */
const NUMBERED = /Response\d{3}$|^Nullable(Int|Float)\d\d$/;

const plain = (name: string): string => name.replaceAll('_', '').toLowerCase();

const caught = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].flatMap(([, name]) => name ?? []);

async function sourceOf({ folder, extension }: Client): Promise<string> {
  const files = await readdir(folder, { recursive: true });
  const sources = files.filter((file) => file.endsWith(extension)).sort();
  return (await Promise.all(sources.map((file) => readFile(join(folder, file), 'utf8')))).join('\n');
}

async function operationIds(): Promise<string[]> {
  const { paths } = JSON.parse(await readFile('openapi/clientele.json', 'utf8')) as {
    paths: Record<string, Record<string, { operationId: string }>>;
  };
  return Object.values(paths).flatMap((path) => Object.values(path).map(({ operationId }) => operationId));
}

/** Throws what is wrong with the names; a note of how many there are. */
export async function checkNames(client: Client): Promise<string> {
  const source = await sourceOf(client);
  const methods = caught(source, client.methods);
  const types = new Set(caught(source, client.types));
  const expected = await operationIds();

  const junk = [...methods, ...types].filter((name) => JUNK.some((pattern) => pattern.test(name)));
  assert.deepEqual(junk, [], 'names that nobody would choose');

  const known = new Set([...types, ...expected].map(plain));
  const isTwin = (name: string) => /\d$/.test(name) && known.has(plain(name.replace(/\d+$/, '')));
  const twins = [...methods, ...types].filter((name) => isTwin(name) && !NUMBERED.test(name));
  assert.deepEqual(twins, [], 'two things of one name');

  const called = new Set(methods.map(plain));
  const missing = expected.filter((id) => !called.has(plain(id)));
  assert.deepEqual(missing, [], 'operations without a method of their name');
  return `${expected.length} operations, ${types.size} types`;
}
