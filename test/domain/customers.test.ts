import fc from 'fast-check';
import t from 'tap';
import { ACCOUNT_STATUSES } from '../../src/domain/account-states.ts';
import {
  type CustomerInput,
  changedFields,
  checkIdentity,
  checkWholesale,
  hasWholesalePrice,
  isBirthday,
  normaliseCustomer,
} from '../../src/domain/customers.ts';

const TODAY = { year: 2026, month: 3, day: 15 };

t.test('C2 a customer has at least one of email, phone, last name, company', async (t) => {
  for (const field of ['email', 'phone', 'lastName', 'company']) {
    t.equal(checkIdentity({ [field]: 'x' }), undefined, field);
    t.same(checkIdentity({ [field]: ' ' }), { refused: 'CUSTOMER_NEEDS_IDENTITY' }, `blank ${field}`);
  }
  const firstNameOnly = { firstName: 'Ada', email: null };
  t.same(checkIdentity(firstNameOnly), { refused: 'CUSTOMER_NEEDS_IDENTITY' });
});

t.test(
  'C5 wholesale is for invited and active customers; a disabled one keeps the flag without a price',
  async (t) => {
    const table = { guest: 0, invited: 1, active: 1, disabled: 0, merged: 0, erased: 0 };
    for (const accountStatus of ACCOUNT_STATUSES) {
      const allowed = table[accountStatus] === 1;
      const refusal = checkWholesale(true, { wholesale: false, accountStatus });
      t.equal(refusal?.refused, allowed ? undefined : 'WHOLESALE_REQUIRES_ACCOUNT', accountStatus);
      t.equal(hasWholesalePrice({ wholesale: true, accountStatus }), allowed, `price for ${accountStatus}`);
      t.notOk(hasWholesalePrice({ wholesale: false, accountStatus }));
      t.equal(
        checkWholesale(false, { wholesale: true, accountStatus }),
        undefined,
        'turning it off is always allowed',
      );
    }
    t.equal(checkWholesale(true, { wholesale: true, accountStatus: 'disabled' }), undefined, 'no change');
  },
);

t.test('a birthday is a day that exists, from 1900 to today', async (t) => {
  const cases: [number, number, number | undefined, boolean][] = [
    [2, 29, undefined, true],
    [2, 29, 2000, true],
    [2, 29, 1900, false],
    [2, 29, 2001, false],
    [2, 30, undefined, false],
    [4, 31, undefined, false],
    [13, 1, undefined, false],
    [0, 1, undefined, false],
    [1, 0, undefined, false],
    [1.5, 1, undefined, false],
    [1, 1, 1899, false],
    [1, 1, 1900, true],
    [3, 15, 2026, true],
    [3, 16, 2026, false],
    [12, 31, 2025, true],
    [1, 1, Number.NaN, false],
  ];
  for (const [month, day, year, valid] of cases) {
    const birthday = year === undefined ? { month, day } : { month, day, year };
    t.equal(isBirthday(birthday, TODAY), valid, JSON.stringify(birthday));
  }
});

t.test('C1 input becomes stored fields: clean, in normal form, the spelling of the email kept', async (t) => {
  const input: CustomerInput = {
    externalId: ' shop-1 ',
    email: ' Ada@BÜCHER.de ',
    phone: '030 901820',
    firstName: ' Ada ',
    lastName: 'van  der\tBerg',
    company: '',
    gender: 'Female',
    language: 'de_de',
    timezone: 'europe/berlin',
    birthday: { month: 2, day: 29 },
  };
  t.same(normaliseCustomer(input, { today: TODAY, defaultCountry: 'DE' }), {
    fields: {
      externalId: 'shop-1',
      email: 'Ada@BÜCHER.de',
      emailNorm: 'ada@xn--bcher-kva.de',
      phone: '+4930901820',
      firstName: 'Ada',
      lastName: 'van der Berg',
      company: null,
      gender: 'female',
      language: 'de-DE',
      timezone: 'Europe/Berlin',
      birthday: { month: 2, day: 29 },
    },
  });
});

t.test('absent fields stay absent, null and blank clear', async (t) => {
  const facts = { today: TODAY };
  t.same(normaliseCustomer({}, facts), { fields: {} });
  t.same(normaliseCustomer({ email: null, birthday: null, gender: null, phone: ' ' }, facts), {
    fields: { email: null, emailNorm: null, birthday: null, gender: null, phone: null },
  });
});

t.test('all problems of an input are told at once, each with pointer, code and message', async (t) => {
  const input = {
    externalId: 'x'.repeat(256),
    email: 'nobody',
    phone: '12',
    firstName: 'a\0',
    gender: 'm',
    language: 'german',
    timezone: 'IST',
    birthday: { month: 2, day: 30 },
  };
  const result = normaliseCustomer(input, { today: TODAY });
  t.match(result, {
    refused: 'CUSTOMER_INVALID',
    errors: [
      { pointer: '/externalId', code: 'TEXT_INVALID', message: String },
      { pointer: '/firstName', code: 'TEXT_INVALID', message: String },
      { pointer: '/email', code: 'EMAIL_INVALID', message: String },
      { pointer: '/phone', code: 'PHONE_INVALID', message: String },
      { pointer: '/language', code: 'LANGUAGE_INVALID', message: String },
      { pointer: '/timezone', code: 'TIMEZONE_INVALID', message: String },
      { pointer: '/gender', code: 'GENDER_INVALID', message: String },
      { pointer: '/birthday', code: 'BIRTHDAY_INVALID', message: String },
    ],
  });
  t.equal('errors' in result && result.errors.length, 8);
});

t.test('stored fields read again are the same fields', async (t) => {
  let seen = 0;
  const text = fc.option(fc.string({ unit: 'grapheme', maxLength: 20 }));
  const inputs = fc.record(
    { firstName: text, lastName: text, company: text, email: fc.option(fc.emailAddress()) },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(inputs, (input) => {
      const once = normaliseCustomer(input, { today: TODAY });
      if ('refused' in once) return true;
      seen += 1;
      const { emailNorm: _, ...fields } = once.fields;
      return JSON.stringify(normaliseCustomer(fields, { today: TODAY })) === JSON.stringify(once);
    }),
  );
  t.ok(seen > 50, `${seen} inputs were readable`);
});

t.test('C9 only what changed is told, old and new', async (t) => {
  const before = {
    lastName: 'Byron',
    company: null,
    birthday: { month: 1, day: 2 },
    at: new Date(5),
    wholesale: false,
  };
  const after = {
    lastName: 'King',
    company: null,
    birthday: { day: 2, month: 1 },
    at: new Date(5),
    wholesale: true,
  };
  const fields = ['lastName', 'company', 'birthday', 'at', 'wholesale', 'phone'] as const;
  t.same(changedFields(before, after, fields), { lastName: ['Byron', 'King'], wholesale: [false, true] });
  t.same(changedFields({ phone: '+49' }, { phone: null }, fields), { phone: ['+49', null] });
  t.same(changedFields({}, { phone: '+49' }, fields), { phone: [null, '+49'] });
  t.same(changedFields({ phone: '+49' }, {}, fields), {}, 'absent keeps');
  t.same(
    changedFields({ lastName: 'x' }, { lastName: 'y' }, ['phone'] as never),
    {},
    'only the fields asked for',
  );
});
