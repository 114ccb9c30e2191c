// Whether a connection keeps what is set on it: a pooler between us and the server may hand each transaction to another one.
import type pg from 'pg';

/** How a pooler gives itself away: it refuses the settings of the start, drops them, or shares a session between two clients. */
export type SessionFault = 'settings_refused' | 'settings_dropped' | 'session_shared';

const REFUSED_SETTINGS = /unsupported startup parameter/;

interface Identity {
  role: string;
  pid: number;
}

const identityOn = async (client: pg.PoolClient): Promise<Identity | undefined> =>
  (await client.query<Identity>('select current_user as role, pg_backend_pid() as pid')).rows[0];

/** Two clients: while the second one is in a transaction, a pooler has no other place for it than where the first one was. */
async function faultOf(pool: pg.Pool, role: string | undefined): Promise<SessionFault | undefined> {
  const first = await pool.connect();
  try {
    const known = await identityOn(first);
    if (role && known?.role !== role) return 'settings_dropped';
    const second = await pool.connect();
    try {
      await second.query('begin');
      const isShared = (await identityOn(second))?.pid === known?.pid;
      return isShared || (await identityOn(first))?.pid !== known?.pid ? 'session_shared' : undefined;
    } finally {
      await second.query('rollback');
      second.release();
    }
  } finally {
    first.release();
  }
}

/**
 * What is wrong with the sessions of a pool of two, whose connections should act as `role` if it is given; undefined when
 * all is well, or when nobody answers: that is told by others, and passes.
 */
export async function findSessionFault(
  pool: pg.Pool,
  role: string | undefined,
): Promise<SessionFault | undefined> {
  try {
    return await faultOf(pool, role);
  } catch (error) {
    return error instanceof Error && REFUSED_SETTINGS.test(error.message) ? 'settings_refused' : undefined;
  }
}
