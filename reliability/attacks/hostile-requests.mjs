// Whole hostile requests, as bytes, each with what may come of it.
import { ENDPOINTS } from './endpoints.mjs';
import { presentClient } from './hostile-clients.mjs';
import { misframed } from './hostile-framing.mjs';
import { bodyWith, broken, CONTENT_TYPES, hostileBody, json, query, segment, text } from './hostile-values.mjs';
import { garbage, mutated } from './hostile-tokens.mjs';

const BODY_NAMES = ['username', 'password', 'device_name', 'refresh_token', 'token', 'access_token'];
const HEADER_NAMES = [
  'user-agent', 'cookie', 'accept', 'accept-encoding', 'origin', 'referer', 'x-forwarded-for', 'x-forwarded-proto', 'forwarded', 'x-real-ip',
  'x-http-method-override', 'x-original-url', 'if-none-match', 'range', 'via', 'date', 'content-md5', 'content-language', 'te', '__proto__',
  'constructor', 'x-user-id', 'x-admin', 'dpop', 'proxy-authorization',
]; // prettier-ignore
// None that a space before the token would make the right one.
const SCHEMES = [
  'Bearer ', 'Bearer ', 'Bearer ', 'Bearer ', 'bearer ', 'BEARER ', 'Bearer  ', 'Bearer\t', 'Bearer: ', 'Basic ', 'Token ', 'JWT ', 'DPoP ',
]; // prettier-ignore

/**
 * `booty.live`: tokens to spoil (`access`, `refresh`, `admin`: lists). `booty.own`: good tokens of a session that may be
 * lost (`access`, `refresh`). Answers `{ title, method, bytes, whole, mayPass, mayBeActive, spends }`; not `whole`: bytes
 * that may be anything but a request. `mayPass`: the credential is good, or none is needed. `mayBeActive`: so is the token
 * that is asked about.
 */
export function hostileRequest(random, booty) {
  const endpoint = random.pick(ENDPOINTS);
  if (random.chance(0.05)) return misframed(random, endpoint, booty);
  const request = {
    method: endpoint.method,
    headers: [['Host', 'localhost']],
    target: targetOf(random, endpoint),
    body: null,
  };
  const credential = present(random, endpoint, booty, request);
  if (random.chance(0.35)) hostileHeaders(random, request);
  if (request.body === null && random.chance(endpoint.method === 'POST' ? 0.4 : 0.1)) {
    setBody(request, hostileBody(random, BODY_NAMES), random.pick(CONTENT_TYPES));
  }
  if (random.chance(0.03))
    request.method = random.pick(['HEAD', 'OPTIONS', 'PUT', 'PATCH', 'TRACE', 'PROPFIND', 'SEARCH', 'QUERY', 'get']);
  return {
    title: `${endpoint.method} ${endpoint.path} with ${credential}`,
    method: request.method,
    bytes: bytesOf(request),
    // A server may refuse what it has not read to its end.
    whole: (request.body?.length ?? 0) < 90_000,
    spends: credential === 'its own token' && endpoint.spends,
    mayPass:
      ['its own token', 'a bad token of a client'].includes(credential) ||
      endpoint.takes === 'nothing' ||
      request.method === 'OPTIONS',
    mayBeActive: credential === 'its own token',
  };
}

function targetOf(random, { path, query: names = [] }) {
  const target = path.replace(':id', () => segment(random).replace(/[\r\n ]/g, ''));
  return random.chance(names.length > 0 ? 0.7 : 0.15) ? target + query(random, names).replace(/[\r\n ]/g, '') : target;
}

/** Puts a credential into the request, and says which. */
function present(random, { takes }, booty, request) {
  const kind = takes === 'nothing' ? random.int(70) : random.int(100);
  if (takes === 'login') return presentPassword(random, request);
  if (takes === 'client') {
    const tokens = booty.live[random.pick(['access', 'refresh'])];
    return presentClient(random, booty, mutated(random, random.pick(tokens), tokens), request);
  }
  const place = takes === 'either' ? random.pick(['access', 'refresh']) : takes === 'nothing' ? 'access' : takes;
  const live = booty.live[place];
  const spoilt = (tokens = live) => mutated(random, random.pick(tokens), tokens);
  if (kind < 8) return 'no credential';
  if (kind < 16) return put(random, request, place, garbage(random), 'garbage');
  if (kind < 64) return put(random, request, place, spoilt(), 'a changed token');
  if (kind < 70)
    return put(
      random,
      request,
      place,
      random.pick(booty.live[place === 'refresh' ? 'access' : 'refresh']),
      'a token of the other type',
    );
  if (kind < 74) return presentTwice(random, request, place, spoilt(), random.pick(live));
  if (takes === 'admin') return put(random, request, place, booty.own.access, "a token that is no admin's", true);
  return put(random, request, place, booty.own[place], 'its own token', true);
}

function put(random, request, place, token, title, good = false) {
  if (place === 'refresh') {
    const body = bodyWith(random, { refresh_token: token });
    setBody(
      request,
      good ? Buffer.from(body) : random.chance(0.1) ? broken(random, Buffer.from(body)) : Buffer.from(body),
    );
  } else {
    request.headers.push(['Authorization', (good ? 'Bearer ' : random.pick(SCHEMES)) + token]);
  }
  return title;
}

/** A bad token next to a good one, or one token in two places: two credentials are none. */
function presentTwice(random, request, place, bad, good) {
  if (place === 'refresh') {
    const members = [good, bad].map((token) => `"refresh_token":${JSON.stringify(token)}`);
    setBody(request, Buffer.from(`{${members.join()}}`));
    return 'a good token and a changed one';
  }
  const headers = [`Bearer ${good}`, `Bearer ${bad}`].toSorted(() => random.next() - 0.5);
  if (random.chance(0.5)) request.headers.push(['Authorization', headers[0]], ['authorization', headers[1]]);
  else {
    // The query is the application's: what stands there neither counts nor helps.
    request.headers.push(['Authorization', `Bearer ${bad}`]);
    request.target += `${request.target.includes('?') ? '&' : '?'}access_token=${encodeURIComponent(good)}`;
  }
  return 'a good token and a changed one';
}

const WRONG_PASSWORDS = [
  'Password',
  'password ',
  ' password',
  'password\u200b',
  'pass\u0301word',
  'ｐassword',
  'passwor',
  'passwordd',
  'PASSWORD',
  '',
  '*',
];

function presentPassword(random, request) {
  if (random.chance(0.4)) {
    const username = JSON.stringify(random.chance(0.5) ? 'user0' : text(random));
    const password = random.chance(0.5) ? JSON.stringify(random.pick(WRONG_PASSWORDS)) : json(random);
    setBody(request, Buffer.from(`{"username":${username},"password":${password},"device_name":${json(random)}}`));
  } else setBody(request, hostileBody(random, ['username', 'password', 'device_name']), random.pick(CONTENT_TYPES));
  return 'a wrong password';
}

function setBody(request, body, type = 'application/json') {
  request.body = body;
  request.headers.push(['Content-Type', type], ['Content-Length', String(body.length)]);
}

function hostileHeaders(random, request) {
  for (let i = 0; i <= random.int(4); i++) {
    const name = random.pick(HEADER_NAMES);
    const value = random.chance(0.5) ? text(random) : random.bytes(random.int(80)).toString('latin1');
    request.headers.push([name, value.replace(/[\r\n]/g, ' ')]);
  }
  if (random.chance(0.1)) request.headers.push(['User-Agent', 'x'.repeat(random.int(20_000))]);
  if (random.chance(0.05))
    request.headers.push(['Content-Encoding', random.pick(['gzip', 'br', 'deflate', 'x', 'identity'])]);
  if (random.chance(0.02)) request.headers.push(['Expect', random.pick(['100-continue', '200-ok', ''])]);
  if (random.chance(0.02))
    request.headers.push(['Connection', 'Upgrade'], ['Upgrade', random.pick(['websocket', 'h2c', 'x'])]);
}

function bytesOf({ method, target, headers, body }) {
  const head = [`${method} ${target} HTTP/1.1`, ...headers.map(([name, value]) => `${name}: ${value}`), '', ''].join(
    '\r\n',
  );
  return body ? Buffer.concat([Buffer.from(head, 'latin1'), body]) : Buffer.from(head, 'latin1');
}
