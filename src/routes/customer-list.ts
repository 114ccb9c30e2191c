// HTTP: the list of customers and its export.
import type { FastifyInstance } from 'fastify';
import { readSelection } from '../actions/segment-queries.ts';
import { customerPage, sendCustomersFile } from '../customer-pages.ts';
import { endpoint } from '../endpoint.ts';
import { QUERY_REFUSALS } from '../errors.ts';
import { CustomerExportQuery, CustomerListQuery, CustomersFile } from '../schemas/customer-list.ts';
import { CustomerPage } from '../schemas/customers.ts';
import { ref } from '../schemas/helpers.ts';

const tag = 'Customers';

export async function customerList(app: FastifyInstance): Promise<void> {
  endpoint(app, {
    method: 'GET',
    url: '/customers',
    operationId: 'listCustomers',
    tag,
    summary: 'List, search, sort and filter customers',
    description:
      'The table of all customers. `q` finds by the beginning of name or email and by any three letters in name, email, company and phone; the best fits come first unless `sort` says otherwise. All filters must hold; repeated parameters are all meant for `tag` and `group`, any of them for `tagAny`, `country` and `accountStatus`. Merged and erased customers are not listed. `filter` takes a query of the segment language, which must hold as well. A quick search looks at its best 1,000 hits, with filters or a sort at 50,000.',
    scope: 'customers:read',
    query: CustomerListQuery,
    returns: { 200: ref(CustomerPage) },
    refuses: ['CURSOR_INVALID', ...QUERY_REFUSALS],
    handle: async (ctx, input) => {
      const { limit: _limit, cursor: _cursor, sort: _sort, count: _count, ...filter } = input.query;
      return customerPage(ctx, input, await readSelection(ctx, filter));
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
    refuses: QUERY_REFUSALS,
    handle: async (ctx, { query: { sort, columns, ...filter }, reply }) => {
      const selection = await readSelection(ctx, filter);
      return sendCustomersFile(ctx, reply, { sort, columns }, { selection, name: 'customers' });
    },
  });
}
