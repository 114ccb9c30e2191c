import fc from 'fast-check';
import t from 'tap';
import {
  addressKey,
  addressKeys,
  becomesDefault,
  chooseDefault,
  cityKey,
  normaliseAddress,
  placeKeys,
  planAddressDelete,
  planCheckoutAddresses,
  readCheckoutAddress,
} from '../../src/domain/addresses.ts';

const BERLIN = { line1: 'Unter den Linden 1', city: 'Berlin', postcode: '10117', countryCode: 'DE' };
const saved = (id: string, more: { usedAt?: number; createdAt?: number; isDefault?: boolean } = {}) => ({
  id,
  lastUsedAt: more.usedAt === undefined ? null : new Date(more.usedAt),
  createdAt: new Date(more.createdAt ?? 0),
  isDefault: more.isDefault ?? false,
});

t.test('A6 an address is read into its stored form', async (t) => {
  const input = {
    ...BERLIN,
    line2: ' ',
    region: 'berlin',
    phone: '030 901820',
    firstName: ' Ada ',
    countryCode: 'de',
  };
  t.same(normaliseAddress(input), {
    fields: {
      ...BERLIN,
      firstName: 'Ada',
      line2: null,
      region: 'Berlin',
      regionCode: 'DE-BE',
      phone: '+4930901820',
    },
  });
  t.match(normaliseAddress({ line1: 'Somewhere 1', region: 'Old Shire' }), {
    fields: { line1: 'Somewhere 1', region: 'Old Shire', regionCode: null },
  });
});

t.test('A6 what is wrong is told with its pointer', async (t) => {
  const long = 'x'.repeat(256);
  const cases: [Parameters<typeof normaliseAddress>[0], string[]][] = [
    [{ ...BERLIN, countryCode: 'XX' }, ['/countryCode COUNTRY_INVALID']],
    [
      { ...BERLIN, line1: long, city: long, postcode: long },
      ['/line1 TEXT_INVALID', '/city TEXT_INVALID', '/postcode TEXT_INVALID'],
    ],
    [{ ...BERLIN, line1: 'a\0b' }, ['/line1 TEXT_INVALID']],
    [{ ...BERLIN, region: long }, ['/region TEXT_INVALID']],
    [{ ...BERLIN, phone: '12' }, ['/phone PHONE_INVALID']],
    [{ firstName: 'Ada' }, [' ADDRESS_EMPTY']],
    [{}, [' ADDRESS_EMPTY']],
  ];
  for (const [input, problems] of cases) {
    const result = normaliseAddress(input);
    const told = 'refused' in result ? result.errors.map(({ pointer, code }) => `${pointer} ${code}`) : [];
    t.same(told, problems);
  }
});

t.test('A6 a patch changes what it names; a new country reads the region again', async (t) => {
  const current = { countryCode: 'DE', region: 'Berlin' };
  t.same(normaliseAddress({ city: 'Potsdam' }, current), { fields: { city: 'Potsdam' } });
  t.same(normaliseAddress({ region: 'BB' }, current), {
    fields: { region: 'Brandenburg', regionCode: 'DE-BB' },
  });
  t.same(normaliseAddress({ countryCode: 'US' }, current), {
    fields: { countryCode: 'US', region: 'Berlin', regionCode: null },
  });
  t.same(normaliseAddress({ countryCode: 'US', region: 'CA' }, current), {
    fields: { countryCode: 'US', region: 'California', regionCode: 'US-CA' },
  });
  t.same(normaliseAddress({ phone: '030 901820' }, current), { fields: { phone: '+4930901820' } });
  t.same(normaliseAddress({ region: null }, current), { fields: { region: null, regionCode: null } });
});

t.test('A5 spellings of one place have one key', async (t) => {
  const key = addressKey({ ...BERLIN, regionCode: 'DE-BE' });
  const same = [
    { ...BERLIN, regionCode: 'DE-BE', line1: 'UNTER DEN LINDEN 1' },
    { ...BERLIN, regionCode: 'DE-BE', line1: ' Unter  den-Linden, 1. ' },
    { ...BERLIN, regionCode: 'DE-BE', line1: 'Unter den Linden', line2: '1' },
    { ...BERLIN, regionCode: 'DE-BE', postcode: '10 117', city: 'BERLIN' },
    { ...BERLIN, regionCode: 'DE-BE', firstName: 'Ada', phone: '+49', company: 'X' },
    { ...BERLIN, regionCode: 'DE-BE', region: 'Berlin' },
  ];
  for (const address of same) t.equal(addressKey(address), key, JSON.stringify(address));
  t.equal(addressKey({ ...BERLIN, city: 'Zürich' }), addressKey({ ...BERLIN, city: 'ZURICH' }));
});

t.test('A5 different places have different keys', async (t) => {
  const key = addressKey(BERLIN);
  const others = [
    { ...BERLIN, line1: 'Unter den Linden 11' },
    { ...BERLIN, line1: 'Unter den Linden 1', line2: '1' },
    { ...BERLIN, line2: 'Hinterhaus' },
    { ...BERLIN, postcode: '10118' },
    { ...BERLIN, city: 'Bern' },
    { ...BERLIN, countryCode: 'AT' },
    { ...BERLIN, countryCode: null },
    { ...BERLIN, regionCode: 'DE-BB' },
  ];
  for (const address of others) t.not(addressKey(address), key, JSON.stringify(address));
  t.not(
    addressKey({ line1: 'Main St 1', line2: '1' }),
    addressKey({ line1: 'Main St 11' }),
    '1 + 1 is not 11',
  );
  t.not(addressKey({ line1: '5/7' }), addressKey({ line1: '57' }));
  t.not(
    addressKey({ city: 'a', postcode: 'b' }),
    addressKey({ city: '', postcode: 'ba' }),
    'fields do not flow together',
  );
});

t.test('A5 the key knows neither case nor spacing, and reading an address again keeps it', async () => {
  const text = fc.string({ unit: fc.constantFrom(...'aÄbßc 12.-'.split('')), maxLength: 12 });
  fc.assert(
    fc.property(text, text, text, (line1, city, postcode) => {
      const key = addressKey({ line1, city, postcode, countryCode: 'DE' });
      const shouted = addressKey({
        line1: `  ${line1.toUpperCase()} `,
        city: city.toLowerCase(),
        postcode: postcode.replaceAll(' ', ''),
        countryCode: 'de',
      });
      const read = normaliseAddress({ line1, city, postcode, countryCode: 'DE' });
      return key === shouted && !('refused' in read) && addressKey(read.fields) === key;
    }),
  );
});

t.test('A1 the first address is the default by itself', async (t) => {
  t.ok(becomesDefault(0, false));
  t.ok(becomesDefault(1, true));
  t.notOk(becomesDefault(1, false));
});

t.test('A3 the most recently used address becomes the default, else the oldest', async (t) => {
  const cases: [ReturnType<typeof saved>[], string | undefined][] = [
    [[], undefined],
    [[saved('a', { usedAt: 1 }), saved('b', { usedAt: 2 })], 'b'],
    [[saved('a', { createdAt: 1 }), saved('b', { usedAt: 0, createdAt: 9 })], 'b'],
    [[saved('a', { createdAt: 5 }), saved('b', { createdAt: 3 }), saved('c', { createdAt: 4 })], 'b'],
    [[saved('b', { usedAt: 7, createdAt: 3 }), saved('a', { usedAt: 7, createdAt: 3 })], 'a'],
  ];
  for (const [addresses, id] of cases) t.equal(chooseDefault(addresses)?.id, id);
});

t.test('A2 the last address is not deleted; A3 deleting the default names the next one', async (t) => {
  const list = [saved('a', { isDefault: true }), saved('b', { usedAt: 5 }), saved('c', { usedAt: 9 })];
  t.match(planAddressDelete([saved('a', { isDefault: true })], 'a'), {
    refused: 'LAST_ADDRESS',
    wayOut: /another/,
  });
  t.same(planAddressDelete(list, 'x'), { refused: 'ADDRESS_NOT_FOUND', addressId: 'x' });
  t.same(planAddressDelete([], 'x'), { refused: 'ADDRESS_NOT_FOUND', addressId: 'x' });
  t.same(planAddressDelete(list, 'a'), { newDefaultId: 'c', clearsBilling: false });
  t.same(planAddressDelete(list, 'a', 'b'), { newDefaultId: 'b', clearsBilling: false });
  t.same(planAddressDelete(list, 'a', 'a'), { refused: 'ADDRESS_NOT_FOUND', addressId: 'a' });
  t.same(planAddressDelete(list, 'a', 'x'), { refused: 'ADDRESS_NOT_FOUND', addressId: 'x' });
  t.same(planAddressDelete(list, 'b'), { newDefaultId: null, clearsBilling: false });
  t.same(planAddressDelete(list, 'b', 'c'), { newDefaultId: 'c', clearsBilling: false });
  const billing = [saved('a', { isDefault: true }), { ...saved('b'), isDefaultBilling: true }];
  t.same(planAddressDelete(billing, 'b'), { newDefaultId: null, clearsBilling: true });
});

t.test('A1 after any allowed deletion exactly one default is left', async () => {
  const lists = fc.array(
    fc.record({ usedAt: fc.option(fc.nat(3), { nil: undefined }), createdAt: fc.nat(3) }),
    { minLength: 1 },
  );
  fc.assert(
    fc.property(lists, fc.nat(), fc.nat(), (rows, defaultIndex, deleteIndex) => {
      const list = rows.map(({ usedAt, createdAt }, index) =>
        saved(`${index}`, {
          createdAt,
          ...(usedAt === undefined ? {} : { usedAt }),
          isDefault: index === defaultIndex % rows.length,
        }),
      );
      const id = `${deleteIndex % rows.length}`;
      const plan = planAddressDelete(list, id);
      if ('refused' in plan) return plan.refused === 'LAST_ADDRESS' && rows.length === 1;
      const left = list.filter((address) => address.id !== id);
      const defaults = left.filter((address) =>
        plan.newDefaultId === null ? address.isDefault : address.id === plan.newDefaultId,
      );
      return defaults.length === 1;
    }),
  );
});

t.test('A5 a checkout address is a saved one used again, or a new one, once per place', async (t) => {
  const place = (contentKey: string, addressId: string | null, hasDefault: boolean, customerId = 'c') => ({
    customerId,
    contentKey,
    addressId,
    hasDefault,
  });
  const used = (contentKey: string, time: number | null, customerId = 'c') => ({
    customerId,
    contentKey,
    usedAt: time === null ? null : new Date(time),
  });
  t.same(planCheckoutAddresses([used('x', 1)], [place('x', 'a', true)]), {
    again: [{ addressId: 'a', usedAt: new Date(1) }],
    added: [],
  });
  t.same(planCheckoutAddresses([used('x', null)], [place('x', 'a', true)]), { again: [], added: [] });
  t.same(planCheckoutAddresses([used('y', 1)], [place('y', null, true)]).added, [
    { ...used('y', 1), isDefault: false },
  ]);
  const first = planCheckoutAddresses(
    [used('y', 1), used('z', 2), used('y', 3), used('y', 2), used('y', 1, 'd')],
    [place('y', null, false), place('z', null, false), place('y', null, false, 'd')],
  );
  t.same(first.added, [
    { ...used('y', 3), isDefault: true },
    { ...used('z', 2), isDefault: false },
    { ...used('y', 1, 'd'), isDefault: true },
  ]);
});

t.test('A5 what A6 refuses of a checkout address is left out, the rest is kept', async (t) => {
  t.match(readCheckoutAddress({ ...BERLIN, phone: '12', countryCode: 'XX' }), {
    line1: 'Unter den Linden 1',
    phone: null,
    countryCode: null,
  });
  t.equal(readCheckoutAddress({ countryCode: 'XX', firstName: 'Ada' }), undefined);
  t.same(readCheckoutAddress(BERLIN), (normaliseAddress(BERLIN) as { fields: object }).fields);
});

t.test('the copies for lists compare without case, accents and spaces, and stay short', async (t) => {
  t.same(placeKeys({ city: 'Łódź', postcode: 'sw1a 1aa', region: 'Île-de-France', countryCode: 'FR' }), {
    defaultCountry: 'FR',
    defaultRegion: 'ile-de-france',
    defaultCity: 'lodz',
    defaultPostcode: 'SW1A1AA',
  });
  t.equal(placeKeys({ region: 'Berlin', regionCode: 'DE-BE' }).defaultRegion, 'DE-BE');
  t.same(placeKeys({}), {
    defaultCountry: null,
    defaultRegion: null,
    defaultCity: null,
    defaultPostcode: null,
  });
  t.equal(cityKey('\ufdfa'.repeat(255)).length, 255);
});

t.test('segments compare city, name of the region and postcode; what is missing has no key', async (t) => {
  const lodz = { city: 'Łódź', postcode: 'sw1a 1aa', region: 'Bayern', regionCode: 'DE-BY' };
  t.same(addressKeys(lodz), { cityKey: 'lodz', regionKey: 'bayern', postcodeKey: 'SW1A1AA' });
  t.same(addressKeys({ city: '', countryCode: 'DE' }), { cityKey: null, regionKey: null, postcodeKey: null });
});

t.test('city and region have one key in every normal form, and it is its own key', async () => {
  const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(text, (name) => {
      const { cityKey: key } = addressKeys({ city: name });
      const { cityKey, regionKey } = addressKeys({
        city: name.normalize('NFD'),
        region: name.normalize('NFD'),
      });
      return key === cityKey && key === regionKey && addressKeys({ city: key }).cityKey === (key || null);
    }),
    { numRuns: 3_000 },
  );
});
