import fc from 'fast-check';
import t from 'tap';
import { duplicateKeys, duplicateReasons } from '../../src/domain/duplicates.ts';

const ada = { emailNorm: 'ada.l+shop@gmail.com', phone: '+4930901820', firstName: 'Ada', lastName: 'Müller' };
const side = (customer: Parameters<typeof duplicateKeys>[0], ...postcodes: string[]) => ({
  customer,
  postcodes,
});

t.test('C11 two customers are suggested with the reasons, strongest first', async (t) => {
  const cases: [ReturnType<typeof side>, string[]][] = [
    [side({ emailNorm: 'adal@googlemail.com' }), ['same_email']],
    [side({ phone: '+4930901820' }), ['same_phone']],
    [side({ firstName: 'ADA', lastName: 'Muller' }, '10117'), ['same_name_postcode']],
    [side({ firstName: 'Müller', lastName: 'Ada' }, '1', '10 117'), ['same_name_postcode']],
    [side(ada, '10117'), ['same_email', 'same_phone', 'same_name_postcode']],
    [side({ firstName: 'Ada', lastName: 'Müller' }, '10118'), []],
    [side({ firstName: 'Ada', lastName: 'Müller' }), []],
    [side({ lastName: 'Müller' }, '10117'), []],
    [side({ firstName: 'Eva', lastName: 'Müller' }, '10117'), []],
    [side({ emailNorm: 'ada@example.com', phone: '+4930901821' }), []],
    [side({}), []],
  ];
  for (const [other, reasons] of cases) t.same(duplicateReasons(side(ada, '10117', '80331'), other), reasons);
});

t.test('C11 a family name with its postcode is no reason: it is a family', async (t) => {
  const family = side({ lastName: 'Müller' }, '10117');
  t.same(duplicateReasons(family, family), []);
});

t.test('C11 keys: one per email and phone, one for the name with each postcode', async (t) => {
  t.same(duplicateKeys(ada, ['10117', '10 117', ' ', 'SW1A 1AA']), [
    { kind: 'same_email', key: 'adal@gmail.com' },
    { kind: 'same_phone', key: '+4930901820' },
    { kind: 'same_name_postcode', key: 'ada muller|10117' },
    { kind: 'same_name_postcode', key: 'ada muller|sw1a1aa' },
  ]);
  t.same(duplicateKeys({ emailNorm: null, phone: null, firstName: null, lastName: null }, ['1']), []);
});

t.test('C11 being a duplicate goes both ways', async () => {
  const customers = fc.record({
    emailNorm: fc.constantFrom(null, 'a.b@gmail.com', 'ab+1@gmail.com', 'ab@x.org'),
    phone: fc.constantFrom(null, '+491', '+492'),
    firstName: fc.constantFrom(null, 'Ada', 'ÄDA', 'Eva'),
    lastName: fc.constantFrom(null, 'Ada', 'Byron'),
  });
  const sides = fc.record({ customer: customers, postcodes: fc.array(fc.constantFrom('1', '2')) });
  fc.assert(
    fc.property(sides, sides, (one, other) => {
      return duplicateReasons(one, other).join() === duplicateReasons(other, one).join();
    }),
  );
});
