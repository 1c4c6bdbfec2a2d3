import type { DocumentDraft, Part } from './document-draft';
import { ERROR, HTTP_ERROR, OAUTH_ERROR } from './schemas';
import { ACCESS_REFUSED } from './core-routes';

type Draft = DocumentDraft<any>;

const header = (description: string, schema: Part, required = true) => ({ description, required, schema });
const text = { type: 'string' };

export const HEADERS = {
  noStore: { 'Cache-Control': header('No cache keeps the answer.', { ...text, enum: ['no-store'] }) },
  stream: { 'Cache-Control': header('No cache keeps the answer.', { ...text, pattern: 'no-store' }) },
  cacheable: { 'Cache-Control': header('How long the document may be kept.', text) },
  pragma: { Pragma: header('For old caches.', { ...text, enum: ['no-cache'] }) },
  challenge: { 'WWW-Authenticate': header('RFC 6750 section 3.', text) },
  retry: { 'Retry-After': header('Seconds until another attempt may succeed.', { ...text, pattern: '^\\d+$' }) },
  link: { Link: header('The next page, relative to this one (RFC 8288); none at the end.', text, false) },
  cookies: { 'Set-Cookie': header('In a browser: the tokens, or their end.', text, false) },
} as const;

const TITLES: Record<number, string> = {
  400: 'The request is not as it should be.',
  401: 'Not let in.',
  403: 'Not allowed.',
  413: 'The body is too large.',
  415: 'The body is of another content type.',
  503: 'What this depends on does not answer, or not in time.',
};

/** How a refusal is told. */
export interface Refusal {
  readonly status: number;
  readonly codes: readonly string[];
  /** Whether clients of OAuth read it; `both`: those and all others, by the code. */
  readonly form: 'usual' | 'oauth' | 'both';
  /** Whether no cache may keep it. */
  readonly isPrivate: boolean;
}

/** @returns a reference to the answer of a refusal, whose `code` is one of the refusal's */
export function refusalAnswer(draft: Draft, { status, codes, form, isPrivate }: Refusal): Part {
  const named = (schema: Part) => ({
    allOf: [schema, { type: 'object', properties: { code: { type: 'string', enum: [...codes] } } }],
  });
  const usual = () => named(draft.schema('JwtKnoxError', ERROR));
  const oauth = () => named(draft.schema('JwtKnoxOAuthError', OAUTH_ERROR));
  const schema = form === 'both' ? { anyOf: [usual(), oauth()] } : form === 'oauth' ? oauth() : usual();
  const headers = {
    ...(isPrivate && HEADERS.noStore),
    ...(status === 401 && HEADERS.challenge),
    ...(status === 503 && HEADERS.retry),
  };
  const description = `${TITLES[status] ?? 'Refused.'} \`code\`: ${codes.map((code) => `\`${code}\``).join(', ')}.`;
  return draft.response(nameOf({ status, codes, form }), answer(description, schema, { headers }));
}

/** @returns a reference to the answer to an exception of Nest's */
export function httpErrorSchema(draft: Draft): Part {
  return draft.schema('JwtKnoxHttpError', HTTP_ERROR);
}

export function answer(
  description: string,
  schema: Part | null,
  { headers = {}, type = 'application/json' }: { headers?: Part; type?: string } = {},
): Part {
  return {
    description,
    ...(Object.keys(headers).length > 0 && { headers }),
    ...(schema && { content: { [type]: { schema } } }),
  };
}

const PLAIN: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  413: 'TooLarge',
  415: 'UnsupportedType',
  503: 'Unavailable',
};

/** By the status where that says it all; else by the codes. */
function nameOf({ status, codes, form }: Pick<Refusal, 'status' | 'codes' | 'form'>): string {
  const [first = ''] = codes;
  if (first === 'missing_token' && codes.includes('invalid_credentials')) return 'JwtKnoxProofRefused';
  if (first === 'missing_token')
    return codes.length > ACCESS_REFUSED.length ? 'JwtKnoxTokensRefused' : 'JwtKnoxAccessRefused';
  if (first === 'invalid_refresh_token') return 'JwtKnoxRefreshRefused';
  const plain = PLAIN[status];
  if (plain === undefined) return `JwtKnox${codes.map(pascal).join('Or')}`;
  const kind = { usual: '', oauth: 'OAuth', both: 'Refresh' }[form];
  return `JwtKnox${kind}${first === 'issuer_unavailable' ? 'Issuer' : ''}${plain}`;
}

function pascal(code: string): string {
  return code.replace(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase());
}
