// What the rows of a slice do to the customers that are there: create, change, nothing, or a problem.
import type { AccountStatus } from '../account-states.ts';
import { applyCustom, type CustomValue } from '../custom-fields.ts';
import type { Named } from '../customer-names.ts';
import {
  birthdayColumns,
  type CustomerFields,
  changedFields,
  checkIdentity,
  checkWholesale,
} from '../customers.ts';
import type { CustomerRecord, RowProblem } from './rows.ts';

/** `create` leaves customers that exist alone, `update` makes none, `upsert` does both. */
export const IMPORT_MODES = ['create', 'update', 'upsert'] as const;
export type ImportMode = (typeof IMPORT_MODES)[number];

/** The stored columns that a file can say something about. */
export const IMPORTED_FIELDS = [
  'externalId',
  'email',
  'emailNorm',
  'phone',
  'firstName',
  'lastName',
  'company',
  'birthdayMonth',
  'birthdayDay',
  'birthdayYear',
  'gender',
  'language',
  'timezone',
  'wholesale',
] as const;
export type ImportedColumns = Omit<CustomerFields, 'birthday'> &
  ReturnType<typeof birthdayColumns> & { wholesale?: boolean };

/** A customer as the plan needs it: rows of the table fit. */
export interface KnownCustomer extends Named {
  id: string;
  externalId: string | null;
  emailNorm: string | null;
  accountStatus: AccountStatus;
  wholesale: boolean;
  custom: Record<string, unknown>;
}

export interface ImportRow {
  line: number;
  record: CustomerRecord;
}

/** One customer of the slice: who it is, what its columns become, and the rows that say so. */
export interface PlannedCustomer<Known extends KnownCustomer = KnownCustomer> {
  /** Undefined: the customer is made. */
  known: Known | undefined;
  id: string;
  columns: ImportedColumns;
  custom: Record<string, CustomValue>;
  rows: ImportRow[];
}

export interface ImportPlan<Known extends KnownCustomer> {
  planned: PlannedCustomer<Known>[];
  /** Rows of customers that exist, in mode `create`. */
  existing: ImportRow[];
  problems: { line: number; problem: RowProblem }[];
}

interface Options {
  mode: ImportMode;
  /** Id of a row that names no id, externalId or email; the same row must get the same id again. */
  keylessId: (record: CustomerRecord) => string;
  newId: () => string;
}

type Keyed<Known extends KnownCustomer> = Map<string, PlannedCustomer<Known>>;

const keysOf = ({
  id,
  externalId,
  emailNorm,
}: {
  id?: string;
  externalId?: string | null;
  emailNorm?: string | null;
}) => [
  ...(id ? [`id ${id}`] : []),
  ...(externalId ? [`external ${externalId}`] : []),
  ...(emailNorm ? [`email ${emailNorm}`] : []),
];

const isKeyless = ({ id, externalId, emailNorm }: CustomerRecord): boolean =>
  !id && !externalId && !emailNorm;

function problem(column: string, code: string, message: string): RowProblem {
  return { column, code, message };
}

/** The one customer that the keys of a row name, or why there is no single one. */
function findPlanned<Known extends KnownCustomer>(
  record: CustomerRecord,
  keyed: Keyed<Known>,
): PlannedCustomer<Known> | RowProblem | undefined {
  const matches = new Set(keysOf(record).flatMap((key) => keyed.get(key) ?? []));
  if (matches.size > 1) {
    return problem(
      '',
      'KEYS_DISAGREE',
      'The id, externalId and email of this row belong to different customers.',
    );
  }
  const [match] = matches;
  return match;
}

function isGone({ known }: PlannedCustomer): boolean {
  return known?.accountStatus === 'merged' || known?.accountStatus === 'erased';
}

/** Why a row cannot be applied to the customer that its keys name. */
function refuseRow<Known extends KnownCustomer>(
  record: CustomerRecord,
  target: PlannedCustomer<Known> | undefined,
  mode: ImportMode,
): RowProblem | undefined {
  if (target === undefined && mode === 'update') {
    return problem(
      '',
      'CUSTOMER_UNKNOWN',
      'No customer has the keys of this row, and the import only updates.',
    );
  }
  if (target && isGone(target)) return problem('', 'CUSTOMER_GONE', 'This customer is merged or erased.');
  const current = {
    wholesale: target?.known?.wholesale ?? false,
    accountStatus: target?.known?.accountStatus ?? 'guest',
  };
  const refused = record.wholesale ? checkWholesale(true, current) : undefined;
  if (refused) return problem('wholesale', refused.refused, refused.wayOut);
  const identity = target?.known ? undefined : checkIdentity({ ...target?.columns, ...record });
  return (
    identity && problem('', identity.refused, 'A new customer needs an email, phone, last name or company.')
  );
}

/** What the file says about marketing last; undefined: nothing. Consent is for an address, so it needs one. */
export const acceptanceOf = ({ rows }: Pick<PlannedCustomer, 'rows'>): boolean | undefined =>
  rows.findLast(({ record }) => record.acceptsMarketing !== undefined)?.record.acceptsMarketing;

/** The columns among what a row says; facts of other tables are left out. */
function columnsOf(record: CustomerRecord): ImportedColumns {
  const { id, tags, groups, custom, note, createdAt, address, birthday, acceptsMarketing, ...columns } =
    record;
  return { ...columns, ...birthdayColumns(birthday) };
}

/** Rows of one customer are applied in the order of the file: what a later one says wins. */
function addRow<Known extends KnownCustomer>(planned: PlannedCustomer<Known>, row: ImportRow): void {
  Object.assign(planned.columns, columnsOf(row.record));
  planned.custom = applyCustom(planned.custom, row.record.custom);
  planned.rows.push(row);
}

/**
 * The plan of a slice. `known` are the customers that any row names by id, externalId or email; two rows of one new
 * customer make one customer.
 */
export function planImport<Known extends KnownCustomer>(
  rows: readonly ImportRow[],
  known: readonly Known[],
  { mode, keylessId, newId }: Options,
): ImportPlan<Known> {
  const plan: ImportPlan<Known> = { planned: [], existing: [], problems: [] };
  const keyed: Keyed<Known> = new Map();
  const remember = (planned: PlannedCustomer<Known>, keys: Parameters<typeof keysOf>[0]) => {
    for (const key of keysOf(keys)) keyed.set(key, planned);
  };
  for (const customer of known) {
    const custom = customer.custom as Record<string, CustomValue>;
    remember({ known: customer, id: customer.id, columns: {}, custom, rows: [] }, customer);
  }
  for (const row of rows) {
    const record = isKeyless(row.record) ? { ...row.record, id: keylessId(row.record) } : row.record;
    const found = findPlanned(record, keyed);
    const target = found && 'code' in found ? undefined : found;
    const refused = found && 'code' in found ? found : refuseRow(row.record, target, mode);
    if (refused) {
      plan.problems.push({ line: row.line, problem: refused });
    } else if (mode === 'create' && target?.known) {
      plan.existing.push(row);
    } else {
      const planned = target ?? {
        known: undefined,
        id: record.id ?? newId(),
        columns: {},
        custom: {},
        rows: [],
      };
      if (planned.rows.length === 0) plan.planned.push(planned);
      addRow(planned, row);
      remember(planned, { ...record, id: planned.id });
    }
  }
  return plan;
}

/** What a planned change really changes, as `[old, new]`; {} when the file says what is there. */
export function plannedChanges<Known extends KnownCustomer>({
  known,
  columns,
  custom,
}: PlannedCustomer<Known>) {
  if (!known) return {};
  return changedFields({ ...known }, { ...columns, custom }, [...IMPORTED_FIELDS, 'custom']);
}
