import { randomUUID } from 'node:crypto';
import { Test } from '@nestjs/testing';
import {
  type IssuedTokens,
  JwtKnoxEvents,
  type JwtKnoxEventMap,
  JwtKnoxModule,
  type RefreshTokenOptions,
  TokenService,
} from '../../lib';
import { FakeClock, inMemory } from '../../lib/testing';
import { SECRET } from './create-app';
import { claimsOf } from './decode';

/** The library as an application has it, in memory, on a clock that the histories move. */
export async function openInMemory(refreshToken: RefreshTokenOptions = {}) {
  const clock = new FakeClock(1_764_000_000_000);
  const storage = inMemory();
  const options = { secret: SECRET, clock, refreshToken, storage, routes: false } as const;
  const module = await Test.createTestingModule({ imports: [JwtKnoxModule.forRoot(options)] }).compile();
  await module.init();
  const retried: JwtKnoxEventMap['refresh.retried'][] = [];
  const reused: JwtKnoxEventMap['refresh.reused'][] = [];
  const events = module.get(JwtKnoxEvents);
  events.on('refresh.retried', (event) => void retried.push(event));
  events.on('refresh.reused', (event) => void reused.push(event));
  const tokens = module.get(TokenService);
  const wait = (ms: number) => clock.set(clock.now() + ms);
  return { tokens, clock, wait, retried, reused, close: () => module.close() };
}
export type InMemoryLibrary = Awaited<ReturnType<typeof openInMemory>>;

/** Keeps its tokens and the key of a refresh under way, as the documentation advises. */
export class RefreshingClient {
  private attempt: string | undefined;

  constructor(
    private readonly library: InMemoryLibrary,
    readonly name: string,
    public tokens: IssuedTokens,
    private readonly sendsKeys: boolean,
  ) {}

  /** Sends a refresh. Whoever calls decides whether the answer arrives. */
  async send(): Promise<IssuedTokens> {
    if (this.sendsKeys) this.attempt ??= randomUUID();
    const { refreshToken } = this.tokens;
    return this.library.tokens.refresh(refreshToken!, { userAgent: this.name }, { idempotencyKey: this.attempt });
  }

  take(answer: IssuedTokens): void {
    this.tokens = answer;
    this.attempt = undefined;
  }

  async refresh(): Promise<void> {
    this.take(await this.send());
  }

  /** Uses the access token, if it has not expired, and lets the note of that be written. */
  async use(): Promise<void> {
    if (claimsOf(this.tokens.accessToken).exp * 1_000 <= this.library.clock.now()) return;
    await this.library.tokens.authenticate(this.tokens.accessToken);
    await new Promise((resolve) => void setImmediate(resolve));
  }

  /** Another holder of the same tokens. */
  copy(name: string, sendsKeys: boolean): RefreshingClient {
    return new RefreshingClient(this.library, name, this.tokens, sendsKeys);
  }
}
