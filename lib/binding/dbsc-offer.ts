import { Inject, Injectable } from '@nestjs/common';
import type { Session } from '../contracts/session';
import { TokenTransport } from '../contracts/token-transport';
import { setHeader } from '../guard/error-headers.interceptor';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { DbscChallenges } from './dbsc-challenges';
import { registrationOffer } from './dbsc-instructions';
import { DbscPlace } from './dbsc-place';

/** Offers a browser to bind its session: once, since it makes a new key whenever it is asked. */
@Injectable()
export class DbscOffer {
  constructor(
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
    private readonly transport: TokenTransport,
    private readonly challenges: DbscChallenges,
    private readonly place: DbscPlace,
  ) {}

  make(session: Session, request: unknown, response: unknown): void {
    const isOpen = session.boundKind === null && this.options.refresh !== null;
    if (!isOpen || !this.place.isServed || !this.transport.boundCookie(request)) return;
    const challenge = this.challenges.forRegistration(session.id, this.options.clock.now());
    setHeader(response, 'Secure-Session-Registration', registrationOffer(this.place.registerPath, challenge));
  }
}
