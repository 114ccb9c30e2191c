// Database errors in the words of the error table: from SQLSTATE and constraint name, never from message texts.
import { databaseErrorOf, Overtaken, RETRIED, UNIQUE_VIOLATION } from './connection.ts';

/** Constraints whose violation is an ordinary refusal: a race that the rules in code cannot see. */
const REFUSED_BY_CONSTRAINT: Readonly<Record<string, string>> = {
  customers_email_unique: 'EMAIL_TAKEN',
  customers_external_id_unique: 'EXTERNAL_ID_TAKEN',
  customers_agent_fk: 'REFERENCE_UNKNOWN',
  customers_group_fk: 'PRIMARY_GROUP_NOT_MEMBER',
  tags_name_unique: 'TAG_NAME_TAKEN',
  groups_name_unique: 'GROUP_NAME_TAKEN',
  segments_slug_unique: 'SEGMENT_SLUG_TAKEN',
  templates_key_unique: 'TEMPLATE_KEY_TAKEN',
  identity_providers_pk: 'IDENTITY_PROVIDER_TAKEN',
  linked_identities_pk: 'IDENTITY_TAKEN',
  tasks_assignee_fk: 'REFERENCE_UNKNOWN',
  tasks_customer_fk: 'REFERENCE_UNKNOWN',
  orders_customer_fk: 'CUSTOMER_HAS_ORDERS',
  ledger_accounts_customer_fk: 'CUSTOMER_HAS_LEDGER_ENTRIES',
  addresses_default_unique: 'CONFLICT',
  addresses_billing_unique: 'CONFLICT',
};

const FOREIGN_KEY_VIOLATION = '23503';
/** What ON DELETE RESTRICT says since PostgreSQL 18. */
const RESTRICT_VIOLATION = '23001';
const STATEMENT_TIMEOUT = '57014';
const LOCK_TIMEOUT = '55P03';

/** The constraint's name; pooled or distributed servers may leave the field empty and only say it in the message. */
const constraintOf = (error: { constraint?: string | undefined; message: string }): string | undefined =>
  error.constraint ?? /constraint "([^"]+)"/.exec(error.message)?.[1];

/**
 * The error code that a database error means to the caller, or undefined when it is a bug.
 * A lost connection (no SQLSTATE, class 08, 57P0x, 53xxx) is UNAVAILABLE.
 */
export function refusalOfDatabase(error: unknown): string | undefined {
  if (error instanceof Overtaken) return 'CONFLICT';
  const cause = databaseErrorOf(error);
  if (!cause) return isConnectionLoss(error) ? 'UNAVAILABLE' : undefined;
  const { code = '' } = cause;
  if ([UNIQUE_VIOLATION, FOREIGN_KEY_VIOLATION, RESTRICT_VIOLATION].includes(code)) {
    return REFUSED_BY_CONSTRAINT[constraintOf(cause) ?? ''] ?? 'CONFLICT';
  }
  if (code === STATEMENT_TIMEOUT) return 'QUERY_TIMEOUT';
  if (code === LOCK_TIMEOUT || RETRIED.has(code)) return 'CONFLICT';
  if (code.startsWith('08') || code.startsWith('57P') || code.startsWith('53')) return 'UNAVAILABLE';
  return undefined;
}

const LOSSES = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND']);
/** pg names a dead socket and an exhausted pool only by these texts; there is no code to look at. */
const LOSS_TEXTS = [
  'Connection terminated',
  'timeout exceeded when trying to connect',
  'Client has encountered a connection error',
];

function isConnectionLoss(error: unknown): boolean {
  for (let current = error; current instanceof Error; current = current.cause) {
    if (LOSSES.has((current as NodeJS.ErrnoException).code ?? '')) return true;
    const { message } = current;
    if (LOSS_TEXTS.some((text) => message.startsWith(text))) return true;
  }
  return false;
}
