// HTTP: tasks of agents.
import type { FastifyInstance } from 'fastify';
import type { Static } from 'typebox';
import { createTask, deleteTask, taskOf, updateTask } from '../actions/tasks.ts';
import { findTask, listTasks, type TaskFilter, type TaskKey } from '../db/tasks.ts';
import type { PageStart } from '../domain/pages.ts';
import { endpoint, found } from '../endpoint.ts';
import { pageOf } from '../pages.ts';
import { closed, ref, Uuid } from '../schemas/helpers.ts';
import { Task, TaskCreate, TaskPage, TaskQuery, TaskUpdate } from '../schemas/tasks.ts';

const tag = 'Tasks';
const TaskParams = closed({ taskId: Uuid({ description: 'Id of the task.' }) });

function filterOf(query: Static<typeof TaskQuery>, now: Date): TaskFilter {
  const { assigneeId, customerId, done, overdue, dueFrom, dueTo, sort } = query;
  return {
    assigneeId,
    customerId,
    done,
    overdueAt: overdue ? now : undefined,
    dueFrom: dueFrom === undefined ? undefined : new Date(dueFrom),
    dueTo: dueTo === undefined ? undefined : new Date(dueTo),
    order: sort === 'dueAt' ? 'asc' : 'desc',
  };
}

export async function tasks(app: FastifyInstance): Promise<void> {
  endpoint(app, {
    method: 'GET',
    url: '/tasks',
    operationId: 'listTasks',
    tag,
    summary: 'List tasks',
    description:
      'By due time. All filters hold at once: `?assigneeId=…&overdue=true` is what an agent is late with.',
    scope: 'tasks:read',
    query: TaskQuery,
    returns: { 200: ref(TaskPage) },
    refuses: ['CURSOR_INVALID'],
    handle: (ctx, input) =>
      pageOf(
        input,
        async (start: PageStart<TaskKey>) =>
          (await listTasks(ctx.db, filterOf(input.query, ctx.now), start)).map(taskOf),
        (task): TaskKey => [task.dueAt.toISOString(), task.id],
      ),
  });

  endpoint(app, {
    method: 'POST',
    url: '/tasks',
    operationId: 'createTask',
    tag,
    summary: 'Add a task',
    description:
      'A task is due at a time, or with `allDay` on a day, in a time zone. Assignee and customer are optional.',
    scope: 'tasks:write',
    body: ref(TaskCreate),
    returns: { 201: ref(Task) },
    refuses: ['TASK_INVALID', 'REFERENCE_UNKNOWN', 'CUSTOMER_GONE'],
    location: (task: { id: string }) => `/v1/tasks/${task.id}`,
    handle: (ctx, { body }) => createTask(ctx, body),
  });

  endpoint(app, {
    method: 'GET',
    url: '/tasks/:taskId',
    operationId: 'getTask',
    tag,
    summary: 'Get a task',
    description: 'One task.',
    scope: 'tasks:read',
    params: TaskParams,
    returns: { 200: ref(Task), 304: null },
    handle: async (ctx, { params }) => taskOf(found(await findTask(ctx.db, params.taskId), 'task')),
  });

  endpoint(app, {
    method: 'PATCH',
    url: '/tasks/:taskId',
    operationId: 'updateTask',
    tag,
    summary: 'Change or finish a task',
    description: 'Merge patch; `done: true` finishes the task, `done: false` opens it again.',
    scope: 'tasks:write',
    params: TaskParams,
    body: ref(TaskUpdate),
    returns: { 200: ref(Task) },
    refuses: ['TASK_INVALID', 'REFERENCE_UNKNOWN', 'CUSTOMER_GONE', 'VERSION_MISMATCH'],
    handle: (ctx, { params, body, ifMatch }) => updateTask(ctx, params.taskId, body, ifMatch),
  });

  endpoint(app, {
    method: 'DELETE',
    url: '/tasks/:taskId',
    operationId: 'deleteTask',
    tag,
    summary: 'Delete a task',
    description: 'It also leaves the calendar feed of its assignee.',
    scope: 'tasks:write',
    params: TaskParams,
    returns: { 204: null },
    refuses: ['VERSION_MISMATCH'],
    handle: (ctx, { params, ifMatch }) => deleteTask(ctx, params.taskId, ifMatch),
  });
}
