// Programs of the machine: what is there, what they say, and the generator that is not on npm.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { promisify, stripVTControlCharacters } from 'node:util';
import { Skipped } from './steps.ts';

const LIMIT_MS = 300_000;
const FETCH_MS = 120_000;
/** How much of what a program said is shown of a failure. */
const SHOWN = 6_000;

const GENERATOR = 'openapi-generator-cli-7.25.0.jar';
const GENERATOR_URL = `https://repo1.maven.org/maven2/org/openapitools/openapi-generator-cli/7.25.0/${GENERATOR}`;
const GENERATOR_SHA256 = '41ce4f6b07f196676439d710759fa1ced7a08066d06ff1bf314681470289efae';

const start = promisify(execFile);

interface RunOptions {
  cwd?: string;
  env?: Record<string, string>;
}

/** What the program said; an error with it if it fails, or takes longer than five minutes. */
export async function run(program: string, args: string[], { cwd, env }: RunOptions = {}): Promise<string> {
  try {
    const { stdout, stderr } = await start(program, args, {
      ...(cwd !== undefined && { cwd }),
      env: { ...process.env, ...env },
      timeout: LIMIT_MS,
      maxBuffer: 2 ** 28,
    });
    return stdout + stderr;
  } catch (error) {
    const { message, stdout = '', stderr = '' } = error as Error & { stdout?: string; stderr?: string };
    throw new Error(`${message.split('\n', 1)[0]}\n${(stdout + stderr).slice(-SHOWN)}`);
  }
}

/** Whether a package manager failed because it reached nobody. */
export const isUnreachable = ({ message }: Error): boolean =>
  /Could not transfer|Unknown host|Connection refused|ConnectionError|NewConnectionError|No matching distribution/.test(
    message,
  );

/** The first line of what the tool says of its version; throws Skipped if it is not there. */
export async function hasTool(tool: string, question: string): Promise<string> {
  try {
    return (
      stripVTControlCharacters(await run(tool, [question]))
        .trim()
        .split('\n', 1)[0] ?? ''
    );
  } catch {
    throw new Skipped(`there is no ${tool} here`);
  }
}

const isGenerator = (jar: Buffer): boolean =>
  createHash('sha256').update(jar).digest('hex') === GENERATOR_SHA256;

/** The path of openapi-generator; fetched from Maven Central once. Throws Skipped if that cannot be reached. */
export async function generatorJar(folder: string): Promise<string> {
  const path = resolve(folder, GENERATOR);
  const kept = await readFile(path).catch(() => undefined);
  if (kept && isGenerator(kept)) return path;
  const fetched = await fetch(GENERATOR_URL, { signal: AbortSignal.timeout(FETCH_MS) })
    .then((answer) => (answer.ok ? answer.arrayBuffer() : Promise.reject(new Error(answer.statusText))))
    .catch((error: Error) => {
      throw new Skipped(`openapi-generator cannot be fetched here: ${error.message}`);
    });
  const jar = Buffer.from(fetched);
  if (!isGenerator(jar)) throw new Error(`${GENERATOR_URL} is not the file that was expected.`);
  await writeFile(path, jar);
  return path;
}
