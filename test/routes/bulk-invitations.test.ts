// Invitations in bulk (I4): an outcome for each customer, nothing twice, and the way back.
import { randomUUID } from 'node:crypto';
import t from 'tap';
import { bulkSlice } from '../../src/actions/bulk-slices.ts';
import { runJob, type Slice } from '../../src/actions/jobs.ts';
import { outcomesOf, runBulk, runUndo, startBulk, work, workOnce } from '../support/bulk-jobs.ts';
import { type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';
import { invite, makeGuest, sendInvitations } from '../support/invitations.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const store = () => testStore(app, database);
const { owner } = database;

const UNKNOWN = '01900000-0000-7000-8000-000000000000';

const setStatus = (it: TestStore, id: string, status: string) =>
  owner.query('update customers set account_status = $3 where store_id = $1 and id = $2', [
    it.storeId,
    id,
    status,
  ]);
const mailsOf = async (it: TestStore) =>
  (
    await owner.query(
      `select customer_id as "customerId", status from messages where store_id = $1 and kind = 'invitation' order by id`,
      [it.storeId],
    )
  ).rows;
const read = async (it: TestStore, id: string) => (await it.call('GET', `/v1/customers/${id}`)).data;

/** Guests with addresses, past the API. */
const fill = (it: TestStore, count: number) =>
  owner.query(
    `insert into customers (store_id, id, last_name, email, email_norm, account_status, source, accepts_marketing, wholesale,
       custom, orders_count, total_spent, refunded_total, sort_name, search_text, version, created_at, updated_at)
     select $1, gen_random_uuid(), 'Doe', 'g' || n || '@example.com', 'g' || n || '@example.com', 'guest', 'import', false,
       false, '{}', 0, 0, 0, 'doe', 'doe', 1, now(), now()
     from generate_series(1, $2::integer) n`,
    [it.storeId, count],
  );

t.test('I4 each customer has an outcome: queued, or why not', async (t) => {
  const it = await store();
  const guest = await makeGuest(it);
  const active = await makeGuest(it, { accountStatus: 'active' });
  const [disabled, merged, erased, suppressed] = [
    await makeGuest(it),
    await makeGuest(it),
    await makeGuest(it),
    await makeGuest(it, { email: 'bounced@example.com' }),
  ];
  await setStatus(it, disabled, 'disabled');
  await setStatus(it, merged, 'merged');
  await setStatus(it, erased, 'erased');
  await owner.query(
    `insert into suppressions (store_id, address_hash, email, reason, bounces, counted_since, active, actor, created_at, updated_at)
     values ($1, 'x', 'bounced@example.com', 'hard_bounce', 1, now(), true, 'system', now(), now())`,
    [it.storeId],
  );
  const nobody = await makeGuest(it, { email: null, lastName: 'Doe' });
  const [invited, lapsed, revoked] = [await makeGuest(it), await makeGuest(it), await makeGuest(it)];
  for (const id of [invited, lapsed, revoked]) await invite(it, id);
  await it.call('DELETE', `/v1/customers/${revoked}/invitation`);
  await sendInvitations(it, owner);
  await owner.query('update invitations set expires_at = now() where store_id = $1 and customer_id = $2', [
    it.storeId,
    lapsed,
  ]);
  const ids = [
    guest,
    active,
    disabled,
    merged,
    erased,
    suppressed,
    nobody,
    invited,
    lapsed,
    revoked,
    UNKNOWN,
  ];
  const expected = {
    [guest]: 'queued',
    [active]: 'skipped_active',
    [disabled]: 'skipped_disabled',
    [merged]: 'skipped_merged',
    [erased]: 'skipped_erased',
    [suppressed]: 'skipped_suppressed',
    [nobody]: 'skipped_no_email',
    [invited]: 'skipped_already_invited',
    [lapsed]: 'queued',
    [revoked]: 'queued',
    [UNKNOWN]: 'refused:NOT_FOUND',
  };
  const before = await mailsOf(it);
  const dry = await runBulk(it, { action: 'invite', ids, dryRun: true });
  t.same(await outcomesOf(it, dry.data.id), expected);
  t.same(await mailsOf(it), before, 'a dry run queues nothing');
  const job = await runBulk(it, { action: 'invite', ids });
  t.same(await outcomesOf(it, job.data.id), expected);
  t.match(job.data.outcomes, { queued: 3, skipped_active: 1, 'refused:NOT_FOUND': 1 });
  t.same(
    (await mailsOf(it))
      .filter(({ status }) => status === 'pending')
      .map(({ customerId }) => customerId)
      .sort(),
    [guest, lapsed, revoked].sort(),
  );
  t.match(await read(it, guest), { accountStatus: 'invited', version: 2 });
  const skipped = await it.call('GET', `/v1/jobs/${job.data.id}/items?outcome=skipped`);
  t.equal(skipped.data.data.length, 7);
  const exact = await it.call('GET', `/v1/jobs/${job.data.id}/items?outcome=skipped_active`);
  t.same(exact.data.data, [{ customerId: active, outcome: 'skipped_active' }]);
});

t.test('I4 running it again sends nothing twice', async (t) => {
  const it = await store();
  for (let n = 0; n < 3; n++) await makeGuest(it);
  const first = await runBulk(it, { action: 'invite', all: true });
  t.same(first.data.outcomes, { queued: 3 });
  t.same((await runBulk(it, { action: 'invite', all: true })).data.outcomes, { skipped_already_invited: 3 });
  await sendInvitations(it, owner);
  t.same((await runBulk(it, { action: 'invite', all: true })).data.outcomes, { skipped_already_invited: 3 });
  t.equal((await mailsOf(it)).length, 3);
  await work(it, first.data.id);
  t.equal((await mailsOf(it)).length, 3, 'nor does a finished job that is delivered again');
});

t.test('I4 two jobs over the same customers at once send nothing twice', async (t) => {
  const it = await store();
  await fill(it, 500);
  const jobs = await Promise.all([1, 2, 3].map(() => startBulk(it, { action: 'invite', all: true })));
  await Promise.all(jobs.map(({ data }) => work(it, data.id)));
  const { rows } = await owner.query(
    `select count(*)::int as mails, count(distinct customer_id)::int as customers from messages where store_id = $1`,
    [it.storeId],
  );
  t.same(rows, [{ mails: 500, customers: 500 }]);
});

t.test('I4 a job that is stopped between slices goes on where it was', async (t) => {
  const it = await store();
  await fill(it, 5_000);
  const { data } = await startBulk(it, { action: 'invite', all: true });
  const dying: Slice = async (...given) => {
    await bulkSlice(...given);
    throw new Error('killed before the commit');
  };
  await t.rejects(workOnce(it, data.id, dying));
  t.equal((await mailsOf(it)).length, 0, 'a slice that did not commit queued nothing');
  t.equal(await workOnce(it, data.id, bulkSlice), 'paused');
  const half = (await mailsOf(it)).length;
  t.ok(half > 0 && half < 5_000, `${half}`);
  await work(it, data.id);
  const mails = await mailsOf(it);
  t.equal(new Set(mails.map(({ customerId }) => customerId)).size, 5_000);
  t.equal(mails.length, 5_000);
});

t.test('bulk invitations: a slice is a constant number of statements', async (t) => {
  const it = await store();
  const count = async (customers: number) => {
    const ids = [];
    for (let n = 0; n < customers; n++) ids.push(await makeGuest(it));
    const { data } = await startBulk(it, { action: 'invite', ids });
    let statements = 0;
    const counting: Slice = (ctx, tx, job) => {
      const use: typeof tx.use = (inner) => {
        statements++;
        return tx.use(inner);
      };
      return bulkSlice(ctx, { ...tx, use }, job);
    };
    await runJob(it.ctx(), data.id, counting, new AbortController().signal);
    return statements;
  };
  t.equal(await count(2), await count(30));
});

t.test('undo revokes what is not accepted and still the job’s own', async (t) => {
  const it = await store();
  const [kept, accepted, again] = [await makeGuest(it), await makeGuest(it), await makeGuest(it)];
  const job = await runBulk(it, { action: 'invite', all: true });
  await owner.query(`update invitations set accepted_at = now() where store_id = $1 and customer_id = $2`, [
    it.storeId,
    accepted,
  ]);
  await setStatus(it, accepted, 'active');
  await invite(it, again);
  const undo = await runUndo(it, job.data.id);
  t.same(await outcomesOf(it, undo.data.id), {
    [kept]: 'done',
    [accepted]: 'unchanged',
    [again]: 'unchanged',
  });
  t.match(undo.data, { action: 'revokeInvitation', undoOf: job.data.id });
  t.equal((await read(it, kept)).accountStatus, 'invited', 'C4 nothing leads back to guest');
  t.equal((await sendInvitations(it, owner)).size, 1, 'only the newer mail goes out');
  const second = await it.call('POST', `/v1/bulk-jobs/${undo.data.id}/undo`, undefined, {
    'idempotency-key': randomUUID(),
  });
  t.match([second.statusCode, second.data.code], [409, 'JOB_NOT_UNDOABLE']);
});

t.test('revokeInvitation takes back whatever is open', async (t) => {
  const it = await store();
  const [open, nothing] = [await makeGuest(it), await makeGuest(it)];
  await invite(it, open);
  const job = await runBulk(it, { action: 'revokeInvitation', all: true });
  t.same(await outcomesOf(it, job.data.id), { [open]: 'done', [nothing]: 'unchanged' });
  t.equal((await it.call('GET', `/v1/customers/${open}/invitations`)).data.data[0].status, 'revoked');
});

t.test('a store without accounts invites nobody', async (t) => {
  const it = await store();
  const id = await makeGuest(it);
  const { data } = await startBulk(it, { action: 'invite', all: true });
  await it.call('PATCH', '/v1/store', { accounts: 'none' });
  t.match((await startBulk(it, { action: 'invite', all: true })).data, { code: 'ACCOUNTS_NOT_OFFERED' });
  await work(it, data.id);
  t.same(
    await outcomesOf(it, data.id),
    { [id]: 'refused:ACCOUNTS_NOT_OFFERED' },
    'nor does a job that runs already',
  );
});
