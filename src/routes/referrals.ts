// HTTP: referrals (P9).
import type { FastifyInstance } from 'fastify';
import { createReferral, readCode, readReferral, toReferral } from '../actions/referrals.ts';
import { listReferrals } from '../db/referrals.ts';
import type { PageStart } from '../domain/pages.ts';
import { endpoint } from '../endpoint.ts';
import { pageOf } from '../pages.ts';
import { closed, ref, Uuid } from '../schemas/helpers.ts';
import { Referral, ReferralCode, ReferralCreate, ReferralPage, ReferralQuery } from '../schemas/referrals.ts';

const tag = 'Loyalty';

export async function referrals(app: FastifyInstance): Promise<void> {
  endpoint(app, {
    method: 'GET',
    url: '/customers/:customerId/loyalty/referral-code',
    operationId: 'getReferralCode',
    tag,
    summary: 'Get the referral code of a member',
    description: 'The code stays the same for good.',
    scope: 'loyalty:read',
    params: closed({ customerId: Uuid({ description: 'Id of the customer.' }) }),
    returns: { 200: ref(ReferralCode) },
    refuses: ['CUSTOMER_GONE', 'MEMBER_NOT_ACTIVE'],
    handle: (ctx, { params }) => readCode(ctx, params.customerId),
  });

  endpoint(app, {
    method: 'GET',
    url: '/loyalty/referrals',
    operationId: 'listReferrals',
    tag,
    summary: 'List referrals',
    description: 'The latest first; by advocate and by state.',
    scope: 'loyalty:read',
    query: ReferralQuery,
    returns: { 200: ref(ReferralPage) },
    refuses: ['CURSOR_INVALID'],
    handle: (ctx, input) =>
      pageOf(
        input,
        async (start: PageStart<[id: string]>) =>
          (await listReferrals(ctx.db, input.query, start)).map(toReferral),
        (referral): [string] => [referral.id],
      ),
  });

  endpoint(app, {
    method: 'POST',
    url: '/loyalty/referrals',
    operationId: 'createReferral',
    tag,
    summary: 'Note a referral',
    description:
      'A friend came with the code of an advocate, or an advocate invites an address. One referral per friend holds for good. Both get their points when the friend’s first order has passed the return window and is worth enough.',
    scope: 'loyalty:write',
    body: ref(ReferralCreate),
    returns: { 201: ref(Referral) },
    refuses: [
      'PROGRAMME_MISSING',
      'REFERRALS_NOT_OFFERED',
      'REFERRAL_CODE_UNKNOWN',
      'REFERRAL_INVALID',
      'REFERENCE_UNKNOWN',
      'SELF_REFERRAL',
      'FRIEND_ALREADY_CUSTOMER',
      'FRIEND_ALREADY_REFERRED',
      'ADVOCATE_NOT_ACTIVE',
      'REFERRAL_LIMIT',
    ],
    location: (referral: { id: string }) => `/v1/loyalty/referrals/${referral.id}`,
    handle: (ctx, { body }) => createReferral(ctx, body),
  });

  endpoint(app, {
    method: 'GET',
    url: '/loyalty/referrals/:referralId',
    operationId: 'getReferral',
    tag,
    summary: 'Get a referral',
    description: 'How far it is, and why it was rejected if it was.',
    scope: 'loyalty:read',
    params: closed({ referralId: Uuid({ description: 'Id of the referral.' }) }),
    returns: { 200: ref(Referral), 304: null },
    handle: (ctx, { params }) => readReferral(ctx.db, params.referralId),
  });
}
