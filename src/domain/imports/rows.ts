// Cells of an import row to the fields of a customer or an address. What a valid value is, the rooms of the nouns say;
// this room knows how such values are written in files. An empty cell is absent: it keeps what is there. Nothing can
// be cleared by CSV; the API does that.
import { type AddressFields, type AddressInput, normaliseAddress } from '../addresses.ts';
import {
  type CustomFieldDeclaration,
  type CustomFieldType,
  type CustomValue,
  checkCustom,
} from '../custom-fields.ts';
import {
  type CalendarDay,
  type CustomerFields,
  type CustomerInput,
  normaliseCustomer,
} from '../customers.ts';
import { normaliseEmail } from '../emails.ts';
import { type FieldProblem, lengthOf, readText } from '../fields.ts';
import { groupKey, readGroupName } from '../groups.ts';
import { normalisePhone } from '../phones.ts';
import { MAX_TAGS_PER_CUSTOMER, parseTags } from '../tags.ts';
import {
  countryOf,
  readBirthday,
  readBoolean,
  readInstant,
  splitList,
  splitName,
  withoutMark,
} from './cells.ts';
import type { AddressField, CustomerField } from './columns.ts';

export const MAX_IMPORTED_NOTE_LENGTH = 10_000;

export interface RowOptions {
  /** The store's calendar day: birthdays may not be later. */
  today: CalendarDay;
  /** For national phone numbers of rows that name no country. */
  defaultCountry?: string | null;
  customFields?: readonly CustomFieldDeclaration[];
  /** The field by which the import finds customers: a row without it is a problem. */
  matchBy?: 'id' | 'externalId' | 'email';
}

/** `column` is the field, or '' for the row; `headers[fields.indexOf(column)]` is its name in the file. */
export interface RowProblem {
  column: string;
  code: string;
  message: string;
}

/** Only what the row says: what it does not say is not there. */
export type CustomerRecord = CustomerFields & CustomerFacts & { address?: AddressFields };

type CustomerFacts = {
  id?: string;
  tags: string[];
  /** Names. */
  groups: string[];
  custom: Record<string, CustomValue>;
  note?: string;
  acceptsMarketing?: boolean;
  wholesale?: boolean;
  createdAt?: Date;
};

export type AddressRecord = {
  /** Whose it is: at least one, all of them the same customer. */
  customer: { id?: string; externalId?: string; emailNorm?: string };
  address: AddressFields;
  isDefault?: boolean;
  isDefaultBilling?: boolean;
};

/** `dropped`: address fields that had a value, such as a phone number, in a row that says no place. */
export type CustomerRow = { record: CustomerRecord; dropped?: CustomerField[] } | { problems: RowProblem[] };
export type AddressRow = { record: AddressRecord } | { problems: RowProblem[] };

type Texts<Field extends string> = Partial<Record<Field, string>>;

const CUSTOMER_TEXTS = [
  'externalId',
  'email',
  'phone',
  'firstName',
  'lastName',
  'company',
  'gender',
  'language',
  'timezone',
] as const satisfies readonly CustomerField[];

type AddressColumns<Column> = readonly (readonly [column: Column, field: keyof AddressInput])[];

const PLACE_COLUMNS = [
  ['address1', 'line1'],
  ['address2', 'line2'],
  ['city', 'city'],
  ['postcode', 'postcode'],
  ['region', 'region'],
  ['countryCode', 'countryCode'],
] as const;

const ADDRESS_OF_CUSTOMER: AddressColumns<CustomerField> = [
  ['addressFirstName', 'firstName'],
  ['addressLastName', 'lastName'],
  ['addressCompany', 'company'],
  ['addressPhone', 'phone'],
  ...PLACE_COLUMNS,
];

const ADDRESS_BY_ITSELF: AddressColumns<AddressField> = [
  ['firstName', 'firstName'],
  ['lastName', 'lastName'],
  ['company', 'company'],
  ['phone', 'phone'],
  ...PLACE_COLUMNS,
];

/** Columns that can be at fault for a field, besides the one of its own name. */
const OTHER_COLUMNS: Readonly<Record<string, readonly string[]>> = {
  externalId: ['anyId'],
  firstName: ['fullName'],
  lastName: ['fullName'],
  company: ['companyEverywhere'],
  addressCompany: ['companyEverywhere'],
};

const DATE_EXPECTED = 'A date is YYYY-MM-DD, a time YYYY-MM-DDTHH:MM:SSZ (ISO 8601).';
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** Reads one row; all its problems at once. C2 is asked only as far as the row goes: an update may be an id alone. */
export function readCustomerRow(
  fields: readonly (CustomerField | undefined)[],
  cells: readonly string[],
  options: RowOptions,
): CustomerRow {
  const texts = textsOf(fields, cells);
  const problems: RowProblem[] = [];
  const facts = readFacts(texts, fields, options, problems);
  const input = customerInput(texts, problems);
  const country = texts.countryCode === undefined ? undefined : countryOf(texts.countryCode);
  const defaultCountry = country ?? options.defaultCountry ?? null;
  const read = normaliseCustomer(input, { today: options.today, defaultCountry });
  if ('refused' in read) addProblems(problems, read.errors, fields, (field) => field);
  const address = readCustomerAddress(texts, fields, options, problems);
  checkKeys(facts, input, options, problems);
  if ('refused' in read || problems.length > 0) return { problems };
  const record: CustomerRecord = Object.assign(read.fields, facts);
  if (address === 'dropped') return { record, dropped: addressColumns(texts) };
  if (address !== undefined) record.address = address;
  return { record };
}

/** Reads one row of an address file; all its problems at once. */
export function readAddressRow(
  fields: readonly (AddressField | undefined)[],
  cells: readonly string[],
  options: Pick<RowOptions, 'defaultCountry'>,
): AddressRow {
  const texts = textsOf(fields, cells);
  const problems: RowProblem[] = [];
  const customer = readOwner(texts, problems);
  const read = normaliseAddress(addressInput(texts, ADDRESS_BY_ITSELF, options) ?? {});
  if ('refused' in read) addProblems(problems, read.errors, fields, columnIn(ADDRESS_BY_ITSELF));
  const isDefault = readFlag(texts.isDefault, 'isDefault', problems);
  const isDefaultBilling = readFlag(texts.isDefaultBilling, 'isDefaultBilling', problems);
  if ('refused' in read || problems.length > 0) return { problems };
  return {
    record: {
      customer,
      address: read.fields,
      ...(isDefault === undefined ? {} : { isDefault }),
      ...(isDefaultBilling === undefined ? {} : { isDefaultBilling }),
    },
  };
}

function textsOf<Field extends string>(
  fields: readonly (Field | undefined)[],
  cells: readonly string[],
): Texts<Field> {
  const texts: Texts<Field> = {};
  for (let index = 0; index < fields.length; index += 1) {
    const field = fields[index];
    const cell = cells[index];
    if (field === undefined || cell === undefined || cell === '') continue;
    const text = withoutMark(cell);
    if (text.trim() !== '') texts[field] = text;
  }
  return texts;
}

function customerInput(texts: Texts<CustomerField>, problems: RowProblem[]): CustomerInput {
  const input: CustomerInput = {};
  for (const field of CUSTOMER_TEXTS) {
    const text = texts[field];
    if (text !== undefined) input[field] = text;
  }
  if (texts.companyEverywhere !== undefined) input.company ??= texts.companyEverywhere;
  if (texts.anyId !== undefined && !UUID.test(texts.anyId.trim())) input.externalId ??= texts.anyId;
  if (texts.fullName !== undefined) Object.assign(input, splitName(texts.fullName));
  if (texts.birthday !== undefined) {
    const birthday = readBirthday(texts.birthday);
    if (birthday) input.birthday = birthday;
    else
      addProblem(
        problems,
        'birthday',
        'BIRTHDAY_INVALID',
        'A birthday is YYYY-MM-DD, or --MM-DD without the year.',
      );
  }
  return input;
}

function readFacts(
  texts: Texts<CustomerField>,
  fields: readonly (CustomerField | undefined)[],
  options: RowOptions,
  problems: RowProblem[],
): CustomerFacts {
  const facts: CustomerFacts = {
    tags: texts.tags === undefined ? [] : readTags(texts.tags, problems),
    groups: texts.groups === undefined ? [] : readGroups(texts.groups, problems),
    custom: readCustom(texts, fields, options.customFields ?? [], problems),
  };
  const id = readId(texts, problems);
  if (id !== undefined) facts.id = id;
  const note = texts.note === undefined ? undefined : readNote(texts.note, problems);
  if (note !== undefined) facts.note = note;
  const acceptsMarketing = readFlag(texts.acceptsMarketing, 'acceptsMarketing', problems);
  if (acceptsMarketing !== undefined) facts.acceptsMarketing = acceptsMarketing;
  const wholesale = readFlag(texts.wholesale, 'wholesale', problems);
  if (wholesale !== undefined) facts.wholesale = wholesale;
  const createdAt = texts.createdAt === undefined ? undefined : readInstant(texts.createdAt);
  if (createdAt !== undefined) facts.createdAt = createdAt;
  else if (texts.createdAt !== undefined) addProblem(problems, 'createdAt', 'DATE_INVALID', DATE_EXPECTED);
  return facts;
}

function readId(texts: Texts<CustomerField>, problems: RowProblem[]): string | undefined {
  const text = (texts.id ?? texts.anyId)?.trim();
  if (text === undefined || UUID.test(text)) return text?.toLowerCase();
  if (texts.id === undefined) return undefined;
  addProblem(
    problems,
    'id',
    'ID_INVALID',
    'Not an id of ours (a UUID); ids of other systems are the externalId.',
  );
  return undefined;
}

function readTags(text: string, problems: RowProblem[]): string[] {
  const tags = parseTags(text);
  if ('refused' in tags) {
    const message = `"${tags.tag.slice(0, 40)}" is ${tags.reason === 'too_long' ? 'too long' : 'unreadable'}.`;
    addProblem(problems, 'tags', tags.refused, message);
    return [];
  }
  if (tags.length <= MAX_TAGS_PER_CUSTOMER) return tags;
  addProblem(problems, 'tags', 'TOO_MANY_TAGS', `At most ${MAX_TAGS_PER_CUSTOMER} tags, not ${tags.length}.`);
  return [];
}

function readGroups(text: string, problems: RowProblem[]): string[] {
  const groups = new Map<string, string>();
  for (const item of splitList(text)) {
    const group = readGroupName(item);
    if ('refused' in group)
      addProblem(problems, 'groups', group.refused, 'A group name has 1 to 255 characters.');
    else if (!groups.has(groupKey(group.name))) groups.set(groupKey(group.name), group.name);
  }
  return [...groups.values()];
}

function readNote(text: string, problems: RowProblem[]): string | undefined {
  const note = text.normalize('NFC').replaceAll('\r\n', '\n').trim();
  if (note.length <= MAX_IMPORTED_NOTE_LENGTH || lengthOf(note) <= MAX_IMPORTED_NOTE_LENGTH) return note;
  addProblem(problems, 'note', 'TEXT_INVALID', `At most ${MAX_IMPORTED_NOTE_LENGTH} characters.`);
  return undefined;
}

function readFlag(text: string | undefined, column: string, problems: RowProblem[]): boolean | undefined {
  if (text === undefined) return undefined;
  const flag = readBoolean(text);
  if (flag === undefined)
    addProblem(problems, column, 'BOOLEAN_INVALID', 'Yes or no: true, false, yes, no, 1, 0.');
  return flag;
}

function readCustom(
  texts: Texts<CustomerField>,
  fields: readonly (CustomerField | undefined)[],
  declarations: readonly CustomFieldDeclaration[],
  problems: RowProblem[],
): Record<string, CustomValue> {
  const custom: Record<string, CustomValue> = {};
  let isGiven = false;
  for (const field of fields) {
    if (field === undefined || !isCustom(field)) continue;
    const text = texts[field];
    if (text === undefined) continue;
    const key = field.slice('custom.'.length);
    custom[key] = customValue(declarations.find((declaration) => declaration.key === key)?.type, text);
    isGiven = true;
  }
  if (isGiven) {
    const found = checkCustom(declarations, custom, 'update');
    addProblems(problems, found, fields, (key) => `custom.${key}`);
  }
  return custom;
}

function isCustom(field: CustomerField): field is `custom.${string}` {
  return field.startsWith('custom.');
}

/** Text that does not fit its type stays text: then the check of custom fields says what would be right. */
function customValue(type: CustomFieldType | undefined, text: string): CustomValue {
  if (type === 'boolean') return readBoolean(text) ?? text;
  if (type === 'number') return /^[+-]?(?:\d+\.?\d*|\.\d+)$/.test(text.trim()) ? Number(text) : text;
  return type === 'string' ? text : text.trim();
}

/** 'dropped': there was something, but no place. */
function readCustomerAddress(
  texts: Texts<CustomerField>,
  fields: readonly (CustomerField | undefined)[],
  options: RowOptions,
  problems: RowProblem[],
): AddressFields | 'dropped' | undefined {
  const input = addressInput(texts, ADDRESS_OF_CUSTOMER, options);
  if (input === undefined) return undefined;
  if (texts.companyEverywhere !== undefined) input.company ??= texts.companyEverywhere;
  const read = normaliseAddress(input);
  if (!('refused' in read)) return read.fields;
  if (read.errors.every(({ code }) => code === 'ADDRESS_EMPTY')) return 'dropped';
  addProblems(problems, read.errors, fields, columnIn(ADDRESS_OF_CUSTOMER));
  return undefined;
}

/** Undefined when the row has none of the columns. */
function addressInput<Column extends string>(
  texts: Texts<Column>,
  columns: AddressColumns<Column>,
  options: Pick<RowOptions, 'defaultCountry'>,
): AddressInput | undefined {
  const input: AddressInput = {};
  let isGiven = false;
  for (const [column, field] of columns) {
    const text = texts[column];
    if (text === undefined) continue;
    input[field] = text;
    isGiven = true;
  }
  const { countryCode, phone } = input;
  if (countryCode) input.countryCode = countryOf(countryCode) ?? countryCode;
  else if (phone) input.phone = normalisePhone(phone, options.defaultCountry ?? undefined) ?? phone;
  return isGiven ? input : undefined;
}

function addressColumns(texts: Texts<CustomerField>): CustomerField[] {
  return ADDRESS_OF_CUSTOMER.map(([column]) => column).filter((column) => texts[column] !== undefined);
}

function columnIn(columns: AddressColumns<string>): (field: string) => string {
  return (wanted) => columns.find(([, field]) => field === wanted)?.[0] ?? wanted;
}

function readOwner(texts: Texts<AddressField>, problems: RowProblem[]): AddressRecord['customer'] {
  const customer: AddressRecord['customer'] = {};
  const { customerId, externalId, email } = texts;
  if (customerId !== undefined) customer.id = customerId.trim().toLowerCase();
  const externalIdRead = externalId === undefined ? undefined : readText(externalId);
  if (externalIdRead !== undefined) customer.externalId = externalIdRead;
  const emailNorm = email === undefined ? undefined : normaliseEmail(email);
  if (emailNorm !== undefined) customer.emailNorm = emailNorm;
  if (customer.id !== undefined && !UUID.test(customer.id)) {
    addProblem(problems, 'customerId', 'ID_INVALID', 'Not an id of ours (a UUID).');
  }
  if (externalId !== undefined && externalIdRead === undefined) {
    addProblem(problems, 'externalId', 'TEXT_INVALID', 'At most 255 characters, no control characters.');
  }
  if (email !== undefined && emailNorm === undefined) {
    addProblem(problems, 'email', 'EMAIL_INVALID', 'Not an email address that mail can be sent to.');
  }
  if ((customerId ?? externalId ?? email) === undefined) {
    addProblem(problems, '', 'KEY_MISSING', 'The row does not say whose address it is.');
  }
  return customer;
}

function checkKeys(
  facts: CustomerFacts,
  input: CustomerInput,
  options: RowOptions,
  problems: RowProblem[],
): void {
  const { matchBy } = options;
  const key = matchBy === 'id' ? facts.id : matchBy && input[matchBy];
  if (matchBy !== undefined && !key && !problems.some((problem) => problem.column === matchBy)) {
    addProblem(
      problems,
      matchBy,
      'KEY_MISSING',
      `The import finds customers by ${matchBy}, and the row has none.`,
    );
  }
  const { externalId, email, phone, lastName, company } = input;
  if (!(facts.id || externalId || email || phone || lastName || company)) {
    addProblem(
      problems,
      '',
      'CUSTOMER_NEEDS_IDENTITY',
      'The row has no id, email, phone, last name or company.',
    );
  }
}

/** Problems of an input, told by the column they come from. `columnOf`: column by the pointer's field. */
function addProblems(
  problems: RowProblem[],
  found: readonly FieldProblem[],
  fields: readonly (string | undefined)[],
  columnOf: (field: string) => string,
): void {
  for (const { pointer, code, message } of found) {
    const own = pointer === '' ? '' : columnOf(pointer.slice(1));
    const column =
      [own, ...(OTHER_COLUMNS[own] ?? [])].find((candidate) => fields.includes(candidate)) ?? own;
    addProblem(problems, column, code, message);
  }
}

function addProblem(problems: RowProblem[], column: string, code: string, message: string): void {
  problems.push({ column, code, message });
}
