// What every client has to be able to do against a running service, from a new customer to the simulation of a campaign.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

/** The calls of the main flow; the file of each generator puts the methods of its client behind them. */
export interface Shop {
  /** One with an account, who can have credit. */
  createCustomer(email: string): Promise<{ id: string; email?: string | null }>;
  addTag(customerId: string, tag: string): Promise<{ added: string[] }>;
  putOrder(externalId: string, customerId: string): Promise<{ customer?: { id: string }; total: number }>;
  createSegment(name: string, query: string): Promise<{ id: string }>;
  /** Ids of the customers on the first page. */
  segmentCustomers(segmentId: string): Promise<string[]>;
  grantCredit(customerId: string, amount: number, idempotencyKey: string): Promise<{ available: number }>;
  redeemCredit(customerId: string, amount: number, idempotencyKey: string): Promise<{ available: number }>;
  /** The code of the problem with which the service refuses it. */
  refusedRedemption(customerId: string, amount: number): Promise<string>;
  templateId(key: string): Promise<string | undefined>;
  createCampaign(name: string, templateId: string, segmentId: string): Promise<{ id: string }>;
  simulateCampaign(campaignId: string): Promise<{ audience: number }>;
}

/** Where the service is and who calls; the runner sets it. */
export function service(): { baseUrl: string; token: string } {
  const { CLIENTELE_URL: baseUrl, CLIENTELE_TOKEN: token } = process.env;
  assert(baseUrl && token, 'Set CLIENTELE_URL and CLIENTELE_TOKEN.');
  return { baseUrl, token };
}

export const customerOf = (email: string) => ({ email, accountStatus: 'active' as const });

/** An order of 49.90 € by the customer. */
export const orderOf = (customerId: string) => ({
  status: 'confirmed' as const,
  currency: 'EUR',
  placedAt: '2026-01-01T10:00:00.000Z',
  updatedAt: '2026-01-01T10:00:00.000Z',
  customer: { id: customerId },
  items: [{ productId: 'p-17', title: 'Lantern', quantity: 2, unitPrice: 2495 }],
  total: 4990,
});

/** Runs the main flow once, with names of its own; throws where the service says something unexpected. */
export async function mainFlow(shop: Shop): Promise<void> {
  const name = `flow-${randomUUID()}`;

  const customer = await shop.createCustomer(`${name}@example.com`);
  assert.equal(customer.email, `${name}@example.com`);
  assert.deepEqual((await shop.addTag(customer.id, name)).added, [name]);

  const order = await shop.putOrder(name, customer.id);
  assert.equal(order.customer?.id, customer.id);
  assert.equal(order.total, 4990);

  const segment = await shop.createSegment(name, `customer_tags CONTAINS '${name}' AND number_of_orders = 1`);
  assert.deepEqual(await shop.segmentCustomers(segment.id), [customer.id]);

  const grant = randomUUID();
  assert.equal((await shop.grantCredit(customer.id, 2500, grant)).available, 2500);
  assert.equal((await shop.grantCredit(customer.id, 2500, grant)).available, 2500, 'a repeat grants nothing');
  assert.equal((await shop.redeemCredit(customer.id, 1000, randomUUID())).available, 1500);
  assert.equal(await shop.refusedRedemption(customer.id, 1501), 'INSUFFICIENT_CREDIT');

  const templateId = await shop.templateId('special_offer');
  assert(templateId, 'a new store has ready-made templates');
  const campaign = await shop.createCampaign(name, templateId, segment.id);
  assert.equal((await shop.simulateCampaign(campaign.id)).audience, 1);
}
