// Stolen cookies and tokens of bound sessions are worth nothing elsewhere, and nobody honest is logged out by whatever
// happens between a browser and the server. A real Chromium goes on while a thief with its cookies is locked out.
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { BoundBrowser, DpopDevice, ORIGIN } from '../harness/bound-browser.mjs';
import { main, rounds, Tally, withApplication } from '../harness/harness.mjs';
import { chromiumRounds } from '../harness/bound-chromium.mjs';

const FULL = { honest: 1_000, chromium: 30, thefts: 100 };
const SHORT = { honest: 30, chromium: 2, thefts: 5 };
const PLANTED = { honest: 24, chromium: 0, thefts: 4 };
const USERS = 60;
const FAULTS = [
  'loggedOut',
  'notBound',
  'thiefAlive',
  'dpopThiefAlive',
  'chromiumLoggedOut',
  'chromiumThiefAlive',
  'chromiumFailed',
];

/** The clocks of two processes may differ by so much. */
const APART_MS = 20_000;

/** What befalls an honest browser; all of it while it prolongs its session. */
const MISHAPS = {
  none: (browser) => browser.renew(),
  registrationLost: (browser) => browser.use(),
  firstLegLost: (browser) => losing(browser, 1),
  proofLost: (browser) => losing(browser, 2),
  bothLost: (browser) => losing(browser, 3),
  tabs: (browser) => Promise.all([browser.renew(), browser.send('GET', '/whoami'), browser.send('GET', '/whoami')]),
  plainRefreshBeside: (browser) => Promise.all([browser.renew(), browser.send('POST', '/auth/refresh')]),
  otherProcess: async (browser, { move }) => {
    // The challenge of one, and the proof to the other, whose clock differs.
    browser.loses = () => {
      move();
      return false;
    };
    await browser.renew();
  },
};

function losing(browser, legs) {
  let left = legs;
  browser.loses = (leg) => leg === 'refresh' && left-- > 0;
  return browser.renew();
}

await main('stolen credentials', {
  databases: ['postgres', 'mariadb'],
  plants: [
    ['unbound', 'postgres'],
    ['careless-answers', 'postgres'],
  ],
  run: async (kind, { short, plant }) => {
    const size = plant ? PLANTED : short ? SHORT : FULL;
    const tally = new Tally();
    await protocol(kind, plant, size, tally);
    if (size.chromium > 0) await chromiumRounds({ kind, count: size.chromium, tally });
    return {
      figures: { honest: size.honest, restarts: tally.of('restarts'), chromium: tally.of('chromium'), thefts: tally.of('thefts') },
      faults: Object.fromEntries(FAULTS.map((name) => [name, tally.of(name)])),
    };
  },
}); // prettier-ignore

async function protocol(kind, plant, size, tally) {
  const [old, added] = ['old', 'new'].map((kid) => ({ kid, algorithm: 'HS256', secret: randomBytes(48).toString('base64') }));
  const keys = [old];
  const setup = { kind, plant, users: USERS, processes: 0, adapter: 'express', bound: { origin: ORIGIN }, options: { keys } };
  await withApplication(setup, async ({ launch, source }) => {
    const nodes = [await launch({}), await launch({ clockAhead: APART_MS })];
    const names = Object.keys(MISHAPS);
    await rounds(size.honest, 4, (index) => honest({ nodes, index, mishap: names[index % names.length], plant, tally }));
    await rounds(size.thefts, 4, (index) => theft(nodes, index, { plant, tally }));
    await storageGone(source, nodes, { plant, tally });
    for (let turn = 0; turn < 2; turn++) await restarts({ nodes, launch, turn, plant, tally, keys, added });
  });
} // prettier-ignore

async function honest({ nodes, index, mishap, plant, tally }) {
  let at = index % 2;
  const browser = new BoundBrowser(() => nodes[at].port);
  if (mishap === 'registrationLost') browser.loses = (leg) => leg === 'register';
  await browser.login(`user${index % USERS}`);
  browser.loses = () => false;
  if (!browser.session && mishap !== 'registrationLost' && plant !== 'unbound') tally.add('notBound');
  if (!browser.session) return judge(browser, mishap, tally);
  for (let turn = 0; turn < 2; turn++) {
    browser.expire();
    await MISHAPS[mishap](browser, { move: () => (at = 1 - at) });
    browser.loses = () => false;
    await judge(browser, mishap, tally);
  }
}

/** The next page is served, at the latest when it is asked for once more. */
async function judge(browser, mishap, tally) {
  browser.expire();
  const statuses = [];
  for (let tries = 0; tries < 4; tries++) {
    statuses.push(await browser.use());
    if (statuses.at(-1) === 200) return;
    await delay(300);
  }
  tally.add('loggedOut');
  if (tally.of('loggedOut') <= 3) console.log(`     logged out after ${mishap}: ${statuses.join(', ')}`);
}

/** What was copied from a browser, and from a program, in other hands. */
async function theft(nodes, index, { plant, tally }) {
  tally.add('thefts');
  const port = () => nodes[index % 2].port;
  const browser = new BoundBrowser(port);
  await browser.login(`user${index % USERS}`);
  if (browser.session) await browser.renew();
  const thief = new BoundBrowser(port);
  for (const [name, value] of browser.jar) thief.jar.set(name, value);
  thief.session = browser.session && { ...browser.session };
  // The cookie's time is over.
  thief.expire();
  if ((await thief.use()) === 200) tally.add('thiefAlive');
  thief.session = null;
  if ((await thief.use()) === 200) tally.add('thiefAlive');
  if (plant !== 'unbound') await judge(browser, 'theft', tally);
  const device = new DpopDevice(port);
  const { access_token: access, refresh_token: refresh } = await device.login(`user${index % USERS}`, plant !== 'unbound');
  const robber = new DpopDevice(port);
  const taken = [await robber.use(access, 'Bearer'), await robber.use(access), await robber.refresh(refresh, false), await robber.refresh(refresh)];
  tally.add('dpopThiefAlive', taken.filter((status) => status === 200).length);
  if (plant === 'unbound') return;
  if ((await device.use(access)) !== 200 || (await device.refresh(refresh)) !== 200) tally.add('loggedOut');
} // prettier-ignore

async function bound(nodes, count, tally, plant) {
  const browsers = Array.from({ length: count }, (_, index) => new BoundBrowser(() => nodes[index % 2].port));
  for (const [index, browser] of browsers.entries()) {
    await browser.login(`user${index}`);
    // From the first proof on, nothing else prolongs the session.
    if (browser.session) await browser.renew();
  }
  if (plant !== 'unbound') tally.add('notBound', browsers.filter(({ session }) => !session).length);
  return browsers;
}

/** The table is not there for a while. */
async function storageGone(source, nodes, { plant, tally }) {
  const browsers = await bound(nodes, 20, tally, plant);
  await source.query('ALTER TABLE jwt_knox_sessions RENAME TO jwt_knox_sessions_gone');
  for (const browser of browsers) {
    browser.expire();
    await browser.use();
  }
  await source.query('ALTER TABLE jwt_knox_sessions_gone RENAME TO jwt_knox_sessions');
  for (const browser of browsers) await judge(browser, 'an outage of the storage', tally);
}

/** One process after the other goes away while browsers are half-way, and comes back; the second time with a new key. */
async function restarts({ nodes, launch, turn, plant, tally, keys, added }) {
  const browsers = await bound(nodes, 20, tally, plant);
  for (const at of [0, 1]) {
    const old = nodes[at];
    const half = browsers.map(async (browser, index) => {
      browser.expire();
      browser.loses = async () => {
        if (index % 4 === 0) await delay(30);
        return false;
      };
      await browser.use();
    });
    await delay(20);
    old.child.kill('SIGKILL');
    await Promise.all(half);
    const options = turn === 0 ? { keys } : { keys: [added, ...keys] };
    nodes[at] = await launch({ options, ...(at === 1 && { clockAhead: APART_MS }) });
    tally.add('restarts');
    for (const browser of browsers) {
      browser.loses = () => false;
      await judge(browser, 'a restart', tally);
    }
  }
}
