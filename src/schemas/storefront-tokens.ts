// The wire contract of customers' tokens.
import Type from 'typebox';
import { closed, Timestamp, Uuid } from './helpers.ts';

/** A page of a shop asks for a new one when it needs one; nothing can take a token back before it ends. */
export const MAX_LIFETIME_SECONDS = 900;

export const StorefrontTokenCreate = closed(
  {
    lifetimeSeconds: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: MAX_LIFETIME_SECONDS,
        description: 'How long it is good for; 15 minutes unless given, which is the most.',
        examples: [900],
      }),
    ),
  },
  {
    $id: 'StorefrontTokenCreate',
    description: 'A wish for a token.',
    examples: [{ lifetimeSeconds: 900 }],
  },
);

export const StorefrontToken = closed(
  {
    token: Type.String({ description: 'Send it as `Authorization: Bearer` to /storefront/v1.' }),
    customerId: Uuid({ description: 'Whose it is.' }),
    expiresAt: Timestamp({ description: 'When it ends.' }),
  },
  { $id: 'StorefrontToken', description: 'Lets the pages of a shop act for one customer.' },
);

export const storefrontTokenSchemas = [StorefrontTokenCreate, StorefrontToken];
