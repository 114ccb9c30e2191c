// HTTP: what is a signed-in customer's own (P11). Whose it is comes from the token, never from the request.
import type { FastifyInstance } from 'fastify';
import { quoteAnswer, quoteCreditFor } from '../actions/credit.ts';
import { redeemReward, toRedemption } from '../actions/redemptions.ts';
import { myCredit, offeredRewards } from '../actions/storefront-offers.ts';
import { callingCustomer } from '../actions/storefront-tokens.ts';
import { listRedemptions } from '../db/redemptions.ts';
import type { PageStart } from '../domain/pages.ts';
import { endpoint } from '../endpoint.ts';
import { pageOf } from '../pages.ts';
import { CreditQuote, CreditQuoteRequest } from '../schemas/credit.ts';
import { closed, pageQuery, ref } from '../schemas/helpers.ts';
import { OfferedRewards, RedemptionCreate, RedemptionPage, RedemptionResult } from '../schemas/rewards.ts';
import { MyCredit } from '../schemas/storefront-me.ts';

const mine = { tag: 'Storefront', zone: 'storefront', customer: true } as const;

export async function storefrontMe(app: FastifyInstance): Promise<void> {
  endpoint(app, {
    ...mine,
    method: 'GET',
    url: '/me/credit',
    operationId: 'getMyCredit',
    summary: 'Get my store credit',
    description: 'By currency, with what is the next to expire.',
    returns: { 200: ref(MyCredit) },
    handle: async (ctx) => ({ data: await myCredit(ctx, await callingCustomer(ctx)) }),
  });

  endpoint(app, {
    ...mine,
    method: 'POST',
    url: '/me/credit/quote',
    operationId: 'quoteMyCredit',
    summary: 'Quote my store credit for a checkout',
    description: 'What my credit pays of this cart (K5).',
    idempotency: 'none',
    body: ref(CreditQuoteRequest),
    returns: { 200: ref(CreditQuote) },
    refuses: ['CURRENCY_UNKNOWN'],
    handle: async (ctx, { body }) => quoteAnswer(await quoteCreditFor(ctx, await callingCustomer(ctx), body)),
  });

  endpoint(app, {
    ...mine,
    method: 'GET',
    url: '/rewards',
    operationId: 'listMyRewards',
    summary: 'List the rewards on offer to me',
    description: 'What my points can be redeemed for, whether I can have it now, and why not.',
    returns: { 200: ref(OfferedRewards) },
    handle: async (ctx) => ({ data: await offeredRewards(ctx, await callingCustomer(ctx)) }),
  });

  endpoint(app, {
    ...mine,
    method: 'POST',
    url: '/me/redemptions',
    operationId: 'redeemMyReward',
    summary: 'Redeem my points for a reward',
    description:
      'Holds the points until the shop fulfils or refuses; with `fulfil`, credit or a code is there at once.',
    idempotency: 'required',
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
    handle: async (ctx, { body }) => redeemReward(ctx, await callingCustomer(ctx), body),
  });

  endpoint(app, {
    ...mine,
    method: 'GET',
    url: '/me/redemptions',
    operationId: 'listMyRedemptions',
    summary: 'List my redemptions',
    description: 'The latest first, with codes that I can use.',
    query: closed(pageQuery),
    returns: { 200: ref(RedemptionPage) },
    refuses: ['CURSOR_INVALID'],
    handle: async (ctx, input) => {
      const customerId = await callingCustomer(ctx);
      return pageOf(
        input,
        async (start: PageStart<[id: string]>) =>
          (await listRedemptions(ctx.db, customerId, start)).map((row) => toRedemption(row, ctx.now)),
        (redemption): [string] => [redemption.id],
      );
    },
  });
}
