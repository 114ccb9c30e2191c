import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import t from 'tap';
import { localDateReader } from '../../../src/domain/imports/local-dates.ts';
import {
  type Assembled,
  assembleLines,
  type LineMapping,
  type LineRow,
  missingColumns,
  type SalesDocument,
} from '../../../src/domain/imports/orders-from-lines.ts';
import { planOrderUpsert } from '../../../src/domain/order-upserts.ts';

const mapping: LineMapping = JSON.parse(readFileSync('docs/examples/online-retail.mapping.json', 'utf8'));

/** InvoiceNo, StockCode, Quantity, UnitPrice and what differs. */
function row(invoice: string, sku: string, quantity: string, price: string, changes: LineRow = {}): LineRow {
  return {
    InvoiceNo: invoice,
    StockCode: sku,
    Description: `Thing ${sku} `,
    Quantity: quantity,
    InvoiceDate: '2011-06-01 08:26:00',
    UnitPrice: price,
    CustomerID: '17850.0',
    Country: 'United Kingdom',
    ...changes,
  };
}

/** All rows through one assembler; the first row is line 2 of the file. */
function assemble(rows: readonly LineRow[], changes: Partial<LineMapping> = {}): Assembled {
  const assembler = assembleLines({ ...mapping, ...changes });
  const parts = [...rows.map((one, index) => assembler.push(one, index + 2)), assembler.end()];
  return {
    documents: parts.flatMap((part) => part.documents),
    problems: parts.flatMap((part) => part.problems),
  };
}

const ids = (documents: readonly SalesDocument[]) => documents.map((document) => document.externalId);

t.test('rows of an invoice become one order that adds up and can be stored', async (t) => {
  const { documents, problems } = assemble([
    row('536365', '85123A', '6', '2.55'),
    row('536365', '71053', '6', '3.39', { Description: '', InvoiceDate: '2011-06-01 08:25:00' }),
    row('536366', '22633', '1', '0.0'),
  ]);
  t.same(problems, []);
  const [first, second] = documents;
  t.match(first, {
    kind: 'order',
    externalId: '536365',
    customer: { externalId: '17850', email: null, lastName: 'Customer 17850' },
    order: {
      status: 'completed',
      currency: 'GBP',
      total: 3564,
      items: [
        { sku: '85123A', title: 'Thing 85123A', quantity: 6, unitPrice: 255 },
        { sku: '71053', title: '71053', quantity: 6, unitPrice: 339 },
      ],
      shippingAddress: { countryCode: 'GB' },
    },
    lines: [2, 3],
  });
  if (first?.kind !== 'order') throw new Error('no order');
  t.equal(first.order.placedAt.toISOString(), '2011-06-01T07:25:00.000Z', 'the earliest time, London summer');
  t.match(planOrderUpsert(undefined, first.order), { apply: { refundStatus: 'none' } });
  t.match(second, { order: { total: 0 } });
});

t.test('a C invoice is a credit note with positive pieces', async (t) => {
  const { documents, problems } = assemble([row('C1', 'D', '-1', '27.5'), row('C1', 'A', '-2', '1.25')]);
  t.same(problems, []);
  t.match(documents, [
    {
      kind: 'credit-note',
      externalId: 'C1',
      note: {
        id: 'C1',
        currency: 'GBP',
        amount: 3000,
        items: [
          { sku: 'D', quantity: 1, unitPrice: 2750 },
          { sku: 'A', quantity: 2 },
        ],
      },
    },
  ]);
  t.match(assemble([row('C1', 'A', '1', '1')], { creditNotePrefix: 'X' }).documents, [{ kind: 'order' }]);
});

t.test('rows without a customer are skipped before anything else is asked of them', async (t) => {
  const { documents, problems } = assemble([
    row('1', 'A', '-10', '-11062.06', { CustomerID: '' }),
    row('1', 'B', '1', '1', { CustomerID: ' ' }),
  ]);
  t.same(documents, []);
  t.match(problems, [
    { line: 2, code: 'NO_CUSTOMER', level: 'skipped' },
    { line: 3, code: 'NO_CUSTOMER', level: 'skipped' },
  ]);
});

t.test('one bad row takes its whole order out, and every row of it is reported once', async (t) => {
  const bad: [string, LineRow, string, string | undefined][] = [
    ['negative pieces', row('1', 'B', '-1', '1'), 'QUANTITY_INVALID', 'Quantity'],
    ['no pieces', row('1', 'B', '0', '1'), 'QUANTITY_INVALID', 'Quantity'],
    ['half a piece', row('1', 'B', '1.5', '1'), 'QUANTITY_INVALID', 'Quantity'],
    ['too many pieces', row('1', 'B', '2147483648', '1'), 'QUANTITY_INVALID', 'Quantity'],
    ['negative price', row('1', 'B', '1', '-1'), 'PRICE_INVALID', 'UnitPrice'],
    ['negative nothing', row('1', 'B', '1', '-0.0'), 'PRICE_INVALID', 'UnitPrice'],
    ['no price', row('1', 'B', '1', ''), 'PRICE_INVALID', 'UnitPrice'],
    [
      'no such day',
      row('1', 'B', '1', '1', { InvoiceDate: '2011-02-30 10:00:00' }),
      'DATE_INVALID',
      'InvoiceDate',
    ],
    ['another format', row('1', 'B', '1', '1', { InvoiceDate: '1/2/2011' }), 'DATE_INVALID', 'InvoiceDate'],
    ['no product', row('1', '', '1', '1', { Description: ' ' }), 'VALUE_MISSING', 'StockCode'],
    ['another customer', row('1', 'B', '1', '1', { CustomerID: '2' }), 'CUSTOMER_DIFFERS', undefined],
    ['no customer', row('1', 'B', '1', '1', { CustomerID: '' }), 'CUSTOMER_DIFFERS', undefined],
  ];
  for (const [name, badRow, code, column] of bad) {
    const rows = [row('1', 'A', '1', '1'), badRow, row('1', 'C', '1', '1'), row('2', 'D', '1', '1')];
    const { documents, problems } = assemble(rows);
    t.same(ids(documents), ['2'], name);
    t.match(
      problems,
      [
        { line: 2, code: 'ORDER_INCOMPLETE', level: 'error' },
        { line: 3, code, level: 'error', ...(column === undefined ? {} : { column }) },
        { line: 4, code: 'ORDER_INCOMPLETE', level: 'error' },
      ],
      name,
    );
    t.equal(problems.length, 3, name);
  }
});

t.test('several faults of a row are all named', async (t) => {
  const { problems } = assemble([row('1', 'A', 'x', 'y')]);
  t.same(
    problems.map((problem) => problem.code),
    ['QUANTITY_INVALID', 'PRICE_INVALID'],
  );
});

t.test('a row without an order id, and missing columns, are reported', async (t) => {
  t.match(assemble([row('', 'A', '1', '1')]).problems, [
    { line: 2, column: 'InvoiceNo', code: 'VALUE_MISSING' },
  ]);
  t.match(assemble([{}]).problems, [{ code: 'VALUE_MISSING' }]);
  t.same(
    missingColumns(mapping, ['InvoiceNo', 'StockCode', 'Description', 'Quantity', 'InvoiceDate', 'Country']),
    ['UnitPrice', 'CustomerID'],
  );
});

t.test('prices below the minor unit are rounded per piece, with a warning', async (t) => {
  const { documents, problems } = assemble([row('1', 'PADS', '1000', '0.001'), row('1', 'B', '2', '0.005')]);
  t.match(documents, [{ order: { total: 2, items: [{ unitPrice: 0 }, { unitPrice: 1 }] } }]);
  t.match(problems, [
    { line: 2, column: 'UnitPrice', code: 'PRICE_ROUNDED', level: 'warning' },
    { line: 3, code: 'PRICE_ROUNDED' },
  ]);
});

t.test('countries: by name, by code, declared as none, unknown with one warning per order', async (t) => {
  const country = (name: string) => {
    const rows = [row('1', 'A', '1', '1', { Country: name }), row('1', 'B', '1', '1', { Country: name })];
    const { documents, problems } = assemble(rows);
    const [document] = documents;
    const code = document?.kind === 'order' ? document.order.shippingAddress?.countryCode : 'none';
    return [code, problems.map((problem) => problem.code)];
  };
  t.same(country('EIRE'), ['IE', []]);
  t.same(country('FR'), ['FR', []]);
  t.same(country('Unspecified'), [undefined, []]);
  t.same(country('Atlantis'), [undefined, ['COUNTRY_UNKNOWN']]);
  t.same(country('constructor'), [undefined, ['COUNTRY_UNKNOWN']]);
});

t.test('files with comma decimals, emails and names', async (t) => {
  const columns = { ...mapping.columns, email: 'Email', firstName: 'First', lastName: 'Last' };
  const given = { Email: 'ann@example.com', First: 'Ann', Last: 'Lee', CustomerID: '' };
  const { documents } = assemble([row('1', 'A', '2', '1,25', given)], { columns, decimalMark: ',' });
  t.match(documents, [
    {
      customer: { externalId: null, email: 'ann@example.com', firstName: 'Ann', lastName: 'Lee' },
      order: { total: 250, email: 'ann@example.com' },
    },
  ]);
});

t.test(
  'invoices may interleave a little; one that comes back from far is reported, not overwritten',
  async (t) => {
    const near = assemble([row('1', 'A', '1', '1'), row('2', 'B', '1', '1'), row('1', 'C', '1', '1')]);
    t.same(ids(near.documents).sort(), ['1', '2']);
    t.same(near.documents.find((document) => document.externalId === '1')?.lines, [2, 4]);
    const others = Array.from({ length: 20 }, (_, index) => row(`other ${index}`, 'B', '1', '1'));
    const far = assemble([row('1', 'A', '1', '1'), ...others, row('1', 'C', '1', '1')]);
    t.equal(ids(far.documents).length, 21);
    t.match(far.problems, [{ line: 23, code: 'ORDER_LINES_SPLIT', level: 'error' }]);
  },
);

t.test('an order without end or beyond 2^53 is reported and does not stay in memory', async (t) => {
  const long = assemble(Array.from({ length: 10_003 }, () => row('1', 'A', '1', '1')));
  t.same(long.documents, []);
  t.equal(long.problems.length, 10_003);
  t.equal(long.problems.filter((problem) => problem.code === 'ORDER_TOO_LONG').length, 1);
  const large = assemble([row('1', 'A', '2147483647', '99999999.99'), row('1', 'B', '1', '1')]);
  t.same(large.documents, []);
  t.same(
    large.problems.map((problem) => problem.code),
    ['AMOUNT_TOO_LARGE', 'AMOUNT_TOO_LARGE'],
  );
});

t.test('a restart reads again from the oldest line that is still open', async (t) => {
  const assembler = assembleLines(mapping);
  t.equal(assembler.oldestOpenLine(), undefined);
  for (let line = 2; line <= 21; line += 1) assembler.push(row(String(line), 'A', '1', '1'), line);
  t.equal(assembler.oldestOpenLine(), 14, 'eight stay open');
  t.equal(assembler.end().documents.length, 8);
  t.equal(assembler.oldestOpenLine(), undefined);
});

t.test('every row is in exactly one document or has a problem that says why not', async () => {
  const rows = fc.array(
    fc.record({
      invoice: fc.constantFrom('1', '2', '3', 'C4', ''),
      quantity: fc.constantFrom('1', '2', '3', '-1', '0', 'x'),
      price: fc.constantFrom('1.00', '2.5', '0', '0.001', '-1'),
      customer: fc.constantFrom('1.0', '1.0', '1.0', '2', ''),
    }),
  );
  fc.assert(
    fc.property(rows, (list) => {
      const given = list.map((one) =>
        row(one.invoice, 'A', one.quantity, one.price, { CustomerID: one.customer }),
      );
      const { documents, problems } = assemble(given);
      const placed = documents.flatMap((document) => document.lines);
      const out = new Set(problems.filter((one) => one.level !== 'warning').map((one) => one.line));
      return (
        new Set(placed).size === placed.length &&
        placed.every((line) => !out.has(line)) &&
        placed.length + out.size === given.length
      );
    }),
  );
});

t.test('date formats', async (t) => {
  const cases: [string, string, string | undefined][] = [
    ['yyyy-MM-dd HH:mm:ss', '2010-12-01 08:26:00', '2010-12-01T08:26:00.000Z'],
    ['M/d/yyyy H:mm', '12/1/2010 8:26', '2010-12-01T08:26:00.000Z'],
    ['dd.MM.yyyy', '01.07.2010', '2010-06-30T23:00:00.000Z'],
    ['dd.MM.yyyy', '01x07x2010', undefined],
    ['yyyy-MM-dd', '2010-7-1', undefined],
    ['yyyy-MM-dd', '2010-02-29', undefined],
    ['yyyy-MM-dd', '2010-01-01 ', undefined],
  ];
  for (const [format, text, expected] of cases) {
    t.equal(localDateReader(format, 'Europe/London')(text)?.toISOString(), expected, `${format} ${text}`);
  }
});
