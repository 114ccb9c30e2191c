// Links in mails.
import t from 'tap';
import { linkTo } from '../../../src/domain/mail/links.ts';
import { LINK_PURPOSES } from '../../../src/domain/mail/settings.ts';

t.test('a link leads to our page unless the shop has one', async (t) => {
  t.equal(
    linkTo({ links: {} }, 'https://crm.example.com', 'invitation', 'abc-_1'),
    'https://crm.example.com/pages/invitation/abc-_1',
  );
  t.equal(
    linkTo({ links: {} }, 'https://crm.example.com/base/', 'passwordReset', 'x'),
    'https://crm.example.com/base/pages/password-reset/x',
  );
  const links = { invitation: 'https://shop.example.com/welcome?t={token}&again={token}' };
  t.equal(
    linkTo({ links }, 'https://crm.example.com', 'invitation', 'x'),
    'https://shop.example.com/welcome?t=x&again=x',
  );
  t.equal(
    linkTo({ links }, 'https://crm.example.com', 'preferences', 'x'),
    'https://crm.example.com/pages/preferences/x',
  );
});

t.test('every purpose has a page of its own', async (t) => {
  const pages = LINK_PURPOSES.map((purpose) => linkTo({ links: {} }, 'https://a', purpose, 'x'));
  t.equal(new Set(pages).size, LINK_PURPOSES.length);
});
