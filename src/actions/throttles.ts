// Throttles of log-ins and of mails that strangers can ask for, shared by all processes through the database.
import { createHmac } from 'node:crypto';
import type { Ctx } from '../context.ts';
import type { Tx } from '../db/connection.ts';
import {
  blockedUntil,
  type Clearing,
  type Counter,
  clearCounters,
  countAttempt,
} from '../db/login-throttles.ts';
import { COUNTED_MS, networkOf, THROTTLES, type ThrottleKind } from '../domain/accounts/throttles.ts';
import { Problem } from '../errors.ts';

/** Counts attempts under keys that only this installation can make. */
export interface Throttles {
  /**
   * Counts one log-in to the account of the normalised address from the network, as if it failed.
   * @throws Problem LOGIN_THROTTLED while either has to wait; then no password may be looked at
   */
  enter(ctx: Ctx, login: Login): Promise<void>;
  /** What a log-in that succeeded forgets, for the statement that writes it. */
  clearingOf(ctx: Ctx, login: Login): Clearing;
  /** The account's owner is known again: failures are forgotten. */
  clear(ctx: Ctx, tx: Tx, login: Login): Promise<void>;
  /** Counts one mail to the normalised address; false: there were too many, so this one is not to be sent. */
  allowsMail(ctx: Ctx, address: string): Promise<boolean>;
}

export interface Login {
  account: string;
  ip: string | undefined;
}

const span = (ctx: Ctx) => ({ now: ctx.now, forgotten: new Date(ctx.now.getTime() - COUNTED_MS) });

async function waitSeconds(ctx: Ctx, counters: readonly Counter[]): Promise<number> {
  const until = await blockedUntil(
    ctx.db,
    counters.map(({ keyHash }) => keyHash),
  );
  return Math.max(1, Math.ceil(((until?.getTime() ?? 0) - ctx.now.getTime()) / 1000));
}

export function createThrottles(secret: Buffer): Throttles {
  const counter = (ctx: Ctx, kind: ThrottleKind, what: string): Counter => ({
    ...THROTTLES[kind],
    keyHash: createHmac('sha256', secret).update(`${ctx.storeId} ${kind} ${what}`).digest(),
  });
  const accountOf = (ctx: Ctx, login: Login) => counter(ctx, 'account', login.account);
  const networksOf = (ctx: Ctx, { ip }: Login) =>
    ip === undefined ? [] : [counter(ctx, 'network', networkOf(ip))];
  const clearingOf = (ctx: Ctx, login: Login): Clearing => ({
    account: accountOf(ctx, login).keyHash,
    networks: networksOf(ctx, login).map(({ keyHash }) => keyHash),
    free: THROTTLES.network.free,
  });
  return {
    async enter(ctx, login) {
      const counters = [accountOf(ctx, login), ...networksOf(ctx, login)];
      if (await countAttempt(ctx.db, counters, span(ctx))) return;
      throw new Problem('LOGIN_THROTTLED', { retryAfter: await waitSeconds(ctx, counters) });
    },
    clearingOf,
    clear: async (ctx, tx, login) => {
      await clearCounters(tx, clearingOf(ctx, login));
    },
    allowsMail: (ctx, address) => countAttempt(ctx.db, [counter(ctx, 'mail', address)], span(ctx)),
  };
}
