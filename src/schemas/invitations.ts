// The wire contract of invitations.
import Type from 'typebox';
import { INVITATION_STATUSES } from '../domain/accounts/invitations.ts';
import { chosenPassword } from './accounts.ts';
import { ConsentWording } from './consents.ts';
import { closed, nullable, page, pageQuery, ref, stringEnum, Timestamp, Uuid } from './helpers.ts';

const status = stringEnum(INVITATION_STATUSES, {
  description:
    'queued (its mail waits), sent, failed (see `reason`), opened (its page was looked at, perhaps by a mail scanner), accepted, expired, revoked.',
});

export const Invitation = closed(
  {
    id: Uuid({ description: 'Id of the invitation.' }),
    customerId: Uuid({ description: 'Who is invited.' }),
    status,
    reason: Type.Optional(
      Type.String({
        description: 'Of failed ones: why the mail did not arrive.',
        examples: ['refused_recipient'],
      }),
    ),
    email: nullable(Type.String({ description: 'Where the mail went, or will go.' })),
    messageId: Uuid({ description: 'The mail.' }),
    createdBy: Type.String({ description: 'Who invited.', examples: ['staff:ann'] }),
    createdAt: Timestamp({ description: 'When it was queued.' }),
    sentAt: nullable(Timestamp({ description: 'When the mail was sent.' })),
    expiresAt: nullable(
      Timestamp({ description: 'Until when the link works; null until the mail is made (I1).' }),
    ),
    openedAt: nullable(Timestamp({ description: 'When its page was first looked at.' })),
    acceptedAt: nullable(Timestamp({ description: 'When it was accepted.' })),
    revokedAt: nullable(Timestamp({ description: 'When it was taken back, or replaced by a newer one.' })),
  },
  { $id: 'Invitation', description: 'An invitation to an account.' },
);

export const InvitationPage = page(Invitation, 'InvitationPage');

export const InvitationQuery = closed({
  ...pageQuery,
  status: Type.Optional(stringEnum(INVITATION_STATUSES, { description: 'Only invitations in this state.' })),
});

export const OpenInvitation = closed(
  {
    status: stringEnum(['open'], { description: 'The link works.' }),
    storeName: Type.String({ description: 'Who invites.', examples: ['Test store'] }),
    email: Type.String({
      description: 'The address of the account, masked.',
      examples: ['a•••@example.com'],
    }),
    needsName: Type.Boolean({ description: 'Whether the shop does not know the name yet.' }),
    expiresAt: Timestamp({ description: 'Until when the link works.' }),
  },
  { $id: 'OpenInvitation', description: 'What the page of an invitation shows.' },
);

const name = (description: string, example: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 255, description, examples: [example] }));

export const InvitationAcceptance = closed(
  {
    password: chosenPassword('The password of the account.'),
    firstName: name('First name.', 'Ada'),
    lastName: name('Last name.', 'Lovelace'),
    topics: Type.Optional(
      Type.Array(Type.String({ maxLength: 64, examples: ['newsletter'] }), {
        maxItems: 50,
        description: 'Keys of topics that the customer wants to hear about.',
      }),
    ),
    wording: Type.Optional(
      ref(ConsentWording, { description: 'The words beside the topics, kept with the consent.' }),
    ),
  },
  {
    $id: 'InvitationAcceptance',
    description: 'The answer to an invitation.',
    examples: [{ password: 'correct horse battery staple', topics: ['newsletter'] }],
  },
);

export const invitationSchemas = [Invitation, InvitationPage, OpenInvitation, InvitationAcceptance];
