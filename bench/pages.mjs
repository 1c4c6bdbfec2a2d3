// What it costs to render the devices page with 100 sessions: run it after `npm run build`.
import { execFileSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { sessionRecord } from '../dist/index.js';
import { sessionOf } from '../dist/contracts/session.js';
import { loadPeers } from '../dist/pages/load-peers.js';
import { PageRenderer } from '../dist/pages/page-renderer.js';
import { viewOf } from '../dist/pages/session-view.js';
import { quantile } from './statistics.mjs';

const SESSIONS = 100;
const ROUNDS = 500;
const PROCESSES = 15;
const NOW = 1_764_000_000_000;

const DEVICES = [
  (version) => `Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:${version}.0) Gecko/20100101 Firefox/${version}.0`,
  (version) =>
    `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${version}.0 Safari/537.36`,
  (version) =>
    `Mozilla/5.0 (iPhone; CPU iPhone OS ${version}_1 like Mac OS X) Version/${version}.1 Mobile/15E148 Safari/604.1`,
  (version) => `Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/${version}.0 Safari/537.36 Edg/${version}.0`,
  (version) => `curl/8.${version}`,
];

const sessions = Array.from({ length: SESSIONS }, (_, index) =>
  sessionOf(
    sessionRecord({
      id: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
      userId: '1',
      accessDigest: '0'.repeat(64),
      createdAt: NOW - index * 3_600_000,
      authenticatedAt: NOW - index * 3_600_000,
      lastUsedAt: NOW - index * 60_000,
      expiresAt: NOW + 86_400_000,
      userAgent: DEVICES[index % DEVICES.length](index + 10),
      ipAddress: `192.0.2.${index}`,
      deviceName: index % 2 ? `Laptop ${index}` : null,
    }),
  ),
);
const request = { url: '/auth/devices', headers: { 'accept-language': 'de,en;q=0.5' } };

function pageOf(renderer) {
  const language = renderer.languageOf(request);
  const viewing = { currentId: sessions[0].id, now: NOW, language, descriptions: renderer.descriptions };
  const [current, ...others] = sessions.map((session) => viewOf(session, viewing));
  const data = { current: [current], others, newest: null, notices: [], done: null };
  return renderer.render(request, { name: 'devices', title: language.text('devices.title'), data });
}

/** Milliseconds for each page, of CPU and by the clock. */
async function measure(rendererFor, rounds) {
  const before = process.cpuUsage();
  const start = performance.now();
  for (let round = 0; round < rounds; round++) await pageOf(rendererFor());
  const { user, system } = process.cpuUsage(before);
  return { cpu: (user + system) / 1_000 / rounds, clock: (performance.now() - start) / rounds };
}

const shown = ({ cpu, clock }) => `${cpu.toFixed(2)} ms of CPU, ${clock.toFixed(2)} ms`;

/** The first page of a process, whose code no engine has seen before; what it takes is mostly its compiling. */
function firstPages() {
  const file = fileURLToPath(import.meta.url);
  const found = Array.from({ length: PROCESSES }, () => Number(execFileSync(process.execPath, [file, 'first'])));
  const [low, middle, high] = [0.25, 0.5, 0.75].map((q) => quantile(found, q).toFixed(2));
  return `${middle} ms of CPU (quartiles ${low} to ${high}, ${PROCESSES} processes)`;
}

const peers = loadPeers();
const renderer = new PageRenderer({}, peers);
if (process.argv[2] === 'first') {
  console.log((await measure(() => renderer, 1)).cpu);
} else {
  await measure(() => renderer, 200);
  console.log(`${SESSIONS} sessions, ${(await pageOf(renderer)).length} characters, Node ${process.version}`);
  console.log(`devices seen before: ${shown(await measure(() => renderer, ROUNDS))}`);
  const fresh = Array.from({ length: 50 }, () => new PageRenderer({}, peers));
  for (const one of fresh) await one.render(request, { name: 'error', title: '', data: { problem: '', back: '' } });
  console.log(`all of them new:     ${shown(await measure(() => fresh.pop(), 50))}`);
  console.log(`the first of all:    ${firstPages()}`);
}
