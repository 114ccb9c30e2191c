// The packages that the service is built from: fixed, hashed, without known holes, and listed for whoever has to answer for them.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const ROOT = new URL('../../', import.meta.url);
const read = (path: string) => JSON.parse(readFileSync(new URL(path, ROOT), 'utf8'));

interface Locked {
  version: string;
  integrity?: string;
  optional?: boolean;
  dev?: boolean;
  link?: boolean;
  inBundle?: boolean;
  hasInstallScript?: boolean;
}

const nameOf = (path: string): string =>
  path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);

const lockedIn = (file: string): { path: string; name: string; locked: Locked }[] =>
  Object.entries(read(file).packages as Record<string, Locked>)
    .filter(([path, { link }]) => path.includes('node_modules/') && !link)
    .map(([path, locked]) => ({ path, name: nameOf(path), locked }));

const manifest = read('package.json');
const all = lockedIn('package-lock.json');
const shipped = all.filter(({ locked }) => !locked.dev);

/**
 * The first version of each package without its known holes, with the advisory that says so (GitHub Advisory Database or
 * CVE). Add a line when one is published; npm audit tells of it, and needs a registry that answers.
 */
const LEAST: readonly [name: string, least: string, advisory: string][] = [
  ['fastify', '5.3.2', 'GHSA-mg2h-6x62-wpwc: the body of another content type was not validated'],
  ['fastify', '5.7.2', 'GHSA-jx2c-rxcm-jvmq: a tab in Content-Type passed validation by'],
  ['fastify', '5.8.1', 'GHSA-573f-x89g-hqp9: a malformed Content-Type passed validation by'],
  ['fastify', '5.8.3', 'GHSA-444r-cwp2-x5xf: X-Forwarded-Host of strangers was believed'],
  ['fastify', '5.8.5', 'GHSA-247c-9743-5963: a space before Content-Type passed validation by'],
  ['fast-jwt', '6.2.0', 'GHSA-hm7r-c7qw-ghp6: tokens with unknown critical headers were taken'],
  ['fast-jwt', '6.2.0', 'GHSA-rp9m-7r4c-75qg: keys of a cache that collide mix up tokens'],
  ['nodemailer', '7.0.7', 'GHSA-mm7p-fcc7-pg87: quoted addresses led mails to another domain'],
  ['nodemailer', '7.0.11', 'GHSA-rcmh-qjqh-p98v: nested groups of addresses never ended'],
  ['liquidjs', '10.25.0', 'CVE-2026-30952: templates read files beyond their folder'],
  ['liquidjs', '10.26.0', 'GHSA-gf2q-c269-pqgc: templates could run code'],
  ['liquidjs', '10.27.1', 'CVE-2026-55575: a filter passed the limit of memory by'],
  ['liquidjs', '10.27.2', 'CVE-2026-69222: allocation without limits'],
  ['drizzle-orm', '0.45.2', 'GHSA-gpj5-g38j-94v9: names of columns were not escaped'],
  ['@fastify/static', '10.1.1', 'GHSA-83w8-p2f5-377r: guards of routes were passed by with dots'],
  ['ajv', '8.18.0', 'GHSA-2g4f-4pwh-qvx6: a pattern out of $data could take for ever'],
  ['fast-uri', '3.1.2', 'GHSA-v39h-62p7-jpjc: encoded delimiters named another host'],
  ['uuid', '11.1.1', 'CVE-2026-41907: writing beyond the given buffer'],
  ['postcss', '8.4.31', 'GHSA-7fh5-64p2-3v2j: a carriage return ended a comment'],
];

const numbersOf = (version: string): number[] => (version.split('-')[0] ?? '').split('.').map(Number);

/** Whether `version` is not below `least`, by the three numbers. */
function reaches(version: string, least: string): boolean {
  const [given, wanted] = [numbersOf(version), numbersOf(least)];
  const place = given.findIndex((number, index) => number !== wanted[index]);
  return place === -1 || (given[place] ?? 0) > (wanted[place] ?? 0);
}

t.test('versions compare by number, not by letter', async (t) => {
  t.ok(reaches('10.30.1', '10.27.2'));
  t.ok(reaches('5.8.5', '5.8.5'));
  t.notOk(reaches('5.8.4', '5.8.5'));
  t.notOk(reaches('9.9.9', '10.0.0'));
});

t.test('no package that is shipped has a known hole', async (t) => {
  for (const [name, least, advisory] of LEAST) {
    const found = shipped.filter((one) => one.name === name);
    t.not(found.length, 0, `${name} is one of ours`);
    for (const { path, locked } of found)
      t.ok(reaches(locked.version, least), `${path} ${locked.version} ≥ ${least}: ${advisory}`);
  }
});

t.test('every dependency is one exact version', async (t) => {
  const named = { ...manifest.dependencies, ...manifest.devDependencies };
  for (const [name, version] of Object.entries(named))
    t.match(version, /^\d+\.\d+\.\d+(-[\w.]+)?$/, `${name} ${version}`);
});

// Registries that serve one platform only do not tell the hashes of the others.
t.test('every package has a hash, but for binaries of other machines', async (t) => {
  const bare = [...all, ...lockedIn('clients/package-lock.json')].filter(
    ({ locked }) => !/^sha512-/.test(locked.integrity ?? '') && !locked.inBundle,
  );
  const isForeign = ({ locked, path }: (typeof bare)[number]): boolean =>
    locked.optional === true &&
    /android|darwin|win32|freebsd|arm|ppc64|riscv64|s390x|musl|ia32|openharmony/.test(path);
  t.strictSame(
    bare.filter((one) => !isForeign(one)).map(({ path }) => path),
    [],
  );
});

t.test('only the packages of package.json may run a script when they are installed', async (t) => {
  const withScript = new Set(all.filter(({ locked }) => locked.hasInstallScript).map(({ name }) => name));
  const undecided = [...withScript].filter((name) => !(name in manifest.allowScripts));
  t.strictSame(
    undecided.filter((name) => !/^fsevents$/.test(name)),
    [],
  );
});

t.test('the bill of materials names every package that is shipped, with its licence', async (t) => {
  const bill = JSON.parse(
    execFileSync('npm', ['run', '--silent', 'sbom'], { cwd: fileURLToPath(ROOT), encoding: 'utf8' }),
  );
  t.equal(bill.bomFormat, 'CycloneDX');
  const listed = new Map(
    bill.components.map((one: { group?: string; name: string; version: string; licenses?: unknown[] }) => [
      `${one.name}@${one.version}`,
      one,
    ]),
  );
  for (const [name, version] of Object.entries(manifest.dependencies)) {
    const component = listed.get(`${name}@${version}`) as
      | { licenses?: unknown[]; hashes?: unknown[] }
      | undefined;
    t.ok(component, `${name}@${version}`);
    t.ok((component?.licenses ?? []).length > 0, `${name} names its licence`);
    t.ok((component?.hashes ?? []).length > 0, `${name} has its hash`);
  }
});

t.test('the client has the version of the service', async (t) => {
  t.equal(read('clients/typescript/package.json').version, manifest.version);
  t.equal(read('openapi/clientele.json').info.version, manifest.version);
});
