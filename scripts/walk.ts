// Walks through the README as a newcomer does: its commands in one shell, in their order, on a service of their own.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endInstances, FIRST_START_MS, launch, ready, workshop } from './support/instances.ts';
import { type Block, blocksOf } from './support/readme-blocks.ts';
import { report, Skipped, step } from './support/steps.ts';

const README_PORT = 3000;
/** The demo store takes a while on a busy machine. */
const BLOCK_MS = 150_000;
const END_OF_BLOCK = '-- end of the block --';
/** What a refused request answers, whatever became of its exit code. */
const PROBLEM = /"type":"\/errors\/|"status":[45]\d\d\b/;

/** The port that the README names, or any where another program has it. */
const isFree = (port: number): Promise<boolean> =>
  new Promise((answer) => {
    const server = createServer();
    server.once('error', () => answer(false));
    server.listen(port, '127.0.0.1', () => server.close(() => answer(true)));
  });

/** Where this program was built to: the commands run what was built with it. */
const DIST = fileURLToPath(new URL('..', import.meta.url));

/** A folder in which the commands find what a clone has, and a `.data` that is theirs alone. */
function makeClone(): string {
  const clone = join(workshop, 'clone');
  mkdirSync(clone);
  symlinkSync(DIST, join(clone, 'dist'));
  for (const name of readdirSync('.')) {
    if (!name.startsWith('.') && name !== 'dist') symlinkSync(resolve(name), join(clone, name));
  }
  return clone;
}

/** One shell for all blocks; it ends with the first command that fails. */
class Shell {
  readonly #process: ChildProcessWithoutNullStreams;
  #output = '';

  constructor(cwd: string, port: number) {
    const env = { PATH: process.env.PATH, HOME: workshop, PORT: String(port), NO_COLOR: '1' };
    this.#process = spawn('bash', ['-eo', 'pipefail'], { cwd, env });
    for (const stream of [this.#process.stdout, this.#process.stderr])
      stream.on('data', (chunk) => (this.#output += chunk));
  }

  /** What the commands print; throws when one fails or they take too long. */
  run(commands: string): Promise<string> {
    this.#output = '';
    return new Promise((done, fail) => {
      const stop = (error?: Error) => {
        clearInterval(watch);
        clearTimeout(limit);
        this.#process.off('close', ended);
        if (error) fail(error);
        else done(this.#output.replace(`${END_OF_BLOCK}\n`, ''));
      };
      const ended = () => stop(new Error(`a command failed:\n${commands}\n${this.#output}`));
      const watch = setInterval(() => this.#output.endsWith(`${END_OF_BLOCK}\n`) && stop(), 20);
      const limit = setTimeout(() => {
        this.#process.kill('SIGKILL');
        stop(new Error(`not done after ${BLOCK_MS} ms:\n${commands}\n${this.#output}`));
      }, BLOCK_MS);
      if (this.#process.exitCode !== null) return stop(new Error('the shell ended with an earlier block'));
      this.#process.once('close', ended);
      // What the commands would read is the rest of the commands.
      this.#process.stdin.write(`{\n${commands}\n} </dev/null\necho '${END_OF_BLOCK}'\n`);
    });
  }

  end(): void {
    this.#process.kill();
  }
}

/** Throws when something that the README shows was not printed. */
function checkPrinted(output: string, shown: readonly string[]): void {
  if (PROBLEM.test(output)) throw new Error(`a request was refused:\n${output}`);
  const printed = output.split('\n');
  const missing = shown.filter((line) => !printed.includes(line));
  if (missing.length > 0) throw new Error(`not printed: ${missing.join(' | ')}\nbut:\n${output}`);
}

async function runBlock(shell: Shell, { commands, shown, notRun }: Block, port: number): Promise<undefined> {
  if (notRun !== undefined) throw new Skipped(notRun);
  checkPrinted(await shell.run(commands.replaceAll(`127.0.0.1:${README_PORT}`, `127.0.0.1:${port}`)), shown);
}

async function walk(): Promise<void> {
  const clone = makeClone();
  const isPortFree = await isFree(README_PORT);
  const service = await launch({ dataDir: join(clone, '.data'), ...(isPortFree && { port: README_PORT }) });
  const began = await step('the service starts', async () => {
    await ready(service, FIRST_START_MS);
    return `port ${service.port}`;
  });
  if (!began) return;
  const shell = new Shell(clone, service.port);
  try {
    for (const block of blocksOf(readFileSync('README.md', 'utf8')))
      await step(`README, line ${block.line}: ${block.title}`, () => runBlock(shell, block, service.port));
  } finally {
    shell.end();
  }
}

try {
  await walk();
} finally {
  await endInstances();
}
report('walk');
