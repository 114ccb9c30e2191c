// The wire contract of tasks.
import Type from 'typebox';
import {
  closed,
  DateTime,
  defaulted,
  nullable,
  page,
  pageQuery,
  stringEnum,
  Timestamp,
  Uuid,
} from './helpers.ts';

const title = Type.String({
  minLength: 1,
  maxLength: 255,
  description: 'What is to be done, in one line.',
  examples: ['Call about the renewal'],
});
const description = nullable(
  Type.String({ maxLength: 10_000, description: 'More about it; several lines are fine.' }),
);
const dueAt = DateTime({
  description:
    'When it is due. For an all-day task any time of the day, which is kept as the last instant of the day in `dueTimezone`.',
  examples: ['2026-03-02T09:00:00+01:00'],
});
const dueTimezone = Type.String({
  minLength: 1,
  maxLength: 64,
  description: 'Time zone (IANA) in which the due time was meant; the zone of the store unless given.',
  examples: ['Europe/Berlin'],
});
const allDay = Type.Boolean({ description: 'Due on a day, not at a time.' });
const assigneeId = nullable(Uuid({ description: 'The sales agent who has to do it.' }));
const customerId = nullable(Uuid({ description: 'The customer that it is about.' }));

const optional = {
  description: Type.Optional(description),
  dueTimezone: Type.Optional(dueTimezone),
  allDay: Type.Optional(allDay),
  assigneeId: Type.Optional(assigneeId),
  customerId: Type.Optional(customerId),
};

export const TaskCreate = closed(
  { title, dueAt, ...optional },
  {
    $id: 'TaskCreate',
    description: 'A new task.',
    examples: [
      { title: 'Call about the renewal', dueAt: '2026-03-02T09:00:00+01:00', dueTimezone: 'Europe/Berlin' },
    ],
  },
);
export const TaskUpdate = closed(
  {
    title: Type.Optional(title),
    dueAt: Type.Optional(dueAt),
    ...optional,
    done: Type.Optional(Type.Boolean({ description: 'true finishes the task, false opens it again.' })),
  },
  {
    $id: 'TaskUpdate',
    minProperties: 1,
    description: 'Merge patch: null clears, absent stays.',
    examples: [{ done: true }],
  },
);

export const Task = closed(
  {
    id: Uuid({ description: 'Id of the task.' }),
    title: Type.String({ description: 'What is to be done.' }),
    description: nullable(Type.String({ description: 'More about it.' })),
    dueAt: Timestamp({ description: 'When it is due; for an all-day task the last instant of its day.' }),
    dueTimezone: Type.String({
      description: 'Time zone (IANA) in which the due time was meant.',
      examples: ['Europe/Berlin'],
    }),
    allDay,
    assigneeId,
    customerId,
    done: Type.Boolean({ description: 'Whether it is done.' }),
    doneAt: nullable(Timestamp({ description: 'When it was done.' })),
    version: Type.Integer({ description: 'Grows by one with each change; the ETag.', examples: [1] }),
    createdAt: Timestamp({ description: 'When the task was added.' }),
    updatedAt: Timestamp({ description: 'When the task last changed.' }),
  },
  { $id: 'Task', description: 'Something that an agent has to do.' },
);
export const TaskPage = page(Task, 'TaskPage');

export const TaskQuery = closed({
  ...pageQuery,
  assigneeId: Type.Optional(Uuid({ description: 'Only tasks of this agent.' })),
  customerId: Type.Optional(Uuid({ description: 'Only tasks about this customer.' })),
  done: Type.Optional(Type.Boolean({ description: 'Only tasks that are done, or only open ones.' })),
  overdue: Type.Optional(Type.Boolean({ description: 'true: only open tasks whose due time has passed.' })),
  dueFrom: Type.Optional(DateTime({ description: 'Due at this time or later.' })),
  dueTo: Type.Optional(DateTime({ description: 'Due at this time or earlier.' })),
  sort: defaulted(
    stringEnum(['dueAt', '-dueAt'], { description: 'By due time, the soonest or the latest first.' }),
    'dueAt',
  ),
});
