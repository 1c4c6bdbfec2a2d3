import type { IssuedTokens } from './issued-tokens';

/** What a feature offers a client with the answer to its login. */
export abstract class LoginOffer {
  /** Called when the answer is about to leave: may set headers. */
  abstract offer(request: unknown, response: unknown, tokens: IssuedTokens): void;
}
