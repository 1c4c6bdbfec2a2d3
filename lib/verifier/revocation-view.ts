import type { RevocationFrame } from '../tokens/revocation-frame';
import { type JudgedToken, RevocationSet, type Verdict } from '../tokens/revocation-set';
import type { ResolvedVerifierOptions } from './resolve-verifier-options';

/** After which nothing is known any more: a heartbeat comes each second. */
export const FRESH_MS = 2_000;

/** How far two clocks may drift apart in the time of a connection, and far more. */
const MOST_DRIFT_MS = 1_000;

/** A frame that cannot be the next one of its stream: somebody is in between. */
export class WrongFrame extends Error {}

/** A connection, and where its stream stands. */
interface Position {
  readonly nonce: string;
  /** When the question was sent, by this process, and when it was answered, by the issuer's. Milliseconds. */
  readonly askedAt: number;
  answeredAt: number;
  stream: string;
  seq: number;
  now: number;
  /** Of its snapshot: the process may have begun then. */
  floor: number;
  /** Frames of the snapshot to come. */
  left: number;
  /** What the snapshot says, until it is complete. */
  gathered: RevocationSet | null;
}

/** What is known of ended sessions by the issuer's revocation stream, and until when. */
export class RevocationView {
  private ends = new RevocationSet();
  private position: Position | undefined;
  private heardAt = -Infinity;
  private seenAt = -Infinity;

  /** @param origin of which issuer the stream must be, and the clock that tokens are judged by */
  constructor(private readonly origin: Pick<ResolvedVerifierOptions, 'issuer' | 'realm' | 'clock'>) {}

  /** The size of what is kept. */
  get size(): number {
    return this.ends.size;
  }

  /** Whether the stream has said lately that nothing else has ended. By both clocks: one may stand still in a suspended machine. */
  get isFresh(): boolean {
    return performance.now() - this.heardAt < FRESH_MS && Math.abs(Date.now() - this.seenAt) < FRESH_MS;
  }

  judge(token: JudgedToken): Verdict {
    const verdict = this.ends.judge(token);
    return verdict === 'good' && !this.isFresh ? 'unknown' : verdict;
  }

  /** A connection is about to be made. What is known counts on, for as long as it is fresh. */
  begin(nonce: string): void {
    const unanswered = { answeredAt: 0, stream: '', seq: 0, now: 0, floor: 0, left: 0 };
    this.position = { nonce, askedAt: performance.now(), ...unanswered, gathered: new RevocationSet() };
  }

  /** Nothing is known from now on but what has ended. */
  distrust(): void {
    this.heardAt = -Infinity;
    this.position = undefined;
  }

  /** Whether the snapshot has arrived. @throws WrongFrame */
  take(frame: RevocationFrame): boolean {
    const at = this.position;
    if (!at) throw new WrongFrame('There is no connection.');
    const { issuer, realm } = this.origin;
    if (frame.iss !== issuer || (frame.realm ?? '') !== realm) throw new WrongFrame('It is of another issuer.');
    if (frame.now < at.now || frame.heard > frame.now) throw new WrongFrame('Its time goes back.');
    if (at.gathered) this.gather(at, at.gathered, frame);
    else this.follow(at, frame);
    return at.gathered === null;
  }

  private gather(at: Position, gathered: RevocationSet, { nonce, left = 0, ...frame }: RevocationFrame): void {
    if (nonce !== at.nonce) throw new WrongFrame('It does not answer the question.');
    if (at.stream === '') {
      gathered.settle(this.ends.settled);
      // What has ended stays so, whoever tells the rest.
      for (const end of this.ends.ends()) gathered.add(end);
      const { stream_id: stream, seq, now: answeredAt, complete_from: floor } = frame;
      Object.assign(at, { stream, seq, answeredAt, floor });
    } else if (frame.stream_id !== at.stream || frame.seq !== at.seq || left !== at.left - 1) {
      throw new WrongFrame('A part of the snapshot is missing.');
    }
    at.left = left;
    for (const end of frame.ends) gathered.add(end);
    if (left > 0) return;
    gathered.doubtBefore(frame.complete_from);
    this.ends = gathered;
    at.gathered = null;
    this.hear(at, frame);
  }

  private follow(at: Position, frame: RevocationFrame): void {
    if (frame.stream_id !== at.stream) throw new WrongFrame('It is of another stream.');
    if (frame.nonce !== undefined || frame.seq !== at.seq + 1) throw new WrongFrame('It is not the next one.');
    at.seq = frame.seq;
    for (const end of frame.ends) this.ends.add(end);
    // What has ended stays known: tokens for programs live for months.
    this.ends.doubtBefore(frame.complete_from);
    // It moves on as access tokens expire; by a clock that is ahead, not beyond this one.
    if (frame.complete_from > at.floor)
      this.ends.settle(Math.min(frame.complete_from, this.origin.clock.now() / 1_000));
    this.hear(at, frame);
  }

  /** The answer was given after the question: this makes it at least as old as it is, whatever the two clocks say. */
  private hear(at: Position, { now, heard }: Pick<RevocationFrame, 'now' | 'heard'>): void {
    const heardAt = at.askedAt + heard - at.answeredAt;
    // This clock stood still, as in a suspended machine: frames that were held back meanwhile would count as new.
    if (heardAt > performance.now() + MOST_DRIFT_MS) throw new WrongFrame('Its time runs ahead of the clock here.');
    at.now = now;
    this.heardAt = heardAt;
    this.seenAt = Date.now();
  }
}
