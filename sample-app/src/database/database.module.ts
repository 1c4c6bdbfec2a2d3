import { type DynamicModule, Module } from '@nestjs/common';
import { TypeOrmModule, type TypeOrmModuleOptions } from '@nestjs/typeorm';
import type { DataSourceOptions } from 'typeorm';
import { Note } from '../notes/note.entity.js';
import { Passwords } from '../users/passwords.service.js';
import { User } from '../users/user.entity.js';
import { isWorthRetrying, openDatabase } from './open-database.js';
import { seedUsers } from './seed.js';

@Module({})
export class DatabaseModule {
  /** @param announces whether PostgreSQL tells the processes what ends and changes */
  static register(database: TypeOrmModuleOptions, passwords: Passwords, announces = false): DynamicModule {
    const options: TypeOrmModuleOptions = {
      ...database,
      // The rest, the sessions of the library among it, joins by forFeature.
      entities: [User, Note],
      autoLoadEntities: true,
      retryAttempts: 20,
      retryDelay: 500,
      toRetry: isWorthRetrying,
    };
    const connection = TypeOrmModule.forRootAsync({
      useFactory: () => options,
      dataSourceFactory: (complete) =>
        openDatabase(complete as DataSourceOptions, (source) => seedUsers(source, passwords), announces),
    });
    return { module: DatabaseModule, imports: [connection] };
  }
}
