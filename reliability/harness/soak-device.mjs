// A device of a user of its own, whose user also ends all sessions, proves the password again, and is shut out for a moment.
import { setTimeout as delay } from 'node:timers/promises';
import { Device } from './devices.mjs';

/** How often each thing happens, of a hundred; what is left are requests. */
const SHARES = { refresh: 18, logout: 8, logoutAll: 3, reauthenticate: 4, shutOut: 2 };

export class SoakDevice extends Device {
  /** A refresh was sent that nobody acknowledged: it is sent again. */
  isRefreshing = false;

  constructor(username, ledger, nodes, random) {
    super(username, ledger);
    Object.assign(this, { nodes, random });
  }

  act(node) {
    if (!this.tokens) return this.login(node);
    if (this.isEnding) return this.logout(node);
    if (this.isRefreshing) return this.refresh(node);
    let dice = this.random.int(100);
    for (const [name, share] of Object.entries(SHARES)) {
      if (dice < share) return this[name](node);
      dice -= share;
    }
    return this.verify(node);
  }

  async refresh(node) {
    const isAnswered = await super.refresh(node);
    this.isRefreshing = !isAnswered;
    return isAnswered;
  }

  async logout(node) {
    const { tokens } = this;
    const isAnswered = await super.logout(node);
    if (isAnswered) await this.over([tokens]);
    return isAnswered;
  }

  async logoutAll(node) {
    const { tokens, username, ledger } = this;
    const json = { username, password: 'password' };
    const second = await ledger.send(node, 'POST', '/auth/login', { json });
    const answer = await ledger.send(node, 'POST', '/auth/logout-all', { token: tokens.access_token });
    if (!answer) return void (this.isEnding = true);
    if (answer.status !== 200) return this.lose('logout-all', answer);
    ledger.tally.add('logoutsOfAll');
    this.tokens = null;
    const ended = [tokens, ...(second?.status === 200 ? [second.body] : [])];
    ledger.ended.push(...ended);
    await this.over(ended);
  }

  /** New keys: the token of before is worth nothing. Its refresh token would be a replay, and end the session. */
  async reauthenticate(node) {
    const { tokens, ledger } = this;
    const json = { password: 'password' };
    const answer = await ledger.send(node, 'POST', '/auth/reauthenticate', { token: tokens.access_token, json });
    if (!answer) return void (this.isEnding = true);
    if (answer.status !== 200) return this.lose('reauthenticate', answer);
    ledger.tally.add('reauthentications');
    this.tokens = { ...tokens, ...answer.body };
    await this.refusedEverywhere(tokens);
    await this.verify(node);
  }

  /** Whether it was carried out, nobody knows where the answer is no 204: the host's own SQL fails as it likes. */
  async shutOut(node) {
    const { tokens, ledger } = this;
    const { status } = await node.send('POST', '/rights/shut-out', { token: tokens.access_token });
    if (status === 204) {
      ledger.tally.add('shutOuts');
      await this.refusedEverywhere(tokens);
    }
    const letIn = () => ledger.source.query(`UPDATE app_users SET active = 1 WHERE username = '${this.username}'`);
    while (!(await letIn().catch(() => null))) await delay(200);
    await this.verify(node);
  }

  /** Nothing of them is accepted, by any process, from the acknowledgement on. */
  over(ended) {
    const ask = (node) => Promise.all(ended.map((tokens) => this.ledger.mustBeDead(node, tokens)));
    return Promise.all(this.nodes.map(ask));
  }

  async refusedEverywhere({ access_token: token }) {
    const ask = (node) => this.ledger.send(node, 'GET', '/auth/verify', { token });
    for (const answer of await Promise.all(this.nodes.map(ask)))
      if (answer && answer.status < 300) this.ledger.tally.add('revokedAccepted');
  }
}
