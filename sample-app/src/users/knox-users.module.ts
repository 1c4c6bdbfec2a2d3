import { type DynamicModule, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { KnoxUsers } from './knox-users.service.js';
import { Passwords } from './passwords.service.js';
import { User } from './user.entity.js';

/** What `JwtKnoxModule` needs of the users; global, so that `UsersModule` meets the same instances. */
@Module({})
export class KnoxUsersModule {
  static register(passwords: Passwords): DynamicModule {
    return {
      module: KnoxUsersModule,
      global: true,
      imports: [TypeOrmModule.forFeature([User])],
      providers: [KnoxUsers, { provide: Passwords, useValue: passwords }],
      exports: [KnoxUsers, Passwords],
    };
  }
}
