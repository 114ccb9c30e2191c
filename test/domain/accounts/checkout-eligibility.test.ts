// Who may check out: every store setting with every state of an account.
import t from 'tap';
import { ACCOUNT_STATUSES } from '../../../src/domain/account-states.ts';
import { checkoutEligibility } from '../../../src/domain/accounts/checkout-eligibility.ts';
import { isBirthdayEdit } from '../../../src/domain/loyalty/birthdays.ts';

t.test('only an active account checks out where accounts are required, everybody anywhere else', (t) => {
  for (const status of [...ACCOUNT_STATUSES, undefined]) {
    for (const accounts of ['none', 'optional'] as const)
      t.same(checkoutEligibility(accounts, status), { eligible: true }, `${accounts} ${status}`);
    const reason = status === 'disabled' ? 'ACCOUNT_DISABLED' : 'ACCOUNT_REQUIRED';
    const wanted = status === 'active' ? { eligible: true } : { eligible: false, reason };
    t.same(checkoutEligibility('required', status), wanted, `required ${status}`);
  }
  t.end();
});

t.test('P8 giving a birthday is no edit, another day or none is', (t) => {
  const known = { birthdayMonth: 2, birthdayDay: 28 };
  t.notOk(isBirthdayEdit({ birthdayMonth: null, birthdayDay: null }, { month: 2, day: 28 }));
  t.notOk(isBirthdayEdit(known, { month: 2, day: 28 }));
  t.ok(isBirthdayEdit(known, { month: 2, day: 27 }));
  t.ok(isBirthdayEdit(known, { month: 3, day: 28 }));
  t.ok(isBirthdayEdit(known, null));
  t.end();
});
