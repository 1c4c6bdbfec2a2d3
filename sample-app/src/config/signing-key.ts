import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { JwtKnoxKey } from 'nestjs-jwt-knox';

/** Where the public half of a key file stands, for services that only verify. */
export const publicFileOf = (file: string) => `${file}.pub`;

/** The ES256 key in a file, which is made when it is not there; several processes may start at once. */
export function signingKeyOf(file: string): JwtKnoxKey {
  const privateKey = createPrivateKey(readFileSync(existing(file)));
  const publicKey = createPublicKey(privateKey);
  writeFileSync(publicFileOf(file), publicKey.export({ format: 'pem', type: 'spki' }));
  return { kid: kidOf(publicKey), algorithm: 'ES256', privateKey };
}

/** The key in the public half of a key file. */
export function verifyingKeyOf(publicFile: string): JwtKnoxKey {
  const publicKey = createPublicKey(readFileSync(publicFile));
  return { kid: kidOf(publicKey), algorithm: 'ES256', publicKey };
}

/** A name that comes from the key itself: a new key has a new one. */
function kidOf(publicKey: KeyObject): string {
  const der = publicKey.export({ format: 'der', type: 'spki' });
  return createHash('sha256').update(der).digest('base64url').slice(0, 16);
}

function existing(file: string): string {
  mkdirSync(dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}`;
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  writeFileSync(draft, privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });
  try {
    // Fails when the file is there: of two processes one wins, and nobody reads half a key.
    linkSync(draft, file);
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft);
  }
  return file;
}
