import { Logger } from '@nestjs/common';
import { type LogLine, messageOf } from '../contracts/log-line';

/** Logs at most once in an interval: an outage must not become a flood in the logs. */
export class ThrottledLogger {
  private readonly logger: Logger;
  private last = -Infinity;

  constructor(
    name: string,
    private readonly intervalMs = 1_000,
  ) {
    this.logger = new Logger(name);
  }

  /** @param error the failure; told by its cause, where it has one, for that is what the storage said */
  write(level: 'warn' | 'error', what: LogLine, error?: unknown): void {
    const now = performance.now();
    if (now - this.last < this.intervalMs) return;
    this.last = now;
    this.logger[level](error === undefined ? what : `${what}: ${reasonOf(error)}`);
  }
}

function reasonOf(error: unknown): string {
  const { cause = error } = Object(error) as { cause?: unknown };
  return messageOf(cause);
}
