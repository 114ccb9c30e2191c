// Consent: append-only events per address, channel and topic. The state is what the latest event says.

export const CHANNELS = ['email', 'sms'] as const;
export type Channel = (typeof CHANNELS)[number];

/** `grant` asks for a confirmation where the store wants double opt-in; `import` states what was granted elsewhere. */
export const CONSENT_ACTIONS = ['grant', 'confirm', 'import', 'withdraw'] as const;
export type ConsentAction = (typeof CONSENT_ACTIONS)[number];

export const CONSENT_STATES = ['granted', 'pending', 'withdrawn'] as const;
export type ConsentState = (typeof CONSENT_STATES)[number];

/** Where an event came from. */
export const CONSENT_SOURCES = [
  'newsletter_form',
  'registration',
  'checkout',
  'preference_centre',
  'one_click',
  'unsubscribe_page',
  'confirmation_link',
  'self_service',
  'staff',
  'api',
  'import',
  'address_change',
  'complaint',
] as const;
export type ConsentSource = (typeof CONSENT_SOURCES)[number];

/** Topics of a new store: key, name, what it is about. */
export const PRESET_TOPICS = [
  { key: 'newsletter', name: 'Newsletter', description: 'News from the shop, now and then.' },
  { key: 'offers', name: 'Offers', description: 'Sales, vouchers and special prices.' },
  { key: 'product_news', name: 'Product news', description: 'New products and products that are back.' },
  {
    key: 'surveys',
    name: 'Surveys',
    description: 'Questions about orders and products, and review requests.',
  },
] as const;

/** Why an address gets no mails, or not now. Soft bounces decay, the others last. */
export const SUPPRESSION_REASONS = ['hard_bounce', 'complaint', 'manual', 'soft_bounces'] as const;
export type SuppressionReason = (typeof SUPPRESSION_REASONS)[number];
