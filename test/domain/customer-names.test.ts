import fc from 'fast-check';
import t from 'tap';
import { displayName, searchText, sortName } from '../../src/domain/customer-names.ts';
import { foldText } from '../../src/domain/fields.ts';

t.test('a customer is called by the best that is known', async (t) => {
  const cases: [Parameters<typeof displayName>[0], string, string][] = [
    [{ firstName: 'Ada', lastName: 'Lovelace', company: 'X' }, 'Ada Lovelace', 'lovelace ada'],
    [{ lastName: 'Müller' }, 'Müller', 'muller'],
    [{ firstName: 'Ada', email: 'a@b.co' }, 'Ada', 'ada'],
    [{ company: 'Zoë & Co', email: 'a@b.co' }, 'Zoë & Co', 'zoe & co'],
    [{ email: 'Ada@Example.com', phone: '+4930' }, 'Ada@Example.com', 'ada@example.com'],
    [{ phone: '+4930', company: '' }, '+4930', '+4930'],
    [{ firstName: null, lastName: null, company: null, email: null, phone: null }, '', ''],
  ];
  for (const [customer, display, sort] of cases) {
    t.equal(displayName(customer), display);
    t.equal(sortName(customer), sort);
  }
});

t.test('the sort column is folded and short enough for an index', async () => {
  const text = fc.option(fc.string({ unit: 'grapheme', maxLength: 300 }));
  fc.assert(
    fc.property(text, text, text, (firstName, lastName, company) => {
      const name = sortName({ firstName, lastName, company });
      return name.length <= 120 && !/\p{Cs}/u.test(name) && foldText(name) === name;
    }),
  );
});

t.test('every name, email, phone and company is found by a folded piece of it', async (t) => {
  const customer = {
    firstName: 'Zoë',
    lastName: 'Ørsted',
    email: 'Zoe.O@Example.com',
    phone: '+4530901820',
    company: 'Læsø Salt',
  };
  for (const word of ['zoë', 'ORSTED', 'ørs', 'zoe.o@', '901820', 'LÆSØ', 'laeso s']) {
    t.ok(searchText(customer).includes(foldText(word)), word);
  }
});

t.test('the search column is bounded, and no length of names hides the email', async () => {
  const long = fc.string({ unit: fc.constantFrom('a', 'ß', 'ﷺ', '😀', 'æ'), minLength: 100, maxLength: 255 });
  fc.assert(
    fc.property(long, long, long, (firstName, lastName, company) => {
      const email = `${'x'.repeat(60)}@${'y'.repeat(60)}.example`;
      const text = searchText({ firstName, lastName, company, email, phone: '+4930901820' });
      return text.length <= 600 && text.includes(email) && text.includes('+4930901820');
    }),
  );
});
