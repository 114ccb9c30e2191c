// What integrations and staff state about consent: checked as a whole, all problems at once.
import { normaliseEmail } from '../emails.ts';
import type { FieldProblem } from '../fields.ts';
import { normalisePhone } from '../phones.ts';
import type { Channel, ConsentAction, StatedSource } from './consents.ts';

/** A statement as the contract has it; whose consent it is stands elsewhere. */
export interface StatementInput {
  action: ConsentAction;
  /** Absent to withdraw: every topic. */
  topics?: readonly string[];
  effectiveAt?: string;
  source?: StatedSource;
  wording?: { version: string; text: string; locale: string };
  /** SHA-256 in hex of a wording that was sent before. */
  wordingHash?: string;
  proof?: string;
}

export interface Statement extends Pick<StatementInput, 'action' | 'source' | 'wording'> {
  /** Empty: every topic. */
  topics: readonly string[];
  effectiveAt: Date;
  wordingHash: Buffer | undefined;
  proof: { text?: string };
}

export type ConsentRefusal = { refused: 'CONSENT_INVALID'; errors: FieldProblem[] };

const isBlank = (text: string | undefined): boolean => text === undefined || text.trim() === '';

function problemsOf(input: StatementInput, effectiveAt: Date, now: Date): FieldProblem[] {
  const { action, topics = [], wording, wordingHash, proof } = input;
  const problems: FieldProblem[] = [];
  const refuse = (pointer: string, code: string, message: string) =>
    problems.push({ pointer, code, message });
  if (action !== 'withdraw' && topics.length === 0)
    refuse(
      '/topics',
      'TOPICS_MISSING',
      'Name what the consent is for; only a withdrawal can be for everything.',
    );
  if (effectiveAt > now) refuse('/effectiveAt', 'IN_FUTURE', 'Consent takes effect when it is given.');
  if (action === 'import' && input.effectiveAt === undefined)
    refuse('/effectiveAt', 'REQUIRED', 'Say when it was given: a later withdrawal must stay the last word.');
  if (action === 'import' && isBlank(proof))
    refuse('/proof', 'REQUIRED', 'Say how the consent was given and where that is kept.');
  if (wording && wordingHash !== undefined)
    refuse('/wordingHash', 'AMBIGUOUS', 'Send the wording or its hash, not both.');
  return problems;
}

/** Reads a statement that is made at `now`. */
export function readStatement(input: StatementInput, now: Date): Statement | ConsentRefusal {
  const effectiveAt = input.effectiveAt === undefined ? now : new Date(input.effectiveAt);
  const errors = problemsOf(input, effectiveAt, now);
  if (errors.length > 0) return { refused: 'CONSENT_INVALID', errors };
  return {
    action: input.action,
    ...(input.source && { source: input.source }),
    ...(input.wording && { wording: input.wording }),
    topics: [...new Set(input.topics)],
    effectiveAt,
    wordingHash: input.wordingHash === undefined ? undefined : Buffer.from(input.wordingHash, 'hex'),
    proof: isBlank(input.proof) ? {} : { text: input.proof as string },
  };
}

/** Where consent is for: exactly one of the two is given. */
export interface AddressInput {
  email?: string | undefined;
  phone?: string | undefined;
}

export interface ConsentAddress {
  channel: Channel;
  /** Normalised. */
  address: string;
  /** As it was given. */
  given: string;
}

const refusal = (pointer: string, code: string, message: string): ConsentRefusal => ({
  refused: 'CONSENT_INVALID',
  errors: [{ pointer, code, message }],
});

/** Reads an email address or a phone; phones without country code are of the store's country. */
export function readAddress(
  { email, phone }: AddressInput,
  defaultCountry: string | null,
): ConsentAddress | ConsentRefusal {
  if ((email === undefined) === (phone === undefined))
    return refusal('', 'ADDRESS_REQUIRED', 'Give an email or a phone, one of the two.');
  if (email !== undefined) {
    const address = normaliseEmail(email);
    return address
      ? { channel: 'email', address, given: email.trim() }
      : refusal('/email', 'EMAIL_INVALID', 'Not an email address that mail can be sent to.');
  }
  const given = phone as string;
  const address = normalisePhone(given, defaultCountry ?? undefined);
  return address
    ? { channel: 'sms', address, given: address }
    : refusal('/phone', 'PHONE_INVALID', 'Not a valid phone number: give it with its country code.');
}
