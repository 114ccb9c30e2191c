// HTTP: log-in, registration and passwords on the pages of a shop. What answers with tokens is never kept for a repeat by
// Idempotency-Key: the kept answer would hold them.
import type { FastifyInstance } from 'fastify';
import {
  changePassword,
  readPasswordReset,
  requestPasswordReset,
  resetAndLogIn,
} from '../actions/account-passwords.ts';
import { confirmEmailChange, readEmailChange, requestEmailChange } from '../actions/email-changes.ts';
import { logIn } from '../actions/log-in.ts';
import { confirmAndLogIn, readVerification, register } from '../actions/registrations.ts';
import { logOut, refreshSession } from '../actions/sessions.ts';
import { callingCustomer } from '../actions/storefront-tokens.ts';
import type { Throttles } from '../actions/throttles.ts';
import { endpoint } from '../endpoint.ts';
import {
  EmailChange,
  EmailChanged,
  Login,
  MailedToken,
  MailedTokenParams,
  NewPassword,
  OpenLink,
  PasswordChange,
  PasswordResetRequest,
  Received,
  RefreshRequest,
  Registration,
  RegistrationConfirmation,
  SignedIn,
} from '../schemas/accounts.ts';
import { ref } from '../schemas/helpers.ts';
import { browserOf, type SignCustomerToken, sessionAnswer } from '../session-answers.ts';

const open = { tag: 'Accounts', zone: 'storefront', idempotency: 'none' } as const;
const mine = { ...open, customer: true } as const;
const SAME_FOR_ALL = 'The answer and its time are the same for known and unknown addresses.';
const LINK_REFUSALS = ['TOKEN_UNKNOWN', 'PASSWORD_TOKEN_EXPIRED'] as const;

export interface AccountsOptions {
  signCustomerToken: SignCustomerToken;
  throttles: Throttles;
}

export async function accounts(
  app: FastifyInstance,
  { signCustomerToken: sign, throttles }: AccountsOptions,
): Promise<void> {
  endpoint(app, {
    ...open,
    method: 'POST',
    url: '/login',
    operationId: 'logIn',
    summary: 'Log in with address and password',
    description:
      'Unknown, not active and wrong are one answer, in the same time. After five failures an account has to wait, each time longer, never for good; a network after a hundred.',
    body: ref(Login),
    returns: { 200: ref(SignedIn) },
    refuses: ['LOGIN_FAILED', 'ACCOUNT_DISABLED', 'LOGIN_THROTTLED', 'SERVICE_BUSY'],
    handle: async (ctx, { body, request, reply }) =>
      sessionAnswer(sign, ctx, reply, await logIn(ctx, body, browserOf(request), throttles)),
  });

  endpoint(app, {
    ...open,
    method: 'POST',
    url: '/login/refresh',
    operationId: 'refreshLogin',
    summary: 'Prolong a session',
    description:
      'Exchanges the refresh token for the next one. Each is good once: a second use ends the session, for somebody stole it (RFC 9700).',
    body: ref(RefreshRequest),
    returns: { 200: ref(SignedIn) },
    refuses: ['SESSION_ENDED'],
    handle: async (ctx, { body, reply }) =>
      sessionAnswer(sign, ctx, reply, await refreshSession(ctx, body.refreshToken)),
  });

  endpoint(app, {
    ...open,
    method: 'POST',
    url: '/logout',
    operationId: 'logOut',
    summary: 'Log out',
    description: 'Ends the session of the refresh token at once, its access tokens included. Twice is fine.',
    body: ref(RefreshRequest),
    returns: { 204: null },
    handle: (ctx, { body }) => logOut(ctx, body.refreshToken),
  });

  endpoint(app, {
    ...open,
    method: 'POST',
    url: '/register',
    operationId: 'register',
    summary: 'Register an account',
    description: `A mail leads on: to confirm the address, or to the account that it has already. ${SAME_FOR_ALL}`,
    body: ref(Registration),
    returns: { 202: ref(Received) },
    refuses: [
      'ACCOUNTS_NOT_OFFERED',
      'CUSTOMER_INVALID',
      'PASSWORD_REFUSED',
      'TOPIC_UNKNOWN',
      'TOPIC_ARCHIVED',
      'SERVICE_BUSY',
    ],
    handle: (ctx, { body, request }) => register(ctx, body, browserOf(request), throttles),
  });

  endpoint(app, {
    ...open,
    method: 'GET',
    url: '/email-verification/:token',
    operationId: 'getEmailVerification',
    summary: 'Look at the link of a registration',
    description: 'Its state only; looking never uses it up (I2).',
    params: MailedTokenParams,
    returns: { 200: ref(OpenLink) },
    refuses: LINK_REFUSALS,
    handle: (ctx, { params }) => readVerification(ctx, params.token),
  });

  endpoint(app, {
    ...open,
    method: 'POST',
    url: '/email-verification',
    operationId: 'confirmRegistration',
    summary: 'Complete a registration',
    description:
      'The account of the address becomes active, or is made, with the password of the form (C3, C4), and is logged in. That password is asked for, so that nobody opens an account that a stranger asked for in their name.',
    body: ref(RegistrationConfirmation),
    returns: { 200: ref(SignedIn) },
    refuses: [
      ...LINK_REFUSALS,
      'PASSWORD_REFUSED',
      'ALREADY_ACTIVE',
      'ACCOUNT_DISABLED',
      'ACCOUNTS_NOT_OFFERED',
      'SERVICE_BUSY',
    ],
    handle: async (ctx, { body, request, reply }) =>
      sessionAnswer(sign, ctx, reply, await confirmAndLogIn(ctx, body, browserOf(request))),
  });

  endpoint(app, {
    ...open,
    method: 'POST',
    url: '/password-reset',
    operationId: 'requestPasswordReset',
    summary: 'Ask for a new password',
    description: `An active account gets a mail with a link that is good once, for 24 hours. ${SAME_FOR_ALL}`,
    body: ref(PasswordResetRequest),
    returns: { 202: ref(Received) },
    handle: (ctx, { body }) => requestPasswordReset(ctx, body.email, throttles),
  });

  endpoint(app, {
    ...open,
    method: 'GET',
    url: '/password-reset/:token',
    operationId: 'getPasswordReset',
    summary: 'Look at the link to a new password',
    description: 'Its state only; looking never uses it up (I2).',
    params: MailedTokenParams,
    returns: { 200: ref(OpenLink) },
    refuses: LINK_REFUSALS,
    handle: (ctx, { params }) => readPasswordReset(ctx, params.token),
  });

  endpoint(app, {
    ...open,
    method: 'POST',
    url: '/password-reset/:token',
    operationId: 'resetPassword',
    summary: 'Set a new password',
    description: 'Ends all sessions, makes every other mailed link worthless, and logs in.',
    params: MailedTokenParams,
    body: ref(NewPassword),
    returns: { 200: ref(SignedIn) },
    refuses: [...LINK_REFUSALS, 'PASSWORD_REFUSED', 'SERVICE_BUSY'],
    handle: async (ctx, { params, body, request, reply }) => {
      const wish = { password: body.password, throttles };
      const grant = await resetAndLogIn(ctx, params.token, wish, browserOf(request));
      return sessionAnswer(sign, ctx, reply, grant);
    },
  });

  endpoint(app, {
    ...open,
    method: 'GET',
    url: '/email-change/:token',
    operationId: 'getEmailChange',
    summary: 'Look at the link of a new address',
    description: 'Its state only; looking never uses it up (I2).',
    params: MailedTokenParams,
    returns: { 200: ref(OpenLink) },
    refuses: LINK_REFUSALS,
    handle: (ctx, { params }) => readEmailChange(ctx, params.token),
  });

  endpoint(app, {
    ...open,
    method: 'POST',
    url: '/email-change',
    operationId: 'confirmEmailChange',
    summary: 'Confirm a new address',
    description:
      'The account has the new address from now on. Whether it is somebody else’s is told here, to its owner, and nowhere before.',
    body: ref(MailedToken),
    returns: { 200: ref(EmailChanged) },
    refuses: [...LINK_REFUSALS, 'EMAIL_TAKEN', 'CUSTOMER_GONE'],
    handle: (ctx, { body }) => confirmEmailChange(ctx, body.token),
  });

  endpoint(app, {
    ...mine,
    method: 'POST',
    url: '/me/password',
    operationId: 'changeMyPassword',
    summary: 'Change my password',
    description: 'All my other sessions end, and every mailed link becomes worthless.',
    body: ref(PasswordChange),
    returns: { 204: null },
    refuses: [
      'PASSWORD_WRONG',
      'PASSWORD_NOT_SET',
      'PASSWORD_REFUSED',
      'CUSTOMER_GONE',
      'LOGIN_THROTTLED',
      'SERVICE_BUSY',
    ],
    handle: async (ctx, { body, request }) => {
      const { currentPassword: password, newPassword } = body;
      const customerId = await callingCustomer(ctx);
      await changePassword(ctx, { customerId, password, newPassword, ip: request.ip }, throttles);
    },
  });

  endpoint(app, {
    ...mine,
    method: 'POST',
    url: '/me/email',
    operationId: 'changeMyEmail',
    summary: 'Ask for another address',
    description:
      'A mail to the new address has to be confirmed; a notice goes to the old one. The answer never tells whether the new one is somebody’s.',
    body: ref(EmailChange),
    returns: { 202: ref(Received) },
    refuses: [
      'CUSTOMER_INVALID',
      'PASSWORD_WRONG',
      'PASSWORD_NOT_SET',
      'CUSTOMER_GONE',
      'LOGIN_THROTTLED',
      'SERVICE_BUSY',
    ],
    handle: async (ctx, { body, request }) => {
      const customerId = await callingCustomer(ctx);
      return requestEmailChange(ctx, { ...body, customerId, ip: request.ip }, throttles);
    },
  });
}
