// The wire contract of sales agents.
import Type from 'typebox';
import { closed, nullable, page, pageQuery, Timestamp, Uuid } from './helpers.ts';

const name = Type.String({ minLength: 1, maxLength: 255, description: 'Name.', examples: ['Eva Berg'] });
const email = nullable(Type.String({ maxLength: 320, description: 'Email.', examples: ['eva@example.com'] }));
const active = Type.Boolean({
  description: 'false for someone who has left; the calendar feed then answers 404.',
});

export const AgentCreate = closed(
  { name, email: Type.Optional(email), active: Type.Optional(active) },
  {
    $id: 'AgentCreate',
    description: 'A new sales agent.',
    examples: [{ name: 'Eva Berg', email: 'eva@example.com' }],
  },
);
export const AgentUpdate = closed(
  { name: Type.Optional(name), email: Type.Optional(email), active: Type.Optional(active) },
  {
    $id: 'AgentUpdate',
    minProperties: 1,
    description: 'Merge patch: null clears, absent stays.',
    examples: [{ active: false }],
  },
);

export const Agent = closed(
  {
    id: Uuid({ description: 'Id of the agent.' }),
    name: Type.String({ description: 'Name.' }),
    email: nullable(Type.String({ description: 'Email.' })),
    active: Type.Boolean({ description: 'Whether the agent works here.' }),
    hasCalendar: Type.Boolean({ description: 'Whether there is a calendar feed.' }),
    version: Type.Integer({ description: 'Grows by one with each change; the ETag.', examples: [1] }),
    createdAt: Timestamp({ description: 'When the agent was added.' }),
    updatedAt: Timestamp({ description: 'When the agent last changed.' }),
  },
  { $id: 'Agent', description: 'Someone who looks after customers.' },
);
export const AgentPage = page(Agent, 'AgentPage');

export const AgentQuery = closed({
  ...pageQuery,
  active: Type.Optional(Type.Boolean({ description: 'Only agents who work here, or only those who left.' })),
});

export const CalendarFeed = closed(
  {
    url: Type.String({
      format: 'uri',
      description: 'Address for the calendar app. It is a secret, and shown only now.',
      examples: ['https://crm.example.com/v1/calendars/0199a3c4-7e1f-7a60-9d39-6f1f3f1f9a11/q0XY.ics'],
    }),
  },
  { $id: 'CalendarFeed', description: 'The calendar feed of an agent.' },
);
