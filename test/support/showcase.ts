// A store as `clientele seed` leaves it beside a running service, with few customers: the jobs are done.
import type { FastifyInstance } from 'fastify';
import type { Test } from 'tap';
import { bulkSlice } from '../../src/actions/bulk-slices.ts';
import { importWork } from '../../src/actions/imports.ts';
import { runJob } from '../../src/actions/jobs.ts';
import { seedStore } from '../../src/actions/seed.ts';
import { addShowcase } from '../../src/actions/showcase.ts';
import { createRenderer } from '../../src/clients/mail-renderer.ts';
import { SHOWCASE_IDS } from '../../src/domain/showcase.ts';
import { type TestDatabase, type TestStore, testStore } from './harness.ts';

const NEVER = new AbortController().signal;

/** The import of the showcase is one of customers. */
const NO_ORDERS = () => ({ problems: [] });

/** Makes such stores, one after the other. */
export function showcaseStores(t: Test, app: FastifyInstance, database: TestDatabase) {
  const renderer = createRenderer({ threads: 1 });
  t.teardown(() => renderer.close());
  return async (): Promise<TestStore> => {
    const store = await testStore(app, database);
    const ctx = store.ctx();
    await seedStore(ctx, { sizes: { customers: 0, orders: 0 } });
    await addShowcase(ctx, { renderer });
    const { jobId, importId } = SHOWCASE_IDS;
    await runJob({ ...ctx, actor: `job:${jobId}` }, jobId, bulkSlice, NEVER);
    await runJob({ ...ctx, actor: `job:${importId}` }, importId, importWork(NO_ORDERS), NEVER);
    return store;
  };
}
