import type { SessionRecord } from '../../../lib/contracts/session';
import { SessionRepository } from '../../../lib/contracts/session.repository';
import { InMemorySessionRepository } from '../../../lib/testing';
import { STORAGE_CALLS } from '../../../lib/options/traced-storage';
import type { FeedServer } from './model-feed';
import type { Schedule } from './schedule';

/** What a statement may meet beside the ordinary course. */
export type Mishap = 'refused' | 'answer lost' | null;

/** The database that all processes share. It announces by itself where the feed is of that kind. */
export class ModelStore {
  private rows = new InMemorySessionRepository();
  private records: ReadonlyMap<string, SessionRecord> = new Map();

  constructor(
    private readonly schedule: Schedule,
    private readonly server: FeedServer,
    private readonly announces: () => boolean,
    private readonly mishap: () => Mishap,
  ) {}

  begin(): void {
    this.rows = new InMemorySessionRepository();
    this.records = (this.rows as unknown as { rows: Map<string, SessionRecord> }).rows;
  }

  /** Runs one statement, announcing what it did when it is committed. */
  private async commit(work: () => Promise<unknown>): Promise<unknown> {
    if (!this.announces()) return work();
    const before = new Map([...this.records].map(([id, row]) => [id, { ...row }]));
    const answer = await work();
    const ended = [...before.keys()].filter((id) => !this.records.has(id));
    const changed = [...this.records.values()].filter((row) => isTold(before.get(row.id), row)).map(({ id }) => id);
    if (ended.length + changed.length > 0) this.server.publish(JSON.stringify({ ended, changed }));
    return answer;
  }

  /** The storage as one process reaches it. */
  of(process: number): SessionRepository {
    return new Proxy<SessionRepository>(this.rows, {
      get: (_, name) => {
        const member: unknown = Reflect.get(this.rows, name);
        if (typeof member !== 'function') return member;
        if (!STATEMENTS.has(String(name))) return member.bind(this.rows) as unknown;
        return (...given: unknown[]) => this.send(process, String(name), given);
      },
    });
  }

  /** The way there, the statement, and the way back. */
  private send(process: number, name: string, given: unknown[]): Promise<unknown> {
    const { schedule } = this;
    return new Promise((resolve, reject) => {
      const mishap = this.mishap();
      schedule.offer(`${name} of ${process}`, process, () => {
        if (mishap === 'refused') return reject(brokenConnection());
        const run = () => (Reflect.get(this.rows, name) as Statement).apply(this.rows, given);
        void this.commit(run).then((answer) =>
          schedule.offer(`answer of ${name} to ${process}`, process, () =>
            mishap === null ? resolve(answer) : reject(brokenConnection()),
          ),
        );
      });
    });
  }
}

type Statement = (...given: unknown[]) => Promise<unknown>;

const brokenConnection = () => Object.assign(new Error('The connection is broken.'), { code: 'ECONNRESET' });

/** What goes over the wire. */
const STATEMENTS: ReadonlySet<string> = new Set(STORAGE_CALLS);

/** As the triggers of `announceRevocations()` have it: rotations and uses are not told. */
function isTold(before: SessionRecord | undefined, row: SessionRecord): boolean {
  if (!before) return false;
  const hasNewKeys = before.accessDigest !== row.accessDigest && row.previousAccessDigest !== before.accessDigest;
  const endsSooner = row.expiresAt < before.expiresAt;
  return hasNewKeys || endsSooner || row.authenticatedAt !== before.authenticatedAt || row.scopes !== before.scopes;
}
