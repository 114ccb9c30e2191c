// Customers as pages and as a file: the answers of every operation that lists whole customers.
import type { FastifyReply } from 'fastify';
import { exportCustomers } from './actions/customer-exports.ts';
import type { Ctx } from './context.ts';
import { countCustomers, estimateCustomers } from './db/customer-counts.ts';
import { listCustomerIds } from './db/customer-list.ts';
import type { Selection } from './db/customer-selection.ts';
import { type Customer, findCustomers } from './db/customers.ts';
import type { CustomerSort } from './domain/customer-filter.ts';
import { type Page, type PageInput, pageAnswer, pageStart } from './pages.ts';

const totals: Record<'exact' | 'estimate', typeof countCustomers> = {
  exact: countCustomers,
  estimate: estimateCustomers,
};

interface ListInput extends PageInput {
  query: PageInput['query'] & {
    sort?: CustomerSort | undefined;
    count?: 'none' | 'exact' | 'estimate' | undefined;
  };
}

/**
 * One page of the selected customers, with `total` where it was asked for.
 * @throws Problem CURSOR_INVALID
 */
export async function customerPage(
  { db }: Ctx,
  input: ListInput,
  selection: Selection,
): Promise<Page<Customer> & { total?: number }> {
  const { sort, count = 'none' } = input.query;
  const rows = await listCustomerIds(db, { ...pageStart<never>(input), filter: selection, sort });
  const { data, page } = pageAnswer(input, rows, (row) => row.key);
  const customers = await findCustomers(
    db,
    data.map((row) => row.id),
  );
  if (count === 'none') return { data: customers, page };
  return { data: customers, page, total: await totals[count](db, selection) };
}

/** All selected customers as a CSV file of this name, streamed. */
export async function sendCustomersFile(
  ctx: Ctx,
  reply: FastifyReply,
  { sort, columns }: { sort?: CustomerSort | undefined; columns?: string | undefined },
  { selection, name }: { selection: Selection; name: string },
): Promise<FastifyReply> {
  const file = await exportCustomers(ctx, { filter: selection, sort, columns: columns?.split(',') });
  return reply
    .type('text/csv; charset=utf-8')
    .header('content-disposition', `attachment; filename="${name}.csv"`)
    .send(file);
}
