// The ledger under fire: an API process is killed again and again while clients pay. Whoever gets no answer asks again
// with the same Idempotency-Key, and gets the answer of the one time that it was done.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { newShopper } from '../support/credit.ts';
import { TEST_CONFIG, testApp, testDatabase, testStore } from '../support/harness.ts';
import { ledgerFaults } from '../support/ledger-invariants.ts';
import { type RemoteAnswer, remote } from '../support/remote.ts';
import { type ApiProcess, startApiProcess } from '../support/worker-process.ts';

const KILLS = Number(process.env.LEDGER_KILLS ?? 40);
/** On a machine that has no time to start processes, fewer kills have to do. */
const MAX_MS = process.env.LEDGER_KILLS ? Number.POSITIVE_INFINITY : 170_000;
const MIN_KILLS = 8;
const CLIENTS = 8;
const CUSTOMERS = 3;
const EUR = { currency: 'EUR' };

const database = await testDatabase(t);
const app = await testApp(t, database);
t.setTimeout(Math.max(290_000, KILLS * 20_000));

interface Command {
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

/** What clients do, by chance. Another operation that must happen once joins as one more entry. */
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

t.test(`kill -9 at ${KILLS} random moments: each command happens once and keeps its answer`, async (t) => {
  const store = await testStore(app, database);
  const known: Known[] = [];
  for (let index = 0; index < CUSTOMERS; index++) {
    const { id, grant } = await newShopper(store);
    await grant(500);
    known.push({ customerId: id, holds: [], spends: [] });
  }
  let current = await startApiProcess(env);
  let isOver = false;
  let kills = 0;
  /** Clients rest while the next process starts: on a small machine they would only keep it from starting. */
  let isOpen = false;
  const commands: Command[] = [];
  t.teardown(() => current.end('SIGKILL'));

  /** Until there is an answer: a process that was killed gives none, and its transaction may end a moment later. */
  async function insist(command: Omit<Command, 'answer'>): Promise<RemoteAnswer> {
    const { path, body, key } = command;
    for (;;) {
      try {
        const { call } = remote(current.url, store);
        const answer = await call('POST', path, body, { 'idempotency-key': key });
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

  async function client(): Promise<void> {
    while (!isOver) {
      if (!isOpen) {
        await sleep(5);
        continue;
      }
      const customer = known[random(CUSTOMERS)] as Known;
      const wish = WISHES[random(WISHES.length)]?.(customer);
      if (!wish) continue;
      const path = `/v1/customers/${customer.customerId}/credit${wish.path}`;
      const command = { path, body: wish.body, key: randomUUID(), wasCut: false, wasReplayed: false };
      const answer = await insist(command);
      wish.learn?.(answer);
      commands.push({ ...command, answer });
    }
  }

  async function killer(): Promise<void> {
    let next: Promise<ApiProcess> = startApiProcess(env);
    const until = Date.now() + MAX_MS;
    for (; kills < KILLS && Date.now() < until; kills++) {
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
  t.same(await ledgerFaults(database.owner, store.storeId), [], 'the books are sound');

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

  const { call } = remote(current.url, store);
  const changed: string[] = [];
  for (const { path, body, key, answer } of commands) {
    const again = await call('POST', path, body, { 'idempotency-key': key });
    const isSame =
      answer.statusCode < 300 ? again.body === answer.body : again.data?.code === answer.data?.code;
    if (!isSame || again.statusCode !== answer.statusCode || again.headers['idempotency-replayed'] !== 'true')
      changed.push(`${path} ${answer.body} ${again.body}`);
  }
  t.same(changed, [], 'asked once more, every command has its first answer');
  t.same(await ledgerFaults(database.owner, store.storeId), [], 'and asking changed nothing');

  const cut = commands.filter(({ wasCut }) => wasCut);
  const replayed = cut.filter(({ wasReplayed }) => wasReplayed);
  t.comment(
    `${kills} kills, ${commands.length} commands, ${cut.length} cut off, ${replayed.length} of them were done already`,
  );
  t.ok(kills >= MIN_KILLS, 'killed often enough');
  t.ok(cut.length >= kills / 2, 'killed in the middle of commands');
  t.ok(replayed.length > 0, 'some were killed between commit and answer');
});
