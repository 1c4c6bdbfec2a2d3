import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { StorageUnavailableError } from '../contracts/errors';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { RevocationLog } from '../sessions/revocation-log';
import { Keyring } from '../tokens/keyring';
import { inFrames, REVOCATIONS_AUDIENCE, type RevocationFrame, signFrame } from '../tokens/revocation-frame';
import type { ToldEnd } from '../tokens/revocation-set';
import { generateId } from '../tokens/token-key';
import { EventStream } from './event-stream';

export const HEARTBEAT_MS = 1_000;

/** Ends that come this close after each other share a signature. */
const TOGETHER_MS = 5;

/** Heartbeats in which a client may read nothing of what waits for it. */
const MOST_UNREAD = 5;

interface Follower {
  readonly stream: EventStream;
  unread: number;
  /** Bytes, at the last heartbeat. */
  read: number;
}

/** Tells clients what ends: a snapshot to each, and from then on the same signed frames to all. */
@Injectable()
export class RevocationStream implements OnModuleDestroy {
  private readonly id = generateId();
  private readonly followers = new Set<Follower>();
  private pending: ToldEnd[] = [];
  private sequence = 0;
  private isClosed = false;
  private heartbeat: NodeJS.Timeout | undefined;
  private flushing: NodeJS.Timeout | undefined;

  constructor(
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
    private readonly keyring: Keyring,
    private readonly log: RevocationLog,
  ) {
    log.listen({ told: (end) => this.tell(end), interrupted: () => this.endAll() });
  }

  /**
   * @param response of Express, or the reply of Fastify
   * @throws StorageUnavailableError while this process does not hear what ends elsewhere
   */
  follow(nonce: string, response: unknown): void {
    if (this.isClosed || !Number.isFinite(this.log.heardUntil)) {
      throw new StorageUnavailableError(new Error('This process does not hear what ends in others.'));
    }
    // A snapshot is long, and is written at once: who reads none of it is found by the heartbeat.
    const follower = { stream: new EventStream(response, Infinity), unread: 0, read: 0 };
    this.begin(follower, nonce);
    follower.stream.onClose(() => this.leave(follower));
  }

  onModuleDestroy(): void {
    this.isClosed = true;
    this.endAll();
  }

  private begin(follower: Follower, nonce: string): void {
    this.flush();
    const floor = this.log.completeFrom;
    const [first = [], ...others] = inFrames(this.log.ends());
    let left = others.length;
    for (const ends of [first, ...others]) {
      follower.stream.send(this.sign(ends, floor, { nonce, left: left-- }));
    }
    this.followers.add(follower);
    this.heartbeat ??= setInterval(() => this.beat(), HEARTBEAT_MS).unref();
  }

  private leave(follower: Follower): void {
    this.followers.delete(follower);
    if (this.followers.size > 0) return;
    clearInterval(this.heartbeat);
    this.heartbeat = undefined;
  }

  private tell(end: ToldEnd): void {
    if (this.followers.size === 0) return;
    this.pending.push(end);
    this.flushing ??= setTimeout(() => this.flush(), TOGETHER_MS);
  }

  private flush(): void {
    clearTimeout(this.flushing);
    this.flushing = undefined;
    for (const ends of inFrames(this.pending.splice(0))) this.send(ends);
  }

  private beat(): void {
    this.flush();
    for (const follower of this.followers) {
      const { waiting, read } = follower.stream.progress;
      follower.unread = waiting > 0 && read <= follower.read ? follower.unread + 1 : 0;
      follower.read = read;
      // What nobody reads would pile up here. Who reads slowly is reading.
      if (follower.unread > MOST_UNREAD) follower.stream.cut();
    }
    this.send([]);
  }

  private send(ends: readonly ToldEnd[]): void {
    this.sequence++;
    const data = this.sign(ends, this.log.completeFrom);
    for (const { stream } of this.followers) stream.send(data);
  }

  private sign(ends: readonly ToldEnd[], floor: number, more: Pick<RevocationFrame, 'nonce' | 'left'> = {}): string {
    const { issuer, realm } = this.options;
    const passed = (moment: number) => Math.floor(performance.timeOrigin + moment);
    // In this order: what was heard is no later than now.
    const heard = passed(Math.max(0, this.log.heardUntil));
    return signFrame(this.keyring.signingKey, {
      iss: issuer!,
      aud: REVOCATIONS_AUDIENCE,
      ...(realm !== '' && { realm }),
      stream_id: this.id,
      seq: this.sequence,
      now: passed(performance.now()),
      heard,
      complete_from: floor,
      ends,
      ...more,
    });
  }

  private endAll(): void {
    clearTimeout(this.flushing);
    this.flushing = undefined;
    this.pending = [];
    for (const follower of this.followers) {
      this.leave(follower);
      follower.stream.close();
    }
  }
}
