import t from 'tap';
import { blockersFor, checkDelete, type DeletionFacts } from '../../src/domain/deletability.ts';

const NOTHING: DeletionFacts = {
  allOrdersCount: 0,
  creditAccountsCount: 0,
  pointsAccountsCount: 0,
  openHoldsCount: 0,
  ledgerEntriesCount: 0,
};

t.test('C6 a customer with any order is not deleted, and the answer names the way out', async (t) => {
  const blockers = blockersFor({ ...NOTHING, allOrdersCount: 3 });
  t.match(blockers, [{ code: 'CUSTOMER_HAS_ORDERS', count: 3, wayOut: /Erase/ }]);
  t.same(checkDelete({ ...NOTHING, allOrdersCount: 3 }), { refused: 'CUSTOMER_HAS_ORDERS', blockers });
});

t.test('C6 credit, points, holds and history each have a code of their own, in this order', async (t) => {
  const all = {
    allOrdersCount: 1,
    creditAccountsCount: 2,
    pointsAccountsCount: 1,
    openHoldsCount: 4,
    ledgerEntriesCount: 3_000_000_000,
  };
  t.match(blockersFor(all), [
    { code: 'CUSTOMER_HAS_ORDERS', count: 1 },
    { code: 'CUSTOMER_HAS_CREDIT', count: 2 },
    { code: 'CUSTOMER_HAS_POINTS', count: 1 },
    { code: 'CUSTOMER_HAS_OPEN_HOLDS', count: 4, wayOut: /void/ },
    { code: 'CUSTOMER_HAS_LEDGER_ENTRIES', count: 3_000_000_000, wayOut: /Erase/ },
  ]);
  t.equal(checkDelete({ ...NOTHING, ledgerEntriesCount: 1 })?.refused, 'CUSTOMER_HAS_LEDGER_ENTRIES');
});

t.test('C6 a customer that nothing holds may be deleted', async (t) => {
  t.same(blockersFor(NOTHING), []);
  t.equal(checkDelete(NOTHING), undefined);
});
