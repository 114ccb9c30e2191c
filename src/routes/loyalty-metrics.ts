// HTTP: metrics of the loyalty programme (P10).
import type { FastifyInstance } from 'fastify';
import { countLoyalty } from '../db/loyalty-metrics.ts';
import { LOYALTY_METRICS, ratioOf } from '../domain/loyalty/metrics.ts';
import { endpoint } from '../endpoint.ts';
import { ref } from '../schemas/helpers.ts';
import { LoyaltyMetrics, LoyaltyMetricsQuery } from '../schemas/loyalty-metrics.ts';

export async function loyaltyMetrics(app: FastifyInstance): Promise<void> {
  endpoint(app, {
    method: 'GET',
    url: '/loyalty/metrics',
    operationId: 'getLoyaltyMetrics',
    tag: 'Loyalty',
    summary: 'Get the metrics of the programme',
    description:
      'Each with its two counts and what it means. Points, orders, redemptions and referrals are those of the period; members, customers and the points outstanding those at its end.',
    scope: 'loyalty:read',
    query: LoyaltyMetricsQuery,
    returns: { 200: ref(LoyaltyMetrics) },
    handle: async (ctx, { query }) => {
      const from = query.from === undefined ? null : new Date(query.from);
      const until = query.until === undefined ? ctx.now : new Date(query.until);
      const counts = await countLoyalty(ctx.db, { from, until });
      return {
        ...(from && { from }),
        until,
        metrics: LOYALTY_METRICS.map(({ key, numerator, denominator, definition }) => ({
          key,
          numerator: { name: numerator, value: counts[numerator] },
          denominator: { name: denominator, value: counts[denominator] },
          ratio: ratioOf(counts[numerator], counts[denominator]),
          definition,
        })),
        points: {
          issued: counts.pointsIssued,
          redeemed: counts.pointsRedeemed,
          expired: counts.pointsExpired,
          forfeited: counts.pointsForfeited,
          adjusted: counts.pointsAdjusted,
          outstanding: counts.pointsOutstanding,
        },
      };
    },
  });
}
