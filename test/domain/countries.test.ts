import fc from 'fast-check';
import { iso31661, iso31662 } from 'iso-3166';
import t from 'tap';
import {
  COUNTRIES,
  isCountryCode,
  normaliseCountryCode,
  normaliseRegion,
  regionsOf,
} from '../../src/domain/countries.ts';

t.test('A6 countries are those of ISO 3166-1, and Kosovo', async (t) => {
  t.equal(COUNTRIES.length, iso31661.length + 1);
  for (const code of ['DE', 'GB', 'US', 'XK', 'TW', 'AX']) t.ok(isCountryCode(code), code);
  for (const code of ['', 'de', 'DEU', 'UK', 'EU', 'XX', 'ZZ', 'D', 'SU']) t.notOk(isCountryCode(code), code);
  t.equal(normaliseCountryCode(' de '), 'DE');
  t.equal(normaliseCountryCode('Germany'), undefined);
  t.equal(COUNTRIES.find(({ code }) => code === 'GB')?.name, 'United Kingdom');
  t.ok(COUNTRIES.every(({ code, name }) => name !== code && name !== ''));
});

t.test(
  'A6 a region is known by code, short code and name, in any case and with or without accents',
  async (t) => {
    const cases: [string, string, string | undefined][] = [
      ['DE', 'BY', 'DE-BY'],
      ['DE', 'de-by', 'DE-BY'],
      ['DE', 'Bayern', 'DE-BY'],
      ['DE', ' bavaria ', 'DE-BY'],
      ['DE', 'Thueringen', undefined],
      ['DE', 'Thuringen', 'DE-TH'],
      ['DE', 'Nordrhein Westfalen', 'DE-NW'],
      ['US', 'CA', 'US-CA'],
      ['US', 'california', 'US-CA'],
      ['CA', 'Québec', 'CA-QC'],
      ['AT', 'Wien', 'AT-9'],
      ['AT', 'Vienna', 'AT-9'],
      ['JP', 'Tōkyō', 'JP-13'],
      ['JP', 'Fukuoka', 'JP-40'],
      ['JP', 'Hukuoka', 'JP-40'],
      ['ES', 'Madrid', 'ES-M'],
      ['ES', 'Comunidad de Madrid', 'ES-MD'],
      ['ES', 'La Rioja', 'ES-RI'],
      ['IT', 'Bozen', 'IT-BZ'],
      ['IT', 'Tuscany', 'IT-52'],
      ['GB', 'City of Edinburgh', 'GB-EDH'],
      ['GB', 'Edinburgh', 'GB-EDH'],
      ['GB', 'London', undefined],
      ['GB', 'City of London', 'GB-LND'],
      ['TW', 'Chiayi', undefined],
      ['DE', 'CA', undefined],
      ['DE', 'US-CA', undefined],
      ['DE', '__proto__', undefined],
      ['XK', 'Prishtina', undefined],
      ['ZZ', 'Nowhere', undefined],
    ];
    for (const [country, given, code] of cases)
      t.equal(normaliseRegion(country, given).code, code, `${country} ${given}`);
  },
);

t.test('A6 text that names no region is kept, cleaned', async (t) => {
  t.same(normaliseRegion('DE', '  Obere   Pfalz '), { name: 'Obere Pfalz' });
  t.same(normaliseRegion('DE', 'BY'), { code: 'DE-BY', name: 'Bayern' });
});

t.test('A6 every ISO 3166-2 code is found again, and the found region names itself', async () => {
  fc.assert(
    fc.property(fc.constantFrom(...iso31662), ({ code, name }) => {
      const country = code.slice(0, 2);
      const byCode = normaliseRegion(country, code);
      const again = normaliseRegion(country, byCode.code ?? '');
      return byCode.code === code && byCode.name === name && again.code === code;
    }),
  );
});

t.test('A6 lists: regions of a country by code', async (t) => {
  t.equal(regionsOf('DE').length, 16);
  t.same(regionsOf('DE')[0], { code: 'DE-BB', name: 'Brandenburg' });
  t.same(regionsOf('ZZ'), []);
  t.equal(
    COUNTRIES.reduce((sum, { code }) => sum + regionsOf(code).length, 0),
    iso31662.length,
  );
});
