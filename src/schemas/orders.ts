// The wire contract of orders. Amounts are whole minor units of the order's own currency, the same in requests and
// answers: what GET shows, PUT takes.
import Type, { type Static } from 'typebox';
import { MAX_ORDER_BATCH, ORDER_STATUSES, PLATFORM_STATUSES, REFUND_STATUSES } from '../domain/orders.ts';
import {
  Currency,
  closed,
  DateTime,
  Int64,
  nullable,
  page,
  ref,
  stringEnum,
  Timestamp,
  Uuid,
} from './helpers.ts';

/** Ids of other systems go into paths, so they are shorter than other text. */
const MAX_KEY_LENGTH = 128;
const MAX_ITEMS = 10_000;
const MAX_INT = 2 ** 31 - 1;

const text = (description: string, example: string, maxLength = 255) =>
  Type.String({ description, minLength: 1, maxLength, examples: [example] });
const amount = (description: string, example: number) =>
  Int64({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description, examples: [example] });
const quantity = (description: string) =>
  Type.Integer({ minimum: 1, maximum: MAX_INT, description, examples: [2] });

const externalId = text(
  'Id of the order in your platform; one order of the store has it.',
  '1001',
  MAX_KEY_LENGTH,
);
export const OrderParams = closed({
  externalId: text(
    'Id of the order in your platform. Where an order is read, the id of this service will do too.',
    '1001',
    MAX_KEY_LENGTH,
  ),
});

/** A line of an address, as the platform sent it: the order keeps its own copy (A5). */
const line = (description: string, example: string) =>
  Type.Optional(nullable(Type.String({ description, maxLength: 255, examples: [example] })));

export const OrderAddress = closed(
  {
    firstName: line('First name of the recipient.', 'Ada'),
    lastName: line('Last name of the recipient.', 'Lovelace'),
    company: line('Company.', 'Analytical Engines Ltd'),
    line1: line('Street and number.', 'Unter den Linden 1'),
    line2: line('Further address line.', '2nd floor'),
    city: line('City.', 'Berlin'),
    region: line('State or province.', 'Berlin'),
    postcode: line('Postcode.', '10117'),
    countryCode: Type.Optional(
      nullable(Type.String({ description: 'Country (ISO 3166-1 alpha-2).', maxLength: 2, examples: ['DE'] })),
    ),
    phone: Type.Optional(
      nullable(Type.String({ description: 'Phone.', maxLength: 40, examples: ['+4930901820'] })),
    ),
  },
  {
    $id: 'OrderAddress',
    description: 'An address as it was when the order was placed; kept as it was sent.',
  },
);

const itemIds = {
  productId: nullable(text('Id of the product in your platform.', 'p-17')),
  sku: nullable(text('Stock keeping unit.', 'LAMP-GREEN')),
};

const itemFields = {
  title: Type.String({
    description: 'Name of the product at the time.',
    maxLength: 1000,
    examples: ['Lantern'],
  }),
  quantity: quantity('Pieces.'),
  unitPrice: amount('Price of one piece, before the discount.', 2500),
};
const categories = Type.Array(text('A category.', 'lighting'), {
  maxItems: 100,
  description: 'Categories of the product.',
});
const tags = Type.Array(text('A tag.', 'handmade'), {
  maxItems: 100,
  description: 'Tags of the product.',
});
const itemDiscount = amount('Taken off this line as a whole.', 500);
const isGiftCard = Type.Boolean({
  description: 'The line is a gift card: money in advance, which earns no points.',
});
const itemTax = amount('The part of `tax` of the order that belongs to this line; information.', 718);

export const OrderItemInput = closed(
  {
    productId: Type.Optional(itemIds.productId),
    sku: Type.Optional(itemIds.sku),
    ...itemFields,
    categories: Type.Optional(categories),
    tags: Type.Optional(tags),
    discount: Type.Optional(itemDiscount),
    tax: Type.Optional(itemTax),
    isGiftCard: Type.Optional(isGiftCard),
  },
  {
    $id: 'OrderItemInput',
    description: 'One line of the order. Its total is quantity × unitPrice − discount.',
  },
);

export const OrderItem = closed(
  { ...itemIds, ...itemFields, categories, tags, discount: itemDiscount, tax: itemTax, isGiftCard },
  { $id: 'OrderItem', description: 'One line of the order. Its total is quantity × unitPrice − discount.' },
);

const RefundItem = closed(
  {
    productId: Type.Optional(itemIds.productId),
    sku: Type.Optional(itemIds.sku),
    quantity: quantity('Pieces that came back.'),
  },
  { description: 'Pieces that came back; the ids given must be those of an item.' },
);

export const OrderRefund = closed(
  {
    id: text('Id of the refund, unique in the order.', 'r-1'),
    amount: amount('Money given back.', 2500),
    at: DateTime({ description: 'When it was given back.', examples: ['2026-01-05T08:00:00.000Z'] }),
    items: Type.Optional(
      Type.Array(RefundItem, {
        maxItems: MAX_ITEMS,
        description: 'Pieces that came back, where they are known.',
      }),
    ),
  },
  { $id: 'OrderRefund', description: 'A refund of a part or all of the order.' },
);

const orderAmounts = {
  shipping: amount('Shipping, before tax unless `taxesIncluded`.', 490),
  tax: amount('All tax of the order.', 718),
  taxesIncluded: Type.Boolean({
    description: 'Unit prices and shipping contain the tax already, so it is not added.',
  }),
  discount: amount('Taken off the order as a whole, beyond the discounts of the lines.', 0),
};
const paid = {
  creditPaid: amount('The part of `total` that was paid with store credit; it earns no points.', 0),
  pointsPaid: amount('The part of `total` that was paid with points, as money; it earns no points.', 0),
};
const total = amount(
  'Σ (quantity × unitPrice − discount) + shipping + tax (unless included) − discount, exactly.',
  4990,
);
const currency = Currency({ description: 'ISO 4217 currency of every amount of this order.' });
const placed = 'When the order was placed.';
const updated =
  'When your platform last changed the order. A delivery that is older than the stored one is ignored (O3).';
const channel = nullable(text('Where it was sold.', 'web'));
const paymentMethod = nullable(text('How it was paid.', 'card'));
const couponCodes = Type.Array(text('A coupon code.', 'SUMMER'), {
  maxItems: 100,
  description: 'Coupon codes that were used.',
});
const isTest = Type.Boolean({ description: 'A test order counts for nothing (C7).' });
const email = nullable(
  Type.String({
    description: 'Email given at checkout; names the customer where no id does.',
    maxLength: 320,
    examples: ['Ada@Example.com'],
  }),
);

const OrderCustomerInput = closed(
  {
    id: Type.Optional(nullable(Uuid({ description: 'Id of the customer in this service.' }))),
    externalId: Type.Optional(nullable(text('Id of the customer in your platform.', 'shop-1001'))),
    firstName: Type.Optional(nullable(text('First name, for a new guest.', 'Ada'))),
    lastName: Type.Optional(nullable(text('Last name, for a new guest.', 'Lovelace'))),
    company: Type.Optional(nullable(text('Company, for a new guest.', 'Analytical Engines Ltd'))),
    phone: Type.Optional(nullable(text('Phone, for a new guest.', '+49 30 901820', 40))),
  },
  {
    description:
      'Whose order it is: found by id, externalId, then the email of the order; else a guest is made (O2).',
  },
);

const content = {
  status: stringEnum(PLATFORM_STATUSES, {
    description:
      'State in your platform. `refunded` and `partially_refunded` leave the state of the goods as it is; the refunds must agree (O3).',
  }),
  currency,
  placedAt: DateTime({ description: placed, examples: ['2026-01-01T10:00:00.000Z'] }),
  updatedAt: DateTime({ description: updated, examples: ['2026-01-01T10:00:00.000Z'] }),
  customer: Type.Optional(OrderCustomerInput),
  email: Type.Optional(email),
  items: Type.Array(ref(OrderItemInput), { maxItems: MAX_ITEMS, description: 'The lines.' }),
  shipping: Type.Optional(orderAmounts.shipping),
  tax: Type.Optional(orderAmounts.tax),
  taxesIncluded: Type.Optional(orderAmounts.taxesIncluded),
  discount: Type.Optional(orderAmounts.discount),
  total,
  creditPaid: Type.Optional(paid.creditPaid),
  pointsPaid: Type.Optional(paid.pointsPaid),
  refunds: Type.Optional(
    Type.Array(ref(OrderRefund), {
      maxItems: 1000,
      description: 'All refunds; left out, the stored ones stay, and an empty list says that there are none.',
    }),
  ),
  paymentMethod: Type.Optional(paymentMethod),
  channel: Type.Optional(channel),
  couponCodes: Type.Optional(couponCodes),
  shippingAddress: Type.Optional(ref(OrderAddress, { description: 'Where the goods go.' })),
  billingAddress: Type.Optional(ref(OrderAddress, { description: 'Who pays.' })),
  isTest: Type.Optional(isTest),
};

const EXAMPLE = {
  status: 'confirmed',
  currency: 'EUR',
  placedAt: '2026-01-01T10:00:00.000Z',
  updatedAt: '2026-01-01T10:00:00.000Z',
  email: 'Ada@Example.com',
  customer: { externalId: 'shop-1001', firstName: 'Ada', lastName: 'Lovelace' },
  items: [
    { productId: 'p-17', sku: 'LAMP-GREEN', title: 'Lantern', quantity: 2, unitPrice: 2500, discount: 500 },
  ],
  shipping: 490,
  total: 4990,
  paymentMethod: 'card',
  channel: 'web',
};

export const OrderUpsert = closed(content, {
  $id: 'OrderUpsert',
  description:
    'The whole order as your platform has it now. Every amount is an integer in the minor unit of `currency` (1250 is 12.50 EUR). What is left out is empty, except `refunds`.',
  examples: [EXAMPLE],
});
export type OrderUpsert = Static<typeof OrderUpsert>;

export const OrderBatchEntry = closed(
  { externalId, ...content },
  {
    $id: 'OrderBatchEntry',
    description: 'One order of a batch: as for a single one, with its id.',
    examples: [{ externalId: '1001', ...EXAMPLE }],
  },
);

export const OrderBatch = closed(
  {
    orders: Type.Array(ref(OrderBatchEntry), {
      minItems: 1,
      maxItems: MAX_ORDER_BATCH,
      description: 'The orders, taken one after the other; one may come several times.',
    }),
  },
  {
    $id: 'OrderBatch',
    description: `Up to ${MAX_ORDER_BATCH} orders.`,
    examples: [{ orders: [{ externalId: '1001', ...EXAMPLE }] }],
  },
);
export type OrderBatch = Static<typeof OrderBatch>;

const ResultError = closed(
  {
    pointer: Type.String({ description: 'JSON Pointer into the order.', examples: ['/total'] }),
    message: Type.String({ description: 'What is wrong there, for people.' }),
    code: Type.Optional(Type.String({ description: 'What is wrong there, for programs.' })),
  },
  { description: 'One place to mend.' },
);

const ResultProblem = closed(
  {
    code: Type.String({ description: 'The error for programs.', examples: ['ORDER_TOTAL_MISMATCH'] }),
    title: Type.String({ description: 'The error in a few words.' }),
    detail: Type.String({ description: 'What to do about it.' }),
    errors: Type.Array(ResultError, { description: 'Places of the order to mend.' }),
  },
  { description: 'Why the order was refused.' },
);

export const OrderResult = closed(
  {
    externalId: Type.String({ description: 'The order.', examples: ['1001'] }),
    outcome: stringEnum(['created', 'updated', 'unchanged', 'ignored', 'refused'], {
      description:
        '`ignored`: a newer version is stored already. `refused`: see `problem`; nothing of the order was changed.',
    }),
    id: Type.Optional(Uuid({ description: 'Id of the stored order.' })),
    customerId: Type.Optional(Uuid({ description: 'Customer of the stored order.' })),
    problem: Type.Optional(ResultProblem),
  },
  { $id: 'OrderResult', description: 'What became of one order of a batch.' },
);

export const OrderBatchResult = closed(
  {
    results: Type.Array(ref(OrderResult), {
      description: 'One for each order, in the order in which they were sent.',
    }),
  },
  { $id: 'OrderBatchResult', description: 'What became of the orders of a batch.' },
);

const Snapshot = closed(
  {
    groupIds: Type.Array(Uuid({ description: 'Id of a group.' }), { description: 'Groups of the customer.' }),
    primaryGroupId: nullable(Uuid({ description: 'The main group.' })),
    tier: nullable(Type.String({ description: 'Loyalty tier.' })),
    priceBasis: stringEnum(['retail', 'wholesale'], { description: 'Which prices the customer got.' }),
  },
  { description: 'What applied when the order first came; later changes do not rewrite it (O7).' },
);

const OrderCustomer = closed(
  { id: Uuid({ description: 'Id of the customer.' }) },
  { description: 'Whose order it is.' },
);

export const Order = closed(
  {
    id: Uuid({ description: 'Id of the order in this service.' }),
    externalId,
    status: stringEnum(ORDER_STATUSES, { description: 'Where the goods are (O3).' }),
    refundStatus: stringEnum(REFUND_STATUSES, { description: 'Follows from the refunds.' }),
    currency,
    placedAt: Timestamp({ description: placed }),
    updatedAt: Timestamp({ description: 'When your platform last changed the order.' }),
    customer: OrderCustomer,
    email,
    items: Type.Array(ref(OrderItem), { description: 'The lines.' }),
    ...orderAmounts,
    total,
    ...paid,
    refunds: Type.Array(ref(OrderRefund), { description: 'All refunds.' }),
    refundedTotal: amount('Sum of the refunds.', 0),
    deliveredAt: nullable(
      Timestamp({
        description: 'When your platform first told that the goods had arrived; null until then.',
      }),
    ),
    paymentMethod,
    channel,
    couponCodes,
    shippingAddress: Type.Optional(ref(OrderAddress, { description: 'Where the goods went.' })),
    billingAddress: Type.Optional(ref(OrderAddress, { description: 'Who paid.' })),
    isTest,
    snapshot: Snapshot,
    version: Type.Integer({ description: 'Grows by one with each change; the ETag.', examples: [1] }),
    receivedAt: Timestamp({ description: 'When this service first heard of the order.' }),
    changedAt: Timestamp({ description: 'When it last changed in this service.' }),
  },
  {
    $id: 'Order',
    description:
      'An order, as the platform told it. Every amount is an integer in the minor unit of `currency`.',
  },
);

export const OrderPage = page(Order, 'OrderPage');

/** Filters of every list of orders. */
export const orderFilter = {
  status: Type.Optional(stringEnum(ORDER_STATUSES, { description: 'Only orders in this state.' })),
  refundStatus: Type.Optional(
    stringEnum(REFUND_STATUSES, { description: 'Only orders with this refund status.' }),
  ),
  placedFrom: Type.Optional(
    DateTime({ description: 'Placed at this instant or later.', examples: ['2026-01-01T00:00:00Z'] }),
  ),
  placedBefore: Type.Optional(
    DateTime({ description: 'Placed before this instant.', examples: ['2026-02-01T00:00:00Z'] }),
  ),
};

export const OrdersFile = Type.String({
  description: 'CSV with a line per order; amounts in major units with a dot.',
});

export const Reorder = closed(
  {
    knownProductIds: Type.Optional(
      Type.Array(text('A productId, or the sku of an item without one.', 'p-17'), {
        maxItems: 50_000,
        description: 'What the storefront still sells; left out, every item with an id counts as known.',
      }),
    ),
  },
  {
    $id: 'Reorder',
    description: 'What the storefront knows.',
    examples: [{ knownProductIds: ['p-17', 'p-18'] }],
  },
);

const cartLine = {
  ...itemIds,
  title: Type.String({ description: 'Name of the product at the time.' }),
  quantity: Int64({ description: 'Pieces.', examples: [2] }),
};

export const Cart = closed(
  {
    orderId: Uuid({ description: 'The order.' }),
    customerId: Uuid({ description: 'The customer of the order.' }),
    lines: Type.Array(closed(cartLine, { description: 'A line of the cart.' }), {
      description: 'One line per product; prices are those of the storefront today.',
    }),
    skipped: Type.Array(
      closed(
        {
          ...cartLine,
          reason: stringEnum(['NO_PRODUCT_ID', 'PRODUCT_UNKNOWN'], {
            description: 'Why it is not in the cart.',
          }),
        },
        { description: 'An item that cannot be bought again.' },
      ),
      { description: 'Items that cannot be bought again.' },
    ),
  },
  { $id: 'Cart', description: 'An order once more, for the cart of a storefront (O5).' },
);

const rank = {
  quantity: Int64({ description: 'Pieces kept.', examples: [7] }),
  amount: Int64({
    description: 'Line totals in minor units of `currency`, net of what came back.',
    examples: [17500],
  }),
};
const ProductRank = closed(
  { ...itemIds, title: Type.String({ description: 'Newest name of the product.' }), ...rank },
  { description: 'A product.' },
);
const CategoryRank = closed(
  { category: Type.String({ description: 'The category.', examples: ['lighting'] }), ...rank },
  { description: 'A category.' },
);
const productRanks = (description: string) => Type.Array(ProductRank, { description });
const categoryRanks = (description: string) => Type.Array(CategoryRank, { description });
const count = (description: string) => Type.Integer({ description });

export const CustomerInsights = closed(
  {
    orders: count('Orders that count (C7).'),
    currency: Currency({
      description:
        'Currency of the store, and of every amount here; orders in others count as orders and pieces only.',
    }),
    totalSpent: Int64({ description: 'Net of refunds, in minor units.', examples: [49900] }),
    averageOrderValue: nullable(
      Int64({ description: 'In minor units; null without orders in this currency.', examples: [4990] }),
    ),
    firstOrderAt: nullable(Timestamp({ description: 'First order.' })),
    lastOrderAt: nullable(Timestamp({ description: 'Latest order.' })),
    averageDaysBetweenOrders: nullable(
      Type.Number({ description: 'To one decimal; null below two orders.', examples: [31.5] }),
    ),
    expectedNextOrderAt: nullable(
      Timestamp({ description: 'Latest order plus the average gap; may lie in the past.' }),
    ),
    paymentMethods: Type.Array(
      closed(
        {
          method: Type.String({ description: 'How it was paid.', examples: ['card'] }),
          orders: count('Orders paid so.'),
          share: Type.Number({ description: '0 to 1, of the orders that name a method.', examples: [0.75] }),
        },
        { description: 'A payment method.' },
      ),
      { description: 'Most used first.' },
    ),
    hours: Type.Array(count('Orders.'), {
      description: 'Orders by hour of the day, 0 to 23, in the time zone of the store.',
    }),
    weekdays: Type.Array(count('Orders.'), { description: 'Orders by weekday, Monday first.' }),
    peakHour: nullable(count('Hour with the most orders; null without any.')),
    peakWeekday: nullable(count('Weekday with the most orders, 1 is Monday; null without any.')),
    products: closed(
      { byQuantity: productRanks('By pieces, at most 10.'), byAmount: productRanks('By money, at most 10.') },
      { description: 'Most purchased products.' },
    ),
    categories: closed(
      {
        byQuantity: categoryRanks('By pieces, at most 10.'),
        byAmount: categoryRanks('By money, at most 10.'),
      },
      { description: 'Most purchased categories.' },
    ),
  },
  { $id: 'CustomerInsights', description: 'Habits of a customer, from the orders that count (O6).' },
);

/** Everything above that has a name. */
export const orderSchemas = [
  OrderAddress,
  OrderItemInput,
  OrderItem,
  OrderRefund,
  OrderUpsert,
  OrderBatchEntry,
  OrderBatch,
  OrderResult,
  OrderBatchResult,
  Order,
  OrderPage,
  Reorder,
  Cart,
  CustomerInsights,
];
