import fc from 'fast-check';
import t from 'tap';
import { planCreditNote, type RefundableOrder } from '../../../src/domain/imports/credit-notes.ts';
import type { CreditNote } from '../../../src/domain/imports/orders-from-lines.ts';
import { checkOrder, refundedTotalOf } from '../../../src/domain/orders.ts';
import { amounts, item, refund } from '../../support/order-examples.ts';

const minute = (n: number) => new Date(Date.UTC(2026, 0, 1, 0, n));

function order(
  id: string,
  at: number,
  items: RefundableOrder['items'],
  changes: Partial<RefundableOrder> = {},
): RefundableOrder {
  const total = items.reduce((sum, one) => sum + one.quantity * one.unitPrice, 0);
  return {
    id,
    status: 'completed',
    isTest: false,
    currency: 'GBP',
    placedAt: minute(at),
    total,
    items,
    refunds: [],
    ...changes,
  };
}

function note(at: number, items: CreditNote['items'], id = 'C1'): CreditNote {
  const amount = items.reduce((sum, one) => sum + one.quantity * one.unitPrice, 0);
  return { id, at: minute(at), currency: 'GBP', amount, items };
}

const lamp = (quantity: number, unitPrice = 100) =>
  item({ productId: null, sku: 'lamp', quantity, unitPrice });
const vase = (quantity: number, unitPrice = 100) =>
  item({ productId: null, sku: 'vase', quantity, unitPrice });

t.test(
  'pieces go to the newest earlier order with the same sku at the same price, then to older ones',
  async (t) => {
    const orders = [
      order('a', 1, [lamp(5)]),
      order('b', 2, [lamp(2)]),
      order('c', 3, [vase(9)]),
      order('d', 9, [lamp(9)]),
    ];
    t.same(planCreditNote(note(5, [{ sku: 'lamp', quantity: 3, unitPrice: 100 }]), orders), {
      refunds: [
        {
          orderId: 'b',
          refund: { ...refund('C1', 200, [{ sku: 'lamp', quantity: 2 }]), at: minute(5).toISOString() },
        },
        {
          orderId: 'a',
          refund: { ...refund('C1', 100, [{ sku: 'lamp', quantity: 1 }]), at: minute(5).toISOString() },
        },
      ],
      unmatched: 0,
    });
  },
);

t.test(
  'what no product explains lowers the newest order with money left; the rest is unmatched',
  async (t) => {
    const orders = [order('a', 1, [lamp(5)]), order('b', 2, [vase(1)], { refunds: [refund('C0', 60)] })];
    const discount = [{ sku: 'D', quantity: 1, unitPrice: 700 }];
    t.match(planCreditNote(note(5, discount), orders), {
      refunds: [
        { orderId: 'b', refund: { amount: 40 } },
        { orderId: 'a', refund: { amount: 500 } },
      ],
      unmatched: 160,
    });
  },
);

t.test('of two orders of one minute the greater id is the newer one', async (t) => {
  const orders = [order('a', 1, [lamp(5)]), order('c', 1, [lamp(5)]), order('b', 1, [lamp(5)])];
  const plan = planCreditNote(note(5, [{ sku: 'lamp', quantity: 7, unitPrice: 100 }]), orders);
  t.match(plan, { refunds: [{ orderId: 'c' }, { orderId: 'b' }], unmatched: 0 });
});

t.test('orders that do not count, in another currency or not earlier give nothing', async (t) => {
  const orders = [
    order('a', 1, [lamp(1)], { status: 'cancelled' }),
    order('b', 1, [lamp(1)], { isTest: true }),
    order('c', 1, [lamp(1)], { currency: 'EUR' }),
    order('d', 5, [lamp(1)]),
  ];
  t.same(planCreditNote(note(5, [{ sku: 'lamp', quantity: 1, unitPrice: 100 }]), orders), {
    refunds: [],
    unmatched: 100,
  });
});

t.test('a note that was applied before changes nothing', async (t) => {
  const orders = [order('a', 1, [lamp(5)], { refunds: [refund('C1', 100)] })];
  t.same(planCreditNote(note(5, [{ sku: 'lamp', quantity: 1, unitPrice: 100 }]), orders), {
    unchanged: true,
  });
});

const event = fc.record({
  isNote: fc.boolean(),
  at: fc.nat({ max: 8 }),
  lines: fc.array(
    fc.record({
      sku: fc.constantFrom('lamp', 'vase', null),
      quantity: fc.integer({ min: 1, max: 5 }),
      unitPrice: fc.constantFrom(0, 1, 100, 250),
    }),
    { minLength: 1, maxLength: 3 },
  ),
});

t.test(
  'totalSpent equals the running sum that never falls below zero, and every order still adds up',
  async () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 15 }), (events) => {
        const inOrder = events.toSorted((a, b) => a.at - b.at || Number(b.isNote) - Number(a.isNote));
        let orders: RefundableOrder[] = [];
        const running = [0];
        for (const [index, { isNote, at, lines }] of inOrder.entries()) {
          const sum = lines.reduce((all, one) => all + one.quantity * one.unitPrice, 0);
          running.push((running.at(-1) ?? 0) + (isNote ? -sum : sum));
          if (!isNote)
            orders.push(
              order(
                String(index),
                at,
                lines.map((one) => item({ productId: null, ...one })),
              ),
            );
          else {
            const plan = planCreditNote(note(at, lines, `C${index}`), orders);
            if (!('refunds' in plan)) return false;
            orders = orders.map((one) => {
              const added = plan.refunds
                .filter(({ orderId }) => orderId === one.id)
                .map((given) => given.refund);
              return { ...one, refunds: [...one.refunds, ...added] };
            });
          }
        }
        const spent = orders.reduce((all, one) => all + one.total - refundedTotalOf(one.refunds), 0);
        const valid = orders.every(
          ({ items, total, refunds }) => checkOrder(amounts({ items, total, refunds })) === undefined,
        );
        return valid && spent === (running.at(-1) ?? 0) - Math.min(...running);
      }),
      { numRuns: 500 },
    );
  },
);
