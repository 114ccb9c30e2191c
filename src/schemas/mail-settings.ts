// The wire contract of what holds for the mails of a store.
import Type from 'typebox';
import { LINK_PURPOSES } from '../domain/mail/settings.ts';
import { closed, nullable, Timestamp } from './helpers.ts';

const ClockTime = (description: string, example: string) =>
  Type.String({ pattern: '^([01]\\d|2[0-3]):[0-5]\\d$', description, examples: [example] });

const MailSender = closed(
  {
    name: Type.String({
      minLength: 1,
      maxLength: 255,
      description: 'Name that marketing mails come from.',
      examples: ['My store'],
    }),
    email: Type.String({
      minLength: 3,
      maxLength: 254,
      description: 'Address that marketing mails come from.',
      examples: ['news@example.com'],
    }),
  },
  { description: 'Who marketing mails come from; without it, the sender of the store.' },
);

const ContactLimit = closed(
  {
    messages: Type.Integer({
      minimum: 1,
      maximum: 1000,
      description: 'So many marketing mails.',
      examples: [4],
    }),
    days: Type.Integer({ minimum: 1, maximum: 366, description: 'Within so many days.', examples: [30] }),
  },
  {
    description:
      'At most so many marketing mails to one customer: campaigns, direct marketing and surveys together.',
  },
);

const QuietHours = closed(
  {
    from: ClockTime('Start, included.', '21:00'),
    to: ClockTime('End, not included; earlier than `from` when it spans midnight.', '08:00'),
  },
  { description: "Clock times in the recipient's zone between which no marketing is sent." },
);

const linkUrl = Type.String({
  maxLength: 2000,
  pattern: '^https?://[^\\s]+$',
  description: "The shop's own page, with `{token}` where the secret goes.",
  examples: ['https://shop.example.com/welcome?token={token}'],
});

const settings = {
  replyTo: nullable(
    Type.String({
      minLength: 3,
      maxLength: 254,
      description: 'Where answers go.',
      examples: ['service@example.com'],
    }),
  ),
  postalAddress: nullable(
    Type.String({
      minLength: 5,
      maxLength: 500,
      description: 'Stands below each marketing mail; a campaign cannot start without (M7).',
      examples: ['My store, Torstr. 1, 10119 Berlin'],
    }),
  ),
  invitationHours: Type.Integer({
    minimum: 1,
    maximum: 720,
    description: 'For how many hours an invitation can be accepted (I1).',
    examples: [24],
  }),
  doubleOptIn: Type.Boolean({ description: 'Whether marketing consent has to be confirmed by mail.' }),
  trackClicks: Type.Boolean({ description: 'Whether links of marketing mails are counted.' }),
  brandColor: Type.String({
    pattern: '^#[0-9a-fA-F]{6}$',
    description: 'Colour of buttons in mails and pages.',
    examples: ['#1f4e79'],
  }),
  logoUrl: nullable(
    Type.String({
      maxLength: 2000,
      pattern: '^https://[^\\s]+$',
      description: 'Logo in mails and pages.',
      examples: ['https://shop.example.com/logo.png'],
    }),
  ),
  websiteUrl: nullable(
    Type.String({
      maxLength: 2000,
      pattern: '^https?://[^\\s]+$',
      description: 'The shop.',
      examples: ['https://shop.example.com'],
    }),
  ),
};

const linksOf = <Schema extends Parameters<typeof Type.Optional>[0]>(schema: Schema) =>
  closed(
    Object.fromEntries(LINK_PURPOSES.map((purpose) => [purpose, Type.Optional(schema)])) as Record<
      (typeof LINK_PURPOSES)[number],
      ReturnType<typeof Type.Optional<Schema>>
    >,
    { description: "Pages of the shop that take the place of this service's own." },
  );

export const MailSettings = closed(
  {
    ...settings,
    marketingSender: Type.Optional(MailSender),
    contactLimit: Type.Optional(ContactLimit),
    quietHours: Type.Optional(QuietHours),
    links: linksOf(linkUrl),
    version: Type.Integer({ description: 'Version of the store; the ETag.' }),
    updatedAt: Timestamp({ description: 'When settings of the store last changed.' }),
  },
  { $id: 'MailSettings', description: 'What holds for the mails of the store.' },
);

export const MailSettingsUpdate = closed(
  {
    replyTo: Type.Optional(settings.replyTo),
    postalAddress: Type.Optional(settings.postalAddress),
    invitationHours: Type.Optional(settings.invitationHours),
    doubleOptIn: Type.Optional(settings.doubleOptIn),
    trackClicks: Type.Optional(settings.trackClicks),
    brandColor: Type.Optional(settings.brandColor),
    logoUrl: Type.Optional(settings.logoUrl),
    websiteUrl: Type.Optional(settings.websiteUrl),
    marketingSender: Type.Optional(nullable(MailSender)),
    contactLimit: Type.Optional(nullable(ContactLimit)),
    quietHours: Type.Optional(nullable(QuietHours)),
    links: Type.Optional(linksOf(nullable(linkUrl))),
  },
  {
    $id: 'MailSettingsUpdate',
    minProperties: 1,
    description: 'Merge patch: null clears, absent keeps; links are merged one by one.',
    examples: [
      {
        postalAddress: 'My store, Torstr. 1, 10119 Berlin',
        contactLimit: { messages: 4, days: 30 },
        quietHours: { from: '21:00', to: '08:00' },
      },
    ],
  },
);

export const mailSettingsSchemas = [MailSettings, MailSettingsUpdate];
