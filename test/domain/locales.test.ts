import t from 'tap';
import { normaliseLanguage, normaliseTimezone } from '../../src/domain/locales.ts';

t.test('languages are canonical BCP 47 tags', async (t) => {
  const cases: [string, string | undefined][] = [
    ['de', 'de'],
    ['DE-de', 'de-DE'],
    ['de_AT', 'de-AT'],
    ['zh-hant-tw', 'zh-Hant-TW'],
    ['pt-br', 'pt-BR'],
    ['', undefined],
    ['german', undefined],
    ['d', undefined],
    ['de-', undefined],
    ['de-DE-DE', undefined],
    ['x-private', undefined],
    ['de\0', undefined],
    [`de-${'a'.repeat(40)}`, undefined],
  ];
  for (const [given, language] of cases) {
    t.equal(normaliseLanguage(given), language, given);
    t.equal(normaliseLanguage(given), language, `${given}, from the cache`);
  }
});

t.test('time zones are names of the IANA database, old ones as given', async (t) => {
  const cases: [string, string | undefined][] = [
    ['Europe/Berlin', 'Europe/Berlin'],
    [' europe/berlin ', 'Europe/Berlin'],
    ['America/Argentina/Buenos_Aires', 'America/Argentina/Buenos_Aires'],
    ['Asia/Kolkata', 'Asia/Kolkata'],
    ['Asia/Calcutta', 'Asia/Calcutta'],
    ['Europe/Kyiv', 'Europe/Kyiv'],
    ['US/Pacific', 'US/Pacific'],
    ['Etc/GMT+5', 'Etc/GMT+5'],
    ['UTC', 'UTC'],
    ['IST', undefined],
    ['PST', undefined],
    ['+01:00', undefined],
    ['Europe/Atlantis', undefined],
    ['', undefined],
    ['../../etc/passwd', undefined],
    [`Europe/${'x'.repeat(1000)}`, undefined],
  ];
  for (const [given, timezone] of cases) {
    t.equal(normaliseTimezone(given), timezone, given.slice(0, 30));
    t.equal(normaliseTimezone(given), timezone, 'and again');
  }
});
