// Password hashes: argon2id in the threads of libuv, at most one less at a time than there are processors.
import { availableParallelism } from 'node:os';
import { type Algorithm, hash, parseOptions, verify } from '@node-rs/argon2';

/** OWASP: 19 MiB, two passes, one lane. The enum of the package has no values at run time; 2 is argon2id. */
const PARAMETERS = { algorithm: 2 as Algorithm, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;
const SALT = 'AAAAAAAAAAAAAAAAAAAAAA';
const NOBODYS_HASH = 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';

/** Costs as much to verify as a real one, and no password fits. */
const NOBODYS = `$argon2id$v=19$m=${PARAMETERS.memoryCost},t=${PARAMETERS.timeCost},p=${PARAMETERS.parallelism}$${SALT}$${NOBODYS_HASH}`;

/** Threads that libuv starts unless the environment says otherwise; one is left for files and names of hosts. */
const LIBUV_THREADS = 4;
/** One processor is left for the event loop: with a hash on each, every other request waits for the scheduler. */
const DEFAULT_CONCURRENCY = Math.max(1, Math.min(availableParallelism(), LIBUV_THREADS) - 1);
/** With 20 to 40 ms for each, whoever waits in the last place waits two to three seconds. */
const DEFAULT_WAITING = 64 * DEFAULT_CONCURRENCY;

/** More wait than can be served in a reasonable time. */
export class PasswordsBusy extends Error {
  override name = 'PasswordsBusy';
}

export interface Verdict {
  matches: boolean;
  /** Made with other parameters than today's: worth hashing again, now that the password is at hand. */
  outdated: boolean;
}

export interface Passwords {
  /** The PHC string of a password. */
  hash(password: string): Promise<string>;
  /** Whether the password is that of the PHC string; without one it takes as long and says no. */
  verify(stored: string | undefined, password: string): Promise<Verdict>;
}

function isOutdated(stored: string): boolean {
  const made = parseOptions(stored);
  return (Object.keys(PARAMETERS) as (keyof typeof PARAMETERS)[]).some(
    (name) => made[name] !== PARAMETERS[name],
  );
}

/**
 * Runs at most `concurrency` at a time and lets `maxWaiting` wait in turn.
 * @throws PasswordsBusy when as many wait already
 */
export function takingTurns(concurrency: number, maxWaiting: number) {
  const waiting: (() => void)[] = [];
  let running = 0;
  const leave = () => {
    const next = waiting.shift();
    if (next) next();
    else running--;
  };
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (running < concurrency) running++;
    else if (waiting.length >= maxWaiting) throw new PasswordsBusy();
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      leave();
    }
  };
}

/** `concurrency` hashes are worked on at once; beyond `maxWaiting` more, callers are turned away with PasswordsBusy. */
export function createPasswords({
  concurrency = DEFAULT_CONCURRENCY,
  maxWaiting = DEFAULT_WAITING,
} = {}): Passwords {
  const inTurn = takingTurns(concurrency, maxWaiting);
  return {
    hash: (password) => inTurn(() => hash(password, PARAMETERS)),
    verify: (stored, password) =>
      inTurn(async () => {
        const matches = await verify(stored ?? NOBODYS, password);
        return {
          matches: matches && stored !== undefined,
          outdated: matches && isOutdated(stored ?? NOBODYS),
        };
      }),
  };
}

/** Of this process: the cap is on its processors, so all that hash share it. */
export const passwords: Passwords = createPasswords();
