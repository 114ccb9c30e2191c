// Asks a segment query both ways: as SQL over the whole store, found at once and probed one by one, and of every
// customer alone.
import assert from 'node:assert';
import { sql } from 'drizzle-orm';
import { type Db, execute } from '../../src/db/connection.ts';
import { isListed } from '../../src/db/customer-selection.ts';
import { conditionOf } from '../../src/db/segments/compile.ts';
import { loadFacts } from '../../src/db/segments/facts.ts';
import type { BindEnv } from '../../src/domain/segments/bind.ts';
import type { Bound } from '../../src/domain/segments/bound.ts';
import { matches } from '../../src/domain/segments/evaluate.ts';
import type { Facts } from '../../src/domain/segments/facts.ts';
import { bound } from './segment-binding.ts';

/** Ids of the members by SQL, sorted. */
export async function membersOf(db: Db, query: Bound, form: 'set' | 'probe'): Promise<string[]> {
  const rows = await execute<{ id: string }>(
    db,
    sql`
      select customers.id from customers
      where ${isListed(db.storeId)} and ${conditionOf(query, { storeId: db.storeId, form })} order by customers.id`,
  );
  return rows.map(({ id }) => id);
}

/** The facts of these customers. */
export async function factsOf(
  db: Db,
  ids: readonly string[],
  { catalogue, calendar }: Pick<BindEnv, 'catalogue' | 'calendar'>,
): Promise<Facts[]> {
  const facts: Facts[] = [];
  for (const id of ids) {
    const one = await loadFacts(db, id, { catalogue, at: calendar.at });
    if (one) facts.push(one);
  }
  return facts;
}

/** Ids of the members by the evaluator of one customer, sorted. */
export const membersAmong = (query: Bound, facts: readonly Facts[]): string[] =>
  facts
    .filter((one) => matches(query, one))
    .map(({ customerId }) => customerId)
    .sort();

/** Ids of the members, sorted; throws where SQL, at once or one by one, and the facts disagree. */
export async function askBoth(db: Db, text: string, env: BindEnv, ids: readonly string[]): Promise<string[]> {
  const query = bound(text, env);
  const alone = membersAmong(query, await factsOf(db, ids, env));
  for (const form of ['set', 'probe'] as const) {
    assert.deepEqual(await membersOf(db, query, form), alone, `${form} evaluation of ${text}`);
  }
  return alone;
}
