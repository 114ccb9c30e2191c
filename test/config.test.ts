// Settings: the README's table is CONFIG_SCHEMA, and a wrong value stops the start with a message that helps.
import { readFileSync } from 'node:fs';
import t from 'tap';
import { CONFIG_SCHEMA, ConfigError, readConfig } from '../src/config.ts';

interface Property {
  description: string;
  type: string;
  enum?: string[];
  default?: string | number;
  minimum?: number;
  maximum?: number;
}

const PROPERTIES = Object.entries(CONFIG_SCHEMA.properties) as unknown as [string, Property][];
const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

/** `| NAME | default | description |` of the table under "Configuration". */
function documentedSettings(): [string, string, string][] {
  return [...README.matchAll(/^\| `([A-Z_]+)` \| (.*?) \| (.*?) \|$/gm)].map(
    ([, name = '', value = '', text = '']) => [name, value.replaceAll('`', ''), text],
  );
}

const says = (env: Record<string, string>): string => {
  try {
    readConfig(env);
    return '';
  } catch (error) {
    return error instanceof ConfigError ? error.message : 'another error';
  }
};

t.test('the table in the README is the schema: names, defaults, descriptions, in its order', async (t) => {
  const expected = PROPERTIES.map(([name, { default: value, description, enum: words }]) => [
    name,
    String(value ?? ''),
    words ? `${description}: ${words.join(', ')}` : description,
  ]);
  t.strictSame(documentedSettings(), expected);
});

t.test('without any variable the service runs for development on this machine alone', async (t) => {
  t.match(readConfig({}), {
    NODE_ENV: 'development',
    ROLE: 'all',
    HOST: '127.0.0.1',
    PORT: 3000,
    DATA_DIR: '.data',
  });
  t.ok(Object.isFrozen(readConfig({})));
});

t.test('an empty variable counts as absent, blanks around a value are dropped', async (t) => {
  t.equal(readConfig({ PORT: '' }).PORT, 3000);
  t.equal(readConfig({ PORT: ' 8080 ' }).PORT, 8080);
});

t.test('a wrong value of any setting is refused by its name and what it accepts', async (t) => {
  for (const [name, { type, enum: words, minimum, maximum }] of PROPERTIES) {
    if (words)
      t.equal(says({ [name]: 'nonsense' }), `${name} is not usable: give one of ${words.join(', ')}.`);
    if (type !== 'integer') continue;
    for (const wrong of [
      'abc',
      '1.5',
      '1e3',
      '0x10',
      String((maximum ?? 0) + 1),
      String((minimum ?? 0) - 1),
    ]) {
      t.equal(
        says({ [name]: wrong }),
        `${name} is not usable: give a whole number from ${minimum} to ${maximum}.`,
        `${name}=${wrong}`,
      );
    }
  }
  for (const name of [
    'DATABASE_URL',
    'MIGRATION_DATABASE_URL',
    'REDIS_URL',
    'SMTP_URL',
    'JWT_JWKS_URL',
    'PUBLIC_URL',
  ]) {
    t.match(says({ [name]: 'ftp://example.com' }), new RegExp(`^${name} is not usable: give a URL`));
  }
  for (const name of ['APP_SECRET', 'JWT_SECRET']) {
    t.equal(says({ [name]: 'short' }), `${name} is not usable: give a text of at least 32 characters.`);
  }
});

t.test('the refused value is never repeated: it may be a secret', async (t) => {
  t.notMatch(says({ APP_SECRET: 'hunter2' }), 'hunter2');
  t.notMatch(says({ DATABASE_URL: 'mysql://user:hunter2@host/db' }), 'hunter2');
});

t.test('production does not start without a secret', async (t) => {
  t.match(says({ NODE_ENV: 'production' }), /^APP_SECRET is missing.*32/);
  t.equal(says({ NODE_ENV: 'production', APP_SECRET: 'x'.repeat(32) }), '');
});

t.test('behind a pooler by transaction, whoever works on jobs needs the server itself', async (t) => {
  const env = { DATABASE_URL: 'postgres://pooler/x', DATABASE_POOL_MODE: 'transaction' };
  t.match(says(env), /^DATABASE_DIRECT_URL is missing/);
  t.equal(says({ ...env, ROLE: 'api' }), '');
  t.equal(says({ ...env, DATABASE_DIRECT_URL: 'postgres://server/x' }), '');
});

t.test('unknown variables of the machine are nobody’s business', async (t) => {
  t.equal(says({ PATH: '/bin', LANG: 'C' }), '');
});
