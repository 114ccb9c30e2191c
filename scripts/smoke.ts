// Starts the service as a person does: the printed curl line, a second instance, a taken port, kill -9, SIGTERM.
import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ended,
  endInstances,
  FIRST_START_MS,
  type Instance,
  launch,
  ready,
  STOP_MS,
  servicePid,
  tokenOf,
  urlOf,
  workshop,
} from './support/instances.ts';
import { hasFailed, report, step } from './support/steps.ts';

const NOBODY = 65_534;
const NEXT_START_MS = 10_000;
const PRINT_MS = 5_000;

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

async function get(instance: Instance, path: string): Promise<Record<string, unknown>> {
  const answer = await fetch(`${urlOf(instance)}${path}`, {
    headers: { authorization: `Bearer ${tokenOf(instance)}` },
  });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as Record<string, unknown>;
}

function expect(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
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
  if (hasFailed()) return;

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
  await endInstances();
}
report('smoke');
