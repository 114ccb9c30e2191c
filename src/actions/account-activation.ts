// How an account comes to be, other than by an invitation: the customer of an address that was proven to be theirs.
import type { Ctx } from '../context.ts';
import type { Tx } from '../db/connection.ts';
import {
  type CustomerRow,
  findByIdentity,
  insertCustomer,
  lockCustomer,
  updateCustomer,
} from '../db/customers.ts';
import { planAccountCommand } from '../domain/account-states.ts';
import { type CustomerFields, changedFields, type Source } from '../domain/customers.ts';
import { accepted, Problem } from '../errors.ts';
import { noteArrival, noteSignUp, welcome } from './arrivals.ts';
import { derivedColumns, NEW_CUSTOMER, storeOf } from './customers.ts';
import { endInvitations } from './invitations.ts';
import { tell } from './timeline.ts';

/** What a form may fill in where the profile says nothing; it never changes what is there. */
const FILLED = ['firstName', 'lastName', 'company', 'phone', 'language'] as const;

/** The person whose address it is, with what they say of themselves. */
export type AccountFields = Pick<CustomerFields, (typeof FILLED)[number]> & {
  email: string;
  emailNorm: string;
};

const NOTHING_SAID = { firstName: null, lastName: null, company: null, phone: null, language: null };

/** C4: whether an account can be made of it, or why not. */
async function planRegistration(ctx: Ctx, tx: Tx, row: CustomerRow | undefined): Promise<void> {
  if (row?.accountStatus === 'disabled') throw new Problem('ACCOUNT_DISABLED');
  const { accounts } = (await storeOf({ ...ctx, db: tx })).settings;
  accepted(planAccountCommand('register', row?.accountStatus ?? 'guest', { hasEmail: true, accounts }));
}

async function addActive(ctx: Ctx, tx: Tx, fields: AccountFields, source: Source): Promise<string> {
  const id = ctx.newId();
  const said = { ...NOTHING_SAID, ...fields };
  await insertCustomer(tx, {
    ...NEW_CUSTOMER,
    ...derivedColumns(said),
    ...said,
    storeId: ctx.storeId,
    id,
    accountStatus: 'active',
    registeredAt: ctx.now,
    source,
    createdAt: ctx.now,
    updatedAt: ctx.now,
  });
  await tell(ctx, tx, { kind: 'customer.created', customerId: id, data: { source } });
  await noteArrival(ctx, tx, id);
  return id;
}

async function activate(ctx: Ctx, tx: Tx, row: CustomerRow, fields: AccountFields): Promise<void> {
  const gaps = FILLED.filter((name) => row[name] === null && fields[name]);
  const columns = {
    ...Object.fromEntries(gaps.map((name) => [name, fields[name]])),
    accountStatus: 'active' as const,
  };
  await updateCustomer(tx, row.id, {
    ...columns,
    ...derivedColumns({ ...row, ...columns }),
    registeredAt: row.registeredAt ?? ctx.now,
    version: row.version + 1,
    updatedAt: ctx.now,
  });
  await endInvitations(ctx, tx, [row.id]);
  const changes = changedFields(row, columns, ['accountStatus', ...FILLED]);
  await tell(ctx, tx, { kind: 'customer.updated', customerId: row.id, data: { changes } });
}

/**
 * Makes the account of an address that was proven: of the guest or invited customer who has it, or of a new one (C3, C4).
 * Resolves to the customer's id; the lock is held.
 * @throws Problem ACCOUNT_DISABLED, ALREADY_ACTIVE, ACCOUNTS_NOT_OFFERED; a race for a new address breaks
 *   customers_email_unique, and whoever runs again finds the customer
 */
export async function openAccount(ctx: Ctx, tx: Tx, fields: AccountFields, source: Source): Promise<string> {
  const [known] = await findByIdentity(tx, { emailNorm: fields.emailNorm });
  const row = known && (await lockCustomer(tx, known.id));
  await planRegistration(ctx, tx, row);
  const id = row?.id ?? (await addActive(ctx, tx, fields, source));
  if (row) await activate(ctx, tx, row, fields);
  if (row?.registeredAt == null) await noteSignUp(ctx, tx, id);
  await welcome(ctx, tx, id);
  return id;
}
