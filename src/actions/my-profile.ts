// What signed-in customers see and change of their own profile. What staff noted for itself is left out.
import type { Ctx } from '../context.ts';
import type { Tx } from '../db/connection.ts';
import { type Customer, findCustomer } from '../db/customers.ts';
import { lockMembers, updateMembers } from '../db/loyalty-members.ts';
import type { CustomerInput } from '../domain/customers.ts';
import { isBirthdayEdit, mayEditBirthday } from '../domain/loyalty/birthdays.ts';
import { localTimeAt } from '../domain/zoned-time.ts';
import { Problem } from '../errors.ts';
import { changeCustomer } from './customer-profiles.ts';
import { lockPresent, storeOf } from './customers.ts';
import { write } from './write.ts';

/** The email has a way of its own: it changes when it is confirmed. */
export type MyProfileInput = Omit<CustomerInput, 'email' | 'externalId'>;

/** The profile as its customer sees it. */
export function profileOf(customer: Customer) {
  const { id, email, phone, firstName, lastName, company, birthday, gender, language, timezone } = customer;
  const { accountStatus, registeredAt, acceptsMarketing, defaultAddress, version, createdAt, updatedAt } =
    customer;
  return {
    id,
    email,
    phone,
    firstName,
    lastName,
    company,
    ...(birthday && { birthday }),
    gender,
    language,
    timezone,
    accountStatus,
    registeredAt,
    acceptsMarketing,
    ...(defaultAddress && { defaultAddress }),
    version,
    createdAt,
    updatedAt,
  };
}

export type MyProfile = ReturnType<typeof profileOf>;

/** @throws Problem NOT_FOUND */
export async function readMyProfile(ctx: Ctx, customerId: string): Promise<MyProfile> {
  const customer = await findCustomer(ctx.db, customerId);
  if (!customer) throw new Problem('NOT_FOUND', { resource: 'customer' });
  return profileOf(customer);
}

/** P8: a birthday earns points, so members edit it once a calendar year of the store. The customer's lock is held. */
async function noteBirthdayEdit(ctx: Ctx, tx: Tx, customerId: string): Promise<void> {
  const [member] = await lockMembers(tx, [customerId]);
  if (!member) return;
  const { timezone } = await storeOf({ ...ctx, db: tx });
  if (!mayEditBirthday(member.birthdayEditedYear, ctx.now, timezone))
    throw new Problem('BIRTHDAY_EDITED_THIS_YEAR');
  const birthdayEditedYear = localTimeAt(ctx.now, timezone).year;
  await updateMembers(tx, [{ ...member, birthdayEditedYear, updatedAt: ctx.now }]);
}

/**
 * Merge-patch of the own profile.
 * @throws Problem VERSION_MISMATCH, CUSTOMER_INVALID, CUSTOMER_NEEDS_IDENTITY, BIRTHDAY_EDITED_THIS_YEAR
 */
export function updateMyProfile(
  ctx: Ctx,
  customerId: string,
  input: MyProfileInput,
  ifMatch?: number,
): Promise<MyProfile> {
  return write(ctx, async (tx) => {
    const before = await lockPresent(tx, customerId, ifMatch);
    const { birthday } = input;
    if (birthday !== undefined && isBirthdayEdit(before, birthday))
      await noteBirthdayEdit(ctx, tx, customerId);
    return profileOf(await changeCustomer(ctx, tx, customerId, input));
  });
}
