// Acceptance: imports the UCI "Online Retail" file through the public API into a fresh service and compares every
// customer's counters with what SQL over the raw file gives.
//
//   npm run accept:online-retail -- PATH/online-retail.csv.gz
import { acceptFile, exampleFile, loadRaw, MAPPING, type RetailStore } from './support/online-retail.ts';

/**
 * What the counters must be, from the raw lines alone: sales less credit notes per customer, a note never taking more
 * than what earlier orders have left (see src/domain/imports/credit-notes.ts). Prices are rounded to pence per piece.
 */
const EXPECTED = `
  with documents as (
    select replace(customer, '.0', '') as customer, invoice, invoice like 'C%' as note,
           min(at::timestamp) as at, sum(quantity::bigint * round(price::numeric * 100)) as amount,
           count(*) as lines
    from raw_lines where customer <> '' group by 1, 2, 3),
  running as (
    select *, sum(amount) over (partition by customer order by at, (not note), invoice
                                rows unbounded preceding) as net from documents)
  select customer, count(*) filter (where not note)::integer as orders,
         coalesce(sum(lines) filter (where not note), 0)::integer as items,
         (sum(amount) - least(0, min(net)))::bigint as spent,
         (sum(amount) filter (where not note) - (sum(amount) - least(0, min(net))))::bigint as refunded,
         min(at) filter (where not note) as first, max(at) filter (where not note) as last
  from running group by customer having bool_or(not note)`;

const STORED = `
  select c.external_id as customer, c.orders_count as orders,
         (select count(*)::integer from orders o join order_items i on i.store_id = o.store_id and i.order_id = o.id
          where o.store_id = c.store_id and o.customer_id = c.id) as items,
         c.total_spent as spent, c.refunded_total as refunded,
         c.first_order_at at time zone 'Europe/London' as first, c.last_order_at at time zone 'Europe/London' as last
  from customers c`;

const DIFFERENCES = `
  select coalesce(e.customer, s.customer) as customer, to_jsonb(e) as expected, to_jsonb(s) as stored
  from (${EXPECTED}) e full join (${STORED}) s using (customer)
  where (e.orders, e.items, e.spent, e.refunded, e.first, e.last)
    is distinct from (s.orders, s.items, s.spent, s.refunded, s.first, s.last)`;

const TOTALS = `
  select count(*)::integer as customers, sum(orders)::integer as orders, sum(items)::integer as items,
         sum(spent)::bigint as "spentPence", sum(refunded)::bigint as "refundedPence" from (${EXPECTED}) e`;

async function accept(file: string, { owner, upload }: RetailStore): Promise<boolean> {
  const mapping = await exampleFile(MAPPING);
  const began = Date.now();
  const first = await upload(file, { kind: 'orders' }, mapping);
  console.log(`import: ${JSON.stringify(first.outcomes)} in ${((Date.now() - began) / 1000).toFixed(1)} s`);
  await loadRaw(owner, file);
  console.log('expected from the raw file:', (await owner.query(TOTALS)).rows[0]);
  const { rows: differences } = await owner.query(DIFFERENCES);
  for (const difference of differences.slice(0, 10)) console.log(JSON.stringify(difference));
  console.log(`${differences.length} customers differ.`);
  const again = await upload(file, { kind: 'orders' }, mapping);
  const { unchanged = 0, unmatched = 0, skipped = 0, ...changed } = again.outcomes;
  console.log(`imported again: ${unchanged} unchanged, ${JSON.stringify(changed)} changed.`);
  return differences.length === 0 && Object.keys(changed).length === 0 && first.status === 'completed';
}

await acceptFile('accept:online-retail', accept);
