// Customers made to be hard for segment evaluators: missing values, empty lists, ties, boundary days, leap days, other
// currencies, merged and erased ones. The same ones for the same seed.
import fc from 'fast-check';
import { newId } from '../../src/context.ts';
import { transaction } from '../../src/db/connection.ts';
import { insertRows } from '../../src/db/record-sets.ts';
import { addresses } from '../../src/db/tables/addresses.ts';
import { customerTags } from '../../src/db/tables/customer-tags.ts';
import { customers } from '../../src/db/tables/customers.ts';
import { groupMembers } from '../../src/db/tables/group-members.ts';
import { groups } from '../../src/db/tables/groups.ts';
import { orderItems, orders } from '../../src/db/tables/orders.ts';
import { tags } from '../../src/db/tables/tags.ts';
import { ACCOUNT_STATUSES } from '../../src/domain/account-states.ts';
import { addressKeys } from '../../src/domain/addresses.ts';
import { GENDERS, SOURCES } from '../../src/domain/customers.ts';
import { foldText } from '../../src/domain/fields.ts';
import { groupKey } from '../../src/domain/groups.ts';
import { isCounted } from '../../src/domain/order-counters.ts';
import { itemKeys, ORDER_STATUSES } from '../../src/domain/orders.ts';
import { Calendar } from '../../src/domain/segments/moments.ts';
import { tagKey } from '../../src/domain/tags.ts';
import type { TestStore } from './harness.ts';
import { possess, possessions } from './segment-accounts.ts';
import { acceptsMarketing, state, statements } from './segment-consents.ts';
import { correspond, correspondence } from './segment-mails.ts';
import {
  AMOUNTS,
  CATEGORIES,
  CHANNELS,
  CITIES,
  COMPANIES,
  COUNTRIES,
  COUPONS,
  CURRENCIES,
  DOMAINS,
  GROUPS,
  MOMENTS,
  POSTCODES,
  REGIONS,
  TAGS,
  WORDS,
} from './segment-pools.ts';

const insert = {
  tags: insertRows<object>('test_tags', tags),
  groups: insertRows<object>('test_groups', groups, { quiet: true }),
  customers: insertRows<object>('test_customers', customers),
  customerTags: insertRows<object>('test_customer_tags', customerTags),
  groupMembers: insertRows<object>('test_group_members', groupMembers),
  addresses: insertRows<object>('test_addresses', addresses),
  orders: insertRows<object>('test_orders', orders),
  orderItems: insertRows<object>('test_order_items', orderItems),
};

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null, freq: 3 });
const pick = <T>(values: readonly T[]) => fc.constantFrom(...values);
const some = <T>(values: readonly T[]) => fc.subarray([...values], { maxLength: 3 });

/** An instant at or near the beginning of a day near one of the moments, or at a moment itself. */
function instants(timezone: string): fc.Arbitrary<Date> {
  const around = fc
    .tuple(
      pick(MOMENTS),
      pick([-365, -91, -90, -89, -31, -30, -8, -7, -6, -1, 0, 1, 6, 7, 8]),
      pick([-1, 0, 1, 3_600_000]),
    )
    .map(([moment, days, shift]) => {
      const calendar = new Calendar(new Date(moment), timezone);
      return new Date(calendar.startOf(calendar.today + days) + shift);
    });
  return fc.oneof(
    around,
    pick(MOMENTS).map((moment) => new Date(moment)),
  );
}

const birthdays = fc.oneof(
  fc.constant({ birthdayMonth: null, birthdayDay: null }),
  pick([
    [2, 28],
    [2, 29],
    [3, 1],
    [12, 31],
    [1, 1],
    [11, 22],
    [11, 29],
    [5, 31],
  ]).map(([birthdayMonth = 1, birthdayDay = 1]) => ({ birthdayMonth, birthdayDay })),
);

const custom = fc.record(
  {
    nick: fc.oneof(pick<string | number>([...WORDS]), fc.constant(7)),
    shoe_size: fc.oneof(pick<string | number>([0, 42, 42.5, -1.25]), fc.constant('42')),
    b2b: fc.oneof(fc.boolean(), fc.constant('true')),
    since: pick(['2024-02-29', '2025-12-31', '2026-11-22', '2026-11-15']),
    level: pick(['Gold', 'silver', 'bronze']),
  },
  { requiredKeys: [] },
);

const address = fc.record({
  city: maybe(pick(CITIES)),
  postcode: maybe(pick(POSTCODES)),
  place: maybe(pick(REGIONS)),
  countryCode: maybe(pick(COUNTRIES)),
});

const item = fc.record({
  productId: maybe(pick(['p1', 'p2', 'P1'])),
  sku: maybe(pick(['s-1', "s'2"])),
  categories: some(CATEGORIES),
  tags: some(TAGS),
  quantity: pick([1, 2, 10]),
  total: pick(AMOUNTS),
});

const orderOf = (timezone: string, currency: string) =>
  fc.record({
    status: pick(ORDER_STATUSES),
    currency: fc.oneof(fc.constant(currency), pick(CURRENCIES)),
    placedAt: instants(timezone),
    total: pick(AMOUNTS),
    refund: fc.boolean(),
    paymentMethod: maybe(pick(['card', 'Card', 'invoice'])),
    channel: maybe(pick(CHANNELS)),
    couponCodes: some(COUPONS),
    isTest: fc.integer({ min: 0, max: 9 }).map((roll) => roll === 0),
    items: fc.array(item, { maxLength: 3 }),
  });

const customerOf = (timezone: string, currency: string) =>
  fc.record({
    accountStatus: fc.oneof(
      { weight: 6, arbitrary: pick(['guest', 'invited', 'active', 'disabled']) },
      pick(ACCOUNT_STATUSES),
    ),
    createdAt: instants(timezone),
    registeredAt: maybe(instants(timezone)),
    source: pick(SOURCES),
    language: maybe(pick(['de', 'de-AT', 'en-GB', 'EN'])),
    company: maybe(pick(COMPANIES)),
    birthday: birthdays,
    birthdayYear: maybe(pick([1985, 2000, 2004, 2008])),
    gender: maybe(pick(GENDERS)),
    domain: maybe(pick(DOMAINS)),
    phoneCountry: maybe(pick(COUNTRIES)),
    defaultCountry: maybe(pick(COUNTRIES)),
    wholesale: fc.boolean(),
    phone: fc.boolean(),
    statements: statements(instants(timezone)),
    correspondence: correspondence(instants(timezone)),
    custom,
    totalSpent: pick(AMOUNTS),
    refundedTotal: pick(AMOUNTS),
    firstOrderAt: maybe(instants(timezone)),
    lastOrderAt: maybe(instants(timezone)),
    tags: some(TAGS),
    groups: some(GROUPS),
    addresses: fc.array(address, { maxLength: 3 }),
    orders: fc.array(orderOf(timezone, currency), { maxLength: 5 }),
    possessions: possessions(instants(timezone), currency),
  });

type Generated = ReturnType<typeof customerOf> extends fc.Arbitrary<infer T> ? T : never;

const NOW = new Date('2026-11-22T10:30:00Z');
const times = { createdAt: NOW, updatedAt: NOW };

/** Where the customer can be reached. */
const addressesOf = ({ domain, phone }: Generated, index: number) => ({
  email: domain === null ? null : `c${index}@${domain}`,
  phone: phone ? `+4930${100_000 + index}` : null,
});

function customerRow(id: string, index: number, generated: Generated) {
  const { domain, company, birthday, birthdayYear, statements, correspondence, ...columns } = generated;
  const { email, phone } = addressesOf(generated, index);
  return {
    ...columns,
    ...birthday,
    phone,
    acceptsMarketing: acceptsMarketing({ email, statements }),
    birthdayYear: birthday.birthdayMonth === null ? null : birthdayYear,
    id,
    externalId: `e${index}`,
    email,
    emailNorm: email,
    company,
    sortCompany: company && foldText(company),
    // C7; what `any` of the registry stands on.
    ordersCount: generated.orders.filter(isCounted).length,
    sortName: String(index),
    searchText: '',
    version: 1,
    updatedAt: NOW,
  };
}

function orderRows(customerId: string, { orders: list }: Generated) {
  return list.map(({ items, refund, ...order }) => {
    const id = newId();
    const row = {
      ...order,
      id,
      customerId,
      externalId: id,
      refundStatus: 'none',
      platformUpdatedAt: NOW,
      shipping: 0,
      tax: 0,
      taxesIncluded: true,
      discount: 0,
      creditPaid: 0,
      pointsPaid: 0,
      refundedTotal: refund ? Math.floor(order.total / 2) : 0,
      refunds: [],
      snapshot: {},
      version: 1,
      ...times,
    };
    const lines = items.map((line, position) => ({
      ...line,
      ...itemKeys(line),
      orderId: id,
      position,
      title: 'Thing',
      isGiftCard: false,
      unitPrice: line.total,
      discount: 0,
      tax: 0,
    }));
    return { row, lines };
  });
}

const addressRows = (customerId: string, { addresses: list }: Generated) =>
  list.map(({ place, ...fields }) => {
    const [region = null, regionCode = null] = place ?? [];
    const id = newId();
    const named = { ...fields, region, regionCode };
    return {
      ...named,
      ...addressKeys(named),
      id,
      customerId,
      contentKey: id,
      isDefault: false,
      isDefaultBilling: false,
      ...times,
    };
  });

/** Fills a store with `count` customers; resolves to their ids, merged and erased ones included. */
export async function populate(
  store: TestStore,
  env: { seed: number; count: number; timezone: string; currency: string },
): Promise<string[]> {
  const { seed, count, timezone, currency } = env;
  const generated = fc.sample(customerOf(timezone, currency), { seed, numRuns: count });
  const people = generated.map((facts) => ({ id: newId(), facts }));
  const tagIds = new Map<string, string>(TAGS.map((name) => [name, newId()]));
  await transaction(store.ctx().db, async (tx) => {
    // The presets of a new store are in the way of ours: same names, other ids.
    await tx.use(({ client }) => client.query('delete from tags where store_id = $1', [store.storeId]));
    await tx.use(({ client }) => client.query('delete from groups where store_id = $1', [store.storeId]));
    const groupIds = new Map<string, string>(GROUPS.map((name) => [name, newId()]));
    await insert.tags(
      tx,
      [...tagIds].map(([name, id]) => ({ id, name, nameKey: tagKey(name), createdAt: NOW })),
    );
    await insert.groups(
      tx,
      [...groupIds].map(([name, id]) => ({ id, name, nameKey: groupKey(name), ...times })),
    );
    await insert.customers(
      tx,
      people.map(({ id, facts }, index) => customerRow(id, index, facts)),
    );
    const links = <Label extends string>(
      labels: (facts: Generated) => readonly string[],
      ids: Map<string, string>,
      column: Label,
    ) =>
      people.flatMap(({ id, facts }) =>
        labels(facts).map((label) => ({
          customerId: id,
          [column]: ids.get(label),
          source: 'api',
          createdAt: NOW,
        })),
      );
    await insert.customerTags(
      tx,
      links((facts) => facts.tags, tagIds, 'tagId'),
    );
    await insert.groupMembers(
      tx,
      links((facts) => facts.groups, groupIds, 'groupId'),
    );
    await insert.addresses(
      tx,
      people.flatMap(({ id, facts }) => addressRows(id, facts)),
    );
    const placed = people.flatMap(({ id, facts }) => orderRows(id, facts));
    await insert.orders(
      tx,
      placed.map(({ row }) => row),
    );
    await insert.orderItems(
      tx,
      placed.flatMap(({ lines }) => lines),
    );
    await possess(tx, people);
    await correspond(tx, people);
    await state(
      tx,
      people.map(({ facts }, index) => ({ ...addressesOf(facts, index), statements: facts.statements })),
    );
  });
  return people.map(({ id }) => id);
}
