// Preferences: what somebody gets mails about and how often, changed by the person itself, through a link of a mail or
// signed in; and the one click that ends it (RFC 8058).
import { type MailSecrets, readPreferencesToken, readUnsubscribeToken } from '../clients/mail-identity.ts';
import type { Ctx } from '../context.ts';
import type { Db, Tx } from '../db/connection.ts';
import {
  findAddresses,
  findMailSubject,
  listStatesOf,
  type MailSubject,
  markUnsubscribed,
  setContactLimit,
} from '../db/consents.ts';
import { lockCustomer } from '../db/customers.ts';
import { findSurvivorId } from '../db/merges.ts';
import type { Topic } from '../db/topics.ts';
import { maskEmail, normaliseEmail } from '../domain/emails.ts';
import type { ConsentSource, ConsentState } from '../domain/mail/consents.ts';
import { Problem } from '../errors.ts';
import { EVERY_TOPIC, type NewConsent, type Proof, recordConsents, type Wording } from './consents.ts';
import { tell } from './timeline.ts';
import { ensureTopics, readTopics } from './topics.ts';
import { write } from './write.ts';

/** Whose preferences they are. */
interface Person {
  customerId: string | null;
  /** The present address, normalised; null: there is none to write to. */
  email: string | null;
  /** Where the mail went whose link is used, when that was another address. */
  formerEmail: string | null;
  messageId: string | null;
}

/** A topic as the person sees it. */
export interface Preference {
  key: string;
  name: string;
  description: string;
  /** `none`: never asked for. */
  state: ConsentState | 'none';
  subscribed: boolean;
}

export interface Preferences {
  /** Masked; null without an address. */
  email: string | null;
  topics: Preference[];
  /** Most marketing mails within 30 days; null: as many as the shop sends. */
  contactLimit: number | null;
}

export interface PreferencesChange {
  /** Exactly these are on afterwards; absent: topics stay. */
  topics?: readonly string[];
  /** Withdraws every topic there is, also those that were never asked for. */
  unsubscribeFromAll?: boolean;
  contactLimit?: number | null;
  wording?: Wording | ((topic: Topic) => Wording);
}

const ofStates = async (db: Db, email: string | null): Promise<Map<string, ConsentState>> => {
  if (email === null) return new Map();
  const rows = await listStatesOf(db, { channels: ['email'], addresses: [email] });
  return new Map(rows.map(({ topic, state }) => [topic, state]));
};

/** Archived topics are shown only to those who can still withdraw them. */
function preferencesOf(
  person: Person,
  topics: readonly Topic[],
  states: ReadonlyMap<string, ConsentState>,
  contactLimit: number | null,
): Preferences {
  const rows = topics.map(({ key, name, description, archivedAt }) => {
    const state = states.get(key) ?? ('none' as const);
    const isOpen = state === 'granted' || state === 'pending';
    return { key, name, description, state, subscribed: isOpen, isShown: archivedAt === null || isOpen };
  });
  return {
    email: person.email && maskEmail(person.email),
    topics: rows.filter(({ isShown }) => isShown).map(({ isShown: _, ...row }) => row),
    contactLimit,
  };
}

async function show(db: Db, person: Person, topics: readonly Topic[]): Promise<Preferences> {
  const [limits] = person.customerId ? await findAddresses(db, { id: person.customerId }) : [];
  return preferencesOf(person, topics, await ofStates(db, person.email), limits?.contactLimit ?? null);
}

/** Who a mail was for, whoever that has become; undefined when nobody is left. */
async function personOf(db: Db, subject: MailSubject | undefined): Promise<Person | undefined> {
  if (!subject || subject.accountStatus === 'erased') return undefined;
  const went = normaliseEmail(subject.toEmail ?? '') ?? null;
  const present = await presentOf(db, subject);
  const email = present.customerId ? present.email : went;
  const formerEmail = went !== null && went !== email ? went : null;
  if (email === null && formerEmail === null) return undefined;
  return { customerId: present.customerId, email, formerEmail, messageId: subject.id };
}

async function presentOf(
  db: Db,
  { customerId, accountStatus, email }: MailSubject,
): Promise<{ customerId: string | null; email: string | null }> {
  if (customerId === null || accountStatus !== 'merged') return { customerId, email };
  const survivorId = await findSurvivorId(db, customerId);
  const [addresses] = await findAddresses(db, { id: survivorId });
  return { customerId: survivorId, email: addresses?.email ?? null };
}

const found = (person: Person | undefined): Person => {
  if (!person) throw new Problem('TOKEN_UNKNOWN');
  return person;
};

/** The mail that the token of its preference link names, in this store. */
function mailIdOf(ctx: Ctx, secrets: MailSecrets, token: string): string {
  const row = readPreferencesToken(secrets, token);
  if (row?.storeId !== ctx.storeId) throw new Problem('TOKEN_UNKNOWN');
  return row.id;
}

const personOfMail = async (db: Db, id: string): Promise<Person> =>
  found(await personOf(db, (await findMailSubject(db, { id }))[0]));

/**
 * What the owner of a link in a mail gets mails about.
 * @throws Problem TOKEN_UNKNOWN
 */
export async function readPreferences(ctx: Ctx, secrets: MailSecrets, token: string): Promise<Preferences> {
  const person = await personOfMail(ctx.db, mailIdOf(ctx, secrets, token));
  return show(ctx.db, person, await readTopics(ctx));
}

/** The same of a signed-in customer. */
export async function readPreferencesOf(ctx: Ctx, customerId: string): Promise<Preferences> {
  return show(ctx.db, await personOfCustomer(ctx.db, customerId), await readTopics(ctx));
}

async function personOfCustomer(db: Db, customerId: string): Promise<Person> {
  const [addresses] = await findAddresses(db, { id: customerId });
  return { customerId, email: addresses?.email ?? null, formerEmail: null, messageId: null };
}

interface Origin {
  source: ConsentSource;
  proof: Proof;
}

const wordingFor = (wording: PreferencesChange['wording'], topic: Topic): Wording | undefined =>
  typeof wording === 'function' ? wording(topic) : wording;

/** The events that make exactly the wanted topics subscribed. */
function wishesOf(
  topics: readonly Topic[],
  states: ReadonlyMap<string, ConsentState>,
  { topics: wanted, unsubscribeFromAll, wording }: PreferencesChange,
): Pick<NewConsent, 'topic' | 'action' | 'wording'>[] {
  if (unsubscribeFromAll) return [{ topic: EVERY_TOPIC, action: 'withdraw' }];
  if (wanted === undefined) return [];
  const unknown = wanted.find((key) => !topics.some((topic) => topic.key === key));
  if (unknown !== undefined) throw new Problem('TOPIC_UNKNOWN', { topic: unknown });
  return topics.flatMap((topic): Pick<NewConsent, 'topic' | 'action' | 'wording'>[] => {
    const { key } = topic;
    const [isWanted, state] = [wanted.includes(key), states.get(key)];
    if (isWanted && state !== 'granted')
      return [{ topic: key, action: 'grant', wording: wordingFor(wording, topic) }];
    return !isWanted && (state === 'granted' || state === 'pending')
      ? [{ topic: key, action: 'withdraw' }]
      : [];
  });
}

/** A withdrawal holds for the address that the mail went to, too. */
function consentsOf(
  { customerId, email, formerEmail, messageId }: Person,
  wishes: readonly Pick<NewConsent, 'topic' | 'action' | 'wording'>[],
  { source, proof }: Origin,
): NewConsent[] {
  const facts = { channel: 'email' as const, source, proof: { ...proof, ...(messageId && { messageId }) } };
  const own = email === null ? [] : wishes.map((wish) => ({ ...facts, ...wish, address: email, customerId }));
  const former = formerEmail === null ? [] : wishes.filter(({ action }) => action === 'withdraw');
  return [...own, ...former.map((wish) => ({ ...facts, ...wish, address: formerEmail as string }))];
}

async function changeLimit(ctx: Ctx, tx: Tx, customerId: string, contactLimit: number | null): Promise<void> {
  const row = await lockCustomer(tx, customerId);
  if (!row || row.contactLimit === contactLimit) return;
  await setContactLimit(tx, { id: customerId, contactLimit, now: ctx.now });
  const changes = { contactLimit: [row.contactLimit, contactLimit] };
  await tell(ctx, tx, { kind: 'customer.updated', customerId, data: { changes } });
}

async function save(
  ctx: Ctx,
  tx: Tx,
  person: Person,
  change: PreferencesChange,
  origin: Origin,
): Promise<Preferences> {
  const { customerId, email } = person;
  if (customerId) await lockCustomer(tx, customerId);
  if (customerId && change.contactLimit !== undefined)
    await changeLimit(ctx, tx, customerId, change.contactLimit);
  const topics = await ensureTopics(ctx, tx);
  const wishes = wishesOf(topics, await ofStates(tx, email), change);
  if (email === null && wishes.some(({ action }) => action === 'grant')) throw new Problem('NO_EMAIL');
  await recordConsents(ctx, tx, consentsOf(person, wishes, origin));
  return show(tx, person, topics);
}

/**
 * Saves what the owner of a link in a mail wants.
 * @throws Problem TOKEN_UNKNOWN, TOPIC_UNKNOWN, TOPIC_ARCHIVED, NO_EMAIL
 */
export function savePreferences(
  ctx: Ctx,
  secrets: MailSecrets,
  token: string,
  change: PreferencesChange,
  proof: Proof,
): Promise<Preferences> {
  const id = mailIdOf(ctx, secrets, token);
  return write(ctx, async (tx) =>
    save(ctx, tx, await personOfMail(tx, id), change, { source: 'preference_centre', proof }),
  );
}

/** The same of a signed-in customer. */
export const savePreferencesOf = (
  ctx: Ctx,
  customerId: string,
  change: PreferencesChange,
  proof: Proof,
): Promise<Preferences> =>
  write(ctx, async (tx) =>
    save(ctx, tx, await personOfCustomer(tx, customerId), change, { source: 'self_service', proof }),
  );

/** What a link to unsubscribe is about; nothing changes. @throws Problem TOKEN_UNKNOWN */
export async function readUnsubscription(
  ctx: Ctx,
  secrets: MailSecrets,
  token: string,
): Promise<{ email: string; topic: string | null }> {
  const [subject] = await findMailSubject(ctx.db, { id: unsubscribedMailOf(ctx, secrets, token) });
  const { email, formerEmail } = found(await personOf(ctx.db, subject));
  const topics = await readTopics(ctx);
  const topic = topics.find(({ key }) => key === subject?.topic)?.name ?? null;
  return { email: maskEmail(email ?? formerEmail ?? ''), topic };
}

function unsubscribedMailOf(ctx: Ctx, secrets: MailSecrets, token: string): string {
  const row = readUnsubscribeToken(secrets, token);
  if (row?.storeId !== ctx.storeId) throw new Problem('TOKEN_UNKNOWN');
  return row.id;
}

/** Whether nothing is left to withdraw: mail programs may post a link more than once. */
async function isDone(tx: Tx, { unsubscribedAt, topic }: MailSubject, person: Person): Promise<boolean> {
  if (unsubscribedAt === null) return false;
  const addresses = [person.email, person.formerEmail].filter((address) => address !== null);
  const states = await listStatesOf(tx, { channels: addresses.map(() => 'email'), addresses });
  return states.every((row) => row.state === 'withdrawn' || (topic !== null && row.topic !== topic));
}

async function withdrawByMail(ctx: Ctx, tx: Tx, id: string, origin: Origin): Promise<void> {
  const [subject] = await findMailSubject(tx, { id });
  const person = found(await personOf(tx, subject));
  if (!subject || (await isDone(tx, subject, person))) return;
  const topic = subject.topic ?? EVERY_TOPIC;
  await recordConsents(ctx, tx, consentsOf(person, [{ topic, action: 'withdraw' }], origin));
  await markUnsubscribed(tx, { id, now: ctx.now });
  const data = { ...(subject.topic && { topic: subject.topic }), source: origin.source };
  await tell(ctx, tx, { kind: 'message.unsubscribed', customerId: person.customerId, subjectId: id, data });
}

/**
 * Withdraws what a mail was about, everything when it had no topic (RFC 8058). Doing it again changes nothing.
 * @throws Problem TOKEN_UNKNOWN
 */
export function unsubscribe(
  ctx: Ctx,
  secrets: MailSecrets,
  token: string,
  origin: { source: 'one_click' | 'unsubscribe_page'; proof: Proof },
): Promise<void> {
  const id = unsubscribedMailOf(ctx, secrets, token);
  return write(ctx, (tx) => withdrawByMail(ctx, tx, id, origin));
}
