// The service as operators run it: processes of its own, which can be killed.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../../src/cli.js', import.meta.url));

export interface ServiceProcess {
  /** Sends the signal; resolves to how the process ended: its exit code, or the signal that ended it. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | string | null>;
}

export interface ApiProcess extends ServiceProcess {
  /** `http://127.0.0.1:<port>` */
  url: string;
}

/** Hears every word of a process, errors included. */
export type Hear = (words: string) => void;

/** What `wanted` catches of the child's words. They are read on, so that it never writes into a closed pipe. */
const untilSaid = (child: ChildProcess, wanted: RegExp): Promise<string> =>
  new Promise((resolve, reject) => {
    let said = '';
    child.stdout?.on('data', (chunk) => {
      said += chunk;
      const match = wanted.exec(said);
      if (match) resolve(match[1] ?? '');
    });
    child.once('exit', () => reject(new Error(`The service did not start: ${said}`)));
  });

/** Starts `clientele start` in the role; `said` is what `wanted` catches of its words. */
async function startProcess(
  env: Record<string, string>,
  wanted: RegExp,
  hear?: Hear,
): Promise<ServiceProcess & { said: string }> {
  const child = spawn(process.execPath, [CLI, 'start'], {
    env: { PATH: process.env.PATH, NODE_ENV: 'test', LOG_LEVEL: 'error', ...env },
    stdio: ['ignore', 'pipe', hear ? 'pipe' : 'inherit'],
  });
  for (const stream of hear ? [child.stdout, child.stderr] : [])
    stream?.on('data', (chunk) => hear?.(String(chunk)));
  const ended = once(child, 'exit');
  const said = await untilSaid(child, wanted);
  return {
    said,
    async end(signal) {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      await ended;
      return child.exitCode ?? child.signalCode;
    },
  };
}

/** Starts `clientele start` with ROLE=worker; resolves when it hears of jobs. */
export const startWorkerProcess = (env: Record<string, string>, hear?: Hear): Promise<ServiceProcess> =>
  startProcess({ ROLE: 'worker', ...env }, /is ready/, hear);

/** Starts `clientele start` with ROLE=api on a free port; resolves when it answers. */
export async function startApiProcess(env: Record<string, string>, hear?: Hear): Promise<ApiProcess> {
  const rates = { RATE_LIMIT_PER_MINUTE: '1000000', RATE_LIMIT_ANONYMOUS_PER_MINUTE: '1000000' };
  const { said, end } = await startProcess(
    { ROLE: 'api', PORT: '0', ...rates, ...env },
    /Docs\s+(\S+)\/docs\s/,
    hear,
  );
  return { url: said, end };
}
