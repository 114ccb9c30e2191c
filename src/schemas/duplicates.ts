// The wire contract of the duplicate finder.
import Type from 'typebox';
import { DUPLICATE_REASONS } from '../domain/duplicates.ts';
import { Customer } from './customers.ts';
import { closed, page, pageQuery, ref, stringEnum } from './helpers.ts';

const reasons = Type.Array(stringEnum(DUPLICATE_REASONS, { description: 'A reason.' }), {
  description: 'Why they may be one person, strongest reason first (C11).',
  examples: [['same_email', 'same_phone']],
});

export const DuplicateSuggestion = closed(
  { customer: ref(Customer, { description: 'The other customer.' }), reasons },
  { $id: 'DuplicateSuggestion', description: 'A customer that may be the same person.' },
);

export const DuplicateSuggestions = closed(
  { data: Type.Array(ref(DuplicateSuggestion), { description: 'At most 50, strongest reason first.' }) },
  { $id: 'DuplicateSuggestions', description: 'Customers that may be the same person as this one.' },
);

export const DuplicateGroup = closed(
  {
    reasons,
    customersCount: Type.Integer({
      minimum: 2,
      description: 'How many customers have it in common.',
      examples: [2],
    }),
    customers: Type.Array(ref(Customer), { description: 'The first ten of them, oldest first.' }),
  },
  { $id: 'DuplicateGroup', description: 'Customers who may be one person.' },
);

export const DuplicateGroupPage = page(DuplicateGroup, 'DuplicateGroupPage');

export const DuplicateQuery = closed({
  ...pageQuery,
  reason: Type.Optional(stringEnum(DUPLICATE_REASONS, { description: 'Only groups for this reason.' })),
});
