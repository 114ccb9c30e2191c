// Scopes per noun and the roles that bundle them.
const NOUNS = [
  'customers',
  'tags',
  'groups',
  'segments',
  'orders',
  'credit',
  'loyalty',
  'ledger',
  'notes',
  'tasks',
  'agents',
  'accounts',
  'consents',
  'templates',
  'messages',
  'campaigns',
  'imports',
  'jobs',
  'events',
  'store',
  'keys',
] as const;

export type Scope = `${(typeof NOUNS)[number]}:${'read' | 'write'}` | 'ops:read';

export const SCOPES: readonly Scope[] = [
  ...NOUNS.flatMap((noun): Scope[] => [`${noun}:read`, `${noun}:write`]),
  'ops:read',
];

const reads = SCOPES.filter((scope) => scope.endsWith(':read'));
const without = (...nouns: string[]) =>
  SCOPES.filter((scope) => !nouns.some((noun) => scope.startsWith(`${noun}:`)));

/** Roles are bundles of scopes; a token carries the scopes, never the role's name. */
export const ROLES = {
  owner: SCOPES,
  manager: without('keys', 'ops'),
  support: [
    ...reads.filter((scope) => scope !== 'keys:read' && scope !== 'ops:read'),
    'customers:write',
    'credit:write',
    'loyalty:write',
    'notes:write',
    'tasks:write',
    'tags:write',
    'accounts:write',
    'consents:write',
    'messages:write',
  ],
  integration: [
    'customers:read',
    'customers:write',
    'orders:read',
    'orders:write',
    'credit:read',
    'credit:write',
    'loyalty:read',
    'loyalty:write',
    'ledger:read',
    'tags:read',
    'tags:write',
    'groups:read',
    'groups:write',
    'segments:read',
    'segments:write',
    'accounts:read',
    'accounts:write',
    'consents:read',
    'consents:write',
    'templates:read',
    'messages:read',
    'messages:write',
    'campaigns:read',
    'imports:read',
    'imports:write',
    'jobs:read',
    'jobs:write',
    'events:read',
    'store:read',
  ],
  readonly: reads,
} as const satisfies Record<string, readonly Scope[]>;

export type Role = keyof typeof ROLES;
export const isScope = (text: string): text is Scope => (SCOPES as readonly string[]).includes(text);
