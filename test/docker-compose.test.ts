// docker-compose.yml and Dockerfile against the configuration, without a Docker engine.
import { readFileSync } from 'node:fs';
import t from 'tap';
import { parse } from 'yaml';
import { CONFIG_SCHEMA, readConfig } from '../src/config.ts';

interface Service {
  image: string;
  build?: string;
  command?: string[];
  environment?: Record<string, string | number>;
  ports?: string[];
  volumes?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test?: string[]; disable?: boolean };
}

const read = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');

const compose = parse(read('docker-compose.yml'), { merge: true }) as {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
};
const { services } = compose;
const ours = ['migrate', 'api', 'worker'].map((name) => [name, services[name] as Service] as const);

/** What Docker puts in for `${NAME:-default}` and `${NAME:?message}`. */
function filledIn(value: string | number): string {
  return String(value).replace(/\$\{(\w+):([-?])([^}]*)\}/g, (_, name, kind, rest) =>
    kind === '-' ? rest : `${name} of at least 32 characters, as asked`,
  );
}

const environmentOf = (service: Service): Record<string, string> =>
  Object.fromEntries(
    Object.entries(service.environment ?? {}).map(([name, value]) => [name, filledIn(value)]),
  );

t.test('the services are the six that the documentation names', async (t) => {
  t.strictSame(Object.keys(services), ['postgres', 'redis', 'mailpit', 'migrate', 'api', 'worker']);
  t.equal(services.postgres?.image, 'postgres:18', 'the major version of the embedded one');
  t.match(services.redis?.image, /^redis:\d+$/);
  t.match(services.mailpit?.image, /^axllent\/mailpit:v\d/, 'no floating tag');
  for (const [name, service] of ours) t.equal(service.build, '.', name);
});

t.test('every variable is a setting and every value is one that readConfig takes', async (t) => {
  const known = new Set(Object.keys(CONFIG_SCHEMA.properties));
  for (const [name, service] of ours) {
    const environment = environmentOf(service);
    t.strictSame(
      Object.keys(environment).filter((key) => !known.has(key)),
      [],
      name,
    );
    t.equal(readConfig(environment).NODE_ENV, 'production', name);
  }
});

t.test('without APP_SECRET compose stops with what is missing', async (t) => {
  t.match(String(services.api?.environment?.APP_SECRET), /^\$\{APP_SECRET:\?.*32.*\}$/);
});

t.test('addresses name services of this file', async (t) => {
  const config = readConfig(environmentOf(services.api as Service));
  const hosts = [config.DATABASE_URL, config.REDIS_URL, config.SMTP_URL].map(
    (url) => new URL(url ?? '').hostname,
  );
  t.strictSame(hosts, ['postgres', 'redis', 'mailpit']);
  const { username, password, pathname } = new URL(config.DATABASE_URL ?? '');
  const { POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB } = environmentOf(services.postgres as Service);
  t.strictSame([username, password, pathname], [POSTGRES_USER, POSTGRES_PASSWORD, `/${POSTGRES_DB}`]);
});

t.test('API and worker have their roles and wait for the schema and for Redis', async (t) => {
  for (const role of ['api', 'worker']) {
    const service = services[role] as Service;
    t.equal(service.environment?.ROLE, role);
    t.strictSame(service.depends_on, {
      migrate: { condition: 'service_completed_successfully' },
      redis: { condition: 'service_healthy' },
    });
  }
  t.strictSame(services.migrate?.command, ['migrate']);
  t.strictSame(services.migrate?.depends_on, { postgres: { condition: 'service_healthy' } });
});

t.test('ports are open to this machine alone, and the API is behind the one it listens on', async (t) => {
  const ports = Object.values(services).flatMap((service) => service.ports ?? []);
  for (const port of ports) t.match(port, /^127\.0\.0\.1:/);
  t.strictSame(services.api?.ports, [`127.0.0.1:3000:${services.api?.environment?.PORT}`]);
});

t.test('Redis keeps jobs over a restart and never evicts them', async (t) => {
  const command = services.redis?.command?.join(' ') ?? '';
  t.match(command, /--appendonly yes/);
  t.match(command, /--maxmemory-policy noeviction/);
});

t.test('what keeps data has a volume, and what others wait for a health check', async (t) => {
  const named = Object.values(services).flatMap((service) =>
    (service.volumes ?? []).map((volume) => volume.split(':')[0]),
  );
  t.strictSame(named.sort(), Object.keys(compose.volumes).sort());
  const awaited = Object.values(services).flatMap(({ depends_on = {} }) =>
    Object.entries(depends_on).filter(([, { condition }]) => condition === 'service_healthy'),
  );
  for (const [name] of awaited) t.ok(services[name]?.healthcheck?.test, name);
});

t.test(
  'the image: two stages of one base, not root, healthy by /livez, stopped by a signal to Node itself',
  async (t) => {
    const lines = read('Dockerfile').split('\n');
    const of = (word: string) =>
      lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
    t.strictSame(of('FROM'), ['node:24-slim AS build', 'node:24-slim']);
    t.strictSame(of('USER'), ['node']);
    t.strictSame(of('EXPOSE'), ['3000']);
    t.match(lines.join('\n'), /HEALTHCHECK[\s\S]*\/livez/);
    t.match(of('ENTRYPOINT')[0], /^\["node", /, 'no shell in between');
    const settings = of('ENV').flatMap((line) => line.split(' ').map((pair) => pair.split('=')));
    t.strictSame(
      settings.filter(([name]) => !(String(name) in CONFIG_SCHEMA.properties)),
      [],
      'every ENV is a setting',
    );
  },
);

t.test('what the image copies is not left out by .dockerignore', async (t) => {
  const copied = [...read('Dockerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, names = '']) =>
    names.split(' '),
  );
  const sent = read('.dockerignore').split('\n');
  t.equal(sent[0], '*', 'nothing goes in by accident');
  for (const name of copied) t.ok(sent.includes(`!${name}`), name);
});
