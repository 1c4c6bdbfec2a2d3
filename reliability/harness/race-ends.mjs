// The ways in which sessions start, and those in which they end.

/** Each way in which a session starts: the route, and whether the host's own login guards stand before it. */
export const STARTS = {
  login: { path: '/auth/login' },
  'login guards': { path: '/auth/login', guarded: true },
  'a proof of the host': { path: '/races/passkey' },
  'issue alone': { path: '/races/issue' },
};

/** Each end of all sessions of a user. `next`: the password from then on. */
export const ENDS = {
  'logout-all': (node, { session }) => node.send('POST', '/auth/logout-all', { token: session.access_token }),
  admin: (node, { user, admin }) =>
    node.send('DELETE', `/auth/admin/users/id-${user}/sessions`, { token: admin.access_token }),
  'password change': (node, { session, next }) =>
    node.send('PUT', '/password', { token: session.access_token, json: { password: next } }),
  'forgotten password': (node, { user, next }) =>
    node.send('POST', '/races/forgotten', { json: { username: user, password: next } }),
  userDisabled: (node, { user }) => node.send('POST', '/races/disable', { json: { username: user } }),
  revokeBefore: (node) => node.send('POST', '/races/revokeBefore'),
};

/** Those, and the ends of one session: a refresh of it outlives none of them. */
export const REFRESH_ENDS = {
  logout: (node, { session }) => node.send('POST', '/auth/logout', { token: session.access_token }),
  'logout with the refresh token': (node, { session }) =>
    node.send('POST', '/auth/logout', { json: { refresh_token: session.refresh_token } }),
  'sessions/:id': (node, { session, elsewhere }) =>
    node.send('DELETE', `/auth/sessions/${session.session_id}`, { token: elsewhere.access_token }),
  'logout-other': (node, { elsewhere }) => node.send('POST', '/auth/logout-other', { token: elsewhere.access_token }),
  'password change elsewhere': (node, { elsewhere, ...race }) =>
    ENDS['password change'](node, { ...race, session: elsewhere }),
  /** Ends what the session's tokens of before could do. */
  reauthenticate: (node, { session }) => node.send('POST', '/races/reauthenticate', { token: session.access_token }),
  ...ENDS,
};

/** The ends that answer with new tokens, and of which session; those that leave other sessions alone. */
export const RENEWED = {
  'password change': 'session',
  'password change elsewhere': 'elsewhere',
  reauthenticate: 'session',
};
export const ENDS_ONE = ['logout', 'logout with the refresh token', 'sessions/:id', 'logout-other', 'reauthenticate'];

/** This one is everybody's: nothing else runs beside it. */
export const endsEverything = (end) => end === 'revokeBefore';
export const changesPassword = (end) => /password/.test(end);
