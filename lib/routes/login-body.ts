import { InvalidRequestError } from '../contracts/errors';
import { checked, jsonObjectOf } from '../guard/request-body';
import { LoginDto } from './dto';

/**
 * The checked body of a login, whose username may have another name in it.
 * @throws InvalidRequestError that says what is missing, by the name under which it is to be sent
 */
export function loginBodyOf(request: any, usernameField: string): LoginDto {
  const given = jsonObjectOf(request) as Record<string, unknown>;
  const valueOf = (name: string) => (Object.hasOwn(given, name) ? given[name] : undefined);
  const members = { username: valueOf(usernameField), password: valueOf('password') };
  try {
    return checked(LoginDto, { ...members, device_name: valueOf('device_name'), remember: valueOf('remember') });
  } catch (error) {
    if (!(error instanceof InvalidRequestError) || request.body !== given) throw error;
    const missing = [usernameField, 'password'].filter((name) => valueOf(name) === undefined);
    if (missing.length === 0) throw new InvalidRequestError(error.message.replace(/^username\b/, usernameField));
    const verb = missing.length > 1 ? 'are' : 'is';
    throw new InvalidRequestError(
      `${missing.join(' and ')} ${verb} missing: send ${usernameField} and password as JSON.`,
    );
  }
}
