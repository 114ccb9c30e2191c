// The wire contract of what the pages of a shop call.
import Type, { type Static } from 'typebox';
import { MAX_TOPICS, TOPIC_KEY } from '../domain/mail/consents.ts';
import { ConsentWording } from './consents.ts';
import { closed, nullable, ref, stringEnum } from './helpers.ts';

const name = (description: string, example: string) =>
  Type.Optional(nullable(Type.String({ minLength: 1, maxLength: 255, description, examples: [example] })));

export const NewsletterSignUp = closed(
  {
    email: Type.String({
      minLength: 3,
      maxLength: 320,
      description: 'Address of the shopper.',
      examples: ['ada@example.com'],
    }),
    firstName: name('First name; fills an empty one only.', 'Ada'),
    lastName: name('Last name; fills an empty one only.', 'Lovelace'),
    language: name('Language of the page (BCP 47); fills an empty one only.', 'en'),
    topics: Type.Optional(
      Type.Array(Type.String({ pattern: TOPIC_KEY.source, maxLength: 50, description: 'Key of a topic.' }), {
        minItems: 1,
        maxItems: MAX_TOPICS,
        description: 'What the shopper wants mails about; the newsletter if absent.',
        examples: [['newsletter', 'offers']],
      }),
    ),
    wording: Type.Optional(ref(ConsentWording)),
    page: Type.Optional(
      Type.String({
        maxLength: 2_000,
        description: 'Address of the page with the form; kept as proof with the network address.',
        examples: ['https://shop.example.com/'],
      }),
    ),
  },
  {
    $id: 'NewsletterSignUp',
    description: 'A wish to get the newsletter.',
    examples: [{ email: 'ada@example.com' }],
  },
);
export type NewsletterSignUp = Static<typeof NewsletterSignUp>;

export const NewsletterReceipt = closed(
  {
    status: stringEnum(['received'], {
      description: 'The same for known and unknown addresses, so that nobody can probe.',
    }),
  },
  { $id: 'NewsletterReceipt', description: 'The wish was noted.' },
);
