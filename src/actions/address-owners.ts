// Whose an address is: the customer who has it, or a guest who is made for it (C3). For many at a time.
import type { Ctx } from '../context.ts';
import { Overtaken, type Tx } from '../db/connection.ts';
import { listOwners } from '../db/consents.ts';
import { insertGuests } from '../db/orders.ts';
import type { CustomerFields, Source } from '../domain/customers.ts';
import { noteArrivals } from './arrivals.ts';
import { derivedColumns, NEW_CUSTOMER } from './customers.ts';
import { tell } from './timeline.ts';

/** An address with what else is known of its owner; it has an email or a phone. */
export type Claim = Omit<CustomerFields, 'birthday'>;

export interface Owner {
  customerId: string;
  /** Whether the customer was made for this claim. */
  isNew: boolean;
}

const NAMELESS = { emailNorm: null, phone: null, firstName: null, lastName: null, company: null };

/** By the email, else by the phone. */
const keyOf = ({ emailNorm, phone }: Claim): string => (emailNorm ? `email ${emailNorm}` : `sms ${phone}`);

async function findOwners(tx: Tx, claims: readonly Claim[]): Promise<Map<string, string>> {
  const emails = claims.flatMap(({ emailNorm }) => emailNorm ?? []);
  const phones = claims.flatMap(({ emailNorm, phone }) => (emailNorm ? [] : (phone ?? [])));
  const owners = await listOwners(tx, { emails, phones });
  return new Map(owners.map(({ channel, address, customerId }) => [`${channel} ${address}`, customerId]));
}

/** Adds guests; whom somebody else added meanwhile is left out. In order of their keys, so that nobody waits crosswise. */
async function addGuests(
  ctx: Ctx,
  tx: Tx,
  claims: ReadonlyMap<string, Claim>,
  source: Source,
): Promise<Map<string, string>> {
  const sorted = [...claims].sort(([a], [b]) => (a < b ? -1 : 1));
  const rows = sorted.map(([, claim]) => ({
    ...NEW_CUSTOMER,
    ...claim,
    ...derivedColumns({ ...NAMELESS, ...claim }),
    id: ctx.newId(),
    accountStatus: 'guest' as const,
    source,
    createdAt: ctx.now,
    updatedAt: ctx.now,
  }));
  const added = new Set(await insertGuests(tx, rows));
  const made = new Map(rows.flatMap(({ id, ...row }) => (added.has(id) ? [[keyOf(row), id]] : [])));
  const ids = [...made.values()];
  await tell(
    ctx,
    tx,
    ...ids.map((customerId) => ({ kind: 'customer.created', customerId, data: { source } }) as const),
  );
  await noteArrivals(ctx, tx, ids);
  return made;
}

/**
 * The owner of each address, in the order of the claims.
 * @throws Overtaken when a customer came and went meanwhile
 */
export async function ensureOwners(
  ctx: Ctx,
  tx: Tx,
  claims: readonly Claim[],
  source: Source,
): Promise<Owner[]> {
  const known = await findOwners(tx, claims);
  const missing = new Map(
    claims.filter((claim) => !known.has(keyOf(claim))).map((claim) => [keyOf(claim), claim]),
  );
  const made = missing.size > 0 ? await addGuests(ctx, tx, missing, source) : new Map<string, string>();
  const late = made.size < missing.size ? await findOwners(tx, claims) : known;
  return claims.map((claim) => {
    const customerId = made.get(keyOf(claim)) ?? late.get(keyOf(claim));
    if (customerId === undefined) throw new Overtaken('a customer with this address came and went');
    return { customerId, isNew: made.has(keyOf(claim)) };
  });
}
