// Naive transports, of the header and of cookies.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { BearerTransport, CookieTransport } = require('nestjs-jwt-knox');

export const TRANSPORTS = {
  /** Repairs what it reads, as lenient decoders do: one token has many spellings. */
  'lenient-transport': class extends BearerTransport {
    readAccess(request) {
      const parts = String(request.headers.authorization ?? '').match(/[\w+/-]+={0,2}/g) ?? [];
      const token = parts.slice(-3).map((part) => Buffer.from(part, 'base64').toString('base64url'));
      return token.length === 3 ? token.join('.') : null;
    }
  },

  /** Believes that there is always a word after the scheme. */
  'careless-transport': class extends BearerTransport {
    readAccess(request) {
      return request.headers.authorization.split(' ')[1].trim();
    }
  },

  /** Fails where nobody catches it. */
  'crashing-transport': class extends BearerTransport {
    readAccess(request) {
      setImmediate(() => decodeURIComponent(request.headers.authorization ?? ''));
      return super.readAccess(request);
    }
  },

  /** Writes down what comes in. */
  'logging-transport': class extends BearerTransport {
    readAccess(request) {
      console.log('Incoming', { headers: request.headers });
      return super.readAccess(request);
    }
  },

  /** Keeps the last token, for a comparison. */
  'remembering-transport': class extends BearerTransport {
    readAccess(request) {
      this.latest = super.readAccess(request);
      return this.latest;
    }
  },

  /** Tells what was wrong, and with what. */
  'confiding-transport': class extends BearerTransport {
    readRefresh(request) {
      try {
        return super.readRefresh(request);
      } catch (error) {
        throw Object.assign(error, { presented: request.body });
      }
    }
  },

  /** Takes the token for the name of the client. */
  'labelling-transport': class extends BearerTransport {
    readAccess(request) {
      const token = super.readAccess(request);
      if (token) request.headers['user-agent'] = token.split('.')[1];
      return token;
    }
  },

  /** Sets cookies, and tells scripts what is in them. */
  'telling-cookies': class extends CookieTransport {
    write(response, tokens, request) {
      return { ...super.write(response, tokens, request), token: tokens.accessToken };
    }
  },

  /** Lets scripts read the cookies. */
  'readable-cookies': class extends CookieTransport {
    write(response, tokens, request) {
      const body = super.write(response, tokens, request);
      const raw = response.raw ?? response;
      const { writeHead } = raw;
      raw.writeHead = (...head) => {
        const cookies = [raw.getHeader('Set-Cookie') ?? []].flat();
        raw.setHeader('Set-Cookie', cookies.map((cookie) => cookie.replace('; HttpOnly', ''))); // prettier-ignore
        return writeHead.apply(raw, head);
      };
      return body;
    }
  },

  /** Leaves the token of a page in the log. */
  'noting-cookies': class extends CookieTransport {
    readRenewal(request) {
      const token = super.readRenewal(request);
      if (token) console.log(`A page goes on by ${token}`);
      return token;
    }
  },

  /** Forgets nothing. */
  'hoarding-transport': class extends BearerTransport {
    hoard = [];
    readAccess(request) {
      this.hoard.push(Buffer.alloc(2 ** 18, request.url));
      return super.readAccess(request);
    }
  },
};
