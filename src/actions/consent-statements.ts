// What staff and integrations state: consent of a customer, of an address, of many addresses at once.
import type { Ctx } from '../context.ts';
import type { Db, Tx } from '../db/connection.ts';
import {
  type ConsentHistoryKey,
  type ConsentView,
  findAddresses,
  listConsentHistory,
  listConsents,
  listConsentsAt,
  listKnownWordings,
  listOwners,
  type OwnAddresses,
} from '../db/consents.ts';
import {
  type AddressInput,
  type ConsentAddress,
  readAddress,
  readStatement,
  type Statement,
  type StatementInput,
} from '../domain/mail/consent-statements.ts';
import type { Channel, StatedSource } from '../domain/mail/consents.ts';
import type { PageStart } from '../domain/pages.ts';
import { accepted, ERRORS, type ErrorCode, type FieldError, Problem, type Refusal } from '../errors.ts';
import { ensureOwners } from './address-owners.ts';
import { EVERY_TOPIC, type NewConsent, recordConsents } from './consents.ts';
import { lockPresent, readPresent, sourceOf, storeOf } from './customers.ts';
import { ensureTopics } from './topics.ts';
import { write } from './write.ts';

/** Where a statement comes from that does not say it: from who calls. */
export const callersSource = (ctx: Ctx): StatedSource => (sourceOf(ctx) === 'manual' ? 'staff' : 'api');

/** The events of a statement about one address. */
function consentsOf(
  ctx: Ctx,
  { topics, source = callersSource(ctx), ...statement }: Statement,
  { channel, address }: { channel: Channel; address: string },
  customerId: string | undefined,
): NewConsent[] {
  const wanted = topics.length > 0 ? topics : [EVERY_TOPIC];
  return wanted.map((topic) => ({ ...statement, channel, address, topic, source, customerId }));
}

/** The present addresses of a customer. */
async function addressesOf(db: Db, customerId: string): Promise<OwnAddresses> {
  const [addresses] = await findAddresses(db, { id: customerId });
  return addresses ?? { email: null, phone: null, contactLimit: null };
}

/** What a customer agreed to, and how many mails they want. */
export interface CustomerConsents {
  contactLimit: number | null;
  data: ConsentView[];
}

async function consentsNow(db: Db, customerId: string): Promise<CustomerConsents> {
  const { contactLimit, ...addresses } = await addressesOf(db, customerId);
  return { contactLimit, data: await listConsents(db, addresses) };
}

/**
 * State of each channel and topic of a customer, now or as it was at an instant.
 * @throws Problem NOT_FOUND, CUSTOMER_GONE
 */
export async function readConsents(ctx: Ctx, customerId: string, asOf?: Date): Promise<CustomerConsents> {
  await readPresent(ctx.db, customerId);
  if (asOf === undefined) return consentsNow(ctx.db, customerId);
  const { contactLimit, ...addresses } = await addressesOf(ctx.db, customerId);
  return { contactLimit, data: await listConsentsAt(ctx.db, { ...addresses, customerId, at: asOf }) };
}

/**
 * One page of all that a customer ever said, newest first.
 * @throws Problem NOT_FOUND, CUSTOMER_GONE
 */
export async function readConsentHistory(
  ctx: Ctx,
  customerId: string,
  start: PageStart<ConsentHistoryKey>,
): Promise<ConsentView[]> {
  await readPresent(ctx.db, customerId);
  const { email, phone } = await addressesOf(ctx.db, customerId);
  return listConsentHistory(ctx.db, { ...start, email, phone, customerId });
}

export interface CustomerStatement extends StatementInput {
  channel: Channel;
}

/**
 * Records what a customer said.
 * @throws Problem NOT_FOUND, CUSTOMER_GONE, CONSENT_INVALID, TOPIC_UNKNOWN, TOPIC_ARCHIVED, WORDING_UNKNOWN
 */
export function stateCustomerConsents(
  ctx: Ctx,
  customerId: string,
  { channel, ...input }: CustomerStatement,
): Promise<CustomerConsents> {
  return write(ctx, async (tx) => {
    const statement = accepted(readStatement(input, ctx.now));
    const { emailNorm, phone } = await lockPresent(tx, customerId, undefined);
    const address = channel === 'email' ? emailNorm : phone;
    if (!address) {
      const message = `The customer has no ${channel === 'email' ? 'email address' : 'phone'}.`;
      throw new Problem('CONSENT_INVALID', {
        errors: [{ pointer: '/channel', code: 'NO_ADDRESS', message }],
      });
    }
    await recordConsents(ctx, tx, consentsOf(ctx, statement, { channel, address }, customerId));
    return consentsNow(tx, customerId);
  });
}

/** What is known about an address. */
export interface AddressConsents {
  channel: Channel;
  address: string;
  customerId?: string;
  data: ConsentView[];
}

async function placeOf(ctx: Ctx, db: Db, input: AddressInput): Promise<ConsentAddress> {
  const { settings } = await storeOf({ ...ctx, db });
  return accepted(readAddress(input, settings.defaultCountry));
}

const listAt = (
  db: Db,
  { channel, address }: { channel: Channel; address: string },
): Promise<ConsentView[]> =>
  listConsents(db, {
    email: channel === 'email' ? address : null,
    phone: channel === 'sms' ? address : null,
  });

async function ownerOf(db: Db, { channel, address }: ConsentAddress): Promise<string | null> {
  const [emails, phones] = channel === 'email' ? [[address], []] : [[], [address]];
  return (await listOwners(db, { emails, phones }))[0]?.customerId ?? null;
}

/** @throws Problem CONSENT_INVALID */
export async function lookUpConsents(ctx: Ctx, input: AddressInput): Promise<AddressConsents> {
  const place = await placeOf(ctx, ctx.db, input);
  const { channel, address } = place;
  const customerId = await ownerOf(ctx.db, place);
  return { channel, address, ...(customerId && { customerId }), data: await listAt(ctx.db, place) };
}

export type AddressStatement = StatementInput & AddressInput;

const claimOf = ({ channel, address, given }: ConsentAddress) =>
  channel === 'email' ? { email: given, emailNorm: address } : { phone: address };

/** Who agrees becomes known to the store (C3); a withdrawal is kept for the address alone. */
async function ownersOf(
  ctx: Ctx,
  tx: Tx,
  list: readonly { place: ConsentAddress; statement: Statement }[],
): Promise<(string | undefined)[]> {
  const agreeing = list.filter(({ statement }) => statement.action !== 'withdraw');
  const owners = await ensureOwners(
    ctx,
    tx,
    agreeing.map(({ place }) => claimOf(place)),
    sourceOf(ctx),
  );
  const byEntry = new Map(agreeing.map((entry, index) => [entry, owners[index]?.customerId]));
  return list.map((entry) => byEntry.get(entry));
}

/**
 * Records what the owner of an address said: of the customer who has it, or of a guest who is made for it.
 * @throws Problem CONSENT_INVALID, TOPIC_UNKNOWN, TOPIC_ARCHIVED, WORDING_UNKNOWN
 */
export function stateConsents(ctx: Ctx, input: AddressStatement): Promise<AddressConsents> {
  return write(ctx, async (tx) => {
    const { email, phone, ...rest } = input;
    const place = await placeOf(ctx, tx, { email, phone });
    const statement = accepted(readStatement(rest, ctx.now));
    const { channel, address } = place;
    const [ownerId] = await ownersOf(ctx, tx, [{ place, statement }]);
    const recorded = await recordConsents(ctx, tx, consentsOf(ctx, statement, place, ownerId));
    const customerId = recorded[0]?.customerId;
    return { channel, address, ...(customerId && { customerId }), data: await listAt(tx, place) };
  });
}

/** What became of one entry of an import. */
export interface StatementResult {
  outcome: 'recorded' | 'refused';
  customerId?: string;
  problem?: { code: ErrorCode; title: string; detail: string; errors: FieldError[] };
}

interface Entry {
  place: ConsentAddress;
  statement: Statement;
}

type RefusedEntry = Refusal & { errors?: FieldError[] };

const isRefused = (value: Entry | RefusedEntry): value is RefusedEntry => 'refused' in value;

function readEntry(
  ctx: Ctx,
  { email, phone, ...input }: AddressStatement,
  country: string | null,
): Entry | RefusedEntry {
  const place = readAddress({ email, phone }, country);
  if ('refused' in place) return place;
  const statement = readStatement(input, ctx.now);
  return 'refused' in statement ? statement : { place, statement };
}

/** What of an entry the store does not know: a topic, a wording. */
function unknownIn(
  { statement: { action, topics, wordingHash } }: Entry,
  known: { topics: ReadonlyMap<string, { archivedAt: Date | null }>; wordings: ReadonlySet<string> },
): RefusedEntry | undefined {
  for (const topic of topics) {
    const found = known.topics.get(topic);
    if (!found) return { refused: 'TOPIC_UNKNOWN' };
    if (found.archivedAt && action !== 'withdraw') return { refused: 'TOPIC_ARCHIVED' };
  }
  if (wordingHash && !known.wordings.has(wordingHash.toString('hex'))) return { refused: 'WORDING_UNKNOWN' };
  return undefined;
}

async function readKnown(ctx: Ctx, tx: Tx, entries: readonly (Entry | RefusedEntry)[]) {
  const hashes = entries.flatMap((entry) => (isRefused(entry) ? [] : (entry.statement.wordingHash ?? [])));
  const wordings = hashes.length > 0 ? await listKnownWordings(tx, { hashes }) : [];
  return {
    topics: new Map((await ensureTopics(ctx, tx)).map((topic) => [topic.key, topic])),
    wordings: new Set(wordings.map(({ hash }) => hash.toString('hex'))),
  };
}

const refusedResult = ({ refused, errors = [] }: RefusedEntry): StatementResult => {
  const { title, detail } = ERRORS[refused];
  return { outcome: 'refused', problem: { code: refused, title, detail, errors } };
};

/** Records many statements in one transaction; a bad one is refused in its result and never fails the rest. */
export function importConsents(ctx: Ctx, inputs: readonly AddressStatement[]): Promise<StatementResult[]> {
  return write(ctx, async (tx) => {
    const { settings } = await storeOf({ ...ctx, db: tx });
    const read = inputs.map((input) => readEntry(ctx, input, settings.defaultCountry));
    const known = await readKnown(ctx, tx, read);
    const entries = read.map((entry) => (isRefused(entry) ? entry : (unknownIn(entry, known) ?? entry)));
    const good = entries.filter((entry): entry is Entry => !isRefused(entry));
    const owners = await ownersOf(ctx, tx, good);
    const recorded = await recordConsents(
      ctx,
      tx,
      good.flatMap(({ place, statement }, index) => consentsOf(ctx, statement, place, owners[index])),
    );
    const ownerAt = new Map(
      recorded.map(({ channel, address, customerId }) => [`${channel} ${address}`, customerId]),
    );
    return entries.map((entry): StatementResult => {
      if (isRefused(entry)) return refusedResult(entry);
      const customerId = ownerAt.get(`${entry.place.channel} ${entry.place.address}`);
      return { outcome: 'recorded', ...(customerId && { customerId }) };
    });
  });
}
