// The same request with more rows, more sessions per user and more processes.
import { authenticated } from './knox.mjs';

const request = (name, about, more) =>
  authenticated({ name, about, platform: 'fastify', kind: 'postgres', lookUp: 'session', prepared: true, ...more });

export const scale = [
  request('scale/10k-rows', '10,000 sessions of as many users', { contents: { rows: 10_000 } }),
  request('scale/1m-rows', '1,000,000 sessions of as many users', { contents: { rows: 1_000_000 } }),
  request('scale/1000-sessions-per-user', '200,000 sessions of 200 users', {
    contents: { rows: 200_000, sessionsPerUser: 1_000 },
  }),
  request('processes/1', 'one process', { processes: 1 }),
  request('processes/2', 'two processes that share the database, and serve the tokens of one another', {
    processes: 2,
  }),
];
