// HTTP: redemptions of a customer (P5).
import type { FastifyInstance } from 'fastify';
import { readPresent } from '../actions/customers.ts';
import { refuseRedemption, reverseRedemption } from '../actions/redemption-returns.ts';
import { fulfilRedemption, readRedemption, redeemReward, toRedemption } from '../actions/redemptions.ts';
import { listRedemptions } from '../db/redemptions.ts';
import type { PageStart } from '../domain/pages.ts';
import { endpoint } from '../endpoint.ts';
import { pageOf } from '../pages.ts';
import { closed, pageQuery, ref, Uuid } from '../schemas/helpers.ts';
import {
  Redemption,
  RedemptionCreate,
  RedemptionFulfilment,
  RedemptionPage,
  RedemptionRefusal,
  RedemptionResult,
} from '../schemas/rewards.ts';

const tag = 'Loyalty';
const customerId = Uuid({ description: 'Id of the customer.' });
const OfCustomer = closed({ customerId });
const OneRedemption = closed({ customerId, redemptionId: Uuid({ description: 'Id of the redemption.' }) });

const command = {
  method: 'POST',
  tag,
  scope: 'loyalty:write',
  idempotency: 'required',
  returns: { 200: ref(RedemptionResult) },
} as const;

export async function redemptions(app: FastifyInstance): Promise<void> {
  endpoint(app, {
    method: 'GET',
    url: '/customers/:customerId/loyalty/redemptions',
    operationId: 'listRedemptions',
    tag,
    summary: 'List the redemptions of a customer',
    description: 'The latest first, whatever became of them.',
    scope: 'loyalty:read',
    params: OfCustomer,
    query: closed(pageQuery),
    returns: { 200: ref(RedemptionPage) },
    refuses: ['CURSOR_INVALID', 'CUSTOMER_GONE'],
    handle: async (ctx, input) => {
      await readPresent(ctx.db, input.params.customerId);
      return pageOf(
        input,
        async (start: PageStart<[id: string]>) =>
          (await listRedemptions(ctx.db, input.params.customerId, start)).map((row) =>
            toRedemption(row, ctx.now),
          ),
        (redemption): [string] => [redemption.id],
      );
    },
  });

  endpoint(app, {
    method: 'POST',
    url: '/customers/:customerId/loyalty/redemptions',
    operationId: 'redeemReward',
    tag,
    scope: 'loyalty:write',
    idempotency: 'required',
    summary: 'Redeem points for a reward',
    description:
      'Holds the points for 7 days until the reward is fulfilled or refused. With `fulfil` the reward is handed over at once: points are taken and store credit is granted in one step, or a code is made.',
    params: OfCustomer,
    body: ref(RedemptionCreate),
    returns: { 201: ref(RedemptionResult) },
    refuses: [
      'REWARD_NOT_AVAILABLE',
      'INSUFFICIENT_POINTS',
      'REWARD_NEEDS_DELIVERY',
      'REFERENCE_UNKNOWN',
      'ACCOUNT_NOT_ACTIVE',
      'CUSTOMER_GONE',
      'CREDIT_LIMIT_EXCEEDED',
    ],
    location: ({ redemption }: { redemption: { id: string; customerId: string } }) =>
      `/v1/customers/${redemption.customerId}/loyalty/redemptions/${redemption.id}`,
    handle: (ctx, { params, body }) => redeemReward(ctx, params.customerId, body),
  });

  endpoint(app, {
    method: 'GET',
    url: '/customers/:customerId/loyalty/redemptions/:redemptionId',
    operationId: 'getRedemption',
    tag,
    summary: 'Get a redemption',
    description: 'One redemption of this customer.',
    scope: 'loyalty:read',
    params: OneRedemption,
    returns: { 200: ref(Redemption) },
    handle: async (ctx, { params: { customerId, redemptionId: id } }) =>
      toRedemption(await readRedemption(ctx.db, { customerId, id }), ctx.now),
  });

  endpoint(app, {
    ...command,
    url: '/customers/:customerId/loyalty/redemptions/:redemptionId/fulfil',
    operationId: 'fulfilRedemption',
    summary: 'Fulfil a redemption',
    description:
      'Takes the held points and hands the reward over: grants the credit, makes the code, or notes that the product was given. A second call answers as the first.',
    params: OneRedemption,
    body: ref(RedemptionFulfilment),
    refuses: ['REDEMPTION_CLOSED', 'ACCOUNT_NOT_ACTIVE', 'CUSTOMER_GONE', 'CREDIT_LIMIT_EXCEEDED'],
    handle: (ctx, { params: { customerId, redemptionId: id }, body }) =>
      fulfilRedemption(ctx, { customerId, id }, body),
  });

  endpoint(app, {
    ...command,
    url: '/customers/:customerId/loyalty/redemptions/:redemptionId/refuse',
    operationId: 'refuseRedemption',
    summary: 'Refuse a redemption',
    description:
      'The held points are free again, in the lots they came from. A second call answers as the first.',
    params: OneRedemption,
    body: ref(RedemptionRefusal),
    refuses: ['REDEMPTION_CLOSED'],
    handle: (ctx, { params: { customerId, redemptionId: id }, body }) =>
      refuseRedemption(ctx, { customerId, id }, body),
  });

  endpoint(app, {
    ...command,
    url: '/customers/:customerId/loyalty/redemptions/:redemptionId/reverse',
    operationId: 'reverseRedemption',
    summary: 'Take a fulfilled redemption back',
    description:
      'The points go back to the lots that paid (those that expired meanwhile as the store says for refunds), and store credit that they had become is taken back. A code has to be voided where it is redeemed. A second call answers as the first.',
    params: OneRedemption,
    body: ref(RedemptionRefusal),
    refuses: ['REDEMPTION_CLOSED', 'INSUFFICIENT_CREDIT', 'CUSTOMER_GONE'],
    handle: (ctx, { params: { customerId, redemptionId: id }, body }) =>
      reverseRedemption(ctx, { customerId, id }, body),
  });
}
