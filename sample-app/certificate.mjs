// `npm run certificate`: makes a key and a certificate for https on this machine, and prints how to use them.
import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = join(dirname(fileURLToPath(import.meta.url)), '.certificate');
const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];

if (!existsSync(certFile)) {
  mkdirSync(folder, { recursive: true });
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30'];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  try {
    execFileSync('openssl', ['req', ...kind, ...names, '-keyout', keyFile, '-out', certFile], { stdio: 'ignore' });
  } catch (error) {
    console.error(error.code === 'ENOENT' ? 'Install openssl, and run this again.' : error.message);
    process.exit(1);
  }
}

const { publicKey, validTo } = new X509Certificate(readFileSync(certFile));
const spki = createHash('sha256')
  .update(publicKey.export({ type: 'spki', format: 'der' }))
  .digest('base64');
const shown = (file) => relative(process.cwd(), file);
console.log(`The certificate is for https://localhost, until ${validTo}. Delete the folder to make a new one.

Start the application:
  TLS_KEY=${shown(keyFile)} TLS_CERT=${shown(certFile)} BINDING=prefer npm start

Start a Chromium that trusts this certificate and, where there is no TPM, keeps keys in software. For a try only: on a
profile of its own, which you delete after it.
  chromium --user-data-dir=/tmp/bound-sessions \\
    --ignore-certificate-errors-spki-list=${spki} \\
    --enable-features=DeviceBoundSessions,EnableBoundSessionCredentialsSoftwareKeysForManualTesting \\
    https://localhost:3000/auth/login

A certificate that you click away as not trusted binds nothing. To trust it for good, import ${shown(certFile)} as an
authority in the settings of the browser.`);
