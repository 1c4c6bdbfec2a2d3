import { Logger } from '@nestjs/common';
import type { TokenRejection } from '../contracts/errors';
import { line } from '../contracts/log-line';
import type { TokenType } from '../tokens/token-header';

const MAX_LINES = 10;
const INTERVAL_MS = 1_000;

/**
 * Why tokens were refused, for whoever debugs a 401: level `debug`, no part of the token. Ten lines a second at most,
 * however many forged tokens arrive.
 */
export class RejectionLog {
  private readonly logger = new Logger('JwtKnox');
  private startedAt = -Infinity;
  private lines = 0;
  private leftOut = 0;

  write(tokenType: TokenType, rejection: TokenRejection): void {
    if (isDebugOff()) return;
    const now = performance.now();
    if (now - this.startedAt >= INTERVAL_MS) [this.startedAt, this.lines] = [now, 0];
    if (this.lines++ >= MAX_LINES) return void this.leftOut++;
    const { reason, claims } = rejection;
    const article = tokenType === 'access' ? 'An' : 'A';
    const whose = claims ? ` Session ${claims.sessionId}, user ${JSON.stringify(claims.userId)}.` : '';
    const more = this.leftOut > 0 ? ` Before it, ${this.leftOut} more were refused without a line.` : '';
    this.leftOut = 0;
    this.logger.debug(line('token-refused', `${article} ${tokenType} token was refused: ${reason}.${whose}${more}`));
  }
}

/** Nest 11 calls every level disabled until an application sets them; where `fatal` is on, it has. */
function isDebugOff(): boolean {
  return !Logger.isLevelEnabled('debug') && Logger.isLevelEnabled('fatal');
}
