import { readFileSync } from 'node:fs';

/** Reads environment variables one by one and notes what is wrong with them. An empty one counts as unset. */
export class EnvReader {
  readonly problems: string[] = [];

  constructor(private readonly env: NodeJS.ProcessEnv) {}

  text(name: string): string | undefined {
    return this.env[name]?.trim() || undefined;
  }

  /** The first of the allowed values is the default. */
  choice<const T extends readonly [string, ...string[]]>(name: string, allowed: T): T[number] {
    return this.optionalChoice(name, allowed) ?? allowed[0];
  }

  optionalChoice<const T extends readonly string[]>(name: string, allowed: T): T[number] | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const found = allowed.find((one) => one === value);
    return found ?? this.problem(`${name}: must be ${allowed.join(' or ')}, not "${value}".`, undefined);
  }

  integer(name: string, least: number, most: number): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const number = Number(value);
    if (/^\d+$/.test(value) && number >= least && number <= most) return number;
    return this.problem(`${name}: must be a whole number from ${least} to ${most}, not "${value}".`, undefined);
  }

  /** A bare number counts seconds. */
  duration(name: string): number | string | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    if (/^\d+$/.test(value)) return Number(value);
    if (/^\d+(\.\d+)?(ms|s|m|h|d|w)$/.test(value)) return value;
    return this.problem(`${name}: must be a duration such as 90s, 5m, 12h or 30d, not "${value}".`, undefined);
  }

  /** What the file of this name holds. */
  file(name: string): Buffer | undefined {
    const path = this.text(name);
    if (path === undefined) return undefined;
    try {
      return readFileSync(path);
    } catch {
      return this.problem(`${name}: the file cannot be read.`, undefined);
    }
  }

  list(name: string): string[] | undefined {
    return this.text(name)
      ?.split(',')
      .map((one) => one.trim())
      .filter((one) => one !== '');
  }

  problem<T>(text: string, instead: T): T {
    this.problems.push(text);
    return instead;
  }
}
