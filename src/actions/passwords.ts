// Passwords: hashed and compared outside of transactions, for that takes longer than all else.
import { type Passwords, PasswordsBusy, passwords, type Verdict } from '../clients/passwords.ts';
import { type PasswordOwner, readPassword } from '../domain/accounts/passwords.ts';
import { accepted, Problem } from '../errors.ts';

const inTurn = <T>(work: (passwords: Passwords) => Promise<T>): Promise<T> =>
  work(passwords).catch((error: unknown) => {
    throw error instanceof PasswordsBusy ? new Problem('SERVICE_BUSY') : error;
  });

/** The PHC string of a password in the form of `readPassword`. Never inside a transaction. */
export const hashPassword = (password: string): Promise<string> => inTurn(({ hash }) => hash(password));

/** Whether the password fits; without a hash it takes as long and says no. Never inside a transaction. */
export const verifyPassword = (stored: string | undefined, password: string): Promise<Verdict> =>
  inTurn(({ verify }) => verify(stored, password));

/**
 * The hash of a password that somebody chose.
 * @throws Problem PASSWORD_REFUSED, SERVICE_BUSY
 */
export const hashChosen = (input: string, owner: PasswordOwner, pointer?: string): Promise<string> =>
  hashPassword(accepted(readPassword(input, owner, pointer)).password);
