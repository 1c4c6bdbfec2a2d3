import { random } from './lock.mjs';
import { localStorageOf, type SharedState, sharedState, type State } from './shared-state.mjs';
import type { JwtKnoxClientOptions } from './types.mjs';

type Listener = (sessionId: string | null) => void;

const WRONG_MODE = {
  cookie:
    "The server answered with tokens: it has no CookieTransport, or takes this for no browser. Use mode: 'bearer'.",
  bearer: "The server answered without tokens, as a CookieTransport answers browsers. Use mode: 'cookie'.",
};

/** The session as all tabs share it: how it starts, is refreshed and ends, and who is told. */
export class SharedSession {
  readonly #mode: JwtKnoxClientOptions['mode'];
  /** Whether the key of a refresh outlives this tab, or dies with the tokens that it is for. */
  readonly #keepsAttempts: boolean;
  readonly #shared: SharedState;
  readonly #listeners = new Set<Listener>();
  /** undefined: not yet. */
  #known: string | null | undefined;

  constructor({ baseUrl, mode, storage = mode === 'cookie' ? localStorageOf() : undefined }: JwtKnoxClientOptions) {
    this.#mode = mode;
    this.#keepsAttempts = !!storage || mode === 'bearer';
    this.#shared = sharedState(`jwt-knox:${baseUrl}`, storage, () => this.#look());
  }

  read(): Promise<State> {
    return this.#shared.read();
  }

  locked<T>(work: () => Promise<T>): Promise<T> {
    return this.#shared.locked(work);
  }

  isKnownAs(sessionId: string): boolean {
    return sessionId === this.#known;
  }

  /** From the body of a token response. */
  async start({ session_id: sessionId, access_token: accessToken, refresh_token: refreshToken }: any): Promise<void> {
    if ((this.#mode === 'bearer') !== !!accessToken) throw new Error(WRONG_MODE[this.#mode]);
    await this.#become({ sessionId, accessToken, refreshToken });
  }

  end(): Promise<void> {
    return this.#become({ sessionId: null });
  }

  /**
   * With the key of a refresh, stored before that is sent: whoever comes after a crash repeats the attempt. Without one
   * where it could not be stored: the server then forgives a retry by its `retryWindow`.
   */
  async withAttempt(state: State): Promise<State> {
    if (!this.#keepsAttempts) return state;
    const next = { ...state, attempt: state.attempt ?? random() };
    await this.#shared.write(next);
    return next;
  }

  /** @param sessionId undefined: not known */
  tell(sessionId: string | null | undefined): void {
    if (sessionId === undefined || sessionId === this.#known) return;
    this.#known = sessionId;
    for (const listener of this.#listeners) this.#callLater(listener);
  }

  /** @returns what takes the listener away again */
  onChange(listener: Listener): () => void {
    this.#listeners.add(listener);
    if (this.#known === undefined) this.#look();
    else this.#callLater(listener);
    return () => void this.#listeners.delete(listener);
  }

  async #become(state: State): Promise<void> {
    await this.#shared.write({ version: random(), ...state });
    this.#shared.announce();
    this.tell(state.sessionId);
  }

  /** At what is stored: another tab may have changed it. */
  #look(): void {
    void this.read().then(({ sessionId }) => this.tell(sessionId), () => undefined); // prettier-ignore
  }

  /** So that what a listener throws is its own affair. */
  #callLater(listener: Listener): void {
    queueMicrotask(() => this.#listeners.has(listener) && listener(this.#known!));
  }
}
