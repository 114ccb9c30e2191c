// HTTP: what the pages of a shop do with the link of an invitation (I1–I3).
import type { FastifyInstance } from 'fastify';
import { acceptAndLogIn, readOpenInvitation, renewInvitation } from '../actions/invitation-acceptance.ts';
import { endpoint } from '../endpoint.ts';
import { MailedTokenParams, Received, SignedIn } from '../schemas/accounts.ts';
import { ref } from '../schemas/helpers.ts';
import { InvitationAcceptance, OpenInvitation } from '../schemas/invitations.ts';
import { browserOf, type SignCustomerToken, sessionAnswer } from '../session-answers.ts';
import { isLookedAt } from '../web-pages.ts';

const link = { tag: 'Accounts', zone: 'storefront', idempotency: 'none', params: MailedTokenParams } as const;

export async function storefrontInvitations(
  app: FastifyInstance,
  { signCustomerToken: sign }: { signCustomerToken: SignCustomerToken },
): Promise<void> {
  endpoint(app, {
    ...link,
    method: 'GET',
    url: '/invitations/:token',
    operationId: 'getOpenInvitation',
    summary: 'Look at the link of an invitation',
    description:
      'What the page of the link shows. Looking never uses it up (I2): mail scanners open every link. That the page was opened is noted once, unless by HEAD or a prefetching browser.',
    returns: { 200: ref(OpenInvitation) },
    refuses: ['TOKEN_UNKNOWN', 'PASSWORD_TOKEN_EXPIRED'],
    handle: (ctx, { params, request, reply }) => {
      reply.header('cache-control', 'no-store');
      return readOpenInvitation(ctx, params.token, { looked: isLookedAt(request) });
    },
  });

  endpoint(app, {
    ...link,
    method: 'POST',
    url: '/invitations/:token',
    operationId: 'acceptInvitation',
    summary: 'Accept an invitation',
    description:
      'The account becomes active with the password, and is logged in. The link is good once; of two at once one wins (I1).',
    body: ref(InvitationAcceptance),
    returns: { 200: ref(SignedIn) },
    refuses: [
      'TOKEN_UNKNOWN',
      'PASSWORD_TOKEN_EXPIRED',
      'PASSWORD_REFUSED',
      'CUSTOMER_INVALID',
      'TOPIC_UNKNOWN',
      'TOPIC_ARCHIVED',
      'SERVICE_BUSY',
    ],
    handle: async (ctx, { params, body, request, reply }) =>
      sessionAnswer(sign, ctx, reply, await acceptAndLogIn(ctx, params.token, body, browserOf(request))),
  });

  endpoint(app, {
    ...link,
    method: 'POST',
    url: '/invitations/:token/renew',
    operationId: 'renewInvitation',
    summary: 'Ask for a new invitation',
    description:
      'The way out of a link that has expired (I3): a new one is mailed to the address of the customer, once. The answer is the same whatever the link was worth.',
    returns: { 202: ref(Received) },
    handle: (ctx, { params }) => renewInvitation(ctx, params.token),
  });
}
