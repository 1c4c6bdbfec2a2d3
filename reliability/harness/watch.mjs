// What a process shows to whoever looks: its events, its errors, its objects. And failures, when the proof wants them.
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { inspect } from 'node:util';
import { BaseExceptionFilter, ModulesContainer } from '@nestjs/core';

const require = createRequire(import.meta.url);
const { JwtKnoxEvents, JwtKnoxModule, TokenService, UserProvider } = require('nestjs-jwt-knox');
const library = dirname(require.resolve('nestjs-jwt-knox'));

const EVENTS = [
  'session.created', 'session.refreshed', 'session.revoked', 'sessions.purged', 'refresh.reused', 'login.failed',
  'authentication.rejected', 'access.forbidden', 'user-agent.changed', 'refresh.retried', 'client.rejected',
]; // prettier-ignore
const FAILURES = {
  bug: () => new TypeError('Cannot read properties of undefined'),
  connection: () => Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }),
};

/** Everything there is to see of a value. */
function show(value) {
  const seen = inspect(value, { depth: Infinity, showHidden: true, maxArrayLength: null, maxStringLength: null });
  return `${seen}\n${inspect(value)}\n${json(value)}\n${textOf(value)}`;
}

function json(value) {
  try {
    return JSON.stringify(value);
  } catch (error) {
    return error.message;
  }
}

function textOf(value) {
  return value instanceof Error ? `${value.message}\n${value.stack}` : Object.prototype.toString.call(value);
}

/** Made by one of the library's classes, or its resolved options; the user provider is the host's. */
function isOfTheLibrary(instance) {
  if (instance instanceof UserProvider) return false;
  const files = Object.values(require.cache).filter((file) => file.filename.startsWith(library));
  const classes = files
    .flatMap((file) => Object.values(file.exports))
    .filter((one) => typeof one === 'function' && one.prototype);
  return 'clockMargin' in instance || classes.some((one) => instance instanceof one);
}

export class Watch {
  failing = null;
  events = [];
  errors = [];

  /** Fails where and how the proof said. */
  fail(place) {
    if (this.failing?.place === place) throw FAILURES[this.failing.how]();
  }

  observe(app) {
    this.app = app;
    const events = app.get(JwtKnoxEvents);
    for (const name of EVENTS) events.on(name, (event) => void this.events.push(`${name} ${show(event)}`));
    const { errors } = this;
    class Observer extends BaseExceptionFilter {
      catch(error, host) {
        errors.push(show(error));
        super.catch(error, host);
      }
    }
    app.useGlobalFilters(new Observer(app.getHttpAdapter()));
  }

  /** The instances that the library's module is made of, but for what the host gave. */
  get objects() {
    const modules = [...this.app.get(ModulesContainer).values()];
    const module = modules.find(({ metatype }) => metatype === JwtKnoxModule);
    const wrappers = [...module.providers.values(), ...module.controllers.values()];
    return wrappers
      .map(({ instance }) => instance)
      .filter((instance) => typeof instance === 'object' && instance !== null && isOfTheLibrary(instance));
  }

  get answers() {
    return {
      failing: (failing) => void (this.failing = failing),
      seen: () => ({ events: this.events, errors: this.errors }),
      objects: () => this.objects.map((object) => [object.constructor.name, show(object)]),
      /** Tokens as host code gets them, and what is to be seen of them. */
      issue: async (user) => {
        const tokens = await this.app.get(TokenService).issue(user);
        return { seen: show(tokens), access: tokens.accessToken, refresh: tokens.refreshToken };
      },
    };
  }
}
