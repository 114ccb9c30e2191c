// The files of an embedded cluster: made by initdb beside their place and moved there whole, with the password,
// the right owner and the right version.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmod,
  chown,
  lchown,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Binaries, canReach, findBinaries, type SystemUser } from './embedded-binaries.ts';
import { hasCode } from './embedded-lock.ts';

export interface Cluster {
  /** Shows in the command line of all its processes, and goes with the folder when that is moved. */
  name: string;
  dataDir: string;
  folder: string;
  password: string;
  binaries: Binaries;
  user: SystemUser | undefined;
}

/** What the programs see of the environment: no secrets, no PG… or LC_… variable that changes what they do. */
export const PROGRAM_ENVIRONMENT =
  process.platform === 'win32'
    ? undefined
    : { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', TZ: 'UTC', LC_ALL: 'C' };

/** The cluster of a data folder, which the caller has locked. Makes it if there is none. */
export async function openCluster(
  dataDir: string,
  durable: boolean,
  onLog: (line: string) => void,
): Promise<Cluster> {
  const folder = join(dataDir, 'postgres');
  const user = await serverUser(folder);
  const binaries = await findBinaries(dataDir, user);
  await sweepUnfinished(dataDir, onLog);
  const version = await clusterVersion(folder);
  if (version !== undefined && version !== binaries.major)
    throw otherVersion(folder, version, binaries.major);
  const password = await readPassword(dataDir, version !== undefined);
  const files = { dataDir, folder, password, binaries, user };
  if (version === undefined) {
    onLog(`making a PostgreSQL ${binaries.major} cluster in ${folder}`);
    await createCluster(files, durable);
  }
  await mendPermissions(folder, user);
  return { ...files, name: await clusterName(folder) };
}

async function clusterName(folder: string): Promise<string> {
  const { dev, ino } = await stat(folder);
  return `clientele(${dev},${ino})`;
}

/** What leads to the server of a folder that another process owns; undefined where there is no cluster yet. */
export async function lookUpCluster(
  dataDir: string,
): Promise<Pick<Cluster, 'name' | 'folder' | 'password'> | undefined> {
  const folder = join(dataDir, 'postgres');
  const password = (await readIfThere(join(dataDir, 'postgres.password')))?.trim();
  if (!password || (await clusterVersion(folder)) === undefined) return undefined;
  return { name: await clusterName(folder), folder, password };
}

/**
 * How the server names a folder that is also its working directory. Where its system user cannot pass the parents
 * (root's home is 0700), Linux still leads through /proc/self/cwd: Node enters the folder before it gives up root.
 */
export async function pathForServer(folder: string, user: SystemUser | undefined): Promise<string> {
  if (user === undefined || (await canReach(folder, user, 0o5))) return realpath(folder);
  if (process.platform === 'linux') return '/proc/self/cwd';
  throw new Error(
    `PostgreSQL does not run as root, and the user it runs as (uid ${user.uid}) cannot reach ${folder}. ` +
      'Set DATA_DIR to a folder whose parents are open to all (chmod o+x), or do not run as root.',
  );
}

/** PostgreSQL refuses to run as root. A cluster's owner stays its owner; a new one gets `postgres` or `nobody`. */
async function serverUser(folder: string): Promise<SystemUser | undefined> {
  const me = process.getuid?.();
  const owner = await stat(folder).catch(() => undefined);
  if (me !== 0) {
    if (me !== undefined && owner !== undefined && owner.uid !== me)
      throw othersCluster(folder, owner.uid, me);
    return undefined;
  }
  return owner !== undefined && owner.uid !== 0 ? { uid: owner.uid, gid: owner.gid } : unprivilegedUser();
}

async function unprivilegedUser(): Promise<SystemUser> {
  const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  const found = users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody');
  const [uid, gid] = [Number(found?.[2]), Number(found?.[3])];
  if (uid > 0 && gid > 0) return { uid, gid };
  throw new Error(
    'PostgreSQL does not run as root, and /etc/passwd has neither a user `postgres` nor `nobody`. ' +
      'Run the service as another user, or set DATABASE_URL to a PostgreSQL of your own.',
  );
}

/** What a start that was killed left behind. Its initdb may still be writing: then the rest goes next time. */
async function sweepUnfinished(dataDir: string, onLog: (line: string) => void): Promise<void> {
  const unfinished = (await readdir(dataDir)).filter((name) => name.startsWith('postgres.new-'));
  for (const name of unfinished) {
    onLog(`removing the unfinished cluster ${name}`);
    await rm(join(dataDir, name), { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
  }
}

/** Major version of the cluster, undefined where there is none yet. */
async function clusterVersion(folder: string): Promise<string | undefined> {
  const version = await readIfThere(join(folder, 'PG_VERSION'));
  if (version !== undefined) return version.trim();
  const files = await readdir(folder).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  });
  if (files.length === 0) return undefined;
  throw new Error(`${folder} has files in it but is no PostgreSQL cluster. Move it away or set DATA_DIR.`);
}

async function readPassword(dataDir: string, clusterExists: boolean): Promise<string> {
  const file = join(dataDir, 'postgres.password');
  const known = (await readIfThere(file))?.trim();
  if (known) return known;
  if (clusterExists) {
    throw new Error(`${file} is missing or empty. Restore it: without it there is no way into the cluster.`);
  }
  const password = randomBytes(24).toString('base64url');
  await writeFile(`${file}.new`, `${password}\n`, { mode: 0o600, flush: true });
  await rename(`${file}.new`, file);
  return password;
}

async function createCluster(cluster: Omit<Cluster, 'name'>, durable: boolean): Promise<void> {
  const workshop = await mkdtemp(join(cluster.dataDir, 'postgres.new-'));
  const unfinished = join(workshop, 'data');
  const passwordFile = join(workshop, 'password');
  try {
    await mkdir(unfinished, { mode: 0o700 });
    await writeFile(passwordFile, `${cluster.password}\n`, { mode: 0o600 });
    if (cluster.user !== undefined) await giveTo(workshop, cluster.user);
    await runInitdb(cluster, unfinished, durable);
    await rename(unfinished, cluster.folder);
    if (durable) await flushFolder(cluster.dataDir);
  } finally {
    await rm(workshop, { recursive: true, force: true });
  }
}

async function runInitdb(cluster: Omit<Cluster, 'name'>, folder: string, durable: boolean): Promise<void> {
  const options = [
    `--pgdata=${await pathForServer(folder, cluster.user)}`,
    '--username=postgres',
    '--pwfile=../password',
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    ...(durable ? [] : ['--no-sync']),
  ];
  try {
    await promisify(execFile)(cluster.binaries.initdb, options, {
      ...cluster.user,
      cwd: folder,
      env: PROGRAM_ENVIRONMENT,
    });
  } catch (error) {
    throw programFailed(cluster.binaries.initdb, error);
  }
}

/** ENOENT for a file that is there means that its dynamic loader is not: Alpine and other systems with musl. */
export function programFailed(program: string, cause: unknown): Error {
  if (hasCode(cause, 'ENOENT')) {
    return new Error(
      `${program} does not run on this system (the embedded PostgreSQL needs glibc, which Alpine lacks). ` +
        'Set DATABASE_URL to a PostgreSQL of your own.',
      { cause },
    );
  }
  return new Error(`${program} failed: ${cause instanceof Error ? cause.message : cause}`, { cause });
}

/** A restored backup belongs to root, and a Kubernetes volume opens all files to a group: PostgreSQL takes neither. */
async function mendPermissions(folder: string, user: SystemUser | undefined): Promise<void> {
  const { uid, mode } = await stat(folder);
  if (user !== undefined && uid === 0) await giveTo(folder, user);
  if ((mode & 0o027) !== 0) await chmod(folder, 0o700);
}

/** The folder itself comes last: as long as it is root's, an interrupted change of owner starts over. */
async function giveTo(folder: string, { uid, gid }: SystemUser): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true })) await lchown(join(folder, entry), uid, gid);
  await chown(folder, uid, gid);
}

/** Makes a rename survive a power cut. Windows cannot open a folder. */
async function flushFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function otherVersion(folder: string, found: string, ours: string): Error {
  return new Error(
    `${folder} was made by PostgreSQL ${found}, this service brings PostgreSQL ${ours}. ` +
      `Copy the data over with pg_dump and pg_restore, or set DATA_DIR to another folder.`,
  );
}

function othersCluster(folder: string, owner: number, me: number): Error {
  return new Error(
    `${folder} belongs to the user with uid ${owner}, but the service runs as uid ${me}. ` +
      'Run it as that user or as root, or set DATA_DIR to another folder.',
  );
}
