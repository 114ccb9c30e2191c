// Recognising the columns of an import: known header sets, the caller's mapping, and nothing dropped in silence.
import t from 'tap';
import { CUSTOMER_COLUMNS, READ_ONLY_COLUMNS } from '../../../src/domain/imports/columns.ts';
import {
  type ColumnMapping,
  recogniseAddressFormat,
  recogniseFormat,
} from '../../../src/domain/imports/formats.ts';

const SHOPIFY_NOW =
  'Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address Company,Default Address Address1,Default Address Address2,Default Address City,Default Address Province Code,Default Address Country Code,Default Address Zip,Default Address Phone,Phone,Accepts SMS Marketing,Total Spent,Total Orders,Note,Tax Exempt,Tags,Birth date (customer.metafields.facts.birth_date)';
const SHOPIFY_BEFORE =
  'First Name,Last Name,Email,Accepts Email Marketing,Company,Address1,Address2,City,Province,Province Code,Country,Country Code,Zip,Phone,Accepts SMS Marketing,Total Spent,Total Orders,Tags,Note,Tax Exempt';
const SHOPIFY_2019 =
  'First Name,Last Name,Email,Company,Address1,Address2,City,Province,Province Code,Country,Country Code,Zip,Phone,Accepts Marketing,Total Spent,Total Orders,Tags,Note,Tax Exempt';
const WORDPRESS_USERS =
  'ID,customer_id,user_login,user_pass,user_nicename,user_email,user_url,user_registered,display_name,first_name,last_name,user_status,roles,locale,billing_first_name,billing_last_name,billing_company,billing_email,billing_phone,billing_address_1,billing_address_2,billing_postcode,billing_city,billing_state,billing_country,shipping_first_name,shipping_address_1';
const SKYVERGE =
  'customer_id,first_name,last_name,user_login,email,user_pass,date_registered,billing_first_name,billing_last_name,billing_company,billing_address_1,billing_address_2,billing_city,billing_state,billing_postcode,billing_country,billing_email,billing_phone,shipping_city';
const ANALYTICS =
  'Name,Username,Last Active,Sign Up,Email,Orders,Total Spend,AOV,Country / Region,City,Region,Postal Code,Billing Phone,Shipping Phone,Role';

/** What was recognised, readable: field by header. */
function mapped(result: ReturnType<typeof recogniseFormat>, headers: readonly string[]) {
  if ('refused' in result) return result;
  const pairs = headers.map((header, index) => [header, result.fields[index]]);
  return {
    format: result.format,
    columns: Object.fromEntries(pairs.filter(([, field]) => field !== undefined)),
  };
}
const recognise = (line: string, mapping?: ColumnMapping, customKeys?: string[]) => {
  const headers = line.split(',');
  return mapped(recogniseFormat(headers, mapping, customKeys), headers);
};

t.test('our own export', async (t) => {
  const headers = [...CUSTOMER_COLUMNS, ...READ_ONLY_COLUMNS, 'custom.size', 'custom.gone'];
  const result = recogniseFormat(headers, undefined, ['size']);
  t.match(result, { format: 'clientele', hasConsentColumn: true });
  if ('refused' in result) return;
  t.equal(result.fields[0], 'id');
  t.equal(result.fields[headers.indexOf('custom.size')], 'custom.size');
  t.strictSame(result.ignored, [...READ_ONLY_COLUMNS, 'custom.gone'], 'columns that are not taken are named');
  t.test('id without external id may be the id of another system', async (t) => {
    t.match(recognise('id,firstName,email'), { format: 'clientele', columns: { id: 'anyId' } });
  });
});

t.test('Shopify, the header of today', async (t) => {
  t.strictSame(recognise(SHOPIFY_NOW), {
    format: 'shopify',
    columns: {
      'Customer ID': 'externalId',
      'First Name': 'firstName',
      'Last Name': 'lastName',
      Email: 'email',
      'Accepts Email Marketing': 'acceptsMarketing',
      'Default Address Company': 'companyEverywhere',
      'Default Address Address1': 'address1',
      'Default Address Address2': 'address2',
      'Default Address City': 'city',
      'Default Address Province Code': 'region',
      'Default Address Country Code': 'countryCode',
      'Default Address Zip': 'postcode',
      'Default Address Phone': 'addressPhone',
      Phone: 'phone',
      Note: 'note',
      Tags: 'tags',
    },
  });
  const result = recogniseFormat(SHOPIFY_NOW.split(','));
  t.match(result, { hasConsentColumn: true });
  t.strictSame('ignored' in result && result.ignored, [
    'Accepts SMS Marketing',
    'Total Spent',
    'Total Orders',
    'Tax Exempt',
    'Birth date (customer.metafields.facts.birth_date)',
  ]);
});

t.test('Shopify, earlier headers: codes before names', async (t) => {
  for (const header of [SHOPIFY_BEFORE, SHOPIFY_2019]) {
    const result = recognise(header);
    t.match(result, { format: 'shopify' });
    t.match(result, {
      columns: {
        'Province Code': 'region',
        'Country Code': 'countryCode',
        Zip: 'postcode',
        Company: 'companyEverywhere',
        Phone: 'phone',
      },
    });
    t.notOk('columns' in result && ('Province' in result.columns || 'Country' in result.columns));
  }
});

t.test('WooCommerce', async (t) => {
  t.test('WordPress user export', async (t) => {
    t.strictSame(recognise(WORDPRESS_USERS), {
      format: 'woocommerce',
      columns: {
        ID: 'externalId',
        user_email: 'email',
        user_registered: 'createdAt',
        first_name: 'firstName',
        last_name: 'lastName',
        locale: 'language',
        billing_first_name: 'addressFirstName',
        billing_last_name: 'addressLastName',
        billing_company: 'companyEverywhere',
        billing_phone: 'phone',
        billing_address_1: 'address1',
        billing_address_2: 'address2',
        billing_postcode: 'postcode',
        billing_city: 'city',
        billing_state: 'region',
        billing_country: 'countryCode',
      },
    });
  });
  t.test('Customer/Order/Coupon Export', async (t) => {
    t.match(recognise(SKYVERGE), {
      format: 'woocommerce',
      columns: {
        customer_id: 'externalId',
        email: 'email',
        date_registered: 'createdAt',
        billing_city: 'city',
      },
    });
  });
  t.test('Analytics', async (t) => {
    t.strictSame(recognise(ANALYTICS), {
      format: 'woocommerce',
      columns: {
        Name: 'fullName',
        'Sign Up': 'createdAt',
        Email: 'email',
        'Country / Region': 'countryCode',
        City: 'city',
        Region: 'region',
        'Postal Code': 'postcode',
        'Billing Phone': 'phone',
      },
    });
  });
  t.test('billing names alone are the names', async (t) => {
    t.match(recognise('billing_email,billing_first_name,billing_last_name,billing_address_1'), {
      columns: { billing_email: 'email', billing_first_name: 'firstName', billing_last_name: 'lastName' },
    });
  });
  t.test('an order export is no customer list', async (t) => {
    t.match(recognise('order_id,billing_email,billing_address_1,total'), { refused: 'UNKNOWN_COLUMNS' });
  });
});

t.test('plain English columns, however they are written', async (t) => {
  const columns = {
    email: 'email',
    firstName: 'firstName',
    lastName: 'lastName',
    phone: 'phone',
    postcode: 'postcode',
  };
  const spellings = [
    'email,first_name,last_name,phone,postcode',
    'E-Mail,First Name,Surname,Telephone,ZIP code',
    'EMAIL ADDRESS,FIRST-NAME,FAMILY_NAME,Mobile Number,Postal-Code',
    'mail,firstName,lastName,tel,zip',
  ];
  for (const line of spellings) {
    t.strictSame(recogniseFormat(line.split(',')), {
      format: 'plain',
      fields: Object.values(columns),
      ignored: [],
      hasConsentColumn: false,
    });
  }
  t.test('what is not known is named, unnamed columns too', async (t) => {
    const result = recogniseFormat(['email', '', 'shoe size', 'custom.size', 'custom.other'], undefined, [
      'size',
    ]);
    t.match(result, {
      fields: ['email', undefined, undefined, 'custom.size', undefined],
      ignored: ['column 2', 'shoe size', 'custom.other'],
    });
  });
  t.test('an id, alone or beside an external id', async (t) => {
    t.match(recognise('id,email'), { columns: { id: 'anyId' } });
    t.strictSame(recognise('id,customer number,email'), {
      format: 'plain',
      columns: { 'customer number': 'externalId', email: 'email' },
    });
  });
  t.test('a full name is used only without its parts', async (t) => {
    t.match(recognise('name,email'), { columns: { name: 'fullName' } });
    const both = recognise('name,last name,email');
    t.notOk('columns' in both && 'name' in both.columns);
  });
  t.test('two columns for one field are refused, not guessed', async (t) => {
    t.match(recognise('email,phone,mobile'), {
      refused: 'AMBIGUOUS_COLUMNS',
      field: 'phone',
      headers: ['phone', 'mobile'],
    });
  });
  t.test('of a name and its code the code is read', async (t) => {
    t.strictSame(recognise('email,country,country code,state,state code'), {
      format: 'plain',
      columns: { email: 'email', 'country code': 'countryCode', 'state code': 'region' },
    });
  });
  t.test('consent', async (t) => {
    for (const header of ['accepts_marketing', 'Newsletter', 'email opt-in']) {
      t.match(recogniseFormat(['email', header]), { hasConsentColumn: true });
    }
  });
});

t.test('tables of something else are refused with a way out', async (t) => {
  for (const line of ['sku,title,price', 'id,name,price', 'a', 'Straße,Ort', 'id', 'name,company']) {
    t.match(recognise(line), { refused: 'UNKNOWN_COLUMNS', headers: line.split(','), wayOut: /mapping/ });
  }
});

t.test('a mapping decides alone', async (t) => {
  const headers = 'Mail,Vorname,Größe,phone';
  const columns = { Mail: 'email', Vorname: 'firstName', Größe: 'custom.size' };
  t.strictSame(recogniseFormat(headers.split(','), { columns }, ['size']), {
    format: 'mapping',
    fields: ['email', 'firstName', 'custom.size', undefined],
    ignored: ['phone'],
    hasConsentColumn: false,
  });
  const bad: [string, Record<string, string>, object][] = [
    ['a column that is not there', { Mial: 'email' }, { header: 'Mial', reason: /Did you mean "Mail"/ }],
    ['a field that does not exist', { Mail: 'e-mail' }, { field: 'e-mail', reason: /Did you mean "email"/ }],
    ['a custom field that is not declared', { Mail: 'custom.other' }, { field: 'custom.other' }],
    ['two columns for a field', { Mail: 'email', phone: 'email' }, { header: 'phone', field: 'email' }],
    ['a name of Object.prototype', { Mail: 'constructor' }, { field: 'constructor' }],
  ];
  for (const [name, wrong, expected] of bad) {
    t.match(
      recognise(headers, { columns: wrong }, ['size']),
      { refused: 'MAPPING_INVALID', ...expected },
      name,
    );
  }
  t.match(
    recognise(headers, { columns: {} }),
    { refused: 'UNKNOWN_COLUMNS' },
    'an empty mapping reads nothing',
  );
});

t.test('address files', async (t) => {
  t.match(recogniseAddressFormat(['customerId', 'address1', 'city', 'countryCode', 'isDefault']), {
    format: 'clientele',
    fields: ['customerId', 'address1', 'city', 'countryCode', 'isDefault'],
  });
  t.match(recogniseAddressFormat('E-mail,Street,Town,ZIP,Country,Phone,Floor'.split(',')), {
    format: 'plain',
    fields: ['email', 'address1', 'city', 'postcode', 'countryCode', 'phone', undefined],
    ignored: ['Floor'],
  });
  t.match(
    recogniseAddressFormat(['Straße', 'Kunde'], { columns: { Straße: 'address1', Kunde: 'externalId' } }),
    {
      format: 'mapping',
      fields: ['address1', 'externalId'],
    },
  );
  t.match(recogniseAddressFormat(['street', 'city']), { refused: 'UNKNOWN_COLUMNS' }, 'nobody it belongs to');
  t.match(recogniseAddressFormat(['email', 'name']), { refused: 'UNKNOWN_COLUMNS' }, 'no address');
  t.match(recogniseAddressFormat(['email', 'street', 'address']), { refused: 'AMBIGUOUS_COLUMNS' });
});
