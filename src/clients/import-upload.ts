// Sends a file to the import API of a service and follows its job to the end.
import { randomUUID } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ImportUpload {
  /** Base URL of the service. */
  url: string;
  token: string;
  file: string;
  /** Query of the operation: kind, mode, dryRun, consentBasis. */
  query: Record<string, string>;
  /** JSON text. */
  mapping?: string | undefined;
  onProgress?: (progress: ImportProgress) => void;
}

export interface ImportProgress {
  id: string;
  status: string;
  done: number;
  outcomes: Record<string, number>;
  error?: { code: string; detail: string };
}

/** An answer of the service other than success, with its problem document. */
export class ServiceRefusal extends Error {
  override name = 'ServiceRefusal';
}

const POLL_MS = 500;
const ENDED = new Set(['completed', 'failed', 'cancelled']);

async function answerOf(response: Response): Promise<ImportProgress> {
  const body = await response.json();
  if (!response.ok) throw new ServiceRefusal(JSON.stringify(body, null, 2));
  return body as ImportProgress;
}

/**
 * Uploads the file as a stream and polls the job until it ends.
 * @throws ServiceRefusal with the problem document; TypeError when nobody listens at the URL
 */
export async function uploadImport({
  url,
  token,
  file,
  query,
  mapping,
  onProgress,
}: ImportUpload): Promise<ImportProgress> {
  const headers = { authorization: `Bearer ${token}` };
  const form = new FormData();
  if (mapping !== undefined) form.set('mapping', mapping);
  form.set('file', await openAsBlob(file), basename(file));
  const target = `${url}/v1/imports?${new URLSearchParams(query)}`;
  const request = { method: 'POST', headers: { ...headers, 'idempotency-key': randomUUID() }, body: form };
  let progress = await answerOf(await fetch(target, request));
  while (!ENDED.has(progress.status)) {
    await sleep(POLL_MS);
    progress = await answerOf(await fetch(`${url}/v1/imports/${progress.id}`, { headers }));
    onProgress?.(progress);
  }
  return progress;
}
