// Traces: one request, its statements and the job that it started are one trace at a collector; nothing of a customer is in it.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { ROLES } from '../src/domain/scopes.ts';
import { signToken } from '../src/tokens.ts';
import { inSpan, isTracing, openSpan } from '../src/tracing.ts';
import { TEST_CONFIG, testApp, testDatabase, testStore } from './support/harness.ts';
import { startApiProcess, startWorkerProcess } from './support/worker-process.ts';

const database = await testDatabase(t);
const app = await testApp(t, database);

interface Span {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  attributes: { key: string; value: Record<string, unknown> }[];
  service: string;
}

interface Export {
  resourceSpans: {
    resource: { attributes: Span['attributes'] };
    scopeSpans: { spans: Omit<Span, 'service'>[] }[];
  }[];
}

/** An OpenTelemetry collector that keeps what it gets (OTLP over HTTP, JSON). */
async function startCollector() {
  const spans: Span[] = [];
  const server = createServer(async (request, response) => {
    const body = (await json(request)) as Export;
    for (const { resource, scopeSpans } of body.resourceSpans) {
      const service = resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue;
      for (const scope of scopeSpans)
        spans.push(...scope.spans.map((span) => ({ ...span, service: String(service) })));
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { spans, url: `http://127.0.0.1:${port}`, close: () => server.close() };
}

const attributeOf = (span: Span | undefined, key: string): unknown =>
  Object.values(span?.attributes.find((attribute) => attribute.key === key)?.value ?? {})[0];

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CALLER = 'b7ad6b7169203331';

t.test('off, nothing is loaded and work is only called', async (t) => {
  t.equal(isTracing(), false);
  t.equal(openSpan('anything'), undefined);
  t.equal(await inSpan('anything', {}, async () => 7), 7);
});

t.test(
  'a request, its statements and its job in another process are one trace, without parameters',
  async (t) => {
    const collector = await startCollector();
    t.teardown(collector.close);
    const env = {
      DATABASE_URL: database.url,
      APP_SECRET: String(TEST_CONFIG.APP_SECRET),
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_BSP_SCHEDULE_DELAY: '100',
      OTEL_SERVICE_NAME: 'shop-customers',
    };
    const [api, worker] = await Promise.all([startApiProcess(env), startWorkerProcess(env)]);
    t.teardown(() => Promise.all([api.end('SIGTERM'), worker.end('SIGTERM')]));
    const store = await testStore(app, database);
    const { data: customer } = await store.call('POST', '/v1/customers', { email: 'canary@example.com' });
    const token = signToken(TEST_CONFIG, {
      storeId: store.storeId,
      subject: 'tester',
      scopes: ROLES.owner,
      lifetimeSeconds: 600,
    });
    const answer = await fetch(`${api.url}/v1/customers/bulk?`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'idempotency-key': 'canary-of-a-key',
        traceparent: `00-${TRACE}-${CALLER}-01`,
      },
      body: JSON.stringify({ action: 'addTags', tags: ['canary-tag'], ids: [customer.id] }),
    });
    t.equal(answer.status, 202);
    const ours = () => collector.spans.filter(({ traceId }) => traceId === TRACE);
    for (let n = 0; n < 150 && !ours().some(({ name }) => name === 'job bulk'); n++) await sleep(100);
    await sleep(300);
    const spans = ours();
    const named = (name: string) => spans.find((span) => span.name === name);
    const request = named('POST /v1/customers/bulk');
    t.equal(request?.parentSpanId, CALLER, 'the trace of the caller goes on');
    t.equal(request?.kind, 2);
    t.equal(request?.service, 'shop-customers');
    t.equal(attributeOf(request, 'http.route'), '/v1/customers/bulk');
    t.equal(Number(attributeOf(request, 'http.response.status_code')), 202);
    const statements = spans.filter(
      ({ name, parentSpanId }) => name.startsWith('sql ') && parentSpanId === request?.spanId,
    );
    t.ok(
      statements.some(({ name }) => name === 'sql announce_job'),
      'statements have their names',
    );
    t.ok(statements.every(({ kind }) => kind === 3));
    const job = named('job bulk');
    t.equal(job?.parentSpanId, request?.spanId, 'the job goes on in the trace of the request');
    t.equal(job?.kind, 5);
    t.ok(spans.some(({ parentSpanId, name }) => parentSpanId === job?.spanId && name === 'sql lock_job'));
    t.notMatch(JSON.stringify(collector.spans), /canary|@example|\$1|select /i);
  },
);
