// Addresses: what a valid one is (A6), when two are the same (A5), which one is the default (A1–A4).
import { normaliseCountryCode, normaliseRegion } from './countries.ts';
import { cutText, type FieldProblem, foldText, isBlank, MAX_TEXT_LENGTH, readText } from './fields.ts';
import { normalisePhone } from './phones.ts';

const TEXT_FIELDS = ['firstName', 'lastName', 'company', 'line1', 'line2', 'city', 'postcode'] as const;
const PLACE_FIELDS = ['line1', 'city', 'postcode', 'region', 'countryCode'] as const;

type TextField = (typeof TEXT_FIELDS)[number];
/** Fields as given: absent keeps, null or blank clears. */
export type AddressInput = Partial<Record<TextField | 'region' | 'countryCode' | 'phone', string | null>>;
/** Fields as stored. `region` is the name, `regionCode` its ISO 3166-2 code where known. */
export type AddressFields = Partial<
  Record<TextField | 'region' | 'regionCode' | 'countryCode' | 'phone', string | null>
>;
export type AddressRefusal = { refused: 'ADDRESS_INVALID'; errors: FieldProblem[] };

/** What the choice of a default looks at. */
export type AddressUse = { id: string; lastUsedAt: Date | null; createdAt: Date };
export type SavedAddress = AddressUse & { isDefault: boolean; isDefaultBilling?: boolean };

/**
 * Reads the fields of a new address, or, with `current`, of a patch to it (A6): texts ≤ 255 characters, country
 * and region by ISO 3166, phone to E.164 with the address's country for national numbers. A new address must
 * say where it is by at least one field. When a patch moves the address to another country, the region it keeps
 * is read again.
 */
export function normaliseAddress(
  input: AddressInput,
  current?: { countryCode: string | null; region?: string | null },
): { fields: AddressFields } | AddressRefusal {
  const problems: FieldProblem[] = [];
  const fields: AddressFields = readTexts(input, problems);
  const countryCode = readCountry(input.countryCode, current?.countryCode ?? null, problems);
  if (input.countryCode !== undefined && countryCode !== undefined) fields.countryCode = countryCode;
  const moved = current !== undefined && countryCode !== current.countryCode;
  Object.assign(
    fields,
    readRegion(moved ? (input.region ?? current.region) : input.region, countryCode, problems),
  );
  if (input.phone !== undefined) fields.phone = readPhone(input.phone, countryCode, problems);
  if (current === undefined && problems.length === 0 && !saysWhere(fields)) {
    problems.push({
      pointer: '',
      code: 'ADDRESS_EMPTY',
      message: `An address needs at least one of ${PLACE_FIELDS.join(', ')}.`,
    });
  }
  return problems.length > 0 ? { refused: 'ADDRESS_INVALID', errors: problems } : { fields };
}

/**
 * A5: addresses with the same key are the same place. Case, accents, punctuation and spaces do not count, nor
 * does where a line was broken; names, company and phone are not part of it. A gap between two digits counts:
 * 'Main St 1' with '1' below is not 'Main St 11'. Up to 1,300 characters: index a hash of it, not the text.
 */
export function addressKey(
  address: Partial<
    Record<'line1' | 'line2' | 'city' | 'postcode' | 'region' | 'regionCode' | 'countryCode', string | null>
  >,
): string {
  const lines = foldContent([address.line1, address.line2].filter(Boolean).join(' '));
  const postcode = foldContent(address.postcode ?? '').replaceAll(' ', '');
  const region = address.regionCode ?? foldContent(address.region ?? '');
  return [address.countryCode ?? '', region, postcode, foldContent(address.city ?? ''), lines]
    .join('|')
    .toLowerCase();
}

/** A1: the first address is the default, whatever was asked. */
export function becomesDefault(savedCount: number, wanted: boolean): boolean {
  return wanted || savedCount === 0;
}

/** A3: the most recently used address, among never used ones the oldest; undefined when there is none. */
export function chooseDefault<Address extends AddressUse>(
  addresses: readonly Address[],
): Address | undefined {
  return [...addresses].sort(byUse)[0];
}

/**
 * A2, A3: what deleting an address leads to. `newDefaultId` is the default afterwards, also when another address
 * goes; null when the default stays as it is. `clearsBilling`: the default billing address is gone with it.
 */
export function planAddressDelete(
  addresses: readonly SavedAddress[],
  id: string,
  newDefaultId?: string,
):
  | { newDefaultId: string | null; clearsBilling: boolean }
  | { refused: 'ADDRESS_NOT_FOUND'; addressId: string }
  | { refused: 'LAST_ADDRESS'; wayOut: string } {
  const address = addresses.find((candidate) => candidate.id === id);
  if (address === undefined) return { refused: 'ADDRESS_NOT_FOUND', addressId: id };
  const others = addresses.filter((candidate) => candidate.id !== id);
  if (others.length === 0)
    return { refused: 'LAST_ADDRESS', wayOut: 'Add another address first, or change this one.' };
  if (newDefaultId !== undefined && !others.some((other) => other.id === newDefaultId)) {
    return { refused: 'ADDRESS_NOT_FOUND', addressId: newDefaultId };
  }
  const nextDefaultId = newDefaultId ?? (address.isDefault ? chooseDefault(others)?.id : undefined) ?? null;
  return { newDefaultId: nextDefaultId, clearsBilling: address.isDefaultBilling ?? false };
}

/**
 * A5: what of a checkout's address can be kept. The order was placed with it, so a part that A6 refuses (a phone
 * number with a slip, a country that is none) is left out instead of the address; undefined when no place is left.
 */
export function readCheckoutAddress(input: AddressInput): AddressFields | undefined {
  const read = normaliseAddress(input);
  if ('fields' in read) return read.fields;
  const refused = Object.fromEntries(read.errors.map(({ pointer }) => [pointer.slice(1), null]));
  const rest = normaliseAddress({ ...input, ...refused });
  return 'fields' in rest ? rest.fields : undefined;
}

/** An address that an order used; null when it was only told, as in a file. */
export type UsedAddress = { customerId: string; contentKey: string; usedAt: Date | null };
/** What a customer has of a place: the saved address that is the same, and whether there is a default one. */
export type KnownPlace = {
  customerId: string;
  contentKey: string;
  addressId: string | null;
  hasDefault: boolean;
};

/**
 * A5: each address from checkout is a saved one that was used again, or a new one; it never overwrites. The same
 * place twice is one address, in the first spelling and with the latest use. A customer's first one is the default
 * (A1). `known` has an entry for every customer and place of `used`.
 */
export function planCheckoutAddresses<Used extends UsedAddress>(
  used: readonly Used[],
  known: readonly KnownPlace[],
): { again: { addressId: string; usedAt: Date }[]; added: (Used & { isDefault: boolean })[] } {
  const places = new Map(known.map((place) => [placeOf(place), place]));
  const withDefault = new Set(known.filter((place) => place.hasDefault).map((place) => place.customerId));
  const plan: ReturnType<typeof planCheckoutAddresses<Used>> = { again: [], added: [] };
  for (const address of onePerPlace(used)) {
    const addressId = places.get(placeOf(address))?.addressId;
    if (addressId) {
      if (address.usedAt) plan.again.push({ addressId, usedAt: address.usedAt });
      continue;
    }
    plan.added.push({ ...address, isDefault: !withDefault.has(address.customerId) });
    withDefault.add(address.customerId);
  }
  return plan;
}

const placeOf = ({ customerId, contentKey }: { customerId: string; contentKey: string }): string =>
  `${customerId} ${contentKey}`;

function onePerPlace<Used extends UsedAddress>(used: readonly Used[]): Used[] {
  const places = new Map<string, Used>();
  for (const address of used) {
    const first = places.get(placeOf(address));
    const isLater = first !== undefined && (address.usedAt?.getTime() ?? 0) > (first.usedAt?.getTime() ?? 0);
    if (first === undefined || isLater) {
      places.set(placeOf(address), { ...(first ?? address), usedAt: address.usedAt });
    }
  }
  return [...places.values()];
}

/** City as lists compare and sort it: lower case without accents, at most 255 UTF-16 units. */
export const cityKey = (city: string): string => cutText(foldText(city), MAX_TEXT_LENGTH);

/** Postcode as lists compare it, by prefix too: upper case without spaces. */
export const postcodeKey = (postcode: string): string =>
  cutText(postcode.normalize('NFKC').toUpperCase().replace(/\s/g, ''), MAX_TEXT_LENGTH);

/** What segments compare of an address; the region by its name, for its ISO 3166-2 code stands beside it. */
export function addressKeys({ city, region, postcode }: AddressFields) {
  return {
    cityKey: city ? cityKey(city) : null,
    regionKey: region ? cityKey(region) : null,
    postcodeKey: postcode ? postcodeKey(postcode) : null,
  };
}

/** Region as lists compare it: the ISO 3166-2 code where it is known, else the name folded like a city. */
export const placeRegion = (address: Pick<AddressFields, 'region' | 'regionCode'>): string | null =>
  address.regionCode ?? addressKeys(address).regionKey;

/** The copies of the default address that the customer's row carries; all null without an address. */
export function placeKeys(address: AddressFields) {
  const keys = addressKeys(address);
  return {
    defaultCountry: address.countryCode ?? null,
    defaultRegion: placeRegion(address),
    defaultCity: keys.cityKey,
    defaultPostcode: keys.postcodeKey,
  };
}

function readTexts(input: AddressInput, problems: FieldProblem[]): AddressFields {
  const fields: AddressFields = {};
  for (const field of TEXT_FIELDS) {
    const value = input[field];
    if (value !== undefined) fields[field] = readLine(value, field, problems);
  }
  return fields;
}

function readLine(value: string | null, field: string, problems: FieldProblem[]): string | null {
  if (value === null || isBlank(value)) return null;
  const text = readText(value);
  if (text === undefined) {
    const message = `At most ${MAX_TEXT_LENGTH} characters, no control characters.`;
    problems.push({ pointer: `/${field}`, code: 'TEXT_INVALID', message });
  }
  return text ?? null;
}

/** undefined: wrong, and told in `problems`. */
function readCountry(
  given: string | null | undefined,
  current: string | null,
  problems: FieldProblem[],
): string | null | undefined {
  if (given === undefined) return current;
  if (given === null || isBlank(given)) return null;
  const code = normaliseCountryCode(given);
  if (code === undefined) {
    const message = 'Not a country: ISO 3166-1 alpha-2, such as DE.';
    problems.push({ pointer: '/countryCode', code: 'COUNTRY_INVALID', message });
  }
  return code;
}

function readRegion(
  value: string | null | undefined,
  countryCode: string | null | undefined,
  problems: FieldProblem[],
): { region: string | null; regionCode: string | null } | undefined {
  if (value === undefined) return undefined;
  const text = readLine(value, 'region', problems);
  if (text === null) return { region: null, regionCode: null };
  if (!countryCode) return { region: text, regionCode: null };
  const { name, code } = normaliseRegion(countryCode, text);
  return { region: name, regionCode: code ?? null };
}

function readPhone(
  value: string | null,
  countryCode: string | null | undefined,
  problems: FieldProblem[],
): string | null {
  if (value === null || isBlank(value)) return null;
  const phone = normalisePhone(value, countryCode ?? undefined);
  if (phone === undefined) {
    const message = 'Not a valid phone number: give it with its country code, such as +4930123456.';
    problems.push({ pointer: '/phone', code: 'PHONE_INVALID', message });
  }
  return phone ?? null;
}

function saysWhere(fields: AddressFields): boolean {
  return PLACE_FIELDS.some((field) => (fields[field] ?? null) !== null);
}

function foldContent(text: string): string {
  return foldText(text)
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, ' ')
    .trim()
    .replace(/(?<!\p{N}) | (?!\p{N})/gu, '');
}

function byUse(one: AddressUse, other: AddressUse): number {
  const used = (other.lastUsedAt?.getTime() ?? -Infinity) - (one.lastUsedAt?.getTime() ?? -Infinity);
  // Infinity - Infinity is NaN: both never used.
  if (used !== 0 && !Number.isNaN(used)) return used;
  return one.createdAt.getTime() - other.createdAt.getTime() || (one.id < other.id ? -1 : 1);
}
