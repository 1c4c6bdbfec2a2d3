// One race at a time: what starts, what ends it, and who is alive afterwards.
import { setTimeout as delay } from 'node:timers/promises';
import { rounds } from './harness.mjs';
import { changesPassword, ENDS, ENDS_ONE, endsEverything, REFRESH_ENDS, RENEWED, STARTS } from './race-ends.mjs';

export const ACCESS_TTL_HOURS = 6;
/** After so long the next refresh changes the access key too. */
const ACCESS_KEY_PERIOD = ACCESS_TTL_HOURS * 3_600_000 + 60_000;
const LANES = 6;
const SPREAD_MS = 8;

/** Two processes, and what is known of their users. */
export class RaceField {
  begun = new Set();
  waiting = new Map();
  passwords = new Map();
  /** Where somebody was found alive. */
  survivors = new Set();
  started = 0;

  constructor({ nodes, source, tally, users }) {
    Object.assign(this, { nodes, source, tally, users });
    for (const { child } of nodes) child.on('message', ({ begun }) => begun && this.note(begun));
  }

  note(name) {
    this.begun.add(name);
    this.waiting.get(name)?.();
  }

  hasBegun(name) {
    return this.begun.has(name) || new Promise((resolve) => void this.waiting.set(name, resolve));
  }

  async race({ start, end, changesAccessKey }, count) {
    this.admin = await this.session(0, 'admin');
    // Lanes never share a user: far fewer lanes than users.
    await rounds(count, endsEverything(end) ? 1 : LANES, async (index) => {
      const user = `user${index % this.users}`;
      const { admin, passwords } = this;
      const race = { index, start, end, user, admin, password: passwords.get(user) ?? 'password', next: `${user}-${this.started++}` };
      await (start ? this.raceStarts(race, STARTS[start]) : this.raceRefresh(race, changesAccessKey));
      if (changesPassword(end)) passwords.set(user, race.next);
      this.tally.add('races');
      if (endsEverything(end)) this.admin = await this.session(0, 'admin');
    });
  } // prettier-ignore

  async session(node, username) {
    return (await this.nodes[node].send('POST', '/races/issue', { json: { username } })).body;
  }

  /** A login on each process, and the end on one of them: when both have begun, when one has, or at any time. */
  async raceStarts(race, { path }) {
    const { index, end, user, password } = race;
    race.session = await this.session(index % 2, user);
    const contenders = this.nodes.map((node, i) => {
      const name = `${end} ${this.started++} ${i}`;
      const answer = node.send('POST', path, { json: { username: user, password, device_name: name } });
      return { name, answer };
    });
    const beginnings = contenders.map(({ name, answer }) => Promise.race([this.hasBegun(name), answer]));
    const mode = index % 4;
    if (mode < 3) await (mode === 2 ? Promise.any(beginnings) : Promise.all(beginnings));
    if (mode % 2 === 1) await delay(Math.random() * SPREAD_MS);
    // The arrival of who has begun was read before the end is sent: by order, whatever the clocks say.
    for (const one of contenders) one.isCertain = this.begun.has(one.name);
    const ended = await ENDS[end](this.nodes[(index >> 1) % 2], race);
    const stands = await this.judgeStarts(contenders, race);
    await this.judgeEnd(race, ended, stands);
  }

  /** Answers the ids of the sessions that may live. */
  async judgeStarts(contenders, race) {
    const stands = [];
    for (const { answer, isCertain } of contenders) {
      const { status, body } = await answer;
      if (status >= 500) this.tally.add('errors');
      if (isCertain) {
        this.tally.add('certain');
        this.tally.add(status === 200 ? 'answeredAndEnded' : status === 401 ? 'fenced' : 'refused');
        if (status === 200) await this.mustBeDead(body, race);
      } else {
        this.tally.add('later');
        if (status !== 200) continue;
        stands.push(body.session_id);
        if (await this.nodes[0].isAlive(body.access_token)) this.tally.add('laterAlive');
      }
    }
    return stands;
  }

  async raceRefresh(race, changesAccessKey) {
    const { index, end, user } = race;
    const [first, second] = index % 2 ? [0, 1] : [1, 0];
    race.elsewhere = await this.session(second, user);
    race.session = await this.session(first, user);
    if (changesAccessKey) await this.makeAccessKeyDue(race, first);
    const contender = delay(Math.random() * SPREAD_MS).then(() => this.nodes[first].refresh(race.session.refresh_token));
    await delay(Math.random() * SPREAD_MS);
    const ended = await REFRESH_ENDS[end](this.nodes[(index >> 1) % 2], race);
    const rival = await contender;
    this.tally.add('refreshes');
    if (rival.status >= 500) this.tally.add('errors');
    if (rival.status === 200) this.tally.add('refreshed');
    if (rival.status === 200) await this.mustBeDead(rival.body, race);
    await this.judgeEnd(race, ended, []);
  } // prettier-ignore

  /** A refresh of a moment ago, and an access key of long ago: the next refresh changes the access key alone. */
  async makeAccessKeyDue(race, node) {
    const { session_id: id, refresh_token: token } = race.session;
    race.session = { ...(await this.nodes[node].refresh(token)).body, session_id: id };
    const column = this.source.options.type === 'mariadb' ? '`accessKeyAt`' : '"accessKeyAt"';
    const due = ACCESS_KEY_PERIOD + 1_000;
    await this.source.query(`UPDATE jwt_knox_sessions SET ${column} = ${column} - ${due} WHERE id = '${id}'`);
  }

  /** Nothing is left of what was ended but what may live, and the session that was given new keys. */
  async judgeEnd(race, ended, stands) {
    const { user, end, session } = race;
    if (ended.status >= 300) return this.tally.add('endsRefused');
    const own = race[RENEWED[end]];
    const rows = await this.rowsOf(user);
    const known = new Set([...stands, own?.session_id]);
    const isLeft = (id) => !known.has(id) && (!ENDS_ONE.includes(end) || id === session.session_id);
    this.tally.add('rowsLeft', rows.filter(isLeft).length);
    await this.mustBeDead(session, race);
    if (!own) return;
    await this.mustBeDead(own, race);
    const alive = await Promise.all(this.nodes.map((node) => node.isAlive(ended.body.access_token)));
    const next = await this.nodes[0].refresh(ended.body.refresh_token);
    this.tally.add('ownLost', alive.filter((one) => !one).length + Number(next.status !== 200));
  }

  async rowsOf(user) {
    const column = this.source.options.type === 'mariadb' ? '`userId`' : '"userId"';
    const rows = await this.source.query(`SELECT id FROM jwt_knox_sessions WHERE ${column} = 'id-${user}'`);
    return rows.map(({ id }) => id);
  }

  async mustBeDead(tokens, { start = 'refresh', end }) {
    const alive = await Promise.all(this.nodes.map((node) => node.isAlive(tokens.access_token)));
    const refreshed = await this.nodes[0].refresh(tokens.refresh_token);
    const count = alive.filter(Boolean).length + Number(refreshed.status === 200);
    this.tally.add('alive', count);
    if (count > 0) this.survivors.add(`${start} × ${end}`);
  }
}
