import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { HttpClient } from './http-client.js';

const ROOT = resolve(import.meta.dirname, '../../..');
/** What `npm start` runs: builds what is out of date first. */
const START = [process.execPath, 'sample-app/start.mjs'];
/** What has been built. */
export const MAIN = [process.execPath, 'sample-app/dist/main.js'];
export const ORDERS = [process.execPath, 'sample-app/dist/orders/main.js'];
export const NPM_START = ['npm', 'start'];
export const NPM_START_SERVICES = ['npm', 'run', 'start:services'];
export const NPM_START_TWO = ['npm', 'run', 'start:two'];
export const REVOKE_BEFORE = [process.execPath, 'sample-app/revoke-before.mjs'];
const DEFAULTS = {
  PORT: '0',
  DATABASE_URL: 'sqlite::memory:',
  PASSWORD_COST: 'low',
  JWT_SECRET: randomBytes(32).toString('hex'),
};

/** How long a hook may take that starts the application: the first one of all builds it. */
export const START_TIMEOUT = 180_000;

type Env = Record<string, string>;

/** The application, in a process of its own. */
export class AppProcess {
  private constructor(
    private readonly child: ChildProcess,
    private readonly said: (words: RegExp) => Promise<string>,
    readonly url: string,
    readonly http: HttpClient,
  ) {}

  /** Resolves when the application listens. */
  static async start(env: Env = {}, command = START): Promise<AppProcess> {
    const { child, output } = run(command, env);
    const said = (words: RegExp) =>
      new Promise<string>((tell, failed) => {
        const look = () => {
          const found = words.exec(output());
          if (found) tell(found[1]!);
        };
        look();
        child.stdout!.on('data', look);
        child.once('exit', () => failed(new Error(`The application did not start:\n${output()}`)));
      });
    const words = command === ORDERS ? /^Orders are listening on ([^\s,]+)/m : /^Listening on (\S+)$/m;
    const url = await said(words);
    return new AppProcess(child, said, url, AppProcess.clientOf(url));
  }

  static clientOf(url: string): HttpClient {
    return new HttpClient(Number(new URL(url).port));
  }

  /** Waits for a line of the application's output; gives what is in its brackets. */
  says(words: RegExp): Promise<string> {
    return this.said(words);
  }

  /** Builds what is out of date. */
  static async build(): Promise<void> {
    await AppProcess.failure({ PORT: 'none' });
  }

  /** What the application says when it cannot start. */
  static failure(env: Env): Promise<{ code: number | null; output: string }> {
    return AppProcess.run(START, env);
  }

  /** Runs a command to its end. */
  static async run(command: string[], env: Env): Promise<{ code: number | null; output: string }> {
    const { child, output } = run(command, env);
    await once(child, 'close');
    return { code: child.exitCode, output: output() };
  }

  async login(username: string, password = `${username}-password`): Promise<any> {
    const answer = await this.http.send('POST', '/auth/login', { json: { username, password } });
    if (answer.status !== 200) throw new Error(`Login answered ${answer.status}: ${answer.text}`);
    return answer.body;
  }

  /** Whether the application accepts an access token. */
  async accepts(token: string): Promise<boolean> {
    return (await this.http.send('GET', '/auth/verify', { token })).status === 204;
  }

  /** Stops as a service manager does, and waits for all that was started. Gives the signal or code it ended by. */
  async stop(): Promise<string | number | null> {
    const isGone = this.child.exitCode !== null || this.child.signalCode !== null;
    const gone = isGone ? undefined : once(this.child, 'close');
    this.child.kill('SIGTERM');
    await gone;
    return this.child.signalCode ?? this.child.exitCode;
  }
}

const children = new Set<ChildProcess>();
process.once('exit', () => children.forEach((child) => child.kill()));

function run([program, ...rest]: string[], env: Env): { child: ChildProcess; output: () => string } {
  const child = spawn(program!, rest, { cwd: ROOT, env: { ...process.env, ...DEFAULTS, ...env } });
  children.add(child);
  child.once('close', () => children.delete(child));
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { child, output: () => text };
}
