import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { HttpClient } from './http-client.js';

/** What `npm start` runs: builds what is out of date first. */
const START = resolve(import.meta.dirname, '../../start.mjs');
/** What has been built. */
export const MAIN = resolve(import.meta.dirname, '../../dist/main.js');
const DEFAULTS = {
  PORT: '0',
  DATABASE_URL: 'sqlite::memory:',
  PASSWORD_COST: 'low',
  JWT_SECRET: randomBytes(32).toString('hex'),
};

type Env = Record<string, string>;

/** The application, in a process of its own. */
export class AppProcess {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
    readonly http: HttpClient,
  ) {}

  /** Resolves when the application listens. */
  static async start(env: Env = {}, script = START): Promise<AppProcess> {
    const { child, output } = run(script, env);
    const url = await new Promise<string>((listening, failed) => {
      child.stdout!.on('data', () => {
        const found = /^Listening on (http:\/\/\S+)$/m.exec(output());
        if (found) listening(found[1]!);
      });
      child.once('exit', () => failed(new Error(`The application did not start:\n${output()}`)));
    });
    return new AppProcess(child, url, new HttpClient(Number(new URL(url).port)));
  }

  /** Builds what is out of date, which may take longer than a test should. */
  static async build(): Promise<void> {
    await AppProcess.failure({ PORT: 'none' });
  }

  /** What the application says when it cannot start. */
  static async failure(env: Env): Promise<{ code: number | null; output: string }> {
    const { child, output } = run(START, env);
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

  /** Stops as a service manager does. Gives the signal or exit code that the process ended by. */
  async stop(): Promise<string | number | null> {
    const gone = this.child.exitCode === null && this.child.signalCode === null ? once(this.child, 'exit') : undefined;
    this.child.kill('SIGTERM');
    await gone;
    return this.child.signalCode ?? this.child.exitCode;
  }
}

function run(script: string, env: Env): { child: ChildProcess; output: () => string } {
  const child = spawn(process.execPath, [script], { env: { ...process.env, ...DEFAULTS, ...env } });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { child, output: () => text };
}
