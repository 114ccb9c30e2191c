// The wire contract of preferences and confirmations on the storefront.
import Type from 'typebox';
import { CONSENT_STATES, MAX_TOPICS, TOPIC_KEY } from '../domain/mail/consents.ts';
import { ConsentWording } from './consents.ts';
import { closed, nullable, ref, stringEnum } from './helpers.ts';

export const MAX_CONTACT_LIMIT = 100;

const topicKey = Type.String({
  pattern: TOPIC_KEY.source,
  maxLength: 50,
  description: 'Key of the topic.',
  examples: ['newsletter'],
});
const limit = Type.Integer({ minimum: 1, maximum: MAX_CONTACT_LIMIT, examples: [4] });

const Preference = closed(
  {
    key: topicKey,
    name: Type.String({ description: 'Name of the topic.', examples: ['Newsletter'] }),
    description: Type.String({ description: 'One line about it.' }),
    state: stringEnum([...CONSENT_STATES, 'none'], {
      description: '`pending`: waits for confirmation; `none`: never asked for.',
    }),
    subscribed: Type.Boolean({ description: 'How to draw the checkbox: granted or pending.' }),
  },
  { description: 'A topic with what the person wants.' },
);

export const Preferences = closed(
  {
    email: nullable(Type.String({ examples: ['a•••@example.com'] }), {
      description: 'The address, masked; null without one.',
    }),
    topics: Type.Array(Preference, { description: 'In the order in which to show them.' }),
    contactLimit: nullable(limit, {
      description: 'Most marketing mails within 30 days; null: as many as the shop sends.',
    }),
  },
  { $id: 'Preferences', description: 'What somebody gets marketing mails about.' },
);

export const PreferencesUpdate = closed(
  {
    topics: Type.Optional(
      Type.Array(topicKey, {
        maxItems: MAX_TOPICS,
        description: 'Exactly these are on afterwards, all others off; absent: topics stay.',
        examples: [['newsletter']],
      }),
    ),
    unsubscribeFromAll: Type.Optional(
      Type.Boolean({ description: 'True: withdraws every topic there is, whatever `topics` says.' }),
    ),
    contactLimit: Type.Optional(
      nullable(limit, {
        description: 'Most marketing mails within 30 days; null: as many as the shop sends.',
      }),
    ),
    wording: Type.Optional(ref(ConsentWording)),
  },
  { $id: 'PreferencesUpdate', description: 'What is to change.', examples: [{ topics: ['newsletter'] }] },
);

export const PreferencesParams = closed({
  token: Type.String({
    minLength: 1,
    maxLength: 200,
    description: 'Token of the link in the mail; it never expires.',
  }),
});

export const ConsentConfirmation = closed(
  {
    token: Type.String({
      minLength: 1,
      maxLength: 200,
      description: 'Token of the link in the mail; for 7 days, once.',
    }),
  },
  {
    $id: 'ConsentConfirmation',
    description: 'The token that the mail brought.',
    examples: [{ token: 'AZmjxH4feqWdOW8fPx-aEQ' }],
  },
);

export const ConfirmedConsent = closed(
  {
    email: Type.String({ description: 'The address, masked.', examples: ['a•••@example.com'] }),
    topics: Type.Array(
      closed(
        {
          key: topicKey,
          name: Type.String({ description: 'Name of the topic.', examples: ['Newsletter'] }),
        },
        { description: 'A topic.' },
      ),
      { description: 'What was confirmed.' },
    ),
  },
  { $id: 'ConfirmedConsent', description: 'What was confirmed.' },
);

export const preferenceSchemas = [Preferences, PreferencesUpdate, ConsentConfirmation, ConfirmedConsent];
