// The main flow with openapi-fetch on the types of openapi-typescript.
import { randomUUID } from 'node:crypto';
import createClient from 'openapi-fetch';
import type { paths } from '../generated/openapi-typescript/clientele.js';
import { customerOf, mainFlow, orderOf, type Shop, service } from './main-flow.js';

const { baseUrl, token } = service();
const client = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });

/** What the call answers, or the problem as an exception. */
async function good<Data>(call: Promise<{ data?: Data; error?: unknown }>): Promise<Data> {
  const { data, error } = await call;
  if (data === undefined) throw new Error(JSON.stringify(error));
  return data;
}

const redeem = (customerId: string, amount: number, idempotencyKey: string) =>
  client.POST('/v1/customers/{customerId}/credit/redeem', {
    params: { path: { customerId }, header: { 'Idempotency-Key': idempotencyKey } },
    body: { amount, currency: 'EUR' },
  });

const shop: Shop = {
  createCustomer: (email) => good(client.POST('/v1/customers', { body: customerOf(email) })),
  addTag: (customerId, tag) =>
    good(
      client.POST('/v1/customers/{customerId}/tags', {
        params: { path: { customerId } },
        body: { tags: [tag] },
      }),
    ),
  putOrder: (externalId, customerId) =>
    good(
      client.PUT('/v1/orders/{externalId}', { params: { path: { externalId } }, body: orderOf(customerId) }),
    ),
  createSegment: (name, query) => good(client.POST('/v1/segments', { body: { name, query } })),
  async segmentCustomers(segmentId) {
    const { data } = await good(
      client.GET('/v1/segments/{segmentId}/customers', { params: { path: { segmentId } } }),
    );
    return data.map(({ id }) => id);
  },
  async grantCredit(customerId, amount, idempotencyKey) {
    const { account } = await good(
      client.POST('/v1/customers/{customerId}/credit', {
        params: { path: { customerId }, header: { 'Idempotency-Key': idempotencyKey } },
        body: { amount, currency: 'EUR', reason: 'Parcel arrived late' },
      }),
    );
    return account;
  },
  redeemCredit: async (...parameters) => (await good(redeem(...parameters))).account,
  async refusedRedemption(customerId, amount) {
    const { error } = await redeem(customerId, amount, randomUUID());
    if (!error) throw new Error('it was not refused');
    return error.code;
  },
  async templateId(key) {
    const { data } = await good(client.GET('/v1/templates', { params: { query: { key } } }));
    return data[0]?.id;
  },
  createCampaign: (name, templateId, segmentId) =>
    good(
      client.POST('/v1/campaigns', {
        body: { name, templateId, topic: 'newsletter', audience: { segmentIds: [segmentId] } },
      }),
    ),
  simulateCampaign: (campaignId) =>
    good(client.POST('/v1/campaigns/{campaignId}/simulate', { params: { path: { campaignId } } })),
};

await mainFlow(shop);
