import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
// @ts-expect-error: plain JavaScript, run as it is
import { refreshes, repeated } from '../../../bench/exchanges.mjs';
// @ts-expect-error: plain JavaScript, run as it is
import { drive, openConnections, parseAnswer, WrongAnswer } from '../../../bench/load.mjs';

const GOOD = { expect: { status: 200, body: '{"id":"u1"}' } };

describe('the load of the benchmark', () => {
  let server: Server;

  afterEach(() => void server?.closeAllConnections());
  afterEach(() => void server?.close());

  /** A server that answers each request by its number. */
  async function answering(answer: (count: number) => { status: number; body: string }) {
    let count = 0;
    server = createServer((_request, response) => {
      const { status, body } = answer(++count);
      // Without a length: Node sends it in chunks.
      response.writeHead(status).write(body.slice(0, 3));
      response.end(body.slice(3));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { port: (server.address() as AddressInfo).port, served: () => count };
  }

  const run = async (port: number, count: number, exchange: unknown) => {
    const connections = await openConnections([port], 4);
    try {
      return await drive(connections, count, exchange);
    } finally {
      for (const connection of connections) connection.close();
    }
  };

  it('sends as many requests as it is told, and times each', async () => {
    const { port, served } = await answering(() => GOOD.expect);
    const times = await run(port, 50, repeated([GOOD]));
    expect([served(), times.length]).toEqual([50, 50]);
  });

  it.each([
    ['another user', { status: 200, body: '{"id":"u2"}' }],
    ['a refusal', { status: 401, body: '{"id":"u1"}' }],
    ['more than was asked for', { status: 200, body: '{"id":"u1"} ' }],
  ])('one wrong answer among many ends the run: %s', async (_title, wrong) => {
    const { port } = await answering((count) => (count === 37 ? wrong : GOOD.expect));
    await expect(run(port, 50, repeated([GOOD]))).rejects.toThrow(WrongAnswer);
  });

  it('a connection that is closed ends the run', async () => {
    const { port } = await answering((count) => {
      if (count === 5) server.closeAllConnections();
      return GOOD.expect;
    });
    await expect(run(port, 50, repeated([GOOD]))).rejects.toThrow();
  });

  it('a refresh must give the refresh token of the next generation', () => {
    const token = (gen: number) => `h.${Buffer.from(JSON.stringify({ gen })).toString('base64url')}.s`;
    const body = (refresh: string) =>
      JSON.stringify({ access_token: 'a.b.c', refresh_token: refresh, session_id: 'some' });
    const next = refreshes([{ json: { refresh_token: token(0) } }]);
    next(0).check({ status: 200, body: body(token(1)) });
    expect(next(0).request.toString()).toContain(token(1));
    expect(() => next(0).check({ status: 200, body: body(token(1)) })).toThrow(WrongAnswer);
    expect(() => next(0).check({ status: 200, body: body(token(3)) })).toThrow(WrongAnswer);
    expect(() => next(0).check({ status: 200, body: '{}' })).toThrow(WrongAnswer);
    expect(() => next(0).check({ status: 503, body: body(token(2)) })).toThrow(WrongAnswer);
    next(0).check({ status: 200, body: body(token(2)) });
  });

  it('waits for the rest of an answer, wherever it was cut', () => {
    const texts = [
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n',
    ];
    for (const text of texts) {
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length; at++) expect(parseAnswer(bytes.subarray(0, at))).toBeNull();
      expect(parseAnswer(bytes)).toMatchObject({ status: 200, body: 'hello', length: bytes.length });
    }
    expect(parseAnswer(Buffer.from('HTTP/1.1 204 No Content\r\n\r\n'))).toMatchObject({ status: 204, body: '' });
  });
});
