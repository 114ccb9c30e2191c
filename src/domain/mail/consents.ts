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

/** Sources that an integration or a person of staff can name; the others are written by what happens here. */
export const STATED_SOURCES = [
  'staff',
  'api',
  'checkout',
  'newsletter_form',
  'import',
] as const satisfies readonly ConsentSource[];
export type StatedSource = (typeof STATED_SOURCES)[number];

/** Where the owner of the address acts, reached by a mail to it or logged in: nothing is left to confirm. */
const PROVEN: ReadonlySet<ConsentSource> = new Set([
  'registration',
  'preference_centre',
  'self_service',
  'confirmation_link',
]);

/** Agreeing to the newsletter oneself is an event of the loyalty programme; being moved or imported is none. */
export const earnsPoints = ({ channel, topic, source }: AgreedConsent): boolean =>
  channel === 'email' &&
  topic === GENERAL_TOPIC &&
  source !== 'import' &&
  source !== 'address_change' &&
  source !== 'staff';

interface AgreedConsent {
  channel: Channel;
  topic: string;
  source: ConsentSource;
}

interface Circumstances {
  channel: Channel;
  source: ConsentSource;
  /** State of the topic now; undefined when nobody ever said anything. */
  current: ConsentState | undefined;
  /** Store setting: a grant waits until the owner of the address confirms it. */
  doubleOptIn: boolean;
}

/**
 * What an event says from its time on. Only mail can be confirmed, so double opt-in is for email; who agreed already is
 * not asked again, so that a public form cannot take a subscription away.
 */
export function stateAfter(
  action: ConsentAction,
  { channel, source, current, doubleOptIn }: Circumstances,
): ConsentState {
  if (action === 'withdraw') return 'withdrawn';
  const isAsked = action === 'grant' && doubleOptIn && channel === 'email' && !PROVEN.has(source);
  return isAsked && current !== 'granted' ? 'pending' : 'granted';
}

/** What counts of an event for the state. Ids are in the order of recording. */
export interface ConsentPoint {
  id: string;
  state: ConsentState;
  effectiveAt: Date;
}

/** Of two events the one that took effect later counts, of two at one instant the one that was recorded later. */
const isLater = (one: ConsentPoint, other: ConsentPoint): boolean =>
  one.effectiveAt.getTime() === other.effectiveAt.getTime()
    ? one.id > other.id
    : one.effectiveAt > other.effectiveAt;

const isAgreed = ({ state }: ConsentPoint): boolean => state !== 'withdrawn';

export interface Standing {
  state: ConsentState;
  /** When somebody agreed (kept over confirmations and repeats) or withdrew. */
  since: Date;
  eventId: string;
}

/**
 * The state that the events of one address, channel and topic add up to, in whatever order they were recorded: an older
 * event that comes late changes no state. db/consents.ts says the same in SQL.
 */
export function standingAfter(events: readonly ConsentPoint[]): Standing | undefined {
  const ordered = [...events].sort((a, b) => (isLater(a, b) ? 1 : -1));
  const last = ordered.at(-1);
  if (!last) return undefined;
  const turn = ordered.findLastIndex((event) => isAgreed(event) !== isAgreed(last));
  return { state: last.state, since: (ordered[turn + 1] ?? last).effectiveAt, eventId: last.id };
}

/** What wins where two addresses become one person's: a withdrawal, then an agreement, then an open question. */
const STRENGTH: readonly ConsentState[] = ['pending', 'granted', 'withdrawn'];

/**
 * Consent goes with the person to a new address; a withdrawal there wins. Undefined: the new address says it already.
 */
export function carriedState(from: ConsentState, there: ConsentState | undefined): ConsentState | undefined {
  return there === undefined || STRENGTH.indexOf(from) > STRENGTH.indexOf(there) ? from : undefined;
}

/** The action that tells a state which was carried over. */
export const actionOf = (state: ConsentState): ConsentAction =>
  state === 'withdrawn' ? 'withdraw' : 'grant';

/**
 * What the marketing column of a file comes to. It says neither when nor for what: a yes never beats a withdrawal that
 * is known here, and importing the file again changes nothing.
 */
export function importedAction(
  accepts: boolean,
  current: ConsentState | undefined,
): ConsentAction | undefined {
  if (accepts) return current === undefined || current === 'pending' ? 'import' : undefined;
  return current === 'granted' || current === 'pending' ? 'withdraw' : undefined;
}

/** The topic that a plain yes to marketing is for. */
export const GENERAL_TOPIC = 'newsletter';

/** Confirmations can be given for so long after the mail was made. */
export const CONFIRMATION_DAYS = 7;
/** An address gets at most one mail that asks for confirmation within this time. */
export const CONFIRMATION_PAUSE_MS = 3600_000;

/** Key of a topic: words of segment queries and addresses. */
export const TOPIC_KEY = /^[a-z][a-z0-9_]{0,49}$/;
export const MAX_TOPICS = 50;

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
