// HTTP: addresses that get no mail.
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import { addressHashFrom, addSuppression, liftSuppression, toSuppression } from '../actions/suppressions.ts';
import type { MailSecrets } from '../clients/mail-identity.ts';
import { listSuppressions, type SuppressionKey } from '../db/suppressions.ts';
import { SUPPRESSION_REASONS } from '../domain/mail/consents.ts';
import type { PageStart } from '../domain/pages.ts';
import { endpoint } from '../endpoint.ts';
import { pageOf } from '../pages.ts';
import { closed, pageQuery, ref, stringEnum } from '../schemas/helpers.ts';
import { Suppression, SuppressionCreate, SuppressionPage } from '../schemas/suppressions.ts';

export interface SuppressionsOptions {
  mailSecrets: MailSecrets;
}

const tag = 'Messages';
const address = Type.String({
  minLength: 3,
  maxLength: 254,
  description: 'The email address, or the id of the entry.',
  examples: ['ada@example.com'],
});

export async function suppressions(
  app: FastifyInstance,
  { mailSecrets }: SuppressionsOptions,
): Promise<void> {
  endpoint(app, {
    method: 'GET',
    url: '/suppressions',
    operationId: 'listSuppressions',
    tag,
    summary: 'List addresses that get no mail',
    description:
      'What is in force now, newest first. With `email` the entry of that address, or an empty page.',
    scope: 'messages:read',
    query: closed({
      email: Type.Optional(Type.String({ maxLength: 254, description: 'Only this address.' })),
      reason: Type.Optional(
        stringEnum(SUPPRESSION_REASONS, { description: 'Only entries for this reason.' }),
      ),
      ...pageQuery,
    }),
    returns: { 200: ref(SuppressionPage) },
    refuses: ['CURSOR_INVALID'],
    handle: (ctx, input) => {
      const { email, reason } = input.query;
      // An address that none can be is on no list.
      const addressHash =
        email === undefined
          ? undefined
          : (addressHashFrom(mailSecrets, ctx.storeId, email) ?? Buffer.alloc(0));
      return pageOf(
        input,
        async (start: PageStart<SuppressionKey>) =>
          (await listSuppressions(ctx.db, { now: ctx.now, reason, addressHash }, start)).map(toSuppression),
        ({ createdAt, id }): SuppressionKey => [createdAt.toISOString(), id],
      );
    },
  });

  endpoint(app, {
    method: 'POST',
    url: '/suppressions',
    operationId: 'addSuppression',
    tag,
    summary: 'Stop all mail to an address',
    description:
      'Until it is lifted. An address that is on the list for a stronger reason (a complaint, a hard bounce) stays there for that.',
    scope: 'messages:write',
    body: ref(SuppressionCreate),
    returns: { 201: ref(Suppression) },
    location: ({ id }: { id: string }) => `/v1/suppressions/${id}`,
    handle: (ctx, { body }) => addSuppression(ctx, mailSecrets, body),
  });

  endpoint(app, {
    method: 'DELETE',
    url: '/suppressions/:address',
    operationId: 'liftSuppression',
    tag,
    summary: 'Let an address get mail again',
    description:
      'Whatever the reason was; bounces are counted from nothing. Consent does not come back with it: who complained has to agree again.',
    scope: 'messages:write',
    params: closed({ address }),
    returns: { 204: null },
    handle: (ctx, { params }) => liftSuppression(ctx, mailSecrets, params.address),
  });
}
