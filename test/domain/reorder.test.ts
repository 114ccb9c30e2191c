import fc from 'fast-check';
import t from 'tap';
import { reorderCart } from '../../src/domain/reorder.ts';
import { item } from '../support/order-examples.ts';

t.test('O5 lines of one product become one, variants stay apart, items without ids are named', async (t) => {
  const cart = reorderCart([
    item({ sku: 's1', quantity: 2 }),
    item({ sku: 's2' }),
    item({ sku: 's1', quantity: 3, title: 'Lantern, new' }),
    item({ productId: null, sku: null, title: 'Gift wrap' }),
  ]);
  t.same(cart, {
    lines: [
      { productId: 'p1', sku: 's1', title: 'Lantern, new', quantity: 5 },
      { productId: 'p1', sku: 's2', title: 'Lantern', quantity: 1 },
    ],
    skipped: [{ productId: null, sku: null, title: 'Gift wrap', quantity: 1, reason: 'NO_PRODUCT_ID' }],
  });
});

t.test(
  'O5 products the storefront no longer has are skipped; the productId decides, else the sku',
  async (t) => {
    const items = [
      item({ productId: 'p1' }),
      item({ productId: 'p2', sku: 's1' }),
      item({ productId: null, sku: 's1' }),
    ];
    const { lines, skipped } = reorderCart(items, new Set(['p1', 's1']));
    t.same(
      lines.map((line) => [line.productId, line.sku]),
      [
        ['p1', 's1'],
        [null, 's1'],
      ],
    );
    t.same(
      skipped.map((one) => [one.productId, one.reason]),
      [['p2', 'PRODUCT_UNKNOWN']],
    );
  },
);

t.test('O5 no piece is lost: lines and skipped add up to the order', async () => {
  const id = fc.constantFrom('a', 'b', null);
  const items = fc.array(fc.record({ productId: id, sku: id, quantity: fc.integer({ min: 1, max: 9 }) }));
  fc.assert(
    fc.property(items, fc.uniqueArray(fc.constantFrom('a', 'b')), (rows, known) => {
      const ordered = rows.map((row) => item(row));
      const { lines, skipped } = reorderCart(ordered, new Set(known));
      const pieces = (list: readonly { quantity: number }[]) =>
        list.reduce((sum, one) => sum + one.quantity, 0);
      const keys = lines.map((line) => JSON.stringify([line.productId, line.sku]));
      return pieces(lines) + pieces(skipped) === pieces(ordered) && new Set(keys).size === keys.length;
    }),
  );
});
