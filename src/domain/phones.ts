// Phone numbers in E.164 (A6). One of the two rooms in domain that use an npm package (pure data, no I/O):
// libphonenumber-js with its smallest metadata, which knows lengths and patterns of every country.
import parsePhoneNumber, { type CountryCode, isSupportedCountry } from 'libphonenumber-js/min';
import metadata from 'libphonenumber-js/min/metadata';

type CountryPlan = { country: string; pattern: RegExp; leading?: RegExp; types: TypePattern[] };
type TypePattern = { pattern: RegExp; lengths?: readonly number[] };
type NumberingPlan = { nationalPrefix?: RegExp; countries: CountryPlan[] };

/** Longer inputs are no phone number; the library would read up to 250 characters. */
const MAX_PHONE_INPUT_LENGTH = 60;
const E164 = /^\+[1-9]\d{4,14}$/;
const CANONICAL = /^\+[1-9]\d{7,14}$/;
/** Layout of a country in the metadata (METADATA.md of the library, format 4). */
const AT = {
  pattern: 2,
  nationalPrefix: 5,
  nationalPrefixForParsing: 7,
  leadingDigits: 10,
  types: 11,
} as const;

/** Regions of the library that are a part of one country in ISO 3166-1: Ascension and Tristan da Cunha. */
const ISO_COUNTRIES: Readonly<Record<string, string>> = { AC: 'SH', TA: 'SH' };

const plans = new Map<string, NumberingPlan | undefined>();

/**
 * E.164 form of a phone number, undefined when it is not a valid number. Numbers without `+` need
 * `defaultCountry` (ISO 3166-1 alpha-2); without one, a leading `00` counts as `+`. Extensions are dropped:
 * E.164 has none.
 *
 * 1,000,000 rows of an import pass here, so canonical input is checked against compiled patterns first
 * (0.2 to 0.6 µs; the library compiles them anew on every call, 6 to 11 µs) and only the rest is parsed.
 */
export function normalisePhone(input: string, defaultCountry?: string): string | undefined {
  if (canonicalCountry(input) !== undefined) return input;
  const text = input.trim().replace(/^tel:/i, '');
  if (text === '' || text.length > MAX_PHONE_INPUT_LENGTH) return undefined;
  return parsePhone(text, supportedCountry(defaultCountry));
}

/**
 * ISO 3166-1 alpha-2 country of a number in E.164; null for numbers of no country, such as those of +800. Countries
 * that share a calling code are told apart by the digits that follow.
 */
export function phoneCountry(phone: string): string | null {
  const country = canonicalCountry(phone) ?? parsePhoneNumber(phone)?.country ?? null;
  return country && (ISO_COUNTRIES[country] ?? country);
}

/** The library's country, only when the number is E.164 and the library would give back the very same string. */
function canonicalCountry(input: string): string | undefined {
  if (!CANONICAL.test(input)) return undefined;
  for (let end = 2; end <= 4; end += 1) {
    const plan = planFor(input.slice(1, end));
    if (plan !== undefined) return ownerIn(plan, input.slice(end))?.country;
  }
  return undefined;
}

function parsePhone(text: string, defaultCountry: CountryCode | undefined): string | undefined {
  const dialled = defaultCountry === undefined && text.startsWith('00') ? `+${text.slice(2)}` : text;
  const parsed = parsePhoneNumber(dialled, {
    extract: false,
    ...(defaultCountry === undefined ? {} : { defaultCountry }),
  });
  // Germany's plan allows 17 digits; E.164, and our column, 15.
  return parsed?.isValid() && E164.test(parsed.number) ? parsed.number : undefined;
}

function supportedCountry(country: string | undefined): CountryCode | undefined {
  const code = country?.toUpperCase();
  return code !== undefined && isSupportedCountry(code) ? code : undefined;
}

/** The steps of the library's isValid(): first country by leading digits, else by number type, then its patterns. */
function ownerIn(plan: NumberingPlan, national: string): CountryPlan | undefined {
  // A national prefix might have to be stripped ('+49 0151…'): that is the library's business.
  if (plan.nationalPrefix?.test(national)) return undefined;
  const [first, second] = plan.countries;
  const owner =
    second === undefined
      ? first
      : plan.countries.find((country) =>
          country.leading ? country.leading.test(national) : matchesCountry(country, national),
        );
  return owner && matchesCountry(owner, national) ? owner : undefined;
}

function matchesCountry(country: CountryPlan, national: string): boolean {
  if (!country.pattern.test(national)) return false;
  if (country.types.length === 0) return true;
  return country.types.some(
    (type) => (type.lengths?.includes(national.length) ?? true) && type.pattern.test(national),
  );
}

function planFor(callingCode: string): NumberingPlan | undefined {
  if (!plans.has(callingCode)) plans.set(callingCode, compilePlan(callingCode));
  return plans.get(callingCode);
}

function compilePlan(callingCode: string): NumberingPlan | undefined {
  const countries = new Map(Object.entries(metadata.country_calling_codes)).get(callingCode);
  const [main] = countries ?? [];
  if (countries === undefined || main === undefined) return undefined;
  const layout = metadata.countries[main];
  const prefix = layout?.[AT.nationalPrefixForParsing] || layout?.[AT.nationalPrefix];
  return {
    // The lookahead leaves out prefixes that match nothing at all, as Argentina's does for most numbers.
    ...(prefix ? { nationalPrefix: new RegExp(`^(?=.)(?:${prefix})(?<!^)`) } : {}),
    countries: countries.map((country) => compileCountry(country, metadata.countries[country] ?? [])),
  };
}

function compileCountry(country: string, layout: readonly unknown[]): CountryPlan {
  const leading = layout[AT.leadingDigits];
  const types = layout[AT.types];
  return {
    country,
    pattern: entirely(layout[AT.pattern]),
    ...(leading ? { leading: new RegExp(`^(?:${leading})`) } : {}),
    types: Array.isArray(types) ? types.flatMap(compileType) : [],
  };
}

function compileType(type: unknown): TypePattern[] {
  if (!Array.isArray(type) || !type[0]) return [];
  return [{ pattern: entirely(type[0]), ...(Array.isArray(type[1]) ? { lengths: type[1] } : {}) }];
}

function entirely(pattern: unknown): RegExp {
  return new RegExp(`^(?:${pattern})$`);
}
