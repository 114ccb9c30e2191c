// A store with a programme, and members with points, for suites about rewards and referrals.
import { randomBytes, randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { post } from '../../src/actions/ledger.ts';
import { putProgramme } from '../../src/actions/loyalty-programme.ts';
import { transaction } from '../../src/db/connection.ts';
import { findMember, insertMembers, updateMembers } from '../../src/db/loyalty-members.ts';
import { POINTS } from '../../src/domain/ledger/accounts.ts';
import { DEFAULT_PROGRAMME, type ProgrammeSettings } from '../../src/domain/loyalty/programme.ts';
import { referralCode } from '../../src/domain/loyalty/referrals.ts';
import { type Answer, call, type TestDatabase, type TestStore, testStore } from './harness.ts';

export interface LoyaltyStore extends TestStore {
  /** An active customer who is a member; answers the id. */
  member(options?: { tier?: string; points?: number; email?: string; expiresAt?: Date }): Promise<string>;
  grant(customerId: string, points: number, expiresAt?: Date): Promise<void>;
  points(customerId: string): Promise<{ balance: number; available: number; held: number }>;
  /** POST with a fresh Idempotency-Key. */
  post(url: string, body?: object, key?: string): Promise<Answer>;
  /** What the storefront answers to this customer. */
  shop(customerId: string): Promise<(method: string, path: string, body?: object) => Promise<Answer>>;
}

/** Opens points for a customer, as earning does. */
async function grantPoints(store: TestStore, customerId: string, points: number, expiresAt: Date | null) {
  const ctx = store.ctx();
  const id = ctx.newId();
  await post(ctx, { customerId, unit: POINTS }, {}, async ({ at }) => ({
    entries: [
      {
        id,
        kind: 'grant',
        amount: points,
        effectiveAt: at,
        opens: [{ id: ctx.newId(), amount: points, activeFrom: at, expiresAt }],
      },
    ],
    tell: () => [],
    answer: () => points,
  }));
}

async function enrol(store: TestStore, customerId: string, tier: string | null): Promise<void> {
  const { db, now } = store.ctx();
  await transaction(db, async (tx) => {
    const row = {
      customerId,
      status: 'active' as const,
      enrolledAt: now,
      leftAt: null,
      pointsEarned: 0,
      lastActivityAt: now,
      tier,
      tierEarned: tier,
      tierSince: now,
      periodEndsAt: null,
      overrideTier: null,
      overrideUntil: null,
      overrideReason: null,
      tierDueAt: null,
      referralCode: referralCode(randomBytes(8)),
      birthdayRewardedYear: null,
      birthdayEditedYear: null,
      version: 1,
      updatedAt: now,
    };
    const added = await insertMembers(tx, [row]);
    const known = added.has(customerId) ? undefined : await findMember(tx, customerId);
    if (known) await updateMembers(tx, [{ ...known, tier, tierEarned: tier }]);
  });
}

/** A new store with this programme. */
export async function loyaltyStore(
  app: FastifyInstance,
  database: TestDatabase,
  settings: Partial<ProgrammeSettings> = {},
): Promise<LoyaltyStore> {
  const store = await testStore(app, database);
  await putProgramme(store.ctx(), { ...DEFAULT_PROGRAMME, ...settings });
  const post = (url: string, body: object = {}, key: string = randomUUID()) =>
    store.call('POST', url, body, { 'idempotency-key': key });
  return {
    ...store,
    post,
    grant: (customerId, points, expiresAt) => grantPoints(store, customerId, points, expiresAt ?? null),
    async member({ tier, points = 0, email = `${randomUUID()}@example.com`, expiresAt } = {}) {
      const made = await store.call('POST', '/v1/customers', { email, accountStatus: 'active' });
      if (made.statusCode !== 201) throw new Error(made.body);
      await enrol(store, made.data.id, tier ?? null);
      if (points > 0) await grantPoints(store, made.data.id, points, expiresAt ?? null);
      return made.data.id;
    },
    async points(customerId) {
      const { rows } = await database.owner.query(
        `select a.balance::integer as balance,
           coalesce((select sum(h.amount) from holds h
             where h.account_id = a.id and h.status = 'open' and h.expires_at > now()), 0)::integer as held
         from ledger_accounts a where a.store_id = $1 and a.customer_id = $2 and a.unit = 'points'`,
        [store.storeId, customerId],
      );
      const { balance, held } = rows[0] ?? { balance: 0, held: 0 };
      return { balance, held, available: balance - held };
    },
    async shop(customerId) {
      const made = await store.call('POST', `/v1/customers/${customerId}/storefront-tokens`, {});
      if (made.statusCode !== 201) throw new Error(made.body);
      return (method, path, body) =>
        call(app, made.data.token, method, `/storefront/v1${path}`, body, {
          'idempotency-key': randomUUID(),
        });
    },
  };
}
