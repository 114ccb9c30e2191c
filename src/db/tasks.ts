// Tasks of agents.
import { and, asc, desc, eq, gt, gte, isNotNull, isNull, lt, lte, or, sql } from 'drizzle-orm';
import type { PageStart } from '../domain/pages.ts';
import { type Db, prepared, type Tx } from './connection.ts';
import { tasks } from './tables/tasks.ts';

export type TaskRow = typeof tasks.$inferSelect;
export type TaskChange = Partial<Omit<TaskRow, 'storeId' | 'id' | 'createdAt'>>;

/** What a list of tasks can ask for; all members are and-ed, the due range includes both ends. */
export interface TaskFilter {
  assigneeId?: string | undefined;
  customerId?: string | undefined;
  done?: boolean | undefined;
  /** Only open tasks that were due before this time. */
  overdueAt?: Date | undefined;
  dueFrom?: Date | undefined;
  dueTo?: Date | undefined;
  order: 'asc' | 'desc';
}

export type TaskKey = [dueAt: string, id: string];

const find = prepared<{ id: string }>()('find_task', (queries, p) =>
  queries
    .select()
    .from(tasks)
    .where(and(eq(tasks.storeId, p.storeId), eq(tasks.id, p.id))),
);

export const findTask = async (db: Db, id: string): Promise<TaskRow | undefined> =>
  (await find(db, { id }))[0];

export async function lockTask(tx: Tx, id: string): Promise<TaskRow | undefined> {
  const [row] = await tx.use(({ queries }) =>
    queries
      .select()
      .from(tasks)
      .where(and(eq(tasks.storeId, tx.storeId), eq(tasks.id, id)))
      .for('update'),
  );
  return row;
}

function conditionsOf(filter: TaskFilter) {
  const { assigneeId, customerId, done, overdueAt, dueFrom, dueTo } = filter;
  return [
    assigneeId === undefined ? undefined : eq(tasks.assigneeId, assigneeId),
    customerId === undefined ? undefined : eq(tasks.customerId, customerId),
    done === undefined ? undefined : done ? isNotNull(tasks.doneAt) : isNull(tasks.doneAt),
    overdueAt && and(isNull(tasks.doneAt), lt(tasks.dueAt, overdueAt)),
    dueFrom && gte(tasks.dueAt, dueFrom),
    dueTo && lte(tasks.dueAt, dueTo),
  ];
}

function behind(after: TaskKey | undefined, order: 'asc' | 'desc') {
  if (after === undefined) return undefined;
  const sign = sql.raw(order === 'asc' ? '>' : '<');
  return sql`(tasks.due_at, tasks.id) ${sign} (${after[0]}::timestamptz, ${after[1]}::uuid)`;
}

/** Tasks by due time, then id. */
export const listTasks = (
  db: Db,
  filter: TaskFilter,
  { after, limit }: PageStart<TaskKey>,
): Promise<TaskRow[]> => {
  const direction = filter.order === 'asc' ? asc : desc;
  return db.use(({ queries }) =>
    queries
      .select()
      .from(tasks)
      .where(and(eq(tasks.storeId, db.storeId), ...conditionsOf(filter), behind(after, filter.order)))
      .orderBy(direction(tasks.dueAt), direction(tasks.id))
      .limit(limit),
  );
};

/** A calendar app reads the whole feed each time. */
const MAX_FEED_TASKS = 2_000;

/** What an agent's calendar shows: open tasks, and those done since `doneSince`; the soonest 2,000. */
export const listFeedTasks = (db: Db, assigneeId: string, doneSince: Date): Promise<TaskRow[]> =>
  db.use(({ queries }) =>
    queries
      .select()
      .from(tasks)
      .where(
        and(
          eq(tasks.storeId, db.storeId),
          eq(tasks.assigneeId, assigneeId),
          or(isNull(tasks.doneAt), gt(tasks.doneAt, doneSince)),
        ),
      )
      .orderBy(tasks.dueAt, tasks.id)
      .limit(MAX_FEED_TASKS),
  );

export const insertTask = (tx: Tx, task: Omit<TaskRow, 'storeId'>): Promise<unknown> =>
  tx.use(({ queries }) => queries.insert(tasks).values({ ...task, storeId: tx.storeId }));

export const updateTask = (tx: Tx, id: string, change: TaskChange): Promise<unknown> =>
  tx.use(({ queries }) =>
    queries
      .update(tasks)
      .set(change)
      .where(and(eq(tasks.storeId, tx.storeId), eq(tasks.id, id))),
  );

export const deleteTask = (tx: Tx, id: string): Promise<unknown> =>
  tx.use(({ queries }) => queries.delete(tasks).where(and(eq(tasks.storeId, tx.storeId), eq(tasks.id, id))));
