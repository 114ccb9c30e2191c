// The wire contract of choosing customers: the same words as query parameters and in the body of bulk actions.
import Type, { type TSchema } from 'typebox';
import { LISTED_STATUSES } from '../domain/customer-filter.ts';
import { LIMITS } from '../domain/segments/ast.ts';
import { closed, DateTime, Int64, stringEnum, Uuid } from './helpers.ts';

/** As long as a query may be, of letters that take one byte each. */
const MAX_QUERY_LENGTH = LIMITS.bytes;
/** Values of one repeatable parameter; each costs a join or a comparison. */
const MAX_VALUES = 20;

const some = <Item extends TSchema>(item: Item, description: string) =>
  Type.Optional(Type.Array(item, { minItems: 1, maxItems: MAX_VALUES, description }));
const name = (example: string) => Type.String({ minLength: 1, maxLength: 255, examples: [example] });
const text = (description: string, example: string, maxLength = 255) =>
  Type.Optional(Type.String({ minLength: 1, maxLength, description, examples: [example] }));
const count = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 0, maximum: 2_147_483_647, description, examples: [3] }));
const amount = (description: string) =>
  Type.Optional(Int64({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description, examples: [10_000] }));
const instant = (description: string) =>
  Type.Optional(DateTime({ description, examples: ['2026-01-31T00:00:00Z'] }));

/** The parameters; spread into a query, whole as the body member `filter`. */
export const customerFilter = {
  q: text('Quick search in name, email, company and phone: the beginning, or any three letters.', 'lovel'),
  accountStatus: some(stringEnum(LISTED_STATUSES), 'Account state is any of these.'),
  hasAccount: Type.Optional(Type.Boolean({ description: 'Has an account: active or disabled.' })),
  group: some(name('Business'), 'Is in all of these groups, by id or name.'),
  notGroup: some(name('Business'), 'Is in none of these groups, by id or name; true without any group.'),
  tag: some(name('VIP'), 'Carries all of these tags, without regard to case.'),
  tagAny: some(name('VIP'), 'Carries any of these tags, without regard to case.'),
  salesAgent: Type.Optional(Uuid({ description: 'Is looked after by this sales agent.' })),
  country: some(
    Type.String({ pattern: '^[A-Za-z]{2}$', examples: ['DE'] }),
    'Country of the default address is any of these (ISO 3166-1 alpha-2).',
  ),
  region: text(
    'Region of the default address: its ISO 3166-2 code or name; short codes together with one `country`.',
    'DE-BY',
  ),
  city: text('City of the default address, without regard to case and accents.', 'Berlin'),
  postcode: text('Beginning of the postcode of the default address; spaces and hyphens do not count.', '101'),
  ordersCountMin: count('At least so many confirmed orders.'),
  ordersCountMax: count('At most so many confirmed orders.'),
  totalSpentMin: amount('At least so much spent, in minor units of the store currency.'),
  totalSpentMax: amount('At most so much spent, in minor units of the store currency.'),
  lastOrderAfter: instant('Latest confirmed order at or after this time.'),
  lastOrderBefore: instant('Latest confirmed order at or before this time.'),
  createdAfter: instant('Created at or after this time.'),
  createdBefore: instant('Created at or before this time.'),
  acceptsMarketing: Type.Optional(Type.Boolean({ description: 'Accepts marketing.' })),
  filter: text(
    'A query in the segment language; GET /v1/segments/attributes lists what it can ask.',
    'number_of_orders > 5 AND last_order_date < -90d',
    MAX_QUERY_LENGTH,
  ),
};

export const CustomerFilter = closed(customerFilter, {
  $id: 'CustomerFilter',
  description: 'Which customers are meant; all that is given must hold. Without any member: every customer.',
  examples: [{ tag: ['VIP'], country: ['DE', 'AT'], totalSpentMin: 10_000 }],
});
