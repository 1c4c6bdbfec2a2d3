import { type DynamicModule, Module } from '@nestjs/common';
import { JwtKnoxModule } from 'nestjs-jwt-knox';
import type { AppConfig } from './config/app-config.js';
import { DatabaseModule } from './database/database.module.js';
import { HealthController } from './health/health.controller.js';
import { NotesModule } from './notes/notes.module.js';
import { ThrottlingModule } from './throttling/throttling.module.js';
import { KnoxUsersModule } from './users/knox-users.module.js';
import { KnoxUsers } from './users/knox-users.service.js';
import { Passwords } from './users/passwords.service.js';
import { UsersModule } from './users/users.module.js';

@Module({ controllers: [HealthController] })
export class AppModule {
  static register(config: AppConfig): DynamicModule {
    const passwords = new Passwords(config.passwordCost);
    return {
      module: AppModule,
      imports: [
        DatabaseModule.register(config.database, passwords),
        ...(config.throttle ? [ThrottlingModule] : []),
        JwtKnoxModule.forRoot({
          ...config.knox,
          imports: [KnoxUsersModule.register(passwords)],
          userProvider: KnoxUsers,
          routes: { prefix: 'auth', admin: true, debug: config.debugVerify, ...config.routes },
        }),
        UsersModule,
        NotesModule,
      ],
    };
  }
}
