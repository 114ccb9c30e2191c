// The wire contract of what stands in the way of deleting a customer.
import Type from 'typebox';
import { closed } from './helpers.ts';

export const Deletability = closed(
  {
    deletable: Type.Boolean({ description: 'Whether DELETE would be accepted.' }),
    blockers: Type.Array(
      closed(
        {
          code: Type.String({
            description: 'The code that DELETE would answer.',
            examples: ['CUSTOMER_HAS_ORDERS'],
          }),
          count: Type.Integer({ minimum: 1, description: 'How many of them there are.', examples: [3] }),
          wayOut: Type.String({ description: 'What to do instead.' }),
        },
        { description: 'Something that stands in the way.' },
      ),
      { description: 'Everything that stands in the way of deleting the customer.' },
    ),
  },
  { $id: 'Deletability', description: 'Whether a customer can be deleted, and why not (C6).' },
);
