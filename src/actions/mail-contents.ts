// What a mail of each kind says beside the store and its customer: facts, and links with secrets that are made now (I1).
import type { Ctx } from '../context.ts';
import type { Tx } from '../db/connection.ts';
import type { DueMessage } from '../db/messages.ts';
import type { MessageKind } from '../domain/mail/messages.ts';
import type { LinkPurpose } from '../domain/mail/settings.ts';
import type { Variables } from '../domain/mail/template-variables.ts';
import { ACCOUNT_MAILS } from './account-mails.ts';
import { CONSENT_MAILS } from './consent-confirmations.ts';
import { DIRECT_MAILS } from './direct-mail.ts';
import { INVITATION_MAILS } from './invitation-mails.ts';
import { LOYALTY_MAILS } from './loyalty-mails.ts';
import { TEST_MAILS } from './template-previews.ts';

/** Variables of one mail. */
export interface MailContent {
  links?: Readonly<Record<string, string>>;
  data?: Readonly<Record<string, unknown>>;
  /** Beneath everything else: values of any root, such as the examples of a test. */
  variables?: Variables;
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

/** Kinds whose mails say more than their row does. */
export const CONTENT_MAKERS: Partial<Record<MessageKind, ContentMaker>> = {
  ...ACCOUNT_MAILS,
  ...INVITATION_MAILS,
  ...CONSENT_MAILS,
  ...LOYALTY_MAILS,
  ...DIRECT_MAILS,
  ...TEST_MAILS,
};
