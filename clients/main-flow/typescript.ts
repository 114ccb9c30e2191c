// The main flow with the client that ships in clients/typescript.
import { randomUUID } from 'node:crypto';
import { createClientele, ProblemError } from 'clientele-client';
import { customerOf, mainFlow, orderOf, type Shop, service } from './main-flow.js';

const clientele = createClientele(service());

const redeem = (customerId: string, amount: number, idempotencyKey: string) =>
  clientele.redeemCredit({
    path: { customerId },
    headers: { 'Idempotency-Key': idempotencyKey },
    body: { amount, currency: 'EUR' },
  });

const shop: Shop = {
  createCustomer: async (email) => (await clientele.createCustomer({ body: customerOf(email) })).data,
  addTag: async (customerId, tag) =>
    (await clientele.addCustomerTags({ path: { customerId }, body: { tags: [tag] } })).data,
  putOrder: async (externalId, customerId) =>
    (await clientele.putOrder({ path: { externalId }, body: orderOf(customerId) })).data,
  createSegment: async (name, query) => (await clientele.createSegment({ body: { name, query } })).data,
  async segmentCustomers(segmentId) {
    const { data } = await clientele.listSegmentCustomers({ path: { segmentId } });
    return data.data.map(({ id }) => id);
  },
  async grantCredit(customerId, amount, idempotencyKey) {
    const { data } = await clientele.changeCredit({
      path: { customerId },
      headers: { 'Idempotency-Key': idempotencyKey },
      body: { amount, currency: 'EUR', reason: 'Parcel arrived late' },
    });
    return data.account;
  },
  redeemCredit: async (...parameters) => (await redeem(...parameters)).data.account,
  async refusedRedemption(customerId, amount) {
    try {
      await redeem(customerId, amount, randomUUID());
    } catch (error) {
      if (error instanceof ProblemError && error.code) return error.code;
      throw error;
    }
    throw new Error('it was not refused');
  },
  async templateId(key) {
    const { data } = await clientele.listTemplates({ query: { key } });
    return data.data[0]?.id;
  },
  createCampaign: async (name, templateId, segmentId) =>
    (
      await clientele.createCampaign({
        body: { name, templateId, topic: 'newsletter', audience: { segmentIds: [segmentId] } },
      })
    ).data,
  simulateCampaign: async (campaignId) => (await clientele.simulateCampaign({ path: { campaignId } })).data,
};

await mainFlow(shop);
