// Renders mails and compiles templates in threads, so that no template holds up the event loop, and ends threads whose
// work does not. One renderer per process; threads start with the first mail.
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import type { Variables } from '../domain/mail/template-variables.ts';
import {
  type MissingPolicy,
  RENDER_TIMEOUT_MS,
  type TemplateSource,
  type TemplateVariable,
} from '../domain/mail/templates.ts';
import type { ClickTracking } from './click-links.ts';
import type { MimeInput } from './mail-mime.ts';
import type { CompileOutcome } from './template-compiler.ts';

/** A compiled version; mails of one batch share the object, which then travels once. */
export interface RenderTemplate {
  id: string;
  /** Null: a draft, which is never remembered. */
  number: number | null;
  subject: string;
  html: string;
  text: string;
  missing: MissingPolicy;
  variables: readonly Pick<TemplateVariable, 'name' | 'fallback'>[];
  /** Language of its words, for dates. */
  locale?: string;
}

export interface RenderJob {
  template: RenderTemplate;
  /** Plain data: objects, lists, text, numbers, booleans, Dates. */
  variables: Variables;
  /** Makes the bytes of the mail too. */
  mime?: Omit<MimeInput, 'subject' | 'html' | 'text'>;
  /** Links of the HTML part lead through us and are counted. */
  clicks?: ClickTracking;
  /** Leaves blank what is missing, and lists it. */
  listMissing?: boolean;
}

export const RENDER_FAILURES = [
  'TEMPLATE_ERROR',
  'TEMPLATE_TIMEOUT',
  'TEMPLATE_VARIABLE_MISSING',
  'TEMPLATE_TOO_LARGE',
  'MAIL_INVALID',
] as const;
export type RenderFailure = (typeof RENDER_FAILURES)[number];

export type RenderOutcome =
  | { ok: true; subject: string; html: string; text: string; raw?: Buffer; missing?: string[] }
  | {
      ok: false;
      code: RenderFailure;
      /** Says nothing of the customer. */
      detail: string;
      line?: number;
      /** The one that has no value. */
      variable?: string;
      /** Of MAIL_INVALID: `to`, `from`, … */
      field?: string;
    };

/** What goes to a thread. */
export interface RenderBatch {
  jobs: readonly RenderJob[];
  timeoutMs: number;
  progress: Int32Array<SharedArrayBuffer>;
}

export interface Renderer {
  /** The outcomes in the order of the jobs. One mail that cannot be rendered fails alone. */
  renderMails(jobs: readonly RenderJob[], options?: { timeoutMs?: number }): Promise<RenderOutcome[]>;
  compile(template: TemplateSource): Promise<CompileOutcome>;
  close(): Promise<void>;
}

/** Loading MJML takes half a second, and compiling a large template a few hundredths. */
const COMPILE_TIMEOUT_MS = 2_000;
const WATCH_MS = 20;

const workerFile = (name: string): string =>
  fileURLToPath(new URL(`./${name}${extname(import.meta.url)}`, import.meta.url));

/** Threads see neither the environment nor much memory. */
const openPool = (name: string, threads: number): Piscina =>
  new Piscina({
    filename: workerFile(name),
    minThreads: 0,
    maxThreads: threads,
    idleTimeout: 60_000,
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: 256, stackSizeMb: 4 },
    closeTimeout: 5_000,
    recordTiming: false,
  });

/** A pool that is there from its first use on. */
function lazily(open: () => Piscina): { get(): Piscina; close(): Promise<void> } {
  let pool: Piscina | undefined;
  return {
    get() {
      pool ??= open();
      return pool;
    },
    async close() {
      await pool?.destroy();
      pool = undefined;
    },
  };
}

/** The thread was ended, by the watch or for its memory, while it worked on `index`. */
class Ended extends Error {
  readonly index: number;
  readonly outOfMemory: boolean;

  constructor(index: number, outOfMemory: boolean) {
    super('The thread was ended');
    this.index = index;
    this.outOfMemory = outOfMemory;
  }
}

/**
 * Runs a task whose thread counts the steps that it begins, and ends the thread when one step takes too long. Waiting
 * for a free thread is no step.
 * @throws Ended with the step
 */
async function watched<Result>(pool: Piscina, task: object, timeoutMs: number): Promise<Result> {
  const progress = new Int32Array(new SharedArrayBuffer(4));
  const controller = new AbortController();
  let seen = 0;
  let since = performance.now();
  const watch = setInterval(() => {
    const step = Atomics.load(progress, 0);
    const now = performance.now();
    if (step !== seen) {
      seen = step;
      since = now;
    } else if (step > 0 && now - since > timeoutMs) controller.abort();
  }, WATCH_MS);
  try {
    return await pool.run({ ...task, progress }, { signal: controller.signal });
  } catch (error) {
    const step = Atomics.load(progress, 0);
    const outOfMemory = (error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY';
    if (step > 0 && (controller.signal.aborted || outOfMemory)) throw new Ended(step - 1, outOfMemory);
    throw error;
  } finally {
    clearInterval(watch);
  }
}

const endedOutcome = ({ outOfMemory }: Ended): RenderOutcome =>
  outOfMemory
    ? { ok: false, code: 'TEMPLATE_TOO_LARGE', detail: 'It takes too much memory to render' }
    : { ok: false, code: 'TEMPLATE_TIMEOUT', detail: 'It takes too long to render' };

/** What comes over a thread's border is a Uint8Array. */
const withBuffer = (outcome: RenderOutcome): RenderOutcome => {
  if (!outcome.ok || !outcome.raw) return outcome;
  const { buffer, byteOffset, byteLength } = outcome.raw;
  return { ...outcome, raw: Buffer.from(buffer, byteOffset, byteLength) };
};

/** One object for each version, so that a structured clone carries it once. */
function sharingTemplates(jobs: readonly RenderJob[]): RenderJob[] {
  const known = new Map<string, RenderTemplate>();
  return jobs.map((job) => {
    const { id, number } = job.template;
    if (number === null) return job;
    const key = `${id} ${number}`;
    const template = known.get(key) ?? job.template;
    known.set(key, template);
    return template === job.template ? job : { ...job, template };
  });
}

/** The batch, and again without each mail that ended its thread. */
async function renderAll(
  pool: Piscina,
  jobs: readonly RenderJob[],
  timeoutMs: number,
): Promise<RenderOutcome[]> {
  const outcomes: RenderOutcome[] = [];
  let left = sharingTemplates(jobs).map((job, index) => ({ job, index }));
  while (left.length > 0) {
    try {
      const rendered = await watched<RenderOutcome[]>(
        pool,
        { jobs: left.map(({ job }) => job), timeoutMs },
        timeoutMs,
      );
      for (const [place, outcome] of rendered.entries()) {
        const { index } = left[place] as { index: number };
        outcomes[index] = withBuffer(outcome);
      }
      return outcomes;
    } catch (error) {
      if (!(error instanceof Ended)) throw error;
      const { index } = left[error.index] as { index: number };
      outcomes[index] = endedOutcome(error);
      left = left.filter((entry) => entry.index !== index);
    }
  }
  return outcomes;
}

async function compileIn(pool: Piscina, template: TemplateSource): Promise<CompileOutcome> {
  try {
    return await watched<CompileOutcome>(pool, { template }, COMPILE_TIMEOUT_MS);
  } catch (error) {
    if (!(error instanceof Ended)) throw error;
    const message = 'The template is too large to compile.';
    return { ok: false, problems: [{ pointer: '/source', code: 'SOURCE_TOO_LARGE', message }] };
  }
}

/** `threads` render side by side; compiling has one of its own. */
export function createRenderer({ threads }: { threads: number }): Renderer {
  const rendering = lazily(() => openPool('mail-render-worker', threads));
  const compiling = lazily(() => openPool('template-compile-worker', 1));
  return {
    renderMails: (jobs, { timeoutMs = RENDER_TIMEOUT_MS } = {}) =>
      renderAll(rendering.get(), jobs, timeoutMs),
    compile: (template) => compileIn(compiling.get(), template),
    async close() {
      await Promise.all([rendering.close(), compiling.close()]);
    },
  };
}
