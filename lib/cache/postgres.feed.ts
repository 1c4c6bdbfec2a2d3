import type { PrimaryDatabase } from '../contracts/primary-database';
import {
  type FeedConnection,
  type FeedReceiver,
  type FeedSetting,
  FeedSetupError,
  RevocationFeed,
} from '../contracts/revocation-feed';

/** The channel that the triggers notify. */
const CHANNEL = 'jwt_knox_revoked';
const TRIGGERS = ['jwt_knox_gone', 'jwt_knox_changed', 'jwt_knox_emptied'];
const USER_TRIGGERS = ['jwt_knox_user_changed', 'jwt_knox_user_gone', 'jwt_knox_users_emptied'];

const REMEDY_TRIGGERS =
  'postgresFeed(): the table of the sessions does not announce its changes; add announceRevocations() of ' +
  "'nestjs-jwt-knox/migrations' to your migrations and run them.";
const REMEDY_USERS =
  'postgresFeed(): with users: true the table of your users must announce its changes; add announceUserChanges(…) of ' +
  "'nestjs-jwt-knox/migrations' to your migrations, or set users: { announcedBy: 'application' } and call userChanged.";
const REMEDY_POOLER =
  'postgresFeed(): another server process answers than listens, as behind a pooler; set url to the database itself.';

const REMEDY_TABLE =
  'postgresFeed(): its connection finds no table of the sessions; name the schema in the data source (schema), or its ' +
  'search_path in extra.options: what is set on connections of the pool alone, does not count here.';
const REMEDY_RIGHTS =
  'grant the role EXECUTE on jwt_knox_lease(), pg_control_system() and pg_control_checkpoint(), and USAGE on their schema.';

/**
 * The identity of a server: which data, since when, on which of its histories. Notices stay in their database. As numbers:
 * each session writes moments in its own time zone and style.
 */
const IDENTITY =
  'SELECT current_database() AS name, (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint::text AS started, ' +
  '(SELECT system_identifier::text FROM pg_control_system()) AS system, ' +
  '(SELECT timeline_id::text FROM pg_control_checkpoint()) AS timeline';

/** What is used of a client of `pg`. */
interface PgClient {
  readonly processID: number;
  readonly connection?: { readonly stream?: { destroy(): void } };
  connect(): Promise<unknown>;
  query(sql: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
  on(event: string, listener: (...args: any[]) => void): unknown;
}

export interface PostgresFeedOptions {
  /** The address of the primary, where the data source has a pooler in between. @default that of the data source */
  url?: string | undefined;
}

class PostgresFeed extends RevocationFeed {
  readonly isAnnouncedByStorage = true;
  readonly description = 'by triggers of the database (postgresFeed()), SQL written by hand included';

  constructor(private readonly options: PostgresFeedOptions) {
    super();
  }

  override setupProblems({ database }: FeedSetting): readonly string[] {
    if (database?.type !== 'postgres') {
      return ['postgresFeed(): the sessions are not in PostgreSQL; use redisFeed(…), or localFeed() in one process.'];
    }
    return [];
  }

  async open(receiver: FeedReceiver, setting: FeedSetting, signal: AbortSignal): Promise<FeedConnection> {
    const database = setting.database!;
    const client = this.newClient(database);
    const close = () => client.connection?.stream?.destroy();
    signal.addEventListener('abort', close, { once: true });
    client.on('error', receiver.lost);
    client.on('end', receiver.lost);
    client.on('notification', ({ channel, payload = '' }: { channel: string; payload?: string }) => {
      if (channel === CHANNEL) receiver.receive(payload);
    });
    try {
      await client.connect();
      await client.query(`LISTEN ${CHANNEL}`);
      await requireTriggers(client, setting);
    } catch (error) {
      close();
      throw explained(error);
    }
    return connectionOf(client, database, close);
  }

  /** @throws FeedSetupError for a driver that calls back before it tells of notices, such as pg-native */
  private newClient(database: PrimaryDatabase): PgClient {
    const { url } = this.options;
    const keepAlive = { keepAlive: true, application_name: 'jwt-knox feed' };
    const client = database.newClient(url === undefined ? keepAlive : { ...keepAlive, connectionString: url });
    if (client !== null && !('native' in (client as object))) return client as PgClient;
    throw new FeedSetupError(
      'postgresFeed(): only the driver pg, without pg-native, tells of notices in their order; use it, or redisFeed(…).',
    );
  }
}

function connectionOf(client: PgClient, database: PrimaryDatabase, close: () => void): FeedConnection {
  const query = oneByOne(client);
  // Which process answers, and whether it listens: behind a pooler, or after DISCARD ALL, it is another, or does not.
  const fence =
    `SELECT pg_backend_pid() = ${client.processID} AS same, '${CHANNEL}' IN (SELECT pg_listening_channels()) ` +
    'AND NOT pg_is_in_recovery() AS listens';
  return {
    close,
    announce: async (notice) => {
      await query('SELECT pg_notify($1, $2)', [CHANNEL, notice]);
    },
    fence: async () => {
      const [answer] = (await query(fence)).rows;
      if (!answer?.same) throw new FeedSetupError(REMEDY_POOLER);
      if (!answer.listens) throw new Error('The connection no longer listens.');
    },
    confirm: async () => {
      const answers = Promise.all([query(IDENTITY), database.query(IDENTITY)]);
      const [here, there] = await answers.catch((error: unknown) => {
        throw explained(error);
      });
      if (JSON.stringify(here.rows[0]) === JSON.stringify(there[0])) return;
      throw new Error('Feed and storage are on different servers or databases.');
    },
  };
}

/** What is not allowed will not be by connecting again. */
function explained(error: unknown): unknown {
  const { code, message } = Object(error) as { code?: unknown; message?: string };
  return code === '42501' ? new FeedSetupError(`postgresFeed(): ${message}; ${REMEDY_RIGHTS}`) : error;
}

/** The driver's own queue goes with version 9 of `pg`, which warns of its use. */
function oneByOne(client: PgClient): PgClient['query'] {
  let last: Promise<unknown> = Promise.resolve();
  return (sql, values) => {
    const answer = last.then(() => client.query(sql, values));
    last = answer.catch(() => undefined);
    return answer;
  };
}

/** @throws FeedSetupError */
async function requireTriggers(client: PgClient, { database, announcesUsers, lease }: FeedSetting): Promise<void> {
  const { rows: triggers } = await client.query(
    'SELECT pronamespace::regnamespace::text AS schema FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid ' +
      "WHERE tgrelid = to_regclass($1) AND tgname = ANY($2) AND tgenabled IN ('O', 'A')",
    [database!.table, TRIGGERS],
  );
  if (triggers.length < TRIGGERS.length) {
    const { rows } = await client.query('SELECT to_regclass($1) IS NULL AS missing', [database!.table]);
    throw new FeedSetupError(rows[0]!.missing ? REMEDY_TABLE : REMEDY_TRIGGERS);
  }
  // Beside the functions of the triggers, wherever the connection looks for others.
  const { rows: leases } = await client.query(`SELECT ${String(triggers[0]!.schema)}.jwt_knox_lease() AS lease`);
  if (Number(leases[0]?.lease) !== lease) {
    throw new FeedSetupError(
      `postgresFeed(): other instances count on a lease of ${String(leases[0]?.lease)} ms, this version on ${lease}; run one version on one database.`,
    );
  }
  if (!announcesUsers) return;
  const { rows: users } = await client.query(
    "SELECT 1 FROM pg_trigger WHERE tgname = ANY($1) AND tgenabled IN ('O', 'A') GROUP BY tgrelid HAVING count(*) = $2 LIMIT 1",
    [USER_TRIGGERS, USER_TRIGGERS.length],
  );
  if (users.length === 0) throw new FeedSetupError(REMEDY_USERS);
}

/**
 * Ends are announced by triggers of PostgreSQL, in the transaction that makes them: cascades and SQL written by hand count
 * too. Needs the migration `announceRevocations()`, and one connection of its own to the primary for each process.
 * @example
 * leaseCache({ feed: postgresFeed() });
 */
export function postgresFeed(options: PostgresFeedOptions = {}): RevocationFeed {
  return new PostgresFeed(options);
}
