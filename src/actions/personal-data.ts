// Everything about one customer, to be streamed: lists are read page by page. What of a row is shown is the contract's to say.
import type { Ctx } from '../context.ts';
import { listAddresses } from '../db/addresses.ts';
import type { Db } from '../db/connection.ts';
import { type Customer, findCustomer } from '../db/customers.ts';
import { listLinkedIdentities } from '../db/identity-providers.ts';
import { listTransfers } from '../db/ledger/lists.ts';
import { findMember } from '../db/loyalty-members.ts';
import { listOrders, type OrderKey, orderKeyOf, type StoredOrder } from '../db/orders.ts';
import { listToldConsents, listToldMessages } from '../db/personal-data.ts';
import { listRedemptions } from '../db/redemptions.ts';
import { listSessions } from '../db/sessions.ts';
import type { PageKey, PageStart } from '../domain/pages.ts';
import { Problem } from '../errors.ts';
import { recentStoreOf } from './customers.ts';
import { toTransfer } from './ledger-answers.ts';
import { profileOf } from './my-profile.ts';
import { toMyOrder } from './order-answers.ts';
import { readPoints } from './points.ts';
import { toRedemption } from './redemptions.ts';
import { myCredit } from './storefront-offers.ts';
import { tell } from './timeline.ts';
import { write } from './write.ts';

/** Name and version of the shape of the document; members may be added, none changes its meaning. */
export const PERSONAL_DATA_FORMAT = 'clientele.personal-data/1';

const PAGE = 500;

/** All rows of a list, a page in memory at a time. */
async function* all<Row, Key extends PageKey>(
  read: (start: PageStart<Key>) => Promise<Row[]>,
  keyOf: (row: Row) => Key,
): AsyncGenerator<Row> {
  let after: Key | undefined;
  for (;;) {
    const rows = await read({ after, limit: PAGE });
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    after = keyOf(last);
  }
}

const allById = <Row extends { id: string }>(
  read: (start: PageStart<[id: string]>) => Promise<Row[]>,
): AsyncGenerator<Row> => all(read, ({ id }): [string] => [id]);

async function* mapped<Row, Shown>(
  rows: AsyncIterable<Row>,
  show: (row: Row) => Shown,
): AsyncGenerator<Shown> {
  for await (const row of rows) yield show(row);
}

function personOf(customer: Customer) {
  const { externalId, custom, tags, groups, source, ordersCount, totalSpent, refundedTotal } = customer;
  return {
    ...profileOf(customer),
    externalId,
    custom,
    tags,
    groups: groups.map(({ name }) => name),
    source,
    ordersCount,
    totalSpent,
    refundedTotal,
  };
}

/** What fits in memory whatever the customer did. */
async function factsOf(ctx: Ctx, customer: Customer): Promise<Record<string, unknown>> {
  const { db, now } = ctx;
  const member = await findMember(db, customer.id);
  return {
    format: PERSONAL_DATA_FORMAT,
    exportedAt: now,
    store: (await recentStoreOf(ctx)).name,
    profile: personOf(customer),
    credit: await myCredit(ctx, customer.id),
    points: await readPoints(ctx, customer.id),
    ...(member && {
      loyalty: {
        status: member.status,
        enrolledAt: member.enrolledAt,
        tier: member.tier,
        referralCode: member.referralCode,
      },
    }),
    identities: await listLinkedIdentities(db, customer.id),
    sessions: await listSessions(db, customer.id, now),
  };
}

/** What grows with the years. Tickets, reviews and the like join here. */
function listsOf(db: Db, id: string, at: Date): Record<string, AsyncIterable<object>> {
  const sort = 'placedAt';
  return {
    addresses: allById((start) => listAddresses(db, id, start)),
    orders: mapped(
      all<StoredOrder, OrderKey>(
        (start) => listOrders(db, { customerId: id }, sort, start),
        (order) => orderKeyOf(order, sort),
      ),
      toMyOrder,
    ),
    movements: mapped(
      allById((start) => listTransfers(db, { customerId: id }, start)),
      toTransfer,
    ),
    redemptions: mapped(
      allById((start) => listRedemptions(db, id, start)),
      (row) => toRedemption(row, at),
    ),
    consents: allById((start) => listToldConsents(db, id, start)),
    messages: allById((start) => listToldMessages(db, id, start)),
  };
}

/** One document in two parts: `facts` are there at once, `lists` are read as they are written. */
export interface PersonalData {
  facts: Record<string, unknown>;
  lists: Record<string, AsyncIterable<object>>;
}

/**
 * Everything about the customer; the export is told on the timeline. Notes that staff wrote for itself are left out, as are
 * reasons in the words of staff.
 * @throws Problem NOT_FOUND
 */
export async function exportPersonalData(ctx: Ctx, customerId: string): Promise<PersonalData> {
  const customer = await findCustomer(ctx.db, customerId);
  if (!customer) throw new Problem('NOT_FOUND', { resource: 'customer' });
  const facts = await factsOf(ctx, customer);
  await write(ctx, (tx) => tell(ctx, tx, { kind: 'personal_data.exported', customerId }));
  return { facts, lists: listsOf(ctx.db, customerId, ctx.now) };
}
