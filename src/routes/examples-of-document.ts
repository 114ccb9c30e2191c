// What Swagger UI fills in before anybody types: examples that work on the demo store as they stand. Bodies have theirs
// from their schemas; here is what those cannot know.
import { SHOWCASE_IDS as ID, SHOWCASE_CUSTOMERS, SHOWCASE_ORDER } from '../domain/showcase.ts';

/** Examples of required parameters by their name. */
export const PARAMETER_EXAMPLES: Readonly<Record<string, unknown>> = {
  customerId: ID.customerId,
  addressId: ID.addressId,
  noteId: ID.noteId,
  tagId: ID.tagId,
  groupId: ID.groupId,
  segmentId: ID.segmentId,
  segmentIds: [ID.segmentId, ID.otherSegmentId],
  agentId: ID.agentId,
  taskId: ID.taskId,
  apiKeyId: ID.apiKeyId,
  jobId: ID.jobId,
  accountId: ID.accountId,
  transferId: ID.transferId,
  holdId: ID.holdId,
  rewardId: ID.rewardId,
  redemptionId: ID.redemptionId,
  referralId: ID.referralId,
  messageId: ID.messageId,
  templateId: ID.templateId,
  campaignId: ID.campaignId,
  campaign: ID.campaignId,
  externalId: SHOWCASE_ORDER,
  orderId: SHOWCASE_ORDER,
  topicKey: 'newsletter',
  version: 1,
  revision: 1,
  number: 1,
  from: '2025-01-01',
  until: '2030-01-01',
  currency: 'EUR',
};

export interface OperationExample {
  parameters?: Readonly<Record<string, unknown>>;
  body?: unknown;
}

const OF_IMPORT: OperationExample = { parameters: { jobId: ID.importId } };
const OF_GUEST: OperationExample = { parameters: { customerId: ID.guestId } };

/** By operation: parameters that mean another thing than elsewhere, and bodies that name something of the store. */
export const OPERATION_EXAMPLES: Readonly<Record<string, OperationExample>> = {
  createImport: { parameters: { kind: 'customers' } },
  getImport: OF_IMPORT,
  listImportProblems: OF_IMPORT,
  exportImportErrorRows: OF_IMPORT,
  createTag: { body: { name: 'Gardener' } },
  mergeTags: { body: { intoId: ID.otherTagId } },
  addGroupMembers: { body: { customerIds: [ID.guestId] } },
  removeGroupMembers: { body: { customerIds: [ID.customerId] } },
  setCustomerGroups: { body: { groupIds: [ID.groupId], primaryGroupId: ID.groupId } },
  deleteCustomer: OF_GUEST,
  inviteCustomer: OF_GUEST,
  revokeInvitation: { parameters: { customerId: ID.invitedId } },
  unmergeCustomer: { parameters: { customerId: ID.mergedId } },
  mergeCustomers: { body: { from: ID.guestId, dryRun: true } },
  refundCredit: { body: { transferId: ID.paymentId, amount: 1_250 } },
  redeemReward: { body: { rewardId: ID.rewardId, fulfil: true } },
  redeemMyReward: { body: { rewardId: ID.rewardId } },
  reverseRedemption: { parameters: { redemptionId: ID.fulfilledId } },
  deleteAgent: { parameters: { agentId: ID.freeAgentId } },
  lookUpConsents: { parameters: { email: SHOWCASE_CUSTOMERS.customer.email } },
  updateTopic: { parameters: { topicKey: 'offers' } },
  evaluateSegment: {
    body: { customerId: ID.customerId, changes: { order: { amount: 8_000 }, addTags: ['VIP'] } },
  },
  createCampaign: {
    body: {
      name: 'Autumn sale',
      templateId: ID.templateId,
      topic: 'offers',
      audience: { everyone: true },
      holdoutPercent: 5,
    },
  },
  updateTemplate: { body: { subject: 'More news from {{ store.name }}' } },
  receiveSendGridWebhook: { body: [{ event: 'processed', email: SHOWCASE_CUSTOMERS.customer.email }] },
  recordMailFeedback: {
    body: { items: [{ messageId: ID.messageId, event: 'delivered', at: '2026-03-02T08:00:00Z' }] },
  },
};
