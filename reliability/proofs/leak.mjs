// Secrets stay where they belong: no password, token, key or secret is in logs, events, errors, objects, answers or in
// the database, whatever happens to a session and whatever fails on the way; with cookies, no token is in anything that a
// script of the page can read either.
import { randomBytes } from 'node:crypto';
import { dumpOf } from '../harness/database-dump.mjs';
import { main, Tally, withApplication } from '../harness/harness.mjs';
import { BrowserVisitor } from '../harness/leak-browser.mjs';
import { COOKIE_FLOWS } from '../harness/leak-cookies.mjs';
import { FLOWS, Visitor } from '../harness/leak-flows.mjs';
import { Secrets } from '../harness/secrets.mjs';

const LOG_LEVELS = ['log', 'error', 'warn', 'debug', 'verbose', 'fatal'];
const PLACES = ['logs', 'events', 'errors', 'objects', 'answers', 'script', 'dump'];
const USERS = 8;

/** A secret with characters that are spelt differently in different places. */
const secretText = () => `${randomBytes(12).toString('base64')} "'\\é%${randomBytes(12).toString('base64')}`;

/** What of a row leads to a secret, or came of one. */
const STORED = [
  'accessDigest', 'previousAccessDigest', 'accessSalt', 'refreshDigest', 'previousRefreshDigest', 'refreshSalt', 'rotationKeyDigest',
]; // prettier-ignore

/** Of a browser's cookies; all others are of the `Authorization` header. */
const isOfCookies = (plant) => plant.endsWith('-cookies');

await main('secrets', {
  databases: ['postgres', 'mariadb', 'sqlite'],
  plants: [
    ['logging-transport', 'postgres'],
    ['remembering-transport', 'mariadb'],
    ['confiding-transport', 'sqlite'],
    ['labelling-transport', 'postgres'],
    ['naive-diary', 'postgres'],
    ['naive-diary', 'mariadb'],
    ['naive-diary', 'sqlite'],
    ['telling-cookies', 'postgres'],
    ['readable-cookies', 'mariadb'],
    ['noting-cookies', 'sqlite'],
  ],
  run: async (kind, { short, plant }) => {
    const tally = new Tally();
    for (const adapter of short || plant ? ['express'] : ['express', 'fastify']) {
      for (const cookies of plant ? [isOfCookies(plant)] : [false, true]) await search({ kind, plant, adapter, cookies }, tally);
    }
    return {
      figures: { flows: tally.of('flows'), requests: tally.of('requests'), spellings: tally.of('spellings'), searchedKB: tally.of('searchedKB') },
      faults: Object.fromEntries(PLACES.map((name) => [name, tally.of(name)])),
    };
  },
}); // prettier-ignore

async function search({ kind, plant, adapter, cookies }, tally) {
  const client = { id: 'gateway', secret: secretText(), may: ['introspect', 'introspect_refresh', 'revoke'] };
  const database = { password: randomBytes(24).toString('hex') };
  const options = {
    issuer: 'https://auth.example.com',
    clients: [client],
    refreshToken: { reuseInterval: '0s' },
    session: { limitPerUser: 4, onLimit: 'evict-oldest', bindUserAgent: 'warn', touchInterval: '0s' },
  };
  const settings = { kind, plant, adapter, cookies, options, users: USERS, processes: 0, routes: { debug: true, oauth: true } };
  // TypeORM shows every statement with its parameters.
  const own = ({ url }) => ({ logging: 'all', logger: 'simple-console', ...(kind === 'postgres' && { url: withPassword(url, database) }) });
  await withApplication({ ...settings, database: own }, async ({ launch, source, secret }) => {
    const node = await launch({ watched: true, logLevels: LOG_LEVELS });
    const secrets = new Secrets();
    secrets.add('the signing secret', secret, Buffer.from(secret, 'base64'));
    secrets.add("a client's secret", client.secret);
    secrets.add("the database's password", database.password);
    const stored = new Secrets();
    const passwords = await newPasswords(node, secrets);
    const visitor = cookies ? new BrowserVisitor(node, secrets, passwords) : new Visitor(node, secrets, passwords);
    const statement = (sql) => source.query(sql);
    for (const flow of Object.values(cookies ? COOKIE_FLOWS : FLOWS)) {
      await flow(visitor, { statement, client, signingSecret: secret });
      await keepStored(source, stored);
      tally.add('flows');
    }
    tally.add('requests', visitor.sent);
    tally.add('spellings', secrets.needles.size + stored.needles.size);
    await look(await whatIsSeen(node, visitor, source), [secrets, stored], tally);
  });
} // prettier-ignore

function withPassword(url, { password }) {
  const changed = new URL(url);
  changed.password = password;
  return changed.href;
}

/** Each user changes the password to one that is nobody else's. */
async function newPasswords(node, secrets) {
  const passwords = new Map();
  for (const name of ['admin', ...Array.from({ length: USERS }, (_, i) => `user${i}`)]) {
    const { access_token: token } = await node.login(name);
    const password = secretText();
    passwords.set(name, password);
    secrets.add(`${name}'s password`, password);
    const { status, body } = await node.send('PUT', '/password', { token, json: { password } });
    if (status !== 200) throw new Error(`The password could not be changed: ${status}.`);
    for (const kind of ['access_token', 'refresh_token']) secrets.addToken(`a new ${kind}`, body[kind]);
  }
  const wrong = secretText();
  secrets.add('a wrong password', wrong);
  return { wrong, of: (name) => passwords.get(name) };
}

/** What rows hold: nothing for events, errors, objects and the library's own lines in the log. */
async function keepStored(source, stored) {
  for (const row of await source.query('SELECT * FROM jwt_knox_sessions'))
    for (const name of STORED) if (row[name]) stored.add(`a ${name}`, row[name], Buffer.from(row[name], 'hex'));
}

/** Pairs of a place and what is there; `public`: what rows hold may be there too. */
async function whatIsSeen(node, visitor, source) {
  const { events, errors } = await node.ask('seen');
  const objects = await node.ask('objects');
  const lines = node.log.split('\n');
  const isStatement = (line) => /^(query|execution time)/.test(line);
  if (events.length === 0 || errors.length === 0 || objects.length === 0 || !lines.some(isStatement))
    throw new Error('Nothing was seen where something must be.');
  return [
    ...events.map((text) => ['events', text]),
    ...errors.map((text) => ['errors', text]),
    ...objects.map(([name, text]) => ['objects', text, name]),
    ...visitor.answers.map((text) => ['answers', text]),
    ...(visitor.readable ?? []).map((text) => ['script', text]),
    ['logs', lines.filter((line) => !isStatement(line)).join('\n')],
    ['logs', lines.filter(isStatement).join('\n'), "the data source's statements", true],
    ['dump', dumpOf(source.options), 'the dump', true],
  ];
}

function look(seen, [secrets, stored], tally) {
  for (const [place, content, name = '', holdsRows = false] of seen) {
    tally.add('searchedKB', Math.round(content.length / 1024));
    const found = [...secrets.in(content), ...(holdsRows ? [] : stored.in(content))];
    if (found.length === 0) continue;
    tally.add(place);
    if (tally.of(place) <= 3) console.log(`     ${place}: ${found.slice(0, 4).join(', ')} in ${name || content.toString().slice(0, 160)}`);
  }
} // prettier-ignore
