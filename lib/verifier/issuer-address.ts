import { isLoopback, type OptionReader } from '../options/option-reader';
import { isWeakClientSecret } from '../tokens/secret-check';
import { ClientCredentials } from './client-credentials';

/** Who this service is at the issuer. @param read where problems are noted; null: nowhere */
export function clientOf(read: OptionReader | null, name: string, client: unknown): ClientCredentials {
  const { id, secret } = Object(client) as { id?: unknown; secret?: unknown };
  const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
  if (isText(id) && isText(secret) && Object.keys(client as object).length === 2) {
    if (isWeakClientSecret(secret)) read?.problems.push(`${name}: ${WEAK_SECRET}`);
    return new ClientCredentials(id, secret);
  }
  read?.problems.push(`${name}: must be { id, secret }, one of the \`clients\` of the issuer.`);
  return new ClientCredentials('', '');
}

const WEAK_SECRET =
  'the secret is published, a placeholder or can be guessed; configure a client with another secret at the issuer.';

/**
 * Tokens and keys travel by TLS; without it only where nothing leaves the machine, or where the application says so.
 * @param address the option's name, and that of the option which allows HTTP
 */
export function uriOf(
  read: OptionReader,
  uri: unknown,
  { name, allow, allowHttp }: { name: string; allow: string; allowHttp: boolean },
): string {
  if (typeof uri !== 'string' || !URL.canParse(uri)) {
    read.problems.push(`${name}: ${uri === undefined ? 'missing' : 'not a URL'}; set one such as 'https://…'.`);
    return '';
  }
  const { protocol, hostname, username, password, hash } = new URL(uri);
  if (username !== '' || password !== '' || hash !== '') {
    read.problems.push(`${name}: must have no user, password or fragment.`);
  }
  const isSafe = protocol === 'https:' || (protocol === 'http:' && (allowHttp || isLoopback(hostname)));
  if (!isSafe) read.problems.push(`${name}: must be https; http only on localhost, or with ${allow}: true.`);
  return uri;
}
