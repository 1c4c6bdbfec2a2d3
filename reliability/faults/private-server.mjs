// A database server of the proof's own, that may be killed, frozen and started again: its own folder, its own port.
import { execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, openSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { childrenOf, statOf } from '../../test/support/processes.mjs';

export const { freePort } = createRequire(import.meta.url)('../../.cache/host');

const DEBIAN = '/usr/lib/postgresql';
const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).toSorted((a, b) => Number(b) - Number(a)) : [];
const START_LIMIT_MS = 60_000;
const env = {
  ...process.env,
  PATH: [process.env.PATH, '/usr/sbin', ...versions.map((version) => join(DEBIAN, version, 'bin'))].join(':'),
};

/**
 * How each server is installed and started. `durable`: whether it acknowledges only what is on the disk. `tls`: where its
 * certificate and key are, without their endings.
 */
const SERVERS = {
  postgres: {
    type: 'postgres',
    account: 'postgres',
    url: (port) => `postgres://postgres@127.0.0.1:${port}/postgres`,
    install: (data) => `initdb -D ${data} -U postgres -A trust -E UTF8 --no-locale --no-sync`,
    follow: (data, url) => `pg_basebackup -D ${data} -d ${url}?application_name=standby -R -X stream -c fast --no-sync`,
    serve: (data, port, { durable, tls }) =>
      `postgres -D ${data} -p ${port} -c unix_socket_directories= -c listen_addresses=127.0.0.1 -c fsync=on ` +
      (tls ? `-c ssl=on -c ssl_cert_file=${tls}.crt -c ssl_key_file=${tls}.key ` : '') +
      (durable ? '-c synchronous_commit=on' : '-c synchronous_commit=off -c wal_writer_delay=1s'),
    backUp: (port, name, file) => `pg_dump -h 127.0.0.1 -p ${port} -U postgres -Fc -f ${file} ${name}`,
    restore: (port, name) => `pg_restore -h 127.0.0.1 -p ${port} -U postgres -d ${name} --clean --if-exists`,
    pidFile: 'postmaster.pid',
  },
  mariadb: {
    type: 'mariadb',
    account: 'mysql',
    url: (port) => `mysql://root@127.0.0.1:${port}/mysql`,
    install: (data) =>
      `mariadb-install-db --no-defaults --datadir=${data} --skip-test-db --auth-root-authentication-method=normal`,
    serve: (data, port, { durable, tls }) =>
      `mariadbd --no-defaults --datadir=${data} --port=${port} --bind-address=127.0.0.1 --skip-name-resolve ` +
      `--socket=${data}/socket --pid-file=${data}/server.pid --innodb-flush-log-at-trx-commit=${durable ? 1 : 0}` +
      (tls ? ` --ssl-cert=${tls}.crt --ssl-key=${tls}.key` : ''),
    backUp: (port, name, file) =>
      `mariadb-dump --no-defaults -h 127.0.0.1 -P ${port} -u root --single-transaction --result-file=${file} ${name}`,
    restore: (port, name) => `mariadb --no-defaults -h 127.0.0.1 -P ${port} -u root ${name}`,
    pidFile: 'server.pid',
  },
};

/** One node of a Galera cluster: `wsrep` says which. */
SERVERS.galera = {
  ...SERVERS.mariadb,
  serve: (data, port, node) => `${SERVERS.mariadb.serve(data, port, node)} ${node.wsrep}`,
};

/** Runs `proof` with a fresh server that is nobody else's; whatever state it is left in, it is gone afterwards. */
export async function withPrivateServer(kind, { durable = true, tls = false } = {}, proof) {
  return removing(new PrivateServer(kind, { durable, tls }), async (server) => {
    await server.install();
    await server.start();
    return proof(server);
  });
}

/** The same with two of them, of which the second follows the first: a hot standby by streaming replication. */
export async function withStandby(proof) {
  return withPrivateServer('postgres', {}, (primary) =>
    removing(new PrivateServer('postgres'), async (standby) => {
      standby.port = await freePort();
      await standby.follow(primary);
      return proof(primary, standby);
    }),
  );
}

export async function removing(server, proof) {
  const remove = () => server.remove();
  process.once('exit', remove);
  for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => process.exit(1));
  try {
    return await proof(server);
  } finally {
    process.off('exit', remove);
    await server.kill();
    server.remove();
  }
}

export class PrivateServer {
  constructor(kind, { durable = true, tls = false } = {}) {
    this.durable = durable;
    this.isEncrypted = tls;
    this.setup = SERVERS[kind];
    this.kind = this.setup.type;
    this.folder = mkdtempSync(join(tmpdir(), 'jwt-knox-server-'));
    // Neither server runs as root.
    const idOf = (flag) => Number(execFileSync('id', [flag, this.setup.account]));
    this.identity = process.getuid() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : {};
    if (this.identity.uid) chownSync(this.folder, this.identity.uid, this.identity.gid);
    this.data = join(this.folder, 'data');
  }

  get url() {
    return this.setup.url(this.port);
  }

  async install() {
    this.port = await freePort();
    this.run(this.setup.install(this.data));
    if (!this.isEncrypted) return;
    this.tls = join(this.folder, 'tls');
    const files = `-keyout ${this.tls}.key -out ${this.tls}.crt`;
    this.run(
      `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -batch -subj /CN=localhost -days 2 ${files}`,
    );
  }

  /** In place of an installation, for what copies the data of another one. */
  async empty() {
    this.port = await freePort();
    this.run(`mkdir ${this.data}`);
  }

  /** Throws its data away and copies that of `primary`, to follow it from now on as the standby named `standby`. */
  async follow(primary) {
    await this.kill();
    rmSync(this.data, { recursive: true, force: true });
    this.run(this.setup.follow(this.data, primary.url));
    return this.start();
  }

  /** Statements outside of the databases under test, each by itself. */
  async query(...statements) {
    const source = await new DataSource({ type: this.kind, url: this.url }).initialize();
    try {
      let rows;
      for (const sql of statements) rows = await source.query(sql);
      return rows;
    } finally {
      await source.destroy();
    }
  }

  /** A setting that PostgreSQL reads again as it runs. */
  set(name, value) {
    return this.query(`ALTER SYSTEM SET ${name} = '${value}'`, 'SELECT pg_reload_conf()');
  }

  /** Asks until the answer is true. */
  async until(condition) {
    for (const began = performance.now(); !(await this.query(`SELECT (${condition}) AS yes`))[0].yes; await delay(50))
      if (performance.now() - began > START_LIMIT_MS) throw new Error(`Never true: ${condition}`);
  }

  /** Dumps a database; answers how to restore it. */
  backUp(name) {
    const file = join(this.folder, 'backup');
    this.run(this.setup.backUp(this.port, name, file));
    return () => this.run(this.setup.restore(this.port, name), openSync(file));
  }

  run(command, input = 'ignore') {
    const [program, ...rest] = command.split(' ');
    execFileSync(program, rest, { ...this.identity, env, cwd: this.folder, stdio: [input, 'ignore', 'inherit'] });
  }

  /** Resolves with the moment (of `performance.now()`) when the server answers queries. */
  async start() {
    rmSync(join(this.data, this.setup.pidFile), { force: true });
    const [program, ...rest] = this.setup.serve(this.data, this.port, this).split(' ');
    this.process = spawn(program, rest, { ...this.identity, env, cwd: this.folder, stdio: 'ignore' });
    for (const began = performance.now(); ; await delay(20)) {
      const { exitCode } = this.process;
      if (exitCode !== null) throw new Error(`${program} ended with ${exitCode}.`);
      if (performance.now() - began > START_LIMIT_MS) throw new Error(`${program} does not answer.`);
      const source = new DataSource({ type: this.kind, url: this.url });
      const opened = await source.initialize().catch(() => null);
      const moment = performance.now();
      if (opened) {
        await source.destroy();
        return moment;
      }
    }
  }

  /** `kill -9` of the server and everything it started; resolves when all of it is gone. */
  async kill() {
    const pids = this.halt();
    for (const pid of pids) signal(pid, 'SIGKILL');
    while (pids.some(isThere)) await delay(5);
  }

  freeze() {
    for (const pid of this.halt()) signal(pid, 'SIGSTOP');
  }

  thaw() {
    for (const pid of this.halt().toReversed()) signal(pid, 'SIGCONT');
  }

  remove() {
    for (const pid of this.halt()) signal(pid, 'SIGKILL');
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 10 });
  }

  /** Stops the server from starting further processes; answers its own and those that it started. */
  halt() {
    const pid = this.process?.pid;
    if (!pid || !isThere(pid)) return [];
    signal(pid, 'SIGSTOP');
    return [pid, ...childrenOf(pid)];
  }
}

function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

function isThere(pid) {
  const stat = statOf(pid);
  return stat !== null && stat.state !== 'Z';
}
