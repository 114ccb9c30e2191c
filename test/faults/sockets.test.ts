// Clients that are slow, broken or endless, over real sockets: each is answered or cut off, and others do not notice.
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { rounds } from '../support/faults.ts';
import { testApp, testDatabase, testStore } from '../support/harness.ts';
import { checkSound } from '../support/invariants.ts';
import { remote } from '../support/remote.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
await app.listen({ host: '127.0.0.1', port: 0 });
const { port } = app.server.address() as AddressInfo;
const url = `http://127.0.0.1:${port}`;
const store = await testStore(app, database);
const AUTH = `Host: test\r\nAuthorization: Bearer ${store.token}\r\n`;
const NEW_CUSTOMER = `POST /v1/customers HTTP/1.1\r\n${AUTH}Content-Type: application/json\r\n`;
const SLOW_FILE_S = rounds(21, 90);
t.setTimeout(200_000);

interface Wire {
  socket: Socket;
  /** All that the service said, once it has closed the connection, and after how long. */
  end: Promise<{ said: string; ms: number }>;
}

function wire(t: Test, text: string): Wire {
  const began = Date.now();
  let said = '';
  const socket = connect(port, '127.0.0.1');
  socket
    .on('error', () => undefined)
    .on('data', (bytes) => {
      said += bytes.toString();
    });
  t.teardown(() => socket.destroy());
  socket.write(text);
  return { socket, end: once(socket, 'close').then(() => ({ said, ms: Date.now() - began })) };
}

/** Goes on writing one piece after the other until the connection is closed. */
async function drip(socket: Socket, piece: string, everyMs: number): Promise<void> {
  while (!socket.destroyed) {
    socket.write(piece);
    await sleep(everyMs);
  }
}

/** Sends a file for longer than any body may take that is no file; the status of the answer. */
async function sendSlowly(): Promise<number | undefined> {
  const sending = httpRequest(`${url}/v1/imports?kind=customers`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${store.token}`,
      'content-type': 'multipart/form-data; boundary=b',
      'idempotency-key': 'slow-file',
    },
  });
  const answered = once(sending, 'response') as Promise<[IncomingMessage]>;
  sending.write(
    '--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nemail,last_name\n',
  );
  for (let n = 0; n < SLOW_FILE_S; n += 3) {
    sending.write(`slow-${n}@example.com,Slow\n`);
    await sleep(3_000);
  }
  sending.end('\r\n--b--\r\n');
  const [{ statusCode }] = await answered;
  return statusCode;
}
// Beside the others: it takes its time.
const slowFile = sendSlowly();

t.test(
  'slow headers, slow bodies and silence end in time, all at once, while others are served',
  async (t) => {
    const begun = Date.now();
    const silent = wire(t, '');
    const headers = wire(t, 'GET /livez HTTP/1.1\r\n');
    void drip(headers.socket, 'X-More: 1\r\n', 500);
    const body = wire(t, `${NEW_CUSTOMER}Content-Length: 900\r\n\r\n{"lastName": "`);
    void drip(body.socket, 'x', 500);
    const chunked = wire(t, `${NEW_CUSTOMER}Transfer-Encoding: chunked\r\n\r\n`);
    void drip(chunked.socket, '1\r\n \r\n', 500);
    const unknown = wire(
      t,
      `POST /v1/nothing HTTP/1.1\r\n${AUTH}Content-Type: application/json\r\nContent-Length: 900\r\n\r\n`,
    );
    void drip(unknown.socket, 'x', 500);
    const stuck = wire(
      t,
      `POST /v1/imports?kind=customers HTTP/1.1\r\n${AUTH}Idempotency-Key: stuck\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 900\r\n\r\n--b\r\n`,
    );

    const { call } = remote(url, store);
    let slowest = 0;
    let isOver = false;
    const others = (async () => {
      for (let n = 0; !isOver; n++) {
        const at = Date.now();
        const { statusCode } = await call('POST', '/v1/customers', { email: `other-${n}@example.com` });
        if (statusCode !== 201) t.fail(`others got ${statusCode}`);
        slowest = Math.max(slowest, Date.now() - at);
        await sleep(50);
      }
    })();

    const ends = await Promise.all(
      Object.entries({ silent, headers, body, chunked, unknown, stuck }).map(async ([name, { end }]) => ({
        name,
        ...(await end),
      })),
    );
    isOver = true;
    await others;
    for (const { name, said, ms } of ends) {
      t.comment(`${name}: ${ms} ms, ${said.split('\r\n')[0]}`);
      t.ok(ms < 33_000, `${name} ended after ${ms} ms`);
    }
    const saidTo = Object.fromEntries(ends.map(({ name, said }) => [name, said]));
    for (const name of ['headers', 'body', 'chunked', 'unknown', 'stuck'])
      t.match(saidTo[name], /^HTTP\/1\.1 408 .*"code":"REQUEST_TIMEOUT"/s, `${name} was told why`);
    t.ok(slowest < 2_000, `others waited ${slowest} ms at most`);
    t.comment(`all over after ${Date.now() - begun} ms`);
  },
);

t.test('a file that comes slowly but steadily is taken, however long it takes', async (t) => {
  t.equal(await slowFile, 202);
});

t.test('bodies without end are refused before they are read, and broken ones are no requests', async (t) => {
  const cases: [name: string, text: string, expected: RegExp][] = [
    ['a length of ten gigabytes', `${NEW_CUSTOMER}Content-Length: 10000000000\r\n\r\n{`, /^HTTP\/1\.1 413 /],
    [
      'a chunk size that is none',
      `${NEW_CUSTOMER}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n`,
      /^HTTP\/1\.1 400 .*MALFORMED_REQUEST/s,
    ],
    ['two lengths', `${NEW_CUSTOMER}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`, /^HTTP\/1\.1 400 /],
    [
      'a length and chunks',
      `${NEW_CUSTOMER}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      /^HTTP\/1\.1 400 /,
    ],
    ['no request', 'hello\r\n\r\n', /^HTTP\/1\.1 400 /],
    [
      'headers without end',
      `GET /livez HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
      /^HTTP\/1\.1 431 .*HEADERS_TOO_LARGE/s,
    ],
  ];
  for (const [name, text, expected] of cases) {
    const { socket, end } = wire(t, text);
    socket.end();
    const late = sleep(5_000, undefined, { ref: false }).then(() => ({ said: 'nothing', ms: 5_000 }));
    t.match((await Promise.race([end, late])).said, expected, name);
  }
});

t.test('chunks without end are cut off behind the limit', async (t) => {
  const { socket, end } = wire(t, `${NEW_CUSTOMER}Transfer-Encoding: chunked\r\n\r\n`);
  const chunk = `10000\r\n${' '.repeat(65_536)}\r\n`;
  let sent = 0;
  while (!socket.destroyed && sent < 64 * 2 ** 20) {
    if (!socket.write(chunk))
      await Promise.race([once(socket, 'drain'), once(socket, 'close')]).catch(() => undefined);
    sent += 65_536;
    await sleep(1);
  }
  socket.destroy();
  const { said } = await end;
  t.match(said, /^HTTP\/1\.1 413 |^$/);
  t.ok(sent < 32 * 2 ** 20, `cut off after ${Math.round(sent / 2 ** 20)} MiB`);
});

t.test('clients that go away in the middle leave nothing behind', async (t) => {
  const { call } = remote(url, store);
  const before = (await call('GET', '/v1/customers?limit=1')).statusCode;
  t.equal(before, 200);
  const gone = Array.from({ length: 50 }, (_, n) => {
    const lengths = ['{"lastName": "half', `{"email": "gone-${n}@example.com"}`];
    const body = lengths[n % 2] ?? '';
    const { socket, end } = wire(
      t,
      `${NEW_CUSTOMER}Content-Length: ${body.length + (n % 2 ? 0 : 10)}\r\n\r\n${body}`,
    );
    setTimeout(() => socket.destroy(), n % 7);
    return end;
  });
  await Promise.all(gone);
  await sleep(300);
  const { rows } = await database.owner.query(
    `select count(*)::int as halves from customers where store_id = $1 and last_name like 'half%'`,
    [store.storeId],
  );
  t.same(rows, [{ halves: 0 }]);
  t.equal((await call('GET', '/v1/customers?limit=1')).statusCode, 200);
  t.equal(database.pool.waitingCount, 0, 'no connection of the pool is kept');
  await checkSound(t, database, store);
});
