// Addresses of customers: rows, their two default marks, and the copies of the default one on the customer.
import { and, asc, eq, gt, sql } from 'drizzle-orm';
import { type KnownPlace, placeKeys } from '../domain/addresses.ts';
import type { PageStart } from '../domain/pages.ts';
import { type Db, prepared, statement, type Tx } from './connection.ts';
import { insertRows } from './record-sets.ts';
import { addresses } from './tables/addresses.ts';

export type AddressRow = typeof addresses.$inferSelect;
export type NewAddress = Omit<AddressRow, 'storeId'>;
export type AddressChange = Partial<Omit<AddressRow, 'storeId' | 'id' | 'customerId' | 'createdAt'>>;

type OfCustomer = { customerId: string; id: string };

const find = prepared<OfCustomer>()('find_address', (queries, p) =>
  queries
    .select()
    .from(addresses)
    .where(
      and(eq(addresses.storeId, p.storeId), eq(addresses.id, p.id), eq(addresses.customerId, p.customerId)),
    ),
);

/** One address of this customer; undefined when it is another's. */
export const findAddress = async (db: Db, address: OfCustomer): Promise<AddressRow | undefined> =>
  (await find(db, address))[0];

/** Addresses of a customer in the order in which they were added. */
export const listAddresses = (
  db: Db,
  customerId: string,
  { after, limit }: PageStart<[id: string]>,
): Promise<AddressRow[]> =>
  db.use(({ queries }) =>
    queries
      .select()
      .from(addresses)
      .where(
        and(
          eq(addresses.storeId, db.storeId),
          eq(addresses.customerId, customerId),
          after ? gt(addresses.id, after[0]) : undefined,
        ),
      )
      .orderBy(asc(addresses.id))
      .limit(limit),
  );

/** What decides about the default, of all addresses of a customer. */
export const listAddressUses = prepared<{ customerId: string }>()('list_address_uses', (queries, p) =>
  queries
    .select({
      id: addresses.id,
      isDefault: addresses.isDefault,
      isDefaultBilling: addresses.isDefaultBilling,
      lastUsedAt: addresses.lastUsedAt,
      createdAt: addresses.createdAt,
    })
    .from(addresses)
    .where(and(eq(addresses.storeId, p.storeId), eq(addresses.customerId, p.customerId))),
);

/** Adds addresses of any number of customers; the caller holds the customers' locks and keeps A1. */
export const insertAddresses = insertRows<NewAddress>('insert_addresses', addresses);

export const updateAddress = (tx: Tx, id: string, change: AddressChange): Promise<unknown> =>
  tx.use(({ queries }) =>
    queries
      .update(addresses)
      .set(change)
      .where(and(eq(addresses.storeId, tx.storeId), eq(addresses.id, id))),
  );

export const deleteAddress = (tx: Tx, id: string): Promise<unknown> =>
  tx.use(({ queries }) =>
    queries.delete(addresses).where(and(eq(addresses.storeId, tx.storeId), eq(addresses.id, id))),
  );

/**
 * A4: moves a mark in one statement. Postgres checks a unique index row by row, so the old row must lose the mark
 * before the new one gets it: the count is a one-time filter, which runs `cleared` to its end first.
 */
const moveMark = (name: string, mark: 'is_default' | 'is_default_billing') => {
  const column = sql.raw(mark);
  return statement<{ customerId: string; addressId: string | null }, never>(
    name,
    (p) => sql`
      with cleared as (
        update addresses a set ${column} = false
        where a.store_id = ${p.storeId} and a.customer_id = ${p.customerId} and a.${column}
          and a.id is distinct from ${p.addressId}::uuid
        returning 1)
      update addresses a set ${column} = true
      where a.store_id = ${p.storeId} and a.customer_id = ${p.customerId} and a.id = ${p.addressId}::uuid
        and not a.${column} and (select count(*) from cleared) >= 0`,
  );
};

const markDefault = moveMark('mark_default_address', 'is_default');
const markBilling = moveMark('mark_billing_address', 'is_default_billing');

/** Makes the address the customer's default and clears the other (A4); the customer's copies follow. */
export async function setDefaultAddress(tx: Tx, customerId: string, addressId: string): Promise<void> {
  await markDefault(tx, { customerId, addressId });
  await copyDefaultAddresses(tx, [customerId]);
}

/** Makes the address the customer's default billing address; null: there is none any more. */
export async function setDefaultBilling(tx: Tx, customerId: string, addressId: string | null): Promise<void> {
  await markBilling(tx, { customerId, addressId });
}

interface DefaultPlace {
  customerId: string;
  countryCode: string | null;
  region: string | null;
  regionCode: string | null;
  city: string | null;
  postcode: string | null;
}

const listDefaults = statement<{ customerIds: readonly string[] }, DefaultPlace>(
  'list_default_places',
  (p) => sql`
    select c.id as "customerId", a.country_code as "countryCode", a.region, a.region_code as "regionCode",
      a.city, a.postcode
    from unnest(${p.customerIds}::uuid[]) c (id)
    left join addresses a on a.store_id = ${p.storeId} and a.customer_id = c.id and a.is_default`,
);

interface PlaceColumns {
  customerIds: string[];
  countries: (string | null)[];
  regions: (string | null)[];
  cities: (string | null)[];
  postcodes: (string | null)[];
}

const updatePlaces = statement<PlaceColumns, never>(
  'update_default_places',
  (p) => sql`
    update customers c set default_country = k.country, default_region = k.region, default_city = k.city,
      default_postcode = k.postcode
    from unnest(${p.customerIds}::uuid[], ${p.countries}::text[], ${p.regions}::text[], ${p.cities}::text[],
      ${p.postcodes}::text[]) k (id, country, region, city, postcode)
    where c.store_id = ${p.storeId} and c.id = k.id
      and (c.default_country, c.default_region, c.default_city, c.default_postcode)
        is distinct from (k.country, k.region, k.city, k.postcode)`,
);

/**
 * Writes what lists filter and sort by (customers.default_*) anew from each customer's default address, folded as
 * `placeKeys` says. Every change of a default address ends with it, in the same transaction and under the
 * customers' locks; the customers' versions are the caller's.
 */
export async function copyDefaultAddresses(tx: Tx, customerIds: readonly string[]): Promise<void> {
  if (customerIds.length === 0) return;
  const defaults = await listDefaults(tx, { customerIds });
  const keys = defaults.map(placeKeys);
  await updatePlaces(tx, {
    customerIds: defaults.map((place) => place.customerId),
    countries: keys.map((key) => key.defaultCountry),
    regions: keys.map((key) => key.defaultRegion),
    cities: keys.map((key) => key.defaultCity),
    postcodes: keys.map((key) => key.defaultPostcode),
  });
}

const findPlaces = statement<{ customerIds: string[]; contentKeys: string[] }, KnownPlace>(
  'find_places',
  (p) => sql`
    select g.customer_id as "customerId", g.content_key as "contentKey",
      (select a.id from addresses a
        where a.store_id = ${p.storeId} and a.customer_id = g.customer_id and a.content_key = g.content_key
        order by a.is_default desc, a.id limit 1) as "addressId",
      exists (select from addresses a
        where a.store_id = ${p.storeId} and a.customer_id = g.customer_id and a.is_default) as "hasDefault"
    from unnest(${p.customerIds}::uuid[], ${p.contentKeys}::text[]) g (customer_id, content_key)`,
);

/** A5: for each of the places, the customer's saved address that is the same, the default one first. */
export const findKnownPlaces = (
  tx: Tx,
  places: readonly { customerId: string; contentKey: string }[],
): Promise<KnownPlace[]> =>
  findPlaces(tx, {
    customerIds: places.map((place) => place.customerId),
    contentKeys: places.map((place) => place.contentKey),
  });

const touchUses = statement<{ ids: string[]; times: Date[] }, never>(
  'touch_address_uses',
  (p) => sql`
    update addresses a set last_used_at = greatest(a.last_used_at, u.used_at)
    from unnest(${p.ids}::uuid[], ${p.times}::timestamptz[]) u (id, used_at)
    where a.store_id = ${p.storeId} and a.id = u.id`,
);

/** Moves `lastUsedAt` on, never back: orders may be told late. */
export async function touchAddresses(
  tx: Tx,
  uses: readonly { addressId: string; usedAt: Date }[],
): Promise<void> {
  if (uses.length === 0) return;
  await touchUses(tx, { ids: uses.map((use) => use.addressId), times: uses.map((use) => use.usedAt) });
}
