// The wire contract of consent.
import Type, { type Static } from 'typebox';
import {
  CHANNELS,
  CONSENT_ACTIONS,
  CONSENT_SOURCES,
  CONSENT_STATES,
  MAX_TOPICS,
  STATED_SOURCES,
  TOPIC_KEY,
} from '../domain/mail/consents.ts';
import { closed, DateTime, nullable, page, ref, stringEnum, Timestamp, Uuid } from './helpers.ts';

export const MAX_CONSENT_IMPORT = 1_000;

const channel = stringEnum(CHANNELS, { description: 'How the store writes.' });
const topicKey = Type.String({
  pattern: TOPIC_KEY.source,
  maxLength: 50,
  description: 'Key of a topic.',
  examples: ['newsletter'],
});

export const ConsentWording = closed(
  {
    version: Type.String({
      minLength: 1,
      maxLength: 100,
      description: 'Your name for this version of the words.',
      examples: ['2026-01'],
    }),
    text: Type.String({
      minLength: 1,
      maxLength: 10_000,
      description: 'The words that were shown, whole.',
      examples: ['Yes, send me news by email. I can unsubscribe at any time.'],
    }),
    locale: Type.String({
      minLength: 2,
      maxLength: 35,
      description: 'Language in which they were shown (BCP 47).',
      examples: ['en'],
    }),
  },
  {
    $id: 'ConsentWording',
    description: 'What people agreed to, word for word; kept once and found by its hash.',
  },
);

const ShownWording = closed(
  {
    hash: Type.String({ description: 'SHA-256 of the text in hex.' }),
    version: Type.String({ description: 'Name of the version.', examples: ['2026-01'] }),
    locale: Type.String({ description: 'Language of the words.', examples: ['en'] }),
    text: Type.String({ description: 'The words that were shown.' }),
  },
  { description: 'The words that were shown.' },
);

const ShownProof = closed(
  {
    text: Type.Optional(Type.String({ description: 'What was stated as proof.' })),
    ip: Type.Optional(Type.String({ description: 'Network address that the form came from.' })),
    userAgent: Type.Optional(Type.String({ description: 'Browser that the form came from.' })),
    page: Type.Optional(Type.String({ description: 'Page with the form.' })),
    messageId: Type.Optional(Type.String({ description: 'Id of the mail whose link was used.' })),
    jobId: Type.Optional(Type.String({ description: 'Id of the import.' })),
  },
  { description: 'What proves it.' },
);

const facts = {
  channel,
  address: Type.String({
    description: 'Email address or phone that it holds for, normalised.',
    examples: ['ada@example.com'],
  }),
  topic: topicKey,
  state: stringEnum(CONSENT_STATES, {
    description:
      '`pending`: waits for confirmation (double opt-in). Topics that are not listed were never asked for.',
  }),
  eventId: Uuid({ description: 'Id of the event.' }),
  action: stringEnum(CONSENT_ACTIONS, { description: 'What happened.' }),
  effectiveAt: Timestamp({ description: 'When it took effect.' }),
  recordedAt: Timestamp({ description: 'When it was written down.' }),
  source: stringEnum(CONSENT_SOURCES, { description: 'Where it came from.' }),
  actor: Type.String({ description: 'Who wrote it down.', examples: ['storefront'] }),
  wording: Type.Optional(ShownWording),
  proof: ShownProof,
};

export const Consent = closed(
  {
    ...facts,
    since: Timestamp({
      description: 'When somebody first agreed, kept over confirmations and repeats; or withdrew.',
    }),
  },
  { $id: 'Consent', description: 'The state of one topic of an address, with the event that led to it.' },
);

const consents = Type.Array(ref(Consent), { description: 'By channel and topic.' });

export const CustomerConsents = closed(
  {
    acceptsMarketing: Type.Boolean({
      description: 'Whether at least one email topic is granted at that instant.',
    }),
    contactLimit: nullable(Type.Integer({ examples: [4] }), {
      description:
        'Most marketing mails within 30 days that the customer wants, as chosen now; null: as many as the store sends.',
    }),
    data: consents,
  },
  { $id: 'CustomerConsents', description: 'What a customer agreed to.' },
);

export const AddressConsents = closed(
  {
    channel,
    address: Type.String({ description: 'The address, normalised.', examples: ['ada@example.com'] }),
    customerId: Type.Optional(Uuid({ description: 'The customer who has it.' })),
    data: consents,
  },
  { $id: 'AddressConsents', description: 'What was agreed to for an address.' },
);

export const ConsentEvent = closed(facts, {
  $id: 'ConsentEvent',
  description: 'One thing that somebody said about mails; never changed, never removed.',
});
export const ConsentEventPage = page(ConsentEvent, 'ConsentEventPage', {
  description: 'Events, newest first.',
});

/** Where, in which words and how consent was given. */
const circumstances = {
  source: Type.Optional(
    stringEnum(STATED_SOURCES, {
      description: 'Where it was said; `staff` or `api` by who calls if absent.',
    }),
  ),
  wording: Type.Optional(ref(ConsentWording)),
  wordingHash: Type.Optional(
    Type.String({
      pattern: '^[0-9a-f]{64}$',
      description: 'SHA-256 in hex of a wording that was sent before, instead of the words.',
    }),
  ),
  proof: Type.Optional(
    Type.String({
      maxLength: 2_000,
      description: 'How it was given, and where that is kept.',
      examples: ['Paper form of 31 January 2026, folder 12'],
    }),
  ),
};

const statement = {
  topics: Type.Optional(
    Type.Array(topicKey, {
      minItems: 1,
      maxItems: MAX_TOPICS,
      description: 'What it is for. May be left out to withdraw: then everything is withdrawn.',
      examples: [['newsletter', 'offers']],
    }),
  ),
  action: stringEnum(CONSENT_ACTIONS, {
    description:
      '`grant`: somebody agrees, with double opt-in subject to confirmation by mail. `confirm`: the confirmation that you asked for yourself. `import`: consent that was given elsewhere; needs `effectiveAt` and `proof`. `withdraw`: always possible.',
  }),
  effectiveAt: Type.Optional(
    DateTime({
      description: 'When it was said; now if absent. Something said earlier changes no later state.',
      examples: ['2026-01-31T09:30:00Z'],
    }),
  ),
  ...circumstances,
};

const address = {
  email: Type.Optional(
    Type.String({
      maxLength: 320,
      description: 'Email address; this or a phone.',
      examples: ['ada@example.com'],
    }),
  ),
  phone: Type.Optional(
    Type.String({ maxLength: 50, description: 'Phone; this or an email.', examples: ['+4930901820'] }),
  ),
};

export const BulkConsent = closed(
  { channel, topic: topicKey, ...circumstances },
  {
    $id: 'BulkConsent',
    description: 'What the customers said, of one topic; subscribing needs the words that they agreed to.',
    examples: [
      {
        channel: 'email',
        topic: 'offers',
        wording: { version: '2026-01', text: 'Yes, send me offers by email.', locale: 'en' },
        proof: 'Sign-up sheets of the fair, folder 12',
      },
    ],
  },
);

export const ConsentStatement = closed(
  { channel, ...statement },
  {
    $id: 'ConsentStatement',
    description: 'What a customer said, for the present address of the channel.',
    examples: [{ channel: 'email', topics: ['newsletter'], action: 'grant' }],
  },
);
export type ConsentStatement = Static<typeof ConsentStatement>;

export const AddressConsentStatement = closed(
  { ...address, ...statement },
  {
    $id: 'AddressConsentStatement',
    description: 'What the owner of an address said.',
    examples: [{ email: 'ada@example.com', topics: ['newsletter'], action: 'grant' }],
  },
);
export type AddressConsentStatement = Static<typeof AddressConsentStatement>;

export const AddressQuery = closed(address);

export const ConsentImport = closed(
  {
    consents: Type.Array(ref(AddressConsentStatement), {
      minItems: 1,
      maxItems: MAX_CONSENT_IMPORT,
      description: 'What was said, one entry for each address.',
    }),
  },
  {
    $id: 'ConsentImport',
    description: `Up to ${MAX_CONSENT_IMPORT} statements.`,
    examples: [
      {
        consents: [
          {
            email: 'ada@example.com',
            topics: ['newsletter'],
            action: 'import',
            effectiveAt: '2025-06-01T00:00:00Z',
            proof: 'Double opt-in of the former newsletter tool, export of 1 June 2025',
          },
        ],
      },
    ],
  },
);

const ResultError = closed(
  {
    pointer: Type.String({ description: 'JSON Pointer into the entry.', examples: ['/email'] }),
    message: Type.String({ description: 'What is wrong there, for people.' }),
    code: Type.Optional(Type.String({ description: 'What is wrong there, for programs.' })),
  },
  { description: 'One place to mend.' },
);

export const ConsentImportResult = closed(
  {
    results: Type.Array(
      closed(
        {
          outcome: stringEnum(['recorded', 'refused'], { description: '`refused`: see `problem`.' }),
          customerId: Type.Optional(Uuid({ description: 'The customer who has the address.' })),
          problem: Type.Optional(
            closed(
              {
                code: Type.String({ description: 'The error for programs.', examples: ['CONSENT_INVALID'] }),
                title: Type.String({ description: 'The error in a few words.' }),
                detail: Type.String({ description: 'What to do about it.' }),
                errors: Type.Array(ResultError, { description: 'Places of the entry to mend.' }),
              },
              { description: 'Why the entry was refused.' },
            ),
          ),
        },
        { description: 'What became of one entry.' },
      ),
      { description: 'One for each entry, in the order in which they were sent.' },
    ),
  },
  { $id: 'ConsentImportResult', description: 'What became of the entries.' },
);

export const ConsentQuery = closed({
  asOf: Type.Optional(
    DateTime({
      description: 'The state as it was at this instant, under whatever address the customer had then.',
      examples: ['2026-01-31T00:00:00Z'],
    }),
  ),
});

export const consentSchemas = [
  Consent,
  ConsentWording,
  CustomerConsents,
  AddressConsents,
  ConsentEvent,
  ConsentEventPage,
  ConsentStatement,
  BulkConsent,
  AddressConsentStatement,
  ConsentImport,
  ConsentImportResult,
];
