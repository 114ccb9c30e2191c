// Registrations: what is kept of the form until the owner of the address confirms it.

/** Longer than the link lives, which begins only when the mail is made (I1). */
export const REGISTRATION_DAYS = 7;

export interface RegistrationProfile {
  /** In the spelling of the form. */
  email: string;
  firstName?: string | null;
  lastName?: string | null;
  company?: string | null;
  phone?: string | null;
  language?: string | null;
  /** Keys of topics that the customer wants to hear about. */
  topics: readonly string[];
  /** What proves the wish. */
  proof: { ip?: string; userAgent?: string };
}
