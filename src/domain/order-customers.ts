// O2, C3: whose order it is. By id, by externalId, then by email; nobody known makes a guest out of what the order says.
import type { AccountStatus } from './account-states.ts';
import { checkIdentity } from './customers.ts';
import { duplicateKey, normaliseEmail } from './emails.ts';
import { type FieldProblem, isBlank, readText } from './fields.ts';
import type { OrderAddress } from './orders.ts';
import { normalisePhone } from './phones.ts';

/** Whom the platform names; all of it is optional. The email stands in the order. */
export interface OrderCustomerReference {
  id?: string | null;
  externalId?: string | null;
  firstName?: string | null;
  lastName?: string | null;
  company?: string | null;
  phone?: string | null;
}

/** What the choice looks at; `order` is the platform's id of the order. */
export interface OrderIdentity {
  order: string;
  customer: OrderCustomerReference;
  emailNorm: string | null;
}

/** The customers that the deliveries of a batch can mean. Merged ones stand as their survivors. */
export interface KnownCustomers {
  byId: ReadonlyMap<string, { id: string; accountStatus: AccountStatus }>;
  byExternalId: ReadonlyMap<string, string>;
  byEmail: ReadonlyMap<string, string>;
  /** Whose an order is by now, with the email that it came with. */
  byOrder: ReadonlyMap<
    string,
    { customerId: string; accountStatus: AccountStatus; emailNorm: string | null }
  >;
}

export type CustomerChoice =
  | { customerId: string }
  | { guest: true }
  | { refused: 'REFERENCE_UNKNOWN'; reference: string }
  | { refused: 'CUSTOMER_GONE'; accountStatus: AccountStatus };

/**
 * O2. A stored order keeps its customer as long as the delivery names no other one: its email is that of the purchase,
 * and the customer may have changed theirs since.
 */
export function chooseCustomer(
  { order, customer, emailNorm }: OrderIdentity,
  known: KnownCustomers,
): CustomerChoice {
  if (customer.id) return customerById(customer.id, known);
  const named = customer.externalId ? known.byExternalId.get(customer.externalId) : undefined;
  if (named !== undefined) return { customerId: named };
  const present = known.byOrder.get(order);
  if (
    present &&
    (emailNorm === null || emailNorm === present.emailNorm || present.accountStatus === 'erased')
  ) {
    return { customerId: present.customerId };
  }
  const addressed = emailNorm === null ? undefined : known.byEmail.get(emailNorm);
  return addressed === undefined ? { guest: true } : { customerId: addressed };
}

function customerById(id: string, known: KnownCustomers): CustomerChoice {
  const customer = known.byId.get(id);
  if (customer === undefined) return { refused: 'REFERENCE_UNKNOWN', reference: '/customer/id' };
  const { accountStatus } = customer;
  return accountStatus === 'erased'
    ? { refused: 'CUSTOMER_GONE', accountStatus }
    : { customerId: customer.id };
}

export type OrderEmailRefusal = { refused: 'CUSTOMER_INVALID'; errors: FieldProblem[] };

/** C1: the email of an order in its normal form; null when it has none. */
export function readOrderEmail(email: string | null): { emailNorm: string | null } | OrderEmailRefusal {
  if (isBlank(email)) return { emailNorm: null };
  const emailNorm = normaliseEmail(email ?? '');
  if (emailNorm !== undefined) return { emailNorm };
  const message = 'Not an email address that mail can be sent to.';
  return { refused: 'CUSTOMER_INVALID', errors: [{ pointer: '/email', code: 'EMAIL_INVALID', message }] };
}

/** The profile of a guest, as stored. */
export interface GuestFields {
  externalId: string | null;
  email: string | null;
  emailNorm: string | null;
  emailKey: string | null;
  phone: string | null;
  firstName: string | null;
  lastName: string | null;
  company: string | null;
}

/** What an order says about the person: the reference first, then whom it is billed to, then whom it goes to. */
export interface PersonSources {
  customer: OrderCustomerReference;
  email: string | null;
  emailNorm: string | null;
  billingAddress: OrderAddress | null;
  shippingAddress: OrderAddress | null;
}

/**
 * O2: the guest of a first order, or why there can be none (C2). Only the identity has to be right: a name or phone
 * that cannot be kept is left out, because the order happened all the same.
 */
export function guestOf(
  sources: PersonSources,
  defaultCountry: string | null,
): GuestFields | { refused: 'CUSTOMER_NEEDS_IDENTITY' } {
  const people = [sources.customer, sources.billingAddress ?? {}, sources.shippingAddress ?? {}] as const;
  const named = people.find(({ firstName, lastName }) => line(firstName) ?? line(lastName));
  const { email, emailNorm } = sources;
  const guest = {
    externalId: line(sources.customer.externalId),
    email: emailNorm === null ? null : (email ?? '').trim().normalize('NFC'),
    emailNorm,
    emailKey: emailNorm === null ? null : duplicateKey(emailNorm),
    phone: firstOf(people, (person: OrderAddress) => phoneOf(person, defaultCountry)),
    firstName: line(named?.firstName),
    lastName: line(named?.lastName),
    company: firstOf(people, ({ company }) => line(company)),
  };
  return checkIdentity(guest) ?? guest;
}

function phoneOf({ phone, countryCode }: OrderAddress, defaultCountry: string | null): string | null {
  if (phone == null) return null;
  return normalisePhone(phone, countryCode ?? defaultCountry ?? undefined) ?? null;
}

function line(text: string | null | undefined): string | null {
  return text == null || isBlank(text) ? null : (readText(text) ?? null);
}

function firstOf<Source, Value>(
  sources: readonly Source[],
  read: (source: Source) => Value | null,
): Value | null {
  for (const source of sources) {
    const value = read(source);
    if (value !== null) return value;
  }
  return null;
}
