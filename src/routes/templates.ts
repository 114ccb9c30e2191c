// HTTP: templates of mails, their versions, previews and tests.
import type { FastifyInstance } from 'fastify';
import { previewTemplate, testTemplate } from '../actions/template-previews.ts';
import {
  archiveTemplate,
  createTemplate,
  listStoreTemplates,
  publishTemplate,
  restoreTemplate,
  type TemplateDesk,
  toTemplate,
  updateTemplate,
} from '../actions/templates.ts';
import { findTemplate, findTemplateVersion, listTemplateVersions } from '../db/templates.ts';
import { KNOWN_VARIABLES, TEMPLATE_ROOTS } from '../domain/mail/template-variables.ts';
import type { PageStart } from '../domain/pages.ts';
import { endpoint, found } from '../endpoint.ts';
import { pageOf } from '../pages.ts';
import { closed, pageQuery, ref } from '../schemas/helpers.ts';
import {
  OneTemplate,
  OneVersion,
  QueuedTest,
  Template,
  TemplateCreate,
  TemplateLanguage,
  TemplateListQuery,
  TemplatePage,
  TemplatePreview,
  TemplatePreviewRequest,
  TemplateTestRequest,
  TemplateUpdate,
  TemplateVersion,
  TemplateVersionPage,
} from '../schemas/templates.ts';

const tag = 'Templates';

export type TemplatesOptions = TemplateDesk;

export async function templates(app: FastifyInstance, { renderer }: TemplatesOptions): Promise<void> {
  endpoint(app, {
    method: 'GET',
    url: '/templates',
    operationId: 'listTemplates',
    tag,
    summary: 'List the templates of the store',
    description:
      'By key and language, without their texts. A new store has one for each mail of the service.',
    scope: 'templates:read',
    query: TemplateListQuery,
    returns: { 200: ref(TemplatePage) },
    refuses: ['CURSOR_INVALID'],
    handle: (ctx, input) => {
      const { key, locale, class: messageClass, archived } = input.query;
      return pageOf(
        input,
        (start: PageStart<[key: string, locale: string]>) =>
          listStoreTemplates(ctx, { key, locale, class: messageClass, archived }, start),
        (row): [string, string] => [row.key, row.locale],
      );
    },
  });

  endpoint(app, {
    method: 'GET',
    url: '/templates/language',
    operationId: 'getTemplateLanguage',
    tag,
    summary: 'List what templates may use',
    description:
      'The variables that the service fills by itself, with examples: an editor can be drawn from it.',
    scope: 'templates:read',
    returns: { 200: ref(TemplateLanguage) },
    handle: () => ({
      roots: TEMPLATE_ROOTS,
      variables: Object.entries(KNOWN_VARIABLES).map(([name, facts]) => ({ name, ...facts })),
    }),
  });

  endpoint(app, {
    method: 'POST',
    url: '/templates',
    operationId: 'createTemplate',
    tag,
    summary: 'Create a template',
    description: 'A draft. Mails take it once it is published; key and language stay as they are.',
    scope: 'templates:write',
    body: ref(TemplateCreate),
    returns: { 201: ref(Template) },
    refuses: ['TEMPLATE_INVALID', 'TEMPLATE_KEY_TAKEN'],
    location: ({ id }: { id: string }) => `/v1/templates/${id}`,
    handle: (ctx, { body }) => createTemplate(ctx, body),
  });

  endpoint(app, {
    method: 'GET',
    url: '/templates/:templateId',
    operationId: 'getTemplate',
    tag,
    summary: 'Get a template',
    description: 'The draft, and which version is published.',
    scope: 'templates:read',
    params: OneTemplate,
    returns: { 200: ref(Template), 304: null },
    handle: async ({ db }, { params }) =>
      toTemplate(found(await findTemplate(db, params.templateId), 'template')),
  });

  endpoint(app, {
    method: 'PATCH',
    url: '/templates/:templateId',
    operationId: 'updateTemplate',
    tag,
    summary: 'Change a draft',
    description: 'Merge patch. Mails go on with the published version until the draft is published.',
    scope: 'templates:write',
    params: OneTemplate,
    body: ref(TemplateUpdate),
    returns: { 200: ref(Template) },
    refuses: ['TEMPLATE_INVALID', 'TEMPLATE_ARCHIVED', 'VERSION_MISMATCH'],
    handle: (ctx, { params, body, ifMatch }) => updateTemplate(ctx, params.templateId, body, ifMatch),
  });

  endpoint(app, {
    method: 'POST',
    url: '/templates/:templateId/publish',
    operationId: 'publishTemplate',
    tag,
    summary: 'Publish a draft',
    description:
      'Compiles the draft and checks it: the syntax, each variable against those that are declared or known, and in marketing the link to unsubscribe. It becomes a version that never changes, which mails take from now on.',
    scope: 'templates:write',
    params: OneTemplate,
    returns: { 200: ref(Template) },
    refuses: ['TEMPLATE_INVALID', 'TEMPLATE_ARCHIVED', 'VERSION_MISMATCH', 'CONFLICT'],
    handle: (ctx, { params, ifMatch }) => publishTemplate(ctx, { renderer }, params.templateId, ifMatch),
  });

  endpoint(app, {
    method: 'GET',
    url: '/templates/:templateId/versions',
    operationId: 'listTemplateVersions',
    tag,
    summary: 'List the versions of a template',
    description: 'What was published, the latest first.',
    scope: 'templates:read',
    params: OneTemplate,
    query: closed({ ...pageQuery }),
    returns: { 200: ref(TemplateVersionPage) },
    refuses: ['CURSOR_INVALID'],
    handle: async ({ db }, input) => {
      const { id } = found(await findTemplate(db, input.params.templateId), 'template');
      return pageOf(
        input,
        (start: PageStart<[number: number]>) => listTemplateVersions(db, id, start),
        (row): [number] => [row.number],
      );
    },
  });

  endpoint(app, {
    method: 'GET',
    url: '/templates/:templateId/versions/:number',
    operationId: 'getTemplateVersion',
    tag,
    summary: 'Get a version of a template',
    description: 'As it was published, and what it was compiled to.',
    scope: 'templates:read',
    params: OneVersion,
    returns: { 200: ref(TemplateVersion) },
    handle: async ({ db }, { params: { templateId, number } }) =>
      found(await findTemplateVersion(db, templateId, number), 'version'),
  });

  endpoint(app, {
    method: 'POST',
    url: '/templates/:templateId/archive',
    operationId: 'archiveTemplate',
    tag,
    summary: 'Archive a template',
    description:
      'No mail takes it any more; its versions stay. The English templates of the mails of the service are always needed. Archiving twice is no change.',
    scope: 'templates:write',
    params: OneTemplate,
    returns: { 200: ref(Template) },
    refuses: ['TEMPLATE_NEEDED', 'VERSION_MISMATCH'],
    handle: (ctx, { params, ifMatch }) => archiveTemplate(ctx, params.templateId, ifMatch),
  });

  endpoint(app, {
    method: 'POST',
    url: '/templates/:templateId/restore',
    operationId: 'restoreTemplate',
    tag,
    summary: 'Restore an archived template',
    description: 'Mails take its published version again.',
    scope: 'templates:write',
    params: OneTemplate,
    returns: { 200: ref(Template) },
    refuses: ['VERSION_MISMATCH'],
    handle: (ctx, { params, ifMatch }) => restoreTemplate(ctx, params.templateId, ifMatch),
  });

  endpoint(app, {
    method: 'POST',
    url: '/templates/:templateId/preview',
    operationId: 'previewTemplate',
    tag,
    summary: 'See what a mail would say',
    description:
      'The draft or a version, with the values of a customer or with examples. Nothing is stored or sent. What has no value is left blank and named in `missing`.',
    scope: 'templates:read',
    idempotency: 'none',
    params: OneTemplate,
    body: ref(TemplatePreviewRequest),
    returns: { 200: ref(TemplatePreview) },
    refuses: ['REFERENCE_UNKNOWN', 'TEMPLATE_INVALID', 'TEMPLATE_NOT_RENDERED'],
    handle: (ctx, { params, body }) => previewTemplate(ctx, { renderer }, params.templateId, body),
  });

  endpoint(app, {
    method: 'POST',
    url: '/templates/:templateId/test',
    operationId: 'testTemplate',
    tag,
    summary: 'Send a test',
    description:
      'Queues a mail of the draft or of a version to any address, with the values of a customer or with examples.',
    scope: 'templates:write',
    idempotency: 'required',
    params: OneTemplate,
    body: ref(TemplateTestRequest),
    returns: { 202: ref(QueuedTest) },
    refuses: ['REFERENCE_UNKNOWN', 'TEMPLATE_INVALID'],
    location: ({ messageId }: { messageId: string }) => `/v1/messages/${messageId}`,
    handle: (ctx, { params, body }) => testTemplate(ctx, { renderer }, params.templateId, body),
  });
}
