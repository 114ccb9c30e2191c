// HTTP: what is a signed-in customer's own (P11). Whose it is comes from the token, never from the request.
import type { FastifyInstance } from 'fastify';
import { quoteAnswer, quoteCreditFor } from '../actions/credit.ts';
import { enrolMember, leaveProgramme } from '../actions/loyalty-members.ts';
import { listPointsHistory, readPoints } from '../actions/points.ts';
import { redeemReward, toRedemption } from '../actions/redemptions.ts';
import { createReferral, readCode } from '../actions/referrals.ts';
import { myCredit, myLoyalty, myMovement, offeredRewards } from '../actions/storefront-offers.ts';
import { callingCustomer } from '../actions/storefront-tokens.ts';
import type { TransferKey } from '../db/ledger/lists.ts';
import { listRedemptions } from '../db/redemptions.ts';
import type { PageStart } from '../domain/pages.ts';
import { endpoint } from '../endpoint.ts';
import { pageAnswer, pageOf, pageStart } from '../pages.ts';
import { CreditQuote, CreditQuoteRequest } from '../schemas/credit.ts';
import { closed, pageQuery, ref } from '../schemas/helpers.ts';
import { LoyaltyStanding, PointsBalance, PointsMovementPage } from '../schemas/loyalty-members.ts';
import { MyReferral, Referral, ReferralCode } from '../schemas/referrals.ts';
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
    url: '/me/points',
    operationId: 'getMyPoints',
    summary: 'Get my points',
    description: 'What I can spend, what is pending, and what is the next to expire.',
    returns: { 200: ref(PointsBalance) },
    handle: async (ctx) => readPoints(ctx, await callingCustomer(ctx)),
  });

  endpoint(app, {
    ...mine,
    method: 'GET',
    url: '/me/points/history',
    operationId: 'listMyPointsHistory',
    summary: 'List what moved my points',
    description: 'The latest first; what was earned says by which rule and for which order.',
    query: closed(pageQuery),
    returns: { 200: ref(PointsMovementPage) },
    refuses: ['CURSOR_INVALID'],
    handle: async (ctx, input) => {
      const customerId = await callingCustomer(ctx);
      const start: PageStart<TransferKey> = pageStart<never>(input);
      const rows = await listPointsHistory(ctx.db, customerId, start);
      const { data, page } = pageAnswer(input, rows, ({ transfer }) => [transfer.id]);
      return { data: data.map(myMovement), page };
    },
  });

  endpoint(app, {
    ...mine,
    method: 'GET',
    url: '/me/loyalty',
    operationId: 'getMyLoyalty',
    summary: 'Get my standing in the programme',
    description: 'Points, tier with its perks, and what is missing for the next one or keeps this one (P7).',
    returns: { 200: ref(LoyaltyStanding) },
    handle: async (ctx) => myLoyalty(ctx, await callingCustomer(ctx)),
  });

  endpoint(app, {
    ...mine,
    method: 'POST',
    url: '/me/loyalty/enrol',
    operationId: 'joinProgramme',
    summary: 'Join the programme',
    description:
      'From now on I earn and redeem; frozen points can be used again. Nothing changes for a member.',
    returns: { 200: ref(LoyaltyStanding) },
    refuses: ['PROGRAMME_MISSING'],
    handle: async (ctx) => {
      const customerId = await callingCustomer(ctx);
      await enrolMember(ctx, customerId);
      return myLoyalty(ctx, customerId);
    },
  });

  endpoint(app, {
    ...mine,
    method: 'POST',
    url: '/me/loyalty/leave',
    operationId: 'quitProgramme',
    summary: 'Leave the programme',
    description: 'I earn and redeem nothing from now on; by setting my points are frozen or forfeited (P10).',
    returns: { 200: ref(LoyaltyStanding) },
    refuses: ['PROGRAMME_MISSING', 'MEMBER_NOT_ACTIVE'],
    handle: async (ctx) => {
      const customerId = await callingCustomer(ctx);
      await leaveProgramme(ctx, customerId);
      return myLoyalty(ctx, customerId);
    },
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

  endpoint(app, {
    ...mine,
    method: 'GET',
    url: '/me/referral-code',
    operationId: 'getMyReferralCode',
    summary: 'Get my referral code',
    description: 'To be handed on to friends; it stays the same for good.',
    returns: { 200: ref(ReferralCode) },
    refuses: ['MEMBER_NOT_ACTIVE'],
    handle: async (ctx) => readCode(ctx, await callingCustomer(ctx)),
  });

  endpoint(app, {
    ...mine,
    method: 'POST',
    url: '/me/referral',
    operationId: 'noteMyReferral',
    summary: 'Say with whose code I came',
    description: 'Once, and before the first order.',
    body: ref(MyReferral),
    returns: { 201: ref(Referral) },
    refuses: [
      'PROGRAMME_MISSING',
      'REFERRALS_NOT_OFFERED',
      'REFERRAL_CODE_UNKNOWN',
      'SELF_REFERRAL',
      'FRIEND_ALREADY_CUSTOMER',
      'FRIEND_ALREADY_REFERRED',
      'ADVOCATE_NOT_ACTIVE',
      'REFERRAL_LIMIT',
    ],
    handle: async (ctx, { body }) =>
      createReferral(ctx, { code: body.code, friendId: await callingCustomer(ctx) }),
  });
}
