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
import { remembering } from './recent.ts';
import { tell } from './timeline.ts';
import { write } from './write.ts';

const programmes = remembering(findProgramme);

/**
 * The version that holds, as it was within the last second: stores without a programme pay nothing for it. Undefined
 * while the store has none.
 */
export const currentProgramme = (db: Db): Promise<CurrentProgramme | undefined> => programmes.recall(db);

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
  programmes.forget(ctx.storeId);
  return result;
}
