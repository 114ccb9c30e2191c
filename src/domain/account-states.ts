// Account states of a customer and the commands that move between them (C4).
import type { AccountMode } from './stores.ts';

export const ACCOUNT_STATUSES = ['guest', 'invited', 'active', 'disabled', 'merged', 'erased'] as const;
export type AccountStatus = (typeof ACCOUNT_STATUSES)[number];

export const ACCOUNT_COMMANDS = ['invite', 'accept', 'register', 'disable', 'enable'] as const;
export type AccountCommand = (typeof ACCOUNT_COMMANDS)[number];

/** Where each state may go. Erasing and merging are operations of their own; an un-merge brings the old state back. */
export const ACCOUNT_TRANSITIONS: Readonly<Record<AccountStatus, readonly AccountStatus[]>> = {
  guest: ['invited', 'active', 'merged', 'erased'],
  invited: ['invited', 'active', 'merged', 'erased'],
  active: ['disabled', 'merged', 'erased'],
  disabled: ['active', 'merged', 'erased'],
  merged: [],
  erased: [],
};

/** Where a command leads from each state; a command that finds its work done leads to where the account is. */
const COMMANDS: Readonly<Record<AccountCommand, Partial<Record<AccountStatus, AccountStatus>>>> = {
  invite: { guest: 'invited', invited: 'invited' },
  accept: { invited: 'active' },
  register: { guest: 'active', invited: 'active' },
  disable: { active: 'disabled', disabled: 'disabled' },
  enable: { disabled: 'active', active: 'active' },
};

const TARGETS: Readonly<Record<AccountCommand, AccountStatus>> = {
  invite: 'invited',
  accept: 'active',
  register: 'active',
  disable: 'disabled',
  enable: 'active',
};
const NOTHING_ENDS = { endsSessions: false, endsInvitation: false };
const WAY_OUT = {
  guest: 'An account cannot become a guest again; disable it instead.',
  merged: 'Use POST /v1/customers/{id}/merge.',
  erased: 'Use the erasure operation.',
};

export type AccountRefusal =
  | { refused: 'CUSTOMER_GONE'; accountStatus: AccountStatus; wayOut: string }
  | { refused: 'ALREADY_ACTIVE' | 'ACCOUNT_NOT_ACTIVE'; wayOut: string }
  | { refused: 'ACCOUNT_STATE_CONFLICT'; from: AccountStatus; to: AccountStatus; wayOut: string }
  | { refused: 'NO_EMAIL' | 'ACCOUNTS_NOT_OFFERED'; wayOut: string };
export type AccountFacts = { hasEmail: boolean; accounts: AccountMode };
export type StatusChange = {
  accountStatus: AccountStatus;
  /** False: there was nothing to do, so no event is written. An invitation is a change every time. */
  changed: boolean;
  /** Disabling ends every session. */
  endsSessions: boolean;
  /** An earlier invitation link dies: by a newer one, or because the account is active. */
  endsInvitation: boolean;
};

/** True when the state machine of C4 has this step. */
export function canTransition(from: AccountStatus, to: AccountStatus): boolean {
  return ACCOUNT_TRANSITIONS[from].includes(to);
}

/** C4: what an account command does, or why not and what to do instead. Token and password are checked elsewhere. */
export function planAccountCommand(
  command: AccountCommand,
  from: AccountStatus,
  facts: AccountFacts,
): StatusChange | AccountRefusal {
  const to = COMMANDS[command][from];
  if (to === undefined) return refuseCommand(command, from);
  if (command === 'invite' || command === 'register') {
    const missing = missingForAccount(facts);
    if (missing !== undefined) return missing;
  }
  return {
    accountStatus: to,
    changed: to !== from || command === 'invite',
    endsSessions: from === 'active' && to === 'disabled',
    endsInvitation: from === 'invited',
  };
}

/**
 * C4 for staff, who name the state they want. The state that is there already is no change; `merged` and `erased`
 * have operations of their own, and nothing leads back to `guest`.
 */
export function planStatusChange(
  from: AccountStatus,
  to: AccountStatus,
  facts: AccountFacts,
): StatusChange | AccountRefusal {
  if (from === 'merged' || from === 'erased') return refuseGone(from);
  if (from === to && to !== 'invited') return { accountStatus: to, changed: false, ...NOTHING_ENDS };
  if (to === 'invited') return planAccountCommand('invite', from, facts);
  if (to === 'disabled') return planAccountCommand('disable', from, facts);
  if (to === 'active') return planAccountCommand(from === 'disabled' ? 'enable' : 'register', from, facts);
  return refuseStep(from, to, WAY_OUT[to]);
}

function missingForAccount(facts: AccountFacts): AccountRefusal | undefined {
  if (!facts.hasEmail) return { refused: 'NO_EMAIL', wayOut: 'Give the customer an email address first.' };
  if (facts.accounts !== 'none') return undefined;
  return {
    refused: 'ACCOUNTS_NOT_OFFERED',
    wayOut: 'Set the store setting accounts to optional or required.',
  };
}

function refuseCommand(command: AccountCommand, from: AccountStatus): AccountRefusal {
  if (from === 'merged' || from === 'erased') return refuseGone(from);
  if (command === 'disable') {
    return { refused: 'ACCOUNT_NOT_ACTIVE', wayOut: 'Only an active account can be disabled.' };
  }
  if (from === 'active') {
    return { refused: 'ALREADY_ACTIVE', wayOut: 'Send a password reset if the login is lost.' };
  }
  const wayOut =
    from === 'disabled' ? 'Enable the account instead.' : 'Invite the customer, or let them register.';
  return refuseStep(from, TARGETS[command], wayOut);
}

function refuseGone(accountStatus: 'merged' | 'erased'): AccountRefusal {
  const wayOut =
    accountStatus === 'merged' ? 'Use the customer it was merged into.' : 'Create a new customer.';
  return { refused: 'CUSTOMER_GONE', accountStatus, wayOut };
}

function refuseStep(from: AccountStatus, to: AccountStatus, wayOut: string): AccountRefusal {
  return { refused: 'ACCOUNT_STATE_CONFLICT', from, to, wayOut };
}
