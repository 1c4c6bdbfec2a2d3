// The quick start of the documentation, word for word: it has to compile in every host.
import { Controller, Get, Module, UseGuards } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CurrentSession, CurrentUser, JwtKnoxGuard, JwtKnoxModule, Public, type Session } from 'nestjs-jwt-knox';
import { jwtKnoxMigrations } from 'nestjs-jwt-knox/migrations';
import { ConfigModule, ConfigService } from './config.js';
import { KnoxUsers, type User, UsersModule } from './users.js';

const url = process.env.DATABASE_URL;

@Module({
  imports: [
    TypeOrmModule.forRoot({
      type: 'postgres',
      url,
      autoLoadEntities: true,
      migrations: jwtKnoxMigrations,
      migrationsRun: true,
    }),
    JwtKnoxModule.forRootAsync({
      imports: [UsersModule, ConfigModule],
      userProvider: KnoxUsers, // implements UserProvider<User>; exported by UsersModule
      routes: { prefix: 'auth', admin: true },
      inject: [ConfigService],
      useFactory: (config) => ({ secret: config.getOrThrow('JWT_SECRET'), accessToken: { ttl: '5m' } }),
    }),
  ],
})
export class AppModule {}

@Controller('notes')
@UseGuards(JwtKnoxGuard)
export class NotesController {
  @Get() list(@CurrentUser() user: User, @CurrentSession() session: Session) {
    return { userId: user.id, username: user.username, sessionId: session.id };
  }
  @Public() @Get('about') about() {
    return { about: 'notes' };
  }
}
