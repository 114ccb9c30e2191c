// Tells Amazon SNS that its messages are welcome: it asks once for each subscription.
import { createGuardedFetch } from './guarded-fetch.ts';

const ask = createGuardedFetch({ allowLoopback: false, maxBytes: 65_536, timeoutMs: 10_000 });

/**
 * @param url made by SNS, checked before
 * @throws Error when SNS does not take it
 */
export async function confirmSubscription(url: string): Promise<void> {
  const { status } = await ask(url);
  if (status !== 200) throw new Error(`SNS answers ${status} to the confirmation`);
}
