/**
 * What the server answered when it refused.
 * @example
 * await client.login({ username, password }).catch((error) => {
 *   if (error instanceof JwtKnoxClientError && error.code === 'invalid_credentials') showWrongPassword();
 *   else throw error;
 * });
 */
export class JwtKnoxClientError extends Error {
  override readonly name = 'JwtKnoxClientError';

  constructor(
    /** The HTTP status. */
    readonly status: number,
    /** The library's stable code, such as `invalid_credentials`; undefined when another part of the server refused. */
    readonly code: string | undefined,
    message: string,
    /** Seconds, when the server said when to try again. */
    readonly retryAfter: number | undefined,
  ) {
    super(message);
  }
}

/** The members of an error's body; none when it is no JSON. */
async function bodyOf(response: Response): Promise<{ code?: string; message?: string }> {
  return Object(await response.clone().json().catch(() => null)); // prettier-ignore
}

/** The library's code of a refusal. */
export const codeOf = async (response: Response): Promise<string | undefined> => (await bodyOf(response)).code;

/** Seconds; undefined when there is none, or a date. */
export const retryAfterOf = ({ headers }: Response): number | undefined =>
  Number(headers.get('retry-after')) || undefined;

/** The body of a good answer. @throws JwtKnoxClientError for another one */
export async function accepted(response: Response): Promise<any> {
  if (response.ok) return response.status === 204 ? undefined : response.json();
  const { code, message } = await bodyOf(response);
  throw new JwtKnoxClientError(response.status, code, String(message ?? response.status), retryAfterOf(response));
}
