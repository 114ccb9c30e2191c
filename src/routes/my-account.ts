// HTTP: profile, addresses, orders and data of a signed-in customer. Whose they are comes from the token.
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply } from 'fastify';
import Type, { type TSchema } from 'typebox';
import { createAddress, deleteAddress, updateAddress } from '../actions/addresses.ts';
import { readMyEligibility } from '../actions/checkout-eligibility.ts';
import { cancelDeletion, readDeletionRequest, requestDeletion } from '../actions/deletion-requests.ts';
import { readMyProfile, updateMyProfile } from '../actions/my-profile.ts';
import { toMyOrder } from '../actions/order-answers.ts';
import { exportPersonalData, type PersonalData } from '../actions/personal-data.ts';
import { callingCustomer } from '../actions/storefront-tokens.ts';
import type { Throttles } from '../actions/throttles.ts';
import { findAddress, listAddresses } from '../db/addresses.ts';
import { findOrder, listOrders, type OrderKey, orderKeyOf } from '../db/orders.ts';
import { ORDER_SORTS } from '../domain/orders.ts';
import type { PageStart } from '../domain/pages.ts';
import { endpoint, found } from '../endpoint.ts';
import { pageOf } from '../pages.ts';
import { Address, AddressCreate, AddressPage, AddressUpdate } from '../schemas/addresses.ts';
import { closed, defaulted, pageQuery, ref, stringEnum, Uuid } from '../schemas/helpers.ts';
import {
  CheckoutEligibility,
  DeletionRequest,
  DeletionRequestCreate,
  MyOrder,
  MyOrderPage,
  MyProfile,
  MyProfileUpdate,
  PersonalData as PersonalDataDocument,
  PersonalFacts,
  personalLists,
} from '../schemas/my-account.ts';
import { orderFilter } from '../schemas/orders.ts';

const mine = { tag: 'Storefront', zone: 'storefront', customer: true } as const;
const OneAddress = closed({ addressId: Uuid({ description: 'Id of the address.' }) });

/** Each part through the schema that documents it, so that the shape is the documented one and no more. */
async function* textOf(reply: FastifyReply, { facts, lists }: PersonalData): AsyncGenerator<string> {
  const writer = (schema: TSchema) => reply.compileSerializationSchema({ ...schema });
  yield writer(PersonalFacts)(facts).slice(0, -1);
  for (const [name, schema] of Object.entries(personalLists)) {
    const write = writer(schema);
    yield `,\n"${name}":[`;
    let separator = '\n';
    for await (const row of lists[name] ?? []) {
      yield separator + write({ ...row });
      separator = ',\n';
    }
    yield ']';
  }
  yield '}\n';
}

export interface MyAccountOptions {
  throttles: Throttles;
}

export async function myAccount(app: FastifyInstance, { throttles }: MyAccountOptions): Promise<void> {
  endpoint(app, {
    ...mine,
    method: 'GET',
    url: '/me',
    operationId: 'getMyProfile',
    summary: 'Get my profile',
    description: 'What the shop knows of me, without what staff noted for itself.',
    returns: { 200: ref(MyProfile), 304: null },
    handle: async (ctx) => readMyProfile(ctx, await callingCustomer(ctx)),
  });

  endpoint(app, {
    ...mine,
    method: 'PATCH',
    url: '/me',
    operationId: 'updateMyProfile',
    summary: 'Change my profile',
    description:
      'Merge patch: null clears a field, an absent one stays; If-Match holds the change to one version (C8). The email has a way of its own. Members of the loyalty programme edit their birthday once a calendar year (P8).',
    body: ref(MyProfileUpdate),
    returns: { 200: ref(MyProfile) },
    refuses: ['CUSTOMER_INVALID', 'CUSTOMER_NEEDS_IDENTITY', 'BIRTHDAY_EDITED_THIS_YEAR', 'VERSION_MISMATCH'],
    handle: async (ctx, { body, ifMatch }) => updateMyProfile(ctx, await callingCustomer(ctx), body, ifMatch),
  });

  endpoint(app, {
    ...mine,
    method: 'GET',
    url: '/me/checkout-eligibility',
    operationId: 'getMyCheckoutEligibility',
    summary: 'Ask whether I may check out',
    description:
      'A disabled account is told so: `ACCOUNT_DISABLED` where accounts are required; anywhere else it may order as a guest.',
    returns: { 200: ref(CheckoutEligibility) },
    handle: (ctx) => readMyEligibility(ctx),
  });

  endpoint(app, {
    ...mine,
    method: 'GET',
    url: '/me/addresses',
    operationId: 'listMyAddresses',
    summary: 'List my addresses',
    description: 'In the order in which they were added; exactly one is the default (A1).',
    query: closed(pageQuery),
    returns: { 200: ref(AddressPage) },
    refuses: ['CURSOR_INVALID'],
    handle: async (ctx, input) => {
      const customerId = await callingCustomer(ctx);
      return pageOf(
        input,
        (start: PageStart<[id: string]>) => listAddresses(ctx.db, customerId, start),
        (row): [string] => [row.id],
      );
    },
  });

  endpoint(app, {
    ...mine,
    method: 'POST',
    url: '/me/addresses',
    operationId: 'createMyAddress',
    summary: 'Add an address of mine',
    description: 'The first one becomes the default by itself (A1).',
    body: ref(AddressCreate),
    returns: { 201: ref(Address) },
    refuses: ['ADDRESS_INVALID'],
    location: ({ id }: { id: string }) => `/storefront/v1/me/addresses/${id}`,
    handle: async (ctx, { body }) => createAddress(ctx, await callingCustomer(ctx), body),
  });

  endpoint(app, {
    ...mine,
    method: 'GET',
    url: '/me/addresses/:addressId',
    operationId: 'getMyAddress',
    summary: 'Get an address of mine',
    description: 'One of my addresses; those of others are not found.',
    params: OneAddress,
    returns: { 200: ref(Address) },
    handle: async (ctx, { params: { addressId: id } }) => {
      const customerId = await callingCustomer(ctx);
      return found(await findAddress(ctx.db, { customerId, id }), 'address');
    },
  });

  endpoint(app, {
    ...mine,
    method: 'PATCH',
    url: '/me/addresses/:addressId',
    operationId: 'updateMyAddress',
    summary: 'Change an address of mine',
    description:
      'Merge patch: null clears, an absent field stays. `isDefault: true` takes the mark from the other address (A4). Orders keep their own copies (A5).',
    params: OneAddress,
    body: ref(AddressUpdate),
    returns: { 200: ref(Address) },
    refuses: ['ADDRESS_INVALID'],
    handle: async (ctx, { params, body }) =>
      updateAddress(ctx, await callingCustomer(ctx), params.addressId, body),
  });

  endpoint(app, {
    ...mine,
    method: 'DELETE',
    url: '/me/addresses/:addressId',
    operationId: 'deleteMyAddress',
    summary: 'Delete an address of mine',
    description:
      'The last address stays (A2). When the default goes, `newDefaultId` takes its place, or else the most recently used one (A3).',
    params: OneAddress,
    query: closed({
      newDefaultId: Type.Optional(Uuid({ description: 'Address of mine that is the default afterwards.' })),
    }),
    returns: { 204: null },
    refuses: ['LAST_ADDRESS', 'ADDRESS_NOT_FOUND'],
    handle: async (ctx, { params, query }) =>
      deleteAddress(ctx, await callingCustomer(ctx), params.addressId, query.newDefaultId),
  });

  endpoint(app, {
    ...mine,
    method: 'GET',
    url: '/me/orders',
    operationId: 'listMyOrders',
    summary: 'List my orders',
    description: 'Sorted by date or value, the latest first unless asked otherwise (O5).',
    query: closed({
      ...orderFilter,
      sort: defaulted(
        stringEnum(ORDER_SORTS, { description: 'Column to sort by, with `-` descending.' }),
        '-placedAt',
      ),
      ...pageQuery,
    }),
    returns: { 200: ref(MyOrderPage) },
    refuses: ['CURSOR_INVALID'],
    handle: async (ctx, input) => {
      const customerId = await callingCustomer(ctx);
      const { status, refundStatus, placedFrom, placedBefore, sort } = input.query;
      const filter = {
        customerId,
        status,
        refundStatus,
        placedFrom: placedFrom === undefined ? undefined : new Date(placedFrom),
        placedBefore: placedBefore === undefined ? undefined : new Date(placedBefore),
      };
      const { data, page } = await pageOf(
        input,
        (start: PageStart<OrderKey>) => listOrders(ctx.db, filter, sort, start),
        (order) => orderKeyOf(order, sort),
      );
      return { data: data.map(toMyOrder), page };
    },
  });

  endpoint(app, {
    ...mine,
    method: 'GET',
    url: '/me/orders/:orderId',
    operationId: 'getMyOrder',
    summary: 'Get an order of mine',
    description: 'By the number of the shop, or by the id of this service. Orders of others are not found.',
    params: closed({
      orderId: Type.String({
        minLength: 1,
        maxLength: 128,
        description: 'Number of the order in the shop, or its id here.',
        examples: ['1001'],
      }),
    }),
    returns: { 200: ref(MyOrder), 304: null },
    handle: async (ctx, { params }) => {
      const customerId = await callingCustomer(ctx);
      const order = await findOrder(ctx.db, params.orderId);
      return toMyOrder(found(order?.customerId === customerId ? order : undefined, 'order'));
    },
  });

  endpoint(app, {
    ...mine,
    method: 'POST',
    url: '/me/export',
    operationId: 'exportMyData',
    summary: 'Download everything about me',
    description:
      'One JSON document, streamed: profile, addresses, orders, store credit, points, consent, mails, identities, sessions (GDPR, 15 and 20). Notes that staff wrote for itself are left out.',
    idempotency: 'none',
    returns: { 200: ref(PersonalDataDocument) },
    handle: async (ctx, { reply }) => {
      const data = await exportPersonalData(ctx, await callingCustomer(ctx));
      return reply
        .type('application/json; charset=utf-8')
        .header('content-disposition', 'attachment; filename="my-data.json"')
        .header('cache-control', 'no-store')
        .send(Readable.from(textOf(reply, data), { objectMode: false }));
    },
  });

  endpoint(app, {
    ...mine,
    method: 'GET',
    url: '/me/deletion-request',
    operationId: 'getMyDeletionRequest',
    summary: 'Get how my wish to be forgotten stands',
    description: '`none`, `open` until the shop has seen to it, then `closed`.',
    returns: { 200: ref(DeletionRequest) },
    handle: async (ctx) => readDeletionRequest(ctx, await callingCustomer(ctx)),
  });

  endpoint(app, {
    ...mine,
    method: 'POST',
    url: '/me/deletion-request',
    operationId: 'requestMyDeletion',
    summary: 'Ask to be forgotten',
    description:
      'A task for the shop, which has 30 days to answer. The password is needed when the account has one. Asking again while it is open changes nothing.',
    idempotency: 'none',
    body: ref(DeletionRequestCreate),
    returns: { 202: ref(DeletionRequest) },
    refuses: ['PASSWORD_WRONG', 'LOGIN_THROTTLED', 'SERVICE_BUSY'],
    handle: async (ctx, { body, request }) => {
      const { password = '' } = body;
      const proof = { customerId: await callingCustomer(ctx), password, ip: request.ip };
      return requestDeletion(ctx, proof, throttles);
    },
  });

  endpoint(app, {
    ...mine,
    method: 'DELETE',
    url: '/me/deletion-request',
    operationId: 'cancelMyDeletion',
    summary: 'Take my wish to be forgotten back',
    description: 'As long as the shop has not seen to it; where none is open, nothing changes.',
    returns: { 204: null },
    handle: async (ctx) => cancelDeletion(ctx, await callingCustomer(ctx)),
  });
}
