// Which column of an uploaded CSV file means which field (customers.md, Import): known header sets, else a mapping.
// Nothing is dropped in silence: a column that is not read is named in `ignored`.
import { CUSTOM_KEY_PATTERN } from '../custom-fields.ts';
import { nearest } from '../nearest.ts';

/** Columns of a customer row, in the order of our own export. Cells are read in rows.ts. */
export const CUSTOMER_FIELDS = [
  'id',
  'externalId',
  'email',
  'phone',
  'firstName',
  'lastName',
  'company',
  'language',
  'timezone',
  'birthday',
  'gender',
  'tags',
  'groups',
  'acceptsMarketing',
  'wholesale',
  'note',
  'createdAt',
  'addressFirstName',
  'addressLastName',
  'addressCompany',
  'address1',
  'address2',
  'city',
  'postcode',
  'region',
  'countryCode',
  'addressPhone',
  /** Of other systems: split at the last space, or at a comma. */
  'fullName',
  /** Of other systems: ours if it is a UUID, else the external id. */
  'anyId',
  /** Of systems that know a company only as part of the address: goes to both. */
  'companyEverywhere',
] as const;
export type FixedCustomerField = (typeof CUSTOMER_FIELDS)[number];
export type CustomerField = FixedCustomerField | `custom.${string}`;

/** Columns of our own export that an import leaves alone: they follow from other facts. */
export const READ_ONLY_COLUMNS = [
  'accountStatus',
  'registeredAt',
  'source',
  'salesAgent',
  'primaryGroup',
  'ordersCount',
  'totalSpent',
  'averageOrderValue',
  'refundedTotal',
  'firstOrderAt',
  'lastOrderAt',
  'version',
  'updatedAt',
] as const;

/** Columns of an address row; `email`, `externalId` and `customerId` (ours) say whose it is. */
export const ADDRESS_FIELDS = [
  'customerId',
  'externalId',
  'email',
  'firstName',
  'lastName',
  'company',
  'address1',
  'address2',
  'city',
  'postcode',
  'region',
  'countryCode',
  'phone',
  'isDefault',
  'isDefaultBilling',
] as const;
export type AddressField = (typeof ADDRESS_FIELDS)[number];

export type ImportFormat = 'clientele' | 'shopify' | 'woocommerce' | 'plain' | 'mapping';

/** The caller's own choice: field by header. `consentBasis` is for the action that reads the file. */
export type ColumnMapping = { columns: Readonly<Record<string, string>>; consentBasis?: string };

export type RecognisedFormat<Field> = {
  format: ImportFormat;
  /** One per header; undefined = not read. */
  fields: (Field | undefined)[];
  /** Headers that are not read; a column without a header is `column 3`. */
  ignored: string[];
  /** True when a column says who accepts marketing: that is imported only with a declared basis. */
  hasConsentColumn: boolean;
};

export type FormatRefusal =
  | { refused: 'UNKNOWN_COLUMNS'; headers: string[]; wayOut: string }
  | { refused: 'AMBIGUOUS_COLUMNS'; field: string; headers: string[]; wayOut: string }
  | { refused: 'MAPPING_INVALID'; header: string; field: string; reason: string };

/** Headers by field: the first one that is there is read. */
type Columns<Field extends string> = Readonly<Partial<Record<Field, readonly string[]>>>;
type Layout = {
  format: ImportFormat;
  matches: (keys: ReadonlySet<string>) => boolean;
  columns: Columns<CustomerField>;
};

// Seen in 2026: Customer ID, First Name, Last Name, Email, Accepts Email Marketing, Default Address Company, Default
// Address Address1 … Default Address Phone, Phone, Accepts SMS Marketing, Total Spent, Total Orders, Note, Tax Exempt,
// Tags, then metafields. Before: Accepts Email Marketing (earlier still: Accepts Marketing), Company, Address1 … Zip,
// Phone, with Province and Country as names beside their codes.
const SHOPIFY: Layout = {
  format: 'shopify',
  matches: (keys) =>
    hasAll(keys, ['firstname', 'lastname']) &&
    hasAny(keys, ['acceptsemailmarketing', 'acceptsmarketing']) &&
    (keys.has('defaultaddressaddress1') || hasAll(keys, ['address1', 'totalspent'])),
  columns: {
    externalId: ['Customer ID'],
    email: ['Email'],
    phone: ['Phone'],
    firstName: ['First Name'],
    lastName: ['Last Name'],
    companyEverywhere: ['Default Address Company', 'Company'],
    tags: ['Tags'],
    note: ['Note'],
    acceptsMarketing: ['Accepts Email Marketing', 'Accepts Marketing'],
    address1: ['Default Address Address1', 'Address1'],
    address2: ['Default Address Address2', 'Address2'],
    city: ['Default Address City', 'City'],
    postcode: ['Default Address Zip', 'Zip'],
    region: ['Default Address Province Code', 'Province Code', 'Province'],
    countryCode: ['Default Address Country Code', 'Country Code', 'Country'],
    addressPhone: ['Default Address Phone'],
  },
};

// Three exports: "Import Export Suite" by WebToffee and other WordPress user exports (ID, user_email, user_registered,
// first_name, locale, billing_…), "Customer/Order/Coupon Export" by SkyVerge (customer_id, email, date_registered,
// billing_…), and the customers report of WooCommerce Analytics (Name, Sign Up, Email, AOV, Country / Region, …).
// Billing is the address; shipping_… is ignored, and a file with an order id is an order export, not a customer list.
const WOOCOMMERCE: Layout = {
  format: 'woocommerce',
  matches: (keys) =>
    !hasAny(keys, ['orderid', 'ordernumber', 'orderkey']) &&
    (keys.has('useremail') ||
      (keys.has('billingaddress1') && hasAny(keys, ['email', 'billingemail'])) ||
      hasAll(keys, ['email', 'aov', 'totalspend'])),
  columns: {
    externalId: ['ID', 'customer_id', 'user_id'],
    email: ['user_email', 'email', 'billing_email'],
    phone: ['billing_phone', 'phone'],
    firstName: ['first_name', 'billing_first_name'],
    lastName: ['last_name', 'billing_last_name'],
    fullName: ['Name'],
    companyEverywhere: ['billing_company'],
    language: ['locale'],
    createdAt: ['user_registered', 'date_registered', 'Sign Up'],
    addressFirstName: ['billing_first_name'],
    addressLastName: ['billing_last_name'],
    address1: ['billing_address_1'],
    address2: ['billing_address_2'],
    city: ['billing_city', 'City'],
    postcode: ['billing_postcode', 'Postal Code'],
    region: ['billing_state_code', 'billing_state', 'Region'],
    countryCode: ['billing_country', 'Country / Region'],
  },
};

const LAYOUTS: readonly Layout[] = [SHOPIFY, WOOCOMMERCE];

const ADDRESS_SYNONYMS = {
  address1: ['address1', 'address', 'address line 1', 'line1', 'street', 'street address', 'street 1'],
  address2: ['address2', 'address line 2', 'line2', 'street 2', 'apartment', 'suite'],
  city: ['city', 'town', 'locality'],
  postcode: ['postcode', 'postal code', 'post code', 'zip', 'zip code'],
  region: ['region code', 'state code', 'province code', 'region', 'state', 'province', 'county'],
  countryCode: ['country code', 'country iso', 'country', 'country region'],
} as const satisfies Columns<CustomerField>;

const PERSON_SYNONYMS = {
  externalId: [
    'external id',
    'customer id',
    'customer number',
    'customer no',
    'client id',
    'contact id',
    'user id',
    'reference',
  ],
  email: ['email', 'email address', 'mail', 'customer email', 'contact email', 'user email'],
  phone: [
    'phone',
    'phone number',
    'mobile',
    'mobile phone',
    'mobile number',
    'cell phone',
    'telephone',
    'tel',
  ],
  firstName: ['first name', 'given name', 'forename', 'fname'],
  lastName: ['last name', 'family name', 'surname', 'lname'],
  company: ['company', 'company name', 'organisation', 'organization', 'business name'],
} as const satisfies Columns<CustomerField>;

const PLAIN_CUSTOMER: Columns<CustomerField> = {
  ...PERSON_SYNONYMS,
  ...ADDRESS_SYNONYMS,
  anyId: ['id'],
  fullName: ['name', 'full name', 'customer name', 'contact name'],
  language: ['language', 'language code', 'locale', 'preferred language'],
  timezone: ['timezone'],
  birthday: ['birthday', 'birth date', 'date of birth', 'dob'],
  gender: ['gender', 'sex'],
  tags: ['tags', 'tag', 'labels'],
  groups: ['groups', 'group', 'customer group', 'customer groups'],
  acceptsMarketing: [
    'accepts marketing',
    'accepts email marketing',
    'email marketing',
    'marketing consent',
    'email consent',
    'marketing opt in',
    'email opt in',
    'opt in',
    'newsletter',
    'subscribed',
  ],
  wholesale: ['wholesale', 'is wholesale'],
  note: ['note', 'notes', 'comment', 'comments'],
  createdAt: [
    'created at',
    'created',
    'created on',
    'date created',
    'date added',
    'registered at',
    'registered',
    'date registered',
    'registration date',
    'sign up date',
    'customer since',
  ],
  addressFirstName: ['address first name'],
  addressLastName: ['address last name'],
  addressCompany: ['address company'],
  addressPhone: ['address phone'],
};

const PLAIN_ADDRESS: Columns<AddressField> = {
  ...PERSON_SYNONYMS,
  ...ADDRESS_SYNONYMS,
  customerId: ['clientele id'],
  isDefault: ['is default', 'default'],
  isDefaultBilling: ['is default billing', 'default billing'],
};

// A name and its code side by side are one fact: the code, which comes first, is read.
const CODE_FIRST: ReadonlySet<string> = new Set(['region', 'countryCode']);
const CUSTOM_FIELD = new RegExp(`^custom\\.(${CUSTOM_KEY_PATTERN.slice(1, -1)})$`);
const WAY_OUT = 'Give a mapping: columns {"<header>": "<field>"}.';

/**
 * The fields of a customer file. A mapping decides alone; without one the header sets of our own export, Shopify and
 * WooCommerce are tried, then plain English names. `customKeys` are the declared custom fields: `custom.<key>` of
 * another key is ignored, or refused in a mapping.
 */
export function recogniseFormat(
  headers: readonly string[],
  mapping?: ColumnMapping,
  customKeys?: readonly string[],
): RecognisedFormat<CustomerField> | FormatRefusal {
  const isField = (name: string) => isCustomerField(name, customKeys);
  if (mapping !== undefined) return readMapping(headers, mapping, isField, CUSTOMER_FIELDS);
  if (isOwnExport(headers))
    return recognised('clientele', headers, withoutDoubts(ownFields(headers, isField)));
  const layout = LAYOUTS.find((candidate) => candidate.matches(new Set(headers.map(headerKey))));
  if (layout) return recognised(layout.format, headers, withoutDoubts(fieldsOf(headers, layout.columns)));
  const ambiguous = ambiguity(headers, PLAIN_CUSTOMER);
  if (ambiguous) return ambiguous;
  const custom = headers.map(
    keepIf((header): header is CustomerField => CUSTOM_FIELD.test(header) && isField(header)),
  );
  const fields = withoutDoubts(fieldsOf(headers, PLAIN_CUSTOMER)).map(
    (field, index) => field ?? custom[index],
  );
  return isCustomerList(fields) ? recognised('plain', headers, fields) : unknownColumns(headers);
}

/** The fields of an address file: whose it is, and the address. A mapping decides alone. */
export function recogniseAddressFormat(
  headers: readonly string[],
  mapping?: ColumnMapping,
): RecognisedFormat<AddressField> | FormatRefusal {
  if (mapping !== undefined) return readMapping(headers, mapping, isAddressField, ADDRESS_FIELDS);
  const own = headers.map(keepIf(isAddressField));
  if (!own.includes(undefined) && isAddressList(own)) return recognised('clientele', headers, own);
  const ambiguous = ambiguity(headers, PLAIN_ADDRESS);
  if (ambiguous) return ambiguous;
  const fields = fieldsOf(headers, PLAIN_ADDRESS);
  return isAddressList(fields) ? recognised('plain', headers, fields) : unknownColumns(headers);
}

/** `First Name`, `first_name`, `first-name` and `firstName` are one header. */
function headerKey(header: string): string {
  return header
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');
}

function isCustomerField(name: string, customKeys: readonly string[] | undefined): name is CustomerField {
  const key = CUSTOM_FIELD.exec(name)?.[1];
  if (key !== undefined) return customKeys?.includes(key) ?? true;
  return CUSTOMER_FIELDS.some((field) => field === name);
}

function isAddressField(name: string): name is AddressField {
  return ADDRESS_FIELDS.some((field) => field === name);
}

// Spelled as we spell them, every one, and at least one that others would not spell so: `email,city` is no export.
function isOwnExport(headers: readonly string[]): boolean {
  const columns: readonly string[] = [...CUSTOMER_FIELDS, ...READ_ONLY_COLUMNS];
  return (
    headers.every((header) => columns.includes(header) || header.startsWith('custom.')) &&
    headers.some((header) => /[A-Z]/.test(header) || header.startsWith('custom.'))
  );
}

// A file of another system may be spelled like ours; beside an external id, or as a UUID, `id` is ours for sure.
function ownFields(
  headers: readonly string[],
  isField: (name: string) => name is CustomerField,
): (CustomerField | undefined)[] {
  const isCertain = headers.includes('externalId');
  return headers.map(keepIf(isField)).map((field) => (field === 'id' && !isCertain ? 'anyId' : field));
}

// An id and a name alone could be a list of anything, products for one.
function isCustomerList(fields: readonly (CustomerField | undefined)[]): boolean {
  if (hasAny(fields, ['email', 'phone', 'lastName'])) return true;
  return fields.includes('externalId') && fields.filter((field) => field !== undefined).length > 1;
}

function isAddressList(fields: readonly (AddressField | undefined)[]): boolean {
  return (
    hasAny(fields, ['customerId', 'externalId', 'email']) && hasAny(fields, ['address1', 'city', 'postcode'])
  );
}

function fieldsOf<Field extends string>(
  headers: readonly string[],
  columns: Columns<Field>,
): (Field | undefined)[] {
  const fields: (Field | undefined)[] = headers.map(() => undefined);
  const keys = headers.map(headerKey);
  for (const [field, names] of entriesOf(columns)) {
    const indexes = names.map((name) => keys.indexOf(headerKey(name)));
    const index = indexes.find((candidate) => candidate !== -1 && fields[candidate] === undefined);
    if (index !== undefined) fields[index] = field;
  }
  return fields;
}

// `Object.entries` widens the keys to string; these tables have no others.
function entriesOf<Field extends string>(columns: Columns<Field>): [Field, readonly string[]][] {
  return Object.entries(columns) as [Field, readonly string[]][];
}

// A surer column makes the guess of another needless: then that one is ignored, and listed.
function withoutDoubts(fields: readonly (CustomerField | undefined)[]): (CustomerField | undefined)[] {
  const needless: (CustomerField | undefined)[] = [];
  if (fields.includes('externalId')) needless.push('anyId');
  if (hasAny(fields, ['firstName', 'lastName'])) needless.push('fullName');
  return fields.map((field) => (needless.includes(field) ? undefined : field));
}

function ambiguity<Field extends string>(
  headers: readonly string[],
  columns: Columns<Field>,
): FormatRefusal | undefined {
  for (const [field, names] of entriesOf(columns)) {
    const keys = names.map(headerKey);
    const rivals = headers.filter((header) => keys.includes(headerKey(header)));
    if (rivals.length > 1 && !CODE_FIRST.has(field)) {
      return { refused: 'AMBIGUOUS_COLUMNS', field, headers: rivals, wayOut: WAY_OUT };
    }
  }
  return undefined;
}

function readMapping<Field extends string>(
  headers: readonly string[],
  mapping: ColumnMapping,
  isField: (name: string) => name is Field,
  known: readonly string[],
): RecognisedFormat<Field> | FormatRefusal {
  const fields: (Field | undefined)[] = headers.map(() => undefined);
  for (const [header, field] of Object.entries(mapping.columns)) {
    const index = headers.indexOf(header.trim());
    const invalid = (reason: string): FormatRefusal => ({
      refused: 'MAPPING_INVALID',
      header,
      field,
      reason,
    });
    if (index === -1) return invalid(`The file has no such column.${didYouMean(header, headers)}`);
    if (!isField(field)) return invalid(`There is no such field.${didYouMean(field, known)}`);
    if (fields.includes(field)) return invalid('Two columns are mapped to this field.');
    fields[index] = field;
  }
  return fields.every((field) => field === undefined)
    ? unknownColumns(headers)
    : recognised('mapping', headers, fields);
}

function didYouMean(word: string, candidates: readonly string[]): string {
  const match = nearest(word, candidates);
  return match === undefined ? '' : ` Did you mean "${match}"?`;
}

function recognised<Field extends string>(
  format: ImportFormat,
  headers: readonly string[],
  fields: (Field | undefined)[],
): RecognisedFormat<Field> {
  const named = headers.map((header, index) => header || `column ${index + 1}`);
  return {
    format,
    fields,
    ignored: named.filter((_, index) => fields[index] === undefined),
    hasConsentColumn: fields.some((field) => field === 'acceptsMarketing'),
  };
}

function unknownColumns(headers: readonly string[]): FormatRefusal {
  return { refused: 'UNKNOWN_COLUMNS', headers: [...headers], wayOut: WAY_OUT };
}

function keepIf<Value extends string>(
  test: (value: string) => value is Value,
): (value: string) => Value | undefined {
  return (value) => (test(value) ? value : undefined);
}

function hasAll(keys: ReadonlySet<string>, wanted: readonly string[]): boolean {
  return wanted.every((key) => keys.has(key));
}

function hasAny(keys: Iterable<string | undefined>, wanted: readonly string[]): boolean {
  return [...keys].some((key) => key !== undefined && wanted.includes(key));
}
