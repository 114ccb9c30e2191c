// Every room of the API: its prefix and the named schemas that it brings.
import type { FastifyInstance } from 'fastify';
import { accountSchemas } from '../schemas/accounts.ts';
import { Address, AddressCreate, AddressPage, AddressUpdate } from '../schemas/addresses.ts';
import { BulkCreate, BulkJob } from '../schemas/bulk.ts';
import { campaignSchemas } from '../schemas/campaigns.ts';
import { consentSchemas } from '../schemas/consents.ts';
import { creditSchemas } from '../schemas/credit.ts';
import { CustomerFilter } from '../schemas/customer-filter.ts';
import { Customer, CustomerCreate, CustomerPage, CustomerUpdate } from '../schemas/customers.ts';
import { Deletability } from '../schemas/deletability.ts';
import {
  DuplicateGroup,
  DuplicateGroupPage,
  DuplicateSuggestion,
  DuplicateSuggestions,
} from '../schemas/duplicates.ts';
import { Event, EventFeed, EventPage } from '../schemas/events.ts';
import {
  CustomerGroups,
  CustomerGroupsUpdate,
  Group,
  GroupCreate,
  GroupMember,
  GroupMemberPage,
  GroupMembersChange,
  GroupMembersInput,
  GroupPage,
  GroupUpdate,
} from '../schemas/groups.ts';
import { sharedSchemas } from '../schemas/helpers.ts';
import { identityProviderSchemas } from '../schemas/identity-providers.ts';
import { Import, ImportForm, ImportProblem, ImportProblemPage } from '../schemas/imports.ts';
import { invitationSchemas } from '../schemas/invitations.ts';
import { Job, JobItem, JobItemPage, JobPage } from '../schemas/jobs.ts';
import { ledgerSchemas } from '../schemas/ledger.ts';
import { ledgerReportSchemas } from '../schemas/ledger-reports.ts';
import { memberSchemas } from '../schemas/loyalty-members.ts';
import { loyaltyMetricsSchemas } from '../schemas/loyalty-metrics.ts';
import { programmeSchemas } from '../schemas/loyalty-programme.ts';
import { mailFeedbackSchemas } from '../schemas/mail-feedback.ts';
import { mailSettingsSchemas } from '../schemas/mail-settings.ts';
import {
  CustomerMergeRequest,
  CustomerMergeResult,
  CustomerUnmergeResult,
  MergeChoices,
  MergedCustomer,
} from '../schemas/merges.ts';
import { messageSchemas } from '../schemas/messages.ts';
import { myAccountSchemas } from '../schemas/my-account.ts';
import { Note, NoteCreate, NotePage, NoteRevision, NoteRevisionPage, NoteUpdate } from '../schemas/notes.ts';
import { operationsSchemas } from '../schemas/operations.ts';
import { orderSchemas } from '../schemas/orders.ts';
import { preferenceSchemas } from '../schemas/preferences.ts';
import { ErrorEntry, ProblemDocument } from '../schemas/problems.ts';
import { referralSchemas } from '../schemas/referrals.ts';
import { rewardSchemas } from '../schemas/rewards.ts';
import { Agent, AgentCreate, AgentPage, AgentUpdate, CalendarFeed } from '../schemas/sales-agents.ts';
import { segmentSchemas } from '../schemas/segments.ts';
import { statementSchemas } from '../schemas/statements.ts';
import { NewsletterReceipt, NewsletterSignUp } from '../schemas/storefront.ts';
import { storefrontMeSchemas } from '../schemas/storefront-me.ts';
import { storefrontTokenSchemas } from '../schemas/storefront-tokens.ts';
import {
  ApiKey,
  ApiKeyCreate,
  ApiKeyList,
  CreatedApiKey,
  CustomField,
  Store,
  StoreUpdate,
} from '../schemas/stores.ts';
import { suppressionSchemas } from '../schemas/suppressions.ts';
import {
  CustomerTags,
  Tag,
  TagChange,
  TagCreate,
  TagInput,
  TagMerge,
  TagPage,
  TagUpdate,
} from '../schemas/tags.ts';
import { Task, TaskCreate, TaskPage, TaskUpdate } from '../schemas/tasks.ts';
import { templateSchemas } from '../schemas/templates.ts';
import { topicSchemas } from '../schemas/topics.ts';
import { type AccountsOptions, accounts } from './accounts.ts';
import { addresses } from './addresses.ts';
import { bulk } from './bulk.ts';
import { calendars } from './calendars.ts';
import { type CampaignsOptions, campaigns } from './campaigns.ts';
import { checkoutEligibility } from './checkout-eligibility.ts';
import { type ClicksOptions, clicks } from './clicks.ts';
import { consents } from './consents.ts';
import { credit } from './credit.ts';
import { customerList } from './customer-list.ts';
import { customers } from './customers.ts';
import { deletability } from './deletability.ts';
import { type DevOutboxOptions, devOutbox } from './dev-outbox.ts';
import { duplicates } from './duplicates.ts';
import { errorTable } from './errors.ts';
import { events } from './events.ts';
import { groups } from './groups.ts';
import { type IdentityProvidersOptions, identityProviders } from './identity-providers.ts';
import { imports } from './imports.ts';
import { invitations } from './invitations.ts';
import { jobs } from './jobs.ts';
import { ledger } from './ledger.ts';
import { ledgerReports } from './ledger-reports.ts';
import { loyaltyMembers } from './loyalty-members.ts';
import { loyaltyMetrics } from './loyalty-metrics.ts';
import { loyaltyProgramme } from './loyalty-programme.ts';
import { type MailFeedbackOptions, mailFeedback } from './mail-feedback.ts';
import { mailSettings } from './mail-settings.ts';
import { merges } from './merges.ts';
import { messages } from './messages.ts';
import { myAccount } from './my-account.ts';
import { notes } from './notes.ts';
import { type OperationsOptions, operations } from './operations.ts';
import { orders } from './orders.ts';
import { accountPages } from './pages-accounts.ts';
import { consentPages } from './pages-consent.ts';
import { type PreferencesOptions, preferences } from './preferences.ts';
import { queues } from './queues.ts';
import { redemptions } from './redemptions.ts';
import { referrals } from './referrals.ts';
import { rewards } from './rewards.ts';
import { type SalesAgentsOptions, salesAgents } from './sales-agents.ts';
import { type SegmentsOptions, segments } from './segments.ts';
import { type SelfCheckOptions, selfCheck } from './self-check.ts';
import { mySessions, sessions } from './sessions.ts';
import { statements } from './statements.ts';
import { storefront } from './storefront.ts';
import { type StorefrontIdentitiesOptions, storefrontIdentities } from './storefront-identities.ts';
import { storefrontInvitations } from './storefront-invitations.ts';
import { storefrontMe } from './storefront-me.ts';
import { type StorefrontTokensOptions, storefrontTokens } from './storefront-tokens.ts';
import { stores } from './stores.ts';
import { type SuppressionsOptions, suppressions } from './suppressions.ts';
import { tags } from './tags.ts';
import { tasks } from './tasks.ts';
import { type TemplatesOptions, templates } from './templates.ts';
import { topics } from './topics.ts';

const SCHEMAS: readonly object[] = [
  ...sharedSchemas,
  ...orderSchemas,
  ...segmentSchemas,
  ...ledgerSchemas,
  ...ledgerReportSchemas,
  ...statementSchemas,
  ...creditSchemas,
  ...topicSchemas,
  ...consentSchemas,
  ...preferenceSchemas,
  ...programmeSchemas,
  ...memberSchemas,
  ...rewardSchemas,
  ...referralSchemas,
  ...loyaltyMetricsSchemas,
  ...storefrontMeSchemas,
  ...identityProviderSchemas,
  ...accountSchemas,
  ...myAccountSchemas,
  ...invitationSchemas,
  ...storefrontTokenSchemas,
  ...mailSettingsSchemas,
  ...mailFeedbackSchemas,
  ...suppressionSchemas,
  ...messageSchemas,
  ...templateSchemas,
  ...campaignSchemas,
  ...operationsSchemas,
  ProblemDocument,
  BulkCreate,
  BulkJob,
  Job,
  JobPage,
  JobItem,
  JobItemPage,
  ErrorEntry,
  Import,
  ImportForm,
  ImportProblem,
  ImportProblemPage,
  Address,
  AddressCreate,
  AddressPage,
  AddressUpdate,
  Tag,
  TagPage,
  TagCreate,
  TagUpdate,
  TagMerge,
  TagInput,
  TagChange,
  CustomerTags,
  Group,
  GroupPage,
  GroupCreate,
  GroupUpdate,
  GroupMember,
  GroupMemberPage,
  GroupMembersInput,
  GroupMembersChange,
  CustomerGroups,
  CustomerGroupsUpdate,
  Customer,
  CustomerCreate,
  CustomerUpdate,
  CustomerPage,
  CustomerFilter,
  Event,
  EventPage,
  EventFeed,
  Deletability,
  DuplicateSuggestion,
  DuplicateSuggestions,
  DuplicateGroup,
  DuplicateGroupPage,
  MergeChoices,
  CustomerMergeRequest,
  CustomerMergeResult,
  CustomerUnmergeResult,
  MergedCustomer,
  Note,
  NoteCreate,
  NoteUpdate,
  NotePage,
  NoteRevision,
  NoteRevisionPage,
  Agent,
  AgentCreate,
  AgentUpdate,
  AgentPage,
  CalendarFeed,
  Task,
  TaskCreate,
  TaskUpdate,
  TaskPage,
  NewsletterSignUp,
  NewsletterReceipt,
  CustomField,
  Store,
  StoreUpdate,
  ApiKey,
  ApiKeyCreate,
  CreatedApiKey,
  ApiKeyList,
];

const STAFF_ROOMS = [
  bulk,
  jobs,
  imports,
  addresses,
  tags,
  groups,
  customerList,
  customers,
  invitations,
  sessions,
  checkoutEligibility,
  events,
  orders,
  credit,
  loyaltyProgramme,
  loyaltyMembers,
  ledger,
  statements,
  rewards,
  redemptions,
  referrals,
  loyaltyMetrics,
  ledgerReports,
  stores,
  mailSettings,
  messages,
  deletability,
  duplicates,
  merges,
  notes,
  tasks,
  topics,
  consents,
];

/** Adds all schemas and rooms to the app. */
export async function routes(
  app: FastifyInstance,
  options: OperationsOptions &
    SelfCheckOptions &
    SalesAgentsOptions &
    SegmentsOptions &
    StorefrontTokensOptions &
    IdentityProvidersOptions &
    TemplatesOptions &
    CampaignsOptions &
    PreferencesOptions &
    ClicksOptions &
    AccountsOptions &
    SuppressionsOptions &
    MailFeedbackOptions &
    DevOutboxOptions &
    StorefrontIdentitiesOptions,
): Promise<void> {
  for (const room of STAFF_ROOMS) await app.register(room, { prefix: '/v1' });
  await app.register(salesAgents, { prefix: '/v1', publicUrl: options.publicUrl });
  await app.register(segments, { prefix: '/v1', segmentTimeoutMs: options.segmentTimeoutMs });
  await app.register(calendars, { prefix: '/v1', pool: options.pool });
  await app.register(storefrontTokens, { prefix: '/v1', signCustomerToken: options.signCustomerToken });
  await app.register(campaigns, {
    prefix: '/v1',
    makeMails: options.makeMails,
    offerHashOf: options.offerHashOf,
  });
  await app.register(suppressions, { prefix: '/v1', mailSecrets: options.mailSecrets });
  await app.register(mailFeedback, { prefix: '/v1', mailSecrets: options.mailSecrets });
  await app.register(templates, { prefix: '/v1', renderer: options.renderer });
  await app.register(storefront, { prefix: '/storefront/v1' });
  await app.register(storefrontMe, { prefix: '/storefront/v1' });
  await app.register(accounts, { prefix: '/storefront/v1', ...options });
  await app.register(storefrontInvitations, { prefix: '/storefront/v1', ...options });
  await app.register(mySessions, { prefix: '/storefront/v1' });
  await app.register(myAccount, { prefix: '/storefront/v1', throttles: options.throttles });
  await app.register(identityProviders, { prefix: '/v1', identityDesk: options.identityDesk });
  await app.register(storefrontIdentities, { prefix: '/storefront/v1', ...options });
  await app.register(preferences, { prefix: '/storefront/v1', mailSecrets: options.mailSecrets });
  await app.register(accountPages, options);
  await app.register(consentPages, { pool: options.pool, mailSecrets: options.mailSecrets });
  await app.register(clicks, { pool: options.pool, mailSecrets: options.mailSecrets });
  await app.register(devOutbox, { outbox: options.outbox });
  await app.register(selfCheck, { prefix: '/v1', sweepIntervalMs: options.sweepIntervalMs });
  await app.register(queues, { pool: options.pool });
  await app.register(operations, options);
  await app.register(errorTable);
}

/** Named schemas, to be added before any route. */
export function addSchemas(app: FastifyInstance): void {
  for (const schema of SCHEMAS) app.addSchema(schema);
}
