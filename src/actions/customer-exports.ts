// The customer list as CSV: the columns that an import of ours reads again, and what follows from other facts.
import { Readable } from 'node:stream';
import { type CsvValue, csvLine } from '../clients/csv-writer.ts';
import type { Ctx } from '../context.ts';
import type { Db } from '../db/connection.ts';
import { type ListKey, listCustomerIds } from '../db/customer-list.ts';
import type { Selection } from '../db/customer-selection.ts';
import { type Customer, findCustomers } from '../db/customers.ts';
import { listAgentNames } from '../db/sales-agents.ts';
import type { CustomerSort } from '../domain/customer-filter.ts';
import type { CUSTOMER_COLUMNS, READ_ONLY_COLUMNS } from '../domain/imports/columns.ts';
import { formatMajor } from '../domain/money.ts';
import { Problem } from '../errors.ts';
import { storeOf } from './customers.ts';

const BATCH = 1_000;

type Column = Exclude<(typeof CUSTOMER_COLUMNS)[number] | (typeof READ_ONLY_COLUMNS)[number], 'note'>;
type AgentNames = ReadonlyMap<string, string>;
type Read = (customer: Customer, agents: AgentNames) => CsvValue;

const decimal = (money: Customer['totalSpent'] | undefined): CsvValue =>
  money && formatMajor(money.amount, money.currency);

const twoDigits = (value: number): string => String(value).padStart(2, '0');

/** `1992-02-29`, or `--02-29` without the year (ISO 8601:2000): what an import reads. */
function birthdayText({ birthday }: Customer): string | null {
  if (!birthday) return null;
  const { year, month, day } = birthday;
  return `${year === undefined ? '-' : String(year).padStart(4, '0')}-${twoDigits(month)}-${twoDigits(day)}`;
}

/** The columns of the file. Amounts are decimals in the major unit, as spreadsheets want them. */
const COLUMNS: Readonly<Record<Column, Read>> = {
  id: (customer) => customer.id,
  externalId: (customer) => customer.externalId,
  email: (customer) => customer.email,
  phone: (customer) => customer.phone,
  firstName: (customer) => customer.firstName,
  lastName: (customer) => customer.lastName,
  company: (customer) => customer.company,
  language: (customer) => customer.language,
  timezone: (customer) => customer.timezone,
  birthday: birthdayText,
  gender: (customer) => customer.gender,
  tags: (customer) => customer.tags,
  groups: (customer) => customer.groups.map((group) => group.name),
  acceptsMarketing: (customer) => customer.acceptsMarketing,
  wholesale: (customer) => customer.wholesale,
  createdAt: (customer) => customer.createdAt,
  addressFirstName: ({ defaultAddress }) => defaultAddress?.firstName,
  addressLastName: ({ defaultAddress }) => defaultAddress?.lastName,
  addressCompany: ({ defaultAddress }) => defaultAddress?.company,
  address1: ({ defaultAddress }) => defaultAddress?.line1,
  address2: ({ defaultAddress }) => defaultAddress?.line2,
  city: ({ defaultAddress }) => defaultAddress?.city,
  postcode: ({ defaultAddress }) => defaultAddress?.postcode,
  region: ({ defaultAddress }) => defaultAddress?.regionCode ?? defaultAddress?.region,
  countryCode: ({ defaultAddress }) => defaultAddress?.countryCode,
  addressPhone: ({ defaultAddress }) => defaultAddress?.phone,
  accountStatus: (customer) => customer.accountStatus,
  registeredAt: (customer) => customer.registeredAt,
  source: (customer) => customer.source,
  salesAgent: ({ salesAgentId }, agents) => salesAgentId && agents.get(salesAgentId),
  primaryGroup: ({ groups, primaryGroupId }) => groups.find((group) => group.id === primaryGroupId)?.name,
  ordersCount: (customer) => customer.ordersCount,
  totalSpent: (customer) => decimal(customer.totalSpent),
  averageOrderValue: (customer) => decimal(customer.averageOrderValue),
  refundedTotal: (customer) => decimal(customer.refundedTotal),
  firstOrderAt: (customer) => customer.firstOrderAt,
  lastOrderAt: (customer) => customer.lastOrderAt,
  version: (customer) => customer.version,
  updatedAt: (customer) => customer.updatedAt,
};

const customValue =
  (key: string): Read =>
  ({ custom }) =>
    custom[key] as CsvValue;

/** The columns of a store's export by name: the fixed ones, then its custom fields. */
async function columnsOf(ctx: Ctx): Promise<Map<string, Read>> {
  const { settings } = await storeOf(ctx);
  const custom = settings.customFields.map(({ key }) => [`custom.${key}`, customValue(key)] as const);
  return new Map<string, Read>([...Object.entries(COLUMNS), ...custom]);
}

/** The wanted columns in the order that was asked for; all of them without a wish. */
function chooseColumns(known: Map<string, Read>, wanted: readonly string[] | undefined): [string, Read][] {
  if (wanted === undefined) return [...known];
  return [...new Set(wanted)].map((name) => {
    const read = known.get(name);
    if (read) return [name, read];
    const message = `There is no column ${name}; there are ${[...known.keys()].join(', ')}.`;
    throw new Problem('VALIDATION_FAILED', { errors: [{ pointer: '/columns', message }] });
  });
}

export interface CustomerExport {
  filter: Selection;
  sort: CustomerSort | undefined;
  columns: readonly string[] | undefined;
}

async function* linesOf(
  db: Db,
  { filter, sort }: CustomerExport,
  columns: readonly [string, Read][],
): AsyncGenerator<string> {
  yield csvLine(columns.map(([name]) => name));
  const agents = await listAgentNames(db);
  let after: ListKey | undefined;
  for (;;) {
    const rows = await listCustomerIds(db, { filter, sort, after, limit: BATCH });
    const customers = await findCustomers(
      db,
      rows.map((row) => row.id),
    );
    if (customers.length > 0) {
      yield customers.map((customer) => csvLine(columns.map(([, read]) => read(customer, agents)))).join('');
    }
    after = rows.at(-1)?.key;
    if (rows.length < BATCH) return;
  }
}

/**
 * The list as a file, in the same order, read and written batch by batch: memory stays flat and a slow reader slows
 * the reading down.
 * @throws Problem VALIDATION_FAILED for a column that does not exist
 */
export async function exportCustomers(ctx: Ctx, asked: CustomerExport): Promise<Readable> {
  const columns = chooseColumns(await columnsOf(ctx), asked.columns);
  return Readable.from(linesOf(ctx.db, asked, columns), { objectMode: false });
}
