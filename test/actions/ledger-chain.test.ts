// The chain (L8) on real Postgres and in an exported file: whatever is changed behind the service is named.

import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { changeCredit, redeemCredit } from '../../src/actions/credit.ts';
import { chainHash, saveBookings } from '../../src/actions/ledger.ts';
import { exportLedger } from '../../src/actions/ledger-exports.ts';
import { type ExportReport, verifyExport, verifyLedger } from '../../src/actions/ledger-verification.ts';
import { transaction } from '../../src/db/connection.ts';
import { ensureAccounts, lockAccounts } from '../../src/db/ledger/accounts.ts';
import type { AccountState } from '../../src/domain/ledger/accounts.ts';
import { book, type Entry } from '../../src/domain/ledger/entries.ts';
import { testApp, testDatabase, testStore } from '../support/harness.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);
const CLI = fileURLToPath(new URL('../../src/cli.js', import.meta.url));

/** A store with two accounts of five transfers each and one without any. */
async function books() {
  const store = await testStore(app, database);
  const accounts: string[] = [];
  for (const reference of ['a|b|1|', 'zwei\n"Zeilen" ✓', undefined]) {
    const email = `${randomUUID()}@example.com`;
    const { data } = await store.call('POST', '/v1/customers', { email, accountStatus: 'active' });
    const grant = {
      amount: 4_000_000_000,
      currency: 'EUR',
      reason: 'Secret reason',
      ...(reference && { reference }),
    };
    if (reference === undefined) {
      await ensureAccounts(store.ctx().db, [{ customerId: data.id, unit: 'EUR' }], store.ctx());
      continue;
    }
    const { account } = await changeCredit(store.ctx(), data.id, grant);
    accounts.push(account.id);
    const orderId = randomUUID();
    for (const amount of [100, 200, 300, 400])
      await redeemCredit(store.ctx(), data.id, { amount, currency: 'EUR', orderId });
  }
  const change = (text: string, ...values: unknown[]) =>
    database.owner.query(text, [store.storeId, accounts[0], ...values]);
  return { ...store, accounts, change, verify: () => verifyLedger(store.ctx()) };
}

t.test(
  'L8 an untouched ledger holds; the database writes contents exactly as the service does',
  async (t) => {
    const { verify, call, accounts } = await books();
    t.match(await verify(), { accounts: 3, transfers: 10, brokenCount: 0, broken: [] });
    const one = await call('GET', `/v1/ledger/verify?accountId=${accounts[1]}`);
    t.match(one.data, { accounts: 1, transfers: 5, brokenCount: 0, broken: [] }, one.body);
  },
);

const OWN = 'store_id = $1 and account_id = $2';
const TAMPERED: Record<string, { sql: string; seq: number; fault: string }> = {
  'an amount': {
    sql: `update transfers set amount = amount + 1 where ${OWN} and seq = 3`,
    seq: 3,
    fault: 'hash',
  },
  'a balance': {
    sql: `update transfers set balance_after = balance_after + 1 where ${OWN} and seq = 3`,
    seq: 3,
    fault: 'hash',
  },
  'a direction': {
    sql: `update transfers set is_credit = true where ${OWN} and seq = 2`,
    seq: 2,
    fault: 'hash',
  },
  'a reference': {
    sql: `update transfers set reference = reference || 'x' where ${OWN} and seq = 1`,
    seq: 1,
    fault: 'hash',
  },
  'a kind': { sql: `update transfers set kind = 'expiry' where ${OWN} and seq = 4`, seq: 4, fault: 'hash' },
  'a unit': { sql: `update transfers set unit = 'USD' where ${OWN} and seq = 4`, seq: 4, fault: 'hash' },
  'an instant': {
    sql: `update transfers set effective_at = effective_at + interval '1 ms' where ${OWN} and seq = 5`,
    seq: 5,
    fault: 'hash',
  },
  'when it was recorded': {
    sql: `update transfers set recorded_at = recorded_at - interval '1 ms' where ${OWN} and seq = 5`,
    seq: 5,
    fault: 'hash',
  },
  'the other account': {
    sql: `update transfers set counter_account = 'manual' where ${OWN} and seq = 2`,
    seq: 2,
    fault: 'hash',
  },
  'the order': {
    sql: `update transfers set order_id = null where ${OWN} and seq = 2`,
    seq: 2,
    fault: 'hash',
  },
  'the corrected one': {
    sql: `update transfers set corrects_id = id where ${OWN} and seq = 2`,
    seq: 2,
    fault: 'hash',
  },
  'one bit of a hash': {
    sql: `update transfers set hash = set_byte(hash, 0, get_byte(hash, 0) # 1) where ${OWN} and seq = 3`,
    seq: 3,
    fault: 'hash',
  },
  'two that change places': {
    sql: `update transfers set seq = case seq when 2 then 1003 else 1002 end where ${OWN} and seq in (2, 3);`,
    seq: 2,
    fault: 'hash',
  },
  'one in the middle deleted': {
    sql: `delete from transfers where ${OWN} and seq = 3`,
    seq: 3,
    fault: 'gap',
  },
  'the first deleted': { sql: `delete from transfers where ${OWN} and seq = 1`, seq: 1, fault: 'gap' },
  'the last deleted': { sql: `delete from transfers where ${OWN} and seq = 5`, seq: 5, fault: 'gap' },
  'all deleted': { sql: `delete from transfers where ${OWN}`, seq: 1, fault: 'gap' },
  'the hash of the account': {
    sql: "update ledger_accounts set hash = '\\x00' where store_id = $1 and id = $2",
    seq: 5,
    fault: 'hash',
  },
  'the number of the account': {
    sql: 'update ledger_accounts set seq = 4 where store_id = $1 and id = $2',
    seq: 5,
    fault: 'gap',
  },
  'the balance of the account': {
    sql: 'update ledger_accounts set balance = balance + 1 where store_id = $1 and id = $2',
    seq: 5,
    fault: 'balance',
  },
  'the unit of the account': {
    sql: "update ledger_accounts set unit = 'KWD' where store_id = $1 and id = $2",
    seq: 5,
    fault: 'unit',
  },
};

t.test('L8 every change by SQL is named at its transfer, in this account alone', async (t) => {
  await database.owner.query('alter table allocations drop constraint allocations_transfer_fk');
  await database.owner.query('alter table lots drop constraint lots_transfer_fk');
  await database.owner.query('alter table transfer_notes drop constraint transfer_notes_transfer_fk');
  for (const [what, { sql, seq, fault }] of Object.entries(TAMPERED)) {
    const { change, verify, accounts } = await books();
    await change(sql.replace(/;$/, ''));
    if (sql.endsWith(';')) await change(`update transfers set seq = seq - 1000 where ${OWN} and seq > 1000`);
    const { brokenCount, broken } = await verify();
    t.equal(brokenCount, 1, what);
    t.match(broken, [{ accountId: accounts[0], seq, fault }], what);
  }
});

t.test('L8 a balance without transfers is named too', async (t) => {
  const { verify, storeId, accounts } = await books();
  const { rows } = await database.owner.query(
    "update ledger_accounts set balance = 7, hash = '' where store_id = $1 and seq = 0 returning id",
    [storeId],
  );
  t.match(await verify(), { brokenCount: 1, broken: [{ accountId: rows[0].id, fault: 'balance' }] });
  t.notOk(accounts.includes(rows[0].id));
});

/** Several batches: an account with 4,500 transfers, and 4,500 accounts without any. */
async function largeBooks() {
  const store = await books();
  const { data } = await store.call('POST', '/v1/customers', { lastName: 'Long', accountStatus: 'active' });
  const key = { customerId: data.id as string, unit: 'EUR' };
  const ctx = store.ctx();
  await ensureAccounts(ctx.db, [key], ctx);
  const id = await transaction(ctx.db, async (tx) => {
    const [account] = await lockAccounts(tx, [key]);
    const state = account?.state as AccountState;
    const entries = Array.from({ length: 4_500 }, (): Entry => {
      const lot = { id: ctx.newId(), amount: 5, activeFrom: ctx.now, expiresAt: null };
      return { id: ctx.newId(), kind: 'grant', amount: 5, effectiveAt: ctx.now, opens: [lot] };
    });
    await saveBookings(ctx, tx, [book(state, entries, ctx.now, chainHash)], []);
    return state.id;
  });
  await database.owner.query(
    `insert into ledger_accounts (store_id, id, customer_id, unit, balance, overdraft, seq, version, hash, created_at, updated_at)
     select $1, gen_random_uuid(), $2, 'U' || n, 0, 0, 0, 0, '', now(), now() from generate_series(1, 4500) n`,
    [store.storeId, key.customerId],
  );
  return { ...store, key, long: id };
}

t.test(
  'L8 chains and lists of accounts longer than a batch; at most 100 broken accounts are named',
  async (t) => {
    const { verify, storeId, long } = await largeBooks();
    t.match(await verify(), { accounts: 4504, transfers: 4510, brokenCount: 0 });
    const cut = 'update transfers set amount = 6 where store_id = $1 and account_id = $2 and seq = 4001';
    await database.owner.query(cut, [storeId, long]);
    t.match(await verify(), { brokenCount: 1, broken: [{ accountId: long, seq: 4001, fault: 'hash' }] });
    await database.owner.query(
      "update ledger_accounts set balance = 1 where store_id = $1 and unit <> 'EUR'",
      [storeId],
    );
    const { brokenCount, broken } = await verify();
    t.equal(brokenCount, 4501);
    t.equal(broken.length, 100);
  },
);

t.test('L8 an account that grows while it is exported is exported as its line says', async (t) => {
  const { ctx, key, long } = await largeBooks();
  const text: string[] = [];
  for await (const chunk of exportLedger(ctx())) {
    text.push(String(chunk));
    await redeemCredit(ctx(), key.customerId, { amount: 1, currency: 'EUR' });
  }
  const lines = text.join('').trimEnd().split('\n');
  t.match(await check(lines), { accounts: 4504, brokenCount: 0, broken: [] });
  t.notOk((await check(lines)).problem);
  const { seq } = JSON.parse(lines.find((line) => line.includes(`"account","id":"${long}"`)) ?? '{}');
  t.equal(lines.filter((line) => line.includes(`"1|${long}|`)).length, seq);
});

async function exported(): Promise<{ lines: string[]; storeId: string; accounts: string[] }> {
  const { call, storeId, accounts } = await books();
  const answer = await call('GET', '/v1/ledger/export');
  t.match(answer.headers['content-type'], 'application/x-ndjson');
  return { lines: answer.body.trimEnd().split('\n'), storeId, accounts };
}

const check = (lines: readonly string[]): Promise<ExportReport> =>
  verifyExport(
    (async function* () {
      yield Buffer.from(`${lines.join('\n')}\n`);
    })(),
  );

t.test('L8 an export holds without a database, plain and gzipped, and names nobody', async (t) => {
  const { lines, storeId } = await exported();
  t.match(await check(lines), { storeId, accounts: 3, transfers: 10, brokenCount: 0, broken: [] });
  t.notOk((await check(lines)).problem);
  const zipped = gzipSync(lines.join('\n'));
  t.match(
    await verifyExport(
      (async function* () {
        yield zipped;
      })(),
    ),
    { transfers: 10, brokenCount: 0 },
  );
  t.notMatch(lines.join('\n'), /Secret reason|@example/);
});

t.test('L8 every changed character of an exported transfer is found', async (t) => {
  const { lines } = await exported();
  const place = lines.findIndex((line) => line.includes('redemption'));
  const { type, content, hash } = JSON.parse(lines[place] ?? '{}');
  for (let index = 0; index < content.length; index++) {
    const byte = content[index] === '1' ? '2' : '1';
    const changed = content.slice(0, index) + byte + content.slice(index + 1);
    const report = await check(lines.with(place, JSON.stringify({ type, content: changed, hash })));
    t.ok(report.brokenCount === 1 || report.problem?.line === place + 1, `character ${index}`);
  }
});

t.test('L8 lines of an export that are missing, doubled, swapped or foreign are found', async (t) => {
  const { lines, accounts } = await exported();
  const [first = ''] = accounts;
  const head = lines.findIndex((line) => line.includes(`"account","id":"${first}"`));
  const without = (index: number) => lines.toSpliced(index, 1);
  const named = (seq: number, fault: string) => ({
    brokenCount: 1,
    broken: [{ accountId: first, seq, fault }],
  });
  t.match(await check(without(head + 3)), { ...named(3, 'gap'), problem: { code: 'EXPORT_INCOMPLETE' } });
  t.match(await check(without(head + 5)), named(5, 'gap'));
  const [two = '', three = ''] = [lines[head + 2], lines[head + 3]];
  t.match(await check(lines.with(head + 2, three).with(head + 3, two)), named(2, 'gap'));
  t.match(await check(lines.toSpliced(head + 2, 0, two)), named(3, 'gap'));
  t.match(await check(lines.slice(0, -1)), { problem: { code: 'EXPORT_TRUNCATED' } });
  t.match(await check([...lines.slice(0, -1), lines.at(-1)?.slice(0, 20) ?? '']), {
    problem: { code: 'EXPORT_TRUNCATED' },
  });
  t.match(await check(lines.with(head + 2, '{"type":')), {
    problem: { code: 'EXPORT_BROKEN', line: head + 3 },
  });
  t.match(await check(['{"id":1}']), { problem: { code: 'EXPORT_FOREIGN' } });
  t.match(await check(['customer,name', '1,Ada']), { problem: { code: /EXPORT_/ } });
  t.match(await check(lines.with(0, (lines[0] ?? '').replace('"version":1', '"version":2'))), {
    problem: { code: 'EXPORT_VERSION' },
  });
  t.match(await check([...lines, lines[1] ?? '']), { problem: { code: 'EXPORT_BROKEN' } });
  const withoutAccount = lines.toSpliced(head, 6);
  t.match(await check(withoutAccount), { brokenCount: 0, problem: { code: 'EXPORT_INCOMPLETE' } });
  const renamed = lines.with(head, (lines[head] ?? '').replace(first, randomUUID()));
  t.match(await check(renamed), { brokenCount: 1 }, 'a chain under the name of another account');
});

t.test('L8 `clientele verify FILE` says by its exit code whether an export holds', async (t) => {
  const { lines, accounts } = await exported();
  const folder = await mkdtemp(join(tmpdir(), 'clientele-export-'));
  const run = async (name: string, content: readonly string[]) => {
    const file = join(folder, name);
    await writeFile(file, `${content.join('\n')}\n`);
    return new Promise<{ code: number; said: string }>((resolve) => {
      execFile(process.execPath, [CLI, 'verify', file], (error, stdout, stderr) =>
        resolve({ code: Number(error?.code ?? 0), said: stdout + stderr }),
      );
    });
  };
  t.match(await run('good', lines), { code: 0, said: /3 accounts, 10 transfers\.\nEvery chain holds/ });
  const bad = lines.map((line) => line.replace('|-200|', '|-201|'));
  const { code, said } = await run('bad', bad);
  t.equal(code, 1);
  for (const id of accounts) t.match(said, id);
  t.match(said, /transfer 3 .*not what was hashed\n/);
  t.match(await run('short', lines.slice(0, 4)), { code: 1, said: /cut off/ });
  t.match(await run('foreign', ['{}']), { code: 1, said: /no ledger export/ });
});
