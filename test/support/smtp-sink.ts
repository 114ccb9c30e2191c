// An SMTP server on loopback that keeps what it accepts and fails on demand. In this process, or as one of its own
// (`node smtp-sink.js`) that outlives the processes which are killed.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { buffer, json } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';

/** `answer` is the end of DATA: the mail was read whole. */
export const SINK_STEPS = ['connect', 'login', 'mail', 'rcpt', 'data', 'answer'] as const;
export type SinkStep = (typeof SINK_STEPS)[number];

/** What goes wrong at a step: one of `reply`, `drop`, `silence`; `waitMs` alone only makes it slow. */
export interface Fault {
  at: SinkStep;
  /** `450 4.2.1 try later`: the code and the words. */
  reply?: string;
  /** The connection is cut off. At `answer` the mail was taken. */
  drop?: boolean;
  /** Nothing is ever said. */
  silence?: boolean;
  waitMs?: number;
  /** Only for recipients whose address has this in it; known from `rcpt` on. */
  to?: string;
  /** So often; without it, until the faults are set anew. */
  times?: number;
  /** Only in so many of a hundred cases. */
  percent?: number;
}

export interface AcceptedMail {
  from: string;
  to: string[];
  /** With its brackets; empty when the mail has none. */
  messageId: string;
  at: Date;
  /** Number of the connection that brought it, from 1. */
  connection: number;
  raw: Buffer;
}

export interface SinkOptions {
  port?: number;
  users?: Record<string, string>;
  pipelining?: boolean;
  startTls?: boolean;
  /** Whole mails are kept; without, only who got what. */
  keepRaw?: boolean;
}

export interface SmtpSink {
  readonly port: number;
  readonly url: string;
  readonly accepted: AcceptedMail[];
  /** Connections until now. */
  readonly connections: () => number;
  /** Most connections that were open at a time. */
  readonly mostOpen: () => number;
  setFaults(faults: readonly Fault[]): void;
  parsed(index: number): Promise<ParsedMail>;
  /** Nobody listens any more; `listen` takes the same port again. */
  refuse(): Promise<void>;
  listen(): Promise<void>;
  close(): Promise<void>;
}

/** An error that smtp-server writes as this reply. */
function replyError(reply: string): Error & { responseCode: number } {
  const [code = '', ...words] = reply.split(' ');
  return Object.assign(new Error(words.join(' ')), { responseCode: Number(code) });
}

const messageIdIn = (raw: Buffer): string => {
  const head = raw.subarray(0, Math.max(0, raw.indexOf('\r\n\r\n'))).toString('latin1');
  return /^message-id:\s*(<[^>]*>)/im.exec(head)?.[1] ?? '';
};

/** The faults that are in force, and those of them that are used up. */
function faultScript() {
  let faults: (Fault & { left: number })[] = [];
  return {
    set(next: readonly Fault[]) {
      faults = next.map((fault) => ({ ...fault, left: fault.times ?? Number.POSITIVE_INFINITY }));
    },
    next(at: SinkStep, to = ''): Fault | undefined {
      const fault = faults.find(
        (one) =>
          one.at === at &&
          one.left > 0 &&
          (one.to === undefined || to.includes(one.to)) &&
          (one.percent === undefined || Math.random() * 100 < one.percent),
      );
      if (fault) fault.left--;
      return fault;
    },
  };
}

/** Starts a sink; resolves when it listens. */
export async function startSink(options: SinkOptions = {}): Promise<SmtpSink> {
  const { users, pipelining = true, startTls = false, keepRaw = true } = options;
  const accepted: AcceptedMail[] = [];
  const script = faultScript();
  const sockets = new Map<number, { socket: Socket; number: number }>();
  let counted = 0;
  let most = 0;
  let port = options.port ?? 0;
  let server: SMTPServer;

  const cut = (session: SMTPServerSession): void => {
    const socket = sockets.get(session.remotePort)?.socket;
    // Nobody has spoken yet: the connection just ends. Later it breaks.
    if (session.openingCommand) socket?.resetAndDestroy();
    else socket?.destroy();
  };

  /** Does what the fault says, and otherwise goes on; `done` is the callback of smtp-server. */
  async function act(
    fault: Fault | undefined,
    session: SMTPServerSession,
    done: (error?: Error | null) => void,
    ok: () => void = () => done(),
  ): Promise<void> {
    if (fault?.waitMs) await pause(fault.waitMs);
    if (fault?.silence) return;
    if (fault?.drop) return cut(session);
    if (fault?.reply) return done(replyError(fault.reply));
    ok();
  }

  const recipientOf = (session: SMTPServerSession): string =>
    session.envelope.rcptTo.map(({ address }) => address).join(' ');

  async function take(
    stream: SMTPServerDataStream,
    session: SMTPServerSession,
    done: (error?: Error | null) => void,
  ) {
    const to = recipientOf(session);
    const early = script.next('data', to);
    if (early?.drop) {
      stream.once('data', () => cut(session));
      stream.resume();
      return;
    }
    const raw = await buffer(stream);
    const late = early ?? script.next('answer', to);
    const keep = () => {
      const { mailFrom, rcptTo } = session.envelope;
      accepted.push({
        from: mailFrom ? mailFrom.address : '',
        to: rcptTo.map(({ address }) => address),
        messageId: messageIdIn(raw),
        at: new Date(),
        connection: sockets.get(session.remotePort)?.number ?? 0,
        raw: keepRaw ? raw : Buffer.alloc(0),
      });
    };
    if (!late?.reply) keep();
    await act(late, session, done);
  }

  const makeServer = (): SMTPServer =>
    new SMTPServer({
      logger: false,
      banner: 'sink',
      disableReverseLookup: true,
      authOptional: users === undefined,
      allowInsecureAuth: true,
      hidePIPELINING: !pipelining,
      closeTimeout: 50,
      disabledCommands: [...(startTls ? [] : ['STARTTLS']), ...(users ? [] : ['AUTH'])],
      onConnect: (session, done) => void act(script.next('connect'), session, done),
      onAuth: ({ username = '', password = '' }, session, done) =>
        void act(
          script.next('login'),
          session,
          (error) => done(error),
          () =>
            users?.[username] === password
              ? done(null, { user: username })
              : done(replyError('535 5.7.8 Authentication credentials invalid')),
        ),
      onMailFrom: (_address, session, done) => void act(script.next('mail'), session, done),
      onRcptTo: ({ address }, session, done) => void act(script.next('rcpt', address), session, done),
      onData: (stream, session, done) => void take(stream, session, done).catch(() => cut(session)),
    });

  async function listen(): Promise<void> {
    server = makeServer();
    // Connections that are cut off are part of the game.
    server.on('error', () => {});
    server.server.on('connection', (socket: Socket) => {
      const number = ++counted;
      const key = socket.remotePort ?? 0;
      sockets.set(key, { socket, number });
      most = Math.max(most, sockets.size);
      socket.once('close', () => sockets.delete(key));
    });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    port = (server.server.address() as AddressInfo).port;
  }

  async function refuse(): Promise<void> {
    const ended = new Promise<void>((resolve) => server.close(resolve));
    for (const { socket } of sockets.values()) socket.destroy();
    await ended;
  }

  await listen();
  return {
    get port() {
      return port;
    },
    get url() {
      return `smtp://127.0.0.1:${port}`;
    },
    accepted,
    connections: () => counted,
    mostOpen: () => most,
    setFaults: script.set,
    parsed: async (index) => simpleParser(accepted[index]?.raw ?? Buffer.alloc(0)),
    refuse,
    listen,
    close: refuse,
  };
}

/** A mail as the process tells of it. */
export type ToldMail = Omit<AcceptedMail, 'raw' | 'at'> & { at: string };

export interface SinkProcess {
  readonly url: string;
  setFaults(faults: readonly Fault[]): Promise<void>;
  /** Everything that was accepted, in order. */
  accepted(): Promise<ToldMail[]>;
  /** How many were accepted until now. */
  count(): Promise<number>;
  /** The bytes of one; the process must have been started with `keepRaw`. */
  raw(index: number): Promise<Buffer>;
  end(): Promise<void>;
}

/** Starts a sink in a process of its own. */
export async function startSinkProcess({
  keepRaw = false,
}: {
  keepRaw?: boolean;
} = {}): Promise<SinkProcess> {
  const child = spawn(
    process.execPath,
    [fileURLToPath(import.meta.url), ...(keepRaw ? ['--keep-raw'] : [])],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const { url, control } = await firstLine(child);
  const ask = async (path: string, init?: RequestInit): Promise<Response> => {
    const response = await fetch(`${control}${path}`, init);
    if (!response.ok) throw new Error(`The sink answers ${response.status}`);
    return response;
  };
  return {
    url,
    setFaults: async (faults) => {
      await ask('/faults', { method: 'PUT', body: JSON.stringify(faults) });
    },
    accepted: async () => (await ask('/accepted')).json() as Promise<ToldMail[]>,
    count: async () => Number(await (await ask('/count')).text()),
    raw: async (index) => Buffer.from(await (await ask(`/raw/${index}`)).arrayBuffer()),
    async end() {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}

async function firstLine(child: ChildProcess): Promise<{ url: string; control: string }> {
  let said = '';
  for await (const chunk of child.stdout ?? []) {
    said += chunk;
    if (said.includes('\n')) return JSON.parse(said);
  }
  throw new Error('The sink did not start');
}

async function answer(sink: SmtpSink, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, word, index] = (request.url ?? '').split('/');
  if (word === 'faults') {
    sink.setFaults((await json(request)) as Fault[]);
    response.writeHead(204).end();
  } else if (word === 'count') {
    response.end(String(sink.accepted.length));
  } else if (word === 'accepted') {
    response.end(JSON.stringify(sink.accepted.map(({ raw: _, ...mail }) => mail)));
  } else {
    response.end(sink.accepted[Number(index)]?.raw);
  }
}

async function runAsProcess(): Promise<void> {
  const sink = await startSink({ keepRaw: process.argv.includes('--keep-raw') });
  const control: Server = createServer((request, response) => void answer(sink, request, response));
  control.listen(0, '127.0.0.1');
  await once(control, 'listening');
  const { port } = control.address() as AddressInfo;
  process.stdout.write(`${JSON.stringify({ url: sink.url, control: `http://127.0.0.1:${port}` })}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await runAsProcess();
