// Starts the service as a person does: the printed curl line, a second instance, a taken port, kill -9, SIGTERM.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const NOBODY = 65_534;
const FIRST_START_MS = 120_000;
const NEXT_START_MS = 10_000;
const STOP_MS = 25_000;
const SERVICE = ['node', '--enable-source-maps', 'dist/src/cli.js', 'start'];

interface Instance {
  process: ChildProcess;
  port: number;
  dataDir: string;
  /** Everything that was written to the terminal so far. */
  output(): string;
}

const PRINT_MS = 5_000;
const workshop = mkdtempSync(join(tmpdir(), 'clientele-smoke-'));
const begun: Instance[] = [];

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('The system gave no TCP port.');
  return address.port;
}

interface Launch {
  command?: string[];
  port?: number;
  dataDir: string;
  env?: Record<string, string>;
  uid?: number;
}

async function launch({ command = SERVICE, port, dataDir, env, uid }: Launch): Promise<Instance> {
  const [program = '', ...args] = command;
  const listening = port ?? (await freePort());
  const child = spawn(program, args, {
    env: { PATH: process.env.PATH, HOME: workshop, PORT: String(listening), DATA_DIR: dataDir, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid !== undefined && { uid, gid: uid }),
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (text += chunk));
  const instance = { process: child, port: listening, dataDir, output: () => text };
  begun.push(instance);
  return instance;
}

const hasEnded = ({ process: { exitCode, signalCode } }: Instance) =>
  exitCode !== null || signalCode !== null;

/** Waits for the line that says so; milliseconds since the call. */
async function ready(instance: Instance, limitMs: number): Promise<number> {
  const from = performance.now();
  while (!instance.output().includes('Clientele is ready')) {
    if (hasEnded(instance)) throw new Error(`the service ended:\n${instance.output()}`);
    if (performance.now() - from > limitMs)
      throw new Error(`not ready after ${limitMs} ms:\n${instance.output()}`);
    await sleep(20);
  }
  return performance.now() - from;
}

/** What the terminal shows of this pattern, which may come a moment after the line before it. */
async function printed(instance: Instance, pattern: RegExp): Promise<string> {
  const from = performance.now();
  for (;;) {
    const [text] = pattern.exec(instance.output()) ?? [];
    if (text !== undefined) return text;
    if (performance.now() - from > PRINT_MS) throw new Error(`not printed:\n${instance.output()}`);
    await sleep(20);
  }
}

async function ended(instance: Instance, limitMs: number): Promise<number> {
  const from = performance.now();
  while (!hasEnded(instance)) {
    if (performance.now() - from > limitMs) throw new Error(`still running after ${limitMs} ms`);
    await sleep(20);
  }
  return performance.now() - from;
}

/** `npm start` is a chain of processes; the one that owns the data folder is the service. */
const servicePid = ({ dataDir }: Instance): number =>
  Number(JSON.parse(readFileSync(join(dataDir, 'clientele.lock'), 'utf8')).pid);

async function get({ port, dataDir }: Instance, path: string): Promise<Record<string, unknown>> {
  const token = readFileSync(join(dataDir, 'token'), 'utf8').trim();
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as Record<string, unknown>;
}

function expect(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}

let passed = 0;
let failed = 0;

/** Runs one step; what it returns is shown behind its name. */
async function step(name: string, work: () => Promise<string | undefined>): Promise<void> {
  try {
    const note = await work();
    passed++;
    process.stdout.write(`ok - ${name}${note ? ` (${note})` : ''}\n`);
  } catch (error) {
    failed++;
    process.stdout.write(`not ok - ${name}\n  ${(error as Error).message.replaceAll('\n', '\n  ')}\n`);
  }
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

async function smoke(): Promise<void> {
  const firstDir = join(workshop, 'first');
  let first: Instance;
  let customerId = '';

  await step('npm start makes a database and gets ready', async () => {
    first = await launch({ command: ['npm', 'start'], dataDir: firstDir });
    return seconds(await ready(first, FIRST_START_MS));
  });

  // Everything below needs the instance.
  if (failed > 0) return;

  await step('the printed curl line creates a customer', async () => {
    const line = await printed(first, /^ {2}curl .*\\\n.*\n/m);
    const customer = JSON.parse(execFileSync('sh', ['-c', line], { encoding: 'utf8' }));
    expect(customer.email === 'ada@example.com', JSON.stringify(customer));
    customerId = customer.id;
    return undefined;
  });

  await step('health, document and error table answer', async () => {
    expect((await get(first, '/readyz')).status === 'ok', 'not ready');
    expect((await get(first, '/openapi.json')).openapi === '3.1.0', 'no document');
    expect((await get(first, '/errors/EMAIL_TAKEN')).status === 409, 'no error table');
    return undefined;
  });

  await step('a second instance runs on another port and folder', async () => {
    const second = await launch({ dataDir: join(workshop, 'second') });
    const took = await ready(second, FIRST_START_MS);
    expect((await get(second, '/readyz')).status === 'ok', 'not ready');
    second.process.kill('SIGTERM');
    await ended(second, STOP_MS);
    return seconds(took);
  });

  await step('a taken port is said clearly', async () => {
    const rival = await launch({ dataDir: join(workshop, 'second'), port: first.port });
    await ended(rival, FIRST_START_MS);
    expect(rival.process.exitCode === 1 && /set PORT/.test(rival.output()), rival.output());
    return undefined;
  });

  await step('a data folder in use is said clearly', async () => {
    const rival = await launch({ dataDir: firstDir });
    await ended(rival, NEXT_START_MS);
    expect(rival.process.exitCode === 1 && /DATA_DIR/.test(rival.output()), rival.output());
    return undefined;
  });

  await step('a wrong setting names the variable and what it accepts', async () => {
    const wrong = await launch({ dataDir: join(workshop, 'third'), env: { ROLE: 'boss' } });
    await ended(wrong, NEXT_START_MS);
    expect(wrong.process.exitCode === 1 && /ROLE.*all, api, worker/.test(wrong.output()), wrong.output());
    return undefined;
  });

  await step('operator commands work beside the running service', async () => {
    const env = { PATH: process.env.PATH, DATA_DIR: firstDir };
    const token = execFileSync('node', ['dist/src/cli.js', 'token', '--role', 'owner'], {
      env,
      encoding: 'utf8',
    });
    expect(token.trim().split('.').length === 3, token);
    return undefined;
  });

  await step('after kill -9 the next start has the data and is quick', async () => {
    process.kill(servicePid(first), 'SIGKILL');
    await ended(first, NEXT_START_MS);
    first = await launch({ dataDir: firstDir });
    const took = await ready(first, NEXT_START_MS);
    expect(
      (await get(first, `/v1/customers/${customerId}`)).email === 'ada@example.com',
      'the customer is gone',
    );
    return seconds(took);
  });

  await step('SIGTERM ends the service and its database', async () => {
    process.kill(servicePid(first), 'SIGTERM');
    const took = await ended(first, STOP_MS);
    expect(first.process.exitCode === 0, `exit code ${first.process.exitCode}:\n${first.output()}`);
    expect(!existsSync(join(firstDir, 'postgres', 'postmaster.pid')), 'PostgreSQL still runs');
    return seconds(took);
  });

  await step('the start after a clean stop is quick', async () => {
    first = await launch({ dataDir: firstDir });
    const took = await ready(first, NEXT_START_MS);
    first.process.kill('SIGTERM');
    await ended(first, STOP_MS);
    return seconds(took);
  });

  if (process.getuid?.() !== 0) return;
  await step('an ordinary user can run it too', async () => {
    const dataDir = join(workshop, 'nobody');
    mkdirSync(dataDir);
    chownSync(dataDir, NOBODY, NOBODY);
    chownSync(workshop, NOBODY, NOBODY);
    const theirs = await launch({ dataDir, uid: NOBODY });
    const took = await ready(theirs, FIRST_START_MS);
    theirs.process.kill('SIGTERM');
    await ended(theirs, STOP_MS);
    return seconds(took);
  });
}

try {
  await smoke();
} finally {
  for (const instance of begun.filter((one) => !hasEnded(one))) {
    if (existsSync(join(instance.dataDir, 'clientele.lock'))) process.kill(servicePid(instance), 'SIGTERM');
    else instance.process.kill('SIGTERM');
    await ended(instance, STOP_MS).catch(() => instance.process.kill('SIGKILL'));
  }
  rmSync(workshop, { recursive: true, force: true });
}
process.stdout.write(`# smoke: ${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
