// Somebody who uses the application as it is meant, and notices when it fails them.
import { claimsOf } from './harness.mjs';

export class HonestUser {
  steps = [];

  constructor(node, name) {
    this.node = node;
    this.name = name;
  }

  /** The next request of a day: null when it was answered as it should be, otherwise what was wrong. */
  async step() {
    if (this.steps.length === 0) this.steps = Object.entries(this.day());
    const [title, work] = this.steps.shift();
    const wrong = await work();
    if (wrong) this.steps = [];
    return wrong ? `${title}: ${wrong}` : null;
  }

  day() {
    const { node, name } = this;
    const expect = async (answer, status) => {
      const { status: got, body } = await answer;
      return got === status ? null : `${got} ${JSON.stringify(body)}`;
    };
    const get = (path, status) => expect(node.send('GET', path, { token: this.access }), status);
    return {
      login: async () => void this.keep(await node.login(name)),
      verify: () => get('/auth/verify', 204),
      sessions: () => get('/auth/sessions', 200),
      whoami: async () => {
        const { status, body } = await node.send('GET', '/whoami', { token: this.access });
        const right = status === 200 && body.username === name && body.sessionId === claimsOf(this.access).sid;
        return right ? null : `${status} ${JSON.stringify(body)}`;
      },
      refresh: async () => {
        const { status, body } = await node.refresh(this.refresh);
        if (status === 200) this.keep(body);
        return status === 200 ? null : `${status} ${JSON.stringify(body)}`;
      },
      'verify after refresh': () => get('/auth/verify', 204),
      'no admin': () => get('/auth/admin/statistics', 403),
      logout: () => expect(node.send('POST', '/auth/logout', { token: this.access }), 204),
      'verify after logout': () => get('/auth/verify', 401),
    };
  }

  keep({ access_token: access, refresh_token: refresh }) {
    this.access = access;
    this.refresh = refresh;
  }
}
