import type { AddressInfo } from 'node:net';
import { type INestApplication, Module, type Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { JwtKnoxEvents } from '../../lib';
import { JwtKnoxVerifierModule, type JwtKnoxVerifierSettings, TokenVerifier } from '../../lib/verifier';
import { NotesController } from './create-app';
import type { TestDatabase } from './databases';
import { HttpClient } from './http-client';
import type { Platform } from './platforms';
import { notingStatements } from './noting-logger';

export interface VerifierApp {
  app: INestApplication;
  http: HttpClient;
  verifier: TokenVerifier;
  statements: string[];
  rejections: any[];
  close(): Promise<void>;
}

export interface VerifierSettings {
  knox: JwtKnoxVerifierSettings;
  /** A data source of its own on this database. */
  database?: TestDatabase;
  controllers?: Type[];
  imports?: any[];
  /** Further options of the data source. */
  typeorm?: Record<string, unknown>;
  logger?: any;
  /** Sees the application before it listens. */
  prepare?: (app: INestApplication) => void;
}

/** A second service, real but for its clock: it has no routes of the library, and no key that signs. */
export async function createVerifier(platform: Platform, settings: VerifierSettings): Promise<VerifierApp> {
  const { knox, database } = settings;
  const statements: string[] = [];
  const source = database && {
    ...database.options,
    autoLoadEntities: true,
    logger: notingStatements(statements),
    logging: true,
    retryAttempts: 0,
    ...settings.typeorm,
  };

  @Module({
    imports: [
      ...(source ? [TypeOrmModule.forRoot(source)] : []),
      ...(settings.imports ?? []),
      JwtKnoxVerifierModule.forRoot(knox),
    ],
    controllers: settings.controllers ?? [NotesController],
  })
  class ServiceModule {}

  const logger = settings.logger ?? false;
  const testing = Test.createTestingModule({ imports: [ServiceModule] }).setLogger(logger);
  const app = (await testing.compile()).createNestApplication(platform.adapter() as any, { logger });
  settings.prepare?.(app);
  app.enableShutdownHooks([]);
  await app.init();
  await platform.ready(app);
  await app.listen(0, '127.0.0.1');
  const rejections: any[] = [];
  app.get(JwtKnoxEvents).on('authentication.rejected', (event) => void rejections.push(event));
  return {
    app,
    http: new HttpClient((app.getHttpServer().address() as AddressInfo).port),
    verifier: app.get(TokenVerifier as unknown as Type<TokenVerifier>),
    statements,
    rejections,
    close: () => app.close(),
  };
}

/** Runs statements on a database beside every application. */
export async function onDatabase(database: TestDatabase, ...statements: string[]): Promise<void> {
  const source = await new DataSource(database.direct).initialize();
  try {
    for (const sql of statements) await source.query(sql);
  } finally {
    await source.destroy();
  }
}
