// What must hold whatever went wrong: every fault test ends with it.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import { checkInvariants } from '../../src/actions/invariants.ts';
import type { TestDatabase, TestStore } from './harness.ts';
import { ledgerFaults } from './ledger-invariants.ts';

const SETTLE_MS = 10_000;
const POLL_MS = 250;

/**
 * The self-check of the store finds nothing, and neither do the books as plain SQL reads them. What a client that died left
 * behind ends by itself, so it has some seconds for it.
 */
export async function checkSound(
  t: Test,
  { owner }: Pick<TestDatabase, 'owner'>,
  store: TestStore,
): Promise<void> {
  const deadline = Date.now() + SETTLE_MS;
  for (;;) {
    const { ok, complete, checks } = await checkInvariants(store.ctx(), { sweepIntervalMs: 1_000 });
    if ((ok && complete) || Date.now() > deadline) {
      t.same(
        checks.filter((check) => !check.ok),
        [],
        'every invariant holds',
      );
      t.ok(complete, 'all of the store was looked at');
      break;
    }
    await sleep(POLL_MS);
  }
  t.same(await ledgerFaults(owner, store.storeId), [], 'the books are sound');
}
