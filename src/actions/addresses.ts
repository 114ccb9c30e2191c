// Addresses: add, change, remove, and keep what checkouts used (A1–A6).
import { createHash } from 'node:crypto';
import type { Ctx } from '../context.ts';
import {
  type AddressRow,
  copyDefaultAddresses,
  deleteAddress as deleteRow,
  findAddress,
  findKnownPlaces,
  insertAddresses,
  listAddressUses,
  type NewAddress,
  setDefaultAddress,
  setDefaultBilling,
  touchAddresses,
  updateAddress as updateRow,
} from '../db/addresses.ts';
import type { Tx } from '../db/connection.ts';
import { touchCustomers } from '../db/customers.ts';
import {
  type AddressFields,
  type AddressInput,
  addressKey,
  addressKeys,
  becomesDefault,
  normaliseAddress,
  planAddressDelete,
  planCheckoutAddresses,
  readCheckoutAddress,
} from '../domain/addresses.ts';
import { changedFields } from '../domain/customers.ts';
import { accepted, Problem } from '../errors.ts';
import { lockPresent } from './customers.ts';
import { tell } from './timeline.ts';
import { write } from './write.ts';

/** An address as the contract has it: a new one, or a merge-patch. */
export interface AddressChangeInput extends AddressInput {
  isDefault?: boolean;
  isDefaultBilling?: boolean;
}

const BLANK = {
  firstName: null,
  lastName: null,
  company: null,
  phone: null,
  line1: null,
  line2: null,
  city: null,
  region: null,
  regionCode: null,
  postcode: null,
  countryCode: null,
};

/** The fields that the timeline tells with old and new value (C9). */
const TOLD = [...(Object.keys(BLANK) as (keyof typeof BLANK)[]), 'isDefault', 'isDefaultBilling'] as const;

/** A5: what an address is found by among those of a customer; a hash, because the content is up to 1,300 characters. */
export const contentKeyOf = (address: AddressFields): string =>
  createHash('sha256').update(addressKey(address)).digest('base64url');

/** Columns that follow from others: what an address is found by. */
const derivedColumns = (address: AddressFields) => ({
  contentKey: contentKeyOf(address),
  ...addressKeys(address),
});

export function newRow(
  ctx: Ctx,
  customerId: string,
  fields: AddressFields,
  marks: { isDefault: boolean; isDefaultBilling: boolean; lastUsedAt: Date | null },
): NewAddress {
  return {
    ...BLANK,
    ...fields,
    ...marks,
    id: ctx.newId(),
    customerId,
    ...derivedColumns(fields),
    createdAt: ctx.now,
    updatedAt: ctx.now,
  };
}

/**
 * The address, which must be the customer's.
 * @throws Problem NOT_FOUND
 */
async function readAddress(tx: Tx, customerId: string, id: string): Promise<AddressRow> {
  const address = await findAddress(tx, { customerId, id });
  if (!address) throw new Problem('NOT_FOUND', { resource: 'address' });
  return address;
}

/**
 * Adds an address to a customer; the first one becomes the default whatever was asked (A1).
 * @throws Problem NOT_FOUND, CUSTOMER_GONE, ADDRESS_INVALID
 */
export function createAddress(ctx: Ctx, customerId: string, input: AddressChangeInput): Promise<AddressRow> {
  return write(ctx, async (tx) => {
    await lockPresent(tx, customerId, undefined);
    const { fields } = accepted(normaliseAddress(input));
    const saved = await listAddressUses(tx, { customerId });
    const row = newRow(ctx, customerId, fields, {
      isDefault: false,
      isDefaultBilling: false,
      lastUsedAt: null,
    });
    await insertAddresses(tx, [row]);
    if (becomesDefault(saved.length, input.isDefault ?? false)) {
      await setDefaultAddress(tx, customerId, row.id);
    }
    if (input.isDefaultBilling) await setDefaultBilling(tx, customerId, row.id);
    await touchCustomers(tx, { ids: [customerId], now: ctx.now });
    await tell(ctx, tx, { kind: 'address.added', customerId, subjectId: row.id });
    return readAddress(tx, customerId, row.id);
  });
}

/** A1: the mark is only ever given, so that there is always exactly one. */
function refuseUnmarking(row: AddressRow, input: AddressChangeInput): void {
  if (input.isDefault !== false || !row.isDefault) return;
  const message = 'A customer with addresses has a default one: make another address the default instead.';
  throw new Problem('ADDRESS_INVALID', {
    errors: [{ pointer: '/isDefault', code: 'DEFAULT_NEEDED', message }],
  });
}

async function moveMarks(tx: Tx, row: AddressRow, input: AddressChangeInput): Promise<void> {
  const { customerId, id } = row;
  if (input.isDefault || row.isDefault) await setDefaultAddress(tx, customerId, id);
  if (input.isDefaultBilling) await setDefaultBilling(tx, customerId, id);
  if (input.isDefaultBilling === false && row.isDefaultBilling) await setDefaultBilling(tx, customerId, null);
}

/**
 * Merge-patch of an address: null clears, absent keeps. A patch that changes nothing leaves no trace.
 * @throws Problem NOT_FOUND, CUSTOMER_GONE, ADDRESS_INVALID
 */
export function updateAddress(
  ctx: Ctx,
  customerId: string,
  id: string,
  input: AddressChangeInput,
): Promise<AddressRow> {
  return write(ctx, async (tx) => {
    await lockPresent(tx, customerId, undefined);
    const row = await readAddress(tx, customerId, id);
    refuseUnmarking(row, input);
    const { fields } = accepted(normaliseAddress(input, row));
    const { isDefault = row.isDefault, isDefaultBilling = row.isDefaultBilling } = input;
    const changes = changedFields(row, { ...fields, isDefault, isDefaultBilling }, TOLD);
    if (Object.keys(changes).length === 0) return row;
    await updateRow(tx, id, {
      ...fields,
      ...derivedColumns({ ...row, ...fields }),
      updatedAt: ctx.now,
    });
    await moveMarks(tx, row, input);
    await touchCustomers(tx, { ids: [customerId], now: ctx.now });
    await tell(ctx, tx, { kind: 'address.changed', customerId, subjectId: id, data: { changes } });
    return readAddress(tx, customerId, id);
  });
}

/**
 * Deletes an address, never the last one (A2). When the default goes, `newDefaultId` or else the most recently used
 * one takes its place (A3).
 * @throws Problem NOT_FOUND, CUSTOMER_GONE, LAST_ADDRESS, ADDRESS_NOT_FOUND
 */
export function deleteAddress(
  ctx: Ctx,
  customerId: string,
  id: string,
  newDefaultId?: string,
): Promise<void> {
  return write(ctx, async (tx) => {
    await lockPresent(tx, customerId, undefined);
    await readAddress(tx, customerId, id);
    const plan = accepted(planAddressDelete(await listAddressUses(tx, { customerId }), id, newDefaultId));
    await deleteRow(tx, id);
    if (plan.newDefaultId) await setDefaultAddress(tx, customerId, plan.newDefaultId);
    await touchCustomers(tx, { ids: [customerId], now: ctx.now });
    await tell(ctx, tx, {
      kind: 'address.removed',
      customerId,
      subjectId: id,
      data: plan.newDefaultId ? { newDefaultId: plan.newDefaultId } : {},
    });
  });
}

/** An address that an order names; `usedAt` is null when a file only tells of it. */
export interface CheckoutAddress {
  customerId: string;
  address: AddressInput;
  usedAt: Date | null;
}

/**
 * A5: keeps the addresses that orders used, of many customers in a few statements. One that the customer has already
 * is only marked as used, any other is added; none is overwritten, and one that names no place is left out. The
 * caller holds the customers' locks and gives them their next version.
 */
export async function saveCheckoutAddresses(
  ctx: Ctx,
  tx: Tx,
  list: readonly CheckoutAddress[],
): Promise<void> {
  const used = list.flatMap(({ customerId, address, usedAt }) => {
    const fields = readCheckoutAddress(address);
    return fields ? [{ customerId, fields, contentKey: contentKeyOf(fields), usedAt }] : [];
  });
  if (used.length === 0) return;
  const { again, added } = planCheckoutAddresses(used, await findKnownPlaces(tx, used));
  await touchAddresses(tx, again);
  const rows = added.map(({ customerId, fields, isDefault, usedAt }) =>
    newRow(ctx, customerId, fields, { isDefault, isDefaultBilling: false, lastUsedAt: usedAt }),
  );
  await insertAddresses(tx, rows);
  await copyDefaultAddresses(
    tx,
    rows.filter((row) => row.isDefault).map((row) => row.customerId),
  );
  await tell(
    ctx,
    tx,
    ...rows.map(
      ({ id, customerId }) =>
        ({ kind: 'address.added', customerId, subjectId: id, data: { source: 'checkout' } }) as const,
    ),
  );
}
