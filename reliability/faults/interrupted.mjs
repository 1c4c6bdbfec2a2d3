// Refreshes whose answer is lost, because the application or the database is killed in their midst.
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

/** Of the default `reuseInterval`, 10 s: within, just beyond, and far beyond. By the clock of the process that is asked. */
export const RETRIES = { atOnce: 0, afterInterval: 11_000, tenMinutesLater: 600_000 };

const whenOf = (index) => Object.keys(RETRIES)[index % 3];

/** When the kill strikes: follows what a batch takes, so that about half of it has been answered by then. */
class Aim {
  span = 150;

  delay() {
    return (0.3 + 0.8 * Math.random()) * this.span;
  }

  correct(answered, all) {
    if (answered > all * 0.6) this.span /= 1.5;
    if (answered < all * 0.4) this.span *= 1.5;
  }
}

export class Interruptions {
  aim = new Aim();

  /** @param nodes one application process for each of RETRIES, its clock as far ahead */
  constructor(nodes, source, tally) {
    this.nodes = nodes;
    this.source = source;
    this.tally = tally;
  }

  /** `width` refreshes at `node`, and `kill` in their midst; `restore` makes retries possible. */
  async strike(node, width, kill, restore) {
    // The first requests of a process take longest: they are not those that are interrupted.
    const warm = await node.login('user0');
    for (let i = 0; i < 5; i++) await node.refresh(warm.refresh_token);
    const logins = [];
    for (let i = 0; i < width; i++) logins.push(await this.nodes.atOnce.login(`user${i}`));
    // Ten minutes later only a key tells a retry from a replay; earlier, every other client does without.
    for (const [index, login] of logins.entries())
      if (index % 2 === 1 || whenOf(index) === 'tenMinutesLater') login.key = randomUUID();
    const sent = logins.map((login) => node.refresh(login.refresh_token, login.key).catch(() => null));
    await delay(this.aim.delay());
    await kill();
    await restore?.();
    const answers = await Promise.all(sent);
    const answered = answers.filter((answer) => answer?.status === 200).length;
    this.aim.correct(answered, width);
    this.tally.add('answered', answered);
    await Promise.all(answers.map((answer, index) => this.followUp(logins[index], answer, index)));
  }

  async followUp(login, answer, index) {
    if (answer && answer.status !== 200 && answer.status !== 503) return this.lost('answer', answer);
    if (answer?.status === 200) return this.mustWork(this.nodes.atOnce, answer.body);
    const when = whenOf(index);
    const node = this.nodes[when];
    await this.note(login, when);
    // What the client goes on doing with its old access token must not pass for a use of the successor.
    if (when !== 'tenMinutesLater') await this.expect(node, 'GET', '/auth/verify', { token: login.access_token });
    const json = { refresh_token: login.refresh_token };
    const headers = login.key && { 'idempotency-key': login.key };
    const retried = await this.expect(node, 'POST', '/auth/refresh', { json, headers });
    if (retried) await this.mustWork(node, retried.body);
  }

  /** Whether the refresh had rotated, though nobody was told: what the proof is about. */
  async note(login, when) {
    this.tally.add(when);
    const find = `SELECT generation FROM jwt_knox_sessions WHERE id = '${login.session_id}'`;
    // The proof's own connections die with the server, too.
    const [row] = await this.source.query(find).catch(() => this.source.query(find));
    if (row?.generation === 1) this.tally.add(`${when}Rotated`);
  }

  /** The pair authenticates, and refreshes: at once, and after a further rotation. */
  async mustWork(node, pair) {
    await this.expect(node, 'GET', '/auth/verify', { token: pair.access_token });
    const later = node === this.nodes.atOnce ? this.nodes.afterInterval : this.nodes.tenMinutesLater;
    const next = await this.expect(later, 'POST', '/auth/refresh', { json: { refresh_token: pair.refresh_token } });
    if (next) await this.expect(later, 'GET', '/auth/verify', { token: next.body.access_token });
    if (next) this.tally.add('working');
  }

  /** Asks until the storage is there again. Gives null, and counts, when the client has lost its session. */
  async expect(node, method, path, message) {
    for (let attempt = 0; attempt < 40; attempt++) {
      const answer = await node.send(method, path, message);
      if (answer.status < 300) return answer;
      if (answer.status !== 503) return this.lost(path, answer);
      await delay(250);
    }
    return this.lost(path, { status: 503 });
  }

  lost(path, { status, body }) {
    this.tally.add('lost');
    if (this.tally.of('lost') <= 5) console.error(`lost: ${path} answered ${status}`, body?.code);
    return null;
  }
}
