// Loggers of Nest and of TypeORM that print nothing, and pass on what a test wants to hear.
import type { LoggerService, LogLevel } from '@nestjs/common';
import type { Logger } from 'typeorm';

const LEVELS = ['verbose', 'debug', 'log', 'warn', 'error', 'fatal'] as const satisfies LogLevel[];
const ignore = () => undefined;

/** What the application logs at `levels`, by default at all of them, is passed on with its context. */
export function notingLogger(
  note: (...line: unknown[]) => unknown,
  ...levels: LogLevel[]
): LoggerService & Record<(typeof LEVELS)[number], (...line: unknown[]) => unknown> {
  const heard = (level: LogLevel) => levels.length === 0 || levels.includes(level);
  const entries = LEVELS.map((level) => [level, heard(level) ? note : ignore]);
  return Object.fromEntries(entries);
}

/** What a data source asks its database. */
export function notingStatements(statements: string[]): Logger {
  return {
    logQuery: (sql) => void statements.push(sql),
    logQueryError: ignore,
    logQuerySlow: ignore,
    logSchemaBuild: ignore,
    logMigration: ignore,
    log: ignore,
  };
}
