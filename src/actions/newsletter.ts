// Newsletter sign-up: attaches to the customer of the address, or makes one (C3).
import type { Ctx } from '../context.ts';
import type { Tx } from '../db/connection.ts';
import { findByIdentity, insertCustomer, lockCustomer, updateCustomer } from '../db/customers.ts';
import { refusalOfDatabase } from '../db/refusals.ts';
import { normaliseCustomer } from '../domain/customers.ts';
import { localTimeAt } from '../domain/zoned-time.ts';
import { accepted, Problem } from '../errors.ts';
import { noteArrival, noteNewsletter } from './arrivals.ts';
import { derivedColumns, NEW_CUSTOMER, storeOf } from './customers.ts';
import { tell } from './timeline.ts';
import { write } from './write.ts';

export interface NewsletterInput {
  email: string;
  firstName?: string | null;
  lastName?: string | null;
  language?: string | null;
}

type Fields = Awaited<ReturnType<typeof readFields>>;

async function readFields(ctx: Ctx, tx: Tx, input: NewsletterInput) {
  const { timezone } = await storeOf({ ...ctx, db: tx });
  const { fields } = accepted(normaliseCustomer(input, { today: localTimeAt(ctx.now, timezone) }));
  const { emailNorm } = fields;
  if (!emailNorm) {
    const errors = [{ pointer: '/email', code: 'EMAIL_INVALID', message: 'Not an email address.' }];
    throw new Problem('CUSTOMER_INVALID', { errors });
  }
  return { ...fields, emailNorm };
}

async function addCustomer(ctx: Ctx, tx: Tx, fields: Fields): Promise<string> {
  const id = ctx.newId();
  await insertCustomer(tx, {
    ...NEW_CUSTOMER,
    ...derivedColumns(fields),
    ...fields,
    storeId: ctx.storeId,
    id,
    accountStatus: 'guest',
    source: 'newsletter',
    createdAt: ctx.now,
    updatedAt: ctx.now,
  });
  await tell(ctx, tx, { kind: 'customer.created', customerId: id, data: { source: 'newsletter' } });
  return id;
}

/** A public form may complete a profile, never change what it says. */
async function fillGaps(ctx: Ctx, tx: Tx, id: string, fields: Fields): Promise<void> {
  const row = await lockCustomer(tx, id);
  if (!row) return;
  const gaps = (['firstName', 'lastName', 'language'] as const).filter(
    (name) => row[name] === null && fields[name],
  );
  if (gaps.length === 0) return;
  const filled = Object.fromEntries(gaps.map((name) => [name, fields[name]]));
  const after = { ...row, ...filled };
  await updateCustomer(tx, id, {
    ...filled,
    ...derivedColumns(after),
    version: row.version + 1,
    updatedAt: ctx.now,
  });
  const changes = Object.fromEntries(gaps.map((name) => [name, [null, fields[name]]]));
  await tell(ctx, tx, { kind: 'customer.updated', customerId: id, data: { changes } });
}

function attempt(ctx: Ctx, input: NewsletterInput): Promise<{ status: 'received' }> {
  return write(ctx, async (tx) => {
    const fields = await readFields(ctx, tx, input);
    const [known] = await findByIdentity(tx, { emailNorm: fields.emailNorm });
    if (known) await fillGaps(ctx, tx, known.id, fields);
    const customerId = known?.id ?? (await addCustomer(ctx, tx, fields));
    await tell(ctx, tx, { kind: 'newsletter.signed_up', customerId });
    if (!known) await noteArrival(ctx, tx, customerId);
    await noteNewsletter(ctx, tx, customerId);
    return { status: 'received' };
  });
}

/**
 * Notes the wish of an address; the answer never tells whether it was known.
 * @throws Problem CUSTOMER_INVALID for something that is no address
 */
export async function signUpForNewsletter(ctx: Ctx, input: NewsletterInput): Promise<{ status: 'received' }> {
  try {
    return await attempt(ctx, input);
  } catch (error) {
    // Two sign-ups of one new address at once: the other one made the customer, so this one finds it now.
    if (refusalOfDatabase(error) !== 'EMAIL_TAKEN') throw error;
    return attempt(ctx, input);
  }
}
