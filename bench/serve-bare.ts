// The named limit for reading one customer or a page of them: bare Fastify handlers that verify the same JWT, read the
// same rows with prepared statements, without row-level security, and answer through a serializer.
import fastifyJwt from '@fastify/jwt';
import fastify from 'fastify';
import pg from 'pg';
import { STAFF_AUDIENCE } from '../src/plugins/auth.ts';
import { Address } from '../src/schemas/addresses.ts';
import { Customer, CustomerPage } from '../src/schemas/customers.ts';
import { Money, PageInfo } from '../src/schemas/helpers.ts';
import { serve } from './world.ts';

const [databaseUrl, secret] = process.argv.slice(2);
pg.types.setTypeParser(pg.types.builtins.INT8, Number);
const pool = new pg.Pool({ connectionString: databaseUrl as string, max: 10 });

const SELECT = `
  select c.*, s.currency,
    array(select t.name from customer_tags ct join tags t on t.store_id = ct.store_id and t.id = ct.tag_id
      where ct.store_id = $1 and ct.customer_id = c.id order by t.name_key) as tags,
    coalesce((select json_agg(json_build_object('id', g.id, 'name', g.name) order by g.name_key)
      from group_members gm join groups g on g.store_id = gm.store_id and g.id = gm.group_id
      where gm.store_id = $1 and gm.customer_id = c.id), '[]') as groups,
    (select to_json(a) from addresses a where a.store_id = $1 and a.customer_id = c.id and a.is_default) as address
  from customers c join stores s on s.id = c.store_id where c.store_id = $1`;
const FIND = `${SELECT} and c.id = $2`;
const FIND_MANY = `${SELECT} and c.id = any($2::uuid[])`;
const NEWEST = `
  select id from customers where store_id = $1 and account_status not in ('merged', 'erased')
  order by created_at desc, id desc limit $2`;

// biome-ignore lint/suspicious/noExplicitAny: a hand-written handler does not type its row
function toJson(row: any) {
  return {
    id: row.id,
    externalId: row.external_id,
    email: row.email,
    phone: row.phone,
    firstName: row.first_name,
    lastName: row.last_name,
    company: row.company,
    salesAgentId: row.sales_agent_id,
    gender: row.gender,
    language: row.language,
    timezone: row.timezone,
    accountStatus: row.account_status,
    registeredAt: row.registered_at,
    source: row.source,
    acceptsMarketing: row.accepts_marketing,
    wholesale: row.wholesale,
    primaryGroupId: row.primary_group_id,
    custom: row.custom,
    tags: row.tags,
    groups: row.groups,
    ordersCount: row.orders_count,
    totalSpent: { amount: row.total_spent, currency: row.currency },
    refundedTotal: { amount: row.refunded_total, currency: row.currency },
    firstOrderAt: row.first_order_at,
    lastOrderAt: row.last_order_at,
    lastOrderId: row.last_order_id,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

const app = fastify();
await app.register(fastifyJwt, {
  secret: secret as string,
  verify: { algorithms: ['HS256'], allowedAud: STAFF_AUDIENCE },
});
for (const schema of [Money, PageInfo, Address, Customer, CustomerPage]) app.addSchema(schema);
app.get('/v1/customers/:id', { schema: { response: { 200: { $ref: 'Customer#' } } } }, async (request) => {
  const { store } = await request.jwtVerify<{ store: string }>();
  const { id } = request.params as { id: string };
  const { rows } = await pool.query({ name: 'find', text: FIND, values: [store, id] });
  return toJson(rows[0]);
});
app.get('/v1/customers', { schema: { response: { 200: { $ref: 'CustomerPage#' } } } }, async (request) => {
  const { store } = await request.jwtVerify<{ store: string }>();
  const { rows: ids } = await pool.query({ name: 'newest', text: NEWEST, values: [store, 21] });
  const page = ids.slice(0, 20).map((row) => row.id as string);
  const { rows } = await pool.query({ name: 'find-many', text: FIND_MANY, values: [store, page] });
  const byId = new Map(rows.map((row) => [row.id, row]));
  return {
    data: page.map((id) => toJson(byId.get(id))),
    page: { nextCursor: page.at(-1), hasMore: ids.length > 20 },
  };
});
serve({ url: await app.listen({ host: '127.0.0.1', port: 0 }) }, () => app.close());
