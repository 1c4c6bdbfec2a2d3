import { inspect } from 'node:util';

/** How this service proves who it is (RFC 6749 section 2.3.1, `client_secret_basic`). Hides in logs. */
export class ClientCredentials {
  readonly #authorization: string;

  constructor(
    readonly id: string,
    secret: string,
  ) {
    this.#authorization = `Basic ${Buffer.from(`${formEncoded(id)}:${formEncoded(secret)}`).toString('base64')}`;
  }

  /** The value of the `Authorization` header. */
  get authorization(): string {
    return this.#authorization;
  }

  toJSON(): string {
    return '[ClientCredentials]';
  }

  [inspect.custom](): string {
    return '[ClientCredentials]';
  }
}

function formEncoded(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1);
}
