// What a hostile client can reach. A new route is one more line.

/**
 * `takes`: the credential that opens it: `access`, `admin` (an admin's access token), `refresh` (in the body), `either`
 * (access token or refresh token), `login`, `client` (a client's, with a token in a form), or `nothing`: everybody is answered 2xx.
 * `query`: the members that it reads. `spends`: what opened it is not as good afterwards.
 */
export const ENDPOINTS = [
  { method: 'POST', path: '/auth/login', takes: 'login' },
  { method: 'POST', path: '/auth/refresh', takes: 'refresh', spends: true },
  { method: 'POST', path: '/auth/logout', takes: 'either', spends: true },
  { method: 'POST', path: '/auth/logout-other', takes: 'access' },
  { method: 'POST', path: '/auth/logout-all', takes: 'access', spends: true },
  { method: 'GET', path: '/auth/verify', takes: 'access' },
  { method: 'POST', path: '/auth/verify', takes: 'access' },
  { method: 'GET', path: '/auth/debug-verify', takes: 'access' },
  { method: 'GET', path: '/auth/sessions', takes: 'access', query: ['limit', 'before', 'before_id'] },
  { method: 'DELETE', path: '/auth/sessions/:id', takes: 'access' },
  { method: 'GET', path: '/auth/admin/statistics', takes: 'admin', query: ['user_id'] },
  { method: 'POST', path: '/auth/admin/purge-expired', takes: 'admin' },
  { method: 'GET', path: '/auth/admin/users/:id/sessions', takes: 'admin', query: ['limit', 'before', 'before_id'] },
  { method: 'DELETE', path: '/auth/admin/users/:id/sessions', takes: 'admin' },
  { method: 'POST', path: '/auth/introspect', takes: 'client' },
  { method: 'POST', path: '/auth/revoke', takes: 'client', spends: true },
  { method: 'GET', path: '/.well-known/oauth-authorization-server', takes: 'nothing' },
  { method: 'GET', path: '/.well-known/jwks.json', takes: 'nothing' },
  { method: 'GET', path: '/whoami', takes: 'access' },
  { method: 'GET', path: '/whoami/about', takes: 'nothing' },
];
