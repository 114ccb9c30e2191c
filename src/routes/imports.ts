// HTTP: imports of files.
import { Readable } from 'node:stream';
import type { MultipartFile, MultipartValue } from '@fastify/multipart';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Value } from 'typebox/value';
import { exportErrorRows, startImport, toImport } from '../actions/imports.ts';
import type { Db } from '../db/connection.ts';
import { listProblems } from '../db/imports.ts';
import { findJob, type JobRow } from '../db/jobs.ts';
import { endpoint, found } from '../endpoint.ts';
import { Problem } from '../errors.ts';
import { pageOf } from '../pages.ts';
import { parseStrictJson } from '../plugins/json-body.ts';
import { ref } from '../schemas/helpers.ts';
import {
  ColumnMapping,
  ErrorRowsFile,
  Import,
  ImportForm,
  ImportParams,
  ImportProblemPage,
  ImportProblemQuery,
  ImportQuery,
  LineMapping,
} from '../schemas/imports.ts';

const tag = 'Imports';

interface Form {
  mapping?: string;
  file: MultipartFile;
}

function refuseForm(message: string, pointer = ''): never {
  throw new Problem('VALIDATION_FAILED', { errors: [{ pointer, message }] });
}

/**
 * What a form yields; a form that is none, or breaks off, is the caller's to mend, though its reader does not say so.
 * @throws Problem VALIDATION_FAILED
 */
async function* readable<Item>(form: AsyncIterable<Item>): AsyncGenerator<Item> {
  try {
    yield* form;
  } catch (error) {
    if (error instanceof Error && 'statusCode' in error) throw error;
    return refuseForm(`cannot be read as a form: ${(error as Error).message}`);
  }
}

/** Fields come before the file: it is read as it arrives and never held. */
async function readForm(request: FastifyRequest): Promise<Form> {
  if (!request.isMultipart()) throw new Problem('UNSUPPORTED_MEDIA_TYPE');
  let mapping: string | undefined;
  for await (const part of readable(request.parts())) {
    if (part.type === 'file') return { file: part, ...(mapping !== undefined && { mapping }) };
    if (part.fieldname !== 'mapping')
      refuseForm(`is no field of this form: known are "mapping" and "file"`, `/${part.fieldname}`);
    mapping = String((part as MultipartValue).value);
  }
  return refuseForm('is missing: send the file as the last part of the form', '/file');
}

function readMapping(text: string | undefined, kind: string): Record<string, unknown> | undefined {
  if (text === undefined) return undefined;
  const schema = kind === 'orders' ? LineMapping : ColumnMapping;
  const mapping = parseStrictJson(text);
  const [error] = Value.Errors(schema, mapping);
  if (error) refuseForm(error.message, `/mapping${error.instancePath}`);
  return mapping as Record<string, unknown>;
}

async function findImport(db: Db, id: string): Promise<JobRow> {
  const job = found(await findJob(db, id), 'import');
  return found(job.kind === 'import' ? job : undefined, 'import');
}

export async function imports(app: FastifyInstance): Promise<void> {
  endpoint(app, {
    method: 'POST',
    url: '/imports',
    operationId: 'createImport',
    tag,
    summary: 'Import a file',
    description:
      'Takes a CSV or NDJSON file as it comes and imports it as a job. Header sets of our own export, Shopify, WooCommerce and plain English are known; others need a mapping. A bad row never stops the file. Sending the same file again changes nothing.',
    scope: 'imports:write',
    idempotency: 'required',
    consumes: ['multipart/form-data'],
    query: ImportQuery,
    form: ImportForm,
    returns: { 202: ref(Import) },
    refuses: ['IMPORT_REFUSED', 'CONSENT_BASIS_REQUIRED', 'BODY_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'],
    location: ({ id }: { id: string }) => `/v1/jobs/${id}`,
    handle: async (ctx, { query, request }) => {
      const form = await readForm(request);
      const mapping = readMapping(form.mapping, query.kind);
      return toImport(await startImport(ctx, { ...query, mapping }, readable(form.file.file)), ctx.now);
    },
  });

  endpoint(app, {
    method: 'GET',
    url: '/imports/:jobId',
    operationId: 'getImport',
    tag,
    summary: 'Get an import',
    description: 'Where the import stands. Follow it with GET /v1/jobs/{id}/events.',
    scope: 'imports:read',
    params: ImportParams,
    returns: { 200: ref(Import) },
    handle: async ({ db, now }, { params }) => toImport(await findImport(db, params.jobId), now),
  });

  endpoint(app, {
    method: 'GET',
    url: '/imports/:jobId/problems',
    operationId: 'listImportProblems',
    tag,
    summary: 'List what was wrong with rows',
    description: 'In the order of the file.',
    scope: 'imports:read',
    params: ImportParams,
    query: ImportProblemQuery,
    returns: { 200: ref(ImportProblemPage) },
    refuses: ['CURSOR_INVALID'],
    handle: async ({ db }, input) => {
      await findImport(db, input.params.jobId);
      return pageOf(
        input,
        (start) => listProblems(db, input.params.jobId, start),
        ({ line, sequence }) => [line, sequence],
      );
    },
  });

  endpoint(app, {
    method: 'GET',
    url: '/imports/:jobId/error-rows.csv',
    operationId: 'exportImportErrorRows',
    tag,
    summary: 'Download the rows that were not taken',
    description: 'Mend them and send the file again; the columns line, code and message are ignored then.',
    scope: 'imports:read',
    params: ImportParams,
    produces: ['text/csv'],
    returns: { 200: ErrorRowsFile },
    handle: async ({ db }, { params, reply }) => {
      const job = await findImport(db, params.jobId);
      return reply.type('text/csv; charset=utf-8').send(Readable.from(exportErrorRows(db, job)));
    },
  });
}
