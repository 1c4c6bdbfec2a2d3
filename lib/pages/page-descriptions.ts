import type { RouteDescription } from '../contracts/feature';
import { LIVE_SCRIPT_NAME } from './templates/live-script';
import { STYLE_SHEET_NAME } from './templates/style-sheet';

const text = { type: 'string' };
const members = (...names: string[]) => Object.fromEntries(names.map((name) => [name, text]));
const formOf = (required: string[], ...optional: string[]) => ({
  type: 'object',
  required,
  properties: members(...required, ...optional),
});

/** What the descriptions name. */
export const PAGE_SCHEMAS = {
  Page: text,
  StyleSheet: text,
  Script: text,
  DeviceEvents: text,
  LoginForm: formOf(['username', 'password'], 'remember', 'next'),
  DevicesForm: formOf(['action'], 'id', 'device_name', 'refused_at', 'password'),
  ProgramForm: formOf(['name'], 'scopes', 'expires_in', 'password'),

  EndForm: formOf(['id', 'user_id'], 'reason'),
  EndAllForm: formOf(['user_id'], 'reason'),
};

/** What every page and form may tell by a page; who is not logged in is sent to the login. */
const TOLD = {
  303: null,
  400: 'Page',
  401: 'Page',
  403: 'Page',
  404: 'Page',
  413: 'Page',
  415: 'Page',
  429: 'Page',
  503: 'Page',
};

type Authentication = RouteDescription['auth'];

const page = (path: string, summary: string, auth: Authentication, query: string[] = []): RouteDescription => ({
  method: 'GET',
  path,
  summary,
  auth,
  query,
  responses: { 200: 'Page', ...TOLD },
  responseType: 'text/html',
});

const form = (path: string, summary: string, auth: Authentication, request?: string): RouteDescription => ({
  method: 'POST',
  path,
  summary,
  auth,
  request,
  requestType: 'application/x-www-form-urlencoded',
  responses: TOLD,
  responseType: 'text/html',
});

export const LOGIN_ROUTES = [
  page('login', 'Shows the login form.', 'public', ['next', 'ended']),
  form('pages/login', 'Logs in by a form.', 'public', 'LoginForm'),
];

export const OTHER_ROUTES: RouteDescription[] = [
  page('devices', 'Shows the sessions of the user.', 'access'),
  form('pages/devices', 'Ends or renames sessions of the user, by a form.', 'access', 'DevicesForm'),
  {
    ...form('pages/tokens', 'Makes a token for a program, by a form.', 'access', 'ProgramForm'),
    responses: { 200: 'Page', ...TOLD },
  },
  form('pages/devices/confirmed', 'The same with a password, where the login must be fresh.', 'access', 'DevicesForm'),
  page('admin', 'Shows statistics of all sessions.', 'admin'),
  page('admin/users', 'Shows the sessions of a user.', 'admin', ['user_id']),
  page('admin/users/:user_id', 'Shows the sessions of a user.', 'admin'),
  form('pages/admin/end', 'Ends one session of a user, by a form.', 'admin', 'EndForm'),
  form('pages/admin/end-all', 'Ends all sessions of a user, by a form.', 'admin', 'EndAllForm'),
  form('pages/admin/purge', 'Deletes expired sessions, by a form.', 'admin'),
  {
    method: 'GET',
    path: `pages/${STYLE_SHEET_NAME}`,
    summary: 'Returns the style sheet of the pages.',
    auth: 'public',
    responses: { 200: 'StyleSheet' },
    responseType: 'text/css',
  },
];

export const LIVE_ROUTES: RouteDescription[] = [
  {
    method: 'GET',
    path: 'pages/devices/events',
    summary: 'Streams the list of devices to their page, whenever it changes.',
    auth: 'access',
    query: ['up'],
    responses: { 200: 'DeviceEvents', 403: 'StreamRefusal', 429: 'StreamRefusal' },
    responseType: 'text/event-stream',
  },
  {
    method: 'GET',
    path: `pages/${LIVE_SCRIPT_NAME}`,
    summary: 'Returns the script of the page of devices.',
    auth: 'public',
    responses: { 200: 'Script' },
    responseType: 'text/javascript',
  },
];
