// The service as a process of its own, as a person starts it: in a folder of its own, on a free port.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../src/db/embedded.ts';

export const FIRST_START_MS = 120_000;
export const STOP_MS = 25_000;
const CLI = fileURLToPath(new URL('../../src/cli.js', import.meta.url));
/** Those of `npm start`; a test holds them to it. */
export const SERVICE_FLAGS = ['--max-old-space-size=1024', '--enable-source-maps'];
const SERVICE = ['node', ...SERVICE_FLAGS, CLI, 'start'];

export interface Instance {
  process: ChildProcess;
  port: number;
  dataDir: string;
  /** Everything that was written to the terminal so far. */
  output(): string;
}

/** Where the data folders of all instances are. */
export const workshop = mkdtempSync(join(tmpdir(), 'clientele-trial-'));
const begun: Instance[] = [];

export interface Launch {
  command?: string[];
  port?: number;
  dataDir: string;
  env?: Record<string, string>;
  uid?: number;
}

export async function launch({ command = SERVICE, port, dataDir, env, uid }: Launch): Promise<Instance> {
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

const hasEnded = ({ process: { exitCode, signalCode } }: Instance): boolean =>
  exitCode !== null || signalCode !== null;

/** Waits for the line that says so; milliseconds since the call. */
export async function ready(instance: Instance, limitMs: number): Promise<number> {
  const from = performance.now();
  while (!instance.output().includes('Clientele is ready')) {
    if (hasEnded(instance)) throw new Error(`the service ended:\n${instance.output()}`);
    if (performance.now() - from > limitMs)
      throw new Error(`not ready after ${limitMs} ms:\n${instance.output()}`);
    await sleep(20);
  }
  return performance.now() - from;
}

/** Waits for the end of the process; milliseconds since the call. */
export async function ended(instance: Instance, limitMs: number): Promise<number> {
  const from = performance.now();
  while (!hasEnded(instance)) {
    if (performance.now() - from > limitMs) throw new Error(`still running after ${limitMs} ms`);
    await sleep(20);
  }
  return performance.now() - from;
}

/** `npm start` is a chain of processes; the one that owns the data folder is the service. */
export const servicePid = ({ dataDir }: Instance): number =>
  Number(JSON.parse(readFileSync(join(dataDir, 'clientele.lock'), 'utf8')).pid);

/** The staff token that the first start wrote. */
export const tokenOf = ({ dataDir }: Instance): string => readFileSync(join(dataDir, 'token'), 'utf8').trim();

export const urlOf = ({ port }: Instance): string => `http://127.0.0.1:${port}`;

/** Ends whatever still runs and removes its data. */
export async function endInstances(): Promise<void> {
  for (const instance of begun.filter((one) => !hasEnded(one))) {
    if (existsSync(join(instance.dataDir, 'clientele.lock'))) process.kill(servicePid(instance), 'SIGTERM');
    else instance.process.kill('SIGTERM');
    await ended(instance, STOP_MS).catch(() => instance.process.kill('SIGKILL'));
  }
  rmSync(workshop, { recursive: true, force: true });
}
