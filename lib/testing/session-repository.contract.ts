import { randomBytes, randomUUID } from 'node:crypto';
import { type SessionRecord, sessionRecord } from '../contracts/session';
import type { SessionRepository } from '../contracts/session.repository';
import { BINDING_CASES } from './session-repository.binding-cases';
import { HOUR, SESSION_CASES, T } from './session-repository.cases';
import { HOST_CASES, type HostSubject } from './session-repository.host-cases';
import { KEY_CASES } from './session-repository.key-cases';
import { KIND_CASES } from './session-repository.kind-cases';
import { REALM_CASES } from './session-repository.realm-cases';

/** A repository to hold to the contract, on an empty storage. */
export interface ContractSubject extends HostSubject {
  repository: SessionRepository;
  /** User ids that rows may carry: at least three; random text when left out. */
  userIds?: string[] | undefined;
  close?: (() => Promise<void>) | undefined;
}

/** The functions of a test runner: Vitest's and Jest's globals, or `node:test`'s, fit. */
export interface ContractRunner {
  describe(title: string, body: () => void): unknown;
  it(title: string, body: () => Promise<void>): unknown;
}

/**
 * Registers the tests that every {@link SessionRepository} must pass; `open` is called for each of them.
 * @example
 * sessionRepositoryContract('Redis', async () => ({ repository: new RedisSessionRepository() }), { describe, it });
 */
export function sessionRepositoryContract(
  name: string,
  open: () => Promise<ContractSubject>,
  runner: ContractRunner,
): void {
  runner.describe(`session repository contract: ${name}`, () => {
    for (const [title, run] of Object.entries(HOST_CASES)) {
      runner.it(title, async () => {
        const subject = await open();
        const userId = subject.userIds?.[0] ?? randomUUID();
        const { realm } = subject.repository;
        try {
          await run(subject, (change) => ({ ...recordOf(userId), realm, ...change }));
        } finally {
          await subject.close?.();
        }
      });
    }
    const cases = { ...SESSION_CASES, ...KEY_CASES, ...KIND_CASES, ...REALM_CASES, ...BINDING_CASES };
    for (const [title, run] of Object.entries(cases)) {
      runner.it(title, async () => {
        const subject = await open();
        const users = subject.userIds ?? [randomUUID(), randomUUID(), randomUUID()];
        try {
          const { realm } = subject.repository;
          await run(subject.repository, (change) => ({ ...recordOf(users[0]!), realm, ...change }), users);
        } finally {
          await subject.close?.();
        }
      });
    }
  });
}

/** A session of this user, alive for an hour. */
function recordOf(userId: string): SessionRecord {
  const digest = () => randomBytes(32).toString('hex');
  return sessionRecord({
    id: randomUUID(),
    userId,
    accessDigest: digest(),
    refreshDigest: digest(),
    createdAt: T,
    authenticatedAt: T,
    expiresAt: T + HOUR,
    lastUsedAt: T,
    userAgent: 'Mozilla/5.0 (Ünïcødé 🔑)',
    ipAddress: '2001:db8::1',
    deviceName: 'Alice’s 📱',
  });
}
