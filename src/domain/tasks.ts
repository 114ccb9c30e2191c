// Tasks: what a valid one is, and when it is due.
import { type FieldProblem, readText } from './fields.ts';
import { normaliseTimezone } from './locales.ts';
import { instantOfLocal, localTimeAt } from './zoned-time.ts';

/** Fields as given: absent keeps, a null description clears. `dueAt` is RFC 3339. */
export interface TaskInput {
  title?: string;
  description?: string | null;
  dueAt?: string;
  dueTimezone?: string;
  allDay?: boolean;
}

/** When a task is due; rows fit. */
export interface Due {
  dueAt: Date;
  dueTimezone: string;
  allDay: boolean;
}

export type TaskFields = Due & { title: string; description: string | null };
export type TaskRefusal = { refused: 'TASK_INVALID'; errors: FieldProblem[] };

/** Reads a new task, or a patch to `current`; a new one without a zone gets `timezone`, the store's. */
export function normaliseTask(
  input: TaskInput,
  facts: { timezone: string; current?: TaskFields },
): { fields: TaskFields } | TaskRefusal {
  const problems: FieldProblem[] = [];
  const { current } = facts;
  const title = input.title === undefined ? (current?.title ?? '') : readTitle(input.title, problems);
  const description =
    input.description === undefined ? (current?.description ?? null) : readDescription(input.description);
  const due = readDue(input, current, facts.timezone, problems);
  return due === undefined || problems.length > 0
    ? { refused: 'TASK_INVALID', errors: problems }
    : { fields: { title, description, ...due } };
}

/**
 * The last millisecond of the day that a clock of the zone shows at `at`: an all-day task is overdue when its day is
 * over, and sorts behind the timed tasks of the day. undefined for years that the calendar here does not have.
 */
export function endOfDay(at: Date, timezone: string): Date | undefined {
  const { year, month, day } = localTimeAt(at, timezone);
  const next = new Date(Date.UTC(year, month - 1, day + 1));
  const midnight = instantOfLocal(
    {
      year: next.getUTCFullYear(),
      month: next.getUTCMonth() + 1,
      day: next.getUTCDate(),
      hour: 0,
      minute: 0,
      second: 0,
    },
    timezone,
  );
  return midnight && new Date(midnight.getTime() - 1);
}

function readTitle(text: string, problems: FieldProblem[]): string {
  const title = readText(text);
  if (title !== undefined) return title;
  problems.push({
    pointer: '/title',
    code: 'TEXT_INVALID',
    message: 'A title has 1 to 255 visible characters.',
  });
  return '';
}

/** Several lines, line ends as one character. */
const readDescription = (text: string | null): string | null => text?.replace(/\r\n?/g, '\n').trim() || null;

function readDue(
  input: TaskInput,
  current: Due | undefined,
  storeTimezone: string,
  problems: FieldProblem[],
): Due | undefined {
  const dueTimezone = normaliseTimezone(input.dueTimezone ?? current?.dueTimezone ?? storeTimezone);
  if (dueTimezone === undefined) {
    const message = 'An IANA time zone name, such as Europe/Berlin.';
    problems.push({ pointer: '/dueTimezone', code: 'TIMEZONE_INVALID', message });
    return undefined;
  }
  const allDay = input.allDay ?? current?.allDay ?? false;
  const dueAt = dueInstant(input, current, { dueTimezone, allDay });
  if (dueAt !== undefined) return { dueAt, dueTimezone, allDay };
  problems.push({ pointer: '/dueAt', code: 'DUE_INVALID', message: 'A time of the years 1970 to 9998.' });
  return undefined;
}

/** An all-day task that moves to another zone keeps its day; any other one keeps its instant. */
function dueInstant(input: TaskInput, current: Due | undefined, due: Omit<Due, 'dueAt'>): Date | undefined {
  const at = input.dueAt === undefined ? current?.dueAt : new Date(input.dueAt);
  if (at === undefined || !(at.getUTCFullYear() >= 1970 && at.getUTCFullYear() <= 9998)) return undefined;
  if (!due.allDay) return at;
  const keepsDay =
    input.dueAt === undefined && current?.allDay === true && current.dueTimezone !== due.dueTimezone;
  if (!keepsDay) return endOfDay(at, due.dueTimezone);
  const noon = instantOfLocal(
    { ...localTimeAt(at, current.dueTimezone), hour: 12, minute: 0, second: 0 },
    due.dueTimezone,
  );
  return noon && endOfDay(noon, due.dueTimezone);
}
