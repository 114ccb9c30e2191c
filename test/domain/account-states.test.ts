import fc from 'fast-check';
import t from 'tap';
import {
  ACCOUNT_COMMANDS,
  ACCOUNT_STATUSES,
  ACCOUNT_TRANSITIONS,
  type AccountCommand,
  type AccountStatus,
  canTransition,
  planAccountCommand,
  planStatusChange,
} from '../../src/domain/account-states.ts';

const READY = { hasEmail: true, accounts: 'optional' } as const;

t.test('C4 every command from every state leads where the table of the specification says', async (t) => {
  const table: Record<AccountCommand, Record<AccountStatus, string>> = {
    invite: {
      guest: 'invited',
      invited: 'invited',
      active: 'ALREADY_ACTIVE',
      disabled: 'ACCOUNT_STATE_CONFLICT',
      merged: 'CUSTOMER_GONE',
      erased: 'CUSTOMER_GONE',
    },
    accept: {
      guest: 'ACCOUNT_STATE_CONFLICT',
      invited: 'active',
      active: 'ALREADY_ACTIVE',
      disabled: 'ACCOUNT_STATE_CONFLICT',
      merged: 'CUSTOMER_GONE',
      erased: 'CUSTOMER_GONE',
    },
    register: {
      guest: 'active',
      invited: 'active',
      active: 'ALREADY_ACTIVE',
      disabled: 'ACCOUNT_STATE_CONFLICT',
      merged: 'CUSTOMER_GONE',
      erased: 'CUSTOMER_GONE',
    },
    disable: {
      guest: 'ACCOUNT_NOT_ACTIVE',
      invited: 'ACCOUNT_NOT_ACTIVE',
      active: 'disabled',
      disabled: 'disabled',
      merged: 'CUSTOMER_GONE',
      erased: 'CUSTOMER_GONE',
    },
    enable: {
      guest: 'ACCOUNT_STATE_CONFLICT',
      invited: 'ACCOUNT_STATE_CONFLICT',
      active: 'active',
      disabled: 'active',
      merged: 'CUSTOMER_GONE',
      erased: 'CUSTOMER_GONE',
    },
  };
  for (const command of ACCOUNT_COMMANDS) {
    for (const from of ACCOUNT_STATUSES) {
      const plan = planAccountCommand(command, from, READY);
      t.equal(
        'refused' in plan ? plan.refused : plan.accountStatus,
        table[command][from],
        `${from} ${command}`,
      );
      if ('refused' in plan) t.ok(plan.wayOut, 'names the way out');
    }
  }
});

t.test('C4 an account needs an email and a store that offers accounts', async (t) => {
  for (const command of ['invite', 'register'] as const) {
    t.match(planAccountCommand(command, 'guest', { ...READY, hasEmail: false }), { refused: 'NO_EMAIL' });
    t.match(planAccountCommand(command, 'guest', { ...READY, accounts: 'none' }), {
      refused: 'ACCOUNTS_NOT_OFFERED',
    });
    t.match(planAccountCommand(command, 'guest', { ...READY, accounts: 'required' }), { changed: true });
  }
  t.match(planAccountCommand('disable', 'active', { hasEmail: false, accounts: 'none' }), {
    accountStatus: 'disabled',
  });
});

t.test(
  'C4 disabling ends sessions, inviting again ends the old invitation, nothing to do is no change',
  async (t) => {
    const cases: [AccountCommand, AccountStatus, object][] = [
      ['disable', 'active', { changed: true, endsSessions: true, endsInvitation: false }],
      ['disable', 'disabled', { changed: false, endsSessions: false, endsInvitation: false }],
      ['enable', 'active', { changed: false, endsSessions: false, endsInvitation: false }],
      ['enable', 'disabled', { changed: true, endsSessions: false, endsInvitation: false }],
      ['invite', 'guest', { changed: true, endsSessions: false, endsInvitation: false }],
      ['invite', 'invited', { changed: true, endsSessions: false, endsInvitation: true }],
      ['accept', 'invited', { changed: true, endsSessions: false, endsInvitation: true }],
      ['register', 'invited', { changed: true, endsSessions: false, endsInvitation: true }],
    ];
    for (const [command, from, plan] of cases)
      t.match(planAccountCommand(command, from, READY), plan, `${from} ${command}`);
  },
);

t.test('C4 staff name a state: the same rules, and the state that is there is no change', async (t) => {
  const cases: [AccountStatus, AccountStatus, object][] = [
    ['guest', 'guest', { accountStatus: 'guest', changed: false }],
    ['guest', 'active', { accountStatus: 'active', changed: true }],
    ['disabled', 'active', { accountStatus: 'active', changed: true }],
    ['active', 'active', { changed: false }],
    ['active', 'disabled', { endsSessions: true }],
    ['active', 'invited', { refused: 'ALREADY_ACTIVE' }],
    ['active', 'guest', { refused: 'ACCOUNT_STATE_CONFLICT', from: 'active', to: 'guest' }],
    ['guest', 'disabled', { refused: 'ACCOUNT_NOT_ACTIVE' }],
    ['guest', 'merged', { refused: 'ACCOUNT_STATE_CONFLICT', to: 'merged' }],
    ['guest', 'erased', { refused: 'ACCOUNT_STATE_CONFLICT', to: 'erased' }],
    ['merged', 'merged', { refused: 'CUSTOMER_GONE' }],
    ['erased', 'active', { refused: 'CUSTOMER_GONE' }],
  ];
  for (const [from, to, plan] of cases) t.match(planStatusChange(from, to, READY), plan, `${from} → ${to}`);
  t.match(planStatusChange('guest', 'active', { ...READY, hasEmail: false }), { refused: 'NO_EMAIL' });
});

t.test('C4 no plan leaves the state machine, and nothing leads out of merged and erased', async (t) => {
  const status = fc.constantFrom(...ACCOUNT_STATUSES);
  fc.assert(
    fc.property(status, status, fc.boolean(), (from, to, hasEmail) => {
      const plan = planStatusChange(from, to, { hasEmail, accounts: 'optional' });
      return 'refused' in plan || plan.accountStatus === from || canTransition(from, plan.accountStatus);
    }),
  );
  t.same([ACCOUNT_TRANSITIONS.merged, ACCOUNT_TRANSITIONS.erased], [[], []]);
});
