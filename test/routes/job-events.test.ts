// Progress as server-sent events, over a real socket.
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { makeCustomers, STEP, startBulk, work, workOnce } from '../support/bulk-jobs.ts';
import { type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);

async function listening(t: Test) {
  const app = await testApp(t, database);
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const store = await testStore(app, database);
  await makeCustomers(store, {}, {});
  const { data } = await startBulk(store, { action: 'addTags', tags: ['x'], all: true });
  return { app, url, store, jobId: data.id as string };
}

const follow = (url: string, { token }: TestStore, path: string, signal?: AbortSignal) =>
  fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` }, ...(signal && { signal }) });

const eventsIn = (text: string) =>
  [...text.matchAll(/event: (\w+)\ndata: (.+)\n\n/g)].map(([, event, data = '']) => ({
    event,
    data: JSON.parse(data),
  }));

/** The text of a stream up to the first event. */
async function firstEvent(response: Response): Promise<ReadableStreamDefaultReader<Uint8Array>> {
  const reader = response.body?.getReader();
  if (!reader) throw new Error('no body');
  let text = '';
  while (!text.includes('event: ')) text += new TextDecoder().decode((await reader.read()).value);
  return reader;
}

t.test('each state is told once, and the stream ends with the final one', async (t) => {
  const { url, store, jobId } = await listening(t);
  const response = await follow(url, store, `/v1/bulk-jobs/${jobId}/events`);
  t.equal(response.headers.get('content-type'), 'text/event-stream');
  t.equal(response.headers.get('cache-control'), 'no-store');
  const text = response.text();
  await sleep(700);
  await workOnce(store, jobId, STEP);
  await sleep(700);
  await work(store, jobId);
  const events = eventsIn(await text);
  t.match(events, [
    { event: 'progress', data: { status: 'queued', done: 0, action: 'addTags' } },
    { event: 'progress', data: { status: 'running', done: 1 } },
    { event: 'finished', data: { status: 'completed', done: 3 } },
  ]);
  t.equal(events.length, 3);
});

t.test('a finished job is told at once', async (t) => {
  const { url, store, jobId } = await listening(t);
  await work(store, jobId);
  const response = await follow(url, store, `/v1/jobs/${jobId}/events`);
  t.match(eventsIn(await response.text()), [{ event: 'finished', data: { id: jobId, status: 'completed' } }]);
});

t.test('a client that goes away is no longer served', async (t) => {
  const { url, store, jobId } = await listening(t);
  const client = new AbortController();
  await firstEvent(await follow(url, store, `/v1/jobs/${jobId}/events`, client.signal));
  client.abort();
  await sleep(600);
  let reads = 0;
  database.pool.on('acquire', () => reads++);
  await sleep(1_200);
  t.equal(reads, 0, 'nobody asks for the job any more');
});

t.test('an open stream does not hold up a stop', async (t) => {
  const { app, url, store, jobId } = await listening(t);
  const reader = await firstEvent(await follow(url, store, `/v1/jobs/${jobId}/events`));
  const began = Date.now();
  await app.stop(20_000);
  t.ok(Date.now() - began < 2_500, `stopped after ${Date.now() - began} ms`);
  t.match(await reader.read(), { done: true }, 'the stream ended in order');
});
