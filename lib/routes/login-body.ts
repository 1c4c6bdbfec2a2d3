import { InvalidRequestError } from '../contracts/errors';
import { jsonBodyOf } from '../guard/request-body';
import { LoginDto } from './dto';

/**
 * The checked body of a login, whose username may have another name in it.
 * @throws InvalidRequestError that says what is missing, by the name under which it is to be sent
 */
export function loginBodyOf(request: any, usernameField: string): LoginDto {
  const body: unknown = request.body;
  const given = (typeof body === 'object' && body !== null && !Array.isArray(body) ? body : {}) as Record<
    string,
    unknown
  >;
  const valueOf = (name: string) => (Object.hasOwn(given, name) ? given[name] : undefined);
  const { headers } = request as { headers: unknown };
  const members = { username: valueOf(usernameField), password: valueOf('password') };
  const device = { device_name: valueOf('device_name'), remember: valueOf('remember') };
  // A request without a body stays one.
  const renamed = Object.keys(given).length > 0 ? { headers, body: { ...members, ...device } } : request;
  try {
    return jsonBodyOf(renamed, LoginDto);
  } catch (error) {
    if (!(error instanceof InvalidRequestError) || error.status !== 400 || body !== given) throw error;
    const missing = [usernameField, 'password'].filter((name) => valueOf(name) === undefined);
    if (missing.length === 0) throw new InvalidRequestError(error.message.replace(/^username\b/, usernameField));
    const verb = missing.length > 1 ? 'are' : 'is';
    throw new InvalidRequestError(
      `${missing.join(' and ')} ${verb} missing: send ${usernameField} and password as JSON.`,
    );
  }
}
