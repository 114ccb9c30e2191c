import fc from 'fast-check';
import parsePhoneNumber, { type CountryCode, getCountries, getExampleNumber } from 'libphonenumber-js/min';
import examples from 'libphonenumber-js/mobile/examples';
import t from 'tap';
import { normaliseCountryCode } from '../../src/domain/countries.ts';
import { normalisePhone, phoneCountry } from '../../src/domain/phones.ts';

/** What the library says, without our shortcut. */
function byLibrary(text: string): string | undefined {
  const parsed = parsePhoneNumber(text, { extract: false });
  return parsed?.isValid() && parsed.number.length <= 16 ? parsed.number : undefined;
}

t.test('A6 every spelling of a number becomes one E.164 string', async (t) => {
  const cases: [string, string | undefined, string][] = [
    ['+4930901820', undefined, '+4930901820'],
    [' +49 (30) 90 18-20 ', undefined, '+4930901820'],
    ['+49 (0)30 901820', undefined, '+4930901820'],
    ['030 901820', 'DE', '+4930901820'],
    ['030 901820', 'de', '+4930901820'],
    ['004930901820', undefined, '+4930901820'],
    ['004930901820', 'DE', '+4930901820'],
    ['01149 30901820', 'US', '+4930901820'],
    ['+4930901820', 'US', '+4930901820'],
    ['(415) 555-2671', 'US', '+14155552671'],
    ['tel:+1-415-555-2671', undefined, '+14155552671'],
    ['+1 415 555 2671 ext. 12', undefined, '+14155552671'],
    ['+４４７９１１１２３４５６', undefined, '+447911123456'],
    ['8 (800) 555-35-35', 'RU', '+78005553535'],
    ['+80012345678', undefined, '+80012345678'],
    ['+383 44 123 456', undefined, '+38344123456'],
  ];
  for (const [given, country, phone] of cases) t.equal(normalisePhone(given, country), phone, given);
});

t.test('A6 what is no valid number is refused, whatever the default country', async (t) => {
  const cases = [
    '',
    ' ',
    '12',
    'phone',
    '+',
    '+49',
    '+999123456789',
    '+1415555',
    'call +4930901820',
    '+0123456789',
  ];
  for (const given of [...cases, '+4930901820 or +4930901821', '9'.repeat(1_000_000), '+49'.repeat(40)]) {
    t.equal(normalisePhone(given), undefined, given.slice(0, 30));
    t.equal(normalisePhone(given, 'DE') ?? '', normalisePhone(given, 'DE')?.match(/^\+49\d+$/)?.[0] ?? '');
  }
  t.equal(normalisePhone('030 901820'), undefined, 'a national number without a country');
  t.equal(normalisePhone('030 901820', 'XX'), undefined, 'an unknown default country is none');
});

t.test(
  'A6 the shortcut for canonical numbers says what the library says: examples of every country',
  async (t) => {
    for (const country of getCountries()) {
      const number = getExampleNumber(country, examples)?.number ?? '';
      t.equal(normalisePhone(number), byLibrary(number), `${country} ${number}`);
    }
  },
);

t.test(
  'A6 the shortcut says what the library says: numbers near the examples, all calling codes',
  async () => {
    const numbers = fc
      .tuple(
        fc.constantFrom<CountryCode>(...getCountries()),
        fc.nat(5),
        fc.stringMatching(/^\d{0,10}$/),
        fc.constantFrom('', '0', '1', '8', '00'),
      )
      .map(([country, keep, digits, prefix]) => {
        const example = getExampleNumber(country, examples);
        const national = String(example?.nationalNumber ?? '');
        return `+${example?.countryCallingCode}${prefix}${national.slice(0, keep)}${digits}`;
      });
    fc.assert(
      fc.property(numbers, (number) => normalisePhone(number) === byLibrary(number)),
      { numRuns: 20_000 },
    );
  },
);

t.test('A6 the shortcut says what the library says: shared calling codes, where types decide', async () => {
  const numbers = fc
    .tuple(
      fc.constantFrom('1', '7', '44', '39', '47', '61', '212', '262', '358', '590', '599', '54', '55', '52'),
      fc.stringMatching(/^\d{6,11}$/),
    )
    .map(([code, digits]) => `+${code}${digits}`);
  fc.assert(
    fc.property(numbers, (number) => normalisePhone(number) === byLibrary(number)),
    { numRuns: 20_000 },
  );
});

t.test('A6 a stored number is its own normal form', async () => {
  const given = fc.tuple(
    fc.constantFrom<CountryCode>(...getCountries()),
    fc.stringMatching(/^[0-9 ()-]{4,14}$/),
  );
  fc.assert(
    fc.property(given, ([country, text]) => {
      const phone = normalisePhone(text, country);
      return phone === undefined || (normalisePhone(phone) === phone && /^\+[1-9]\d{4,14}$/.test(phone));
    }),
    { numRuns: 3_000 },
  );
});

t.test('A6 a million rows of canonical numbers cost a second, not six', async (t) => {
  const numbers = Array.from({ length: 20_000 }, (_, index) => `+49151${String(10_000_000 + index * 37)}`);
  for (const number of numbers) normalisePhone(number);
  const before = process.cpuUsage();
  for (const number of numbers) normalisePhone(number);
  const { user } = process.cpuUsage(before);
  t.ok(user / numbers.length < 2, `${(user / numbers.length).toFixed(2)} µs each`);
});

t.test('a number has the country that its plan says, also where several share a calling code', async (t) => {
  const cases: [string, string | null][] = [
    ['+4930901820', 'DE'],
    ['+14155552671', 'US'],
    ['+14165550123', 'CA'],
    ['+441534123456', 'JE'],
    ['+77012345678', 'KZ'],
    ['+74951234567', 'RU'],
    ['+38344123456', 'XK'],
    ['+24762889', 'SH'],
    ['+80012345678', null],
    ['+883510012345', null],
  ];
  for (const [phone, country] of cases) t.equal(phoneCountry(phone), country, phone);
});

t.test('the country of a number is a code of ISO 3166-1, and the library says the same', async (t) => {
  const oneCountry: Record<string, string> = { AC: 'SH', TA: 'SH' };
  for (const country of getCountries()) {
    const phone = normalisePhone(getExampleNumber(country, examples)?.number ?? '');
    if (phone === undefined) continue;
    const wanted = parsePhoneNumber(phone)?.country ?? '';
    t.equal(phoneCountry(phone), oneCountry[wanted] ?? wanted, phone);
    t.equal(normaliseCountryCode(phoneCountry(phone) ?? ''), phoneCountry(phone), phone);
  }
  const numbers = fc
    .tuple(
      fc.constantFrom('1', '7', '44', '39', '47', '61', '212', '262', '358', '590', '599'),
      fc.stringMatching(/^\d{6,11}$/),
    )
    .map(([code, digits]) => normalisePhone(`+${code}${digits}`));
  fc.assert(
    fc.property(numbers, (phone) => {
      if (phone === undefined) return true;
      return phoneCountry(phone) === (parsePhoneNumber(phone)?.country ?? null);
    }),
    { numRuns: 20_000 },
  );
});
