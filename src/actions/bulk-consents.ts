// Consent of many: what a bulk job may state, and how it records it. Whoever withdrew is never subscribed again by it.
import type { Ctx } from '../context.ts';
import type { Tx } from '../db/connection.ts';
import { listStates, lockOwners } from '../db/consents.ts';
import type { BulkConsent, TopicAction, TopicFacts } from '../domain/bulk.ts';
import { type StatedSource, stateAfter } from '../domain/mail/consents.ts';
import { mailSettingsOf } from '../domain/mail/settings.ts';
import { callersSource } from './consent-statements.ts';
import { type NewConsent, recordConsents, refuseUnknownWordings } from './consents.ts';
import { storeOf } from './customers.ts';
import { refuseTopics } from './topics.ts';

/** What the job states, as kept in its row. */
export type KeptConsent = BulkConsent & { source: StatedSource };

const hashOf = ({ wordingHash }: BulkConsent): Buffer | undefined =>
  wordingHash === undefined ? undefined : Buffer.from(wordingHash, 'hex');

/** @throws Problem TOPIC_UNKNOWN, TOPIC_ARCHIVED, WORDING_UNKNOWN */
export async function keepConsent(
  ctx: Ctx,
  tx: Tx,
  action: TopicAction,
  consent: BulkConsent,
): Promise<KeptConsent> {
  await refuseTopics(ctx, tx, [consent.topic], { archivedToo: action === 'unsubscribeTopic' });
  const hash = hashOf(consent);
  if (hash) await refuseUnknownWordings(tx, [hash]);
  return { source: callersSource(ctx), ...consent };
}

/** What the rule of one customer has to know, and the way to record what it decided. */
export interface TopicWork {
  factsOf(customerId: string): TopicFacts;
  record(customerIds: readonly string[]): Promise<unknown>;
}

/** Reads addresses and states of the customers at once; their locks are held. */
export async function openTopicWork(
  ctx: Ctx,
  tx: Tx,
  action: TopicAction,
  { jobId, consent, ids }: { jobId: string; consent: KeptConsent; ids: string[] },
): Promise<TopicWork> {
  const { channel, topic, source, wording, proof } = consent;
  const act = action === 'subscribeTopic' ? 'grant' : 'withdraw';
  const owners = await lockOwners(tx, { ids });
  const addresses = new Map(
    owners.map((owner) => [owner.id, channel === 'email' ? owner.emailNorm : owner.phone]),
  );
  const places = [...addresses.values()].filter((address) => address !== null);
  const states = await listStates(
    tx,
    places.map((address) => ({ channel, address, topic })),
  );
  const byAddress = new Map(states.map(({ address, state }) => [address, state]));
  const { doubleOptIn } = mailSettingsOf((await storeOf({ ...ctx, db: tx })).settings);
  const statement = (customerId: string): NewConsent => ({
    channel,
    address: addresses.get(customerId) ?? '',
    topic,
    action: act,
    source,
    customerId,
    wording,
    wordingHash: hashOf(consent),
    proof: { jobId, ...(proof !== undefined && { text: proof }) },
  });
  return {
    factsOf(customerId) {
      const address = addresses.get(customerId) ?? null;
      const current = address === null ? undefined : byAddress.get(address);
      const after = stateAfter(act, { channel, source, current, doubleOptIn });
      return { channel, hasAddress: address !== null, current, after };
    },
    record: (customerIds) => recordConsents(ctx, tx, customerIds.map(statement)),
  };
}
