// What the database did for some requests: log written, rows read, rows changed.

const TABLE = 'jwt_knox_sessions';

/** A meter of one database. @param onEach sends a statement over each connection of the server process */
export async function meterOf({ source, kind }, onEach) {
  return kind === 'postgres' ? PostgresMeter.open(source, onEach) : new MariaDbMeter(source, onEach);
}

class PostgresMeter {
  static async open(source, onEach) {
    await source.query('CREATE EXTENSION IF NOT EXISTS pg_walinspect');
    const [{ oid }] = await source.query('SELECT oid FROM pg_database WHERE datname = current_database()');
    return new PostgresMeter(source, onEach, oid);
  }

  constructor(source, onEach, oid) {
    Object.assign(this, { source, onEach, oid });
  }

  async begin() {
    this.before = await this.#counts();
    // From here on the first change of each page writes the page whole.
    await this.source.query('CHECKPOINT');
    const [{ lsn }] = await this.source.query('SELECT pg_current_wal_insert_lsn() AS lsn');
    this.from = lsn;
  }

  async end() {
    // Its commit flushes all that comes before it, which only then can be read.
    await this.source.query("SELECT pg_logical_emit_message(true, 'jwt-knox bench', '')");
    const [wal] = await this.source.query(OWN_WAL, [this.from, `rel [0-9]+/${this.oid}/`]);
    const after = await this.#counts();
    const grown = (name) => after[name] - this.before[name];
    return {
      records: Number(wal.records),
      images: Number(wal.images),
      rowsRead: grown('read'),
      pages: grown('pages'),
      changed: grown('inserted') + grown('updated') + grown('deleted'),
      updated: grown('updated'),
      hot: grown('hot'),
    };
  }

  async #counts() {
    // Backends tell their counts about once a second, unless they are asked to.
    await this.onEach('SELECT pg_stat_force_next_flush()');
    const [counts] = await this.source.query(
      `SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) AS read, n_tup_ins AS inserted, n_tup_upd AS updated,
              n_tup_del AS deleted, n_tup_hot_upd AS hot,
              heap_blks_read + heap_blks_hit + idx_blks_read + idx_blks_hit AS pages
       FROM pg_stat_user_tables JOIN pg_statio_user_tables USING (relid) WHERE relid = '${TABLE}'::regclass`,
    );
    return Object.fromEntries(Object.entries(counts).map(([name, value]) => [name, Number(value)]));
  }
}

/** The records of this database alone, and the commits of their transactions: others may use the server too. */
const OWN_WAL = `
  WITH log AS MATERIALIZED (
    SELECT xid::text AS xid, record_length, fpi_length, coalesce(block_ref ~ $2, false) AS is_own
    FROM pg_get_wal_records_info($1::pg_lsn, pg_current_wal_flush_lsn())
  ), own AS (SELECT DISTINCT xid FROM log WHERE is_own AND xid <> '0')
  SELECT coalesce(sum(record_length - fpi_length), 0) AS records, coalesce(sum(fpi_length), 0) AS images
  FROM log WHERE is_own OR xid IN (SELECT xid FROM own)`;

/** The redo log is the whole server's: what others write meanwhile is in it. */
class MariaDbMeter {
  constructor(source, onEach) {
    Object.assign(this, { source, onEach });
  }

  async begin() {
    this.before = { ...(await this.#rows()), ...(await this.#redo()) };
  }

  async end() {
    const after = { ...(await this.#redo()), ...(await this.#rows()) };
    const grown = (name) => after[name] - this.before[name];
    return {
      redo: grown('Innodb_os_log_written'),
      rowsRead: grown('Rows_read'),
      changed: grown('Handler_write') + grown('Handler_update') + grown('Handler_delete'),
    };
  }

  async #redo() {
    return valuesOf(await this.source.query("SHOW GLOBAL STATUS WHERE Variable_name = 'Innodb_os_log_written'"));
  }

  async #rows() {
    const sessions = await this.onEach(
      "SHOW SESSION STATUS WHERE Variable_name IN ('Rows_read', 'Handler_write', 'Handler_update', 'Handler_delete')",
    );
    const total = {};
    for (const [name, value] of sessions.flatMap((rows) => Object.entries(valuesOf(rows))))
      total[name] = (total[name] ?? 0) + value;
    return total;
  }
}

function valuesOf(rows) {
  return Object.fromEntries(rows.map(({ Variable_name: name, Value: value }) => [name, Number(value)]));
}
