// The whole suite on every database, in its long form unless TEST_LENGTH says otherwise, what starts processes of its own,
// and the library's own tests on Node 24 too. Nothing is skipped: what is missing fails.
// The last line is `N passed, N failed`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { createConnection } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { filesOnServers } from './files-on-servers.mjs';
import { checkoutOnNode, NEWEST } from './on-node.mjs';
import { confirm, newReports, report, summary, sumOf } from './reports.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const reports = newReports('test-all');
const ALL = 'sqlite,postgres,mariadb';
const LENGTH = process.env.TEST_LENGTH ?? 'long';
const TIMEOUT_MS = 5_000;

/**
 * What asks the storage for no more than everybody does: how requests are read, refused and answered, what stays open
 * after them, and what starts or does not. Short runs leave it to the embedded database, as all that meets
 * `everyEnvironment`; these meet one adapter, or have environments of their own.
 */
const ALIKE =
  /^(?:audiences|client.*|dpop-client|dpop-verifier|gateways|graphql|sockets|undelivered-login|user-agent-binding|username-field|verifier-outage)\.e2e-spec\.ts$/;

/** What asks it for more, and for the same on both servers. Short runs ask PostgreSQL. */
const ALIKE_ON_SERVERS =
  /^(?:access-keys|admin|announcements|copied-sessions|credentials|custom-entity|dbsc-.*|devices|diagnostics|endings|events|host-fronts|impersonation|issue|issue-in-transaction|limits-and-lifetimes|oauth|opentelemetry|own-columns|program-tokens|provider-contract|reauthenticate|rights-recipes|s10-hostile-input|s11-secrets|s12-isolation|s12-verdict-lifetime|s8-login-alike|s9-late-answers|scenarios|scopes|sessions|shutdown|single-token|terminus|token-service|tokens|two-apps|user-.*|verifier.*)\.e2e-spec\.ts$/;

/** What is run on the servers, and on which. */
function onServers() {
  if (LENGTH === 'long') return [{ databases: 'postgres,mariadb', filter: filesOnServers() }];
  const isOnOne = (path) => ALIKE_ON_SERVERS.test(basename(path));
  const files = filesOnServers((name, text) => ALIKE.test(name) || text.includes('everyEnvironment'));
  return [
    { databases: 'postgres,mariadb', filter: files.filter((path) => !isOnOne(path)) },
    { databases: 'postgres', filter: files.filter(isOnOne) },
  ];
}

// The same addresses as in databases.ts.
const SERVERS = [
  {
    name: 'PostgreSQL',
    variable: 'TEST_POSTGRES_URL',
    url: process.env.TEST_POSTGRES_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres',
    async ask(url) {
      const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: TIMEOUT_MS });
      await client.connect();
      await client.query('SELECT 1');
      await client.end();
    },
  },
  {
    name: 'MariaDB',
    variable: 'TEST_MARIADB_URL',
    url: process.env.TEST_MARIADB_URL ?? 'mysql://root@127.0.0.1:3306/mysql',
    async ask(url) {
      const connection = await mysql.createConnection({ uri: url, connectTimeout: TIMEOUT_MS });
      await connection.query('SELECT 1');
      await connection.end();
    },
  },
];

/** Brokers of messages, at the same addresses as in brokers.ts: that something listens is what is asked here. */
const BROKERS = [
  { name: 'NATS', variable: 'TEST_NATS_URL', url: process.env.TEST_NATS_URL ?? 'nats://127.0.0.1:4222' },
  {
    name: 'RabbitMQ',
    variable: 'TEST_RABBITMQ_URL',
    url: process.env.TEST_RABBITMQ_URL ?? 'amqp://guest:guest@127.0.0.1:5672',
  },
  { name: 'Mosquitto', variable: 'TEST_MQTT_URL', url: process.env.TEST_MQTT_URL ?? 'mqtt://127.0.0.1:1883' },
  { name: 'Redis', variable: 'TEST_REDIS_URL', url: process.env.TEST_REDIS_URL ?? 'redis://127.0.0.1:6379' },
];

async function listens(url) {
  const { hostname: host, port } = new URL(url);
  const socket = createConnection({ host, port: Number(port), timeout: TIMEOUT_MS });
  try {
    await new Promise((resolve, reject) => {
      socket.once('connect', resolve).once('error', reject);
      socket.once('timeout', () => reject(new Error('no answer')));
    });
  } finally {
    socket.destroy();
  }
}

/** Says which brokers do not answer, and what to do. */
async function missingBrokers() {
  const problems = await Promise.all(
    BROKERS.map(({ name, variable, url }) =>
      listens(url).then(
        () => [],
        (error) => [
          `${name} does not answer at ${new URL(url).host}: ${error.message || error.code}\n` +
            `  Start it, or name another one in ${variable}.`,
        ],
      ),
    ),
  );
  return problems.flat();
}

/** Says which servers do not answer, and what to do. */
async function missingServers() {
  const problems = await Promise.all(
    SERVERS.map(({ name, variable, url, ask }) =>
      ask(url).then(
        () => [],
        (error) => {
          const { host, username } = new URL(url);
          const cause = error.message || error.code || String(error);
          return [
            `${name} does not answer at ${host} as user ${username || '(none)'}: ${cause}\n` +
              `  Start it, or name another one in ${variable}. The tests make databases of their own there and drop them.`,
          ];
        },
      ),
    ),
  );
  return problems.flat();
}

/** Says that Prometheus is not there, and what to do. */
function missingPrometheus() {
  const path = process.env.TEST_PROMETHEUS ?? '/usr/bin/prometheus';
  if (existsSync(path)) return [];
  return [`There is no Prometheus at ${path}.\n  Install it, or name another one in TEST_PROMETHEUS.`];
}

/** @param keep takes what the suite prints, to show it later; left out: it is shown as it comes */
async function runSuite({ name, cwd, node, env, databases, filter = [], config, length = LENGTH }, keep) {
  const title = `\nOn Node ${name}, ${databases}: ${config ?? (filter.join(' ') || 'everything')}`;
  if (keep) keep(`${title}\n`);
  else console.log(title);
  const file = join(
    reports,
    `node-${name}-${databases}${config ? `-${dirname(config).replaceAll('/', '-')}` : ''}.json`,
  );
  const vitest = join(cwd, 'node_modules', 'vitest', 'vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const output = keep ? 'pipe' : 'inherit';
  const child = spawn(node, [vitest, 'run', ...(config ? ['--config', config] : []), ...reporters, ...filter], {
    cwd,
    env: { ...env, TEST_LENGTH: length, TEST_DATABASES: databases },
    stdio: ['ignore', output, output],
  });
  if (keep) for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', keep);
  const [status] = await once(child, 'close');
  confirm(file, status);
}

/** What needs no database server, or chooses its own. */
async function others(here, keep) {
  // The sample application in processes of its own, which choose their databases themselves.
  await runSuite({ ...here, databases: 'sqlite', config: 'sample-app/vitest.config.mts' }, keep);
  // Services in other languages read the library's tokens: nothing of that differs by database.
  await runSuite({ ...here, databases: 'sqlite', config: 'test/interop/vitest.config.mjs' }, keep);
  // Messages of real brokers: how they are judged does not differ by database, which long runs show.
  const judged = LENGTH === 'long' ? ALL : 'sqlite';
  await runSuite({ ...here, databases: judged, config: 'test/brokers/vitest.config.mjs' }, keep);
  // What the dashboard asks Prometheus, which knows nothing of databases.
  await runSuite({ ...here, databases: 'sqlite', config: 'test/prometheus/vitest.config.mjs' }, keep);
}

/** @param elsewhere a checkout on the newest Node, under way; undefined where this is the newest */
async function onNewest(elsewhere, keep) {
  if (!elsewhere) return keep(`\nThis is Node ${process.version}: no second run on Node ${NEWEST}.\n`);
  try {
    const { version, ...checkout } = await elsewhere;
    // What differs by Node version is the JavaScript and the drivers: the storage in long runs on every database, the rest on one.
    const there = { name: version, length: 'short', ...checkout };
    const { cwd } = checkout;
    // Sources and declarations are read by TypeScript, which says the same everywhere.
    const unit = readdirSync(join(cwd, 'test', 'unit')).filter((name) => !['docs', 'surface'].includes(name));
    const storage = [...unit.map((name) => `test/unit/${name}`), 'test/contract'];
    if (LENGTH === 'long') {
      await runSuite({ ...there, databases: ALL, filter: storage }, keep);
      await runSuite({ ...there, databases: 'sqlite', filter: ['test/e2e', 'test/interop'] }, keep);
    } else {
      const filter = [...storage, 'test/e2e/scenarios', 'test/interop'];
      await runSuite({ ...there, databases: 'sqlite', filter }, keep);
    }
  } catch (error) {
    fail(`node-${NEWEST}`, error.message);
  }
}

const fail = (name, message) => {
  console.error(`\n${message}`);
  report(join(reports, `${name}.json`), 0, 1, [message]);
};

const missing = [...(await missingServers()), ...(await missingBrokers()), ...missingPrometheus()];
if (missing.length > 0) {
  fail('servers', missing.join('\n'));
} else {
  const isNewest = Number(process.versions.node.split('.')[0]) >= NEWEST;
  // Made ready beside the first suites, which wait more than they compute.
  const elsewhere = isNewest ? undefined : checkoutOnNode(NEWEST);
  elsewhere?.catch(() => undefined);
  const here = { name: process.version, cwd: root, node: process.execPath, env: process.env };
  // Right after `npm test`, as in .ci/run, only what needs a server is left to do on this Node.
  const isSqliteDone = process.env.TEST_SQLITE_DONE === '1';
  const everything = isSqliteDone ? onServers() : [{ databases: ALL }];
  const inTurn = async () => {
    for (const part of everything) await runSuite({ ...here, ...part });
  };
  // Beside it, as both wait more than they compute. What these print comes when all is over.
  const printed = [];
  const keep = (text) => void printed.push(text);
  await Promise.all([inTurn(), others(here, keep).then(() => onNewest(elsewhere, keep))]);
  console.log(printed.join(''));
}

const total = sumOf(reports);
console.log(`\n${summary(total)}`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
