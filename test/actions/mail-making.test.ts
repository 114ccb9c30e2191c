// Making mails where the machine is too busy to render in time.
import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { makeMails } from '../../src/actions/mail-making.ts';
import { createRenderer, type Renderer, type RenderOutcome } from '../../src/clients/mail-renderer.ts';
import { openWorkshop } from '../../src/mail.ts';
import { readyToSend } from '../support/campaigns.ts';
import { TEST_CONFIG, testApp, testDatabase, testStore } from '../support/harness.ts';
import { openPost } from '../support/mail-post.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const post = await openPost(t);
const MAILS = 3;
const LATE: RenderOutcome = { ok: false, code: 'TEMPLATE_TIMEOUT', detail: 'It takes too long to render' };

/** Sends mails that are rendered so often in vain; how they ended, and how many mails were rendered each time. */
async function sendLate(t: Test, { lateTimes }: { lateTimes: number }) {
  const renderer = createRenderer({ threads: 1 });
  t.teardown(() => renderer.close());
  const asked: number[] = [];
  const busy: Renderer = {
    ...renderer,
    async renderMails(jobs, options) {
      asked.push(jobs.length);
      return asked.length > lateTimes ? renderer.renderMails(jobs, options) : jobs.map(() => LATE);
    },
  };
  const workshop = await openWorkshop(TEST_CONFIG, busy);
  const store = await testStore(app, database);
  await readyToSend(store);
  for (let n = 0; n < MAILS; n++) {
    const customer = await store.call('POST', '/v1/customers', { email: `${randomUUID()}@people.example` });
    const words = { subject: 'Your question', text: 'The blue one.' };
    const url = `/v1/customers/${customer.data.id}/messages`;
    const queued = await store.call('POST', url, words, { 'idempotency-key': randomUUID() });
    t.equal(queued.statusCode, 202, queued.body);
  }
  await post.send(store, { prepare: (ctx, mails) => makeMails(ctx, workshop, mails) });
  const { rows } = await database.owner.query(
    'select status, reason from messages where store_id = $1 order by id',
    [store.storeId],
  );
  return { asked, rows };
}

t.test('a mail that took too long to render gets a second chance', async (t) => {
  const { asked, rows } = await sendLate(t, { lateTimes: 1 });
  t.same(rows, Array(MAILS).fill({ status: 'sent', reason: null }));
  t.same(asked, [MAILS, 1, 1, 1]);
});

t.test(
  'a template that is late again is given up, without a second chance for every mail of it',
  async (t) => {
    const { asked, rows } = await sendLate(t, { lateTimes: 100 });
    t.same(rows, Array(MAILS).fill({ status: 'failed', reason: 'template_timeout' }));
    t.same(asked, [MAILS, 1]);
  },
);
