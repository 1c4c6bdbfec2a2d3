// What the clients of a scenario say, and which answers they take.
import { createHash, createPrivateKey, randomUUID, sign } from 'node:crypto';
import { requestBytes, WrongAnswer } from './load.mjs';

/** The same requests over and over, each with its exact answer. */
export function repeated(requests) {
  const exchanges = requests.map(({ expect, ...request }) => ({
    request: requestBytes(request),
    check(answer) {
      if (answer.status !== expect.status || answer.body !== expect.body) refuse(request, answer, expect);
    },
  }));
  let next = 0;
  return () => exchanges[next++ % exchanges.length];
}

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Makes proofs (RFC 9449) for a token, by the key of its device. */
export function proofsOf({ token, jwk, privateKey }, origin) {
  const header = encode({ typ: 'dpop+jwt', alg: 'ES256', jwk });
  const key = { key: createPrivateKey(privateKey), dsaEncoding: 'ieee-p1363' };
  const ath = createHash('sha256').update(token).digest('base64url');
  return () => {
    const iat = Math.floor(Date.now() / 1_000);
    const input = `${header}.${encode({ jti: randomUUID(), htm: 'GET', htu: `${origin}/me`, iat, ath })}`;
    return `${input}.${sign('sha256', Buffer.from(input), key).toString('base64url')}`;
  };
}

/**
 * The same requests, each with a proof of its own by the key of its device. Those of a slice are made ahead of it: between two
 * requests the signing would keep the server waiting, which then finds less to do at once, and takes more CPU for each.
 */
export const proven = (origin) => (requests) => {
  const devices = requests.map(({ expect, token, jwk, privateKey, ...request }) => ({
    proof: proofsOf({ token, jwk, privateKey }, origin),
    exchange: (dpop) => ({
      request: requestBytes({ ...request, headers: { Authorization: `DPoP ${token}`, DPoP: dpop } }),
      check(answer) {
        if (answer.status !== expect.status || answer.body !== expect.body) refuse(request, answer, expect);
      },
    }),
  }));
  let next = 0;
  const make = () => {
    const { proof, exchange } = devices[next++ % devices.length];
    return exchange(proof());
  };
  let made = [];
  const exchange = () => made.pop() ?? make();
  exchange.makeAhead = (count) => (made = Array.from({ length: count }, make));
  return exchange;
};

/** Logins, each of which starts a session. */
export function logins(requests) {
  const exchanges = requests.map((request) => ({
    request: requestBytes(request),
    check: (answer) => tokensOf(request, answer),
  }));
  let next = 0;
  return () => exchanges[next++ % exchanges.length];
}

/** Refreshes, each of a session of its own that was never refreshed before. */
export function firstRefreshes(requests) {
  const exchanges = requests.map((request) => ({
    request: requestBytes(request),
    check(answer) {
      if (generationOf(tokensOf(request, answer).refresh_token) !== 1) refuse(request, answer, 'the first rotation');
    },
  }));
  let next = 0;
  return () => exchanges[next++ % exchanges.length];
}

/** Each connection keeps refreshing a session of its own: every refresh must give another refresh token. */
export function refreshes(requests) {
  const tokens = requests.map(({ json }) => json.refresh_token);
  return (connection) => {
    const request = { ...requests[connection], json: { refresh_token: tokens[connection] } };
    return {
      request: requestBytes(request),
      check(answer) {
        const { refresh_token: next } = tokensOf(request, answer);
        if (next === tokens[connection] || generationOf(next) !== generationOf(tokens[connection]) + 1)
          refuse(request, answer, 'a rotated refresh token');
        tokens[connection] = next;
      },
    };
  };
}

function tokensOf(request, answer) {
  const body = answer.status === 200 ? JSON.parse(answer.body) : {};
  const isComplete = ['access_token', 'refresh_token'].every((name) => body[name]?.split('.').length === 3);
  if (!isComplete || !body.session_id) refuse(request, answer, 'a token response');
  return body;
}

function generationOf(token) {
  return JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString()).gen;
}

function refuse({ method = 'GET', path = '/me' }, { status, body }, expected) {
  const wanted = typeof expected === 'string' ? expected : `${expected.status} ${expected.body}`;
  throw new WrongAnswer(`${method} ${path} answered ${status} ${body.slice(0, 200)}; expected was ${wanted}`);
}
