// What cannot be undercut: node:http alone, with a JWT, and with a JWT and one statement.
import jsonwebtoken from 'jsonwebtoken';
import { bearerOf, startRaw } from '../raw-server.mjs';
import { keyOf, meRequest, statelessTokens } from '../tokens.mjs';
import { storedSessions, VERIFY } from './stored-sessions.mjs';

function limit(name, about, columns) {
  return {
    name,
    about,
    database: { kind: 'postgres' },
    async serve(settings) {
      const { userIdOf, requests } = await storedSessions(settings, columns);
      return { port: await startRaw(userIdOf), requests };
    },
  };
}

export const raw = [
  {
    name: 'raw-http',
    about: 'node:http, one route',
    async serve({ secret }) {
      const port = await startRaw(() => 'u1');
      return { port, requests: statelessTokens(secret).map(({ token }) => meRequest(token, 'u1')) };
    },
  },
  {
    name: 'raw-jwt',
    about: 'node:http; jsonwebtoken verifies HS256 with a KeyObject',
    async serve({ secret }) {
      const key = keyOf(secret);
      const port = await startRaw((request) => jsonwebtoken.verify(bearerOf(request), key, VERIFY).sub);
      return { port, requests: statelessTokens(secret).map(({ token, sub }) => meRequest(token, sub)) };
    },
  },
  limit('limit', 'raw-jwt, and one prepared PostgreSQL statement that reads the whole row of the session', '*'),
  limit('limit-narrow', 'the same with the three columns that a check needs', '"userId", "accessDigest", "expiresAt"'),
];
