// A stream of requests at a steady rate, which waits for no answer: as many clients as it takes.
import { openConnections } from '../load.mjs';

const CONNECTIONS = 32;

/**
 * Sends requests at moments of chance, `rate` a second on average, until `isOver()`.
 * @param exchanges gives `{ request, check(answer) }`
 * @returns how long each took (ms), and the rate that came of it
 */
export async function sendPaced(port, rate, exchange, isOver) {
  const connections = await openConnections([port], CONNECTIONS);
  const times = [];
  const began = performance.now();
  const pause = () => -Math.log(1 - Math.random()) * ((CONNECTIONS / rate) * 1_000);
  const lane = async (connection, index) => {
    let due = began + pause();
    while (!isOver()) {
      const wait = due - performance.now();
      if (wait > 0) await new Promise((resolve) => void setTimeout(resolve, wait));
      due += pause();
      const { request, check } = exchange(index);
      const sent = performance.now();
      check(await connection.send(request));
      times.push(performance.now() - sent);
    }
  };
  try {
    await Promise.all(connections.map(lane));
    return { times, rate: (times.length / (performance.now() - began)) * 1_000 };
  } finally {
    for (const connection of connections) connection.close();
  }
}

/** Whether so many milliseconds have passed since. */
export function after(ms) {
  const end = performance.now() + ms;
  return () => performance.now() >= end;
}
