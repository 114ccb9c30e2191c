// In which time zone people of a country most likely are, for those who never said.

/** Countries with several clocks: the one that most people there look at. */
const MAIN_ZONES: Readonly<Record<string, string>> = {
  AU: 'Australia/Sydney',
  BR: 'America/Sao_Paulo',
  CA: 'America/Toronto',
  CD: 'Africa/Kinshasa',
  CL: 'America/Santiago',
  CN: 'Asia/Shanghai',
  EC: 'America/Guayaquil',
  ES: 'Europe/Madrid',
  FM: 'Pacific/Pohnpei',
  GL: 'America/Nuuk',
  ID: 'Asia/Jakarta',
  KI: 'Pacific/Tarawa',
  MN: 'Asia/Ulaanbaatar',
  MX: 'America/Mexico_City',
  NZ: 'Pacific/Auckland',
  PF: 'Pacific/Tahiti',
  PG: 'Pacific/Port_Moresby',
  PT: 'Europe/Lisbon',
  RU: 'Europe/Moscow',
  UA: 'Europe/Kyiv',
  US: 'America/New_York',
  // No ISO code, so the platform has no zone for it.
  XK: 'Europe/Belgrade',
};

/** Older engines have the zones as a property, newer ones as a function. */
type LocaleZones = Intl.Locale & { timeZones?: string[]; getTimeZones?: () => string[] };

const zones = new Map<string, string | undefined>();

/** The zone of most people in a country (ISO 3166-1); undefined where nobody lives. */
export function zoneOfCountry(countryCode: string): string | undefined {
  const main = MAIN_ZONES[countryCode];
  if (main !== undefined || zones.has(countryCode)) return main ?? zones.get(countryCode);
  const locale: LocaleZones = new Intl.Locale(`und-${countryCode}`);
  const zone = (locale.getTimeZones?.() ?? locale.timeZones ?? [])[0];
  zones.set(countryCode, zone);
  return zone;
}
