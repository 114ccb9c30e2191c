// Calendar feeds: what an agent's calendar shows.
import { type FeedTask, writeCalendar } from '../clients/calendar-feed.ts';
import type { Ctx } from '../context.ts';
import { findAgentByCalendar } from '../db/sales-agents.ts';
import { listFeedTasks, type TaskRow } from '../db/tasks.ts';
import { localTimeAt } from '../domain/zoned-time.ts';
import { Problem } from '../errors.ts';
import { hashKey } from './api-keys.ts';

const DONE_SHOWN_MS = 30 * 24 * 3600_000;

function feedTaskOf(task: TaskRow): FeedTask {
  if (!task.allDay) return { ...task, day: null };
  const { year, month, day } = localTimeAt(task.dueAt, task.dueTimezone);
  return { ...task, day: new Date(Date.UTC(year, month - 1, day)) };
}

/** Path of a feed. Its secret is the credential. */
export const calendarPath = (storeId: string, secret: string): string =>
  `/v1/calendars/${storeId}/${secret}.ics`;

/**
 * The feed whose secret this is. Any other text takes the same way: one hash, one look-up.
 * @throws Problem NOT_FOUND
 */
export async function readFeed(ctx: Ctx, secret: string): Promise<string> {
  const agent = await findAgentByCalendar(ctx.db, hashKey(secret));
  if (!agent) throw new Problem('NOT_FOUND', { resource: 'calendar' });
  const tasks = await listFeedTasks(ctx.db, agent.id, new Date(ctx.now.getTime() - DONE_SHOWN_MS));
  return writeCalendar(agent.name, tasks.map(feedTaskOf));
}
