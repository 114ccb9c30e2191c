// HTTP: what holds for the mails of the store.
import type { FastifyInstance } from 'fastify';
import { readMailSettings, updateMailSettings } from '../actions/mail-settings.ts';
import { endpoint } from '../endpoint.ts';
import { ref } from '../schemas/helpers.ts';
import { MailSettings, MailSettingsUpdate } from '../schemas/mail-settings.ts';

const tag = 'Mail';

export async function mailSettings(app: FastifyInstance): Promise<void> {
  endpoint(app, {
    method: 'GET',
    url: '/mail/settings',
    operationId: 'getMailSettings',
    tag,
    summary: 'Get the mail settings',
    description: 'Senders, limits, quiet hours, double opt-in, colours and links of mails and pages.',
    scope: 'store:read',
    returns: { 200: ref(MailSettings), 304: null },
    handle: ({ db }) => readMailSettings(db),
  });

  endpoint(app, {
    method: 'PATCH',
    url: '/mail/settings',
    operationId: 'updateMailSettings',
    tag,
    summary: 'Change the mail settings',
    description: 'Merge patch: null clears, absent keeps. The version is the one of the store.',
    scope: 'store:write',
    body: ref(MailSettingsUpdate),
    returns: { 200: ref(MailSettings) },
    refuses: ['STORE_INVALID', 'VERSION_MISMATCH', 'CONFLICT'],
    handle: (ctx, { body, ifMatch }) => updateMailSettings(ctx, body, ifMatch),
  });
}
