import { accepted, codeOf, retryAfterOf } from './error.mjs';
import { sleep } from './lock.mjs';
import type { SharedSession } from './shared-session.mjs';
import type { State } from './shared-state.mjs';
import type { Wire } from './wire.mjs';

/** How often one refresh is sent before its caller is told. */
const TRIES = 4;
/** Seconds that are worth waiting for, in place of the caller. */
const PATIENCE = 5;

/** After which there is nobody to refresh for. */
const ENDED = ['invalid_refresh_token', 'refresh_token_expired', 'refresh_token_reused'];

/** True: a request may be repeated. False: nobody is logged in. The server's answer: it could not say. */
export type Outcome = boolean | Response;

/** Refreshes once for all who ask meanwhile, in this tab and in others. */
export class Refresher {
  #underWay: Promise<Outcome> | undefined;

  constructor(
    private readonly wire: Wire,
    private readonly session: SharedSession,
  ) {}

  /** @param seen the version of the state that the request was sent with which was refused */
  refresh(seen: string | undefined): Promise<Outcome> {
    return (this.#underWay ??= this.session
      .locked(() => this.#renew(seen))
      .finally(() => {
        this.#underWay = undefined;
      }));
  }

  async #renew(seen: string | undefined): Promise<Outcome> {
    for (let tries = 1; ; tries++) {
      const state = await this.session.read();
      if (state.version !== seen) return !!state.sessionId; // Another tab was faster.
      if (this.wire.isBearer && !state.refreshToken) return this.#ended();
      try {
        const outcome = await this.#send(await this.session.withAttempt(state), tries === TRIES);
        if (outcome !== undefined) return outcome;
      } catch (error) {
        if (tries === TRIES) throw error;
      }
      await sleep(100 * 2 ** tries * Math.random());
    }
  }

  /** Undefined: try again. */
  async #send({ refreshToken: refresh_token, attempt }: State, isLast: boolean): Promise<Outcome | undefined> {
    const response = await this.wire.post('refresh', {
      ...(refresh_token && { json: { refresh_token } }),
      ...(attempt && { headers: { 'idempotency-key': attempt } }),
    });
    if (response.ok) {
      await this.session.start(await accepted(response));
      return true;
    }
    const code = await codeOf(response);
    // 400 with no token in the body: the browser has no refresh cookie.
    if (ENDED.includes(code!) || (!refresh_token && code === 'invalid_request')) return this.#ended();
    const seconds = retryAfterOf(response) ?? 0;
    if (isLast || seconds > PATIENCE || (response.status < 500 && response.status !== 429)) return response;
    await sleep(seconds * 1_000);
    return undefined;
  }

  async #ended(): Promise<false> {
    await this.session.end();
    return false;
  }
}
