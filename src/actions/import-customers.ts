// The customer rows of a file: planned as one, written by a constant number of statements per slice.
import { createHash } from 'node:crypto';
import type { Ctx } from '../context.ts';
import { copyDefaultAddresses, insertAddresses, type NewAddress } from '../db/addresses.ts';
import type { Tx } from '../db/connection.ts';
import { adoptConsents, type ConsentStateRow, listStatesOf } from '../db/consents.ts';
import type { CustomerRow } from '../db/customers.ts';
import { ensureGroups } from '../db/groups.ts';
import {
  type Carried,
  insertGroupLinks,
  insertImportedCustomers,
  insertNotes,
  insertTagLinks,
  listCarriedTags,
  listContentKeys,
  listJoinedGroups,
  listNoteBodies,
  lockKnownCustomers,
  updateImportedCustomers,
} from '../db/imports.ts';
import type { JobRow } from '../db/jobs.ts';
import type { Store } from '../db/stores.ts';
import { ensureTags } from '../db/tags.ts';
import { addressKey, placeKeys } from '../domain/addresses.ts';
import { checkCustom } from '../domain/custom-fields.ts';
import { grouped } from '../domain/grouped.ts';
import { groupKey } from '../domain/groups.ts';
import {
  acceptanceOf,
  type ImportMode,
  type ImportRow,
  type PlannedCustomer,
  planImport,
  plannedChanges,
} from '../domain/imports/plan.ts';
import type { CustomerRecord, RowProblem } from '../domain/imports/rows.ts';
import { GENERAL_TOPIC, importedAction } from '../domain/mail/consents.ts';
import { tagKey } from '../domain/tags.ts';
import { revokeLinks } from './account-endings.ts';
import { contentKeyOf, newRow } from './addresses.ts';
import { addressChanges, carryConsents, type NewConsent, recordConsents } from './consents.ts';
import { derivedColumns, NEW_CUSTOMER } from './customers.ts';
import { tell } from './timeline.ts';

/** What a slice of rows came to. */
export interface Applied {
  outcomes: Record<string, number>;
  problems: { line: number; problem: RowProblem }[];
}

type Planned = PlannedCustomer<CustomerRow>;

/** A planned customer with what is really new about it. */
interface Change {
  planned: Planned;
  changes: object;
  tags: string[];
  groups: string[];
  addresses: NewAddress[];
  notes: string[];
  /** What the marketing column changes, by topic. */
  consents: NewConsent[];
}

/**
 * UUID v8 (RFC 9562) of what a row without any key says: the same row is the same customer, so importing a file again
 * makes nobody twice.
 */
function keylessId(storeId: string, record: CustomerRecord): string {
  const { firstName, lastName, company, phone, address } = record;
  const said = JSON.stringify([storeId, firstName, lastName, company, phone, address && addressKey(address)]);
  const hash = createHash('sha256').update(said).digest();
  hash[6] = ((hash[6] as number) & 0x0f) | 0x80;
  hash[8] = ((hash[8] as number) & 0x3f) | 0x80;
  return hash.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function keysOf(storeId: string, rows: readonly ImportRow[]) {
  const keys = { ids: [] as string[], externalIds: [] as string[], emails: [] as string[] };
  for (const { record } of rows) {
    if (record.externalId) keys.externalIds.push(record.externalId);
    if (record.emailNorm) keys.emails.push(record.emailNorm);
    if (record.id) keys.ids.push(record.id);
    else if (!record.externalId && !record.emailNorm) keys.ids.push(keylessId(storeId, record));
  }
  return keys;
}

type KeySets = Map<string, Set<string>>;

function keySets(carried: readonly Carried[]): KeySets {
  const sets: KeySets = new Map();
  for (const { customerId, key } of carried) {
    const set = sets.get(customerId);
    if (set) set.add(key);
    else sets.set(customerId, new Set([key]));
  }
  return sets;
}

/** What the known customers of the plan have already of the kinds that the rows name. */
async function readCarried(tx: Tx, planned: readonly Planned[]) {
  const idsWith = (says: (record: CustomerRecord) => boolean) => ({
    customerIds: planned
      .filter(({ known, rows }) => known && rows.some(({ record }) => says(record)))
      .map(({ id }) => id),
  });
  const ask = async (list: typeof listCarriedTags, says: (record: CustomerRecord) => boolean) => {
    const question = idsWith(says);
    return keySets(question.customerIds.length > 0 ? await list(tx, question) : []);
  };
  return {
    tags: await ask(listCarriedTags, (record) => record.tags.length > 0),
    groups: await ask(listJoinedGroups, (record) => record.groups.length > 0),
    places: await ask(listContentKeys, (record) => record.address !== undefined),
    notes: await ask(listNoteBodies, (record) => record.note !== undefined),
    consents: await readStates(tx, planned),
  };
}

/** Consent that is known for the addresses about which the rows say something. */
async function readStates(tx: Tx, planned: readonly Planned[]) {
  const addresses = planned.flatMap((one) => (acceptanceOf(one) === undefined ? [] : (emailOf(one) ?? [])));
  if (addresses.length === 0) return new Map<string, ConsentStateRow[]>();
  const channels = addresses.map(() => 'email');
  return grouped(await listStatesOf(tx, { channels, addresses }), ({ address }) => address);
}

/** The address that a customer has after the import. */
const emailOf = ({ known, columns }: Planned): string | null | undefined =>
  columns.emailNorm === undefined ? known?.emailNorm : columns.emailNorm;

function newConsents(job: JobRow, planned: Planned, states: readonly ConsentStateRow[] = []): NewConsent[] {
  const [accepts, address] = [acceptanceOf(planned), emailOf(planned)];
  if (accepts === undefined || !address) return [];
  const stateOf = new Map(states.map(({ topic, state }) => [topic, state]));
  const topics = accepts ? [GENERAL_TOPIC] : [...stateOf.keys()];
  const proof = { text: String(job.params.consentBasis ?? ''), jobId: job.id };
  return topics.flatMap((topic) => {
    const action = importedAction(accepts, stateOf.get(topic));
    if (!action) return [];
    return [
      { channel: 'email', address, topic, action, source: 'import', customerId: planned.id, proof } as const,
    ];
  });
}

type Kept = Awaited<ReturnType<typeof readCarried>>;

/** Names that are new to the customer, each once, first spelling first. */
function unseen(
  names: readonly string[],
  keyOf: (name: string) => string,
  has: ReadonlySet<string> = new Set(),
): string[] {
  const fresh = new Map<string, string>();
  for (const name of names) {
    const key = keyOf(name);
    if (!has.has(key) && !fresh.has(key)) fresh.set(key, name);
  }
  return [...fresh.values()];
}

function newAddresses(ctx: Ctx, { id, rows }: Planned, has: ReadonlySet<string> = new Set()): NewAddress[] {
  const seen = new Set(has);
  return rows.flatMap(({ record: { address } }) => {
    if (!address || seen.has(contentKeyOf(address))) return [];
    const isDefault = seen.size === 0;
    seen.add(contentKeyOf(address));
    return [newRow(ctx, id, address, { isDefault, isDefaultBilling: false, lastUsedAt: null })];
  });
}

function changeOf(ctx: Ctx, job: JobRow, planned: Planned, kept: Kept): Change {
  const { id, rows } = planned;
  return {
    planned,
    changes: plannedChanges(planned),
    tags: unseen(
      rows.flatMap(({ record }) => record.tags),
      tagKey,
      kept.tags.get(id),
    ),
    groups: unseen(
      rows.flatMap(({ record }) => record.groups),
      groupKey,
      kept.groups.get(id),
    ),
    addresses: newAddresses(ctx, planned, kept.places.get(id)),
    notes: unseen(
      rows.flatMap(({ record: { note } }) => note ?? []),
      (note) => note,
      kept.notes.get(id),
    ),
    consents: newConsents(job, planned, kept.consents.get(emailOf(planned) ?? '')),
  };
}

/** Consent tells its own events. */
const isTold = ({ planned, changes, tags, groups, addresses, notes }: Change): boolean =>
  planned.known === undefined ||
  Object.keys(changes).length + tags.length + groups.length + addresses.length + notes.length > 0;

const isNothing = (change: Change): boolean => !isTold(change) && change.consents.length === 0;

/** The row of a new customer. */
function insertedRow(ctx: Ctx, { planned, addresses }: Change): Omit<CustomerRow, 'storeId'> {
  const { id, columns, custom, rows } = planned;
  const after = { ...BLANK, ...NEW_CUSTOMER, ...columns };
  return {
    ...after,
    ...derivedColumns(after),
    ...placeKeys(addresses[0] ?? {}),
    id,
    custom,
    accountStatus: 'guest',
    source: 'import',
    createdAt: rows[0]?.record.createdAt ?? ctx.now,
    updatedAt: ctx.now,
  };
}

function updatedRow(ctx: Ctx, { planned }: Change, known: CustomerRow): CustomerRow {
  const after = { ...known, ...planned.columns, custom: planned.custom };
  return { ...after, ...derivedColumns(after), version: known.version + 1, updatedAt: ctx.now };
}

const BLANK = {
  externalId: null,
  email: null,
  emailNorm: null,
  phone: null,
  firstName: null,
  lastName: null,
  company: null,
  salesAgentId: null,
  birthdayMonth: null,
  birthdayDay: null,
  birthdayYear: null,
  gender: null,
  language: null,
  timezone: null,
  registeredAt: null,
  primaryGroupId: null,
  firstOrderAt: null,
  lastOrderAt: null,
  lastOrderId: null,
  mergedIntoId: null,
} satisfies Partial<CustomerRow>;

/** Pairs of customer and word, for words that live in a table of their own. */
async function linkWords(
  list: readonly Change[],
  wordsOf: (change: Change) => string[],
  keyOf: (word: string) => string,
  ensure: (words: Map<string, string>) => Promise<{ id: string; nameKey: string }[]>,
): Promise<{ customerIds: string[]; wordIds: string[] }> {
  const words = new Map<string, string>();
  for (const change of list)
    for (const word of wordsOf(change)) if (!words.has(keyOf(word))) words.set(keyOf(word), word);
  const ids = new Map((await ensure(words)).map(({ id, nameKey }) => [nameKey, id]));
  const pairs = list.flatMap((change) =>
    wordsOf(change).map((word) => ({
      customerId: change.planned.id,
      wordId: ids.get(keyOf(word)) as string,
    })),
  );
  return { customerIds: pairs.map((pair) => pair.customerId), wordIds: pairs.map((pair) => pair.wordId) };
}

async function linkTags(ctx: Ctx, tx: Tx, list: readonly Change[]): Promise<void> {
  const { customerIds, wordIds } = await linkWords(
    list,
    (change) => change.tags,
    tagKey,
    (words) =>
      ensureTags(
        tx,
        [...words].map(([nameKey, name]) => ({ id: ctx.newId(), name, nameKey, createdAt: ctx.now })),
      ),
  );
  if (wordIds.length > 0)
    await insertTagLinks(tx, { customerIds, tagIds: wordIds, source: 'import', now: ctx.now });
}

async function linkGroups(ctx: Ctx, tx: Tx, list: readonly Change[]): Promise<void> {
  const times = { createdAt: ctx.now, updatedAt: ctx.now };
  const { customerIds, wordIds } = await linkWords(
    list,
    (change) => change.groups,
    groupKey,
    (words) =>
      ensureGroups(
        tx,
        [...words].map(([nameKey, name]) => ({
          id: ctx.newId(),
          name,
          nameKey,
          description: null,
          ...times,
        })),
      ),
  );
  if (wordIds.length > 0)
    await insertGroupLinks(tx, { customerIds, groupIds: wordIds, source: 'import', now: ctx.now });
}

async function addNotes(ctx: Ctx, tx: Tx, list: readonly Change[]): Promise<void> {
  const rows = list.flatMap(({ planned, notes }) =>
    notes.map((body) => ({
      id: ctx.newId(),
      customerId: planned.id,
      body,
      author: ctx.actor,
      editedBy: null,
      revision: 1,
      createdAt: ctx.now,
      updatedAt: ctx.now,
    })),
  );
  await insertNotes(tx, rows);
}

/** One event per customer tells the whole change. */
function happeningOf(job: JobRow, { planned, changes, tags, groups, addresses, notes }: Change) {
  const facts = {
    jobId: job.id,
    ...(tags.length > 0 && { tags }),
    ...(groups.length > 0 && { groups }),
    ...(addresses.length > 0 && { addresses: addresses.length }),
    ...(notes.length > 0 && { notes: notes.length }),
  };
  const customerId = planned.id;
  return planned.known
    ? ({ kind: 'customer.updated', customerId, data: { changes, ...facts } } as const)
    : ({ kind: 'customer.created', customerId, data: { source: 'import', ...facts } } as const);
}

async function writeChanges(ctx: Ctx, tx: Tx, job: JobRow, list: readonly Change[]): Promise<void> {
  const made = list.filter(({ planned }) => !planned.known);
  await insertImportedCustomers(
    tx,
    made.map((change) => insertedRow(ctx, change)),
  );
  const changed = list.flatMap((change) =>
    change.planned.known ? [updatedRow(ctx, change, change.planned.known)] : [],
  );
  await updateImportedCustomers(tx, changed);
  await insertAddresses(
    tx,
    list.flatMap((change) => change.addresses),
  );
  const firstPlaces = list.filter(
    ({ planned, addresses }) => planned.known && addresses.some((address) => address.isDefault),
  );
  await copyDefaultAddresses(
    tx,
    firstPlaces.map(({ planned }) => planned.id),
  );
  await linkTags(ctx, tx, list);
  await linkGroups(ctx, tx, list);
  await addNotes(ctx, tx, list);
  await revokeLinks(
    ctx,
    tx,
    list.flatMap(({ planned, changes }) => (planned.known && 'email' in changes ? [planned.id] : [])),
  );
  await tell(ctx, tx, ...list.filter(isTold).map((change) => happeningOf(job, change)));
  await writeConsents(ctx, tx, list, made);
}

/** Addresses that changed take their consent along, then counts what the file says about marketing. */
async function writeConsents(
  ctx: Ctx,
  tx: Tx,
  list: readonly Change[],
  made: readonly Change[],
): Promise<void> {
  await carryConsents(
    ctx,
    tx,
    list.flatMap(({ planned: { known, columns } }) => (known ? addressChanges(known, columns) : [])),
  );
  const ids = made.map(({ planned }) => planned.id);
  if (ids.length > 0) await adoptConsents(tx, { ids });
  await recordConsents(
    ctx,
    tx,
    list.flatMap(({ consents }) => consents),
  );
}

/** Required custom fields are asked of new customers, once all their rows are known. */
function refuseIncomplete(store: Store, planned: readonly Planned[]): Applied['problems'] {
  return planned.flatMap(({ known, custom, rows }) => {
    const [missing] = known ? [] : checkCustom(store.settings.customFields, custom, 'create');
    if (!missing) return [];
    const problem = {
      column: `custom.${missing.pointer.slice(1)}`,
      code: missing.code,
      message: missing.message,
    };
    return rows.map(({ line }) => ({ line, problem }));
  });
}

function countOutcomes(list: readonly Change[], existing: number, failed: number): Record<string, number> {
  const outcomes: Record<string, number> = {};
  const add = (outcome: string, count: number) => {
    if (count > 0) outcomes[outcome] = (outcomes[outcome] ?? 0) + count;
  };
  for (const change of list) {
    const { known, rows } = change.planned;
    if (isNothing(change)) add('unchanged', rows.length);
    else if (known) add('updated', rows.length);
    else {
      add('created', 1);
      add('updated', rows.length - 1);
    }
  }
  add('existing', existing);
  add('failed', failed);
  return outcomes;
}

/**
 * Applies the rows of one slice in its transaction; with the job's `dryRun` it only says what would happen.
 * Importing the same rows again changes nothing.
 */
export async function importCustomers(
  ctx: Ctx,
  tx: Tx,
  job: JobRow,
  store: Store,
  rows: readonly ImportRow[],
): Promise<Applied> {
  const known = await lockKnownCustomers(tx, keysOf(ctx.storeId, rows));
  const plan = planImport(rows, known, {
    mode: job.params.mode as ImportMode,
    keylessId: (record) => keylessId(ctx.storeId, record),
    newId: ctx.newId,
  });
  const incomplete = refuseIncomplete(store, plan.planned);
  const failedLines = new Set(incomplete.map(({ line }) => line));
  const complete = plan.planned.filter(({ rows: [row] }) => !failedLines.has(row?.line ?? 0));
  const kept = await readCarried(tx, complete);
  const list = complete.map((planned) => changeOf(ctx, job, planned, kept));
  if (!job.dryRun)
    await writeChanges(
      ctx,
      tx,
      job,
      list.filter((change) => !isNothing(change)),
    );
  const problems = [...plan.problems, ...incomplete];
  return { outcomes: countOutcomes(list, plan.existing.length, problems.length), problems };
}
