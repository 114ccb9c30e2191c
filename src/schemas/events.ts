// The wire contract of events: the timeline of a customer and the change feed of the store.
import Type from 'typebox';
import { EVENT_KINDS } from '../domain/events.ts';
import { closed, nullable, page, ref, stringEnum, Timestamp, Uuid } from './helpers.ts';

const NOUNS = [...new Set(EVENT_KINDS.map((kind) => kind.slice(0, kind.indexOf('.'))))];

/** Repeatable parameter of both lists. */
export const EventKinds = Type.Array(stringEnum([...NOUNS, ...EVENT_KINDS]), {
  minItems: 1,
  maxItems: 50,
  description: 'Only these kinds: whole, `order.placed`, or by their first word, `order`.',
});

export const Event = closed(
  {
    id: Uuid({ description: 'Id of the event; the same on the timeline and in the feed.' }),
    kind: stringEnum(EVENT_KINDS, {
      description: 'What happened: noun and verb.',
      examples: ['customer.updated'],
    }),
    customerId: nullable(Uuid({ description: 'The customer; null for events of the store itself.' })),
    subjectId: nullable(Uuid({ description: 'The order, note, job … that the event is about.' })),
    actor: Type.String({
      description: 'Who did it: `staff:<sub>`, `key:<id>`, `storefront`, `job:<id>` or `system`.',
      examples: ['staff:ada'],
    }),
    data: Type.Unsafe<Record<string, unknown>>({
      type: 'object',
      additionalProperties: true,
      description: 'Facts of the change; scalar fields that changed as `[old, new]`.',
      examples: [{ changes: { company: [null, 'Analytical Engines Ltd'] } }],
    }),
    occurredAt: Timestamp({ description: 'When it happened; of an order, its own time.' }),
  },
  { $id: 'Event', description: 'Something that happened. Events are never changed.' },
);

export const EventPage = page(Event, 'EventPage', { description: 'A page of a timeline, newest first.' });

export const EventFeed = closed(
  {
    data: Type.Array(ref(Event), { description: 'Events in the order in which their transactions began.' }),
    after: Type.String({ description: 'Send it as `after` next time, also when nothing came.' }),
    hasMore: Type.Boolean({ description: 'Whether there is more to read now; else wait a while.' }),
  },
  { $id: 'EventFeed', description: 'A stretch of the change feed, oldest first.' },
);
