// What holds for the mails of a store.

/** Who a mail comes from. */
export interface Sender {
  name: string;
  email: string;
}

/** Local clock times between which no marketing is sent; `from` later than `to` spans midnight. */
export interface QuietHours {
  /** `HH:MM`, included. */
  from: string;
  /** `HH:MM`, not included. */
  to: string;
}

/** At most so many marketing mails to one customer within so many days. */
export interface ContactLimit {
  messages: number;
  days: number;
}

/** Days in which a customer's own limit (`customers.contact_limit`) counts. */
export const OWN_LIMIT_DAYS = 30;

/** Pages of the shop that take the place of ours; `{token}` stands where the secret goes. */
export const LINK_PURPOSES = [
  'invitation',
  'passwordReset',
  'emailVerification',
  'emailChange',
  'consentConfirmation',
  'preferences',
  'unsubscribe',
] as const;
export type LinkPurpose = (typeof LINK_PURPOSES)[number];

export interface MailSettings {
  /** Who marketing comes from; null: the store's sender. */
  marketingSender: Sender | null;
  replyTo: string | null;
  /** Stands below each marketing mail; none can start without. */
  postalAddress: string | null;
  /** I1: life of an invitation from when its mail is made. */
  invitationHours: number;
  doubleOptIn: boolean;
  contactLimit: ContactLimit | null;
  quietHours: QuietHours | null;
  /** Whether links of marketing mails lead through this service, which counts them. */
  trackClicks: boolean;
  /** `#rrggbb`. */
  brandColor: string;
  logoUrl: string | null;
  websiteUrl: string | null;
  links: Partial<Record<LinkPurpose, string>>;
}

export const DEFAULT_MAIL: MailSettings = {
  marketingSender: null,
  replyTo: null,
  postalAddress: null,
  invitationHours: 24,
  doubleOptIn: false,
  contactLimit: null,
  quietHours: null,
  trackClicks: true,
  brandColor: '#1f4e79',
  logoUrl: null,
  websiteUrl: null,
  links: {},
};

/** The settings with what a store that was opened earlier has not stored. */
export const mailSettingsOf = ({ mail }: { mail?: Partial<MailSettings> }): MailSettings => ({
  ...DEFAULT_MAIL,
  ...mail,
});
