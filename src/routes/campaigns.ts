// HTTP: campaigns, from the plan to the results.
import type { FastifyInstance } from 'fastify';
import { explainCampaign } from '../actions/campaign-explanations.ts';
import {
  cancelCampaign,
  pauseCampaign,
  resumeCampaign,
  scheduleCampaign,
  sendCampaign,
} from '../actions/campaign-life.ts';
import { exportCodes, exportRecipients, type OfferHash, readResults } from '../actions/campaign-results.ts';
import { type MakeMails, simulateCampaign, toSimulation } from '../actions/campaign-simulations.ts';
import {
  createCampaign,
  deleteCampaign,
  duplicateCampaign,
  findKnown,
  readCampaign,
  readProgress,
  reconcileCampaign,
  toCampaign,
  updateCampaign,
} from '../actions/campaigns.ts';
import type { Ctx } from '../context.ts';
import { listRecipients } from '../db/campaign-recipients.ts';
import { type CampaignRow, findCampaign, listCampaigns, listSimulations } from '../db/campaigns.ts';
import { isFinal } from '../domain/mail/campaigns.ts';
import type { PageStart } from '../domain/pages.ts';
import { endpoint } from '../endpoint.ts';
import { pageOf } from '../pages.ts';
import { follow } from '../progress.ts';
import {
  Campaign,
  CampaignCreate,
  CampaignDuplicate,
  CampaignExplanation,
  CampaignListQuery,
  CampaignPage,
  CampaignParams,
  CampaignRecipientPage,
  CampaignReconciliation,
  CampaignResults,
  CampaignSchedule,
  CampaignSimulation,
  CampaignSimulationPage,
  CampaignStream,
  CampaignUpdate,
  CodesFile,
  ExplainQuery,
  RecipientExportQuery,
  RecipientQuery,
  RecipientsFile,
  SimulationQuery,
} from '../schemas/campaigns.ts';
import { CustomerParams } from '../schemas/customers.ts';
import { ref } from '../schemas/helpers.ts';

const tag = 'Campaigns';
const [read, write] = ['campaigns:read', 'campaigns:write'] as const;

export interface CampaignsOptions {
  /** Makes mails for a trial, as the sender does. */
  makeMails: MakeMails;
  offerHashOf: OfferHash;
}

type Command = (ctx: Ctx, id: string, ifMatch?: number) => Promise<CampaignRow>;

/** Commands that take no body. */
const COMMANDS: { name: string; operationId: string; summary: string; description: string; run: Command }[] =
  [
    {
      name: 'pause',
      operationId: 'pauseCampaign',
      summary: 'Pause a campaign',
      description:
        'What is being handed over right now still goes; everything else waits until it is resumed.',
      run: pauseCampaign,
    },
    {
      name: 'resume',
      operationId: 'resumeCampaign',
      summary: 'Resume a campaign',
      description:
        'Lets a paused campaign go on. What bounced before no longer counts for its brake: whoever resumes it has seen it.',
      run: resumeCampaign,
    },
    {
      name: 'cancel',
      operationId: 'cancelCampaign',
      summary: 'Cancel a campaign',
      description:
        'Nothing more of it is sent, for good. Mails that waited are `cancelled`; more than 10,000 of them by a job within seconds.',
      run: cancelCampaign,
    },
  ];

function planning(app: FastifyInstance): void {
  endpoint(app, {
    method: 'GET',
    url: '/campaigns',
    operationId: 'listCampaigns',
    tag,
    summary: 'List campaigns',
    description: 'The latest first, without their progress.',
    scope: read,
    query: CampaignListQuery,
    returns: { 200: ref(CampaignPage) },
    refuses: ['CURSOR_INVALID'],
    handle: (ctx, input) =>
      pageOf(
        input,
        async (start: PageStart<[id: string]>) =>
          (await listCampaigns(ctx.db, { status: input.query.status }, start)).map(toCampaign),
        ({ id }): [string] => [id],
      ),
  });

  endpoint(app, {
    method: 'POST',
    url: '/campaigns',
    operationId: 'createCampaign',
    tag,
    summary: 'Plan a campaign',
    description:
      'A draft: whom it is for, what they get and how fast. It names only what the store has; whether all is ready is asked at the start.',
    scope: write,
    body: ref(CampaignCreate),
    returns: { 201: ref(Campaign) },
    refuses: ['CAMPAIGN_INVALID'],
    location: ({ id }: { id: string }) => `/v1/campaigns/${id}`,
    handle: (ctx, { body }) => createCampaign(ctx, body),
  });

  endpoint(app, {
    method: 'GET',
    url: '/campaigns/:campaignId',
    operationId: 'getCampaign',
    tag,
    summary: 'Get a campaign',
    description: 'The plan, and how far it is: mails by state, speed, estimated end.',
    scope: read,
    params: CampaignParams,
    alwaysFresh: true,
    returns: { 200: ref(Campaign) },
    handle: (ctx, { params }) => readCampaign(ctx, params.campaignId),
  });

  endpoint(app, {
    method: 'PATCH',
    url: '/campaigns/:campaignId',
    operationId: 'updateCampaign',
    tag,
    summary: 'Change a campaign',
    description:
      'Merge patch of a draft or scheduled campaign. Once its audience is frozen, a campaign is what it is: duplicate it.',
    scope: write,
    params: CampaignParams,
    body: ref(CampaignUpdate),
    returns: { 200: ref(Campaign) },
    refuses: ['CAMPAIGN_INVALID', 'CAMPAIGN_STATE_CONFLICT', 'VERSION_MISMATCH'],
    handle: (ctx, { params, body, ifMatch }) => updateCampaign(ctx, params.campaignId, body, ifMatch),
  });

  endpoint(app, {
    method: 'DELETE',
    url: '/campaigns/:campaignId',
    operationId: 'deleteCampaign',
    tag,
    summary: 'Delete a draft',
    description: 'Only drafts; what was scheduled or sent stays for the record.',
    scope: write,
    params: CampaignParams,
    returns: { 204: null },
    refuses: ['CAMPAIGN_STATE_CONFLICT', 'VERSION_MISMATCH'],
    handle: (ctx, { params, ifMatch }) => deleteCampaign(ctx, params.campaignId, ifMatch),
  });

  endpoint(app, {
    method: 'POST',
    url: '/campaigns/:campaignId/duplicate',
    operationId: 'duplicateCampaign',
    tag,
    summary: 'Duplicate a campaign',
    description: 'A draft of the same plan, without schedule, deadline and once-key.',
    scope: write,
    params: CampaignParams,
    body: ref(CampaignDuplicate),
    returns: { 201: ref(Campaign) },
    refuses: ['CAMPAIGN_INVALID'],
    location: ({ id }: { id: string }) => `/v1/campaigns/${id}`,
    handle: (ctx, { params, body }) => duplicateCampaign(ctx, params.campaignId, body),
  });
}

function commands(app: FastifyInstance): void {
  endpoint(app, {
    method: 'POST',
    url: '/campaigns/:campaignId/schedule',
    operationId: 'scheduleCampaign',
    tag,
    summary: 'Schedule a campaign',
    description:
      'Says when it starts, or that it starts another time. With `local_time` the audience is frozen when the first clock of the world shows the time; whose clock has passed it by then gets the mail at once.',
    scope: write,
    params: CampaignParams,
    body: ref(CampaignSchedule),
    returns: { 200: ref(Campaign) },
    refuses: ['CAMPAIGN_INVALID', 'CAMPAIGN_NOT_READY', 'CAMPAIGN_STATE_CONFLICT', 'VERSION_MISMATCH'],
    handle: async (ctx, { params, body, ifMatch }) =>
      toCampaign(await scheduleCampaign(ctx, params.campaignId, body, ifMatch)),
  });

  endpoint(app, {
    method: 'POST',
    url: '/campaigns/:campaignId/send',
    operationId: 'sendCampaign',
    tag,
    summary: 'Send a campaign now',
    description:
      'Freezes the audience, with a reason for everybody who gets nothing, and begins to send. The job of the Location header has the id of the campaign.',
    scope: write,
    idempotency: 'required',
    params: CampaignParams,
    returns: { 202: ref(Campaign) },
    refuses: ['CAMPAIGN_NOT_READY', 'CAMPAIGN_STATE_CONFLICT', 'VERSION_MISMATCH'],
    location: ({ id }: { id: string }) => `/v1/jobs/${id}`,
    handle: async (ctx, { params, ifMatch }) =>
      toCampaign(await sendCampaign(ctx, params.campaignId, ifMatch)),
  });

  for (const { name, operationId, summary, description, run } of COMMANDS) {
    endpoint(app, {
      method: 'POST',
      url: `/campaigns/:campaignId/${name}`,
      operationId,
      tag,
      summary,
      description,
      scope: write,
      params: CampaignParams,
      returns: { 200: ref(Campaign) },
      refuses: ['CAMPAIGN_STATE_CONFLICT', 'VERSION_MISMATCH'],
      handle: async (ctx, { params, ifMatch }) => toCampaign(await run(ctx, params.campaignId, ifMatch)),
    });
  }
}

function foretelling(app: FastifyInstance, { makeMails }: CampaignsOptions): void {
  endpoint(app, {
    method: 'POST',
    url: '/campaigns/:campaignId/simulate',
    operationId: 'simulateCampaign',
    tag,
    summary: 'Simulate a campaign',
    description:
      'Counts the audience by the very query of the start, foretells hours and end under rates and quiet hours, and tries the template with 50 recipients. Nothing is sent; the result is kept.',
    scope: write,
    params: CampaignParams,
    returns: { 200: ref(CampaignSimulation) },
    refuses: ['CAMPAIGN_STATE_CONFLICT'],
    handle: (ctx, { params }) => simulateCampaign(ctx, params.campaignId, makeMails),
  });

  endpoint(app, {
    method: 'GET',
    url: '/campaigns/:campaignId/simulations',
    operationId: 'listCampaignSimulations',
    tag,
    summary: 'List simulations',
    description: 'What was foretold of the campaign, the latest first.',
    scope: read,
    params: CampaignParams,
    query: SimulationQuery,
    returns: { 200: ref(CampaignSimulationPage) },
    refuses: ['CURSOR_INVALID'],
    handle: async (ctx, input) => {
      const { id } = await findKnown(ctx.db, input.params.campaignId);
      return pageOf(
        input,
        async (start: PageStart<[id: string]>) =>
          (await listSimulations(ctx.db, id, start)).map(toSimulation),
        (simulation): [string] => [simulation.id],
      );
    },
  });

  endpoint(app, {
    method: 'GET',
    url: '/customers/:customerId/explain',
    operationId: 'explainCampaign',
    tag,
    summary: 'Explain a campaign to a customer',
    description:
      'Why the customer did or did not get the campaign, in sentences: which part of the audience names them, their state, and the facts behind it. Before the start it says what would be.',
    scope: read,
    params: CustomerParams,
    query: ExplainQuery,
    returns: { 200: ref(CampaignExplanation) },
    handle: (ctx, { params, query }) => explainCampaign(ctx, params.customerId, query.campaign),
  });
}

function accounting(app: FastifyInstance, { offerHashOf }: CampaignsOptions): void {
  endpoint(app, {
    method: 'GET',
    url: '/campaigns/:campaignId/reconciliation',
    operationId: 'reconcileCampaign',
    tag,
    summary: 'Account for everybody',
    description: 'The audience is the sum of its states, at every moment: each person is in exactly one.',
    scope: read,
    params: CampaignParams,
    returns: { 200: ref(CampaignReconciliation) },
    handle: (ctx, { params }) => reconcileCampaign(ctx.db, params.campaignId),
  });

  endpoint(app, {
    method: 'GET',
    url: '/campaigns/:campaignId/events',
    operationId: 'streamCampaign',
    tag,
    summary: 'Follow a campaign',
    description:
      'Server-sent events: `progress` whenever it moves, then `finished`, and the stream ends. Connect again when it breaks off.',
    scope: read,
    params: CampaignParams,
    produces: ['text/event-stream'],
    returns: { 200: CampaignStream },
    handle: async (ctx, { params, request, reply }) => {
      await findKnown(ctx.db, params.campaignId);
      return follow(
        { request, reply },
        {
          read: async () => {
            const campaign = await findCampaign(ctx.db, params.campaignId);
            return campaign && readProgress(ctx, campaign);
          },
          isFinal,
        },
      );
    },
  });

  endpoint(app, {
    method: 'GET',
    url: '/campaigns/:campaignId/recipients',
    operationId: 'listCampaignRecipients',
    tag,
    summary: 'List the audience',
    description: 'Everybody of the frozen audience by customer id, those who get nothing included.',
    scope: read,
    params: CampaignParams,
    query: RecipientQuery,
    returns: { 200: ref(CampaignRecipientPage) },
    refuses: ['CURSOR_INVALID'],
    handle: async (ctx, input) => {
      const { id } = await findKnown(ctx.db, input.params.campaignId);
      return pageOf(
        input,
        (start: PageStart<[customerId: string]>) => listRecipients(ctx.db, id, input.query, start),
        ({ customerId }): [string] => [customerId],
      );
    },
  });

  endpoint(app, {
    method: 'GET',
    url: '/campaigns/:campaignId/recipients.csv',
    operationId: 'exportCampaignRecipients',
    tag,
    summary: 'Export the audience',
    description: 'The same as a CSV file, streamed.',
    scope: read,
    params: CampaignParams,
    query: RecipientExportQuery,
    produces: ['text/csv'],
    returns: { 200: RecipientsFile },
    handle: async (ctx, { params, query, reply }) => {
      const { id } = await findKnown(ctx.db, params.campaignId);
      return reply
        .type('text/csv; charset=utf-8')
        .header('content-disposition', `attachment; filename="campaign-${id}.csv"`)
        .send(exportRecipients(ctx.db, id, query));
    },
  });

  endpoint(app, {
    method: 'GET',
    url: '/campaigns/:campaignId/codes.csv',
    operationId: 'exportCampaignCodes',
    tag,
    summary: 'Export the offer codes',
    description:
      'The code of each recipient, for the checkout to know; no lines for a campaign without codes.',
    scope: read,
    params: CampaignParams,
    produces: ['text/csv'],
    returns: { 200: CodesFile },
    handle: async (ctx, { params, reply }) => {
      const codes = await exportCodes(ctx, params.campaignId, offerHashOf);
      return reply
        .type('text/csv; charset=utf-8')
        .header('content-disposition', `attachment; filename="codes-${params.campaignId}.csv"`)
        .send(codes);
    },
  });

  endpoint(app, {
    method: 'GET',
    url: '/campaigns/:campaignId/results',
    operationId: 'getCampaignResults',
    tag,
    summary: 'Get the results of a campaign',
    description:
      'Answers to the mails, orders within `resultDays` after each of them beside those of the hold-out group, and what the last simulation had foretold.',
    scope: read,
    params: CampaignParams,
    returns: { 200: ref(CampaignResults) },
    handle: (ctx, { params }) => readResults(ctx, params.campaignId),
  });
}

export async function campaigns(app: FastifyInstance, options: CampaignsOptions): Promise<void> {
  planning(app);
  commands(app);
  foretelling(app, options);
  accounting(app, options);
}
