// What a provider may be, where log-ins come back to, and which claims count.
import t from 'tap';
import {
  checkVerified,
  identityOf,
  normaliseProvider,
  originsOf,
  quirksOf,
  readRedirect,
} from '../../../src/domain/accounts/identity-providers.ts';

const anywhere = { mayAsk: () => true };

t.test('a provider has a name, an issuer without decoration, and openid among its scopes', (t) => {
  const read = (input: object, facts = anywhere) => normaliseProvider(input, facts);
  t.same(read({ scopes: ['email', 'openid', 'email'] }), { fields: { scopes: ['openid', 'email'] } });
  t.same(read({ scopes: [] }), { fields: { scopes: ['openid'] } });
  t.same(read({ name: ' Google ' }), { fields: { name: 'Google' } });
  t.same(read({ issuer: 'https://id.example.com/realms/shop/' }), {
    fields: { issuer: 'https://id.example.com/realms/shop/' },
  });
  const wrong = read({ name: ' ', issuer: 'https://id.example.com?x' });
  t.match(wrong, {
    refused: 'IDENTITY_PROVIDER_INVALID',
    errors: [{ pointer: '/name' }, { pointer: '/issuer' }],
  });
  for (const issuer of [
    'https://a:b@example.com',
    'https://a@example.com',
    'https://example.com/#',
    'nonsense',
  ])
    t.match(read({ issuer }), { refused: 'IDENTITY_PROVIDER_INVALID' }, issuer);
  t.match(read({ issuer: 'https://id.example.com' }, { mayAsk: () => false }), {
    refused: 'IDENTITY_PROVIDER_INVALID',
  });
  t.end();
});

t.test('Facebook and Apple differ from their discovery documents, others do not', (t) => {
  t.match(quirksOf('https://www.facebook.com'), {
    metadata: { token_endpoint: /^https:\/\/graph\.facebook\.com\// },
  });
  t.match(quirksOf('https://www.facebook.com/').metadata, {}, 'with a slash too');
  t.same(quirksOf('https://appleid.apple.com').parameters, { response_mode: 'form_post' });
  t.same(quirksOf('https://accounts.google.com'), {});
  t.end();
});

t.test('one comes back to a page of the store, spelled as the provider will spell it', (t) => {
  const origins = originsOf([
    'https://shop.example.com',
    null,
    'nonsense',
    'https://m.example.com/reset/{token}',
  ]);
  t.same([...origins], ['https://shop.example.com', 'https://m.example.com']);
  const cases: [string, string | undefined][] = [
    ['https://shop.example.com/login', 'https://shop.example.com/login'],
    ['HTTPS://SHOP.example.com:443/login', 'https://shop.example.com/login'],
    ['https://m.example.com', 'https://m.example.com/'],
    ['https://shop.example.com/login?a=b', undefined],
    ['https://shop.example.com/login?', undefined],
    ['https://shop.example.com/login#', undefined],
    ['https://user@shop.example.com/login', undefined],
    ['https://shop.example.com:8443/login', undefined],
    ['http://shop.example.com/login', undefined],
    ['blob:https://shop.example.com/1', undefined],
    ['/login', undefined],
  ];
  for (const [given, wanted] of cases) t.equal(readRedirect(given, origins), wanted, given);
  t.end();
});

t.test('the address counts only when the provider says that it is verified', (t) => {
  const verdict = (claims: object) => checkVerified(identityOf({ sub: 's', ...claims }));
  for (const email_verified of [true, 'true'])
    t.match(verdict({ email: ' Ada@Example.com ', email_verified }), { emailNorm: 'ada@example.com' });
  for (const email_verified of [false, 'false', undefined, null, 1, 'yes', {}])
    t.match(verdict({ email: 'ada@example.com', email_verified }), { refused: 'IDENTITY_EMAIL_UNVERIFIED' });
  for (const email of [undefined, null, '', 'ada', 7, ['ada@example.com']])
    t.match(verdict({ email, email_verified: true }), { refused: 'IDENTITY_EMAIL_UNVERIFIED' });
  t.end();
});

t.test('claims of wrong types are as good as none', (t) => {
  const read = identityOf({
    sub: 's',
    given_name: 7,
    family_name: '  ',
    locale: 'not a language',
    email: {},
  });
  t.match(read, { firstName: null, lastName: null, language: null, email: null, emailNorm: null });
  t.match(identityOf({ sub: 's', given_name: ' Ada ', locale: 'en_GB' }), {
    firstName: 'Ada',
    language: 'en-GB',
  });
  t.end();
});
