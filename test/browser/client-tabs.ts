import { readdirSync, readFileSync } from 'node:fs';
import type { INestApplication } from '@nestjs/common';
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript';
import type { BrowserContext, Page } from 'playwright-core';
import type { Mode } from '../support/tabs';

/** `dpop`: the client, which proves with each request that it has its key. */
export type ClientKind = 'client' | 'dpop' | 'naive';

/** What a tab's requests came to. */
export interface Beat {
  right: number;
  /** What the others said, each once. */
  wrong: string[];
}

const POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'";

/** Under `/tab/…`: the client as it is compiled, axios, and a page whose script gives a test the one or the other. */
const FILES = new Map<string, { type: string; content: string }>([
  ['page', { type: 'text/html', content: '<!doctype html><title>Tab</title><script type="module" src="tab.mjs"></script>' }],
  ['axios.mjs', script(readFileSync('node_modules/axios/dist/esm/axios.min.js', 'utf8'))],
  ['naive-client.mjs', script(compiled('test/support/naive-client.ts').replace("'axios'", "'./axios.mjs'"))],
  ...readdirSync('lib/client').map((name) => [name.replace('.mts', '.mjs'), script(compiled(`lib/client/${name}`))] as const),
  ['tab.mjs', script(tabScript())],
  ['worker.mjs', script(workerScript())],
]); // prettier-ignore

function script(content: string) {
  return { type: 'text/javascript', content };
}

function compiled(file: string): string {
  const compilerOptions = { target: ScriptTarget.ES2022, module: ModuleKind.ESNext, verbatimModuleSyntax: true };
  return transpileModule(readFileSync(file, 'utf8'), { compilerOptions }).outputText;
}

function tabScript(): string {
  return `
import { dpopFetch } from './dpop.mjs';
import { createJwtKnoxClient } from './index.mjs';
import { openNaiveTab } from './naive-client.mjs';
const [kind, mode] = location.search.slice(1).split(',');
const ends = [];
const open = () => {
  if (kind === 'naive') return openNaiveTab(location.origin, localStorage, mode);
  const client = createJwtKnoxClient({
    baseUrl: '/auth', mode,
    ...(mode === 'bearer' && { storage: localStorage }),
    ...(kind === 'dpop' && { fetch: dpopFetch({ baseUrl: '/auth' }) }),
  });
  client.onChange((sessionId) => sessionId === null && ends.push(Date.now()));
  return { login: client.login, get: async (path) => (await client.fetch(path)).json() };
};
const tab = open();
globalThis.tab = {
  ends,
  login: (credentials) => tab.login(credentials),
  async beat(path, count) {
    const answers = await Promise.allSettled(Array.from({ length: count }, () => tab.get(path)));
    const wrong = answers.filter(({ value }) => value?.username !== 'alice');
    const said = wrong.map(({ value, reason }) => (reason ? String(reason) : JSON.stringify(value)));
    return { right: count - wrong.length, wrong: [...new Set(said)] };
  },
};
`;
}

/** A worker that asks for a path with a token, and proves that it has the key. */
function workerScript(): string {
  return `
import { dpopFetch } from './dpop.mjs';
const send = dpopFetch({ baseUrl: location.origin + '/auth' });
addEventListener('message', async ({ data: { path, token } }) => {
  const { status } = await send(location.origin + path, { headers: { authorization: 'Bearer ' + token } });
  postMessage(status);
});
`;
}

/**
 * Serves the files, on the origin of the API. Each request has a connection of its own: Chromium sends what it sent on one
 * that had been used, and was closed without an answer, once more by itself, and no answer would ever be lost.
 */
export function serveTabs(app: INestApplication): void {
  app.use((request: any, response: any, next: () => void) => {
    response.setHeader('Connection', 'close');
    const [, name] = /^\/tab\/([\w.-]+)/.exec(request.originalUrl) ?? [];
    const file = name && FILES.get(name);
    if (!file) return next();
    response.writeHead(200, { 'content-type': file.type, 'content-security-policy': POLICY });
    response.end(file.content);
  });
}

/** A tab of Chromium with one of the clients. */
export class ClientTab {
  private constructor(readonly page: Page) {}

  static async open(
    context: BrowserContext,
    origin: string,
    { kind, mode }: { kind: ClientKind; mode: Mode },
  ): Promise<ClientTab> {
    const page = await context.newPage();
    // Until its script has run: a module that waits for nothing runs before the page counts as loaded.
    await page.goto(`${origin}/tab/page?${kind},${mode}`, { waitUntil: 'load' });
    return new ClientTab(page);
  }

  login(credentials: object): Promise<unknown> {
    return this.page.evaluate(`tab.login(${JSON.stringify(credentials)}).then(() => null)`);
  }

  /** So many requests at once. */
  beat(path: string, count: number): Promise<Beat> {
    return this.page.evaluate(`tab.beat('${path}', ${count})`);
  }

  /** How often the client said that nobody is logged in, since the last time. */
  async ends(): Promise<number> {
    return this.page.evaluate('tab.ends.splice(0).length');
  }
}
