import { JwtKnoxConfigurationError } from '../contracts/errors';
import type { JwtKnoxFeature } from '../contracts/feature';
import { AdminForms, AdminPages } from './admin.pages';
import { DevicesView } from './devices-view';
import { DeviceActions } from './device-actions';
import { ConfirmedForms, DevicesPage } from './devices.pages';
import { DeviceStreams } from './device-streams';
import { DeviceEvents, LiveScript } from './live.pages';
import { loadPeers } from './load-peers';
import { LoginForm, LoginPage, StyleSheet } from './login.pages';
import { ProgramForms } from './programs.pages';
import { PageRenderer } from './page-renderer';
import { LIVE_ROUTES, LOGIN_ROUTES, OTHER_ROUTES, PAGE_SCHEMAS } from './page-descriptions';
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
  const isLive = options.live === true;
  return {
    name: 'pages',
    providers: [
      { provide: PageRenderer, useValue: new PageRenderer(options, loadPeers()) },
      DevicesView,
      DeviceActions,
      ...(isLive ? [DeviceStreams] : []),
    ],
    controllers: [
      ...(hasLogin ? [LoginPage, LoginForm] : []),
      DevicesPage,
      StyleSheet,
      ...(isLive ? [DeviceEvents, LiveScript] : []),
    ],
    userControllers: [ConfirmedForms],
    tokenControllers: [ProgramForms],
    adminControllers: [AdminPages, AdminForms],
    routes: [...(hasLogin ? LOGIN_ROUTES : []), ...OTHER_ROUTES, ...(isLive ? LIVE_ROUTES : [])],
    schemas: PAGE_SCHEMAS,
    problems: (settings) => placeProblems(settings, hasLogin),
  };
}
