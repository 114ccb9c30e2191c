// The event feed in tests. It shows what is older than every open transaction of the cluster, those of other suites
// included: what was told a moment ago may need a while to be seen.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, TestStore } from './harness.ts';

const PATIENCE_MS = 10_000;
const POLL_MS = 25;

/** A told event, as the feed has it. */
export type ToldEvent = Answer['data'];

/**
 * Events of a kind, or of a family of kinds, the oldest first, as soon as `isThere` holds for them; whatever there is after
 * ten seconds, for the test to fail with.
 */
export async function toldEvents(
  store: TestStore,
  kind: string,
  isThere: (events: readonly ToldEvent[]) => boolean,
): Promise<readonly ToldEvent[]> {
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    const { data } = await store.call('GET', `/v1/events?kind=${kind}`);
    if (isThere(data.data) || Date.now() > until) return data.data;
    await sleep(POLL_MS);
  }
}
