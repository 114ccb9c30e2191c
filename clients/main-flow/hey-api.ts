// The main flow with what hey-api makes by its own defaults: one function for each operation.
import { randomUUID } from 'node:crypto';
import { createClient } from '../generated/hey-api/client/index.js';
import * as clientele from '../generated/hey-api/index.js';
import { customerOf, mainFlow, orderOf, type Shop, service } from './main-flow.js';

const { baseUrl, token } = service();
const client = createClient({ baseUrl, auth: token });
const options = { client, throwOnError: true } as const;

const redemption = (customerId: string, amount: number, idempotencyKey: string) => ({
  path: { customerId },
  headers: { 'Idempotency-Key': idempotencyKey },
  body: { amount, currency: 'EUR' },
});

const shop: Shop = {
  createCustomer: async (email) =>
    (await clientele.createCustomer({ ...options, body: customerOf(email) })).data,
  addTag: async (customerId, tag) =>
    (await clientele.addCustomerTags({ ...options, path: { customerId }, body: { tags: [tag] } })).data,
  putOrder: async (externalId, customerId) =>
    (await clientele.putOrder({ ...options, path: { externalId }, body: orderOf(customerId) })).data,
  createSegment: async (name, query) =>
    (await clientele.createSegment({ ...options, body: { name, query } })).data,
  async segmentCustomers(segmentId) {
    const { data } = await clientele.listSegmentCustomers({ ...options, path: { segmentId } });
    return data.data.map(({ id }) => id);
  },
  async grantCredit(customerId, amount, idempotencyKey) {
    const { data } = await clientele.changeCredit({
      ...options,
      path: { customerId },
      headers: { 'Idempotency-Key': idempotencyKey },
      body: { amount, currency: 'EUR', reason: 'Parcel arrived late' },
    });
    return data.account;
  },
  redeemCredit: async (...parameters) =>
    (await clientele.redeemCredit({ ...options, ...redemption(...parameters) })).data.account,
  async refusedRedemption(customerId, amount) {
    const { error } = await clientele.redeemCredit({
      client,
      ...redemption(customerId, amount, randomUUID()),
    });
    if (!error) throw new Error('it was not refused');
    return error.code;
  },
  async templateId(key) {
    const { data } = await clientele.listTemplates({ ...options, query: { key } });
    return data.data[0]?.id;
  },
  createCampaign: async (name, templateId, segmentId) =>
    (
      await clientele.createCampaign({
        ...options,
        body: { name, templateId, topic: 'newsletter', audience: { segmentIds: [segmentId] } },
      })
    ).data,
  simulateCampaign: async (campaignId) =>
    (await clientele.simulateCampaign({ ...options, path: { campaignId } })).data,
};

await mainFlow(shop);
