// The wire contract of what a signed-in customer sees of their own.
import Type from 'typebox';
import { Currency, closed, Int64, ref, Timestamp } from './helpers.ts';

export const ExpiringNext = closed(
  {
    amount: Int64({ description: 'In the unit of the account.', examples: [500] }),
    expiresAt: Timestamp({ description: 'From this instant on it counts no more.' }),
  },
  { $id: 'ExpiringNext', description: 'What is the next to expire of what can be spent now.' },
);

export const MyCreditAccount = closed(
  {
    currency: Currency(),
    available: Int64({ description: 'Can be spent now, in minor units.', examples: [2500] }),
    held: Int64({ description: 'Reserved by a checkout or the like.', examples: [0] }),
    expiringNext: Type.Optional(
      ref(ExpiringNext, { description: 'What is the next to expire; absent where nothing does.' }),
    ),
  },
  { $id: 'MyCreditAccount', description: 'Your store credit of one currency.' },
);
export const MyCredit = closed(
  { data: Type.Array(ref(MyCreditAccount), { description: 'One for each currency.' }) },
  { $id: 'MyCredit', description: 'Your store credit.' },
);

export const storefrontMeSchemas = [ExpiringNext, MyCreditAccount, MyCredit];
