// One scenario under way: its servers, its database and its samples.
import { createDatabase } from './databases.mjs';
import { meterOf } from './database-cpu.mjs';
import { repeated } from './exchanges.mjs';
import { drive, openConnections, WrongAnswer } from './load.mjs';
import { quantile } from './statistics.mjs';
import { ServerProcess } from './server-process.mjs';
import { CONCURRENCY } from './tokens.mjs';

const COUNTED_REQUESTS = 40;
// Few, so that a lease which a busy machine keeps from being renewed does not fall into every attempt.
const PROMISED_REQUESTS = 16;
const PATIENCE = 200;

export class ScenarioRun {
  samples = [];
  servers = [];
  ports = [];

  /**
   * @param database one that is there already, and stays; by default the scenario's own is made, and dropped at the end
   * @param process one that serves others too; by default each server has its own
   */
  constructor(scenario, { database, process } = {}) {
    this.scenario = scenario;
    this.database = database;
    this.isGuest = database !== undefined;
    this.process = process;
  }

  /** @param server a connection to the database server, to find its processes by */
  async start(secret, server) {
    const { scenario } = this;
    if (scenario.database) this.database ??= await createDatabase(scenario.database);
    this.meter = meterOf(this.database, server);
    for (let index = 0; index < (scenario.processes ?? 1); index++) {
      const process = this.process ?? new ServerProcess();
      this.servers.push(process);
      const common = { scenario: scenario.name, secret, database: this.database?.options, isFirst: index === 0 };
      const settings = { ...common, ...scenario.settings };
      const { port, requests, calm, held } = await process.ask('serve', settings);
      this.ports.push(port);
      this.held = held;
      if (index === 0) this.open({ requests, calm });
    }
  }

  open({ requests, calm }) {
    this.exchange = (this.scenario.exchanges ?? repeated)(requests);
    // What is sent where it must not count, by scenarios whose requests can be sent only once.
    this.calm = calm ? repeated(calm) : this.exchange;
  }

  /** Until the code is compiled: so many requests to each server, and between `least` and `most` milliseconds. */
  async warmUp({ requests, least, most }) {
    const began = performance.now();
    let left = requests * this.servers.length;
    let sent = 0;
    const elapsed = () => performance.now() - began;
    for (; (left > 0 || elapsed() < least) && elapsed() < most; left -= 200) sent += await this.send(200, this.calm);
    this.pace = sent / elapsed();
    this.statements = await this.countAsPromised();
  }

  /**
   * How many requests one slice of a round has: the same in every round.
   * @param leadIn how many are sent before its accounts are opened: a server that waited for its turn has cold caches
   */
  settle(sliceMs, leadIn) {
    this.leadIn = leadIn;
    this.sliceCount = this.scenario.count ?? Math.round(Math.min(Math.max(this.pace * sliceMs, 200), 6_000));
  }

  /** What is promised to send so many statements is asked again when the machine was in the way of a lease. */
  async countAsPromised() {
    const { name, statements: promised } = this.scenario;
    for (let attempt = 1; ; attempt++) {
      const counted = await this.countStatements();
      if (promised === undefined || counted === promised) return counted;
      if (attempt === PATIENCE) throw new WrongAnswer(`${name} sent ${counted} statements a request, not ${promised}.`);
    }
  }

  async countStatements() {
    if (!this.database) return 0;
    const { statements, count = statements === undefined ? COUNTED_REQUESTS : PROMISED_REQUESTS } = this.scenario;
    await this.prepare(count);
    await this.askAll('count');
    await this.send(count, this.exchange);
    const counted = await this.askAll('count');
    return counted.reduce((total, one) => total + one, 0) / count;
  }

  /** One slice of a round: CPU of the servers, and of the database, for a fixed number of requests. */
  async slice() {
    const count = this.sliceCount;
    await this.prepare(count);
    // What takes the load generator long, it does before.
    this.exchange.makeAhead?.(this.leadIn + count);
    const connections = await this.connect();
    try {
      await drive(connections, this.leadIn, this.calm);
      const before = await this.accounts();
      const times = await drive(connections, count, this.exchange);
      const after = await this.accounts();
      const sample = { ...sampleOf(before, after, count, times), held: this.held };
      this.samples.push(sample);
      return sample;
    } finally {
      for (const connection of connections) connection.close();
    }
  }

  async prepare(count) {
    if (!this.scenario.prepares) return;
    const { requests } = await this.servers[0].ask('prepare', { count });
    this.exchange = (this.scenario.exchanges ?? repeated)(requests);
  }

  async send(count, exchange) {
    const connections = await this.connect();
    try {
      return (await drive(connections, count, exchange)).length;
    } finally {
      for (const connection of connections) connection.close();
    }
  }

  connect() {
    return openConnections(this.ports, CONCURRENCY);
  }

  async accounts() {
    const [servers, database] = [await this.askAll('account'), await this.meter()];
    const total = (name) => servers.reduce((all, one) => all + one[name], 0);
    return { cpu: total('cpu'), rss: total('rss'), hits: total('hits'), misses: total('misses'), database };
  }

  askAll(ask, parameters) {
    return Promise.all(this.servers.map((server) => server.ask(ask, parameters)));
  }

  async stop() {
    await Promise.all(this.servers.map((server) => server.stop()));
    if (!this.isGuest) await this.database?.drop();
  }
}

function sampleOf(before, after, count, times) {
  const known = before.database !== null && after.database !== null;
  return {
    requests: count,
    cpu: (after.cpu - before.cpu) / count,
    database: known ? (after.database - before.database) / count : null,
    rss: after.rss,
    hits: after.hits,
    misses: after.misses,
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
  };
}
