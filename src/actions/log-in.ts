// Log-in with address and password. Whoever is refused cannot tell why: unknown, guest, invited and wrong take as long.
import type { Ctx } from '../context.ts';
import { findLogin, rehashPassword } from '../db/credentials.ts';
import { normalisePassword } from '../domain/accounts/passwords.ts';
import { normaliseEmail } from '../domain/emails.ts';
import { Problem } from '../errors.ts';
import { hashPassword, verifyPassword } from './passwords.ts';
import { type Browser, type SessionGrant, startLogin } from './sessions.ts';
import type { Throttles } from './throttles.ts';

export interface Credentials {
  email: string;
  password: string;
}

/** A password that was found right; `rehashed` when it was kept with other parameters than today's. */
interface Proven {
  customerId: string;
  passwordHash: string;
  rehashed: string | undefined;
}

/** Who the password proves to be there. */
async function prove(ctx: Ctx, account: string, input: string): Promise<Proven> {
  const password = normalisePassword(input);
  const known = await findLogin(ctx.db, account);
  const { matches, outdated } = await verifyPassword(known?.passwordHash ?? undefined, password);
  if (!known?.passwordHash || !matches) throw new Problem('LOGIN_FAILED');
  if (known.accountStatus === 'disabled') throw new Problem('ACCOUNT_DISABLED');
  const { customerId, passwordHash } = known;
  return { customerId, passwordHash, rehashed: outdated ? await hashPassword(password) : undefined };
}

/**
 * Logs in. Each attempt is counted as a failure first, so that many at once count each other.
 * @throws Problem LOGIN_FAILED, ACCOUNT_DISABLED after the right password, LOGIN_THROTTLED, SERVICE_BUSY
 */
export async function logIn(
  ctx: Ctx,
  { email, password }: Credentials,
  browser: Browser,
  throttles: Throttles,
): Promise<SessionGrant> {
  const login = { account: normaliseEmail(email) ?? email.trim().toLowerCase(), ip: browser.ip };
  await throttles.enter(ctx, login);
  const { customerId, passwordHash, rehashed } = await prove(ctx, login.account, password);
  const proven = { passwordHash, ...throttles.clearingOf(ctx, login) };
  const grant = await startLogin(ctx, { customerId, ...browser }, proven);
  if (!grant) throw new Problem('LOGIN_FAILED');
  if (rehashed !== undefined)
    await rehashPassword(ctx.db, { customerId, before: passwordHash, passwordHash: rehashed });
  return grant;
}
