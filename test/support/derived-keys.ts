// The columns that segments compare: each must be what the domain makes of the fields beside it, whoever wrote the row.

import { isDeepStrictEqual } from 'node:util';
import type pg from 'pg';
import { type AddressFields, addressKeys } from '../../src/domain/addresses.ts';
import { itemKeys, type OrderItem } from '../../src/domain/orders.ts';
import { phoneCountry } from '../../src/domain/phones.ts';

interface Facts {
  phones: { phone: string | null; keys: { phoneCountry: string | null } }[];
  places: { place: AddressFields; keys: ReturnType<typeof addressKeys> }[];
  items: { words: Pick<OrderItem, 'categories' | 'tags'>; keys: ReturnType<typeof itemKeys> }[];
}

const FACTS = `
  select
    coalesce((select json_agg(json_build_object('phone', phone,
        'keys', json_build_object('phoneCountry', phone_country)) order by id)
      from customers where store_id = $1), '[]') as phones,
    coalesce((select json_agg(json_build_object(
        'place', json_build_object('city', city, 'region', region, 'postcode', postcode),
        'keys', json_build_object('cityKey', city_key, 'regionKey', region_key, 'postcodeKey', postcode_key)) order by id)
      from addresses where store_id = $1), '[]') as places,
    coalesce((select json_agg(json_build_object(
        'words', json_build_object('categories', categories, 'tags', tags),
        'keys', json_build_object('categoryKeys', category_keys, 'tagKeys', tag_keys)) order by order_id, position)
      from order_items where store_id = $1), '[]') as items`;

/** What the rows of a store carry for segments, customers and addresses in the order of their ids. */
export async function factsOf(owner: pg.Pool, storeId: string): Promise<Facts> {
  const { rows } = await owner.query<Facts>(FACTS, [storeId]);
  return rows[0] as Facts;
}

/** The rows of a store whose derived columns are not what the domain says; [] when all is well. */
export async function wrongKeys(owner: pg.Pool, storeId: string): Promise<object[]> {
  const { phones, places, items } = await factsOf(owner, storeId);
  return [
    ...phones.map((row) => ({ ...row, right: { phoneCountry: row.phone && phoneCountry(row.phone) } })),
    ...places.map((row) => ({ ...row, right: addressKeys(row.place) })),
    ...items.map((row) => ({ ...row, right: itemKeys(row.words) })),
  ].filter(({ keys, right }) => !isDeepStrictEqual(keys, right));
}
