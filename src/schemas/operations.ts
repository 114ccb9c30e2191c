// The wire contract of health.
import Type from 'typebox';
import { closed, stringEnum } from './helpers.ts';

const state = (description: string) => stringEnum(['ok', 'failed'], { description });

export const Health = closed(
  { status: state('Whether the process answers.') },
  { $id: 'Health', description: 'The process is alive.' },
);

export const Readiness = closed(
  {
    status: stringEnum(['ok', 'failed', 'stopping'], { description: 'Whether requests should come here.' }),
    database: state('Whether Postgres answers.'),
    migrations: state('Whether the schema is the one that this version needs.'),
    queue: Type.Optional(state('Whether the queue answers; only where this process has a worker.')),
  },
  { $id: 'Readiness', description: 'What the service stands on.' },
);
