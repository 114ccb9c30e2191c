// Calendar feeds (iCalendar, RFC 5545): tasks as events, because calendar apps do not show VTODO of a subscription.
import ical, { escape as escapeText, type ICalEventData, ICalEventTransparency } from 'ical-generator';

/** What a feed shows of a task; rows fit. `day` is the day that an all-day task is due on, as UTC midnight. */
export interface FeedTask {
  id: string;
  title: string;
  description: string | null;
  dueAt: Date;
  day: Date | null;
  doneAt: Date | null;
  version: number;
  createdAt: Date;
  updatedAt: Date;
}

/** A due time is a point, which calendars draw as a line nobody sees. */
const SHOWN_MS = 30 * 60_000;
const REFRESH_S = 15 * 60;

/**
 * The feed's text. Times are written in UTC: an instant needs no VTIMEZONE, each calendar shows it in the zone of its
 * owner, and the library would write a `Date` with a TZID in the zone of this machine. All-day tasks are plain dates.
 * The same tasks give the same text, byte for byte.
 */
export function writeCalendar(name: string, tasks: readonly FeedTask[]): string {
  // The library escapes every text but this one.
  const calendar = ical({
    name: escapeText(name, false),
    ttl: REFRESH_S,
    prodId: { company: 'Clientele', product: 'Tasks', language: 'EN' },
  });
  for (const task of tasks) calendar.createEvent(eventOf(task));
  return calendar.toString();
}

function eventOf(task: FeedTask): ICalEventData {
  const { id, title, description, dueAt, day, doneAt, version, createdAt, updatedAt } = task;
  return {
    id,
    sequence: version,
    stamp: updatedAt,
    created: createdAt,
    lastModified: updatedAt,
    summary: doneAt === null ? title : `✓ ${title}`,
    description: description === null ? null : visible(description),
    transparency: ICalEventTransparency.TRANSPARENT,
    ...(day === null
      ? { start: dueAt, end: new Date(dueAt.getTime() + SHOWN_MS) }
      : { start: day, allDay: true }),
  };
}

/** RFC 5545, 3.3.11: text has no control characters but line ends and tabs. */
const visible = (text: string): string => text.replace(/[^\P{Cc}\n\t]/gu, '');
