// Sessions of shoppers and the refresh tokens that prolong them.
import { type Placeholder, type SQL, sql } from 'drizzle-orm';
import type { AccountStatus } from '../domain/account-states.ts';
import type { LoginMethod, SessionEnd } from '../domain/accounts/tokens.ts';
import { type Db, statement, type Tx } from './connection.ts';
import type { NewEvent } from './events.ts';
import { type Clearing, clearingFor } from './login-throttles.ts';

/** A session that is open, as lists show it. */
export interface OpenSession {
  id: string;
  method: LoginMethod;
  /** Identity provider of the log-in. */
  provider: string | null;
  userAgent: string | null;
  ip: string | null;
  createdAt: Date;
  lastUsedAt: Date;
  expiresAt: Date;
}

/** Who logged in, as the answer of a log-in shows them. */
export interface SignedInCustomer {
  id: string;
  email: string | null;
  firstName: string | null;
  lastName: string | null;
}

interface NewSession extends Omit<OpenSession, 'lastUsedAt' | 'createdAt'> {
  customerId: string;
  secretHash: Buffer;
  now: Date;
  /** Open sessions that may stay beside the new one. */
  others: number;
  tooMany: SessionEnd;
  /** What the timeline tells of it; `data` is JSON. */
  event: Pick<NewEvent, 'id' | 'kind' | 'actor'> & { data: string };
}

/** As parameters: a statement takes flat ones. */
type SessionColumns = Omit<NewSession, 'event'> & {
  eventId: string;
  eventKind: string;
  actor: string;
  data: string;
};

const columnsOf = ({ event, ...session }: NewSession): SessionColumns => ({
  ...session,
  eventId: event.id,
  eventKind: event.kind,
  actor: event.actor,
  data: event.data,
});

type Slots<Columns> = { [Name in keyof Columns]-?: Placeholder } & { storeId: Placeholder };

/**
 * Starts a session for whom `who` selects, with its first refresh token and its event; the oldest ones end where there are
 * too many. One statement: a log-in is to cost little more than its hash.
 */
const startingFor = (who: SQL, p: Slots<SessionColumns>): SQL => sql`
  with who as (${who}), started as (
    insert into sessions (store_id, id, customer_id, method, provider, user_agent, ip, created_at, last_used_at, expires_at)
    select ${p.storeId}, ${p.id}, who.id, ${p.method}, ${p.provider}, ${p.userAgent}, ${p.ip}, ${p.now}, ${p.now},
      ${p.expiresAt} from who
  ), token as (
    insert into refresh_tokens (store_id, secret_hash, session_id, expires_at, created_at)
    select ${p.storeId}, ${p.secretHash}, ${p.id}, ${p.expiresAt}, ${p.now} from who
  ), crowded_out as (
    update sessions set ended_at = ${p.now}, end_reason = ${p.tooMany}
    where store_id = ${p.storeId} and id in (
      select s.id from sessions s join who on s.customer_id = who.id
      where s.store_id = ${p.storeId} and s.ended_at is null and s.expires_at > ${p.now}
      order by s.id desc offset ${p.others}::integer)
  ), told as (
    insert into events (store_id, id, customer_id, kind, subject_id, actor, data, occurred_at)
    select ${p.storeId}, ${p.eventId}, who.id, ${p.eventKind}, ${p.id}, ${p.actor}, ${p.data}::jsonb, ${p.now} from who
  )`;

const CUSTOMER = sql.raw(`c.id, c.email, c.first_name as "firstName", c.last_name as "lastName"`);

const insert = statement<SessionColumns, SignedInCustomer>(
  'start_session',
  (p) => sql`
    ${startingFor(sql`select ${CUSTOMER} from customers c where c.store_id = ${p.storeId} and c.id = ${p.customerId}`, p)}
    select * from who`,
);

/** Starts a session of the customer. */
export async function insertSession(tx: Tx, session: NewSession): Promise<SignedInCustomer> {
  const [customer] = await insert(tx, columnsOf(session));
  if (!customer) throw new Error('A session of nobody');
  return customer;
}

/** A log-in whose password was found right. */
export interface ProvenLogin extends Clearing {
  passwordHash: string;
}

const logIn = statement<SessionColumns & ProvenLogin, SignedInCustomer>(
  'log_in',
  (p) => sql`
    ${startingFor(
      sql`
        select ${CUSTOMER} from customers c join credentials k on k.store_id = ${p.storeId} and k.customer_id = c.id
        where c.store_id = ${p.storeId} and c.id = ${p.customerId} and c.account_status = 'active'
          and k.password_hash = ${p.passwordHash}
        for share of c for update of k`,
      p,
    )}, ${clearingFor(sql`exists (select from who)`, p)}
    select * from who`,
);

/**
 * Starts a session if the account is still active with this password, which holds until it is written. Undefined: it was
 * changed or disabled meanwhile.
 */
export const insertLogin = async (
  db: Db,
  login: NewSession & ProvenLogin,
): Promise<SignedInCustomer | undefined> => {
  const { passwordHash, account, networks, free, ...session } = login;
  return (await logIn(db, { ...columnsOf(session), passwordHash, account, networks, free }))[0];
};

/** A refresh token with its session, both locked. */
export interface LockedRefresh extends SignedInCustomer {
  sessionId: string;
  tokenExpiresAt: Date;
  usedAt: Date | null;
  createdAt: Date;
  expiresAt: Date;
  endedAt: Date | null;
  accountStatus: AccountStatus;
}

const lock = statement<{ secretHash: Buffer }, LockedRefresh>(
  'lock_refresh_token',
  (p) => sql`
    select t.expires_at as "tokenExpiresAt", t.used_at as "usedAt", s.id as "sessionId", s.created_at as "createdAt",
      s.expires_at as "expiresAt", s.ended_at as "endedAt", c.id, c.email, c.first_name as "firstName",
      c.last_name as "lastName", c.account_status as "accountStatus"
    from refresh_tokens t
    join sessions s on s.store_id = t.store_id and s.id = t.session_id
    join customers c on c.store_id = s.store_id and c.id = s.customer_id
    where t.store_id = ${p.storeId} and s.store_id = ${p.storeId} and c.store_id = ${p.storeId}
      and t.secret_hash = ${p.secretHash}
    for update of t, s`,
);

/** The refresh token and its session; whoever exchanges the same one at the same time waits. */
export const lockRefresh = async (tx: Tx, secretHash: Buffer): Promise<LockedRefresh | undefined> =>
  (await lock(tx, { secretHash }))[0];

/**
 * Exchanges a refresh token for the next one, prolongs the session, and forgets tokens whose own time is over. The lock is
 * held.
 */
export const rotateRefresh = statement<
  { sessionId: string; usedHash: Buffer; secretHash: Buffer; expiresAt: Date; now: Date },
  never
>(
  'rotate_refresh_token',
  (p) => sql`
    with used as (
      update refresh_tokens set used_at = ${p.now} where store_id = ${p.storeId} and secret_hash = ${p.usedHash}
    ), prolonged as (
      update sessions set last_used_at = ${p.now}, expires_at = ${p.expiresAt}
      where store_id = ${p.storeId} and id = ${p.sessionId}
    ), forgotten as (
      delete from refresh_tokens
      where store_id = ${p.storeId} and session_id = ${p.sessionId} and expires_at <= ${p.now}
    )
    insert into refresh_tokens (store_id, secret_hash, session_id, expires_at, created_at)
    values (${p.storeId}, ${p.secretHash}, ${p.sessionId}, ${p.expiresAt}, ${p.now})`,
);

/** A session that was ended. */
export interface EndedSession {
  id: string;
  customerId: string;
}

/** Which sessions of a customer are meant: all, one, or all but one. */
interface Ending {
  customerIds: readonly string[];
  only: string | null;
  but: string | null;
  reason: SessionEnd;
  now: Date;
}

/** Ends open sessions of these customers; what is ended or over already is left alone. */
export const endSessionsOf = statement<Ending, EndedSession>(
  'end_sessions',
  (p) => sql`
    update sessions set ended_at = ${p.now}, end_reason = ${p.reason}
    where store_id = ${p.storeId} and customer_id = any(${p.customerIds}::uuid[]) and ended_at is null
      and expires_at > ${p.now}
      and (${p.only}::uuid is null or id = ${p.only}) and (${p.but}::uuid is null or id <> ${p.but})
    returning id, customer_id as "customerId"`,
);

const list = statement<{ customerId: string; now: Date }, OpenSession>(
  'list_sessions',
  (p) => sql`
    select id, method, provider, user_agent as "userAgent", ip, created_at as "createdAt",
      last_used_at as "lastUsedAt", expires_at as "expiresAt"
    from sessions
    where store_id = ${p.storeId} and customer_id = ${p.customerId} and ended_at is null and expires_at > ${p.now}
    order by id desc`,
);

/** Open sessions of a customer, the latest log-in first; there are at most MAX_SESSIONS. */
export const listSessions = (db: Db, customerId: string, now: Date): Promise<OpenSession[]> =>
  list(db, { customerId, now });

/** Who calls with an access token, and whether the session that it belongs to is open. */
export interface Caller {
  accountStatus: AccountStatus;
  /** True also for a token that belongs to no session: staff made it. */
  isOpen: boolean;
}

const findCallers = statement<{ id: string; sessionId: string | null; now: Date }, Caller>(
  'find_caller',
  (p) => sql`
    select account_status as "accountStatus", ${p.sessionId}::uuid is null or exists (
      select from sessions s
      where s.store_id = ${p.storeId} and s.id = ${p.sessionId} and s.customer_id = ${p.id} and s.ended_at is null
        and s.expires_at > ${p.now}) as "isOpen"
    from customers where store_id = ${p.storeId} and id = ${p.id}`,
);

/** Undefined when there is no such customer in this store. */
export const findCaller = async (
  db: Db,
  caller: { id: string; sessionId: string | null; now: Date },
): Promise<Caller | undefined> => (await findCallers(db, caller))[0];
