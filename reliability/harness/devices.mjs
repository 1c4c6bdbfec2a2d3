// Devices of users that send what devices send, and remember what they were promised.
import { setTimeout as delay } from 'node:timers/promises';
import { claimsOf, rounds } from './harness.mjs';

/** `storageTimeout`, and what an answer may take beside it. */
const DEADLINE_MS = 2_500;
const PULSE_MS = 50;
/** From when the storage is back to the first success of every process. */
const RECOVERY_MS = 3_000;
/** How long a login's leftovers may take to go: as long as the library goes on trying. */
const TIDY_MS = 45_000;

/**
 * How long each process takes to answer on its public route, all the time: what the machine itself takes at a moment,
 * and what a late answer is forgiven.
 */
export class Pulse {
  beats = [];
  isOver = false;

  constructor(nodes, path = '/whoami/about', token = undefined) {
    this.running = Promise.all(nodes.map((node) => this.follow(node, path, token)));
    // Told by stop(), unless something else has failed before.
    this.running.catch(() => undefined);
  }

  async follow(node, path, token) {
    while (!this.isOver) {
      const beat = { node, sent: performance.now(), end: Infinity };
      this.beats.push(beat);
      beat.status = (await node.send('GET', path, { token })).status;
      beat.end = performance.now();
      await delay(PULSE_MS);
    }
  }

  async stop() {
    this.isOver = true;
    await this.running;
  }

  /** The public answers that came after a moment: what they took, in ms, and their status. */
  since(moment) {
    const beats = this.beats.filter((beat) => beat.end >= moment && beat.end < Infinity);
    return beats.map(({ sent, end, status }) => ({ status, took: Math.round(end - sent) }));
  }

  /** The slowest public answer of any process in the last `span` ms, in ms. */
  slowest(span = Infinity) {
    const now = performance.now();
    const beats = this.beats.filter((beat) => beat.end >= now - span);
    return Math.round(Math.max(0, ...beats.map((beat) => Math.min(beat.end, now) - beat.sent)));
  }

  /**
   * What all public answers of a process took of the last `span` ms, in ms: what is forgiven an answer that has its
   * process do something several times, and each time waits for the machine.
   */
  taken(node, span) {
    const now = performance.now();
    const beats = this.beats.filter((beat) => beat.node === node && beat.end >= now - span);
    const took = beats.map((beat) => Math.min(beat.end, now) - Math.max(beat.sent, now - span));
    return Math.round(took.reduce((sum, one) => sum + one, 0));
  }
}

/** What all devices of a proof found, and the sessions that must be dead. */
export class Ledger {
  ended = [];
  slowest = 0;
  shown = 0;

  /** @param deadline what an answer may take, in ms, beside what the machine takes */
  constructor(tally, source, pulse, deadline = DEADLINE_MS) {
    this.tally = tally;
    this.source = source;
    this.pulse = pulse;
    this.deadline = deadline;
  }

  /**
   * Sends, times and counts. Gives the answer, or null where it was a proper 503.
   * @param allowed what the answer may take, where it is not the deadline
   */
  async send(node, method, path, message, allowed = this.deadline) {
    const answer = await node.send(method, path, message);
    this.tally.add('requests');
    this.slowest = Math.max(this.slowest, Math.round(answer.took));
    if (answer.took > allowed + this.pulse.taken(node, answer.took)) this.wrong('late', path, answer);
    if (answer.status < 500) return answer;
    if (answer.status === 503 && answer.headers['retry-after'] === '1') this.tally.add('unavailable');
    else this.wrong('wrongAnswers', path, answer);
    return null;
  }

  wrong(name, path, { status, body, took }) {
    this.tally.add(name);
    if (this.shown++ < 5) console.error(`${name}: ${path} answered ${status} in ${Math.round(took)} ms`, body?.code);
  }

  /** A session that must live was refused: was what the database had acknowledged lost, or was the refusal false? */
  async refused(tokens, path, answer) {
    const { sid, gen } = claimsOf(tokens.refresh_token);
    const find = this.source.query(`SELECT generation FROM jwt_knox_sessions WHERE id = '${sid}'`);
    const isLost = await find.then(([row]) => !row || row.generation < gen).catch(() => false);
    this.wrong(isLost ? 'lostWrites' : 'false401', path, answer);
  }

  /** Nothing of an ended session may be accepted. Gives false where the storage did not say. */
  async mustBeDead(node, tokens) {
    const verified = await this.send(node, 'GET', '/auth/verify', { token: tokens.access_token });
    const refreshed = await this.send(node, 'POST', '/auth/refresh', { json: { refresh_token: tokens.refresh_token } });
    for (const answer of [verified, refreshed]) if (answer && answer.status < 300) this.tally.add('revokedAccepted');
    return verified !== null && refreshed !== null;
  }

  /** With the storage in order again: every verdict comes, if not at once. */
  async patiently(step) {
    for (let attempt = 0; attempt < 20; attempt++) {
      if (await step()) return;
      await delay(250);
    }
    this.tally.add('noVerdict');
  }
}

/** One device: at most one request at a time. `tokens` is the pair it was given last. */
export class Device {
  tokens = null;
  /** A logout was sent that nobody acknowledged: the session may live or not. */
  isEnding = false;

  constructor(username, ledger) {
    this.username = username;
    this.ledger = ledger;
  }

  /** Does one thing that a device in its state may do. */
  act(node) {
    if (!this.tokens) return this.login(node);
    if (this.isEnding) return this.logout(node);
    const dice = Math.random();
    if (dice < 0.65) return this.verify(node);
    if (dice < 0.9) return this.refresh(node);
    return this.logout(node);
  }

  async login(node) {
    const json = { username: this.username, password: 'password' };
    const answer = await this.ledger.send(node, 'POST', '/auth/login', { json });
    if (!answer) return;
    if (answer.status !== 200) return this.ledger.wrong('false401', 'login', answer);
    this.ledger.tally.add('logins');
    this.tokens = answer.body;
  }

  async verify(node) {
    const answer = await this.ledger.send(node, 'GET', '/auth/verify', { token: this.tokens.access_token });
    if (!answer) return false;
    if (answer.status !== 204) await this.lose('verify', answer);
    return true;
  }

  /** After a 503 the device holds its old token still, and comes with it again. */
  async refresh(node) {
    const json = { refresh_token: this.tokens.refresh_token };
    const answer = await this.ledger.send(node, 'POST', '/auth/refresh', { json });
    if (!answer) return false;
    if (answer.status !== 200) await this.lose('refresh', answer);
    else {
      this.ledger.tally.add('refreshes');
      this.tokens = answer.body;
    }
    return true;
  }

  async logout(node) {
    const answer = await this.ledger.send(node, 'POST', '/auth/logout', { token: this.tokens.access_token });
    if (!answer) {
      this.isEnding = true;
      return false;
    }
    if (answer.status === 401 && !this.isEnding) await this.lose('logout', answer);
    else this.ledger.ended.push(this.tokens);
    if (answer.status === 204) this.ledger.tally.add('logouts');
    this.tokens = null;
    this.isEnding = false;
    return true;
  }

  async lose(path, answer) {
    const { tokens } = this;
    this.tokens = null;
    await this.ledger.refused(tokens, path, answer);
  }

  /** The pair works, and so does the next one. */
  async mustWork(node) {
    const steps = this.isEnding ? ['logout'] : ['verify', 'refresh', 'verify'];
    for (const step of steps) await this.ledger.patiently(async () => !this.tokens || this[step](node));
  }
}

/** `rate` requests a second, by the clock and not by the answers, until `during` settles. */
export async function openLoop(rate, during, send) {
  let end = Infinity;
  const over = during.finally(() => (end = 0));
  const open = new Set();
  const began = performance.now();
  for (let sent = 0; performance.now() < end;) {
    for (; sent < ((performance.now() - began) / 1_000) * rate; sent++) {
      const work = send(sent).finally(() => open.delete(work));
      open.add(work);
    }
    await delay(2);
  }
  await Promise.all([over, ...open]);
}

/** Requests of idle devices and, now and then, of one whose session has ended; to each node in turn, as `chance` has it. */
export async function traffic({ nodes, devices, ledger, rate, during, chance = Math.random }) {
  const idle = [...devices];
  await openLoop(rate, during, async (sent) => {
    const node = nodes[sent % nodes.length];
    const { ended } = ledger;
    if (ended.length > 0 && chance() < 0.05) return ledger.mustBeDead(node, ended[Math.floor(chance() * ended.length)]);
    const at = Math.floor(chance() * idle.length);
    const device = idle[at];
    if (!device) return ledger.tally.add('starved');
    idle[at] = idle.at(-1);
    idle.pop();
    await device.act(node);
    idle.push(device);
  });
}

/** With the storage in order again: who was promised a session has it, and what was ended is dead. */
export async function sweep(nodes, devices, ledger) {
  await rounds(devices.length, 8, (index) => devices[index].mustWork(nodes[index % nodes.length]));
  await rounds(ledger.ended.length, 8, (index) =>
    ledger.patiently(() => ledger.mustBeDead(nodes[index % nodes.length], ledger.ended[index])),
  );
}

/** From when the storage was back to the first success of the process, in ms. */
export async function recovery(node, witness, back, pulse) {
  for (;;) {
    const { status } = await node.send('GET', '/auth/verify', { token: witness.access_token });
    const took = Math.round(performance.now() - back);
    const isLate = took > RECOVERY_MS + pulse.taken(node, took);
    if (status !== 503 || isLate) return { took, isLate };
    await delay(10);
  }
}

/** Rows that nobody holds tokens of: logins that were answered with 503. The library deletes them, in its time. */
export async function leftOver(source, held, tidyMs = TIDY_MS) {
  const known = new Set(held.map((tokens) => tokens?.session_id));
  const end = performance.now() + tidyMs;
  for (;;) {
    const rows = await source.query('SELECT id FROM jwt_knox_sessions');
    const unknown = rows.filter(({ id }) => !known.has(id)).length;
    if (unknown === 0 || performance.now() > end) return unknown;
    await delay(500);
  }
}
