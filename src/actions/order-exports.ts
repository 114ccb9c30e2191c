// Orders as CSV (O5).
import { Readable } from 'node:stream';
import { type CsvValue, csvLine } from '../clients/csv-writer.ts';
import type { Db } from '../db/connection.ts';
import { listOrders, type OrderFilter, type OrderKey, orderKeyOf, type StoredOrder } from '../db/orders.ts';
import { formatMajor } from '../domain/money.ts';
import type { OrderSort } from '../domain/orders.ts';

const PAGE = 500;

/** The columns of the file. Amounts are decimals in the major unit, as spreadsheets want them. */
const COLUMNS: readonly (readonly [name: string, read: (order: StoredOrder) => CsvValue])[] = [
  ['externalId', (order) => order.externalId],
  ['placedAt', (order) => order.placedAt],
  ['status', (order) => order.status],
  ['refundStatus', (order) => order.refundStatus],
  ['currency', (order) => order.currency],
  ['total', (order) => formatMajor(order.total, order.currency)],
  ['refundedTotal', (order) => formatMajor(order.refundedTotal, order.currency)],
  ['shipping', (order) => formatMajor(order.shipping, order.currency)],
  ['tax', (order) => formatMajor(order.tax, order.currency)],
  ['discount', (order) => formatMajor(order.discount, order.currency)],
  ['creditPaid', (order) => formatMajor(order.creditPaid, order.currency)],
  ['pointsPaid', (order) => formatMajor(order.pointsPaid, order.currency)],
  ['pieces', (order) => order.items.reduce((sum, item) => sum + item.quantity, 0)],
  ['items', (order) => order.items.map((item) => `${item.quantity} × ${item.title}`)],
  ['paymentMethod', (order) => order.paymentMethod],
  ['channel', (order) => order.channel],
  ['couponCodes', (order) => order.couponCodes],
  ['email', (order) => order.email],
  ['isTest', (order) => order.isTest],
  ['deliveredAt', (order) => order.deliveredAt],
  ['updatedAt', (order) => order.platformUpdatedAt],
  ['customerId', (order) => order.customerId],
  ['id', (order) => order.id],
];

async function* linesOf(db: Db, filter: OrderFilter, sort: OrderSort): AsyncGenerator<string> {
  yield csvLine(COLUMNS.map(([name]) => name));
  let after: OrderKey | undefined;
  for (;;) {
    const orders = await listOrders(db, filter, sort, { after, limit: PAGE });
    if (orders.length > 0)
      yield orders.map((order) => csvLine(COLUMNS.map(([, read]) => read(order)))).join('');
    const last = orders.at(-1);
    if (last === undefined || orders.length < PAGE) return;
    after = orderKeyOf(last, sort);
  }
}

/** The list as a file, streamed page by page. */
export const exportOrders = (db: Db, filter: OrderFilter, sort: OrderSort): Readable =>
  Readable.from(linesOf(db, filter, sort), { objectMode: false });
