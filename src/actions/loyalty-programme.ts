// The loyalty programme: which version holds, and how a new one comes (P1–P10).
import type { Ctx } from '../context.ts';
import type { Db, Tx } from '../db/connection.ts';
import {
  type CurrentProgramme,
  findProgramme,
  insertProgramme,
  lockProgramme,
  type Programme,
} from '../db/loyalty-programme.ts';
import { sameValue } from '../domain/fields.ts';
import { checkProgramme, type ProgrammeSettings } from '../domain/loyalty/programme.ts';
import { Problem } from '../errors.ts';
import { startJob } from './jobs.ts';
import { tell } from './timeline.ts';
import { write } from './write.ts';

/** How old the programme may be that an order earns by. */
const RECENT_MS = 1_000;
const MAX_REMEMBERED = 10_000;
const remembered = new Map<string, { programme: CurrentProgramme | undefined; readAt: number }>();

/**
 * The version that holds, as it was within the last second, mostly from memory: stores without a programme pay nothing
 * for it. The process that changes it forgets it at once. Undefined while the store has none.
 */
export async function currentProgramme(db: Db): Promise<CurrentProgramme | undefined> {
  const known = remembered.get(db.storeId);
  const now = performance.now();
  if (known && now - known.readAt < RECENT_MS) return known.programme;
  const programme = await findProgramme(db);
  if (remembered.size >= MAX_REMEMBERED) remembered.clear();
  remembered.set(db.storeId, { programme, readAt: now });
  return programme;
}

/** The same. @throws Problem PROGRAMME_MISSING */
export async function requireProgramme(db: Db): Promise<CurrentProgramme> {
  const programme = await currentProgramme(db);
  if (!programme) throw new Problem('PROGRAMME_MISSING');
  return programme;
}

/** Other tiers are looked at for every member; what was earned stays as it is. */
async function reviewTiers(
  ctx: Ctx,
  tx: Tx,
  before: Programme | undefined,
  settings: ProgrammeSettings,
): Promise<void> {
  if (before === undefined || sameValue(before.settings.tiers, settings.tiers)) return;
  await startJob(ctx, tx, { kind: 'loyalty-tiers', params: { all: true } });
}

/**
 * Makes a new version of the programme. The same settings again make none.
 * @throws Problem PROGRAMME_INVALID, VERSION_MISMATCH
 */
export async function putProgramme(
  ctx: Ctx,
  settings: ProgrammeSettings,
  ifMatch?: number,
): Promise<{ programme: Programme; created: boolean }> {
  const errors = checkProgramme(settings);
  if (errors.length > 0) throw new Problem('PROGRAMME_INVALID', { errors });
  const result = await write(ctx, async (tx) => {
    await lockProgramme(tx);
    const before = await findProgramme(tx);
    const version = before?.version ?? 0;
    if (ifMatch !== undefined && ifMatch !== version) throw new Problem('VERSION_MISMATCH', { version });
    if (before && sameValue(before.settings, settings)) return { programme: before, created: false };
    const programme = { version: version + 1, settings, actor: ctx.actor, createdAt: ctx.now };
    await insertProgramme(tx, programme);
    await reviewTiers(ctx, tx, before, settings);
    await tell(ctx, tx, {
      kind: 'loyalty.programme_changed',
      customerId: null,
      data: { version: programme.version },
    });
    return { programme, created: before === undefined };
  });
  remembered.delete(ctx.storeId);
  return result;
}
