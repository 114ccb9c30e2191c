// Links in mails: to the shop's own page where it has one, else to ours.
import type { LinkPurpose, MailSettings } from './settings.ts';

/** Our page for each purpose, below /pages. */
const PAGES: Readonly<Record<LinkPurpose, string>> = {
  invitation: 'invitation',
  passwordReset: 'password-reset',
  emailVerification: 'email-verification',
  emailChange: 'email-change',
  consentConfirmation: 'confirm',
  preferences: 'preferences',
  unsubscribe: 'unsubscribe',
};

/** Where counted links lead; the token comes behind it. */
export const CLICK_PATH = '/c/';

/** Stands in a shop's own link where the token goes. */
export const TOKEN_PLACE = '{token}';

/** The address behind a link; `publicUrl` is where this service is reached, and tokens are safe in URLs as they are. */
export function linkTo(
  { links }: Pick<MailSettings, 'links'>,
  publicUrl: string,
  purpose: LinkPurpose,
  token: string,
): string {
  const own = links[purpose];
  if (own !== undefined) return own.replaceAll(TOKEN_PLACE, token);
  return `${publicUrl.replace(/\/+$/, '')}/pages/${PAGES[purpose]}/${token}`;
}
