// HTTP: addresses of a customer.
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import { createAddress, deleteAddress, updateAddress } from '../actions/addresses.ts';
import { readPresent } from '../actions/customers.ts';
import { findAddress, listAddresses } from '../db/addresses.ts';
import type { PageStart } from '../domain/pages.ts';
import { endpoint, found } from '../endpoint.ts';
import { pageOf } from '../pages.ts';
import { Address, AddressCreate, AddressPage, AddressUpdate } from '../schemas/addresses.ts';
import { closed, pageQuery, ref, Uuid } from '../schemas/helpers.ts';

const tag = 'Addresses';
const customerId = Uuid({ description: 'Id of the customer.' });
const OfCustomer = closed({ customerId });
const OneAddress = closed({ customerId, addressId: Uuid({ description: 'Id of the address.' }) });

export async function addresses(app: FastifyInstance): Promise<void> {
  endpoint(app, {
    method: 'GET',
    url: '/customers/:customerId/addresses',
    operationId: 'listAddresses',
    tag,
    summary: 'List the addresses of a customer',
    description:
      'In the order in which they were added. A customer with addresses has exactly one default (A1).',
    scope: 'customers:read',
    params: OfCustomer,
    query: closed({ ...pageQuery }),
    returns: { 200: ref(AddressPage) },
    refuses: ['CURSOR_INVALID', 'CUSTOMER_GONE'],
    handle: async (ctx, input) => {
      const { customerId } = input.params;
      await readPresent(ctx.db, customerId);
      return pageOf(
        input,
        (start: PageStart<[id: string]>) => listAddresses(ctx.db, customerId, start),
        (row): [string] => [row.id],
      );
    },
  });

  endpoint(app, {
    method: 'POST',
    url: '/customers/:customerId/addresses',
    operationId: 'createAddress',
    tag,
    summary: 'Add an address',
    description:
      'The first address of a customer becomes the default by itself (A1). Country and region are checked against ISO 3166, the phone is stored as E.164 (A6).',
    scope: 'customers:write',
    params: OfCustomer,
    body: ref(AddressCreate),
    returns: { 201: ref(Address) },
    refuses: ['ADDRESS_INVALID', 'CUSTOMER_GONE'],
    location: (address: { customerId: string; id: string }) =>
      `/v1/customers/${address.customerId}/addresses/${address.id}`,
    handle: (ctx, { params, body }) => createAddress(ctx, params.customerId, body),
  });

  endpoint(app, {
    method: 'GET',
    url: '/customers/:customerId/addresses/:addressId',
    operationId: 'getAddress',
    tag,
    summary: 'Get an address',
    description: 'One address of the customer.',
    scope: 'customers:read',
    params: OneAddress,
    returns: { 200: ref(Address) },
    refuses: ['CUSTOMER_GONE'],
    handle: async (ctx, { params }) => {
      await readPresent(ctx.db, params.customerId);
      const address = await findAddress(ctx.db, { customerId: params.customerId, id: params.addressId });
      return found(address, 'address');
    },
  });

  endpoint(app, {
    method: 'PATCH',
    url: '/customers/:customerId/addresses/:addressId',
    operationId: 'updateAddress',
    tag,
    summary: 'Change an address',
    description:
      'Merge patch: null clears a field, an absent one stays. `isDefault: true` takes the mark from the other address (A4); it cannot be taken away without giving it to another. Orders keep their own copies (A5).',
    scope: 'customers:write',
    params: OneAddress,
    body: ref(AddressUpdate),
    returns: { 200: ref(Address) },
    refuses: ['ADDRESS_INVALID', 'CUSTOMER_GONE'],
    handle: (ctx, { params, body }) => updateAddress(ctx, params.customerId, params.addressId, body),
  });

  endpoint(app, {
    method: 'DELETE',
    url: '/customers/:customerId/addresses/:addressId',
    operationId: 'deleteAddress',
    tag,
    summary: 'Delete an address',
    description:
      'The last address stays (A2). When the default goes, `newDefaultId` takes its place, or else the most recently used one, or else the oldest (A3).',
    scope: 'customers:write',
    params: OneAddress,
    query: closed({
      newDefaultId: Type.Optional(
        Uuid({ description: 'Address of the same customer that is the default afterwards.' }),
      ),
    }),
    returns: { 204: null },
    refuses: ['LAST_ADDRESS', 'ADDRESS_NOT_FOUND', 'CUSTOMER_GONE'],
    handle: (ctx, { params, query }) =>
      deleteAddress(ctx, params.customerId, params.addressId, query.newDefaultId),
  });
}
