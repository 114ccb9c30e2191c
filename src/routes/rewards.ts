// HTTP: rewards that points can be redeemed for (P5).
import type { FastifyInstance } from 'fastify';
import { archiveReward, createReward, readReward, updateReward } from '../actions/rewards.ts';
import { listRewards } from '../db/rewards.ts';
import type { PageStart } from '../domain/pages.ts';
import { endpoint } from '../endpoint.ts';
import { pageOf } from '../pages.ts';
import { closed, ref, Uuid } from '../schemas/helpers.ts';
import { Reward, RewardCreate, RewardPage, RewardQuery, RewardUpdate } from '../schemas/rewards.ts';

const tag = 'Loyalty';
const OneReward = closed({ rewardId: Uuid({ description: 'Id of the reward.' }) });

export async function rewards(app: FastifyInstance): Promise<void> {
  endpoint(app, {
    method: 'GET',
    url: '/loyalty/rewards',
    operationId: 'listRewards',
    tag,
    summary: 'List rewards',
    description: 'What points can be redeemed for, the latest first; archived ones too unless filtered.',
    scope: 'loyalty:read',
    query: RewardQuery,
    returns: { 200: ref(RewardPage) },
    refuses: ['CURSOR_INVALID'],
    handle: (ctx, input) =>
      pageOf(
        input,
        (start: PageStart<[id: string]>) => listRewards(ctx.db, { status: input.query.status }, start),
        (reward): [string] => [reward.id],
      ),
  });

  endpoint(app, {
    method: 'POST',
    url: '/loyalty/rewards',
    operationId: 'createReward',
    tag,
    summary: 'Add a reward',
    description:
      'Store credit needs amount and currency; a discount code percent, or amount and currency; a product its id; early access its hours; free shipping nothing.',
    scope: 'loyalty:write',
    body: ref(RewardCreate),
    returns: { 201: ref(Reward) },
    refuses: ['REWARD_INVALID'],
    location: (reward: { id: string }) => `/v1/loyalty/rewards/${reward.id}`,
    handle: (ctx, { body }) => createReward(ctx, body),
  });

  endpoint(app, {
    method: 'GET',
    url: '/loyalty/rewards/:rewardId',
    operationId: 'getReward',
    tag,
    summary: 'Get a reward',
    description: 'One reward with what is left of it.',
    scope: 'loyalty:read',
    params: OneReward,
    returns: { 200: ref(Reward), 304: null },
    handle: (ctx, { params }) => readReward(ctx.db, params.rewardId),
  });

  endpoint(app, {
    method: 'PATCH',
    url: '/loyalty/rewards/:rewardId',
    operationId: 'updateReward',
    tag,
    summary: 'Change a reward',
    description:
      'Merge patch. Redemptions keep what the reward promised when they were asked for. A new `stock` is what is left from now on.',
    scope: 'loyalty:write',
    params: OneReward,
    body: ref(RewardUpdate),
    returns: { 200: ref(Reward) },
    refuses: ['REWARD_INVALID', 'VERSION_MISMATCH'],
    handle: (ctx, { params, body, ifMatch }) => updateReward(ctx, params.rewardId, body, ifMatch),
  });

  endpoint(app, {
    method: 'POST',
    url: '/loyalty/rewards/:rewardId/archive',
    operationId: 'archiveReward',
    tag,
    summary: 'Archive a reward',
    description:
      'Nobody can ask for it any more; what is held can still be fulfilled. Archiving twice is no change.',
    scope: 'loyalty:write',
    params: OneReward,
    returns: { 200: ref(Reward) },
    refuses: ['VERSION_MISMATCH'],
    handle: (ctx, { params, ifMatch }) => archiveReward(ctx, params.rewardId, ifMatch),
  });
}
