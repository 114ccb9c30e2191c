// HTTP: the timeline of a customer and the change feed of the store.
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import { findCustomer } from '../db/customers.ts';
import { type FeedPosition, listTimeline, readFeed } from '../db/events.ts';
import { findSurvivorId } from '../db/merges.ts';
import { endpoint, found } from '../endpoint.ts';
import { pageOf } from '../pages.ts';
import { EventFeed, EventKinds, EventPage } from '../schemas/events.ts';
import { closed, pageQuery, ref, Uuid } from '../schemas/helpers.ts';
import { MergedCustomer } from '../schemas/merges.ts';

export async function events(app: FastifyInstance): Promise<void> {
  endpoint(app, {
    method: 'GET',
    url: '/customers/:customerId/timeline',
    operationId: 'listTimeline',
    tag: 'Customers',
    summary: 'Get the timeline of a customer',
    description:
      'Everything that happened with the customer, newest first (C9): changes, orders, notes, tags and groups, with actor and time. What happened with customers merged into this one is part of it. A merged customer answers 301 to its survivor.',
    scope: 'customers:read',
    params: closed({ customerId: Uuid({ description: 'Id of the customer.' }) }),
    query: closed({ ...pageQuery, kind: Type.Optional(EventKinds) }),
    returns: { 200: ref(EventPage), 301: ref(MergedCustomer) },
    refuses: ['CURSOR_INVALID'],
    handle: async (ctx, input) => {
      const customerId = input.params.customerId;
      const customer = found(await findCustomer(ctx.db, customerId), 'customer');
      if (customer.mergedIntoId) {
        const mergedIntoId = await findSurvivorId(ctx.db, customer.mergedIntoId);
        const location = `/v1/customers/${mergedIntoId}/timeline`;
        return input.reply.code(301).header('location', location).send({ id: customerId, mergedIntoId });
      }
      return pageOf(
        input,
        (start) => listTimeline(ctx.db, { ...start, customerId, kinds: input.query.kind }),
        (event) => [event.occurredAt.toISOString(), event.id],
      );
    },
  });

  endpoint(app, {
    method: 'GET',
    url: '/events',
    operationId: 'listEvents',
    tag: 'Events',
    summary: 'Read the change feed',
    description:
      'Every event of the store, each exactly once and in an order that never changes. Start without `after`, keep the `after` of each answer, and send it next time: nothing is missed, however late its transaction commits, and any position can be read again.',
    scope: 'events:read',
    query: closed({
      limit: pageQuery.limit,
      after: Type.Optional(
        Type.String({ maxLength: 4096, description: 'The `after` of the answer before.' }),
      ),
      kind: Type.Optional(EventKinds),
    }),
    returns: { 200: ref(EventFeed) },
    refuses: ['CURSOR_INVALID'],
    handle: async (ctx, { query: { limit, after, kind }, request }) => {
      const { cursors } = request.server;
      const scope = `events ${ctx.storeId}`;
      const start = after === undefined ? undefined : cursors.open<FeedPosition>(scope, after);
      const { data, position, hasMore } = await readFeed(ctx.db, { kinds: kind, after: start, limit });
      return { data, after: cursors.sign(scope, position), hasMore };
    },
  });
}
