// The way of mails out of this installation, put together from the settings.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { storeOf } from './actions/customers.ts';
import { type MailWorkshop, makeMails } from './actions/mail-making.ts';
import type { MailWay } from './actions/mail-sending.ts';
import { clickKeyOf, type MailSecrets, mailSecrets } from './clients/mail-identity.ts';
import type { DkimSigner } from './clients/mail-mime.ts';
import { createRenderer, type Renderer } from './clients/mail-renderer.ts';
import { createMailer, type Mailer } from './clients/mailer.ts';
import { type Config, ConfigError } from './config.ts';
import { readSender } from './domain/mail/headers.ts';
import { mailSettingsOf, type Sender } from './domain/mail/settings.ts';
import type { Metrics } from './metrics.ts';
import { deriveSecret } from './plugins/auth.ts';
import { inSpan } from './tracing.ts';

const CONNECT_TIMEOUT_MS = 15_000;
const ANSWER_TIMEOUT_MS = 30_000;
/** Stands in for a domain of ones own, so that a first run can send into its outbox (RFC 2606). */
const EXAMPLE_DOMAIN = 'clientele.example';

/** The folder of mails that no server takes. */
export const outboxOf = (config: Config): string => join(config.DATA_DIR, 'outbox');

/** The same folder where its mails may be looked at: a development installation that sends nothing. */
export const shownOutboxOf = (config: Config): string | undefined =>
  config.NODE_ENV === 'development' && config.SMTP_URL === undefined ? outboxOf(config) : undefined;

/** Keys of Message-IDs, tokens and the suppression list. */
export const mailSecretsOf = ({ APP_SECRET = '' }: Config): MailSecrets =>
  mailSecrets(deriveSecret(APP_SECRET, 'mail'), deriveSecret(APP_SECRET, 'addresses'));

export const publicUrlOf = ({ PUBLIC_URL, HOST, PORT }: Config): string =>
  (PUBLIC_URL ?? `http://${HOST}:${PORT}`).replace(/\/+$/, '');

async function dkimOf({
  DKIM_DOMAIN,
  DKIM_SELECTOR,
  DKIM_PRIVATE_KEY,
}: Config): Promise<DkimSigner | undefined> {
  const given = [DKIM_DOMAIN, DKIM_SELECTOR, DKIM_PRIVATE_KEY].filter((value) => value !== undefined);
  if (given.length === 0) return undefined;
  if (!DKIM_DOMAIN || !DKIM_SELECTOR || !DKIM_PRIVATE_KEY)
    throw new ConfigError(
      'DKIM_DOMAIN, DKIM_SELECTOR and DKIM_PRIVATE_KEY are given together or not at all.',
    );
  const privateKey = DKIM_PRIVATE_KEY.includes('BEGIN')
    ? DKIM_PRIVATE_KEY.replaceAll('\\n', '\n')
    : await readFile(DKIM_PRIVATE_KEY, 'utf8');
  return { domain: DKIM_DOMAIN, selector: DKIM_SELECTOR, privateKey };
}

const mailDomainOf = ({ MAIL_DOMAIN = EXAMPLE_DOMAIN }: Config): string => MAIL_DOMAIN;

/**
 * Who mails of stores without a sender come from. Without MAIL_FROM nobody in production.
 * @throws ConfigError for a MAIL_FROM that is no sender
 */
export function fallbackSenderOf(config: Config): Sender | null {
  const { MAIL_FROM, NODE_ENV } = config;
  if (MAIL_FROM !== undefined) {
    const sender = readSender(MAIL_FROM);
    if (!sender) throw new ConfigError('MAIL_FROM is not usable: give `Name <address>` or an address.');
    return sender;
  }
  return NODE_ENV === 'production' ? null : { name: 'My store', email: `shop@${mailDomainOf(config)}` };
}

export interface OpenedMail {
  way: MailWay;
  renderer: Renderer;
  close(): Promise<void>;
}

/** What making mails needs; `renderer` is closed by who opened it. */
export async function openWorkshop(config: Config, renderer: Renderer): Promise<MailWorkshop> {
  const dkim = await dkimOf(config);
  const secrets = mailSecretsOf(config);
  return {
    renderer,
    secrets,
    clickKey: clickKeyOf(secrets),
    publicUrl: publicUrlOf(config),
    mailDomain: mailDomainOf(config),
    bounces: config.MAIL_DOMAIN !== undefined,
    relayHost: config.SMTP_URL === undefined ? '' : new URL(config.SMTP_URL).hostname,
    fallbackSender: fallbackSenderOf(config),
    ...(dkim && { dkim }),
  };
}

/** The way out of a mail, in a span and counted; neither says where it goes. */
const observedSend =
  (mailer: Mailer, metrics: Pick<Metrics, 'mailSent'> | undefined): MailWay['send'] =>
  ({ mail, envelope, raw }) =>
    inSpan('smtp send', { kind: 'client', attributes: { 'clientele.message_id': mail.id } }, async () => {
      const began = performance.now();
      const result = await mailer.send({ id: mail.id, envelope, raw });
      metrics?.mailSent(mail.class, result.outcome, (performance.now() - began) / 1000);
      return result;
    });

/** Opens what a worker needs to send mails. */
export async function openMail(config: Config, metrics?: Pick<Metrics, 'mailSent'>): Promise<OpenedMail> {
  const renderer = createRenderer({ threads: config.RENDER_THREADS });
  const workshop = await openWorkshop(config, renderer);
  const mailer = createMailer({
    ...(config.SMTP_URL !== undefined && { smtpUrl: config.SMTP_URL }),
    connections: config.SMTP_CONNECTIONS,
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    answerTimeoutMs: ANSWER_TIMEOUT_MS,
    // Shorter than a lease: a mail whose fate is open must not be taken by somebody else.
    sendTimeoutMs: Math.ceil(config.MAIL_LEASE_MS * 0.8),
    outbox: outboxOf(config),
  });
  return {
    renderer,
    way: {
      prepare: (ctx, mails) => makeMails(ctx, workshop, mails),
      send: observedSend(mailer, metrics),
      connections: mailer.connections,
      leaseMs: config.MAIL_LEASE_MS,
      fallbackSender: workshop.fallbackSender,
      settings: async (ctx) => mailSettingsOf((await storeOf(ctx)).settings),
    },
    async close() {
      await mailer.close();
      await renderer.close();
    },
  };
}
