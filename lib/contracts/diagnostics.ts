import { channel, tracingChannel } from 'node:diagnostics_channel';
import { performance } from 'node:perf_hooks';
import { HttpException } from '@nestjs/common';
import { JwtKnoxError, TokenRejection, UnavailableError } from './errors';
import type { RevocationReason } from './events';
import type { SessionKind } from './session';

/** What the library tells of by the channels `tracing:jwt-knox:<name>:start`, `…:end` and so on. */
export type TracedOperation = 'authenticate' | 'login' | 'refresh' | 'revoke' | 'purge' | 'storage';

/**
 * How an operation ended: as asked; with a refusal of the caller (4xx); because the storage or the issuer did not answer in
 * time (503); or by any other error.
 */
export type OperationOutcome = 'ok' | 'refused' | 'unavailable' | 'failed';

/**
 * What subscribers are told, in one object for all events of an operation. Carries no token, no key, no id of a session or a
 * user, no error and no result.
 */
export interface OperationMessage {
  /** Whose sessions they are; '' for a module without a realm. */
  readonly realm: string;
  /** Known from `asyncStart` on, and before `end` where an operation has no `asyncStart`. */
  readonly outcome?: OperationOutcome | undefined;
  /** Why it did not end well: a `RejectionReason`, a `LoginFailure`, a code of an error or the name of its class. */
  readonly reason?: string | undefined;
  /** Milliseconds. */
  readonly duration?: number | undefined;
}

/** An access token is judged. `isCached`: by memory alone, at once. */
export type AuthenticateMessage = OperationMessage & { readonly isCached: boolean };
/** A session is started, or somebody fails to start one. */
export type LoginMessage = OperationMessage & { readonly kind: SessionKind };
/** `decision` as in the event `session.refreshed`; there once it was taken, unless the refresh is refused. */
export type RefreshMessage = OperationMessage & { readonly decision?: 'rotate' | 'same' | 'successor' | undefined };
/** Sessions are ended: `count` of them, which is 0 where they had ended before. */
export type RevokeMessage = OperationMessage & { readonly why: RevocationReason; readonly count?: number | undefined };
/** Expired sessions are deleted; `count` as far as that came. */
export type PurgeMessage = OperationMessage & { readonly count?: number | undefined };
/** A call of the `SessionRepository`; `call` is the name of its method. */
export type StorageMessage = OperationMessage & { readonly call: string };

/** The message of each operation. */
export interface OperationMessages {
  authenticate: AuthenticateMessage;
  login: LoginMessage;
  refresh: RefreshMessage;
  revoke: RevokeMessage;
  purge: PurgeMessage;
  storage: StorageMessage;
}

type Mutable<Message> = { -readonly [Name in keyof Message]: Message[Name] };
type Members<Message> = Omit<Message, keyof OperationMessage>;

/** The resolved options of a module: what tells the modules of a process apart. */
type Owner = { readonly realm: string };

/** Hidden, so that who prints a message prints no options. */
class Told {
  readonly #owner: Owner;

  constructor(
    owner: Owner,
    members: object,
    readonly realm = owner.realm,
  ) {
    this.#owner = owner;
    Object.assign(this, members);
  }

  static ownerOf(message: object): Owner | undefined {
    return #owner in message ? message.#owner : undefined;
  }
}

/** The resolved options of the module that a message is of; undefined for what is no message. */
export function ownerBehind(message: object): object | undefined {
  return Told.ownerOf(message);
}

/** One of the channels. Whoever calls it asks {@link isHeard} first, so that nothing is made that nobody hears. */
class OperationChannel<Message extends OperationMessage> {
  private readonly channel;

  constructor(name: TracedOperation) {
    this.channel = tracingChannel<unknown, object>(`jwt-knox:${name}`);
  }

  get isHeard(): boolean {
    const { start, end, asyncStart, asyncEnd, error } = this.channel;
    return (
      start.hasSubscribers ||
      asyncEnd.hasSubscribers ||
      end.hasSubscribers ||
      asyncStart.hasSubscribers ||
      error.hasSubscribers
    );
  }

  /** Tells of work from its start to its end. @param work may add to the message what it finds out */
  trace<T>(owner: Owner, members: Members<Message>, work: (message: Mutable<Message>) => Promise<T>): Promise<T> {
    const message = new Told(owner, members) as unknown as Mutable<Message>;
    const startedAt = performance.now();
    const { start, end, asyncStart, asyncEnd, error } = this.channel;
    const settle = (failure?: { cause: unknown }) => {
      judge(message, performance.now() - startedAt, failure);
      if (failure) error.publish(message);
      asyncStart.publish(message);
      asyncEnd.publish(message);
    };
    return start.runStores(message, () => {
      // What throws at once fails like what rejects.
      const running = new Promise<T>((resolve) => resolve(work(message)));
      end.publish(message);
      return running.then(
        (value) => {
          settle();
          return value;
        },
        (cause: unknown) => {
          settle({ cause });
          throw cause;
        },
      );
    });
  }

  /** Tells of what is over: its start and its end follow each other. */
  tell(
    owner: Owner,
    members: Members<Message>,
    { took = 0, failure }: { took?: number; failure?: { cause: unknown } } = {},
  ): void {
    const message = new Told(owner, members) as unknown as Mutable<Message>;
    judge(message, took, failure);
    const { start, end, error } = this.channel;
    start.runStores(message, () => {
      if (failure) error.publish(message);
      end.publish(message);
    });
  }
}

export const AUTHENTICATE = new OperationChannel<AuthenticateMessage>('authenticate');
export const LOGIN = new OperationChannel<LoginMessage>('login');
export const REFRESH = new OperationChannel<RefreshMessage>('refresh');
export const REVOKE = new OperationChannel<RevokeMessage>('revoke');
export const PURGE = new OperationChannel<PurgeMessage>('purge');
export const STORAGE = new OperationChannel<StorageMessage>('storage');

/**
 * Where the number of sockets, subscriptions and streams that are open is told, whenever it changes: {@link SocketsMessage}.
 * @example
 * diagnostics_channel.subscribe('jwt-knox:sockets', (message) => console.log(message));
 */
export const SOCKETS_CHANNEL = 'jwt-knox:sockets';

export interface SocketsMessage {
  readonly realm: string;
  /** How many are open in this process. */
  readonly open: number;
}

export const sockets = channel(SOCKETS_CHANNEL);

function judge(message: Mutable<OperationMessage>, took: number, failure?: { cause: unknown }): void {
  message.duration = took;
  if (!failure) return void (message.outcome = 'ok');
  const { outcome, reason } = verdictOn(failure.cause);
  message.outcome = outcome;
  // What the work knows better stays.
  message.reason ??= reason;
}

function verdictOn(error: unknown): { outcome: OperationOutcome; reason: string } {
  if (error instanceof UnavailableError) return { outcome: 'unavailable', reason: error.code };
  if (error instanceof TokenRejection) return { outcome: 'refused', reason: error.reason };
  if (error instanceof JwtKnoxError) {
    const { reason = error.code } = error as { reason?: string };
    return { outcome: 'refused', reason };
  }
  // Of the application's own: its user provider refuses by them.
  if (error instanceof HttpException && error.getStatus() < 500)
    return { outcome: 'refused', reason: `http_${error.getStatus()}` };
  return { outcome: 'failed', reason: error instanceof Error ? error.constructor.name.slice(0, 64) : 'Error' };
}
