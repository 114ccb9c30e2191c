// Who owns a data folder: `clientele.lock` names the process, and a dead owner's lock passes on by itself.
// Node has no flock(2), so the lock is a file. Taking and handing over are race-free without any waiting time.
import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

interface Owner {
  pid: number;
  /** Tells the process from a later one with the same pid; '' where the system does not say. */
  started: string;
  token: string;
}

/** A live process owns the folder. */
export class DataDirInUse extends Error {
  readonly code = 'DATA_DIR_IN_USE';

  constructor(dataDir: string, pid: number) {
    super(
      `The data folder ${dataDir} is in use by process ${pid}. Stop that process, ` +
        'or give this one a folder of its own with DATA_DIR.',
    );
    this.name = 'DataDirInUse';
  }
}

/**
 * Start of a live process as `boot id:clock tick`, '' where /proc does not tell, undefined if it is not alive.
 * A zombie counts as dead: in a container whose first process does not reap, it would stay for ever.
 */
export function processStart(pid: number): string | undefined {
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  const stat = readIfThere(`/proc/${pid}/stat`);
  if (stat === undefined) return answersSignal(pid) ? '' : undefined;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
  return `${readIfThere('/proc/sys/kernel/random/boot_id')?.trim()}:${fields[19]}`;
}

/**
 * Makes this process the owner of the folder and returns the function that gives it back.
 * Throws DataDirInUse while another owner, or another part of this process, has it.
 */
export function takeDataDir(dataDir: string): () => void {
  const file = join(dataDir, 'clientele.lock');
  const me = {
    pid: process.pid,
    started: processStart(process.pid) ?? '',
    token: randomBytes(6).toString('hex'),
  };
  take(file, me);
  return () => release(file, me);
}

/**
 * Removing a stale file and creating it anew would let a slow rival remove the file of the winner. Instead, who
 * wants to follow a dead holder first takes the lock `after` that very holder, looks again, and then replaces
 * the file in one step. A file that names a dead holder is thus only ever changed by one process at a time; a
 * process that dies in between leaves a stale `after` lock, which is taken over by the same rule.
 */
function take(file: string, me: Owner): void {
  while (!create(file, me)) {
    const holder = read(file);
    if (holder === undefined) continue;
    if (isAlive(holder)) throw new DataDirInUse(dirname(file), holder.pid);
    if (follow(file, holder, me)) return;
  }
}

function follow(file: string, holder: Owner, me: Owner): boolean {
  const succession = `${file}.after-${holder.token}`;
  take(succession, me);
  try {
    if (read(file)?.token !== holder.token) return false;
    renameSync(draft(file, me), file);
    return true;
  } finally {
    release(succession, me);
  }
}

/** By link(2), so that nobody ever reads a half-written record: an unreadable one is the trace of a power cut. */
function create(file: string, me: Owner): boolean {
  const complete = draft(file, me);
  try {
    linkSync(complete, file);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  } finally {
    rmSync(complete, { force: true });
  }
}

function draft(file: string, me: Owner): string {
  const name = `${file}.${me.token}`;
  writeFileSync(name, `${JSON.stringify(me)}\n`);
  return name;
}

function release(file: string, me: Owner): void {
  if (read(file)?.token === me.token) rmSync(file, { force: true });
}

function read(file: string): Owner | undefined {
  const text = readIfThere(file);
  if (text === undefined) return undefined;
  try {
    const { pid, started, token } = JSON.parse(text);
    return { pid: Number(pid), started: String(started), token: String(token) };
  } catch {
    return { pid: 0, started: '', token: 'unreadable' };
  }
}

function isAlive(owner: Owner): boolean {
  const started = processStart(owner.pid);
  if (started === undefined) return false;
  return started === '' || owner.started === '' || started === owner.started;
}

function answersSignal(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return hasCode(error, 'EPERM');
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    // ESRCH: the process of a /proc file went while it was read.
    if (hasCode(error, 'ENOENT', 'ESRCH')) return undefined;
    throw error;
  }
}

export function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}
