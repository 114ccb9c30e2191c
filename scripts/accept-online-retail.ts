// Acceptance: imports the UCI "Online Retail" file through the public API into a fresh service and compares every
// customer's counters with what SQL over the raw file gives.
//
//   npm run accept:online-retail -- PATH/online-retail.csv.gz
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { createGunzip } from 'node:zlib';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import pino from 'pino';
import { openStore } from '../src/actions/stores.ts';
import { uploadImport } from '../src/clients/import-upload.ts';
import { readConfig } from '../src/config.ts';
import { newId, systemContext } from '../src/context.ts';
import { dbOf } from '../src/db/connection.ts';
import { ROLES } from '../src/domain/scopes.ts';
import { startService } from '../src/server.ts';
import { signToken } from '../src/tokens.ts';

const MAPPING = fileURLToPath(new URL('../../docs/examples/online-retail.mapping.json', import.meta.url));

/** The raw file as it is: text columns, nothing cleaned. */
const RAW_TABLE = `
  create temp table raw_lines (
    invoice text, sku text, description text, quantity text, at text, price text, customer text, country text)`;

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

async function loadRaw(client: pg.Client, file: string): Promise<void> {
  await client.query(RAW_TABLE);
  const copy = client.query(copyFrom('copy raw_lines from stdin (format csv, header)'));
  const source = createReadStream(file);
  await (file.endsWith('.gz') ? pipeline(source, createGunzip(), copy) : pipeline(source, copy));
}

async function accept(file: string): Promise<boolean> {
  const dataDir = await mkdtemp(join(tmpdir(), 'clientele-acceptance-'));
  const service = await startService(readConfig({ DATA_DIR: dataDir, PORT: '0', LOG_LEVEL: 'warn' }));
  const client = new pg.Client({ connectionString: service.database.url });
  try {
    const mapping = await readFile(MAPPING, 'utf8');
    const storeId = newId();
    const ctx = systemContext(dbOf(service.database.pool, storeId), pino({ level: 'silent' }));
    await openStore(ctx, { name: 'Gift shop', currency: 'GBP', timezone: 'Europe/London', locale: 'en-GB' });
    const token = signToken(service.config, {
      storeId,
      subject: 'acceptance',
      scopes: ROLES.owner,
      lifetimeSeconds: 7200,
    });
    const upload = { url: String(service.url), token, file, mapping };
    const began = Date.now();
    const first = await uploadImport({ ...upload, query: { kind: 'orders' } });
    console.log(`import: ${JSON.stringify(first.outcomes)} in ${((Date.now() - began) / 1000).toFixed(1)} s`);
    await client.connect();
    await loadRaw(client, file);
    console.log('expected from the raw file:', (await client.query(TOTALS)).rows[0]);
    const { rows: differences } = await client.query(DIFFERENCES);
    for (const difference of differences.slice(0, 10)) console.log(JSON.stringify(difference));
    console.log(`${differences.length} customers differ.`);
    const again = await uploadImport({ ...upload, query: { kind: 'orders' } });
    const { unchanged = 0, unmatched = 0, skipped = 0, ...changed } = again.outcomes;
    console.log(`imported again: ${unchanged} unchanged, ${JSON.stringify(changed)} changed.`);
    return differences.length === 0 && Object.keys(changed).length === 0 && first.status === 'completed';
  } finally {
    await client.end();
    await service.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

const [file] = process.argv.slice(2);
if (!file) {
  console.error('Name the file: npm run accept:online-retail -- PATH/online-retail.csv.gz');
  process.exit(2);
}
const accepted = await accept(file);
console.log(accepted ? 'accepted' : 'NOT accepted');
process.exit(accepted ? 0 : 1);
