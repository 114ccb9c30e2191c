// The column kinds that every table shares.
import { customType, timestamp, uuid } from 'drizzle-orm/pg-core';

/** First column of every key of a tenant table. */
export const storeId = () => uuid('store_id').notNull();
export const id = (name = 'id') => uuid(name).notNull();
/** An instant, as a JavaScript Date, to the millisecond. */
export const instant = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: 'date' });
/** Text that is compared and sorted by code point: keys, normalised forms, statuses. Locale does not matter for them. */
export const keyText = customType<{ data: string; driverData: string }>({
  dataType: () => 'text collate "C"',
});
export const bytes = customType<{ data: Buffer; driverData: Buffer }>({ dataType: () => 'bytea' });
