// What the contents of a mail are, and what makes them; which kind has which maker stands in mail-contents.ts.
import type { Ctx } from '../context.ts';
import type { Tx } from '../db/connection.ts';
import type { DueMessage } from '../db/messages.ts';
import type { LinkPurpose } from '../domain/mail/settings.ts';
import type { Variables } from '../domain/mail/template-variables.ts';

/** Variables of one mail. */
export interface MailContent {
  links?: Readonly<Record<string, string>>;
  data?: Readonly<Record<string, unknown>>;
  /** Beneath everything else: values of any root, such as the examples of a test. */
  variables?: Variables;
  /** Of the person, where that says more than the profile of the mail's customer; picks the template. */
  language?: string | null;
  /** Sent here and not to the customer's own address. */
  toEmail?: string;
}

/** The address behind a link for a purpose: the shop's own page or ours. */
export type LinkMaker = (purpose: LinkPurpose, token: string) => string;

/**
 * Contents of mails of one kind, by id. A mail that is left out must not be sent any more: what it was to say is no
 * longer true. Runs in a transaction that ends before the mail is rendered.
 */
export type ContentMaker = (
  ctx: Ctx,
  tx: Tx,
  mails: readonly DueMessage[],
  link: LinkMaker,
) => Promise<Map<string, MailContent>>;
