// HTTP: the list of customers and its export.
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import { exportCustomers } from '../actions/customer-exports.ts';
import { countCustomers, estimateCustomers } from '../db/customer-counts.ts';
import { listCustomerIds } from '../db/customer-list.ts';
import { findCustomers } from '../db/customers.ts';
import type { CustomerFilter } from '../domain/customer-filter.ts';
import { endpoint } from '../endpoint.ts';
import { pageAnswer, pageStart } from '../pages.ts';
import { CustomerExportQuery, CustomerListQuery } from '../schemas/customer-list.ts';
import { CustomerPage } from '../schemas/customers.ts';
import { ref } from '../schemas/helpers.ts';

const tag = 'Customers';

const CustomersFile = Type.String({
  description:
    'CSV (RFC 4180, UTF-8) with one line per customer. An import of the same file changes nothing. Amounts are decimals in the currency of the store.',
});

const totals: Record<'exact' | 'estimate', typeof countCustomers> = {
  exact: countCustomers,
  estimate: estimateCustomers,
};

export async function customerList(app: FastifyInstance): Promise<void> {
  endpoint(app, {
    method: 'GET',
    url: '/customers',
    operationId: 'listCustomers',
    tag,
    summary: 'List, search, sort and filter customers',
    description:
      'The table of all customers. `q` finds by the beginning of name or email and by any three letters in name, email, company and phone; the best fits come first unless `sort` says otherwise. All filters must hold; repeated parameters are all meant for `tag` and `group`, any of them for `tagAny`, `country` and `accountStatus`. Merged and erased customers are not listed. A quick search looks at its best 1,000 hits, with filters or a sort at 50,000.',
    scope: 'customers:read',
    query: CustomerListQuery,
    returns: { 200: ref(CustomerPage) },
    refuses: ['CURSOR_INVALID'],
    handle: async (ctx, input) => {
      const { limit: _limit, cursor: _cursor, sort, count, ...filter } = input.query;
      const rows = await listCustomerIds(ctx.db, { ...pageStart<never>(input), filter, sort });
      const { data, page } = pageAnswer(input, rows, (row) => row.key);
      const customers = await findCustomers(
        ctx.db,
        data.map((row) => row.id),
      );
      if (count === undefined || count === 'none') return { data: customers, page };
      return { data: customers, page, total: await totals[count](ctx.db, filter) };
    },
  });

  endpoint(app, {
    method: 'GET',
    url: '/customers.csv',
    operationId: 'exportCustomers',
    tag,
    summary: 'Export customers',
    description:
      'Exactly the list that `listCustomers` shows with the same parameters, all pages of it, in the same order, as a streamed CSV file. Text that a spreadsheet would run as a formula is guarded with an apostrophe, which an import takes off again.',
    scope: 'customers:read',
    query: CustomerExportQuery,
    produces: ['text/csv'],
    returns: { 200: CustomersFile },
    handle: async (ctx, { query: { sort, columns, ...filter }, reply }) => {
      const file = await exportCustomers(ctx, {
        filter: filter satisfies CustomerFilter,
        sort,
        columns: columns?.split(','),
      });
      return reply
        .type('text/csv; charset=utf-8')
        .header('content-disposition', 'attachment; filename="customers.csv"')
        .send(file);
    },
  });
}
