// What the customers of segment tests said about mails, and addresses that get none: every state at the present address,
// at another one, and about topics that are granted beside others that are not.
import fc from 'fast-check';
import { newId } from '../../src/context.ts';
import type { Tx } from '../../src/db/connection.ts';
import { insertRows } from '../../src/db/record-sets.ts';
import { consents } from '../../src/db/tables/consents.ts';
import { suppressions } from '../../src/db/tables/messages.ts';
import {
  CHANNELS,
  CONSENT_STATES,
  PRESET_TOPICS,
  SUPPRESSION_REASONS,
} from '../../src/domain/mail/consents.ts';

const insert = {
  consents: insertRows<object>('test_consents', consents),
  suppressions: insertRows<object>('test_suppressions', suppressions),
};

const NOW = new Date('2026-11-22T10:30:00Z');
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null, freq: 2 });
const pick = <T>(values: readonly T[]) => fc.constantFrom(...values);

/** What a customer said, and whether their address gets mail. */
export const statements = (instant: fc.Arbitrary<Date>) =>
  fc.record({
    said: fc.uniqueArray(
      fc.record({
        channel: pick(CHANNELS),
        topic: pick(PRESET_TOPICS.map(({ key }) => key)),
        state: pick(CONSENT_STATES),
        since: instant,
        /** For an address that the customer had before. */
        isFormer: fc.integer({ min: 0, max: 5 }).map((roll) => roll === 0),
      }),
      { maxLength: 4, selector: ({ channel, topic }) => `${channel} ${topic}` },
    ),
    suppression: maybe(
      fc.record({ active: fc.boolean(), until: maybe(instant), reason: pick(SUPPRESSION_REASONS) }),
    ),
  });

export type Statements = ReturnType<typeof statements> extends fc.Arbitrary<infer T> ? T : never;

interface Person {
  email: string | null;
  phone: string | null;
  statements: Statements;
}

/** Whether the customer accepts marketing: what the copy on the row says. */
export const acceptsMarketing = ({ email, statements: { said } }: Omit<Person, 'phone'>): boolean =>
  email !== null &&
  said.some(({ channel, state, isFormer }) => channel === 'email' && state === 'granted' && !isFormer);

function consentRows({ email, phone, statements: { said } }: Person, index: number) {
  return said.flatMap(({ isFormer, since, ...fields }) => {
    const present = fields.channel === 'email' ? email : phone;
    const address = isFormer ? `former${index}@example.com` : present;
    return address === null ? [] : [{ ...fields, address, since, effectiveAt: since, eventId: newId() }];
  });
}

function suppressionRows({ email, statements: { suppression } }: Person, index: number) {
  if (email === null || suppression === null) return [];
  const counts = { bounces: 0, countedSince: NOW, actor: 'test', createdAt: NOW, updatedAt: NOW };
  const addressHash = `\\x${index.toString(16).padStart(8, '0')}`;
  return [{ ...suppression, ...counts, email, addressHash, messageId: null, note: null }];
}

/** Writes down what the customers said. */
export async function state(tx: Tx, people: readonly Person[]): Promise<void> {
  await insert.consents(tx, people.flatMap(consentRows));
  await insert.suppressions(tx, people.flatMap(suppressionRows));
}
