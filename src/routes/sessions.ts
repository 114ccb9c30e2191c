// HTTP: sessions, of the signed-in customer and for staff, and the link to a new password that staff sends.
import type { FastifyInstance } from 'fastify';
import { sendPasswordReset } from '../actions/account-passwords.ts';
import {
  listSessions,
  listSessionsOf,
  logOutEverywhere,
  revokeSession,
  revokeSessionOf,
  revokeSessions,
} from '../actions/sessions.ts';
import { callingCustomer } from '../actions/storefront-tokens.ts';
import { endpoint } from '../endpoint.ts';
import { MySessionList, QueuedMail, SessionList } from '../schemas/accounts.ts';
import { CustomerParams } from '../schemas/customers.ts';
import { closed, ref, Uuid } from '../schemas/helpers.ts';

const tag = 'Accounts';
const mine = { tag, zone: 'storefront', customer: true, idempotency: 'none' } as const;
const sessionId = Uuid({ description: 'Id of the session.' });

export async function mySessions(app: FastifyInstance): Promise<void> {
  endpoint(app, {
    ...mine,
    method: 'GET',
    url: '/me/sessions',
    operationId: 'listMySessions',
    summary: 'List where I am logged in',
    description: 'Open sessions, the latest log-in first.',
    returns: { 200: ref(MySessionList) },
    handle: async (ctx) => ({ data: await listSessions(ctx, await callingCustomer(ctx)) }),
  });

  endpoint(app, {
    ...mine,
    method: 'DELETE',
    url: '/me/sessions/:sessionId',
    operationId: 'revokeMySession',
    summary: 'Log out somewhere else',
    description: 'Ends one of my sessions at once, its access tokens included.',
    params: closed({ sessionId }),
    returns: { 204: null },
    handle: async (ctx, { params }) => revokeSession(ctx, await callingCustomer(ctx), params.sessionId),
  });

  endpoint(app, {
    ...mine,
    method: 'POST',
    url: '/logout-everywhere',
    operationId: 'logOutEverywhere',
    summary: 'Log out everywhere',
    description: 'Ends all my sessions at once, this one included.',
    returns: { 204: null },
    handle: async (ctx) => logOutEverywhere(ctx, await callingCustomer(ctx)),
  });
}

export async function sessions(app: FastifyInstance): Promise<void> {
  endpoint(app, {
    method: 'GET',
    url: '/customers/:customerId/sessions',
    operationId: 'listCustomerSessions',
    tag,
    summary: 'List where a customer is logged in',
    description: 'Open sessions, the latest log-in first.',
    scope: 'accounts:read',
    params: CustomerParams,
    returns: { 200: ref(SessionList) },
    refuses: ['CUSTOMER_GONE'],
    handle: async (ctx, { params }) => ({ data: await listSessionsOf(ctx, params.customerId) }),
  });

  endpoint(app, {
    method: 'DELETE',
    url: '/customers/:customerId/sessions',
    operationId: 'revokeCustomerSessions',
    tag,
    summary: 'Log a customer out everywhere',
    description: 'Ends all sessions at once, their access tokens included.',
    scope: 'accounts:write',
    params: CustomerParams,
    returns: { 204: null },
    refuses: ['CUSTOMER_GONE'],
    handle: (ctx, { params }) => revokeSessions(ctx, params.customerId),
  });

  endpoint(app, {
    method: 'DELETE',
    url: '/customers/:customerId/sessions/:sessionId',
    operationId: 'revokeCustomerSession',
    tag,
    summary: 'End one session of a customer',
    description: 'At once, its access tokens included.',
    scope: 'accounts:write',
    params: closed({ customerId: Uuid({ description: 'Id of the customer.' }), sessionId }),
    returns: { 204: null },
    refuses: ['CUSTOMER_GONE'],
    handle: (ctx, { params }) => revokeSessionOf(ctx, params.customerId, params.sessionId),
  });

  endpoint(app, {
    method: 'POST',
    url: '/customers/:customerId/password-reset',
    operationId: 'sendPasswordReset',
    tag,
    summary: 'Send a customer the link to a new password',
    description: 'To an active account; the link is good once, for 24 hours from when the mail is made (I1).',
    scope: 'accounts:write',
    idempotency: 'required',
    params: CustomerParams,
    returns: { 202: ref(QueuedMail) },
    refuses: ['ACCOUNT_NOT_ACTIVE', 'NO_EMAIL', 'CUSTOMER_GONE'],
    handle: (ctx, { params }) => sendPasswordReset(ctx, params.customerId),
  });
}
