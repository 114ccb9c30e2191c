// A post office for tests: an SMTP sink, and what a worker sends mails with.
import type { Test } from 'tap';
import { type MailWay, sendDueMails, type Turn } from '../../src/actions/mail-sending.ts';
import { readConfig } from '../../src/config.ts';
import { openMail } from '../../src/mail.ts';
import { TEST_CONFIG, type TestStore } from './harness.ts';
import { type SinkOptions, type SmtpSink, startSink } from './smtp-sink.ts';

export const PUBLIC_URL = 'https://mail.service.example';
export const MAIL_DOMAIN = 'service.example';

export interface Post {
  sink: SmtpSink;
  way: MailWay;
  /** Sends what is due in the store; `change` gives another way than this one. */
  send(store: TestStore, change?: Partial<MailWay>, turn?: Partial<Turn>): Promise<Date | undefined>;
}

/** Open until the end of `t`. */
export async function openPost(
  t: Test,
  env: Record<string, string> = {},
  options: SinkOptions = {},
): Promise<Post> {
  const sink = await startSink(options);
  const { APP_SECRET = '' } = TEST_CONFIG;
  const mail = await openMail(
    readConfig({ NODE_ENV: 'test', APP_SECRET, PUBLIC_URL, MAIL_DOMAIN, SMTP_URL: sink.url, ...env }),
  );
  t.teardown(async () => {
    await mail.close();
    await sink.close();
  });
  return {
    sink,
    way: mail.way,
    send: (store, change = {}, turn = {}) =>
      sendDueMails(
        store.ctx(),
        { ...mail.way, ...change },
        { signal: new AbortController().signal, ...turn },
      ),
  };
}
