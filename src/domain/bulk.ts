// Bulk actions: which requests make sense, and what an action does to one customer.
import { type AccountStatus, planAccountCommand } from './account-states.ts';
import { type Invitee, planInvitation } from './accounts/invitations.ts';
import type { CustomerFilter } from './customer-filter.ts';
import { checkDelete, type DeletionFacts } from './deletability.ts';
import type { FieldProblem } from './fields.ts';
import { planMembership } from './groups.ts';
import type { Channel, ConsentState, StatedSource } from './mail/consents.ts';
import { MAX_TAGS_PER_CUSTOMER, planTags } from './tags.ts';

export const BULK_ACTIONS = [
  'addTags',
  'removeTags',
  'addToGroup',
  'removeFromGroup',
  'setSalesAgent',
  'invite',
  'revokeInvitation',
  'enable',
  'disable',
  'delete',
  'subscribeTopic',
  'unsubscribeTopic',
] as const;
export type BulkAction = (typeof BULK_ACTIONS)[number];

export const MAX_BULK_IDS = 1_000;

/** Actions that can be undone, with the one that undoes them. */
export const INVERSE_ACTIONS: Readonly<Partial<Record<BulkAction, BulkAction>>> = {
  addTags: 'removeTags',
  removeTags: 'addTags',
  addToGroup: 'removeFromGroup',
  removeFromGroup: 'addToGroup',
  invite: 'revokeInvitation',
};

/** What must be said beside the action; the others say it all. */
const COMPANIONS = {
  tags: ['addTags', 'removeTags'],
  groupId: ['addToGroup', 'removeFromGroup'],
  salesAgentId: ['setSalesAgent'],
  consent: ['subscribeTopic', 'unsubscribeTopic'],
} as const;

/** What the customers said, of one topic and channel. */
export interface BulkConsent {
  channel: Channel;
  /** Key of the topic. */
  topic: string;
  source?: StatedSource;
  /** The words that were shown, or their SHA-256 in hex where they were sent before. */
  wording?: { version: string; text: string; locale: string };
  wordingHash?: string;
  /** How it was given and where that is kept. */
  proof?: string;
}

export const TOPIC_ACTIONS = COMPANIONS.consent;
export type TopicAction = (typeof TOPIC_ACTIONS)[number];
export const isTopicAction = (action: BulkAction): action is TopicAction =>
  (TOPIC_ACTIONS as readonly BulkAction[]).includes(action);

export interface BulkRequest {
  action: BulkAction;
  tags?: readonly string[];
  groupId?: string;
  /** null: nobody looks after the customers any more. */
  salesAgentId?: string | null;
  consent?: BulkConsent;
  ids?: readonly string[];
  filter?: CustomerFilter;
  /** Whoever is in this segment. */
  segmentId?: string;
  all?: boolean;
  dryRun?: boolean;
}

export type BulkRefusal = { refused: 'SELECTION_INVALID' | 'BULK_ACTION_INVALID'; errors: FieldProblem[] };

/** Exactly one selection, and exactly what the action needs. undefined = fine. */
export function checkBulkRequest(request: BulkRequest): BulkRefusal | undefined {
  const selection = selectionProblems(request);
  if (selection.length > 0) return { refused: 'SELECTION_INVALID', errors: selection };
  const action = [...companionProblems(request), ...consentProblems(request)];
  return action.length > 0 ? { refused: 'BULK_ACTION_INVALID', errors: action } : undefined;
}

function selectionProblems({ ids, filter, segmentId, all }: BulkRequest): FieldProblem[] {
  const problem = (pointer: string, message: string): FieldProblem[] => [
    { pointer, code: 'SELECTION_INVALID', message },
  ];
  const given = Object.entries({ ids, filter, segmentId, all }).filter(([, value]) => value !== undefined);
  if (given.length !== 1) {
    return given.length === 0
      ? problem('', 'Give ids, filter, segmentId or all.')
      : given.flatMap(([name]) => problem(`/${name}`, 'Give only one of ids, filter, segmentId and all.'));
  }
  if (all === false) return problem('/all', 'Give true, or choose by ids, filter or segmentId.');
  // A filter that lost its members on the way must not delete everybody.
  const filters = Object.values(filter ?? {}).filter((value) => value !== undefined);
  if (filter && filters.length === 0) return problem('/filter', 'Give all: true to mean every customer.');
  return [];
}

function companionProblems(request: BulkRequest): FieldProblem[] {
  return Object.entries(COMPANIONS).flatMap(([name, actions]) => {
    const given = request[name as keyof typeof COMPANIONS] !== undefined;
    const needed = (actions as readonly BulkAction[]).includes(request.action);
    if (given === needed) return [];
    const message = needed
      ? `The action ${request.action} needs it.`
      : `The action ${request.action} does not use it.`;
    return [{ pointer: `/${name}`, code: needed ? 'REQUIRED' : 'NOT_ALLOWED', message }];
  });
}

/** Nobody is subscribed without the words that they agreed to. */
function consentProblems({ action, consent }: BulkRequest): FieldProblem[] {
  if (!consent) return [];
  const { wording, wordingHash } = consent;
  if (wording && wordingHash !== undefined) {
    const message = 'Send the wording or its hash, not both.';
    return [{ pointer: '/consent/wordingHash', code: 'AMBIGUOUS', message }];
  }
  if (action !== 'subscribeTopic' || wording || wordingHash !== undefined) return [];
  const message = 'Send the words that the customers agreed to, or their hash.';
  return [{ pointer: '/consent/wording', code: 'REQUIRED', message }];
}

/** What was done to one customer; an undo takes back exactly this. */
export interface BulkChange {
  tagIds?: string[];
  groupId?: string;
  /** The group that the customer left was the primary one. */
  wasPrimary?: boolean;
  /** The invitation that was queued, or taken back. */
  invitationId?: string;
}

/** The columns of a customer that bulk actions look at and change. */
export interface BulkCustomer {
  id: string;
  accountStatus: AccountStatus;
  salesAgentId: string | null;
  primaryGroupId: string | null;
}

export type BulkPlan =
  | { outcome: 'unchanged' | `refused:${string}` }
  | { outcome: 'done'; before: BulkCustomer; after: BulkCustomer; changed: BulkChange };
export type BulkDone = Extract<BulkPlan, { outcome: 'done' }>;

const UNCHANGED: BulkPlan = { outcome: 'unchanged' };
const refused = (code: string): BulkPlan => ({ outcome: `refused:${code}` });
const done = (before: BulkCustomer, after: Partial<BulkCustomer>, changed: BulkChange = {}): BulkPlan => ({
  outcome: 'done',
  before,
  after: { ...before, ...after },
  changed,
});

/** What `rule` says; no action reaches a customer who is not there, merged or erased. */
export function planFor(
  customer: BulkCustomer | undefined,
  rule: (customer: BulkCustomer) => BulkPlan,
): BulkPlan {
  if (!customer) return refused('NOT_FOUND');
  const { accountStatus } = customer;
  return accountStatus === 'merged' || accountStatus === 'erased' ? refused('CUSTOMER_GONE') : rule(customer);
}

/** `carried`: those of the wanted tags that the customer has; `total`: all the customer has (T2). */
export interface CarriedTags {
  carried: readonly string[];
  total: number;
}

/** T2, T3: tags by id; the limit counts the tags that are not asked about, too. */
export function planTagsAdded(
  customer: BulkCustomer,
  { carried, total }: CarriedTags,
  wanted: readonly string[],
): BulkPlan {
  const others = total - carried.length;
  const plan = planTags(carried, { add: wanted }, MAX_TAGS_PER_CUSTOMER - others);
  if ('refused' in plan) return refused(plan.refused);
  return plan.added.length === 0 ? UNCHANGED : done(customer, {}, { tagIds: plan.added });
}

/** T3: what is not there is not missed. */
export function planTagsRemoved(customer: BulkCustomer, { carried }: CarriedTags): BulkPlan {
  return carried.length === 0 ? UNCHANGED : done(customer, {}, { tagIds: [...carried] });
}

/** `asPrimary`: the group was the primary one before it was left, which an undo gives back. */
export function planGroupJoined(
  customer: BulkCustomer,
  groupId: string,
  isMember: boolean,
  asPrimary = false,
): BulkPlan {
  if (isMember) return UNCHANGED;
  const primaryGroupId = asPrimary ? (customer.primaryGroupId ?? groupId) : customer.primaryGroupId;
  return done(customer, { primaryGroupId }, { groupId });
}

/** Leaving the primary group leaves the customer without one. */
export function planGroupLeft(customer: BulkCustomer, groupId: string, isMember: boolean): BulkPlan {
  if (!isMember) return UNCHANGED;
  const { primaryGroupId } = planMembership(
    { groupIds: [groupId], primaryGroupId: customer.primaryGroupId },
    { remove: [groupId] },
  );
  const wasPrimary = primaryGroupId !== customer.primaryGroupId;
  return done(customer, { primaryGroupId }, { groupId, ...(wasPrimary && { wasPrimary }) });
}

export function planSalesAgent(customer: BulkCustomer, salesAgentId: string | null): BulkPlan {
  return customer.salesAgentId === salesAgentId ? UNCHANGED : done(customer, { salesAgentId });
}

/** C4. */
export function planAccount(customer: BulkCustomer, command: 'enable' | 'disable'): BulkPlan {
  // Neither command depends on email or store settings.
  const plan = planAccountCommand(command, customer.accountStatus, { hasEmail: true, accounts: 'optional' });
  if ('refused' in plan) return refused(plan.refused);
  return plan.changed ? done(customer, { accountStatus: plan.accountStatus }) : UNCHANGED;
}

/** What is known of a customer's consent to the topic. */
export interface TopicFacts {
  channel: Channel;
  hasAddress: boolean;
  /** Undefined: nobody said anything about it. */
  current: ConsentState | undefined;
  /** What the statement makes of it; with double opt-in `pending`. */
  after: ConsentState;
}

/** A list never takes a withdrawal back: only the person does, one by one. Who waits to confirm is not asked again. */
export function planSubscribed(customer: BulkCustomer, facts: TopicFacts): BulkPlan {
  const { channel, hasAddress, current, after } = facts;
  if (!hasAddress) return refused(channel === 'email' ? 'NO_EMAIL' : 'NO_PHONE');
  if (current === 'withdrawn') return refused('CONSENT_WITHDRAWN');
  return current === after ? UNCHANGED : done(customer, {});
}

/** Who never agreed has nothing to withdraw. */
export const planUnsubscribed = (customer: BulkCustomer, { current }: TopicFacts): BulkPlan =>
  current === undefined || current === 'withdrawn' ? UNCHANGED : done(customer, {});

/** I4: whoever has an invitation that is alive gets no second one. `invitationId` is the new one's. */
export function planInvited(
  customer: BulkCustomer,
  invitee: Omit<Invitee, 'accountStatus'> & { isInvited: boolean },
  invitationId: string,
): BulkPlan {
  const plan = planInvitation({ ...invitee, accountStatus: customer.accountStatus });
  if ('refused' in plan) return refused(plan.refused);
  return invitee.isInvited
    ? UNCHANGED
    : done(customer, { accountStatus: plan.accountStatus }, { invitationId });
}

/** An undo takes back only the invitation that its job queued; the account stays invited (C4). */
export function planRevoked(
  customer: BulkCustomer,
  openId: string | null,
  undoes: BulkChange | null,
): BulkPlan {
  const isMeant = openId !== null && (undoes === null || undoes.invitationId === openId);
  return isMeant ? done(customer, {}, { invitationId: openId }) : UNCHANGED;
}

/** I4: what bulk invitations say where `planInvited` and `planFor` have a word of all actions. */
const INVITATION_WORDS: Readonly<Record<string, string>> = {
  done: 'queued',
  unchanged: 'skipped_already_invited',
  'refused:NO_EMAIL': 'skipped_no_email',
  'refused:ADDRESS_SUPPRESSED': 'skipped_suppressed',
};
/** Refusals that the state of the account explains best: `skipped_active`, `skipped_disabled`, `skipped_erased` … */
const REFUSED_BY_STATE = new Set([
  'refused:ALREADY_ACTIVE',
  'refused:ACCOUNT_STATE_CONFLICT',
  'refused:CUSTOMER_GONE',
]);

/** The outcome as it is told. */
export function outcomeOf(
  action: BulkAction,
  { outcome }: BulkPlan,
  customer: BulkCustomer | undefined,
): string {
  if (action !== 'invite') return outcome;
  if (customer && REFUSED_BY_STATE.has(outcome)) return `skipped_${customer.accountStatus}`;
  return INVITATION_WORDS[outcome] ?? outcome;
}

/** Outcomes of items that an undo takes back. */
export const DONE_OUTCOMES = ['done', 'queued'] as const;

/** C6: the first blocker names the refusal. */
export function planDeletion(customer: BulkCustomer, facts: DeletionFacts): BulkPlan {
  const refusal = checkDelete(facts);
  return refusal ? refused(refusal.refused) : done(customer, {});
}

/** How often each outcome came. */
export function countOutcomes(outcomes: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const outcome of outcomes) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}
