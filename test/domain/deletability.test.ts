import t from 'tap';
import { blockersFor, checkDelete } from '../../src/domain/deletability.ts';

t.test('C6 a customer with any order is not deleted, and the answer names the way out', async (t) => {
  const blockers = blockersFor({ allOrdersCount: 3 });
  t.match(blockers, [{ code: 'CUSTOMER_HAS_ORDERS', count: 3, wayOut: /Erase/ }]);
  t.same(checkDelete({ allOrdersCount: 3 }), { refused: 'CUSTOMER_HAS_ORDERS', blockers });
});

t.test('C6 a customer that nothing holds may be deleted', async (t) => {
  t.same(blockersFor({ allOrdersCount: 0 }), []);
  t.equal(checkDelete({ allOrdersCount: 0 }), undefined);
});
