// Topics: what a store writes about, and people agree to one by one.
import type { Ctx } from '../context.ts';
import { type Db, type Tx, transaction } from '../db/connection.ts';
import { insertTopics, listTopics, lockTopic, type Topic, updateTopic as updateRow } from '../db/topics.ts';
import { changedFields } from '../domain/customers.ts';
import { MAX_TOPICS, PRESET_TOPICS } from '../domain/mail/consents.ts';
import { Problem } from '../errors.ts';
import { tell } from './timeline.ts';
import { write } from './write.ts';

const presetsAt = (now: Date): Topic[] =>
  PRESET_TOPICS.map((topic, position) => ({
    ...topic,
    position,
    archivedAt: null,
    version: 1,
    createdAt: now,
    updatedAt: now,
  }));

/** Topics of the store; one that was opened before there were topics gets those of a new store. */
export async function ensureTopics(ctx: Pick<Ctx, 'now'>, tx: Tx): Promise<Topic[]> {
  const known = await listTopics(tx);
  if (known.length > 0) return known;
  await insertTopics(tx, presetsAt(ctx.now));
  return listTopics(tx);
}

/**
 * Refuses keys that name no topic, or one that takes no new consent.
 * @throws Problem TOPIC_UNKNOWN, TOPIC_ARCHIVED
 */
export async function refuseTopics(
  ctx: Pick<Ctx, 'now'>,
  tx: Tx,
  wanted: readonly string[],
  { archivedToo = false }: { archivedToo?: boolean } = {},
): Promise<void> {
  if (wanted.length === 0) return;
  const topics = new Map((await ensureTopics(ctx, tx)).map((topic) => [topic.key, topic]));
  for (const topic of wanted) {
    const known = topics.get(topic);
    if (!known) throw new Problem('TOPIC_UNKNOWN', { topic });
    if (known.archivedAt && !archivedToo) throw new Problem('TOPIC_ARCHIVED', { topic });
  }
}

/** All topics, archived ones last, in the order in which people see them. */
export async function readTopics(ctx: Ctx): Promise<Topic[]> {
  const known = await listTopics(ctx.db);
  const topics = known.length > 0 ? known : await transaction(ctx.db, (tx) => ensureTopics(ctx, tx));
  return [...topics].sort((a, b) => Number(a.archivedAt !== null) - Number(b.archivedAt !== null));
}

/** @throws Problem NOT_FOUND */
export async function readTopic(ctx: Ctx, key: string): Promise<Topic> {
  const topic = (await readTopics(ctx)).find((one) => one.key === key);
  if (!topic) throw new Problem('NOT_FOUND', { resource: 'topic' });
  return topic;
}

export interface NewTopic {
  key: string;
  name: string;
  description?: string;
  position?: number;
}

const readBack = async (tx: Db, key: string): Promise<Topic> =>
  (await listTopics(tx)).find((topic) => topic.key === key) as Topic;

/** @throws Problem TOPIC_KEY_TAKEN, TOO_MANY_TOPICS */
export function createTopic(ctx: Ctx, input: NewTopic): Promise<Topic> {
  return write(ctx, async (tx) => {
    const topics = await ensureTopics(ctx, tx);
    if (topics.some(({ key }) => key === input.key)) throw new Problem('TOPIC_KEY_TAKEN');
    if (topics.length >= MAX_TOPICS) throw new Problem('TOO_MANY_TOPICS', { limit: MAX_TOPICS });
    const last = Math.max(-1, ...topics.map(({ position }) => position));
    await insertTopics(tx, [
      {
        key: input.key,
        name: input.name,
        description: input.description ?? '',
        position: input.position ?? last + 1,
        archivedAt: null,
        version: 1,
        createdAt: ctx.now,
        updatedAt: ctx.now,
      },
    ]);
    await tell(ctx, tx, { kind: 'topic.created', customerId: null, data: { topic: input.key } });
    return readBack(tx, input.key);
  });
}

export interface TopicPatch {
  name?: string;
  description?: string;
  position?: number;
  archived?: boolean;
}

async function lockedTopic(ctx: Ctx, tx: Tx, key: string, ifMatch: number | undefined): Promise<Topic> {
  await ensureTopics(ctx, tx);
  if (!(await lockTopic(tx, key))) throw new Problem('NOT_FOUND', { resource: 'topic' });
  const topic = await readBack(tx, key);
  if (ifMatch !== undefined && ifMatch !== topic.version)
    throw new Problem('VERSION_MISMATCH', { version: topic.version });
  return topic;
}

/**
 * Renames, moves, archives or brings back a topic. Consent stays as it is: an archived topic is only offered no longer.
 * @throws Problem NOT_FOUND, VERSION_MISMATCH
 */
export function updateTopic(ctx: Ctx, key: string, patch: TopicPatch, ifMatch?: number): Promise<Topic> {
  return write(ctx, async (tx) => {
    const topic = await lockedTopic(ctx, tx, key, ifMatch);
    const { archived = topic.archivedAt !== null, ...fields } = patch;
    const columns = { ...fields, archivedAt: archived ? (topic.archivedAt ?? ctx.now) : null };
    const changes = changedFields({ ...topic }, columns, ['name', 'description', 'position', 'archivedAt']);
    if (Object.keys(changes).length === 0) return topic;
    await updateRow(tx, key, { ...columns, version: topic.version + 1, updatedAt: ctx.now });
    await tell(ctx, tx, { kind: 'topic.updated', customerId: null, data: { topic: key, changes } });
    return readBack(tx, key);
  });
}
