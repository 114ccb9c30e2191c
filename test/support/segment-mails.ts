// Mails of the customers of segment tests: sent ones with and without what came of them, of campaigns and of none, and
// others that never left.
import fc from 'fast-check';
import { newId } from '../../src/context.ts';
import type { Tx } from '../../src/db/connection.ts';
import { insertRows } from '../../src/db/record-sets.ts';
import { messages } from '../../src/db/tables/messages.ts';
import { CAMPAIGNS } from './segment-pools.ts';

const insert = insertRows<object>('test_messages', messages);

const NOW = new Date('2026-11-22T10:30:00Z');
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null, freq: 1 });

/** Mails to a customer. */
export const correspondence = (instant: fc.Arbitrary<Date>) =>
  fc.array(
    fc.record({
      campaignId: maybe(fc.constantFrom(...CAMPAIGNS)),
      sentAt: fc.option(instant, { nil: null, freq: 4 }),
      deliveredAt: maybe(instant),
      clickedAt: maybe(instant),
      bouncedAt: maybe(instant),
      complainedAt: maybe(instant),
      unsubscribedAt: maybe(instant),
    }),
    { maxLength: 3 },
  );

export type Correspondence = ReturnType<typeof correspondence> extends fc.Arbitrary<infer T> ? T : never;

/** Writes down the mails; nobody is written to twice by one campaign. */
export async function correspond(
  tx: Tx,
  people: readonly { id: string; facts: { correspondence: Correspondence } }[],
): Promise<void> {
  const rows = people.flatMap(({ id: customerId, facts }) =>
    facts.correspondence.map((mail, index) => {
      const before = facts.correspondence.slice(0, index);
      const isSecond = before.some(({ campaignId }) => campaignId === mail.campaignId);
      return {
        ...mail,
        campaignId: isSecond ? null : mail.campaignId,
        id: newId(),
        customerId,
        kind: 'campaign',
        class: 'marketing',
        status: mail.sentAt ? 'sent' : 'unknown',
        data: {},
        sendAfter: NOW,
        attempts: 1,
        createdAt: NOW,
      };
    }),
  );
  await insert(tx, rows);
}
