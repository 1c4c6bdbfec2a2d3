// Bytes that no HTTP library sends.
import { bodyWith, broken } from './hostile-values.mjs';
import { garbage, mutated } from './hostile-tokens.mjs';

/** Almost a request for an endpoint. Nothing in it is a good credential. */
export function misframed(random, endpoint, { live }) {
  const method = endpoint.method;
  const path = endpoint.path.replace(':id', 'x');
  const authorization = `Authorization: Bearer ${mutated(random, live.access[0], live.access)}`;
  const body = bodyWith(random, { refresh_token: garbage(random).slice(0, 500) });
  const form = random.pick(Object.keys(FORMS));
  const bytes = FORMS[form]({
    random,
    method,
    path,
    authorization,
    body,
    line: `${method} ${path} HTTP/1.1\r\nHost: x\r\n`,
  });
  return {
    title: `${method} ${path} as ${form}`,
    method,
    bytes: Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes, 'latin1'),
    whole: false,
    mayPass: endpoint.takes === 'nothing' || form === 'an asterisk',
  };
}

const HOSTS = ['http://x', 'https://x:99999', 'ftp://x', '//x', 'http://[::1', 'http://a@b:c@d'];
const LENGTHS = ['-1', '+5', '0x5', '1e3', '99999999999999999999', '5, 5', ''];
const CODINGS = ['gzip', 'identity', 'chunked, chunked', '\tchunked', 'xchunked', 'chunked\0'];
const CHUNKS = ['zz', '-1', 'ffffffffffffffffffff', '5;a="', '0x5', '5'];
const JSON_HEADER = 'Content-Type: application/json\r\n';
const FORMS = {
  'random bytes': ({ random }) => random.bytes(1 + random.int(400)),
  'broken bytes': ({ random, line, authorization, body }) =>
    broken(
      random,
      Buffer.from(`${line}${authorization}\r\n${JSON_HEADER}Content-Length: ${body.length}\r\n\r\n${body}`),
    ),
  'a method of its own': ({ random, path }) =>
    `${random.pick(['FOO', 'G E T', '', 'GET\0', 'CONNECT', 'PRI'])} ${path} HTTP/1.1\r\nHost: x\r\n\r\n`,
  'another version': ({ random, method, path }) =>
    `${method} ${path} ${random.pick(['HTTP/0.9', 'HTTP/1.0', 'HTTP/2.0', 'HTTP/9.9', 'ICY', ''])}\r\nHost: x\r\n\r\n`,
  'no host': ({ method, path }) => `${method} ${path} HTTP/1.1\r\n\r\n`,
  'two hosts': ({ line }) => `${line}Host: y\r\n\r\n`,
  'bare line feeds': ({ method, path, authorization }) => `${method} ${path} HTTP/1.1\nHost: x\n${authorization}\n\n`,
  'a folded header': ({ line, authorization }) => `${line}${authorization.replace(' ', '\r\n ')}\r\n\r\n`,
  'a header without a colon': ({ line, authorization }) => `${line}Authorization\r\n${authorization}\r\n\r\n`,
  'a space before the colon': ({ line, authorization }) => `${line}${authorization.replace(':', ' :')}\r\n\r\n`,
  'a NUL in a header': ({ line, authorization }) => `${line}${authorization}\0\r\n\r\n`,
  'three thousand headers': ({ line }) => `${line}${'a: 1\r\n'.repeat(3_000)}\r\n`,
  'a header of 70 KB': ({ line }) => `${line}Authorization: Bearer ${'x'.repeat(70_000)}\r\n\r\n`,
  'a target of 30 KB': ({ method, path }) => `${method} ${path}?${'x'.repeat(30_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
  'an absolute target': ({ random, method, path }) =>
    `${method} ${random.pick(HOSTS)}${path} HTTP/1.1\r\nHost: x\r\n\r\n`,
  'an asterisk': ({ random }) => `${random.pick(['OPTIONS', 'GET'])} * HTTP/1.1\r\nHost: x\r\n\r\n`,
  'both lengths': ({ line, body }) =>
    `${line}${JSON_HEADER}Content-Length: ${body.length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${body}`,
  'two lengths': ({ line, body }) =>
    `${line}${JSON_HEADER}Content-Length: 2\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  'an odd length': ({ random, line, body }) =>
    `${line}${JSON_HEADER}Content-Length: ${random.pick(LENGTHS)}\r\n\r\n${body}`,
  'a length too long': ({ line, body }) => `${line}${JSON_HEADER}Content-Length: ${body.length + 50}\r\n\r\n${body}`,
  'a length too short': ({ line, body }) => `${line}${JSON_HEADER}Content-Length: ${body.length >> 1}\r\n\r\n${body}`,
  'an odd transfer encoding': ({ random, line, body }) =>
    `${line}${JSON_HEADER}Transfer-Encoding: ${random.pick(CODINGS)}\r\n\r\n${body}`,
  'odd chunks': ({ random, line, body }) =>
    `${line}${JSON_HEADER}Transfer-Encoding: chunked\r\n\r\n${random.pick(CHUNKS)}\r\n${body}\r\n0\r\n\r\n`,
  'chunks with trailers': ({ line, body, authorization }) =>
    `${line}${JSON_HEADER}Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n${authorization}\r\n\r\n`,
  'two at once': ({ line, authorization }) => `${line}${authorization}\r\n\r\n${line}${authorization}\r\n\r\n`,
  'a TLS greeting': () => Buffer.from('16030100a5010000a10303', 'hex'),
  'an HTTP/2 preface': () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
};
