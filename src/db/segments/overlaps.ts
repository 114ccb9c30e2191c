// How many customers several segments have, and how many of them are in two at once.
import { type SQL, sql } from 'drizzle-orm';
import type { Bound } from '../../domain/segments/bound.ts';
import { type Db, execute } from '../connection.ts';
import { resolveNames, selectionCondition } from '../customer-selection.ts';

/** Customers who are in exactly the segments whose bits the mask has: bit 0 for the first one. */
export interface MaskCount {
  mask: number;
  total: number;
}

/**
 * In one statement: each segment by its own best plan, then the segments of each customer as bits. Asking every
 * customer about every segment was rejected: it cannot use an index, and joins become probes.
 */
export async function countByMask(db: Db, segments: readonly Bound[]): Promise<MaskCount[]> {
  const members: SQL[] = [];
  for (const [index, segment] of segments.entries()) {
    const condition = selectionCondition(db.storeId, await resolveNames(db, { segment }));
    const bit = sql.raw(String(1 << index));
    members.push(sql`select customers.id, ${bit} as bit from customers where ${condition}`);
  }
  return execute<MaskCount>(
    db,
    sql`
      select mask, count(*) as total
      from (
        select id, bit_or(bit) as mask from (${sql.join(members, sql` union all `)}) members group by id
      ) masks
      group by mask`,
  );
}

/** Customers who are in all of the segments with these numbers. */
export const totalOf = (counts: readonly MaskCount[], ...numbers: readonly number[]): number => {
  const wanted = numbers.reduce((bits, number) => bits | (1 << number), 0);
  return counts.reduce((sum, { mask, total }) => ((mask & wanted) === wanted ? sum + total : sum), 0);
};
