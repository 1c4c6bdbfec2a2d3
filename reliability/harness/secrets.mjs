// Secrets that are looked for, in whatever spelling.
import { inspect } from 'node:util';

/** Text as the bytes of its UTF-8, one character each: comparable with a dump's. */
const bytesOf = (content) => Buffer.from(content).toString('latin1');

/** Base64 of bytes in the midst of others, whatever their place: without the edges that depend on the neighbours. */
function withinBase64(bytes) {
  return [0, 1, 2].map((shift) => {
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    return encoded.slice(shift === 0 ? 0 : shift + 1, -1);
  });
}

function spellingsOfBytes(bytes) {
  const hex = bytes.toString('hex');
  const base64 = withinBase64(bytes);
  const pairs = hex.match(/../g);
  return [
    hex,
    hex.toUpperCase(),
    pairs.slice(0, 24).join(' '),
    pairs.slice(0, 24).join(':'),
    [...bytes].join(),
    [...bytes].join(', '),
    ...base64,
    ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')),
    ...base64.map(encodeURIComponent),
  ];
}

function spellingsOfText(text) {
  const json = JSON.stringify(text).slice(1, -1);
  return [
    text,
    json,
    JSON.stringify(json).slice(1, -1),
    inspect(text).slice(1, -1),
    encodeURIComponent(text),
    encodeURIComponent(text).replaceAll('%20', '+'),
    encodeURI(text),
    text.replaceAll("'", "''"),
    text.replace(/['"\\]/g, '\\$&'),
    [...text].toReversed().join(''),
    ...spellingsOfBytes(Buffer.from(text)),
  ];
}

export class Secrets {
  needles = new Map();

  /** A secret text, and the bytes that it means, if it means any. */
  add(name, text, meaning) {
    const spellings = [...spellingsOfText(text), ...(meaning ? [meaning.toString('latin1'), ...spellingsOfBytes(meaning)] : [])];
    for (const spelling of spellings.map((one, i) => (meaning && i === spellingsOfText(text).length ? one : bytesOf(one))))
      this.needles.set(spelling, name);
  } // prettier-ignore

  /** A token: its parts after the header, and the keys in it. */
  addToken(name, token) {
    const [, payload, signature] = token.split('.');
    this.add(`${name}'s payload`, payload, Buffer.from(payload, 'base64url'));
    this.add(`${name}'s signature`, signature, Buffer.from(signature, 'base64url'));
    const { token_key: key, session_key: sessionKey } = JSON.parse(Buffer.from(payload, 'base64url'));
    this.addKey(`${name}'s token key`, key);
    if (sessionKey) this.addKey(`${name}'s session key`, sessionKey);
  }

  addKey(name, key) {
    this.add(name, key, Buffer.from(key, 'base64url'));
  }

  /** The names of the secrets in a text or in bytes. */
  in(content) {
    const hay = Buffer.isBuffer(content) ? content.toString('latin1') : bytesOf(content);
    return [...new Set([...this.needles].filter(([needle]) => hay.includes(needle)).map(([, name]) => name))];
  }
}
