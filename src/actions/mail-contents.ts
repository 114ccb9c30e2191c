// What a mail of each kind says beside the store and its customer: facts, and links with secrets that are made now (I1).
import type { MessageKind } from '../domain/mail/messages.ts';
import { ACCOUNT_MAILS } from './account-mails.ts';
import { CONSENT_MAILS } from './consent-confirmations.ts';
import { DIRECT_MAILS } from './direct-mail.ts';
import { INVITATION_MAILS } from './invitation-mails.ts';
import { LOYALTY_MAILS } from './loyalty-mails.ts';
import type { ContentMaker } from './mail-content.ts';
import { TEST_MAILS } from './template-previews.ts';

/** Kinds whose mails say more than their row does. */
export const CONTENT_MAKERS: Partial<Record<MessageKind, ContentMaker>> = {
  ...ACCOUNT_MAILS,
  ...INVITATION_MAILS,
  ...CONSENT_MAILS,
  ...LOYALTY_MAILS,
  ...DIRECT_MAILS,
  ...TEST_MAILS,
};
