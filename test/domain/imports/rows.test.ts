// Reading the cells of import rows: what files write, what is kept, what is a problem and in which column.
import { deepStrictEqual } from 'node:assert';
import fc from 'fast-check';
import t from 'tap';
import { readCsv } from '../../../src/clients/csv-reader.ts';
import { csvLine } from '../../../src/clients/csv-writer.ts';
import type { CustomFieldDeclaration } from '../../../src/domain/custom-fields.ts';
import { recogniseFormat } from '../../../src/domain/imports/formats.ts';
import {
  type CustomerRow,
  MAX_IMPORTED_NOTE_LENGTH,
  type RowOptions,
  readAddressRow,
  readCustomerRow,
} from '../../../src/domain/imports/rows.ts';

const customFields: CustomFieldDeclaration[] = [
  { key: 'size', label: 'Size', type: 'number' },
  { key: 'vip', label: 'VIP', type: 'boolean' },
  { key: 'since', label: 'Since', type: 'date' },
  { key: 'plan', label: 'Plan', type: 'enum', options: ['free', 'paid'] },
  { key: 'motto', label: 'Motto', type: 'string' },
];
const options: RowOptions = { today: { year: 2026, month: 6, day: 1 }, customFields };
const id = '0197f3a2-8f3b-7c4d-9e5f-001122334455';

/** A row given as field → cell, in that order. */
type Cells = Record<string, string>;
function read(cells: Cells, more: Partial<RowOptions> = {}): CustomerRow {
  const mapping = { columns: Object.fromEntries(Object.keys(cells).map((field) => [field, field])) };
  const format = recogniseFormat(Object.keys(cells), mapping);
  if ('refused' in format) throw new Error(JSON.stringify(format));
  return readCustomerRow(format.fields, Object.values(cells), { ...options, ...more });
}
const problemsOf = (row: ReturnType<typeof read>) =>
  'problems' in row ? row.problems.map(({ column, code }) => [column, code]) : [];

t.test('a full row', async (t) => {
  const row = read({
    id: id.toUpperCase(),
    externalId: 'K-1',
    email: ' Ann@Example.COM ',
    phone: '+49 30 123456',
    firstName: '  Ann  Sophie ',
    lastName: 'Müller',
    company: 'Shop',
    language: 'de_DE',
    timezone: 'europe/berlin',
    birthday: '1990-02-28',
    gender: 'Female',
    tags: 'vip, early  bird,VIP',
    groups: 'Business, "Foo, Inc", business',
    acceptsMarketing: 'Yes',
    wholesale: '0',
    note: 'first line\r\nsecond',
    createdAt: '2020-01-02 03:04:05',
    address1: 'Main Street 1',
    city: 'Munich',
    postcode: '80331',
    region: 'BY',
    countryCode: 'Germany',
    addressPhone: '089 123456',
    'custom.size': '42.5',
    'custom.vip': 'no',
    'custom.since': '2020-02-29',
    'custom.plan': 'paid',
    'custom.motto': 'Hi there',
  });
  t.strictSame(row, {
    record: {
      externalId: 'K-1',
      firstName: 'Ann Sophie',
      lastName: 'Müller',
      company: 'Shop',
      email: 'Ann@Example.COM',
      emailNorm: 'ann@example.com',
      phone: '+4930123456',
      language: 'de-DE',
      timezone: 'Europe/Berlin',
      gender: 'female',
      birthday: { month: 2, day: 28, year: 1990 },
      tags: ['vip', 'early bird'],
      groups: ['Business', 'Foo, Inc'],
      custom: { size: 42.5, vip: false, since: '2020-02-29', plan: 'paid', motto: 'Hi there' },
      id,
      note: 'first line\nsecond',
      acceptsMarketing: true,
      wholesale: false,
      createdAt: new Date('2020-01-02T03:04:05Z'),
      address: {
        line1: 'Main Street 1',
        city: 'Munich',
        postcode: '80331',
        countryCode: 'DE',
        region: 'Bayern',
        regionCode: 'DE-BY',
        phone: '+4989123456',
      },
    },
  });
});

t.test('an empty cell is absent', async (t) => {
  const empty = {
    phone: '',
    firstName: '  ',
    birthday: '',
    acceptsMarketing: '',
    createdAt: ' ',
    'custom.size': '',
  };
  t.strictSame(read({ email: 'a@example.com', ...empty, city: '', tags: '', note: '\n' }), {
    record: { email: 'a@example.com', emailNorm: 'a@example.com', tags: [], groups: [], custom: {} },
  });
});

t.test('marks that are no content', async (t) => {
  const row = read({
    externalId: "'9000000000001",
    phone: "'+4930123456",
    lastName: "'=Anna",
    company: "'n Winkel",
    postcode: "'01067",
    countryCode: 'DE',
  });
  t.match(row, {
    record: {
      externalId: '9000000000001',
      phone: '+4930123456',
      lastName: '=Anna',
      company: "'n Winkel",
      address: { postcode: '01067' },
    },
  });
});

t.test('values of single fields', async (t) => {
  const cases: [string, Cells, object][] = [
    ['a birthday without a year', { birthday: '--02-29' }, { birthday: { month: 2, day: 29 } }],
    ['a group that begins with a quoted word', { groups: '"Foo" Ltd, B' }, { groups: ['"Foo" Ltd', 'B'] }],
    ['a full name', { fullName: ' Anna  Maria Schmidt' }, { firstName: 'Anna Maria', lastName: 'Schmidt' }],
    [
      'a full name, last name first',
      { fullName: 'Schmidt, Anna' },
      { firstName: 'Anna', lastName: 'Schmidt' },
    ],
    ['a single name', { fullName: 'Madonna' }, { lastName: 'Madonna' }],
    ['an id that is ours', { anyId: id }, { id }],
    ['an id that is not', { anyId: '123' }, { externalId: '123' }],
    ['an external id goes first', { externalId: 'x', anyId: '123' }, { externalId: 'x' }],
    [
      'a company everywhere',
      { companyEverywhere: 'C', city: 'B' },
      { company: 'C', address: { company: 'C' } },
    ],
    [
      'a phone number by its own country',
      { phone: '030 123456', countryCode: 'DE' },
      { phone: '+4930123456' },
    ],
    ['a country alone is a place', { countryCode: 'uk' }, { address: { countryCode: 'GB' } }],
  ];
  for (const [name, cells, expected] of cases) {
    const row = read({ email: 'a@example.com', ...cells });
    t.match(row, { record: expected }, name);
  }
  for (const word of ['true', 'TRUE', 'yes', 'Y', '1', 't', 'on'])
    t.match(read({ email: 'a@b.co', wholesale: word }), { record: { wholesale: true } });
  for (const word of ['false', 'No', 'n', '0', 'F', 'off'])
    t.match(read({ email: 'a@b.co', wholesale: word }), { record: { wholesale: false } });
});

t.test('dates and instants', async (t) => {
  const cases: [string, string][] = [
    ['2020-01-02', '2020-01-02T00:00:00.000Z'],
    ['2020-01-02 03:04', '2020-01-02T03:04:00.000Z'],
    ['2020-01-02T03:04:05+02:00', '2020-01-02T01:04:05.000Z'],
    ['2020-01-02 03:04 -0130', '2020-01-02T04:34:00.000Z'],
    ['2020-01-02T03:04:05.123456Z', '2020-01-02T03:04:05.123Z'],
    [' 2020-01-02 03:04:05 UTC ', '2020-01-02T03:04:05.000Z'],
  ];
  for (const [createdAt, expected] of cases) {
    const row = read({ email: 'a@example.com', createdAt });
    t.equal('record' in row && row.record.createdAt?.toISOString(), expected, createdAt);
  }
});

t.test('the default country reads national numbers of rows that name none', async (t) => {
  const phones = { phone: '030 123456', addressPhone: '030 654321', city: 'Berlin' };
  t.match(read(phones, { defaultCountry: 'DE' }), {
    record: { phone: '+4930123456', address: { phone: '+4930654321' } },
  });
  t.strictSame(problemsOf(read(phones)), [
    ['phone', 'PHONE_INVALID'],
    ['addressPhone', 'PHONE_INVALID'],
  ]);
});

t.test('address cells without a place are dropped, and named', async (t) => {
  const row = read({
    email: 'a@example.com',
    addressFirstName: 'Ann',
    addressPhone: '+4930123456',
    city: '',
  });
  t.match(row, { dropped: ['addressFirstName', 'addressPhone'] });
  t.notOk('record' in row && row.record.address);
  t.notOk(
    'dropped' in read({ email: 'a@example.com', companyEverywhere: 'C' }),
    'the company went to the customer',
  );
});

t.test('problems name the column that has to be mended', async (t) => {
  const long = 'x'.repeat(256);
  const cases: [string, Cells, string, string][] = [
    ['email', { email: 'nobody' }, 'email', 'EMAIL_INVALID'],
    ['phone', { phone: '123' }, 'phone', 'PHONE_INVALID'],
    ['a long name', { firstName: long }, 'firstName', 'TEXT_INVALID'],
    ['a long name in full', { fullName: `Ann ${long}` }, 'fullName', 'TEXT_INVALID'],
    ['a long foreign id', { anyId: long }, 'anyId', 'TEXT_INVALID'],
    ['a long company', { companyEverywhere: long }, 'companyEverywhere', 'TEXT_INVALID'],
    ['a long note', { note: 'x'.repeat(MAX_IMPORTED_NOTE_LENGTH + 1) }, 'note', 'TEXT_INVALID'],
    ['an id of another system', { id: '123' }, 'id', 'ID_INVALID'],
    ['a German birthday', { birthday: '28.02.1990' }, 'birthday', 'BIRTHDAY_INVALID'],
    ['a birthday that does not exist', { birthday: '1990-02-30' }, 'birthday', 'BIRTHDAY_INVALID'],
    ['a birthday to come', { birthday: '2026-06-02' }, 'birthday', 'BIRTHDAY_INVALID'],
    ['gender', { gender: 'x' }, 'gender', 'GENDER_INVALID'],
    ['language', { language: 'German' }, 'language', 'LANGUAGE_INVALID'],
    ['timezone', { timezone: 'Berlin' }, 'timezone', 'TIMEZONE_INVALID'],
    ['a long tag', { tags: `a,${long}` }, 'tags', 'TAG_INVALID'],
    [
      'too many tags',
      { tags: Array.from({ length: 251 }, (_, n) => `t${n}`).join() },
      'tags',
      'TOO_MANY_TAGS',
    ],
    ['a long group', { groups: long }, 'groups', 'GROUP_NAME_INVALID'],
    ['consent in another language', { acceptsMarketing: 'ja' }, 'acceptsMarketing', 'BOOLEAN_INVALID'],
    ['a date in another order', { createdAt: '01/02/2020' }, 'createdAt', 'DATE_INVALID'],
    ['a date that does not exist', { createdAt: '2021-02-29' }, 'createdAt', 'DATE_INVALID'],
    ['25 o’clock', { createdAt: '2020-01-02T25:00:00Z' }, 'createdAt', 'DATE_INVALID'],
    ['country', { address1: 'x', countryCode: 'Atlantis' }, 'countryCode', 'COUNTRY_INVALID'],
    ['a long street', { address1: long, countryCode: 'DE' }, 'address1', 'TEXT_INVALID'],
    ['a number', { 'custom.size': 'XL' }, 'custom.size', 'CUSTOM_FIELD_INVALID'],
    ['a decimal comma', { 'custom.size': '1,5' }, 'custom.size', 'CUSTOM_FIELD_INVALID'],
    ['an enum', { 'custom.plan': 'gold' }, 'custom.plan', 'CUSTOM_FIELD_INVALID'],
    ['a field nobody declared', { 'custom.other': '1' }, 'custom.other', 'CUSTOM_FIELD_UNKNOWN'],
  ];
  for (const [name, cells, column, code] of cases) {
    const row = read({ email: 'a@example.com', ...cells });
    t.strictSame(problemsOf(row), [[column, code]], name);
  }
  t.test('all of them at once', async (t) => {
    const row = read({ email: 'x', birthday: 'y', wholesale: 'z', countryCode: 'Q1', 'custom.size': 'w' });
    t.strictSame(
      problemsOf(row)
        .map(([column]) => column)
        .sort(),
      ['birthday', 'countryCode', 'custom.size', 'email', 'wholesale'],
    );
  });
});

t.test('a row must say whom it means', async (t) => {
  t.strictSame(problemsOf(read({ firstName: 'Ann', city: 'Berlin' })), [['', 'CUSTOMER_NEEDS_IDENTITY']]);
  t.strictSame(problemsOf(read({ lastName: 'Miller', email: '' }, { matchBy: 'email' })), [
    ['email', 'KEY_MISSING'],
  ]);
  const foreign = { id: '123', email: 'a@b.co' };
  t.strictSame(problemsOf(read(foreign, { matchBy: 'id' })), [['id', 'ID_INVALID']], 'told once');
  t.strictSame(problemsOf(read({ email: 'a@b.co' }, { matchBy: 'externalId' })), [
    ['externalId', 'KEY_MISSING'],
  ]);
  t.strictSame(problemsOf(read({ anyId: 'K-1' }, { matchBy: 'externalId' })), []);
  t.strictSame(problemsOf(read({ anyId: id, firstName: 'Ann' }, { matchBy: 'id' })), []);
});

t.test('what an export writes is what an import reads', async () => {
  const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
  const word = text
    .map((value) => value.normalize('NFC').replace(/[\s\p{C}\ufffd]+/gu, ''))
    .filter((value) => /[\p{L}\p{N}=+@-]/u.test(value));
  const list = fc.uniqueArray(word, {
    maxLength: 3,
    selector: (value) => value.normalize('NFKC').toLowerCase().normalize('NFKC'),
  });
  const record = fc.record({
    lastName: word.filter((value) => !/^'+\d/.test(value)),
    tags: list.map((tags) => tags.filter((tag) => !tag.includes(',') && !/^'+\d/.test(tag))),
    groups: fc
      .tuple(list, fc.subarray(['Foo, Inc', 'a "b", c', '=x, y']))
      .map(([one, two]) => [...one.filter((group) => !/^["']|,/.test(group)), ...two]),
    acceptsMarketing: fc.boolean(),
    createdAt: fc.date({ noInvalidDate: true, min: new Date('1970-01-01'), max: new Date('2100-01-01') }),
  });
  const headers = ['lastName', 'tags', 'groups', 'acceptsMarketing', 'createdAt'];
  await fc.assert(
    fc.asyncProperty(record, async (customer) => {
      const values = [
        customer.lastName,
        customer.tags,
        customer.groups,
        customer.acceptsMarketing,
        customer.createdAt,
      ];
      const csv = await readCsv(
        (async function* () {
          yield csvLine(headers) + csvLine(values);
        })(),
      );
      const { value } = await csv.batches.next();
      const format = recogniseFormat(csv.headers);
      if (!value || 'refused' in format) throw new Error('not read');
      const row = readCustomerRow(format.fields, value.rows[0]?.cells ?? [], options);
      deepStrictEqual(row, { record: { ...customer, custom: {} } });
    }),
  );
});

t.test('address rows', async (t) => {
  const fields = [
    'email',
    'externalId',
    'customerId',
    'company',
    'address1',
    'postcode',
    'city',
    'countryCode',
    'phone',
    'isDefault',
    'isDefaultBilling',
  ] as const;
  const row = (...cells: string[]) => readAddressRow(fields, cells, { defaultCountry: 'DE' });
  t.strictSame(
    row('Ann@Example.com', '', '', 'Shop', 'Main 1', "'01067", 'Dresden', 'de', '0351 123456', 'yes', ''),
    {
      record: {
        customer: { emailNorm: 'ann@example.com' },
        address: {
          company: 'Shop',
          line1: 'Main 1',
          postcode: '01067',
          city: 'Dresden',
          countryCode: 'DE',
          phone: '+49351123456',
        },
        isDefault: true,
      },
    },
  );
  t.match(row('', 'K-1', id, '', 'Main 1', '', '', '', '', '', 'no'), {
    record: { customer: { externalId: 'K-1', id }, address: { line1: 'Main 1' }, isDefaultBilling: false },
  });
  const cases: [string, string[], [string, string][]][] = [
    ['nobody', ['', '', '', '', 'Main 1'], [['', 'KEY_MISSING']]],
    ['no address', ['a@b.co'], [['', 'ADDRESS_EMPTY']]],
    [
      'bad keys',
      ['a', 'x'.repeat(256), 'y', '', 'Main 1'],
      [
        ['customerId', 'ID_INVALID'],
        ['externalId', 'TEXT_INVALID'],
        ['email', 'EMAIL_INVALID'],
      ],
    ],
    [
      'bad values',
      ['a@b.co', '', '', '', 'Main 1', '', '', 'Q1', '', 'maybe'],
      [
        ['countryCode', 'COUNTRY_INVALID'],
        ['isDefault', 'BOOLEAN_INVALID'],
      ],
    ],
  ];
  for (const [name, cells, expected] of cases) {
    const result = row(...cells);
    t.strictSame(
      'problems' in result && result.problems.map(({ column, code }) => [column, code]),
      expected,
      name,
    );
  }
});
