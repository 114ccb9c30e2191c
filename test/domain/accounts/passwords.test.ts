import fc from 'fast-check';
import t from 'tap';
import {
  isCommonPassword,
  MAX_PASSWORD_LENGTH,
  normalisePassword,
  readPassword,
} from '../../../src/domain/accounts/passwords.ts';

const NOBODY = {};
const codeOf = (password: string, owner: object = NOBODY): string | undefined => {
  const read = readPassword(password, owner);
  return 'refused' in read ? read.errors[0]?.code : undefined;
};

t.test('a password has 8 to 128 characters, counted as people count them', async (t) => {
  t.equal(codeOf('kfzu%4q'), 'PASSWORD_TOO_SHORT');
  t.equal(codeOf('kfzu%4qx'), undefined);
  t.equal(codeOf('🦊🐻🐼🐨🐯🦁🐮'), 'PASSWORD_TOO_SHORT', '14 units are 7 characters');
  t.equal(codeOf('🦊🐻🐼🐨🐯🦁🐮🐷'), undefined);
  const long = Array.from({ length: MAX_PASSWORD_LENGTH }, (_, at) => String.fromCodePoint(0x4e00 + at)).join(
    '',
  );
  t.equal(codeOf(long), undefined);
  t.equal(codeOf(`${long}x`), 'PASSWORD_TOO_LONG');
});

t.test('NIST 800-63B no rule asks for kinds of characters', async (t) => {
  for (const password of [
    'bluehouseonahill',
    'drei kleine Schweinchen',
    'übermorgen regnet es',
    '4815162342108',
  ])
    t.equal(codeOf(password), undefined, password);
});

t.test('what is guessed first is refused, ornamented a little or not', async (t) => {
  for (const password of [
    'password',
    'Password1',
    'P@ssw0rd',
    'passwort123',
    'Passw0rd!',
    '12345678',
    '123456789',
    '87654321',
    'qwertyuiop',
    'qwertz123',
    'asdfghjkl',
    '1q2w3e4r',
    'abcdefgh',
    'aaaaaaaa',
    'abcabcabc',
    'iloveyou',
    'letmein123',
    'Sommer2024!',
    'football1',
    'monkeydragon',
    '19870423',
    '!!!!!!!!!',
  ])
    t.equal(codeOf(password), 'PASSWORD_COMMON', password);
});

t.test('one’s own name and address are refused, ornamented a little or not', async (t) => {
  const owner = {
    email: 'lovelace.ada@example.com',
    firstName: 'Augusta',
    lastName: 'Lovelace',
    company: 'Engines',
  };
  for (const password of [
    'lovelace.ada@example.com',
    'Lovelace.Ada1',
    'augusta123',
    'AugustaLovelace',
    '1843Lovelace',
    'engines!',
  ])
    t.equal(codeOf(password, owner), 'PASSWORD_IS_OWN', password);
  t.equal(codeOf('lovelace likes long walks', owner), undefined, 'a part of a longer one is fine');
});

t.test('the form that is hashed does not depend on how a keyboard composes characters', async (t) => {
  t.equal(normalisePassword('u\u0308bermorgen'), normalisePassword('\u00fcbermorgen'));
  t.equal(normalisePassword('ｐａｓｓ'), 'pass');
  const read = readPassword('u\u0308bermorgen regnet', NOBODY);
  t.same(read, { password: '\u00fcbermorgen regnet' });
});

t.test('the place in the request is named', async (t) => {
  t.match(readPassword('kurz', NOBODY, '/newPassword'), { errors: [{ pointer: '/newPassword' }] });
});

t.test('every text is judged at once', async () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 512 }), (text) => {
      const started = performance.now();
      isCommonPassword(text);
      return performance.now() - started < 50;
    }),
  );
  isCommonPassword('a'.repeat(512));
  isCommonPassword(`${'ab'.repeat(255)}c`);
});
