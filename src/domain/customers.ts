// Customers: identity (C2), wholesale (C5), how input becomes stored fields (C1), which changes the timeline
// tells (C9). Account states and names have rooms of their own.
import type { AccountStatus } from './account-states.ts';
import { normaliseEmail } from './emails.ts';
import { daysInMonth, type FieldProblem, isBlank, readText, sameValue } from './fields.ts';
import { normaliseLanguage, normaliseTimezone } from './locales.ts';
import { normalisePhone } from './phones.ts';

export const SOURCES = ['first_order', 'registration', 'newsletter', 'manual', 'import', 'api'] as const;
export type Source = (typeof SOURCES)[number];

export const GENDERS = ['female', 'male', 'other', 'undisclosed'] as const;
export type Gender = (typeof GENDERS)[number];

const EARLIEST_BIRTH_YEAR = 1900;

/** A yearly day, with the year where it is known. */
export type Birthday = { month: number; day: number; year?: number };
export type CalendarDay = { year: number; month: number; day: number };

export type Identity = {
  email?: string | null;
  phone?: string | null;
  lastName?: string | null;
  company?: string | null;
};

/** C2: something must say who it is. undefined = fine. */
export function checkIdentity(customer: Identity): { refused: 'CUSTOMER_NEEDS_IDENTITY' } | undefined {
  const { email, phone, lastName, company } = customer;
  const known = [email, phone, lastName, company].some((value) => !isBlank(value ?? null));
  return known ? undefined : { refused: 'CUSTOMER_NEEDS_IDENTITY' };
}

/** C5: only active and invited customers can be made wholesale; one that already is keeps the flag. */
export function checkWholesale(
  wholesale: boolean,
  current: { wholesale: boolean; accountStatus: AccountStatus },
): { refused: 'WHOLESALE_REQUIRES_ACCOUNT'; accountStatus: AccountStatus; wayOut: string } | undefined {
  const { accountStatus } = current;
  if (!wholesale || current.wholesale || hasWholesalePrice({ wholesale, accountStatus })) return undefined;
  const wayOut = accountStatus === 'disabled' ? 'Enable the account first.' : 'Invite the customer first.';
  return { refused: 'WHOLESALE_REQUIRES_ACCOUNT', accountStatus, wayOut };
}

/** C5: the flag alone gives no price: a disabled account keeps it without any use. */
export function hasWholesalePrice(customer: { wholesale: boolean; accountStatus: AccountStatus }): boolean {
  return customer.wholesale && (customer.accountStatus === 'active' || customer.accountStatus === 'invited');
}

/** A day of the year, 29 February included; with a year it must have existed, from 1900 to today. */
export function isBirthday(birthday: Birthday, today: CalendarDay): boolean {
  const { month, day, year } = birthday;
  if (![month, day, year ?? EARLIEST_BIRTH_YEAR].every(Number.isInteger)) return false;
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(month, year)) return false;
  if (year === undefined) return true;
  return year >= EARLIEST_BIRTH_YEAR && compareDays({ year, month, day }, today) <= 0;
}

function compareDays(one: CalendarDay, other: CalendarDay): number {
  return one.year - other.year || one.month - other.month || one.day - other.day;
}

const TEXT_FIELDS = ['externalId', 'firstName', 'lastName', 'company'] as const;
type TextField = (typeof TEXT_FIELDS)[number];

/** Fields as given by an API call or an import row: absent keeps, null or blank clears. */
export type CustomerInput = Partial<
  Record<TextField | 'email' | 'phone' | 'gender' | 'language' | 'timezone', string | null>
> & { birthday?: Birthday | null };

/** Fields as stored; only those that were given. `email` keeps the given spelling, `emailNorm` is its key (C1). */
export type CustomerFields = Partial<
  Record<TextField | 'email' | 'emailNorm' | 'phone' | 'language' | 'timezone', string | null>
> & { gender?: Gender | null; birthday?: Birthday | null };

export type CustomerRefusal = { refused: 'CUSTOMER_INVALID'; errors: FieldProblem[] };

/**
 * Reads the personal fields of a new customer or of a patch, all problems at once. `today` is the store's calendar
 * day. C2 and C5 look at the whole customer and are asked separately, custom fields by checkCustom().
 */
export function normaliseCustomer(
  input: CustomerInput,
  facts: { today: CalendarDay; defaultCountry?: string | null },
): { fields: CustomerFields } | CustomerRefusal {
  const problems: FieldProblem[] = [];
  const fields: CustomerFields = {};
  for (const field of TEXT_FIELDS) readField(input, field, fields, problems, (text) => readText(text));
  const email = readValue(input.email, 'email', problems, readEmail);
  if (email !== undefined) Object.assign(fields, email ?? { email: null, emailNorm: null });
  const country = facts.defaultCountry ?? undefined;
  readField(input, 'phone', fields, problems, (text) => normalisePhone(text, country));
  readField(input, 'language', fields, problems, normaliseLanguage);
  readField(input, 'timezone', fields, problems, normaliseTimezone);
  const gender = readValue(input.gender, 'gender', problems, readGender);
  if (gender !== undefined) fields.gender = gender;
  const birthday = readValue(input.birthday, 'birthday', problems, (day) => readBirthday(day, facts.today));
  if (birthday !== undefined) fields.birthday = birthday;
  return problems.length > 0 ? { refused: 'CUSTOMER_INVALID', errors: problems } : { fields };
}

const PROBLEMS = {
  externalId: ['TEXT_INVALID', 'At most 255 characters, no control characters.'],
  firstName: ['TEXT_INVALID', 'At most 255 characters, no control characters.'],
  lastName: ['TEXT_INVALID', 'At most 255 characters, no control characters.'],
  company: ['TEXT_INVALID', 'At most 255 characters, no control characters.'],
  email: ['EMAIL_INVALID', 'Not an email address that mail can be sent to.'],
  phone: ['PHONE_INVALID', 'Not a valid phone number: give it with its country code, such as +4930123456.'],
  gender: ['GENDER_INVALID', `One of ${GENDERS.join(', ')}.`],
  birthday: ['BIRTHDAY_INVALID', `A day that exists; with a year, from ${EARLIEST_BIRTH_YEAR} to today.`],
  language: ['LANGUAGE_INVALID', 'A BCP 47 language tag, such as de or pt-BR.'],
  timezone: ['TIMEZONE_INVALID', 'An IANA time zone name, such as Europe/Berlin.'],
} as const satisfies Record<string, readonly [code: string, message: string]>;

/** undefined: not given. null: cleared, or wrong and told in `problems`. */
function readValue<Given, Read>(
  value: Given | null | undefined,
  field: keyof typeof PROBLEMS,
  problems: FieldProblem[],
  read: (value: Given) => Read | undefined,
): Read | null | undefined {
  if (value === undefined) return undefined;
  if (value === null || isBlank(value)) return null;
  const result = read(value);
  if (result !== undefined) return result;
  const [code, message] = PROBLEMS[field];
  problems.push({ pointer: `/${field}`, code, message });
  return null;
}

function readField(
  input: CustomerInput,
  field: TextField | 'phone' | 'language' | 'timezone',
  fields: CustomerFields,
  problems: FieldProblem[],
  read: (text: string) => string | undefined,
): void {
  const value = readValue(input[field], field, problems, read);
  if (value !== undefined) fields[field] = value;
}

function readEmail(text: string): { email: string; emailNorm: string } | undefined {
  const emailNorm = normaliseEmail(text);
  return emailNorm === undefined ? undefined : { email: text.trim().normalize('NFC'), emailNorm };
}

function readGender(text: string): Gender | undefined {
  const wanted = text.trim().toLowerCase();
  return GENDERS.find((gender) => gender === wanted);
}

function readBirthday(birthday: Birthday, today: CalendarDay): Birthday | undefined {
  if (!isBirthday(birthday, today)) return undefined;
  const { month, day, year } = birthday;
  return year === undefined ? { month, day } : { month, day, year };
}

/**
 * C9: the fields among `fields` that a patch really changes, as `[old, new]`. A field that is absent in `after`
 * is kept, null and absent are the same value, instants compare as instants.
 */
export function changedFields<Field extends string>(
  before: Partial<Record<Field, unknown>>,
  after: Partial<Record<Field, unknown>>,
  fields: readonly Field[],
): Partial<Record<Field, [old: unknown, now: unknown]>> {
  const changes: Partial<Record<Field, [unknown, unknown]>> = {};
  for (const field of fields) {
    if (after[field] === undefined || sameValue(before[field], after[field])) continue;
    changes[field] = [before[field] ?? null, after[field]];
  }
  return changes;
}

/** The stored columns of a birthday: absent keeps, null clears. */
export function birthdayColumns(birthday: Birthday | null | undefined) {
  if (birthday === undefined) return {};
  return {
    birthdayMonth: birthday?.month ?? null,
    birthdayDay: birthday?.day ?? null,
    birthdayYear: birthday?.year ?? null,
  };
}
