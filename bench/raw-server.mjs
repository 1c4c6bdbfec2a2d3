// The least a Node server can be: node:http, one route.
import { createServer } from 'node:http';

/** @param identify gives the user id for a request, or a promise of it; what throws is a 401 */
export async function startRaw(identify) {
  const server = createServer(async (request, response) => {
    try {
      send(response, 200, JSON.stringify({ id: await identify(request) }));
    } catch {
      send(response, 401, '{"error":"invalid_token"}');
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server.address().port;
}

function send(response, status, body) {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}

export function bearerOf(request) {
  return request.headers.authorization.slice('Bearer '.length);
}
