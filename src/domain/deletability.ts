// What stands in the way of deleting a customer, each with the way out (C6).
// A new area adds one line to BLOCKERS; the compiler then asks every caller for its fact.

// `fact` is the name of a count. allOrdersCount counts all orders, cancelled and test ones too: not the counter of C7.
const BLOCKERS = [
  {
    code: 'CUSTOMER_HAS_ORDERS',
    fact: 'allOrdersCount',
    wayOut:
      'Orders are kept for the books. Erase the customer instead: that anonymises and keeps the orders.',
  },
  {
    code: 'CUSTOMER_HAS_CREDIT',
    fact: 'creditAccountsCount',
    wayOut: 'Bring the store credit of every currency to zero: redeem it, or correct it with a reason.',
  },
  {
    code: 'CUSTOMER_HAS_POINTS',
    fact: 'pointsAccountsCount',
    wayOut: 'Bring the points to zero: redeem them, or correct them with a reason.',
  },
  {
    code: 'CUSTOMER_HAS_OPEN_HOLDS',
    fact: 'openHoldsCount',
    wayOut: 'Capture or void the open holds, or wait until their time has run out.',
  },
  {
    code: 'CUSTOMER_HAS_LEDGER_ENTRIES',
    fact: 'ledgerEntriesCount',
    wayOut:
      'Entries of the ledger are kept for the books. Erase the customer instead: that anonymises and keeps the entries.',
  },
] as const;

export type DeletionFacts = Readonly<Record<(typeof BLOCKERS)[number]['fact'], number>>;
export type DeletionBlockerCode = (typeof BLOCKERS)[number]['code'];
export type DeletionBlocker = { code: DeletionBlockerCode; count: number; wayOut: string };

/** Every blocker, in the order of the table; [] = may be deleted. */
export function blockersFor(facts: DeletionFacts): DeletionBlocker[] {
  return BLOCKERS.flatMap(({ code, fact, wayOut }) => {
    const count = facts[fact];
    return count > 0 ? [{ code, count, wayOut }] : [];
  });
}

/** DELETE is refused with the code of the first blocker and the list of all (C6). undefined = allowed. */
export function checkDelete(
  facts: DeletionFacts,
): { refused: DeletionBlockerCode; blockers: DeletionBlocker[] } | undefined {
  const blockers = blockersFor(facts);
  const [first] = blockers;
  return first === undefined ? undefined : { refused: first.code, blockers };
}
