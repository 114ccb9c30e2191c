// The only reader of process.env: one TypeBox schema, one frozen object.
// A wrong setting stops the start with a message that names the variable and the accepted values.
import Type, { type Static } from 'typebox';
import { Value } from 'typebox/value';

const between = (minimum: number, maximum: number, description: string, fallback: number) =>
  Type.Integer({ description, minimum, maximum, default: fallback });

const positive = (description: string, fallback: number, maximum = 2 ** 31 - 1) =>
  between(1, maximum, description, fallback);

const choice = <const T extends readonly string[]>(values: T, description: string, fallback: T[number]) =>
  Type.Unsafe<T[number]>({ type: 'string', enum: [...values], description, default: fallback });

const url = (description: string, pattern: string) =>
  Type.Optional(Type.String({ description, pattern, minLength: 1 }));

/** Every setting: name, type, default and what it is for. The README's table is checked against this object. */
export const CONFIG_SCHEMA = Type.Object({
  NODE_ENV: choice(
    ['development', 'production', 'test'],
    'production asks for secrets and hides the development helpers',
    'development',
  ),
  ROLE: choice(['all', 'api', 'worker'], 'which processes this one runs', 'all'),
  PORT: Type.Integer({ description: 'TCP port of the API', minimum: 0, maximum: 65535, default: 3000 }),
  WORKER_PORT: Type.Optional(
    Type.Integer({
      description:
        'TCP port on which a process of ROLE=worker answers /livez, /readyz and /metrics; without it none',
      minimum: 0,
      maximum: 65535,
    }),
  ),
  HOST: Type.String({ description: 'address the API listens on', minLength: 1, default: '127.0.0.1' }),
  PUBLIC_URL: url('base URL that clients see; default http://HOST:PORT', '^https?://'),
  TRUST_PROXY: Type.Optional(
    Type.String({
      description: 'addresses or CIDR ranges of proxies whose X-Forwarded-* headers count, comma-separated',
    }),
  ),
  DATA_DIR: Type.String({
    description: 'folder of the embedded database, token and secret',
    minLength: 1,
    default: '.data',
  }),
  DATABASE_URL: url(
    'PostgreSQL ≥ 16; without it an embedded PostgreSQL 18 runs in DATA_DIR',
    '^postgres(ql)?://',
  ),
  DATABASE_POOL_MODE: choice(
    ['session', 'transaction'],
    'transaction where DATABASE_URL is a pooler that lends a connection for one transaction, as pgbouncer may',
    'session',
  ),
  DATABASE_DIRECT_URL: url(
    'the server past such a pooler, where workers hear of jobs; default DATABASE_URL',
    '^postgres(ql)?://',
  ),
  MIGRATION_DATABASE_URL: url(
    'login that owns the schema; default DATABASE_DIRECT_URL, then DATABASE_URL',
    '^postgres(ql)?://',
  ),
  DATABASE_POOL_SIZE: positive('connections of the API to PostgreSQL', 10, 1000),
  DATABASE_STATEMENT_TIMEOUT_MS: positive('longest time one SQL statement may take', 15_000),
  SEGMENT_TIMEOUT_MS: positive('longest time a preview of a segment may take', 5_000),
  REDIS_URL: url(
    'Redis for queues and shared rate limits; several URLs, comma-separated, name a cluster',
    '^rediss?://',
  ),
  SMTP_URL: url(
    'SMTP server for mails; without it they are files in the folder outbox of DATA_DIR',
    '^smtps?://',
  ),
  SMTP_CONNECTIONS: positive('connections of a worker to the SMTP server', 5, 100),
  MAIL_FROM: Type.Optional(
    Type.String({
      description: 'sender of stores that have none of their own: `Name <address>` or an address',
      minLength: 3,
    }),
  ),
  MAIL_DOMAIN: Type.Optional(
    Type.String({
      description:
        'domain of Message-IDs, and of the addresses that bounces come back to, if mail to it reaches POST /v1/mail/bounces',
      pattern: '^[A-Za-z0-9.-]+$',
      minLength: 1,
    }),
  ),
  DKIM_DOMAIN: Type.Optional(Type.String({ description: 'domain that signs mails (DKIM)', minLength: 1 })),
  DKIM_SELECTOR: Type.Optional(Type.String({ description: 'selector of the DKIM key', minLength: 1 })),
  DKIM_PRIVATE_KEY: Type.Optional(
    Type.String({ description: 'RSA key that signs mails: PEM, or the path of a PEM file', minLength: 1 }),
  ),
  APP_SECRET: Type.Optional(
    Type.String({
      description: 'key material for tokens and cursors, at least 32 characters',
      minLength: 32,
    }),
  ),
  JWT_SECRET: Type.Optional(
    Type.String({
      description: 'HS256 secret of staff tokens; default derived from APP_SECRET',
      minLength: 32,
    }),
  ),
  JWT_JWKS_URL: url('JWKS of an identity provider for EdDSA, ES256 and RS256 tokens', '^https?://'),
  JWT_ISSUER: Type.String({ description: 'accepted `iss` of tokens', minLength: 1, default: 'clientele' }),
  OTEL_EXPORTER_OTLP_ENDPOINT: url(
    'OpenTelemetry collector (OTLP over HTTP) that gets traces; the other OTEL_* variables of its SDK hold too',
    '^https?://',
  ),
  LOG_LEVEL: choice(
    ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
    'least level of log lines',
    'info',
  ),
  LOG_REQUESTS: choice(
    ['failed', 'all'],
    'which requests get a log line: slow and failed ones, or all',
    'failed',
  ),
  RATE_LIMIT_PER_MINUTE: positive('requests a minute for one credential', 6_000),
  RATE_LIMIT_ANONYMOUS_PER_MINUTE: positive('requests a minute for one address without a credential', 300),
  WORKER_CONCURRENCY: positive('jobs of one queue that a worker runs at a time', 2, 100),
  // Making a batch has to fit into it, also on a machine that is short of breath.
  MAIL_LEASE_MS: between(
    5_000,
    3_600_000,
    'how long a worker may take to hand over a mail before its fate counts as unknown',
    60_000,
  ),
  RENDER_THREADS: positive('threads that render mails in one process', 1, 64),
  SWEEP_INTERVAL_MS: positive('how often lost jobs are looked for', 5_000),
  SHUTDOWN_GRACE_MS: positive('longest time a stop waits for requests and jobs', 20_000, 24_000),
});

export type Config = Readonly<Static<typeof CONFIG_SCHEMA>>;

/** A setting that cannot be used; the message names the variable and what it accepts. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

type Property = {
  type?: string;
  enum?: string[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  pattern?: string;
};

function accepted(property: Property): string {
  if (property.enum) return `one of ${property.enum.join(', ')}`;
  if (property.type === 'integer') return `a whole number from ${property.minimum} to ${property.maximum}`;
  if (property.pattern?.includes('://')) return `a URL that matches ${property.pattern}`;
  if (property.pattern) return `a text that matches ${property.pattern}`;
  return `a text of at least ${property.minLength ?? 0} characters`;
}

/**
 * Reads and checks the settings. An empty variable counts as absent.
 * @throws ConfigError for a value outside its type, or a missing secret in production
 */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const given: Record<string, unknown> = {};
  for (const [name, property] of Object.entries(CONFIG_SCHEMA.properties) as [string, Property][]) {
    const text = env[name]?.trim();
    if (!text) continue;
    const value = property.type === 'integer' && /^-?\d+$/.test(text) ? Number(text) : text;
    if (!Value.Check(property as never, value)) {
      throw new ConfigError(`${name} is not usable: give ${accepted(property)}.`);
    }
    given[name] = value;
  }
  const config = Value.Default(CONFIG_SCHEMA, given) as Config;
  if (config.NODE_ENV === 'production' && !config.APP_SECRET) {
    throw new ConfigError('APP_SECRET is missing: production needs a text of at least 32 characters.');
  }
  if (config.DATABASE_POOL_MODE === 'transaction' && !config.DATABASE_DIRECT_URL && config.ROLE !== 'api') {
    throw new ConfigError(
      'DATABASE_DIRECT_URL is missing: a worker listens to the server, which no pooler by transaction can pass on.',
    );
  }
  return Object.freeze(config);
}
