// What deploy/ offers, against the service: metrics that exist, settings that exist, probes, and manifests that are whole.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import pino from 'pino';
import t from 'tap';
import { parse, parseAllDocuments } from 'yaml';
import { SERVICE_FLAGS } from '../scripts/support/instances.ts';
import { buildProbes } from '../src/app.ts';
import { CONFIG_SCHEMA, readConfig } from '../src/config.ts';
import { createMetrics } from '../src/metrics.ts';
import { signOpsToken } from '../src/tokens.ts';
import { startWorker } from '../src/worker.ts';
import { call, TEST_CONFIG, testApp, testDatabase } from './support/harness.ts';
import { startWorkerProcess } from './support/worker-process.ts';

const ROOT = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8');
const pathOf = (path: string): string => fileURLToPath(new URL(path, ROOT));

const database = await testDatabase(t);

interface Rule {
  alert: string;
  expr: string;
  labels: Record<string, string>;
  annotations: { summary: string; runbook: string };
}

const rules: Rule[] = parse(read('deploy/prometheus/alerts.yml')).groups.flatMap(
  (group: { rules: Rule[] }) => group.rules,
);

interface Panel {
  title: string;
  type: string;
  description?: string;
  gridPos: { h: number; w: number; x: number; y: number };
  targets?: { expr: string }[];
}

const dashboard: { panels: Panel[] } = JSON.parse(read('deploy/grafana/clientele.json'));
const expressions = [
  ...rules.map(({ expr }) => expr),
  ...dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
];

/** Names of metrics in an expression of PromQL. */
const metricsIn = (expr: string): string[] =>
  expr.match(/\b(?:clientele|nodejs|process)_[a-z0-9_]+\b/g) ?? [];

/** Whether the program is on this machine. */
function has(program: string): boolean {
  try {
    execFileSync('which', [program], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Names and labels that API and worker really answer, as documented by HELP and TYPE. */
async function answeredMetrics(): Promise<{ types: Map<string, string>; text: string }> {
  const app = await testApp(t, database);
  const ops = signOpsToken(TEST_CONFIG, 60);
  await app.inject('/livez');
  const metrics = createMetrics(database.pool, '1.2.3');
  const config = TEST_CONFIG;
  const log = pino({ level: 'silent' });
  const worker = await startWorker(config, database, log, metrics);
  const probes = await buildProbes({ config, pool: database.pool, version: '1.2.3', logger: log, metrics });
  t.teardown(async () => {
    await probes.close();
    await worker.stop(1_000);
  });
  const bodies = await Promise.all(
    [app, probes].map(async (server) => (await call(server, ops, 'GET', '/metrics')).body),
  );
  const text = bodies.join('\n');
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(
    ([, name = '', type = '']) => [name, type] as const,
  );
  return { types: new Map(types), text };
}

const { types, text: answered } = await answeredMetrics();

t.test('every metric that dashboard and alerts ask for is answered', async (t) => {
  const known = new Set(
    [...types].flatMap(([name, type]) =>
      type === 'histogram' ? ['_bucket', '_count', '_sum'].map((suffix) => name + suffix) : [name],
    ),
  );
  const asked = new Set(expressions.flatMap(metricsIn));
  t.ok(asked.size > 20);
  t.same(
    [...asked].filter((name) => !known.has(name)),
    [],
  );
});

t.test(
  'every metric of ours has a name by the conventions, a help text, a line in the docs, and a panel',
  async (t) => {
    const docs = read('docs/operations.md');
    const asked = new Set(
      expressions.flatMap(metricsIn).map((name) => name.replace(/_(bucket|count|sum)$/, '')),
    );
    for (const [name, type] of types) {
      if (!name.startsWith('clientele_')) continue;
      t.match(answered, new RegExp(`^# HELP ${name} .{10,}$`, 'm'), name);
      t.match(docs, `\`${name}`, `${name} is documented`);
      t.ok(asked.has(name), `${name} is shown or watched`);
      if (type === 'counter') t.match(name, /_total$/);
      if (type === 'histogram') t.match(name, /_seconds$/);
    }
    const documented = [...docs.matchAll(/^\| `(clientele_\w+)/gm)].map(([, name = '']) => name);
    t.same(
      documented.filter((name) => !types.has(name)),
      [],
      'nothing is documented that is not there',
    );
  },
);

t.test('each alert says who is called, what they see, and a recipe that exists', async (t) => {
  const headings = [...read('docs/operations.md').matchAll(/^#{2,3} (.+)$/gm)].map(([, text = '']) =>
    text
      .toLowerCase()
      .replace(/[^a-z0-9 -]/g, '')
      .replaceAll(' ', '-'),
  );
  t.ok(rules.length >= 12);
  t.equal(new Set(rules.map(({ alert }) => alert)).size, rules.length);
  for (const { alert, labels, annotations } of rules) {
    t.match(labels.severity, /^(page|ticket)$/, alert);
    t.ok(annotations.summary.length > 10, alert);
    const [file, anchor = ''] = annotations.runbook.split('#');
    t.equal(file, 'docs/operations.md', alert);
    t.ok(headings.includes(anchor), `${alert}: ${anchor}`);
  }
});

t.test(
  'promtool takes the alert rules',
  { skip: !has('promtool') && 'promtool is not on this machine' },
  async (t) => {
    t.doesNotThrow(() =>
      execFileSync('promtool', ['check', 'rules', pathOf('deploy/prometheus/alerts.yml')]),
    );
  },
);

t.test('parentheses, braces and quotes of every expression close', async (t) => {
  for (const expr of expressions) {
    const bare = expr.replace(/"(?:[^"\\]|\\.)*"/g, '""').replace(/'[^']*'/g, "''");
    for (const [open, close] of ['()', '{}', '[]'].map((pair) => [...pair] as [string, string]))
      t.equal(bare.split(open).length, bare.split(close).length, expr);
  }
});

t.test('panels of the dashboard have a title, say what they show, and do not overlap', async (t) => {
  const taken = new Set<string>();
  for (const { title, type, description, targets, gridPos } of dashboard.panels) {
    t.ok(title);
    if (type !== 'row') t.ok(description && (targets?.length ?? 0) > 0, title);
    t.ok(gridPos.x + gridPos.w <= 24, title);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        t.notOk(taken.has(`${x},${y}`), `${title} at ${x},${y}`);
        taken.add(`${x},${y}`);
      }
  }
});

// biome-ignore lint/suspicious/noExplicitAny: manifests are YAML of every shape
type Json = any;

/** A TCP port that nobody uses. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

t.test('a worker answers health and metrics on WORKER_PORT, and nothing of the API', async (t) => {
  const port = await freePort();
  const worker = await startWorkerProcess({
    DATABASE_URL: database.url,
    APP_SECRET: String(TEST_CONFIG.APP_SECRET),
    WORKER_PORT: String(port),
  });
  t.teardown(() => worker.end('SIGTERM'));
  const ask = (path: string, token?: string) =>
    fetch(`http://127.0.0.1:${port}${path}`, { headers: token ? { authorization: `Bearer ${token}` } : {} });
  t.match(await (await ask('/readyz')).json(), { status: 'ok', database: 'ok', queue: 'ok' });
  t.equal((await ask('/livez')).status, 200);
  t.equal((await ask('/metrics')).status, 401);
  const metrics = await (await ask('/metrics', signOpsToken(TEST_CONFIG, 60))).text();
  t.match(metrics, 'clientele_queue_deliveries{queue="mail",state="waiting"}');
  t.equal((await ask('/v1/customers')).status, 404);
  t.equal(await worker.end('SIGTERM'), 0, 'the port does not keep it from ending');
});

const FOLDER = 'deploy/kubernetes/';
const documentsOf = (file: string): Json[] =>
  parseAllDocuments(read(FOLDER + file)).map((document) => {
    t.same(document.errors, [], file);
    return document.toJS();
  });
const kustomization = documentsOf('kustomization.yaml')[0];
const manifests: Json[] = kustomization.resources.flatMap(documentsOf);
const ofKind = (kind: string): Json[] => manifests.filter((manifest) => manifest.kind === kind);
const workloads = [...ofKind('Deployment'), ...ofKind('Job')];
const podOf = (workload: Json): Json => workload.spec.template.spec;

t.test('every manifest of the folder is applied, but for the example of a secret', async (t) => {
  const files = readdirSync(pathOf(FOLDER)).filter((name) => name.endsWith('.yaml'));
  t.same(files.filter((name) => !kustomization.resources.includes(name)).sort(), [
    'kustomization.yaml',
    'secret.example.yaml',
  ]);
  const names = manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
  t.equal(new Set(names).size, names.length);
  t.same(ofKind('Secret'), []);
});

t.test('pods run as nobody in particular: no root, no privileges, nothing to write to', async (t) => {
  t.equal(workloads.length, 3);
  for (const workload of workloads) {
    const pod = podOf(workload);
    t.match(pod.securityContext, { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    t.equal(pod.automountServiceAccountToken, false);
    for (const container of pod.containers) {
      t.strictSame(container.securityContext, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      t.ok(container.resources.requests.cpu && container.resources.requests.memory);
      t.ok(container.resources.limits.memory);
    }
  }
});

t.test('API and worker are probed where they answer, scaled, spread, and stopped in peace', async (t) => {
  for (const deployment of ofKind('Deployment')) {
    const { name } = deployment.metadata;
    const labels = deployment.spec.template.metadata.labels;
    t.same(deployment.spec.selector.matchLabels, labels, name);
    const [container] = podOf(deployment).containers;
    const port = container.ports.find((entry: Json) => entry.name === 'http').containerPort;
    const settings = Object.fromEntries(container.env.map((entry: Json) => [entry.name, entry.value]));
    t.equal(Number(settings.ROLE === 'api' ? settings.PORT : settings.WORKER_PORT), port, name);
    for (const [probe, path] of Object.entries({
      startupProbe: '/livez',
      livenessProbe: '/livez',
      readinessProbe: '/readyz',
    })) {
      t.match(container[probe].httpGet, { path, port: 'http' }, `${name} ${probe}`);
    }
    const grace = podOf(deployment).terminationGracePeriodSeconds;
    t.ok(grace * 1000 > readConfig({}).SHUTDOWN_GRACE_MS + 2_000, name);
    const scaler = ofKind('HorizontalPodAutoscaler').find((entry) => entry.spec.scaleTargetRef.name === name);
    t.ok(scaler && deployment.spec.replicas === undefined, 'the autoscaler alone says how many');
    const budget = ofKind('PodDisruptionBudget').find((entry) => entry.metadata.name === name);
    t.same(budget.spec.selector.matchLabels, labels);
  }
  const [service] = ofKind('Service');
  t.same(service.spec.selector, { 'app.kubernetes.io/component': 'api' });
});

t.test('settings of manifests and units are settings of the service, and usable', async (t) => {
  const secret = parseAllDocuments(read(`${FOLDER}secret.example.yaml`)).map((document) => document.toJS());
  const fromSecret = Object.assign({}, ...secret.map(({ stringData }) => stringData));
  const { data } = ofKind('ConfigMap')[0];
  for (const { spec } of ofKind('Deployment')) {
    const env = spec.template.spec.containers[0].env;
    const own = Object.fromEntries(env.map((entry: Json) => [entry.name, entry.value]));
    const all = { ...data, ...fromSecret, ...own };
    t.same(
      Object.keys(all).filter((name) => !(name in CONFIG_SCHEMA.properties)),
      [],
    );
    t.equal(readConfig(all).NODE_ENV, 'production');
  }
});

t.test(
  'kubectl builds the kustomization',
  { skip: !has('kubectl') && 'kubectl is not on this machine' },
  async (t) => {
    const built = execFileSync('kubectl', ['kustomize', pathOf(FOLDER)], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    const documents = parseAllDocuments(built).map((document) => document.toJS());
    t.equal(documents.length, manifests.length);
    for (const { kind, metadata } of documents)
      if (kind !== 'Namespace') t.equal(metadata.namespace, 'clientele', kind);
    t.notMatch(built, /image: clientele$/m, 'images come from a registry');
  },
);

const UNITS = ['api', 'worker'].map((role) => `deploy/systemd/clientele-${role}.service`);

t.test('units start the role they are named after, and stop it in peace', async (t) => {
  for (const unit of UNITS) {
    const text = read(unit);
    const role = /-(\w+)\.service$/.exec(unit)?.[1];
    t.match(text, `ROLE=${role} `);
    t.match(text, /^NoNewPrivileges=yes$/m);
    t.match(text, /^ProtectSystem=strict$/m);
    const env = /^Environment=(.+)$/m.exec(text)?.[1] ?? '';
    const settings = Object.fromEntries(env.split(' ').map((pair) => pair.split('=')));
    t.same(
      Object.keys(settings).filter((name) => !(name in CONFIG_SCHEMA.properties)),
      [],
    );
    t.ok(Number(/^TimeoutStopSec=(\d+)$/m.exec(text)?.[1]) * 1000 > readConfig({}).SHUTDOWN_GRACE_MS);
  }
});

t.test(
  'systemd takes the units',
  { skip: !has('systemd-analyze') && 'systemd is not on this machine' },
  async (t) => {
    for (const unit of UNITS) {
      const output = execFileSync('systemd-analyze', ['verify', '--man=no', pathOf(unit)], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: 60_000,
      });
      t.equal(output, '');
    }
  },
);

t.test('units, benches and scripts start the service with the flags of npm start', async (t) => {
  const flags = SERVICE_FLAGS.join(' ');
  t.match(JSON.parse(read('package.json')).scripts.start, `node ${flags} dist/src/cli.js start`);
  for (const role of ['api', 'worker'])
    t.match(read(`deploy/systemd/clientele-${role}.service`), `node ${flags} /opt`);
});
