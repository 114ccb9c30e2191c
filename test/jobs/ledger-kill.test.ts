// The ledger under fire: an API process is killed again and again while clients pay and orders come in. Whoever gets no
// answer asks again with the same Idempotency-Key, and gets the answer of the one time that it was done.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { putProgramme } from '../../src/actions/loyalty-programme.ts';
import { newShopper } from '../support/credit.ts';
import { TEST_CONFIG, type TestStore, testApp, testDatabase, testStore } from '../support/harness.ts';
import { checkSound } from '../support/invariants.ts';
import { pointsFaults, programme } from '../support/loyalty-orders.ts';
import { type RemoteAnswer, remote } from '../support/remote.ts';
import { type ApiProcess, startApiProcess } from '../support/worker-process.ts';

const KILLS = Number(process.env.LEDGER_KILLS ?? 10);
/** On a machine that has no time to start processes, fewer kills have to do. */
const MAX_MS = process.env.LEDGER_KILLS ? Number.POSITIVE_INFINITY : 80_000;
const MIN_KILLS = 8;
const CLIENTS = 8;
const CUSTOMERS = 3;
const EUR = { currency: 'EUR' };

const database = await testDatabase(t);
const app = await testApp(t, database);
t.setTimeout(Math.max(290_000, KILLS * 40_000));

interface Command {
  method: 'POST' | 'PUT';
  path: string;
  body: object;
  key: string;
  /** Sent more than once, because no answer came. */
  wasCut: boolean;
  /** The retry was answered with what the killed process had done. */
  wasReplayed: boolean;
  answer: RemoteAnswer;
}

/** What clients have learnt of one customer: what they can capture and refund. */
interface Known {
  customerId: string;
  holds: string[];
  spends: string[];
}

interface Wish {
  path: string;
  body: object;
  learn?(answer: RemoteAnswer): void;
}

const random = (below: number): number => Math.floor(Math.random() * below);
const take = (list: string[]): string | undefined => list.splice(random(list.length), 1)[0];

/** What clients do, by chance. */
const WISHES: readonly ((known: Known) => Wish | undefined)[] = [
  () => ({ path: '', body: { amount: 40 + random(40), reason: 'Fire', ...EUR } }),
  ({ spends }) => ({
    path: '/redeem',
    body: { amount: 1 + random(20), ...EUR },
    learn: ({ data }) => void (data.transfer && spends.push(data.transfer.id)),
  }),
  ({ holds }) => ({
    path: '/holds',
    body: { amount: 1 + random(20), ...EUR },
    learn: ({ data }) => void (data.hold && holds.push(data.hold.id)),
  }),
  ({ holds, spends }) => {
    const holdId = take(holds);
    if (!holdId) return undefined;
    return {
      path: `/holds/${holdId}/capture`,
      body: {},
      learn: ({ data }) => void (data.transfer && spends.push(data.transfer.id)),
    };
  },
  ({ spends }) => {
    const transferId = take(spends);
    return transferId ? { path: '/refunds', body: { transferId } } : undefined;
  },
];

const env = {
  DATABASE_URL: database.url,
  APP_SECRET: TEST_CONFIG.APP_SECRET ?? '',
  DATABASE_POOL_SIZE: '8',
};

type Send = (method: Command['method'], path: string, body: object) => Promise<RemoteAnswer>;

/** Kills one API process after the other while clients do what `act` says; resolves to what they sent and learnt. */
async function underFire(
  t: Test,
  store: TestStore,
  kills: number,
  act: (send: Send) => Promise<void>,
): Promise<Command[]> {
  let current = await startApiProcess(env);
  t.teardown(() => current.end('SIGKILL'));
  let isOver = false;
  /** Clients rest while the next process starts: on a small machine they would only keep it from starting. */
  let isOpen = false;
  const commands: Command[] = [];

  /** Until there is an answer: a process that was killed gives none, and its transaction may end a moment later. */
  async function insist(command: Omit<Command, 'answer'>): Promise<RemoteAnswer> {
    const { method, path, body, key } = command;
    for (;;) {
      try {
        const answer = await remote(current.url, store).call(method, path, body, { 'idempotency-key': key });
        if (answer.data?.code !== 'IDEMPOTENCY_IN_PROGRESS') {
          command.wasReplayed ||= command.wasCut && answer.headers['idempotency-replayed'] === 'true';
          return answer;
        }
      } catch {
        command.wasCut = true;
      }
      await sleep(5);
    }
  }

  const send: Send = async (method, path, body) => {
    const command = { method, path, body, key: randomUUID(), wasCut: false, wasReplayed: false };
    const answer = await insist(command);
    commands.push({ ...command, answer });
    return answer;
  };

  async function client(): Promise<void> {
    while (!isOver) await (isOpen ? act(send) : sleep(5));
  }

  let done = 0;
  async function killer(): Promise<void> {
    let next: Promise<ApiProcess> = startApiProcess(env);
    const until = Date.now() + MAX_MS;
    for (; done < kills && Date.now() < until; done++) {
      const successor = await next;
      isOpen = true;
      await sleep(20 + random(150));
      t.equal(await current.end('SIGKILL'), 'SIGKILL');
      isOpen = false;
      current = successor;
      next = startApiProcess(env);
    }
    isOver = true;
    await (await next).end('SIGKILL');
  }

  await Promise.all([killer(), ...Array.from({ length: CLIENTS }, client)]);
  await sayAnswersStay(t, remote(current.url, store).call, commands);
  const cut = commands.filter(({ wasCut }) => wasCut);
  const replayed = cut.filter(({ wasReplayed }) => wasReplayed);
  t.comment(
    `${done} kills, ${commands.length} commands, ${cut.length} cut off, ${replayed.length} of them were done already`,
  );
  t.ok(done >= Math.min(kills, MIN_KILLS), 'killed often enough');
  t.ok(cut.length >= done / 2, 'killed in the middle of commands');
  return commands;
}

/** Asked once more, every command with a key has its first answer; what a PUT tells is known by its content. */
async function sayAnswersStay(
  t: Test,
  call: ReturnType<typeof remote>['call'],
  commands: readonly Command[],
): Promise<void> {
  const changed: string[] = [];
  for (const { method, path, body, key, answer } of commands) {
    if (method === 'PUT') continue;
    const again = await call(method, path, body, { 'idempotency-key': key });
    const isSame =
      answer.statusCode < 300 ? again.body === answer.body : again.data?.code === answer.data?.code;
    if (!isSame || again.statusCode !== answer.statusCode || again.headers['idempotency-replayed'] !== 'true')
      changed.push(`${path} ${answer.body} ${again.body}`);
  }
  t.same(changed, [], 'asked once more, every command has its first answer');
}

t.test(`kill -9 at ${KILLS} random moments: each command happens once and keeps its answer`, async (t) => {
  const store = await testStore(app, database);
  const known: Known[] = [];
  for (let index = 0; index < CUSTOMERS; index++) {
    const { id, grant } = await newShopper(store);
    await grant(500);
    known.push({ customerId: id, holds: [], spends: [] });
  }
  const commands = await underFire(t, store, KILLS, async (send) => {
    const customer = known[random(CUSTOMERS)] as Known;
    const wish = WISHES[random(WISHES.length)]?.(customer);
    if (!wish) return;
    const path = `/v1/customers/${customer.customerId}/credit${wish.path}`;
    wish.learn?.(await send('POST', path, wish.body));
  });
  await checkSound(t, database, store);

  const done = commands.filter(({ answer }) => answer.statusCode < 300);
  const refused = commands.filter(({ answer }) => answer.statusCode >= 300);
  t.same(
    refused.map(({ answer }) => answer.data?.code).filter((code) => code !== 'INSUFFICIENT_CREDIT'),
    [],
    'refusals are those of the rules',
  );
  const told = new Set(done.flatMap(({ answer }) => answer.data.transfer?.id ?? []));
  const { rows } = await database.owner.query('select from transfers where store_id = $1', [store.storeId]);
  t.equal(told.size, done.filter(({ answer }) => answer.data.transfer).length, 'no transfer for two keys');
  t.equal(rows.length - CUSTOMERS, told.size, 'no transfer that nobody was told of');
  t.ok(
    commands.some(({ wasReplayed }) => wasReplayed),
    'some were killed between commit and answer',
  );
});

/** The n-th order: placed by one of a few customers, later refunded in part or cancelled. */
function orderBody(n: number, version: number) {
  const total = 1_000 + n;
  const minute = (count: number) => new Date(Date.UTC(2026, 0, 1, 0, count)).toISOString();
  const refund = { id: 'r1', amount: Math.floor(total / 3), at: minute(version) };
  return {
    email: `buyer${n % CUSTOMERS}@example.com`,
    status: version === 3 ? 'cancelled' : 'confirmed',
    currency: 'EUR',
    placedAt: minute(0),
    updatedAt: minute(version),
    items: [{ productId: 'p1', title: 'Thing', quantity: 1, unitPrice: total }],
    total,
    ...(version === 2 && { refunds: [refund] }),
  };
}

/** Points that are left of the n-th order after its last version. */
function pointsLeft(n: number, version: number): number {
  const total = 1_000 + n;
  const earned = Math.floor(total / 100);
  if (version === 3) return 0;
  return version === 2 ? earned - Math.floor((earned * Math.floor(total / 3)) / total) : earned;
}

t.test('kill -9 while orders come in: each earns once and loses once', async (t) => {
  const store = await testStore(app, database);
  await putProgramme(store.ctx(), programme({ reversal: 'allow_negative' }));
  const versions: number[] = [];
  const kills = Math.ceil(KILLS / 3);
  const commands = await underFire(t, store, kills, async (send) => {
    const n = versions.length;
    versions.push(1);
    for (let version = 1; version <= 1 + (n % 3); version++) {
      versions[n] = version;
      const answer = await send('PUT', `/v1/orders/fire-${n}`, orderBody(n, version));
      t.ok(answer.statusCode === 200 || answer.statusCode === 201, answer.body);
    }
  });
  await checkSound(t, database, store);
  t.same(await pointsFaults(database, store), [], 'members agree with their earnings');
  const points = async () => {
    const { rows } = await database.owner.query<{ points: string }>(
      "select sum(balance) as points from ledger_accounts where store_id = $1 and unit = 'points'",
      [store.storeId],
    );
    return Number(rows[0]?.points);
  };
  const expected = versions.reduce((sum, version, n) => sum + pointsLeft(n, version), 0);
  t.equal(await points(), expected, `points of ${versions.length} orders`);
  for (const { path, body } of commands) t.equal((await store.call('PUT', path, body)).statusCode, 200);
  t.equal(await points(), expected, 'told once more, they earn nothing and lose nothing');
});
