import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { JwtKnoxModule } from 'nestjs-jwt-knox';
import { deviceBinding } from 'nestjs-jwt-knox/binding';
import { graphql } from 'nestjs-jwt-knox/graphql';
import { pages } from 'nestjs-jwt-knox/pages';
import type { AppConfig } from './config/app-config.js';
import { DatabaseModule } from './database/database.module.js';
import { HealthController } from './health/health.controller.js';
import { homeController } from './home/home.controller.js';
import { NotesModule } from './notes/notes.module.js';
import { RetryAfterFilter } from './retry-after.filter.js';
import { LoginThrottlerGuard } from './throttling/login-throttler.guard.js';
import { ThrottlingModule } from './throttling/throttling.module.js';
import { HashingQueue } from './users/hashing-queue.js';
import { KnoxUsersModule } from './users/knox-users.module.js';
import { KnoxUsers } from './users/knox-users.service.js';
import { Passwords } from './users/passwords.service.js';
import { UsersModule } from './users/users.module.js';

export type ModuleDefinition = Type | DynamicModule;

@Module({
  controllers: [HealthController],
  providers: [{ provide: APP_FILTER, useClass: RetryAfterFilter }],
})
export class AppModule {
  /** @param added what is loaded only where the environment asks for it */
  static register(config: AppConfig, added: readonly ModuleDefinition[] = []): DynamicModule {
    const { atOnce, waiting, cost } = config.hashing;
    const limit = config.throttle ? [LoginThrottlerGuard] : [];
    const passwords = new Passwords(cost, new HashingQueue(atOnce, waiting));
    return {
      module: AppModule,
      controllers: [homeController(config.pages)],
      imports: [
        DatabaseModule.register(config.database, passwords, config.cache?.byTriggers),
        ...(config.throttle ? [ThrottlingModule] : []),
        JwtKnoxModule.forRoot({
          ...config.knox,
          programTokens: { prefix: 'sample_', scopes: ['notes:read', 'notes:write'] },
          imports: [KnoxUsersModule.register(passwords)],
          userProvider: KnoxUsers,
          features: [
            ...(config.pages ? [pages({ live: true })] : []),
            ...(config.graphql ? [graphql()] : []),
            ...(config.binding ? [deviceBinding(config.binding)] : []),
            ...(config.cache ? [config.cache.feature] : []),
          ],
          routes: {
            prefix: 'auth',
            admin: true,
            tokens: true,
            debug: config.debugVerify,
            ...config.routes,
            guards: { login: limit, refresh: limit },
          },
        }),
        UsersModule,
        NotesModule,
        ...added,
      ],
    };
  }
}
