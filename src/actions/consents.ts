// Consent: the one place that records what people agreed to and withdrew, and keeps `acceptsMarketing` true.
import { createHash } from 'node:crypto';
import type { Ctx } from '../context.ts';
import type { Tx } from '../db/connection.ts';
import {
  type ConsentKey,
  type ConsentOwner,
  type ConsentStateRow,
  copyAcceptance,
  insertConsentEvents,
  insertWordings,
  listAskedLately,
  listKnownWordings,
  listOwners,
  listStates,
  listStatesOf,
  lockOwners,
  type NewConsentEvent,
  settleConsents,
} from '../db/consents.ts';
import type { Topic } from '../db/topics.ts';
import { grouped } from '../domain/grouped.ts';
import {
  actionOf,
  type Channel,
  CONFIRMATION_PAUSE_MS,
  type ConsentAction,
  type ConsentSource,
  type ConsentState,
  carriedState,
  earnsPoints,
  stateAfter,
} from '../domain/mail/consents.ts';
import { mailSettingsOf } from '../domain/mail/settings.ts';
import { Problem } from '../errors.ts';
import { noteNewsletter } from './arrivals.ts';
import { storeOf } from './customers.ts';
import { queueMessages } from './messages.ts';
import { type Happening, tell } from './timeline.ts';
import { ensureTopics } from './topics.ts';

/** Stands for each topic of the store, archived ones included; only to withdraw. */
export const EVERY_TOPIC = '*';

/** The words that somebody agreed to. */
export interface Wording {
  version: string;
  text: string;
  locale: string;
}

/** What proves an event. */
export interface Proof {
  text?: string;
  ip?: string;
  userAgent?: string;
  page?: string;
  messageId?: string;
  jobId?: string;
}

/** One thing that somebody said about mails of a topic to an address. */
export interface NewConsent {
  channel: Channel;
  /** Normalised: `emailNorm`, or a phone in E.164. */
  address: string;
  /** Key of a topic, or `EVERY_TOPIC` to withdraw. */
  topic: string;
  action: ConsentAction;
  source: ConsentSource;
  /** Whose the address is; looked up unless told. */
  customerId?: string | null | undefined;
  /** Now unless told. */
  effectiveAt?: Date;
  wording?: Wording | undefined;
  /** SHA-256 of a wording that is known already. */
  wordingHash?: Buffer | undefined;
  proof?: Proof;
  /** Only where a state is carried over, and not made by the action. */
  state?: ConsentState;
}

/** What became of it. */
export interface RecordedConsent extends ConsentKey {
  eventId: string;
  customerId: string | null;
  source: ConsentSource;
  /** Undefined: nobody had said anything about it. */
  before: ConsentState | undefined;
  after: ConsentState;
}

const keyOf = ({ channel, address, topic }: ConsentKey): string => `${channel} ${topic} ${address}`;

/** SHA-256 of the text; by it a wording is found again. */
export const wordingHashOf = (text: string): Buffer => createHash('sha256').update(text).digest();

const hashOf = ({ wording, wordingHash }: NewConsent): Buffer | null =>
  wording ? wordingHashOf(wording.text) : (wordingHash ?? null);

function spread(wishes: readonly NewConsent[], topics: readonly Topic[]): NewConsent[] {
  return wishes.flatMap((wish) =>
    wish.topic === EVERY_TOPIC ? topics.map(({ key }) => ({ ...wish, topic: key })) : [wish],
  );
}

/** An archived topic takes no new consent; withdrawing is always possible. */
function refuseTopics(wishes: readonly NewConsent[], topics: readonly Topic[]): void {
  const known = new Map(topics.map((topic) => [topic.key, topic]));
  for (const { topic, action, state } of wishes) {
    const found = known.get(topic);
    if (!found) throw new Problem('TOPIC_UNKNOWN', { topic });
    const isNew = action !== 'withdraw' && state === undefined;
    if (found.archivedAt && isNew) throw new Problem('TOPIC_ARCHIVED', { topic });
  }
}

async function withOwners(tx: Tx, wishes: readonly NewConsent[]): Promise<NewConsent[]> {
  const nobodys = wishes.filter(({ customerId }) => customerId === undefined);
  if (nobodys.length === 0) return [...wishes];
  const of = (channel: Channel) => nobodys.filter((wish) => wish.channel === channel).map(addressOf);
  const owners = await listOwners(tx, { emails: of('email'), phones: of('sms') });
  const found = new Map(owners.map((owner) => [`${owner.channel} ${owner.address}`, owner.customerId]));
  return wishes.map(({ customerId, ...wish }) => ({
    ...wish,
    customerId:
      customerId === undefined ? (found.get(`${wish.channel} ${wish.address}`) ?? null) : customerId,
  }));
}

const addressOf = ({ address }: { address: string }): string => address;

const present = (ids: readonly (string | null | undefined)[]): string[] => [
  ...new Set(ids.filter((id) => typeof id === 'string')),
];

async function keepWordings(ctx: Ctx, tx: Tx, wishes: readonly NewConsent[]): Promise<void> {
  const wordings = [
    ...new Map(wishes.flatMap(({ wording }) => (wording ? [[wording.text, wording]] : []))).values(),
  ];
  if (wordings.length > 0)
    await insertWordings(tx, {
      hashes: wordings.map(({ text }) => wordingHashOf(text)),
      versions: wordings.map(({ version }) => version),
      locales: wordings.map(({ locale }) => locale),
      texts: wordings.map(({ text }) => text),
      now: ctx.now,
    });
  await refuseUnknownWordings(
    tx,
    wishes.flatMap(({ wording, wordingHash }) => (!wording && wordingHash ? [wordingHash] : [])),
  );
}

/** @throws Problem WORDING_UNKNOWN */
export async function refuseUnknownWordings(tx: Tx, hashes: readonly Buffer[]): Promise<void> {
  if (hashes.length === 0) return;
  const known = new Set(
    (await listKnownWordings(tx, { hashes: [...hashes] })).map(({ hash }) => hash.toString('hex')),
  );
  const unknown = hashes.map((hash) => hash.toString('hex')).find((hash) => !known.has(hash));
  if (unknown) throw new Problem('WORDING_UNKNOWN', { wordingHash: unknown });
}

const isDoubleOptIn = async (ctx: Ctx, tx: Tx, wishes: readonly NewConsent[]): Promise<boolean> => {
  if (!wishes.some(({ action }) => action === 'grant')) return false;
  return mailSettingsOf((await storeOf({ ...ctx, db: tx })).settings).doubleOptIn;
};

/** The rows of the events; a later one of the same key sees what the earlier one said. */
function eventRows(
  ctx: Ctx,
  wishes: readonly NewConsent[],
  before: ReadonlyMap<string, ConsentState>,
  doubleOptIn: boolean,
): NewConsentEvent[] {
  const states = new Map(before);
  return wishes.map((wish) => {
    const { channel, address, topic, action, source } = wish;
    const current = states.get(keyOf(wish));
    const state = wish.state ?? stateAfter(action, { channel, source, current, doubleOptIn });
    states.set(keyOf(wish), state);
    return {
      id: ctx.newId(),
      channel,
      address,
      topic,
      customerId: wish.customerId ?? null,
      action,
      state,
      effectiveAt: wish.effectiveAt ?? ctx.now,
      recordedAt: ctx.now,
      source,
      actor: ctx.actor,
      wordingHash: hashOf(wish),
      locale: wish.wording?.locale ?? null,
      proof: { ...wish.proof },
    };
  });
}

/** One event for each customer, channel and new state, with the topics that came to it. */
function happeningsOf(recorded: readonly RecordedConsent[]): Happening[] {
  const changed = recorded.filter(({ before, after, customerId }) => customerId && before !== after);
  const groups = grouped(changed, ({ customerId, channel, after }) => `${customerId} ${channel} ${after}`);
  return [...groups.values()].flatMap((list) => {
    const [first] = list;
    if (!first) return [];
    const { customerId, channel, after, source } = first;
    const topics = [...new Set(list.map(({ topic }) => topic))];
    return [{ kind: `consent.${after}`, customerId, data: { channel, topics, source } } satisfies Happening];
  });
}

/** Asks the owner of each address that is pending now to confirm it, at most once an hour. */
async function askForConfirmation(
  ctx: Ctx,
  tx: Tx,
  recorded: readonly RecordedConsent[],
  owners: ReadonlyMap<string, ConsentOwner>,
): Promise<void> {
  const pending = recorded.filter(({ after, channel }) => after === 'pending' && channel === 'email');
  const addresses = new Map(pending.map(({ customerId, address }) => [customerId ?? '', address]));
  addresses.delete('');
  if (addresses.size === 0) return;
  const since = new Date(ctx.now.getTime() - CONFIRMATION_PAUSE_MS);
  const asked = await listAskedLately(tx, { customerIds: [...addresses.keys()], since });
  for (const { customerId } of asked) addresses.delete(customerId);
  await queueMessages(
    ctx,
    tx,
    [...addresses].map(([customerId, address]) => {
      const owner = owners.get(customerId);
      const toEmail = owner?.emailNorm === address ? (owner.email ?? address) : address;
      return { kind: 'consent_confirmation', customerId, toEmail };
    }),
  );
}

async function earnPoints(ctx: Ctx, tx: Tx, recorded: readonly RecordedConsent[]): Promise<void> {
  const agreed = recorded.filter(
    (consent) => consent.after === 'granted' && consent.before !== 'granted' && earnsPoints(consent),
  );
  await noteNewsletter(ctx, tx, present(agreed.map(({ customerId }) => customerId)));
}

/**
 * Records events in the transaction of what caused them, and all that follows: the state of each address and topic,
 * `acceptsMarketing` of its customer, the timeline, points for the newsletter, and with double opt-in the mail that asks
 * for confirmation. The customers are locked in id order first; whoever locks others too does it before.
 * @throws Problem TOPIC_UNKNOWN, TOPIC_ARCHIVED, WORDING_UNKNOWN
 */
export async function recordConsents(
  ctx: Ctx,
  tx: Tx,
  consents: readonly NewConsent[],
): Promise<RecordedConsent[]> {
  if (consents.length === 0) return [];
  const topics = await ensureTopics(ctx, tx);
  const wishes = await withOwners(tx, spread(consents, topics));
  refuseTopics(wishes, topics);
  const doubleOptIn = await isDoubleOptIn(ctx, tx, wishes);
  const ids = present(wishes.map(({ customerId }) => customerId));
  const owners = new Map((await lockOwners(tx, { ids })).map((owner) => [owner.id, owner]));
  const before = statesByKey(await listStates(tx, wishes));
  await keepWordings(ctx, tx, wishes);
  const rows = eventRows(ctx, wishes, before, doubleOptIn);
  await insertConsentEvents(tx, rows);
  const after = statesByKey(await settleConsents(tx, rows));
  const recorded = rows.map(({ id, channel, address, topic, customerId, source, state }) => {
    const key = keyOf({ channel, address, topic });
    const states = { before: before.get(key), after: after.get(key) ?? state };
    return { eventId: id, channel, address, topic, customerId, source, ...states };
  });
  await follow(ctx, tx, recorded, owners);
  return recorded;
}

const statesByKey = (list: readonly (ConsentKey & { state: ConsentState })[]): Map<string, ConsentState> =>
  new Map(list.map((row) => [keyOf(row), row.state]));

async function follow(
  ctx: Ctx,
  tx: Tx,
  recorded: readonly RecordedConsent[],
  owners: ReadonlyMap<string, ConsentOwner>,
): Promise<void> {
  if (owners.size > 0) await copyAcceptance(tx, { ids: [...owners.keys()], now: ctx.now });
  await tell(ctx, tx, ...happeningsOf(recorded));
  await askForConfirmation(ctx, tx, recorded, owners);
  await earnPoints(ctx, tx, recorded);
}

/** A customer whose address becomes another one; the row is locked. */
export interface AddressChange {
  customerId: string;
  channel: Channel;
  from: string | null;
  to: string | null;
}

/** Which addresses of a customer a change of columns makes others. */
export function addressChanges(
  row: Pick<ConsentOwner, 'id' | 'emailNorm' | 'phone'>,
  { emailNorm, phone }: { emailNorm?: string | null | undefined; phone?: string | null | undefined },
): AddressChange[] {
  const change = (channel: Channel, from: string | null, to: string | null | undefined): AddressChange[] =>
    to === undefined || to === from ? [] : [{ customerId: row.id, channel, from, to }];
  return [...change('email', row.emailNorm, emailNorm), ...change('sms', row.phone, phone)];
}

const placeOf = (channel: Channel, address: string | null): string => `${channel} ${address}`;

/** The state of every topic at all addresses that anybody leaves or comes to. */
function statesAround(tx: Tx, changes: readonly AddressChange[]): Promise<ConsentStateRow[]> {
  const places = changes.flatMap(({ channel, from, to }) =>
    [from, to].flatMap((address) => (address === null ? [] : [{ channel, address }])),
  );
  return listStatesOf(tx, {
    channels: places.map(({ channel }) => channel),
    addresses: places.map(({ address }) => address),
  });
}

function carriedWish(
  { customerId, channel, to }: AddressChange,
  { topic, state: old }: ConsentStateRow,
  known: ReadonlyMap<string, ConsentState>,
): NewConsent[] {
  if (to === null) return [];
  const key = { channel, address: to, topic };
  const state = carriedState(old, known.get(keyOf(key)));
  return state ? [{ ...key, action: actionOf(state), state, source: 'address_change', customerId }] : [];
}

/**
 * Consent goes with the person to the new address; a withdrawal there wins, and the old address keeps what was said for
 * it. Call it when the new address is written: `acceptsMarketing` is that of the new address afterwards.
 */
export async function carryConsents(ctx: Ctx, tx: Tx, changes: readonly AddressChange[]): Promise<void> {
  const moved = changes.filter(({ from, to }) => from !== to);
  if (moved.length === 0) return;
  const states = await statesAround(tx, moved);
  const known = statesByKey(states);
  const byPlace = grouped(states, ({ channel, address }) => placeOf(channel, address));
  const carried = moved.flatMap((change) =>
    (byPlace.get(placeOf(change.channel, change.from)) ?? []).flatMap((row) =>
      carriedWish(change, row, known),
    ),
  );
  await recordConsents(ctx, tx, carried);
  await copyAcceptance(tx, { ids: present(moved.map(({ customerId }) => customerId)), now: ctx.now });
}
