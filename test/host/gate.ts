import { connect, createServer, type Server, type Socket } from 'node:net';

/** One client of the gate, and its connection to the server behind. */
interface Pair {
  client: Socket;
  upstream: Socket;
  isSilent: boolean;
  /** The next answer breaks off in its middle; nothing follows. */
  breaksOff: boolean;
}

/**
 * A TCP proxy in front of a server, with a gate: open, silent (answers vanish), mute (new connections are accepted
 * and never answered), or shut. What went silent stays silent: a lost answer would shift all that follow.
 */
export class Gate {
  state: 'open' | 'silent' | 'mute' | 'shut' = 'open';
  port = 0;
  /** From where it has ever connected to the server. */
  readonly ports = new Set<number>();
  private readonly pairs = new Set<Pair>();
  private readonly unanswered = new Set<Socket>();
  private readonly server: Server;

  constructor(target: number) {
    this.server = createServer((client) => this.admit(client, target));
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.port = (this.server.address() as { port: number }).port;
  }

  /** Connections of before are reset by `open` and `shut`, as a firewall does that has forgotten them. */
  turn(state: Gate['state']): void {
    this.state = state;
    if (state === 'open' || state === 'shut') for (const pair of this.pairs) this.end(pair);
  }

  /** What is accepted from now on; connections of before stay as they are. */
  admitAs(state: 'open' | 'mute'): void {
    this.state = state;
  }

  /**
   * Connections of before fall silent for ever, in both directions, as behind a NAT that has forgotten them; new ones work.
   * @param every each one, or each second one
   * @param midway the next answer still comes, up to its middle
   * @returns how many
   */
  silence({ every = 1, midway = false } = {}): number {
    const chosen = [...this.pairs].filter((_, index) => index % every === 0);
    for (const pair of chosen) {
      if (midway) pair.breaksOff = true;
      else pair.isSilent = true;
    }
    return chosen.length;
  }

  /** Says something to all clients, as a server does that speaks unasked. */
  push(bytes: string): void {
    for (const { client } of this.pairs) client.write(bytes);
  }

  /** How many connections lead through it. */
  get size(): number {
    return this.pairs.size;
  }

  close(): void {
    this.turn('shut');
    for (const client of this.unanswered) client.destroy();
    this.server.close();
  }

  private admit(client: Socket, target: number): void {
    if (this.state === 'shut') return void client.destroy();
    if (this.state === 'mute') return this.hold(client);
    const upstream = connect(target, '127.0.0.1');
    const pair: Pair = { client, upstream, isSilent: false, breaksOff: false };
    this.pairs.add(pair);
    upstream.on('connect', () => this.ports.add(upstream.localPort!));
    client.on('data', (chunk) => pair.isSilent || upstream.write(chunk));
    upstream.on('data', (chunk) => this.answer(pair, chunk));
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => this.end(pair));
    }
  }

  private hold(client: Socket): void {
    this.unanswered.add(client);
    client.on('error', () => undefined).on('close', () => this.unanswered.delete(client));
    client.resume();
  }

  private answer(pair: Pair, chunk: Buffer): void {
    pair.isSilent ||= this.state === 'silent';
    if (pair.isSilent) return;
    pair.isSilent = pair.breaksOff;
    pair.client.write(pair.breaksOff ? chunk.subarray(0, Math.floor(chunk.length / 2)) : chunk);
  }

  private end(pair: Pair): void {
    pair.client.destroy();
    pair.upstream.destroy();
    this.pairs.delete(pair);
  }
}
