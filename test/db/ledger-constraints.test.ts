// The books as Postgres guards them, whatever the code above would do: as the service's own role, past every rule in code.
import t from 'tap';
import { dbOf, sqlStateOf } from '../../src/db/connection.ts';
import { newShopper } from '../support/credit.ts';
import { testApp, testDatabase, testStore } from '../support/harness.ts';
import { ledgerFaults } from '../support/ledger-invariants.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);

const FORBIDDEN = '42501';
const CHECK = '23514';
const UNIQUE = '23505';
const FOREIGN_KEY = '23503';
const RESTRICT = '23001';

const LEDGER_TABLES = [
  'ledger_accounts',
  'transfers',
  'transfer_notes',
  'lots',
  'allocations',
  'overdrafts',
  'holds',
  'messages',
];

/** A store with a grant, a spend, a hold and an overdraft in its books. */
async function books() {
  const store = await testStore(app, database);
  const set = await store.call('PATCH', '/v1/store', { creditAllowNegative: true });
  if (set.statusCode !== 200) throw new Error(set.body);
  const shopper = await newShopper(store);
  const { data } = await shopper.grant(1000, { notify: true });
  await shopper.credit('/redeem', { amount: 300, currency: 'EUR' });
  await shopper.credit('/holds', { amount: 200, currency: 'EUR' });
  await shopper.credit('', { amount: -600, currency: 'EUR', reason: 'Mistake' });
  const db = dbOf(database.pool, store.storeId);
  const asService = (text: string, values: unknown[] = []) =>
    db.use(({ client }) => client.query(text, values));
  /** SQLSTATE and constraint of the refusal; undefined when it was done. */
  const refusal = async (text: string, values: unknown[] = []) => {
    try {
      await asService(text, values);
      return undefined;
    } catch (error) {
      return [sqlStateOf(error), (error as { constraint?: string }).constraint];
    }
  };
  return { ...store, asService, refusal, grant: data.transfer, accountId: data.account.id as string };
}

/** Adds a row like one that is there, with some columns changed. */
const copyOf = (table: string, changes: Record<string, string>): string =>
  `insert into ${table} select (jsonb_populate_record(null::${table}, to_jsonb(x) || jsonb_build_object(${Object.entries(
    changes,
  )
    .map(([column, value]) => `'${column}', ${value}`)
    .join(', ')}))).* from (select * from ${table} limit 1) x`;

t.test('L1: the service may neither change nor delete transfers and allocations', async (t) => {
  const { refusal } = await books();
  for (const text of [
    'update transfers set amount = amount + 1',
    "update transfers set reference = 'other'",
    'delete from transfers',
    'truncate transfers',
    'update allocations set amount = amount + 1',
    'delete from allocations',
    'truncate allocations',
  ])
    t.same((await refusal(text))?.[0], FORBIDDEN, text);
});

t.test('accounts, lots, overdrafts and holds are never deleted by the service', async (t) => {
  const { refusal } = await books();
  for (const table of ['ledger_accounts', 'lots', 'overdrafts', 'holds'])
    t.same((await refusal(`delete from ${table}`))?.[0], FORBIDDEN, table);
});

t.test('the service cannot give itself the privileges back, nor leave row-level security', async (t) => {
  const { refusal } = await books();
  // Postgres only warns of a grant that one may not make.
  await refusal('grant update on transfers to clientele_app');
  for (const text of [
    'update transfers set amount = amount',
    'alter table transfers disable row level security',
    'alter table lots drop constraint lots_remaining_valid',
    'drop table allocations',
  ])
    t.same((await refusal(text))?.[0], FORBIDDEN, text);
});

t.test(
  'L3: nothing remains of a lot below zero or above its amount, and is_open says the same',
  async (t) => {
    const { refusal } = await books();
    const refused = [CHECK, 'lots_remaining_valid'];
    t.same(await refusal('update lots set remaining = -1, is_open = false'), refused);
    t.same(await refusal('update lots set remaining = amount + 1'), refused);
    t.same(await refusal('update lots set amount = 0, remaining = 0, is_open = false'), refused);
    t.same(await refusal('update lots set is_open = not is_open'), refused);
    t.same(await refusal('update lots set remaining = 0'), refused, 'empty, but still open');
    t.same(await refusal('update lots set expires_at = active_from'), [CHECK, 'lots_expiry_valid']);
  },
);

t.test('L6: a balance is not below zero beyond what the overdrafts owe', async (t) => {
  const { refusal } = await books();
  const refused = [CHECK, 'ledger_accounts_balance_valid'];
  t.same(await refusal('update ledger_accounts set balance = -overdraft - 1'), refused);
  t.same(await refusal('update ledger_accounts set overdraft = -1'), refused);
  t.same(await refusal('update ledger_accounts set seq = -1'), refused);
});

t.test('overdrafts owe between nothing and their amount; holds capture no more than they hold', async (t) => {
  const { refusal, asService } = await books();
  t.equal((await asService('select from overdrafts')).rowCount, 1);
  t.same(await refusal('update overdrafts set remaining = -1'), [CHECK, 'overdrafts_remaining_valid']);
  t.same(await refusal('update overdrafts set remaining = amount + 1'), [
    CHECK,
    'overdrafts_remaining_valid',
  ]);
  t.same(await refusal('update holds set captured = amount + 1'), [CHECK, 'holds_captured_valid']);
  t.same(await refusal('update holds set captured = -1'), [CHECK, 'holds_captured_valid']);
  t.same(await refusal("update holds set status = 'lost'"), [CHECK, 'holds_status_valid']);
});

t.test(
  'L7: a reference names one transfer and one hold of the store; another store may use it too',
  async (t) => {
    const { refusal, grant } = await books();
    const fresh = { id: 'gen_random_uuid()', seq: '100' };
    t.same(await refusal(copyOf('transfers', fresh)), [UNIQUE, 'transfers_reference_unique']);
    t.same(await refusal(copyOf('holds', { id: 'gen_random_uuid()' })), [UNIQUE, 'holds_reference_unique']);
    t.equal(
      await refusal(copyOf('transfers', { ...fresh, reference: "'fresh'" })),
      undefined,
      'otherwise it works',
    );
    const other = await newShopper(await testStore(app, database));
    t.equal((await other.grant(1, { reference: grant.reference })).statusCode, 201);
  },
);

t.test('L8: a number is given once in an account; amounts and numbers are above zero', async (t) => {
  const { refusal } = await books();
  const fresh = { id: 'gen_random_uuid()', reference: 'gen_random_uuid()' };
  t.same(await refusal(copyOf('transfers', fresh)), [UNIQUE, 'transfers_seq_unique']);
  for (const wrong of [
    { seq: '0' },
    { seq: '-1' },
    { seq: '100', amount: '0' },
    { seq: '100', amount: '-5' },
  ])
    t.same(await refusal(copyOf('transfers', { ...fresh, ...wrong })), [CHECK, 'transfers_amount_valid']);
  t.same(await refusal(copyOf('transfers', { reference: "'x'", seq: '100' })), [UNIQUE, 'transfers_pk']);
});

t.test('L3: an allocation is of a transfer and a lot that are there, once, and of something', async (t) => {
  const { refusal } = await books();
  const strange = 'gen_random_uuid()';
  t.same(await refusal(copyOf('allocations', {})), [UNIQUE, 'allocations_pk']);
  t.same(await refusal(copyOf('allocations', { seq: '100', amount: '0' })), [
    CHECK,
    'allocations_amount_valid',
  ]);
  t.same(await refusal(copyOf('allocations', { transfer_id: strange })), [
    FOREIGN_KEY,
    'allocations_transfer_fk',
  ]);
  t.same(await refusal(copyOf('allocations', { lot_id: strange })), [FOREIGN_KEY, 'allocations_lot_fk']);
  t.same(
    await refusal(copyOf('allocations', { seq: '100', account_id: strange })),
    [FOREIGN_KEY, 'allocations_lot_fk'],
    'a lot of another account',
  );
});

t.test('K3: a customer has one account of each unit; a customer with books cannot be deleted', async (t) => {
  const { refusal } = await books();
  t.same(await refusal(copyOf('ledger_accounts', { id: 'gen_random_uuid()' })), [
    UNIQUE,
    'ledger_accounts_unit_unique',
  ]);
  const [state, constraint] = (await refusal('delete from customers')) ?? [];
  t.ok(state === RESTRICT || state === FOREIGN_KEY, 'PostgreSQL 18 tells RESTRICT apart');
  t.equal(constraint, 'ledger_accounts_customer_fk');
  t.same(
    await refusal(copyOf('ledger_accounts', { id: 'gen_random_uuid()', customer_id: 'gen_random_uuid()' })),
    [FOREIGN_KEY, 'ledger_accounts_customer_fk'],
  );
});

t.test("another store's books are invisible, cannot be written and cannot be written into", async (t) => {
  const [mine, theirs] = [await books(), await books()];
  for (const table of LEDGER_TABLES) {
    const { rows } = await mine.asService(`select distinct store_id from ${table}`);
    t.same(rows, [{ store_id: mine.storeId }], table);
    const seen = await mine.asService(`select from ${table} where store_id = $1`, [theirs.storeId]);
    t.equal(seen.rowCount, 0, table);
    t.same(
      (await mine.refusal(copyOf(table, { store_id: `'${theirs.storeId}'::uuid` })))?.[0],
      FORBIDDEN,
      table,
    );
  }
  for (const text of ['update ledger_accounts set balance = 9', 'update lots set source = null'])
    t.equal((await mine.asService(`${text} where store_id = $1`, [theirs.storeId])).rowCount, 0, text);
  t.same(await mine.refusal(copyOf('transfers', { id: 'gen_random_uuid()', seq: '9', reference: "'x'",
    account_id: `'${theirs.accountId}'::uuid` })), [FOREIGN_KEY, 'transfers_account_fk']); // biome-ignore format: x
  t.same(await ledgerFaults(database.owner, theirs.storeId), []);
});

t.test('L2–L8: the check in SQL finds each kind of damage (as the owner, past all guards)', async (t) => {
  const damage: Record<string, string> = {
    'L2 balance is credits': 'update ledger_accounts set balance = balance + 1, overdraft = overdraft + 1',
    'L2 balance is lots': 'update lots set amount = amount + 1, remaining = remaining + 1, is_open = true',
    'L2 the overdraft': 'update ledger_accounts set overdraft = overdraft + 1',
    'L3 a lot has': 'update lots set amount = amount + 1',
    'L3 a debit': 'update allocations set amount = amount + 1',
    'L3 a credit': 'update lots set amount = amount - 1, remaining = remaining',
    'L5 nothing': "update lots set expires_at = created_at + interval '1 millisecond'",
    'L6 live holds': `update holds set amount = 900, lots = jsonb_set(lots, '{0,amount}', '900')`,
    'L8 numbers': 'update transfers set seq = seq + 1 where seq = 3',
    'L8 {': "update transfers set reference = reference || '.' where seq = 2",
    'L9 what': "update transfers set recorded_at = recorded_at + interval '1 hour' where seq = 1",
    'K6 a hold': 'update holds set amount = amount - 1',
    'K6 a captured': "update holds set status = 'captured'",
    'each change': "delete from events where kind = 'credit.granted'",
  };
  for (const [rule, text] of Object.entries(damage)) {
    const { storeId } = await books();
    t.same(await ledgerFaults(database.owner, storeId), [], 'sound before');
    const where = text.includes(' where ') ? ' and ' : ' where ';
    await database.owner.query(`${text}${where}store_id = $1`, [storeId]);
    const faults = await ledgerFaults(database.owner, storeId);
    t.ok(
      faults.some((fault) => fault.startsWith(rule)),
      `${rule}: ${faults}`,
    );
  }
});

t.test('L5, K7: the check in SQL finds an early expiry and a refund of too much', async (t) => {
  const { storeId } = await books();
  await database.owner.query("update transfers set kind = 'expiry' where store_id = $1 and seq = 2", [
    storeId,
  ]);
  await database.owner.query(
    `update transfers set corrects_id = (select id from transfers where store_id = $1 and seq = 2)
     where store_id = $1 and seq = 1`,
    [storeId],
  );
  const faults = await ledgerFaults(database.owner, storeId);
  t.ok(
    faults.some((fault) => fault.startsWith('L5 a lot expires')),
    `${faults}`,
  );
  t.ok(
    faults.some((fault) => fault.startsWith('K7')),
    `${faults}`,
  );
});

t.test('an account that is named twice, or nowhere, is refused by its keys', async (t) => {
  const { refusal } = await books();
  for (const table of ['lots', 'overdrafts', 'transfer_notes'])
    t.same(
      await refusal(copyOf(table, { transfer_id: 'gen_random_uuid()', id: 'gen_random_uuid()' })),
      [FOREIGN_KEY, `${table}_transfer_fk`],
      table,
    );
});
