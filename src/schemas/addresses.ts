// The wire contract of addresses.
import Type, { type Static } from 'typebox';
import { closed, nullable, page, Timestamp, Uuid } from './helpers.ts';

const line = (description: string, example: string) =>
  nullable(Type.String({ description, maxLength: 255, examples: [example] }));

const content = {
  firstName: line('First name of the recipient.', 'Ada'),
  lastName: line('Last name of the recipient.', 'Lovelace'),
  company: line('Company.', 'Analytical Engines Ltd'),
  phone: nullable(
    Type.String({ description: 'Phone; stored as E.164.', maxLength: 40, examples: ['+4930901820'] }),
  ),
  line1: line('Street and number.', 'Unter den Linden 1'),
  line2: line('Further address line.', '2nd floor'),
  city: line('City.', 'Berlin'),
  region: line('State or province, by name or ISO 3166-2 code.', 'Berlin'),
  postcode: line('Postcode.', '10117'),
};

const country = nullable(
  Type.String({ description: 'Country (ISO 3166-1 alpha-2).', minLength: 2, maxLength: 2, examples: ['DE'] }),
);

const optional = {
  firstName: Type.Optional(content.firstName),
  lastName: Type.Optional(content.lastName),
  company: Type.Optional(content.company),
  phone: Type.Optional(content.phone),
  line1: Type.Optional(content.line1),
  line2: Type.Optional(content.line2),
  city: Type.Optional(content.city),
  region: Type.Optional(content.region),
  postcode: Type.Optional(content.postcode),
};

export const AddressCreate = closed(
  {
    ...optional,
    countryCode: Type.Optional(country),
    isDefault: Type.Optional(
      Type.Boolean({ description: 'Make it the default address; the first one always is (A1).' }),
    ),
    isDefaultBilling: Type.Optional(Type.Boolean({ description: 'Make it the default billing address.' })),
  },
  {
    $id: 'AddressCreate',
    description: 'A new address.',
    examples: [
      {
        firstName: 'Ada',
        lastName: 'Lovelace',
        line1: 'Unter den Linden 1',
        city: 'Berlin',
        postcode: '10117',
        countryCode: 'DE',
      },
    ],
  },
);
export type AddressCreate = Static<typeof AddressCreate>;

export const AddressUpdate = closed(
  {
    ...optional,
    countryCode: Type.Optional(country),
    isDefault: Type.Optional(
      Type.Boolean({ description: 'true makes it the default address and clears the other (A4).' }),
    ),
    isDefaultBilling: Type.Optional(
      Type.Boolean({ description: 'true makes it the default billing address.' }),
    ),
  },
  {
    $id: 'AddressUpdate',
    minProperties: 1,
    description: 'Merge patch: null clears, absent stays.',
    examples: [{ city: 'Potsdam' }],
  },
);
export type AddressUpdate = Static<typeof AddressUpdate>;

export const Address = closed(
  {
    id: Uuid({ description: 'Id of the address.' }),
    ...content,
    regionCode: nullable(
      Type.String({ description: 'ISO 3166-2 code of the region, where it is known.', examples: ['DE-BE'] }),
    ),
    countryCode: country,
    isDefault: Type.Boolean({ description: 'The default address of the customer.' }),
    isDefaultBilling: Type.Boolean({ description: 'The default billing address.' }),
    lastUsedAt: nullable(Timestamp({ description: 'When an order last used it.' })),
    createdAt: Timestamp({ description: 'When it was added.' }),
    updatedAt: Timestamp({ description: 'When it last changed.' }),
  },
  { $id: 'Address', description: 'A postal address of a customer.' },
);

export const AddressPage = page(Address, 'AddressPage', { description: 'Addresses of a customer.' });
