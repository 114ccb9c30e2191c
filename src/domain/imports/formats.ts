// Which column of an uploaded CSV file means which field: known header sets, else a mapping.
// Nothing is dropped in silence: a column that is not read is named in `ignored`.
import { CUSTOM_KEY_PATTERN } from '../custom-fields.ts';
import { nearest } from '../nearest.ts';
import {
  ADDRESS_FIELDS,
  type AddressField,
  type Columns,
  CUSTOMER_COLUMNS,
  CUSTOMER_FIELDS,
  type CustomerField,
  hasAny,
  headerKey,
  type ImportFormat,
  LAYOUTS,
  PLAIN_ADDRESS,
  PLAIN_CUSTOMER,
  READ_ONLY_COLUMNS,
} from './columns.ts';

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
  const columns: readonly string[] = [...CUSTOMER_COLUMNS, ...READ_ONLY_COLUMNS];
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
