// One of everything that an operation can name, made through the API as callers make it.
import { randomUUID } from 'node:crypto';
import { DEFAULT_PROGRAMME } from '../../src/domain/loyalty/programme.ts';
import type { Answer, TestStore } from './harness.ts';

/** Makes one of everything in a store that has nothing yet; their ids by the names of the path parameters. */
export async function makeOneOfEverything(store: TestStore): Promise<Record<string, string>> {
  const make = async (method: string, url: string, body?: unknown): Promise<Answer['data']> => {
    const answer = await store.call(method, url, body, { 'idempotency-key': randomUUID() });
    if (answer.statusCode >= 300) throw new Error(`${method} ${url}: ${answer.body}`);
    return answer.data;
  };
  const customer = await make('POST', '/v1/customers', {
    email: 'foreign@example.com',
    lastName: 'Foreign',
    accountStatus: 'active',
    tags: ['theirs'],
  });
  const address = await make('POST', `/v1/customers/${customer.id}/addresses`, {
    city: 'Berlin',
    countryCode: 'DE',
  });
  const note = await make('POST', `/v1/customers/${customer.id}/notes`, { body: 'A note' });
  const tags = await store.call('GET', '/v1/tags?limit=100');
  const group = await make('POST', '/v1/groups', { name: 'Theirs' });
  const segment = await make('POST', '/v1/segments', { name: 'Theirs', query: 'number_of_orders > 5' });
  const agent = await make('POST', '/v1/agents', { name: 'Their agent' });
  const task = await make('POST', '/v1/tasks', {
    title: 'Call',
    dueAt: '2030-01-01T10:00:00Z',
    dueTimezone: 'UTC',
  });
  const key = await make('POST', '/v1/api-keys', { name: 'theirs', scopes: ['store:read'] });
  const job = await make('POST', '/v1/customers/bulk', {
    action: 'addTags',
    tags: ['x'],
    ids: [customer.id],
  });
  const order = await make('PUT', '/v1/orders/theirs-1', {
    status: 'confirmed',
    currency: 'EUR',
    placedAt: '2026-01-01T10:00:00Z',
    updatedAt: '2026-01-01T10:00:00Z',
    customer: { id: customer.id },
    items: [{ title: 'Lamp', quantity: 1, unitPrice: 100 }],
    total: 100,
  });
  const credit = `/v1/customers/${customer.id}/credit`;
  const { transfer, account } = await make('POST', credit, {
    amount: 500,
    currency: 'EUR',
    reason: 'Theirs',
  });
  const { hold } = await make('POST', `${credit}/holds`, { amount: 100, currency: 'EUR' });
  await make('PUT', '/v1/loyalty/programme', {
    ...DEFAULT_PROGRAMME,
    rules: [{ id: 'friends', kind: 'event', event: 'referral', side: 'advocate', points: 100 }],
    referrals: { minimumAmount: 0, returnDays: 14, onRefund: 'keep' },
  });
  const { referralCode: code } = await make('POST', `/v1/customers/${customer.id}/loyalty/enrol`);
  await make('POST', `/v1/customers/${customer.id}/points`, { amount: 500, reason: 'Theirs' });
  const reward = await make('POST', '/v1/loyalty/rewards', {
    name: 'Mug',
    kind: 'free_shipping',
    points: 100,
  });
  const redemptions = `/v1/customers/${customer.id}/loyalty/redemptions`;
  const { redemption } = await make('POST', redemptions, { rewardId: reward.id });
  const referral = await make('POST', '/v1/loyalty/referrals', { code, email: 'friend@example.com' });
  const [template] = (await store.call('GET', '/v1/templates?limit=1')).data.data;
  const message = await make('POST', `/v1/customers/${customer.id}/messages`, {
    subject: 'Theirs',
    text: 'Theirs',
  });
  const topic = await make('POST', '/v1/topics', { key: 'theirs', name: 'Theirs' });
  const campaign = await make('POST', '/v1/campaigns', {
    name: 'Theirs',
    templateId: (await store.call('GET', '/v1/templates?key=special_offer')).data.data[0].id,
    topic: topic.key,
    audience: { everyone: true },
    data: { title: 'Theirs', description: 'Theirs' },
  });
  const provider = await make('POST', '/v1/identity-providers', {
    key: 'theirs',
    name: 'Theirs',
    issuer: 'http://127.0.0.1:9',
    clientId: 'theirs',
    clientSecret: 'theirs',
  });
  const suppression = await make('POST', '/v1/suppressions', { email: 'nobody@example.com' });
  return {
    messageId: message.id,
    topicKey: topic.key,
    campaignId: campaign.id,
    providerKey: provider.key,
    address: suppression.id,
    templateId: template.id,
    number: '1',
    rewardId: reward.id,
    redemptionId: redemption.id,
    referralId: referral.id,
    version: '1',
    customerId: customer.id,
    accountId: account.id,
    transferId: transfer.id,
    holdId: hold.id,
    addressId: address.id,
    noteId: note.id,
    tagId: tags.data.data.find((tag: { name: string }) => tag.name === 'theirs').id,
    groupId: group.id,
    segmentId: segment.id,
    revision: '1',
    agentId: agent.id,
    taskId: task.id,
    apiKeyId: key.id,
    jobId: job.id,
    orderId: order.id,
  };
}
