// The wire contract of identity providers, of log-ins with them, and of who customers are there.
import Type from 'typebox';
import { MAX_SCOPES, PROVIDER_KEY_PATTERN, SCOPE_PATTERN } from '../domain/accounts/identity-providers.ts';
import { closed, nullable, ref, Timestamp } from './helpers.ts';

const key = Type.String({
  pattern: PROVIDER_KEY_PATTERN,
  description: 'Names the provider in paths; lower-case letters, digits and hyphens.',
  examples: ['google'],
});
const name = Type.String({
  minLength: 1,
  maxLength: 255,
  description: 'Name on the button.',
  examples: ['Google'],
});
const issuer = Type.String({
  minLength: 1,
  maxLength: 500,
  description:
    'Issuer as the discovery document spells it: `https://accounts.google.com`, `https://www.facebook.com`, `https://appleid.apple.com`. https, on the public internet.',
  examples: ['https://accounts.google.com'],
});
const clientId = Type.String({
  minLength: 1,
  maxLength: 500,
  description: 'Client id of the shop at the provider.',
  examples: ['1234567890-shop.apps.googleusercontent.com'],
});
const clientSecret = Type.String({
  minLength: 1,
  maxLength: 4096,
  description: 'Client secret of the shop at the provider; it is stored sealed and never shown.',
  examples: ['GOCSPX-a-secret-of-the-shop'],
});
const scopes = Type.Array(Type.String({ pattern: SCOPE_PATTERN, description: 'A scope.' }), {
  maxItems: MAX_SCOPES,
  description: 'Scopes to ask for; `openid` is always among them.',
  examples: [['openid', 'email', 'profile']],
});
const enabled = Type.Boolean({ description: 'Whether customers can log in with it.' });

export const IdentityProviderCreate = closed(
  {
    key,
    name,
    issuer,
    clientId,
    clientSecret,
    scopes: Type.Optional(scopes),
    enabled: Type.Optional(enabled),
  },
  {
    $id: 'IdentityProviderCreate',
    description: 'A new identity provider.',
    examples: [
      {
        key: 'google',
        name: 'Google',
        issuer: 'https://accounts.google.com',
        clientId: '1234567890-shop.apps.googleusercontent.com',
        clientSecret: 'GOCSPX-a-secret-of-the-shop',
      },
    ],
  },
);
export const IdentityProviderUpdate = closed(
  {
    name: Type.Optional(name),
    clientId: Type.Optional(clientId),
    clientSecret: Type.Optional(clientSecret),
    scopes: Type.Optional(scopes),
    enabled: Type.Optional(enabled),
  },
  {
    $id: 'IdentityProviderUpdate',
    minProperties: 1,
    description: 'Merge patch. Key and issuer stay: another issuer is another provider.',
    examples: [{ enabled: false }],
  },
);
export const IdentityProvider = closed(
  {
    key,
    name,
    issuer,
    clientId,
    scopes,
    enabled,
    version: Type.Integer({ description: 'Grows by one with each change; the ETag.', examples: [1] }),
    createdAt: Timestamp({ description: 'When it was added.' }),
    updatedAt: Timestamp({ description: 'When it last changed.' }),
  },
  {
    $id: 'IdentityProvider',
    description: 'An OpenID Connect provider that customers can log in with, without its secret.',
  },
);
export const IdentityProviderList = closed(
  { data: Type.Array(ref(IdentityProvider), { description: 'By key.' }) },
  { $id: 'IdentityProviderList', description: 'All identity providers of the store.' },
);
export const IdentityProviderParams = closed({ providerKey: key });

export const IdentityProviderOffer = closed(
  { key, name },
  { $id: 'IdentityProviderOffer', description: 'A provider that customers can log in with.' },
);
export const IdentityProviderOffers = closed(
  { data: Type.Array(ref(IdentityProviderOffer), { description: 'By key.' }) },
  { $id: 'IdentityProviderOffers', description: 'What the log-in page shows buttons for.' },
);

export const IdentityAuthorize = closed(
  {
    redirectUri: Type.String({
      minLength: 1,
      maxLength: 2000,
      description:
        'Page of the shop to come back to, as the provider knows it: without query and fragment, on an origin of the store setting `corsOrigins` or of its mail links.',
      examples: ['https://shop.example.com/login/google'],
    }),
  },
  {
    $id: 'IdentityAuthorize',
    description: 'A wish to log in with a provider, or to link it.',
    examples: [{ redirectUri: 'https://shop.example.com/login/google' }],
  },
);
export const IdentityAuthorization = closed(
  {
    authorizationUrl: Type.String({
      format: 'uri',
      description: 'Send the browser there.',
      examples: ['https://accounts.google.com/o/oauth2/v2/auth?client_id=shop&state=4tQ7cO1q'],
    }),
    state: Type.String({
      description:
        'Keep it in the browser (sessionStorage), and go on only when the provider brings the same one back: that is what keeps others from logging somebody in as themselves.',
      examples: ['4tQ7cO1q1Jv0v9P1J7H0C1s2sYw6bU3m0l1l9bqVv2E'],
    }),
    expiresAt: Timestamp({ description: 'Until then the log-in must be finished; ten minutes.' }),
  },
  { $id: 'IdentityAuthorization', description: 'A log-in with a provider that is under way.' },
);

export const IdentityCallback = closed(
  {
    state: Type.String({
      minLength: 1,
      maxLength: 200,
      description: 'Parameter `state` of the address that the provider came back to.',
      examples: ['4tQ7cO1q1Jv0v9P1J7H0C1s2sYw6bU3m0l1l9bqVv2E'],
    }),
    code: Type.String({
      minLength: 1,
      maxLength: 4096,
      description: 'Parameter `code` of that address.',
      examples: ['SplxlOBeZQQYbYS6WxSbIA'],
    }),
    iss: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 500,
        description: 'Parameter `iss` of that address, where there is one (RFC 9207).',
        examples: ['https://accounts.google.com'],
      }),
    ),
  },
  {
    $id: 'IdentityCallback',
    description: 'What the provider came back with.',
    examples: [{ state: '4tQ7cO1q1Jv0v9P1J7H0C1s2sYw6bU3m0l1l9bqVv2E', code: 'SplxlOBeZQQYbYS6WxSbIA' }],
  },
);

export const LinkedIdentity = closed(
  {
    key,
    name,
    email: nullable(Type.String({ description: 'Address that the provider named when it was linked.' })),
    linkedAt: Timestamp({ description: 'When it was linked.' }),
    lastUsedAt: Timestamp({ description: 'When it last logged somebody in.' }),
  },
  { $id: 'LinkedIdentity', description: 'Somebody’s identity at a provider.' },
);
export const LinkedIdentities = closed(
  { data: Type.Array(ref(LinkedIdentity), { description: 'By provider.' }) },
  { $id: 'LinkedIdentities', description: 'Identities that log the customer in.' },
);

export const identityProviderSchemas = [
  IdentityProviderCreate,
  IdentityProviderUpdate,
  IdentityProvider,
  IdentityProviderList,
  IdentityProviderOffer,
  IdentityProviderOffers,
  IdentityAuthorize,
  IdentityAuthorization,
  IdentityCallback,
  LinkedIdentity,
  LinkedIdentities,
];
