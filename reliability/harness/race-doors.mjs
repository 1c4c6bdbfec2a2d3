// What a host does beside the library's routes: sessions that start by other proofs, and ends for other reasons. Each login
// tells the proof, over IPC and by the device name that it was given, when its arrival has been read.
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { Body, Controller, HttpCode, Inject, Injectable, Post, UnauthorizedException, UseGuards } from '@nestjs/common';

const { CurrentSession, JwtKnoxGuard, TokenService } = createRequire(import.meta.url)('nestjs-jwt-knox');

const SLOW_MS = 6;
const slowly = () => delay(Math.random() * SLOW_MS);

/** The arrival of this login has been read: what ends from now on ends it too. */
export function begun(name) {
  if (name) process.send({ begun: name });
}

/** The host's part: controllers, and its login guards. `Users` is its user provider, `clock` its application's. */
export function raceDoors(Users, clock) {
  class RaceController {
    constructor(users, tokens) {
      this.users = users;
      this.tokens = tokens;
    }

    /** As OAuth and passkeys: the arrival first, then a proof that takes its time. */
    async passkey({ username, device_name: deviceName }) {
      const arrival = await this.tokens.arrival();
      begun(deviceName);
      const user = await this.users.findByName(username);
      await slowly();
      return answerOf(await this.tokens.issue(user, { deviceName }, { arrival }));
    }

    async issue({ username, device_name: deviceName }) {
      return answerOf(await this.tokens.issue(await this.users.findByName(username), { deviceName }));
    }

    async forgotten({ username, password }) {
      const { id: userId } = await this.users.findByName(username);
      const store = await this.users.passwordOf(userId, password);
      await this.tokens.changeCredentials({ userId }, store);
    }

    async disable({ username }) {
      await this.tokens.userDisabled((await this.users.findByName(username)).id);
    }

    async reauthenticate(session) {
      return answerOf(await this.tokens.reauthenticate(session));
    }

    async revokeBefore() {
      await this.tokens.revokeBefore(clock.now());
    }
  }
  Controller('races')(RaceController);
  Inject(Users)(RaceController, undefined, 0);
  Inject(TokenService)(RaceController, undefined, 1);
  for (const name of ['passkey', 'issue', 'forgotten', 'disable', 'reauthenticate', 'revokeBefore']) {
    const route = Object.getOwnPropertyDescriptor(RaceController.prototype, name);
    Post(name)(RaceController.prototype, name, route);
    HttpCode(200)(RaceController.prototype, name, route);
    if (name === 'reauthenticate') {
      UseGuards(JwtKnoxGuard)(RaceController.prototype, name, route);
      CurrentSession()(RaceController.prototype, name, 0);
    } else if (name !== 'revokeBefore') Body()(RaceController.prototype, name, 0);
  }

  class PasswordGuard {
    constructor(users) {
      this.users = users;
    }

    async canActivate(context) {
      const request = context.switchToHttp().getRequest();
      request.user = await this.users.validateCredentials(request.body, request, (work) => work());
      if (!request.user) throw new UnauthorizedException();
      return true;
    }
  }
  Injectable()(PasswordGuard);
  Inject(Users)(PasswordGuard, undefined, 0);
  return { controllers: [RaceController], PasswordGuard };
}

function answerOf({ accessToken, refreshToken, session }) {
  return { access_token: accessToken, refresh_token: refreshToken, session_id: session.id };
}

/** The option `claims`, the last that a login asks for before its row is written; `slow` where no trigger can sleep. */
export const claimsOf = (slow) => async (_user, session) => {
  begun(session.deviceName);
  if (slow) await slowly();
  return {};
};
