// HTTP: invitations to an account, for staff.
import type { FastifyInstance } from 'fastify';
import { readPresent } from '../actions/customers.ts';
import { inviteCustomer, revokeInvitation, toInvitation } from '../actions/invitations.ts';
import type { Ctx } from '../context.ts';
import { type InvitationFilter, type InvitationKey, listInvitations } from '../db/invitations.ts';
import type { PageStart } from '../domain/pages.ts';
import { endpoint } from '../endpoint.ts';
import { type PageInput, pageOf } from '../pages.ts';
import { CustomerParams } from '../schemas/customers.ts';
import { closed, pageQuery, ref } from '../schemas/helpers.ts';
import { Invitation, InvitationPage, InvitationQuery } from '../schemas/invitations.ts';

const tag = 'Accounts';

const pageOfInvitations = (ctx: Ctx, input: PageInput, filter: Omit<InvitationFilter, 'at'>) =>
  pageOf(
    input,
    async (start: PageStart<InvitationKey>) =>
      (await listInvitations(ctx.db, { ...filter, at: ctx.now }, start)).map((row) =>
        toInvitation(row, ctx.now),
      ),
    ({ id }): InvitationKey => [id],
  );

export async function invitations(app: FastifyInstance): Promise<void> {
  endpoint(app, {
    method: 'POST',
    url: '/customers/:customerId/invitation',
    operationId: 'inviteCustomer',
    tag,
    summary: 'Invite a customer',
    description:
      'Queues the mail with the link; the customer is `invited` from now on. The link is made when the mail is, and its time begins then (I1). Inviting again makes a new link; the old one dies at once.',
    scope: 'accounts:write',
    idempotency: 'required',
    params: CustomerParams,
    returns: { 201: ref(Invitation) },
    refuses: [
      'ALREADY_ACTIVE',
      'ACCOUNT_STATE_CONFLICT',
      'NO_EMAIL',
      'ACCOUNTS_NOT_OFFERED',
      'ADDRESS_SUPPRESSED',
      'CUSTOMER_GONE',
    ],
    location: ({ customerId }: { customerId: string }) => `/v1/customers/${customerId}/invitations`,
    handle: (ctx, { params }) => inviteCustomer(ctx, params.customerId),
  });

  endpoint(app, {
    method: 'DELETE',
    url: '/customers/:customerId/invitation',
    operationId: 'revokeInvitation',
    tag,
    summary: 'Revoke an invitation',
    description:
      'The link opens nothing any more, and a mail that waits is not sent. The customer stays `invited`: nothing leads back to `guest` (C4).',
    scope: 'accounts:write',
    params: CustomerParams,
    returns: { 204: null },
    refuses: ['CUSTOMER_GONE'],
    handle: (ctx, { params }) => revokeInvitation(ctx, params.customerId),
  });

  endpoint(app, {
    method: 'GET',
    url: '/customers/:customerId/invitations',
    operationId: 'listInvitationsOfCustomer',
    tag,
    summary: 'List the invitations of a customer',
    description: 'Newest first, each with its state.',
    scope: 'accounts:read',
    params: CustomerParams,
    query: closed({ ...pageQuery }),
    returns: { 200: ref(InvitationPage) },
    refuses: ['CURSOR_INVALID', 'CUSTOMER_GONE'],
    handle: async (ctx, input) => {
      const { customerId } = input.params;
      await readPresent(ctx.db, customerId);
      return pageOfInvitations(ctx, input, { customerId });
    },
  });

  endpoint(app, {
    method: 'GET',
    url: '/invitations',
    operationId: 'listInvitations',
    tag,
    summary: 'List invitations',
    description: 'Of the whole store, newest first; `status` asks for those in one state.',
    scope: 'accounts:read',
    query: InvitationQuery,
    returns: { 200: ref(InvitationPage) },
    refuses: ['CURSOR_INVALID'],
    handle: (ctx, input) => pageOfInvitations(ctx, input, { status: input.query.status }),
  });
}
