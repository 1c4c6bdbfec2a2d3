import { JwtKnoxConfigurationError } from '../contracts/errors';
import type { JwtKnoxFeature, RouteDescription } from '../contracts/feature';
import { AdminForms, AdminPages } from './admin.pages';
import { DevicesPage } from './devices.pages';
import { loadPeers } from './load-peers';
import { LoginForm, LoginPage, StyleSheet } from './login.pages';
import { PageRenderer } from './page-renderer';
import { optionProblems, type PagesOptions, placeProblems } from './pages.options';

/**
 * Pages for people in a browser, complete without scripts: `GET login`, `GET devices` and, with `routes.admin`, `GET
 * admin`. For the extra `features`, beside `CookieTransport`. Needs the packages `eta`, `negotiator` and `bowser`.
 * @throws JwtKnoxConfigurationError for options that are wrong, and for a package that is not installed
 * @example
 * JwtKnoxModule.forRoot({ secret, userProvider: KnoxUsers, transport: new CookieTransport(), features: [pages()] });
 */
export function pages(options: PagesOptions = {}): JwtKnoxFeature {
  const problems = optionProblems(options);
  if (problems.length > 0) throw new JwtKnoxConfigurationError(problems, 'pages');
  const hasLogin = options.loginUrl === undefined;
  return {
    name: 'pages',
    providers: [{ provide: PageRenderer, useValue: new PageRenderer(options, loadPeers()) }],
    controllers: [...(hasLogin ? [LoginPage, LoginForm] : []), DevicesPage, StyleSheet],
    adminControllers: [AdminPages, AdminForms],
    routes: hasLogin ? [...LOGIN, ...OTHERS] : OTHERS,
    problems: (settings) => placeProblems(settings, hasLogin),
  };
}

const page = (path: string, summary: string, auth: RouteDescription['auth']): RouteDescription => ({
  method: 'GET',
  path,
  summary,
  auth,
  responses: { 200: null },
});
const form = (path: string, summary: string, auth: RouteDescription['auth']): RouteDescription => ({
  method: 'POST',
  path,
  summary,
  auth,
  responses: { 303: null },
});

const LOGIN = [page('login', 'Shows the login form.', 'public'), form('pages/login', 'Logs in by a form.', 'public')];
const OTHERS = [
  page('devices', 'Shows the sessions of the user.', 'access'),
  form('pages/devices', 'Ends or renames sessions of the user, by a form.', 'access'),
  page('admin', 'Shows statistics of all sessions.', 'admin'),
  page('admin/users', 'Shows the sessions of a user.', 'admin'),
  page('admin/users/:user_id', 'Shows the sessions of a user.', 'admin'),
  form('pages/admin/end', 'Ends one session of a user, by a form.', 'admin'),
  form('pages/admin/end-all', 'Ends all sessions of a user, by a form.', 'admin'),
  form('pages/admin/purge', 'Deletes expired sessions, by a form.', 'admin'),
];
