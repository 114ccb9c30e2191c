// The error table: every code that a client can meet, with its status, title and what to do about it.
// docs/errors.md and the OpenAPI document are made from it; a test keeps them equal.

interface ErrorEntry {
  status: number;
  title: string;
  /** What the caller does next. */
  detail: string;
}

const define = <const T extends Record<string, ErrorEntry>>(table: T): T => table;

export const ERRORS = define({
  // 400: malformed
  MALFORMED_JSON: {
    status: 400,
    title: 'The body is not usable JSON',
    detail: 'Send one valid JSON document in UTF-8; the message says what is wrong and where.',
  },
  MALFORMED_REQUEST: {
    status: 400,
    title: 'The bytes are no HTTP request',
    detail: 'Send HTTP/1.1 with valid headers and a valid body length.',
  },
  VALIDATION_FAILED: {
    status: 400,
    title: 'The request does not fit its schema',
    detail: 'Mend the places named in `errors`; unknown fields and parameters are refused, never ignored.',
  },
  CURSOR_INVALID: {
    status: 400,
    title: 'The cursor cannot be used here',
    detail:
      'Use `page.nextCursor` of the same list with the same sort and filters, or start without a cursor.',
  },
  IDEMPOTENCY_KEY_REQUIRED: {
    status: 400,
    title: 'This operation needs an Idempotency-Key',
    detail: 'Send an Idempotency-Key header with a fresh UUID, and the same one when you repeat the request.',
  },
  IDEMPOTENCY_KEY_INVALID: {
    status: 400,
    title: 'The Idempotency-Key cannot be used',
    detail: 'Send 1 to 255 visible ASCII characters, for example a UUID.',
  },
  // 401, 403
  UNAUTHENTICATED: {
    status: 401,
    title: 'No valid credential',
    detail: 'Send `Authorization: Bearer` with a token or API key that is not expired or revoked.',
  },
  CUSTOMER_TOKEN_REQUIRED: {
    status: 401,
    title: 'This is for signed-in customers',
    detail:
      'Send the token of a customer (POST /v1/customers/{id}/storefront-tokens); a publishable key says only which shop it is.',
  },
  SESSION_ENDED: {
    status: 401,
    title: 'The session has ended',
    detail: 'Log in again: the refresh token was used before, has expired, or its session was ended.',
  },
  LOGIN_FAILED: {
    status: 401,
    title: 'Address or password is wrong',
    detail: 'Check both, or ask for a new password with POST /storefront/v1/password-reset.',
  },
  PASSWORD_WRONG: {
    status: 403,
    title: 'The password is wrong',
    detail:
      'Give the present password of the account, or ask for a new one with POST /storefront/v1/password-reset.',
  },
  ACCOUNT_DISABLED: {
    status: 403,
    title: 'The account is disabled',
    detail: 'The shop has closed this account; ask it why.',
  },
  SCOPE_MISSING: {
    status: 403,
    title: 'The credential lacks a scope',
    detail: 'Use a credential with the scope named in `required`.',
  },
  // 404, 405, 410
  NOT_FOUND: {
    status: 404,
    title: 'Not found',
    detail: 'Check the id; it must belong to the store of your credential.',
  },
  PROGRAMME_MISSING: {
    status: 404,
    title: 'The store has no loyalty programme',
    detail:
      'Make one with PUT /v1/loyalty/programme; GET /v1/loyalty/programme?version=default shows one to begin with.',
  },
  ROUTE_NOT_FOUND: {
    status: 404,
    title: 'No such endpoint',
    detail: 'See /docs for the endpoints of this service.',
  },
  TOKEN_UNKNOWN: {
    status: 404,
    title: 'There is no such link',
    detail: 'It was used, taken back or never existed; ask for a new one.',
  },
  PASSWORD_TOKEN_EXPIRED: {
    status: 410,
    title: 'The link has expired',
    detail: 'Ask for a new one; `wayOut` says how.',
  },
  UNMERGE_TOO_LATE: {
    status: 410,
    title: 'The merge can no longer be undone',
    detail: 'Merges can be undone for 30 days; create a new customer instead.',
  },
  // 409: state and uniqueness
  EMAIL_TAKEN: {
    status: 409,
    title: 'Another customer has this email',
    detail: 'Use the customer named in `customerId`, merge the two, or give another address.',
  },
  EXTERNAL_ID_TAKEN: {
    status: 409,
    title: 'Another customer has this externalId',
    detail: 'Use the customer named in `customerId`, or give another externalId.',
  },
  WHOLESALE_REQUIRES_ACCOUNT: {
    status: 409,
    title: 'Only customers with an account can be wholesale',
    detail: 'Invite the customer first; wholesale is allowed for invited and active accounts.',
  },
  ALREADY_ACTIVE: {
    status: 409,
    title: 'The account is active already',
    detail: 'Nothing is left to do; disable the account first if you want to start over.',
  },
  ACCOUNT_STATE_CONFLICT: {
    status: 409,
    title: 'The account cannot change to this state',
    detail: 'The members `from` and `to` name the change; see the account states in the documentation.',
  },
  MESSAGE_STATE_CONFLICT: {
    status: 409,
    title: 'The mail is in another state',
    detail: 'The members say in which state it is and from which ones this is possible; read the mail again.',
  },
  NO_EMAIL: {
    status: 409,
    title: 'The customer has no email',
    detail: 'Give the customer an email address first.',
  },
  ADDRESS_SUPPRESSED: {
    status: 409,
    title: 'The address gets no mail',
    detail: 'It bounced, complained or was blocked; `reason` says which, `wayOut` what can be done.',
  },
  ACCOUNTS_NOT_OFFERED: {
    status: 409,
    title: 'This store has no accounts',
    detail: 'Set the store setting `accounts` to optional or required.',
  },
  PASSWORD_NOT_SET: {
    status: 409,
    title: 'The account has no password',
    detail: 'Set one first: ask for a link with POST /storefront/v1/password-reset.',
  },
  ACCOUNT_NOT_ACTIVE: {
    status: 409,
    title: 'The account is not active',
    detail: 'Only an active account can do this; `wayOut` says how it becomes one.',
  },
  IDENTITY_PROVIDER_TAKEN: {
    status: 409,
    title: 'There is an identity provider of this key',
    detail: 'Change it with PATCH /v1/identity-providers/{key}, or choose another key.',
  },
  IDENTITY_TAKEN: {
    status: 409,
    title: 'This identity belongs to another customer',
    detail: 'Log in with it, or unlink it there first.',
  },
  TOPIC_KEY_TAKEN: {
    status: 409,
    title: 'There is a topic of this key',
    detail: 'Change it with PATCH /v1/topics/{key}; an archived one can be brought back.',
  },
  TOPIC_ARCHIVED: {
    status: 409,
    title: 'The topic is archived',
    detail: 'Bring it back with PATCH /v1/topics/{key}, or use another; withdrawing is always possible.',
  },
  UNMERGE_LOTS_SPENT: {
    status: 409,
    title: 'What the merge moved has been spent',
    detail: 'Credit or points that came with the merged customer were used; correct the balances by hand.',
  },
  CUSTOMER_GONE: {
    status: 409,
    title: 'The customer is merged or erased',
    detail: 'Merged customers answer with the id of the survivor; erased ones cannot be changed.',
  },
  TEMPLATE_KEY_TAKEN: {
    status: 409,
    title: 'The key has a template in this language',
    detail: 'Change that template, or take another key or language.',
  },
  TEMPLATE_ARCHIVED: {
    status: 409,
    title: 'The template is archived',
    detail: 'Restore it first with POST /v1/templates/{id}/restore.',
  },
  TEMPLATE_NEEDED: {
    status: 409,
    title: 'Mails of the service need this template',
    detail: 'Change it instead; it is what a customer gets for whose language there is no other.',
  },
  CUSTOMER_HAS_ORDERS: {
    status: 409,
    title: 'A customer with orders cannot be deleted',
    detail: 'Disable or erase the customer instead; GET /v1/customers/{id}/deletability lists every blocker.',
  },
  CUSTOMER_HAS_CREDIT: {
    status: 409,
    title: 'A customer with store credit cannot be deleted',
    detail: 'Bring the balance of every currency to zero first, or erase the customer instead.',
  },
  CUSTOMER_HAS_POINTS: {
    status: 409,
    title: 'A customer with points cannot be deleted',
    detail: 'Bring the points to zero first, or erase the customer instead.',
  },
  CUSTOMER_HAS_OPEN_HOLDS: {
    status: 409,
    title: 'A customer with open holds cannot be deleted',
    detail: 'Capture or void the holds, or wait until their time has run out.',
  },
  CUSTOMER_HAS_LEDGER_ENTRIES: {
    status: 409,
    title: 'A customer with entries in the ledger cannot be deleted',
    detail: 'History is kept for the books; erase the customer instead.',
  },
  REFERENCE_REUSED: {
    status: 409,
    title: 'The reference was used for another command',
    detail: 'Give each command a reference of its own; a repeat must say exactly what the first one said.',
  },
  INSUFFICIENT_CREDIT: {
    status: 409,
    title: 'There is not enough store credit',
    detail: 'At most the amount in `available` can be taken; holds and expired credit do not count.',
  },
  INSUFFICIENT_POINTS: {
    status: 409,
    title: 'There are not enough points',
    detail: 'At most the points in `available` can be taken; held, pending and expired points do not count.',
  },
  MEMBER_NOT_ACTIVE: {
    status: 409,
    title: 'The customer is not in the loyalty programme',
    detail: 'Enrol the customer first; `status` is `left` for somebody who was a member before.',
  },
  TIERS_NOT_OFFERED: {
    status: 409,
    title: 'The programme has no tiers',
    detail: 'Give the programme tiers first.',
  },
  CREDIT_LIMIT_EXCEEDED: {
    status: 409,
    title: 'The customer would have more store credit than the store allows',
    detail: 'Grant at most the amount in `room`, or raise the store setting `creditLimits`.',
  },
  HOLD_EXPIRED: {
    status: 409,
    title: 'The hold ran out',
    detail: 'What it reserved is free again since `expiresAt`; make a new hold.',
  },
  HOLD_CAPTURED: {
    status: 409,
    title: 'The hold was captured',
    detail: 'A hold is captured once, with the amount in `captured`; refund it to give credit back.',
  },
  HOLD_VOIDED: {
    status: 409,
    title: 'The hold was voided',
    detail: 'What it reserved is free again; make a new hold.',
  },
  HOLD_EXCEEDED: {
    status: 409,
    title: 'More than the hold reserves',
    detail: 'Capture at most the amount in `held`.',
  },
  HOLD_LOTS_EXPIRED: {
    status: 409,
    title: 'Held credit has expired meanwhile',
    detail: 'It can be captured until the hold ends, but the hold can no longer be extended.',
  },
  REFUND_EXCEEDS_CAPTURE: {
    status: 409,
    title: 'More than was taken would be given back',
    detail: 'Refund at most the amount in `refundable`.',
  },
  REWARD_NOT_AVAILABLE: {
    status: 409,
    title: 'The customer cannot have this reward now',
    detail: 'The member `why` says what stands in the way; GET /v1/loyalty/rewards/{id} has the conditions.',
  },
  REDEMPTION_CLOSED: {
    status: 409,
    title: 'The redemption is closed',
    detail:
      'The member `redemptionStatus` says what became of it: only a held one is fulfilled or refused, only a fulfilled one reversed.',
  },
  REFERRALS_NOT_OFFERED: {
    status: 409,
    title: 'The programme rewards no referrals',
    detail: 'Add `referrals` and a rule for the event referral to the programme.',
  },
  SELF_REFERRAL: {
    status: 409,
    title: 'Nobody can refer themselves',
    detail: 'Advocate and friend share what `shared` names, so they count as one person.',
  },
  FRIEND_ALREADY_CUSTOMER: {
    status: 409,
    title: 'The friend has ordered before',
    detail: 'Only somebody without an order can be referred.',
  },
  FRIEND_ALREADY_REFERRED: {
    status: 409,
    title: 'The friend was referred before',
    detail: 'One referral per friend holds for good, whatever came of it.',
  },
  ADVOCATE_NOT_ACTIVE: {
    status: 409,
    title: 'The owner of the code cannot refer anybody now',
    detail: 'Advocates have an active account and are members of the programme.',
  },
  REFERRAL_LIMIT: {
    status: 409,
    title: 'The advocate has referred as many as the programme allows',
    detail: 'The limit is in `limit`; raise `referrals.maxPerAdvocate` of the programme to allow more.',
  },
  LAST_ADDRESS: {
    status: 409,
    title: 'The last address cannot be deleted',
    detail: 'Add another address first, or change this one.',
  },
  TAG_NAME_TAKEN: {
    status: 409,
    title: 'Another tag has this name',
    detail: 'Merge the two with POST /v1/tags/{id}/merge.',
  },
  GROUP_NAME_TAKEN: {
    status: 409,
    title: 'Another group has this name',
    detail: 'Names are compared without regard to case; choose another one.',
  },
  GROUP_IN_USE: {
    status: 409,
    title: 'The group is in use',
    detail: 'Remove the group from the places named in `usedBy` first.',
  },
  SEGMENT_SLUG_TAKEN: {
    status: 409,
    title: 'Another segment has this slug',
    detail: 'Choose another slug, or leave it out on creation to have one made from the name.',
  },
  SEGMENT_IN_USE: {
    status: 409,
    title: 'The segment is in use',
    detail: 'Remove the segment from the places named in `usedBy` first.',
  },
  SEGMENTS_LIMIT: {
    status: 409,
    title: 'The store has as many segments as it can have',
    detail: 'A store has at most 1,000 segments; delete one that is no longer needed.',
  },
  CUSTOM_FIELD_IN_USE: {
    status: 409,
    title: 'A custom field is in use',
    detail:
      'Segments named in `usedBy` ask for a field or option that would be gone or of another type; change them first.',
  },
  AGENT_IN_USE: {
    status: 409,
    title: 'The sales agent is in use',
    detail: 'Give the customers and tasks to another agent, or set `active` to false.',
  },
  ORDER_STATUS_CONFLICT: {
    status: 409,
    title: 'The order cannot change to this status',
    detail: 'The members `from`, `to` and `allowed` name what is possible.',
  },
  MERGE_BLOCKED: {
    status: 409,
    title: 'The two customers cannot be merged',
    detail: 'Remove what `blockers` names first.',
  },
  CAMPAIGN_STATE_CONFLICT: {
    status: 409,
    title: 'The campaign is not in a state for this',
    detail: '`campaignStatus` says how it stands and `wayOut` what can be done instead.',
  },
  CAMPAIGN_NOT_READY: {
    status: 409,
    title: 'The campaign cannot start yet',
    detail: 'Mend everything that `errors` names; all of it is there at once.',
  },
  NOT_MERGED: {
    status: 409,
    title: 'The customer was not merged',
    detail: 'Only a customer that was merged into another one can be restored.',
  },
  JOB_FINISHED: {
    status: 409,
    title: 'The job has finished',
    detail: 'A finished job cannot be cancelled; tag, group and invitation jobs can be undone.',
  },
  JOB_NOT_RETRYABLE: {
    status: 409,
    title: 'The job cannot be tried again',
    detail:
      'Only a job that failed with `INTERNAL` is worth another attempt; start a new one for any other, after mending what its `error` names.',
  },
  JOB_NOT_UNDOABLE: {
    status: 409,
    title: 'The job cannot be undone',
    detail:
      'Only finished tag, group and invitation jobs that are not undone yet can be undone; `reason` says what stands in the way.',
  },
  IDEMPOTENCY_IN_PROGRESS: {
    status: 409,
    title: 'The same request is running',
    detail: 'Wait for the first request, then repeat with the same key to get its answer.',
  },
  CONFLICT: {
    status: 409,
    title: 'The data changed meanwhile',
    detail: 'Read the resource again and repeat the change.',
  },
  VERSION_MISMATCH: {
    status: 412,
    title: 'The resource has another version',
    detail: 'Read it again, apply your change to what it is now, and send its new ETag in If-Match.',
  },
  // 408, 413, 415, 431
  REQUEST_TIMEOUT: {
    status: 408,
    title: 'The request came too slowly',
    detail: 'Send headers within 10 s and the whole request within 15 s; compress large files with gzip.',
  },
  HEADERS_TOO_LARGE: {
    status: 431,
    title: 'The headers are too large',
    detail: 'Keep all headers together below 16 KiB.',
  },
  BODY_TOO_LARGE: {
    status: 413,
    title: 'The body is too large',
    detail: 'Send less at a time; files go through POST /v1/imports.',
  },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    title: 'This content type is not accepted',
    detail: 'Send `Content-Type: application/json`, or what the documentation of the endpoint names.',
  },
  // 422: well-formed but meaningless
  IDEMPOTENCY_KEY_REUSED: {
    status: 422,
    title: 'The Idempotency-Key belongs to another request',
    detail: 'A key names one request with one body; use a fresh key.',
  },
  CUSTOMER_INVALID: {
    status: 422,
    title: 'The customer cannot be stored like this',
    detail: 'Mend the places named in `errors`.',
  },
  PASSWORD_REFUSED: {
    status: 422,
    title: 'The password is not usable',
    detail:
      'Choose 8 to 128 characters that are not guessed first; see `errors`. Nothing else is asked of a password.',
  },
  CUSTOMER_NEEDS_IDENTITY: {
    status: 422,
    title: 'A customer needs something to be known by',
    detail: 'Give at least one of email, phone, lastName and company.',
  },
  ADDRESS_INVALID: {
    status: 422,
    title: 'The address cannot be stored like this',
    detail: 'Mend the places named in `errors`.',
  },
  ADDRESS_NOT_FOUND: {
    status: 422,
    title: 'The named address does not belong to the customer',
    detail: 'Choose one of the ids of GET /v1/customers/{id}/addresses.',
  },
  BIRTHDAY_EDITED_THIS_YEAR: {
    status: 422,
    title: 'The birthday was edited this year',
    detail: 'Members of the loyalty programme can edit it once a calendar year (P8); staff can always.',
  },
  IDENTITY_PROVIDER_INVALID: {
    status: 422,
    title: 'The identity provider cannot be used',
    detail: 'Mend the fields named in `errors`.',
  },
  IDENTITY_STATE_INVALID: {
    status: 422,
    title: 'This log-in is not under way',
    detail:
      'A state is good once, for ten minutes, with the provider and for whom it was begun. Begin again.',
  },
  IDENTITY_REFUSED: {
    status: 422,
    title: 'The identity provider does not vouch for this log-in',
    detail: 'The code was used, is of another log-in, or the tokens do not fit it. Begin again.',
  },
  IDENTITY_EMAIL_UNVERIFIED: {
    status: 422,
    title: 'The identity provider names no verified address',
    detail:
      'Log in another way and link the identity with POST /storefront/v1/me/identities/{key}/authorize, or have the address verified there.',
  },
  REDIRECT_URI_INVALID: {
    status: 422,
    title: 'The address to come back to is on no page of the store',
    detail: 'Use an address without query and fragment on an origin of the store setting `corsOrigins`.',
  },
  AGENT_INVALID: {
    status: 422,
    title: 'The sales agent cannot be stored like this',
    detail: 'Mend the places named in `errors`.',
  },
  PROGRAMME_INVALID: {
    status: 422,
    title: 'The loyalty programme does not hold together',
    detail: 'Mend the places named in `errors`.',
  },
  TIER_NOT_FOUND: {
    status: 422,
    title: 'The programme has no such tier',
    detail: 'Choose one of the keys in `tiers`.',
  },
  OVERRIDE_END_PAST: {
    status: 422,
    title: 'The end of the tier lies in the past',
    detail: 'A tier given by hand ends in the future.',
  },
  TASK_INVALID: {
    status: 422,
    title: 'The task cannot be stored like this',
    detail: 'Mend the places named in `errors`.',
  },
  TOPIC_UNKNOWN: {
    status: 422,
    title: 'The store has no such topic',
    detail: 'Use a key of GET /v1/topics; `topic` is the one that was sent.',
  },
  TOO_MANY_TOPICS: {
    status: 422,
    title: 'A store has a limited number of topics',
    detail: 'People choose topic by topic: archive or rename one that nobody needs.',
  },
  WORDING_UNKNOWN: {
    status: 422,
    title: 'No wording has this hash',
    detail: 'Send the wording itself once (version, locale, text); later its SHA-256 is enough.',
  },
  CONSENT_INVALID: {
    status: 422,
    title: 'The consent cannot be recorded like this',
    detail: 'Mend the places named in `errors`.',
  },
  TOO_MANY_TAGS: {
    status: 422,
    title: 'Too many tags',
    detail: 'A customer carries at most 250 tags; remove some first.',
  },
  GROUP_NAME_INVALID: {
    status: 422,
    title: 'The name is not usable',
    detail: 'A group name has 1 to 255 visible characters.',
  },
  TAG_INVALID: {
    status: 422,
    title: 'A tag is not usable',
    detail: 'Tags are phrases of 1 to 255 characters without a comma.',
  },
  TAG_MERGED_WITH_ITSELF: {
    status: 422,
    title: 'A tag cannot be merged into itself',
    detail: 'Give the id of another tag in `intoId`.',
  },
  PRIMARY_GROUP_NOT_MEMBER: {
    status: 422,
    title: 'The primary group must be one of the groups',
    detail: 'Add the customer to the group first.',
  },
  MESSAGE_INVALID: {
    status: 422,
    title: 'The mail cannot be sent as it stands',
    detail: 'Mend the places named in `errors`.',
  },
  REFERENCE_UNKNOWN: {
    status: 422,
    title: 'A referenced id does not exist',
    detail: 'The member `reference` names the field; give the id of something that exists in this store.',
  },
  AMOUNT_INVALID: {
    status: 422,
    title: 'An amount is not usable',
    detail: 'Amounts are whole minor units of the currency, zero or more.',
  },
  ZERO_AMOUNT: {
    status: 422,
    title: 'The amount is zero',
    detail: 'Give an amount above zero to grant, or below zero to take away.',
  },
  EXPIRY_INVALID: {
    status: 422,
    title: 'The expiry cannot be used',
    detail: 'Give an `expiresAt` in the future; only grants can have one.',
  },
  HOLD_TOO_LONG: {
    status: 422,
    title: 'A hold cannot live that long',
    detail: 'A hold ends at most 7 days after it was made.',
  },
  REWARD_INVALID: {
    status: 422,
    title: 'The reward cannot be stored like this',
    detail: 'Mend the places named in `errors`.',
  },
  REWARD_NEEDS_DELIVERY: {
    status: 422,
    title: 'This reward is not fulfilled at once',
    detail: 'Hold the points without `fulfil`, and fulfil the redemption when the product is handed over.',
  },
  REFERRAL_CODE_UNKNOWN: {
    status: 422,
    title: 'There is no such referral code',
    detail: 'Send the code of a member; case, spaces and hyphens do not matter.',
  },
  REFERRAL_INVALID: {
    status: 422,
    title: 'The referral names nobody',
    detail: 'Give either friendId or a valid email; see `errors`.',
  },
  NOT_REFUNDABLE: {
    status: 422,
    title: 'This transfer cannot be refunded',
    detail: 'Name a redemption of the same customer; grants, expiries and corrections are not refunded.',
  },
  AMOUNT_TOO_LARGE: {
    status: 422,
    title: 'An amount is too large',
    detail: 'Amounts and their sums stay below 2^53 minor units.',
  },
  CURRENCY_UNKNOWN: {
    status: 422,
    title: 'The currency is not known',
    detail: 'Give an ISO 4217 code, such as EUR.',
  },
  ORDER_PAID_EXCEEDS_TOTAL: {
    status: 422,
    title: 'Credit and points pay more than the order costs',
    detail: '`creditPaid` and `pointsPaid` are parts of the total; together they are at most the total.',
  },
  ORDER_TOTAL_MISMATCH: {
    status: 422,
    title: 'The totals of the order do not add up',
    detail:
      'total = sum of lines + shipping + tax (unless included) - discount; see `errors` for the expected value.',
  },
  REFUND_EXCEEDS_TOTAL: {
    status: 422,
    title: 'More is refunded than was paid',
    detail: 'The sum of refunds is at most the total of the order.',
  },
  REFUND_ID_TWICE: {
    status: 422,
    title: 'Two refunds have the same id',
    detail: 'Each refund of an order has an id of its own.',
  },
  PERIOD_INVALID: {
    status: 422,
    title: 'This is no period',
    detail: 'Send `from` and `until` as days of the years 1000 to 9999, `until` not before `from`.',
  },
  STATEMENT_TOO_LONG: {
    status: 422,
    title: 'The statement has too many movements for one answer',
    detail: 'Ask for a shorter period, or for the statement as CSV, which is streamed.',
  },
  REFUND_AT_INVALID: {
    status: 422,
    title: 'A refund has no usable time',
    detail: 'Give the time of each refund as RFC 3339.',
  },
  REFUND_ITEMS_MISMATCH: {
    status: 422,
    title: 'A refund names items that the order does not have',
    detail: 'Name products of the order, at most as many as were bought.',
  },
  REFUND_STATUS_MISMATCH: {
    status: 422,
    title: 'The status contradicts the refunds',
    detail: 'Send the refunds that make the status true.',
  },
  STORE_INVALID: {
    status: 422,
    title: 'The settings cannot be stored like this',
    detail: 'Mend the places named in `errors`.',
  },
  IMPORT_REFUSED: {
    status: 422,
    title: 'The file cannot be imported',
    detail: 'The member `reason` says why; mend the file or send a mapping, and try again.',
  },
  CONSENT_BASIS_REQUIRED: {
    status: 422,
    title: 'Consent needs a declared basis',
    detail:
      'The file has a marketing column: send `consentBasis` with how consent was given, or leave the column out.',
  },
  CAMPAIGN_INVALID: {
    status: 422,
    title: 'The campaign cannot be stored like this',
    detail: 'Mend the places named in `errors`.',
  },
  TEMPLATE_INVALID: {
    status: 422,
    title: 'The template cannot be used like this',
    detail: 'Mend the places named in `errors`; docs/templates.md has the language.',
  },
  TEMPLATE_NOT_RENDERED: {
    status: 422,
    title: 'The template cannot be rendered with these values',
    detail:
      '`reason`, `why` and `line` (of the compiled part) say what went wrong; mend the template or the values.',
  },
  SEGMENT_INVALID: {
    status: 422,
    title: 'The segment cannot be stored like this',
    detail: 'Mend the places named in `errors`.',
  },
  SEGMENT_SYNTAX: {
    status: 422,
    title: 'The query does not follow the segment language',
    detail: 'Mend the place in `errors`: it says what was expected there and which word is nearest.',
  },
  SEGMENT_TOO_LARGE: {
    status: 422,
    title: 'The query is too large',
    detail:
      'A query has at most 8 KiB, 200 nodes, 12 levels and 1,000 values in a list; make parts of it segments of their own.',
  },
  SEGMENT_TYPE: {
    status: 422,
    title: 'An operator or value does not fit its attribute',
    detail: 'Mend the places named in `errors`; GET /v1/segments/attributes lists what each attribute takes.',
  },
  UNKNOWN_ATTRIBUTE: {
    status: 422,
    title: 'There is no such attribute',
    detail: 'Use one of GET /v1/segments/attributes; `errors` names the nearest one.',
  },
  UNKNOWN_VALUE: {
    status: 422,
    title: 'The attribute never has this value',
    detail: 'Use one of the values in `expected`.',
  },
  UNKNOWN_SEGMENT: {
    status: 422,
    title: 'There is no such segment',
    detail: 'Use a slug of GET /v1/segments; `errors` names the nearest one.',
  },
  UNKNOWN_GROUP: {
    status: 422,
    title: 'There is no such group',
    detail: 'Use a name of GET /v1/groups; `errors` names the nearest one.',
  },
  SEGMENT_CYCLE: {
    status: 422,
    title: 'The segment would contain itself',
    detail: 'Take the reference out that leads back to the segment; `errors` shows the round.',
  },
  SEGMENT_TOO_EXPENSIVE: {
    status: 422,
    title: 'The query takes too long to preview',
    detail:
      'Narrow the part named in `clause`, which costs most by the plan of the database, or ask for fewer segments at once.',
  },
  SELECTION_INVALID: {
    status: 422,
    title: 'The selection cannot be used',
    detail: 'Give exactly one of ids (at most 1,000), filter, segmentId and all.',
  },
  BULK_ACTION_INVALID: {
    status: 422,
    title: 'The action lacks something or has too much',
    detail:
      'addTags and removeTags need tags, the group actions groupId, setSalesAgent salesAgentId, the topic actions consent; see `errors`.',
  },
  // 429, 5xx
  LOGIN_THROTTLED: {
    status: 429,
    title: 'Too many failed log-ins',
    detail:
      'Wait for the number of seconds in Retry-After; each further failure makes it longer, up to 15 minutes. A new password by mail helps at once.',
  },
  RATE_LIMITED: {
    status: 429,
    title: 'Too many requests',
    detail: 'Wait for the number of seconds in Retry-After.',
  },
  INTERNAL: {
    status: 500,
    title: 'Something failed on our side',
    detail: 'Repeat the request later; name the `instance` when you report it.',
  },
  IDENTITY_PROVIDER_UNAVAILABLE: {
    status: 503,
    title: 'The identity provider does not answer as it should',
    detail: 'Try again a little later, or log in another way. Staff: check issuer, client id and secret.',
  },
  UNAVAILABLE: {
    status: 503,
    title: 'The service cannot answer right now',
    detail: 'Repeat the request after the number of seconds in Retry-After.',
  },
  SERVICE_BUSY: {
    status: 503,
    title: 'Too many passwords are being checked',
    detail: 'Repeat the request after the number of seconds in Retry-After.',
  },
  QUERY_TIMEOUT: {
    status: 503,
    title: 'The question takes too long',
    detail: 'Ask for less (a narrower filter, a smaller page), or try again later.',
  },
});

export type ErrorCode = keyof typeof ERRORS;

/** What can be wrong with a segment query, for every operation that takes one. */
export const QUERY_REFUSALS = [
  'SEGMENT_SYNTAX',
  'SEGMENT_TOO_LARGE',
  'SEGMENT_TYPE',
  'UNKNOWN_ATTRIBUTE',
  'UNKNOWN_VALUE',
  'UNKNOWN_SEGMENT',
  'UNKNOWN_GROUP',
  'SEGMENT_CYCLE',
] as const satisfies readonly ErrorCode[];

/** One place of a request that has to be mended; `pointer` is a JSON Pointer (RFC 6901). */
export interface FieldError {
  pointer: string;
  /** Part of the request: body, query, path or headers. */
  in?: string;
  message: string;
  code?: string;
  /** Of a place inside a text: UTF-16 units from its beginning and their number, line and column from 1. */
  offset?: number;
  length?: number;
  line?: number;
  column?: number;
  /** What would be right there: a few names, or one description. */
  expected?: readonly string[];
  /** The nearest name that exists. */
  nearest?: string;
}

/** Seconds to wait after a 503, as its `Retry-After` says. */
export const RETRY_AFTER_S = '2';

/** Members of every problem document: no fact of a case may take their place. */
type NoProblemMember = {
  [member in 'type' | 'title' | 'status' | 'detail' | 'code' | 'instance' | 'headers']?: never;
};

/** What may stand beside the code: extension members of RFC 9457, and `errors`. Never personal data of others. */
export type ProblemFacts = Record<string, unknown> & NoProblemMember & { errors?: readonly FieldError[] };

/** An answer other than success, thrown anywhere below a route; the error plugin turns it into problem+json. */
export class Problem extends Error {
  override name = 'Problem';
  readonly code: ErrorCode;
  readonly facts: ProblemFacts;

  constructor(code: ErrorCode, facts: ProblemFacts = {}, options?: ErrorOptions) {
    super(ERRORS[code].title, options);
    this.code = code;
    this.facts = facts;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }
}

/** What a domain rule returns when it says no. */
export interface Refusal extends NoProblemMember {
  refused: ErrorCode;
}

/** Turns a refusal into the problem of its code; its other members become extension members. */
export function problemOf({ refused, ...facts }: Refusal): Problem {
  return new Problem(refused, facts as ProblemFacts);
}

/** The value itself, or a thrown problem when a rule refused. */
export function accepted<T>(value: T): Exclude<T, Refusal> {
  if (typeof value === 'object' && value !== null && 'refused' in value) throw problemOf(value as Refusal);
  return value as Exclude<T, Refusal>;
}
