// The wire contract of referrals.
import Type from 'typebox';
import { REFERRAL_STATES, REJECTION_REASONS } from '../domain/loyalty/referrals.ts';
import { closed, page, pageQuery, stringEnum, Timestamp, Uuid } from './helpers.ts';

const code = Type.String({
  minLength: 1,
  maxLength: 40,
  description: 'The advocate’s code; case, spaces and hyphens do not matter.',
  examples: ['7QK2-M9XW'],
});

export const ReferralCode = closed(
  {
    customerId: Uuid({ description: 'Whose code.' }),
    code: Type.String({ description: 'To be handed on to friends.', examples: ['7QK2M9XW'] }),
  },
  { $id: 'ReferralCode', description: 'What an advocate hands on (P9).' },
);

export const ReferralCreate = closed(
  {
    code,
    friendId: Type.Optional(Uuid({ description: 'The friend, who is a customer already; or `email`.' })),
    email: Type.Optional(
      Type.String({
        minLength: 3,
        maxLength: 320,
        description: 'Address of the friend; somebody not known yet is invited, and registers by turning up.',
        examples: ['grace@example.com'],
      }),
    ),
  },
  {
    $id: 'ReferralCreate',
    description: 'A friend who came with a code, or is invited.',
    examples: [{ code: '7QK2-M9XW', email: 'grace@example.com' }],
  },
);

export const MyReferral = closed(
  { code },
  {
    $id: 'MyReferral',
    description: 'The code with which you came.',
    examples: [{ code: '7QK2-M9XW' }],
  },
);

export const Referral = closed(
  {
    id: Uuid({ description: 'Id of the referral.' }),
    advocateId: Uuid({ description: 'Who handed the code on.' }),
    friendId: Type.Optional(Uuid({ description: 'Who came; absent until somebody did.' })),
    state: stringEnum(REFERRAL_STATES, {
      description:
        '`registered` until the first order has passed the return window; `qualified` and `rewarded` in one step; `rejected` with a reason.',
    }),
    reason: Type.Optional(stringEnum(REJECTION_REASONS, { description: 'Why it was rejected.' })),
    programmeVersion: Type.Integer({
      description: 'Version of the programme whose terms hold.',
      examples: [1],
    }),
    orderId: Type.Optional(Uuid({ description: 'The friend’s first order that counts.' })),
    decidesAt: Type.Optional(Timestamp({ description: 'When the return window ends.' })),
    invitedAt: Timestamp({ description: 'When the referral was noted.' }),
    registeredAt: Type.Optional(Timestamp({ description: 'When the friend became a customer.' })),
    qualifiedAt: Type.Optional(Timestamp({ description: 'When the first order qualified.' })),
    rewardedAt: Type.Optional(Timestamp({ description: 'When both got their points.' })),
    rejectedAt: Type.Optional(Timestamp({ description: 'When it was rejected.' })),
    version: Type.Integer({ description: 'Grows by one with each change; the ETag.', examples: [1] }),
  },
  { $id: 'Referral', description: 'A friend brought by an advocate (P9).' },
);
export const ReferralPage = page(Referral, 'ReferralPage');

export const ReferralQuery = closed({
  ...pageQuery,
  advocateId: Type.Optional(Uuid({ description: 'Only referrals of this advocate.' })),
  state: Type.Optional(stringEnum(REFERRAL_STATES, { description: 'Only referrals in this state.' })),
});

export const referralSchemas = [ReferralCode, ReferralCreate, MyReferral, Referral, ReferralPage];
