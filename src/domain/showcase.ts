// What the examples of the OpenAPI document name, and the demo store has: one home for both, so that each example works
// there as it stands.

/** Ids of things that are made for the examples; the last two digits tell them apart. */
const exampleId = (number: number): string =>
  `0199a3c4-7e1f-7a60-9d39-6f1f3f1f9a${String(number).padStart(2, '0')}`;

export const SHOWCASE_IDS = {
  /** Has an account and one of everything. */
  customerId: exampleId(11),
  /** Has no account: to be invited, to be merged, to be deleted. */
  guestId: exampleId(12),
  /** Has an open invitation. */
  invitedId: exampleId(13),
  /** Was merged into the first. */
  mergedId: exampleId(14),
  addressId: exampleId(21),
  noteId: exampleId(22),
  tagId: exampleId(23),
  otherTagId: exampleId(24),
  groupId: exampleId(25),
  segmentId: exampleId(26),
  otherSegmentId: exampleId(27),
  agentId: exampleId(28),
  /** Looks after nobody. */
  freeAgentId: exampleId(29),
  taskId: exampleId(30),
  apiKeyId: exampleId(31),
  /** Of kind bulk. */
  jobId: exampleId(32),
  importId: exampleId(33),
  accountId: exampleId(41),
  transferId: exampleId(42),
  /** Paid with credit: can be refunded. */
  paymentId: exampleId(43),
  holdId: exampleId(44),
  rewardId: exampleId(45),
  redemptionId: exampleId(46),
  fulfilledId: exampleId(47),
  referralId: exampleId(48),
  messageId: exampleId(51),
  templateId: exampleId(52),
  campaignId: exampleId(53),
} as const;

export const SHOWCASE_CUSTOMERS = {
  customer: { email: 'thea@example.com', firstName: 'Thea', lastName: 'Sommer', externalId: 'shop-1001' },
  guest: { email: 'jonas@example.com', firstName: 'Jonas', lastName: 'Winter' },
  invited: { email: 'mara@example.com', firstName: 'Mara', lastName: 'Lenz' },
  merged: { email: 'thea.sommer@example.com', firstName: 'Thea', lastName: 'Sommer' },
} as const;

/** The order of the first customer, as its platform calls it. */
export const SHOWCASE_ORDER = '1001';

/** A mail to many, without anything that a campaign would have to give. */
export const SHOWCASE_TEMPLATE = {
  key: 'season_greeting',
  locale: 'en',
  name: 'Greeting of the season',
  class: 'marketing',
  subject: 'News from {{ store.name }}',
  source:
    '<mjml><mj-body><mj-section><mj-column><mj-text>Dear {{ customer.name }}, have a look. {{ store.postalAddress }} <a href="{{ links.unsubscribe }}">Unsubscribe</a></mj-text></mj-column></mj-section></mj-body></mjml>',
} as const;
