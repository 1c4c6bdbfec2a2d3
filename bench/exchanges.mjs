// What the clients of a scenario say, and which answers they take.
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

/** Logins, each of which starts a session. */
export function logins(requests) {
  const exchanges = requests.map((request) => ({
    request: requestBytes(request),
    check: (answer) => tokensOf(request, answer),
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
