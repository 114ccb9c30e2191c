// The embedded server with real clusters: what survives a kill -9, who may own a folder, what repairs itself.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import t, { type Test } from 'tap';
import { type EmbeddedOptions, type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/db/embedded.ts';
import { canReach, restoreSymlinks, runnableFolder } from '../../src/db/embedded-binaries.ts';
import { processStart, takeDataDir } from '../../src/db/embedded-lock.ts';

const run = promisify(execFile);
const IS_ROOT = process.getuid?.() === 0;
const STRANGER = { uid: 54_321, gid: 54_321 };
const source = (file: string) => new URL(`../../src/db/${file}`, import.meta.url).href;

async function temporaryFolder(test: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'clientele-embedded-'));
  // The server's system user must be able to pass it.
  await chmod(folder, 0o755);
  test.teardown(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

/** One cluster serves most tests: initdb and a copy of 40 MB both take longer than all that a test does. */
const shared = await mkdtemp(join(tmpdir(), 'clientele-embedded-'));
t.before(() => chmod(shared, 0o755));
t.teardown(() => rm(shared, { recursive: true, force: true, maxRetries: 5 }));

async function start(test: Test, options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ durable: false, ...options });
  test.teardown(() => server.stop());
  return server;
}

async function query(server: { url: string }, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  try {
    return (await client.query({ text, rowMode: 'array' })).rows.flat();
  } finally {
    await client.end();
  }
}

/** A Node process that starts the server of a folder, tells `{ pid, url }` or `{ code, message }`, and stays. */
function spawnOwner(test: Test, dataDir: string): ChildProcess {
  return spawnScript(
    test,
    `import { startEmbeddedPostgres } from ${JSON.stringify(source('embedded.js'))};
     const told = await startEmbeddedPostgres({ dataDir: ${JSON.stringify(dataDir)}, durable: false })
       .then(({ pid, url }) => ({ pid, url }), ({ code, message }) => ({ code, message }));
     console.log(JSON.stringify(told));
     setInterval(() => undefined, 1000);`,
  );
}

function spawnScript(test: Test, script: string): ChildProcess {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  test.teardown(() => kill(child));
  return child;
}

async function firstLine({ stdout }: ChildProcess): Promise<Record<string, string>> {
  if (stdout === null) throw new Error('no output to read');
  const [line] = await once(createInterface(stdout), 'line');
  return JSON.parse(line);
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

async function killed(pid: number): Promise<void> {
  process.kill(pid, 'SIGKILL');
  while (processStart(pid) !== undefined) await sleep(5);
}

async function until(happened: () => Promise<boolean>): Promise<void> {
  while (!(await happened())) await sleep(2);
}

t.test(
  'a first start makes a UTF-8 cluster that only this machine and only a password can enter',
  async (t) => {
    const server = await startEmbeddedPostgres({ dataDir: shared, durable: false });
    t.match(server.url, `@127.0.0.1:${server.port}/postgres`);
    t.doesNotThrow(() => process.kill(-server.pid, 0), 'it leads a process group: Ctrl-C does not reach it');
    t.same(
      await query(server, `select datlocprovider, datlocale, pg_encoding_to_char(encoding) from pg_database`),
      ['b', 'C.UTF-8', 'UTF8', 'b', 'C.UTF-8', 'UTF8', 'b', 'C.UTF-8', 'UTF8'],
    );
    t.same(await query(server, `select current_setting('listen_addresses')`), ['127.0.0.1']);
    t.same(await query(server, `select current_setting('unix_socket_directories')`), ['']);
    t.equal((await stat(join(shared, 'postgres.password'))).mode & 0o777, 0o600);
    const stranger = new pg.Client({ connectionString: server.url.replace(/:[^:@]+@/, ':wrong@') });
    await t.rejects(stranger.connect(), { code: '28P01' });

    await Promise.all([server.stop(), server.stop()]);
    await server.stop();
    t.equal(processStart(server.pid), undefined, 'stop resolves when the server is gone');
    t.same((await readdir(shared)).sort(), ['postgres', 'postgres.log', 'postgres.password']);
  },
);

t.test('a second start keeps the data and is ready in less than 2 s', async (t) => {
  const first = await start(t, { dataDir: shared });
  await query(first, 'create table kept_by_stop as select 42 as answer');
  await first.stop();
  const begin = performance.now();
  const second = await start(t, { dataDir: shared });
  const tookMs = performance.now() - begin;
  t.ok(tookMs < 2_000, `ready after ${Math.round(tookMs)} ms`);
  t.same(await query(second, 'select answer from kept_by_stop'), [42]);
});

// The words of docs/operations.md, "Backup and restore".
t.test(
  'an archive of a stopped folder is a backup: unpacked elsewhere it starts with all that was in it',
  async (t) => {
    const place = await temporaryFolder(t);
    const archive = join(place, 'clientele-backup.tar.gz');
    const original = await start(t, { dataDir: shared });
    await query(original, 'create table backed_up as select generate_series(1, 1000) as number');
    await original.stop();
    await run('tar', ['--create', '--gzip', `--file=${archive}`, `--directory=${shared}`, '.']);
    const lost = await start(t, { dataDir: shared });
    await query(lost, 'drop table backed_up');

    const restored = join(place, 'restored');
    await mkdir(restored);
    await run('tar', ['--extract', '--gzip', `--file=${archive}`, `--directory=${restored}`]);
    const copy = await start(t, { dataDir: restored });
    t.same(await query(copy, 'select sum(number)::integer from backed_up'), [500_500]);
    t.same(
      await query(lost, `select to_regclass('backed_up')::text`),
      [null],
      'the original goes its own way',
    );
  },
);

t.test('settings reach the server, the durable ones are on unless they are turned off', async (t) => {
  const shown = `select current_setting('work_mem'), current_setting('fsync')`;
  const fast = await start(t, { dataDir: shared, settings: { work_mem: '7MB' } });
  t.same(await query(fast, shown), ['7MB', 'off']);
  await fast.stop();
  const durable = await start(t, { dataDir: shared, durable: true });
  t.same(await query(durable, shown), ['4MB', 'on']);
});

t.test('a failed statement leaves no customer data in the log', async (t) => {
  const server = await start(t, { dataDir: shared });
  await query(server, 'create table people (email text unique)');
  const twice = `insert into people values ('ada@example.org'), ('ada@example.org')`;
  await t.rejects(query(server, twice), { code: '23505' });
  const log = await readFile(join(shared, 'postgres.log'), 'utf8');
  t.match(log, 'duplicate key');
  t.notMatch(log, 'ada@example.org');
});

t.test('two servers in two folders run at once', async (t) => {
  const dataDir = await temporaryFolder(t);
  const [left, right] = await Promise.all([start(t, { dataDir: shared }), start(t, { dataDir })]);
  t.not(left.port, right.port);
  await query(left, 'create table here ()');
  t.same(await query(right, `select to_regclass('here')`), [null]);
});

t.test('a folder that a live process owns is refused, with the pid and the way out', async (t) => {
  const owner = spawnOwner(t, shared);
  const { pid } = await firstLine(owner);
  await t.rejects(startEmbeddedPostgres({ dataDir: shared }), {
    code: 'DATA_DIR_IN_USE',
    message: new RegExp(`in use by process ${owner.pid}.*DATA_DIR`),
  });
  t.ok(processStart(Number(pid)), 'the refusal does not touch the running server');
  await kill(owner);
  const next = await start(t, { dataDir: shared });
  await t.rejects(
    startEmbeddedPostgres({ dataDir: shared }),
    { code: 'DATA_DIR_IN_USE' },
    'by our own process too',
  );
  await next.stop();
  await (await start(t, { dataDir: shared })).stop();
});

t.test('after a kill -9 of the owner the next start takes over the running server', async (t) => {
  const owner = spawnOwner(t, shared);
  const { pid, url } = await firstLine(owner);
  await query({ url: String(url) }, 'create table kept_by_server as select 42 as answer');
  await kill(owner);
  const next = await start(t, { dataDir: shared });
  t.equal(next.pid, Number(pid));
  t.equal(next.url, url);
  t.same(await query(next, 'select answer from kept_by_server'), [42]);
  await next.stop();
  t.equal(processStart(next.pid), undefined);
});

t.test('a server that is still starting, or already stopping, is waited for', async (t) => {
  const early = spawnOwner(t, shared);
  await until(async () => (await readdir(join(shared, 'postgres'))).includes('postmaster.pid'));
  await kill(early);
  const adopted = await start(t, { dataDir: shared });
  t.same(await query(adopted, 'select 1'), [1]);
  await adopted.stop();

  const owner = spawnOwner(t, shared);
  const { pid, url } = await firstLine(owner);
  await kill(owner);
  const guest = new pg.Client({ connectionString: String(url) });
  guest.on('error', () => undefined);
  await guest.connect();
  // A smart shutdown, as systemd's SIGTERM asks for, would wait for the guest for ever.
  process.kill(Number(pid), 'SIGTERM');
  const pidFile = join(shared, 'postgres', 'postmaster.pid');
  await until(async () => (await readFile(pidFile, 'utf8')).includes('stopping'));
  const lines: string[] = [];
  const next = await start(t, { dataDir: shared, onLog: (line) => lines.push(line) });
  t.notMatch(lines.join('\n'), 'trying again');
  t.not(next.pid, Number(pid));
  t.same(await query(next, 'select 1'), [1]);
});

t.test('after a kill -9 of the server, in the middle of a query, the next start recovers', async (t) => {
  const first = await start(t, { dataDir: shared, durable: true });
  await query(first, 'create table kept_by_log as select 42 as answer');
  const busy = new pg.Client({ connectionString: first.url });
  busy.on('error', () => undefined);
  await busy.connect();
  const [backend] = (await busy.query('select pg_backend_pid() as pid')).rows;
  busy.query('select count(*) from generate_series(1, 1e11)').catch(() => undefined);
  await sleep(100);
  await killed(first.pid);
  t.ok(processStart(backend.pid), 'its backend calculates on and holds the shared memory');
  await first.stop();
  const lines: string[] = [];
  const second = await start(t, { dataDir: shared, onLog: (line) => lines.push(line) });
  t.match(lines.join('\n'), `ending the left-over process ${backend.pid}`);
  t.same(await query(second, 'select answer from kept_by_log'), [42]);
  t.equal(processStart(backend.pid), undefined);
});

t.test(
  'a stale postmaster.pid and a stale lock with the pid of a stranger do not stop a start',
  async (t) => {
    // Of the server's own user: PostgreSQL knows by itself that a process of somebody else is none of its own.
    const { uid } = await stat(join(shared, 'postgres'));
    const stranger = spawn('sleep', ['60'], IS_ROOT ? { uid } : {});
    t.teardown(() => kill(stranger));
    const lines = [stranger.pid, join(shared, 'postgres'), 1, 5432, '', '127.0.0.1', '1 1', 'ready'];
    await writeFile(join(shared, 'postgres', 'postmaster.pid'), `${lines.join('\n')}\n`);
    const owner = { pid: stranger.pid, started: 'an earlier boot:1', token: 'old' };
    await writeFile(join(shared, 'clientele.lock'), JSON.stringify(owner));
    const server = await start(t, { dataDir: shared });
    t.same(await query(server, 'select 1'), [1]);
    t.equal(stranger.exitCode ?? stranger.signalCode, null, 'the stranger lives');
  },
);

t.test('of many processes that find a stale lock at once, exactly one becomes the owner', async (t) => {
  const script = (dataDir: string) => `
    import { takeDataDir } from ${JSON.stringify(source('embedded-lock.js'))};
    process.stdin.once('data', () => {
      try { takeDataDir(${JSON.stringify(dataDir)}); console.log('{"won":"yes"}') }
      catch ({ code }) { console.log(JSON.stringify({ won: 'no', code })) }
    });
    console.log('{}');`;
  const rounds = ['{"pid":999999999,"started":"","token":"dead"}', '', undefined];
  for (const stale of rounds) {
    const dataDir = await temporaryFolder(t);
    if (stale !== undefined) await writeFile(join(dataDir, 'clientele.lock'), stale);
    // Somebody died in the middle of taking over, too.
    await writeFile(
      join(dataDir, 'clientele.lock.after-dead'),
      '{"pid":999999998,"started":"","token":"late"}',
    );
    const rivals = Array.from({ length: 6 }, () => spawnScript(t, script(dataDir)));
    await Promise.all(rivals.map(firstLine));
    const answers = rivals.map(firstLine);
    for (const { stdin } of rivals) stdin?.write('go\n');
    const told = await Promise.all(answers);
    t.equal(told.filter(({ won }) => won === 'yes').length, 1);
    t.equal(told.filter(({ code }) => code === 'DATA_DIR_IN_USE').length, 5);
    await Promise.all(rivals.map(kill));
    takeDataDir(dataDir)();
    t.notOk(
      (await readdir(dataDir)).includes('clientele.lock'),
      'the winner is dead, and its lock passed on',
    );
  }
});

t.test('a first start that is killed in the middle of initdb is repaired by the next', async (t) => {
  const dataDir = await temporaryFolder(t);
  const owner = spawnOwner(t, dataDir);
  const unfinished = async () => (await readdir(dataDir)).find((name) => name.startsWith('postgres.new-'));
  const begun = async () =>
    stat(join(dataDir, `${await unfinished()}`, 'data', 'PG_VERSION')).then(() => true);
  await until(() => begun().catch(() => false));
  await kill(owner);
  t.ok(await unfinished(), 'the half of a cluster is there');
  const next = await start(t, { dataDir });
  t.same(await query(next, 'select 1'), [1]);
  await next.stop();
  await (await start(t, { dataDir })).stop();
  t.notOk(await unfinished());
});

t.test('a cluster of another major version is refused and left alone', async (t) => {
  const dataDir = await temporaryFolder(t);
  await mkdir(join(dataDir, 'postgres'));
  await writeFile(join(dataDir, 'postgres', 'PG_VERSION'), '17\n');
  await t.rejects(startEmbeddedPostgres({ dataDir }), /made by PostgreSQL 17, .* PostgreSQL 18.*pg_dump/);
  t.same(await readdir(dataDir), ['postgres'], 'and the lock is given back');
});

t.test('a folder that is no cluster, and one without its password, are refused', async (t) => {
  const dataDir = await temporaryFolder(t);
  await (await start(t, { dataDir })).stop();
  await rm(join(dataDir, 'postgres.password'));
  await t.rejects(startEmbeddedPostgres({ dataDir }), /postgres\.password is missing/);
  await writeFile(join(dataDir, 'postgres.password'), 'another\n');
  await t.rejects(startEmbeddedPostgres({ dataDir }), /has another password/);
  t.notOk((await readdir(join(dataDir, 'postgres'))).includes('postmaster.pid'), 'no server is left running');
  await rm(join(dataDir, 'postgres', 'PG_VERSION'));
  await t.rejects(startEmbeddedPostgres({ dataDir }), /no PostgreSQL cluster/);
});

t.test('a big log makes room at the start', async (t) => {
  await writeFile(join(shared, 'postgres.log'), Buffer.alloc(11 * 2 ** 20));
  await start(t, { dataDir: shared });
  t.ok((await stat(join(shared, 'postgres.log'))).size < 10_000);
  t.equal((await stat(join(shared, 'postgres.log.1'))).size, 11 * 2 ** 20);
});

t.test(
  'as root, the server also reaches a folder inside one that only root may enter',
  {
    skip: !IS_ROOT,
  },
  async (t) => {
    const folder = await temporaryFolder(t);
    const home = join(folder, 'home-of-root');
    await mkdir(home, { mode: 0o700 });
    const dataDir = join(home, 'data');
    const first = await start(t, { dataDir });
    await query(first, 'create table kept as select 42 as answer');
    await first.stop();
    t.notOk(await canReach(dataDir, STRANGER, 0o5));
    t.not((await stat(join(dataDir, 'postgres'))).uid, 0);
    const second = await start(t, { dataDir });
    t.same(await query(second, 'select answer from kept'), [42]);
  },
);

async function fakePackage(test: Test): Promise<string> {
  const folder = join(await temporaryFolder(test), 'package');
  await mkdir(join(folder, 'native', 'lib'), { recursive: true });
  await mkdir(join(folder, 'native', 'bin'));
  await writeFile(join(folder, 'package.json'), '{"version":"18.4.0"}');
  await writeFile(join(folder, 'native', 'bin', 'postgres'), '', { mode: 0o644 });
  await writeFile(join(folder, 'native', 'lib', 'libpq.so.5.18'), 'library');
  const links = ['libpq.so', 'libpq.so.5'].map((name) => ({
    source: 'native/lib/libpq.so.5.18',
    target: `native/lib/${name}`,
  }));
  await writeFile(join(folder, 'native', 'pg-symlinks.json'), JSON.stringify(links));
  return folder;
}

t.test('links that npm did not make are made, by several starts at once, and then left alone', async (t) => {
  const folder = await fakePackage(t);
  const library = join(folder, 'native', 'lib');
  await symlink('libpq.so.5.18', join(library, 'libpq.so'));
  await Promise.all([restoreSymlinks(folder), restoreSymlinks(folder), restoreSymlinks(folder)]);
  t.equal(await readlink(join(library, 'libpq.so.5')), 'libpq.so.5.18');
  t.equal(await readFile(join(library, 'libpq.so.5'), 'utf8'), 'library');
  const made = (await lstat(join(library, 'libpq.so.5'))).ctimeMs;
  await restoreSymlinks(folder);
  t.equal((await lstat(join(library, 'libpq.so.5'))).ctimeMs, made);
});

t.test('programs that lost their execute bit get it back, where they are', async (t) => {
  const folder = await fakePackage(t);
  t.equal(await runnableFolder(folder, '/nowhere', undefined), folder);
  t.equal((await stat(join(folder, 'native', 'bin', 'postgres'))).mode & 0o777, 0o755);
});

t.test('programs that the system user of the server cannot reach are copied, once', async (t) => {
  const folder = await fakePackage(t);
  const home = join(await temporaryFolder(t), 'cache');
  await restoreSymlinks(folder);
  await chmod(join(folder, '..'), 0o700);
  await chmod(join(folder, 'native', 'lib', 'libpq.so.5.18'), 0o600);
  const copies = await Promise.all([
    runnableFolder(folder, home, STRANGER),
    runnableFolder(folder, home, STRANGER),
  ]);
  t.same(copies, Array(2).fill(join(home, 'postgres-binaries-18.4.0')));
  t.same(await readdir(home), ['postgres-binaries-18.4.0']);
  const copied = join(home, 'postgres-binaries-18.4.0', 'native');
  t.ok(await canReach(join(copied, 'bin', 'postgres'), STRANGER, 0o5));
  t.ok(await canReach(join(copied, 'lib', 'libpq.so.5'), STRANGER, 0o4));
});

t.test('a port that somebody takes at the last moment is not the end of a start', async (t) => {
  const lines: string[] = [];
  const thief = createServer();
  t.teardown(() => thief.close());
  // The first two ports the system hands out are taken again as soon as they are free.
  let stolen = 0;
  const close = thief.constructor.prototype.close;
  t.teardown(() => {
    thief.constructor.prototype.close = close;
  });
  thief.constructor.prototype.close = function (this: typeof thief, done?: () => void) {
    const address = this.address();
    close.call(this, done);
    if (stolen++ === 0 && typeof address === 'object') thief.listen(address?.port, '127.0.0.1');
    return this;
  };
  const server = await start(t, { dataDir: shared, onLog: (line) => lines.push(line) });
  t.match(lines.join('\n'), 'could not create any TCP/IP sockets');
  t.same(await query(server, 'select 1'), [1]);
});
