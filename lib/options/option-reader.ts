import { millisecondsOf } from './duration';

const LEAST_MS = { zero: 0, 'a millisecond': 1, 'a second': 1_000 };

/**
 * The most that an option may be, where more weakens what it is part of: most often, milliseconds were given for seconds.
 * Lifetimes are compared with each other instead; `session.maxLifetime` bounds them all.
 */
const MOST: Readonly<Record<string, string>> = {
  // An expired token goes on for as long; clocks that differ more are broken (RFC 7519 section 4.1.4: "a few minutes").
  clockTolerance: '5m',
  'session.maxLifetime': '3650d',
  'session.maxProgramLifetime': '3650d',
  'session.touchInterval': '1h',
  // A row may be ahead of the clock by this, and a timer takes no more than 24 days.
  storageTimeout: '1m',
  adminTimeout: '1h',
  'jwks.timeout': '1m',
  'introspection.timeout': '1m',
  // For as long, a key that was removed, and a session that was ended, still count.
  'jwks.maxAge': '1h',
  'jwks.cooldown': '5m',
  'introspection.cacheTtl': '60s',
};

/** Whether a host name is this machine itself: what is sent there leaves it for nobody to read. */
export function isLoopback(hostname: string): boolean {
  return /^(?:(?:.+\.)?localhost|127\.[\d.]+|\[::1\])$/.test(hostname);
}

const EXAMPLE_ORIGIN = 'https://app.example.com';

/** What a realm may consist of: it is part of claims, of rows and of names, of cookies too. */
const REALM = /^[A-Za-z0-9._-]{0,64}$/;

/** Scheme, host and port as browsers send them: in lower case, without the port that the scheme implies. */
export function isOrigin(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false;
  const { protocol, host } = new URL(value);
  return host !== '' && value === `${protocol}//${host}`;
}

/** What to write in place of what is no origin: the one in it, where there is one. */
function originIn(value: unknown): string {
  const { protocol, host } = new URL(typeof value === 'string' && URL.canParse(value) ? value : 'none:');
  const origin = `${protocol}//${host}`;
  return isOrigin(origin) ? origin : EXAMPLE_ORIGIN;
}

export function isSet(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** Reads options one by one and notes what is wrong with them. */
export class OptionReader {
  /**
   * @param known the names of the options, by the section they stand in; '' for those that stand in none
   * @param extras what may stand beside the options
   * @param renamed what to write in place of options that had another name
   */
  constructor(
    readonly problems: string[],
    private readonly known: Readonly<Record<string, readonly string[]>>,
    private readonly extras: readonly string[],
    private readonly renamed: Readonly<Record<string, string>> = {},
  ) {}

  /** Milliseconds; NaN when it cannot be read, which makes up no further problem where it is compared. */
  duration(name: string, value: unknown, fallback: string, least: keyof typeof LEAST_MS = 'a millisecond'): number {
    const ms = millisecondsOf(value ?? fallback);
    const most = MOST[name];
    if (ms === null || ms < LEAST_MS[least]) {
      this.problems.push(`${name}: not a duration of ${least} or more; set seconds or a string such as '${fallback}'.`);
    } else if (most !== undefined && ms > millisecondsOf(most)!) {
      const hint = typeof value === 'number' ? ' (a number means seconds)' : '';
      this.problems.push(`${name}: more than '${most}'; shorten it${hint}.`);
    } else {
      return ms;
    }
    return NaN;
  }

  /** Notes a problem that several options have together. */
  refuse(isWrong: boolean, problem: string): void {
    if (isWrong) this.problems.push(problem);
  }

  choice<T>(name: string, value: unknown, allowed: readonly T[], fallback: T): T {
    if (value === undefined) return fallback;
    if (allowed.includes(value as T)) return value as T;
    this.problems.push(`${name}: must be one of ${allowed.map((choice) => JSON.stringify(choice)).join(', ')}.`);
    return fallback;
  }

  section<T extends object>(name: string, value: T | false | undefined): Partial<T> {
    if (value === undefined || value === false) return {};
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.problems.push(`${name || 'options'}: must be an object.`);
      return {};
    }
    const known = this.known[name] ?? [];
    const path = name === '' ? '' : `${name}.`;
    for (const key of Object.keys(value).filter((one) => !known.includes(one))) {
      const beside = name === '' ? ` Beside them: ${this.extras.join(', ')}.` : '';
      if (name === '' && this.extras.includes(key)) {
        this.problems.push(`${key}: has no effect in what a factory returns; write it beside useFactory.`);
        continue;
      }
      const remedy = Object.hasOwn(this.renamed, path + key)
        ? `write ${this.renamed[path + key]} instead.`
        : `known are ${known.map((one) => path + one).join(', ')}.${beside}`;
      this.problems.push(`${path}${key}: no such option; ${remedy}`);
    }
    return value;
  }

  text(name: string, value: unknown): string | undefined {
    if (value === undefined || (typeof value === 'string' && value !== '')) return value;
    this.problems.push(`${name}: must be a non-empty string; leave it out when there is none.`);
    return undefined;
  }

  /** '' where there is none. */
  realm(value: unknown): string {
    if (value === undefined || (typeof value === 'string' && REALM.test(value))) return value ?? '';
    this.problems.push(
      "realm: must be 1 to 64 letters, digits, '.', '_' or '-'; leave it out when there is one module.",
    );
    return '';
  }

  instance<T>(name: string, value: unknown, type: abstract new (...args: any[]) => T): T | undefined {
    if (value === undefined || value instanceof type) return value as T | undefined;
    this.problems.push(`${name}: must be an instance of a class that extends ${type.name}.`);
    return undefined;
  }

  hook<T>(name: string, value: T): T | undefined {
    if (value === undefined || typeof value === 'function') return value;
    this.problems.push(`${name}: must be a function.`);
    return undefined;
  }

  /** An origin is compared as browsers send it. */
  origins(name: string, value: string | readonly string[] | undefined): readonly string[] {
    if (value === undefined) return [];
    const list = [value].flat();
    const wrong = list.filter((one) => !isOrigin(one));
    this.problems.push(
      ...wrong.map(
        (one) => `${name}: ${JSON.stringify(one)} is no origin; write it such as '${originIn(one)}', without a path.`,
      ),
    );
    return wrong.length > 0 ? [] : Object.freeze(list);
  }

  audience(name: string, audience: unknown): readonly string[] {
    if (audience === undefined) return [];
    const list = Array.isArray(audience) ? audience : [audience];
    if (list.length > 0 && list.every((one) => typeof one === 'string' && one !== '')) return Object.freeze([...list]);
    this.problems.push(`${name}: must be a non-empty string or a list of them; leave it out when there is none.`);
    return [];
  }
}
