// Countries (ISO 3166-1) and their regions (ISO 3166-2) (A6). One of the two rooms in domain that use an npm
// package (pure data, no I/O): iso-3166 has the lists; names in English and Hepburn are added where shoppers use them.
import { iso31661, iso31662 } from 'iso-3166';
import { collapseSpaces, foldText } from './fields.ts';

export type Country = { code: string; name: string };
/** A region as stored: with the ISO 3166-2 code where the text is known, else the text as given. */
export type Region = { code?: string; name: string };

type RegionIndex = { byCode: Map<string, Region>; byName: Map<string, Region> };

// ISO has no code for Kosovo; XK is the user-assigned one that shops, carriers and the phone library use.
const KOSOVO: Country = { code: 'XK', name: 'Kosovo' };

/** Countries by code, short English names from the platform's own tables (ISO's names are the long formal ones). */
export const COUNTRIES: readonly Country[] = listCountries();

const countryCodes: ReadonlySet<string> = new Set(COUNTRIES.map((country) => country.code));
const regionIndexes = new Map<string, RegionIndex>();

// Local names are in the library; these are the others that arrive from storefronts.
const OTHER_NAMES: Readonly<Record<string, string>> = {
  'AT-2': 'Carinthia',
  'AT-3': 'Lower Austria',
  'AT-4': 'Upper Austria',
  'AT-6': 'Styria',
  'AT-7': 'Tyrol',
  'AT-9': 'Vienna',
  'BE-BRU': 'Brussels',
  'BE-VAN': 'Antwerp',
  'BE-VBR': 'Flemish Brabant',
  'BE-VLG': 'Flanders',
  'BE-VOV': 'East Flanders',
  'BE-VWV': 'West Flanders',
  'BE-WAL': 'Wallonia',
  'BE-WBR': 'Walloon Brabant',
  'CH-BE': 'Berne',
  'CH-GE': 'Geneva',
  'CH-GR': 'Grisons',
  'CH-LU': 'Lucerne',
  'CH-SG': 'St. Gallen',
  'DE-BY': 'Bavaria',
  'DE-HE': 'Hesse',
  'DE-MV': 'Mecklenburg-Western Pomerania',
  'DE-NI': 'Lower Saxony',
  'DE-NW': 'North Rhine-Westphalia',
  'DE-RP': 'Rhineland-Palatinate',
  'DE-SN': 'Saxony',
  'DE-ST': 'Saxony-Anhalt',
  'DE-TH': 'Thuringia',
  'ES-AN': 'Andalusia',
  'ES-CN': 'Canary Islands',
  'ES-CT': 'Catalonia',
  'ES-IB': 'Balearic Islands',
  'ES-PV': 'Basque Country',
  'ES-SE': 'Seville',
  'IT-21': 'Piedmont',
  'IT-25': 'Lombardy',
  'IT-52': 'Tuscany',
  'IT-75': 'Apulia',
  'IT-82': 'Sicily',
  'IT-88': 'Sardinia',
  'JP-07': 'Fukushima',
  'JP-09': 'Tochigi',
  'JP-12': 'Chiba',
  'JP-17': 'Ishikawa',
  'JP-18': 'Fukui',
  'JP-19': 'Yamanashi',
  'JP-21': 'Gifu',
  'JP-22': 'Shizuoka',
  'JP-23': 'Aichi',
  'JP-25': 'Shiga',
  'JP-32': 'Shimane',
  'JP-34': 'Hiroshima',
  'JP-35': 'Yamaguchi',
  'JP-36': 'Tokushima',
  'JP-39': 'Kochi',
  'JP-40': 'Fukuoka',
  'JP-46': 'Kagoshima',
  'NL-FR': 'Friesland',
  'NL-NB': 'North Brabant',
  'NL-NH': 'North Holland',
  'NL-ZE': 'Zealand',
  'NL-ZH': 'South Holland',
};

// 'London' on an address is the town, 'London, City of' is one square mile of it.
const NOT_SHORTENED = new Set(['GB-LND']);

/** True for an ISO 3166-1 alpha-2 code in capitals (and XK). */
export function isCountryCode(code: string): boolean {
  return countryCodes.has(code);
}

/** The code in capitals, undefined when it is none. */
export function normaliseCountryCode(input: string): string | undefined {
  const code = input.trim().toUpperCase();
  return countryCodes.has(code) ? code : undefined;
}

/** Regions of a country by ISO 3166-2, top level and below, ordered by code; [] where there are none. */
export function regionsOf(countryCode: string): Region[] {
  return [...regionIndex(countryCode).byCode.values()];
}

/**
 * The region of an address by its ISO 3166-2 code ('DE-BY'), its short code ('BY') or its name ('Bayern',
 * 'Bavaria'), without regard to case and accents. Text that is unknown, or that names two regions of the
 * country alike, is kept without a code.
 */
export function normaliseRegion(countryCode: string, region: string): Region {
  const text = collapseSpaces(region);
  const { byCode, byName } = regionIndex(countryCode);
  const code = text.toUpperCase();
  return (
    byCode.get(code) ?? byCode.get(`${countryCode}-${code}`) ?? byName.get(regionKey(text)) ?? { name: text }
  );
}

function listCountries(): Country[] {
  const shortNames = new Intl.DisplayNames('en', { type: 'region' });
  const assigned = iso31661.map((country) => ({
    code: country.alpha2,
    name: shortNames.of(country.alpha2) ?? country.name,
  }));
  return [...assigned, KOSOVO].sort((one, other) => (one.code < other.code ? -1 : 1));
}

/** Built when a country is first met: 5,000 regions at start would cost every process that never sees an address. */
function regionIndex(countryCode: string): RegionIndex {
  const known = regionIndexes.get(countryCode);
  if (known !== undefined) return known;
  const index = buildIndex(countryCode);
  // Text that is no country must not grow the cache.
  if (countryCodes.has(countryCode)) regionIndexes.set(countryCode, index);
  return index;
}

function buildIndex(countryCode: string): RegionIndex {
  const entries = iso31662.filter((entry) => entry.code.startsWith(`${countryCode}-`));
  const regions = entries.map(({ code, name }) => ({ code, name }));
  const topLevel = new Set(
    entries.filter((entry) => entry.parent === countryCode).map((entry) => entry.code),
  );
  const byName = new Map<string, Region>();
  // Full names go before other spellings, so that 'Madrid' is the province of that name, not 'Madrid, Comunidad de'.
  addNames(byName, regions, topLevel, (region) => [region.name]);
  addNames(byName, regions, topLevel, otherNames);
  return { byCode: new Map(regions.map((region) => [region.code, region])), byName };
}

/** Adds the names that are still free; of two regions with one name the only top-level one gets it, else neither. */
function addNames(
  byName: Map<string, Region>,
  regions: readonly { code: string; name: string }[],
  topLevel: ReadonlySet<string>,
  namesOf: (region: { code: string; name: string }) => string[],
): void {
  const claims = new Map<string, { code: string; name: string }[]>();
  for (const region of regions) {
    for (const key of new Set(namesOf(region).map(regionKey))) {
      claims.set(key, [...(claims.get(key) ?? []), region]);
    }
  }
  for (const [key, claimants] of claims) {
    const top = claimants.filter((region) => topLevel.has(region.code));
    const [winner, rival] = claimants.length > 1 ? top : claimants;
    if (winner !== undefined && rival === undefined && !byName.has(key)) byName.set(key, winner);
  }
}

/** 'Murcia, Región de' is also 'Región de Murcia' and 'Murcia'; 'Bolzano, Bozen' either; 'Sofia (stolitsa)' 'Sofia'. */
function otherNames(region: { code: string; name: string }): string[] {
  const bare = region.name.replace(/\s*\(.*?\)/g, '').trim();
  const [head, tail] = bare.split(/\s*[,/]\s*/, 2);
  const turned = head !== undefined && tail !== undefined ? [`${tail} ${head}`, tail] : [];
  const shortened = head === undefined || NOT_SHORTENED.has(region.code) ? [] : [head];
  const other = OTHER_NAMES[region.code];
  return [bare, ...turned, ...shortened, ...(other === undefined ? [] : [other])].filter(
    (name) => name !== '',
  );
}

function regionKey(name: string): string {
  return foldText(name)
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, ' ')
    .trim();
}
