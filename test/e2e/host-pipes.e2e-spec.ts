import { Controller, Get, type PipeTransform, UseGuards, ValidationPipe } from '@nestjs/common';
import { afterEach, describe, expect, it } from 'vitest';
import { CurrentSession, CurrentUser, JwtKnoxGuard, type Session } from '../../lib';
import { inMemory } from '../../lib/testing';
import { createApp, type TestApp } from '../support/create-app';
import { platforms } from '../support/platforms';
import type { User } from '../support/users';

const trimmed = (value: unknown): unknown => (typeof value === 'string' ? value.trim() : value);
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** Found in many hosts: it changes what it is given. */
class TrimInPlace implements PipeTransform {
  transform(value: unknown): unknown {
    if (!isObject(value)) return trimmed(value);
    for (const name of Object.keys(value)) value[name] = trimmed(value[name]);
    return value;
  }
}

/** And this: it makes another object, which has lost the class and what cannot be enumerated. */
class TrimCopy implements PipeTransform {
  transform(value: unknown): unknown {
    if (!isObject(value)) return trimmed(value);
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, trimmed(one)]));
  }
}

class Upper implements PipeTransform {
  transform = (value: unknown) => (typeof value === 'string' ? value.toUpperCase() : value);
}

@Controller('desk')
@UseGuards(JwtKnoxGuard)
class DeskController {
  @Get() mine(@CurrentSession() session: Session, @CurrentUser() user: User, @CurrentUser('username') name: string) {
    return { sessionId: session.id.toLowerCase(), deviceName: session.deviceName, username: user.username, name };
  }
}

const strict = { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: true, transform: true };

describe.each(platforms)('pipes of the host: $name', (platform) => {
  let t: TestApp;
  afterEach(() => t.close());

  it.each<[string, PipeTransform]>([
    ['one that trims in place', new TrimInPlace()],
    ['one that trims into a copy', new TrimCopy()],
    ['one that changes every text', new Upper()],
    ['a strict ValidationPipe', new ValidationPipe(strict)],
    [
      'a strict ValidationPipe, for own decorators too',
      new ValidationPipe({ ...strict, validateCustomDecorators: true }),
    ],
  ])('%s: every route works, and a password stays as it was typed', async (_title, pipe) => {
    t = await createApp(platform, 'sqlite', {
      extras: { storage: inMemory(), routes: { admin: true, debug: true } },
      controllers: [DeskController],
      prepare: (app) => app.useGlobalPipes(pipe),
    });
    const { http } = t;
    await t.users.add('alice ', { isAdmin: true });
    const json = { username: 'alice ', password: 'alice -password', device_name: 'Laptop' };
    const login = async () => (await http.post('/auth/login', { json })).body;
    const [{ access_token: token, session_id: id }, other] = [await login(), await login()];
    const statuses = async (...asked: ['GET' | 'POST' | 'DELETE', string][]) => {
      for (const [method, path] of asked) {
        expect([path, (await http.send(method, path, { token })).status]).toEqual([path, 200]);
      }
    };
    await statuses(['GET', '/auth/sessions?limit=1'], ['GET', '/auth/debug-verify'], ['GET', '/auth/admin/statistics']);
    await statuses(['GET', '/auth/admin/users/1/sessions'], ['GET', '/auth/admin/statistics?user_id=1']);
    expect((await http.get('/desk', { token })).body).toMatchObject({ sessionId: id });
    expect((await http.get('/auth/sessions', { token })).body).toHaveLength(2);
    expect((await http.delete(`/auth/sessions/${other.session_id}`, { token })).status).toBe(204);
    await statuses(['POST', '/auth/logout-other'], ['DELETE', '/auth/admin/users/2/sessions']);
    await statuses(['POST', '/auth/admin/purge-expired'], ['POST', '/auth/logout-all']);
  });
});
