// Real browsers that bind their sessions, and thieves with all of their cookies.
import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { chromium } from 'playwright-core';
import { freePort } from '../faults/private-server.mjs';
import { rounds, withApplication } from './harness.mjs';

/** Seconds that an access token counts; a bound cookie, half of them. */
const TTL = 8;
const AT_ONCE = 5;
const TRIES = 6;
const PATIENCE_MS = 60_000;
/** What befalls a session before it is looked at again, by its round modulo 3. */
const RESTARTED = ['no restart', 'server restarted', 'browser restarted'];
const EXECUTABLES = [process.env.TEST_CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser'];

function certificate(folder) {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const kind = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:*.test', '-keyout', key, '-out', cert];
  execFileSync('openssl', [...kind, ...names], { stdio: 'ignore' });
  const tls = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  const spki = new X509Certificate(tls.cert).publicKey.export({ type: 'spki', format: 'der' });
  return { tls, spki: createHash('sha256').update(spki).digest('base64') };
}

const flags = (spki) => [
  '--no-sandbox',
  `--ignore-certificate-errors-spki-list=${spki}`,
  '--host-resolver-rules=MAP *.test 127.0.0.1',
  '--enable-features=DeviceBoundSessions:RefreshQuota/false,EnableBoundSessionCredentialsSoftwareKeysForManualTesting',
];

/** @param tally counts `chromium`, `chromiumLoggedOut`, `chromiumThiefAlive` and `notBound` */
export async function chromiumRounds({ kind, count, tally }) {
  const folder = mkdtempSync(join(tmpdir(), 'jwt-knox-stolen-'));
  const executablePath = EXECUTABLES.find((path) => path !== undefined && existsSync(path));
  if (!executablePath) throw new Error('Chromium is missing: install it, or name it in TEST_CHROMIUM.');
  const port = await freePort();
  const address = `https://app.test:${port}`;
  const { tls, spki } = certificate(folder);
  const bound = { origin: address, tls, port };
  const options = { accessToken: { ttl: TTL }, refreshToken: { reuseInterval: '1s' } };
  const setup = { kind, users: count, processes: 1, adapter: 'express', bound, options };
  const den = await chromium.launch({ executablePath, args: flags(spki) });
  try {
    await withApplication(setup, async ({ nodes, launch, source }) => {
      const isBound = async (username) => {
        const sql = `SELECT ${kind === 'postgres' ? '"boundKind"' : 'boundKind'} AS kind FROM jwt_knox_sessions WHERE ${kind === 'postgres' ? '"userId"' : 'userId'} = 'id-${username}'`;
        return (await source.query(sql))[0]?.kind === 'dbsc';
      };
      const server = new Server(nodes[0], () => launch({}));
      const context = { address, port, den, isBound, server, tally, executablePath, spki, folder };
      await rounds(count, AT_ONCE, (index) =>
        chromiumRound(context, index).catch((error) => {
          tally.add('chromiumFailed');
          console.log(`     a round in Chromium failed: ${error.stack}`);
        }),
      );
    });
  } finally {
    await den.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 500 });
  }
}

/** The one process, which is ended and started again while browsers are at work. */
class Server {
  underWay = Promise.resolve();

  constructor(node, launch) {
    Object.assign(this, { node, launch });
  }

  restart() {
    this.underWay = this.underWay.then(async () => {
      const gone = new Promise((resolve) => void this.node.child.once('exit', resolve));
      this.node.child.kill('SIGKILL');
      await gone;
      this.node = await this.launch();
    });
    return this.underWay;
  }
}

/** A person with a browser and a profile of their own, and a thief. */
async function chromiumRound({ address, port, den, isBound, server, tally, executablePath, spki, folder }, index) {
  const username = `user${index}`;
  const profile = join(folder, username);
  const launch = () => chromium.launchPersistentContext(profile, { executablePath, args: flags(spki) });
  let browser = await launch();
  const story = [];
  const loggedOut = () => {
    tally.add('chromiumLoggedOut');
    console.log(`     logged out in round ${index} (${RESTARTED[index % 3]}): ${story.slice(-20).join('; ')}`);
  };
  try {
    await listen(browser, story);
    await logIn(await browser.newPage(), { address, username, server });
    if (!(await until(() => isBound(username)))) return tally.add('notBound');
    await delay((TTL / 2) * 1_000 + 500);
    // A proof first: from it on, nothing else prolongs the session.
    const isIn = async () => {
      const status = await visit(browser, `${address}/whoami`);
      story.push(`answer ${status}`);
      return status === 200;
    };
    if (!(await until(isIn))) return loggedOut();
    const stolen = await browser.cookies();
    const hideout = await den.newContext();
    await hideout.addCookies(stolen);
    // The server may just be started again in another round: what was not answered is asked once more.
    const isAccepted = (ask) =>
      retried(async () => {
        await server.underWay;
        return (await ask()) === 200;
      });
    const isThiefIn = async () =>
      (await isAccepted(() => visit(hideout, `${address}/whoami`))) ||
      (await isAccepted(() => withCookies(port, stolen, 'GET', '/whoami')));
    if (index % 3 === 1) await server.restart();
    if (index % 3 === 2) {
      await browser.close();
      browser = await launch();
      await listen(browser, story);
    }
    await delay(TTL * 1_000 + 1_500);
    const isAlive = (await isThiefIn()) || (await isAccepted(() => withCookies(port, stolen, 'POST', '/auth/refresh')));
    if (isAlive) tally.add('chromiumThiefAlive');
    await hideout.close();
    if (!(await until(isIn))) loggedOut();
    tally.add('chromium');
  } finally {
    await browser.close();
  }
}

/** The server may be started again for somebody else at any moment. */
async function retried(step) {
  for (let tries = 1; ; tries++) {
    try {
      return await step();
    } catch (error) {
      if (tries === TRIES) throw error;
      await delay(1_000);
    }
  }
}

function logIn(page, { address, username, server }) {
  return retried(async () => {
    await server.underWay;
    await page.goto(`${address}/auth/login`);
    await page.fill('#username', username);
    await page.fill('#password', 'password');
    await page.click('button.main');
    await page.waitForURL(/\/auth\/devices$/);
  });
}

/** What the browser says of its sessions, for the story of one that ended. */
async function listen(browser, story) {
  const devtools = await browser.newCDPSession(browser.pages()[0] ?? (await browser.newPage()));
  await devtools.send('Network.enableDeviceBoundSessions', { enable: true });
  devtools.on('Network.deviceBoundSessionEventOccurred', (event) => story.push(JSON.stringify(event)));
}

/** Whether something comes to be so within a minute: after failures, a browser waits before it asks again. */
async function until(isSo) {
  for (const end = performance.now() + PATIENCE_MS; performance.now() < end; await delay(500)) {
    if (await isSo().catch(() => false)) return true;
  }
  return false;
}

async function visit(context, address) {
  const page = await context.newPage();
  try {
    return (await page.goto(address))?.status();
  } finally {
    await page.close();
  }
}

/** What a program gets that sends the cookies of a browser. */
function withCookies(port, cookies, method, path) {
  const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
  const headers = { cookie, host: `app.test:${port}` };
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, method, path, headers, rejectUnauthorized: false };
    request(options, (answer) => resolve(answer.resume().statusCode))
      .on('error', reject)
      .end();
  });
}
