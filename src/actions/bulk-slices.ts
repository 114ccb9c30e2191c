// The work of a bulk job: one slice is a constant number of set statements, whatever the action and the outcomes.
import assert from 'node:assert';
import type { Ctx } from '../context.ts';
import {
  type BulkItem,
  countOrdersAmong,
  deleteCustomers,
  deleteMembers,
  deleteTagsOf,
  type ItemResult,
  insertMembers,
  insertTagsOf,
  listCarriedTags,
  listMembersAmong,
  listOpenItems,
  lockBulkCustomers,
  recordItems,
  updateBulkCustomers,
} from '../db/bulk.ts';
import { deleteMailsOf } from '../db/campaigns.ts';
import type { Tx } from '../db/connection.ts';
import { deleteConsentsOf } from '../db/consents.ts';
import { touchCustomers } from '../db/customers.ts';
import { findGroups, type GroupRow } from '../db/groups.ts';
import { listInvitees } from '../db/invitations.ts';
import type { JobRow } from '../db/jobs.ts';
import { ledgerCountsOf } from '../db/ledger/belongings.ts';
import { findAgent } from '../db/sales-agents.ts';
import { ensureTags, listTagsAmong } from '../db/tags.ts';
import { isAlive } from '../domain/accounts/invitations.ts';
import {
  type BulkAction,
  type BulkChange,
  type BulkCustomer,
  type BulkDone,
  type BulkPlan,
  countOutcomes,
  outcomeOf,
  planAccount,
  planDeletion,
  planFor,
  planGroupJoined,
  planGroupLeft,
  planInvited,
  planRevoked,
  planSalesAgent,
  planSubscribed,
  planTagsAdded,
  planTagsRemoved,
  planUnsubscribed,
  TOPIC_ACTIONS,
  type TopicAction,
} from '../domain/bulk.ts';
import { sameValue } from '../domain/fields.ts';
import { tagKey } from '../domain/tags.ts';
import { Problem } from '../errors.ts';
import { closeAccounts } from './account-endings.ts';
import { type BulkParams, type BulkPosition, paramsOf, type Selecting, selectNext } from './bulk.ts';
import { openTopicWork } from './bulk-consents.ts';
import { storeOf } from './customers.ts';
import { endInvitations, invitationQueued, queueInvitations } from './invitations.ts';
import type { Slice, SliceResult } from './jobs.ts';
import { type Happening, tell } from './timeline.ts';

/** Customers of one slice. They stay locked until it ends, about 0.2 s. */
const SLICE_SIZE = 2_000;
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

/** One slice at batch. */
interface Batch {
  ctx: Ctx;
  tx: Tx;
  job: JobRow;
  params: BulkParams;
  items: readonly BulkItem[];
  ids: string[];
  named: Named;
}

/** What the job names and the store has. */
interface Named {
  /** Names of tags by id. */
  tags: ReadonlyMap<string, string>;
  group?: GroupRow;
}

/** An action that has read what its rule needs, for all customers of the slice at once. */
interface Deed {
  plan(customer: BulkCustomer, item: BulkItem): BulkPlan;
  /** Everything beyond the columns of the customer itself. */
  effect?(done: readonly BulkDone[]): Promise<unknown>;
  /** Missing where the effect tells the timeline itself. */
  event?(done: BulkDone): Pick<Happening, 'kind' | 'subjectId' | 'data'>;
}

/** T5. */
const sourceOf = (jobId: string): string => `bulk:${jobId}`;

/** An undo takes away only what its job gave; anything else takes away whatever is there. */
const takenFrom = ({ job }: Batch): string | null => (job.undoOf ? sourceOf(job.undoOf) : null);

const idsOf = (done: readonly BulkDone[]): string[] => done.map(({ after }) => after.id);
const tagsOf = ({ tagIds = [] }: BulkChange): readonly string[] => tagIds;
const tagsOfEach = (done: readonly BulkDone[]) =>
  new Map(done.map(({ after, changed }) => [after.id, tagsOf(changed)]));

async function carriedTags({ tx, ids, named }: Batch, source: string | null) {
  const rows = await listCarriedTags(tx, { ids, tagIds: [...named.tags.keys()], source });
  const byCustomer = new Map(rows.map((row) => [row.customerId, row]));
  return (customerId: string) => byCustomer.get(customerId) ?? { carried: [], total: 0 };
}

const tagEvent =
  (kind: 'tag.added' | 'tag.removed', { job, named }: Batch) =>
  ({ changed }: BulkDone) => ({
    kind,
    data: { tags: tagsOf(changed).map((id) => named.tags.get(id)), source: sourceOf(job.id) },
  });

async function addTags(batch: Batch): Promise<Deed> {
  const { ctx, tx, job, params, named } = batch;
  const carried = await carriedTags(batch, null);
  // In a dry run a tag that does not exist yet stands for itself: nobody carries it.
  const known = new Set([...named.tags.values()].map(tagKey));
  const wanted = [...named.tags.keys(), ...(params.tags ?? []).filter((name) => !known.has(tagKey(name)))];
  const wantedBy = ({ undoes }: BulkItem) =>
    undoes ? tagsOf(undoes).filter((id) => named.tags.has(id)) : wanted;
  return {
    plan: (customer, item) => planTagsAdded(customer, carried(customer.id), wantedBy(item)),
    effect: (done) => insertTagsOf(tx, tagsOfEach(done), { source: sourceOf(job.id), now: ctx.now }),
    event: tagEvent('tag.added', batch),
  };
}

async function removeTags(batch: Batch): Promise<Deed> {
  const carried = await carriedTags(batch, takenFrom(batch));
  const ofItem = (customerId: string, { undoes }: BulkItem) => {
    const tags = carried(customerId);
    return undoes ? { ...tags, carried: tags.carried.filter((id) => tagsOf(undoes).includes(id)) } : tags;
  };
  return {
    plan: (customer, item) => planTagsRemoved(customer, ofItem(customer.id, item)),
    effect: (done) => deleteTagsOf(batch.tx, tagsOfEach(done)),
    event: tagEvent('tag.removed', batch),
  };
}

async function membersOf({ tx, ids }: Batch, group: GroupRow, source: string | null): Promise<Set<string>> {
  const rows = await listMembersAmong(tx, { ids, groupId: group.id, source });
  return new Set(rows.map(({ customerId }) => customerId));
}

function groupAtWork({ named: { group } }: Batch): GroupRow {
  assert(group, 'a group action names a group');
  return group;
}

async function addToGroup(batch: Batch): Promise<Deed> {
  const { ctx, tx, job } = batch;
  const group = groupAtWork(batch);
  const members = await membersOf(batch, group, null);
  const source = sourceOf(job.id);
  return {
    plan: (customer, { undoes }) =>
      planGroupJoined(customer, group.id, members.has(customer.id), undoes?.wasPrimary),
    effect: (done) => insertMembers(tx, { ids: idsOf(done), groupId: group.id, source, now: ctx.now }),
    event: () => ({ kind: 'group.joined', subjectId: group.id, data: { name: group.name, source } }),
  };
}

async function removeFromGroup(batch: Batch): Promise<Deed> {
  const group = groupAtWork(batch);
  const members = await membersOf(batch, group, takenFrom(batch));
  const data = { name: group.name, source: sourceOf(batch.job.id) };
  return {
    plan: (customer) => planGroupLeft(customer, group.id, members.has(customer.id)),
    effect: (done) => deleteMembers(batch.tx, { ids: idsOf(done), groupId: group.id }),
    event: () => ({ kind: 'group.left', subjectId: group.id, data }),
  };
}

async function setSalesAgent({ params: { salesAgentId = null } }: Batch): Promise<Deed> {
  return {
    plan: (customer) => planSalesAgent(customer, salesAgentId),
    event: ({ before }) => ({
      kind: 'customer.updated',
      data: { changes: { salesAgentId: [before.salesAgentId, salesAgentId] } },
    }),
  };
}

const setAccount =
  (command: 'enable' | 'disable') =>
  async ({ ctx, tx }: Batch): Promise<Deed> => ({
    plan: (customer) => planAccount(customer, command),
    ...(command === 'disable' && {
      effect: (done: readonly BulkDone[]) => closeAccounts(ctx, tx, idsOf(done), 'account_disabled'),
    }),
    event: ({ before, after }) => ({
      kind: 'customer.updated',
      data: { changes: { accountStatus: [before.accountStatus, after.accountStatus] } },
    }),
  });

const invitationOf = ({ changed: { invitationId = '' } }: BulkDone): string => invitationId;

async function invite({ ctx, tx, ids }: Batch): Promise<Deed> {
  const invitees = await listInvitees(tx, { ids, now: ctx.now });
  const { accounts } = (await storeOf({ ...ctx, db: tx })).settings;
  return {
    plan: (customer) => {
      const { hasEmail = false, suppressed = null, open } = invitees.get(customer.id) ?? {};
      const isInvited = open !== undefined && isAlive(open, ctx.now);
      return planInvited(customer, { accounts, hasEmail, suppressed, isInvited }, ctx.newId());
    },
    effect: (done) =>
      queueInvitations(
        ctx,
        tx,
        done.map((one) => ({ id: invitationOf(one), customerId: one.after.id })),
      ),
    event: (done) => invitationQueued(invitationOf(done), done.before.accountStatus),
  };
}

async function revokeInvitation({ ctx, tx, ids }: Batch): Promise<Deed> {
  const invitees = await listInvitees(tx, { ids, now: ctx.now });
  return {
    plan: (customer, { undoes }) =>
      planRevoked(customer, invitees.get(customer.id)?.open?.id ?? null, undoes),
    effect: (done) => endInvitations(ctx, tx, idsOf(done)),
    event: (done) => ({ kind: 'invitation.revoked', subjectId: invitationOf(done) }),
  };
}

/** Consent has its own versions and events: `acceptsMarketing` is all that a customer shows of it. */
const changeTopic =
  (action: TopicAction) =>
  async ({ ctx, tx, job, params: { consent }, ids }: Batch): Promise<Deed> => {
    assert(consent, 'a topic action says what was consented to');
    const work = await openTopicWork(ctx, tx, action, { jobId: job.id, consent, ids });
    const plan = action === 'subscribeTopic' ? planSubscribed : planUnsubscribed;
    return {
      plan: (customer) => plan(customer, work.factsOf(customer.id)),
      effect: (done) => work.record(idsOf(done)),
    };
  };

async function deleteAll({ ctx, tx, ids }: Batch): Promise<Deed> {
  const orders = new Map((await countOrdersAmong(tx, { ids })).map((row) => [row.customerId, row.count]));
  const ledgerOf = await ledgerCountsOf(tx, ids, ctx.now);
  return {
    plan: (customer) =>
      planDeletion(customer, { allOrdersCount: orders.get(customer.id) ?? 0, ...ledgerOf(customer.id) }),
    effect: async (done) => {
      await deleteConsentsOf(tx, { ids: idsOf(done) });
      await deleteMailsOf(tx, { ids: idsOf(done) });
      await deleteCustomers(tx, { ids: idsOf(done) });
    },
    event: () => ({ kind: 'customer.deleted' }),
  };
}

const DEEDS: Readonly<Record<BulkAction, (batch: Batch) => Promise<Deed>>> = {
  addTags,
  removeTags,
  addToGroup,
  removeFromGroup,
  setSalesAgent,
  invite,
  revokeInvitation,
  enable: setAccount('enable'),
  disable: setAccount('disable'),
  delete: deleteAll,
  subscribeTopic: changeTopic('subscribeTopic'),
  unsubscribeTopic: changeTopic('unsubscribeTopic'),
};

/** Joining or leaving can change the primary group too, which is a field with an old and a new value. */
function happeningsOf(deed: Deed, done: BulkDone): Happening[] {
  const { before, after } = done;
  const customerId = after.id;
  const changes = { primaryGroupId: [before.primaryGroupId, after.primaryGroupId] };
  const moved = before.primaryGroupId !== after.primaryGroupId;
  return [
    ...(deed.event ? [{ ...deed.event(done), customerId }] : []),
    ...(moved ? [{ kind: 'customer.updated' as const, customerId, data: { changes } }] : []),
  ];
}

/** Tags are no columns of the customer: then only the version moves. */
async function bumpVersions({ ctx, tx }: Batch, done: readonly BulkDone[]): Promise<void> {
  if (done.every(({ before, after }) => sameValue(before, after))) {
    await touchCustomers(tx, { ids: idsOf(done), now: ctx.now });
  } else {
    const rows = done.map(({ after }) => after);
    await updateBulkCustomers(tx, rows, ctx.now);
  }
}

/** Actions after which no customer looks different, or is there to be looked at; or that see to the version themselves. */
const SILENT: ReadonlySet<BulkAction> = new Set(['delete', 'revokeInvitation', ...TOPIC_ACTIONS]);

async function carryOut(batch: Batch, deed: Deed, done: readonly BulkDone[]): Promise<void> {
  if (done.length === 0) return;
  if (!SILENT.has(batch.params.action)) await bumpVersions(batch, done);
  await deed.effect?.(done);
  await tell(batch.ctx, batch.tx, ...done.flatMap((one) => happeningsOf(deed, one)));
}

/** The tags of the job, those that its undo gives back or takes away. Only an action that adds makes missing ones. */
async function findTags(ctx: Ctx, tx: Tx, job: JobRow, items: readonly BulkItem[]): Promise<Named['tags']> {
  const { action, tags: names = [] } = paramsOf(job);
  const makes = action === 'addTags' && !job.dryRun && !job.undoOf;
  const rows = makes
    ? await ensureTags(
        tx,
        names.map((name) => ({ id: ctx.newId(), name, nameKey: tagKey(name), createdAt: ctx.now })),
      )
    : await listTagsAmong(tx, {
        ids: [...new Set(items.flatMap(({ undoes }) => undoes?.tagIds ?? []))],
        nameKeys: job.undoOf ? [] : names.map(tagKey),
      });
  return new Map(rows.map(({ id, name }) => [id, name]));
}

/**
 * Finds what the job names. Before the customers are locked, as everywhere: first the tag, then who carries it.
 * @throws Problem REFERENCE_UNKNOWN when the group or agent was deleted meanwhile, which ends the job
 */
async function findNamed(ctx: Ctx, tx: Tx, job: JobRow, items: readonly BulkItem[]): Promise<Named> {
  const { groupId, salesAgentId } = paramsOf(job);
  const tags = await findTags(ctx, tx, job, items);
  const [group] = groupId ? await findGroups(tx, [groupId]) : [];
  if (groupId && !group) throw new Problem('REFERENCE_UNKNOWN', { reference: '/groupId' });
  if (salesAgentId && !(await findAgent(tx, salesAgentId)))
    throw new Problem('REFERENCE_UNKNOWN', { reference: '/salesAgentId' });
  return { tags, ...(group && { group }) };
}

/** What is kept of an item; a dry run changed nothing that could be undone. */
const resultOf = (plan: BulkPlan, outcome: string, { dryRun }: JobRow): ItemResult =>
  plan.outcome === 'done' && !dryRun ? { outcome, changed: plan.changed } : { outcome };

/** Locks, reads, decides each customer by the pure rules, and writes what came out. */
async function workOn(batch: Batch): Promise<SliceResult> {
  const { tx, job, items, ids, params } = batch;
  const customers = new Map(
    (await lockBulkCustomers(tx, { ids })).map((customer) => [customer.id, customer]),
  );
  const deed = await DEEDS[params.action](batch);
  const plans = items.map((item) =>
    planFor(customers.get(item.customerId), (customer) => deed.plan(customer, item)),
  );
  if (!job.dryRun)
    await carryOut(
      batch,
      deed,
      plans.filter((plan) => plan.outcome === 'done'),
    );
  const results = plans.map((plan, index): [string, ItemResult] => {
    const id = ids[index] ?? '';
    return [id, resultOf(plan, outcomeOf(params.action, plan, customers.get(id)), job)];
  });
  await recordItems(tx, job.id, new Map(results));
  return { done: items.length, outcomes: countOutcomes(results.map(([, { outcome }]) => outcome)) };
}

async function select(ctx: Ctx, tx: Tx, job: JobRow, current: Selecting): Promise<SliceResult> {
  const { complete, selecting } = await selectNext(ctx, tx, job.id, current);
  const nothing = { done: 0, outcomes: {} };
  return complete
    ? { ...nothing, total: selecting.count, position: {} }
    : { ...nothing, position: { selecting } };
}

/** First the rest of the selection, then the customers in id order. */
export const bulkSlice: Slice = async (ctx, tx, job) => {
  const { selecting, after = BEFORE_ALL }: BulkPosition = job.position;
  if (selecting) return select(ctx, tx, job, selecting);
  const items = await listOpenItems(tx, { jobId: job.id, undoOf: job.undoOf, after, limit: SLICE_SIZE });
  const ids = items.map(({ customerId }) => customerId);
  const params = paramsOf(job);
  const named = await findNamed(ctx, tx, job, items);
  const result = await workOn({ ctx, tx, job, params, items, ids, named });
  return items.length < SLICE_SIZE ? result : { ...result, position: { after: ids.at(-1) } };
};
