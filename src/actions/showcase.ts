// Adds to a store what the examples of the OpenAPI document name, under the ids that they name.
import { Readable } from 'node:stream';
import type { Ctx } from '../context.ts';
import { findStanding } from '../db/customers.ts';
import { daysAfter } from '../domain/days.ts';
import type { IncomingOrder } from '../domain/order-upserts.ts';
import { SHOWCASE_CUSTOMERS, SHOWCASE_IDS, SHOWCASE_ORDER, SHOWCASE_TEMPLATE } from '../domain/showcase.ts';
import { createAddress } from './addresses.ts';
import { createApiKey } from './api-keys.ts';
import { startBulkJob } from './bulk.ts';
import { createCampaign } from './campaigns.ts';
import { changeCredit, holdCredit, redeemCredit } from './credit.ts';
import { createCustomer } from './customer-profiles.ts';
import { storeOf } from './customers.ts';
import { sendDirectMail } from './direct-mail.ts';
import { createGroup, setCustomerGroups } from './groups.ts';
import { startImport } from './imports.ts';
import { inviteCustomer } from './invitations.ts';
import { enrolMember } from './loyalty-members.ts';
import { updateMailSettings } from './mail-settings.ts';
import { mergeCustomers } from './merges.ts';
import { createNote, updateNote } from './notes.ts';
import { putOrder } from './orders.ts';
import { changePointsOf } from './points.ts';
import { redeemReward } from './redemptions.ts';
import { createReferral, readCode } from './referrals.ts';
import { createReward } from './rewards.ts';
import { createAgent } from './sales-agents.ts';
import { createSegment } from './segments.ts';
import { updateStore } from './stores.ts';
import { addCustomerTags, createTag } from './tags.ts';
import { createTask } from './tasks.ts';
import { createTemplate, publishTemplate, type TemplateDesk } from './templates.ts';

const ID = SHOWCASE_IDS;

/** The next things that the context makes get these ids. */
function naming(ctx: Ctx, ...ids: readonly string[]): Ctx {
  const left = [...ids];
  return { ...ctx, newId: () => left.shift() ?? ctx.newId() };
}

async function addPeople(ctx: Ctx): Promise<void> {
  const { customer, guest, invited, merged } = SHOWCASE_CUSTOMERS;
  await createAgent(naming(ctx, ID.agentId), { name: 'Thea Lorenz' });
  await createAgent(naming(ctx, ID.freeAgentId), { name: 'Wim Peeters' });
  await createCustomer(naming(ctx, ID.customerId), {
    ...customer,
    phone: '+49 30 901821',
    accountStatus: 'active',
    salesAgentId: ID.agentId,
  });
  await createCustomer(naming(ctx, ID.guestId), guest);
  await createCustomer(naming(ctx, ID.invitedId), invited);
  await createCustomer(naming(ctx, ID.mergedId), merged);
  await mergeCustomers(ctx, ID.customerId, { from: ID.mergedId });
  await inviteCustomer(ctx, ID.invitedId);
}

async function addBelongings(ctx: Ctx): Promise<void> {
  const { customerId } = ID;
  const { firstName, lastName } = SHOWCASE_CUSTOMERS.customer;
  const place = { line1: 'Lindenweg 7', city: 'Berlin', postcode: '10115', countryCode: 'DE' };
  await createAddress(naming(ctx, ID.addressId), customerId, { firstName, lastName, ...place });
  await createNote(naming(ctx, ID.noteId), customerId, { body: 'Prefers delivery on Saturdays.' });
  await updateNote(ctx, { customerId, noteId: ID.noteId }, { body: 'Prefers delivery on Fridays.' });
  await createTag(naming(ctx, ID.tagId), { name: 'Showcase' });
  await createTag(naming(ctx, ID.otherTagId), { name: 'Exhibit' });
  await addCustomerTags(ctx, customerId, { tags: ['Showcase'] });
  await createGroup(naming(ctx, ID.groupId), { name: 'Showcase' });
  await setCustomerGroups(ctx, customerId, { groupIds: [ID.groupId], primaryGroupId: ID.groupId });
  await createTask(naming(ctx, ID.taskId), {
    title: 'Call back about the lantern',
    dueAt: daysAfter(ctx.now, 1).toISOString(),
    assigneeId: ID.agentId,
    customerId,
  });
  await createSegment(naming(ctx, ID.segmentId), { name: 'Regulars', query: 'number_of_orders > 5' });
  await createSegment(naming(ctx, ID.otherSegmentId), {
    name: 'Showcase',
    query: "customer_tags CONTAINS 'Showcase'",
  });
}

async function addOrder(ctx: Ctx, currency: string): Promise<void> {
  const { email, externalId } = SHOWCASE_CUSTOMERS.customer;
  const placedAt = new Date('2025-12-01T10:00:00.000Z');
  const order: IncomingOrder = {
    status: 'confirmed',
    currency,
    items: [
      {
        productId: 'p-17',
        sku: 'LAMP-GREEN',
        title: 'Lantern',
        categories: [],
        tags: [],
        quantity: 2,
        unitPrice: 2_500,
        discount: 500,
        tax: 0,
        isGiftCard: false,
      },
    ],
    shipping: 490,
    tax: 0,
    taxesIncluded: true,
    discount: 0,
    total: 4_990,
    creditPaid: 0,
    pointsPaid: 0,
    refunds: [],
    placedAt,
    platformUpdatedAt: placedAt,
    paymentMethod: 'card',
    channel: 'web',
    couponCodes: [],
    email,
    isTest: false,
    shippingAddress: null,
    billingAddress: null,
  };
  await putOrder(ctx, { externalId: SHOWCASE_ORDER, customer: { externalId }, order });
}

/** Credit that is there, held and spent; points, with a reward that is held and one that was handed over. */
async function addBalances(ctx: Ctx, currency: string): Promise<void> {
  const { customerId, rewardId } = ID;
  const grant = { amount: 10_000, currency, reason: 'Parcel arrived late' };
  await changeCredit(naming(ctx, ID.accountId, ID.transferId), customerId, grant);
  await redeemCredit(naming(ctx, ID.paymentId), customerId, { amount: 1_250, currency });
  await holdCredit(naming(ctx, ID.holdId), customerId, { amount: 1_250, currency, ttlMinutes: 24 * 60 });
  await enrolMember(ctx, customerId);
  await changePointsOf(ctx, customerId, { amount: 5_000, reason: 'Thanks for the photo' });
  await createReward(naming(ctx, rewardId), {
    name: 'Free shipping',
    kind: 'free_shipping',
    points: 500,
  });
  await redeemReward(naming(ctx, ID.redemptionId), customerId, { rewardId });
  await redeemReward(naming(ctx, ID.fulfilledId), customerId, { rewardId, fulfil: true });
  const { code } = await readCode(ctx, customerId);
  await createReferral(naming(ctx, ID.referralId), { code, email: 'friend@example.com' });
}

/** What no campaign starts without; what the store says already stays. */
async function addSender(ctx: Ctx): Promise<void> {
  const { name, settings } = await storeOf(ctx);
  if (!settings.sender) await updateStore(ctx, { sender: { name, email: 'shop@example.com' } });
  if (!settings.mail?.postalAddress)
    await updateMailSettings(ctx, { postalAddress: `${name}, Torstraße 1, 10119 Berlin` });
}

async function addMails(ctx: Ctx, desk: TemplateDesk): Promise<void> {
  await addSender(ctx);
  await createTemplate(naming(ctx, ID.templateId), SHOWCASE_TEMPLATE);
  await publishTemplate(ctx, desk, ID.templateId);
  await createCampaign(naming(ctx, ID.campaignId), {
    name: 'Greeting of the season',
    templateId: ID.templateId,
    topic: 'offers',
    audience: { segmentIds: [ID.otherSegmentId] },
  });
  await sendDirectMail(naming(ctx, ID.messageId), ID.customerId, {
    subject: 'Your lantern',
    text: 'Dear Thea,\n\nit is on its way.',
    sendAfter: daysAfter(ctx.now, 1).toISOString(),
  });
}

/** Left to the workers, like every other job. */
async function addJobs(ctx: Ctx): Promise<void> {
  await startBulkJob(naming(ctx, ID.jobId), { action: 'addTags', tags: ['Exhibit'], ids: [ID.customerId] });
  const file = Readable.from([Buffer.from('email,first_name\nlinus@example.com,Linus\nnobody,Nobody\n')]);
  const request = { kind: 'customers', mode: 'upsert', dryRun: false } as const;
  await startImport(naming(ctx, ID.importId), request, file);
}

/** Adds them once; needs a loyalty programme with referrals. True when they are new. */
export async function addShowcase(ctx: Ctx, desk: TemplateDesk): Promise<boolean> {
  if (await findStanding(ctx.db, ID.customerId)) return false;
  const { currency } = await storeOf(ctx);
  await addPeople(ctx);
  await addBelongings(ctx);
  await addOrder(ctx, currency);
  await addBalances(ctx, currency);
  await addMails(ctx, desk);
  await createApiKey(naming(ctx, ID.apiKeyId), { name: 'Showcase', scopes: ['store:read'] });
  await addJobs(ctx);
  return true;
}
