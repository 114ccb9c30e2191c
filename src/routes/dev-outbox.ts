// HTTP: the mails of an installation without an SMTP server, for the eyes of who develops. Not there in production.
import type { FastifyInstance, FastifyReply } from 'fastify';
import { listMails, readMail } from '../clients/outbox.ts';
import { OUTBOX_POLICY, outboxMailPage, outboxPage, readOutboxMail } from '../clients/outbox-pages.ts';
import { found } from '../endpoint.ts';

export interface DevOutboxOptions {
  /** Folder of the mails; missing where they are sent, and in production: then there is no such page. */
  outbox?: string | undefined;
}

const SHOWN = 100;

const answer = (reply: FastifyReply, type: string, body: string | Buffer): FastifyReply =>
  reply
    .headers({
      'content-security-policy': OUTBOX_POLICY,
      'cache-control': 'no-store',
      'x-robots-tag': 'noindex, nofollow',
    })
    .type(type)
    .send(body);

const HTML = 'text/html; charset=utf-8';

export async function devOutbox(app: FastifyInstance, { outbox }: DevOutboxOptions): Promise<void> {
  if (outbox === undefined) return;
  const open = { config: { zone: 'public' as const }, schema: { hide: true } };

  app.get('/dev/outbox', open, async (_request, reply) => {
    const names = await listMails(outbox, SHOWN);
    const mails = await Promise.all(
      names.map(async (name) => {
        const raw = await readMail(outbox, name);
        return raw ? [await readOutboxMail(name, raw)] : [];
      }),
    );
    return answer(reply, HTML, outboxPage(mails.flat()));
  });

  app.get<{ Params: { name: string }; Querystring: { raw?: string } }>(
    '/dev/outbox/:name',
    open,
    async ({ params: { name }, query }, reply) => {
      const raw = found(await readMail(outbox, name), 'mail');
      if (query.raw === undefined)
        return answer(reply, HTML, outboxMailPage(await readOutboxMail(name, raw)));
      reply.header('content-disposition', `attachment; filename="${name}"`);
      return answer(reply, 'application/octet-stream', raw);
    },
  );
}
