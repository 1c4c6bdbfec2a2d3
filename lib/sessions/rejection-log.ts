import { Logger } from '@nestjs/common';
import type { InvalidDpopProofError } from '../contracts/binding-errors';
import type { TokenRejection } from '../contracts/errors';
import { line } from '../contracts/log-line';
import type { TokenType } from '../tokens/token-header';

const MAX_LINES = 10;
const INTERVAL_MS = 1_000;

/**
 * Why tokens and proofs were refused, for whoever debugs a 401: level `debug`, no part of either. Ten lines a second at most,
 * however many forged ones arrive.
 */
export class RejectionLog {
  private readonly logger = new Logger('JwtKnox');
  private startedAt = -Infinity;
  private lines = 0;
  private leftOut = 0;

  write(tokenType: TokenType, rejection: TokenRejection): void {
    this.debug(() => {
      const { reason, claims } = rejection;
      const article = tokenType === 'access' ? 'An' : 'A';
      const whose = claims ? ` Session ${claims.sessionId}, user ${JSON.stringify(claims.userId)}.` : '';
      return `${article} ${tokenType} token was refused: ${reason}.${whose}`;
    });
  }

  writeProof({ detail }: InvalidDpopProofError): void {
    this.debug(() => `A DPoP proof was refused: ${detail}.`);
  }

  private debug(text: () => string): void {
    if (isDebugOff()) return;
    const now = performance.now();
    if (now - this.startedAt >= INTERVAL_MS) [this.startedAt, this.lines] = [now, 0];
    if (this.lines++ >= MAX_LINES) return void this.leftOut++;
    const more = this.leftOut > 0 ? ` Before it, ${this.leftOut} more were refused without a line.` : '';
    this.leftOut = 0;
    this.logger.debug(line('token-refused', `${text()}${more}`));
  }
}

/** Nest 11 calls every level disabled until an application sets them; where `fatal` is on, it has. */
function isDebugOff(): boolean {
  return !Logger.isLevelEnabled('debug') && Logger.isLevelEnabled('fatal');
}
