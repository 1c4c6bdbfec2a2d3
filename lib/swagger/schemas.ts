import type { Part } from './document-draft';

/** What the schemas of one module depend on. */
export interface SchemaSettings {
  readonly usernameField: string;
  readonly hasLoginGuards: boolean;
  readonly isSingleToken: boolean;
  readonly hasCookies: boolean;
  /** As {@link TransportDescription} has it. */
  readonly body: 'tokens' | 'no-tokens' | 'either' | 'other';
}

const text = { type: 'string' };
const uuid = { type: 'string', format: 'uuid' };
const time = { type: 'string', format: 'date-time' };
const count = { type: 'integer', minimum: 0 };
const flag = { type: 'boolean' };
const unknown = { type: 'object', additionalProperties: true };
const said = (schema: Part, description: string) => ({ ...schema, description });
const orNull = (schema: Part) => ({ ...schema, nullable: true });
const only = (...values: unknown[]) => ({ type: typeof values[0], enum: values });
const list = (items: Part) => ({ type: 'array', items });
/** Another schema of {@link coreSchemas}: one in the document, whoever refers to it. */
const named = (name: string) => ({ $name: name });

/** @param optional the names of the members that may be left out */
function object(properties: Part, optional: readonly string[] = [], others: Part = {}): Part {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', ...(required.length > 0 && { required }), properties, ...others };
}

const tokenType = said(only('Bearer', 'DPoP'), 'DPoP: each request needs a proof of the key of the device.');
const credential = { type: 'string', minLength: 1, maxLength: 1_024 };
const deviceName = said(text, 'A name for the device; cut at 128 characters.');
const remember = said(flag, 'false: the session ends earlier without a refresh.');
const optional = ['device_name', 'remember'];

const scopes = said(list(text), 'What it may do.');

const sessionMembers = {
  id: uuid,
  kind: only('login', 'program', 'impersonation'),
  device_name: orNull(text),
  user_agent: orNull(text),
  ip_address: orNull(text),
  last_user_agent: orNull(said(text, 'Of the last refresh that rotated.')),
  last_ip_address: orNull(said(text, 'Of the last refresh that rotated.')),
  created_at: time,
  authenticated_at: said(time, 'When the user last proved who they are.'),
  last_used_at: time,
  expires_at: time,
  scopes: orNull(said(list(text), 'What the session may do; null: whatever its user may.')),
  actor: orNull(said(object({ user_id: text, realm: text }), 'Who acts as the user; null for the user.')),
  bound: orNull(said(text, 'How the session is bound to a key of its device; null: it is not.')),
  copy_refused_at: orNull(
    said(time, 'When somebody with a copy of its token was refused last, until the user has seen it.'),
  ),
  current: said(flag, 'Whether it is the session of this request.'),
};

function loginSchema({ usernameField, hasLoginGuards }: SchemaSettings): Part {
  const device = { device_name: orNull(deviceName), remember: orNull(remember) };
  // What else the guards read, nobody but them knows.
  if (hasLoginGuards) return object(device, optional, { additionalProperties: true });
  return object({ [usernameField]: credential, password: credential, ...device }, optional);
}

function tokenSchema({ isSingleToken, hasCookies, body }: SchemaSettings): Part {
  if (body === 'other') return said(unknown, 'As the application returns it.');
  const lifetime = said(count, 'Seconds.');
  const always = { token_type: tokenType, expires_in: lifetime, session_id: uuid };
  const lasting = isSingleToken ? {} : { refresh_expires_in: lifetime };
  const tokens = { access_token: text, ...(!isSingleToken && { refresh_token: text }) };
  const withTokens = object({ ...always, ...tokens, ...lasting });
  const withCookies = said(object({ ...always, ...lasting }), 'In a browser, whose tokens are in cookies.');
  if (body === 'tokens' || !hasCookies) return withTokens;
  return body === 'either' ? { anyOf: [withTokens, withCookies] } : withCookies;
}

const counts = object({ all: count, active: count, expired: count });
const averages = object({ all: { type: 'number' }, active: { type: 'number' }, expired: { type: 'number' } });
const statistics = object({
  users: count,
  sessions: counts,
  average_per_user: averages,
  max_active_per_user: count,
  by_user_agent: list(object({ user_agent: orNull(text), active: count })),
  generated_at: time,
});

const audience = { anyOf: [text, list(text)] };
const active = object(
  {
    active: only(true),
    token_type: tokenType,
    cnf: said(object({ jkt: text }), 'The key that whoever shows the token must have.'),
    sub: said(text, 'The id of the user.'),
    sid: said(uuid, 'The id of the session.'),
    exp: count,
    jti: text,
    iat: count,
    iss: text,
    aud: audience,
    realm: text,
    client_id: text,
    scope: text,
    auth_time: count,
    act: unknown,
  },
  ['token_type', 'cnf', 'iss', 'aud', 'realm', 'client_id', 'scope', 'auth_time', 'act'],
  { additionalProperties: true },
);

const metadata = object(
  {
    issuer: text,
    response_types_supported: list(text),
    grant_types_supported: list(text),
    introspection_endpoint: text,
    introspection_endpoint_auth_methods_supported: list(text),
    revocation_endpoint: text,
    revocation_endpoint_auth_methods_supported: list(text),
    jwks_uri: text,
  },
  ['jwks_uri'],
);

const key = object({ kty: text, kid: text, alg: text, use: only('sig') }, [], { additionalProperties: true });

const programTokenMembers = {
  id: uuid,
  name: orNull(text),
  scopes: orNull(scopes),
  created_at: time,
  last_used_at: orNull(time),
  expires_at: time,
};

/** Behind login guards the login itself must be fresh. */
function newProgramTokenSchema({ hasLoginGuards }: SchemaSettings): Part {
  const name = { type: 'string', minLength: 1, maxLength: 128 };
  const order = {
    name,
    scopes: { ...list(text), minItems: 1, maxItems: 100 },
    expires_in: orNull(count),
    dpop_jkt: orNull(text),
  };
  const unneeded = ['expires_in', 'dpop_jkt'];
  return hasLoginGuards ? object(order, unneeded) : object({ ...order, password: credential }, unneeded);
}

function reauthenticationSchema({ hasLoginGuards }: SchemaSettings): Part {
  return hasLoginGuards ? said(unknown, 'As the login guards read it.') : object({ password: credential });
}

/** What the routes name, by the names that they use. */
export function coreSchemas(settings: SchemaSettings): Record<string, Part> {
  return {
    Login: loginSchema(settings),
    Tokens: tokenSchema(settings),
    Refresh: object(
      { refresh_token: text, resource: { anyOf: [text, { ...list(text), minItems: 1 }] } },
      settings.hasCookies || settings.body === 'other' ? ['refresh_token', 'resource'] : ['resource'],
    ),
    Logout: object({ refresh_token: orNull(text) }, ['refresh_token']),
    Reauthentication: reauthenticationSchema(settings),
    Session: object(sessionMembers),
    Sessions: list(named('Session')),
    SessionName: object({ device_name: orNull(deviceName) }),
    Revoked: object({ revoked: said(count, 'How many sessions were ended.') }),
    RevokedOthers: object({ revoked: count, tokens_remaining: said(count, 'Tokens for programs.') }, [
      'tokens_remaining',
    ]),
    Deleted: object({ deleted: said(count, 'How many expired sessions were deleted.') }),
    Statistics: statistics,
    UserSession: object({ ...sessionMembers, user_id: text, expired: flag }),
    UserSessions: list(named('UserSession')),
    DebuggedToken: object({ claims: orNull(unknown), session: named('Session'), user_id: text }),
    TokenForm: object({ token: text, token_type_hint: text }, ['token_type_hint']),
    Introspection: { anyOf: [active, object({ active: only(false) })] },
    RevocationEvents: said(
      text,
      'Server-sent events; the data of each is a signed frame (JWS, `typ` revocations+jwt).',
    ),
    KeySet: object({ keys: list(key) }),
    Metadata: metadata,
    ProgramToken: object(programTokenMembers),
    ProgramTokens: list(named('ProgramToken')),
    NewProgramToken: newProgramTokenSchema(settings),
    IssuedProgramToken: object({ ...programTokenMembers, token: said(text, 'Shown this once.') }),
  };
}

/** A refusal of the library; `code` is stable. */
export const ERROR = said(
  object({ statusCode: { type: 'integer' }, error: text, code: text, message: text }),
  'code is stable, message is for people.',
);

/** The same as clients of OAuth read it (RFC 6749 section 5.2). */
export const OAUTH_ERROR = object({
  statusCode: { type: 'integer' },
  error: text,
  code: text,
  message: text,
  error_description: text,
});

/** What Nest answers to an exception without a code. */
export const HTTP_ERROR = object({ statusCode: { type: 'integer' }, error: text, message: text }, ['error']);
