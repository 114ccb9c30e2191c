// HTTP: preferences of shoppers, by a link of a mail or signed in, and confirmations of consent.
import type { FastifyInstance } from 'fastify';
import { confirmConsent } from '../actions/consent-confirmations.ts';
import {
  type PreferencesChange,
  readPreferences,
  readPreferencesOf,
  savePreferences,
  savePreferencesOf,
} from '../actions/preferences.ts';
import { callingCustomer } from '../actions/storefront-tokens.ts';
import type { MailSecrets } from '../clients/mail-identity.ts';
import { endpoint } from '../endpoint.ts';
import { ref } from '../schemas/helpers.ts';
import {
  ConfirmedConsent,
  ConsentConfirmation,
  Preferences,
  PreferencesParams,
  PreferencesUpdate,
} from '../schemas/preferences.ts';
import { proofOf } from '../web-pages.ts';

export interface PreferencesOptions {
  mailSecrets: MailSecrets;
}

const tag = 'Storefront';
const zone = 'storefront';
const SAVE_DESCRIPTION =
  'Topics that are named are granted, all others withdrawn. What is on already stays as it is, with its date and its words. Nothing has to be confirmed: the way here proves the address.';

export async function preferences(app: FastifyInstance, { mailSecrets }: PreferencesOptions): Promise<void> {
  endpoint(app, {
    method: 'POST',
    url: '/consent-confirmation',
    operationId: 'confirmConsent',
    tag,
    zone,
    summary: 'Confirm consent (double opt-in)',
    description:
      'With the token of the mail, which is good once and for 7 days. Confirms all that waits at its address; who withdrew meanwhile stays withdrawn.',
    body: ref(ConsentConfirmation),
    returns: { 200: ref(ConfirmedConsent) },
    refuses: ['TOKEN_UNKNOWN', 'PASSWORD_TOKEN_EXPIRED'],
    handle: (ctx, { body, request }) => confirmConsent(ctx, body.token, proofOf(request)),
  });

  endpoint(app, {
    method: 'GET',
    url: '/preferences/:token',
    operationId: 'getPreferences',
    tag,
    zone,
    summary: 'Get preferences by a link of a mail',
    description: 'Every marketing mail has such a link; its token never expires and needs no log-in.',
    params: PreferencesParams,
    returns: { 200: ref(Preferences) },
    refuses: ['TOKEN_UNKNOWN'],
    handle: (ctx, { params }) => readPreferences(ctx, mailSecrets, params.token),
  });

  endpoint(app, {
    method: 'PUT',
    url: '/preferences/:token',
    operationId: 'savePreferences',
    tag,
    zone,
    summary: 'Save preferences by a link of a mail',
    description: SAVE_DESCRIPTION,
    params: PreferencesParams,
    body: ref(PreferencesUpdate),
    returns: { 200: ref(Preferences) },
    refuses: ['TOKEN_UNKNOWN', 'TOPIC_UNKNOWN', 'TOPIC_ARCHIVED', 'NO_EMAIL'],
    handle: (ctx, { params, body, request }) =>
      savePreferences(ctx, mailSecrets, params.token, body satisfies PreferencesChange, proofOf(request)),
  });

  endpoint(app, {
    method: 'GET',
    url: '/me/preferences',
    operationId: 'getMyPreferences',
    tag,
    zone,
    customer: true,
    summary: 'Get my mail preferences',
    description: 'What I get marketing mails about, and how many at most.',
    returns: { 200: ref(Preferences) },
    handle: async (ctx) => readPreferencesOf(ctx, await callingCustomer(ctx)),
  });

  endpoint(app, {
    method: 'PUT',
    url: '/me/preferences',
    operationId: 'saveMyPreferences',
    tag,
    zone,
    customer: true,
    summary: 'Save my mail preferences',
    description: SAVE_DESCRIPTION,
    body: ref(PreferencesUpdate),
    returns: { 200: ref(Preferences) },
    refuses: ['TOPIC_UNKNOWN', 'TOPIC_ARCHIVED', 'NO_EMAIL'],
    handle: async (ctx, { body, request }) =>
      savePreferencesOf(ctx, await callingCustomer(ctx), body, proofOf(request)),
  });
}
