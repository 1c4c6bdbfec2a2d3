// The parent's end of a server process.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const FILE = fileURLToPath(new URL('server.mjs', import.meta.url));

const running = new Set();

/** Ends what is left when a run is cut short. */
export function stopServers() {
  return Promise.all([...running].map((server) => server.stop()));
}

export class ServerProcess {
  #asked = new Map();
  #ids = 0;

  constructor() {
    this.child = fork(FILE, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: [...process.execArgv, '--expose-gc'],
      env: { ...process.env, NODE_ENV: 'production' },
    });
    this.child.on('message', ({ id, answer, error }) => {
      const { resolve, reject } = this.#asked.get(id);
      this.#asked.delete(id);
      if (error) reject(new Error(error));
      else resolve(answer);
    });
    running.add(this);
    this.child.on('exit', (code, signal) => {
      running.delete(this);
      for (const { reject } of this.#asked.values()) reject(new Error(`The server ended with ${code ?? signal}.`));
    });
  }

  ask(ask, parameters = {}) {
    const id = ++this.#ids;
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve, reject });
      this.child.send({ id, ask, ...parameters });
    });
  }

  async stop() {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGKILL');
    await ended;
  }
}
