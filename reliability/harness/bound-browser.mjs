// A browser that binds its session to a key, and judges answers as Chromium does; and a device with DPoP.
import { createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { request } from 'node:http';

export const ORIGIN = 'https://app.example.com';
const MOST_PROOFS = 4;

const BROWSER = {
  host: 'app.example.com',
  'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0',
  'sec-fetch-site': 'same-origin',
  'sec-fetch-mode': 'cors',
  'sec-fetch-dest': 'empty',
};

const encoded = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

function signed(header, payload, key) {
  const input = `${encoded(header)}.${encoded(payload)}`;
  return `${input}.${sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

function publicJwk(key) {
  const { crv, kty, x, y } = key.export({ format: 'jwk' });
  return { crv, kty, x, y };
}

/** One exchange; null where the server is not there, or went away. */
function exchange(port, { method, path, headers, json }) {
  const body = json && JSON.stringify(json);
  const all = {
    ...headers,
    ...(body && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
  };
  return new Promise((resolve) => {
    const outgoing = request({ host: '127.0.0.1', port, method, path, headers: all, agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk) => (text += chunk));
      response.on('error', () => resolve(null));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text }));
    });
    outgoing.on('error', () => resolve(null));
    outgoing.end(body);
  });
}

export class BoundBrowser {
  jar = new Map();
  key = newKey();
  /** Null: bound to nothing, or not any more. */
  session = null;
  /** Called before each leg; true: its answer gets lost. */
  loses = () => false;

  /** @param port a function: processes come and go */
  constructor(port) {
    this.port = port;
  }

  async send(method, path, { json, headers } = {}) {
    const cookie = Array.from(this.jar, ([name, value]) => `${name}=${value}`).join('; ');
    const all = { ...BROWSER, ...(cookie && { cookie }), ...headers };
    const leg = /dbsc\/(\w+)/.exec(path)?.[1] ?? path;
    const isLost = await this.loses(leg);
    const answer = await exchange(this.port(), { method, path, headers: all, json });
    if (!answer || isLost) return null;
    for (const line of answer.headers['set-cookie'] ?? []) {
      const [pair, ...attributes] = line.split('; ');
      const at = pair.indexOf('=');
      if (attributes.includes('Max-Age=0')) this.jar.delete(pair.slice(0, at));
      else this.jar.set(pair.slice(0, at), pair.slice(at + 1));
    }
    return answer;
  }

  async login(username) {
    const answer = await this.send('POST', '/auth/login', { json: { username, password: 'password' } });
    if (answer?.status !== 200) throw new Error(`Login answered ${answer?.status} ${answer?.text}`);
    const offer = /path="([^"]*)";challenge="([^"]*)"/.exec(answer.headers['secure-session-registration'] ?? '');
    if (offer) await this.register(offer[1], offer[2]);
    return JSON.parse(answer.text).session_id;
  }

  async register(path, challenge) {
    const proof = signed({ alg: 'ES256', jwk: publicJwk(this.key), typ: 'dbsc+jwt' }, { jti: challenge }, this.key);
    const answer = await this.send('POST', path, { headers: { 'secure-session-response': proof } });
    if (answer?.status === 200) this.session = JSON.parse(answer.text);
  }

  expire() {
    for (const name of this.jar.keys()) if (name.includes('access')) this.jar.delete(name);
  }

  /** All legs, as Chromium goes them. */
  async renew() {
    const { session_identifier: id, refresh_url: path } = this.session;
    for (let proofs = 0; ; proofs++) {
      const headers = { 'sec-secure-session-id': id, ...(this.proof && { 'secure-session-response': this.proof }) };
      const answer = await this.send('POST', path, { headers });
      const challenge = answer?.status === 403 && /^"([^"]*)"/.exec(answer.headers['secure-session-challenge'] ?? '');
      if (!challenge || proofs === MOST_PROOFS) return this.judge(answer);
      this.proof = signed({ alg: 'ES256', typ: 'dbsc+jwt' }, { jti: challenge[1] }, this.key);
    }
  }

  judge(answer) {
    if (!answer || answer.status >= 500) return 'kept';
    const body = answer.status === 200 ? JSON.parse(answer.text) : {};
    if (
      answer.status === 200 &&
      body.session_identifier === this.session.session_identifier &&
      body.continue !== false
    ) {
      this.proof = undefined;
      return 'renewed';
    }
    this.session = null;
    return 'destroyed';
  }

  /** What a page gets: the status of a guarded route, after whatever the browser and the client of the page do. */
  async use() {
    if (this.session && ![...this.jar.keys()].some((name) => name.includes('access'))) await this.renew();
    const answer = await this.send('GET', '/whoami');
    if (answer?.status !== 401 || this.session) return answer?.status ?? 0;
    const key = randomUUID();
    const refreshed = await this.send('POST', '/auth/refresh', { headers: { 'idempotency-key': key } });
    return refreshed?.status === 200 ? ((await this.send('GET', '/whoami'))?.status ?? 0) : (refreshed?.status ?? 0);
  }
}

/** A program whose tokens are bound to its key. */
export class DpopDevice {
  key = newKey();

  constructor(port) {
    this.port = port;
  }

  proof(method, path, token) {
    const ath = token && createHash('sha256').update(token).digest('base64url');
    const iat = Math.floor(Date.now() / 1_000);
    const payload = { jti: randomUUID(), htm: method, htu: `${ORIGIN}${path}`, iat, ...(ath && { ath }) };
    return signed({ typ: 'dpop+jwt', alg: 'ES256', jwk: publicJwk(this.key) }, payload, this.key);
  }

  async login(username, isBound = true) {
    const headers = { host: 'app.example.com', ...(isBound && { dpop: this.proof('POST', '/auth/login') }) };
    const json = { username, password: 'password' };
    const answer = await exchange(this.port(), { method: 'POST', path: '/auth/login', headers, json });
    if (answer?.status !== 200) throw new Error(`Login answered ${answer?.status} ${answer?.text}`);
    return JSON.parse(answer.text);
  }

  /** @param scheme of the header, `none` for a proof that is left out */
  async use(token, scheme = 'DPoP') {
    const headers = { host: 'app.example.com', authorization: `${scheme} ${token}` };
    if (scheme === 'DPoP') headers.dpop = this.proof('GET', '/whoami', token);
    return (await exchange(this.port(), { method: 'GET', path: '/whoami', headers }))?.status;
  }

  async refresh(token, isProven = true) {
    const headers = { host: 'app.example.com', ...(isProven && { dpop: this.proof('POST', '/auth/refresh') }) };
    const json = { refresh_token: token };
    return (await exchange(this.port(), { method: 'POST', path: '/auth/refresh', headers, json }))?.status;
  }
}
