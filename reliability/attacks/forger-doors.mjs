// Every way in for a token, and the judgement of what came of it.
import { claimsOf } from '../harness/harness.mjs';
import { forged } from './forgery.mjs';

const COLUMNS = [
  'id', 'userId', 'accessDigest', 'refreshDigest', 'previousRefreshDigest', 'refreshSalt', 'generation', 'rotatedAt', 'createdAt',
  'authenticatedAt', 'expiresAt', 'lastUsedAt',
]; // prettier-ignore
const OWN_CLAIMS = new Set([
  'scope',
  'auth_time',
  'iss',
  'aud',
  'sub',
  'sid',
  'jti',
  'iat',
  'exp',
  'gen',
  'token_key',
  'session_key',
  'client_id',
]);

/** What a forger has and finds: two live sessions, one that expired, one that was ended, and the names of others. */
export class Doors {
  static async open({ nodes, source, secret }, username, tally) {
    const doors = new Doors(nodes[0], source, secret, username, tally);
    await doors.meetOthers();
    await doors.renew();
    return doors;
  }

  constructor(node, source, secret, username, tally) {
    Object.assign(this, { node, source, secret, username, tally, booty: { secret, me: `id-${username}` } });
    this.quote = (name) => (source.options.type === 'mariadb' ? `\`${name}\`` : `"${name}"`);
  }

  /** Sessions of a victim and of an admin, of which the forger knows all that is no secret. */
  async meetOthers() {
    const [victim, admin] = await Promise.all([this.node.login('user0'), this.node.login('admin')]);
    Object.assign(this.booty, { victim: claimsOf(victim.access_token), admin: claimsOf(admin.access_token) });
    this.others = await this.rowsOfOthers();
  }

  /** Sends a token through every door. Whatever it opens must be the forger's own. */
  async try(title, token, { renew = true } = {}) {
    const { node, booty } = this;
    const json = { refresh_token: token };
    this.tally.add('requests', 6);
    const [verify, whoami, admin] = await Promise.all([
      node.send('GET', '/auth/verify', { token }),
      node.send('GET', '/whoami', { token }),
      node.send('GET', '/auth/admin/statistics', { token }),
    ]);
    const isOwn = whoami.status === 200 && whoami.body.userId === booty.me && this.isLiveAndOwn(whoami.body.sessionId);
    if (whoami.status === 200 && !isOwn) this.gain('identity', title, whoami);
    if (verify.status < 300 && whoami.status !== 200) this.gain('identity', title, verify);
    if (admin.status < 300) this.gain('admin', title, admin);
    const refresh = await node.send('POST', '/auth/refresh', { json });
    if (refresh.status === 200) await this.judgeRefresh(title, refresh);
    const byBody = await node.send('POST', '/auth/logout', { json });
    const byHeader = await node.send('POST', '/auth/logout', { token });
    for (const logout of [byBody, byHeader]) {
      if (logout.status === 204 && !this.isLiveAndOwn(sidOf(token))) this.gain('harm', title, logout);
    }
    const answers = [verify, whoami, admin, refresh, byBody, byHeader];
    for (const answer of answers) if (answer.status >= 500) this.gain('errors', title, answer);
    if (answers.some((one) => one.status < 300)) this.tally.add('own');
    // Whatever is left of the own sessions after this, the next forgery starts from live ones.
    if (renew && answers.some((one) => one.status < 300 || one.body?.code === 'refresh_token_reused'))
      await this.renew();
  }

  async judgeRefresh(title, answer) {
    for (const token of [answer.body.access_token, answer.body.refresh_token]) {
      const { sub, sid, exp, ...claims } = claimsOf(token);
      if (sub !== this.booty.me || !this.isLiveAndOwn(sid)) this.gain('identity', title, answer);
      const [row] = await this.rows(sid);
      if (!row || exp * 1_000 > Number(row.expiresAt)) this.gain('lifetime', title, answer);
      const { scope = '*', auth_time: provenAt = 0 } = claims;
      const isOwn = Object.keys(claims).every((name) => OWN_CLAIMS.has(name));
      // The session may do whatever its user may, and nobody proved anything since the row says.
      if (!isOwn || scope !== '*' || provenAt * 1_000 > Number(row?.authenticatedAt))
        this.gain('claims', title, answer);
    }
  }

  isLiveAndOwn(sid) {
    return [this.booty.mine.sid, this.booty.other.sid].includes(sid);
  }

  gain(kind, title, { status, body }) {
    this.tally.add(kind);
    if (this.tally.of(kind) <= 2)
      console.log(`     ${kind}: ${title}: ${status} ${JSON.stringify(body)?.slice(0, 120)}`);
  }

  /** The control of every forgery: what is signed anew without a change is accepted. */
  async renew() {
    const [mine, other, expired, ended] = await Promise.all(Array.from({ length: 4 }, () => this.login()));
    await this.update(expired.sid, { expiresAt: Date.now() - 1 });
    await this.node.send('POST', '/auth/logout', { token: ended.access });
    Object.assign(this.booty, { mine, other, expired, ended });
    const { status } = await this.node.send('GET', '/auth/verify', { token: forged(mine.access, this.secret) });
    if (status !== 204) this.gain('controlRefused', 'signed anew, unchanged', { status });
  }

  async login() {
    const { access_token: access, refresh_token: refresh, session_id: sid } = await this.node.login(this.username);
    const { token_key: refreshKey, session_key: sessionKey } = claimsOf(refresh);
    return { access, refresh, sid, accessKey: claimsOf(access).token_key, refreshKey, sessionKey };
  }

  async rows(sid) {
    const columns = COLUMNS.map(this.quote).join();
    const where = sid === undefined ? '' : ` WHERE id = '${sid}'`;
    return this.source.query(`SELECT ${columns} FROM jwt_knox_sessions${where} ORDER BY id`);
  }

  async update(sid, change) {
    if (Object.keys(change).length === 0) return;
    const text = (value) => (value === null ? 'NULL' : typeof value === 'number' ? String(value) : `'${value}'`);
    const set = Object.entries(change).map(([name, value]) => `${this.quote(name)} = ${text(value)}`);
    await this.source.query(`UPDATE jwt_knox_sessions SET ${set.join()} WHERE id = '${sid}'`);
  }

  /** The sessions of the victim and of the admin, but for when they were last used. */
  async rowsOfOthers() {
    const rows = await this.rows();
    const others = rows.filter((row) => [this.booty.victim.sid, this.booty.admin.sid].includes(row.id));
    return JSON.stringify(
      others,
      COLUMNS.filter((name) => name !== 'lastUsedAt'),
    );
  }

  async checkOthers(title) {
    if ((await this.rowsOfOthers()) !== this.others) this.gain('harm', title, { status: 0 });
  }

  /** Lets the forger write to the table, and remembers how it was left. */
  async meddle(work) {
    this.before = await this.rows();
    await work(this);
  }

  async restoreOthers() {
    const ids = [this.booty.victim.sid, this.booty.admin.sid];
    for (const row of this.before.filter(({ id }) => ids.includes(id))) {
      if ((await this.rows(row.id)).length === 0)
        this.gain('harm', `the session of ${row.userId} is gone`, { status: 0 });
      await this.update(row.id, row);
    }
  }
}

function sidOf(token) {
  try {
    return claimsOf(token).sid;
  } catch {
    return undefined;
  }
}
