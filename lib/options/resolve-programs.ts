import { isScope } from '../contracts/scopes';
import type { OptionReader } from './option-reader';
import type { ProgramTokenOptions } from './route-options';

/** How tokens for programs are made and read: complete and checked. */
export interface ResolvedPrograms {
  /** Before each token for a program, for scanners of leaked secrets; '' for none. */
  readonly prefix: string;
  readonly limitPerUser: number;
  /** What a page offers; empty where it cannot know. */
  readonly scopes: readonly string[];
}

/** Ends in a character that no JSON object in base64url begins with, so that a token has one reading. */
const PREFIX = /^(?!eyJ)[A-Za-z][A-Za-z0-9_-]{0,30}_$/;

export function programsOf(read: OptionReader, options: ProgramTokenOptions | undefined): ResolvedPrograms {
  const given = read.section('programTokens', options);
  const limit: unknown = given.limitPerUser ?? 50;
  const isLimit = Number.isInteger(limit) && (limit as number) >= 1 && (limit as number) <= 1_000;
  read.refuse(!isLimit, 'programTokens.limitPerUser: must be a whole number from 1 to 1000.');
  const scopes: unknown = given.scopes ?? [];
  const isList = Array.isArray(scopes) && scopes.every(isScope);
  read.refuse(!isList, "programTokens.scopes: must be a list of scopes such as ['orders:read'].");
  return Object.freeze({
    prefix: prefixOf(read, given.prefix),
    limitPerUser: limit as number,
    scopes: Object.freeze(isList ? [...(scopes as string[])] : []),
  });
}

/** The prefix that both modules are configured with. */
export function prefixOf(read: OptionReader, prefix: unknown): string {
  if (prefix === undefined) return '';
  if (typeof prefix === 'string' && PREFIX.test(prefix)) return prefix;
  read.problems.push("programTokens.prefix: must be 2 to 32 letters and digits that end in '_', such as 'acme_'.");
  return '';
}

export function programLifetimeOf(read: OptionReader, lifetime: unknown): number {
  return lifetime === null ? Infinity : read.duration('session.maxProgramLifetime', lifetime, '365d', 'a second');
}
