// The rows of an address file: added to the customers they name; one that is there already stays as it is (A5).
import type { Ctx } from '../context.ts';
import {
  copyDefaultAddresses,
  insertAddresses,
  type NewAddress,
  setDefaultAddress,
  setDefaultBilling,
} from '../db/addresses.ts';
import type { Tx } from '../db/connection.ts';
import { type CustomerRow, touchCustomers } from '../db/customers.ts';
import { listContentKeys, lockKnownCustomers } from '../db/imports.ts';
import type { JobRow } from '../db/jobs.ts';
import type { AddressRecord, RowProblem } from '../domain/imports/rows.ts';
import { contentKeyOf, newRow } from './addresses.ts';
import { tell } from './timeline.ts';

interface Row {
  line: number;
  record: AddressRecord;
}

interface Added {
  row: NewAddress;
  record: AddressRecord;
}

function ownersByKey(known: readonly CustomerRow[]): Map<string, CustomerRow> {
  const owners = new Map<string, CustomerRow>();
  for (const customer of known) {
    if (customer.accountStatus === 'merged' || customer.accountStatus === 'erased') continue;
    owners.set(`id ${customer.id}`, customer);
    if (customer.externalId) owners.set(`external ${customer.externalId}`, customer);
    if (customer.emailNorm) owners.set(`email ${customer.emailNorm}`, customer);
  }
  return owners;
}

/** All keys of a row must name the same customer. */
function ownerOf(
  { customer }: AddressRecord,
  owners: ReadonlyMap<string, CustomerRow>,
): CustomerRow | undefined {
  const named = [
    ...(customer.id ? [owners.get(`id ${customer.id}`)] : []),
    ...(customer.externalId ? [owners.get(`external ${customer.externalId}`)] : []),
    ...(customer.emailNorm ? [owners.get(`email ${customer.emailNorm}`)] : []),
  ];
  const [first] = named;
  return named.every((other) => other !== undefined && other.id === first?.id) ? first : undefined;
}

const UNKNOWN: RowProblem = {
  column: '',
  code: 'CUSTOMER_UNKNOWN',
  message: 'No single customer has the keys of this row; import the customers first.',
};

const keysOf = (rows: readonly Row[]) => ({
  ids: rows.flatMap(({ record }) => record.customer.id ?? []),
  externalIds: rows.flatMap(({ record }) => record.customer.externalId ?? []),
  emails: rows.flatMap(({ record }) => record.customer.emailNorm ?? []),
});

async function placesOf(tx: Tx, known: readonly CustomerRow[]): Promise<Map<string, Set<string>>> {
  const places = new Map(known.map(({ id }) => [id, new Set<string>()]));
  for (const { customerId, key } of await listContentKeys(tx, { customerIds: [...places.keys()] })) {
    places.get(customerId)?.add(key);
  }
  return places;
}

async function writeAddresses(ctx: Ctx, tx: Tx, job: JobRow, added: readonly Added[]): Promise<void> {
  if (added.length === 0) return;
  const owners = [...new Set(added.map(({ row }) => row.customerId))];
  await insertAddresses(
    tx,
    added.map(({ row }) => row),
  );
  await copyDefaultAddresses(
    tx,
    added.filter(({ row }) => row.isDefault).map(({ row }) => row.customerId),
  );
  for (const { row, record } of added) {
    if (record.isDefault && !row.isDefault) await setDefaultAddress(tx, row.customerId, row.id);
    if (record.isDefaultBilling) await setDefaultBilling(tx, row.customerId, row.id);
  }
  await touchCustomers(tx, { ids: owners, now: ctx.now });
  const told = added.map(
    ({ row }) =>
      ({
        kind: 'address.added',
        customerId: row.customerId,
        subjectId: row.id,
        data: { jobId: job.id },
      }) as const,
  );
  await tell(ctx, tx, ...told);
}

/** Applies the address rows of one slice in its transaction. */
export async function importAddresses(ctx: Ctx, tx: Tx, job: JobRow, rows: readonly Row[]) {
  const known = await lockKnownCustomers(tx, keysOf(rows));
  const owners = ownersByKey(known);
  const places = await placesOf(tx, known);
  const added: Added[] = [];
  const problems: { line: number; problem: RowProblem }[] = [];
  let unchanged = 0;
  for (const { line, record } of rows) {
    const owner = ownerOf(record, owners);
    const place = contentKeyOf(record.address);
    const has = owner && places.get(owner.id);
    if (!owner || !has) {
      problems.push({ line, problem: UNKNOWN });
    } else if (has.has(place)) {
      unchanged++;
    } else {
      const isDefault = has.size === 0;
      has.add(place);
      added.push({
        record,
        row: newRow(ctx, owner.id, record.address, { isDefault, isDefaultBilling: false, lastUsedAt: null }),
      });
    }
  }
  if (!job.dryRun) await writeAddresses(ctx, tx, job, added);
  return { outcomes: { created: added.length, unchanged, failed: problems.length }, problems };
}
