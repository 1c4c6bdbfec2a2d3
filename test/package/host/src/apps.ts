import { type DynamicModule, Injectable, Module, type Type } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { type JwtKnoxExtras, JwtKnoxModule, type JwtKnoxOptions, type JwtKnoxOptionsFactory } from 'nestjs-jwt-knox';
import { jwtKnoxMigrations } from 'nestjs-jwt-knox/migrations';
import { ConfigModule, ConfigService } from './config.js';
import { NotesController } from './quick-start.js';
import { CreateUsers1764000000001, KnoxUsers, UsersModule } from './users.js';

const usersOf = { imports: [UsersModule, ConfigModule], userProvider: KnoxUsers };

@Injectable()
export class KnoxOptions implements JwtKnoxOptionsFactory {
  constructor(private readonly config: ConfigService) {}

  createJwtKnoxOptions(): JwtKnoxOptions {
    return { secret: this.config.getOrThrow('JWT_SECRET') };
  }
}

@Module({ imports: [ConfigModule], providers: [KnoxOptions], exports: [KnoxOptions] })
export class KnoxOptionsModule {}

/** A database in memory, with the tables made by migrations. */
export function database(change: { autoLoadEntities?: boolean; entities?: Type[]; migrations?: Type[] } = {}) {
  return TypeOrmModule.forRoot({
    type: 'better-sqlite3',
    database: ':memory:',
    autoLoadEntities: true,
    migrations: [...jwtKnoxMigrations, CreateUsers1764000000001],
    migrationsRun: true,
    retryAttempts: 0,
    ...change,
  });
}

/** An application around one way of importing the library. */
export function appWith(knox: DynamicModule, storage: DynamicModule = database()): Type {
  @Module({ imports: [storage, UsersModule, knox], controllers: [NotesController] })
  class AppModule {}
  return AppModule;
}

export const forRoot = (options: JwtKnoxOptions & JwtKnoxExtras) => JwtKnoxModule.forRoot({ ...options, ...usersOf });

export const useFactory = () =>
  JwtKnoxModule.forRootAsync({
    ...usersOf,
    inject: [ConfigService],
    useFactory: async (config: ConfigService) => ({ secret: config.getOrThrow('JWT_SECRET') }),
  });

export const useClass = () => JwtKnoxModule.forRootAsync({ ...usersOf, useClass: KnoxOptions });

export const useExisting = () =>
  JwtKnoxModule.forRootAsync({
    ...usersOf,
    imports: [...usersOf.imports, KnoxOptionsModule],
    useExisting: KnoxOptions,
  });
