import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Tls } from './platforms';

/** A certificate for `localhost` and `*.test` that nobody has signed, and by which Chromium can be told to trust it. */
export function makeCertificate(): { tls: Tls; spki: string } {
  const folder = mkdtempSync(join(tmpdir(), 'jwt-knox-'));
  try {
    const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const names = 'subjectAltName=DNS:localhost,DNS:*.test,IP:127.0.0.1';
    const how = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    const what = ['-subj', '/CN=localhost', '-addext', names, '-keyout', keyFile, '-out', certFile];
    execFileSync('openssl', [...how, ...what], { stdio: 'ignore' });
    const tls = { key: readFileSync(keyFile, 'utf8'), cert: readFileSync(certFile, 'utf8') };
    const key = new X509Certificate(tls.cert).publicKey.export({ type: 'spki', format: 'der' });
    return { tls, spki: createHash('sha256').update(key).digest('base64') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
