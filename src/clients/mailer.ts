// The way out: hands finished mails to an SMTP server, or into the outbox folder where there is none. Never retries by
// itself (M6), and says of every mail what is known of its fate.

import { Readable } from 'node:stream';
import nodemailer from 'nodemailer';
import { parseConnectionUrl } from 'nodemailer/lib/shared';
import type { SMTPPoolSentMessageInfo } from 'nodemailer/lib/smtp-pool';
import {
  outcomeOf,
  responseLine,
  type SendResult,
  type SmtpFailure,
  type SmtpPhase,
} from '../domain/mail/smtp-outcomes.ts';
import { outboxName, writeMail } from './outbox.ts';

export interface MailerSettings {
  /** `smtp://user:password@host:port` or `smtps://…`; query parameters are options of TLS and of the connection. */
  smtpUrl?: string;
  connections: number;
  /** Longest wait for a connection and its greeting. */
  connectTimeoutMs: number;
  /** Longest silence of the server. */
  answerTimeoutMs: number;
  /** Longest time for one mail in all, shorter than a lease. */
  sendTimeoutMs: number;
  /** Folder of the mails that no server takes. */
  outbox: string;
}

/** A finished mail. */
export interface OutgoingMail {
  /** Of the row; part of the file's name in the outbox. */
  id: string;
  envelope: { from: string; to: string };
  raw: Buffer;
}

export interface Mailer {
  /** Resolves to what became of the mail; throws only when the outbox cannot be written. */
  send(mail: OutgoingMail): Promise<SendResult>;
  /** Connects and logs in; throws what went wrong. */
  verify(): Promise<void>;
  /** Ends when the mails that were handed over have their outcome. */
  close(): Promise<void>;
  /** Mails that go out at a time; more wait in line, which counts against their time. */
  readonly connections: number;
}

export const createMailer = (settings: MailerSettings): Mailer =>
  settings.smtpUrl === undefined
    ? createOutboxMailer(settings)
    : createSmtpMailer(settings, settings.smtpUrl);

function createOutboxMailer({ outbox, connections }: MailerSettings): Mailer {
  return {
    connections,
    async send({ id, raw }) {
      const name = outboxName(new Date(), id);
      await writeMail(outbox, name, raw);
      return { outcome: 'sent', code: 250, response: name };
    },
    verify: async () => {},
    close: async () => {},
  };
}

/** Mails of one connection: servers close those that send for too long. */
const MAILS_PER_CONNECTION = 500;
const IDLE_MS = 30_000;

/** How far a mail came; `isHandedOver` is set before the dot that ends it can leave. */
interface Progress {
  isHandedOver: boolean;
}

function createSmtpMailer(settings: MailerSettings, smtpUrl: string): Mailer {
  const { connections, connectTimeoutMs, answerTimeoutMs, sendTimeoutMs } = settings;
  const transport = nodemailer.createTransport({
    ...parseConnectionUrl(smtpUrl),
    pool: true,
    maxConnections: connections,
    maxMessages: MAILS_PER_CONNECTION,
    maxRequeues: 0,
    idleTimeout: IDLE_MS,
    connectionTimeout: connectTimeoutMs,
    greetingTimeout: connectTimeoutMs,
    socketTimeout: answerTimeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const progresses = new WeakMap<AbortSignal, Progress>();
  transport.use('stream', ({ message, data }, done) => {
    const progress = data.signal && progresses.get(data.signal);
    if (message && progress) message.processFunc((input) => watched(input, progress));
    done();
  });
  const underWay = new Set<Promise<SendResult>>();

  async function hand({ envelope, raw }: OutgoingMail): Promise<SendResult> {
    const progress: Progress = { isHandedOver: false };
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), sendTimeoutMs);
    progresses.set(deadline.signal, progress);
    try {
      return accepted(await transport.sendMail({ envelope, raw, signal: deadline.signal }));
    } catch (error) {
      return outcomeOf(failureOf(error, progress));
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    connections,
    send(mail) {
      const sending = hand(mail).finally(() => underWay.delete(sending));
      underWay.add(sending);
      return sending;
    },
    verify: async () => {
      await transport.verify();
    },
    async close() {
      while (underWay.size > 0) await Promise.allSettled(underWay);
      transport.close();
    },
  };
}

/** Turns of the event loop between the last byte of the mail and the dot: a server that went away meanwhile is seen. */
const TURNS = 2;

/**
 * The mail as the connection reads it. nodemailer reports a connection that broke in the same words wherever it broke; what
 * tells them apart is whether the end was read, for the dot is written after that and never before.
 */
function watched(input: Readable, progress: Progress): Readable {
  async function* content(): AsyncGenerator<Buffer> {
    for await (const chunk of input) yield chunk;
    for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
    progress.isHandedOver = !stream.destroyed;
  }
  const stream = Readable.from(content(), { objectMode: false });
  return stream;
}

const accepted = ({ response }: SMTPPoolSentMessageInfo): SendResult => ({
  outcome: 'sent',
  code: Number(response.slice(0, 3)),
  response: responseLine(response),
});

/** What nodemailer says of an error, as far as we use it. */
interface SmtpError extends Error {
  code?: string;
  command?: string;
  response?: string;
  responseCode?: number;
}

function failureOf(error: unknown, { isHandedOver }: Progress): SmtpFailure {
  const { code, command, message, response, responseCode } = error as SmtpError;
  const phase = isHandedOver ? 'content' : phaseOf(code, command);
  return { phase, code: responseCode || 0, text: response ?? message, isHandedOver };
}

function phaseOf(code = '', command = ''): SmtpPhase {
  if (code === 'EAUTH' || code === 'ENOAUTH' || command.startsWith('AUTH')) return 'login';
  if (command === 'MAIL FROM') return 'sender';
  if (command === 'RCPT TO') return 'recipient';
  return command === 'DATA' ? 'content' : 'connect';
}
