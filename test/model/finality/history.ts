import { vi } from 'vitest';
import type { IssuedTokens } from '../../../lib';
import type { Cluster, ModelUser } from './processes';
import type { Chance } from './schedule';

/** A session, as those see it who have its tokens. */
interface Client {
  readonly id: string;
  readonly userId: string;
  tokens: IssuedTokens<ModelUser>;
  /** Access tokens by the proof of credentials that they were made after. */
  access: { text: string; proof: number }[];
  proof: number;
  /** The `Idempotency-Key` of a refresh whose answer has not come. */
  attempt: string | null;
  /** Which process was asked to refresh, and has not answered. */
  refreshingAt: number | null;
  /** The moments, in order of events, from which something holds. `Infinity`: not yet. */
  endBegun: number;
  endAcknowledged: number;
  narrowAcknowledged: number;
  /** Per proof: when the keys that came after it were acknowledged, and begun. */
  proofBegun: number[];
  proofAcknowledged: number[];
}

/** What a history is made of. */
export interface Plan {
  /** How many choices, before everything comes to rest. */
  readonly length: number;
}

/** What a promise was broken by. */
export class Finding extends Error {
  override readonly name = 'Finding';
}

const SCOPES = ['read', 'write'];
const NARROW = 'read';
/** Of the default lifetime of access tokens: their own, and a minute. */
const ACCESS_KEY_PERIOD_MS = 360_000;
/** Less than a fence waits for the one before it. */
const CALM_PACE_MS = 20;
/** When an access token expires, epoch ms. */
const expiryOf = (token: string): number =>
  1_000 * (JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as { exp: number }).exp;

/** How the answers of the library are told apart. */
const statusOf = (error: unknown): number => (error as { getStatus?: () => number }).getStatus?.() ?? 500;

/** One history: clients that do what they like, and a judge who knows what may come of it. */
export class History {
  hits = 0;
  reads = 0;
  unavailable = 0;
  private moment = 0;
  private focus = 0;
  private readonly clients: Client[] = [];
  private readonly underWay = new Set<object>();
  private readonly userChanged = new Map<string, { version: number; at: number }[]>();
  /** Ends of all sessions of a user, and until when each was under way. */
  private readonly sweeps: { userId: string; until: number }[] = [];
  private finding: Finding | undefined;
  /** How often each process has died. */
  private readonly lives: number[];
  private isCalm = false;

  constructor(
    private readonly cluster: Cluster,
    private readonly chance: Chance,
    private readonly plan: Plan,
  ) {
    this.lives = cluster.processes.map(() => 0);
  }

  async run(): Promise<void> {
    const { cluster, chance } = this;
    const { schedule } = cluster;
    await this.begin();
    for (let count = 0; count < this.plan.length; count++) {
      if (chance.happens(0.15) && this.underWay.size < 8) await this.act();
      else if (chance.happens(0.012)) await this.suffer();
      else await this.move();
      if (this.finding) throw this.finding;
    }
    await this.rest();
    if (this.finding) throw this.finding;
    schedule.tell('the end');
  }

  /** Empties everything, and lets two users log in. */
  private async begin(): Promise<void> {
    const { cluster, chance } = this;
    const { schedule, server, store, users, processes } = cluster;
    schedule.begin(chance);
    cluster.mishap = () => null;
    processes.forEach((_, index) => server.kill(index));
    server.begin();
    store.begin();
    users.clear();
    for (const id of ['ann', 'ben']) {
      users.set(id, { id, version: 0 });
      this.userChanged.set(id, [{ version: 0, at: 0 }]);
    }
    await this.calm(2_500);
    for (const id of ['ann', 'ann', 'ben']) await this.wait(this.login(id));
    // Then the next refresh is due to change the access key.
    if (chance.happens(0.3)) vi.setSystemTime(Date.now() + ACCESS_KEY_PERIOD_MS - 2_000);
    await this.calm(100 + chance.below(500));
    for (const client of this.clients) await this.wait(this.refresh(client, 0));
    schedule.told.length = 0;
    cluster.mishap = () =>
      this.isCalm || !chance.happens(0.004) ? null : chance.happens(0.5) ? 'refused' : 'answer lost';
  }

  /** One of the things on their way happens, or time passes. */
  private async move(): Promise<void> {
    const { schedule } = this.cluster;
    if (schedule.isEmpty || this.chance.happens(0.08)) {
      const ms = 1 + (this.chance.happens(0.05) ? this.chance.below(300) : this.chance.below(20));
      schedule.tell(`${ms} ms pass`);
      schedule.steps++;
      await this.pass(ms, 5);
    } else await schedule.step();
  }

  /** Time passes, timers meanwhile. */
  private async pass(ms: number, pace: number): Promise<void> {
    for (let left = ms; left > 0; left -= pace) {
      vi.advanceTimersByTime(Math.min(left, pace));
      await this.cluster.schedule.settle();
    }
  }

  /** Everything arrives in time, until so many ms have passed or something is done. */
  private async calm(ms: number, isDone: () => boolean = () => false): Promise<void> {
    const { schedule } = this.cluster;
    for (let passed = 0; passed < ms && !isDone(); passed += CALM_PACE_MS) {
      while (!schedule.isEmpty) await schedule.step();
      await this.pass(CALM_PACE_MS, CALM_PACE_MS);
    }
  }

  private async wait(work: Promise<unknown>): Promise<void> {
    let isDone = false;
    const done = () => (isDone = true);
    work.then(done, done);
    await this.calm(10_000, () => isDone);
  }

  private async suffer(): Promise<void> {
    const { cluster, chance } = this;
    const process = chance.below(cluster.processes.length);
    const ms = chance.pick([60, 80, 150, 400, 2_000]);
    const { server, schedule } = cluster;
    const [label, befall] = chance.pick<[string, () => void]>([
      [`the feed stalls for ${ms} ms at`, () => server.stall(process, ms)],
      [`the feed stalls for ${ms} ms at`, () => server.stall(process, ms)],
      ['the feed is slow at', () => server.slow(process, chance.pick([20, 40, 80]))],
      ['the feed is cut from', () => server.cut(process)],
      ['dies:', () => this.restart(process)],
    ]);
    schedule.tell(`${label} ${process}`);
    befall();
    await schedule.settle();
  }

  private restart(process: number): void {
    this.cluster.restart(process);
    this.lives[process]!++;
    for (const client of this.clients) if (client.refreshingAt === process) client.refreshingAt = null;
  }

  /** Somebody does something. Requests are most of it, and one session has most of them. */
  private async act(): Promise<void> {
    const { chance, clients } = this;
    const what = chance.next();
    if (chance.happens(0.02)) this.focus = chance.below(100);
    const client = chance.happens(0.7) ? clients[this.focus % clients.length]! : chance.pick(clients);
    const process = chance.below(this.cluster.processes.length);
    if (what < 0.7) this.start(this.request(client, process, chance.pick(client.access.slice(-2))));
    else if (what < 0.83) this.start(this.refresh(client, process));
    else if (what < 0.86) this.start(this.end(client, process));
    else if (what < 0.88) this.start(this.endAll(client, process));
    else if (what < 0.91) this.start(this.prove(client, process));
    else if (what < 0.93) this.start(this.narrow(client, process));
    else if (what < 0.96) this.start(this.changeUser(client.userId, process));
    else if (clients.length < 12) this.start(this.login(client.userId));
    await this.cluster.schedule.settle();
  }

  private start(work: Promise<void>): void {
    const entry = {};
    this.underWay.add(entry);
    void work
      .catch(
        (error: unknown) =>
          (this.finding ??= error instanceof Finding ? error : new Finding(String((error as Error).stack))),
      )
      .finally(() => this.underWay.delete(entry));
  }

  private find(what: string): void {
    this.finding ??= new Finding(what);
    this.cluster.schedule.tell(`FOUND: ${what}`);
  }

  private get now(): number {
    return this.moment++;
  }

  /** A call to a process; its answer does not come when the process dies before it. */
  private async call<T>(process: number, label: string, work: () => Promise<T>): Promise<T> {
    const life = this.lives[process]!;
    this.cluster.schedule.tell(`${label} at ${process}`);
    let outcome: T | undefined;
    let failure: unknown;
    try {
      outcome = await work();
    } catch (error) {
      failure = error;
    }
    if (life !== this.lives[process]) return new Promise(() => undefined);
    const told = failure === undefined ? 'done' : statusOf(failure);
    this.cluster.schedule.tell(`${label} at ${process}: ${told}`);
    if (failure === undefined) return outcome!;
    if (statusOf(failure) >= 500) this.unavailable++;
    throw failure as Error;
  }

  private async login(userId: string): Promise<void> {
    const process = this.chance.below(this.cluster.processes.length);
    const { tokens: service } = this.cluster.processes[process]!;
    const begun = this.now;
    try {
      const tokens = await this.call(process, `login of ${userId}`, () =>
        service.issue({ id: userId, version: 0 }, {}, { scopes: SCOPES }),
      );
      this.clients.push({
        id: tokens.session.id,
        userId,
        tokens,
        access: [{ text: tokens.accessToken, proof: 0 }],
        proof: 0,
        attempt: null,
        refreshingAt: null,
        // What swept meanwhile may have swept it away.
        endBegun: this.sweeps.some((one) => one.userId === userId && one.until > begun) ? begun : Infinity,
        endAcknowledged: Infinity,
        narrowAcknowledged: Infinity,
        proofBegun: [0],
        proofAcknowledged: [0],
      });
    } catch (error) {
      if (statusOf(error) >= 500 || this.moment > 0) return;
      throw error;
    }
  }

  private async request(client: Client, process: number, { text, proof }: Client['access'][0]): Promise<void> {
    const begun = this.now;
    const versionThen = this.acknowledgedVersion(client.userId);
    const label = `request of ${this.nameOf(client)}.${proof}`;
    try {
      const { authenticate } = this.cluster.processes[process]!;
      const { found, isHit } = await this.call(process, label, () => authenticate(text));
      if (isHit) this.hits++;
      else this.reads++;
      if (client.endAcknowledged < begun) this.find(`L1: ${label} was accepted after its end was acknowledged`);
      if ((client.proofAcknowledged[proof + 1] ?? Infinity) < begun)
        this.find(`L1: ${label} was accepted after new keys were acknowledged`);
      if (client.narrowAcknowledged < begun && found.session.scopes !== NARROW)
        this.find(`L1: ${label} had its old rights after fewer were acknowledged`);
      if (found.user.version < versionThen) this.find(`L4: ${label} knew the user of before a change`);
      if (found.user.id !== client.userId || found.session.id !== client.id) this.find(`${label} was somebody else's`);
    } catch (error) {
      if (statusOf(error) >= 500 || expiryOf(text) <= Date.now()) return;
      const mayEnd = client.endBegun < Infinity || (client.proofBegun[proof + 1] ?? Infinity) < Infinity;
      if (!mayEnd) this.find(`L2: ${label} was refused, and nothing had ended`);
    }
  }

  private async refresh(client: Client, process: number): Promise<void> {
    if (client.refreshingAt !== null) return;
    client.refreshingAt = process;
    client.attempt ??= `attempt-${this.now}`;
    const { proof } = client;
    const { refreshToken } = client.tokens;
    const label = `refresh of ${this.nameOf(client)}`;
    try {
      const { tokens: service } = this.cluster.processes[process]!;
      const options = { idempotencyKey: client.attempt };
      const tokens = await this.call(process, label, () => service.refresh(refreshToken!, undefined, options));
      client.attempt = null;
      if (client.proof !== proof) return;
      client.tokens = tokens;
      client.access.push({ text: tokens.accessToken, proof });
    } catch (error) {
      if (statusOf(error) >= 500) return;
      const mayEnd = client.endBegun < Infinity || client.proofBegun.length > proof + 1;
      if (!mayEnd) this.find(`L4: ${label} was refused, and nothing had ended`);
    } finally {
      client.refreshingAt = null;
    }
  }

  /** By its own token, or by its id. A session that is gone already is acknowledged too. */
  private async end(client: Client, process: number): Promise<void> {
    const { tokens: service } = this.cluster.processes[process]!;
    client.endBegun = Math.min(client.endBegun, this.now);
    const isLogout = this.chance.happens(0.5);
    const { text, proof } = client.access.at(-1)!;
    const label = `${isLogout ? 'logout' : 'end'} of ${this.nameOf(client)}`;
    try {
      await this.call(process, label, async () =>
        isLogout ? service.logout(text, null, {}) : void (await service.revoke(client.id)),
      );
      this.acknowledge(client);
    } catch (error) {
      // It may have expired, and its keys be those of before a proof that was under way.
      const isEnd = statusOf(error) === 401 && expiryOf(text) > Date.now() && client.proofBegun.length === proof + 1;
      if (isEnd) this.acknowledge(client);
    }
  }

  private async endAll(client: Client, process: number): Promise<void> {
    const { tokens: service } = this.cluster.processes[process]!;
    const isOthers = this.chance.happens(0.5);
    const meant = this.clients.filter((one) => one.userId === client.userId && !(isOthers && one === client));
    const begun = this.now;
    for (const one of meant) one.endBegun = Math.min(one.endBegun, begun);
    const sweep = { userId: client.userId, until: Infinity };
    this.sweeps.push(sweep);
    const label = `${isOthers ? `end of others than ${this.nameOf(client)}` : `end of all of ${client.userId}`}`;
    try {
      await this.call(process, label, () =>
        isOthers ? service.revokeOther(client) : service.revokeAll(client.userId),
      );
      for (const one of meant) this.acknowledge(one);
      sweep.until = this.now;
    } catch {
      // Nobody was told that anything ended.
    }
  }

  private async prove(client: Client, process: number): Promise<void> {
    if (client.proofBegun.length > client.proof + 1) return;
    const next = client.proof + 1;
    client.proofBegun[next] = this.now;
    const { tokens: service } = this.cluster.processes[process]!;
    const label = `new keys of ${this.nameOf(client)}`;
    try {
      const tokens = await this.call(process, label, () => service.reauthenticate(client));
      client.proofAcknowledged[next] = this.now;
      client.proof = next;
      client.tokens = tokens;
      client.attempt = null;
      client.access.push({ text: tokens.accessToken, proof: next });
    } catch (error) {
      // Whether it has new keys, nobody knows now: it has nothing to refresh with, and may be over.
      if (statusOf(error) >= 500) client.endBegun = Math.min(client.endBegun, this.now);
      else if (client.endBegun === Infinity) this.find(`L4: ${label} was refused, and nothing had ended`);
    }
  }

  private async narrow(client: Client, process: number): Promise<void> {
    const { tokens: service } = this.cluster.processes[process]!;
    const label = `fewer rights of ${this.nameOf(client)}`;
    try {
      const isDone = await this.call(process, label, () => service.narrow(client.id, [NARROW]));
      if (isDone) client.narrowAcknowledged = Math.min(client.narrowAcknowledged, this.now);
    } catch {
      // Nothing was acknowledged.
    }
  }

  private async changeUser(userId: string, process: number): Promise<void> {
    const { tokens: service } = this.cluster.processes[process]!;
    const user = this.cluster.users.get(userId)!;
    const version = ++user.version;
    try {
      await this.call(process, `change of ${userId}`, () => service.userChanged(userId));
      this.userChanged.get(userId)!.push({ version, at: this.now });
    } catch {
      // Nothing was acknowledged.
    }
  }

  private acknowledgedVersion(userId: string): number {
    return Math.max(...this.userChanged.get(userId)!.map(({ version }) => version));
  }

  private acknowledge(client: Client): void {
    client.endAcknowledged = Math.min(client.endAcknowledged, this.now);
  }

  private nameOf(client: Client): string {
    return `${client.userId}/${this.clients.indexOf(client)}`;
  }

  /** Without mishaps, all is as it should be: whoever lives is accepted from memory, and nobody else is accepted. */
  private async rest(): Promise<void> {
    const { cluster, clients } = this;
    this.isCalm = true;
    cluster.server.recover();
    cluster.schedule.tell('all comes to rest');
    await this.calm(6_000);
    if (this.finding) return;
    if (this.underWay.size > 0 && this.lives.every((count) => count === 0))
      this.find(`${this.underWay.size} calls were never answered`);
    for (const client of clients) {
      await this.wait(this.refresh(client, 0));
      const newest = client.access.at(-1)!;
      for (const process of cluster.processes.keys()) {
        await this.wait(this.request(client, process, newest));
        const { hits } = this;
        await this.wait(this.request(client, process, newest));
        const isUntouched = client.endBegun === Infinity && client.proofBegun.length === client.proof + 1;
        if (isUntouched && this.hits === hits)
          this.find(`L3: ${this.nameOf(client)} was not answered from memory at ${process}`);
      }
    }
  }
}
