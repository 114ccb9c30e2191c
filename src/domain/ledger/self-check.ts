// What the self-check of the ledger looks at: one line per invariant. The statements are in db/ledger/self-check.ts.
export const LEDGER_CHECKS = [
  {
    name: 'balance_equals_transfers',
    rule: 'L2',
    says: 'The balance is Σ credits − Σ debits of the account.',
  },
  { name: 'balance_equals_lots', rule: 'L2', says: 'The balance is Σ remaining lots − overdraft.' },
  {
    name: 'overdraft_equals_debits',
    rule: 'L2',
    says: 'The overdraft is Σ of what its debits are short of.',
  },
  {
    name: 'balance_runs_through',
    rule: 'L2',
    says: 'Each transfer starts from the balance of the one before.',
  },
  { name: 'lot_remains', rule: 'L3', says: 'A lot has its amount − Σ allocations, from 0 to its amount.' },
  { name: 'debit_is_allocated', rule: 'L3', says: 'A debit is Σ its allocations + what it is short of.' },
  { name: 'credit_is_placed', rule: 'L3', says: 'A credit is Σ lots that it opened + what it gave back.' },
  { name: 'hold_is_covered', rule: 'L6', says: 'Live holds reserve no more of a lot than remains of it.' },
  { name: 'hold_is_its_lots', rule: 'K6', says: 'A hold is Σ of what it reserves of lots.' },
  {
    name: 'capture_within_hold',
    rule: 'K6',
    says: 'What was captured is one transfer, no more than was held.',
  },
  { name: 'refund_within_debit', rule: 'K7', says: 'No more was given back of a debit than it took.' },
  {
    name: 'numbers_without_gaps',
    rule: 'L8',
    says: 'Transfers of an account are numbered 1, 2, 3 … to its last.',
  },
  {
    name: 'transfer_is_named',
    rule: 'L7',
    says: 'Each transfer has a reference and the unit of its account.',
  },
  { name: 'earning_is_paid', rule: 'P2', says: 'What was earned was paid out once, by one transfer.' },
  {
    name: 'reversal_within_earning',
    rule: 'P6',
    says: 'No more of an earning was taken back than is settled of it.',
  },
  {
    name: 'member_has_earned',
    rule: 'P10',
    says: 'The points that a member has earned are Σ earnings − what is settled of them.',
  },
] as const;

export type LedgerCheckName = (typeof LEDGER_CHECKS)[number]['name'];

/** Something that does not add up. */
export interface LedgerFault {
  accountId: string;
  /** The account, transfer, lot or hold. */
  subjectId: string;
  /** What the row says, and what the others add up to. */
  stored: number;
  expected: number;
}

/** What one check found in some accounts. */
export interface LedgerFinding {
  name: LedgerCheckName;
  checked: number;
  broken: number;
  /** The first ones. */
  examples: LedgerFault[];
}

export const MAX_EXAMPLES = 5;

/** Findings of one slice of accounts after another, added up. */
export function addFindings(
  before: readonly LedgerFinding[],
  slice: readonly LedgerFinding[],
): LedgerFinding[] {
  const found = new Map(slice.map((finding) => [finding.name, finding]));
  const known = new Map(before.map((finding) => [finding.name, finding]));
  return LEDGER_CHECKS.map(({ name }) => {
    const parts = [known.get(name), found.get(name)];
    const sum = (amountOf: (finding: LedgerFinding) => number) =>
      parts.reduce((total, part) => total + (part ? amountOf(part) : 0), 0);
    return {
      name,
      checked: sum(({ checked }) => checked),
      broken: sum(({ broken }) => broken),
      examples: parts.flatMap((part) => part?.examples ?? []).slice(0, MAX_EXAMPLES),
    };
  });
}

export const brokenCount = (findings: readonly LedgerFinding[]): number =>
  findings.reduce((total, { broken }) => total + broken, 0);
