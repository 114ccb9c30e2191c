// Answers of log-ins of every kind: a short access token, and the refresh token that prolongs the session.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Browser, SessionGrant } from './actions/sessions.ts';
import type { Ctx } from './context.ts';
import { ACCESS_TOKEN_SECONDS } from './domain/accounts/sessions.ts';

/** Signs the access token of a customer. */
export type SignCustomerToken = (request: {
  storeId: string;
  customerId: string;
  lifetimeSeconds: number;
  sessionId?: string;
}) => string;

/** The browser that asks. */
export const browserOf = ({ headers, ip }: FastifyRequest): Browser => ({
  userAgent: headers['user-agent'],
  ip,
});

/** The log-in in the shape of the contract; nothing on the way may keep it. */
export function sessionAnswer(sign: SignCustomerToken, ctx: Ctx, reply: FastifyReply, grant: SessionGrant) {
  const { sessionId, refreshToken, expiresAt, customer } = grant;
  const { storeId } = ctx;
  reply.header('cache-control', 'no-store');
  return {
    accessToken: sign({ storeId, customerId: customer.id, lifetimeSeconds: ACCESS_TOKEN_SECONDS, sessionId }),
    expiresIn: ACCESS_TOKEN_SECONDS,
    refreshToken,
    sessionId,
    sessionExpiresAt: expiresAt,
    customer,
  };
}
