// HTTP: links of mails that are counted. The address says where it leads, signed, so it opens nothing else.
import type { FastifyInstance } from 'fastify';
import type pg from 'pg';
import Type from 'typebox';
import { noteClick, readLink } from '../actions/clicks.ts';
import type { MailSecrets } from '../clients/mail-identity.ts';
import { systemContext } from '../context.ts';
import { dbOf } from '../db/connection.ts';
import { CLICK_PATH } from '../domain/mail/links.ts';
import { endpoint } from '../endpoint.ts';
import { closed } from '../schemas/helpers.ts';
import { isLookedAt } from '../web-pages.ts';

export interface ClicksOptions {
  pool: pg.Pool;
  mailSecrets: MailSecrets;
}

const ClickParams = closed({
  token: Type.String({ description: 'Where the link leads, and of which mail it is; signed.' }),
});

export async function clicks(app: FastifyInstance, { pool, mailSecrets }: ClicksOptions): Promise<void> {
  endpoint(app, {
    method: 'GET',
    url: `${CLICK_PATH}:token`,
    operationId: 'followLink',
    tag: 'Messages',
    summary: 'Follow a link of a mail',
    description:
      'Stands in marketing mails in place of the link and leads to it. What scanners and previews follow is told apart from what people follow; HEAD counts nothing.',
    zone: 'public',
    params: ClickParams,
    returns: { 302: null },
    handle: async (_, { params, request, reply }) => {
      const link = readLink(mailSecrets, params.token);
      if (isLookedAt(request)) {
        const ctx = systemContext(dbOf(pool, link.storeId), request.log, 'storefront');
        // Whoever follows a link gets there, whether or not it can be written down.
        await noteClick(ctx, link, request.headers['user-agent']).catch((error: Error) =>
          request.log.warn({ messageId: link.id, message: error.message }, 'click not recorded'),
        );
      }
      return reply
        .headers({
          'cache-control': 'no-store',
          'referrer-policy': 'no-referrer',
          'x-robots-tag': 'noindex, nofollow',
        })
        .redirect(new URL(link.url).href, 302);
    },
  });
}
