// Where mails go without an SMTP server: one .eml file each, in the data folder.
import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/** `<instant>-<id>.eml`; names sort by time. Nothing else in the folder is read, so no name leads out of it. */
const NAME = /^\d{8}T\d{9}Z-[0-9a-f-]{36}\.eml$/;

/** Of the moment and the message: a second attempt is a file of its own. */
export const outboxName = (at: Date, id: string): string =>
  `${at.toISOString().replace(/[-:.]/g, '')}-${id}.eml`;

/** Writes one mail, whole or not at all, and on the disk when it returns. */
export async function writeMail(folder: string, name: string, raw: Buffer): Promise<void> {
  if (!NAME.test(name)) throw new TypeError(`${name} is no name of a mail`);
  await mkdir(folder, { recursive: true });
  const draft = join(folder, `${randomUUID()}.tmp`);
  try {
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(raw);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, join(folder, name));
  } catch (error) {
    await unlink(draft).catch(() => {});
    throw error;
  }
}

/** Names of the newest mails; empty while none was written. */
export async function listMails(folder: string, limit: number): Promise<string[]> {
  const names = await readdir(folder).catch(absent<string[]>([]));
  return names
    .filter((name) => NAME.test(name))
    .sort()
    .reverse()
    .slice(0, limit);
}

/** The bytes of one mail; undefined when there is none of that name. */
export async function readMail(folder: string, name: string): Promise<Buffer | undefined> {
  return NAME.test(name) ? readFile(join(folder, name)).catch(absent(undefined)) : undefined;
}

const absent =
  <T>(value: T) =>
  (error: NodeJS.ErrnoException): T => {
    if (error.code !== 'ENOENT') throw error;
    return value;
  };
