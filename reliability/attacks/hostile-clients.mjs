// Requests of a client of introspection and revocation, of somebody who passes for one, and of one whose tokens are bad.
import { hostileBody, text } from './hostile-values.mjs';
import { garbage } from './hostile-tokens.mjs';

export const CLIENT = {
  id: 'gateway',
  secret: 'k7Tq2mWv9Xz4Rb8Ns3Lp6Yd1',
  may: ['introspect', 'introspect_refresh', 'revoke'],
};

const FORM = 'application/x-www-form-urlencoded';
const FORM_TYPES = [
  FORM,
  FORM,
  FORM,
  `${FORM}; charset=utf-8`,
  `${FORM};charset=x`,
  `${FORM}x`,
  'application/json',
  'text/plain',
  '',
];
const SCHEMES = ['Bearer ', 'Digest ', 'Basic', 'Basic:', 'Client ', 'Basic\t\t', ''];
const base64 = (content) => Buffer.from(content).toString('base64');
const right = `${CLIENT.id}:${CLIENT.secret}`;

/** Who nearly is the client. What form encoding alone sets apart is the client itself, and not here. */
const WRONG_CLIENTS = [
  (random) => base64(`${CLIENT.id}:${text(random)}`),
  (random) => base64(`${text(random)}:${CLIENT.secret}`),
  (random) => base64(random.bytes(random.int(300))),
  (random) => base64(`${CLIENT.id}:${'x'.repeat(random.int(6_000))}`),
  () => base64(`${CLIENT.id}:`),
  () => base64(`:${CLIENT.secret}`),
  () => base64(CLIENT.id),
  () => base64(right.toUpperCase()),
  () => base64(right.slice(0, -1)),
  () => base64(`${right} `),
  () => base64(`${right}\0`),
  () => base64(`${CLIENT.id} :${CLIENT.secret}`),
  () => base64(`__proto__:${CLIENT.secret}`),
  () => base64(`${CLIENT.id}:[object Object]`),
  () => base64(base64(right)),
  () => right,
]; // prettier-ignore

/** Puts a form and the client's credentials into a request; answers which. `bad`: a token that counts nowhere. */
export function presentClient(random, { live, own }, bad, request) {
  const kind = random.int(10);
  if (kind < 4) {
    // A good token, in the wrong hands.
    const token = random.pick(live[random.pick(['access', 'refresh'])]);
    const authorization = random.chance(0.2)
      ? random.pick(SCHEMES) + base64(right)
      : `Basic ${random.pick(WRONG_CLIENTS)(random)}`;
    if (random.chance(0.9)) request.headers.push(['Authorization', authorization.replace(/[\r\n]/g, ' ')]);
    setForm(random, request, [['token', token], ...strange(random)]);
    return 'a good token of no client';
  }
  request.headers.push(['Authorization', `Basic ${base64(right)}`]);
  if (kind === 9) {
    setForm(random, request, [['token', own[random.pick(['access', 'refresh'])]]], FORM);
    return 'its own token';
  }
  if (kind === 8) {
    request.body = hostileBody(random, ['token', 'token_type_hint', 'client_secret']);
    setType(request, random.pick(FORM_TYPES));
  } else setForm(random, request, [['token', random.chance(0.7) ? bad : garbage(random)], ...strange(random)]);
  return 'a bad token of a client';
}

/** Further members of a form: none of them is a token that counts. */
function strange(random) {
  const names = ['token_type_hint', 'token', 'client_id', 'client_secret', '__proto__', 'constructor', 'token[]', 'token[a]', ''];
  return Array.from({ length: random.int(4) }, () => [random.pick(names), text(random)]);
} // prettier-ignore

function setForm(random, request, members, type = random.pick(FORM_TYPES)) {
  const spelt = (word) => encodeURIComponent(word.toWellFormed?.() ?? word);
  request.body = Buffer.from(members.map((member) => member.map(spelt).join('=')).join('&'));
  setType(request, type);
}

function setType(request, type) {
  request.headers.push(['Content-Type', type], ['Content-Length', String(request.body.length)]);
}
