// A bare Fastify handler over the minimal transfer: `node serve-minimal-transfer.js DATABASE_URL`.
import fastify from 'fastify';
import pg from 'pg';
import { transferMinimally } from './minimal-transfer.ts';
import { serve } from './world.ts';

const pool = new pg.Pool({ connectionString: process.argv[2] as string, max: 10 });
const app = fastify();
app.post('/accounts/:id/transfers', async (request, reply) => {
  const { id } = request.params as { id: string };
  const { amount } = request.body as { amount: number };
  await transferMinimally(pool, Number(id), amount);
  return reply.code(201).send({ id, amount });
});
serve({ url: await app.listen({ host: '127.0.0.1', port: 0 }) }, () => app.close());
