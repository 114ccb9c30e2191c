// A demo store: invented customers and orders, the same each time for the same day. The numbers are chosen to look like
// a shop: few buy much, December is busy, a few per cent are cancelled or refunded.
import type { AccountStatus } from './account-states.ts';
import { DAY_MS } from './days.ts';
import { DEFAULT_PROGRAMME, type ProgrammeSettings } from './loyalty/programme.ts';
import type { IncomingOrder } from './order-upserts.ts';
import {
  lineTotal,
  type OrderAddress,
  type OrderItem,
  type OrderRefund,
  type PlatformStatus,
} from './orders.ts';

export interface DemoSizes {
  customers: number;
  orders: number;
}

export const DEMO_SIZES: DemoSizes = { customers: 2_000, orders: 10_000 };

export interface DemoCustomer {
  externalId: string;
  email: string;
  firstName: string;
  lastName: string;
  company: string | null;
  language: string;
  birthday: { month: number; day: number };
  accountStatus: Extract<AccountStatus, 'guest' | 'active'>;
  wholesale: boolean;
  tags: string[];
  groupName: string;
  note: string | null;
  address: OrderAddress;
  createdAt: Date;
}

/** The suggestion for a new shop, with points for friends, reviews and the newsletter. */
export const DEMO_PROGRAMME: ProgrammeSettings = {
  ...DEFAULT_PROGRAMME,
  rules: [
    ...DEFAULT_PROGRAMME.rules,
    { id: 'newsletter', kind: 'event', event: 'newsletter', points: 50 },
    { id: 'review', kind: 'event', event: 'review', points: 25, maxPerDay: 50 },
    { id: 'birthday', kind: 'event', event: 'birthday', points: 100 },
    { id: 'refer-a-friend', kind: 'event', event: 'referral', side: 'advocate', points: 500 },
    { id: 'welcome-friend', kind: 'event', event: 'referral', side: 'friend', points: 250 },
  ],
  referrals: { minimumAmount: 2_000, returnDays: 14, maxPerAdvocate: 20, onRefund: 'reverse' },
};

/** What some active customers are given: minor units of store credit, and points. */
export const DEMO_GIFTS: readonly { credit: number; points: number; reason: string }[] = [
  { credit: 2_500, points: 200, reason: 'Parcel arrived late' },
  { credit: 1_000, points: 0, reason: 'Wrong colour, customer keeps it' },
  { credit: 0, points: 150, reason: 'Thanks for the photo' },
  { credit: 4_900, points: 0, reason: 'Returned without a receipt' },
];

export interface DemoOrder {
  externalId: string;
  customerExternalId: string;
  order: IncomingOrder;
}

const FIRST_NAMES = [
  'Ada',
  'Ben',
  'Clara',
  'David',
  'Elif',
  'Finn',
  'Greta',
  'Hannes',
  'Ines',
  'Jonas',
  'Katja',
  'Liam',
  'Mara',
  'Noah',
  'Olga',
  'Paul',
  'Rosa',
  'Samir',
  'Thea',
  'Umut',
  'Vera',
  'Wim',
  'Xenia',
  'Yusuf',
  'Zoé',
  'Åsa',
  'Łukasz',
  'Chloé',
];
const LAST_NAMES = [
  'Adler',
  'Becker',
  'Costa',
  'Dubois',
  'Engel',
  'Fischer',
  'Garcia',
  'Hansen',
  'Ivanova',
  'Jansen',
  'Keller',
  'Lorenz',
  'Müller',
  'Nowak',
  'Olsen',
  'Peeters',
  'Richter',
  'Schmidt',
  'Tanaka',
  'Ullrich',
  'Vogel',
  'Weber',
  'Yilmaz',
  'Zimmer',
];
const TRADES = ['Outfitters', 'Lodge', 'Cycling', 'Climbing Hall', 'Camp', 'Expeditions'];
const PLACES = [
  { city: 'Berlin', postcode: '10115', countryCode: 'DE', language: 'de' },
  { city: 'Hamburg', postcode: '20095', countryCode: 'DE', language: 'de' },
  { city: 'München', postcode: '80331', countryCode: 'DE', language: 'de' },
  { city: 'Wien', postcode: '1010', countryCode: 'AT', language: 'de' },
  { city: 'Zürich', postcode: '8001', countryCode: 'CH', language: 'de' },
  { city: 'Paris', postcode: '75001', countryCode: 'FR', language: 'fr' },
  { city: 'Amsterdam', postcode: '1011', countryCode: 'NL', language: 'nl' },
  { city: 'London', postcode: 'EC1A 1BB', countryCode: 'GB', language: 'en' },
] as const;
const STREETS = ['Am Markt', 'Lindenweg', 'Station Road', 'Rue du Bac', 'Keizersgracht', 'Bergstraße'];
const NOTES = [
  'Prefers delivery on Saturdays.',
  'Asked for a catalogue of the winter range.',
  'Sizes run small for this customer: offer an exchange first.',
  'Met at the trade fair, interested in bulk prices.',
];

/** Title, price in minor units, category, tags. */
const PRODUCTS = [
  ['Storm lantern', 3_490, 'Light', ['handmade']],
  ['Head torch', 2_450, 'Light', []],
  ['Solar garland', 1_990, 'Light', ['solar']],
  ['Two-person tent', 24_900, 'Tents', []],
  ['Family tent', 54_900, 'Tents', []],
  ['Tarp 3 × 3 m', 7_990, 'Tents', []],
  ['Down sleeping bag', 19_900, 'Sleep', []],
  ['Wool blanket', 8_900, 'Sleep', ['wool', 'handmade']],
  ['Sleeping mat', 5_990, 'Sleep', []],
  ['Enamel mug', 1_290, 'Kitchen', ['gift idea']],
  ['Gas stove', 6_490, 'Kitchen', []],
  ['Coffee press', 3_990, 'Kitchen', ['gift idea']],
  ['Pocket knife', 2_990, 'Tools', ['gift idea']],
  ['Hatchet', 5_490, 'Tools', []],
  ['Fire steel', 1_590, 'Tools', []],
  ['Merino shirt', 7_490, 'Clothing', ['wool']],
  ['Rain jacket', 15_900, 'Clothing', []],
  ['Hiking socks', 1_890, 'Clothing', ['wool', 'gift idea']],
  ['Trekking boots', 18_900, 'Shoes', []],
  ['Camp shoes', 4_990, 'Shoes', []],
  ['Backpack 45 l', 14_900, 'Packs', []],
  ['Dry bag', 2_190, 'Packs', []],
] as const;

const SPAN_DAYS = 730;
const FREE_SHIPPING_FROM = 10_000;
const SHIPPING = 490;

/** A stream of numbers in [0, 1) that is the same for the same seed (mulberry32). */
type Chance = () => number;

function chanceOf(seed: number): Chance {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const below = (chance: Chance, limit: number): number => Math.floor(chance() * limit);
const pick = <T>(chance: Chance, values: readonly T[]): T => values[below(chance, values.length)] as T;

const asciiOf = (name: string): string =>
  name.normalize('NFKD').replace(/\p{M}/gu, '').replaceAll('Ł', 'L').toLowerCase();

function demoCustomer(chance: Chance, number: number, start: number, share: number): DemoCustomer {
  const firstName = pick(chance, FIRST_NAMES);
  const lastName = pick(chance, LAST_NAMES);
  const { language, ...place } = pick(chance, PLACES);
  const isBusiness = chance() < 0.08;
  const isActive = isBusiness || chance() < 0.55;
  return {
    externalId: `demo-customer-${number}`,
    email: `${asciiOf(firstName)}.${asciiOf(lastName)}.${number}@example.com`,
    firstName,
    lastName,
    company: isBusiness ? `${lastName} ${pick(chance, TRADES)}` : null,
    language,
    birthday: { month: 1 + below(chance, 12), day: 1 + below(chance, 28) },
    accountStatus: isActive ? 'active' : 'guest',
    wholesale: isBusiness,
    tags: demoTags(chance, isBusiness, share),
    groupName: isBusiness ? 'Business' : 'Standard',
    note: chance() < 0.05 ? pick(chance, NOTES) : null,
    address: { firstName, lastName, line1: `${pick(chance, STREETS)} ${1 + below(chance, 120)}`, ...place },
    createdAt: new Date(start + Math.floor(share * chance() * SPAN_DAYS * DAY_MS)),
  };
}

/** The first customers buy most: they are the ones whom a shop marks. */
function demoTags(chance: Chance, isBusiness: boolean, share: number): string[] {
  return [
    ...(share < 0.03 ? ['VIP'] : []),
    ...(share < 0.1 ? ['High-value'] : []),
    ...(isBusiness ? ['Wholesale'] : []),
    ...(chance() < 0.02 ? ['Influencer'] : []),
    ...(chance() < 0.05 ? ['At-risk'] : []),
  ];
}

function demoItem(chance: Chance): OrderItem {
  const index = below(chance, PRODUCTS.length);
  const [title, unitPrice, category, tags] = PRODUCTS[index] as (typeof PRODUCTS)[number];
  return {
    productId: `demo-product-${index + 1}`,
    sku: `DEMO-${String(index + 1).padStart(3, '0')}`,
    title,
    categories: [category],
    tags: [...tags],
    quantity: chance() < 0.8 ? 1 : 2 + below(chance, 3),
    unitPrice,
    discount: 0,
    tax: 0,
    isGiftCard: false,
  };
}

/** One to four lines, each product once. */
function demoItems(chance: Chance): OrderItem[] {
  const count = 1 + below(chance, 4);
  const items = Array.from({ length: count }, () => demoItem(chance));
  return [...new Map(items.map((item) => [item.productId, item])).values()];
}

function demoStatus(chance: Chance, ageDays: number): PlatformStatus {
  if (chance() < 0.04) return 'cancelled';
  if (ageDays > 21) return 'completed';
  if (ageDays > 7) return 'delivered';
  if (ageDays > 3) return 'shipped';
  if (ageDays > 1) return 'processing';
  return chance() < 0.8 ? 'confirmed' : 'pending';
}

function demoRefunds(
  chance: Chance,
  number: number,
  total: number,
  placedAt: Date,
  until: Date,
): OrderRefund[] {
  if (chance() >= 0.04) return [];
  const amount = chance() < 0.5 ? total : Math.ceil(total / 2);
  const at = new Date(Math.min(placedAt.getTime() + 9 * DAY_MS, until.getTime()));
  return [{ id: `demo-refund-${number}`, amount, at: at.toISOString() }];
}

interface Purchase {
  customer: DemoCustomer;
  placedAt: Date;
}

function demoOrder(
  chance: Chance,
  number: number,
  { customer, placedAt }: Purchase,
  until: Date,
  currency: string,
): DemoOrder {
  const items = demoItems(chance);
  const goods = items.reduce((sum, item) => sum + lineTotal(item), 0);
  const hasCoupon = chance() < 0.1;
  const discount = hasCoupon ? Math.floor(goods / 10) : 0;
  const shipping = goods >= FREE_SHIPPING_FROM ? 0 : SHIPPING;
  const total = goods + shipping - discount;
  const status = demoStatus(chance, (until.getTime() - placedAt.getTime()) / DAY_MS);
  const order: IncomingOrder = {
    status,
    currency,
    items,
    shipping,
    tax: Math.round((total * 19) / 119),
    taxesIncluded: true,
    discount,
    total,
    creditPaid: 0,
    pointsPaid: 0,
    refunds: status === 'completed' ? demoRefunds(chance, number, total, placedAt, until) : [],
    placedAt,
    platformUpdatedAt: placedAt,
    paymentMethod: pick(chance, ['card', 'card', 'paypal', 'invoice']),
    channel: pick(chance, ['web', 'web', 'web', 'app', 'shop']),
    couponCodes: hasCoupon ? ['WELCOME10'] : [],
    email: customer.email,
    isTest: chance() < 0.005,
    shippingAddress: customer.address,
    billingAddress: null,
  };
  return { externalId: `demo-order-${number}`, customerExternalId: customer.externalId, order };
}

/** Somewhere after the customer came; evenings and December see more. */
function purchaseTime(chance: Chance, customer: DemoCustomer, until: Date): Date {
  const from = customer.createdAt.getTime();
  const moment = () => new Date(from + Math.floor(chance() * (until.getTime() - from)));
  const first = moment();
  const isBusy = first.getUTCMonth() === 11 || first.getUTCHours() >= 16;
  return isBusy ? first : chance() < 0.5 ? first : moment();
}

/**
 * Customers in the order in which they count, and orders in the order in which they were placed, over the two years
 * before `until`.
 */
export function demoStore(
  until: Date,
  currency: string,
  sizes: DemoSizes = DEMO_SIZES,
): { customers: DemoCustomer[]; orders: DemoOrder[] } {
  const chance = chanceOf(20_260_131);
  const start = until.getTime() - SPAN_DAYS * DAY_MS;
  const customers = Array.from({ length: sizes.customers }, (_, index) =>
    demoCustomer(chance, index + 1, start, index / sizes.customers),
  );
  const purchases = Array.from({ length: sizes.orders }, (): Purchase => {
    // Squared, so that a tenth of the customers place a third of the orders.
    const customer = customers[Math.floor(chance() ** 2 * customers.length)] as DemoCustomer;
    return { customer, placedAt: purchaseTime(chance, customer, until) };
  });
  purchases.sort((a, b) => a.placedAt.getTime() - b.placedAt.getTime());
  return {
    customers,
    orders: purchases.map((purchase, index) => demoOrder(chance, index + 1, purchase, until, currency)),
  };
}
