// One process of a host application, for the reliability proofs. Configured by the JSON in its first argument.
import 'reflect-metadata';
import { createRequire } from 'node:module';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { TypeOrmModule } from '@nestjs/typeorm';
import { HostSession } from './host-session.mjs';
import { plantedOptions, plantedStorage, witness } from '../faults/planted-faults.mjs';
import { begun, claimsOf, raceDoors } from './race-doors.mjs';
import { Watch } from './watch.mjs';

const require = createRequire(import.meta.url);
const { jwtKnoxMigrations } = require('nestjs-jwt-knox/migrations');
const { typeOrm } = require('nestjs-jwt-knox/typeorm');
const { Clock, CookieTransport, JwtKnoxModule, TokenService } = require('nestjs-jwt-knox');
const { pages } = require('nestjs-jwt-knox/pages');
const { PasswordController, TableUsers: Users, tableUsersModule, WhoAmIController } = require('../../.cache/host');

const settings = JSON.parse(process.argv[2]);
const watch = settings.watched ? new Watch() : null;

const UsersModule = tableUsersModule({
  passwordCost: settings.passwordCost,
  answersEarly: settings.plant === 'early-return',
  fail: watch ? (place) => watch.fail(place) : undefined,
  begun: settings.races ? begun : undefined,
});

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
// The users may be in a data source of their own, so that what befalls that of the sessions spares them.
const dataSource = settings.usersDatabase ? 'sessions' : undefined;
const planted = settings.plant?.startsWith('naive')
  ? plantedStorage(settings.plant, { clock, entity, dataSource })
  : undefined;
const doors = settings.races && raceDoors(Users, clock);

// See docs/08-storage-and-migrations.md: a server that dies while a connection comes up must not end the process.
const extra = settings.database.type === 'postgres' && {
  onConnect: (client) => void client.on('error', () => undefined),
};

const live = settings.sockets && (await import('./socket-gateway.mjs'));
const bound = settings.bound && (await import('./bound-host.mjs'));
const lease = settings.cache && (await import('./lease-host.mjs'));

class AppModule {}
Module({
  imports: [
    TypeOrmModule.forRoot({
      ...settings.database,
      ...(dataSource && { name: dataSource }),
      ...(extra && { extra: { ...settings.database.extra, ...extra } }),
      autoLoadEntities: true,
      migrations: jwtKnoxMigrations,
    }),
    ...(dataSource ? [TypeOrmModule.forRoot(settings.usersDatabase)] : []),
    UsersModule,
    JwtKnoxModule.forRoot({
      clock,
      ...settings.options,
      ...(watch && { claims: () => watch.fail('claims') ?? { color: 'red' } }),
      ...(doors && { claims: claimsOf(settings.races.slow) }),
      ...(settings.cookies && { transport: new CookieTransport(), features: [pages()] }),
      ...plantedOptions(settings.plant),
      userProvider: Users,
      routes: { admin: true, ...settings.routes },
      storage: planted ?? typeOrm({ entity, dataSource, preparedStatements: settings.preparedStatements ?? false }),
      ...(settings.races?.guarded && { loginGuards: [doors.PasswordGuard] }),
      imports: [UsersModule],
      ...(bound && bound.optionsOf(settings)),
      ...(live && { features: [live.featureOf(settings.sockets)] }),
      ...(lease && { features: [lease.leaseOf(settings)] }),
    }),
  ],
  ...(live && { providers: [live.Gateway] }),
  controllers: [
    PasswordController,
    WhoAmIController,
    ...(doors ? doors.controllers : []),
    ...(lease ? [lease.RightsController] : []),
  ],
})(AppModule);

const https = settings.bound?.tls;
const adapter = settings.adapter === 'express' ? new ExpressAdapter() : new FastifyAdapter({ ...(https && { https }) });
const app = await NestFactory.create(AppModule, adapter, {
  ...(https && settings.adapter === 'express' && { httpsOptions: https }),
  logger: settings.logLevels ?? ['error', 'fatal'],
});
app.enableShutdownHooks();
if (planted) app.useGlobalGuards(witness);
watch?.observe(app);
if (live) app.useWebSocketAdapter(await live.adapterOf(app, settings.sockets));
live?.plant(app, settings.plant);
bound?.plant(app, settings.plant);
await app.listen(settings.bound?.port ?? 0, '127.0.0.1');
// A connection that the server closes as a request comes in would look like a failure of the server's.
app.getHttpServer().keepAliveTimeout = 600_000;
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
  ...lease?.leaseAnswers(app, () => app.get(Users)),
};
process.on('message', async ([name, argument]) => {
  try {
    process.send({ answer: (await ANSWERS[name](argument)) ?? null });
  } catch (error) {
    process.send({ answer: null, failure: `${name}: ${error.stack}` });
  }
});
process.send({ port: app.getHttpServer().address().port });
process.on('disconnect', () => process.exit());
