// HTTP: members of the loyalty programme, their points and tiers.
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import { readPresent } from '../actions/customers.ts';
import { enrolMember, leaveProgramme } from '../actions/loyalty-members.ts';
import { readLoyalty, toMember } from '../actions/loyalty-overview.ts';
import { changePointsOf, listPointsHistory, readPoints } from '../actions/points.ts';
import { endTierOverride, overrideTier } from '../actions/tiers.ts';
import type { TransferKey } from '../db/ledger/lists.ts';
import { listMembers } from '../db/loyalty-members.ts';
import { MEMBER_STATUSES } from '../domain/loyalty/members.ts';
import type { PageStart } from '../domain/pages.ts';
import { endpoint } from '../endpoint.ts';
import { pageAnswer, pageOf, pageStart } from '../pages.ts';
import { closed, DateTime, pageQuery, ref, stringEnum, Uuid } from '../schemas/helpers.ts';
import { LedgerResult } from '../schemas/ledger.ts';
import {
  LoyaltyMemberPage,
  LoyaltyStanding,
  PointsBalance,
  PointsChange,
  PointsMovementPage,
  TierOverrideInput,
} from '../schemas/loyalty-members.ts';

const tag = 'Loyalty';
const OfCustomer = closed({ customerId: Uuid({ description: 'Id of the customer.' }) });
const read = { tag, method: 'GET', scope: 'loyalty:read' } as const;
const change = { tag, scope: 'loyalty:write', params: OfCustomer } as const;

export async function loyaltyMembers(app: FastifyInstance): Promise<void> {
  endpoint(app, {
    ...read,
    url: '/loyalty/members',
    operationId: 'listLoyaltyMembers',
    summary: 'List the members of the programme',
    description: 'By customer id; those who left too, unless `status` says otherwise.',
    query: closed({
      status: Type.Optional(stringEnum(MEMBER_STATUSES, { description: 'Only members in this state.' })),
      tier: Type.Optional(
        Type.String({ maxLength: 63, description: 'Only members with this tier.', examples: ['gold'] }),
      ),
      ...pageQuery,
    }),
    returns: { 200: ref(LoyaltyMemberPage) },
    refuses: ['CURSOR_INVALID'],
    handle: async (ctx, input) => {
      const { data, page } = await pageOf(
        input,
        (start: PageStart<[customerId: string]>) => listMembers(ctx.db, input.query, start),
        ({ customerId }) => [customerId],
      );
      return { data: data.map(toMember), page };
    },
  });

  endpoint(app, {
    ...read,
    url: '/customers/:customerId/loyalty',
    operationId: 'getLoyalty',
    summary: 'Get the loyalty standing of a customer',
    description:
      'Membership, points, tier and perks, and what is missing for the next tier or keeps the present one, at any date (P7).',
    params: OfCustomer,
    query: closed({
      at: Type.Optional(
        DateTime({
          description: 'Date of the forecast; now, if absent.',
          examples: ['2027-01-01T00:00:00Z'],
        }),
      ),
    }),
    returns: { 200: ref(LoyaltyStanding) },
    refuses: ['CUSTOMER_GONE'],
    handle: (ctx, { params, query }) =>
      readLoyalty(ctx, params.customerId, query.at === undefined ? undefined : new Date(query.at)),
  });

  endpoint(app, {
    ...change,
    method: 'POST',
    url: '/customers/:customerId/loyalty/enrol',
    operationId: 'enrolMember',
    summary: 'Enrol a customer',
    description:
      'Makes the customer a member, or a member again: frozen points can be used again. Nothing changes for a member (P10).',
    returns: { 200: ref(LoyaltyStanding) },
    refuses: ['CUSTOMER_GONE', 'PROGRAMME_MISSING'],
    handle: async (ctx, { params: { customerId } }) => {
      await enrolMember(ctx, customerId);
      return readLoyalty(ctx, customerId);
    },
  });

  endpoint(app, {
    ...change,
    method: 'POST',
    url: '/customers/:customerId/loyalty/leave',
    operationId: 'leaveProgramme',
    summary: 'Take a customer out of the programme',
    description:
      'The customer earns and redeems nothing from now on. By setting the points are frozen until the customer comes back, or forfeited (P10).',
    returns: { 200: ref(LoyaltyStanding) },
    refuses: ['CUSTOMER_GONE', 'PROGRAMME_MISSING', 'MEMBER_NOT_ACTIVE'],
    handle: async (ctx, { params: { customerId } }) => {
      await leaveProgramme(ctx, customerId);
      return readLoyalty(ctx, customerId);
    },
  });

  const tierRefusals = [
    'PROGRAMME_MISSING',
    'MEMBER_NOT_ACTIVE',
    'TIERS_NOT_OFFERED',
    'CUSTOMER_GONE',
  ] as const;

  endpoint(app, {
    ...change,
    method: 'PUT',
    url: '/customers/:customerId/loyalty/tier',
    operationId: 'overrideTier',
    summary: 'Give a tier by hand',
    description: 'It wins until its end, whatever was earned; what was earned goes on underneath (P7).',
    body: ref(TierOverrideInput),
    returns: { 200: ref(LoyaltyStanding) },
    refuses: [...tierRefusals, 'TIER_NOT_FOUND', 'OVERRIDE_END_PAST'],
    handle: async (ctx, { params: { customerId }, body }) => {
      await readPresent(ctx.db, customerId);
      await overrideTier(ctx, customerId, { ...body, until: new Date(body.until) });
      return readLoyalty(ctx, customerId);
    },
  });

  endpoint(app, {
    ...change,
    method: 'DELETE',
    url: '/customers/:customerId/loyalty/tier',
    operationId: 'endTierOverride',
    summary: 'End a tier given by hand',
    description: 'The earned tier holds again from now on.',
    returns: { 200: ref(LoyaltyStanding) },
    refuses: tierRefusals,
    handle: async (ctx, { params: { customerId } }) => {
      await readPresent(ctx.db, customerId);
      await endTierOverride(ctx, customerId);
      return readLoyalty(ctx, customerId);
    },
  });

  endpoint(app, {
    ...read,
    url: '/customers/:customerId/points',
    operationId: 'getPoints',
    summary: 'Get the points of a customer',
    description: 'What can be spent, what is pending, and what is the next to expire.',
    params: OfCustomer,
    returns: { 200: ref(PointsBalance) },
    refuses: ['CUSTOMER_GONE'],
    handle: async (ctx, { params: { customerId } }) => {
      await readPresent(ctx.db, customerId);
      return readPoints(ctx, customerId);
    },
  });

  endpoint(app, {
    ...change,
    method: 'POST',
    url: '/customers/:customerId/points',
    operationId: 'changePoints',
    idempotency: 'required',
    summary: 'Grant or correct points',
    description:
      'A positive amount grants points to a member, with the expiry of the programme unless told; a negative one takes away what could be spent.',
    body: ref(PointsChange),
    returns: { 201: ref(LedgerResult) },
    refuses: [
      'CUSTOMER_GONE',
      'PROGRAMME_MISSING',
      'MEMBER_NOT_ACTIVE',
      'INSUFFICIENT_POINTS',
      'ZERO_AMOUNT',
      'EXPIRY_INVALID',
      'REFERENCE_REUSED',
    ],
    handle: (ctx, { params, body: { expiresAt, ...body } }) =>
      changePointsOf(ctx, params.customerId, {
        ...body,
        ...(expiresAt !== undefined && { expiresAt: new Date(expiresAt) }),
      }),
  });

  endpoint(app, {
    ...read,
    url: '/customers/:customerId/points/history',
    operationId: 'listPointsHistory',
    summary: 'List what moved the points of a customer',
    description:
      'Newest first. What was earned says by which rule of which version, from which order and lines, and how it was worked out (P1).',
    params: OfCustomer,
    query: closed({ ...pageQuery }),
    returns: { 200: ref(PointsMovementPage) },
    refuses: ['CURSOR_INVALID', 'CUSTOMER_GONE'],
    handle: async (ctx, input) => {
      const { customerId } = input.params;
      await readPresent(ctx.db, customerId);
      const start: PageStart<TransferKey> = pageStart<never>(input);
      const rows = await listPointsHistory(ctx.db, customerId, start);
      return pageAnswer(input, rows, ({ transfer }) => [transfer.id]);
    },
  });
}
