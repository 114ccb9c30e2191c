// The main flow with what orval makes for `fetch`.
import { randomUUID } from 'node:crypto';
import * as clientele from '../generated/orval/clientele.js';
import { customerOf, mainFlow, orderOf, type Shop } from './main-flow.js';
import { Refusal } from './orval-fetch.js';

const idempotent = (key: string) => ({ headers: { 'Idempotency-Key': key } });

const redeem = (customerId: string, amount: number, idempotencyKey: string) =>
  clientele.redeemCredit(customerId, { amount, currency: 'EUR' }, idempotent(idempotencyKey));

const shop: Shop = {
  createCustomer: async (email) => (await clientele.createCustomer(customerOf(email))).data,
  addTag: async (customerId, tag) => (await clientele.addCustomerTags(customerId, { tags: [tag] })).data,
  putOrder: async (externalId, customerId) =>
    (await clientele.putOrder(externalId, orderOf(customerId))).data,
  createSegment: async (name, query) => (await clientele.createSegment({ name, query })).data,
  async segmentCustomers(segmentId) {
    const { data } = await clientele.listSegmentCustomers(segmentId);
    return data.data.map(({ id }) => id);
  },
  async grantCredit(customerId, amount, idempotencyKey) {
    const grant = { amount, currency: 'EUR', reason: 'Parcel arrived late' };
    return (await clientele.changeCredit(customerId, grant, idempotent(idempotencyKey))).data.account;
  },
  redeemCredit: async (...parameters) => (await redeem(...parameters)).data.account,
  async refusedRedemption(customerId, amount) {
    try {
      await redeem(customerId, amount, randomUUID());
    } catch (error) {
      if (error instanceof Refusal) return error.problem.code;
      throw error;
    }
    throw new Error('it was not refused');
  },
  async templateId(key) {
    const { data } = await clientele.listTemplates({ key });
    return data.data[0]?.id;
  },
  createCampaign: async (name, templateId, segmentId) => {
    const plan = { name, templateId, topic: 'newsletter', audience: { segmentIds: [segmentId] } };
    return (await clientele.createCampaign(plan)).data;
  },
  simulateCampaign: async (campaignId) => (await clientele.simulateCampaign(campaignId)).data,
};

await mainFlow(shop);
