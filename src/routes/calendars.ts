// HTTP: calendar feeds. The address is the credential, so it names the store and a secret, and nothing else.
import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type pg from 'pg';
import Type from 'typebox';
import { readFeed } from '../actions/calendars.ts';
import { systemContext } from '../context.ts';
import { dbOf } from '../db/connection.ts';
import { endpoint, isUnchanged } from '../endpoint.ts';
import { closed, Uuid } from '../schemas/helpers.ts';

const CalendarParams = closed({
  storeId: Uuid({ description: 'Id of the store.' }),
  secret: Type.String({ maxLength: 100, description: 'The secret of the feed.' }),
});

export async function calendars(app: FastifyInstance, { pool }: { pool: pg.Pool }): Promise<void> {
  endpoint(app, {
    method: 'GET',
    url: '/calendars/:storeId/:secret.ics',
    operationId: 'getCalendarFeed',
    tag: 'Tasks',
    summary: 'Read a calendar feed',
    description:
      'Open tasks of the agent and those done in the last 30 days, for any calendar app (RFC 5545). Times are in UTC, all-day tasks plain dates.',
    zone: 'public',
    params: CalendarParams,
    returns: { 200: Type.String({ description: 'An iCalendar document.' }), 304: null },
    produces: ['text/calendar'],
    handle: async (_, { params, request, reply }) => {
      const ctx = systemContext(dbOf(pool, params.storeId), request.log, 'calendar');
      const feed = await readFeed(ctx, params.secret);
      const etag = `"${createHash('sha256').update(feed).digest('base64url')}"`;
      reply.header('etag', etag).header('cache-control', 'private, max-age=300');
      if (isUnchanged(request, etag)) return reply.code(304).send();
      return reply.type('text/calendar; charset=utf-8').send(feed);
    },
  });
}
