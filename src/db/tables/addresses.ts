// Postal addresses of customers.
import { sql } from 'drizzle-orm';
import {
  boolean,
  foreignKey,
  index,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import { id, instant, keyText, storeId } from './columns.ts';
import { customers } from './customers.ts';

export const addresses = pgTable(
  'addresses',
  {
    storeId: storeId(),
    id: id(),
    customerId: uuid('customer_id').notNull(),
    firstName: text('first_name'),
    lastName: text('last_name'),
    company: text('company'),
    phone: keyText('phone'),
    line1: text('line1'),
    line2: text('line2'),
    city: text('city'),
    region: text('region'),
    regionCode: keyText('region_code'),
    postcode: text('postcode'),
    countryCode: keyText('country_code'),
    isDefault: boolean('is_default').notNull(),
    isDefaultBilling: boolean('is_default_billing').notNull(),
    /** A5: hash of the normalised content; two addresses of a customer with the same key are the same place. */
    contentKey: keyText('content_key').notNull(),
    /** City, name of the region and postcode as segments compare them; null without the field. */
    cityKey: keyText('city_key'),
    regionKey: keyText('region_key'),
    postcodeKey: keyText('postcode_key'),
    lastUsedAt: instant('last_used_at'),
    createdAt: instant('created_at').notNull(),
    updatedAt: instant('updated_at').notNull(),
  },
  (table) => [
    primaryKey({ name: 'addresses_pk', columns: [table.storeId, table.id] }),
    foreignKey({
      name: 'addresses_customer_fk',
      columns: [table.storeId, table.customerId],
      foreignColumns: [customers.storeId, customers.id],
    }).onDelete('cascade'),
    index('addresses_by_customer').on(table.storeId, table.customerId, table.contentKey),
    // Segments by place: each costs an insert 2 µs and spares them a look at all addresses (of 200,000: 60 ms).
    index('addresses_by_city').on(table.storeId, table.cityKey, table.customerId),
    index('addresses_by_country').on(table.storeId, table.countryCode, table.customerId),
    index('addresses_by_postcode').on(table.storeId, table.postcodeKey, table.customerId),
    uniqueIndex('addresses_default_unique').on(table.storeId, table.customerId).where(sql`is_default`),
    uniqueIndex('addresses_billing_unique')
      .on(table.storeId, table.customerId)
      .where(sql`is_default_billing`),
  ],
);
