import { randomBytes } from 'node:crypto';
import type { INestApplicationContext } from '@nestjs/common';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { vi } from 'vitest';
import { type Credentials, JwtKnoxModule, TokenService, UserProvider } from '../../../lib';
import { leaseCache } from '../../../lib/cache';
import { AccessTokenVerifier } from '../../../lib/sessions/access-token.verifier';
import type { Authentication } from '../../../lib/sessions/session-checker';
import { FeedServer, ModelFeed } from './model-feed';
import { type Mishap, ModelStore } from './model-store';
import type { Schedule } from './schedule';

/** A user as the application stores them. */
export interface ModelUser {
  readonly id: string;
  /** How often they changed: what a request is to know of them. */
  version: number;
}

/** One process of the application: the real services, on the model's storage and feed. */
export interface Process {
  readonly tokens: TokenService<ModelUser>;
  /** What the guard of a route does: from memory where that may answer. */
  authenticate(token: string): Promise<{ found: Authentication<ModelUser>; isHit: boolean }>;
}

/** Who announces ends: the storage, by triggers, or each process. */
const SECRET = randomBytes(48).toString('base64');

export type FeedKind = 'storage' | 'process';

/** The processes, and what they share. They serve one history after another. */
export class Cluster {
  readonly server: FeedServer;
  readonly store: ModelStore;
  readonly users = new Map<string, ModelUser>();
  readonly processes: Process[] = [];
  /** What the next statement meets. */
  mishap: () => Mishap = () => null;
  private readonly apps: INestApplicationContext[] = [];

  private constructor(
    readonly schedule: Schedule,
    readonly kind: FeedKind,
  ) {
    this.server = new FeedServer(schedule);
    this.store = new ModelStore(
      schedule,
      this.server,
      () => kind === 'storage',
      () => this.mishap(),
    );
  }

  /** From here on, time passes as the schedule lets it. */
  static async start(schedule: Schedule, kind: FeedKind, count: number): Promise<Cluster> {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'] });
    const cluster = new Cluster(schedule, kind);
    cluster.store.begin();
    for (let index = 0; index < count; index++) await cluster.addProcess(index);
    return cluster;
  }

  private async addProcess(index: number): Promise<void> {
    const { schedule, users, store } = this;

    @Injectable()
    class ModelUsers extends UserProvider<ModelUser> {
      async validateCredentials(_credentials: Credentials) {
        return null;
      }

      findById(id: string) {
        return new Promise<ModelUser | null>((resolve) =>
          schedule.offer(`user look-up of ${index}`, index, () => {
            const found = users.get(id);
            const copy = found ? { ...found } : null;
            schedule.offer(`user for ${index}`, index, () => resolve(copy));
          }),
        );
      }

      override snapshot({ id, version }: ModelUser) {
        return { id, version };
      }
    }

    @Module({ providers: [ModelUsers], exports: [ModelUsers] })
    class UsersModule {}

    const feed = new ModelFeed(this.server, index, this.kind === 'storage');
    const module = JwtKnoxModule.forRoot({
      secret: SECRET,
      imports: [UsersModule],
      userProvider: ModelUsers,
      storage: { useFactory: () => store.of(index) },
      routes: false,
      refreshToken: { reuseInterval: 0 },
      features: [leaseCache({ feed, users: { announcedBy: 'application' } })],
    });
    const starting = NestFactory.createApplicationContext(module, { logger: false, abortOnError: false });
    // Its feed connects.
    await schedule.runUntil(starting, () => undefined);
    const app = await starting;
    this.apps.push(app);
    const verifier = app.get(AccessTokenVerifier);
    this.processes.push({
      tokens: app.get<TokenService<ModelUser>>(TokenService),
      authenticate: async (token) => {
        const hit = verifier.recall(token, {});
        return hit ? { found: hit, isHit: true } : { found: await verifier.authenticate(token, {}), isHit: false };
      },
    });
  }

  /** A process dies and another takes its place: its memory is empty, and nobody waits for what it was doing. */
  restart(index: number): void {
    this.schedule.drop(index);
    this.server.kill(index);
  }

  async stop(): Promise<void> {
    for (const app of this.apps) await this.schedule.runUntil(app.close(), () => vi.advanceTimersByTime(20));
    vi.useRealTimers();
  }
}
