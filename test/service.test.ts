// The service as a process: signals in the middle of work, a second start, messages that a person can act on.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { testDatabase } from './support/harness.ts';

const CLI = fileURLToPath(new URL('../src/cli.js', import.meta.url));
const EXIT_LIMIT_MS = 25_000;
const database = await testDatabase(t);
t.setTimeout(240_000);

interface Running {
  url: string;
  token: string;
  /** Sends the signal and resolves to exit code and time. */
  end(signal: NodeJS.Signals): Promise<{ code: number | null; ms: number }>;
}

const folder = async (t: Test): Promise<string> => {
  const path = await mkdtemp(join(tmpdir(), 'clientele-test-'));
  t.teardown(() => rm(path, { recursive: true, force: true }));
  return path;
};

/** Starts `clientele start` and resolves when it has shown its URL. */
async function start(t: Test, env: Record<string, string>): Promise<Running> {
  const child = spawn(process.execPath, [CLI, 'start'], {
    env: { ...process.env, NODE_ENV: 'development', PORT: '0', LOG_LEVEL: 'error', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => child.exitCode ?? child.kill('SIGKILL'));
  let text = '';
  child.stderr.on('data', (chunk) => {
    text += chunk;
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`exited with ${code}: ${text}`)));
    child.stdout.on('data', (chunk) => {
      text += chunk;
      const match = /API\s+(http:\S+)\/v1/.exec(text);
      if (match && text.includes('curl')) resolve(match[1] as string);
    });
  });
  const token = (await readFile(join(String(env.DATA_DIR), 'token'), 'utf8')).trim();
  return {
    url,
    token,
    async end(signal) {
      const began = Date.now();
      child.kill(signal);
      const [code] = await once(child, 'exit');
      return { code, ms: Date.now() - began };
    },
  };
}

const headersOf = ({ token }: Running) => ({
  authorization: `Bearer ${token}`,
  'content-type': 'application/json',
});

async function countWhere(condition: string): Promise<number> {
  return Number(
    (await database.owner.query(`select count(*) from customers where ${condition}`)).rows[0].count,
  );
}

t.test(
  'SIGTERM among requests: each one is answered or refused, what was answered is stored, exit < 25 s',
  async (t) => {
    const service = await start(t, { DATA_DIR: await folder(t), DATABASE_URL: database.url, ROLE: 'api' });
    const answers = { created: 0, other: 0, lost: 0 };
    let stopped = false;
    const client = async (name: number) => {
      for (let n = 0; !stopped; n++) {
        const body = JSON.stringify({ lastName: `Signal ${name}`, email: `signal-${name}-${n}@example.com` });
        await fetch(`${service.url}/v1/customers`, {
          method: 'POST',
          headers: headersOf(service),
          body,
        }).then(
          ({ status }) => {
            if (status === 201) answers.created++;
            else answers.other++;
          },
          () => {
            answers.lost++;
            stopped = true;
          },
        );
      }
    };
    const clients = Promise.all(Array.from({ length: 16 }, (_, name) => client(name)));
    await sleep(700);
    const { code, ms } = await service.end('SIGTERM');
    stopped = true;
    await clients;
    t.equal(code, 0);
    t.ok(ms < EXIT_LIMIT_MS, `${ms} ms`);
    t.ok(answers.created > 20, `${answers.created} were created before the stop`);
    t.equal(answers.other, 0);
    const stored = await countWhere(`email_norm like 'signal-%'`);
    t.equal(stored, answers.created, 'nothing answered is missing, nothing unanswered was begun and kept');
  },
);

t.test(
  'readiness says 503 before the port closes, and an idle service is gone in about a second',
  async (t) => {
    const service = await start(t, { DATA_DIR: await folder(t), DATABASE_URL: database.url, ROLE: 'api' });
    t.equal((await fetch(`${service.url}/readyz`)).status, 200);
    const ended = service.end('SIGTERM');
    await sleep(150);
    const ready = await fetch(`${service.url}/readyz`);
    t.equal(ready.status, 503);
    t.equal(((await ready.json()) as { status: string }).status, 'stopping');
    const { code, ms } = await ended;
    t.equal(code, 0);
    t.ok(ms < 5_000, `${ms} ms`);
  },
);

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  t.test(`${signal} in the middle of an import: after a new start every row is there once`, async (t) => {
    const env = { DATA_DIR: await folder(t), DATABASE_URL: database.url, SWEEP_INTERVAL_MS: '500' };
    const first = await start(t, env);
    const rows = 30_000;
    const name = signal.toLowerCase();
    const lines = Array.from({ length: rows }, (_, n) => `${name}-${n}@example.com,Customer ${n}`);
    const form = new FormData();
    form.set('file', new Blob([`email,last_name\n${lines.join('\n')}\n`]), 'customers.csv');
    const started = await fetch(`${first.url}/v1/imports?kind=customers`, {
      method: 'POST',
      headers: { authorization: `Bearer ${first.token}`, 'idempotency-key': `import-${name}` },
      body: form,
    });
    t.equal(started.status, 202);
    const { id } = (await started.json()) as { id: string };
    const isOurs = `email_norm like '${name}-%'`;
    while ((await countWhere(isOurs)) === 0) await sleep(50);
    const { ms } = await first.end(signal);
    t.ok(ms < EXIT_LIMIT_MS, `${ms} ms`);
    t.ok((await countWhere(isOurs)) < rows, 'it was stopped in the middle');
    const second = await start(t, env);
    const job = async () =>
      (await (await fetch(`${second.url}/v1/imports/${id}`, { headers: headersOf(second) })).json()) as {
        status: string;
        outcomes: Record<string, number>;
      };
    let state = await job();
    for (let waited = 0; state.status !== 'completed' && waited < 900; waited++) {
      await sleep(100);
      state = await job();
    }
    t.same(state.outcomes, { created: rows });
    t.equal(await countWhere(isOurs), rows);
    const events = `select count(*)::int as count from events e join customers c on c.id = e.customer_id where c.${isOurs}`;
    t.equal((await database.owner.query(events)).rows[0].count, rows, 'one event each');
    t.equal((await second.end('SIGTERM')).code, 0);
  });
}

t.test(
  'a port that is taken and a wrong setting stop the start with a message that says what to do',
  async (t) => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    t.teardown(() => taken.close());
    const { port } = taken.address() as { port: number };
    const env = { DATA_DIR: await folder(t), DATABASE_URL: database.url };
    await t.rejects(start(t, { ...env, PORT: String(port), ROLE: 'api' }), { message: /PORT/ });
    await t.rejects(start(t, { ...env, ROLE: 'everything' }), { message: /ROLE.*all, api, worker/ });
    await t.rejects(start(t, { ...env, NODE_ENV: 'production', APP_SECRET: '' }), { message: /APP_SECRET/ });
  },
);
