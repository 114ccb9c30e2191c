// HTTP: the loyalty programme and its versions.
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import { putProgramme } from '../actions/loyalty-programme.ts';
import {
  findProgramme,
  findProgrammeVersions,
  listProgrammeVersions,
  type Programme as ProgrammeVersion,
} from '../db/loyalty-programme.ts';
import { DEFAULT_PROGRAMME, type ProgrammeSettings } from '../domain/loyalty/programme.ts';
import type { PageStart } from '../domain/pages.ts';
import { endpoint, found } from '../endpoint.ts';
import { Problem } from '../errors.ts';
import { pageOf } from '../pages.ts';
import { closed, pageQuery, ref, stringEnum } from '../schemas/helpers.ts';
import { Programme, ProgrammeInput, ProgrammePage } from '../schemas/loyalty-programme.ts';

const tag = 'Loyalty';
const read = { tag, method: 'GET', scope: 'loyalty:read' } as const;

/** In the contract what is not there is left out. */
export function toProgramme({ version, settings, actor, createdAt }: ProgrammeVersion) {
  const { tiers, referrals, ...others } = settings;
  return {
    version,
    ...others,
    ...(tiers && { tiers }),
    ...(referrals && { referrals }),
    createdBy: actor,
    createdAt,
  };
}

const settingsOf = ({ tiers, referrals, ...others }: ProgrammeInput): ProgrammeSettings => ({
  ...others,
  tiers: tiers ?? null,
  referrals: referrals ?? null,
});

export async function loyaltyProgramme(app: FastifyInstance): Promise<void> {
  endpoint(app, {
    ...read,
    url: '/loyalty/programme',
    operationId: 'getProgramme',
    summary: 'Get the loyalty programme',
    description:
      'The version that holds. While there is none, `version=default` shows a suggestion for a new shop, as version 0, to be sent back with PUT.',
    query: closed({
      version: Type.Optional(
        stringEnum(['current', 'default'], { description: 'The one that holds, or the suggestion.' }),
      ),
    }),
    returns: { 200: ref(Programme), 304: null },
    refuses: ['PROGRAMME_MISSING'],
    handle: async (ctx, { query }) => {
      if (query.version === 'default') {
        return toProgramme({ version: 0, settings: DEFAULT_PROGRAMME, actor: 'system', createdAt: ctx.now });
      }
      const programme = await findProgramme(ctx.db);
      if (!programme) throw new Problem('PROGRAMME_MISSING');
      return toProgramme(programme);
    },
  });

  endpoint(app, {
    method: 'PUT',
    url: '/loyalty/programme',
    operationId: 'putProgramme',
    tag,
    summary: 'Set the loyalty programme',
    description:
      'Makes a new version, which holds from now on; what was earned before stays as it was. The same settings again make none. If-Match names the version that you have read. 201 when it is the first one.',
    scope: 'loyalty:write',
    body: ref(ProgrammeInput),
    returns: { 200: ref(Programme), 201: ref(Programme) },
    refuses: ['PROGRAMME_INVALID', 'VERSION_MISMATCH'],
    handle: async (ctx, { body, ifMatch, reply }) => {
      const { programme, created } = await putProgramme(ctx, settingsOf(body), ifMatch);
      if (created) reply.code(201);
      return toProgramme(programme);
    },
  });

  endpoint(app, {
    ...read,
    url: '/loyalty/programme/versions',
    operationId: 'listProgrammeVersions',
    summary: 'List the versions of the programme',
    description: 'Every version that ever held, newest first.',
    query: closed({ ...pageQuery }),
    returns: { 200: ref(ProgrammePage) },
    refuses: ['CURSOR_INVALID'],
    handle: async (ctx, input) => {
      const { data, page } = await pageOf(
        input,
        (start: PageStart<[version: number]>) => listProgrammeVersions(ctx.db, start),
        ({ version }) => [version],
      );
      return { data: data.map(toProgramme), page };
    },
  });

  endpoint(app, {
    ...read,
    url: '/loyalty/programme/versions/:version',
    operationId: 'getProgrammeVersion',
    summary: 'Get a version of the programme',
    description: 'The settings that an earning or a lot names.',
    params: closed({
      version: Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1, description: 'Its number.', examples: [1] }),
    }),
    returns: { 200: ref(Programme), 304: null },
    handle: async (ctx, { params }) => {
      const [programme] = await findProgrammeVersions(ctx.db, [params.version]);
      return toProgramme(found(programme, 'programme version'));
    },
  });
}
