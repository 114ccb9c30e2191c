// Languages (BCP 47) and time zones (IANA) as the platform knows them.

const languages = new Map<string, string | undefined>();
const MAX_CACHED_LANGUAGES = 1_000;

/** Canonical BCP 47 tag ('DE-de' → 'de-DE'; 'de_DE' of WordPress too), undefined when it is none. */
export function normaliseLanguage(input: string): string | undefined {
  if (languages.has(input)) return languages.get(input);
  const language = canonicalLanguage(input.trim().replaceAll('_', '-'));
  if (languages.size < MAX_CACHED_LANGUAGES) languages.set(input, language);
  return language;
}

const timezones = new Map(Intl.supportedValuesOf('timeZone').map((name) => [name.toLowerCase(), name]));

/**
 * IANA time zone name, undefined when it is none. Old names stay as given ('Asia/Kolkata', 'US/Pacific'): which of
 * two names is canonical differs between engines. Three-letter names are refused but UTC and GMT: 'IST' is three zones.
 */
export function normaliseTimezone(input: string): string | undefined {
  const name = input.trim();
  const known = timezones.get(name.toLowerCase());
  if (known !== undefined) return known;
  if (!isTimezone(name)) return undefined;
  // Bounded by itself: only names that exist get here.
  timezones.set(name.toLowerCase(), name);
  return name;
}

function canonicalLanguage(tag: string): string | undefined {
  if (tag.length > 35 || !/^[a-z]{2,3}(?:-|$)/i.test(tag)) return undefined;
  try {
    return Intl.getCanonicalLocales(tag)[0];
  } catch {
    return undefined;
  }
}

function isTimezone(name: string): boolean {
  if (!/^(?:[A-Za-z_]+(?:\/[A-Za-z0-9_+-]+)+|UTC|GMT)$/i.test(name) || name.length > 64) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
