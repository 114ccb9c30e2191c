// Newsletter sign-up: attaches to the customer of the address, or makes one (C3), and records what was agreed to.
import type { Ctx } from '../context.ts';
import type { Tx } from '../db/connection.ts';
import { lockCustomer, updateCustomer } from '../db/customers.ts';
import { normaliseCustomer } from '../domain/customers.ts';
import { GENERAL_TOPIC } from '../domain/mail/consents.ts';
import { localTimeAt } from '../domain/zoned-time.ts';
import { accepted, Problem } from '../errors.ts';
import { ensureOwners } from './address-owners.ts';
import { type Proof, recordConsents, type Wording } from './consents.ts';
import { derivedColumns, storeOf } from './customers.ts';
import { tell } from './timeline.ts';
import { write } from './write.ts';

export interface NewsletterInput {
  email: string;
  firstName?: string | null;
  lastName?: string | null;
  language?: string | null;
  /** Keys of topics; the newsletter unless told. */
  topics?: readonly string[];
  wording?: Wording;
  /** Address of the page with the form. */
  page?: string;
}

type Fields = Awaited<ReturnType<typeof readFields>>;

async function readFields(ctx: Ctx, tx: Tx, { email, firstName, lastName, language }: NewsletterInput) {
  const { timezone } = await storeOf({ ...ctx, db: tx });
  const given = {
    email,
    ...(firstName !== undefined && { firstName }),
    ...(lastName !== undefined && { lastName }),
    ...(language !== undefined && { language }),
  };
  const { fields } = accepted(normaliseCustomer(given, { today: localTimeAt(ctx.now, timezone) }));
  const { birthday: _, ...read } = fields;
  const { emailNorm } = read;
  if (!emailNorm) {
    const errors = [{ pointer: '/email', code: 'EMAIL_INVALID', message: 'Not an email address.' }];
    throw new Problem('CUSTOMER_INVALID', { errors });
  }
  return { ...read, emailNorm };
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

/**
 * Notes the wish of an address; with double opt-in a mail asks its owner to confirm. The answer never tells whether the
 * address was known, subscribed or waits for confirmation.
 * @throws Problem CUSTOMER_INVALID for something that is no address, TOPIC_UNKNOWN, TOPIC_ARCHIVED
 */
export function signUpForNewsletter(
  ctx: Ctx,
  input: NewsletterInput,
  proof: Proof,
): Promise<{ status: 'received' }> {
  const { topics = [GENERAL_TOPIC], wording, page } = input;
  return write(ctx, async (tx) => {
    const fields = await readFields(ctx, tx, input);
    const [owner] = await ensureOwners(ctx, tx, [fields], 'newsletter');
    const customerId = owner?.customerId ?? null;
    if (customerId && !owner?.isNew) await fillGaps(ctx, tx, customerId, fields);
    await tell(ctx, tx, { kind: 'newsletter.signed_up', customerId });
    await recordConsents(
      ctx,
      tx,
      topics.map((topic) => ({
        channel: 'email',
        address: fields.emailNorm,
        topic,
        action: 'grant',
        source: 'newsletter_form',
        customerId,
        wording,
        proof: { ...proof, ...(page !== undefined && { page }) },
      })),
    );
    return { status: 'received' };
  });
}
