import type { RouteDescription } from '../contracts/feature';
import type { DocumentDraft, Part } from './document-draft';
import type { MountedModule } from './mounted-modules';

/** The names of a module's security schemes in a document. */
export interface SecurityNames {
  /** What opens a guarded route: a header, a cookie, or either. */
  readonly access: readonly string[];
  /** The cookie that renews; empty without cookies. */
  readonly refresh: readonly string[];
  /** What clients of `introspect` and `revoke` send. */
  readonly client: () => string;
}

const cookie = (name: string, description: string) => ({ type: 'apiKey', in: 'cookie', name, description });

export function securityOf(draft: DocumentDraft<any>, { realm, transport }: MountedModule): SecurityNames {
  const named = (name: string) => (realm === '' ? name : `${name}-${realm}`);
  const { bearer, cookies } = transport;
  const schemes: [string, Part][] = [];
  if (bearer) schemes.push(['accessToken', { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' }]);
  if (cookies) schemes.push(['accessCookie', cookie(cookies.access, 'Over http on localhost, it has another name.')]);
  const add = ([name, scheme]: [string, Part]) => draft.securityScheme(named(name), scheme);
  return {
    access: schemes.map(add),
    refresh: cookies ? [add(['refreshCookie', cookie(cookies.refresh, 'Renews the session.')])] : [],
    client: () => add(['oauthClient', { type: 'http', scheme: 'basic' }]),
  };
}

const NOTHING = {};

/** The ways in, of which a request takes one. */
export function requirementsOf(auth: RouteDescription['auth'], { access, client }: SecurityNames): Part[] {
  if (auth === 'public') return [];
  if (auth === 'client') return [{ [client()]: [] }];
  const ways = access.map((name) => ({ [name]: [] }));
  return auth === 'optional' ? [NOTHING, ...ways] : ways;
}

/** Of a route that reads tokens by itself: by cookie or header, or in its body. */
export function tokenRequirements(names: readonly string[]): Part[] {
  return names.length === 0 ? [] : [...names.map((name) => ({ [name]: [] })), NOTHING];
}
