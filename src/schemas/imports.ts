// The wire contract of imports.
import Type, { type Static } from 'typebox';
import { IMPORT_KINDS } from '../domain/imports/kinds.ts';
import { PROBLEM_LEVELS } from '../domain/imports/levels.ts';
import { IMPORT_MODES } from '../domain/imports/plan.ts';
import { closed, defaulted, nullable, page, pageQuery, stringEnum, Uuid } from './helpers.ts';
import { jobFields } from './jobs.ts';

export const ImportParams = closed({ jobId: Uuid({ description: 'Id of the import.' }) });

export const ImportQuery = closed({
  kind: stringEnum(IMPORT_KINDS, { description: 'What the rows are.' }),
  mode: defaulted(
    stringEnum(IMPORT_MODES, {
      description: '`create` leaves existing customers alone, `update` makes none, `upsert` does both.',
    }),
    'upsert',
  ),
  dryRun: defaulted(Type.Boolean({ description: 'Check everything and change nothing.' }), false),
  consentBasis: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 500,
      description:
        'How the people of a marketing column gave their consent; without it such a file is refused.',
      examples: ['Opt-in box at checkout of the old shop, 2019 to 2024'],
    }),
  ),
});
export type ImportQuery = Static<typeof ImportQuery>;

/** Documented form; the handler reads it as a stream. */
export const ImportForm = closed(
  {
    mapping: Type.Optional(
      Type.String({
        description:
          'JSON, before the file: `{"columns": {"<header>": "<field>"}}` for customers and addresses, or the mapping of an order file with a row per item. Known header sets need none.',
        examples: ['{"columns":{"E-Mail-Adresse":"email","Nachname":"lastName"}}'],
      }),
    ),
    file: Type.String({
      format: 'binary',
      description: 'CSV or NDJSON, perhaps compressed with gzip; up to 2 GiB.',
    }),
  },
  { $id: 'ImportForm', description: 'A file of customers, addresses or orders.' },
);

export const Import = closed(
  {
    ...jobFields,
    importKind: stringEnum(IMPORT_KINDS, { description: 'What the rows are.' }),
    mode: stringEnum(IMPORT_MODES, { description: 'What was asked for.' }),
    format: nullable(
      Type.String({ description: 'The recognised layout of the file.', examples: ['shopify'] }),
    ),
    ignoredColumns: Type.Array(Type.String({ description: 'A header.' }), {
      description: 'Columns that nobody reads.',
    }),
  },
  {
    $id: 'Import',
    description:
      'An import; `outcomes` counts created, updated, unchanged, existing, skipped and failed rows.',
  },
);

export const ImportProblem = closed(
  {
    line: Type.Integer({ description: 'Line of the file, as an editor numbers it.', examples: [17] }),
    column: nullable(
      Type.String({ description: 'Header of the column; null for the whole row.', examples: ['Email'] }),
    ),
    level: stringEnum(PROBLEM_LEVELS, {
      description: 'error: not taken; skipped: on purpose; warning: taken, but not as it stands.',
    }),
    code: Type.String({ description: 'What is wrong, for programs.', examples: ['EMAIL_INVALID'] }),
    message: Type.String({ description: 'What is wrong, for people.' }),
  },
  { $id: 'ImportProblem', description: 'Something about a row.' },
);
export const ImportProblemPage = page(ImportProblem, 'ImportProblemPage');
export const ImportProblemQuery = closed({ ...pageQuery });

export const ErrorRowsFile = Type.String({
  description:
    'CSV with the rows that were not taken, their line, code and message; mend them and send the file again.',
});

/** A mapping of columns, as the form carries it. */
export const ColumnMapping = closed({
  columns: Type.Record(Type.String({ maxLength: 255 }), Type.String({ maxLength: 255 })),
  consentBasis: Type.Optional(Type.String({ maxLength: 500 })),
});

/** A mapping of an order file with a row per item. */
export const LineMapping = closed({
  columns: closed({
    orderId: Type.String(),
    sku: Type.String(),
    title: Type.String(),
    quantity: Type.String(),
    placedAt: Type.String(),
    unitPrice: Type.String(),
    customerExternalId: Type.Optional(Type.String()),
    email: Type.Optional(Type.String()),
    firstName: Type.Optional(Type.String()),
    lastName: Type.Optional(Type.String()),
    country: Type.Optional(Type.String()),
  }),
  currency: Type.String({ pattern: '^[A-Z]{3}$' }),
  decimalMark: stringEnum(['.', ',']),
  dateFormat: Type.String({ minLength: 4, maxLength: 40 }),
  timezone: Type.String({ maxLength: 64 }),
  status: Type.String({ maxLength: 40 }),
  taxesIncluded: Type.Boolean(),
  creditNotePrefix: Type.Optional(Type.String({ minLength: 1, maxLength: 10 })),
  customerIdSuffix: Type.Optional(Type.String({ minLength: 1, maxLength: 10 })),
  customerLastName: Type.Optional(Type.String({ maxLength: 100 })),
  countryCodes: Type.Optional(
    Type.Record(Type.String(), nullable(Type.String({ minLength: 2, maxLength: 2 }))),
  ),
});
