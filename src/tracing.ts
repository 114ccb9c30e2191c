// OpenTelemetry traces: HTTP requests, SQL statements, jobs, mails and outgoing HTTP as spans. Off unless
// OTEL_EXPORTER_OTLP_ENDPOINT is set: then nothing of OpenTelemetry is even loaded, and `inSpan` only calls.
import type { Attributes, Context, Span, Tracer } from '@opentelemetry/api';

/** What is loaded when traces are wanted. */
interface Tracing {
  api: typeof import('@opentelemetry/api');
  tracer: Tracer;
}

let tracing: Tracing | undefined;

interface SpanOptions {
  kind?: 'server' | 'client' | 'consumer' | 'internal';
  /** Names and numbers only: never a parameter, an address or a path with ids. */
  attributes?: Attributes;
  /** `traceparent` (W3C Trace Context) of what caused this; without it the span belongs to the one around it. */
  traceparent?: string | undefined;
}

/** True while traces are taken: what is only done for them asks this first. */
export const isTracing = (): boolean => tracing !== undefined;

/**
 * Starts to trace; the standard variables of OpenTelemetry (OTEL_*) say where to, how much of it, and under which name.
 * @returns what sends the last spans and stops
 */
export async function startTracing(version: string): Promise<() => Promise<void>> {
  const [api, { BatchSpanProcessor, NodeTracerProvider }, { OTLPTraceExporter }, resources] =
    await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/sdk-trace-node'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
    ]);
  const { ATTR_SERVICE_NAME, ATTR_SERVICE_VERSION } = await import('@opentelemetry/semantic-conventions');
  const { defaultResource, detectResources, envDetector, hostDetector, resourceFromAttributes } = resources;
  const provider = new NodeTracerProvider({
    // What the environment says comes last and wins.
    resource: defaultResource()
      .merge(resourceFromAttributes({ [ATTR_SERVICE_NAME]: 'clientele', [ATTR_SERVICE_VERSION]: version }))
      .merge(detectResources({ detectors: [hostDetector, envDetector] })),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
  });
  provider.register();
  const started: Tracing = { api, tracer: provider.getTracer('clientele', version) };
  tracing = started;
  return async () => {
    if (tracing === started) tracing = undefined;
    for (const part of [api.trace, api.context, api.propagation]) part.disable();
    await provider.shutdown();
  };
}

const KINDS = { internal: 0, server: 1, client: 2, consumer: 4 } as const;

const contextOf = ({ api }: Tracing, traceparent: string | undefined): Context =>
  traceparent === undefined
    ? api.context.active()
    : api.propagation.extract(api.ROOT_CONTEXT, { traceparent });

/** The name of an error says what went wrong; its message may carry what belongs to a customer. */
function fail({ api }: Tracing, span: Span, error: unknown): void {
  const name = error instanceof Error ? error.name : typeof error;
  span.setAttribute('error.type', name);
  span.setStatus({ code: api.SpanStatusCode.ERROR });
}

/** A span that was opened; `run` makes it the one around what is called. */
export interface OpenSpan {
  run<T>(work: () => T): T;
  set(attributes: Attributes): void;
  fail(error: unknown): void;
  end(): void;
}

/**
 * Opens a span that somebody ends later. Undefined while nothing is traced, and for calls to others (`client`) that belong to
 * nothing: a sweep that asks every few seconds is no trace of its own.
 */
export function openSpan(
  name: string,
  { kind = 'internal', attributes = {}, traceparent }: SpanOptions = {},
): OpenSpan | undefined {
  const now = tracing;
  if (!now) return undefined;
  const parent = contextOf(now, traceparent);
  if (kind === 'client' && !now.api.trace.getSpan(parent)) return undefined;
  const span = now.tracer.startSpan(name, { kind: KINDS[kind], attributes }, parent);
  const inside = now.api.trace.setSpan(parent, span);
  return {
    run: (work) => now.api.context.with(inside, work),
    set: (more) => void span.setAttributes(more),
    fail: (error) => fail(now, span, error),
    end: () => span.end(),
  };
}

/** Does the work inside a span. */
export async function inSpan<T>(name: string, options: SpanOptions, work: () => Promise<T>): Promise<T> {
  const span = openSpan(name, options);
  if (!span) return work();
  try {
    return await span.run(work);
  } catch (error) {
    span.fail(error);
    throw error;
  } finally {
    span.end();
  }
}

/** `traceparent` of the span around this call, to be kept with what goes on later; undefined while nothing is traced. */
export function currentTraceparent(): string | undefined {
  if (!tracing) return undefined;
  const carrier: { traceparent?: string } = {};
  tracing.api.propagation.inject(tracing.api.context.active(), carrier);
  return carrier.traceparent;
}
