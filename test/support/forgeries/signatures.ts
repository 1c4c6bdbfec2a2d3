import { type KeyObject, sign } from 'node:crypto';
import { attackerKeys, flipped, forge, headers, rightful, signerOf, unsigned, victimKeys } from '../forge';
import { add } from './corpus';

/** The public key in every spelling that could be taken for an HMAC secret. */
function publicSpellings(key: KeyObject): [string, string | Buffer][] {
  const jwk = key.export({ format: 'jwk' });
  const pem = key.export({ format: 'pem', type: 'spki' }) as string;
  const pkcs1 = key.export({ format: 'pem', type: 'pkcs1' }) as string;
  return [
    ['PEM text', pem],
    ['PEM text without its last line break', pem.trimEnd()],
    ['PEM text with CRLF', pem.replaceAll('\n', '\r\n')],
    ['PKCS #1 PEM text', pkcs1],
    ['DER', key.export({ format: 'der', type: 'spki' })],
    ['PKCS #1 DER', key.export({ format: 'der', type: 'pkcs1' })],
    ['DER in base64', key.export({ format: 'der', type: 'spki' }).toString('base64')],
    ['JWK', JSON.stringify(jwk)],
    ['modulus bytes', Buffer.from(jwk.n!, 'base64url')],
    ['modulus in base64url', jwk.n!],
    ['modulus in hex', Buffer.from(jwk.n!, 'base64url').toString('hex')],
  ];
}

// No signature.
for (const alg of ['none', 'None', 'NONE', 'nOnE']) {
  add('malformed', `alg ${alg} and an empty signature`, ({ access }) => forge(access, unsigned, { header: { alg } }));
  add('algorithm', `alg ${alg} and the signature of a good token`, ({ access }) =>
    forge(access, rightful.rsa, { header: { alg } }),
  );
}
add('malformed', 'the right header and an empty signature', ({ access }) => forge(access, unsigned));
add('malformed', 'the right header and no signature at all', ({ access }) => access.split('.').slice(0, 2).join('.'));
add('signature', 'a signature with one bit flipped', ({ access }) => forge(access, flipped(rightful.rsa)));
add('signature', 'a signature cut short', ({ access }) =>
  forge(access, (input) => rightful.rsa(input).subarray(0, 128)),
);
add('signature', 'a signature of zeros', ({ access }) => forge(access, () => Buffer.alloc(256)));
add('signature', 'an ECDSA signature of zeros', ({ access }) =>
  forge(access, () => Buffer.alloc(64), { header: headers.ec }),
);
add('signature', 'the signature of another token of the same key', ({ access, refresh }) =>
  [...access.split('.').slice(0, 2), refresh.split('.')[2]].join('.'),
);
add('signature', "a signature by the attacker's own key", ({ access }) =>
  forge(access, signerOf('RS256', attackerKeys.rsa.privateKey)),
);

// One key in the place of another.
for (const [spelling, secret] of publicSpellings(victimKeys.rsa.publicKey)) {
  add('algorithm', `HS256 with the public RSA key as secret (${spelling})`, ({ access }) =>
    forge(access, signerOf('HS256', secret), { header: { alg: 'HS256' } }),
  );
  add('signature', `the kid of an HMAC key, signed with the public RSA key as secret (${spelling})`, ({ access }) =>
    forge(access, signerOf('HS256', secret), { header: headers.hmac }),
  );
}
add('signature', 'HS256 with an empty secret', ({ access }) =>
  forge(access, signerOf('HS256', ''), { header: headers.hmac }),
);
add('algorithm', 'RS256 under the kid of an HMAC key', ({ access }) =>
  forge(access, rightful.rsa, { header: { kid: 'hmac' } }),
);
for (const alg of ['HS384', 'HS512']) {
  add('algorithm', `${alg} with a secret that is for HS256`, ({ access }) =>
    forge(access, signerOf(alg, victimKeys.hmac), { header: { ...headers.hmac, alg } }),
  );
}
for (const alg of ['PS256', 'RS384', 'RS512', 'PS512']) {
  add('algorithm', `${alg} with a key that is for RS256`, ({ access }) =>
    forge(access, signerOf(alg, victimKeys.rsa.privateKey), { header: { alg } }),
  );
}
add('algorithm', 'RS256 with a key that is for PS256', ({ access }) =>
  forge(access, signerOf('RS256', victimKeys.pss.privateKey), { header: { ...headers.pss, alg: 'RS256' } }),
);
add('signature', 'a PSS signature under alg RS256', ({ access }) =>
  forge(access, signerOf('PS256', victimKeys.rsa.privateKey)),
);
add('signature', 'a PKCS #1 v1.5 signature under alg PS256', ({ access }) =>
  forge(access, signerOf('RS256', victimKeys.pss.privateKey), { header: headers.pss }),
);
add('signature', 'a SHA-512 signature under alg RS256', ({ access }) =>
  forge(access, signerOf('RS512', victimKeys.rsa.privateKey)),
);
add('algorithm', 'ES384 on its own curve under the kid of a P-256 key', ({ access }) =>
  forge(access, signerOf('ES384', attackerKeys.p384.privateKey), { header: { ...headers.ec, alg: 'ES384' } }),
);
for (const curve of ['p384', 'secp256k1'] as const) {
  add('signature', `ES256 by a key on the curve ${curve}`, ({ access }) =>
    forge(access, signerOf('ES256', attackerKeys[curve].privateKey), { header: headers.ec }),
  );
}
add('signature', 'an ECDSA signature in DER', ({ access }) =>
  forge(access, (input) => sign('sha256', Buffer.from(input), victimKeys.ec.privateKey), { header: headers.ec }),
);
