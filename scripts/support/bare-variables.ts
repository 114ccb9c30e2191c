// Example data of the least that a mail can be rendered with.
import { KNOWN_VARIABLES, putIfMissing, type Variables } from '../../src/domain/mail/template-variables.ts';

/** What even a customer of whom nothing is known has, and the links that a mail of the kind is about. */
const BARE_NAMES = [
  'store.name',
  'store.color',
  'store.textOnColor',
  'store.linkColor',
  'store.locale',
  'store.timezone',
  'store.currency',
  'customer.id',
  'customer.ordersCount',
];
const BARE_ROOTS = ['order', 'links', 'tier', 'points', 'data'];
/** Not every store and mail has these. */
const OPTIONAL_NAMES = [
  'order.discount',
  'order.tax',
  'order.shippingAddress',
  'tier.endsAt',
  'links.shop',
  'links.login',
  'links.order',
  'links.tracking',
  'links.account',
];

/** The least that a mail can be rendered with: a store without a website, a customer without a name. */
export function bareVariables(
  declared: readonly { name: string; example?: unknown; fallback?: string }[] = [],
): Variables {
  const variables: Variables = {};
  for (const [name, { example }] of Object.entries(KNOWN_VARIABLES)) {
    const isThere = BARE_NAMES.includes(name) || BARE_ROOTS.includes(name.split('.', 1)[0] ?? '');
    if (isThere && !OPTIONAL_NAMES.includes(name)) putIfMissing(variables, name, structuredClone(example));
  }
  const needed = declared.filter(({ name }) =>
    [
      'data.amount',
      'data.currency',
      'data.products',
      'data.subject',
      'data.text',
      'data.paragraphs',
    ].includes(name),
  );
  for (const { name, example } of needed) putIfMissing(variables, name, structuredClone(example));
  return variables;
}
