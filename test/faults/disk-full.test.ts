// The disk of PostgreSQL is full: nothing is answered as done that is not, and once there is room all goes on.
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { startCrashingServer } from '../support/crashing-server.ts';
import { orderOf } from '../support/faults.ts';
import { testApp, testStore } from '../support/harness.ts';
import { checkSound } from '../support/invariants.ts';

const SIZE_MIB = 300;
/** Orders that come while there is room. */
const BEFORE = 50;
const MAX_ORDERS = 3_000;
t.setTimeout(120_000);

/** A disk of its own, which only root of a Linux machine can make; its folder, or why there is none. */
async function makeDisk(t: Test): Promise<{ folder: string } | { reason: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'clientele-disk-'));
  t.teardown(() => rmdir(folder));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE_MIB}m,mode=755`, 'none', folder]);
  if (mounted.status !== 0) return { reason: 'a small disk can only be mounted by root' };
  t.teardown(() => spawnSync('umount', ['--lazy', folder]));
  return { folder };
}

/** Takes all the room that is left; gives it back. */
async function fill(folder: string): Promise<() => Promise<void>> {
  const ballast = join(folder, 'ballast');
  const megabyte = Buffer.alloc(2 ** 20, 1);
  for (let size = megabyte; size.length >= 512; ) {
    const isWritten = await writeFile(ballast, size, { flag: 'a' }).then(
      () => true,
      () => false,
    );
    if (!isWritten) size = size.subarray(0, size.length / 2);
  }
  return () => rm(ballast);
}

t.test(
  'the disk of PostgreSQL is full: 503 until there is room, and nothing that was answered is lost',
  async (t) => {
    const disk = await makeDisk(t);
    if ('reason' in disk) {
      t.pass(disk.reason, { skip: disk.reason });
      return;
    }
    const settings = {
      max_wal_size: '64MB',
      min_wal_size: '32MB',
      shared_buffers: '16MB',
      checkpoint_timeout: '30s',
    };
    const { database, restart } = await startCrashingServer(t, { dataDir: disk.folder, settings });
    const app = await testApp(t, database);
    const store = await testStore(app, database);
    const put = (n: number) => store.call('PUT', `/v1/orders/full-${n}`, orderOf(`full-${n}@example.com`));

    let sent = 0;
    for (; sent < BEFORE; sent++) t.equal((await put(sent)).statusCode, 201);
    const giveBack = await fill(disk.folder);
    const refused: number[] = [];
    for (; sent < MAX_ORDERS && refused.length < 20; sent += 20) {
      const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => put(sent + n)));
      for (const [n, { statusCode, data }] of answers.entries()) {
        if (statusCode === 201) continue;
        t.match({ statusCode, data }, { statusCode: 503, data: { code: 'UNAVAILABLE' } });
        refused.push(sent + n);
      }
    }
    t.comment(`${sent} orders, ${refused.length} refused`);
    t.ok(refused.length >= 20, 'it says that it cannot');

    await giveBack();
    // PostgreSQL may have stopped for want of room; whoever runs it starts it again.
    await restart();
    for (const n of refused) t.match(String((await put(n)).statusCode), /^20[01]$/);
    const { rows } = await database.owner.query(
      'select count(*)::int as orders from orders where store_id = $1',
      [store.storeId],
    );
    t.same(rows, [{ orders: sent }], 'all orders, each once');
    await checkSound(t, database, store);
  },
);
