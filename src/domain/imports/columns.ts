// The columns that imports know: our own, those of Shopify and WooCommerce, and plain English ones.

/** Columns of a customer in our own export that an import reads too, in order. `note` is read only. */
export const CUSTOMER_COLUMNS = [
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
] as const;

/** What a column can mean. Cells are read in rows.ts. */
export const CUSTOMER_FIELDS = [
  ...CUSTOMER_COLUMNS,
  /** Of other systems: split at the last space, or at a comma. */
  'fullName',
  /** Of other systems: ours if it is a UUID, else the external id. */
  'anyId',
  /** Of systems that know a company only as part of the address: goes to both. */
  'companyEverywhere',
] as const;
export type CustomerField = (typeof CUSTOMER_FIELDS)[number] | `custom.${string}`;

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

/** Headers by field: the first one that is there is read. */
export type Columns<Field extends string> = Readonly<Partial<Record<Field, readonly string[]>>>;
export type Layout = {
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

export const LAYOUTS: readonly Layout[] = [SHOPIFY, WOOCOMMERCE];

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

export const PLAIN_CUSTOMER: Columns<CustomerField> = {
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

export const PLAIN_ADDRESS: Columns<AddressField> = {
  ...PERSON_SYNONYMS,
  ...ADDRESS_SYNONYMS,
  customerId: ['clientele id'],
  isDefault: ['is default', 'default'],
  isDefaultBilling: ['is default billing', 'default billing'],
};

/** `First Name`, `first_name`, `first-name` and `firstName` are one header. */
export function headerKey(header: string): string {
  return header
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');
}

function hasAll(keys: ReadonlySet<string>, wanted: readonly string[]): boolean {
  return wanted.every((key) => keys.has(key));
}

export function hasAny(keys: Iterable<string | undefined>, wanted: readonly string[]): boolean {
  return [...keys].some((key) => key !== undefined && wanted.includes(key));
}
