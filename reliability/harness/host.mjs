// One process of a host application, for the reliability proofs. Configured by the JSON in its first argument.
import 'reflect-metadata';
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { Body, Controller, HttpCode, Inject, Injectable, Module, Put, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { getDataSourceToken, TypeOrmModule } from '@nestjs/typeorm';
import { WhoAmIController } from './host-routes.mjs';
import { HostSession } from './host-session.mjs';
import { plantedOptions, plantedStorage, witness } from '../faults/planted-faults.mjs';
import { begun, claimsOf, raceDoors } from './race-doors.mjs';
import { Watch } from './watch.mjs';

const require = createRequire(import.meta.url);
const knox = require('nestjs-jwt-knox');
const { jwtKnoxMigrations } = require('nestjs-jwt-knox/migrations');
const { typeOrm } = require('nestjs-jwt-knox/typeorm');
const { Clock, CurrentSession, JwtKnoxGuard, JwtKnoxModule, TokenService, UserProvider } = knox;

const settings = JSON.parse(process.argv[2]);
const derive = promisify(scrypt);
const hash = async (password, salt = randomBytes(16)) =>
  `${salt.toString('hex')}:${(await derive(password, salt, 32, { N: settings.passwordCost })).toString('hex')}`;

const watch = settings.watched ? new Watch() : null;

/** The host's users: `id`, `username`, `hash`, `active`. */
class Users extends UserProvider {
  constructor(source) {
    super();
    this.source = source;
  }

  async validateCredentials({ username, password }, request, exclude) {
    watch?.fail('credentials');
    const user = await this.findByName(username);
    if (settings.races) begun(request.body.device_name);
    if (!user && settings.plant === 'early-return') return null;
    const salt = Buffer.from((user?.hash ?? '00:00').split(':')[0], 'hex');
    const presented = await exclude(() => hash(password, salt));
    return user && timingSafeEqual(Buffer.from(presented), Buffer.from(user.hash)) ? user : null;
  }

  async findById(id) {
    watch?.fail('user');
    return (await this.query('SELECT * FROM app_users WHERE id = ?', [id]))[0] ?? null;
  }

  async findByName(username) {
    return (await this.query('SELECT * FROM app_users WHERE username = ?', [username]))[0] ?? null;
  }

  /** Stores a new password, when it is called. */
  async passwordOf(id, password) {
    const fresh = await hash(password);
    return () => this.query('UPDATE app_users SET hash = ? WHERE id = ?', [fresh, id]);
  }

  isActive(user) {
    return Boolean(Number(user.active));
  }

  isAdmin(user) {
    return user.username === 'admin';
  }

  query(sql, parameters) {
    let n = 0;
    const text = this.source.options.type === 'postgres' ? sql.replace(/\?/g, () => `$${++n}`) : sql;
    return this.source.query(text, parameters);
  }
}
Injectable()(Users);
Inject(getDataSourceToken())(Users, undefined, 0);

class UsersModule {}
Module({ providers: [Users], exports: [Users] })(UsersModule);

class PasswordController {
  constructor(users, tokens) {
    this.users = users;
    this.tokens = tokens;
  }

  async change({ password }, session) {
    const store = await this.users.passwordOf(session.userId, password);
    const tokens = await this.tokens.changeCredentials(session, store);
    return tokens && { access_token: tokens.accessToken, refresh_token: tokens.refreshToken };
  }
}
Controller('password')(PasswordController);
UseGuards(JwtKnoxGuard)(PasswordController);
Inject(Users)(PasswordController, undefined, 0);
Inject(TokenService)(PasswordController, undefined, 1);
const change = Object.getOwnPropertyDescriptor(PasswordController.prototype, 'change');
Put()(PasswordController.prototype, 'change', change);
HttpCode(200)(PasswordController.prototype, 'change', change);
Body()(PasswordController.prototype, 'change', 0);
CurrentSession()(PasswordController.prototype, 'change', 1);

/** The machine's clock, or one that is ahead of it by `clockAhead` milliseconds. */
class ProofClock extends Clock {
  started = Date.now() - performance.now();

  now() {
    if (settings.plant === 'steady-clock') return Math.round(this.started + performance.now());
    return Date.now() + (settings.clockAhead ?? 0);
  }
}

const clock = new ProofClock();
const entity = settings.hostSession ? HostSession : undefined;
const planted = settings.plant?.startsWith('naive') ? plantedStorage(settings.plant, { clock, entity }) : undefined;
const doors = settings.races && raceDoors(Users, clock);

// See docs/storage-and-migrations.md: a server that dies while a connection comes up must not end the process.
const extra = settings.database.type === 'postgres' && {
  onConnect: (client) => void client.on('error', () => undefined),
};

class AppModule {}
Module({
  imports: [
    TypeOrmModule.forRoot({
      ...settings.database,
      ...(extra && { extra }),
      autoLoadEntities: true,
      migrations: jwtKnoxMigrations,
    }),
    UsersModule,
    JwtKnoxModule.forRoot({
      clock,
      ...settings.options,
      ...(watch && { claims: () => watch.fail('claims') ?? { color: 'red' } }),
      ...(doors && { claims: claimsOf(settings.races.slow) }),
      ...plantedOptions(settings.plant),
      userProvider: Users,
      routes: { admin: true, ...settings.routes },
      storage: planted ?? typeOrm({ entity }),
      ...(settings.races?.guarded && { loginGuards: [doors.PasswordGuard] }),
      imports: [UsersModule],
    }),
  ],
  controllers: [PasswordController, WhoAmIController, ...(doors ? doors.controllers : [])],
})(AppModule);

const adapter = settings.adapter === 'express' ? new ExpressAdapter() : new FastifyAdapter();
const app = await NestFactory.create(AppModule, adapter, { logger: settings.logLevels ?? ['error', 'fatal'] });
app.enableShutdownHooks();
if (planted) app.useGlobalGuards(witness);
watch?.observe(app);
await app.listen(0, '127.0.0.1');
// A connection that the server closes as a request comes in would look like a failure of the server's.
app.getHttpServer().keepAliveTimeout = 60_000;
/** What the proof may ask this process for, over IPC. */
const ANSWERS = {
  // Needs --expose-gc.
  memory: () => {
    for (let i = 0; i < 3; i++) globalThis.gc();
    return process.memoryUsage();
  },
  /** CPU milliseconds so far. */
  cpu: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  },
  revokeBefore: (moment) => app.get(TokenService).revokeBefore(new Date(moment)),
  ...watch?.answers,
};
process.on('message', async ([name, argument]) => process.send({ answer: (await ANSWERS[name](argument)) ?? null }));
process.send({ port: app.getHttpServer().address().port });
process.on('disconnect', () => process.exit());
