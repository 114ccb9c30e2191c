// What every template may use: the variables that the service itself fills, by name, with an example of each.

/** First words of variables. `data` and `message` hold what a mail brings along itself, so a template declares those. */
export const TEMPLATE_ROOTS: readonly string[] = [
  'store',
  'customer',
  'order',
  'credit',
  'points',
  'tier',
  'referral',
  'offer',
  'links',
  'data',
  'message',
];

interface KnownVariable {
  description: string;
  example: unknown;
}

const money = (amount: number) => ({ amount, currency: 'EUR' });
const page = (path: string) => `https://shop.example/${path}`;

/** By name. A value that a mail does not have is missing; the template's policy says what that means. */
export const KNOWN_VARIABLES: Readonly<Record<string, KnownVariable>> = {
  'store.name': { description: 'Name of the store.', example: 'Lantern & Wick' },
  'store.email': { description: 'Address that mails come from.', example: 'hello@shop.example' },
  'store.url': { description: 'Website of the store.', example: 'https://shop.example' },
  'store.logoUrl': { description: 'Picture for the head of mails.', example: undefined },
  'store.color': { description: 'Colour of the store, `#rrggbb`.', example: '#1f4e79' },
  'store.textOnColor': { description: 'Black or white, to be read on that colour.', example: '#ffffff' },
  'store.linkColor': { description: 'The colour, dark enough to be read on white.', example: '#1f4e79' },
  'store.postalAddress': {
    description: 'Postal address, one line or several.',
    example: 'Lantern & Wick\nHafenstraße 12\n20457 Hamburg\nGermany',
  },
  'store.locale': { description: 'Language of the store.', example: 'en' },
  'store.timezone': { description: 'Time zone of the store.', example: 'Europe/Berlin' },
  'store.currency': { description: 'Currency of the store.', example: 'EUR' },
  'customer.id': { description: 'Id of the customer.', example: '0199a3c4-7e1f-7a60-9d39-6f1f3f1f9a11' },
  'customer.name': { description: 'How to call the customer, whatever is known.', example: 'Ada Lovelace' },
  'customer.firstName': { description: 'First name.', example: 'Ada' },
  'customer.lastName': { description: 'Last name.', example: 'Lovelace' },
  'customer.company': { description: 'Company.', example: 'Analytical Engines Ltd' },
  'customer.email': { description: 'Email address.', example: 'ada@example.com' },
  'customer.language': { description: 'Language of the customer (BCP 47).', example: 'en-GB' },
  'customer.timezone': { description: 'Time zone of the customer.', example: 'Europe/London' },
  'customer.ordersCount': { description: 'Orders that count.', example: 7 },
  'customer.totalSpent': { description: 'Money spent in all.', example: money(48_950) },
  'customer.lastOrderAt': { description: 'Time of the latest order.', example: '2026-03-02T09:30:00Z' },
  'customer.registeredAt': {
    description: 'When the account was registered.',
    example: '2024-05-17T12:00:00Z',
  },
  'customer.custom': {
    description: 'Custom fields by key: `customer.custom.shoeSize`.',
    example: { shoeSize: 38 },
  },
  'order.number': { description: 'Number of the order in the shop.', example: '10482' },
  'order.placedAt': { description: 'When it was placed.', example: '2026-03-02T09:30:00Z' },
  'order.items': {
    description: 'Its lines: title, quantity, unitPrice, discount, total, sku.',
    example: [
      {
        title: 'Beeswax candle, tall',
        quantity: 2,
        unitPrice: money(1_450),
        total: money(2_900),
        sku: 'BW-T',
      },
      { title: 'Brass wick trimmer', quantity: 1, unitPrice: money(2_250), total: money(2_250), sku: 'BR-1' },
    ],
  },
  'order.itemsTotal': { description: 'Sum of its lines.', example: money(5_150) },
  'order.shipping': { description: 'Shipping cost.', example: money(490) },
  'order.discount': { description: 'Discount on the whole order, if any.', example: money(500) },
  'order.tax': { description: 'Tax in the total.', example: money(821) },
  'order.total': { description: 'What was to be paid.', example: money(5_140) },
  'order.shippingAddress': {
    description: 'Where it goes: name, company, line1, line2, postcode, city, region, countryCode.',
    example: {
      name: 'Ada Lovelace',
      line1: '12 St James’s Square',
      postcode: 'SW1Y 4JH',
      city: 'London',
      countryCode: 'GB',
    },
  },
  'credit.balance': { description: 'Store credit that can be spent now.', example: money(2_500) },
  'credit.expiring': { description: 'The part that ends next, if any.', example: money(1_000) },
  'credit.expiresAt': { description: 'When that part ends.', example: '2026-12-31T22:59:59Z' },
  'points.balance': { description: 'Points that can be spent now.', example: 1_240 },
  'points.pending': { description: 'Points that become spendable later.', example: 85 },
  'points.expiring': { description: 'Points that end next, if any.', example: 300 },
  'points.expiresAt': { description: 'When those points end.', example: '2026-06-30T21:59:59Z' },
  'points.programme': { description: 'Name of the loyalty programme.', example: 'Rewards' },
  'tier.key': { description: 'Key of the tier.', example: 'gold' },
  'tier.name': { description: 'Name of the tier.', example: 'Gold' },
  'tier.since': { description: 'Since when.', example: '2026-03-02T09:30:00Z' },
  'tier.endsAt': { description: 'Until when, if it ends.', example: '2027-03-01T23:00:00Z' },
  'tier.multiplier': { description: 'Points for each unit of money, times this.', example: 1.5 },
  'tier.freeShipping': { description: 'Whether shipping is free.', example: true },
  'referral.code': { description: 'Code that the customer gives to friends.', example: 'ADA7K2QX' },
  'offer.code': { description: 'Personal code of the campaign.', example: 'SPRING-7QK2MX' },
  'links.shop': { description: 'Start page of the shop.', example: page('') },
  'links.account': { description: 'The customer’s account in the shop.', example: page('account') },
  'links.accept': { description: 'Accepts an invitation.', example: page('invitation/EXAMPLE') },
  'links.reset': { description: 'Sets a new password.', example: page('password-reset/EXAMPLE') },
  'links.verify': { description: 'Confirms the address of a registration.', example: page('verify/EXAMPLE') },
  'links.confirm': {
    description: 'Confirms a new address, or a consent.',
    example: page('confirm/EXAMPLE'),
  },
  'links.login': { description: 'Page to log in.', example: page('login') },
  'links.order': { description: 'Page of the order.', example: page('orders/10482') },
  'links.tracking': {
    description: 'Where the parcel is.',
    example: 'https://carrier.example/track/00340434',
  },
  'links.review': { description: 'Form for a review.', example: page('reviews/10482') },
  'links.survey': { description: 'The survey.', example: page('survey/EXAMPLE') },
  'links.preferences': {
    description: 'Preference centre; needs no log-in.',
    example: page('preferences/EXAMPLE'),
  },
  'links.unsubscribe': {
    description: 'Ends mails of this kind.',
    example: page('unsubscribe/EXAMPLE'),
  },
};

export const KNOWN_NAMES: readonly string[] = Object.keys(KNOWN_VARIABLES);

/** Values by root; what templates see. */
export type Variables = Record<string, unknown>;

const isPlain = (value: unknown): value is Variables =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/** Puts a value at a path, making what is on the way; what is there already stays. */
export function putIfMissing(into: Variables, path: string, value: unknown): void {
  const parts = path.split('.');
  const last = parts.pop() ?? '';
  let place = into;
  for (const part of parts) {
    if (place[part] === undefined || place[part] === null) place[part] = {};
    const next = place[part];
    if (typeof next !== 'object' || next === null || Array.isArray(next)) return;
    place = next as Variables;
  }
  if (place[last] === undefined || place[last] === null) place[last] = value;
}

/** `over` on top of `base`, objects member by member; neither is changed. */
export function mergeVariables(base: Variables, over: Variables): Variables {
  const merged: Variables = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    merged[key] = isPlain(below) && isPlain(value) ? mergeVariables(below, value) : value;
  }
  return merged;
}

/** A value for every known variable and for each declared one that has an example; theirs come first. */
export function exampleVariables(
  declared: readonly { name: string; example?: unknown; fallback?: string }[] = [],
  roots: readonly string[] = TEMPLATE_ROOTS,
): Variables {
  const variables: Variables = {};
  const put = (name: string, value: unknown) => {
    if (value !== undefined && roots.includes(name.split('.', 1)[0] ?? ''))
      putIfMissing(variables, name, structuredClone(value));
  };
  for (const { name, example } of declared) put(name, example);
  for (const [name, { example }] of Object.entries(KNOWN_VARIABLES)) put(name, example);
  return variables;
}
