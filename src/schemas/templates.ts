// The wire contract of templates.
import Type from 'typebox';
import { MESSAGE_CLASSES } from '../domain/mail/messages.ts';
import {
  MISSING_POLICIES,
  TEMPLATE_FORMATS,
  TEMPLATE_KEY_PATTERN,
  TEMPLATE_LIMITS,
} from '../domain/mail/templates.ts';
import { closed, nullable, page, pageQuery, ref, stringEnum, Timestamp, Uuid } from './helpers.ts';

const key = Type.String({
  pattern: TEMPLATE_KEY_PATTERN,
  maxLength: 64,
  description: 'What mails look for; one template for each key and language.',
  examples: ['order_confirmation'],
});
const locale = Type.String({
  minLength: 2,
  maxLength: 35,
  description: 'Language of its words (BCP 47). A mail takes the customer’s language or the next best.',
  examples: ['en'],
});
const name = Type.String({
  minLength: 1,
  maxLength: 255,
  description: 'What staff call it.',
  examples: ['Order confirmation'],
});
const messageClass = stringEnum(MESSAGE_CLASSES, {
  description:
    'Marketing needs consent and a way to unsubscribe; transactional answers what the customer did.',
  examples: ['transactional'],
});
const format = stringEnum(TEMPLATE_FORMATS, { description: 'Language of `source`.', examples: ['mjml'] });
const subject = Type.String({
  minLength: 1,
  maxLength: TEMPLATE_LIMITS.subject,
  description: 'Subject, in Liquid.',
  examples: ['Your order {{ order.number }}'],
});
const preheader = Type.String({
  maxLength: TEMPLATE_LIMITS.preheader,
  description: 'What lists of mails show beside the subject, in Liquid.',
  examples: ['Thank you! This is what you ordered.'],
});

const EXAMPLE_SOURCE =
  '<mjml><mj-body><mj-section><mj-column><mj-text>Thank you, {{ customer.name }}.</mj-text></mj-column></mj-section></mj-body></mjml>';

const source = Type.String({
  minLength: 1,
  maxLength: TEMPLATE_LIMITS.sourceBytes,
  description: 'The mail, in MJML or HTML with Liquid; at most 256 KiB.',
  examples: [EXAMPLE_SOURCE],
});
const textSource = nullable(
  Type.String({
    maxLength: TEMPLATE_LIMITS.sourceBytes,
    description: 'Plain text part, in Liquid; null: made from the HTML.',
  }),
);
const missing = stringEnum(MISSING_POLICIES, {
  description: 'What a variable without a value does: the mail fails, or the place stays blank.',
  examples: ['fail'],
});
const anything = (description: string) =>
  Type.Unsafe<Record<string, unknown>>({ type: 'object', additionalProperties: true, description });

export const TemplateVariable = closed(
  {
    name: Type.String({
      maxLength: TEMPLATE_LIMITS.name,
      description: 'Path such as `order.number`; begins with one of the roots that docs/templates.md names.',
      examples: ['data.couponCode'],
    }),
    description: Type.Optional(
      Type.String({ maxLength: 500, description: 'What it is.', examples: ['Code of the coupon'] }),
    ),
    fallback: Type.Optional(
      Type.String({ maxLength: TEMPLATE_LIMITS.fallback, description: 'Used where the value is missing.' }),
    ),
    example: Type.Optional(
      Type.Unsafe<unknown>({ description: 'Shown in previews and tests; any JSON.', examples: ['SPRING'] }),
    ),
  },
  { $id: 'TemplateVariable', description: 'A variable that a template uses.' },
);

const variables = Type.Array(ref(TemplateVariable), {
  maxItems: TEMPLATE_LIMITS.variables,
  description: 'Variables that the service does not fill by itself; checked when it is published.',
});

const draft = { format, subject, preheader, source, textSource, variables, missing };
const published = Type.Integer({ minimum: 1, description: 'Version that mails take.', examples: [1] });
const archivedAt = Timestamp({ description: 'Since when no mail takes it.' });
const times = {
  version: Type.Integer({ minimum: 1, description: 'Grows with each change; the ETag.', examples: [1] }),
  createdAt: Timestamp({ description: 'When it was made.' }),
  updatedAt: Timestamp({ description: 'When it last changed.' }),
};

export const Template = closed(
  {
    id: Uuid({ description: 'Id of the template.' }),
    key,
    locale,
    name,
    class: messageClass,
    ...draft,
    publishedVersion: Type.Optional(published),
    archivedAt: Type.Optional(archivedAt),
    ...times,
  },
  { $id: 'Template', description: 'A template with its draft.' },
);

export const TemplateSummary = closed(
  {
    id: Uuid({ description: 'Id of the template.' }),
    key,
    locale,
    name,
    class: messageClass,
    format,
    subject,
    publishedVersion: Type.Optional(published),
    archivedAt: Type.Optional(archivedAt),
    ...times,
  },
  { $id: 'TemplateSummary', description: 'A template without its texts.' },
);

export const TemplatePage = page(TemplateSummary, 'TemplatePage', { description: 'Templates of the store.' });

const changeable = {
  name: Type.Optional(name),
  format: Type.Optional(format),
  subject: Type.Optional(subject),
  preheader: Type.Optional(preheader),
  source: Type.Optional(source),
  textSource: Type.Optional(textSource),
  variables: Type.Optional(variables),
  missing: Type.Optional(missing),
};

export const TemplateCreate = closed(
  { ...changeable, key, locale, name, class: messageClass, subject, source },
  {
    $id: 'TemplateCreate',
    description: 'A new template; MJML and the policy `fail` unless told.',
    examples: [
      {
        key: 'spring_greeting',
        locale: 'en',
        name: 'Spring greeting',
        class: 'transactional',
        subject: 'Spring at {{ store.name }}',
        source: EXAMPLE_SOURCE,
      },
    ],
  },
);

export const TemplateUpdate = closed(changeable, {
  $id: 'TemplateUpdate',
  minProperties: 1,
  description: 'Merge patch of the draft: absent stays.',
  examples: [{ subject: 'Thank you for your order {{ order.number }}' }],
});

const number = Type.Integer({ minimum: 1, description: 'Number of the version.', examples: [1] });
const publication = {
  publishedBy: Type.String({ description: 'Who published it.', examples: ['staff:ada'] }),
  publishedAt: Timestamp({ description: 'When.' }),
};

export const TemplateVersionSummary = closed(
  { number, subject, ...publication },
  { $id: 'TemplateVersionSummary', description: 'A version without its texts.' },
);

export const TemplateVersionPage = page(TemplateVersionSummary, 'TemplateVersionPage', {
  description: 'Published versions, the latest first.',
});

export const TemplateVersion = closed(
  {
    templateId: Uuid({ description: 'Id of the template.' }),
    number,
    ...draft,
    html: Type.String({ description: 'What `source` was compiled to: Liquid in HTML.' }),
    text: Type.String({ description: 'The plain text part, in Liquid.' }),
    ...publication,
  },
  { $id: 'TemplateVersion', description: 'What was published; never changes.' },
);

const version = Type.Integer({
  minimum: 1,
  maximum: 2_147_483_647,
  description: 'A published version; the draft, if absent.',
  examples: [1],
});
const customerId = Uuid({ description: 'A customer, whose own values are used; examples, if absent.' });

export const TemplatePreviewRequest = closed(
  {
    customerId: Type.Optional(customerId),
    version: Type.Optional(version),
    variables: Type.Optional(anything('Values by root, laid over all others: `{ "data": { … } }`.')),
  },
  {
    $id: 'TemplatePreviewRequest',
    description: 'What to show the template with.',
    examples: [{ variables: { customer: { firstName: 'Grace' } } }],
  },
);

export const TemplatePreview = closed(
  {
    subject: Type.String({ description: 'The subject.', examples: ['Your order 10482'] }),
    html: Type.String({ description: 'The HTML part; show it in a sandboxed frame.' }),
    text: Type.String({ description: 'The plain text part.' }),
    missing: Type.Array(Type.String({ description: 'Name of a variable.' }), {
      description: 'Variables without a value: with the policy `fail` this mail would not go out.',
      examples: [['order.number']],
    }),
  },
  { $id: 'TemplatePreview', description: 'A mail as it would be.' },
);

export const TemplateTestRequest = closed(
  {
    to: Type.String({
      minLength: 3,
      maxLength: 320,
      description: 'Address that gets the mail.',
      examples: ['me@example.com'],
    }),
    customerId: Type.Optional(customerId),
    version: Type.Optional(version),
  },
  {
    $id: 'TemplateTestRequest',
    description: 'A test of the template.',
    examples: [{ to: 'me@example.com' }],
  },
);

export const QueuedTest = closed(
  {
    messageId: Uuid({ description: 'The mail; GET /v1/messages/{id} says what became of it.' }),
    to: Type.String({ description: 'Where it goes.', examples: ['me@example.com'] }),
  },
  { $id: 'QueuedTest', description: 'A test that was queued.' },
);

export const KnownVariable = closed(
  {
    name: Type.String({ description: 'Its path.', examples: ['order.number'] }),
    description: Type.String({ description: 'What it is.', examples: ['Number of the order in the shop.'] }),
    example: Type.Optional(Type.Unsafe<unknown>({ description: 'A value, any JSON.', examples: ['10482'] })),
  },
  { $id: 'KnownVariable', description: 'A variable that the service fills.' },
);

export const TemplateLanguage = closed(
  {
    roots: Type.Array(Type.String(), {
      description: 'First words of variables.',
      examples: [['store', 'customer']],
    }),
    variables: Type.Array(ref(KnownVariable), {
      description: 'Variables that need no declaration; a mail has those that its kind knows.',
    }),
  },
  { $id: 'TemplateLanguage', description: 'What templates may use.' },
);

export const OneTemplate = closed({ templateId: Uuid({ description: 'Id of the template.' }) });
export const OneVersion = closed({
  templateId: Uuid({ description: 'Id of the template.' }),
  number: Type.Integer({ minimum: 1, maximum: 2_147_483_647, description: 'Number of the version.' }),
});

export const TemplateListQuery = closed({
  ...pageQuery,
  key: Type.Optional(key),
  locale: Type.Optional(locale),
  class: Type.Optional(messageClass),
  archived: Type.Optional(Type.Boolean({ description: 'Only archived ones, or only others.' })),
});

export const templateSchemas = [
  TemplateVariable,
  Template,
  TemplateSummary,
  TemplatePage,
  TemplateCreate,
  TemplateUpdate,
  TemplateVersionSummary,
  TemplateVersionPage,
  TemplateVersion,
  TemplatePreviewRequest,
  TemplatePreview,
  TemplateTestRequest,
  QueuedTest,
  KnownVariable,
  TemplateLanguage,
];
